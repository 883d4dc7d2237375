"""The desk by the API: what is wrong beside what is broken, who may be asked to take it, and what a shift leaves to the next."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fakes.falling import evidence
from fakes.lakeside import Estate, Service, example

from incidents.directory import Language
from incidents.model import Do, Incident, IncidentState
from rules.kinds import EventKind
from store.session import Database
from web.languages import words_in
from web.words import Desking, Notice

EN = words_in(Language.EN)


@pytest.fixture
def estate(database: Database, tmp_path: Path) -> Estate:
    """Somebody has a key."""
    said = example()
    said["homes"][0]["access"] = "钥匙在门卫室，第3格"
    return Estate(database, said, tmp_path / "lakeside.json")


@pytest.fixture
def guard(served: Service, estate: Estate) -> Iterator[httpx.Client]:
    with served.client("en", estate.sign_in("guard-chen")) as asking:
        yield asking


@pytest.fixture
def other(served: Service, estate: Estate) -> Iterator[httpx.Client]:
    with served.client("en", estate.sign_in("guard-zhao")) as asking:
        yield asking


def falls(estate: Estate) -> Incident:
    place = {"home_id": "b3-201", "resident_id": "wang-xiuying"}
    fallen = estate.happens(EventKind.FALL, "wang-xiuying", device="w-01", score=0.97, evidence=evidence(), **place)
    estate.pass_s(31)
    estate.dispatch()
    return fallen


def told(asking: httpx.Client, path: str) -> Any:
    answer = asking.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def act(asking: httpx.Client, incident: Incident, **wish: Any) -> httpx.Response:
    return asking.post(f"/api/incidents/{incident.id}/acts", json=wish)


def test_what_is_broken_stands_beside_what_is_wrong_and_each_knows_where_to_go(estate: Estate, guard: httpx.Client) -> None:
    estate.happens(EventKind.LOW_BATTERY, "c-01", device="c-01", home_id="b3-201")
    estate.happens(EventKind.EXIT, "li-ming", device="w-02", ago_s=120)
    fallen = falls(estate)
    desk = told(guard, "/api/desk")
    assert [(one["kind"], one["tone"]) for one in desk["wrong"]] == [("fall", "alarm"), ("exit", "alarm")]
    assert [one["kind"] for one in desk["faults"]] == ["low_battery"]
    first, second = desk["wrong"]
    assert first["id"] == fallen.id
    assert (first["lon_deg"], first["lat_deg"]) == (pytest.approx(119.95004), pytest.approx(31.78004)), "of her home"
    assert second["lon_deg"] is None, "whose home has no footprint"


def test_the_console_without_scripts_says_the_same_as_the_desk_of_what_is_broken(estate: Estate, served: Service) -> None:
    with served.client("en", estate.sign_in("office")) as office:
        lacks = {one["lack"]: one["words"] for one in told(office, "/api/desk/lacks")}
        page = office.get("/").text
    assert lacks["red_list"] == EN.desk[Desking.RED_LIST].format(n=2)
    assert all(words in page for words in lacks.values())


def test_how_one_gets_in_is_said_to_who_works_here_and_to_nobody_else(estate: Estate, served: Service, guard: httpx.Client) -> None:
    fallen = falls(estate)
    assert told(guard, f"/api/incidents/{fallen.id}")["access_words"] == "钥匙在门卫室，第3格"
    with served.client("en", estate.sign_in("wang-lei")) as daughter:
        assert told(daughter, f"/api/incidents/{fallen.id}")["access_words"] == ""
    act(guard, fallen, do=Do.RESOLVE)
    assert told(guard, f"/api/incidents/{fallen.id}")["access_words"] == ""


def test_it_is_handed_over_to_whoever_is_named_and_both_desks_say_so(estate: Estate, guard: httpx.Client, other: httpx.Client) -> None:
    fallen = falls(estate)
    act(guard, fallen, do=Do.ACKNOWLEDGE, eta_min=10)
    takers = [one["id"] for one in told(guard, f"/api/incidents/{fallen.id}")["takers"]]
    assert takers == ["guard-zhao", "office"]
    story = act(guard, fallen, do=Do.HAND_OVER, to="guard-zhao").json()
    assert story["card"]["more_words"] == "赵队 was asked to take it, no answer yet"
    assert "陈队 asked 赵队 to take it" in [one["words"] for one in story["moments"]]
    (mine,) = told(guard, "/api/desk")["wrong"]
    (theirs,) = told(other, "/api/desk")["wrong"]
    assert [(one["is_mine"], one["is_for_me"]) for one in (mine, theirs)] == [(True, False), (False, True)]
    assert act(other, fallen, do=Do.ACKNOWLEDGE, eta_min=5).json()["card"]["state_words"] == "赵队 has it"


def test_of_two_who_take_it_at_once_the_second_is_told_that_it_has_changed(
    estate: Estate, guard: httpx.Client, other: httpx.Client
) -> None:
    fallen = falls(estate)
    (seen,) = told(guard, "/api/desk")["wrong"]
    assert act(guard, fallen, do=Do.ACKNOWLEDGE, stands=seen["stands"]).status_code == 200
    late = act(other, fallen, do=Do.ACKNOWLEDGE, stands=seen["stands"])
    assert (late.status_code, late.json()["words"]) == (409, EN.notices[Notice.CHANGED])
    assert estate.incident(fallen).acknowledged_by == "guard-chen"


def test_what_was_found_stands_in_the_timeline_and_on_the_card(estate: Estate, guard: httpx.Client) -> None:
    fallen = falls(estate)
    offered = {one["do"]: [each["reason"] for each in one["found"]] for one in told(guard, f"/api/incidents/{fallen.id}")["acts"]}
    assert offered["false_alarm"][0] == "mishap"
    assert offered["acknowledge"] == []
    story = act(guard, fallen, do=Do.FALSE_ALARM, reason="mishap", text="the watch fell off the table").json()
    (ended,) = [one for one in story["moments"] if one["kind"] == "end"]
    assert (ended["detail_words"], ended["said"]) == ("Knocked or pressed by mistake", "the watch fell off the table")
    assert story["card"]["more_words"] == "Knocked or pressed by mistake"


def test_the_next_shift_reads_what_is_open_what_ended_who_comes_and_the_note(
    estate: Estate, guard: httpx.Client, other: httpx.Client
) -> None:
    ended, still = estate.happens(EventKind.SOS, "li-ming"), falls(estate)
    act(guard, ended, do=Do.RESOLVE, reason="helped")
    assert guard.post("/api/desk/notes", json={"text": " the lift of building 3 stands still "}).status_code == 200
    shift = told(other, "/api/desk/shift")
    assert [one["id"] for one in shift["desk"]["wrong"]] == [still.id]
    assert [one["id"] for one in shift["over"]] == [ended.id]
    assert shift["duties"] == [{"roster": "gate", "now_words": "陈队 (until 20:00)", "next_words": "赵队 (until 2 Mar 08:00)"}]
    assert [(one["by_words"], one["text"]) for one in shift["notes"]] == [("陈队", "the lift of building 3 stands still")]
    assert shift["since_words"] == "08:00"


def test_without_scripts_it_is_handed_over_by_a_form(estate: Estate, served: Service) -> None:
    fallen = falls(estate)
    with served.client("en", estate.sign_in("guard-chen"), origin=served.url) as guard:
        assert 'value="guard-zhao"' in guard.get(f"/incidents/lakeside/{fallen.id}").text
        answer = guard.post("/acts", data={"act": f"hand_over/{fallen.id}", "to": "guard-zhao", "back": "incident"})
    assert answer.status_code == 303
    handed = estate.incident(fallen)
    assert (handed.state, handed.handed_to) == (IncidentState.OPEN, "guard-zhao")
