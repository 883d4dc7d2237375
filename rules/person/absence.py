"""No return: who lives alone went out and has not come back."""

from typing import Any

from devices.health import NO_LIMIT_NS
from devices.model import NS_PER_S, Batch, CommunityId, HomeId, PersonId
from devices.sensors.contact import ContactBatch
from rules.kinds import EventKind
from rules.model import Cleared, Event, Facts, Snapshot
from rules.person.presence import AWAY, House, Passage, Presence
from rules.premises import Premises

NEVER = -1
SETTLE_NS = NS_PER_S // 4
"""A sign is looked at this much after it arrived: what arrived with it, in any order, is then known too."""
LATE_NS = 60 * NS_PER_S
"""A door's word is judged this much after it arrived at the earliest: out of a buffer, the coming back follows the going out."""


class NoReturn:
    """A resident who lives alone went out by a door, and nobody was noticed inside or at a door since; the return ends it.

    - Left by night: told after `Care.back_night_s`; by day: after `Care.back_day_s`, and only where something inside ever noticed somebody.
    - A door that stood open and was closed is a leaving by day, whatever the hour: more often it was closed from inside.
    - Nothing is told of a leaving in the modes away and holiday, or before they were set, or where the door's contact, all sensors inside
      or we ourselves could not be heard since.
    - Where several live nobody can tell who left: not judged.

    Parameters
    ----------
    premises
        Homes, their occupants, what is watched over of them, and what can be heard.
    """

    name = "no_return"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._resident = {
            (community_id, home): place.occupants[0]
            for (community_id, home), place in premises.homes.items()
            if len(place.occupants) == 1 and premises.care_for(community_id, place.occupants[0]).no_return is not False
        }
        self._presence = Presence(premises, self._resident)
        count = len(self._presence.houses)
        self._due_ns, self._told_ns, self._hold_ns = [NO_LIMIT_NS] * count, [NEVER] * count, [NEVER] * count
        self._next_ns = NO_LIMIT_NS

    def update(self, batch: Batch, /) -> Facts:
        """Note who comes and goes; the facts come with time."""
        moves = self._presence.take(batch)
        for row, index in zip(moves.row.tolist(), self._presence.house_of[moves.device].tolist(), strict=True):
            if self._presence.houses[index].edges or self._told_ns[index] != NEVER:
                received_ns = int(batch.received_ns[row])
                if isinstance(batch, ContactBatch):
                    self._hold_ns[index] = max(self._hold_ns[index], received_ns + LATE_NS)
                look_ns = received_ns + SETTLE_NS
                self._due_ns[index] = min(self._due_ns[index], look_ns)
                self._next_ns = min(self._next_ns, look_ns)
        return []

    def next_due(self) -> int | None:
        """When somebody has been out for too long, may be back, or what can be heard is looked at."""
        poll_ns = self._presence.next_poll()
        return None if poll_ns is None else min(poll_ns, self._next_ns)

    def tick(self, now_ns: int, /) -> Facts:
        """Tell who is not back, and who is."""
        self._presence.poll(now_ns)
        if self._next_ns > now_ns:
            return []
        due = [index for index, due_ns in enumerate(self._due_ns) if due_ns <= now_ns]
        facts = [fact for index in sorted(due, key=lambda index: self._presence.houses[index].key) for fact in self._judge(index, now_ns)]
        self._next_ns = min(self._due_ns, default=NO_LIMIT_NS)
        return facts

    def snapshot(self) -> Snapshot:
        """Newest signs by device, comings and goings by home."""
        state: dict[str, Any] = self._presence.snapshot()
        for index, house in enumerate(self._presence.houses):
            if house.key in state:
                more = {"due_ns": self._due_ns[index], "told_ns": self._told_ns[index], "hold_ns": self._hold_ns[index]}
                state[house.key] |= more
        return state

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        self._presence.restore(snapshot)
        for index, house in enumerate(self._presence.houses):
            if (kept := snapshot.get(house.key)) is not None:
                self._due_ns[index], self._told_ns[index], self._hold_ns[index] = kept["due_ns"], kept["told_ns"], kept["hold_ns"]
        self._next_ns = min(self._due_ns, default=NO_LIMIT_NS)

    def _judge(self, index: int, now_ns: int) -> Facts:
        house = self._presence.houses[index]
        resident = self._resident[house.community_id, house.id]
        left = house.left()
        facts: Facts = []
        self._due_ns[index] = NO_LIMIT_NS
        if self._told_ns[index] != NEVER and (left is None or left.left_ns != self._told_ns[index]):
            self._told_ns[index] = NEVER
            facts.append(_back(house, resident, now_ns))
        if left is None or self._told_ns[index] != NEVER or not self._is_judged(house, left, now_ns):
            return facts
        is_night = self._is_by_night(house, left)
        care = self._premises.care_for(house.community_id, resident)
        limit_s = care.back_night_s if is_night else care.back_day_s
        t_ns = left.left_ns + limit_s * NS_PER_S
        if now_ns < max(t_ns, self._hold_ns[index]):
            self._due_ns[index] = max(t_ns, self._hold_ns[index])
            return facts
        self._told_ns[index] = left.left_ns
        evidence: dict[str, float | int | str | bool] = {
            "limit_s": limit_s,
            "out_s": (now_ns - left.left_ns) / NS_PER_S,
            "by_night": is_night,
        }
        facts.append(
            Event(
                community_id=CommunityId(house.community_id),
                kind=EventKind.NO_RETURN,
                subject=resident,
                t_ns=t_ns,
                known_ns=now_ns,
                seq=-1,
                resident_id=resident,
                home_id=HomeId(house.id),
                cause=house.id,
                evidence=evidence,
            )
        )
        return facts

    def _is_by_night(self, house: House, left: Passage) -> bool:
        """Whether somebody left by night, and would be missed by night too: who leaves as it ends goes to the morning market."""
        clock = self._premises.clock(house.community_id)
        care = self._premises.care_for(house.community_id, self._resident[house.community_id, house.id])
        is_missed_by_night = clock.is_night(left.left_ns + care.back_night_s * NS_PER_S)
        return left.opened and left.left_ns == left.start_ns and clock.is_night(left.left_ns) and is_missed_by_night

    def _is_judged(self, house: House, left: Passage, now_ns: int) -> bool:
        """Whether this leaving is anybody's business, and a return would have been noticed."""
        presence, modes = self._presence, self._premises.modes
        if max(house.void_ns, self._premises.hearing.deaf_until_ns) >= left.left_ns:
            return False
        if presence.is_deaf(house) or any(presence.is_unheard(row) for row in house.entries):
            return False
        set_ns = [at_ns for at_ns, mode in modes.changes(house.community_id, house.id) if mode in AWAY and left.left_ns <= at_ns <= now_ns]
        if set_ns or modes.at(house.community_id, house.id, left.left_ns) in AWAY:
            return False
        return self._is_by_night(house, left) or max(house.inside_ns, house.metered_ns) > NEVER


def _back(house: House, resident: PersonId, now_ns: int) -> Cleared:
    return Cleared(
        community_id=CommunityId(house.community_id),
        kind=EventKind.NO_RETURN,
        subject=resident,
        cause=house.id,
        t_ns=now_ns,
        known_ns=now_ns,
        seq=-1,
    )
