"""The daily word about a resident: what was heard of them today, and what was not."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np

from devices.model import NS_PER_MS, NS_PER_S, Batch, Bool, CommunityId, Device, Int64, PersonId
from rules.calendar import Calendar
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot, known
from rules.person.signs import Signs
from rules.premises import Daily, HomePlace, Premises

_PERSON = "person:"
_NEVER = -1


class DailyWord:
    """At each time at which somebody wants to hear how a resident is: the newest sign of life of that day, and which devices are not heard.

    - A sign of life is what `rules.person.signs` says, of what the resident wears, and of the home's own sensors where they live alone or
      wear nothing.
    - Whether all is well is not said here: that depends on what goes on besides (`incidents.care`).
    - A word that could not be said on its day is not said at all.
    """

    name = "daily"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._rows: dict[str, list[int]] = {}
        home_of = {(community_id, one): place for (community_id, _), place in premises.homes.items() for one in place.occupants}
        plans: dict[str, tuple[Daily, ...]] = {}
        for (community_id, resident), wishes in premises.wishes.items():
            key = f"{community_id}/{_PERSON}{resident}"
            plans[key] = wishes
            self._rows[key] = _rows(self._registry.devices, community_id, resident, home_of.get((community_id, PersonId(resident))))
        self._calendar: Calendar[Daily] = Calendar(plans, lambda community_id: premises.clock(community_id).zone)
        self._watched: Bool = np.zeros(len(self._registry), np.bool_)
        self._watched[[row for rows in self._rows.values() for row in rows]] = True
        self._signs = Signs(premises, self._watched)
        self._sign_ns: Int64 = np.full(len(self._registry), _NEVER, np.int64)
        self._is_wanted = bool(plans)

    def begin(self, now_ns: int, since_ns: Mapping[str, int], /) -> None:
        """Say words from now on, or from when they were wanted."""
        self._calendar.begin(now_ns, since_ns)

    def resumed(self, now_ns: int, /) -> None:
        """Of what was missed the newest is due now."""
        self._calendar.resumed(now_ns)

    def update(self, batch: Batch, /) -> Facts:
        """Take note of signs of life."""
        if self._is_wanted:
            moves = self._signs.of(batch)
            np.maximum.at(self._sign_ns, moves.device, moves.time_ns)
        return []

    def next_due(self) -> int | None:
        """When somebody wants to hear, in ns."""
        return self._calendar.next_due()

    def tick(self, now_ns: int, /) -> Facts:
        """Say what there is to say."""
        said = (self._said(key, planned_ns, now_ns) for key, planned_ns, _ in self._calendar.take(now_ns))
        return [event for event in said if event is not None]

    def snapshot(self) -> Snapshot:
        """The newest sign of each device, and how far each wish was fulfilled."""
        state: dict[str, Any] = {}
        for row in np.flatnonzero(self._watched).tolist():
            remembered = self._signs.state(row)
            if remembered or self._sign_ns[row] > _NEVER:
                state[self._registry[row].key] = {"sign_ns": int(self._sign_ns[row]), **remembered}
        return state | dict(self._calendar.snapshot())

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        self._calendar.restore(snapshot)
        for row, kept in known(snapshot, self._registry):
            if self._watched[row]:
                self._sign_ns[row] = kept["sign_ns"]
                self._signs.restore(row, kept)

    def _said(self, key: str, planned_ns: int, now_ns: int) -> Event | None:
        community_id, resident = key.split(f"/{_PERSON}", 1)
        zone = self._premises.clock(community_id).zone
        planned, now = (datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone) for at_ns in (planned_ns, now_ns))
        if planned.date() != now.date():
            return None
        today_ns = int(planned.replace(hour=0, minute=0, second=0, microsecond=0).timestamp()) * NS_PER_S
        sign_ns = max((int(self._sign_ns[row]) for row in self._rows[key]), default=_NEVER)
        silent = sorted(self._registry[row].id for row in self._rows[key] if row in self._premises.hearing.silent)
        evidence: dict[str, float | int | str | bool] = {"silent": ",".join(silent)}
        if sign_ns >= today_ns:
            evidence["sign_t_ms"] = sign_ns // NS_PER_MS
        return Event(
            community_id=CommunityId(community_id),
            kind=EventKind.DAILY,
            subject=resident,
            t_ns=planned_ns,
            known_ns=now_ns,
            seq=-1,
            resident_id=PersonId(resident),
            evidence=evidence,
        )


def _rows(devices: tuple[Device, ...], community_id: str, resident: str, home: HomePlace | None) -> list[int]:
    """What tells of a resident: what they wear; and their home's own sensors, where nobody else lives there or they wear nothing."""
    of = [(row, one) for row, one in enumerate(devices) if one.community_id == community_id]
    worn = [row for row, one in of if one.wearer == resident]
    if home is None or (worn and len(home.occupants) > 1):
        return worn
    return worn + [row for row, one in of if one.wearer is None and one.home == home.id]
