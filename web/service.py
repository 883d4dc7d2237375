"""The pages as a service: server-rendered, live by server-sent events, for whoever is signed in."""

import asyncio
import functools
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from devices.log import Log
from notifier.carrier.door import Door
from notifier.routing import Routes
from notifier.spending import Spending
from store.model import InputError, StoreBusyError
from store.session import Database
from store.settings import TilesSettings
from web.api import (
    acts,
    additions,
    addresses,
    administration,
    calibration,
    chain_checks,
    choices,
    communities,
    console,
    desk,
    drills,
    events,
    family,
    fences,
    glances,
    homes,
    incidents,
    own,
    phones,
    plans,
    policies,
    reachability,
    reports,
    rules,
    schedules,
    sign_in,
    silences,
    stories,
    visitors,
)
from web.api.model import Problem
from web.api.problems import ProblemError
from web.client import Client
from web.gate import admit
from web.guard import LOOPBACK, Guard
from web.lookout import Lookout
from web.onboarding import Onboarding
from web.site import FrontDoor, NoCommunityError, NotFoundError, Site, words_for
from web.who import NotAllowedError, NotSignedInError
from web.words import Notice, SignIn

GRACE_S = 3
"""How long an answer that is on its way may take when the service ends."""
_log = structlog.get_logger(__name__)


def create_app(
    database: Database,
    door: FrontDoor,
    *,
    clock: Callable[[], int] = time.time_ns,
    carrier: Door | None = None,
    host: str = "",
    open_log: Callable[[], Awaitable[Log]] | None = None,
    spending: Spending | None = None,
    onboarding: Onboarding | None = None,
    routes: Routes | None = None,
    tiles: TilesSettings | None = None,
) -> FastAPI:
    """The pages of a database.

    Parameters
    ----------
    database
        Up to date.
    clock
        Now, in ns.
    door
        How people sign in.
    carrier
        The fake carrier whose phones visitors may use.
    host
        By which name browsers reach us, besides those of this machine.
    open_log
        Connects to the log, for whoever looks at what radars see, or back; without it they see nothing.
    spending
        What communities may spend.
    onboarding
        Lets devices in.
    routes
        By which messages leave.
    tiles
        Pictures below the map.
    """
    site = Site(
        database,
        clock,
        carrier=carrier,
        door=door,
        lookout=Lookout(open_log),
        spending=spending,
        open_log=open_log,
        onboarding=onboarding,
        routes=routes,
        tiles=tiles,
    )

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await site.close()

    app = FastAPI(
        title="Anju",
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/openapi.json",
        lifespan=lifespan,
        routes=[*_included().routes],
        dependencies=[Depends(admit)],  # of what is added to it
    )
    app.state.site = site
    app.mount("/app", Client(pictures=tiles.origin if tiles else ""), name="app")
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_middleware(GZipMiddleware, minimum_size=1000)  # events are left alone
    app.add_middleware(Guard, host=host)

    _answer_errors(app, site)
    return app


@functools.cache
def _included() -> APIRouter:
    """Every route of ours, behind the gate. FastAPI works them out at the first request, which takes longer than most answers: once."""
    gated = APIRouter(dependencies=[Depends(admit)])
    for routes in (sign_in, console, incidents, phones, homes, reachability, acts, silences, additions):
        gated.include_router(routes.router, include_in_schema=False)
    problems: dict[int | str, dict[str, Any]] = {status: {"model": Problem} for status in (401, 403, 404, 409, 422, 503)}
    for routes in (
        own,
        addresses,
        family,
        choices,
        glances,
        plans,
        calibration,
        schedules,
        visitors,
        fences,
        rules,
        chain_checks,
        stories,
        desk,
        events,
    ):
        gated.include_router(routes.router, responses=problems)
    for routes in (reports, drills, policies, communities, administration):
        gated.include_router(routes.router, responses=problems)
    return gated


def _answer_errors(app: FastAPI, site: Site) -> None:
    """Every error as a page, or for the API as a problem with its code."""

    def said(request: Request, status: int, code: str, heading: str, more: str) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse(Problem(code=code, words=heading).model_dump(), status)
        return site.bare(request, heading, more, status)

    @app.exception_handler(404)
    @app.exception_handler(NotFoundError)
    def not_found(request: Request, _error: Exception) -> Response:
        words = words_for(request)
        return said(request, 404, "not_found", words.not_found, words.not_found_more)

    @app.exception_handler(NotSignedInError)
    def not_signed_in(request: Request, _error: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return JSONResponse(Problem(code="not_signed_in", words=words_for(request).sign_in[SignIn.PHONE]).model_dump(), 401)
        back = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        return RedirectResponse(f"/sign-in?{urlencode({'next': back})}" if request.method == "GET" and back != "/" else "/sign-in", 303)

    @app.exception_handler(NotAllowedError)
    def not_allowed(request: Request, _error: Exception) -> Response:
        words = words_for(request)
        return said(request, 403, "not_allowed", words.not_allowed, words.not_allowed_more)

    @app.exception_handler(NoCommunityError)
    def no_community(request: Request, _error: Exception) -> HTMLResponse:
        words = words_for(request)
        return site.bare(request, words.no_community, words.no_community_more, 200, code="anju import COMMUNITY.yaml")

    @app.exception_handler(ProblemError)
    def refused(request: Request, error: ProblemError) -> Response:
        words = error.words or words_for(request).notices[error.notice]
        return JSONResponse(Problem(code=error.notice, words=words).model_dump(), error.status)

    @app.exception_handler(RequestValidationError)
    def wrong(request: Request, _error: Exception) -> Response:
        return JSONResponse(Problem(code="refused", words=words_for(request).notices[Notice.REFUSED]).model_dump(), 422)

    @app.exception_handler(StoreBusyError)
    def busy(request: Request, _error: Exception) -> Response:
        words = words_for(request)
        return said(request, 503, "busy", words.busy, words.busy_more)


async def serve_on(app: FastAPI, listening: socket.socket, stop: asyncio.Event) -> None:
    """Show the pages (see `create_app`) at a socket that listens, until told to stop."""
    config = uvicorn.Config(app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S)
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="web-serve")
    stopping = asyncio.create_task(stop.wait(), name="web-stop")
    host, port = listening.getsockname()[:2]
    _log.info("web.listening", address=f"http://{f'[{host}]' if ':' in host else host}:{port}")
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await app.state.site.close()  # or the open pages would keep it waiting
    server.should_exit = True
    await serving


def listen(host: str, port: int, *, is_https: bool = False) -> socket.socket:
    """A socket that listens for browsers; port 0 is any free one.

    Parameters
    ----------
    is_https
        What stands before us speaks https: without, everybody on the way could read who signs in, so it is loopback only.

    Raises
    ------
    InputError
        The host is reachable by others.
    OSError
        Somebody else listens there.
    """
    if host not in LOOPBACK and not is_https:
        raise InputError("settings", "http", f"{host} can be reached by others, wanted 127.0.0.1, ::1 or localhost, or an app_url of https")
    return bound(host, port, "http in anju.toml; --port of the demo")


def bound(host: str, port: int, setting: str) -> socket.socket:
    """A socket that listens wherever it is told to; `setting` is where that can be changed.

    Raises
    ------
    OSError
        Somebody else listens there, or there is no such address.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1" if host == "localhost" else host, port))
        listening.listen(128)
    except OSError as error:
        listening.close()
        raise OSError(f"cannot listen on {host} port {port}: {error.strerror}; choose another one ({setting})") from error
    return listening


class _Server(uvicorn.Server):
    """Leaves signals to the process that it runs in."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
