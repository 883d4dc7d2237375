"""Guarding: which sensors of a home count in which mode, from when on, and what stands in the way of arming it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from devices.model import NS_PER_S, Covers, Device, DeviceKind
from rules.kinds import Mode
from rules.premises import Arming, Premises

NOT_GUARDED = frozenset({Covers.FRIDGE, Covers.CABINET, Covers.STOVE, Covers.GAS})
"""Contacts that nobody breaks in by."""
NOBODY_HOME = frozenset({Mode.AWAY, Mode.HOLIDAY})
"""Modes in which movement inside is somebody else's."""

Place = tuple[str, str]
"""(community, home)."""
Changes = Sequence[tuple[int, Mode]]
"""(time in ns, mode) of every change of one home, oldest first."""


def is_counting(premises: Premises, device: Device, mode: Mode) -> bool:
    """Whether a sensor counts in a mode of its home: as configured, else contacts in every armed mode, motion when nobody is at home.

    Radars and cameras see people who belong there; they count only where `guards` says so.
    """
    if mode is Mode.DISARMED or device.home is None:
        return False
    guards = premises.use(device).guards
    if guards is not None:
        return mode in guards
    if device.kind is DeviceKind.CONTACT:
        return device.covers not in NOT_GUARDED
    return device.kind is DeviceKind.MOTION and mode in NOBODY_HOME


def ready(is_open: Mapping[str, bool], premises: Premises, community_id: str, home_id: str, mode: Mode) -> tuple[Device, ...]:
    """What stands open and would be left out if the home were armed now, by device id; empty: it is ready.

    Parameters
    ----------
    is_open
        Of the home's contacts, by device id (`Standing`); one that was never heard is not among them.
    mode
        What it would be armed for.
    """
    found = (
        device
        for device in premises.registry.devices
        if (device.community_id, device.home) == (community_id, home_id)
        and device.kind is DeviceKind.CONTACT
        and is_open.get(device.id, False)
        and is_counting(premises, device, mode)
    )
    return tuple(sorted(found, key=lambda device: device.id))


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A home began to be guarded: the exit delay of an arming was over.

    `afresh`: it had been disarmed before, so that whatever stands open is told, not only what was not told yet.
    """

    at_ns: int
    mode: Mode
    afresh: bool


def starts(changes: Changes, exit_end: Callable[[int], int]) -> list[Start]:
    """Every time a home began to be guarded, oldest first.

    An arming that gives way to another mode before its exit delay is over is none. Set anew to the mode it is in, a home goes on.

    Parameters
    ----------
    exit_end
        End of the exit delay of an arming at a time, both in ns.
    """
    runs: list[tuple[int, Mode]] = []
    for at_ns, mode in changes:
        if mode is not (runs[-1][1] if runs else Mode.DISARMED):
            runs.append((at_ns, mode))
    found: list[Start] = []
    afresh = True
    for number, (since_ns, mode) in enumerate(runs):
        if mode is Mode.DISARMED:
            afresh = True
            continue
        end_ns = exit_end(since_ns)
        if number + 1 < len(runs) and runs[number + 1][0] < end_ns:
            continue
        found.append(Start(at_ns=end_ns, mode=mode, afresh=afresh))
        afresh = False
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a home is guarded, and every change of its mode."""

    arming: Arming
    changes: Changes

    @property
    def delay_ns(self) -> int:
        """Time to disarm."""
        return self.arming.entry_delay_s * NS_PER_S

    @property
    def confirm_ns(self) -> int:
        """Two sensors must notice something within this; 0: one is enough."""
        return self.arming.confirm_s * NS_PER_S

    def is_disarmed(self, after_ns: int, until_ns: int) -> bool:
        """Whether the home was disarmed after one time, and no later than another."""
        return any(mode is Mode.DISARMED and after_ns < at_ns <= until_ns for at_ns, mode in self.changes)


class Guarding:
    """From when on which mode guards a home.

    Parameters
    ----------
    closings
        Times in ns at which entries of a home were closed.
    """

    def __init__(self, premises: Premises, closings: Callable[[Place], Iterable[int]]) -> None:
        self._premises = premises
        self._closings = closings

    def terms(self, place: Place) -> Terms:
        """How a home is guarded."""
        return Terms(arming=self._premises.arming(*place), changes=self._premises.modes.changes(*place))

    def mode(self, device: Device, t_ns: int) -> Mode | None:
        """Mode of a sensor's home at a time if the sensor counts in it and the exit delay is over; None otherwise."""
        place = place_of(device)
        mode, since_ns = self._premises.modes.since(*place, t_ns)
        return mode if is_counting(self._premises, device, mode) and t_ns >= self._exit_end(place, since_ns) else None

    def starts(self, place: Place) -> list[Start]:
        """Every time a home began to be guarded, oldest first."""
        return starts(self._premises.modes.changes(*place), lambda since_ns: self._exit_end(place, since_ns))

    def _exit_end(self, place: Place, since_ns: int) -> int:
        """End of the exit delay of an arming: as soon as an entry is closed, where the home wants it so."""
        arming = self._premises.arming(*place)
        end_ns = since_ns + arming.exit_delay_s * NS_PER_S
        closings = self._closings(place) if arming.arms_when_closed else ()
        return min((t_ns for t_ns in closings if since_ns < t_ns < end_ns), default=end_ns)


def place_of(device: Device) -> Place:
    """Where a sensor is."""
    return device.community_id, device.home or ""
