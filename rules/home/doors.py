"""Doors: which contacts are open now, for whoever is about to arm a home."""

from devices.sensors.contact import ContactBatch
from rules.model import Facts, Snapshot, Standing, known
from rules.premises import Premises


class Doors:
    """Every change of a contact's known state, whatever it covers; the first reading is one, a retained one may be.

    A reading older than the newest of its device changes nothing. A device's time ahead of arrival is taken as arrival.
    """

    name = "doors"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._registry = premises.registry
        self._known: dict[int, tuple[bool, int]] = {}

    def update(self, batch: ContactBatch, /) -> Facts:
        """Changes of state, in order of arrival."""
        facts: Facts = []
        for row, device in enumerate(batch.device.tolist()):
            the = self._registry[device]
            is_open, received_ns = bool(batch.is_open[row]), int(batch.received_ns[row])
            t_ns = min(int(batch.time_ns[row]), received_ns)
            was_open, when_ns = self._known.get(device, (None, t_ns))
            if the.home is None or t_ns < when_ns:
                continue
            self._known[device] = (is_open, t_ns)
            if is_open is not was_open:
                facts.append(
                    Standing(
                        community_id=the.community_id,
                        device_id=the.id,
                        home_id=the.home,
                        is_open=is_open,
                        t_ns=t_ns,
                        known_ns=received_ns,
                        seq=int(batch.seq[row]),
                    )
                )
        return facts

    def next_due(self) -> int | None:
        """Never: readings alone decide."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """State of each contact, and the time of its newest reading."""
        return {self._registry[device].key: list(known) for device, known in self._known.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, (is_open, when_ns) in known(snapshot, self._registry):
            self._known[row] = (is_open, when_ns)
