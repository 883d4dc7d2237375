"""One incident from its first event to its end, as far as it is stored."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from devices.model import NS_PER_S
from incidents.model import Incident
from store.outbox import DeliveryOutcome, NotificationState
from store.views import Telling
from web.cards import state_words
from web.scene import Scene

LATER_NS = 60 * NS_PER_S
"""An event that was known so much after it happened is said to be."""

_STATE = {
    DeliveryOutcome.ACCEPTED: NotificationState.ACCEPTED,
    DeliveryOutcome.DELIVERED: NotificationState.DELIVERED,
    DeliveryOutcome.REJECTED: NotificationState.FAILED,
    DeliveryOutcome.UNKNOWN: NotificationState.UNKNOWN,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one attempt to tell somebody; `state` is one of `NotificationState`."""

    time: str
    words: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """One entry. `kind` is event, note, told or end."""

    at_ns: int
    time: str
    kind: str
    title: str
    detail: str = ""
    text: str = ""
    state: str = ""
    steps: tuple[Step, ...] = ()


def timeline(incident: Incident, tellings: Iterable[Telling], scene: Scene) -> list[Moment]:
    """Every moment that is stored, oldest first."""
    return sorted(_moments(incident, tellings, scene), key=lambda moment: moment.at_ns)


def _moments(incident: Incident, tellings: Iterable[Telling], scene: Scene) -> Iterator[Moment]:
    words = scene.words
    for event in incident.events:
        late = event.known_ns - event.t_ns >= LATER_NS
        yield _moment(
            event.t_ns,
            scene,
            "event",
            scene.heading(event),
            detail=words.known_later.format(time=scene.clock(event.known_ns)) if late else "",
        )
    if incident.cancel_pressed_ns is not None:
        pressed_ns = incident.cancel_pressed_ns
        yield _moment(pressed_ns, scene, "note", words.cancel_pressed.format(time=scene.clock(pressed_ns)))
    for telling in tellings:
        yield _told(telling, scene)
    if incident.ended_ns is not None:
        yield _moment(incident.ended_ns, scene, "end", state_words(incident, scene))


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


def _moment(
    at_ns: int, scene: Scene, kind: str, title: str, *, detail: str = "", text: str = "", state: str = "", steps: tuple[Step, ...] = ()
) -> Moment:
    time = scene.clock(at_ns, seconds=True)
    return Moment(at_ns=at_ns, time=time, kind=kind, title=title, detail=detail, text=text, state=state, steps=steps)
