"""From a policy's steps to due rows, and from a due row to who is told what.

Each function takes an incident and answers it as it is afterwards, together with what is to be said.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from devices.model import NS_PER_S, PersonId
from incidents.audience import hushed, recipients, tellable, usable
from incidents.book import Circumstances
from incidents.directory import Directory, Policy, Role, Severity, Step, When
from incidents.grouping import lies_s
from incidents.model import Due, DueRow, Duty, Incident, IncidentState, News, Purpose, Story, Tell
from rules.premises import is_between

ESCALATING = frozenset({Due.STEP, Due.REPEAT})
"""What an acknowledgement stops."""

Said = tuple[Incident, tuple[Duty, ...]]


def scheduled(incident: Incident, *rows: DueRow, without: Iterable[Due] = ()) -> Incident:
    """The incident with these due rows added, after those of some kinds are taken away."""
    gone = frozenset(without)
    kept = [row for row in incident.dues if row.due not in gone]
    return replace(incident, dues=tuple(sorted([*kept, *rows], key=lambda row: row.order)))


def plan(policy: Policy, number: int, now_ns: int) -> tuple[DueRow, ...]:
    """Due rows of a policy's steps, counted from now."""
    return tuple(_row(step, at_ns=now_ns + step.after_s * NS_PER_S, round_=number, index=index) for index, step in enumerate(policy.steps))


def merged(old: Sequence[DueRow], new: Sequence[DueRow]) -> tuple[DueRow, ...]:
    """Steps that still wait and steps of a new round: nobody waits longer because of the new round, and nobody is told twice for it.

    Of each target and channel the last mentions belong together, since the first ones of the old round have already been said; the
    earlier one of such a pair stays. What is told in other circumstances, or at another pace, makes no pair: it may never be told.
    """
    waiting: dict[tuple[Tell, When | None, int], list[int]] = {}
    for index, row in enumerate(old):
        for tell in row.tells:
            waiting.setdefault((tell, row.when, row.in_turn_s), []).append(index)
    replaced: set[tuple[int, Tell]] = set()
    fresh = []
    for row in sorted(new, key=lambda row: row.order, reverse=True):
        kept = []
        for tell in row.tells:
            twins = waiting.get((tell, row.when, row.in_turn_s))
            twin = twins.pop() if twins else None
            if twin is None or old[twin].at_ns > row.at_ns:
                kept.append(tell)
                if twin is not None:
                    replaced.add((twin, tell))
        fresh.append(replace(row, tells=tuple(kept)))
    held = [replace(row, tells=tuple(tell for tell in row.tells if (index, tell) not in replaced)) for index, row in enumerate(old)]
    return tuple(row for row in (*held, *fresh) if row.tells)


def begun(incident: Incident, now_ns: int) -> Incident:
    """The first round: what a policy wants, counted from now."""
    return scheduled(incident, *plan(incident.policy, incident.round, now_ns)) if incident.policy else incident


def restarted(incident: Incident, policy: Policy, now_ns: int) -> Incident:
    """A new round of a policy at its step 0, over what still waits of the old one."""
    awake = incident if incident.held_ns is None else released(incident, now_ns)
    waiting = [row for row in awake.dues if row.due is Due.STEP]
    gone = {Due.STEP} if policy == incident.policy else ESCALATING
    fresh = replace(awake, policy=policy, paused=())
    return scheduled(fresh, *merged(waiting, plan(policy, incident.round, now_ns)), without=gone)


def paused(incident: Incident, now_ns: int) -> Incident:
    """The incident with its unsent steps put aside; of a suspected one they are all its steps."""
    rows = tuple(row for row in incident.dues if row.due in ESCALATING)
    if incident.state is IncidentState.SUSPECTED and incident.policy:
        rows = plan(incident.policy, incident.round, now_ns)
    return replace(scheduled(incident, without=ESCALATING), paused=(*incident.paused, *rows))


def resumed(incident: Incident, directory: Directory, now: Circumstances, now_ns: int) -> Incident:
    """The incident with the next unsent step due now and the later ones at their old distances, or the last step once more.

    The next is the next one in these circumstances. Where there is none, the last one that is there is due now, beside what is left.
    """
    policy = incident.policy
    if policy is None or not policy.steps:
        return replace(incident, paused=())
    steps = [row for row in incident.paused if row.due is Due.STEP]
    repeats = [
        replace(row, at_ns=now_ns + policy.repeat.every_s * NS_PER_S) for row in incident.paused if row.due is Due.REPEAT and policy.repeat
    ]
    there = [row for row in steps if _holds(row.when, incident, directory, now, now_ns)]
    shift_ns = now_ns - min((row.at_ns for row in there or steps), default=now_ns)
    steps = [replace(row, at_ns=row.at_ns + shift_ns) for row in steps]
    number = incident.round
    last = None if there else _last(incident, directory, now, now_ns)
    if last is not None:
        number += 1
        steps.append(_row(policy.steps[last], at_ns=now_ns, round_=number, index=last))
    return scheduled(replace(incident, paused=(), round=number), *steps, *repeats)


def fire_step(incident: Incident, row: DueRow, directory: Directory, now: Circumstances, now_ns: int) -> Said:
    """Tell whom a step names. Where it reaches nobody the next one is due at once; after the last one the repeats begin."""
    if not _holds(row.when, incident, directory, now, now_ns):
        return _with_repeats(incident, now_ns), ()
    told, duties = _tell(incident, row, directory, now_ns)
    following = next((one for one in told.dues if one.due is Due.STEP and _holds(one.when, told, directory, now, now_ns)), None)
    if following and not duties and told.left_out == incident.left_out:  # of a drill: in earnest, somebody would be told now
        rest = tuple(other for other in told.dues if other is not following)
        told = scheduled(replace(told, dues=rest), replace(following, at_ns=min(now_ns, following.at_ns)))
    return _with_repeats(told, now_ns), duties


def fire_repeat(incident: Incident, row: DueRow, directory: Directory, now: Circumstances, now_ns: int) -> Said:
    """Tell the last step that is there once more; when that was done often enough, the administrators that nobody answers."""
    policy = incident.policy
    if row.times_left <= 0 or policy is None or policy.repeat is None:
        return _give_up(incident, directory)
    next_row = DueRow(at_ns=now_ns + policy.repeat.every_s * NS_PER_S, due=Due.REPEAT, times_left=row.times_left - 1)
    last = _last(incident, directory, now, now_ns)
    if last is None:
        return scheduled(incident, next_row), ()
    number = incident.round + 1
    again = _row(policy.steps[last], at_ns=now_ns, round_=number, index=last)
    told, duties = _tell(replace(incident, round=number), again, directory, now_ns)
    return scheduled(told, next_row), duties


def held(incident: Incident, row: DueRow, until_ns: int) -> Incident:
    """The incident with everything that would be told from a row on put off together, so that the row is due at a time."""
    waiting = [row, *(other for other in incident.dues if other.due in ESCALATING)]
    later = (replace(other, at_ns=other.at_ns + until_ns - row.at_ns) for other in waiting)
    return replace(scheduled(incident, *later, without=ESCALATING), held_ns=until_ns)


def released(incident: Incident, now_ns: int) -> Incident:
    """The incident with what was put off due now, the later of it at its old distance."""
    waiting = [row for row in incident.dues if row.due in ESCALATING]
    shift_ns = now_ns - min((row.at_ns for row in waiting), default=now_ns)
    sooner = (replace(row, at_ns=row.at_ns + min(shift_ns, 0)) for row in waiting)
    return replace(scheduled(incident, *sooner, without=ESCALATING), held_ns=None)


def updates(incident: Incident, news: News, directory: Directory, reached: Iterable[PersonId] = ()) -> tuple[Duty, ...]:
    """Something new for everybody who was told, but for those whom this very news has reached already."""
    done = {*reached, *hushed(incident, directory)}
    return tuple(
        Duty(incident=incident, purpose=Purpose.UPDATE, step=0, round=incident.round, to=person, channel=None, news=news)
        for person in incident.told
        if person not in done
    )


def _with_repeats(incident: Incident, now_ns: int) -> Incident:
    """The incident with its repeats begun, if nothing else is to be told."""
    repeat = incident.policy.repeat if incident.policy else None
    if repeat is None or any(row.due in ESCALATING for row in incident.dues):
        return incident
    return scheduled(incident, DueRow(at_ns=now_ns + repeat.every_s * NS_PER_S, due=Due.REPEAT, times_left=repeat.times))


def _holds(when: When | None, incident: Incident, directory: Directory, now: Circumstances, now_ns: int) -> bool:
    """Whether circumstances are such now."""
    if when is None:
        return True
    if when.severities is not None and (Severity.LIFE if incident.story is Story.DRILL else incident.severity) not in when.severities:
        return False
    if when.modes is not None and (incident.home_id is None or now.mode(incident.home_id, now_ns) not in when.modes):
        return False
    if when.lies_s is not None and lies_s(incident.events) < when.lies_s:
        return False
    if when.since is None or when.until is None:
        return True
    return is_between(datetime.fromtimestamp(now_ns // NS_PER_S, tz=directory.timezone).time(), when.since, when.until)


def _last(incident: Incident, directory: Directory, now: Circumstances, now_ns: int) -> int | None:
    """Which step of its policy is the last one in these circumstances; None if none is there."""
    steps = incident.policy.steps if incident.policy else ()
    there = (index for index, step in enumerate(steps) if _holds(step.when, incident, directory, now, now_ns))
    return max(there, default=None)


def _tell(incident: Incident, row: DueRow, directory: Directory, now_ns: int) -> Said:
    """Tell those whose turn it is, and schedule the turn of the next."""
    found = recipients(row.tells, incident, directory, now_ns)
    if row.in_turn_s:
        left = tuple(one for one in found if one.person not in row.had)
        taken = next((place for place, one in enumerate(left, start=1) if one.channels), len(left))
        found = left[:taken]
        if taken < len(left):
            had = (*row.had, *(one.person for one in found))
            incident = scheduled(incident, replace(row, at_ns=now_ns + row.in_turn_s * NS_PER_S, had=had))
    reached = [one for one in found if one.channels]
    told = replace(
        incident,
        told=_with(incident.told, (one.person for one in reached)),
        skipped=_with(incident.skipped, (one.person for one in found if not one.channels and not one.left_out)),
        left_out=_with(incident.left_out, (one.person for one in found if one.left_out)),
    )
    duties = tuple(
        Duty(
            incident=told,
            purpose=Purpose.TELL,
            step=row.step,
            round=row.round,
            to=one.person,
            channel=channel,
            whole_roster=one.whole_roster,
        )
        for one in reached
        for channel in one.channels
    )
    return told, duties


def _give_up(incident: Incident, directory: Directory) -> Said:
    """Marked unanswered, and the administrators are told by what the last step used, or by what they have."""
    policy = incident.policy
    by = policy.steps[-1].by if policy and policy.steps else ()
    silent = hushed(incident, directory)
    chosen = {
        person.id: usable(person, by) or tellable(person)[:1]
        for person in directory.people.values()
        if Role.ADMINISTRATOR in person.roles and person.id not in silent
    }
    marked = replace(
        incident,
        unanswered=True,
        round=incident.round + 1,
        told=_with(incident.told, (person for person, channels in chosen.items() if channels)),
        skipped=_with(incident.skipped, (person for person, channels in chosen.items() if not channels)),
    )
    duties = tuple(
        Duty(
            incident=marked,
            purpose=Purpose.UPDATE,
            step=0,
            round=marked.round,
            to=person,
            channel=channel,
            news=News.UNANSWERED,
        )
        for person, channels in chosen.items()
        for channel in channels
    )
    return marked, duties


def _row(step: Step, *, at_ns: int, round_: int, index: int) -> DueRow:
    tells = tuple((target, channel) for target in step.tell for channel in step.by)
    return DueRow(at_ns=at_ns, due=Due.STEP, round=round_, step=index, tells=tells, in_turn_s=step.in_turn_s, when=step.when)


def _with(people: tuple[PersonId, ...], more: Iterable[PersonId]) -> tuple[PersonId, ...]:
    return tuple(dict.fromkeys([*people, *more]))
