"""What a sensor that knows two states was at which time, by its own times, so that a reading that arrives late still finds its place."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass

from devices.model import NS_PER_S

BOUNCE_NS = NS_PER_S
"""Off for less than this is no off: a contact that bounces, or a sensor that joins its network anew."""
MOST_STATES = 32
"""A day of a quiet window, an hour of a busy door. Who arrives later than that changes nothing."""


@dataclass(slots=True)
class State:
    """One reading that began or prolonged a state.

    Attributes
    ----------
    is_live : bool
        Said as it happened: not repeated by the broker, not the first word after silence.
    told : bool
        It has been judged to be an intrusion.
    """

    t_ns: int
    is_on: bool
    is_live: bool
    told: bool = False


class Trace:
    """The newest states of one sensor in the order of their own times: of each run of equal states the first and the last.

    What is heard late between the two ends of a run splits it there, so that a turning on may be seen later than it was, never earlier.
    """

    def __init__(self, states: Sequence[Sequence[int | bool]] = ()) -> None:
        self._states = [State(int(t_ns), bool(is_on), bool(is_live), bool(told)) for t_ns, is_on, is_live, told in states]

    def __len__(self) -> int:
        return len(self._states)

    @property
    def is_on(self) -> bool:
        """Newest state; off before the first."""
        return bool(self._states) and self._states[-1].is_on

    @property
    def newest(self) -> State | None:
        """Newest reading that is remembered."""
        return self._states[-1] if self._states else None

    @property
    def was_off(self) -> bool:
        """Whether it ever said off."""
        return any(not state.is_on for state in self._states)

    def is_on_since(self, t_ns: int) -> bool:
        """Whether it is on, and was never off after a time."""
        return self.is_on and all(state.is_on for state in self._states if state.t_ns > t_ns)

    def turned_off(self) -> Iterator[int]:
        """Times in ns at which it went off as it was heard."""
        for before, state in zip(self._states, self._states[1:], strict=False):
            if before.is_on and not state.is_on and state.is_live:
                yield state.t_ns

    def add(self, t_ns: int, *, is_on: bool, is_live: bool) -> int | None:
        """Place of a reading that changes something, by its own time; None for a repeat, and for what was heard before."""
        states = self._states
        at = bisect_right(states, t_ns, key=lambda state: state.t_ns)
        if any(state.t_ns == t_ns and state.is_on == is_on for state in states[:at]):
            return None
        states.insert(at, State(t_ns, is_on, is_live))
        is_repeat = at > 0 and states[at - 1].is_on == is_on
        if is_repeat:
            self._merge(at)
        elif at + 1 < len(states) and states[at + 1].is_on == is_on:
            states[at].told = states[at + 1].told  # it began earlier than was known
            self._merge(at + 1)
        if len(states) > MOST_STATES:
            del states[0]
            at -= 1
        return None if is_repeat or at < 0 else at

    def is_newest(self, at: int) -> bool:
        """Whether nothing is known of a later time than a place's."""
        return at == len(self._states) - 1

    def turned_on(self, at: int) -> State | None:
        """The turning on, as it was heard, that a change at this place is or, where that is a turning off, makes of the one after it."""
        found = self._states[at : at + 2][-1] if not self._states[at].is_on else self._states[at]
        return found if at > 0 and found.is_on and found.is_live else None

    def is_bounce(self, state: State) -> bool:
        """Whether it was on less than `BOUNCE_NS` before it turned on."""
        off_ns = state.t_ns
        for one in reversed(self._states[: next(at for at, one in enumerate(self._states) if one is state)]):
            if one.is_on:
                return state.t_ns - off_ns < BOUNCE_NS
            off_ns = one.t_ns
        return False

    def kept(self) -> list[list[int | bool]]:
        """States in JSON's types."""
        return [list(astuple(state)) for state in self._states]

    def _merge(self, at: int) -> None:
        """Forget what lies within a run, or all but its ends."""
        states = self._states
        for middle in (at, at - 1):
            if 0 < middle < len(states) - 1 and states[middle - 1].is_on == states[middle].is_on == states[middle + 1].is_on:
                del states[middle]
                return
