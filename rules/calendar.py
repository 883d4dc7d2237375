"""What is due at times of day, by the clock on the wall: when it comes next, what was missed, and how far it was carried out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Generic, TypeVar

from devices.model import NS_PER_S
from rules.model import Snapshot
from rules.premises import Daily, comes_ns

_DAYS_OF_A_WEEK = 7
_DAY = timedelta(days=1)
T = TypeVar("T", bound=Daily)


def upcoming(plan: Iterable[T], after_ns: int, zone: tzinfo) -> tuple[int, T] | None:
    """What comes next after a time, and when, in ns; None of an empty plan.

    A time of day comes once a day, as `rules.premises.comes_ns` says of the days on which the clock is changed. Of two that come at one
    moment because it skips both, the one that is later on the wall holds.
    """
    today = datetime.fromtimestamp(after_ns // NS_PER_S, tz=zone).date()
    return min(_around(plan, today, range(-1, _DAYS_OF_A_WEEK + 2), zone, after_ns), key=lambda one: one[0], default=None)


def missed(plan: Iterable[T], after_ns: int, until_ns: int, zone: tzinfo) -> tuple[int, T] | None:
    """What came last after one time and no later than another, and when, in ns; None if nothing did."""
    today = datetime.fromtimestamp(until_ns // NS_PER_S, tz=zone).date()
    found = _around(plan, today, range(-_DAYS_OF_A_WEEK - 1, 2), zone, after_ns)
    return max((one for one in found if one[0] <= until_ns), key=lambda one: one[0], default=None)


def _around(plan: Iterable[T], today: date, days: range, zone: tzinfo, after_ns: int) -> list[tuple[int, T]]:
    """What comes when on some days around one, after a time; of each moment the last on the wall."""
    at: dict[int, T] = {}
    for one in sorted(plan, key=lambda one: one.at):
        for day in (today + n * _DAY for n in days):
            if day.weekday() in one.days:
                at[comes_ns(datetime.combine(day, one.at), one.zone or zone)] = one
    return [(at_ns, one) for at_ns, one in at.items() if at_ns > after_ns]


@dataclass(slots=True, kw_only=True)
class _Carried(Generic[T]):
    """How far a plan was carried out; what comes next; and what is due no earlier than, because nobody was there before."""

    after_ns: int
    next: tuple[int, T] | None
    from_ns: int = 0

    @property
    def due_ns(self) -> int | None:
        """When what comes next is due."""
        return None if self.next is None else max(self.next[0], self.from_ns)


class Calendar(Generic[T]):
    """Plans, each under the key that its state has in a snapshot: `<community>/home:<id>` or `…/person:<id>`.

    - What was missed while nothing was judged: the newest is due at once, the others are not.
    - A plan that is new, or another one than before, begins when it begins to hold: it never makes up for earlier times.

    Parameters
    ----------
    plans
        By key.
    zone_of
        A community's zone.
    """

    def __init__(self, plans: Mapping[str, tuple[T, ...]], zone_of: Callable[[str], tzinfo]) -> None:
        self._plans = plans
        self._zones = {key: zone_of(key.split("/", 1)[0]) for key in plans}
        self._carried: dict[str, _Carried[T]] = {}
        self._due_ns: int | None = None

    def begin(self, now_ns: int, since_ns: Mapping[str, int]) -> None:
        """Carry plans out from now on, or from when their community says them, what is due in that moment too."""
        self._carried = {key: self._carried_to(key, since_ns.get(key.split("/", 1)[0], now_ns) - 1) for key in self._plans}
        self.resumed(now_ns)

    def resumed(self, now_ns: int) -> None:
        """Of what was missed the newest is due now."""
        for key, carried in self._carried.items():
            newest = missed(self._plans[key], carried.after_ns, now_ns, self._zones[key])
            if newest is not None:
                carried.after_ns, carried.next, carried.from_ns = newest[0] - 1, newest, now_ns
        self._look()

    def next_due(self) -> int | None:
        """When something is due next, in ns."""
        return self._due_ns

    def take(self, now_ns: int) -> list[tuple[str, int, T]]:
        """What is due by now, in the order of keys: of which plan, for when it was planned, and what; it is carried out with that."""
        taken = []
        for key in sorted(key for key, one in self._carried.items() if one.due_ns is not None and one.due_ns <= now_ns):
            if (planned := self._carried[key].next) is not None:
                self._carried[key] = self._carried_to(key, planned[0])
                taken.append((key, *planned))
        self._look()
        return taken

    def snapshot(self) -> Snapshot:
        """How far each plan was carried out, and which plan that was."""
        return {
            key: {"after_ns": one.after_ns, "from_ns": one.from_ns, "plan": [planned.written for planned in self._plans[key]]}
            for key, one in self._carried.items()
        }

    def restore(self, snapshot: Snapshot) -> None:
        """Go on where a plan that is still the same was."""
        for key, plan in self._plans.items():
            kept = snapshot.get(key)
            if kept is not None and kept.get("plan") == [planned.written for planned in plan]:
                self._carried[key] = self._carried_to(key, kept["after_ns"], kept["from_ns"])
        self._look()

    def _carried_to(self, key: str, after_ns: int, from_ns: int = 0) -> _Carried[T]:
        return _Carried(after_ns=after_ns, next=upcoming(self._plans[key], after_ns, self._zones[key]), from_ns=from_ns)

    def _look(self) -> None:
        self._due_ns = min((one.due_ns for one in self._carried.values() if one.due_ns is not None), default=None)
