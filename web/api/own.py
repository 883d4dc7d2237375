"""Who asks, and what is theirs: where they belong, whom their home's incidents are told to, and whether that works."""

from collections.abc import Sequence

from fastapi import APIRouter, Request

from devices.model import HomeId, PersonId
from incidents.audience import related, tellable
from incidents.chain import Told, chain
from incidents.directory import Channel, Directory, Person, Role
from store import contacts
from store.contacts import ContactState
from web.api.choosing import keep
from web.api.glances import home_at
from web.api.model import Chain, ChainOf, ContactShown, FamilyShown, Me, MethodShown, OrderWish, Place, StepShown, TilesShown
from web.api.problems import ProblemError
from web.gate import TheWho
from web.rights import Action
from web.site import TheSite, Visit
from web.words import Glancing, Notice, Words

router = APIRouter(prefix="/api", tags=["own"])


@router.get("/me")
def me(request: Request, site: TheSite) -> Me:
    """Who asks."""
    with site.visit(request) as visit:
        who, directory = visit.who, visit.community.directory
        names = dict(visit.communities) or {visit.community.id: directory.name}
        return Me(
            id=who.id,
            name=visit.scene.name(who.id),
            language=visit.scene.words.language,
            roles=sorted(who.roles),
            community=Place(id=visit.community.id, name=directory.name),
            communities=[Place(id=id_, name=name) for id_, name in names.items()],
            homes=[Place(id=one, name=directory.homes[one].address or one) for one in who.homes],
            may=[action for action in Action if who.may(action) and visit.is_there(action)],
            shares_number=site.shares(visit.session, request, who.community_id),
            push_key=site.door.push_key if site.door else None,
            tiles=TilesShown(**site.tiles.model_dump()) if site.tiles else None,
        )


@router.get("/homes/{home_id}/contacts")
def contacts_of(request: Request, site: TheSite, home_id: str) -> Chain:
    """Who would be told of a fall at a home, in which order, and whether that would work: every link of the chain."""
    with site.visit(request) as visit:
        return _chain(visit, home_id)


@router.put("/homes/{home_id}/contacts/order")
def order_contacts(request: Request, site: TheSite, who: TheWho, home_id: str, wish: OrderWish) -> Chain:
    """Say which relatives are told first: it holds from now on, and for whoever is told in turn."""
    home = home_at(who, Action.ORDER_CONTACTS, home_id)
    family = related(Role.RELATIVE, who.directory.homes[home].occupants, who.directory, site.clock())
    if len(set(wish.people)) < len(wish.people) or not set(family).issuperset(wish.people):
        raise ProblemError(422, Notice.REFUSED)
    keep(site, who, lambda chosen: chosen.update(order=wish.people), home=home)
    with site.visit(request) as visit:
        return _chain(visit, home_id)


def _chain(visit: Visit, home_id: str) -> Chain:
    home = home_at(visit.who, Action.SEE_CONTACTS, home_id)
    directory, scene = visit.community.directory, visit.scene
    return Chain(
        residents=[_links(one, visit) for one in directory.homes[home].occupants],
        family=[
            FamilyShown(
                id=one,
                name=scene.name(one),
                role_words=scene.relation(one),
                more_words=" · ".join(part for part in (scene.number(one), _until_words(directory.people[one], visit)) if part),
                is_me=one == visit.who.id,
            )
            for one in family_of(home, directory, scene.now_ns)
        ],
    )


def family_of(home: HomeId, directory: Directory, now_ns: int) -> list[PersonId]:
    """Relatives of those who live at a home, and then their neighbours."""
    occupants = directory.homes[home].occupants
    return list(dict.fromkeys(one for role in (Role.RELATIVE, Role.NEIGHBOUR) for one in related(role, occupants, directory, now_ns)))


def _until_words(person: Person, visit: Visit) -> str:
    return visit.scene.words.glance[Glancing.UNTIL].format(date=person.until.isoformat()) if person.until else ""


def _links(resident: PersonId, visit: Visit) -> ChainOf:
    directory, scene = visit.community.directory, visit.scene
    steps = [_step(one, visit) for one in chain(resident, directory, scene.now_ns)]
    reached = [one for step in steps for one in step.people if not one.broken_words]
    broken = "" if reached else scene.words.glance[Glancing.NO_CHAIN]
    return ChainOf(id=resident, name=scene.name(resident), steps=steps, broken_words=broken)


def _step(told: Told, visit: Visit) -> StepShown:
    people = [_contact(visit.community.directory.people[one.person], one.channels, visit) for one in told.recipients]
    return StepShown(
        after_s=told.after_s,
        when_words=when_words(told.after_s, visit),
        people=people,
        broken_words="" if people else visit.scene.words.glance[Glancing.NOBODY_TOLD],
    )


def when_words(after_s: int, visit: Visit) -> str:
    """How long after an alarm."""
    words, wording = visit.scene.words.glance, visit.scene.wording
    return words[Glancing.STEP].format(lasting=wording.lasting(after_s)) if after_s else words[Glancing.AT_ONCE]


def _contact(person: Person, by: Sequence[Channel], visit: Visit) -> ContactShown:
    """Somebody who is told, by what, and whether that works as far as is known."""
    scene, words = visit.scene, visit.scene.words
    states = {one: contacts.state(visit.session, visit.community.id, person, one) for one in tellable(person)}
    methods = [
        MethodShown(
            channel=channel,
            words=words.channels[channel],
            is_used=channel in by,
            state=state,
            state_words=_state_words(channel, state, words),
        )
        for channel, state in states.items()
    ]
    works = [one for one in by if states.get(one) not in {ContactState.BROKEN, ContactState.OPTED_OUT}]
    return ContactShown(
        id=person.id,
        name=scene.name(person.id),
        role_words=scene.relation(person.id),
        is_relative=Role.RELATIVE in person.roles,
        language=person.language,
        phone_words=scene.number(person.id),
        methods=methods,
        broken_words="" if works else words.unreachable if not by else words.glance[Glancing.ALL_BROKEN],
    )


def _state_words(channel: Channel, state: ContactState | None, words: Words) -> str:
    if state in {ContactState.BROKEN, ContactState.OPTED_OUT}:
        return words.contact_states[state].format(channel=words.channels[channel])
    return words.glance[Glancing.METHOD_OK if state else Glancing.METHOD_UNKNOWN]
