"""A month of a small estate as a capture, and what truly happened: routine, visitors, a holiday, dead batteries, a power cut, emergencies.

The lives are made of the parameters below, which say how people live, not how anything is judged: nothing of the rules is known here.
Of raw acceleration there is a packet every two minutes, and every packet around a fall, as `anju export-capture --falls` keeps them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np

from devices.model import NS_PER_MS, NS_PER_S
from devices.simulator import estate, motion, people
from devices.simulator.life import RADAR_HZ, pass_by, walk_up
from devices.simulator.model import RATE_HZ, Timed, milli_g, packet, topic
from devices.simulator.motion import RESTING
from devices.simulator.senders import Rng

COMMUNITY, NAME = "plum", "梅园"
CENTRE = (119.97, 31.79)
START_NS = 1_777_564_800 * NS_PER_S
"""2026-05-01T00:00 in Changzhou, a Friday and a holiday."""
DAY_S, HOUR_S, MINUTE_S = 86400.0, 3600.0, 60.0
DAYS, HOMES = 30, 10

# How they live. Hours of the day are normal with a spread in hours; lengths are drawn evenly between two bounds in minutes.
WAKES_H, SLEEPS_H, SPREAD_H = 6.5, 21.75, 0.4
OWN_SPREAD_H = 0.6
"""How much one person's usual hours differ from another's."""
NIGHT_VISITS = 1.2
"""How often somebody goes to the bathroom by night."""
NIGHT_VISIT_MIN = (2.0, 7.0)
STIRS_MIN, STIR_MIN = (6.0, 45.0), (0.4, 3.0)
"""By day: from one movement that a sensor sees to the next, and how long it lasts."""
NAP_H, NAP_MIN, NAPS = 12.75, (40.0, 110.0), 0.7
OUTING_H, OUTING_MIN, OUTINGS = (9.3, 15.5), (35.0, 130.0), (0.75, 0.35)
AIRS_H, AIRS_MIN, AIRS = (8.5, 11.0), (10.0, 90.0), 0.8
COURIERS, DOOR_S = 0.3, (6.0, 40.0)
CHILDREN_H, CHILDREN_MIN, CHILDREN = 11.0, (120.0, 360.0), (0.5, 0.3)
"""The children come on a Saturday, and on a Sunday."""
CARER_H, CARER_MIN = 8.0, (45.0, 75.0)
CARED_FOR = 3
"""So many homes have a carer on weekday mornings."""
CHARGES_BY_NIGHT = 0.5
"""So many take the watch off for the night; the others charge it for `CHARGE_MIN` before they go to bed."""
CHARGE_MIN, CHARGES_A_HOUR, WATCH_DRAINS_A_DAY = 90.0, 45.0, 35.0
"""Percent of the watch's battery."""
TAKES_WATCH_OUT = 0.9
WATER_L_H, FLUSH_L = (4.0, 18.0), 6.0
PASSERS_A_NIGHT, PASSERS_A_DAY = 2, 6
BEAT_S, FIX_S, RADAR_IDLE_S, APART_S, STATUS_S, METER_S = 120.0, 20.0, 300.0, 90.0, 3000.0, 3600.0
ACCURACY_M, FIX_NOISE_M = 8.0, 3.0
WALK_MPS = 0.8
ESTATE_M, SHOPS_M = 90.0, 420.0
"""Half the width of the estate, and how far away the shops are."""
GUARDED = 4
"""So many homes have a radar over the terrace, and are set to `night` by a schedule."""
NIGHT_FROM, NIGHT_TO = "22:45", "05:15"
ARMS_OUT = 4
"""So many homes are set to `away` by who goes out, who sometimes forgets."""
FORGETS = 0.05
HOLIDAY, HOLIDAY_DAYS, ON_HOLIDAY, FORGETS_HOLIDAY = 9, 3, 3, 1
"""Its first day, how long it lasts, how many homes go away then, and how many of those tell nobody."""
POWER_CUT_MIN = (35.0, 80.0)
DEAD_BATTERIES = 2
BEFORE_S, LIES_S = 20.0, 120.0
"""Of raw samples around a fall."""
HELPED_MIN = (12.0, 25.0)
"""Until somebody who called, or was heard, is helped."""
FOUND_H = 16.0
"""Until somebody who did not is found anyway: when the carer, the children or a neighbour come."""
COURIER_H, FIRST_WEEKDAY, SATURDAY, AFTER_S, DELAY_NS = 14.0, 4, 5, 900.0, NS_PER_S // 5
HOME_M, LINE_M, GARDEN_M, WATCHED, DRAINS_A_DAY = 12.0, 2.0, 50.0, 2, 0.4
"""`WATCHED`: so many residents are told of when they leave the estate."""


class Sort(StrEnum):
    """What an emergency is."""

    FALL = "fall"
    SOS = "sos"
    COLLAPSE = "collapse"
    """Somebody sinks down without an impact, and cannot get up; the watch lies on the table."""
    LEFT_BY_NIGHT = "left_by_night"
    LEFT_ESTATE = "left_estate"
    NOT_BACK = "not_back"
    BURGLAR = "burglar"
    STRANGER = "stranger"


TWELVE = (
    *(Sort.FALL, Sort.BURGLAR, Sort.SOS, Sort.COLLAPSE, Sort.STRANGER, Sort.LEFT_BY_NIGHT),
    *(Sort.FALL, Sort.NOT_BACK, Sort.SOS, Sort.COLLAPSE, Sort.LEFT_ESTATE, Sort.FALL),
)
"""The emergencies of a month, each on a day of its own."""
HAPPENS_H: dict[Sort, tuple[float, float]] = {
    Sort.FALL: (7.5, 21.0),
    Sort.SOS: (7.5, 21.0),
    Sort.COLLAPSE: (8.0, 19.0),
    Sort.LEFT_BY_NIGHT: (0.5, 4.0),
    Sort.LEFT_ESTATE: (9.5, 16.0),
    Sort.NOT_BACK: (8.0, 11.0),
    Sort.BURGLAR: (10.0, 16.0),
    Sort.STRANGER: (23.5, 28.0),
}
"""Between which hours of its day each happens; above 24 in the night after."""
LEAVES_BEFORE_S = {Sort.BURGLAR: HOUR_S, Sort.LEFT_ESTATE: ESTATE_M / WALK_MPS, Sort.LEFT_BY_NIGHT: 0.0, Sort.NOT_BACK: 0.0}
"""How long before it they went out by the door."""
UNHEARD = frozenset({Sort.COLLAPSE, Sort.LEFT_BY_NIGHT, Sort.NOT_BACK})
"""Nobody is there before they are missed."""


@dataclass(frozen=True, slots=True)
class Emergency:
    """What truly happened.

    Attributes
    ----------
    at_s, until_s : float
        Seconds from the beginning of the month: when help was needed from, and when somebody was there.
    home, resident : str
        Whose.
    """

    sort: Sort
    at_s: float
    until_s: float
    home: str
    resident: str

    @property
    def at_ns(self) -> int:
        """When help was needed from."""
        return START_NS + round(self.at_s * NS_PER_S)

    @property
    def until_ns(self) -> int:
        """When somebody was there."""
        return START_NS + round(self.until_s * NS_PER_S)


@dataclass(frozen=True, slots=True)
class Month:
    """A written month."""

    emergencies: tuple[Emergency, ...]
    homes: int
    days: int
    messages: int


Span = tuple[float, float]
"""From and to, in seconds from the beginning of the month."""


def write(path: Path, seed: int, *, days: int = DAYS, homes: int = HOMES, emergencies: int = len(TWELVE)) -> Month:
    """Write a month, or its beginning, as a capture, and the community file beside it.

    Parameters
    ----------
    path
        Of the capture; the community file has its name with `.yaml`.
    seed
        The same gives the same bytes.
    days
        At least two more than there are emergencies.
    homes
        At least `GUARDED`.
    emergencies
        The first so many of `TWELVE`.
    """
    made = _Estate(seed, days, homes, emergencies)
    path.with_suffix(".yaml").write_text(json.dumps(made.community(), ensure_ascii=False), encoding="utf-8")
    lines = made.lines()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps({"at": START_NS // NS_PER_MS, "acceleration": "thinned"}) + "\n")
        for _, line in lines:
            file.write(json.dumps(line) + "\n")
        file.write(json.dumps({"at": (START_NS + round(days * DAY_S) * NS_PER_S) // NS_PER_MS}) + "\n")
    return Month(emergencies=made.emergencies, homes=homes, days=days, messages=len(lines))


class _Home:
    """One home and who lives there alone: what its devices say in a month."""

    def __init__(self, number: int, rng: Rng, days: int, homes: int) -> None:
        self.number, self.rng, self.days = number, rng, days
        self.id = f"m-{number:02d}"
        self.surname, self.given = list(people.elders())[number]
        self.resident = f"{self.surname.latin}-{self.given.latin}"
        self.is_guarded = number < GUARDED
        self.arms = number >= homes - ARMS_OUT
        self.has_carer = number % homes in range(1, 1 + CARED_FOR)
        self.must_stay = number < WATCHED
        self.charges = bool(rng.random() < CHARGES_BY_NIGHT)
        self.wakes_h, self.sleeps_h = (float(rng.normal(hour, OWN_SPREAD_H)) for hour in (WAKES_H, SLEEPS_H))
        self.holiday: Span | None = None
        self.is_told = True
        """Whether a holiday is told to anybody."""
        self.emergencies: list[Emergency] = []
        self.out: list[Span] = []
        self.asleep: list[Span] = []
        self.said: list[tuple[float, dict[str, Any]]] = []

    @property
    def at_m(self) -> tuple[float, float]:
        """East and north of the middle of the estate."""
        return 20.0 * (self.number % 5 - 2), 30.0 * (self.number // 5 - 1)

    def device(self, what: str) -> str:
        return f"{what}-{self.number:02d}"

    def devices(self) -> list[dict[str, Any]]:
        inside = {"home": self.id}
        said: list[dict[str, Any]] = [
            {"id": self.device("w"), "kind": "wearable", "wearer": self.resident, "placement": "wrist"},
            {"id": self.device("door"), "kind": "contact", "covers": "door", **inside},
            {"id": self.device("window"), "kind": "contact", "covers": "window", **inside},
            {"id": self.device("hall"), "kind": "motion", **inside},
            {"id": self.device("room"), "kind": "motion", **inside},
            {"id": self.device("water"), "kind": "meter", **inside},
        ]
        if self.is_guarded:
            lon, lat = place(self.at_m[0], self.at_m[1] - HOME_M / 2)
            said.append(
                {"id": self.device("r"), "kind": "radar", "pose": {"lon": lon, "lat": lat, "heading_deg": 180, "height_m": 2.2}, **inside}
            )
        return said

    # What is said

    def say(self, at_s: float, what: str, kind: str, **fields: object) -> None:
        """A reading of one of its devices."""
        t_ns = START_NS + round(at_s * 1000) * NS_PER_MS
        payload = json.dumps({"t": t_ns // NS_PER_MS, **fields}).encode()
        self._add(at_s, Timed(t_ns + DELAY_NS, topic(COMMUNITY, self.device(what), kind), payload))

    def feel(self, at_s: float, accel_g: "np.ndarray[tuple[int, ...], Any]") -> None:
        """Packets of the watch, of a second each."""
        samples = milli_g(accel_g)
        for nth in range(samples.shape[1] // RATE_HZ):
            t_ns = START_NS + round((at_s + nth) * 1000) * NS_PER_MS
            part = samples[:, nth * RATE_HZ : (nth + 1) * RATE_HZ]
            self._add(at_s + nth, Timed(t_ns + NS_PER_S, topic(COMMUNITY, self.device("w"), "acceleration"), packet(t_ns, part)))

    def _add(self, at_s: float, message: Timed) -> None:
        self.said.append((at_s, message.line()))

    def set_mode(self, at_s: float, mode: str) -> None:
        self.said.append((at_s, {"at": START_NS // NS_PER_MS + round(at_s * 1000), "mode": {"home": self.id, "mode": mode}}))

    def opens(self, at_s: float, what: str, for_s: float) -> None:
        self.say(at_s, what, "contact", open=True)
        self.say(at_s + for_s, what, "contact", open=False)

    def stirs(self, at_s: float, what: str, for_s: float) -> None:
        self.say(at_s, what, "motion", motion=True)
        self.say(at_s + for_s, what, "motion", motion=False)

    # How they live

    def live(self) -> None:
        """The whole month."""
        self.out += [(one.at_s - LEAVES_BEFORE_S[one.sort], one.until_s) for one in self.emergencies if one.sort in LEAVES_BEFORE_S]
        for what in ("door", "window"):
            self.say(float(self.rng.uniform(1.0, 50.0)), what, "contact", open=False)
        for day in range(self.days):
            self._day(day)
        for one in self.emergencies:
            self._emergency(one)
        self._wear()
        self._use_water()
        if self.is_guarded:
            self._watch_terrace()
        self._report()

    def _hour(self, day: int, hour: float, spread: float = SPREAD_H) -> float:
        return day * DAY_S + float(self.rng.normal(hour, spread)) * HOUR_S

    def _minutes(self, bounds: Span) -> float:
        return float(self.rng.uniform(*bounds)) * MINUTE_S

    def _chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def _is_free(self, begin_s: float, end_s: float) -> bool:
        """Whether they can do something then: they are at home, and nothing has happened to them."""
        taken = [*self.out, *((one.at_s, one.until_s + AFTER_S) for one in self.emergencies), *([self.holiday] if self.holiday else [])]
        return all(end_s <= begin or end <= begin_s for begin, end in taken)

    def _day(self, day: int) -> None:
        wakes_s, sleeps_s = self._hour(day, self.wakes_h), self._hour(day, self.sleeps_h)
        last_s = self.asleep[-1][0] if self.asleep else 0.0
        self.asleep[-1:] = [(last_s, wakes_s)]
        self.asleep.append((sleeps_s, (day + 1) * DAY_S))
        if self.holiday and int(self.holiday[0] // DAY_S) == day:
            self._travel(*self.holiday)
        for hour, share in zip(OUTING_H, OUTINGS, strict=True):
            begin_s = self._hour(day, hour)
            end_s = begin_s + self._minutes(OUTING_MIN)
            if self._chance(share) and self._is_free(begin_s, end_s + AFTER_S):
                self._go_out(begin_s, end_s)
        nap_s = self._hour(day, NAP_H)
        nap = (nap_s, nap_s + self._minutes(NAP_MIN)) if self._chance(NAPS) else (nap_s, nap_s)
        now_s = wakes_s
        while now_s < sleeps_s:
            long_s = self._minutes(STIR_MIN)
            if not nap[0] <= now_s < nap[1] and self._is_free(now_s, now_s + long_s):
                self.stirs(now_s, "room" if self._chance(0.7) else "hall", long_s)
            now_s += long_s + self._minutes(STIRS_MIN)
        for _ in range(int(self.rng.poisson(NIGHT_VISITS))):
            at_s = float(self.rng.uniform(last_s + HOUR_S, max(last_s + 2 * HOUR_S, wakes_s - HOUR_S)))
            long_s = self._minutes(NIGHT_VISIT_MIN)
            if self._is_free(at_s, at_s + long_s):
                self.stirs(at_s, "hall", long_s)
        self._others(day, sleeps_s)

    def _others(self, day: int, sleeps_s: float) -> None:
        """Who comes to them, and the window."""
        weekday = (FIRST_WEEKDAY + day) % 7
        visits = [(CHILDREN_H, CHILDREN_MIN, dict(zip((SATURDAY, SATURDAY + 1), CHILDREN, strict=True)).get(weekday, 0.0))]
        visits.append((CARER_H, CARER_MIN, float(self.has_carer and weekday < SATURDAY)))
        for hour, bounds, share in visits:
            begin_s = self._hour(day, hour)
            end_s = begin_s + self._minutes(bounds)
            if self._chance(share) and self._is_free(begin_s, end_s):
                for at_s in (begin_s, end_s):
                    self._answer_door(at_s)
        at_s = self._hour(day, COURIER_H, 2.0)
        if self._chance(COURIERS) and self._is_free(at_s, at_s + 120.0):
            self._answer_door(at_s)
        begin_s = self._hour(day, float(self.rng.choice(AIRS_H)))
        if self._chance(AIRS) and self._is_free(begin_s, begin_s + AIRS_MIN[1] * MINUTE_S):
            self.stirs(begin_s - 8.0, "room", 20.0)
            self.opens(begin_s, "window", min(self._minutes(AIRS_MIN), sleeps_s - begin_s))

    def _answer_door(self, at_s: float) -> None:
        long_s = float(self.rng.uniform(*DOOR_S))
        self.stirs(at_s - 6.0, "hall", 5.0)
        self.opens(at_s, "door", long_s)
        self.stirs(at_s + long_s + 4.0, "hall", 15.0)

    def _go_out(self, begin_s: float, end_s: float, *, arms: bool | None = None, walks: bool = True) -> None:
        """Out by the door, and back; perhaps the home is armed meanwhile."""
        self.out.append((begin_s, end_s))
        arms = self.arms and not self._chance(FORGETS) if arms is None else arms
        self.stirs(begin_s - 25.0, "hall", 20.0)
        if arms:
            self.set_mode(begin_s - 15.0, "away")
        self.opens(begin_s, "door", float(self.rng.uniform(*DOOR_S)))
        self._come_in(end_s, disarms=arms)
        if walks and self._chance(TAKES_WATCH_OUT):
            self._walk(begin_s, end_s, GARDEN_M if self.must_stay else float(self.rng.choice((GARDEN_M, SHOPS_M))))

    def _come_in(self, at_s: float, *, disarms: bool) -> None:
        self.opens(at_s, "door", float(self.rng.uniform(*DOOR_S)))
        self.stirs(at_s + 4.0, "hall", 40.0)
        if disarms:
            self.set_mode(at_s + 12.0, "disarmed")

    def _travel(self, begin_s: float, end_s: float) -> None:
        """With the children for some days; the watch stays at home."""
        self.out.append((begin_s, end_s))
        self.stirs(begin_s - 30.0, "hall", 20.0)
        self.opens(begin_s, "door", DOOR_S[1])
        if self.is_told:
            self.set_mode(begin_s + 30.0, "holiday")
        self._come_in(end_s, disarms=self.is_told)

    def _walk(self, begin_s: float, end_s: float, far_m: float) -> None:
        """Fixes of a way there and back, with a rest between."""
        home, heading = np.array(self.at_m), float(self.rng.uniform(0.0, 2 * np.pi))
        there = home / 4 + far_m * np.array([np.sin(heading), np.cos(heading)])
        way_s = min(float(np.hypot(*(there - home))) / WALK_MPS, (end_s - begin_s) / 2)
        for at_s in np.arange(begin_s + DOOR_S[1], end_s, FIX_S).tolist():
            share = min(1.0, (at_s - begin_s) / way_s, (end_s - at_s) / way_s)
            self._fix(at_s, home + share * (there - home))

    def _fix(self, at_s: float, where_m: "np.ndarray[tuple[int, ...], Any]") -> None:
        lon, lat = place(*(where_m + self.rng.normal(0.0, FIX_NOISE_M, 2)).tolist())
        self.say(at_s, "w", "position", lon=lon, lat=lat, accuracy_m=ACCURACY_M)

    # What happens to them

    def _emergency(self, one: Emergency) -> None:
        match one.sort:
            case Sort.FALL:
                self.feel(one.at_s - BEFORE_S, motion.fall(self.rng, typical=True, before_s=BEFORE_S, after_s=LIES_S))
            case Sort.SOS:
                self.say(one.at_s, "w", "button", pressed="sos")
            case Sort.BURGLAR:
                self._go_out(one.at_s - LEAVES_BEFORE_S[one.sort], one.until_s, arms=True)
                self.opens(one.at_s, "window", 240.0)
                self.stirs(one.at_s + 30.0, "room", 150.0)
            case Sort.LEFT_BY_NIGHT | Sort.NOT_BACK:
                self._go_out(one.at_s, one.until_s, arms=False, walks=False)
            case Sort.LEFT_ESTATE:
                self._go_out(one.at_s - LEAVES_BEFORE_S[one.sort], one.until_s, arms=False, walks=False)
                home, there = np.array(self.at_m), np.array([SHOPS_M, 0.0])
                for at_s in np.arange(one.at_s - LEAVES_BEFORE_S[one.sort] + DOOR_S[1], one.until_s, FIX_S).tolist():
                    gone_m = min((at_s - one.at_s + LEAVES_BEFORE_S[one.sort]) * WALK_MPS, SHOPS_M)
                    self._fix(at_s, home + gone_m * there / SHOPS_M)
            case Sort.COLLAPSE | Sort.STRANGER:
                pass  # no device says anything of it; a radar does, see there
        if one.sort in {Sort.FALL, Sort.SOS, Sort.COLLAPSE}:
            self._come_in(one.until_s, disarms=False)  # who helps

    # What runs by itself

    def _wear(self) -> None:
        """A packet of the watch every so often, but around a fall."""
        table = np.tile(np.array([[0.0], [0.0], [1.0]]), RATE_HZ)
        falls = [one.at_s for one in self.emergencies if one.sort is Sort.FALL]
        chargers = self._charging()
        lying = [(one.at_s, one.until_s, one.sort) for one in self.emergencies if one.sort in {Sort.FALL, Sort.COLLAPSE}]
        for at_s in np.arange(self.rng.uniform(0.0, BEAT_S), self.days * DAY_S, BEAT_S).tolist():
            if any(fall_s - BEFORE_S - 3.0 <= at_s <= fall_s + LIES_S + 3.0 for fall_s in falls):
                continue
            sleeps = any(begin <= at_s < end for begin, end in self.asleep)
            fallen = next((sort for begin, end, sort in lying if begin <= at_s < end), None)
            charging = any(begin <= at_s < end for begin, end in chargers)
            if fallen is Sort.COLLAPSE or (fallen is None and charging):
                self.feel(at_s, table + self.rng.normal(0.0, 0.002, table.shape))
            elif fallen or sleeps:
                self.feel(at_s, motion.resting(self.rng, 1.0, gravity=RESTING, movement=0.2))
            else:
                self.feel(at_s, motion.resting(self.rng, 1.0, gravity=motion.near(self.rng, RESTING)))

    def _use_water(self) -> None:
        total_l = float(self.rng.uniform(20_000.0, 90_000.0))
        for at_s in np.arange(self.rng.uniform(0.0, METER_S), self.days * DAY_S, METER_S).tolist():
            if self._is_free(at_s - METER_S, at_s):
                sleeps = any(begin <= at_s - METER_S / 2 < end for begin, end in self.asleep)
                total_l += FLUSH_L * float(self._chance(0.15)) if sleeps else float(self.rng.uniform(*WATER_L_H))
            self.say(at_s, "water", "meter", water_l=round(total_l, 1))

    def _watch_terrace(self) -> None:
        """Nobody, every minute; people who pass by, and a stranger who comes up to the window."""
        seen = [(one.at_s, walk_up(self.rng, LINE_M, through=self._chance(0.5))) for one in self.emergencies if one.sort is Sort.STRANGER]
        for day in range(self.days):
            for span, times in (((7.0, 21.0), PASSERS_A_DAY), ((22.0, 29.0), PASSERS_A_NIGHT)):
                for hour in np.sort(self.rng.uniform(*span, times)).tolist():
                    begin_s = day * DAY_S + hour * HOUR_S
                    if all(abs(begin_s - other) > APART_S for other, _ in seen):
                        seen.append((begin_s, pass_by(self.rng)))
        for begin_s, path in seen:
            noisy = path + self.rng.normal(0.0, 0.04, path.shape)
            for nth, (x_m, y_m) in enumerate(noisy.round(2).tolist()):
                self.say(begin_s + nth / RADAR_HZ, "r", "targets", targets=[{"x_m": x_m, "y_m": y_m, "speed_mps": 0.5}])
        for at_s in np.arange(0.0, self.days * DAY_S, RADAR_IDLE_S).tolist():
            if all(not begin - 1.0 <= at_s <= begin + len(path) / RADAR_HZ + 1.0 for begin, path in seen):
                self.say(at_s, "r", "targets", targets=[])

    def _charging(self) -> list[Span]:
        """When the watch lies on its charger."""
        left = [self.holiday] if self.holiday else []
        if self.charges:
            return [*self.asleep, *left]
        return [*((begin_s - CHARGE_MIN * MINUTE_S, begin_s) for begin_s, _ in self.asleep[1:]), *left]

    def _report(self) -> None:
        """Every so often, as battery sensors of Zigbee do, whether or not anything happens."""
        for said in self.devices():
            what = said["id"].rsplit("-", 1)[0]
            level, drains, chargers = float(self.rng.uniform(60.0, 99.0)), DRAINS_A_DAY, list[Span]()
            if what == "w":
                drains, chargers = WATCH_DRAINS_A_DAY, self._charging()
            for at_s in np.arange(self.rng.uniform(0.0, STATUS_S), self.days * DAY_S, STATUS_S).tolist():
                is_charging = any(begin <= at_s < end for begin, end in chargers)
                level += STATUS_S * (CHARGES_A_HOUR / HOUR_S if is_charging else -drains / DAY_S)
                level = min(max(level, 1.0), 100.0)
                self.say(at_s, what, "status", battery_percent=round(level), online=True)


class _Estate:
    """All homes, and what happens to several of them at once."""

    def __init__(self, seed: int, days: int, homes: int, emergencies: int) -> None:
        if homes < max(GUARDED, ARMS_OUT, WATCHED):
            raise ValueError(f"{homes} homes, wanted at least {max(GUARDED, ARMS_OUT, WATCHED)}")
        seeds = np.random.SeedSequence(seed).spawn(homes + 1)
        self._rng = np.random.default_rng(seeds[0])
        self._days = days
        self._homes = [_Home(number, np.random.default_rng(one), days, homes) for number, one in enumerate(seeds[1:])]
        self._leave_for_the_holiday()
        self.emergencies = tuple(self._strike(TWELVE[:emergencies]))
        for one in self.emergencies:
            next(home for home in self._homes if home.id == one.home).emergencies.append(one)
        for home in self._homes:
            home.live()

    def _leave_for_the_holiday(self) -> None:
        for nth, number in enumerate(self._rng.permutation(len(self._homes))[:ON_HOLIDAY].tolist()):
            home = self._homes[number]
            home.holiday = (HOLIDAY * DAY_S + 9.5 * HOUR_S, (HOLIDAY + HOLIDAY_DAYS) * DAY_S + 16.0 * HOUR_S)
            home.is_told = nth >= FORGETS_HOLIDAY

    def _strike(self, sorts: tuple[Sort, ...]) -> Iterator[Emergency]:
        """Each on a day of its own, of homes that are not on holiday then."""
        days = np.sort(self._rng.permutation(np.arange(1, self._days - 1))[: len(sorts)]).tolist()
        for sort, day in zip(sorts, days, strict=True):
            homes = [home for home in self._homes if self._fits(sort, home, day)]
            home = homes[int(self._rng.integers(len(homes)))]
            begin_h, end_h = HAPPENS_H[sort]
            at_s = day * DAY_S + float(self._rng.uniform(begin_h, end_h)) * HOUR_S
            lasts_s = FOUND_H * HOUR_S if sort in UNHEARD else float(self._rng.uniform(*HELPED_MIN)) * MINUTE_S
            yield Emergency(sort, at_s, at_s + lasts_s, home.id, home.resident)

    def _fits(self, sort: Sort, home: _Home, day: int) -> bool:
        if home.holiday and HOLIDAY - 2 <= day <= HOLIDAY + HOLIDAY_DAYS + 1:
            return False
        return {Sort.STRANGER: home.is_guarded, Sort.BURGLAR: home.arms, Sort.LEFT_ESTATE: home.must_stay}.get(sort, True)

    def lines(self) -> list[tuple[float, dict[str, Any]]]:
        """All that is said and done, in order."""
        said = [line for home in self._homes for line in home.said]
        dead = self._dead_batteries()
        cut_s = self._days * DAY_S * float(self._rng.uniform(0.3, 0.7))
        cut = (cut_s, cut_s + float(self._rng.uniform(*POWER_CUT_MIN)) * MINUTE_S)
        if any(one.at_s - DAY_S / 8 < cut[1] and cut[0] < one.until_s for one in self.emergencies):
            cut = (0.0, 0.0)  # a month without one: nobody can hear who calls in it
        kept = [one for one in said if "topic" not in one[1] or not (cut[0] <= one[0] < cut[1] or _is_lost(one, dead))]
        kept += self._closing_acts()
        kept.sort(key=lambda one: one[1]["at"])
        return [one for one in kept if 0 <= one[0] < self._days * DAY_S - 5]

    def _dead_batteries(self) -> dict[str, Span]:
        """Devices that fall silent until somebody has come with a battery."""
        found: dict[str, Span] = {}
        for number in self._rng.permutation(len(self._homes))[:DEAD_BATTERIES].tolist():
            begin_s = float(self._rng.uniform(0.2, 0.8)) * self._days * DAY_S
            what = str(self._rng.choice(["window", "room", "water"]))
            home = self._homes[number]
            if all(one.until_s < begin_s or begin_s + 2 * DAY_S < one.at_s for one in home.emergencies):
                found[home.device(what)] = (begin_s, begin_s + 2 * DAY_S)
        return found

    def _closing_acts(self) -> Iterator[tuple[float, dict[str, Any]]]:
        """Who was helped is done with; what else is open is looked at in the morning and in the evening, and closed."""
        for one in self.emergencies:
            for subject in (one.resident, one.home):
                yield _done(one.until_s + AFTER_S, subject)
        for at_s in np.arange(8.0 * HOUR_S, self._days * DAY_S, 12 * HOUR_S).tolist():
            for home in self._homes:
                if all(not one.at_s <= at_s <= one.until_s + AFTER_S for one in home.emergencies):
                    yield from (_done(at_s, subject) for subject in (home.resident, home.id))

    def community(self) -> dict[str, Any]:
        """The community file's values."""
        lines, homes, residents, devices = [], [], [], []
        for home in self._homes:
            east_m, north_m = home.at_m
            said = {"id": home.id, "building": "1", "floor": 1, "address": f"1栋{home.number + 1:02d}室"}
            if home.is_guarded:
                said["schedule"] = [{"at": NIGHT_FROM, "mode": "night"}, {"at": NIGHT_TO, "mode": "disarmed"}]
                path = [place(east_m + side * 3.0, north_m - HOME_M / 2 - LINE_M) for side in (-1, 1)]
                geometry = {"type": "LineString", "coordinates": path}
                line = {"id": f"window-{home.id}", "kind": "line", "home": home.id, "near": "left", "approach_m": 1.5}
                lines.append({**line, "modes": ["away", "night"], "geometry": geometry})
            homes.append(said | {"arming": {"exit_delay_s": 60, "entry_delay_s": 30}})
            name = home.surname.written + home.given.written
            residents.append({"id": home.resident, "name": name, "roles": ["resident"], "home": home.id})
            residents.append(people.child(home.surname, [home.resident], home.number))
            devices += home.devices()
        ring = [place(*corner) for corner in ((-ESTATE_M, -ESTATE_M), (ESTATE_M, -ESTATE_M), (ESTATE_M, ESTATE_M), (-ESTATE_M, ESTATE_M))]
        watched = [home.resident for home in self._homes if home.must_stay]
        area = {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
        lines.append({"id": "estate", "kind": "area", "residents": watched, "events": ["exit"], "geometry": area})
        return {
            "community": {"id": COMMUNITY, "name": NAME, "timezone": "Asia/Shanghai", "language": "zh"},
            "homes": homes,
            "people": [*residents, *people.STAFF],
            "devices": devices,
            "geofences": lines,
            "rosters": [people.ROSTER],
            "policies": people.POLICIES,
        }


def place(east_m: float, north_m: float) -> tuple[float, float]:
    """Longitude and latitude of a place of the estate."""
    lon, lat = estate.place(east_m, north_m, CENTRE)
    return lon, lat


def _is_lost(said: tuple[float, dict[str, Any]], dead: dict[str, Span]) -> bool:
    begin_s, end_s = dead.get(said[1]["topic"].split("/")[2], (0.0, 0.0))
    return begin_s <= said[0] < end_s


def _done(at_s: float, subject: str) -> tuple[float, dict[str, Any]]:
    act = {"by": "guard-sun", "do": "resolve", "subject": subject}
    return at_s, {"at": START_NS // NS_PER_MS + round(at_s * 1000), "act": act}
