"""The small listener that the outside world reaches: `/a/<token>`, where one person answers one notification, and `/hooks/<gateway>`.

GET shows and POST acts: scanners of links open them. There is nothing else here, no script, no cookie, and no session.
"""

import asyncio
import hashlib
import re
import time
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import structlog
from fastapi import FastAPI, Form, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from devices.model import CommunityId, PersonId
from incidents.directory import Channel, Language
from incidents.model import Do, Incident, IncidentState
from incidents.timeline import Entry
from notifier.gateways.model import ForgedReceiptError, Gateway, Heard, Hook
from notifier.replies import Replies
from store import links, outbox, timelines, views
from store.consents import DataPurpose
from store.model import StoreBusyError
from store.outbox import Answerable
from store.session import Database
from store.views import Telling
from web.api.answers import incident_of
from web.cards import card
from web.emergency import emergencies, worth_a_call
from web.languages import words_in
from web.moments import without_pictures
from web.rights import Action
from web.scene import Scene
from web.service import bound, serve_on
from web.site import NotFoundError, Site, language_links, words_for
from web.timeline import Decision, timeline
from web.words import Words

LARGEST_BODY = 256 * 1024
"""Bytes: what is larger is not read."""

SOON_MIN = 10
"""Minutes of "I am on my way"."""
_SOON = {"", str(SOON_MIN)}

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_STYLES = [Path(__file__).parent / "static" / name for name in ("answer.css", "fall.css", "fence.css")]
_log = structlog.get_logger(__name__)


def create_app(database: Database, gateways: Mapping[str, Gateway], public_url: str, *, clock: Callable[[], int] = time.time_ns) -> FastAPI:
    """The listener of a database.

    Parameters
    ----------
    gateways
        Whose providers call us, by name.
    public_url
        Where we are reached, as providers were told: their signatures cover it.
    clock
        Now, in ns.
    """
    site, replies = Site(database, clock), Replies(database)
    app = FastAPI(title="Anju", docs_url=None, redoc_url=None, openapi_url=None)
    app.state.site = site

    @app.get("/a/{token}")
    def show(request: Request, token: str) -> HTMLResponse:
        return _page(site, request, _about(site, token))

    @app.post("/a/{token}")
    def act(request: Request, token: str, do: Annotated[str, Form()] = "") -> HTMLResponse:
        about = _about(site, token)
        name, _, minutes = do.partition("/")
        if name not in _acts(incident_of(site, about.community_id, about.incident_id), about.person) or minutes not in _SOON:
            return _page(site, request, about)
        back = replies.act(about, Do(name), clock(), eta_min=float(minutes) if minutes else None)
        return _page(site, request, about, said=back.text)

    @app.post("/hooks/{name}")
    async def hook(request: Request, name: str) -> Response:
        gateway = gateways.get(name)
        if gateway is None or not (hasattr(gateway, "receipts") or hasattr(gateway, "heard")):
            raise HTTPException(404)
        query = f"?{request.url.query}" if request.url.query else ""
        said = Hook(url=f"{public_url.rstrip('/')}{request.url.path}{query}", headers=dict(request.headers), body=await request.body())
        try:
            return await run_in_threadpool(_hooked, database, replies, gateway, said, clock())
        except ForgedReceiptError as error:
            _log.warning("public.refused", gateway=name, reason=str(error))
            return PlainTextResponse("refused\n", 403)

    @app.exception_handler(404)
    @app.exception_handler(405)
    @app.exception_handler(NotFoundError)
    def not_found(request: Request, _error: Exception) -> HTMLResponse:
        words = words_for(request)
        return _bare(site, request, words.link_over, words.link_over_more, 404)

    @app.exception_handler(StoreBusyError)
    def busy(request: Request, _error: Exception) -> HTMLResponse:
        words = words_for(request)
        return _bare(site, request, words.busy, words.busy_more, 503)

    @app.middleware("http")
    async def guard(request: Request, call_next: Any) -> Response:  # noqa: ANN401  starlette's
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > LARGEST_BODY or "transfer-encoding" in request.headers:
            return PlainTextResponse("too large\n", 413)
        answer: Response = await call_next(request)
        answer.headers.update(_headers())
        return answer

    return app


async def serve(app: FastAPI, host: str, port: int, stop: asyncio.Event) -> None:
    """Answer until told to stop.

    Raises
    ------
    OSError
        Somebody else listens there.
    """
    with bound(host, port, "public in anju.toml") as listening:
        await serve_on(app, listening, stop)


def _hooked(database: Database, replies: Replies, gateway: Gateway, hook: Hook, now_ns: int) -> Response:
    """What a provider's call comes to, and what it is answered."""
    heard = gateway.heard(hook) if hasattr(gateway, "heard") else None
    if isinstance(heard, Heard):
        back = replies.take(gateway.name, heard, now_ns)
        return Response(gateway.said(back.text, back.language), media_type="application/xml")  # type: ignore[attr-defined]
    for one in gateway.pressed(hook) if hasattr(gateway, "pressed") else ():
        replies.take(gateway.name, one, now_ns)
    receipts = gateway.receipts(hook) if hasattr(gateway, "receipts") else ()
    with database.write() as session:
        for receipt in receipts:
            outbox.keep_receipt(session, gateway.name, receipt.provider_id, status=receipt.word, code=receipt.code, received_ns=now_ns)
    return Response(getattr(gateway, "received", ""), media_type="application/json")


def _about(site: Site, token: str) -> Answerable:
    """What a token answers.

    Raises
    ------
    NotFoundError
        Nothing, or nothing any more.
    """
    with site.database.read() as session:
        found = links.find(session, token, site.clock()) if _TOKEN.fullmatch(token) else None
        about = outbox.about(session, *found) if found else None
    if about is None:
        raise NotFoundError
    return about


def _page(site: Site, request: Request, about: Answerable, said: str = "") -> HTMLResponse:
    """The incident as whoever has the link is told of it: in their language, unless they choose the other one."""
    with site.database.read() as session:
        found = views.incident(session, about.community_id, about.incident_id)
        directory = site.estates.community(session, CommunityId(about.community_id)).directory
        told = views.tellings(session, about.community_id, [about.incident_id])[about.incident_id]
        person = directory.people.get(about.person)
        if found is None or person is None or not person.roles:
            raise NotFoundError
        who = site.somebody(session, found.community_id, person, is_strong=True)
        entries = timelines.read(session, found.community_id, found.id)
        sees_person = found.is_open and who.may_about(Action.SEE_PERSON, found)
        sees_pictures = who.may_about(Action.SEE_PERSON, found, DataPurpose.PICTURES)
    chosen = request.query_params.get("lang")
    words = words_in(Language(chosen) if chosen in set(Language) else person.language)
    scene = Scene(words=words, directory=directory, now_ns=site.clock())
    text = next((one.text for one in reversed(told) if one.to == person.id and one.text and one.channel is not Channel.VOICE), "")
    page = site.pages.get_template("answer.html.j2").render(
        words=words,
        style=_style()[0],
        card=card(found, told, scene),
        community=directory.name,
        me=person.name,
        said=said,
        text=text.replace(links.MARK, "…"),
        acts=list(_offered(_acts(found, person.id), words)),
        decision=_decision(found, told, scene, entries, with_pictures=sees_pictures) if sees_person else None,
        emergencies=emergencies(found, scene),
        people=[(scene.name(one.id), scene.relation(one.id), one.phone_e164) for one in worth_a_call(found, scene, person.id)]
        if found.is_open
        else [],
        language_links=language_links(request),
    )
    return HTMLResponse(page)


def _acts(incident: Incident | None, person: PersonId) -> tuple[Do, ...]:
    """What somebody can say of an incident, what is likeliest first."""
    if incident is None or not incident.is_open:
        return ()
    if incident.arrived_by == person and incident.state is IncidentState.ON_SCENE:
        return (Do.RESOLVE, Do.FALSE_ALARM)
    if incident.acknowledged_by == person:
        return (Do.ON_SCENE, Do.FALSE_ALARM, Do.DECLINE)
    return (Do.ACKNOWLEDGE, Do.ON_SCENE, Do.FALSE_ALARM, Do.DECLINE)


def _offered(acts: Iterable[Do], words: Words) -> Iterator[tuple[str, str]]:
    """What can be said, as a button says it: who goes may say how soon."""
    for do in acts:
        yield do, words.do[do]
        if do is Do.ACKNOWLEDGE:
            yield f"{do}/{SOON_MIN}", words.clause_gap.join((words.do[do], words.arrive_in.format(n=SOON_MIN)))


def _decision(
    incident: Incident, told: Iterable[Telling], scene: Scene, entries: Sequence[tuple[int, Entry]], *, with_pictures: bool
) -> Decision | None:
    """Why the newest event was thought to have happened, as far as something is known."""
    moments = timeline(incident, told, scene, entries, with_decisions=True)
    shown = moments if with_pictures else [without_pictures(one) for one in moments]
    return next((one.decision for one in reversed(shown) if one.decision), None)


def _bare(site: Site, request: Request, heading: str, more: str, status: int) -> HTMLResponse:
    words = words_for(request)
    page = site.pages.get_template("answer.html.j2").render(
        words=words,
        style=_style()[0],
        card=None,
        heading=heading,
        more=more,
        language_links=language_links(request),
    )
    return HTMLResponse(page, status)


@cache
def _style() -> tuple[str, str]:
    """The style of these pages, and its digest for the browser."""
    style = "".join(one.read_text(encoding="utf-8") for one in _STYLES)
    return style, b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _headers() -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_style()[1]}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow",
    }
