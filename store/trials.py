"""A rule of a community's own, tried on what the log still holds: when it would have found something.

Only what its own sensors said is judged, so that an answer comes while somebody waits: whether they were heard is known of them alone, and
no outage of a gateway is. `notifier.rehearsal` judges everything.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from devices.entry import Record
from devices.log import Log
from devices.model import DeviceId, Registry
from devices.sensors.contact import CONTACT
from devices.sensors.motion import MOTION
from devices.topics import ROOT, parse
from rules.community import OwnRules
from rules.faults.fault import Offline
from rules.kinds import EventKind, Mode
from rules.model import Event, Facts, Lane
from rules.pipeline import Pipeline
from rules.premises import OwnRule, Premises
from store.exporting import Span, records
from store.judge import Judge
from store.model import Community

FLOOD_LEAST = 20
"""Findings of one rule in the time it was tried on that are a flood: three a day."""
_TAKEN = 10_000
"""Records judged at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a rule would have found.

    Attributes
    ----------
    since_ns, until_ns : int
        The time of which the log still holds something.
    found_ns : tuple of int
        When it would have found something, ascending.
    unheard : tuple of DeviceId
        Its sensors that said nothing in that time.
    """

    since_ns: int
    until_ns: int
    found_ns: tuple[int, ...]
    unheard: tuple[DeviceId, ...]

    @property
    def is_flood(self) -> bool:
        """Whether nobody would want that."""
        return len(self.found_ns) >= FLOOD_LEAST


class _Trying:
    """A rule over records that come in order."""

    def __init__(self, rule: OwnRule, community: Community, modes: Sequence[tuple[int, Mode]], span: Span) -> None:
        named = {device for condition in rule.when for device in condition.devices}
        devices = [one for one in community.devices if one.id in named]
        self._premises = Premises(registry=Registry(devices), clocks={str(community.id): community.clocks}, rules=(rule,))
        for at_ns, mode in modes if rule.home else ():
            self._premises.modes.change(community.id, rule.home or "", mode, at_ns)
        own = OwnRules(self._premises)
        self._pipeline = Pipeline(Offline(self._premises), (Lane(CONTACT, own), Lane(MOTION, own)), registry=self._premises.registry)
        self._judge = Judge(self._premises, self._pipeline)
        self._own, self._span, self._number = own, span, 0
        self._named, self._speaks = {(str(community.id), str(device)) for device in named}, dict[str, bool]()
        self._first_ns: int | None = None
        self._facts: Facts = []

    def take(self, some: Iterable[Record]) -> None:
        """Judge records."""
        numbered: list[tuple[int, Record]] = []
        for record in some:
            if self._first_ns is None:
                self._first_ns = record.received_ns
                self._pipeline.begin(max(record.received_ns, self._span.since_ns))
                self._judge.configuration_changed()
            if self._may_speak(record.topic):
                numbered.append((self._number, record))
            self._number += 1
        self._facts += self._judge.take(numbered).facts

    def _may_speak(self, topic: str) -> bool:
        """Whether one of the rule's sensors may be heard by a topic; of most it is plain that none is."""
        known = self._speaks.get(topic)
        if known is None:
            said = parse(topic) if topic.startswith(f"{ROOT}/") else None
            known = said is None or (not isinstance(said, str) and (str(said.community), str(said.device)) in self._named)
            self._speaks[topic] = known
        return known

    def ended(self) -> Trial:
        """What came of it by the end of the span."""
        self._facts += self._judge.tick(self._span.until_ns)
        since_ns = self._span.until_ns if self._first_ns is None else max(self._first_ns, self._span.since_ns)
        heard = self._own.snapshot()
        return Trial(
            since_ns=since_ns,
            until_ns=self._span.until_ns,
            found_ns=tuple(sorted(fact.t_ns for fact in self._facts if isinstance(fact, Event) and fact.kind is EventKind.CUSTOM)),
            unheard=tuple(sorted(one.id for one in self._premises.registry.devices if one.key not in heard)),
        )


def paired(before: Trial, after: Trial, within_ns: int) -> tuple[tuple[int | None, int | None], ...]:
    """When each found the same, in order; None where one of them found nothing.

    Findings are moments, so the same is what neither found more than `within_ns` apart, of several the first that fits, each once.
    """
    pairs: list[tuple[int | None, int | None]] = []
    old, new = list(before.found_ns), list(after.found_ns)
    while old and new:
        if abs(old[0] - new[0]) <= within_ns:
            pairs.append((old.pop(0), new.pop(0)))
        elif old[0] < new[0]:
            pairs.append((old.pop(0), None))
        else:
            pairs.append((None, new.pop(0)))
    return (*pairs, *((one, None) for one in old), *((None, one) for one in new))


def tried(rule: OwnRule, community: Community, modes: Sequence[tuple[int, Mode]], span: Span, some: Iterable[Record]) -> Trial:
    """What a rule would have found in records, in order of arrival.

    Parameters
    ----------
    modes
        Every change of the mode of the rule's home, oldest first.
    """
    trying = _Trying(rule, community, modes, span)
    trying.take(some)
    return trying.ended()


async def try_on(
    log: Log, rules: Sequence[OwnRule], community: Community, modes: Sequence[tuple[int, Mode]], span: Span
) -> tuple[Trial, ...]:
    """The same of what the log holds of a span, of several rules of one home.

    Raises
    ------
    LogError
        The log cannot be read.
    """
    trying = [_Trying(rule, community, modes, span) for rule in rules]
    waiting: list[Record] = []

    def take() -> None:
        for one in trying:
            one.take(waiting)
        waiting.clear()

    async for record in records(log, span):
        waiting.append(record)
        if len(waiting) == _TAKEN:
            take()
    take()
    return tuple(one.ended() for one in trying)
