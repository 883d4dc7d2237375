"""Inactivity: somebody has given no sign of life for longer than is usual for them at this time of day."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from devices.health import NO_LIMIT_NS
from devices.model import NS_PER_S, Batch, CommunityId, HomeId, Int64, PersonId
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot
from rules.person.presence import AWAY, POLL_NS, House, Presence
from rules.person.rhythm import BIN_NS, BINS_OF_SLOT, Days, usual_s
from rules.premises import Care, Premises

NEVER = -1


@dataclass(slots=True, kw_only=True)
class _Watched:
    """A resident who is watched over.

    Attributes
    ----------
    days : tuple of Days
        The home's, and the resident's own.
    rows, worn : (K,) int64
        Devices whose signs count; those that the resident wears.
    from_ns : int
        The clock stood still until then.
    due_ns : int
        When the silence is judged next; -1 while it is not.
    told_ns : int
        Last sign before the silence that was told.
    """

    resident: PersonId
    house: House
    care: Care
    days: tuple[Days, Days]
    rows: Int64
    worn: Int64
    from_ns: int = NEVER
    due_ns: int = NEVER
    told_ns: int = NEVER

    @property
    def key(self) -> str:
        """Name in snapshots."""
        return f"{self.house.community_id}/person:{self.resident}"


class Inactivity:
    """A resident's silence, told once, when it is longer than what is usual.

    - Who: residents who live alone where a sensor in the home has noticed somebody, or whom `Care.inactivity` names.
    - The clock starts at the last sign. It stands still before the home is first heard, in the modes away and holiday, while who lives
      there alone is out, and while nothing that usually notices somebody can be heard; then it starts anew.
    - Too long is at least `Care.quiet_least_s`, at most `Care.quiet_most_s`, and between them what `rules.person.rhythm` has learnt.
    - A reading decides nothing by itself: silences are judged once their shortest time is over, so what counts is noted and no more.

    Parameters
    ----------
    premises
        Homes, their occupants, what is watched over of them, and what can be heard.
    """

    name = "inactivity"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        found = list(_residents(premises))
        self._presence = Presence(premises, {home for home, _, _ in found})
        self._days_of_home = {house.key: Days() for house in self._presence.houses}
        self._days_of_row: dict[int, Days] = {}
        self._last_bin: Int64 = np.full(len(self._registry), NEVER, np.int64)
        house_at = {(house.community_id, house.id): house for house in self._presence.houses}
        self._watched = [self._watch(house_at[home], resident, care) for home, resident, care in sorted(found, key=lambda one: one[:2])]
        self._is_ours = np.zeros(len(self._registry), np.bool_)
        self._is_ours[list(self._days_of_row)] = True
        self._next_ns = NO_LIMIT_NS

    def update(self, batch: Batch, /) -> Facts:
        """Note signs of life; the facts come with time."""
        moves = self._presence.take(batch)
        bins = moves.time_ns // BIN_NS
        new = np.flatnonzero(self._is_ours[moves.device] & (bins != self._last_bin[moves.device]))
        for device, time_bin in zip(moves.device[new].tolist(), bins[new].tolist(), strict=True):
            if self._last_bin[device] != time_bin:
                self._last_bin[device] = time_bin
                self._days_of_row[device].note(self._premises.clock(self._registry[device].community_id), time_bin * BIN_NS)
        return []

    def next_due(self) -> int | None:
        """When a silence is judged, or what can be heard is looked at."""
        poll_ns = self._presence.next_poll()
        return None if poll_ns is None else min(poll_ns, self._next_ns)

    def tick(self, now_ns: int, /) -> Facts:
        """Tell silences that have become too long."""
        poll_ns = self._presence.next_poll()
        if poll_ns is not None and poll_ns <= now_ns:
            self._presence.poll(now_ns)
            if now_ns // BIN_NS != (now_ns - POLL_NS) // BIN_NS:
                self._look_round(now_ns)
        facts = [fact for one in self._watched if NEVER < one.due_ns <= now_ns for fact in self._judge(one, now_ns)]
        self._find_due()
        return facts

    def snapshot(self) -> Snapshot:
        """Newest signs by device, rhythms by home and wearer, silences by resident."""
        state: dict[str, Any] = self._presence.snapshot()
        for key, days in self._days_of_home.items():
            if key in state:
                state[key]["days"] = days.state()
        for one in self._watched:
            if one.house.since_ns >= 0:
                state[one.key] = {"from_ns": one.from_ns, "due_ns": one.due_ns, "told_ns": one.told_ns, "days": one.days[1].state()}
        return state

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        self._presence.restore(snapshot)
        for key, days in self._days_of_home.items():
            if (kept := snapshot.get(key)) is not None:
                days.restore(kept["days"])
        for one in self._watched:
            if (kept := snapshot.get(one.key)) is not None:
                one.from_ns, one.due_ns, one.told_ns = kept["from_ns"], kept["due_ns"], kept["told_ns"]
                one.days[1].restore(kept["days"])
        self._last_bin[:] = NEVER
        self._find_due()

    def _find_due(self) -> None:
        self._next_ns = min((one.due_ns for one in self._watched if one.due_ns != NEVER), default=NO_LIMIT_NS)

    def _watch(self, house: House, resident: PersonId, care: Care) -> _Watched:
        here = [
            row for row, device in enumerate(self._registry.devices) if (device.community_id, device.home) == (house.community_id, house.id)
        ]
        fixed = [row for row in here if self._registry[row].wearer is None]
        worn = [row for row in here if self._registry[row].wearer == resident]
        at_home, own = self._days_of_home[house.key], Days()
        self._days_of_row.update(dict.fromkeys(fixed, at_home) | dict.fromkeys(worn, own))
        rows, worn_rows = np.array(fixed + worn, np.int64), np.array(worn, np.int64)
        return _Watched(resident=resident, house=house, care=care, days=(at_home, own), rows=rows, worn=worn_rows)

    def _look_round(self, now_ns: int) -> None:
        """Every ten minutes: stop and start clocks, and note who could not be noticed."""
        for one in self._watched:
            last_ns = self._last_ns(one)
            if last_ns < 0:
                continue
            clock = self._premises.clock(one.house.community_id)
            if self._stands(one, now_ns):
                one.from_ns, one.due_ns = now_ns, NEVER
                one.days[0].note(clock, now_ns, absent=True)
            elif one.due_ns == NEVER and last_ns > one.told_ns:
                one.due_ns = max(now_ns, self._start_ns(one) + one.care.quiet_least_s * NS_PER_S)
            for days in one.days:
                days.forget(clock.local(now_ns).toordinal())

    def _judge(self, one: _Watched, now_ns: int) -> Facts:
        one.due_ns = NEVER
        if self._stands(one, now_ns):
            one.from_ns = now_ns
            return []
        last_ns, start_ns = self._last_ns(one), self._start_ns(one)
        if last_ns <= one.told_ns:
            return []
        learnt, due_ns, limit_s = self._too_long(one, start_ns, now_ns)
        if due_ns > now_ns:
            one.due_ns = due_ns
            return []
        one.told_ns = last_ns
        keys = [self._registry[row].id for row in one.rows.tolist() if self._presence.sign_ns[row] == last_ns]
        return [
            Event(
                community_id=CommunityId(one.house.community_id),
                kind=EventKind.INACTIVITY,
                subject=one.resident,
                t_ns=due_ns,
                known_ns=now_ns,
                seq=-1,
                resident_id=one.resident,
                home_id=HomeId(one.house.id),
                evidence={
                    "quiet_s": (due_ns - start_ns) / NS_PER_S,
                    "limit_s": limit_s,
                    "last_sign": min(keys),
                    "learnt_days": learnt,
                },
            )
        ]

    def _too_long(self, one: _Watched, start_ns: int, now_ns: int) -> tuple[int, int, float]:
        """Days learnt, when a silence since `start_ns` is too long, and the limit in seconds that holds then."""
        clock, care = self._premises.clock(one.house.community_id), one.care
        learnt, usual = usual_s(one.days, clock.local(now_ns).toordinal())
        most_s = float(max(care.quiet_least_s, care.quiet_most_s))
        guards = self._presence.guarding(one.house)
        if usual is None or any(self._presence.is_unheard(row) for row in guards):
            return learnt, start_ns + round(most_s) * NS_PER_S, most_s
        limits_s = np.clip(usual, care.quiet_least_s, most_s)
        begin_ns = start_ns + care.quiet_least_s * NS_PER_S
        while True:
            end_ns = (begin_ns // BIN_NS + 1) * BIN_NS
            local = clock.local(begin_ns)
            limit_s = float(limits_s[(local.hour * 6 + local.minute // 10) // BINS_OF_SLOT])
            due_ns = max(begin_ns, start_ns + round(limit_s) * NS_PER_S)
            if due_ns < end_ns:
                return learnt, due_ns, limit_s
            begin_ns = end_ns

    def _stands(self, one: _Watched, now_ns: int) -> bool:
        """Whether silence means nothing now."""
        house, presence = one.house, self._presence
        if self._premises.modes.at(house.community_id, house.id, now_ns) in AWAY or house.left() is not None:
            return True
        if presence.guarding(house):
            return presence.is_deaf(house)
        worn = [row for row in one.worn.tolist() if presence.sign_ns[row] >= 0] if one.care.inactivity else []
        return all(presence.is_unheard(row) for row in worn)

    def _last_ns(self, one: _Watched) -> int:
        return int(self._presence.sign_ns[one.rows].max(initial=NEVER))

    def _start_ns(self, one: _Watched) -> int:
        return max(self._last_ns(one), one.house.since_ns, one.from_ns, self._premises.hearing.deaf_until_ns)


def _residents(premises: Premises) -> Iterator[tuple[tuple[str, str], PersonId, Care]]:
    """(home, resident, care) of everybody who may be watched over."""
    for (community_id, home), place in premises.homes.items():
        for resident in place.occupants:
            care = premises.care_for(community_id, resident)
            if care.inactivity or (care.inactivity is None and len(place.occupants) == 1):
                yield (community_id, home), resident, care
