"""Signing in and out: pages without a script. Nothing here says whether anybody has a number, in words or by the time it takes."""

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Annotated, Any
from urllib.parse import quote, urlencode, urlsplit

import phonenumbers
import pyotp
import segno
from fastapi import APIRouter, BackgroundTasks, Form, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from phonenumbers import NumberParseException, PhoneNumberFormat
from sqlmodel import Session

from devices.model import CommunityId, PersonId
from incidents.directory import Language, Person
from store import accounts, verification
from store.accounts import Attempt, Member, Tried, WeakPasswordError, login_of
from web.gate import TheDoor
from web.scene import Scene
from web.site import FrontDoor, NotFoundError, Site, TheSite, cookie_name, words_for
from web.who import FAMILY, me_cookie
from web.words import SignIn

_COUNTRY = "CN"
"""Of a number without a country code."""
_YEAR_S = 365 * 24 * 3600
_ISSUER = "Anju"
_LONGEST_WAY = 2000
"""Characters of an address of ours."""

router = APIRouter()

Text = Annotated[str, Form(max_length=200)]


@router.get("/sign-in")
def sign_in(request: Request, site: TheSite, door: TheDoor, next_: Annotated[str, Query(alias="next")] = "/") -> HTMLResponse:
    """Where a number is asked for; in a demonstration, who one would like to be."""
    return _ask(site, request, door, next_)


@router.post("/sign-in")
def ask_for_code(  # noqa: PLR0917  a form's fields
    request: Request,
    site: TheSite,
    door: TheDoor,
    tasks: BackgroundTasks,
    phone: Text = "",
    next_: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Send a code to a number, if anybody has it."""
    login = number_of(phone)
    if login is None:
        return _ask(site, request, door, next_, wrong=SignIn.NO_NUMBER, phone=phone, status=422)
    with site.database.write() as session:
        code = accounts.begin_code(session, door.key, attempt_of(request, site, login))
        members = site.logins.members(session, login)
    if code is not None and members:
        tasks.add_task(_send, door, members, code)
    made = _page(site, request, "code", back=_own(next_), login=login, phone=_spaced(login))
    made.background = tasks
    return made


@router.post("/sign-in/code")
def take_code(  # noqa: PLR0917  a form's fields
    request: Request, site: TheSite, door: TheDoor, login: Text = "", code: Text = "", next_: Annotated[str, Form(alias="next")] = "/"
) -> Response:
    """Take the code that was typed."""
    with site.database.write() as session:
        came_to = accounts.take_code(session, door.key, attempt_of(request, site, login), code)
        if came_to is Tried.IN and (members := site.logins.members(session, login)):
            for one in members:
                verification.proven(session, one.community_id, one.person, site.clock())
            return _let_in(request, site, door, session, login, _onward(members, _own(next_)), is_strong=False)
    wrong = SignIn.TOO_OFTEN if came_to is Tried.TOO_OFTEN else SignIn.WRONG_CODE
    return _page(site, request, "code", back=_own(next_), login=login, phone=_spaced(login), wrong=wrong, status=422)


@router.get("/sign-in/staff")
def staff(request: Request, site: TheSite, next_: Annotated[str, Query(alias="next")] = "/") -> HTMLResponse:
    """Where who works here signs in."""
    return _page(site, request, "staff", back=_own(next_))


@router.post("/sign-in/staff")
def take_password(  # noqa: PLR0917  a form's fields
    request: Request,
    site: TheSite,
    door: TheDoor,
    login: Text = "",
    password: Text = "",
    code: Text = "",
    next_: Annotated[str, Form(alias="next")] = "/",
) -> Response:
    """Take a password and the code of an authenticator."""
    known = number_of(login) or login.strip()
    attempt = attempt_of(request, site, known)
    with site.database.read() as session:
        compared = accounts.compare(session, attempt, password)
    with site.database.write() as session:
        came_to = accounts.take_password(session, door.key, attempt, compared, code)
        if came_to is Tried.IN:
            return _let_in(request, site, door, session, known, _onward(site.logins.members(session, known), _own(next_)), is_strong=True)
    wrong = SignIn.TOO_OFTEN if came_to is Tried.TOO_OFTEN else SignIn.WRONG_PASSWORD
    return _page(site, request, "staff", back=_own(next_), login=login, wrong=wrong, status=422)


@router.post("/sign-in/as")
def be(request: Request, site: TheSite, door: TheDoor, who: Text = "", next_: Annotated[str, Form(alias="next")] = "/") -> RedirectResponse:
    """Be anybody: in a demonstration only, where there is nobody real. `who` is a community and a person, as in `lakeside/wang-lei`."""
    community_id, _, person_id = who.partition("/")
    if not door.as_anybody:
        raise NotFoundError
    with site.database.write() as session:
        known = site.estates.ids(session)
        people = site.estates.community(session, CommunityId(community_id)).directory.people if community_id in known else {}
        if (person := people.get(PersonId(person_id))) is None:
            raise NotFoundError
        let_in = _let_in(request, site, door, session, login_of(CommunityId(community_id), person), _own(next_), is_strong=True)
    return _known(let_in, door, community_id, person)


@router.get("/sign-in/who")
def who(request: Request, site: TheSite, next_: Annotated[str, Query(alias="next")] = "/") -> HTMLResponse:
    """Where those who share a telephone say which of them they are."""
    with site.database.read() as session:
        _, members = site.members(session, request)
        groups: dict[str, list[tuple[str, str, str]]] = {}
        for one in members:
            directory = site.estates.community(session, one.community_id).directory
            scene = Scene(words=words_for(request), directory=directory, now_ns=site.clock())
            said = (f"{one.community_id}/{one.person.id}", scene.name(one.person.id), scene.relation(one.person.id))
            groups.setdefault(directory.name, []).append(said)
    return _page(site, request, "who", back=_own(next_), groups=list(groups.items()))


@router.post("/sign-in/who")
def be_one(
    request: Request, site: TheSite, door: TheDoor, who: Text = "", next_: Annotated[str, Form(alias="next")] = "/"
) -> RedirectResponse:
    """Be one of those who share a telephone, on this device; of nobody else."""
    with site.database.read() as session:
        _, members = site.members(session, request)
    chosen = next((one for one in members if f"{one.community_id}/{one.person.id}" == who), None)
    if chosen is None:
        raise NotFoundError
    return _known(RedirectResponse(_own(next_), 303), door, chosen.community_id, chosen.person)


@router.get("/welcome/{token}")
def welcome(request: Request, site: TheSite, door: TheDoor, token: str) -> HTMLResponse:
    """Where who works here chooses a password and sets up their authenticator."""
    with site.database.read() as session:
        return _welcome(request, site, door, session, token)


@router.post("/welcome/{token}")
def choose(  # noqa: PLR0917  a form's fields
    request: Request, site: TheSite, door: TheDoor, token: str, password: Text = "", code: Text = ""
) -> Response:
    """Take the password that was chosen."""
    now_ns = site.clock()
    with site.database.write() as session:
        invited = accounts.invitation(session, door.key, token, now_ns)
        if invited is None:
            raise NotFoundError
        try:
            is_right = accounts.accept(session, door.key, invited, password, code, now_ns=now_ns)
        except WeakPasswordError:
            return _welcome(request, site, door, session, token, wrong=SignIn.WEAK_PASSWORD)
        if not is_right:
            return _welcome(request, site, door, session, token, wrong=SignIn.WRONG_CODE)
        return _let_in(request, site, door, session, invited.login, "/", is_strong=True)


@router.post("/sign-out")
def sign_out(request: Request, site: TheSite, door: TheDoor) -> RedirectResponse:
    """Be nobody again, on this device."""
    name = cookie_name(request)
    with site.database.write() as session:
        accounts.sign_out(session, request.cookies.get(name, ""))
    gone = RedirectResponse("/sign-in", 303)
    gone.delete_cookie(name, httponly=True, samesite="lax", secure=door.is_https)
    return gone


def _let_in(  # noqa: PLR0917  what a request has
    request: Request, site: Site, door: FrontDoor, session: Session, login: str, back: str, *, is_strong: bool
) -> RedirectResponse:
    """Signed in anew: whatever cookie there was is nobody's any more."""
    now_ns, name = site.clock(), cookie_name(request)
    accounts.sign_out(session, request.cookies.get(name, ""))
    accounts.drop(session, now_ns)
    word = accounts.sign_in(session, login, now_ns, is_strong=is_strong)
    let_in = RedirectResponse(back, 303)
    let_in.set_cookie(name, word, max_age=90 * 24 * 3600, httponly=True, samesite="lax", secure=door.is_https)
    return let_in


def _onward(members: Sequence[Member], back: str) -> str:
    """Where somebody goes on to: first to say who they are, where several of a community have their number."""
    communities = [one.community_id for one in members]
    return back if len(communities) == len(set(communities)) else f"/sign-in/who?{urlencode({'next': back})}"


def _known(let_in: RedirectResponse, door: FrontDoor, community_id: str, person: Person) -> RedirectResponse:
    """Let the device know who it is, and where they look."""
    for name, value in ((me_cookie(community_id), person.id), ("community", community_id)):
        let_in.set_cookie(name, value, max_age=_YEAR_S, httponly=True, samesite="lax", secure=door.is_https)
    return let_in


def _send(door: FrontDoor, members: Sequence[Member], code: str) -> None:
    """One message, however many communities know the number."""
    door.send_code(members[0], code)


def _welcome(  # noqa: PLR0917  what a request has
    request: Request, site: Site, door: FrontDoor, session: Session, token: str, wrong: SignIn | None = None
) -> HTMLResponse:
    invited = accounts.invitation(session, door.key, token, site.clock())
    if invited is None:
        raise NotFoundError
    address = pyotp.TOTP(invited.totp).provisioning_uri(name=invited.login, issuer_name=_ISSUER)
    picture = segno.make(address, micro=False, error="m").svg_inline(omitsize=True, border=2, dark="#1c2530", light="#ffffff")
    members = site.logins.members(session, invited.login)
    return _page(
        site,
        request,
        "welcome",
        wrong=wrong,
        picture=picture,
        address=address,
        secret=" ".join(invited.totp[at : at + 4] for at in range(0, len(invited.totp), 4)),
        name=members[0].person.name if members else invited.login,
        shortest=accounts.SHORTEST_PASSWORD,
        status=422 if wrong else 200,
    )


def _ask(site: Site, request: Request, door: FrontDoor, back: str, **context: Any) -> HTMLResponse:  # noqa: ANN401  see `_page`
    visitors = _visitors(site, request) if door.as_anybody else ()
    return _page(site, request, "phone", back=_own(back), visitors=visitors, **context)


def _page(site: Site, request: Request, step: str, *, wrong: SignIn | None = None, status: int = 200, **context: object) -> HTMLResponse:
    """One step of signing in."""
    return site.plain(request, "sign_in.html.j2", status=status, step=step, wrong=wrong, **context)


def number_of(text: str) -> str | None:
    """A number as somebody typed it, in E.164; None of what is no number."""
    try:
        number = phonenumbers.parse(text, _COUNTRY)
    except NumberParseException:
        return None
    return phonenumbers.format_number(number, PhoneNumberFormat.E164) if phonenumbers.is_possible_number(number) else None


def _spaced(login: str) -> str:
    try:
        return phonenumbers.format_number(phonenumbers.parse(login), PhoneNumberFormat.INTERNATIONAL)
    except NumberParseException:
        return login


def attempt_of(request: Request, site: Site, login: str) -> Attempt:
    """That somebody tries a login now, from where they ask."""
    return Attempt(login=login, address=_network(request.client.host if request.client else ""), now_ns=site.clock())


def _network(host: str) -> str:
    """An address; of IPv6 its /64, which one household has."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    return str(ipaddress.ip_network(f"{host}/64", strict=False)) if address.version == 6 else str(address)  # noqa: PLR2004  IPv6


def _own(back: str) -> str:
    """Where to go on to: a path of our own, and of nobody else."""
    try:
        parts = urlsplit(back)
    except ValueError:
        return "/"
    is_own = not parts.scheme and not parts.netloc and back.startswith("/") and not back.startswith(("//", "/\\"))
    return quote(back, safe="/?=&%#-._~:+,") if is_own and back.isprintable() and len(back) <= _LONGEST_WAY else "/"


def _visitors(site: Site, request: Request) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Whom a visitor may be, as (id, name, what they are): one of each role first."""
    with site.database.read() as session:
        groups: dict[str, list[tuple[str, str, str]]] = {}
        for community_id in site.estates.ids(session):
            directory = site.estates.community(session, community_id).directory
            scene = Scene(words=words_for(request), directory=directory, now_ns=site.clock())
            for person in _one_of_each_first(directory.people.values()):
                title = scene.words.sign_in[SignIn.AS_FAMILY if person.roles & FAMILY else SignIn.AS_STAFF]
                groups.setdefault(title, []).append((f"{community_id}/{person.id}", scene.name(person.id), scene.relation(person.id)))
    return list(groups.items())


def _one_of_each_first(people: Iterable[Person]) -> list[Person]:
    """As the file has them, but for the first of each set of roles, and the first who reads another language."""
    among = list(people)
    first = {(one.roles, one.language is Language.ZH): one.id for one in reversed(among)}
    return sorted(among, key=lambda one: one.id not in first.values())
