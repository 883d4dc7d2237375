"""One's own number and mail address: a new one is known by a code sent there before it takes the old one's place.

Whoever asks is told the same of every address: nothing here says whether somebody else has it, or how often a code was asked for it.
"""

from dataclasses import replace
from typing import Any

from fastapi import APIRouter, BackgroundTasks, Request
from pydantic import TypeAdapter, ValidationError
from sqlmodel import Session

from incidents.directory import Address, Channel, Person
from notifier.messages import Letter, code_words, letter_words
from notifier.verifying import by_phone
from store import accounts, attempts, choices, verification
from store.attempts import CODES_FROM_AN_ADDRESS, CODES_OF_A_NUMBER, WRONG_FROM_AN_ADDRESS
from store.choices import ChoiceError
from store.contacts import ContactMethod
from store.phones import phone
from store.schema import Mail
from store.verification import Confirmed, TooSoonError
from web.api.model import AddressCode, Addresses, AddressKind, AddressWish
from web.api.problems import ProblemError
from web.api.sign_in import attempt_of, number_of
from web.gate import TheDoor, TheWho
from web.rights import Action
from web.site import Site, TheSite, cookie_name, words_for
from web.who import FAMILY, Who
from web.words import Notice, SignIn

router = APIRouter(prefix="/api", tags=["own"])

_MAIL: TypeAdapter[str] = TypeAdapter(Mail)


@router.get("/me/addresses")
def addresses(request: Request, site: TheSite) -> Addresses:
    """Where somebody is reached."""
    with site.visit(request) as visit:
        person = visit.community.directory.people[visit.who.id]
        return Addresses(
            phone=person.phone_e164,
            phone_words=visit.scene.number(person.id),
            emails=list(person.addresses_of(Channel.EMAIL)),
            may_change=_may_change(site, visit.who) if visit.who.may(Action.CHANGE_ADDRESS) else [],
        )


@router.post("/me/addresses/code", status_code=204)
def ask_for_code(  # noqa: PLR0917  what a request has
    request: Request, site: TheSite, door: TheDoor, who: TheWho, wish: AddressWish, tasks: BackgroundTasks
) -> None:
    """Send a code to a new number or mail address; whether one was sent is not said."""
    at, address = _at(request, site, who, wish)
    attempt = attempt_of(request, site, address)
    limits = (
        (CODES_FROM_AN_ADDRESS, attempt.address),
        (CODES_OF_A_NUMBER, f"{who.community_id}/{who.id}"),
        (CODES_OF_A_NUMBER, address),
    )
    with site.database.write() as session:
        if not all(attempts.take(session, limit, whose, attempt.now_ns) for limit, whose in limits):
            return
        try:
            code = verification.begin(session, door.key, at, attempt.now_ns)
        except TooSoonError:
            return
    tasks.add_task(door.send_text, at, code_words(code, at.channel, who.person.language, who.directory.name))


@router.put("/me/addresses")
def change(  # noqa: PLR0917  what a request has
    request: Request, site: TheSite, door: TheDoor, who: TheWho, wish: AddressCode, tasks: BackgroundTasks
) -> Addresses:
    """Take the code that was typed: from now on one is told there, and signs in by it; the old address is told so."""
    at, address = _at(request, site, who, wish)
    attempt = attempt_of(request, site, address)
    with site.database.write() as session:
        if attempts.is_spent(session, WRONG_FROM_AN_ADDRESS, attempt.address, attempt.now_ns):
            raise ProblemError(422, Notice.REFUSED, words_for(request).sign_in[SignIn.TOO_OFTEN])
        came_to = verification.confirm(session, door.key, at, "".join(wish.code.split()), attempt.now_ns)
        if came_to is Confirmed.VERIFIED:
            _keep(request, site, session, who, wish.kind, address)
        else:
            attempts.take(session, WRONG_FROM_AN_ADDRESS, attempt.address, attempt.now_ns)
    if came_to is not Confirmed.VERIFIED:
        raise ProblemError(422, Notice.REFUSED, words_for(request).sign_in[SignIn.WRONG_CODE])
    for old in _old(who, wish.kind, address):
        said = letter_words(Letter.REPLACED, old.channel, who.person.language, who.directory.name, to=_masked(address))
        tasks.add_task(door.send_text, old, said)
    return addresses(request, site)


def _may_change(site: Site, who: Who) -> list[AddressKind]:
    """A number only of those who sign in by a code: the password of whoever works here hangs on theirs."""
    is_family = who.directory.people[who.id].roles <= FAMILY
    may = {AddressKind.PHONE: is_family, AddressKind.EMAIL: site.door is not None and site.door.mails}
    return [kind for kind in AddressKind if may[kind]]


def _at(request: Request, site: Site, who: Who, wish: AddressWish) -> tuple[ContactMethod, str]:
    """A new contact method as if it were theirs already, and its address."""
    if wish.kind not in _may_change(site, who):
        raise ProblemError(422, Notice.NOT_YOURS_TO_CHANGE)
    if wish.kind is AddressKind.EMAIL:
        try:
            mail = _MAIL.validate_python(wish.address.strip())
        except ValidationError:
            raise ProblemError(422, Notice.NO_MAIL) from None
        person = replace(who.person, addresses=(Address(channel=Channel.EMAIL, value=mail),), channels=(Channel.EMAIL,))
        return ContactMethod(community_id=who.community_id, person=person, channel=Channel.EMAIL), mail
    number = number_of(wish.address)
    if number is None:
        raise ProblemError(422, Notice.REFUSED, words_for(request).sign_in[SignIn.NO_NUMBER])
    return by_phone(who.community_id, replace(who.person, phone_e164=number, channels=phone(number).channels)), number


def _keep(request: Request, site: Site, session: Session, who: Who, kind: AddressKind, address: str) -> None:  # noqa: PLR0917  of one change
    """Write it down; of a number, this device stays signed in, and what others were signed in by the old one ends."""

    def note(chosen: dict[str, Any]) -> None:
        chosen[kind.value] = address

    try:
        choices.choose(session, who.community_id, who.id, note, site.clock())
    except ChoiceError:
        raise ProblemError(422, Notice.REFUSED) from None
    old = who.person.phone_e164
    if kind is not AddressKind.PHONE or old == address:
        return
    mine = (who.community_id, who.id)
    having = site.logins.members(session, old) if old else ()
    others = [one for one in having if (one.community_id, one.person.id) != mine]
    accounts.move(session, request.cookies.get(cookie_name(request), ""), address, end=None if others else old)


def _old(who: Who, kind: AddressKind, address: str) -> list[ContactMethod]:
    """Contact methods that were replaced."""
    person: Person = who.person
    if kind is AddressKind.PHONE:
        return [by_phone(who.community_id, person)] if person.phone_e164 not in {None, address} else []
    mails = [one for one in person.addresses if one.channel is Channel.EMAIL and one.value != address]
    return [ContactMethod(community_id=who.community_id, person=replace(person, addresses=(one,)), channel=Channel.EMAIL) for one in mails]


def _masked(address: str) -> str:
    """Enough of an address for its owner to know it by."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***@{domain}" if at else f"***{address[-4:]}"
