"""Incidents as the console shows them: a card for each."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from devices.model import PersonId
from incidents.audience import ROSTER
from incidents.directory import Role
from incidents.grouping import aftermath
from incidents.model import CLOSED, Do, Due, DueRow, Ended, Incident, IncidentId, IncidentState, Purpose, Story
from incidents.visitors import is_visit
from rules.kinds import EventKind
from store.outbox import NotificationState
from store.views import Telling
from web.scene import Scene
from web.words import Desking, Drilling, Move

MOST_TOLD = 8
"""People named on a card; there are more where a whole roster was told."""

ARRIVE_MIN = (5, 10, 30, 60)
"""How soon somebody may say to be there, in minutes."""

ARRIVE_USUAL_MIN = 30

_BEST = (
    NotificationState.DELIVERED,
    NotificationState.ACCEPTED,
    NotificationState.BUNDLED,
    NotificationState.WAITING,
    NotificationState.UNKNOWN,
    NotificationState.FAILED,
    NotificationState.CANCELLED,
)
"""Of several tellings of one person the one in the first of these is shown."""

_DRILL_ENDED = {Ended.BY_ITSELF: Drilling.OVER, Ended.UNANSWERED: Drilling.UNANSWERED}

_NEXT_ACTS = {
    IncidentState.SUSPECTED: (Do.ACKNOWLEDGE, Do.ON_SCENE, Do.RESOLVE, Do.FALSE_ALARM),
    IncidentState.OPEN: (Do.ACKNOWLEDGE, Do.DECLINE, Do.ON_SCENE, Do.RESOLVE, Do.FALSE_ALARM),
    IncidentState.ACKNOWLEDGED: (Do.ON_SCENE, Do.RESOLVE, Do.FALSE_ALARM, Do.ACKNOWLEDGE, Do.DECLINE),
    IncidentState.ON_SCENE: (Do.RESOLVE, Do.FALSE_ALARM),
}
"""What can be done, what is likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One person who was told: by what, and what came of it. `state` is one of `NotificationState`."""

    name: str
    role: str
    channel: str
    state: str
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One incident, in words.

    Attributes
    ----------
    key : str
        Its id on the page.
    state_more : str
        Until when somebody is expected, who was asked to take it, what was found in the end, or until when the wearer may cancel.
    unreachable : tuple of str
        Who should have been told and cannot be.
    marks : tuple of str
        What must not be overlooked.
    acts : tuple of (value, words)
        What can be done; empty for one that is over.
    arrive : tuple of (minutes, words, usual)
        How soon somebody may say to be there.
    """

    key: str
    href: str
    severity: str
    severity_words: str
    title: str
    who: str
    address: str
    since: str
    ago: str
    state: str
    state_words: str
    state_more: str
    is_unowned: bool
    told: tuple[Told, ...]
    more_told: int
    unreachable: tuple[str, ...]
    next: tuple[str, ...]
    marks: tuple[str, ...]
    again: str
    acts: tuple[tuple[str, str], ...]
    arrive: tuple[tuple[int, str, bool], ...]


def href(incident: Incident, incident_id: IncidentId | None = None) -> str:
    """Address of an incident's page, or of another one's of the same community."""
    return f"/incidents/{quote(incident.community_id)}/{quote(incident_id or incident.id)}"


def since_ns(incident: Incident) -> int:
    """Since when it goes on, or when it ended."""
    return incident.headline.t_ns if incident.is_open else incident.ended_ns or incident.opened_ns


def card(incident: Incident, tellings: Iterable[Telling], scene: Scene) -> Card:
    """An incident, open or over, with who was told of it."""
    names, words = scene.about(incident), scene.words
    told = _told(tellings, scene)
    return Card(
        key=f"i-{incident.id}",
        href=href(incident),
        severity=incident.story if incident.story is Story.DRILL else incident.severity,
        severity_words=words.drill[Drilling.SHORT] if incident.story is Story.DRILL else words.severities[incident.severity],
        title=scene.heading(incident.headline),
        who=names.who or names.address or names.community,
        address=names.address if names.who else "",
        since=scene.clock(since_ns(incident)),
        ago=scene.ago(since_ns(incident)),
        state=incident.state,
        state_words=state_words(incident, scene),
        state_more=_state_more(incident, scene),
        is_unowned=is_unowned(incident),
        told=told[:MOST_TOLD],
        more_told=max(0, len(told) - MOST_TOLD),
        unreachable=tuple(scene.name(one) for one in incident.skipped),
        next=_next(incident, scene),
        marks=_marks(incident, scene),
        again=href(incident, incident.repeat_of) if incident.repeat_of else "",
        acts=tuple((f"{do}/{incident.id}", name) for do, name in _acts(incident, scene)),
        arrive=tuple((n, words.arrive_in.format(n=n), n == ARRIVE_USUAL_MIN) for n in ARRIVE_MIN),
    )


def is_unowned(incident: Incident) -> bool:
    """Whether an open incident is nobody's yet."""
    return incident.state in {IncidentState.SUSPECTED, IncidentState.OPEN}


def state_words(incident: Incident, scene: Scene) -> str:
    """Where an incident stands, or how it ended."""
    if incident.story is Story.SILENCE:
        return _silence_words(incident, scene)
    if is_visit(incident):
        return scene.words.visit_noted if incident.is_open else scene.words.visit_over
    if incident.story is Story.DRILL and incident.ended in _DRILL_ENDED:
        return scene.words.drill[_DRILL_ENDED[incident.ended]]
    if incident.state not in CLOSED:
        return scene.words.states[incident.state].format(by=scene.name(incident.acknowledged_by))
    how: IncidentState | Ended = incident.state
    if incident.ended in {Ended.BY_ITSELF, Ended.UNANSWERED, Ended.ABSORBED, Ended.RECOVERED, Ended.CALLED_OFF, Ended.GONE}:
        how = incident.ended
    return scene.words.ended[how].format(by=scene.name(incident.ended_by))


def quiet_because(incident: Incident, scene: Scene) -> str:
    """Who asked for a silence, and why."""
    reason = incident.headline.evidence.get("reason", "")
    return scene.words.quiet_because.format(reason=reason, by=scene.name(incident.acknowledged_by))


def _silence_words(incident: Incident, scene: Scene) -> str:
    words = scene.words
    if incident.is_open:
        return words.quiet_until.format(time=scene.clock(incident.eta_ns or incident.opened_ns))
    return words.quiet_ended.format(by=scene.name(incident.ended_by)) if incident.ended_by else words.quiet_over


def _acts(incident: Incident, scene: Scene) -> Iterator[tuple[Do, str]]:
    if incident.story is Story.SILENCE:
        if incident.is_open:
            yield Do.RESOLVE, scene.words.end_quiet
        return
    for do in _NEXT_ACTS.get(incident.state, ()):
        yield do, scene.words.do[do]


def _state_more(incident: Incident, scene: Scene) -> str:
    if incident.story is Story.SILENCE:
        return quiet_because(incident, scene)
    if incident.handed_to is not None:
        return scene.words.desk[Desking.HANDED_TO].format(by=scene.name(incident.handed_to))
    if incident.state is IncidentState.ACKNOWLEDGED and incident.eta_ns is not None:
        return scene.words.until.format(time=scene.clock(incident.eta_ns))
    if incident.reason is not None:
        return scene.words.found[incident.reason]
    window = next((row for row in incident.dues if row.due is Due.CANCEL_WINDOW), None)
    return scene.words.cancel_until.format(time=scene.clock(window.at_ns, seconds=True)) if window else ""


def _marks(incident: Incident, scene: Scene) -> tuple[str, ...]:
    words = scene.words
    pressed_ns = incident.cancel_pressed_ns
    marks = (
        words.drill[Drilling.MARK] if incident.story is Story.DRILL else "",
        words.drill[Drilling.LEFT_OUT].format(names=words.list_gap.join(scene.name(one) for one in incident.left_out))
        if incident.left_out
        else "",
        words.moves[Move.HELD].format(time=scene.clock(incident.held_ns)) if incident.held_ns is not None and is_unowned(incident) else "",
        words.quiet_with_life if incident.story is Story.SILENCE and incident.headline.evidence.get("life") else "",
        words.unanswered if incident.unanswered and incident.is_open else "",
        words.late if incident.late else "",
        _after(incident, scene),
        words.cancel_pressed.format(time=scene.clock(pressed_ns)) if pressed_ns is not None and incident.is_open else "",
    )
    return tuple(mark for mark in marks if mark)


def _after(incident: Incident, scene: Scene) -> str:
    """How it went on with who fell."""
    newest = aftermath(incident.events)
    if newest is None or newest == incident.headline or not incident.is_open:
        return ""
    if newest.kind is EventKind.RECOVERED:
        return scene.words.up_since.format(time=scene.clock(newest.t_ns))
    return scene.words.as_of.format(title=scene.heading(newest), time=scene.clock(newest.t_ns))


def _next(incident: Incident, scene: Scene) -> tuple[str, ...]:
    """Who is told next if nobody takes it."""
    words = scene.words
    said = []
    for row in incident.dues:
        time = scene.clock(row.at_ns, seconds=True)
        if row.due is Due.STEP:
            who = _targets(row, scene, spares_hospital=incident.story is Story.DRILL)
            said += [words.next_tell.format(time=time, who=who)] if who else []
        elif row.due is Due.REPEAT and row.times_left:
            said.append(words.next_again.format(time=time))
    return tuple(said)


def _targets(row: DueRow, scene: Scene, *, spares_hospital: bool) -> str:
    named: list[str] = []
    for target, _ in row.tells:
        person = scene.directory.people.get(PersonId(target))
        if spares_hospital and (target == Role.HOSPITAL or (person is not None and Role.HOSPITAL in person.roles)):
            continue
        word = scene.words.tells["roster"] if target.startswith(ROSTER) else scene.words.tells.get(target) or scene.name(target)
        if word not in named:
            named.append(word)
    return scene.words.list_gap.join(named)


def _told(tellings: Iterable[Telling], scene: Scene) -> tuple[Told, ...]:
    """Each person once, in the order in which they were first told."""
    by_person: dict[str, list[Telling]] = {}
    for telling in tellings:
        if telling.purpose not in {Purpose.ENDING, Purpose.SIGNAL}:
            by_person.setdefault(telling.to, []).append(telling)
    return tuple(_best(told, scene) for told in by_person.values())


def _best(told: Sequence[Telling], scene: Scene) -> Told:
    best = min(reversed(told), key=lambda one: _BEST.index(one.state))
    return Told(
        name=scene.name(best.to),
        role=scene.role(best.to),
        channel=scene.words.channels[best.channel] if best.channel else scene.words.no_channel,
        state=best.state,
        outcome=scene.words.sent[best.state],
    )
