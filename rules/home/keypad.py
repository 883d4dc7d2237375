"""Keypads: who armed and disarmed a home, the code under duress, and codes that are wrong too often."""

from dataclasses import asdict, dataclass, field

import numpy as np

from devices.model import NS_PER_S, CommunityId, Device, HomeId, PersonId
from devices.sensors.keypad import MODES, KeypadBatch
from rules.home import codes
from rules.kinds import EventKind, Mode
from rules.model import Cleared, Event, Facts, ModeSet, Snapshot, known
from rules.premises import HomePlace, Premises

WRONG_MOST = 5
WRONG_WITHIN_NS = 300 * NS_PER_S
LOCKED_NS = 300 * NS_PER_S
"""At most 5 wrong codes in 5 minutes: all 10 000 codes of 4 digits then take a week, and a family that errs waits for 5 minutes."""
LATE_NS = 60 * NS_PER_S
"""What was typed longer ago opens nobody's door any more."""
LOCK = "codes"
"""Cause of the event about wrong codes, apart from the tamper switch of the same device."""


@dataclass(slots=True, kw_only=True)
class _Tries:
    """Decision state of one keypad: wrong codes of the last 5 minutes, until when it is locked, and whether that was told and stands."""

    wrong_ns: list[int] = field(default_factory=list)
    locked_until_ns: int = 0
    stands: bool = False


class Keypad:
    """A right code sets the mode at once and says who; a wrong one is counted, and too many of them lock the keypad.

    - The code under duress sets the mode like any other code and calls for help. However late it arrives, it still calls.
    - A retained message is ignored; so is a wish that was typed more than 60 s before it arrived.
    - A locked keypad's codes are not looked at, so that a flood of them costs nothing.
    - In a home where nobody has a code a keypad says nothing: somebody else looks after its codes.
    """

    name = "keypad"
    window_s = 0.0

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._registry = premises.registry
        self._tries: dict[int, _Tries] = {}

    def update(self, batch: KeypadBatch, /) -> Facts:
        """Judge what was typed, in order of arrival."""
        facts: Facts = []
        for row in np.flatnonzero(~batch.retained).tolist():
            the = self._registry[int(batch.device[row])]
            place = self._premises.homes.get((the.community_id, the.home or ""))
            if place is not None and place.codes:
                facts += self._take(batch, row, the, place)
        return facts

    def next_due(self) -> int | None:
        """Never: what is typed decides alone, and a lock ends without a word."""
        return None

    def tick(self, _now_ns: int, /) -> Facts:
        """Nothing."""
        return []

    def snapshot(self) -> Snapshot:
        """Wrong codes and locks of each keypad that had any; no code."""
        return {self._registry[row].key: asdict(tries) for row, tries in self._tries.items()}

    def restore(self, snapshot: Snapshot, /) -> None:
        """Take over what `snapshot` said."""
        for row, state in known(snapshot, self._registry):
            self._tries[row] = _Tries(**state)

    def _take(self, batch: KeypadBatch, row: int, the: Device, place: HomePlace) -> Facts:
        device, t_ns, known_ns, seq = int(batch.device[row]), int(batch.time_ns[row]), int(batch.received_ns[row]), int(batch.seq[row])
        # Counted no earlier than it can have been typed to be acted upon, or a flood of old wishes would never be too many at one time.
        when_ns = max(min(t_ns, known_ns), known_ns - LATE_NS)
        tries = self._tries.get(device)
        if tries is not None and when_ns < tries.locked_until_ns:
            return []
        typed = codes.whose(str(batch.code[row]), place.codes)
        if typed is None:
            return self._wrong(device, the, when_ns, known_ns, seq)
        by, is_duress = typed
        mode = Mode(MODES[int(batch.mode[row])])
        facts: Facts = []
        if known_ns - t_ns <= LATE_NS:
            facts += self._right(device, the, when_ns, known_ns, seq)
            # Disarmed from when it was typed, or what opened since would be an alarm; armed from when that is known, or rules would be due
            # before now.
            at_ns = when_ns if mode is Mode.DISARMED else known_ns
            since_ns = self._premises.modes.put(the.community_id, place.id, mode, at_ns, known_ns)
            if since_ns is not None:
                facts.append(
                    ModeSet(
                        community_id=the.community_id,
                        home_id=place.id,
                        mode=mode,
                        by=by,
                        t_ns=since_ns,
                        known_ns=known_ns,
                        seq=seq,
                    )
                )
        if is_duress:
            facts.append(duress(the.community_id, place.id, place.occupants, by, t_ns=t_ns, known_ns=known_ns, seq=seq, device=the))
        return facts

    def _right(self, device: int, the: Device, t_ns: int, known_ns: int, seq: int) -> Facts:
        tries = self._tries.pop(device, None)
        if tries is None or not tries.stands:
            return []
        return [
            Cleared(
                community_id=the.community_id,
                kind=EventKind.TAMPER,
                subject=the.id,
                cause=LOCK,
                t_ns=t_ns,
                known_ns=known_ns,
                seq=seq,
            )
        ]

    def _wrong(self, device: int, the: Device, t_ns: int, known_ns: int, seq: int) -> Facts:
        tries = self._tries.setdefault(device, _Tries())
        tries.wrong_ns = [*(one for one in tries.wrong_ns if one > t_ns - WRONG_WITHIN_NS), t_ns]
        if len(tries.wrong_ns) < WRONG_MOST:
            return []
        evidence = {"wrong_codes": len(tries.wrong_ns), "locked_s": LOCKED_NS / NS_PER_S}
        tries.wrong_ns, tries.locked_until_ns, tries.stands = [], t_ns + LOCKED_NS, True
        return [
            Event(
                community_id=the.community_id,
                kind=EventKind.TAMPER,
                subject=the.id,
                t_ns=t_ns,
                known_ns=known_ns,
                seq=seq,
                device_id=the.id,
                home_id=the.home,
                cause=LOCK,
                evidence=evidence,
            )
        ]


def duress(
    community_id: CommunityId,
    home_id: HomeId,
    occupants: tuple[PersonId, ...],
    by: PersonId,
    *,
    t_ns: int,
    known_ns: int,
    seq: int = -1,
    device: Device | None = None,
) -> Event:
    """A code under duress, typed in or for a home: about who typed it if they live there, else the one who does, else the home."""
    alone = occupants[0] if len(occupants) == 1 else None
    resident = by if by in occupants else alone
    return Event(
        community_id=community_id,
        kind=EventKind.DURESS,
        subject=resident or home_id,
        t_ns=t_ns,
        known_ns=known_ns,
        seq=seq,
        device_id=device.id if device else None,
        resident_id=resident,
        home_id=home_id,
        cause=device.id if device else "",
        evidence={"by": by},
    )
