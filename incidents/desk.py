"""What comes in, and what comes of it: facts that rules found, acts of responders, and time.

Pure: the book is asked and never written, the time is an argument. Who calls puts the outcome into the book and gives its duties to
the notifier.
"""

from collections.abc import Iterable
from dataclasses import replace

from devices.model import NS_PER_S, HomeId, PersonId
from incidents import care, roster, visitors
from incidents import drill as drills
from incidents.audience import home_of, hushed, tellable, usable
from incidents.book import Incidents
from incidents.directory import Channel, Directory, Person, Policy, Recovery, Role
from incidents.escalation import Said, begun, paused, released, restarted, resumed, scheduled, updates
from incidents.grouping import (
    NOTED_ONLY,
    PRESSED,
    WINDOWED,
    Thread,
    goes_on,
    is_certain,
    is_late,
    is_noted_only,
    severity,
    still_active,
    thread,
)
from incidents.lifecycle import TRANSITIONS, Action, closed, moved, opened
from incidents.model import (
    REASONS,
    Act,
    Do,
    Drill,
    Due,
    DueRow,
    Duty,
    Ended,
    Incident,
    IncidentState,
    News,
    Outcome,
    Purpose,
    Quiet,
    Refused,
    Story,
)
from incidents.signals import signalled
from incidents.silence import begin, quiet_until
from incidents.timers import quiet_from, run
from rules.kinds import EventKind, Mode
from rules.model import Cancelled, Cleared, Event, Finding

DEFAULT_ETA_MIN = 30.0
LONGEST_ETA_MIN = 1440.0
"""Nobody puts a situation off for more than a day in one go."""

HAND_OVER_NS = 5 * 60 * NS_PER_S
"""So long whoever is asked to take something may take to say so; then it is open again, and the next are told."""

BOUNCE_NS = 30 * NS_PER_S
"""The same button within this is the same call for help: pressed again out of fear, or sent twice."""

ENDS_WHEN_CLEARED = frozenset({Story.LEFT_OPEN, Story.FAULT, Story.ABSENCE, Story.PRESENCE, Story.OUTAGE, Story.CARE})
"""Stories that are over when nothing that was reported is still so; distress is over when a person says so."""


_OVER_WHEN_UP = frozenset({EventKind.FALL, EventKind.LONG_LIE, EventKind.RECOVERED})
"""What walking again answers; quiet or a call for help it does not."""

_AT_WORK = frozenset({Role.GUARD, Role.DISPATCHER, Role.FIELD_RESPONDER, Role.ADMINISTRATOR})

_CLOSING = {Do.RESOLVE: Action.RESOLVE, Do.FALSE_ALARM: Action.FALSE_ALARM}


def take(fact: Finding, book: Incidents, directory: Directory, now_ns: int) -> Outcome:
    """What comes of a fact.

    Parameters
    ----------
    fact
        Of this directory's community; an event is given once (see `Event.identity`).
    book
        As everything before left it.
    directory
        People, homes, rosters and policies as they are now.
    now_ns
        When the fact was known, in ns.
    """
    match fact:
        case Event() if _has_left(fact.subject, directory):
            outcome = Outcome()  # it was on its way when that was said
        case Event():
            outcome = _take_event(fact, book, directory, now_ns)
        case Cleared():
            outcome = _take_cleared(fact, book, directory, now_ns)
        case Cancelled():
            outcome = _take_cancelled(fact, book, directory, now_ns)
    return _shown(outcome, book, directory, now_ns)


def act(act: Act, book: Incidents, directory: Directory, now_ns: int) -> Outcome | Refused:
    """What comes of a responder's act, or why nothing does."""
    person = directory.person_at(act.by, now_ns)
    if person is None:
        return Refused(reason=f"{act.by} is nobody this community knows")
    incident = _meant([one for one in book.open_about(act.subject) if act.story in {None, one.story}])
    if incident is None:
        return Refused(reason=f"{act.subject} has no open incident")
    if incident.story is Story.SILENCE and act.do is not Do.RESOLVE:
        return Refused(reason=f"{act.subject} has a silence only, which can be resolved")
    if not _may_act(person, incident, directory):
        return Refused(reason=f"{act.by} is no responder of {incident.id}")
    outcome = _acted(incident, act, book, directory, now_ns)
    return outcome if isinstance(outcome, Refused) else _shown(outcome, book, directory, now_ns)


def takers(incident: Incident, by: PersonId, directory: Directory, now_ns: int) -> tuple[PersonId, ...]:
    """Of those who work here, whom somebody may ask to take an incident: who is on duty first."""
    on_duty = [one for each in directory.rosters.values() for one in roster.on_shift(each, now_ns, directory.timezone)]
    people = (directory.people[one] for one in dict.fromkeys([*on_duty, *directory.people]) if one in directory.people)
    return tuple(one.id for one in people if one.id != by and one.roles & _AT_WORK and tellable(one) and _may_act(one, incident, directory))


def sweep(book: Incidents, directory: Directory, now_ns: int) -> Outcome:
    """What comes of time having passed: every due row at or before now is acted on."""
    return _shown(_outcome(*(run(incident, directory, book, now_ns) for incident in book.due(now_ns))), book, directory, now_ns)


def silence(quiet: Quiet, book: Incidents, directory: Directory, now_ns: int) -> Outcome | Refused:
    """What comes of a wish for silence; it ends at its hard end, or when somebody resolves it."""
    person = directory.person_at(quiet.by, now_ns)
    if person is None:
        return Refused(reason=f"{quiet.by} is nobody this community knows")
    if not _may_silence(person, quiet.subject, directory):
        return Refused(reason=f"{quiet.by} may not ask for silence about {quiet.subject}")
    if book.open_in(Thread(Story.SILENCE, quiet.subject, "")) is not None:
        return Refused(reason=f"there is silence about {quiet.subject} already")
    begun_ = begin(quiet, directory, now_ns)
    return begun_ if isinstance(begun_, Refused) else _outcome(begun_)


def drill(wanted: Drill, book: Incidents, directory: Directory, now_ns: int) -> Outcome | Refused:
    """What comes of a wish for a drill: it is told at once, as a fall would be."""
    begun_ = drills.begin(wanted, book, directory, now_ns)
    return begun_ if isinstance(begun_, Refused) else _outcome(run(begun_, directory, book, now_ns))


def _outcome(*parts: Said) -> Outcome:
    return Outcome(incidents=tuple(incident for incident, _ in parts), duties=tuple(duty for _, duties in parts for duty in duties))


def _shown(outcome: Outcome, book: Incidents, directory: Directory, now_ns: int) -> Outcome:
    """The outcome, with what wearers' devices are to show of it; where it is in earnest, no drill goes on."""
    if drills.is_real(outcome):
        outcome = drills.given_way(outcome, book.drills(), directory, now_ns)
    shown = [signalled(incident, directory) for incident in outcome.incidents]
    return Outcome(incidents=tuple(one for one, _ in shown), duties=(*outcome.duties, *(duty for _, duties in shown for duty in duties)))


def _has_left(subject: str, directory: Directory) -> bool:
    person = directory.people.get(PersonId(subject))
    return person is not None and person.left_ns is not None


def _take_event(event: Event, book: Incidents, directory: Directory, now_ns: int) -> Outcome:
    place = thread(event)
    incident = book.open_in(place)
    visitor = visitors.expected(event, directory)
    if incident is not None and place.story is Story.CARE:
        return Outcome()
    if incident is not None and visitor is not None and visitors.is_visit(incident):
        return _outcome((quiet_from(replace(incident, events=(*incident.events, event)), now_ns), ()))
    if incident is not None:
        return _outcome(_joined(incident, event, directory, book, now_ns))
    previous = book.last_closed(place)
    if place.story is Story.CARE:
        return _cared(event, previous, book, directory, now_ns)
    if visitor is not None:
        return _outcome((quiet_from(visitors.noted(event, visitor, previous, directory, now_ns), now_ns), ()))
    if is_noted_only(event) or (previous is not None and _is_settled(event, previous)):
        return Outcome()
    policy = directory.policy_of(event)
    window_s = _window_s(event, policy, directory)
    state = IncidentState.SUSPECTED if window_s > 0 else IncidentState.OPEN
    incident = quiet_from(opened(event, state, previous, directory, now_ns), now_ns)
    if state is IncidentState.SUSPECTED:
        window = DueRow(at_ns=now_ns + window_s * NS_PER_S, due=Due.CANCEL_WINDOW)
        suspected = scheduled(incident, window)
        return _outcome((suspected, _question(suspected, directory)))
    return _outcome(run(begun(incident, now_ns), directory, book, now_ns))


def _cared(event: Event, previous: Incident | None, book: Incidents, directory: Directory, now_ns: int) -> Outcome:
    """A word to the family, if anybody is there to hear it."""
    if event.kind is EventKind.EVERYBODY_LEFT:
        return _outcome(care.suggested(event, previous, directory, now_ns))
    if event.kind is EventKind.REACHABILITY:
        proved = care.proved(event, previous, directory, now_ns)
        return Outcome() if proved is None else _outcome((proved, ()))
    home = home_of(event.subject, directory)
    about = dict.fromkeys([event.subject, *([home] if home else [])])
    word = care.daily(event, (incident for one in about for incident in book.open_about(one)), directory, now_ns)
    return Outcome() if word is None else _outcome(word)


def _is_settled(event: Event, previous: Incident) -> bool:
    """Whether an event only goes on with a fall that somebody has dealt with: who was helped into a chair sits still."""
    return previous.ended is Ended.BY_RESPONDER and goes_on(event, previous.events)


def _window_s(event: Event, policy: Policy | None, directory: Directory) -> int:
    """How long the wearer may cancel before anybody is told; less where the evidence is hard."""
    if policy is None or event.kind not in WINDOWED:
        return 0
    wearer = directory.people.get(PersonId(event.subject))
    window_s = policy.cancel_window_s if wearer is None or wearer.cancel_window_s is None else wearer.cancel_window_s
    if policy.certain_window_s is not None and is_certain(event):
        return min(window_s, policy.certain_window_s)
    return window_s


def _question(incident: Incident, directory: Directory) -> tuple[Duty, ...]:
    """To the wearer, by a device that can ask it: "are you all right?"."""
    wearer = directory.people.get(PersonId(incident.subject))
    if wearer is None or Channel.DEVICE not in wearer.channels:
        return ()
    return (Duty(incident=incident, purpose=Purpose.ASK, step=0, round=incident.round, to=wearer.id, channel=Channel.DEVICE),)


def _joined(incident: Incident, event: Event, directory: Directory, book: Incidents, now_ns: int) -> Said:
    """An event on the open incident of its story: noted, or the start of a new round."""
    noted = replace(incident, events=(*incident.events, event))
    if event.kind is EventKind.RECOVERED:
        return _recovered(noted, event, directory, now_ns)
    if is_noted_only(event):
        return noted, ()
    gravest = max(incident.severity, severity(event, directory), key=lambda one: one.rank)
    noted = replace(noted, severity=gravest, active=incident.active | {(event.kind, event.cause)})
    noted = quiet_from(noted, max(now_ns, noted.held_ns or 0))
    if not _begins_round(incident, event, directory):
        return _unheld(noted, directory, book, now_ns)
    policy = directory.policy_of(event)
    had_it = incident.state in {IncidentState.ACKNOWLEDGED, IncidentState.ON_SCENE}
    fresh = moved(
        scheduled(noted, without={Due.CANCEL_WINDOW, Due.ACKNOWLEDGEMENT}),
        Action.OPEN,
        headline=event,
        late=is_late(event),
        round=incident.round + 1,
        acknowledged_by=None,
        eta_ns=None,
        cancel_pressed_ns=None,
    )
    if policy:
        fresh = restarted(fresh, policy, now_ns)
    elif incident.state is IncidentState.SUSPECTED:
        fresh = begun(fresh, now_ns)
    elif had_it:
        fresh = resumed(fresh, directory, book, now_ns)
    after, duties = run(fresh, directory, book, now_ns)
    return after, (*duties, *updates(after, News.EVENT, directory, reached=(duty.to for duty in duties)))


def _recovered(incident: Incident, event: Event, directory: Directory, now_ns: int) -> Said:
    """Who fell walks again: noted, and told or a cancel where the family wants that. It answers nothing that came after it."""
    wearer = directory.people.get(PersonId(incident.subject))
    wish = wearer.recovered if wearer else Recovery.NOTE
    if incident.state is IncidentState.SUSPECTED:
        is_answered = all(one.kind in _OVER_WHEN_UP and one.t_ns <= event.t_ns for one in incident.events)
        if wish is Recovery.CANCEL and is_answered:
            return closed(incident, Action.CANCEL, Ended.RECOVERED, directory, now_ns)
    elif wish is Recovery.TELL:
        again = replace(incident, round=incident.round + 1)
        return again, updates(again, News.RECOVERED, directory)
    return incident, ()


def _unheld(incident: Incident, directory: Directory, book: Incidents, now_ns: int) -> Said:
    """What a silence holds back and its newest event does not let it: a device that nobody works on has seen it too."""
    if incident.held_ns is None or quiet_until(incident, book.quiets(), directory) is not None:
        return incident, ()
    return run(released(incident, now_ns), directory, book, now_ns)


def _begins_round(incident: Incident, event: Event, directory: Directory) -> bool:
    """Whether a joining event must be told although its story is known.

    Something graver, or a call for help. And where the incident so far was told to nobody, because its kinds are in no policy, whatever
    somebody is to be told of.
    """
    if event.kind in PRESSED:
        again = incident.headline.kind is event.kind and event.known_ns - incident.headline.known_ns < BOUNCE_NS
        return not (again and incident.state is IncidentState.OPEN)
    if severity(event, directory).rank > incident.severity.rank:
        return True
    return incident.state is IncidentState.OPEN and incident.policy is None and directory.policy_of(event) is not None


def _take_cleared(fact: Cleared, book: Incidents, directory: Directory, now_ns: int) -> Outcome:
    incident = book.open_in(thread(fact))
    if incident is None:
        return Outcome()
    active = still_active(incident.active, fact)
    if active == incident.active:
        return Outcome()
    left = replace(incident, active=active)
    if active or incident.story not in ENDS_WHEN_CLEARED:
        return _outcome((left, ()))
    return _outcome(closed(left, Action.END, Ended.ABSORBED if fact.absorbed else Ended.BY_ITSELF, directory, now_ns))


def _take_cancelled(fact: Cancelled, book: Incidents, directory: Directory, now_ns: int) -> Outcome:
    """The wearer's cancel ends what nobody was told of yet; afterwards it is only passed on. It answers nothing that came after it."""
    incident = book.open_in(Thread(Story.DISTRESS, fact.subject, ""))
    if incident is None:
        return Outcome()
    answered = (event for event in incident.events if event.kind not in NOTED_ONLY and not goes_on(event, incident.events))
    if fact.t_ns < max((event.t_ns for event in answered), default=0):
        return Outcome()
    if incident.state is IncidentState.SUSPECTED:
        return _outcome(closed(incident, Action.CANCEL, Ended.BY_WEARER, directory, now_ns, by=fact.subject))
    if incident.cancel_pressed_ns is not None:
        return Outcome()
    noted = replace(incident, cancel_pressed_ns=now_ns, round=incident.round + 1)
    return _outcome((noted, updates(noted, News.CANCEL_PRESSED, directory)))


def _meant(incidents: Iterable[Incident]) -> Incident | None:
    """Of several open incidents of a subject the one an act means: distress, else the newest."""
    among = tuple(incident for incident in incidents if incident.story is not Story.CARE)
    found = tuple(incident for incident in among if incident.story is not Story.SILENCE) or among
    distress = next((incident for incident in found if incident.story is Story.DISTRESS), None)
    return distress or max(reversed(found), key=lambda incident: incident.opened_ns, default=None)


def _may_act(person: Person, incident: Incident, directory: Directory) -> bool:
    """Whether somebody may act: never whom it is about (the wearer has the cancel button), but on silence; a neighbour only if told."""
    if not person.roles or (person.id == incident.subject and incident.story is not Story.SILENCE):
        return False
    if person.id in hushed(incident, directory):
        return False
    if person.roles - {Role.RESIDENT, Role.OPERATOR}:
        return True
    lives_there = person.home is not None and person.home == incident.home_id
    return lives_there or person.id in incident.told


def _may_silence(person: Person, subject: str, directory: Directory) -> bool:
    """Whether somebody may ask for silence: guards and administrators about anything, others about their own home and family."""
    if person.roles & {Role.GUARD, Role.DISPATCHER, Role.ADMINISTRATOR}:
        return True
    home_id = home_of(subject, directory)
    occupants = directory.homes[home_id].occupants if home_id else ()
    return person.id in occupants or not frozenset(occupants).isdisjoint(person.of)


def _freed(book: Incidents, ended: Incident, directory: Directory, now_ns: int) -> Iterable[Said]:
    """What a silence held back and none other does, once it is over before its time."""
    others = [one for one in book.quiets() if one.id != ended.id]
    for incident in book.all_open():
        if incident.held_ns is not None:  # held anew at once, where another silence goes on
            yield run(released(incident, now_ns), directory, _Without(book, tuple(others)), now_ns)


class _Without:
    """Circumstances in which some silence is over."""

    def __init__(self, book: Incidents, quiets: tuple[Incident, ...]) -> None:
        self._quiets = quiets
        self._book = book

    def quiets(self) -> tuple[Incident, ...]:
        """Those that are left."""
        return self._quiets

    def mode(self, home_id: HomeId, at_ns: int) -> Mode:
        """As the book says."""
        return self._book.mode(home_id, at_ns)


def _acted(incident: Incident, act: Act, book: Incidents, directory: Directory, now_ns: int) -> Outcome | Refused:
    """What comes of an act on an incident by somebody who may."""
    match act.do:
        case Do.ACKNOWLEDGE:
            eta_min = DEFAULT_ETA_MIN if act.eta_min is None else act.eta_min
            if not 0 < eta_min <= LONGEST_ETA_MIN:
                return Refused(reason=f"eta_min is {eta_min}, must be above 0 and at most {LONGEST_ETA_MIN:.0f}")
            return _outcome(_acknowledged(incident, act, now_ns + round(eta_min * 60 * NS_PER_S), now_ns))
        case Do.ON_SCENE:
            waits = scheduled(paused(incident, now_ns), without={Due.ACKNOWLEDGEMENT, Due.CANCEL_WINDOW})
            here = moved(waits, Action.ON_SCENE, acknowledged_by=act.by, eta_ns=None, answered=True, arrived_by=act.by, arrived_ns=now_ns)
            return _outcome((here, ()))
        case Do.RESOLVE | Do.FALSE_ALARM:
            if act.reason is not None and act.reason not in REASONS[act.do]:
                return Refused(reason=f"reason is {act.reason}, must be one of {', '.join(REASONS[act.do])}")
            answered = replace(incident, answered=True, reason=act.reason)
            over, endings = closed(answered, _CLOSING[act.do], Ended.BY_RESPONDER, directory, now_ns, by=act.by)
            if act.do is Do.RESOLVE:
                over = care.to_be_asked(over, directory, now_ns)
            freed = _freed(book, incident, directory, now_ns) if incident.story is Story.SILENCE else ()
            return _outcome((over, endings), *freed)
        case Do.DECLINE:
            return _outcome(_declined(incident, act.by, directory, book, now_ns))
        case Do.HAND_OVER:
            handed = _handed_over(incident, act, directory, now_ns)
            return handed if isinstance(handed, Refused) else _outcome(handed)


def _declined(incident: Incident, by: PersonId, directory: Directory, book: Incidents, now_ns: int) -> Said:
    """Somebody cannot: what they had, or were asked to take, is open again, and the next step, or the next in turn, is due now.

    Where somebody else has it, it is noted.
    """
    if incident.state is IncidentState.ACKNOWLEDGED and by in {incident.acknowledged_by, incident.handed_to}:
        left = moved(scheduled(incident, without={Due.ACKNOWLEDGEMENT}), Action.EXPIRE, acknowledged_by=None, eta_ns=None)
        return run(resumed(left, directory, book, now_ns), directory, book, now_ns)
    if incident.handed_to == by:
        incident = replace(incident, handed_to=None)
    step = next((row for row in incident.dues if row.due is Due.STEP), None)
    if incident.state is not IncidentState.OPEN or step is None:
        return incident, ()
    others = tuple(row for row in incident.dues if row is not step)
    return run(scheduled(replace(incident, dues=others), replace(step, at_ns=now_ns)), directory, book, now_ns)


def _acknowledged(incident: Incident, act: Act, eta_ns: int, now_ns: int) -> Said:
    """Somebody has it, until the time they named; the newest word counts. Who is on scene already stays it."""
    if incident.state is IncidentState.ON_SCENE:
        return moved(incident, Action.ACKNOWLEDGE), ()
    waits = scheduled(
        paused(incident, now_ns),
        DueRow(at_ns=eta_ns, due=Due.ACKNOWLEDGEMENT),
        without={Due.CANCEL_WINDOW, Due.ACKNOWLEDGEMENT},
    )
    return moved(waits, Action.ACKNOWLEDGE, acknowledged_by=act.by, eta_ns=eta_ns, answered=True), ()


def _handed_over(incident: Incident, act: Act, directory: Directory, now_ns: int) -> Said | Refused:
    """Somebody is asked to take it, and told. Who has it keeps it until they do, but not for long: nothing lies between two chairs."""
    to = directory.person_at(act.to, now_ns) if act.to else None
    if to is None or to.id == act.by or not _may_act(to, incident, directory):
        return Refused(reason=f"{act.to} cannot take {incident.id}")
    by = incident.policy.steps[-1].by if incident.policy and incident.policy.steps else ()
    channels = usable(to, by) or tellable(to)[:1]
    if not channels or (incident.state, Action.HAND_OVER) not in TRANSITIONS:
        return Refused(reason=f"{act.to} cannot be told of {incident.id} now")
    told = tuple(dict.fromkeys([*incident.told, to.id]))
    handed = moved(incident, Action.HAND_OVER, handed_to=to.id, told=told, round=incident.round + 1)
    if handed.state is IncidentState.ACKNOWLEDGED:
        until_ns = now_ns + HAND_OVER_NS
        waits = DueRow(at_ns=until_ns, due=Due.ACKNOWLEDGEMENT)
        handed = replace(scheduled(handed, waits, without={Due.ACKNOWLEDGEMENT}), eta_ns=until_ns)
    return handed, tuple(
        Duty(incident=handed, purpose=Purpose.UPDATE, step=0, round=handed.round, to=to.id, channel=one, news=News.HANDED_OVER)
        for one in channels
    )
