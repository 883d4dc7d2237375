"""Presence: when somebody in a home was last noticed, by what, and whether who lives there alone has gone out.

Everything here is a newest time or a set of times, so that the order in which readings of one micro-batch are taken changes nothing.
What cannot be heard is asked for every two minutes (`poll`), because nobody tells that a sensor was silent and is back.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from devices.model import NS_PER_S, Batch, Covers, Device, DeviceKind, Int64
from devices.sensors.contact import ContactBatch
from devices.sensors.motion import MotionBatch
from devices.sensors.status import StatusBatch
from rules.faults.outage import Outages
from rules.kinds import Mode
from rules.model import known
from rules.person.signs import Moves, Signs
from rules.premises import Premises

POLL_NS = 120 * NS_PER_S
AWAY = frozenset({Mode.AWAY, Mode.HOLIDAY})
"""Modes in which the household has said that it is not there."""
INSIDE = frozenset({DeviceKind.MOTION, DeviceKind.RADAR, DeviceKind.CAMERA, DeviceKind.CONTACT, DeviceKind.METER})
"""Sensors that notice somebody inside without being asked to."""
SPEAKS_WHEN_NOTICING = frozenset({DeviceKind.MOTION, DeviceKind.CONTACT})
BEATS_NEEDED, BEAT_NS = 3, 900 * NS_PER_S
"""A motion sensor or contact that was heard so often, so long after its last sign of life, also reports when nobody is there. Of others
a silence, however long, is what an empty or a quiet home sounds like, and no fault."""
REGULAR_NS = 24 * 3600 * NS_PER_S
"""A sensor whose last sign is this much older than the home's is one that says little: others guard."""
LATENCY_NS = 10 * NS_PER_S
"""What is noticed so soon after a door has closed was noticed before: sensors hold and send late."""
APPLIANCE_NS = 2 * 3600 * NS_PER_S
"""A meter that rises so soon after a door has closed shows no person: a washing machine goes on alone."""
SAME_PASSAGE_NS = 30 * NS_PER_S
"""Doors opened again so soon are one coming or going."""
_MOST_PASSAGES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """Somebody went through a door: from its opening until it was closed, or until the newest that is known.

    `opened` is false where the door stood open before. `left_ns` is when, who went out by it, left.
    """

    start_ns: int
    end_ns: int
    opened: bool
    left_ns: int


@dataclass(slots=True, kw_only=True)
class House:
    """A home: its sensors by row, and what is known of who is there.

    Attributes
    ----------
    guards, entries : tuple of int
        Sensors that notice somebody inside; contacts by which people come and go.
    since_ns : int
        First arrival from any of its sensors; -1 while there is none.
    edges : list of (time in ns, whether it is open)
        Of entries, of passages after which nobody was noticed inside.
    inside_ns, metered_ns : int
        Somebody was inside then; a meter rose after then. -1 while never.
    signs : dict
        When somebody was inside, of the times since the first such passage: second to the newest time within it.
    void_ns : int
        Until then a return could have been missed.
    mute_ns : int
        Since then all guards of which that can be known are lost; -1 while they are not.
    """

    community_id: str
    id: str
    is_shared: bool
    guards: tuple[int, ...] = ()
    entries: tuple[int, ...] = ()
    since_ns: int = -1
    edges: list[tuple[int, bool]] = field(default_factory=list)
    inside_ns: int = -1
    metered_ns: int = -1
    signs: dict[int, int] = field(default_factory=dict)
    void_ns: int = -1
    mute_ns: int = -1

    @property
    def key(self) -> str:
        """Name in snapshots."""
        return f"{self.community_id}/home:{self.id}"

    def left(self) -> Passage | None:
        """The passage by which who lives here alone went out, if that is so.

        Of the passages after which nobody was noticed inside the first is out, the next in, and so on.
        """
        unanswered = self._unanswered()
        return unanswered[-1] if len(unanswered) % 2 and not self.is_shared else None

    def forget(self) -> None:
        """Drop the edges that matter no more."""
        unanswered = self._unanswered()
        if len(unanswered) > _MOST_PASSAGES:
            unanswered = unanswered[len(unanswered) - _MOST_PASSAGES + len(unanswered) % 2 :]
        self.edges = [edge for edge in sorted(set(self.edges)) if unanswered and edge[0] >= unanswered[0].start_ns]
        self.signs = {second: at_ns for second, at_ns in self.signs.items() if unanswered and at_ns >= unanswered[0].start_ns}

    def notice(self, at_ns: int) -> None:
        """Somebody was inside then."""
        self.inside_ns = max(self.inside_ns, at_ns)
        self.signs[at_ns // NS_PER_S] = max(self.signs.get(at_ns // NS_PER_S, at_ns), at_ns)

    def _unanswered(self) -> list[Passage]:
        """Passages after which nobody was noticed inside.

        Who is noticed during a passage is who comes by it or who goes: that tells nothing of an earlier one either.
        """
        spans: list[list[Any]] = []
        for time_ns, is_open in sorted(set(self.edges)):
            if spans and (spans[-1][3] or time_ns - spans[-1][1] <= SAME_PASSAGE_NS):
                spans[-1][1], spans[-1][3] = time_ns, is_open
            else:
                spans.append([time_ns, time_ns, is_open, is_open])
        inside = {self.inside_ns, *self.signs.values()}
        clear = (at_ns for at_ns in inside if not any(start <= at_ns <= end + LATENCY_NS for start, end, _, _ in spans))
        inside_ns = max(clear, default=-1)
        return [
            Passage(
                start_ns=start,
                end_ns=end,
                opened=opened,
                left_ns=end if any(start + LATENCY_NS < at_ns <= end + LATENCY_NS for at_ns in inside) else start,
            )
            for start, end, opened, _ in spans
            if inside_ns <= end + LATENCY_NS and self.metered_ns < end + APPLIANCE_NS
        ]


class Presence:
    """Who is noticed where, in some homes.

    Parameters
    ----------
    premises
        Homes, devices, their uses, and what can be heard.
    homes
        (community, home) of those that matter; their devices are the ones that are looked at.

    Attributes
    ----------
    houses : list of House
    house_of : (D,) int64
        Index of a device's home; -1 where it has none with residents.
    sign_ns : (D,) int64
        Newest sign of life; -1 before the first.
    """

    def __init__(self, premises: Premises, homes: Collection[tuple[str, str]]) -> None:
        self._premises = premises
        self._registry = premises.registry
        size = len(self._registry)
        self.houses: list[House] = [
            House(community_id=community, id=home, is_shared=len(place.occupants) > 1)
            for (community, home), place in premises.homes.items()
            if (community, home) in homes
        ]
        number = {(house.community_id, house.id): index for index, house in enumerate(self.houses)}
        self.house_of: Int64 = np.array([number.get((one.community_id, one.home or ""), -1) for one in self._registry.devices], np.int64)
        self.sign_ns: Int64 = np.full(size, -1, np.int64)
        self._report_ns: Int64 = np.full(size, -1, np.int64)
        self._beats: Int64 = np.zeros(size, np.int64)
        self._beaten_ns: Int64 = np.full(size, -1, np.int64)
        self._poll_ns: int | None = None
        self._mute: set[int] = set()
        self._gateway = {row: gateway for gateway, rows in Outages(self._registry).behind.items() for row in rows}
        self._signs = Signs(premises, self.house_of >= 0)
        for index, house in enumerate(self.houses):
            self._assign(house, np.flatnonzero(self.house_of == index).tolist())
        self._proves = np.zeros(size, np.bool_)
        self._is_entry = np.zeros(size, np.bool_)
        for row, device in enumerate(self._registry.devices):
            self._is_entry[row] = self.house_of[row] >= 0 and row in self.houses[self.house_of[row]].entries
            self._proves[row] = self.house_of[row] >= 0 and device.wearer is None and not self._is_passage(device)
        self._is_meter = np.array([one.kind is DeviceKind.METER for one in self._registry.devices], np.bool_)
        self._may_beat = np.array([one.kind in SPEAKS_WHEN_NOTICING for one in self._registry.devices], np.bool_) & (self.house_of >= 0)

    def take(self, batch: Batch) -> Moves:
        """Note who is noticed by readings of one kind; answer the signs of life among them."""
        moves = self._signs.of(batch)
        np.maximum.at(self.sign_ns, moves.device, moves.time_ns)
        self._note_arrival(batch)
        if isinstance(batch, ContactBatch | MotionBatch | StatusBatch):
            self._note_reports(batch, moves)
        proves = self._proves[moves.device]
        for device, since_ns in zip(moves.device[proves].tolist(), moves.since_ns[proves].tolist(), strict=True):
            house = self.houses[self.house_of[device]]
            if self._is_meter[device]:
                house.metered_ns = max(house.metered_ns, since_ns)
            else:
                house.notice(since_ns)
        if isinstance(batch, ContactBatch):
            for row, device, time_ns in zip(moves.row.tolist(), moves.device.tolist(), moves.time_ns.tolist(), strict=True):
                if self._is_entry[device]:
                    self.houses[self.house_of[device]].edges.append((time_ns, bool(batch.is_open[row])))
        return moves

    def next_poll(self) -> int | None:
        """When `poll` is to be called, in ns; None before anything was heard."""
        return self._poll_ns

    def poll(self, now_ns: int) -> None:
        """Look at what can be heard."""
        if self._poll_ns is None or now_ns < self._poll_ns:
            return
        self._poll_ns = now_ns + POLL_NS
        beats = self._may_beat & (self._report_ns > self._beaten_ns) & (self._report_ns - self.sign_ns > BEAT_NS)
        self._beats[beats] += 1
        self._beaten_ns[beats] = self._report_ns[beats]
        touched = {int(self.house_of[row]) for row in self._premises.hearing.silent} - {-1}
        for house in [self.houses[index] for index in touched | self._mute]:
            house.mute_ns = (now_ns if house.mute_ns < 0 else house.mute_ns) if self._is_lost(house) else -1
            if self.is_deaf(house) or any(self.is_unheard(row) for row in house.entries):
                house.void_ns = now_ns
        self._mute = {index for index in touched if self.houses[index].mute_ns >= 0}
        for house in self.houses:
            if house.edges or house.signs:
                house.forget()

    def is_unheard(self, row: int) -> bool:
        """Whether a sensor is known to be silent for another reason than that there is nothing to notice."""
        return row in self._premises.hearing.silent and self._is_certain(row)

    def guarding(self, house: House) -> list[int]:
        """Rows of the sensors that usually notice somebody inside."""
        last_ns = max((int(self.sign_ns[row]) for row in house.guards), default=-1)
        return [row for row in house.guards if 0 <= self.sign_ns[row] >= last_ns - REGULAR_NS]

    def is_deaf(self, house: House) -> bool:
        """Whether none of the sensors that usually notice somebody inside can be heard.

        Where all those are lost of which that can be known, the rest is too, unless it has noticed somebody since.
        """
        return self._is_lost(house) and (
            house.mute_ns < 0 or all(self.sign_ns[row] <= house.mute_ns for row in self.guarding(house) if not self._is_certain(row))
        )

    def snapshot(self) -> dict[str, Any]:
        """State by device and by home."""
        state: dict[str, Any] = {}
        for row in np.flatnonzero(self.house_of >= 0).tolist():
            remembered = self._signs.state(row)
            if remembered or self.sign_ns[row] >= 0 or self._report_ns[row] >= 0:
                state[self._registry[row].key] = {
                    "sign_ns": int(self.sign_ns[row]),
                    "report_ns": int(self._report_ns[row]),
                    "beats": int(self._beats[row]),
                    "beaten_ns": int(self._beaten_ns[row]),
                    **remembered,
                }
        for house in self.houses:
            if house.since_ns >= 0:
                kept = asdict(house)
                for name in ("community_id", "id", "is_shared", "guards", "entries"):
                    del kept[name]
                state[house.key] = kept | {"signs": sorted(house.signs.values()), "poll_ns": self._poll_ns}
        return state

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        """Take over what `snapshot` said; unknown devices and homes are ignored."""
        for house in self.houses:
            if (kept := snapshot.get(house.key)) is None:
                continue
            house.edges = [(time_ns, is_open) for time_ns, is_open in kept["edges"]]
            house.signs = {at_ns // NS_PER_S: at_ns for at_ns in kept.get("signs", ())}
            for name in ("since_ns", "inside_ns", "metered_ns", "void_ns", "mute_ns"):
                setattr(house, name, kept[name])
            if kept["poll_ns"] is not None:
                self._poll_ns = max(self._poll_ns or 0, kept["poll_ns"])
        for row, kept in known(snapshot, self._registry):
            if self.house_of[row] >= 0:
                self.sign_ns[row], self._report_ns[row] = kept["sign_ns"], kept["report_ns"]
                self._beats[row], self._beaten_ns[row] = kept["beats"], kept["beaten_ns"]
                self._signs.restore(row, kept)
        self._mute = {index for index, house in enumerate(self.houses) if house.mute_ns >= 0}

    def _assign(self, house: House, rows: list[int]) -> None:
        """Say which sensors are its guards and entries. A gate is an entry only where no door is known; it is never inside."""
        fixed = [row for row in rows if self._registry[row].wearer is None]
        passages = [row for row in fixed if self._is_passage(self._registry[row])]
        doors = [row for row in passages if self._registry[row].covers is not Covers.GATE]
        house.entries = tuple(doors or passages)
        house.guards = tuple(row for row in fixed if row not in passages and self._registry[row].kind in INSIDE)

    def _is_passage(self, device: Device) -> bool:
        """Whether people come and go by it. A contact that does not say what it covers is a door, as it is for `rules.home.intrusion`."""
        if device.kind is not DeviceKind.CONTACT:
            return False
        return self._premises.use(device).is_entry or device.covers in {None, Covers.GATE}

    def _is_lost(self, house: House) -> bool:
        """Whether all guards are lost of which that can be known; false where it can be known of none."""
        certain = [row for row in self.guarding(house) if self._is_certain(row)]
        return bool(certain) and all(self.is_unheard(row) for row in certain)

    def _is_certain(self, row: int) -> bool:
        """Whether a sensor's silence would show that it is lost: it reports by itself, or its gateway does and is lost."""
        kind = self._registry[row].kind
        return (
            kind not in SPEAKS_WHEN_NOTICING or self._beats[row] >= BEATS_NEEDED or self._gateway.get(row) in self._premises.hearing.silent
        )

    def _note_arrival(self, batch: Batch) -> None:
        ours = np.flatnonzero((self.house_of[batch.device] >= 0) & ~batch.retained)
        if not len(ours):
            return
        first_ns = int(batch.received_ns[ours[0]])
        self._poll_ns = first_ns + POLL_NS if self._poll_ns is None else min(self._poll_ns, first_ns + POLL_NS)
        houses, first = np.unique(self.house_of[batch.device[ours]], return_index=True)
        for index, row in zip(houses.tolist(), ours[first].tolist(), strict=True):
            house, received_ns = self.houses[index], int(batch.received_ns[row])
            house.since_ns = received_ns if house.since_ns < 0 else min(house.since_ns, received_ns)

    def _note_reports(self, batch: Batch, moves: Moves) -> None:
        """Note readings that are no signs: who sends them when nobody is there can be missed. A word of reachability is as good."""
        report = self._may_beat[batch.device] & ~batch.retained
        report[moves.row] = False
        np.maximum.at(self._report_ns, batch.device[report], batch.received_ns[report])
        if isinstance(batch, StatusBatch):
            self._beats[batch.device[report & (batch.online >= 0)]] = BEATS_NEEDED
