"""How things are at a home, for who lives there and their family: one glance, its mode, and a call for help."""

from collections.abc import Iterable, Mapping

from fastapi import APIRouter, Request

from devices.model import NS_PER_S, DeviceId, HomeId, PersonId
from incidents import desk, roster
from incidents.audience import home_of, is_under_duress, related
from incidents.directory import NamedDevice, Person, Role
from incidents.model import Act, Do, Incident, IncidentState, Quiet, Refused, Signal, Story
from incidents.silence import is_away
from incidents.timeline import BY_FACT
from incidents.visitors import is_visit
from rules.kinds import EventKind, Mode
from rules.model import Event
from store import lately, standings, views, wearing
from store.acts import act_on, set_mode, silence
from store.lately import NOTHING, Lately
from store.ledger import DatabaseBook, add_event
from web.api.model import (
    AwayWish,
    Card,
    Care,
    DeviceShown,
    Glance,
    ModeSet,
    ModeShown,
    ModeWish,
    OnDuty,
    ResidentShown,
    SosWish,
    Suggestion,
    Tone,
)
from web.api.problems import ProblemError
from web.api.shown import card_shown, tone_of
from web.fencing import reaching
from web.gate import TheWho
from web.readiness import Homes, left_out_words, sensors, since_words, things, without_words
from web.rights import Action
from web.silences import refusal, told_apart
from web.site import Site, TheSite, Visit
from web.unguarded import unguarded
from web.who import Who
from web.words import Glancing, Notice

_DAY_NS = 24 * 3600 * NS_PER_S
_ABOUT_A_HOME = (Action.SET_MODE, Action.SILENCE, Action.SOS, Action.SEE_CONTACTS, Action.TEST_ALARM)

router = APIRouter(prefix="/api/homes/{home_id}", tags=["homes"])


@router.get("")
def glance(request: Request, site: TheSite, home_id: str) -> Glance:
    """How things are at a home."""
    with site.visit(request) as visit:
        return _glance(visit, home_at(visit.who, Action.SEE_HOMES, home_id), _ready(visit))


@router.put("/mode")
def put_mode(request: Request, site: TheSite, who: TheWho, home_id: str, wish: ModeWish) -> ModeSet:
    """Arm or disarm a home."""
    home = home_at(who, Action.SET_MODE, home_id)
    since = set_mode(site.database, site.estates, who.community_id, home, wish.mode, by=who.id, now_ns=site.clock(), code=wish.code or None)
    if isinstance(since, Refused):
        raise ProblemError(422, Notice.WRONG_CODE if wish.code else Notice.NOT_YOURS)
    with site.visit(request) as visit:
        ready, gap = _ready(visit), visit.scene.words.script.sentence_gap
        return ModeSet(glance=_glance(visit, home, ready), without_words=gap.join(left_out_words(ready, home, wish.mode, visit.scene)))


@router.post("/sos", status_code=201)
def call_for_help(request: Request, site: TheSite, who: TheWho, home_id: str, wish: SosWish) -> Card:
    """Call for help: the same as a press of the button, by whoever holds the phone."""
    home = home_at(who, Action.SOS, home_id)
    incident = _called(site, who, home, _meant(who, home, wish.resident))
    with site.visit(request) as visit:
        return card_shown(incident, visit)


@router.put("/away")
def put_away(request: Request, site: TheSite, who: TheWho, home_id: str, wish: AwayWish) -> Glance:
    """Say that somebody who lives there is somewhere else for some days, or that they are back."""
    home = home_at(who, Action.SILENCE, home_id)
    if wish.resident not in who.directory.homes[home].occupants:
        raise ProblemError(422, Notice.REFUSED)
    now_ns = site.clock()
    if wish.days:
        until_ns = now_ns + wish.days * _DAY_NS
        quiet = Quiet(by=who.id, subject=wish.resident, reason=wish.reason, until_ns=until_ns, away=True)
        outcome = silence(site.database, site.estates, who.community_id, quiet, now_ns)
    else:
        act = Act(by=who.id, do=Do.RESOLVE, subject=wish.resident, story=Story.SILENCE)
        outcome = act_on(site.database, site.estates, who.community_id, act, now_ns)
    if isinstance(outcome, Refused):
        raise ProblemError(422, refusal(outcome))
    with site.visit(request) as visit:
        return _glance(visit, home, _ready(visit))


def _meant(who: Who, home: HomeId, resident: str | None) -> PersonId | None:
    """For whom: who is named, else whoever asks if they live there, else who lives there alone; None for the home."""
    occupants = who.directory.homes[home].occupants
    if resident:
        if resident not in occupants:
            raise ProblemError(422, Notice.REFUSED)
        return PersonId(resident)
    if who.id in occupants:
        return who.id
    return occupants[0] if len(occupants) == 1 else None


def _called(site: Site, who: Who, home: HomeId, about: PersonId | None) -> Incident:
    now_ns = site.clock()
    event = Event(
        community_id=who.community_id,
        kind=EventKind.SOS,
        subject=about or home,
        t_ns=now_ns,
        known_ns=now_ns,
        seq=-1,
        resident_id=about,
        home_id=home,
        cause=f"app:{who.id}",
        evidence={"by": who.id},
    )
    with site.database.write() as session:
        book = DatabaseBook(session, who.community_id, now_ns)
        add_event(session, event)
        outcome = desk.take(event, book, site.estates.community(session, who.community_id).directory, now_ns)
        book.put(outcome, BY_FACT)
        if outcome.incidents:
            return outcome.incidents[0]
        opened = views.open_incidents(session, who.community_id)  # pressed again out of fear: it is the same call
    return next(one for one in opened if one.story is Story.DISTRESS and one.subject == event.subject)


def home_at(who: Who, action: Action, home_id: str) -> HomeId:
    """A home that somebody may do something about.

    Raises
    ------
    ProblemError
        There is none, or it is not theirs: which of the two is not said.
    """
    home = HomeId(home_id)
    if home not in who.directory.homes or not who.may_at(action, home):
        raise ProblemError(404, Notice.NOT_YOURS)
    return home


def _ready(visit: Visit) -> Homes:
    stands = standings.of_community(visit.session, visit.community.id)
    return Homes(visit.community, stands, visit.everything_open())


def _glance(visit: Visit, home_id: HomeId, ready: Homes) -> Glance:
    scene, words, directory = visit.scene, visit.scene.words, visit.community.directory
    home = directory.homes[home_id]
    here = [one for one in directory.devices.values() if home_of(one.wearer or one.id, directory) == home_id]
    known = lately.of_devices(visit.session, visit.community.id, [one.id for one in here])
    open_here = [one for one in told_apart(visit.open_incidents())[0] if _is_at(one, home_id, visit)]
    blind = unguarded(wearing.of_community(visit.session, visit.community.id), open_here, scene).get(home_id, ())
    things_open, not_heard = things(ready[home_id].open, scene).short, sensors(ready[home_id].silent, scene).short
    alarms = [one for one in open_here if one.story not in {Story.FAULT, Story.DRILL} and not is_visit(one)]
    care = [Care(words=scene.heading(one.headline), incident=one.id) for one in open_here if one.story is Story.FAULT]
    care += [Care(words=words.unguarded.format(names=one), incident=None) for one in blind]
    care += [Care(words=words.glance[Glancing.NO_SIGNAL].format(things=not_heard), incident=None)] if not_heard and not care else []
    names = words.names_gap.join(scene.name(one) for one in home.occupants)
    tone: Tone = "alarm" if any(tone_of(one) == "alarm" for one in alarms) else "care" if care or alarms else "good"
    sign_ns = max((one.sign_ns for one in known.values() if one.sign_ns), default=None)
    changed = views.modes(visit.session, visit.community.id).get(home_id)
    mode = changed.mode if changed else Mode.DISARMED
    return Glance(
        id=home_id,
        address_words=home.address or home_id,
        tone=tone,
        headline_words=_headline(alarms, tone, names, visit),
        activity_words=words.glance[Glancing.ACTIVE].format(ago=scene.ago(sign_ns)) if sign_ns else words.glance[Glancing.NO_SIGN],
        residents=[_resident(directory.people[one], alarms, here, known, visit) for one in home.occupants],
        devices=[_device(one, known.get(one.id, NOTHING), open_here, visit) for one in here],
        mode=mode,
        mode_words=words.modes[mode],
        mode_since_words=since_words(changed, scene),
        modes=[
            ModeShown(mode=one, words=words.modes[one], is_set=one is mode, without_words=without_words(ready, home_id, one, scene))
            for one in Mode
        ],
        open_words=words.open_now.format(things=things_open) if things_open else "",
        unheard_words=words.no_signal.format(things=not_heard) if not_heard else "",
        has_code=ready.has_code(home_id),
        on_duty=on_duty(visit),
        incidents=[card_shown(one, visit) for one in open_here],
        needs_care=care,
        suggestion=_suggestion(visit, home_id, mode),
        help_words=_help_words(alarms, visit),
        family=_family(visit, home_id),
        reached_words=[words_ for words_, _ in reaching(visit, [home_id])],
        may=[one for one in _ABOUT_A_HOME if visit.who.may_at(one, home_id) and visit.is_there(one)],
    )


def _help_words(alarms: Iterable[Incident], visit: Visit) -> str:
    """To whoever asks, of their own distress: that help was called; who is on the way, and in how many minutes."""
    scene = visit.scene
    mine = next((one for one in alarms if one.story is Story.DISTRESS and one.subject == visit.who.id), None)
    if mine is None or mine.state is IncidentState.SUSPECTED:
        return ""
    if mine.acknowledged_by is None:
        return scene.wording.signals[Signal.CALLED]
    comes = scene.wording.signals[Signal.COMING].format(by=scene.name(mine.acknowledged_by))
    if mine.eta_ns is None:
        return comes
    minutes = max(1, -(-(mine.eta_ns - scene.now_ns) // (60 * NS_PER_S)))
    arrives = scene.words.glance[Glancing.ARRIVES].format(n=minutes)
    return scene.words.script.sentence_gap.join([comes, arrives])


def _family(visit: Visit, home_id: HomeId) -> list[OnDuty]:
    """Relatives of whoever lives there and asks, as far as they have a number."""
    directory, who = visit.community.directory, visit.who
    if who.id not in directory.homes[home_id].occupants:
        return []
    people = (directory.people[one] for one in related(Role.RELATIVE, [who.id], directory, visit.scene.now_ns))
    return [person_shown(one, visit) for one in people if one.phone_e164]


def _suggestion(visit: Visit, home_id: HomeId, mode: Mode) -> Suggestion | None:
    """Everybody has left, and nobody has armed."""
    if mode is not Mode.DISARMED or not visit.who.may_at(Action.SET_MODE, home_id):
        return None
    left = views.suggestion(visit.session, visit.community.id, home_id)
    if left is None:
        return None
    words = visit.scene.words
    said = words.glance[Glancing.EVERYBODY_LEFT].format(time=visit.scene.clock(left.headline.t_ns))
    return Suggestion(mode=Mode.AWAY, mode_words=words.modes[Mode.AWAY], words=said)


def on_duty(visit: Visit) -> list[OnDuty]:
    """Who is on duty now, each once."""
    directory, now_ns = visit.community.directory, visit.scene.now_ns
    people = dict.fromkeys(one for each in directory.rosters.values() for one in roster.on_shift(each, now_ns, directory.timezone))
    return [person_shown(directory.people[one], visit) for one in people if one in directory.people]


def person_shown(person: Person, visit: Visit) -> OnDuty:
    """Somebody who can be called."""
    return OnDuty(id=person.id, name=visit.scene.name(person.id), role_words=visit.scene.relation(person.id), phone_e164=person.phone_e164)


def _is_at(incident: Incident, home_id: HomeId, visit: Visit) -> bool:
    """Whether an incident is about a home; a call under duress is on no page that might be looked at there."""
    return not is_under_duress(incident) and home_id in {incident.home_id, home_of(incident.subject, visit.community.directory)}


def _headline(alarms: Iterable[Incident], tone: Tone, names: str, visit: Visit) -> str:
    scene, words = visit.scene, visit.scene.words
    if not names:
        return words.glance[Glancing.NOBODY]
    worst = next(iter(alarms), None)
    if worst is not None and tone == "alarm":
        about = scene.about(worst)
        return words.glance[Glancing.ALARM].format(who=about.who or about.address, title=scene.heading(worst.headline))
    return words.glance[Glancing.WELL if tone == "good" else Glancing.CARE].format(names=names)


def _resident(
    person: Person, alarms: Iterable[Incident], here: Iterable[NamedDevice], known: Mapping[DeviceId, Lately], visit: Visit
) -> ResidentShown:
    scene, words = visit.scene, visit.scene.words
    mine = [one for one in alarms if one.subject == person.id]
    worn = [known[one.id] for one in here if one.wearer == person.id and one.id in known]
    said = [scene.heading(one.headline) for one in mine]
    batteries = [one.battery_percent for one in worn if one.battery_percent is not None]
    said += [words.glance[Glancing.BATTERY].format(percent=round(min(batteries)))] if batteries else []
    tone: Tone = "alarm" if any(tone_of(one) == "alarm" for one in mine) else "care" if mine else "good"
    return ResidentShown(
        id=person.id, name=scene.name(person.id), tone=tone, words=words.clause_gap.join(said), away_words=_away_words(person, visit)
    )


def _away_words(person: Person, visit: Visit) -> str:
    scene = visit.scene
    away = next((one for one in told_apart(visit.open_incidents())[1] if one.subject == person.id and is_away(one)), None)
    if away is None:
        return ""
    return scene.words.away_until.format(name=scene.name(person.id), time=scene.clock(away.eta_ns or away.opened_ns))


def _device(device: NamedDevice, of: Lately, open_here: Iterable[Incident], visit: Visit) -> DeviceShown:
    scene, words = visit.scene, visit.scene.words
    faults = [scene.heading(one.headline) for one in open_here if one.story is Story.FAULT and one.subject == device.id]
    battery = words.glance[Glancing.BATTERY].format(percent=round(of.battery_percent)) if of.battery_percent is not None else ""
    heard = words.glance[Glancing.HEARD].format(ago=scene.ago(of.heard_ns)) if of.heard_ns else words.glance[Glancing.NOT_HEARD]
    return DeviceShown(
        id=device.id,
        tone="care" if faults else "good",
        name_words=scene.wording.contacts[device.covers] if device.covers else scene.wording.devices[device.kind],
        words=words.clause_gap.join(one for one in (*faults, battery, heard) if one),
        battery_percent=of.battery_percent,
        heard_ns=of.heard_ns,
    )
