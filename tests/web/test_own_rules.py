"""Rules that families and administrators make in the app: saved as drafts, tried on the log, and then switched on."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.lakeside import LAKESIDE, Estate, Service, example, front_door
from fakes.past import happened, opened

from devices.broker import EmbeddedBroker
from devices.model import HomeId
from rules.kinds import EventKind
from store import configuration
from store.session import Database
from web.service import create_app

OWN = {"id": "own", "kinds": ["custom"], "steps": [{"after_s": 0, "tell": ["occupants", "relatives"], "by": ["sms"]}]}
WINDOW: dict[str, Any] = {"home": "b3-201", "name": "窗户开太久", "when": [{"device": "c-02", "state": "open", "for_s": 600}]}


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    said = example()
    said["policies"] = [*said["policies"], OWN, {"id": "gate", "kinds": ["tamper"], "steps": [OWN["steps"][0] | {"tell": ["roster:gate"]}]}]
    said["policies"] = [one for one in said["policies"] if one["id"] in {"own", "gate"} or not {"tamper", "custom"} & set(one["kinds"])]
    said["devices"].append({"id": "gate-1", "kind": "contact", "covers": "gate"})
    return Estate(database, said, tmp_path / "lakeside.json")


@pytest.fixture
def pages(estate: Estate, broker: EmbeddedBroker) -> Iterator[Service]:
    app = create_app(estate.database, front_door(), clock=estate.clock, open_log=lambda: opened(broker))
    served = Service(estate.database, estate.clock, app=app)
    yield served
    served.stop()


@pytest.fixture
def ask(estate: Estate, pages: Service) -> Callable[..., httpx.Response]:
    def asked(who: str, method: str, place: str, said: dict[str, Any] | None = None) -> httpx.Response:
        with pages.client("en", estate.sign_in(who), origin=pages.url) as client:
            return client.request(method, f"/api/rules{place}", json=said)

    return asked


def rule_of(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in {200, 201}, answer.text
    (rule,) = answer.json()["rules"]
    return dict(rule)


def active(estate: Estate) -> list[str]:
    """Rules that judge, as the community's document has it."""
    with estate.database.read() as session:
        said = json.loads(configuration.community_at(session, LAKESIDE) or "{}")
    return [one["name"] for one in said.get("rules", []) if one.get("state", "active") == "active"]


def test_a_rule_is_saved_tried_and_switched_on(estate: Estate, ask: Callable[..., httpx.Response], broker: EmbeddedBroker) -> None:
    happened(broker, [(50, 49.9), (48, 46), (24, 23.5)])  # for six minutes, two hours, and half an hour
    rule = rule_of(ask("wang-lei", "POST", "", WINDOW))
    assert (rule["is_on"], rule["when_words"], rule["by_words"]) == (False, ["window sensor (c-02)"], "王磊")
    assert active(estate) == []
    trial = ask("wang-lei", "POST", f"/{rule['id']}/trial", {"days": 7}).json()
    assert (trial["found"], trial["is_flood"], trial["unheard_words"]) == (2, False, "")
    assert [words.split()[-1] for words in trial["newest_words"]] == ["14:10", "14:10"]
    on = ask("wang-lei", "PUT", f"/{rule['id']}/state", {"is_on": True, "tag": rule["tag"], "proof": trial["proof"]})
    assert rule_of(on)["is_on"]
    assert active(estate) == ["窗户开太久"]


def test_a_trial_of_a_change_says_what_is_gained_lost_and_later_beside_the_rule_as_it_was_on(
    ask: Callable[..., httpx.Response], broker: EmbeddedBroker
) -> None:
    happened(broker, [(50, 49.9), (48, 46), (24, 23.5)])  # for six minutes, two hours, and half an hour
    rule = rule_of(ask("wang-lei", "POST", "", WINDOW))
    place = f"/{rule['id']}"
    first = ask("wang-lei", "POST", f"{place}/trial", {}).json()
    assert (first["was_on"], first["sums"], [one["what"] for one in first["changes"]]) == (False, {"gained": 2}, ["gained"] * 2)
    on = rule_of(ask("wang-lei", "PUT", f"{place}/state", {"is_on": True, "tag": rule["tag"], "proof": first["proof"]}))
    said: dict[str, Any] = {}
    for for_s in (300, 3600):
        when = [WINDOW["when"][0] | {"for_s": for_s}]
        on = rule_of(ask("wang-lei", "PUT", place, WINDOW | {"when": when, "tag": on["tag"]}))
        said[str(for_s)] = ask("wang-lei", "POST", f"{place}/trial", {}).json()
    assert [(one["was_on"], one["sums"]) for one in said.values()] == [(True, {"gained": 1, "earlier": 2}), (True, {"later": 1, "lost": 1})]
    later, lost = said["3600"]["changes"]
    assert (later["after_ns"] - later["before_ns"]) / 1e9 == pytest.approx(3000)
    assert (later["before_words"].split()[-1], later["after_words"].split()[-1]) == ("14:10", "15:00")
    assert (lost["after_ns"], lost["after_words"], lost["before_words"].split()[-1]) == (None, "", "14:10")


def test_nobody_switches_on_what_was_not_tried_as_it_is(estate: Estate, ask: Callable[..., httpx.Response], broker: EmbeddedBroker) -> None:
    happened(broker, [(2, 1)])
    rule = rule_of(ask("wang-lei", "POST", "", WINDOW))
    place, on = f"/{rule['id']}", {"is_on": True, "tag": rule["tag"]}
    assert ask("wang-lei", "PUT", f"{place}/state", on).json()["code"] == "try_first"
    proof = ask("wang-lei", "POST", f"{place}/trial", {}).json()["proof"]
    changed = rule_of(ask("wang-lei", "PUT", place, WINDOW | {"name": "窗户", "tag": rule["tag"]}))
    assert ask("wang-lei", "PUT", f"{place}/state", on | {"proof": proof, "tag": changed["tag"]}).json()["code"] == "try_first"
    assert ask("wang-lei", "PUT", f"{place}/state", on | {"proof": proof}).json()["code"] == "rule_changed"
    estate.pass_s(3601)
    late = on | {"proof": proof, "tag": rule["tag"]}
    assert ask("wang-lei", "PUT", f"{place}/state", late).json()["code"] == "try_first"
    assert active(estate) == []


def test_a_rule_that_would_have_flooded_is_asked_about_once_more(ask: Callable[..., httpx.Response], broker: EmbeddedBroker) -> None:
    happened(broker, [(hours, hours - 0.5) for hours in range(2, 32)])
    rule = rule_of(ask("wang-lei", "POST", "", WINDOW))
    trial = ask("wang-lei", "POST", f"/{rule['id']}/trial", {}).json()
    assert (trial["found"], trial["is_flood"]) == (30, True)
    on = {"is_on": True, "tag": rule["tag"], "proof": trial["proof"]}
    assert ask("wang-lei", "PUT", f"/{rule['id']}/state", on).json()["code"] == "rule_floods"
    forged = on | {"proof": trial["proof"].replace(".1.", ".0.")}
    assert ask("wang-lei", "PUT", f"/{rule['id']}/state", forged).json()["code"] == "try_first"
    assert rule_of(ask("wang-lei", "PUT", f"/{rule['id']}/state", on | {"is_sure": True}))["is_on"]


def test_sensors_that_said_nothing_are_named(ask: Callable[..., httpx.Response], broker: EmbeddedBroker) -> None:
    happened(broker, [])
    rule = rule_of(ask("wang-lei", "POST", "", WINDOW))
    trial = ask("wang-lei", "POST", f"/{rule['id']}/trial", {}).json()
    assert (trial["found"], trial["unheard_words"]) == (0, "window sensor (c-02)")


def test_what_is_switched_off_or_removed_judges_nothing(estate: Estate, ask: Callable[..., httpx.Response]) -> None:
    estate.write(estate.said | {"rules": [{"id": "window", "state": "active"} | WINDOW]}, ago_s=0)
    (rule,) = ask("wang-lei", "GET", "?home=b3-201").json()["rules"]
    off = rule_of(ask("wang-lei", "PUT", "/window/state", {"is_on": False, "tag": rule["tag"]}))
    assert (off["is_on"], active(estate)) == (False, [])
    assert ask("wang-lei", "DELETE", "/window", {"tag": off["tag"]}).json()["rules"] == []


def test_an_incident_is_headed_by_the_name_of_its_rule(estate: Estate, pages: Service) -> None:
    estate.write(estate.said | {"rules": [{"id": "window", "names": {"en": "Window left open"}} | WINDOW]}, ago_s=0)
    incident = estate.happens(EventKind.CUSTOM, "b3-201", home_id=HomeId("b3-201"), cause="window", evidence={"rule": "window"})
    cookies = estate.sign_in("guard-chen")
    for language, name in (("en", "Window left open"), ("zh", "窗户开太久")):
        with pages.client(language, cookies) as client:
            assert name in client.get(f"/incidents/lakeside/{incident.id}").text


@pytest.mark.parametrize(
    ("who", "change", "status"),
    [
        ("wang-lei", {"home": "b3-202"}, 404),
        ("wang-lei", {"home": None}, 404),
        ("wang-lei", {"policy": "own"}, 201),
        ("wang-lei", {"policy": "gate"}, 422),
        ("wang-lei", {"severity": "life", "policy": "own"}, 422),
        ("wang-lei", {"when": [{"device": "c-02", "state": "motion"}]}, 422),
        ("wang-lei", {"when": [{"device": "c-02", "state": "open", "expression": "1"}]}, 422),
        ("office", {"severity": "life", "policy": "gate"}, 201),
        ("office", {"home": None}, 422),
        ("office", {"home": None, "when": [{"kind": "contact", "state": "open"}]}, 422),
        ("office", {"home": None, "when": [{"device": "gate-1", "state": "open"}]}, 201),
        ("guard-chen", {}, 403),
    ],
)
def test_who_may_make_which_rule(who: str, change: dict[str, Any], status: int, ask: Callable[..., httpx.Response]) -> None:
    assert ask(who, "POST", "", WINDOW | change).status_code == status
