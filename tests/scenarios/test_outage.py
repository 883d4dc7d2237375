"""Gateways, brokers and the power fail, and we ourselves are down. The guards are told of faults. Stories begin on a Monday at 10:00."""

import json
from pathlib import Path
from typing import Any

from stories import ESTATE, START, armed, at, estate, picked, said, tell, until

from app import pipeline  # noqa: TID251  the rules are those that the composition root composes
from devices.entry import Record
from devices.model import NS_PER_S, HomeId
from rules.kinds import Mode
from rules.model import Cleared, Event
from store.community import parse
from store.judge import Judge

Lines = list[dict[str, Any]]
HOMES = 10
FAULTS = {"id": "faults", "kinds": ["offline", "outage"], "steps": [{"after_s": 0, "tell": ["roster:gate"], "by": ["sms"]}]}
GATEWAY = {"id": "gateway-1", "kind": "gateway", "home": "b1-101"}
POSE = {"lon": 119.96, "lat": 31.79, "heading_deg": 0}


def towers() -> dict[str, Any]:
    """Ten homes more, each with two radars: twenty devices that are heard twice a minute."""
    given = estate()
    homes = [f"b{i}-301" for i in range(2, 2 + HOMES)]
    given["homes"] += [{"id": home} for home in homes]
    given["devices"] += [{"id": f"radar-{home}-{i}", "kind": "radar", "home": home, "pose": POSE} for home in homes for i in (1, 2)]
    given["policies"].append(FAULTS)
    return given


TOWERS = [one["id"] for one in towers()["devices"] if one["id"].startswith("radar-b")]


def heard(names: list[str], since_s: float, until_s: float) -> Lines:
    """Radars that see nobody, twice a minute, each at its own second."""
    beats = int((until_s - since_s) / 30)
    lines = [said(since_s + 30 * beat + i, name, "targets", targets=[]) for i, name in enumerate(names) for beat in range(beats)]
    return sorted(lines, key=lambda line: line["at"])


def happened(output: Lines) -> list[tuple[str, str, str]]:
    return [(line["kind"], line["subject"], line["at"]) for line in picked(output, "event")]


def sms(output: Lines) -> list[tuple[str, str]]:
    return [(line["purpose"], line["at"]) for line in picked(output, "notification", to="day-guard")]


def test_the_power_fails_and_twenty_silent_devices_are_one_message_and_one_ending(tmp_path: Path) -> None:
    output = tell(tmp_path, [*heard(TOWERS, 0, 990), *heard(TOWERS, 5000, 6000)], towers())
    assert happened(output) == [("outage", "willow", at(960 + 600))]
    assert [line["state"] for line in picked(output, "incident")] == ["open", "resolved"]
    assert sms(output) == [("tell", at(1560)), ("ending", at(5000 + 9))]  # with the tenth of twenty


def test_the_broker_says_of_everybody_that_they_are_gone_and_the_guard_is_told_once_not_twenty_times(tmp_path: Path) -> None:
    gone = [said(1000 + i / 10, name, "status", online=False) for i, name in enumerate(TOWERS)]
    output = tell(tmp_path, [*heard(TOWERS, 0, 990), *gone, until(1100)], towers())
    assert [kind for kind, _, _ in happened(output)] == ["outage"]
    open_now = {line["subject"] for line in picked(output, "incident", state="open")} - {
        line["subject"] for line in picked(output, "incident", state="resolved")
    }
    assert open_now == {"willow"}


def test_contacts_that_report_twice_an_hour_are_not_missed_when_an_outage_of_an_hour_ends_before_their_turn(tmp_path: Path) -> None:
    given = towers()
    slow = [f"door-b{i}-301" for i in range(2, 2 + HOMES)]
    given["devices"] += [{"id": name, "kind": "contact", "home": name.removeprefix("door-"), "covers": "door"} for name in slow]
    turns = [*range(24), *range(27, 30)]
    report = [said(1800 * n + 60 * i, name, "status", battery_percent=90) for i, name in enumerate(slow) for n in turns]
    lost, back = 23.5 * 1800, 26.3 * 1800  # a contact is overdue after 90 minutes
    lines = sorted([*heard(TOWERS[:6], 0, lost), *heard(TOWERS[:6], back, 29 * 1800), *report], key=lambda line: line["at"])
    assert [kind for kind, _, _ in happened(tell(tmp_path, lines, given))] == ["outage"]


def test_one_that_does_not_come_back_is_told_of_ten_minutes_after_the_outage(tmp_path: Path) -> None:
    output = tell(tmp_path, [*heard(TOWERS, 0, 990), *heard(TOWERS[:-1], 5000, 6000)], towers())
    assert happened(output)[1:] == [("offline", TOWERS[-1], at(5009 + 600))]


def test_three_that_fail_in_one_minute_are_three_faults_to_mend(tmp_path: Path) -> None:
    output = tell(tmp_path, sorted([*heard(TOWERS[3:], 0, 3000), *heard(TOWERS[:3], 0.5, 990)], key=lambda line: line["at"]), towers())
    assert [kind for kind, _, _ in happened(output)] == ["offline"] * 3


def behind_a_gateway() -> dict[str, Any]:
    given = estate()
    given["devices"] = [one | {"via": "gateway-1"} if one["kind"] == "contact" else one for one in given["devices"]] + [GATEWAY]
    given["policies"].append(FAULTS)
    return given


def test_the_gateway_is_unplugged_while_away_and_the_door_that_opened_meanwhile_is_found_open(tmp_path: Path) -> None:
    lines = [
        said(0, "gateway-1", "status", online=True),
        said(1, "door-1", "contact", open=False),
        said(2, "window-1", "contact", open=False),
        armed(60, "b1-101", "away"),
        said(1000, "gateway-1", "status", online=False),
        said(3000, "gateway-1", "status", online=True),
        said(3001, "door-1", "contact", open=True),
        said(3002, "window-1", "contact", open=False),
        said(4000, "window-1", "contact", open=True),
        until(5000),
    ]
    output = tell(tmp_path, lines, behind_a_gateway())
    assert happened(output) == [
        ("outage", "willow", at(1000)),
        ("left_open", "b1-101", at(3001)),
        ("intrusion", "b1-101", at(4000)),
    ]
    assert [line["home"] for line in picked(output, "event", kind="outage")] == ["b1-101"]


def test_the_zigbee_bridge_says_that_it_leaves_and_its_two_contacts_are_one_outage(tmp_path: Path) -> None:
    given = estate()
    names = {"door-1": "hall/door", "window-1": "living_room/window"}
    for one in given["devices"]:
        if one["id"] in names:
            one["source"] = {"adapter": "zigbee2mqtt", "name": names[one["id"]]}
    given["devices"].append(GATEWAY | {"source": {"adapter": "zigbee2mqtt", "name": "bridge"}})
    zigbee = [
        {"at": at(0), "topic": "zigbee2mqtt/bridge/state", "payload": {"state": "online"}},
        {"at": at(1), "topic": "zigbee2mqtt/hall/door", "payload": {"contact": True, "battery_low": False}},
        {"at": at(2), "topic": "zigbee2mqtt/living_room/window", "payload": {"contact": True}},
        {"at": at(900), "topic": "zigbee2mqtt/bridge/state", "payload": {"state": "offline"}},
        {"at": at(930), "topic": "zigbee2mqtt/bridge/state", "payload": {"state": "online"}},
    ]
    output = tell(tmp_path, [*zigbee, until(50_000)], given)
    assert happened(output) == [("outage", "willow", at(900))]
    assert [line["at"] for line in picked(output, "incident", state="resolved")] == [at(930)]


class Service:
    """Ours, that goes down and comes up: what it knew is kept, and what happened meanwhile nobody heard."""

    def __init__(self) -> None:
        self._judge = self._started()
        self._count = 0

    def _started(self) -> Judge:
        premises = parse(json.dumps(ESTATE), "the story").premises()
        premises.modes.change("willow", HomeId("b1-101"), Mode.AWAY, self._ns(60))
        return Judge(premises, pipeline(premises))

    @staticmethod
    def _ns(seconds: float) -> int:
        return round((START.timestamp() + seconds) * NS_PER_S)

    def hear(self, seconds: float, line: dict[str, Any], *, retained: bool = False) -> list[tuple[str, str]]:
        """(kind, subject) of what comes of a line; cleared with a minus."""
        self._count += 1
        record = Record(self._ns(seconds), "embedded", line["topic"], retained, json.dumps(line["payload"]).encode())
        return self._said(self._judge.take([(self._count, record)]).facts)

    def wait(self, seconds: float) -> list[tuple[str, str]]:
        return self._said(self._judge.tick(self._ns(seconds)))

    def restart(self, seconds: float) -> None:
        kept = json.loads(json.dumps(self._judge.pipeline.snapshot()))
        self._judge = self._started()
        self._judge.pipeline.restore(kept)
        self._judge.pipeline.resumed(self._ns(seconds))
        self._judge.configuration_changed()

    @staticmethod
    def _said(facts: list[Any]) -> list[tuple[str, str]]:
        return [
            (("-" if isinstance(fact, Cleared) else "") + fact.kind, fact.subject) for fact in facts if isinstance(fact, Event | Cleared)
        ]


def test_we_were_down_for_an_hour_and_nobody_is_marked_offline_for_it() -> None:
    service = Service()
    names = ("w-1", "w-2", "radar-1")
    for name in names:
        assert service.hear(0, said(0, name, "status", battery_percent=80)) == []
    service.restart(3600)
    assert service.wait(4199) == []
    service.hear(4199, said(4199, "w-1", "status", battery_percent=80))
    assert service.wait(4200) == [("offline", "radar-1"), ("offline", "w-2")]


def test_a_window_that_was_opened_while_we_were_down_is_told_on_the_start_and_is_no_intrusion() -> None:
    service = Service()
    assert service.hear(0, said(0, "window-1", "contact", open=False)) == []
    assert service.wait(61) == []
    service.restart(3600)
    assert service.hear(3601, said(2000, "window-1", "contact", open=True), retained=True) == [("left_open", "b1-101")]
    assert service.hear(3700, said(3700, "window-1", "contact", open=False)) == [("-left_open", "b1-101")]
    assert service.hear(3800, said(3800, "window-1", "contact", open=True)) == [("intrusion", "b1-101")]


def test_after_a_start_the_house_is_armed_and_not_blind() -> None:
    service = Service()
    service.hear(0, said(0, "door-1", "contact", open=False))
    service.restart(3600)
    assert service.hear(3601, said(3601, "door-1", "contact", open=True)) == [("intrusion", "b1-101")]
