"""Records of the log to facts: decoded, cut into micro-batches, judged by the rules under the configuration of their time.

A micro-batch ends before a rule's due time and after `SPAN_NS`, as in a replay, so how entries are cut changes nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from devices.decode import Decoder
from devices.entry import Record
from devices.model import NS_PER_MS, Message, Rejected, SensorKind
from rules.model import Facts
from rules.pipeline import Pipeline
from rules.premises import Premises

SPAN_NS = 250 * NS_PER_MS
"""Longest micro-batch, from its first arrival to its last."""
MOST_MESSAGES = 4096
"""In one micro-batch: more make it no faster."""


@dataclass(slots=True, kw_only=True)
class Judged:
    """What came of some records."""

    facts: Facts = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)


class Judge:
    """The rules over one state of the configuration.

    Parameters
    ----------
    premises
        Devices, homes and fences; the modes may be appended to between calls.
    pipeline
        Rules over these premises.
    """

    def __init__(self, premises: Premises, pipeline: Pipeline) -> None:
        self.premises = premises
        self.pipeline = pipeline
        self._decoder = Decoder(premises.registry)
        self._pending: list[Message] = []
        self._first_ns = 0
        self._due_ns = pipeline.next_due()

    def take(self, records: Iterable[tuple[int, Record]]) -> Judged:
        """Judge records, each with its number in the order of arrival."""
        judged = Judged()
        route = self._decoder.route
        for number, record in records:
            received_ns = record.received_ns
            if self._must_flush(received_ns):
                self._flush(judged)
                self._advance(received_ns, judged)
            routed = route(record.topic, record.payload, received_ns, number, retained=record.retained)
            if isinstance(routed, Rejected):
                judged.rejected.append(routed)
                continue
            is_keypad = bool(routed) and routed[0].kind is SensorKind.KEYPAD
            if is_keypad:  # what comes before and after it is judged by different modes
                self._flush(judged)
            if routed and not self._pending:
                self._first_ns = received_ns
            self._pending += routed
            if is_keypad:
                self._flush(judged)
        self._flush(judged)
        return judged

    def configuration_changed(self) -> None:
        """Modes were appended, or decision state was restored: rules may be due at another time."""
        self._due_ns = self.pipeline.next_due()

    def tick(self, now_ns: int) -> Facts:
        """Facts of time having passed without readings."""
        judged = Judged()
        self._advance(now_ns, judged)
        return judged.facts

    def _must_flush(self, received_ns: int) -> bool:
        if self._pending and (received_ns - self._first_ns >= SPAN_NS or len(self._pending) >= MOST_MESSAGES):
            return True
        return self._due_ns is not None and self._due_ns <= received_ns

    def _flush(self, judged: Judged) -> None:
        if not self._pending:
            return
        batches, rejected = self._decoder.decode(self._pending)
        self._pending = []
        judged.rejected += rejected
        judged.facts += self.pipeline.update(batches)
        self._due_ns = self.pipeline.next_due()

    def _advance(self, to_ns: int, judged: Judged) -> None:
        if self._due_ns is not None and self._due_ns <= to_ns:
            judged.facts += self.pipeline.tick(to_ns)
            self._due_ns = self.pipeline.next_due()
