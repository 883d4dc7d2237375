"""Somebody moved out or died: everything about them ends, and quietly; who takes over takes over from a day on."""

import json
from typing import Any

import pytest
from fakes.command import anju
from fakes.lakeside import LAKESIDE, Estate, Service, example
from fakes.reading import Asking, text
from fakes.screens import Screens, at, violations
from playwright.sync_api import expect
from sqlmodel import select

from devices.model import NS_PER_S, DeviceId, PersonId
from incidents.directory import Role
from incidents.model import Act, Do, Duty, Ended, Incident, IncidentState, Purpose, Quiet
from notifier import reachability
from notifier.dispatch import Dispatcher
from notifier.gateways.console import ConsoleGateway
from notifier.spending import Spending
from rules.kinds import EventKind
from rules.model import Event
from store import administering, configuration, departures, outbox, timelines, views
from store.acts import act_on, silence
from store.community import parse
from store.estates import Estates
from store.importing import kept_in, plan
from store.model import InputError
from store.outbox import NotificationState
from store.schema import Departure
from store.tables import CommunityVersionRow, NotificationRow, PhotoRow
from web.client import is_built

WANG, OFFICE = PersonId("wang-xiuying"), PersonId("office")
DAY_NS = 24 * 3600 * NS_PER_S


def left(estate: Estate, why: Departure = Departure.DIED, who: PersonId = WANG) -> None:
    with estate.database.write() as session:
        departures.leave(session, LAKESIDE, who, why, by=OFFICE, now_ns=estate.now_ns)
    reread(estate)


def reread(estate: Estate) -> None:
    with estate.database.read() as session:
        estate.directory = Estates().community(session, LAKESIDE).directory


def document(estate: Estate) -> dict[str, Any]:
    with estate.database.read() as session:
        return administering.document(session, LAKESIDE)


def waiting(estate: Estate) -> list[tuple[str, str]]:
    with estate.database.read() as session:
        rows = session.exec(select(NotificationRow).where(NotificationRow.state == NotificationState.WAITING)).all()
        return [(row.incident_id, row.to_person) for row in rows]


def test_what_is_open_about_them_ends_and_nobody_is_told_of_it_nor_of_what_was_still_to_be_told(estate: Estate) -> None:
    fall = estate.happens(EventKind.SOS, WANG, home_id="b3-201")
    fault = estate.happens(EventKind.OFFLINE, "w-01", device="w-01", home_id="b3-201")
    other = estate.happens(EventKind.SOS, "li-ming", home_id="b3-202")
    with estate.database.write() as session:
        outbox.add(session, ending_of(fall), estate.now_ns)
    before = {one for one in waiting(estate) if one[0] == other.id}
    left(estate)
    for one in (fall, fault):
        assert (estate.incident(one).state, estate.incident(one).ended) == (IncidentState.RESOLVED, Ended.GONE)
    assert estate.incident(other).is_open
    assert set(waiting(estate)) == before
    estate.pass_s(3 * 24 * 3600)
    assert {incident for incident, _ in waiting(estate)} <= {other.id}


def ending_of(incident: Incident) -> Duty:
    """Of one that waits for the end of somebody's quiet hours."""
    return Duty(incident=incident, purpose=Purpose.ENDING, step=0, round=9, to=PersonId("wang-lei"), channel=None)


def test_a_silence_of_theirs_ends_without_a_word_too(estate: Estate) -> None:
    quiet = Quiet(by=PersonId("wang-lei"), subject=WANG, reason="住院", until_ns=estate.now_ns + DAY_NS, away=True)
    silence(estate.database, Estates(), LAKESIDE, quiet, estate.now_ns)
    left(estate)
    estate.pass_s(2 * 24 * 3600)
    with estate.database.read() as session:
        assert views.open_incidents(session, LAKESIDE) == ()
    assert waiting(estate) == []


def test_nothing_is_looked_for_or_missed_of_them_any_more(estate: Estate) -> None:
    left(estate)
    person = estate.directory.people[WANG]
    assert (person.roles, person.channels, person.phone_e164, person.home) == (frozenset(), (), None, None)
    assert WANG not in estate.directory.homes["b3-201"].occupants
    with estate.database.read() as session:
        community = Estates().community(session, LAKESIDE)
        assert "w-01" not in {one.id for one in community.devices}  # nobody wears it: it is not heard, and so never offline
        found = reachability.look(session, community.directory, Spending(), estate.now_ns)
        assert WANG not in {one.resident for one in found}
        premises = community.premises()
    assert premises.occupants(LAKESIDE, "b3-201") == ()
    assert (LAKESIDE, WANG) not in premises.wishes


def test_what_they_wore_is_free_for_somebody_else_and_what_it_tells_late_is_nobodys(estate: Estate) -> None:
    left(estate)
    (watch,) = (one for one in document(estate)["devices"] if one["id"] == "w-01")
    assert "wearer" not in watch
    assert watch["worn_before"][0]["by"] == WANG
    with estate.database.write() as session:
        item = {"id": "w-01", "wearer": "li-ming"}
        made = administering.put(
            session, LAKESIDE, "devices", item, by=OFFICE, before=administering.version(watch), now_ns=estate.now_ns + NS_PER_S
        )
    (given,) = (one for one in made.devices if one.id == DeviceId("w-01"))
    assert (given.wearer, [one.by for one in given.worn_before]) == ("li-ming", [None])


def test_who_belonged_to_them_alone_sees_nothing_more_at_once(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "wang-lei") as son:
        assert son.get("/api/homes/b3-201").status_code == 200
        left(estate)
        assert son.get("/api/homes/b3-201").status_code == 401
    assert Role.RELATIVE not in estate.directory.people[PersonId("wang-lei")].roles


def test_the_administrator_says_so_in_the_app(served: Service, estate: Estate) -> None:
    with Asking(served.url, estate, "office") as office:
        (she,) = (one for one in office.get("/api/administration/register").json()["people"] if one["id"] == WANG)
        path = f"/api/administration/people/{WANG}/left"
        assert office.post(path, json={"why": "died", "version": "another"}).status_code == 409
        assert office.post(path, json={"why": "moved", "version": she["version"]}).status_code == 200
        (she,) = (one for one in office.get("/api/administration/register").json()["people"] if one["id"] == WANG)
        assert (she["left_words"], she["phone"]) == ("moved out 2026-03-01", None)
        assert office.post(path, json={"why": "died", "version": she["version"]}).status_code == 422


def test_a_file_that_says_so_is_settled_by_the_dispatcher(estate: Estate, tmp_path: Any) -> None:
    fall = estate.happens(EventKind.SOS, WANG, home_id="b3-201")
    said = example()
    next(one for one in said["people"] if one["id"] == WANG)["left"] = {"at": "2026-03-01T05:00:00Z", "why": "moved"}
    with pytest.raises(InputError, match="who has left"):
        parse(json.dumps(said), "lakeside.json")
    for device in said["devices"]:
        if device.pop("wearer", None) == WANG:
            device["worn_before"] = [{"by": WANG, "until": "2026-03-01T05:00:00Z"}]
        elif device["kind"] == "wearable":
            device["wearer"] = "li-ming"
    estate.write(said, ago_s=0)
    dispatcher = Dispatcher(estate.database, [ConsoleGateway(tmp_path / "phones.jsonl")], worker="one", clock=estate.clock)
    dispatcher.look(estate.now_ns)
    dispatcher.close()
    assert estate.incident(fall).ended is Ended.GONE


@pytest.mark.parametrize("prune", [False, True])
def test_an_old_file_does_not_bring_them_back(estate: Estate, *, prune: bool) -> None:
    left(estate)
    said = example()
    with pytest.raises(InputError, match="who has left"):
        plan(kept_in(estate.database), "lakeside.json", text=json.dumps(said), prune=prune)
    next(one for one in said["devices"] if one["id"] == "w-01")["wearer"] = "li-ming"
    planned = plan(kept_in(estate.database), "lakeside.json", text=json.dumps(said), prune=prune)
    assert planned.community.directory.people[WANG].roles == frozenset()
    (watch,) = (one for one in planned.community.devices if one.id == "w-01")
    assert [one.by for one in watch.worn_before] == [None]


def test_after_180_days_the_name_is_forgotten_and_what_happened_stays_under_the_id(served: Service, estate: Estate) -> None:
    fall = estate.happens(EventKind.SOS, WANG, home_id="b3-201")
    estate.dispatch()
    with estate.database.write() as session:
        number = timelines.note(session, LAKESIDE, fall.id, by=PersonId("guard-chen"), text="x", at_ns=estate.now_ns)
        session.add(PhotoRow(community_id=LAKESIDE, incident_id=fall.id, number=number, media_type="image/jpeg", content=b"x"))
    left(estate)
    with estate.database.write() as session:
        assert departures.forget(session, LAKESIDE, estate.now_ns + departures.KEPT_NS - 1) == ()
    with estate.database.write() as session:
        assert departures.forget(session, LAKESIDE, estate.now_ns + departures.KEPT_NS) == (WANG,)
    with estate.database.write() as session:
        assert departures.forget(session, LAKESIDE, estate.now_ns + departures.KEPT_NS) == ()
    with estate.database.read() as session:
        documents = [row.document for row in session.exec(select(CommunityVersionRow))]
        texts = [row.text for row in session.exec(select(NotificationRow).where(NotificationRow.incident_id == fall.id))]
        assert not any("王秀英" in one for one in documents)
        assert len(documents) > 2
        assert texts
        assert not any(texts)
        assert session.exec(select(PhotoRow)).all() == []
    assert estate.incident(fall).ended is Ended.GONE
    estate.now_ns += departures.KEPT_NS
    with Asking(served.url, estate, "guard-chen") as guard:
        said = text(guard.get(f"/incidents/{LAKESIDE}/{fall.id}?lang=zh"))
    assert "王秀英" not in said
    assert "住户已经不在这里" in said


def test_whoever_is_no_resident_or_has_left_already_cannot_leave(estate: Estate) -> None:
    with pytest.raises(InputError, match="no resident"):
        left(estate, who=PersonId("wang-lei"))
    left(estate)
    with pytest.raises(InputError, match="left already"):
        left(estate)


def test_on_the_command_line(tmp_path: Any) -> None:
    file, at_ = tmp_path / "lakeside.json", ("--state", tmp_path / "state")
    file.write_text(json.dumps(example()), encoding="utf-8")
    assert anju("import", file, *at_).returncode == 0
    words = ("person", "left", WANG, "--why", "died", "--community", "lakeside", *at_)
    refused = anju(*words, "--by", "wang-lei")
    assert (refused.returncode, "no administrator" in refused.stderr) == (2, True)
    assert anju(*words, "--by", "office").stdout == "~ people wang-xiuying left: died\n"


def test_a_new_guardian_takes_over_on_a_day_and_the_old_one_has_no_right_from_then_on(served: Service, estate: Estate) -> None:
    said = example()
    people = {one["id"]: one for one in said["people"]}
    people["wang-lei"]["until"] = "2026-03-31"
    said["people"].append(
        {"id": "wang-min", "name": "王敏", "roles": ["relative"], "of": [WANG], "phone": "+8613800000077", "since": "2026-04-01"}
    )
    estate.write(said)

    def told() -> set[str]:
        event = Event(community_id=LAKESIDE, kind=EventKind.SOS, subject=WANG, t_ns=estate.now_ns, known_ns=estate.now_ns, seq=1)
        to = {one.to for one in estate.takes(event).duties if one.to in {"wang-lei", "wang-min"}}
        act_on(estate.database, Estates(), LAKESIDE, Act(by=PersonId("guard-chen"), do=Do.RESOLVE, subject=WANG), estate.now_ns)
        return to

    def may(who: str) -> bool:
        with Asking(served.url, estate, who) as asking:
            return asking.get("/api/homes/b3-201").status_code == 200

    assert (may("wang-lei"), may("wang-min")) == (True, False)
    assert told() == {"wang-lei"}
    estate.now_ns += 40 * DAY_NS
    assert (may("wang-lei"), may("wang-min")) == (False, True)
    assert told() == {"wang-min"}


@pytest.mark.skipif(not is_built(), reason="make setup builds the client")
@pytest.mark.parametrize(("locale", "leave", "died"), [("zh-CN", "王秀英不在这里了", "去世了"), ("en", "王秀英 has left", "Died")])
def test_by_hand_on_the_page(*, estate: Estate, served: Service, screen: Screens, locale: str, leave: str, died: str) -> None:
    page = at(screen(locale, 390, 844, who="office"), served, "/administration/register")
    page.get_by_role("button", name=leave).click()
    page.get_by_role("dialog").get_by_role("button", name=died).click()
    expect(page.get_by_role("button", name=leave)).to_have_count(0)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    with estate.database.read() as session:
        said = json.loads(configuration.community_at(session, LAKESIDE) or "{}")
    assert next(one for one in said["people"] if one["id"] == WANG)["left"]["why"] == "died"
