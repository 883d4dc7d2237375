"""Schedules: a home's mode changes by itself at times of day, by the clock on the wall."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from devices.model import NS_PER_S, CommunityId, HomeId
from devices.sensors.keypad import KeypadBatch
from rules.home.guarding import Place
from rules.kinds import Mode
from rules.model import Facts, ModeSet, Snapshot
from rules.premises import SCHEDULE, Planned, Premises, comes_ns

_DAYS_OF_A_WEEK = 7
_DAY = timedelta(days=1)


def upcoming(schedule: Iterable[Planned], after_ns: int, zone: tzinfo) -> tuple[int, Mode] | None:
    """The next change that a schedule says, after a time: when, in ns, and the mode; None of an empty one.

    A time of day comes once a day, as `rules.premises.comes_ns` says of the days on which the clock is changed. Of two that come at one
    moment because it skips both, the one that is later on the wall holds.
    """
    today = datetime.fromtimestamp(after_ns // NS_PER_S, tz=zone).date()
    return min(_between(schedule, today, range(-1, _DAYS_OF_A_WEEK + 2), zone, after_ns), key=lambda one: one[0], default=None)


def missed(schedule: Iterable[Planned], after_ns: int, until_ns: int, zone: tzinfo) -> tuple[int, Mode] | None:
    """The newest change that a schedule says after one time and no later than another; None if there is none."""
    today = datetime.fromtimestamp(until_ns // NS_PER_S, tz=zone).date()
    found = _between(schedule, today, range(-_DAYS_OF_A_WEEK - 1, 2), zone, after_ns)
    return max((one for one in found if one[0] <= until_ns), key=lambda one: one[0], default=None)


def _between(schedule: Iterable[Planned], today: date, days: range, zone: tzinfo, after_ns: int) -> list[tuple[int, Mode]]:
    """(when, mode) on some days around one, after a time; of each moment the last on the wall."""
    at: dict[int, Mode] = {}
    for planned in sorted(schedule, key=lambda one: one.at):
        for day in (today + n * _DAY for n in days):
            if day.weekday() in planned.days:
                at[comes_ns(datetime.combine(day, planned.at), zone)] = planned.mode
    return [(at_ns, mode) for at_ns, mode in at.items() if at_ns > after_ns]


@dataclass(slots=True, kw_only=True)
class _Carried:
    """How far a home's schedule was carried out; what it says next; and what is due no earlier than, because nobody was there before."""

    after_ns: int
    next: tuple[int, Mode] | None
    from_ns: int = 0

    @property
    def due_ns(self) -> int | None:
        """When the next change is due."""
        return None if self.next is None else max(self.next[0], self.from_ns)


class Schedule:
    """At each time that a home's schedule says, the home is put into that mode, as if somebody had set it then.

    - What somebody sets by hand stays until the next such time.
    - What was missed while nothing was judged: the newest one is due at once, the others are not.
    - A schedule that is new, or another one than before, begins when it begins to hold: it never makes up for earlier times.
    """

    name = "schedule"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._plans = {place: home.schedule for place, home in premises.homes.items() if home.schedule}
        self._carried: dict[Place, _Carried] = {}
        self._due_ns: int | None = None

    def begin(self, now_ns: int, since_ns: Mapping[str, int], /) -> None:
        """Carry schedules out from now on, or from when they hold, what is due in that moment too; of what was missed the newest."""
        self._carried = {place: self._carried_to(place, since_ns.get(place[0], now_ns) - 1) for place in self._plans}
        self.resumed(now_ns)

    def resumed(self, now_ns: int, /) -> None:
        """Of what was missed the newest is due now."""
        for place, carried in self._carried.items():
            newest = missed(self._plans[place], carried.after_ns, now_ns, self._zone(place))
            if newest is not None:
                carried.after_ns, carried.next, carried.from_ns = newest[0] - 1, newest, now_ns
        self._look()

    def update(self, _batch: KeypadBatch, /) -> Facts:
        """Nothing: time alone decides."""
        return []

    def next_due(self) -> int | None:
        """When the next mode is to be set, in ns."""
        return self._due_ns

    def tick(self, now_ns: int, /) -> Facts:
        """Set the modes whose time has come."""
        facts: Facts = []
        for place in sorted(place for place, one in self._carried.items() if one.due_ns is not None and one.due_ns <= now_ns):
            carried = self._carried[place]
            if carried.next is None:
                continue
            planned_ns, mode = carried.next
            self._carried[place] = self._carried_to(place, planned_ns)
            since_ns = self._premises.modes.put(*place, mode, now_ns, now_ns)
            if since_ns is not None:
                facts.append(
                    ModeSet(
                        community_id=CommunityId(place[0]),
                        home_id=HomeId(place[1]),
                        mode=mode,
                        by=SCHEDULE,
                        t_ns=since_ns,
                        known_ns=now_ns,
                        seq=-1,
                    )
                )
        self._look()
        return facts

    def snapshot(self) -> Snapshot:
        """How far each home's schedule was carried out, and which schedule that was."""
        return {
            f"{community_id}/home:{home}": {
                "after_ns": one.after_ns,
                "from_ns": one.from_ns,
                "plan": _written(self._plans[community_id, home]),
            }
            for (community_id, home), one in self._carried.items()
        }

    def restore(self, snapshot: Snapshot, /) -> None:
        """Go on where a schedule that is still the same was."""
        for place, plan in self._plans.items():
            kept = snapshot.get(f"{place[0]}/home:{place[1]}")
            if kept is not None and kept["plan"] == _written(plan):
                self._carried[place] = self._carried_to(place, kept["after_ns"], kept["from_ns"])
        self._look()

    def _carried_to(self, place: Place, after_ns: int, from_ns: int = 0) -> _Carried:
        return _Carried(after_ns=after_ns, next=upcoming(self._plans[place], after_ns, self._zone(place)), from_ns=from_ns)

    def _look(self) -> None:
        self._due_ns = min((one.due_ns for one in self._carried.values() if one.due_ns is not None), default=None)

    def _zone(self, place: Place) -> tzinfo:
        return self._premises.clock(place[0]).zone


def _written(plan: Iterable[Planned]) -> list[list[Any]]:
    return [[f"{one.at:%H:%M}", one.mode.value, sorted(one.days)] for one in plan]
