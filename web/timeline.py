"""One incident from its first event to its end: what was stored of it, and who was told."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from devices.model import NS_PER_S
from incidents.model import CLOSED, Do, Ended, Incident, IncidentState, Reason
from incidents.timeline import Cause, Entry, EntryKind
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import Fence
from store.outbox import DeliveryOutcome, NotificationState
from store.views import Telling
from web.cards import href, quiet_because, state_words
from web.evidence import SERIES, Account, account
from web.ground import Ground
from web.passage import OF_AREAS, TRACK, Passage, Seen, Sign, passage
from web.picture import Plot, plot, reasons
from web.plan import Plan, metres, plan
from web.scene import Scene
from web.words import Move, Words

LATER_NS = 60 * NS_PER_S
"""An event that was known so much after it happened is said to be."""

MOST_PICTURES = 5
"""So many events of one incident are drawn, the first ones; of the others the words are shown. A page stays light on a bad line."""

LATE_MS = 1000
"""What was acted on so much after it was due is said to be."""

_STATE = {
    DeliveryOutcome.ACCEPTED: NotificationState.ACCEPTED,
    DeliveryOutcome.DELIVERED: NotificationState.DELIVERED,
    DeliveryOutcome.REJECTED: NotificationState.FAILED,
    DeliveryOutcome.UNKNOWN: NotificationState.UNKNOWN,
}

_MOVES = {
    EntryKind.SKIPPED: Move.SKIPPED,
    EntryKind.HELD: Move.HELD,
    EntryKind.OPENED: Move.OPENED,
    EntryKind.NOTE: Move.NOTE,
    EntryKind.PHOTO: Move.PHOTO,
    EntryKind.BROKE_GLASS: Move.BROKE_GLASS,
}
"""Entries that say who, or until when, and nothing else."""

_SAID = {Do.ON_SCENE: Move.ARRIVED, Do.DECLINE: Move.DECLINED, Do.HAND_OVER: Move.HANDED}
"""Words of responders that move an incident, or not."""

_WHOLE = frozenset({Sign.MANY, Sign.FEW, Sign.GAP})
"""Signs whose value is a whole number."""

_BEGINNINGS = {IncidentState.SUSPECTED: Move.SUSPECTED, IncidentState.OPEN: Move.NOTED}
"""A silence begins as taken on, and its event says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one attempt to tell somebody; `state` is one of `NotificationState`."""

    time: str
    words: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Why something was thought to be a fall, or to have come to a fence, for people who read it in a hurry.

    Attributes
    ----------
    sure, percent : str
        How sure, in words, or what happened; and in percent. "" where that is not known.
    plot : Plot or None
        Of a fall.
    plan : Plan or None
        Of a fence.
    headings : (for, against, nothing against)
        Of the reasons; the last one stands in the place of those that there are not.
    more : str
        What must be known to read it rightly.
    """

    sure: str
    percent: str
    plot: Plot | None = None
    plan: Plan | None = None
    headings: tuple[str, str, str]
    speaks_for: tuple[str, ...]
    speaks_against: tuple[str, ...]
    more: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One entry.

    Attributes
    ----------
    kind : str
        event, note, told, end or moved.
    why : str
        What opens the evidence; "" where there is none to be shown.
    evidence : tuple of (name, value)
        Names are the rule's own, with their units.
    decision : Decision or None
        Of a fall, or of what came to a fence.
    photo : str
        Address of a picture.
    """

    key: str = ""
    at_ns: int
    time: str
    kind: str
    title: str
    detail: str = ""
    text: str = ""
    state: str = ""
    steps: tuple[Step, ...] = ()
    why: str = ""
    evidence: tuple[tuple[str, str], ...] = ()
    decision: Decision | None = None
    photo: str = ""


def timeline(
    incident: Incident,
    tellings: Iterable[Telling],
    scene: Scene,
    entries: Sequence[tuple[int, Entry]] = (),
    *,
    fence_of: Callable[[Event], Fence | None] = lambda _: None,
    with_decisions: bool = False,
    with_evidence: bool = False,
) -> list[Moment]:
    """Every moment that is stored, oldest first.

    Parameters
    ----------
    entries
        As `store.timelines.read` gives them. An incident from before they were written has none: then what it says itself is shown.
    fence_of
        The fence that an event is about, as it was then.
    with_decisions
        Explain why something was thought to be a fall, or to have come to a fence, to those whom it concerns.
    with_evidence
        Show what decisions were made of, to those who understand it.
    """
    moments = [_event(incident, number, scene, with_evidence=with_evidence) for number in range(len(incident.events))]
    if with_decisions:
        moments = list(_explained(moments, incident, scene, fence_of))
    given_up = {entry.at_ns for _, entry in entries if entry.kind is EntryKind.UNANSWERED}
    for number, entry in entries:
        # Giving up is a round of telling too, and is said by an entry of its own.
        is_said = entry.kind is EntryKind.STATE and entry.at_ns in given_up and _move(entry) is Move.REPEATED
        moment = None if is_said else _entry(entry, number, incident, scene)
        if moment is not None:
            moments.append(moment)
    if incident.cancel_pressed_ns is not None and not any(entry.kind is EntryKind.CANCEL for _, entry in entries):
        moments.append(_cancel(incident.cancel_pressed_ns, scene))
    moments += [_told(telling, scene) for telling in tellings]
    if incident.ended_ns is not None and not any(entry.detail.get("state") in CLOSED for _, entry in entries):
        moments.append(_moment(incident.ended_ns, scene, "end", state_words(incident, scene)))
    return sorted(moments, key=lambda moment: moment.at_ns)


def _event(incident: Incident, number: int, scene: Scene, *, with_evidence: bool) -> Moment:
    words, event = scene.words, incident.events[number]
    if event.kind is EventKind.SILENCE:
        return _moment(event.t_ns, scene, "event", scene.heading(event), detail=quiet_because(incident, scene))
    late = event.known_ns - event.t_ns >= LATER_NS
    percent = round(100 * event.score)
    shown = tuple(_evidence(event.evidence, scene)) if with_evidence else ()
    sure = words.sure.format(percent=percent) if percent < 100 else words.why  # noqa: PLR2004  what is certain needs no number
    return Moment(
        key=f"e-{number}",
        at_ns=event.t_ns,
        time=scene.clock(event.t_ns, seconds=True),
        kind="event",
        title=scene.heading(event),
        detail=words.known_later.format(time=scene.clock(event.known_ns)) if late else "",
        why=sure if with_evidence and (shown or percent < 100) else "",  # noqa: PLR2004
        evidence=shown,
    )


def _explained(moments: Iterable[Moment], incident: Incident, scene: Scene, fence_of: Callable[[Event], Fence | None]) -> Iterator[Moment]:
    """The moments of events, with why they were thought to have happened, where there is something to be said of it."""
    drawn = 0
    for moment, event in zip(moments, incident.events, strict=True):
        draws, fall = drawn < MOST_PICTURES, account(event)
        decision = decided(fall, scene.words, draws=draws) if fall else passed(event, fence_of(event), scene, draws=draws)
        if decision is None:
            yield moment
            continue
        drawn += decision.plot is not None or decision.plan is not None
        # How sure it is stands there already.
        yield replace(moment, decision=decision, why=(scene.words.numbers if moment.evidence else "") if decision.percent else moment.why)


def decided(known: Account, words: Words, *, draws: bool = True) -> Decision:
    """An account of a fall in words, with its picture if that is to be drawn."""
    judged = words.judged.format(value=f"{known.judged_s:.3g}") if known.judged_s is not None else ""
    return Decision(
        sure=words.sureness[known.sureness] if known.sureness else "",
        percent=words.sure.format(percent=known.percent) if known.percent is not None else "",
        plot=plot(known, words) if draws else None,
        headings=(words.speaks_for, words.speaks_against, words.nothing_against),
        speaks_for=tuple(reasons(known.speaks_for, words)),
        speaks_against=tuple(reasons(known.speaks_against, words)),
        more=words.script.sentence_gap.join(part for part in (judged, words.reckoned if known.sureness else "") if part),
    )


def passed(event: Event, fence: Fence | None, scene: Scene, *, draws: bool = True) -> Decision | None:
    """What is known of an event at a fence in words, with its picture if that is to be drawn; None of any other event.

    Parameters
    ----------
    fence
        The event's, as it was then; without it there is no picture.
    """
    words, ground = scene.words, Ground.of(fence) if fence else None
    known = passage(event, ground)
    if known is None:
        return None
    said = [words.passages[known.kind].format(fence=known.fence_id, side=_side(known, ground, words))]
    if known.distance_m is not None:
        said.append(words.distances[known.kind].format(value=metres(known.distance_m)))
    if known.been_s:
        said.append(words.so_long.format(lasting=scene.wording.lasting(int(known.been_s))))
    sure, percent = words.clause_gap.join(said), words.sure.format(percent=known.percent) if known.percent is not None else ""
    says = words.clause_gap.join(part for part in (sure, _counted(known, words), percent) if part)
    more = (
        words.decided.format(value=f"{known.lasted_s:.3g}") if known.lasted_s else "",
        words.errors if known.percent is not None else "",
    )
    return Decision(
        sure=sure,
        percent=percent,
        plan=plan(known, ground, scene, event.t_ns, says) if draws and ground else None,
        headings=(words.signs_for, words.signs_against, words.no_signs_against),
        speaks_for=tuple(_signs(known.speaks_for, words)),
        speaks_against=tuple(_signs(known.speaks_against, words)),
        more=words.script.sentence_gap.join(part for part in more if part),
    )


def _side(known: Passage, ground: Ground | None, words: Words) -> str:
    if ground is None or ground.shape is None or known.trail is None:
        return ""
    return words.compass[ground.side(known.trail.place_m[: known.decided + 1])]


def _counted(known: Passage, words: Words) -> str:
    """By how many positions it was decided, and over how long."""
    if known.count is None:
        return ""
    positions = words.one_position if known.count == 1 else words.positions
    counted = (positions if known.kind in OF_AREAS else words.frames).format(n=known.count)
    return words.lasting.format(positions=counted, value=f"{known.lasted_s:.3g}") if known.lasted_s else counted


def _signs(seen: Iterable[Seen], words: Words) -> Iterator[str]:
    for one in seen:
        names = words.list_gap.join(one.names.split(","))
        digits = 2 if one.sign in {Sign.COMING, Sign.HARDLY} else 0 if one.sign in _WHOLE else None
        value = metres(one.value) if digits is None else f"{one.value:.{digits}f}"
        yield words.signs[one.sign].format(value=value, more=metres(one.more), names=names)


def _evidence(evidence: Mapping[str, float | int | str | bool], scene: Scene) -> Iterator[tuple[str, str]]:
    for name, value in sorted((name, value) for name, value in evidence.items() if name not in SERIES | TRACK):
        match value:
            case bool():
                said = scene.words.yes if value else scene.words.no
            case float():
                said = f"{value:.4g}"
            case _:
                said = str(value)
        yield name, said


def _entry(entry: Entry, number: int, incident: Incident, scene: Scene) -> Moment | None:
    """A moment of what stands nowhere else: events are the incident's own, and who was told is the outbox's."""
    match entry.kind:
        case EntryKind.STATE | EntryKind.ACT:
            return _moved(entry, incident, scene)
        case EntryKind.CLEARED:
            kind = EventKind(str(entry.detail["kind"]))
            title = scene.words.moves[Move.CLEARED].format(title=scene.words.kinds[kind])
            # What was absorbed is not over: it goes on as part of an outage.
            return None if incident.ended is Ended.ABSORBED else _moment(entry.at_ns, scene, "moved", title)
        case EntryKind.CANCEL:
            return _cancel(entry.at_ns, scene)
        case EntryKind.UNANSWERED:
            return _moment(entry.at_ns, scene, "moved", scene.words.unanswered)
        case EntryKind.NOTE | EntryKind.BROKE_GLASS:
            return _moment(entry.at_ns, scene, "note", _says(entry, scene), text=str(entry.detail["text"]))
        case EntryKind.PHOTO:
            photo = f"{href(incident)}/photos/{number}"
            return _moment(entry.at_ns, scene, "note", _says(entry, scene), photo=photo)
        case EntryKind.SKIPPED | EntryKind.HELD | EntryKind.RELEASED | EntryKind.OPENED:
            return _moment(entry.at_ns, scene, "moved", _says(entry, scene))
        case EntryKind.EVENT | EntryKind.TOLD:
            return None


def _says(entry: Entry, scene: Scene) -> str:
    if entry.kind is EntryKind.RELEASED:
        return scene.words.quiet_ended.format(by=scene.name(entry.by)) if entry.by else scene.words.quiet_over
    until_ns = entry.detail.get("until_ns")
    time = scene.clock(until_ns) if isinstance(until_ns, int) else ""
    return scene.words.moves[_MOVES[entry.kind]].format(by=scene.name(entry.by), time=time)


def _moved(entry: Entry, incident: Incident, scene: Scene) -> Moment | None:
    """A change of state, or a word that changed none; None where what stands beside it says it all."""
    words, detail = scene.words, entry.detail
    if detail["state"] in CLOSED:
        found = words.found[Reason(str(detail["reason"]))] if "reason" in detail else ""
        more = words.list_gap.join(part for part in (found, _acted_late(entry, scene)) if part)
        return _moment(entry.at_ns, scene, "end", state_words(incident, scene), detail=more, text=str(detail.get("text", "")))
    move = _move(entry)
    if move is None:
        return None
    eta_ns = detail.get("eta_ns")
    until = scene.clock(eta_ns) if isinstance(eta_ns, int) else ""
    policy = words.by_policy.format(policy=detail["policy"]) if "before" not in detail and "policy" in detail else ""
    more = words.list_gap.join(part for part in (policy, _acted_late(entry, scene)) if part)
    said = words.moves[move].format(by=scene.name(entry.by), time=until, to=scene.name(str(detail.get("to", ""))))
    return _moment(entry.at_ns, scene, "moved", said, detail=more, text=str(detail.get("text", "")))


def _move(entry: Entry) -> Move | None:
    detail = entry.detail
    if detail.get("do") == Do.ACKNOWLEDGE:
        return Move.TAKEN_UNTIL if "eta_ns" in detail else Move.TAKEN
    if detail.get("do") in _SAID:
        return _SAID[Do(str(detail["do"]))]
    before, state, by_time = detail.get("before"), detail["state"], detail.get("cause") == Cause.TIME
    match before:
        case None:
            return _BEGINNINGS.get(IncidentState(str(state)))
        case IncidentState.SUSPECTED if by_time:
            return Move.NOT_CANCELLED
        case IncidentState.ACKNOWLEDGED if by_time and state != before:
            return Move.EXPIRED
        case _ if by_time:
            return Move.REPEATED
        case _:
            return Move.AGAIN if state != before else None


def _acted_late(entry: Entry, scene: Scene) -> str:
    late_ms = entry.detail.get("late_ms")
    return scene.words.acted_late.format(n=late_ms // 1000) if isinstance(late_ms, int) and late_ms >= LATE_MS else ""


def _cancel(at_ns: int, scene: Scene) -> Moment:
    return _moment(at_ns, scene, "moved", scene.words.cancel_pressed.format(time=scene.clock(at_ns)))


def _told(telling: Telling, scene: Scene) -> Moment:
    words = scene.words
    channel = words.channels[telling.channel] if telling.channel else words.no_channel
    first_ns = telling.attempts[0].handed_ns if telling.attempts else telling.created_ns
    steps = []
    for attempt in telling.attempts:
        state = _STATE.get(attempt.outcome)
        said = words.sent[state] if state else words.being_sent if attempt.outcome is DeliveryOutcome.BEGUN else words.not_sent
        steps.append(
            Step(
                time=scene.clock(attempt.updated_ns, seconds=True),
                words=f"{said} ({attempt.code})" if attempt.code and state is NotificationState.FAILED else said,
                state=state or NotificationState.WAITING,
            )
        )
    if not steps or telling.state is NotificationState.CANCELLED:
        steps.append(Step(time="", words=words.sent[telling.state], state=telling.state))
    return _moment(
        first_ns,
        scene,
        "told",
        words.told_by.format(name=scene.name(telling.to), channel=channel),
        detail=words.list_gap.join(part for part in (scene.role(telling.to), words.purposes[telling.purpose]) if part),
        text=telling.text or "",
        state=telling.state,
        steps=tuple(steps),
    )


def _moment(at_ns: int, scene: Scene, kind: str, title: str, **fields: Any) -> Moment:  # noqa: ANN401  further fields of a moment
    return Moment(at_ns=at_ns, time=scene.clock(at_ns, seconds=True), kind=kind, title=title, **fields)
