"""The red list: whether help would come for each resident, proved every night."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fakes.lakeside import Estate, example

from devices.model import NS_PER_S, PersonId
from incidents.care import Missing
from incidents.directory import Channel, Directory
from notifier.dispatch import Dispatcher
from notifier.gateways.console import ConsoleGateway
from notifier.reachability import AHEAD_S, Finding, Known, due_ns, look, prove
from notifier.spending import Spending, Stage
from rules.faults.wear import Wear
from rules.kinds import EventKind
from store import contacts, levels, positions
from store.community import load
from store.contacts import ContactState
from store.contacts import Known as Verified
from store.session import Database

ZONE = ZoneInfo("Asia/Shanghai")
WANG, LI = PersonId("wang-xiuying"), PersonId("li-ming")
DAY_S = 24 * 3600


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp()) * NS_PER_S


NOON_NS = at("2026-03-02T12:00")


@pytest.fixture
def directory(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Directory]:
    """The example, changed at will, in which everybody has two relatives."""

    def build(change: Callable[[dict[str, Any]], None] = lambda _: None) -> Directory:
        said = well_kept()
        change(said)
        path = tmp_path_factory.mktemp("community") / "lakeside.json"
        path.write_text(json.dumps(said), encoding="utf-8")
        return load(path).directory

    return build


def well_kept() -> dict[str, Any]:
    said = example()
    for resident in (WANG, LI):
        said["people"].append(
            {"id": f"son-of-{resident}", "name": "子", "roles": ["relative"], "of": [resident], "phone": "+8613800000009"}
        )
    return said


def known(directory: Directory, *, but: dict[tuple[str, Channel], ContactState] | None = None, **more: Any) -> Known:
    """Everybody's contact methods are verified and every device works, but for what is named."""
    methods = {(one.id, channel): ContactState.VERIFIED for one in directory.people.values() for channel in one.channels}
    return Known(methods={**methods, **(but or {})}, **more)


def lacks(found: tuple[Finding, ...], resident: str | None = None) -> list[Missing]:
    return [one.lack for one in found if one.resident == resident]


def test_where_nothing_is_missing_the_list_is_empty(directory: Callable[..., Directory]) -> None:
    estate = directory()
    assert prove(estate, known(estate), NOON_NS) == ()


@pytest.mark.parametrize("state", [ContactState.BROKEN, ContactState.OPTED_OUT, None])
def test_a_second_contact_that_was_not_verified_or_does_not_work_is_none(
    directory: Callable[..., Directory], state: ContactState | None
) -> None:
    estate = directory()
    sure = known(estate)
    methods = {key: one for key, one in sure.methods.items() if key[0] != "wang-lei"}
    if state is not None:
        methods |= {("wang-lei", channel): state for channel in (Channel.SMS, Channel.VOICE)}
    found = prove(estate, replace(sure, methods=methods), NOON_NS)
    assert lacks(found, WANG) == [Missing.FEW_CONTACTS]
    assert found[0].people == ("son-of-wang-xiuying",)
    assert lacks(found, LI) == []


def test_a_neighbour_counts_and_a_relative_whose_last_day_is_over_does_not(directory: Callable[..., Directory]) -> None:
    def change(said: dict[str, Any]) -> None:
        people = {one["id"]: one for one in said["people"]}
        people["wang-lei"]["until"] = "2026-03-01"

    estate = directory(change)
    assert lacks(prove(estate, known(estate), NOON_NS), WANG) == [Missing.FEW_CONTACTS]

    def and_a_neighbour(said: dict[str, Any]) -> None:
        change(said)
        said["people"].append({"id": "xu", "name": "徐", "roles": ["neighbour"], "of": [WANG], "phone": "+8613800000008"})

    estate = directory(and_a_neighbour)
    assert lacks(prove(estate, known(estate), NOON_NS), WANG) == []


def test_an_emergency_of_which_everybody_who_would_be_told_is_unreachable_reaches_nobody(directory: Callable[..., Directory]) -> None:
    def change(said: dict[str, Any]) -> None:
        said["policies"][0]["steps"] = [{"after_s": 0, "tell": ["relatives"], "by": ["sms"]}]
        said["policies"][0]["kinds"].remove("fall")

    estate = directory(change)
    assert [(one.lack, one.resident, one.kinds) for one in prove(estate, known(estate), NOON_NS)] == [
        (Missing.NOBODY, WANG, (EventKind.FALL,)),
        (Missing.NOBODY, LI, (EventKind.FALL,)),
    ]
    broken = {(who, channel): ContactState.BROKEN for who in ("wang-lei", "son-of-wang-xiuying") for channel in Channel}
    found = prove(estate, known(estate, but=broken), NOON_NS)
    assert next(one.kinds for one in found if one.lack is Missing.NOBODY) == (EventKind.SOS, EventKind.FALL)


def test_a_device_that_is_lost_is_named_and_the_last_that_would_notice_is_graver(directory: Callable[..., Directory]) -> None:
    estate = directory()
    dead_radar = known(estate, faults={"r-01": {EventKind.OFFLINE}})
    assert [(one.lack, one.resident, one.devices) for one in prove(estate, dead_radar, NOON_NS)] == [
        (Missing.SENSORS, WANG, (("r-01", EventKind.OFFLINE),))
    ]
    no_watch = known(estate, faults={"w-02": {EventKind.NOT_WORN, EventKind.LOW_BATTERY}})
    found = prove(estate, no_watch, NOON_NS)
    assert [(one.lack, one.resident) for one in found] == [(Missing.NO_SENSOR, LI)]
    nearly_empty = known(estate, faults={"w-02": {EventKind.LOW_BATTERY}})
    assert lacks(prove(estate, nearly_empty, NOON_NS), LI) == [Missing.SENSORS]


def test_a_sunday_evening_without_a_guard_is_found_on_the_monday_before(directory: Callable[..., Directory]) -> None:
    week = ["mon", "tue", "wed", "thu", "fri", "sat"]

    def change(said: dict[str, Any]) -> None:
        said["rosters"][0]["shifts"] = [
            {"responder": "guard-chen", "from": "08:00", "to": "20:00"},
            {"responder": "guard-zhao", "from": "20:00", "to": "08:00", "days": week},
        ]

    estate = directory(change)
    (found,) = prove(estate, known(estate), NOON_NS)
    assert (found.lack, found.roster, found.spans) == (Missing.NO_SHIFT, "gate", ((at("2026-03-08T20:00"), at("2026-03-09T08:00")),))


def test_who_is_on_shift_and_cannot_be_told_is_nobody(directory: Callable[..., Directory]) -> None:
    estate = directory()
    lost_phone = {("guard-zhao", channel): ContactState.BROKEN for channel in Channel}
    (found,) = prove(estate, known(estate, but=lost_phone), NOON_NS)
    assert found.lack is Missing.NO_SHIFT
    assert len(found.spans) == AHEAD_S // DAY_S
    assert found.spans[0] == (at("2026-03-02T20:00"), at("2026-03-03T08:00"))


@pytest.mark.parametrize(("stage", "expected"), [(Stage.WITHIN, []), (Stage.NEARLY, [Missing.BUDGET]), (Stage.OVER, [Missing.BUDGET])])
def test_a_budget_that_is_used_up_is_everybodys(directory: Callable[..., Directory], stage: Stage, expected: list[Missing]) -> None:
    estate = directory()
    assert lacks(prove(estate, known(estate, stage=stage), NOON_NS)) == expected


def test_the_gravest_stands_first(directory: Callable[..., Directory]) -> None:
    estate = directory()
    found = prove(estate, Known(faults={"w-02": {EventKind.OFFLINE}}), NOON_NS)
    assert lacks(found, LI) == [Missing.NO_SENSOR, Missing.FEW_CONTACTS]


@pytest.mark.parametrize(
    ("now", "due"),
    [("2026-03-02T02:59", "2026-03-01T03:00"), ("2026-03-02T03:00", "2026-03-02T03:00"), ("2026-03-02T23:59", "2026-03-02T03:00")],
)
def test_a_proof_is_due_at_three_by_the_communitys_clock(now: str, due: str) -> None:
    assert due_ns(ZONE, at(now)) == at(due)


class Nights:
    """The example in a database, and its dispatcher; nights pass."""

    def __init__(self, estate: Estate, folder: Path) -> None:
        self.estate = estate
        self.file = folder / "messages.jsonl"
        self.start()

    def start(self) -> None:
        """A dispatcher, as after a restart."""
        self.dispatcher = Dispatcher(self.estate.database, [ConsoleGateway(self.file)], worker="one", clock=self.estate.clock)

    def until(self, text: str) -> None:
        """Time passes, and the dispatcher looks every half hour."""
        end_ns = at(text)
        while self.estate.now_ns < end_ns:
            self.estate.now_ns = min(end_ns, self.estate.now_ns + 1800 * NS_PER_S)
            self.dispatcher.look(self.estate.now_ns)
            self.dispatcher.send(0)
            self.dispatcher.settle()

    def words(self) -> list[tuple[str, str, str]]:
        """What arrived: when, to whom, what."""
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.exists() else []
        said = [json.loads(line) for line in lines]
        return [(f"{datetime.fromisoformat(one['at']).astimezone(ZONE):%m-%d %H:%M}", one["to"], one["text"]) for one in said]


@pytest.fixture
def nights(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nights]:
    folder = tmp_path_factory.mktemp("nights")
    database = Database(f"sqlite:///{folder / 'anju.db'}")
    database.upgrade()
    made = Nights(Estate(database, example(), folder / "lakeside.json"), folder)
    yield made
    made.dispatcher.close()
    database.close()


def test_the_administrator_is_told_in_the_morning_and_of_the_same_once_a_week(nights: Nights) -> None:
    nights.until("2026-03-02T07:30")
    assert nights.words() == []
    nights.until("2026-03-09T07:30")
    text = "【湖畔家园】王秀英和李明出事时可能等不到帮助：没有能用的设备，核实过的联系人不到两位。请今天处理。打开安居可以看到风险名单。"
    assert nights.words() == [("03-02 08:00", "office", text)]
    nights.until("2026-03-09T23:00")
    assert [when for when, _, _ in nights.words()] == ["03-02 08:00", "03-09 08:00"]


def test_what_is_new_is_told_the_next_morning(nights: Nights) -> None:
    nights.until("2026-03-02T12:00")
    said = nights.estate.said
    said["rosters"][0]["shifts"].pop()
    nights.estate.write(said)
    nights.until("2026-03-04T12:00")
    assert [(when, "有时段没有人值班" in text) for when, _, text in nights.words()] == [("03-02 08:00", False), ("03-03 08:00", True)]


def test_a_dispatcher_that_is_started_again_tells_nobody_twice(nights: Nights) -> None:
    for time in ("02:30", "03:30", "07:30", "08:30", "20:00"):
        nights.until(f"2026-03-02T{time}")
        nights.dispatcher.close()
        nights.start()
    assert [when for when, _, _ in nights.words()] == ["03-02 08:00"]


def test_how_full_batteries_are_is_kept_once_a_night(nights: Nights) -> None:
    since_ns = nights.estate.now_ns
    for night, percent in enumerate((81.0, 64.0), start=2):
        with nights.estate.database.write() as session:
            positions.save_decisions(session, Wear.name, {f"{nights.estate.id}/w-01": {"battery": [percent, 0, 0, 0]}})
        nights.until(f"2026-03-0{night}T12:00")
        nights.dispatcher.close()
        nights.start()
    with nights.estate.database.read() as session:
        found = levels.since(session, nights.estate.id, since_ns)
    assert {device: [percent for _, percent in of] for device, of in found.items()} == {"w-01": [81.0, 64.0]}


def test_what_is_looked_up_is_what_the_database_knows(nights: Nights) -> None:
    estate = nights.estate
    with estate.database.write() as session:
        for relative, channel in (("wang-lei", Channel.SMS), ("li-anna", Channel.VOICE)):  # she has a fixed line
            person = estate.directory.people[PersonId(relative)]
            contacts.mark(session, estate.id, person, Verified(channel=channel, state=ContactState.VERIFIED, since_ns=1))
    with estate.database.read() as session:
        found = look(session, estate.directory, Spending(), estate.now_ns)
    assert [(one.resident, one.lack, one.people) for one in found if one.lack is Missing.FEW_CONTACTS] == [
        (WANG, Missing.FEW_CONTACTS, ("wang-lei",)),
        (LI, Missing.FEW_CONTACTS, ("li-anna",)),
    ]


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Help may not come for 王秀英 and 李明 (湖畔家园): no device that works, fewer than two verified contacts."),
        ("zh-Hant", "【湖畔家园】王秀英和李明出事時可能等不到幫助：沒有能用的裝置，核實過的聯絡人不到兩位。"),
    ],
)
def test_the_word_is_in_the_administrators_language(nights: Nights, language: str, text: str) -> None:
    said = nights.estate.said
    next(one for one in said["people"] if one["id"] == "office")["language"] = language
    nights.estate.write(said)
    nights.until("2026-03-02T12:00")
    assert nights.words()[0][2].startswith(text)
