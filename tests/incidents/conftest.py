"""An invented estate in which time passes: what came of it is kept as (second, to, channel or purpose)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from devices.model import NS_PER_S, CommunityId, DeviceId, DeviceKind, HomeId, PersonId
from incidents.book import Book
from incidents.desk import act, silence, sweep, take
from incidents.directory import (
    Channel,
    Directory,
    Home,
    Language,
    NamedDevice,
    Person,
    Policy,
    PolicyId,
    Repeat,
    Role,
    Roster,
    RosterId,
    Shift,
    Step,
    Weekday,
)
from incidents.model import Act, Do, Duty, Incident, IncidentState, Outcome, Purpose, Quiet, Refused
from rules.kinds import EventKind, Mode
from rules.model import Cancelled, Cleared, Event

COMMUNITY = CommunityId("willow")
T0_NS = 1_772_416_800 * NS_PER_S  # 2026-03-02T02:00:00Z, a Monday, 10:00 in Shanghai
MOBILE = (Channel.SMS, Channel.VOICE)


def ns(seconds: float) -> int:
    return T0_NS + round(seconds * NS_PER_S)


def person(id_: str, *roles: Role, channels: tuple[Channel, ...] = MOBILE, **fields: Any) -> Person:
    return Person(id=PersonId(id_), name=id_, roles=frozenset(roles), channels=channels, **fields)


def policy(id_: str, *kinds: EventKind, steps: list[tuple[int, list[str], list[Channel]]], **fields: Any) -> Policy:
    return Policy(
        id=PolicyId(id_),
        kinds=frozenset(kinds),
        steps=tuple(Step(after_s=after_s, tell=tuple(tell), by=tuple(by)) for after_s, tell, by in steps),
        **fields,
    )


DISTRESS = policy(
    "distress",
    *(EventKind.FALL, EventKind.LONG_LIE, EventKind.SOS),
    cancel_window_s=30,
    steps=[
        (0, ["relatives", "roster:gate"], [Channel.SMS]),
        (60, ["hospital"], [Channel.SMS, Channel.VOICE]),
        (300, ["officer"], [Channel.VOICE]),
    ],
    repeat=Repeat(every_s=120, times=2),
)
QUIETLY = policy("quietly", EventKind.DURESS, steps=[(0, ["officer", "relatives"], [Channel.SMS])])
PERIMETER = policy(
    "perimeter",
    *(EventKind.APPROACH, EventKind.CROSS, EventKind.INTRUSION),
    steps=[(0, ["occupants", "relatives", "neighbours"], [Channel.SMS]), (90, ["roster:gate"], [Channel.VOICE])],
)
ABSENCE = policy("absence", EventKind.EXIT, EventKind.ABSENT, EventKind.OFFLINE, steps=[(0, ["relatives"], [Channel.SMS])])
POLICIES = (DISTRESS, QUIETLY, PERIMETER, ABSENCE)

EVERY_DAY = frozenset(Weekday)
GATE = Roster(
    id=RosterId("gate"),
    shifts=(
        Shift(responder=PersonId("day-guard"), days=EVERY_DAY, since=time(8), until=time(20)),
        Shift(responder=PersonId("night-guard"), days=EVERY_DAY - {Weekday.SUN}, since=time(20), until=time(8)),
    ),
)

PEOPLE = (
    person("fen", Role.RESIDENT, home=HomeId("h-1")),
    person("bo", Role.RESIDENT, home=HomeId("h-1")),
    person("an", Role.RESIDENT, home=HomeId("h-2")),
    person("jie", Role.RELATIVE, of=(PersonId("fen"),)),
    person("emma", Role.RELATIVE, of=(PersonId("bo"), PersonId("an"))),
    person("upstairs", Role.NEIGHBOUR, of=(PersonId("bo"),)),
    person("day-guard", Role.GUARD),
    person("night-guard", Role.GUARD),
    person("hospital-desk", Role.HOSPITAL, channels=(Channel.VOICE,)),
    person("officer", Role.OFFICER),
    person("office", Role.ADMINISTRATOR),
)


def directory(
    *, policies: tuple[Policy, ...] = POLICIES, people: tuple[Person, ...] = PEOPLE, rosters: tuple[Roster, ...] = (GATE,)
) -> Directory:
    homes = ("h-1", "h-2")
    return Directory(
        community_id=COMMUNITY,
        name="Willow",
        timezone=ZoneInfo("Asia/Shanghai"),
        language=Language.EN,
        people={one.id: one for one in people},
        homes={
            HomeId(home): Home(
                id=HomeId(home), occupants=tuple(one.id for one in people if one.home == home and Role.RESIDENT in one.roles)
            )
            for home in homes
        },
        devices={
            DeviceId("watch"): NamedDevice(id=DeviceId("watch"), kind=DeviceKind.WEARABLE, wearer=PersonId("fen")),
            DeviceId("door"): NamedDevice(id=DeviceId("door"), kind=DeviceKind.CONTACT, home=HomeId("h-1")),
        },
        rosters={one.id: one for one in rosters},
        policies=policies,
    )


@dataclass
class World:
    """A book, a directory and a clock. Times are seconds after 10:00 on a Monday; whatever is due by then happens first."""

    directory: Directory = field(default_factory=directory)
    modes: dict[str, Mode] = field(default_factory=dict)
    book: Book = field(default_factory=Book)
    duties: list[tuple[float, Duty]] = field(default_factory=list)
    states: list[tuple[float, str, IncidentState]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)

    def event(
        self, at_s: float, kind: EventKind, subject: str = "fen", *, cause: str = "", t_s: float | None = None, **fields: Any
    ) -> None:
        self.until(at_s)
        t_ns = ns(at_s if t_s is None else t_s)
        fact = Event(community_id=COMMUNITY, kind=kind, subject=subject, t_ns=t_ns, known_ns=ns(at_s), seq=0, cause=cause, **fields)
        self._settle(at_s, take(fact, self.book, self.directory, ns(at_s)))

    def cleared(self, at_s: float, kind: EventKind, subject: str, cause: str = "") -> None:
        self.until(at_s)
        fact = Cleared(community_id=COMMUNITY, kind=kind, subject=subject, cause=cause, t_ns=ns(at_s), known_ns=ns(at_s), seq=0)
        self._settle(at_s, take(fact, self.book, self.directory, ns(at_s)))

    def cancel(self, at_s: float, subject: str = "fen", *, t_s: float | None = None) -> None:
        self.until(at_s)
        t_ns = ns(at_s if t_s is None else t_s)
        fact = Cancelled(
            community_id=COMMUNITY, subject=PersonId(subject), device_id=DeviceId("watch"), t_ns=t_ns, known_ns=ns(at_s), seq=0
        )
        self._settle(at_s, take(fact, self.book, self.directory, ns(at_s)))

    def act(self, at_s: float, by: str, do: Do, subject: str = "fen", eta_min: float | None = None, **more: Any) -> str | None:
        """The reason, where it was refused."""
        self.until(at_s)
        outcome = act(Act(by=PersonId(by), do=do, subject=subject, eta_min=eta_min, **more), self.book, self.directory, ns(at_s))
        if isinstance(outcome, Refused):
            return outcome.reason
        self._settle(at_s, outcome)
        return None

    def silence(self, at_s: float, by: str, subject: str, *, minutes: float, reason: str = "装修", **more: bool) -> str | None:
        """The reason, where it was refused."""
        self.until(at_s)
        quiet = Quiet(by=PersonId(by), subject=subject, reason=reason, until_ns=ns(at_s + minutes * 60), **more)
        outcome = silence(quiet, self.book, self.directory, ns(at_s))
        if isinstance(outcome, Refused):
            return outcome.reason
        self._settle(at_s, outcome)
        return None

    def mode(self, home: str, mode: Mode) -> None:
        """A home's mode from now on."""
        self.modes[home] = mode

    def until(self, at_s: float) -> None:
        while (due := self.book.next_due()) is not None and due <= ns(at_s):
            self._settle((due - T0_NS) / NS_PER_S, sweep(self.book, self.directory, due))

    def told(self, purpose: Purpose = Purpose.TELL) -> list[tuple[float, str, str]]:
        """(second, person, channel or news) of everything said for a purpose, in order."""
        return [(at_s, one.to, one.channel or one.news or "") for at_s, one in self.duties if one.purpose is purpose]

    def moves(self, subject: str = "fen") -> list[tuple[float, str]]:
        """(second, state) each time an incident of a subject is in another one."""
        found: list[tuple[float, str]] = []
        last: dict[str, str] = {}
        for at_s, id_, state in self.states:
            if self.incident(id_).subject == subject and last.get(id_) != state:
                found.append((at_s, state.value))
            last[id_] = state
        return found

    def incident(self, id_: Any) -> Incident:
        return self.book[id_]

    def __post_init__(self) -> None:
        self.book = Book(lambda home, _at_ns: self.modes.get(home, Mode.DISARMED))

    @property
    def last(self) -> Incident:
        """The incident opened last."""
        return self.incident(self.ids[-1])

    def _settle(self, at_s: float, outcome: Outcome) -> None:
        self.book.put(outcome)
        for incident in outcome.incidents:
            self.states.append((at_s, incident.id, incident.state))
            if incident.id not in self.ids:
                self.ids.append(incident.id)
        self.duties += [(at_s, duty) for duty in outcome.duties]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def worlds() -> Callable[..., World]:
    """Worlds with other policies, people or rosters than the usual ones."""
    return lambda **fields: World(directory=directory(**fields))


@pytest.fixture
def make_policy() -> Callable[..., Policy]:
    return policy


@pytest.fixture
def make_person() -> Callable[..., Person]:
    return person


@pytest.fixture
def people() -> tuple[Person, ...]:
    return PEOPLE
