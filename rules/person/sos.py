"""SOS: a press of SOS, of cancel, or under duress."""

from collections.abc import Mapping

import numpy as np

from devices.model import Device, PersonId
from devices.sensors.button import ButtonBatch, Press
from rules.kinds import EventKind
from rules.model import Cancelled, Event, Fact, Facts, Snapshot, known
from rules.premises import Premises

_KIND: Mapping[Press, EventKind] = {Press.SOS: EventKind.SOS, Press.DURESS: EventKind.DURESS}


class Sos:
    """Every press is a fact, however late; the same press delivered again is none. A retained press is a state, and ignored.

    The subject is the wearer, or the only occupant of the button's home, or else that home, or else the device itself: a press for help
    is never dropped for want of a name.
    """

    name = "sos"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._last: dict[int, tuple[int, int]] = {}

    def update(self, batch: ButtonBatch, /) -> Facts:
        """One fact per press."""
        facts: Facts = []
        for row in np.flatnonzero(~batch.retained).tolist():
            device, identity = int(batch.device[row]), (int(batch.press[row]), int(batch.time_ns[row]))
            if self._last.get(device) == identity:
                continue
            self._last[device] = identity
            facts.append(_fact(self._registry[device], Press(identity[0]), identity[1], int(batch.received_ns[row]), int(batch.seq[row])))
        return facts

    def next_due(self) -> int | None:
        """Never: presses alone decide."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Each device's last press and its time."""
        return {self._registry[device].key: list(identity) for device, identity in self._last.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, (press, time_ns) in known(snapshot, self._registry):
            self._last[row] = (press, time_ns)


def _fact(device: Device, press: Press, t_ns: int, known_ns: int, seq: int) -> Fact:
    resident = device.wearer or device.sole_occupant
    subject = resident or device.home or device.id
    if press is Press.CANCEL:
        return Cancelled(
            community_id=device.community_id, subject=PersonId(subject), device_id=device.id, t_ns=t_ns, known_ns=known_ns, seq=seq
        )
    return Event(
        community_id=device.community_id,
        kind=_KIND[press],
        subject=subject,
        t_ns=t_ns,
        known_ns=known_ns,
        seq=seq,
        device_id=device.id,
        resident_id=resident,
        home_id=device.home,
        cause=device.id,
    )
