"""Corroboration: which other devices of a home noticed somebody just before."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from devices.model import NS_PER_S, Batch, Bool, Covers, SensorKind
from devices.sensors.contact import ContactBatch
from devices.sensors.motion import MotionBatch
from devices.sensors.targets import TargetsBatch
from rules.model import Event
from rules.premises import Premises

CERTAINTY: Mapping[SensorKind, float] = {SensorKind.CONTACT: 0.8, SensorKind.MOTION: 0.5, SensorKind.TARGETS: 0.3}
"""How sure one sign is of somebody. Judgement, not measurement: a door does not open by itself; what moves may be a cat or a curtain over
a heater, so it is even odds; one frame of targets may be a ghost or a chair."""
AGE_NS = 30 * NS_PER_S
"""How long before an event a sign of somebody still speaks for it: a slow walk of 15 m."""
EARLIER_NS = NS_PER_S // 4
"""A sign counts for a frame that arrived at least so much later: a micro-batch, in which targets are judged first, is never longer."""
HEARD_NS = 60 * NS_PER_S
_KEPT_NS = HEARD_NS + NS_PER_S
_APART_NS = NS_PER_S
_WAYS = frozenset({Covers.DOOR, Covers.WINDOW, Covers.GATE, Covers.OTHER})


@dataclass(slots=True, kw_only=True)
class _Witness:
    """What one device noticed.

    Attributes
    ----------
    signs : list of (received_ns, time_ns, certainty)
        In order of arrival; more than are needed until they are trimmed.
    is_open : bool or None
        Of a contact, where it is known.
    """

    signs: list[tuple[int, int, float]] = field(default_factory=list)
    is_open: bool | None = None

    def add(self, received_ns: int, time_ns: int, certainty: float) -> None:
        """Note a sign; of the same certainty one a second is enough."""
        recent = (sign for sign in reversed(self.signs) if sign[2] == certainty and received_ns - sign[0] <= _KEPT_NS)
        newest = next(recent, None)
        if newest is None or not 0 <= time_ns - newest[1] < _APART_NS:
            self.signs.append((received_ns, time_ns, certainty))

    def newest(self) -> list[tuple[int, int, float]]:
        """Signs that may matter to what arrives from now on."""
        return [sign for sign in self.signs if self.signs[-1][0] - sign[0] <= _KEPT_NS]

    def certainty(self, t_ns: int, known_ns: int) -> float:
        """Of the surest sign that speaks for an event of a frame that arrived at `known_ns`; 0 of none."""
        speaking = (
            certainty
            for received_ns, time_ns, certainty in self.signs
            if EARLIER_NS <= known_ns - received_ns <= HEARD_NS and 0 <= t_ns - time_ns <= AGE_NS
        )
        return max(speaking, default=0.0)


class Witnesses:
    """Doors and windows opened, motion, and people seen by other radars and cameras, in the homes of some radars.

    Parameters
    ----------
    radars
        Rows of the devices whose events are to be corroborated.
    """

    def __init__(self, premises: Premises, radars: Iterable[int]) -> None:
        devices = premises.registry.devices
        self._registry = premises.registry
        self._beside: dict[int, list[int]] = {}
        of_home: dict[tuple[str, str | None], list[int]] = {}
        for row, device in enumerate(devices):
            of_home.setdefault((device.community_id, device.home), []).append(row)
        for radar in radars:
            beside = [row for row in of_home[devices[radar].community_id, devices[radar].home] if row != radar]
            self._beside[radar] = sorted(beside, key=lambda row: devices[row].id)
        self._concerned: Bool = np.zeros(len(devices), np.bool_)
        for rows in self._beside.values():
            self._concerned[rows] = True
        self._witnesses: dict[int, _Witness] = {}

    def hear(self, batch: Batch) -> None:
        """Take readings; retained ones, and the first after silence, are states and no signs."""
        rows = np.flatnonzero(self._concerned[batch.device])
        if not len(rows):
            return
        match batch:
            case ContactBatch():
                certainty, is_sign = CERTAINTY[SensorKind.CONTACT], self._openings(batch, rows.tolist())
            case MotionBatch():
                certainty, is_sign = CERTAINTY[SensorKind.MOTION], batch.is_moving
            case TargetsBatch():
                certainty, is_sign = CERTAINTY[SensorKind.TARGETS], _seen(batch)
            case _:
                return
        heard = rows[(is_sign & ~batch.retained & ~batch.back)[rows]]
        for row in heard.tolist():
            witness = self._witnesses.setdefault(int(batch.device[row]), _Witness())
            witness.add(int(batch.received_ns[row]), int(batch.time_ns[row]), certainty)
        for device in set(batch.device[heard].tolist()):
            self._witnesses[device].signs = self._witnesses[device].newest()

    def corroborated(self, radar: int, event: Event) -> Event:
        """The event of a radar, surer where other devices noticed somebody just before it, which are named.

        Each takes its share of the doubt, as if they erred independently (noisy-or).
        """
        found = {
            self._registry[row].id: certainty
            for row in self._beside[radar]
            if row in self._witnesses and (certainty := self._witnesses[row].certainty(event.t_ns, event.known_ns)) > 0.0
        }
        if not found:
            return event
        score = 1.0 - (1.0 - event.score) * prod(1.0 - certainty for certainty in found.values())
        return replace(event, score=score, evidence={**event.evidence, "corroborated_by": ",".join(found)})

    def snapshot(self) -> dict[str, dict[str, Any]]:
        """Signs that may matter, and whether a contact is open, by device."""
        return {
            self._registry[row].key: {"signs": witness.newest(), "is_open": witness.is_open} for row, witness in self._witnesses.items()
        }

    def restore(self, snapshot: Mapping[str, Mapping[str, Any]]) -> None:
        """Take over what is known of the devices that still matter."""
        for row in np.flatnonzero(self._concerned).tolist():
            state = snapshot.get(self._registry[row].key, {})
            if "signs" in state:
                self._witnesses[row] = _Witness(signs=[tuple(sign) for sign in state["signs"]], is_open=state["is_open"])

    def _openings(self, batch: ContactBatch, rows: list[int]) -> Bool:
        """(N,) bool: opens what was known to be closed, and what people come through. What a retained state says is no news."""
        opened = np.zeros(len(batch), np.bool_)
        for row in rows:
            device = int(batch.device[row])
            witness = self._witnesses.setdefault(device, _Witness())
            if batch.retained[row] and witness.is_open is not None:
                continue
            was_open, witness.is_open = witness.is_open, bool(batch.is_open[row])
            is_way = (self._registry[device].covers or Covers.DOOR) in _WAYS
            opened[row] = is_way and was_open is False and witness.is_open
        return opened


def _seen(batch: TargetsBatch) -> Bool:
    """(N,) bool: a frame with a target; one at exactly (0, 0) is none."""
    count = np.concatenate(([0], np.cumsum((batch.x_m != 0.0) | (batch.y_m != 0.0))))
    is_seen: Bool = count[batch.offset[1:]] > count[batch.offset[:-1]]
    return is_seen
