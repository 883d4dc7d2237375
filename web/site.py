"""What every page shares: the database, the words of whoever looks, the community that is shown, and the frame around it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlmodel import Session
from starlette.datastructures import QueryParams

from devices.model import CommunityId, PersonId
from incidents.directory import Language, Person
from notifier.carrier.door import Door
from store import views
from store.estates import Estates
from store.model import Community
from store.session import Database
from web.languages import accepted, words_in
from web.live import Live
from web.scene import Scene
from web.words import GOOD, Notice, Words

_YEAR_S = 365 * 24 * 3600
_PASSING = ("said", "lang", "home")
"""Parts of an address that are about one look at it."""


class NotFoundError(Exception):
    """There is no such page, community or incident."""


class NoCommunityError(Exception):
    """Nothing was imported yet."""


class Site:
    """Everything the routes use.

    Parameters
    ----------
    clock
        Now, in ns.
    carrier
        The fake carrier whose phones visitors may use; None where there is none.
    """

    def __init__(self, database: Database, clock: Callable[[], int], carrier: Door | None = None) -> None:
        self.database = database
        self.estates = Estates()
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

    @contextmanager
    def visit(self, request: Request, community_id: str | None = None) -> Iterator["Visit"]:
        """One look at a community: the one that is named, else the one asked for, else the one looked at last, else the first.

        Raises
        ------
        NotFoundError
            There is none of that name.
        NoCommunityError
            There is none at all.
        """
        with self.database.read() as session:
            known = self.estates.ids(session)
            if not known:
                raise NoCommunityError
            named = community_id or request.query_params.get("community")
            remembered = request.cookies.get("community", "")
            chosen = CommunityId(named or (remembered if remembered in known else known[0]))
            if chosen not in known:
                raise NotFoundError
            others = tuple((one, self.estates.community(session, one).directory.name) for one in known) if len(known) > 1 else ()
            community = self.estates.community(session, chosen)
            scene = Scene(words=words_for(request), directory=community.directory, now_ns=self.clock())
            yield Visit(
                site=self,
                request=request,
                session=session,
                community=community,
                communities=others,
                scene=scene,
                signal=self.live.signal(session, chosen),  # before anything is read: a page may be newer than its signal, never older
            )

    def bare(self, request: Request, heading: str, more: str, status: int, code: str = "") -> HTMLResponse:
        """A page that is about no community."""
        page = self.pages.get_template("bare.html.j2").render(
            words=words_for(request), language_links=language_links(request), heading=heading, more=more, code=code
        )
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
    signal: str

    @property
    def me(self) -> Person | None:
        """Who looks, as far as they said so before, and the community still knows them."""
        said = self.request.cookies.get(me_cookie(self.community.id), "")
        return self.community.directory.people.get(PersonId(said))

    def page(self, name: str, title: str, *, more: str = "", **context: Any) -> HTMLResponse:  # noqa: ANN401  what the template takes
        """A page within the frame of all pages; `more` is what its notice goes on to say."""
        community_id = self.community.id
        count = views.open_count(self.session, community_id)
        page = self.site.pages.get_template(name).render(
            words=self.scene.words,
            language_links=language_links(self.request),
            directory=self.community.directory,
            communities=self.communities,
            count=count,
            signal=self.signal,
            title=title,
            me=self.me.id if self.me else "",
            notice=self._notice(more),
            link=self._link,
            **context,
        )
        made = _with_language(self.request, HTMLResponse(page))
        if self.communities:
            made.set_cookie("community", community_id, max_age=_YEAR_S, httponly=True, samesite="lax")
        return made

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


def me_cookie(community_id: str) -> str:
    """Name of the cookie that remembers who acts in a community."""
    return f"me-{community_id}"


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
        response.set_cookie("lang", str(chosen), max_age=_YEAR_S, httponly=True, samesite="lax")
    return response


def _site(request: Request) -> Site:
    site: Site = request.app.state.site
    return site


TheSite = Annotated[Site, Depends(_site)]
