"""Who may ask: this machine's own pages, and nobody else."""

import httpx
import pytest
from fakes.lakeside import Estate, Service
from fakes.reading import Asking

from incidents.model import Do, Incident, IncidentState
from rules.kinds import EventKind
from store.model import InputError
from web import service


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "example.org", ""])  # noqa: S104  refused is the point
def test_the_service_refuses_to_be_reachable_by_others_without_https(host: str) -> None:
    with pytest.raises(InputError, match=r"can be reached by others, wanted 127\.0\.0\.1, ::1 or localhost, or an app_url of https"):
        service.listen(host, 0)


def test_behind_something_that_speaks_https_others_may_reach_it() -> None:
    with service.listen("0.0.0.0", 0, is_https=True) as listening:  # noqa: S104  the point
        assert listening.getsockname()[0] == "0.0.0.0"  # noqa: S104  the point


def test_a_port_in_use_is_one_clear_line(served: Service) -> None:
    with pytest.raises(OSError, match=rf"^cannot listen on 127\.0\.0\.1 port {served.port}: Address already in use; choose another one"):
        service.listen("127.0.0.1", served.port)


def test_the_service_ends_when_it_is_told_although_a_page_is_open(client: Asking, served: Service) -> None:
    with client.stream("GET", "/events?community=lakeside") as open_page:
        lines = open_page.iter_lines()
        assert "event: change" in [next(lines) for _ in range(4)]
        served.stop()
        list(lines)
    assert not served.is_running


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.1.10", "[::2]", "[", ""])
def test_a_name_that_another_site_points_here_is_refused(client: Asking, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8470", "[::1]:8470", "LOCALHOST:1"])
def test_names_of_this_machine_are_answered(client: Asking, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.fixture
def fallen(estate: Estate) -> Incident:
    return estate.happens(EventKind.SOS, "wang-xiuying")


def resolve(client: Asking, incident: Incident, **headers: str) -> httpx.Response:
    form = {"community": "lakeside", "act": f"{Do.RESOLVE}/{incident.id}"}
    return client.post("/acts", data=form, headers={name.replace("_", "-"): value for name, value in headers.items()})


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"origin": "http://["},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_refused(client: Asking, estate: Estate, fallen: Incident, headers: dict[str, str]) -> None:
    assert resolve(client, fallen, **headers).status_code == 403
    assert estate.incident(fallen).state is IncidentState.OPEN


def test_a_form_of_our_own_page_is_taken(client: Asking, estate: Estate, served: Service, fallen: Incident) -> None:
    assert resolve(client, fallen, origin=served.url, sec_fetch_site="same-origin").status_code == 303
    assert estate.incident(fallen).state is IncidentState.RESOLVED


def test_nothing_is_done_by_looking(client: Asking, estate: Estate, fallen: Incident) -> None:
    asked = {"community": "lakeside", "act": f"{Do.RESOLVE}/{fallen.id}"}
    assert client.get("/acts", params=asked).status_code == 405
    assert estate.incident(fallen).state is IncidentState.OPEN


@pytest.mark.parametrize("path", ["/", "/phones", "/homes", "/nowhere", "/static/anju.js"])
def test_every_answer_says_what_a_browser_may_do_with_it(client: Asking, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert "access-control-allow-origin" not in headers


def test_pages_travel_small_and_events_as_they_come(client: httpx.Client) -> None:
    assert client.get("/").headers["content-encoding"] == "gzip"
    with client.stream("GET", "/events") as events:
        assert "content-encoding" not in events.headers
        assert next(events.iter_lines()).startswith("id:")
