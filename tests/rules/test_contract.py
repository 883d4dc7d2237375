"""What every rule keeps. A new rule joins with one entry in EXAMPLES; without one the first test fails."""

import importlib
import inspect
import json
import math
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import time
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from builders import (
    COMMUNITY,
    Item,
    ModeChange,
    Reading,
    Run,
    acceleration,
    batches,
    button,
    contact,
    device,
    feed_by_kind,
    keypad,
    meter,
    motion,
    ns,
    position,
    premises,
    status,
    targets,
)
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from devices.health import joined
from devices.model import NS_PER_S, Batch, Device, DeviceId, DeviceKind, HomeId, PersonId, Placement, Pose, SensorKind
from devices.sensors.button import Press
from rules.community import OwnRules
from rules.fall.rule import Fall
from rules.fall.stillness import LongLie
from rules.faults.fault import Clock, LowBattery, Offline, Tamper
from rules.faults.plausible import Implausible
from rules.faults.stuck import Stuck
from rules.faults.wear import Wear
from rules.fences.areas import Area
from rules.fences.lines import Line
from rules.home import codes
from rules.home.contact import LeftOpen
from rules.home.doors import Doors
from rules.home.intrusion import Intrusion
from rules.home.keypad import Keypad
from rules.home.schedule import Schedule
from rules.home.water import Water
from rules.kinds import EventKind, Mode
from rules.model import Event, Facts, Rule
from rules.person.absence import NoReturn
from rules.person.daily import DailyWord
from rules.person.inactivity import Inactivity
from rules.person.leaving import EverybodyLeft
from rules.person.sos import Sos
from rules.person.wandering import Wandering
from rules.pipeline import Timed
from rules.premises import (
    Arming,
    Codes,
    Condition,
    Daily,
    Fence,
    FenceId,
    FenceKind,
    HomePlace,
    Hours,
    Match,
    OwnRule,
    Planned,
    Premises,
    RuleId,
    SensorState,
    Use,
)

SIDE_DEG = 0.002
SQUARE = ((119.95, 31.78), (119.95 + SIDE_DEG, 31.78), (119.95 + SIDE_DEG, 31.78 + SIDE_DEG), (119.95, 31.78 + SIDE_DEG), (119.95, 31.78))
SMALL = tuple((119.95 + 1e-4 * east, 31.78 + 1e-4 * north) for east, north in ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)))
DEVICES = (
    device("w-01", DeviceKind.WEARABLE, wearer="wang", home="b1", placement=Placement.WRIST),
    device("w-02", DeviceKind.WEARABLE, wearer="li", home="b2", placement=Placement.WAIST),
    device("c-01", DeviceKind.CONTACT, home="b1"),
    device("c-02", DeviceKind.CONTACT, home="b1"),
    device("c-03", DeviceKind.CONTACT, home="b2"),
    device("k-01", DeviceKind.KEYPAD, home="b1"),
    device("k-02", DeviceKind.KEYPAD, home="b2"),
    device("m-01", DeviceKind.METER, home="b1"),
    device("m-02", DeviceKind.METER, home="b1"),
    device("p-01", DeviceKind.MOTION, home="b2"),
    device("t-01", DeviceKind.TRACKER, wearer="wang", home="b1"),
    device("r-01", DeviceKind.RADAR, home="b1", pose=Pose(lon=119.951, lat=31.781, heading_deg=0.0)),
)
CODES = Codes(code=codes.digest("2580", bytes(16)), duress=codes.digest("8520", bytes(16)))
HOMES = (
    HomePlace(id=HomeId("b1"), occupants=(PersonId("wang"),), codes={PersonId("wang"): CODES}),
    HomePlace(
        id=HomeId("b2"),
        occupants=(PersonId("li"),),
        codes={PersonId("zhao"): CODES},
        arming=Arming(exit_delay_s=2, entry_delay_s=3, confirm_s=5),
    ),
    HomePlace(id=HomeId("b4"), occupants=(PersonId("wang"),), footprint=((SMALL,),)),
    HomePlace(id=HomeId("b3"), schedule=(Planned(mode=Mode.NIGHT, at=time(14, 5)), Planned(mode=Mode.DISARMED, at=time(7)))),
)
WISHES = {(COMMUNITY, "wang"): (Daily(at=time(14, 2)),), (COMMUNITY, "li"): (Daily(at=time(14, 2)), Daily(at=time(9)))}
USES = {"c-03": Use(is_entry=True)}
FENCES = (
    Fence(
        community_id=COMMUNITY,
        id=FenceId("estate"),
        kind=FenceKind.AREA,
        residents=frozenset({PersonId("wang"), PersonId("li")}),
        events=frozenset({EventKind.ENTER, EventKind.EXIT, EventKind.WANDERING}),
        rings=((SQUARE,),),
    ),
    Fence(
        community_id=COMMUNITY,
        id=FenceId("yard"),
        kind=FenceKind.AREA,
        residents=frozenset({PersonId("wang"), PersonId("li")}),
        events=frozenset({EventKind.DWELL, EventKind.ABSENT}),
        dwell_s=60,
        expected=Hours(since=time(14, 5), until=time(14, 30)),
        rings=((SQUARE,),),
    ),
    Fence(
        community_id=COMMUNITY,
        id=FenceId("window-line"),
        kind=FenceKind.LINE,
        home=HomeId("b1"),
        events=frozenset({EventKind.APPROACH, EventKind.CROSS}),
        approach_m=3.0,
        path=((119.951 + 5e-5, 31.781 + 2e-5), (119.951 - 5e-5, 31.781 + 2e-5)),  # 2 m ahead of the radar, the radar to its left
    ),
)


def own(id_: str, *when: Condition, **fields: Any) -> OwnRule:
    return OwnRule(community_id=COMMUNITY, id=RuleId(id_), when=when, **fields)


def in_state(state: SensorState, *devices: str, **fields: Any) -> Condition:
    return Condition(devices=tuple(DeviceId(one) for one in devices), state=state, **fields)


RULES = (
    own("open", in_state(SensorState.OPEN, "c-01", "c-02", for_s=5), home=HomeId("b1")),
    own("armed", in_state(SensorState.OPEN, "c-03"), home=HomeId("b2"), modes=frozenset({Mode.NIGHT, Mode.HOLIDAY})),
    own("early", in_state(SensorState.CLOSED, "c-03", for_s=4), between=Hours(since=time(14), until=time(14, 1)), home=HomeId("b2")),
    own(
        "any",
        in_state(SensorState.MOTION, "p-01", "r-01"),
        in_state(SensorState.NO_MOTION, "p-01", for_s=20, every=True),
        match=Match.ANY,
    ),
    own("both", in_state(SensorState.OPEN, "c-03"), in_state(SensorState.MOTION, "p-01")),
)


@dataclass(frozen=True, kw_only=True)
class Example:
    """A stream in which a rule finds something; `feed` where it is given more than the batches of its kinds."""

    rule: Callable[[Premises], Rule[Any]]
    stream: Callable[[], Sequence[Item]]
    feed: Callable[[Rule[Any], dict[SensorKind, Batch]], Facts] = feed_by_kind
    rest_s: float = 0.0

    @property
    def name(self) -> str:
        return self.rule(premises()).name


def feed_joined(rule: Rule[Any], given_: dict[SensorKind, Batch]) -> Facts:
    return rule.update(joined(given_.values()))


def presses() -> list[Item]:
    return [
        button("w-01", 0, Press.SOS),
        button("w-02", 0.1, Press.DURESS),
        button("w-01", 0.15, Press.SOS, t_s=0),
        button("w-01", 0.2, Press.CANCEL),
        button("w-02", 30, Press.SOS, t_s=-900),
        button("w-02", 31, Press.SOS, retained=True),
    ]


def openings() -> list[Item]:
    return [
        contact("c-01", 0, is_open=False),
        contact("c-02", 0, is_open=True),
        contact("c-03", 0.1, is_open=False),
        ModeChange(at_s=10, home="b1", mode=Mode.AWAY),
        contact("c-01", 11, is_open=True),
        contact("c-03", 11.1, is_open=True),
        contact("c-02", 11.2, is_open=False),
        contact("c-02", 11.2, is_open=True),
        ModeChange(at_s=12, home="b2", mode=Mode.NIGHT),
        ModeChange(at_s=12, home="b1", mode=Mode.DISARMED),
        ModeChange(at_s=20, home="b1", mode=Mode.NIGHT),
        contact("c-02", 20.3, is_open=False, t_s=15),
        contact("c-02", 20.4, is_open=True, t_s=16),
        contact("c-01", 30, is_open=False, retained=True),
        contact("c-03", 30.1, is_open=False),
        contact("c-03", 31, is_open=True, back=True),
        contact("c-01", 31.1, is_open=True),
        contact("c-01", 31.2, is_open=True, t_s=12.5),
        contact("c-03", 31.3, is_open=False),
        ModeChange(at_s=32, home="b2", mode=Mode.AWAY),
        motion("p-01", 33),
        motion("p-01", 34, is_moving=False),
        contact("c-03", 36, is_open=True),
        motion("p-01", 36.1, t_s=35.9),
        contact("c-03", 36.2, is_open=False),
        ModeChange(at_s=60, home="b2", mode=Mode.HOLIDAY),
        contact("c-03", 70, is_open=True),
    ]


def quiet() -> list[Item]:
    """Nine ordinary days, then nothing; the other home never had a word. Signs of all kinds arrive together, some late."""
    rng, packet = np.random.default_rng(3), np.zeros((3, 50))
    packet[2] = 1 + 0.3 * np.sin(np.arange(50))
    stream: list[Item] = [contact("c-02", 0, is_open=False), motion("r-01", 5), status("c-02", 6, online=1)]
    for i in range(9 * 24):
        at_s, water_l = 3600.0 * i + float(rng.uniform(20, 3000)), 10.0 * i
        if i % 24 < 14:
            stream += [motion("r-01", at_s), acceleration("w-01", at_s + 0.15, packet, t_s=at_s - 9)]
            stream += [meter("m-01", at_s + 0.2, water_l=water_l), targets("r-01", at_s + 0.21, (0.1, 1.0 + i % 3), t_s=at_s - 5)]
    stream += [ModeChange(at_s=3600.0 * 60, home="b1", mode=Mode.AWAY), ModeChange(at_s=3600.0 * 80, home="b1", mode=Mode.DISARMED)]
    return sorted(stream, key=lambda item: item.at_s)


def going_out() -> list[Item]:
    return [
        contact("c-01", 0, is_open=False),
        motion("r-01", 1),
        contact("c-01", 9 * 3600, is_open=True),
        motion("r-01", 9 * 3600 + 0.1),
        contact("c-01", 9 * 3600 + 0.2, is_open=False),
        contact("c-03", 9 * 3600 + 0.2, is_open=True),
        motion("r-01", 9 * 3600 + 3000),
        contact("c-01", 9 * 3600 + 3000.1, is_open=True),
        contact("c-01", 9 * 3600 + 3000.2, is_open=False),
        meter("m-01", 9 * 3600 + 3005, water_l=1),
        motion("r-01", 9 * 3600 + 3020, t_s=9 * 3600 + 3015),
        contact("c-01", 10 * 3600, is_open=True, t_s=10 * 3600 - 1500),
        contact("c-01", 10 * 3600 + 5, is_open=False),
        meter("m-01", 11 * 3600, water_l=9),
        meter("m-01", 14 * 3600, water_l=30),
        meter("m-01", 14 * 3600 + 600, water_l=60),
        motion("r-01", 14 * 3600 + 600.1),
        contact("c-02", 14 * 3600 + 600.2, is_open=True),
    ]


def typing() -> list[Item]:
    return [
        keypad("k-01", 0, Mode.AWAY, "2580"),
        keypad("k-02", 0.1, Mode.NIGHT, "8520"),
        keypad("k-01", 10, Mode.DISARMED, "1111"),
        keypad("k-01", 10.1, Mode.DISARMED, "8520", t_s=9),
        ModeChange(at_s=20, home="b1", mode=Mode.NIGHT),
        keypad("k-01", 21, Mode.DISARMED, "2580", t_s=15),
        *(keypad(name, 30 + i / 20, Mode.DISARMED, f"000{i}") for i in range(6) for name in ("k-01", "k-02")),
        keypad("k-01", 40, Mode.AWAY, "2580"),
        keypad("k-01", 331, Mode.HOME, "2580"),
        keypad("k-01", 340, Mode.AWAY, "8520", retained=True),
        keypad("k-01", 400, Mode.AWAY, "8520", t_s=300),
        keypad("k-01", 400.1, Mode.AWAY, "2580", t_s=300),
    ]


def left_open() -> list[Item]:
    return [
        contact("c-01", 0, is_open=True),
        contact("c-02", 0, is_open=True),
        contact("c-03", 0.1, is_open=True, t_s=-3000),
        ModeChange(at_s=100, home="b1", mode=Mode.AWAY),
        contact("c-01", 200, is_open=False),
        contact("c-01", 300, is_open=True, t_s=250),
        contact("c-02", 300.1, is_open=False, t_s=251),
        contact("c-02", 300.2, is_open=True, t_s=250),
        contact("c-02", 300.2, is_open=True, t_s=252),
        ModeChange(at_s=301, home="b1", mode=Mode.DISARMED),
        contact("c-03", 800, is_open=True, back=True),
        contact("c-02", 1150, is_open=False),
        contact("c-03", 1150.1, is_open=False),
        contact("c-02", 1160, is_open=True, retained=True, t_s=1155),
        contact("c-03", 1160, is_open=False, t_s=-3000),
        contact("c-01", 1190, is_open=True, back=True),
        contact("c-03", 1200, is_open=True),
        contact("c-01", 4000, is_open=False),
    ]


def own_rules() -> list[Item]:
    """Openings and movement on and on, of which some are heard late."""
    later = [replace(item, at_s=item.at_s + 700) for item in openings()]
    late = [contact("c-01", 700.05, is_open=False, t_s=600), motion("r-01", 700.06, retained=True), motion("r-01", 701.3, t_s=690)]
    return sorted([*openings(), *late, *later, motion("r-01", 1500), motion("r-01", 1530)], key=lambda item: item.at_s)


def taps() -> list[Item]:
    runs = [meter("m-01", 60.0 * i, water_l=100 + 3.0 * min(i, 80)) for i in range(90)]
    drips = [meter("m-02", 1800.0 * i + 7, water_l=4.0 * min(i, 51)) for i in range(56)]
    return sorted([*runs, *drips, meter("m-01", 61, electricity_wh=5)], key=lambda item: item.at_s)


def doors() -> list[Item]:
    return [item for item in openings() if isinstance(item, ModeChange) or item.kind is SensorKind.CONTACT]


def silences() -> list[Item]:
    beats = [motion("r-01", 10.0 * i) for i in range(25)]
    slow = [status("c-01", 240.0 * i) for i in range(22)]
    words = [
        status("w-01", 100, online=1),
        button("w-01", 100, Press.SOS),
        status("w-01", 100.1, online=0),
        position("w-01", 100.15, 119.951, 31.781),
        status("w-01", 100.2, online=0),
        position("w-01", 101, 119.951, 31.781),
        button("w-01", 101.1, Press.SOS),
        status("w-01", 101.2, online=1),
        contact("c-01", 9000, is_open=True),
        contact("c-01", 9001, is_open=True),
        status("c-01", 9002),
    ]
    names = ("c-01", "c-02", "w-01", "c-03", "r-01", "w-02")
    together = [position(name, 32_000 + i / 4, 119.951, 31.781) for name in ("w-01", "w-02") for i in range(8)]
    together += [status(name, 30_600 + 60.0 * i) for name in ("c-02", "c-03") for i in range(25)]
    well = [status(name, 39_000 + i + j / 20) for i in range(3) for j, name in enumerate(names)]
    storm = [status(name, 39_500 + i / 20, online=0) for i, name in enumerate(names)]
    after = [motion("r-01", 39_600), contact("c-02", 39_600.1, is_open=True), status("c-02", 39_600.2), status("w-01", 39_700)]
    return sorted([*beats, *slow, *words, *together, *well, *storm, *after], key=lambda item: item.at_s)


def clocks() -> list[Item]:
    return [
        button("w-01", 0, clock_wrong=True),
        position("w-01", 0.05, 119.951, 31.781),
        status("w-01", 0.1),
        position("w-01", 0.15, 119.951, 31.781, clock_wrong=True),
        position("w-02", 0.16, 119.951, 31.781, clock_wrong=True),
        *(status("w-01", 0.2 + i / 100) for i in range(3)),
        position("w-01", 5, 119.951, 31.781, clock_wrong=True),
    ]


def tampering() -> list[Item]:
    return [status(name, i / 10, tamper=tamper) for i, tamper in enumerate((0, 1, 1, 0, 0, -1, 1, 0, 0, 0, 1)) for name in ("c-01", "c-02")]


def batteries() -> list[Item]:
    levels = (40, 15, 21, 14, 18, 21, 22, 23, 5, math.nan)
    return [status(name, i / 10, battery_percent=level) for i, level in enumerate(levels) for name in ("w-01", "c-02")]


def falling() -> list[Item]:
    rng = np.random.default_rng(7)
    parts = [((0.0, 0.0, 1.0), 6.0), ((0.1, 0.1, 0.2), 0.5), ((2.5, 1.5, 2.5), 0.1), ((1.0, 0.05, 0.1), 8.0)]
    still = np.concatenate([np.tile(np.array([[x], [y], [z]]), round(seconds * 50)) for (x, y, z), seconds in parts], axis=1)
    signal = (still + rng.normal(0, 0.01, still.shape)).astype(np.float32)
    packets = [signal[:, i : i + 50] for i in range(0, signal.shape[1], 50)]
    return [
        acceleration(name, 1.0 + i + late_s, packet, t_s=float(i))
        for i, packet in enumerate(packets)
        for name, late_s in (("w-01", 0.0), ("w-02", 0.12))
    ]


def lying() -> list[Item]:
    def packet(movement_g: float) -> np.ndarray:
        wave = 1.0 + movement_g * np.sin(4 * np.pi * np.arange(50) / 25)
        return np.stack((0.6 * wave, 0.0 * wave, 0.8 * wave)).astype(np.float32)

    moved = {"w-01": [3.0, *[0.01] * 70, *[0.3] * 10], "w-02": [3.0, *[0.01] * 5, *[0.3] * 10, *[0.01] * 40, 3.0, *[0.01] * 20]}
    packets = [
        acceleration(name, 2.0 * i + late_s, packet(one), rate_hz=25.0, t_s=2.0 * i - 2)
        for name, late_s in (("w-01", 0), ("w-02", 0.1))
        for i, one in enumerate(moved[name])
    ]
    return sorted([*packets, button("w-02", 119.9, Press.CANCEL)], key=lambda item: item.at_s)


def feed_falls(rule: Rule[Any], given_: dict[SensorKind, Batch]) -> Facts:
    """What another rule found in the same readings is heard first: here every packet above 2 g is a fall."""
    if (packets := given_.get(SensorKind.ACCELERATION)) is not None:
        for row, (start, end) in enumerate(pairwise(packets.offset.tolist())):
            if packets.accel_g[:, start:end].max() > 2.0:
                one, at_ns, seq = rule._registry[int(packets.device[row])], int(packets.time_ns[row]), int(packets.seq[row])
                known_ns = int(packets.received_ns[row])
                fall = {"kind": EventKind.FALL, "subject": one.wearer, "t_ns": at_ns, "known_ns": known_ns, "seq": seq}
                rule.hear([Event(community_id=COMMUNITY, device_id=one.id, **fall)])
    return feed_by_kind(rule, given_)


def walking_out() -> list[Item]:
    """Out of the square and back: one with a watch that is heard seldom and a telephone that errs more, the other with a watch."""
    out = [119.951 + 2e-5 * min(i, 120 - i) for i in range(120)]
    watches = [
        position(name, i * 5.0 + late_s, lon, 31.781) for i, lon in enumerate(out) for name, late_s in (("w-01", 0.0), ("w-02", 0.1))
    ]
    phone = [position("t-01", i * 5.0 + 0.2, lon + 2e-5 * math.sin(i), 31.781, accuracy_m=20.0) for i, lon in enumerate(out)]
    return sorted([*watches[::3], *watches[1::2], *phone], key=lambda item: item.at_s)


def wandering() -> list[Item]:
    """By night: round in circles, and out of the square and back into it."""
    night_s = 9 * 3600.0
    rounds = [(i * 10.0, "w-01", 119.951 + 3e-4 * math.cos(i / 4), 31.781 + 2.6e-4 * math.sin(i / 4)) for i in range(120)]
    ways = [(i * 10.0 + 0.1, "w-02", 119.951 + 1e-4 * min(i, 60 - i), 31.781) for i in range(60)]
    fixes = sorted([*rounds, *ways])
    return [position(name, night_s + at_s, lon, lat, accuracy_m=5.0) for at_s, name, lon, lat in fixes]


def coming_in() -> list[Item]:
    frames = [targets("r-01", 0.1 * i, (0.2, 7.0 - 0.1 * i)) for i in range(65)]
    tags = [position("w-01", 0.5 * i + 0.05, 119.951, 31.7805) for i in range(12)]
    others = [
        contact("c-01", 0.3, is_open=False),
        contact("c-01", 3.6, is_open=True),
        *(motion("c-02", 0.35 * i + 0.02) for i in range(18)),
        *(targets("w-02", 0.7 * i + 0.03, (1.0, 1.0)) for i in range(9)),
        *(targets("c-02", 0.3 * i + 0.03, (1.0, 1.0)) for i in range(20)),
    ]
    return sorted([*frames, *tags, *others], key=lambda item: item.at_s)


def standing_still() -> list[Item]:
    ghost = [targets("r-01", 31.0 * i, (0.5, 2.0), (1.0 + i / 100, 3.0)) for i in range(24)]
    watch = np.tile([[0.0], [0.02], [1.0]], 5)
    worn = [acceleration("w-01", 3600.0 * i + 3, watch) for i in range(27)]
    worn += [acceleration("w-01", 27.5 * 3600 + i, watch + np.linspace(0, i, 5)) for i in range(1, 4)]
    moving = [targets("r-01", 800.0 + 40 * i, (2.0, 3.0 + i)) for i in range(4)]
    return sorted([*ghost, *worn, *moving], key=lambda item: item.at_s)


def put_down() -> list[Item]:
    """Worn, put on a charger and left there; the other one clips, is slow and loses most of what it measures, and is well in the end."""
    rng = np.random.default_rng(5)
    up = np.array([[0.0], [0.0], [1.0]])
    rest = [acceleration("w-01", 60.0 * i, up + rng.normal(0, 0.003, (3, 30)), rate_hz=50.0) for i in range(230)]
    level = [status("w-01", 600.0 * i + 7, battery_percent=40.0 + i) for i in range(1, 20)]
    worn = [acceleration("w-01", 60.0 * 230 + i, up + rng.normal(0, 0.2, (3, 50))) for i in range(8)]
    wall = np.clip(up * 3 * np.sin(np.arange(50)), -2, 2)
    clips = [acceleration("w-02", 20.0 * i, wall) for i in range(20)]
    slow = [acceleration("w-02", 500.0 + 25 * i, wall, rate_hz=10.0) for i in range(6)]
    gaps = [acceleration("w-02", 700.0 + 100 * i, 0.7 * wall) for i in range(40)]
    well = [acceleration("w-02", 6000.0 + 120 * i, (1 + i / 50) * 2 * wall, rate_hz=25.0) for i in range(60)]
    fallen = [acceleration("w-02", 13_300.0, np.full((3, 50), 3.0), rate_hz=25.0)]
    return sorted([*rest, *level, *worn, *clips, *slow, *gaps, *well, *fallen], key=lambda item: item.at_s)


def nonsense() -> list[Item]:
    heavy = [acceleration(name, 2.0 * i + late_s, np.full((3, 4), 5.0)) for i in range(40) for name, late_s in (("w-01", 0), ("w-02", 0.1))]
    light = [acceleration("w-01", 90 + i, np.tile([[0.0], [0.0], [1.0]], 4)) for i in range(3)]
    fixes = [position("w-01", 1.05 * i, 119.951 + (0.02 if i in {5, 9} else 0), 31.781) for i in range(16)]
    doors = [contact("c-01", 30 + i / 10, is_open=bool(i % 2)) for i in range(30)]
    doors += [contact("c-01", 300 + i, is_open=True) for i in range(3)]
    return sorted([*heavy, *light, *fixes, *doors], key=lambda item: item.at_s)


def leaving() -> list[Item]:
    """Out, told, back; out again, and armed; and the other home's, whose devices say less."""
    ways = {"w-01": ((0, 5), (30, 200), (400, 5), (500, 250)), "w-02": ((10, 3), (60, 400))}
    fixes = [position(name, at_s, 119.95, 31.78 + away_m / 110_870) for name, way in ways.items() for at_s, away_m in way]
    return sorted([*fixes, ModeChange(at_s=800, home="b4", mode=Mode.AWAY)], key=lambda item: item.at_s)


def living() -> list[Item]:
    """Signs of life of both, of several kinds."""
    fixes = [position("w-01", 100.0 * i, 119.95, 31.78 + 0.001 * i) for i in range(4)]
    return sorted([*fixes, button("w-02", 150), motion("p-01", 160), contact("c-01", 170, is_open=True)], key=lambda item: item.at_s)


EXAMPLES = (
    Example(rule=Sos, stream=presses),
    Example(rule=Intrusion, stream=openings, rest_s=20),
    Example(rule=Doors, stream=doors),
    Example(rule=Keypad, stream=typing),
    Example(rule=Schedule, stream=typing, rest_s=26 * 3600),
    Example(rule=Inactivity, stream=quiet, rest_s=15 * 3600),
    Example(rule=NoReturn, stream=going_out, rest_s=3600),
    Example(rule=LeftOpen, stream=left_open, rest_s=1000),
    Example(rule=Water, stream=taps),
    Example(rule=Offline, stream=silences, feed=feed_joined, rest_s=26 * 3600),
    Example(rule=Clock, stream=clocks, feed=feed_joined),
    Example(rule=Tamper, stream=tampering),
    Example(rule=LowBattery, stream=batteries),
    Example(rule=Stuck, stream=standing_still),
    Example(rule=Implausible, stream=nonsense),
    Example(rule=Wear, stream=put_down, feed=feed_falls),
    Example(rule=Fall, stream=falling),
    Example(rule=LongLie, stream=lying, feed=feed_falls, rest_s=5),
    Example(rule=Area, stream=walking_out, rest_s=3600),
    Example(rule=Wandering, stream=wandering),
    Example(rule=Line, stream=coming_in),
    Example(rule=EverybodyLeft, stream=leaving, rest_s=300),
    Example(rule=DailyWord, stream=living, rest_s=26 * 3600),
    Example(rule=OwnRules, stream=own_rules, rest_s=30 * 3600),
)


def run_of(example: Example, devices: Sequence[Device] = DEVICES) -> Run:
    place = replace(premises(*devices, homes=HOMES, fences=FENCES, uses=USES), wishes=WISHES, rules=RULES)
    rule = example.rule(place)
    if isinstance(rule, Timed):
        rule.begin(ns(0), {})
    return Run(premises=place, rule=rule, feed=example.feed)


@cache
def stream_of(example: Example) -> tuple[Item, ...]:
    return tuple(example.stream())


def until_s(example: Example) -> float:
    return stream_of(example)[-1].at_s + example.rest_s


@cache
def whole(example: Example) -> Facts:
    """Facts of the stream in batches as long as they may be."""
    return run_of(example).play(stream_of(example), until_s=until_s(example))


every_rule = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def _rules_there_are() -> set[type]:
    names = [
        module.name for module in pkgutil.walk_packages(rules.__path__, "rules.") if module.name not in {"rules.model", "rules.pipeline"}
    ]
    wanted = {"update", "next_due", "tick", "snapshot", "restore"}
    classes = [one for name in names for _, one in inspect.getmembers(importlib.import_module(name), inspect.isclass)]
    found = {one for one in classes if wanted <= set(dir(one)) and not one.__name__.startswith("_") and one.__module__ in names}
    return {one for one in found if not inspect.isabstract(one)}


def test_every_rule_has_an_example_stream() -> None:
    assert {example.rule for example in EXAMPLES} == _rules_there_are()


def test_every_rule_has_a_name_of_its_own() -> None:
    assert len({example.name for example in EXAMPLES}) == len(EXAMPLES)


@every_rule
def test_it_finds_something_in_its_example(example: Example) -> None:
    assert whole(example)


@every_rule
def test_it_refills_at_most_90_seconds(example: Example) -> None:
    assert 0 <= example.rule(premises()).window_s <= 90


@every_rule
def test_a_batch_of_one_equals_a_batch_of_many(example: Example) -> None:
    stream = stream_of(example)
    assert run_of(example).play(stream, cuts=range(len(stream)), until_s=until_s(example)) == whole(example)


@every_rule
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_a_stream_cut_anywhere_gives_the_same_facts(example: Example, data: st.DataObject) -> None:
    stream = stream_of(example)
    cuts = data.draw(st.sets(st.integers(0, len(stream))))
    assert run_of(example).play(stream, cuts=cuts, until_s=until_s(example)) == whole(example)


@every_rule
@settings(deadline=None, max_examples=10)
@given(data=st.data())
def test_a_new_rule_goes_on_from_a_snapshot(example: Example, data: st.DataObject) -> None:
    stream = stream_of(example)
    cut = data.draw(st.integers(0, len(stream)))
    before = run_of(example)
    facts = before.play(stream[:cut])
    kept = json.dumps(before.rule.snapshot(), allow_nan=False)
    after = run_of(example)
    for item in stream[:cut]:
        if isinstance(item, ModeChange):
            after.premises.modes.change(COMMUNITY, item.home, item.mode, ns(item.at_s))
    _refill(after, stream[:cut])
    after.rule.restore(json.loads(kept))
    assert facts + after.play(stream, start=cut, until_s=until_s(example)) == whole(example)


def _refill(run: Run, stream: Sequence[Item]) -> None:
    """Give a rule the readings that refill its signal windows; what they lead to is known."""
    if not stream or run.rule.window_s == 0:
        return
    since_s = stream[-1].at_s - run.rule.window_s
    run.play([item for item in stream if isinstance(item, Reading) and item.at_s > since_s], ticks=False)


def _is_of_a_place(key: str) -> bool:
    """Whether a snapshot's key is of a home or a person that is there, or of the community itself."""
    places = {f"home:{home.id}" for home in HOMES} | {f"person:{person}" for home in HOMES for person in home.occupants}
    return key in {f"{COMMUNITY}/{place}" for place in places | {f"rule:{rule.id}" for rule in RULES} | {"all"}}


@every_rule
def test_a_snapshot_is_json_and_names_its_devices(example: Example) -> None:
    run = run_of(example)
    run.play(stream_of(example), until_s=until_s(example))
    snapshot = run.rule.snapshot()
    kept = json.dumps(snapshot, allow_nan=False)
    assert json.dumps(json.loads(kept)) == kept
    assert {key for key in snapshot if not _is_of_a_place(key)} <= {one.key for one in DEVICES}


@every_rule
def test_a_snapshot_of_devices_that_are_gone_is_taken_over_without_them(example: Example) -> None:
    run = run_of(example)
    run.play(stream_of(example), until_s=until_s(example))
    rest = run_of(example, DEVICES[:1])
    rest.rule.restore(run.rule.snapshot())
    assert {key for key in rest.rule.snapshot() if not _is_of_a_place(key)} <= {DEVICES[0].key}


@every_rule
@settings(deadline=None, max_examples=5)
@given(devices=st.permutations(DEVICES))
def test_the_order_of_devices_is_irrelevant(example: Example, devices: Sequence[Device]) -> None:
    facts = run_of(example, devices).play(stream_of(example), until_s=until_s(example))
    assert sorted(facts, key=repr) == sorted(whole(example), key=repr)


@every_rule
def test_a_fact_is_decided_by_a_reading_of_its_batch_and_known_when_that_arrived(example: Example) -> None:
    run, stream = run_of(example), stream_of(example)
    run.play(stream, until_s=until_s(example))
    for seqs, facts in run.given:
        known = [fact.known_ns for fact in facts]
        assert {fact.seq for fact in facts} <= seqs
        assert known == [ns(stream[fact.seq].at_s) for fact in facts]
        assert known == sorted(known)


@every_rule
def test_one_update_gives_facts_in_the_order_of_their_readings(example: Example) -> None:
    order: list[list[int]] = []

    def watched(rule: Rule[Any], given_: dict[SensorKind, Batch]) -> Facts:
        if example.feed is not feed_by_kind:
            facts = example.feed(rule, given_)
            order.append([fact.seq for fact in facts])
            return facts
        found = [rule.update(one) for one in given_.values()]
        order.extend([fact.seq for fact in facts] for facts in found)
        return [fact for facts in found for fact in facts]

    place = run_of(example).premises
    Run(premises=place, rule=example.rule(place), feed=watched).play(stream_of(example), until_s=until_s(example))
    assert all(seqs == sorted(seqs) for seqs in order)


@every_rule
def test_its_input_is_not_changed(example: Example) -> None:
    def columns(given_: dict[SensorKind, Batch]) -> list[bytes]:
        return [getattr(one, field.name).tobytes() for one in given_.values() for field in fields(one)]

    def watched(rule: Rule[Any], given_: dict[SensorKind, Batch]) -> Facts:
        before = columns(given_)
        facts = example.feed(rule, given_)
        assert columns(given_) == before
        return facts

    place = run_of(example).premises
    Run(premises=place, rule=example.rule(place), feed=watched).play(stream_of(example), until_s=until_s(example))


@every_rule
def test_a_due_time_that_a_reading_creates_lies_a_batch_ahead(example: Example) -> None:
    run = run_of(example)
    for seq, item in enumerate(stream_of(example)):
        run.advance(ns(item.at_s))
        if isinstance(item, ModeChange):
            run.premises.modes.change(COMMUNITY, item.home, item.mode, ns(item.at_s))
            run.advance(ns(item.at_s))
            continue
        before = run.rule.next_due()
        example.feed(run.rule, batches(run.premises.registry, [(seq, item)]))
        due = run.rule.next_due()
        assert due in {None, before} or due >= ns(item.at_s) + NS_PER_S // 4


@every_rule
def test_evidence_is_plain(example: Example) -> None:
    for fact in whole(example):
        for value in getattr(fact, "evidence", {}).values():
            assert type(value) in {float, int, str, bool}
