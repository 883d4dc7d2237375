"""A stand-in for the fall detector, for stories about what comes after a fall and not about what one is."""

from itertools import pairwise

import numpy as np

from devices.model import NS_PER_S
from devices.sensors.acceleration import AccelerationBatch
from rules.kinds import EventKind
from rules.model import Event, Facts, Snapshot
from rules.premises import Premises


class Thud:
    """Every hard packet is a fall, with its hardest sample as the impact."""

    name, window_s = "fall", 0.0

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry

    def update(self, batch: AccelerationBatch) -> Facts:
        facts: Facts = []
        for row, (begin, end) in enumerate(pairwise(batch.offset.tolist())):
            strength_g = np.sqrt(np.square(batch.accel_g[:, begin:end]).sum(axis=0))
            device = self._registry[int(batch.device[row])]
            if 2.4 < strength_g.max() < 8.0 and device.wearer is not None:
                t_ns = int(batch.time_ns[row]) + round(int(np.argmax(strength_g)) * NS_PER_S / float(batch.rate_hz[row]))
                about = {"subject": device.wearer, "resident_id": device.wearer, "device_id": device.id, "home_id": device.home}
                known = {"t_ns": t_ns, "known_ns": int(batch.received_ns[row]), "seq": int(batch.seq[row]), "cause": device.id}
                facts.append(Event(community_id=device.community_id, kind=EventKind.FALL, score=0.9, **about, **known))
        return facts

    def next_due(self) -> int | None:
        return None

    def tick(self, _now_ns: int) -> Facts:
        return []

    def snapshot(self) -> Snapshot:
        return {}

    def restore(self, _snapshot: Snapshot) -> None:
        return None
