"""Notices: what sensors of one home noticed and is not told yet, because somebody may still disarm, or a second sensor must agree."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from devices.model import NS_PER_S
from rules.home.guarding import Terms

HOLD_NS = NS_PER_S // 4
"""Readings of different kinds in one micro-batch have no order: what depends on another sensor is judged when the micro-batch is over."""
SETTLE_NS = NS_PER_S
"""Sensors do not report equally fast: movement that is heard this long before the door it came through belongs to the door."""
MOST_DELAYS = 16
MOST_NOTICES = 32


@dataclass(slots=True, kw_only=True)
class Notice:
    """One opening or movement that counts.

    Attributes
    ----------
    device : str
        Id.
    known_ns : int
        When it arrived.
    wait_ns : int
        Until then the home may be disarmed, and nothing was.
    due_ns : int or None
        When it is looked at next; None: nothing more comes of it by itself, but it may still confirm another.
    is_settled : bool
        It was looked at.
    told : bool
        It is part of an intrusion that was told.
    """

    device: str
    is_motion: bool
    t_ns: int
    known_ns: int
    wait_ns: int
    due_ns: int | None
    is_settled: bool = False
    told: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An intrusion, of one sensor or of two; or without an intrusion: nothing confirmed this one."""

    notice: Notice
    is_intrusion: bool
    first: str | None = None
    second: str | None = None


class Notices:
    """What waits in one home.

    `delays` are the times of openings that gave time to disarm: while that runs, movement and other entries are the same people's.
    """

    def __init__(self, delays: Sequence[int] = (), notices: Sequence[dict[str, Any]] = ()) -> None:
        self._delays = list(delays)
        self._notices = [Notice(**notice) for notice in notices]

    def kept(self) -> dict[str, Any]:
        """What waits, in JSON's types."""
        return {"delays": list(self._delays), "notices": [asdict(notice) for notice in self._notices]}

    def next_due(self) -> int | None:
        """When the next one is to be looked at."""
        return min((notice.due_ns for notice in self._notices if notice.due_ns is not None), default=None)

    def begin_delay(self, t_ns: int) -> None:
        """Note that somebody came in by a door that gives time to disarm."""
        self._delays = sorted([*self._delays, t_ns])[-MOST_DELAYS:]

    def delay_end(self, t_ns: int, terms: Terms, *, early_ns: int = 0) -> int | None:
        """End of the time to disarm that runs at a time, or begins within `early_ns`; None where none does."""
        running = (
            since_ns + terms.delay_ns
            for since_ns in self._delays
            if since_ns - early_ns <= t_ns <= since_ns + terms.delay_ns and not terms.is_disarmed(since_ns, t_ns)
        )
        return min(running, default=None) if terms.delay_ns else None

    def add(self, notice: Notice) -> None:
        """Wait."""
        self._notices.append(notice)

    def judge(self, now_ns: int, terms: Terms, counts: Callable[[Notice], bool]) -> list[Verdict]:
        """What comes of notices whose time has come, in the order of their own times.

        Parameters
        ----------
        counts
            Whether a movement counted at its own time: doors that closed since may have ended the exit delay before.
        """
        ready = [notice for notice in self._notices if notice.due_ns is not None and notice.due_ns <= now_ns]
        ready.sort(key=lambda notice: (notice.t_ns, notice.device))
        for notice in ready:
            if not notice.is_settled:
                self._settle(notice, terms, counts)
        judge = self._confirmed if terms.confirm_ns else self._alone
        verdicts = [verdict for notice in ready if notice.due_ns is not None for verdict in judge(notice, now_ns, terms)]
        done = sorted((notice for notice in self._notices if notice.due_ns is None), key=lambda notice: (notice.t_ns, notice.device))
        forgotten = done[: -MOST_NOTICES if terms.confirm_ns else None]
        self._notices = [notice for notice in self._notices if notice not in forgotten]
        return verdicts

    def _settle(self, notice: Notice, terms: Terms, counts: Callable[[Notice], bool]) -> None:
        notice.is_settled = True
        if not notice.is_motion:
            return
        end_ns = self.delay_end(notice.t_ns, terms, early_ns=SETTLE_NS)
        if not counts(notice) or (end_ns is not None and not terms.confirm_ns):
            self._notices.remove(notice)
            notice.due_ns = None
        elif end_ns is not None:
            notice.wait_ns = end_ns

    def _alone(self, notice: Notice, now_ns: int, terms: Terms) -> list[Verdict]:
        """One sensor is enough, unless the home was disarmed in time."""
        if now_ns < notice.wait_ns:
            notice.due_ns = notice.wait_ns
            return []
        notice.due_ns = None
        if terms.is_disarmed(notice.t_ns, notice.wait_ns):
            return []
        notice.told = True
        return [Verdict(notice=notice, is_intrusion=True)]

    def _confirmed(self, notice: Notice, now_ns: int, terms: Terms) -> list[Verdict]:
        """Two sensors are needed. Of two that were told together the earlier gives the intrusion its time."""
        partner = self._partner(notice, terms)
        if partner is None:
            end_ns = max(notice.t_ns + terms.confirm_ns, notice.wait_ns, notice.known_ns + SETTLE_NS)
            notice.due_ns = end_ns if now_ns < end_ns else None
            is_open = notice.due_ns is None and not notice.is_motion and not terms.is_disarmed(notice.t_ns, end_ns)
            return [Verdict(notice=notice, is_intrusion=False)] if is_open else []
        first, second = sorted((notice, partner), key=lambda one: (one.t_ns, one.device))
        wait_ns = min(notice.wait_ns, partner.wait_ns)
        if now_ns < wait_ns:
            notice.due_ns = wait_ns
            return []
        notice.due_ns = None
        if terms.is_disarmed(first.t_ns, wait_ns):
            return []
        new = second if first.told else first
        first.told = second.told = True
        first.due_ns = second.due_ns = None
        return [Verdict(notice=new, is_intrusion=True, first=first.device, second=second.device)]

    def _partner(self, notice: Notice, terms: Terms) -> Notice | None:
        """What another sensor noticed, nearest in time."""
        near = (
            one
            for one in self._notices
            if one.is_settled
            and one.device != notice.device
            and abs(one.t_ns - notice.t_ns) <= terms.confirm_ns
            and not terms.is_disarmed(min(one.t_ns, notice.t_ns), max(one.t_ns, notice.t_ns))
        )
        return min(near, key=lambda one: (abs(one.t_ns - notice.t_ns), one.t_ns, one.device), default=None)
