"""Openings: what is known of one contact, and which starts of guarding have been judged for its present opening."""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from rules.home.guarding import Start
from rules.home.notices import HOLD_NS, SETTLE_NS
from rules.home.trace import Trace


@dataclass(slots=True, kw_only=True)
class Contact:
    """Decision state of one contact.

    Attributes
    ----------
    judged_ns, judged_count : int
        Starts of guarding before that time, and so many of those at that very time, have been judged for this opening.
    hold_ns : int
        Later ones are judged no earlier: the closing may be in the same burst of buffered readings.
    said_ns : int or None
        Time of the newest left_open.
    stands : bool
        It goes on until the contact closes.
    spoken : bool
        This opening has been told, or is about to be.
    ended : bool
        The newest closing ended a left_open.
    owed_ns : int or None
        That closing was a bounce, so the left_open must be told again.
    """

    trace: Trace
    judged_ns: int = 0
    judged_count: int = 0
    hold_ns: int = 0
    said_ns: int | None = None
    stands: bool = False
    spoken: bool = False
    ended: bool = False
    owed_ns: int | None = None

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """What `kept` said; of 0.1, which kept the newest reading only, what it said."""
        if "trace" in state:
            return cls(**{**state, "trace": Trace(state["trace"])})
        trace = Trace([(state["when_ns"], state["is_open"], True, False)])
        return cls(trace=trace, spoken=True, **{name: state[name] for name in _OF_0_1})

    def kept(self) -> dict[str, Any]:
        """Itself in JSON's types."""
        return {name: getattr(self, name) for name in self.__slots__} | {"trace": self.trace.kept()}

    def open_anew(self, t_ns: int, known_ns: int, starts: Sequence[Start]) -> None:
        """Note an opening: what began before it is over and done with, what began since has to be judged."""
        self._judged(t_ns, starts)
        self.hold_ns = 0
        later = self.unjudged(starts)
        if later:
            self.hold_ns = known_ns + (SETTLE_NS if later[0].at_ns <= known_ns else HOLD_NS)

    def open_again(self, t_ns: int, known_ns: int) -> None:
        """Note that it bounced: the opening before it goes on."""
        self.owed_ns = t_ns if self.ended else None
        self.hold_ns = known_ns + SETTLE_NS

    def close(self) -> bool:
        """Note a closing; whether that ends a left_open."""
        stood, self.stands = self.stands, False
        self.ended = stood or self.owed_ns is not None
        self.owed_ns = None
        return stood

    def hold(self, start_ns: int, known_ns: int) -> None:
        """Have a start of guarding judged, of which it was not known when this was opened."""
        self.hold_ns = max(self.hold_ns, known_ns + HOLD_NS)
        if not self.spoken and self.judged_ns >= start_ns:
            self.judged_ns, self.judged_count = start_ns - 1, 0

    def unjudged(self, starts: Sequence[Start]) -> Sequence[Start]:
        """Which starts of guarding have not been judged for this opening."""
        return starts[bisect_left(starts, self.judged_ns, key=_at_ns) + self.judged_count :]

    def judge(self, now_ns: int, starts: Sequence[Start]) -> list[Start]:
        """Starts that are to be judged now; they are so from now on."""
        begun = [start for start in self.unjudged(starts) if start.at_ns <= now_ns]
        self._judged(now_ns, starts)
        return begun

    def due_ns(self, starts: Sequence[Start]) -> int | None:
        """When an open one is to be looked at; None while nothing can come of it."""
        if self.owed_ns is not None:
            return self.hold_ns
        return next((max(start.at_ns, self.hold_ns) for start in self.unjudged(starts)), None)

    def _judged(self, now_ns: int, starts: Sequence[Start]) -> None:
        self.judged_ns = now_ns
        self.judged_count = bisect_right(starts, now_ns, key=_at_ns) - bisect_left(starts, now_ns, key=_at_ns)


_OF_0_1 = ("judged_ns", "judged_count", "hold_ns", "said_ns", "stands")


def _at_ns(start: Start) -> int:
    return start.at_ns
