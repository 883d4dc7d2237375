"""Schedules: a home's mode changes by itself at times of day, by the clock on the wall."""

from collections.abc import Mapping

from devices.model import CommunityId, HomeId
from devices.sensors.keypad import KeypadBatch
from rules.calendar import Calendar
from rules.model import Facts, ModeSet, Snapshot
from rules.premises import SCHEDULE, Planned, Premises

_HOME = "home:"


class Schedule:
    """At each time that a home's schedule says, the home is put into that mode, as if somebody had set it then.

    What somebody sets by hand stays until the next such time. `rules.calendar.Calendar` says what becomes of times that were missed.
    """

    name = "schedule"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        plans = {f"{community_id}/{_HOME}{home}": one.schedule for (community_id, home), one in premises.homes.items() if one.schedule}
        self._calendar: Calendar[Planned] = Calendar(plans, lambda community_id: premises.clock(community_id).zone)

    def begin(self, now_ns: int, since_ns: Mapping[str, int], /) -> None:
        """Carry schedules out from now on, or from when they hold."""
        self._calendar.begin(now_ns, since_ns)

    def resumed(self, now_ns: int, /) -> None:
        """Of what was missed the newest is due now."""
        self._calendar.resumed(now_ns)

    def update(self, _batch: KeypadBatch, /) -> Facts:
        """Nothing: time alone decides."""
        return []

    def next_due(self) -> int | None:
        """When the next mode is to be set, in ns."""
        return self._calendar.next_due()

    def tick(self, now_ns: int, /) -> Facts:
        """Set the modes whose time has come."""
        facts: Facts = []
        for key, _, planned in self._calendar.take(now_ns):
            community_id, home = key.split(f"/{_HOME}", 1)
            since_ns = self._premises.modes.put(community_id, home, planned.mode, now_ns, now_ns)
            if since_ns is not None:
                facts.append(
                    ModeSet(
                        community_id=CommunityId(community_id),
                        home_id=HomeId(home),
                        mode=planned.mode,
                        by=SCHEDULE,
                        t_ns=since_ns,
                        known_ns=now_ns,
                        seq=-1,
                    )
                )
        return facts

    def snapshot(self) -> Snapshot:
        """How far each home's schedule was carried out, and which schedule that was."""
        return self._calendar.snapshot()

    def restore(self, snapshot: Snapshot, /) -> None:
        """Go on where a schedule that is still the same was."""
        self._calendar.restore(snapshot)
