"""Spans of time, half-open, in ns: ascending, none empty, and none touching another."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Span(NamedTuple):
    """From and to, half-open."""

    since_ns: int
    until_ns: int


Spans = list[Span]


def united(spans: Iterable[Span]) -> Spans:
    """Every time that lies in one of some spans, given in any order; empty ones are left out."""
    found: Spans = []
    for span in sorted(one for one in spans if one.since_ns < one.until_ns):
        if found and span.since_ns <= found[-1].until_ns:
            found[-1] = Span(found[-1].since_ns, max(found[-1].until_ns, span.until_ns))
        else:
            found.append(span)
    return found


def shared(some: Sequence[Span], others: Sequence[Span]) -> Spans:
    """Every time that lies in both."""
    found: Spans = []
    at, beside = 0, 0
    while at < len(some) and beside < len(others):
        one, other = some[at], others[beside]
        since_ns, until_ns = max(one.since_ns, other.since_ns), min(one.until_ns, other.until_ns)
        if since_ns < until_ns:
            found.append(Span(since_ns, until_ns))
        if one.until_ns < other.until_ns:
            at += 1
        else:
            beside += 1
    return found


def holding(spans: Iterable[Span], at_ns: int) -> Span | None:
    """The span in which a time lies."""
    return next((span for span in spans if span.since_ns <= at_ns < span.until_ns), None)
