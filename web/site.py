"""What every page shares: the database, the words of whoever looks, the community that is shown, and the frame around it."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlmodel import Session
from starlette.datastructures import QueryParams

from devices.log import Log
from devices.model import CommunityId
from incidents.directory import Language, Person
from incidents.model import Incident
from notifier.carrier.door import Door
from notifier.chain_checks import ChainChecks
from notifier.routing import Routes
from notifier.spending import Spending
from store import accounts, consents, timelines, views
from store.accounts import Logins, Member, SignedIn
from store.consents import DataPurpose
from store.contacts import ContactMethod
from store.estates import Estates
from store.model import Community
from store.session import Database
from store.settings import TilesSettings
from web.cards import is_unowned
from web.languages import accepted, words_in
from web.live import Live
from web.lookout import Lookout
from web.onboarding import Onboarding
from web.rights import Action
from web.scene import Scene
from web.silences import told_apart
from web.who import COOKIE, FAMILY, NotSignedInError, Who, me_cookie
from web.words import GOOD, Notice, Words

_YEAR_S = 365 * 24 * 3600
_PASSING = ("said", "lang", "home")
"""Parts of an address that are about one look at it."""


class NotFoundError(Exception):
    """There is no such page, community or incident."""


class NoCommunityError(Exception):
    """Nothing was imported yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDoor:
    """How people sign in.

    Attributes
    ----------
    key : bytes
        Of the installation.
    send_code : callable
        Sends a code to somebody of a community.
    send_text : callable
        Sends a text to a contact method.
    mails : bool
        Mail can be sent.
    as_anybody : bool
        Visitors of a demonstration choose who they are: there is nobody real.
    is_https : bool
        Browsers reach the pages by https only.
    push_key : str or None
        What a browser subscribes to push messages with; None where none are sent.
    chain_checks : ChainChecks or None
        Walks the chain of those who would be told; None where nothing can be sent.
    """

    key: bytes = field(repr=False)
    send_code: Callable[[Member, str], None]
    send_text: Callable[[ContactMethod, str], None]
    mails: bool = False
    as_anybody: bool = False
    is_https: bool = False
    push_key: str | None = None
    chain_checks: ChainChecks | None = None


class Site:
    """Everything the routes use.

    Parameters
    ----------
    clock
        Now, in ns.
    carrier
        The fake carrier whose phones visitors may use; None where there is none.
    door
        How people sign in; None of a listener where nobody does.
    lookout
        What radars see just now.
    spending
        What communities may spend; None where nothing is limited.
    open_log
        Connects to the log; None where there is none to look into.
    onboarding
        Lets devices in; None where they log in at a broker that is not ours.
    routes
        By which messages leave; None where none can.
    tiles
        Pictures below the map; None where it has none.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], int],
        *,
        carrier: Door | None = None,
        door: FrontDoor | None = None,
        lookout: Lookout | None = None,
        spending: Spending | None = None,
        open_log: Callable[[], Awaitable[Log]] | None = None,
        onboarding: Onboarding | None = None,
        routes: Routes | None = None,
        tiles: TilesSettings | None = None,
    ) -> None:
        self.database = database
        self.open_log, self.onboarding, self.routes, self.tiles = open_log, onboarding, routes, tiles
        self.spending = spending or Spending()
        self.lookout = lookout or Lookout()
        self.estates = Estates()
        self.logins = Logins(self.estates)
        self.door = door
        self.carrier = carrier
        self.live = Live(database, also=carrier.version if carrier else None)
        self.clock = clock
        self.pages = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "pages"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    async def close(self) -> None:
        """End what open pages listen to."""
        await self.live.close()
        await self.lookout.close()

    def who(self, session: Session, request: Request, named: str | None) -> Who:
        """Who asks: in the community that is named, else the one that they looked at last, else their first.

        Raises
        ------
        NoCommunityError
            There is none at all.
        NotSignedInError
            Nobody is signed in, or no community knows them any more.
        NotFoundError
            The community that is named does not know them; whether there is one is not said.
        """
        signed, members = self.members(session, request)
        communities = tuple(dict.fromkeys(one.community_id for one in members))
        remembered = request.cookies.get("community", "")
        chosen = CommunityId(named or (remembered if remembered in communities else communities[0]))
        among = [one.person for one in members if one.community_id == chosen]
        if not among:
            raise NotFoundError
        said = request.cookies.get(me_cookie(chosen), "")  # of several who share a telephone
        person = next((one for one in among if one.id == said), among[0])
        return self.somebody(session, chosen, person, communities=communities, is_strong=signed.is_strong)

    def somebody(
        self,
        session: Session,
        community_id: CommunityId,
        person: Person,
        *,
        is_strong: bool,
        communities: tuple[CommunityId, ...] = (),
    ) -> Who:
        """Somebody of a community, with the rights that they have now.

        Parameters
        ----------
        is_strong
            Whether they came by a password and a second factor; without, they are family only.
        communities
            Where they are known, if not here alone.
        """
        directory = self.estates.community(session, community_id).directory
        person = directory.person_at(person.id, self.clock()) or person
        roles = person.roles if is_strong else person.roles & FAMILY
        return Who(
            person=person,
            community_id=community_id,
            directory=directory,
            roles=roles,
            communities=communities or (community_id,),
            withheld=consents.withheld(session, community_id),
        )

    def members(self, session: Session, request: Request) -> tuple[SignedIn, tuple[Member, ...]]:
        """Who is signed in, wherever they are known.

        Raises
        ------
        NoCommunityError
            There is none at all.
        NotSignedInError
            Nobody is signed in, or no community knows them any more.
        """
        if not self.estates.ids(session):
            raise NoCommunityError
        signed = accounts.signed_in(session, request.cookies.get(cookie_name(request), ""), self.clock())
        members = self.logins.members(session, signed.login) if signed else ()
        if signed is None or not members:
            raise NotSignedInError
        return signed, members

    def shares(self, session: Session, request: Request, community_id: CommunityId) -> bool:
        """Whether several of a community have the number that somebody signed in by."""
        _, members = self.members(session, request)
        return sum(one.community_id == community_id for one in members) > 1

    def is_signed_in(self, request: Request) -> bool:
        """Whether somebody still is, of a connection that goes on."""
        with self.database.read() as session:
            return accounts.signed_in(session, request.cookies.get(cookie_name(request), ""), self.clock()) is not None

    @contextmanager
    def visit(self, request: Request) -> Iterator["Visit"]:
        """One look at the community of whoever asks."""
        who: Who = request.state.who
        with self.database.read() as session:
            community = self.estates.community(session, who.community_id)
            names = [(one, self.estates.community(session, one).directory.name) for one in who.communities]
            scene = Scene(words=words_for(request), directory=community.directory, now_ns=self.clock())
            yield Visit(
                site=self,
                request=request,
                session=session,
                community=community,
                communities=tuple(names) if len(names) > 1 else (),
                scene=scene,
                who=who,
                signal=self.live.signal(session, community.id),  # before anything is read: a page may be newer than its signal, never older
            )

    def bare(self, request: Request, heading: str, more: str, status: int, code: str = "") -> HTMLResponse:
        """A page that is about no community."""
        return self.plain(request, "bare.html.j2", status=status, heading=heading, more=more, code=code, is_refused=status == 403)  # noqa: PLR2004  forbidden

    def plain(self, request: Request, name: str, /, *, status: int = 200, **context: object) -> HTMLResponse:
        """A page of nobody's, within the frame."""
        page = self.pages.get_template(name).render(words=words_for(request), language_links=language_links(request), **context)
        return _with_language(request, HTMLResponse(page, status))


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One look at one community, at one moment of the database.

    Attributes
    ----------
    communities : tuple of (id, name)
        All there are; empty where there is only this one.
    signal : str
        See `web.live`.
    """

    site: Site
    request: Request
    session: Session
    community: Community
    communities: tuple[tuple[CommunityId, str], ...]
    scene: Scene
    who: Who
    signal: str

    def is_there(self, action: Action) -> bool:
        """Whether this installation can do it at all: where nothing can be sent, nothing can be tried."""
        return action is not Action.TEST_ALARM or (self.site.door is not None and self.site.door.chain_checks is not None)

    def everything_open(self) -> tuple[Incident, ...]:
        """What is going on, whoever looks; one look is one moment, so it is read once."""
        known: tuple[Incident, ...] | None = self.session.info.get("open_incidents")
        if known is None:
            known = self.session.info["open_incidents"] = views.open_incidents(self.session, self.community.id)
        return known

    def open_incidents(self) -> tuple[Incident, ...]:
        """What is going on that whoever looks may see, in the order of `store.views.open_incidents`."""
        return self.seen(self.everything_open())

    def sees_person(self, incident: Incident, purpose: DataPurpose = DataPurpose.HELP) -> bool:
        """Whether whoever looks may see position, health and evidence: by right, or because they said why they have to."""
        if self.who.may_about(Action.SEE_PERSON, incident, purpose):
            return True
        return self.who.may_about(Action.BREAK_GLASS, incident) and timelines.is_glass_broken(
            self.session, self.community.id, incident.id, by=self.who.id, now_ns=self.scene.now_ns
        )

    def seen(self, incidents: Iterable[Incident]) -> tuple[Incident, ...]:
        """Those that whoever looks may see."""
        return tuple(one for one in incidents if self.who.may_about(Action.SEE_INCIDENTS, one))

    def page(self, name: str, title: str, *, more: str = "", **context: Any) -> HTMLResponse:  # noqa: ANN401  what the template takes
        """A page within the frame of all pages; `more` is what its notice goes on to say."""
        community_id = self.community.id
        # Of what they may see: a number in the title would betray a call under duress to whoever must not hear of it.
        going_on = told_apart(self.open_incidents())[0] if self.who.has_all(Action.SEE_INCIDENTS) else ()
        page = self.site.pages.get_template(name).render(
            words=self.scene.words,
            language_links=language_links(self.request),
            directory=self.community.directory,
            communities=self.communities,
            unowned=sum(map(is_unowned, going_on)),
            signal=self.signal,
            title=title,
            me=self.scene.name(self.who.id),
            my_role=self.scene.role(self.who.id),
            pages=[(path, name) for path, name, action in self._pages() if self.who.may(action)],
            notice=self._notice(more),
            link=self._link,
            **context,
        )
        made = _with_language(self.request, HTMLResponse(page))
        if self.communities:
            made.set_cookie("community", community_id, max_age=_YEAR_S, httponly=True, samesite="lax", secure=is_https(self.request))
        return made

    def _pages(self) -> tuple[tuple[str, str, Action], ...]:
        words = self.scene.words
        return (
            ("/", words.console, Action.SEE_INCIDENTS),
            ("/phones", words.phones, Action.SEE_MESSAGES),
            ("/homes", words.homes, Action.SEE_HOMES),
            ("/reachability", words.red_list, Action.SEE_RED_LIST),
        )

    def _notice(self, more: str) -> tuple[str, bool] | None:
        """What is to be said, and whether it is good."""
        said = self.request.query_params.get("said")
        if said not in set(Notice):
            return None
        notice = Notice(said)
        return " ".join(part for part in (self.scene.words.notices[notice], more) if part), notice in GOOD

    def _link(self, path: str, **query: str) -> str:
        """Address of a page about this community."""
        query = {"community": self.community.id, **query} if self.communities else query
        return f"{path}?{urlencode(query)}" if query else path


def cookie_name(request: Request) -> str:
    """Of the cookie that somebody is signed in by; by https a name that no other host of the domain can set (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{COOKIE}" if is_https(request) else COOKIE


def is_https(request: Request) -> bool:
    """Whether browsers reach us by https only."""
    door: FrontDoor | None = request.app.state.site.door
    return door is not None and door.is_https


def words_for(request: Request) -> Words:
    """The words of whoever looks: as they chose now, or before, else as their browser says; Chinese where nothing is known."""
    for said in (request.query_params.get("lang"), request.cookies.get("lang")):
        if said in set(Language):
            return words_in(Language(said))
    return words_in(next(accepted(request.headers.get("accept-language", "")), Language.ZH))


def language_links(request: Request) -> dict[str, str]:
    """Address of this page in each language."""
    kept = [(name, value) for name, value in request.query_params.multi_items() if name not in _PASSING]
    return {language: f"{request.url.path}?{QueryParams([*kept, ('lang', language)])}" for language in Language}


def _with_language(request: Request, response: HTMLResponse) -> HTMLResponse:
    """The page, and the language remembered if it was chosen now."""
    if (chosen := request.query_params.get("lang")) in set(Language):
        response.set_cookie("lang", str(chosen), max_age=_YEAR_S, httponly=True, samesite="lax", secure=is_https(request))
    return response


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(_site)]
