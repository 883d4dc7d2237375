"""Who may ask: this machine's own pages, and nobody else."""

import asyncio

import httpx
import pytest
from fakes.lakeside import Estate, Service

from incidents.model import Do, Incident, IncidentState
from rules.kinds import EventKind
from store.model import InputError
from store.session import Database
from web import service


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "example.org", ""])  # noqa: S104  refused is the point
def test_the_service_refuses_to_be_reachable_by_others(database: Database, host: str) -> None:
    with pytest.raises(InputError, match=r"can be reached by others, wanted 127\.0\.0\.1, ::1 or localhost until there is a sign-in"):
        asyncio.run(service.serve(database, host, 0, asyncio.Event()))


def test_a_port_in_use_is_one_clear_line(served: Service) -> None:
    with pytest.raises(OSError, match=rf"^cannot listen on 127\.0\.0\.1 port {served.port}: Address already in use; choose another one"):
        service.listen("127.0.0.1", served.port)


def test_the_service_ends_when_it_is_told_although_a_page_is_open(served: Service) -> None:
    with httpx.stream("GET", f"{served.url}/events?community=lakeside", trust_env=False) as open_page:
        lines = open_page.iter_lines()
        assert next(lines) == "event: change"
        served.stop()
        list(lines)
    assert not served.is_running


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.1.10", "[::2]", "[", ""])
def test_a_name_that_another_site_points_here_is_refused(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8470", "[::1]:8470", "LOCALHOST:1"])
def test_names_of_this_machine_are_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 200


@pytest.fixture
def fallen(estate: Estate) -> Incident:
    return estate.happens(EventKind.SOS, "wang-xiuying")


def resolve(client: httpx.Client, incident: Incident, **headers: str) -> httpx.Response:
    form = {"community": "lakeside", "by": "guard-chen", "act": f"{Do.RESOLVE}/{incident.id}"}
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
def test_a_form_of_another_site_is_refused(client: httpx.Client, estate: Estate, fallen: Incident, headers: dict[str, str]) -> None:
    assert resolve(client, fallen, **headers).status_code == 403
    assert estate.incident(fallen).state is IncidentState.OPEN


def test_a_form_of_our_own_page_is_taken(client: httpx.Client, estate: Estate, served: Service, fallen: Incident) -> None:
    assert resolve(client, fallen, origin=served.url, sec_fetch_site="same-origin").status_code == 303
    assert estate.incident(fallen).state is IncidentState.RESOLVED


def test_nothing_is_done_by_looking(client: httpx.Client, estate: Estate, fallen: Incident) -> None:
    asked = {"community": "lakeside", "by": "guard-chen", "act": f"{Do.RESOLVE}/{fallen.id}"}
    assert client.get("/acts", params=asked).status_code == 405
    assert estate.incident(fallen).state is IncidentState.OPEN


@pytest.mark.parametrize("path", ["/", "/phones", "/homes", "/nowhere", "/static/anju.js"])
def test_every_answer_says_what_a_browser_may_do_with_it(client: httpx.Client, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe-inline" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert "access-control-allow-origin" not in headers
