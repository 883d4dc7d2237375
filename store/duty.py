"""Who is on duty when, and who is told after how long: rosters, policies and times of day from the words of a community's file."""

from datetime import date, time

from devices.model import CommunityId, DeviceId, HomeId, PersonId
from incidents.directory import DayKind, Override, Policy, PolicyId, Repeat, Roster, RosterId, Shift, Step, Visitor, Weekday, When
from incidents.workdays import Calendar
from rules.premises import Condition, Hours, OwnRule, Planned, RuleId, SensorState
from store import references
from store.schema import CommunityFile, HoursSaid, PlannedSaid, RosterSaid, RuleSaid, StepSaid, VisitorSaid, WhenSaid


def roster(roster: RosterSaid, country: str | None) -> Roster:
    """A roster, with the public holidays of a country if one is named."""
    shifts = (
        Shift(
            responder=PersonId(shift.responder),
            days=frozenset(_day(day) for day in shift.days),
            since=clock(shift.since),
            until=clock(shift.to),
        )
        for shift in roster.shifts
    )
    overrides = (
        Override(
            day=date.fromisoformat(override.date),
            since=clock(override.since),
            until=clock(override.to),
            responders=tuple(PersonId(responder) for responder in override.responders),
        )
        for override in roster.overrides
    )
    return Roster(
        id=RosterId(roster.id),
        shifts=tuple(shifts),
        overrides=tuple(overrides),
        calendar=None if country is None else Calendar(country),
    )


def _day(word: str) -> Weekday | DayKind:
    return DayKind(word) if word in set(DayKind) else Weekday[word.upper()]


def clock(text: str) -> time:
    """A time of day; 24:00 is the next day's 00:00, which is what an end at or before its beginning means."""
    return time.fromisoformat("00:00" if text == "24:00" else text)


def hours(said: HoursSaid) -> Hours:
    """Times of day on days of the week."""
    return Hours(since=clock(said.since), until=clock(said.to), days=frozenset(Weekday[day.upper()] for day in said.days))


def visitor(said: VisitorSaid) -> Visitor:
    """Somebody who is known to come."""
    days = frozenset(Weekday[day.upper()] for day in said.days)
    hours = Hours(since=clock(said.since), until=clock(said.to), days=days)
    return Visitor(name=said.name, kind=said.kind, hours=hours, last=None if said.until is None else date.fromisoformat(said.until))


def planned(said: PlannedSaid) -> Planned:
    """A mode at a time of day on days of the week."""
    return Planned(mode=said.mode, at=clock(said.at), days=frozenset(Weekday[day.upper()] for day in said.days))


_EACH = frozenset({SensorState.CLOSED, SensorState.NO_MOTION})
"""States that are only so if each sensor of a kind is: one closed window does not make windows closed."""


def rule(said: RuleSaid, file: CommunityFile) -> OwnRule:
    """A rule of the community's own, with the sensors that it is about."""
    return OwnRule(
        community_id=CommunityId(file.community.id),
        id=RuleId(said.id),
        home=None if said.home is None else HomeId(said.home),
        when=tuple(
            Condition(
                devices=tuple(sorted(DeviceId(device.id) for device in references.condition_devices(one, said, file))),
                state=one.state,
                for_s=one.for_s,
                every=one.state in _EACH,
            )
            for one in said.when
        ),
        match=said.match,
        between=None if said.between is None else hours(said.between),
        modes=None if said.modes is None else frozenset(said.modes),
    )


def policies(file: CommunityFile) -> tuple[Policy, ...]:
    """Every policy of a file."""
    return tuple(
        Policy(
            id=PolicyId(policy.id),
            kinds=frozenset(policy.kinds),
            steps=tuple(_step(step) for step in policy.steps),
            cancel_window_s=policy.cancel_window_s,
            certain_window_s=policy.certain_window_s,
            repeat=None if policy.repeat is None else Repeat(every_s=policy.repeat.every_s, times=policy.repeat.times),
        )
        for policy in file.policies
    )


def _step(step: StepSaid) -> Step:
    return Step(
        after_s=step.after_s,
        tell=tuple(step.tell),
        by=tuple(step.by),
        in_turn_s=step.in_turn_s or 0,
        when=None if step.when is None else _when(step.when),
    )


def _when(when: WhenSaid) -> When:
    return When(
        modes=None if when.modes is None else frozenset(when.modes),
        severities=None if when.severity is None else frozenset(when.severity),
        since=None if when.since is None else clock(when.since),
        until=None if when.to is None else clock(when.to),
        lies_s=when.lies_s,
    )
