"""Rules: what they see, what they find, and how they are put into lanes.

A rule is given readings in batches and answers facts. One batch or many batches of the same readings give the same facts;
a batch never spans a time at which the rule is due (`next_due`), nor a change of mode. A due time that a reading creates lies at
least 0.25 s after its arrival (a micro-batch's longest span).
"""

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from devices.model import NS_PER_MS, Batch, CommunityId, DeviceId, HomeId, Kind, PersonId, Registry
from rules.kinds import EventKind, Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A fact a rule found. Its identity is (community, kind, subject, t).

    Attributes
    ----------
    subject : str
        Resident, home, device or community, as contract.md says of the kind.
    t_ns : int
        When it happened.
    known_ns : int
        When it was known: arrival of the reading that decided it, or the time of the tick.
    seq : int
        Number of the reading that decided it; -1 from a tick.
    score : float
        0 to 1.
    cause : str
        What goes on being the case until it is cleared: fence, contact or device.
    evidence : mapping
        Why, in numbers and words, units in names.
    """

    community_id: CommunityId
    kind: EventKind
    subject: str
    t_ns: int
    known_ns: int
    seq: int
    device_id: DeviceId | None = None
    resident_id: PersonId | None = None
    home_id: HomeId | None = None
    score: float = 1.0
    cause: str = ""
    evidence: Mapping[str, float | int | str | bool] = field(default_factory=dict)

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """(community, kind, subject, t_ns)."""
        return (self.community_id, self.kind, self.subject, self.t_ns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """What an event of this kind and cause reported is over: the door is closed, the device heard again, the person back.

    `absorbed`: it is not over, but part of something greater that is told now.
    """

    community_id: CommunityId
    kind: EventKind
    subject: str
    cause: str
    t_ns: int
    known_ns: int
    seq: int
    absorbed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The wearer pressed cancel."""

    community_id: CommunityId
    subject: PersonId
    device_id: DeviceId
    t_ns: int
    known_ns: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeSet:
    """Somebody armed or disarmed a home on the spot; `mode` holds from `t_ns` on."""

    community_id: CommunityId
    home_id: HomeId
    mode: Mode
    by: PersonId
    t_ns: int
    known_ns: int
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A door or window is open or closed now: nobody is told; it is what is asked before a home is armed."""

    community_id: CommunityId
    device_id: DeviceId
    home_id: HomeId
    is_open: bool
    t_ns: int
    known_ns: int
    seq: int


Finding = Event | Cleared | Cancelled
"""What incidents are made of."""

Fact = Finding | ModeSet | Standing
Facts = list[Fact]


Snapshot = Mapping[str, Any]
"""Decision state by device key, or by `<community>/home:<id>`, `…/person:<id>`, `…/rule:<id>`, `…/all`; in JSON's types only; small.

Signal windows are not in it.
"""

B_contra = TypeVar("B_contra", bound=Batch, contravariant=True)


def known(snapshot: Snapshot, registry: Registry) -> Iterator[tuple[int, Any]]:
    """Row and state of the devices in a snapshot that there still are; what is of homes, persons or the community is left out."""
    for key, state in snapshot.items():
        row = registry.row(*key.split("/", 1))
        if row is not None:
            yield row, state


def untaken_ns(t_ns: int, taken_ns: Container[int | None]) -> int:
    """An event's time as its identity: a millisecond earlier for each that another one of the same kind and subject has already."""
    while t_ns in taken_ns:
        t_ns -= NS_PER_MS
    return t_ns


class Rule(Protocol[B_contra]):
    """What every rule does. `tests/rules/test_contract.py` checks it over all of them."""

    @property
    def name(self) -> str:
        """Name in snapshots and metrics."""

    @property
    def window_s(self) -> float:
        """Seconds of readings before the position that refill its signal windows on start, at most 90; 0 where the snapshot is all."""

    def update(self, batch: B_contra, /) -> Facts:
        """Facts of one batch, in the order of the readings that decided them; the batch is not changed."""

    def next_due(self) -> int | None:
        """When `tick` has something to say, in ns; None while it has not."""

    def tick(self, now_ns: int, /) -> Facts:
        """Facts of time having passed; called at each due time with `now_ns` equal to it."""

    def snapshot(self) -> Snapshot:
        """Decision state, by device key."""

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over decision state; a device that is not in it keeps what it has. Unknown devices are ignored."""


B = TypeVar("B", bound=Batch)


class Lane(Generic[B]):
    """Readings of one kind and the rules that look at them, in order. A fall rule on a position lane does not type-check.

    A rule that needs two kinds stands in two lanes.
    """

    def __init__(self, kind: Kind[B], *rules: Rule[B]) -> None:
        self.kind = kind
        self.rules = rules
