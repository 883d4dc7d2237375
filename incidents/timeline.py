"""What an auditor reads: each thing that moved an incident, when, by whom and why. Pure: from one version of an incident to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum

from devices.model import PersonId
from incidents.model import Act, Duty, Incident

Plain = float | int | str | bool | None


class EntryKind(StrEnum):
    """What an entry says; a stored value is never renamed."""

    EVENT = "event"
    """A reading decided something: kind, time, score, device, evidence."""
    CLEARED = "cleared"
    """Something that was reported is over."""
    STATE = "state"
    ACT = "act"
    """A responder's word that did not change the state, such as a new time of arrival."""
    TOLD = "told"
    """Somebody was to be told: what became of it stands with the delivery."""
    SKIPPED = "skipped"
    """Somebody could not be told."""
    HELD = "held"
    """Telling was put off: somebody asked for silence."""
    RELEASED = "released"
    """The silence is over: at its end, or because somebody ended it."""
    CANCEL = "cancel"
    """The wearer pressed cancel after others had been told."""
    UNANSWERED = "unanswered"
    OPENED = "opened"
    """Somebody looked at its page."""
    NOTE = "note"
    PHOTO = "photo"
    BROKE_GLASS = "broke_glass"
    """Somebody looked at a person's data who otherwise may not, and said why."""


class Cause(StrEnum):
    """Why an incident moved."""

    FACT = "fact"
    ACT = "act"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Because:
    """Why a transaction writes: a fact, somebody's act, or time; `late_ns` is how long after it was due it was acted on.

    `act` stands with the incident that it is about, `by` also with those that it moves besides.
    """

    cause: Cause
    act: Act | None = None
    by: PersonId | None = None
    late_ns: int = 0


BY_FACT = Because(cause=Cause.FACT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry: `by` is who did it; `detail` holds plain values, units in their names."""

    at_ns: int
    kind: EntryKind
    by: PersonId | None = None
    detail: Mapping[str, Plain | Mapping[str, Plain]] = field(default_factory=dict)


def entries(before: Incident | None, after: Incident, duties: Sequence[Duty], because: Because, now_ns: int) -> Iterator[Entry]:
    """What is new in a version of an incident, in the order in which it is read.

    Parameters
    ----------
    before
        The version that the database had; None for a new incident.
    duties
        What is to be said because of it, of this incident only.
    because
        An act stands in the timeline of the incident it is about; what it moves besides, moves with no word of anybody.
    """
    by = because.act.by if because.act else None
    for event in after.events[len(before.events) if before else 0 :]:
        detail = asdict(event)
        for name in ("community_id", "subject", "seq", "resident_id", "home_id", "cause"):
            del detail[name]
        yield Entry(at_ns=event.known_ns, kind=EntryKind.EVENT, detail=detail)
    if before is not None:
        for kind, cause in sorted(before.active - after.active):
            yield Entry(at_ns=now_ns, kind=EntryKind.CLEARED, detail={"kind": kind, "cause": cause})
    if before is None or before.state is not after.state or before.round != after.round:
        yield Entry(at_ns=now_ns, kind=EntryKind.STATE, by=by or _by(before, after), detail=_state(before, after, because))
    elif because.act is not None:
        yield Entry(at_ns=now_ns, kind=EntryKind.ACT, by=by, detail=_state(before, after, because))
    if after.cancel_pressed_ns is not None and (before is None or before.cancel_pressed_ns != after.cancel_pressed_ns):
        yield Entry(at_ns=now_ns, kind=EntryKind.CANCEL)
    yield from _held(before, after, because, now_ns)
    for person in after.skipped[len(before.skipped) if before else 0 :]:
        yield Entry(at_ns=now_ns, kind=EntryKind.SKIPPED, by=person)
    for duty in duties:
        detail = {"purpose": duty.purpose, "channel": duty.channel, "step": duty.step, "round": duty.round, "news": duty.news}
        yield Entry(at_ns=now_ns, kind=EntryKind.TOLD, by=duty.to, detail={**detail, "whole_roster": duty.whole_roster})
    if after.unanswered and not (before is not None and before.unanswered):
        yield Entry(at_ns=now_ns, kind=EntryKind.UNANSWERED)


def _held(before: Incident | None, after: Incident, because: Because, now_ns: int) -> Iterator[Entry]:
    """That telling was put off, until another time than before, or is no longer."""
    was_ns = before.held_ns if before else None
    if after.held_ns is None and was_ns is not None:
        yield Entry(at_ns=now_ns, kind=EntryKind.RELEASED, by=because.by)
    elif after.held_ns is not None and after.held_ns != was_ns:
        yield Entry(at_ns=now_ns, kind=EntryKind.HELD, detail={"until_ns": after.held_ns})


def _by(before: Incident | None, after: Incident) -> PersonId | None:
    """Who moved it, where no act says so: the wearer who cancelled, the owner of a silence."""
    return after.acknowledged_by if before is None else after.ended_by


def _state(before: Incident | None, after: Incident, because: Because) -> dict[str, Plain]:
    known: dict[str, Plain] = {
        "before": before.state if before else None,
        "state": after.state,
        "severity": after.severity,
        "round": after.round,
        "cause": because.cause,
        "do": because.act.do if because.act else None,
        "eta_ns": after.eta_ns,
        "to": because.act.to if because.act else None,
        "reason": (because.act.reason if because.act else None),
        "text": (because.act.text or None) if because.act else None,
        "id": (because.act.id or None) if because.act else None,
        "ended": after.ended,
        "late_ms": because.late_ns // 1_000_000 if because.late_ns else None,
        "policy": after.policy.id if after.policy else None,
    }
    return {name: value for name, value in known.items() if value is not None}
