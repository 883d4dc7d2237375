"""The lanes, run: batches of readings in, facts out in the order in which they were known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from devices.health import KINDS, Readings, joined
from devices.model import Batch, Bool, Registry, SensorKind
from rules.model import Facts, Lane, Rule, Snapshot
from rules.premises import Premises
from rules.worn import by_their_wearer


class Watch(Rule[Readings], Protocol):
    """The rule that sees every reading and knows which is the first since its device was offline."""

    def back(self, batch: Readings, /) -> Bool:
        """(N,) bool: first reading of its kind since the device was offline. Asked before `update` is given the same batch."""

    def resumed(self, now_ns: int, /) -> None:
        """Take note that we heard nobody until now."""


@runtime_checkable
class Follower(Protocol):
    """What a rule also does that goes on from what other rules found."""

    def hear(self, facts: Facts, /) -> None:
        """Take what a rule found, as soon as it is found.

        A follower that stands behind that rule in a lane has not yet been given the lane's readings: however batches are cut, it must go on
        from the fact's own `seq`, as if it had heard it between two readings. What it finds itself it answers in `update` and `tick`.
        """


@runtime_checkable
class Timed(Protocol):
    """What a rule also does that is due by the calendar, whatever is read."""

    def begin(self, now_ns: int, since_ns: Mapping[str, int], /) -> None:
        """Take note that its time begins now; since when each community is as it is, where that is known. `restore` goes before."""

    def resumed(self, now_ns: int, /) -> None:
        """Take note that nothing was judged for a while, until now: what was missed is due now, once."""


class Pipeline:
    """All rules over all readings. A rule that is a `Follower` hears what every rule finds.

    Parameters
    ----------
    watch
        Sees every reading first and marks what comes back from silence.
    lanes
        In order; a rule may stand in several.
    faults
        See every reading too, of all kinds as one batch in order of arrival: what they count goes across kinds.
    registry
        Who wore what when.
    """

    def __init__(self, watch: Watch, lanes: Sequence[Lane[Any]], faults: Sequence[Rule[Readings]] = (), *, registry: Registry) -> None:
        self._watch = watch
        self._registry = registry
        self._faults = (watch, *faults)
        self._lanes = tuple(lanes)
        self.rules: tuple[Rule[Any], ...] = tuple(dict.fromkeys([*self._faults, *(rule for lane in lanes for rule in lane.rules)]))
        self._followers = tuple(rule for rule in self.rules if isinstance(rule, Follower))
        self._timed = tuple(rule for rule in self.rules if isinstance(rule, Timed))

    def update(self, batches: Mapping[SensorKind, Batch]) -> Facts:
        """Facts of the batches of one micro-batch, by the reading that decided them."""
        readings = joined(batches.values())
        back = self._watch.back(readings)
        marked = {kind: replace(batch, back=back[readings.kind == KINDS.index(kind)]) for kind, batch in batches.items() if len(batch)}
        facts = [fact for rule in self._faults for fact in self._heard(rule.update(readings))]
        for lane in self._lanes:
            if lane.kind.name in marked:
                for rule in lane.rules:
                    facts += self._heard(rule.update(marked[lane.kind.name]))
        return by_their_wearer(sorted(facts, key=lambda fact: fact.seq), self._registry)

    def next_due(self) -> int | None:
        """Earliest time at which a rule has something to say, in ns."""
        return min((due for rule in self.rules if (due := rule.next_due()) is not None), default=None)

    def tick(self, now_ns: int) -> Facts:
        """Facts of time having passed until now, in the order of their due times."""
        facts: Facts = []
        while (due := self.next_due()) is not None and due <= now_ns:
            for rule in self.rules:
                if rule.next_due() == due:
                    facts += self._heard(rule.tick(due))
        return by_their_wearer(facts, self._registry)

    def _heard(self, facts: Facts) -> Facts:
        """Those facts, which the followers have heard now."""
        if facts:
            for follower in self._followers:
                follower.hear(facts)
        return facts

    def begin(self, now_ns: int, since_ns: Mapping[str, int] = MappingProxyType({})) -> None:
        """Time begins for what goes by the calendar, before `restore`.

        Parameters
        ----------
        since_ns
            Since when what a community's file says has held, by community; without it from now on.
        """
        for rule in self._timed:
            rule.begin(now_ns, since_ns)

    def resumed(self, now_ns: int) -> None:
        """We ourselves heard nobody for a while, until now: nobody's silence before then means anything."""
        self._watch.resumed(now_ns)
        for rule in self._timed:
            rule.resumed(now_ns)

    def snapshot(self) -> dict[str, Snapshot]:
        """Every rule's decision state, by the rule's name."""
        return {rule.name: rule.snapshot() for rule in self.rules}

    def restore(self, snapshots: Mapping[str, Snapshot]) -> None:
        """Take over the decision state of rules that are still there."""
        for rule in self.rules:
            if rule.name in snapshots:
                rule.restore(snapshots[rule.name])

    def window_s(self) -> float:
        """Seconds of readings before a position that refill the signal windows."""
        return max((rule.window_s for rule in self.rules), default=0.0)


Rules = Callable[[Premises], Pipeline]
"""Makes the rules over premises."""
