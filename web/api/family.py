"""Relatives and neighbours of a home, added and removed by those who live there and their relatives."""

import secrets
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request

from devices.model import HomeId, PersonId
from incidents.audience import tellable
from incidents.directory import Role
from notifier.messages import Letter, letter_words
from notifier.verifying import by_phone
from store import attempts, choices
from store.attempts import CODES_OF_A_NUMBER
from store.choices import ChoiceError, TooOftenError
from web.api.glances import home_at
from web.api.model import Chain, ContactGone, ContactWish
from web.api.own import contacts_of, family_of
from web.api.problems import ProblemError
from web.api.sign_in import number_of
from web.gate import TheDoor, TheWho
from web.rights import Action
from web.site import FrontDoor, Site, TheSite, words_for
from web.who import Who
from web.words import Notice, SignIn

MOST = 20
"""Relatives and neighbours of one home."""

router = APIRouter(prefix="/api", tags=["own"])


@router.post("/homes/{home_id}/contacts")
def add(  # noqa: PLR0917  what a request has
    request: Request, site: TheSite, door: TheDoor, who: TheWho, home_id: str, wish: ContactWish, tasks: BackgroundTasks
) -> Chain:
    """Add a relative or neighbour of everybody who lives at a home: they are told so, and sign in by their number."""
    home, directory = home_at(who, Action.CHANGE_CONTACTS, home_id), who.directory
    number = number_of(wish.phone)
    if number is None:
        raise ProblemError(422, Notice.REFUSED, words_for(request).sign_in[SignIn.NO_NUMBER])
    known = family_of(home, directory, site.clock())
    if number in {directory.people[one].phone_e164 for one in known}:
        raise ProblemError(422, Notice.CONTACT_KNOWN)
    if len(known) >= MOST:
        raise ProblemError(422, Notice.CONTACTS_ENOUGH)
    own = who.person.until if not who.has_all(Action.CHANGE_CONTACTS) and Role.RESIDENT not in who.roles else None
    until = wish.until or own
    if until is not None and (until < directory.today(site.clock()) or (own is not None and until > own)):
        raise ProblemError(422, Notice.CONTACT_PAST)
    person = {
        "id": f"p-{secrets.token_hex(4)}",
        "name": wish.name,
        "roles": [wish.role],
        "of": list(directory.homes[home].occupants),
        "language": wish.language.value,
        "phone": number,
        "added_by": who.id,
    }
    try:
        with site.database.write() as session:
            choices.add_person(session, who.community_id, person | ({"until": until.isoformat()} if until else {}), site.clock())
            may_tell = attempts.take(session, CODES_OF_A_NUMBER, number, site.clock())
    except ChoiceError:
        raise ProblemError(422, Notice.REFUSED) from None
    if may_tell:
        tasks.add_task(_tell, site, door, who, home, PersonId(str(person["id"])), Letter.ADDED)
    return contacts_of(request, site, home_id)


@router.delete("/homes/{home_id}/contacts/{person_id}", status_code=204)
def remove(  # noqa: PLR0917  what a request has
    site: TheSite, door: TheDoor, who: TheWho, home_id: str, person_id: str, wish: ContactGone, tasks: BackgroundTasks
) -> None:
    """Remove a relative or neighbour: from now on they see nothing of the home and are told nothing; they get a word of it."""
    home, directory, gone = home_at(who, Action.CHANGE_CONTACTS, home_id), who.directory, PersonId(person_id)
    family = family_of(home, directory, site.clock())
    if gone not in family:
        raise ProblemError(404, Notice.NOT_YOURS)
    if not wish.is_sure and not any(tellable(directory.people[one]) for one in family if one != gone):
        raise ProblemError(409, Notice.LAST_CONTACT)

    def without(chosen: dict[str, Any]) -> None:
        chosen["without"] = [*dict.fromkeys((*chosen.get("without", ()), gone))]
        chosen["order"] = [one for one in chosen.get("order", ()) if one != gone]

    try:
        with site.database.write() as session:
            choices.choose(session, who.community_id, who.id, without, site.clock(), home=home)
    except TooOftenError:
        raise ProblemError(422, Notice.REFUSED) from None
    except ChoiceError:
        raise ProblemError(422, Notice.NOBODY_FOR_SOS) from None
    tasks.add_task(_tell, site, door, who, home, gone, Letter.REMOVED)


def _tell(site: Site, door: FrontDoor, who: Who, home: HomeId, person_id: PersonId, letter: Letter) -> None:  # noqa: PLR0917  of one letter
    """Tell somebody of their place at a home, by their number."""
    with site.database.read() as session:
        directory = site.estates.community(session, who.community_id).directory
    person = directory.people[person_id]
    if person.phone_e164 is None:
        return
    at = by_phone(who.community_id, person)
    names = {"by": who.person.name, "who": ", ".join(directory.people[one].name for one in directory.homes[home].occupants)}
    door.send_text(at, letter_words(letter, at.channel, person.language, directory.name, **names))
