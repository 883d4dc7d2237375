"""What each person got, as their phones show it; where a fake carrier has the phones, visitors use them here."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from devices.model import NS_PER_S, PersonId
from incidents.audience import wards
from incidents.directory import Channel, Role
from incidents.model import Incident
from notifier.carrier.door import Door, DoorError, EntryShown, PhoneShown, Wish
from notifier.carrier.phones import CallState, Condition, What
from notifier.replies import KEYS
from store import outbox, views
from store.outbox import NotificationState
from store.views import Telling
from web.api.answers import Sent, said
from web.cards import href
from web.gate import TheWho
from web.rights import Action
from web.scene import Scene
from web.site import NotFoundError, TheSite, Visit
from web.words import Notice

MOST_PHONES = 24
MOST_MESSAGES = 20
SHOWN_CONDITIONS = (Condition.ON, Condition.OFF, Condition.FULL, Condition.UNREACHABLE)
LONGEST = 160
"""Characters of what is written back."""
_STAFF = frozenset({Role.GUARD, Role.HOSPITAL})

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message or call. `state` is one of `NotificationState`, or "" for what came or was written outside of the outbox."""

    at_ns: int
    time: str
    text: str
    is_call: bool
    is_own: bool = False
    channel: str
    state: str
    outcome: str
    severity: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Handset:
    """What a visitor may do with a phone.

    Attributes
    ----------
    call : str
        One of `CallState`; "" without a call.
    said : tuple of str
        What was read out so far.
    replies : tuple of str
        What is worth writing back; empty where nobody would take it.
    """

    condition: Condition
    call: str
    said: tuple[str, ...]
    pressed: str
    replies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One person's phone, the newest message first."""

    key: str
    person: PersonId
    name: str
    relation: str
    number: str
    bubbles: tuple[Bubble, ...]
    handset: Handset | None


@router.get("/phones")
def phones(request: Request, site: TheSite, person: Annotated[str, Query()] = "") -> HTMLResponse:
    """Phones of everybody who was told anything, or of one person; relatives of whom it is about now come first."""
    with site.visit(request) as visit:
        told = views.recipients(visit.session, visit.community.id)
        if person and person not in visit.community.directory.people and person not in told:
            raise NotFoundError
        handsets = _handsets(site.carrier)
        concerned = _concerned(visit.open_incidents(), visit)
        first = told if handsets is None else tuple(dict.fromkeys((*concerned, *told, *_staff(visit))))
        people = sorted(first, key=lambda one: concerned.get(one, len(concerned)))
        shown = [_phone(one, visit, handsets) for one in ([PersonId(person)] if person else people[:MOST_PHONES])]
        if handsets is None and not person:  # who was told only of what whoever looks must not hear of was told nothing
            shown = [one for one in shown if one.bubbles]
        known = {one.person for one in shown} | set(_with_a_phone(visit))
        return visit.page(
            "phones.html.j2",
            title=visit.scene.words.phones,
            phones=shown,
            people=sorted(((one, visit.scene.name(one)) for one in known), key=lambda one: one[1]),
            person=person,
            playing=handsets is not None,
            conditions=[(one, visit.scene.words.conditions[one]) for one in SHOWN_CONDITIONS],
            keys=[(key, visit.scene.words.do[do]) for key, do in KEYS.items()],
            longest=LONGEST,
        )


@router.post("/phones")
def use(site: TheSite, who: TheWho, form: Sent) -> RedirectResponse:
    """Use a phone of the fake carrier's: `do` is what and whose, as in `turn/off/wang-lei`; `text/wang-lei` what is written."""
    do, _, rest = said(form, "do").partition("/")
    how, _, person = rest.rpartition("/")
    owner = who.directory.people.get(PersonId(person))
    wish = _wish(do, how, said(form, f"text/{person}").strip()[:LONGEST])
    query = {"community": who.community_id, "person": said(form, "person")}
    if not _done(site.carrier, owner.phone_e164 if owner else None, wish):
        query["said"] = Notice.NOT_NOW
    return RedirectResponse(f"/phones?{urlencode({key: value for key, value in query.items() if value})}#p-{person}", 303)


def _done(carrier: Door | None, number: str | None, wish: Wish | None) -> bool:
    if carrier is None or number is None or wish is None:
        return False
    try:
        carrier.wish(number, wish)
    except DoorError:
        return False
    return True


def _wish(do: str, how: str, text: str) -> Wish | None:
    match do:
        case "turn" if how in set(Condition):
            return Wish(do="turn", condition=Condition(how))
        case "press" if how in KEYS:
            return Wish(do="press", key=how)
        case "answer":
            return Wish(do="answer")
        case "hang_up":
            return Wish(do="hang_up")
        case "write" if how or text:
            return Wish(do="write", text=how or text)
        case _:
            return None


def _handsets(carrier: Door | None) -> Mapping[str, PhoneShown] | None:
    """The carrier's phones by number; None where there is none, or it is away."""
    try:
        return carrier.phones() if carrier else None
    except DoorError:
        return None


def _with_a_phone(visit: Visit) -> Iterator[PersonId]:
    return (one.id for one in visit.community.directory.people.values() if one.phone_e164)


def _staff(visit: Visit) -> Iterator[PersonId]:
    return (one.id for one in visit.community.directory.people.values() if one.roles & _STAFF)


def _concerned(incidents: tuple[Incident, ...], visit: Visit) -> dict[PersonId, int]:
    """Relatives of those whom open incidents are about, in the order of the incidents, with their place in it."""
    directory = visit.community.directory
    about = dict.fromkeys(ward for incident in incidents for ward in wards(incident, directory))
    relatives = [person.id for ward in about for person in directory.people.values() if Role.RELATIVE in person.roles and ward in person.of]
    return {person: place for place, person in enumerate(dict.fromkeys(relatives))}


def _phone(person: PersonId, visit: Visit, handsets: Mapping[str, PhoneShown] | None) -> Phone:
    scene, session, community_id = visit.scene, visit.session, visit.community.id
    messages = views.messages(session, community_id, person, MOST_MESSAGES)
    found = [views.incident(session, community_id, one) for one in {message.incident_id for message in messages}]
    incidents = {one.id: one for one in found if one is not None and visit.who.may_about(Action.SEE_INCIDENTS, one)}
    bubbles = [_bubble(message, incidents[message.incident_id], scene) for message in messages if message.incident_id in incidents]
    known = visit.community.directory.people.get(person)
    number = known.phone_e164 if known else None
    handset = None
    if handsets is not None and number is not None:
        on_it = handsets.get(number) or PhoneShown(number, Condition.ON, [], None)
        handset = _handset(on_it, visit, number)
        if on_it.call:  # its words are heard when it is answered
            bubbles = [one for one in bubbles if not (one.is_call and one.state == NotificationState.ACCEPTED)]
        sent = {one.text for one in messages}
        bubbles += [
            _entry(one, scene) for one in on_it.entries if one.what == What.WRITTEN or (one.what == What.TEXT and one.text not in sent)
        ]
        bubbles.sort(key=lambda one: -one.at_ns)
    return Phone(
        key=f"p-{person}",
        person=person,
        name=scene.name(person),
        relation=scene.relation(person),
        number=scene.number(person),
        bubbles=tuple(bubbles),
        handset=handset,
    )


def _handset(phone: PhoneShown, visit: Visit, number: str) -> Handset:
    has_arrived = any(one.what == What.TEXT and one.arrived for one in phone.entries)  # else there is nothing yet to write back to
    answerable = outbox.answered(visit.session, number, only_open=True) if has_arrived else []
    replies = visit.scene.words.answers.values() if answerable else ()
    return Handset(
        condition=phone.condition,
        call=phone.call.state if phone.call else "",
        said=tuple(phone.call.said) if phone.call and phone.call.state == CallState.TALKING else (),
        pressed=phone.call.pressed if phone.call else "",
        replies=tuple(one.format(n=answerable[0].number) for one in replies),
    )


def _entry(entry: EntryShown, scene: Scene) -> Bubble:
    """What its owner wrote, or what they were answered."""
    is_own, at_ns = entry.what == What.WRITTEN, round(entry.at_s * NS_PER_S)
    return Bubble(
        at_ns=at_ns,
        time=scene.clock(at_ns),
        text=entry.text,
        is_call=False,
        is_own=is_own,
        channel=scene.words.wrote if is_own else scene.words.channels[Channel.SMS],
        state="" if entry.arrived else NotificationState.FAILED,
        outcome="" if entry.arrived else scene.words.not_taken,
        severity="",
        href="",
    )


def _bubble(message: Telling, incident: Incident, scene: Scene) -> Bubble:
    handed_ns = message.attempts[-1].handed_ns if message.attempts else message.created_ns
    return Bubble(
        at_ns=handed_ns,
        time=scene.clock(handed_ns),
        text=message.text or "",
        is_call=message.channel is Channel.VOICE,
        channel=scene.words.channels[message.channel] if message.channel else scene.words.no_channel,
        state=message.state,
        outcome=scene.words.sent[message.state],
        severity=incident.severity,
        href=href(incident),
    )
