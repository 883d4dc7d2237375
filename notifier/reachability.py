"""Reachability: whether help would come for each resident, proved every night, before anybody needs it.

Pure but for `look`: what is known of contact methods and devices is an argument. A proof counts what works today: a number that is broken,
or whose owner wants no messages, reaches nobody.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from devices.model import NS_PER_S, SENSORS_OF, DeviceId, DeviceKind, PersonId, SensorKind
from incidents.audience import ROSTER, related, tellable
from incidents.care import SAME, Missing
from incidents.directory import Channel, Directory, Person, Role, Roster, RosterId
from incidents.model import Incident, Story
from incidents.roster import Span, gaps
from incidents.silence import is_away
from notifier.spending import Spending, Stage
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import comes_ns
from store import contacts, drills, lately, views
from store.cautions import Audience
from store.contacts import ContactState

PROVED = (EventKind.SOS, EventKind.FALL)
"""The emergencies for which help must come whatever else is set up."""

DUTY = "reachability"

PROVED_AT = time(3)
"""When, by the community's clock: what is charged at night is on its charger, and the word of it is there when the office opens."""

FIRST = 2
"""So many residents are named in the word."""

WANTED_CONTACTS = 2
"""Relatives and neighbours whose contact method was verified: one may be asleep, abroad or ill."""

AHEAD_S = 7 * 24 * 3600
"""How far shifts are looked at."""

_LOST = frozenset({EventKind.OFFLINE, EventKind.STUCK, EventKind.IMPLAUSIBLE, EventKind.TAMPER, EventKind.NOT_WORN, EventKind.LOW_BATTERY})
"""Faults of a device with which it may not notice, or not for long."""

_NOTICES = frozenset(
    kind for kind in DeviceKind if not SENSORS_OF[kind].isdisjoint({SensorKind.ACCELERATION, SensorKind.BUTTON, SensorKind.TARGETS})
)
"""Kinds that notice somebody who needs help, or by which they call for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is missing.

    Attributes
    ----------
    resident : PersonId or None
        For whom; None for everybody.
    kinds : tuple of EventKind
        Of `nobody`: the emergencies of which nobody would be told.
    people : tuple of PersonId
        Of `few_contacts`: who can be told.
    devices : tuple of (DeviceId, EventKind)
        Of `sensors` and `no_sensor`: what is wrong with which.
    roster : RosterId or None
        Of `no_shift`, with `spans`: from and to in ns, half-open, ascending.
    stage : Stage
        Of `budget`.
    """

    lack: Missing
    resident: PersonId | None = None
    kinds: tuple[EventKind, ...] = ()
    people: tuple[PersonId, ...] = ()
    devices: tuple[tuple[DeviceId, EventKind], ...] = ()
    roster: RosterId | None = None
    spans: tuple[Span, ...] = ()
    stage: Stage = Stage.WITHIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a proof goes by, besides the community itself.

    Attributes
    ----------
    methods : mapping
        What is known of people's contact methods as they are now.
    faults : mapping
        Of each device what is wrong with it.
    stage : Stage
        How much of the month's money is used up.
    away : collection of PersonId
        Residents who are somewhere else for a while: nothing at home need notice them.
    drill_due_ns : int or None
        When the next drill is due; None: nobody asks for one.
    """

    methods: Mapping[tuple[PersonId, Channel], ContactState] = field(default_factory=dict)
    faults: Mapping[DeviceId, Collection[EventKind]] = field(default_factory=dict)
    stage: Stage = Stage.WITHIN
    away: Collection[PersonId] = frozenset()
    drill_due_ns: int | None = None


def look(session: Session, directory: Directory, spending: Spending, now_ns: int) -> tuple[Finding, ...]:
    """The red list of a community as it is now; empty where help would come for everybody."""
    community_id = directory.community_id
    methods = {
        (person_id, known.channel): state
        for person_id, known in contacts.marked(session, community_id)
        if (person := directory.people.get(person_id)) is not None
        and (state := contacts.state(session, community_id, person, known.channel)) is not None
    }
    going_on = views.open_incidents(session, community_id)
    faults = _faults(directory, going_on, lately.heard(session, community_id))
    away = {PersonId(one.subject) for one in going_on if one.story is Story.SILENCE and is_away(one)}
    stage = spending.stage(session, community_id, directory.timezone, now_ns)
    known = Known(methods=methods, faults=faults, stage=stage, away=away, drill_due_ns=drills.due_ns(session, community_id))
    return prove(directory, known, now_ns)


def _faults(
    directory: Directory, open_incidents: Collection[Incident], heard_ns: Mapping[DeviceId, int]
) -> Mapping[DeviceId, Collection[EventKind]]:
    """What is wrong with each device: the faults that are open, and that it was never heard, or not since an outage began."""
    found: defaultdict[DeviceId, set[EventKind]] = defaultdict(set)
    for one in open_incidents:
        if one.story is Story.FAULT:
            found[DeviceId(one.subject)] |= _LOST & {kind for kind, _ in one.active}
    outage_ns = min((one.headline.t_ns for one in open_incidents if one.story is Story.OUTAGE), default=None)
    for device in directory.devices:
        last_ns = heard_ns.get(device)
        if last_ns is None or (outage_ns is not None and last_ns <= outage_ns):
            found[device].add(EventKind.OFFLINE)
    return found


def prove(directory: Directory, known: Known, now_ns: int) -> tuple[Finding, ...]:
    """What is missing: for each resident in the community's order, the gravest first, then for everybody."""
    working = _with_channels(directory, lambda person, channel: known.methods.get((person, channel)) not in _USELESS)
    verified = _with_channels(directory, lambda person, channel: known.methods.get((person, channel)) is ContactState.VERIFIED)
    found: list[Finding] = []
    audience = Audience(working)
    for resident in directory.people.values():
        if Role.RESIDENT in resident.roles:
            found += _unheard(resident, directory, audience)
            found += _devices(resident, directory, known)
            found += _contacts(resident, verified, now_ns)
    found += _shifts(working, now_ns)
    if known.stage is not Stage.WITHIN:
        found.append(Finding(lack=Missing.BUDGET, stage=known.stage))
    if (
        known.drill_due_ns is not None
        and known.drill_due_ns <= now_ns
        and any(Role.RESIDENT in one.roles for one in directory.people.values())
    ):
        found.append(Finding(lack=Missing.NO_DRILL))
    return tuple(found)


_USELESS = frozenset({ContactState.BROKEN, ContactState.OPTED_OUT})


def _with_channels(directory: Directory, counts: Callable[[PersonId, Channel], bool]) -> Directory:
    """The community with those contact methods only that count."""
    people = {
        one.id: replace(one, channels=tuple(channel for channel in one.channels if counts(one.id, channel)))
        for one in directory.people.values()
    }
    return replace(directory, people=people)


def _unheard(resident: Person, directory: Directory, audience: Audience) -> Iterable[Finding]:
    policies = {kind: directory.policy(kind) for kind in PROVED}
    kinds = tuple(
        kind for kind, policy in policies.items() if policy is None or not any(audience.is_reached(resident, step) for step in policy.steps)
    )
    if kinds:
        yield Finding(lack=Missing.NOBODY, resident=resident.id, kinds=kinds)


def _devices(resident: Person, directory: Directory, known: Known) -> Iterable[Finding]:
    if resident.id in known.away:
        return
    theirs = [
        one
        for one in directory.devices.values()
        if one.wearer == resident.id or (one.wearer is None and one.home is not None and one.home == resident.home)
    ]
    wrong = tuple((one.id, kind) for one in theirs for kind in sorted(known.faults.get(one.id, ())))
    lost = {device for device, kind in wrong if kind is not EventKind.LOW_BATTERY}
    if not any(one.kind in _NOTICES and one.id not in lost for one in theirs):
        yield Finding(lack=Missing.NO_SENSOR, resident=resident.id, devices=wrong)
    elif wrong:
        yield Finding(lack=Missing.SENSORS, resident=resident.id, devices=wrong)


def _contacts(resident: Person, verified: Directory, now_ns: int) -> Iterable[Finding]:
    near = (one for role in (Role.RELATIVE, Role.NEIGHBOUR) for one in related(role, [resident.id], verified, now_ns))
    sure = tuple(one for one in dict.fromkeys(near) if tellable(verified.people[one]))
    if len(sure) < WANTED_CONTACTS:
        yield Finding(lack=Missing.FEW_CONTACTS, resident=resident.id, people=sure)


def _shifts(working: Directory, now_ns: int) -> Iterable[Finding]:
    """Rosters that the emergencies' policies name, and when nobody who can be told is on duty."""
    policies = [policy for kind in PROVED if (policy := working.policy(kind)) is not None]
    words = dict.fromkeys(word for policy in policies for step in policy.steps for word in step.tell if word.startswith(ROSTER))
    for word in words:
        roster = working.rosters[RosterId(word.removeprefix(ROSTER))]
        spans = gaps(_reached(roster, working), now_ns, now_ns + AHEAD_S * NS_PER_S, working.timezone)
        if spans:
            yield Finding(lack=Missing.NO_SHIFT, roster=roster.id, spans=spans)


def _reached(roster: Roster, working: Directory) -> Roster:
    """A roster without the shifts of those who cannot be told; who stands in once is taken at their word."""
    return replace(roster, shifts=tuple(shift for shift in roster.shifts if tellable(working.people[shift.responder])))


def word(found: Collection[Finding], directory: Directory, at_ns: int, now_ns: int) -> Event | None:
    """What a night's proof comes to, for the administrators; None where nothing is missing.

    Parameters
    ----------
    at_ns
        When the proof was due, in ns.
    """
    if not found:
        return None
    residents = tuple(dict.fromkeys(one.resident for one in found if one.resident is not None))
    lacks = [lack for lack in Missing if any(one.lack is lack for one in found)]
    same = repr([(one.lack, one.resident, one.kinds, one.people, one.devices, one.roster, one.stage) for one in found])
    return Event(
        community_id=directory.community_id,
        kind=EventKind.REACHABILITY,
        subject=directory.community_id,
        t_ns=at_ns,
        known_ns=now_ns,
        seq=-1,
        evidence={
            "residents": len(residents),
            "first": ",".join(residents[:FIRST]),
            "lacks": ",".join(lacks),
            SAME: hashlib.sha256(same.encode()).hexdigest()[:16],
        },
    )


def due_ns(zone: ZoneInfo, now_ns: int) -> int:
    """When a community's proof was due last, in ns."""
    now = datetime.fromtimestamp(now_ns // NS_PER_S, tz=zone)
    today_ns = comes_ns(datetime.combine(now.date(), PROVED_AT), zone)
    return today_ns if today_ns <= now_ns else comes_ns(datetime.combine(now.date() - timedelta(days=1), PROVED_AT), zone)
