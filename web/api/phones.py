"""What each person got, as their phones show it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from devices.model import PersonId
from incidents.audience import wards
from incidents.directory import Channel, Role
from incidents.model import Incident
from store import views
from store.views import Telling
from web.cards import href
from web.scene import Scene
from web.site import NotFoundError, TheSite, Visit

MOST_PHONES = 24
MOST_MESSAGES = 20

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """One message or call. `state` is one of `NotificationState`."""

    time: str
    text: str
    is_call: bool
    channel: str
    state: str
    outcome: str
    severity: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """One person's phone, the newest message first."""

    key: str
    name: str
    relation: str
    number: str
    bubbles: tuple[Bubble, ...]


@router.get("/phones")
def phones(request: Request, site: TheSite, person: Annotated[str, Query()] = "") -> HTMLResponse:
    """Phones of everybody who was told anything, or of one person; relatives of whom it is about now come first."""
    with site.visit(request) as visit:
        told = views.recipients(visit.session, visit.community.id)
        if person and person not in visit.community.directory.people and person not in told:
            raise NotFoundError
        concerned = _concerned(views.open_incidents(visit.session, visit.community.id), visit)
        people = sorted(told, key=lambda one: concerned.get(one, len(concerned)))
        shown = [PersonId(person)] if person else people[:MOST_PHONES]
        return visit.page(
            "phones.html.j2",
            title=visit.scene.words.phones,
            phones=[_phone(one, visit) for one in shown],
            people=sorted(((one, visit.scene.name(one)) for one in told), key=lambda one: one[1]),
            person=person,
        )


def _concerned(incidents: tuple[Incident, ...], visit: Visit) -> dict[PersonId, int]:
    """Relatives of those whom open incidents are about, in the order of the incidents, with their place in it."""
    directory = visit.community.directory
    about = dict.fromkeys(ward for incident in incidents for ward in wards(incident, directory))
    relatives = [person.id for ward in about for person in directory.people.values() if Role.RELATIVE in person.roles and ward in person.of]
    return {person: place for place, person in enumerate(dict.fromkeys(relatives))}


def _phone(person: PersonId, visit: Visit) -> Phone:
    scene, session, community_id = visit.scene, visit.session, visit.community.id
    messages = views.messages(session, community_id, person, MOST_MESSAGES)
    incidents = {one: views.incident(session, community_id, one) for one in {message.incident_id for message in messages}}
    return Phone(
        key=f"p-{person}",
        name=scene.name(person),
        relation=scene.relation(person),
        number=scene.number(person),
        bubbles=tuple(_bubble(message, found, scene) for message in messages if (found := incidents[message.incident_id])),
    )


def _bubble(message: Telling, incident: Incident, scene: Scene) -> Bubble:
    handed_ns = message.attempts[-1].handed_ns if message.attempts else message.created_ns
    return Bubble(
        time=scene.clock(handed_ns),
        text=message.text or "",
        is_call=message.channel is Channel.VOICE,
        channel=scene.words.channels[message.channel] if message.channel else scene.words.no_channel,
        state=message.state,
        outcome=scene.words.sent[message.state],
        severity=incident.severity,
        href=href(incident),
    )
