"""The pages as a service: server-rendered, live by server-sent events, on this machine only until there is a sign-in."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import structlog
import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from notifier.carrier.door import Door
from store.model import InputError, StoreBusyError
from store.session import Database
from web.api import acts, additions, console, events, homes, incidents, phones, silences
from web.guard import LOOPBACK, Guard
from web.site import NoCommunityError, NotFoundError, Site, words_for

GRACE_S = 3
"""How long an answer that is on its way may take when the service ends."""
_log = structlog.get_logger(__name__)


def create_app(database: Database, *, clock: Callable[[], int] = time.time_ns, carrier: Door | None = None) -> FastAPI:
    """The pages of a database.

    Parameters
    ----------
    database
        Up to date.
    clock
        Now, in ns.
    carrier
        The fake carrier whose phones visitors may use.
    """
    site = Site(database, clock, carrier)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await site.live.close()

    app = FastAPI(title="Anju", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.site = site
    for routes in (console, incidents, phones, homes, acts, silences, additions, events):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "static"), name="static")
    app.add_middleware(Guard)

    @app.exception_handler(404)
    @app.exception_handler(NotFoundError)
    def not_found(request: Request, _error: Exception) -> HTMLResponse:
        words = words_for(request)
        return site.bare(request, words.not_found, words.not_found_more, 404)

    @app.exception_handler(NoCommunityError)
    def no_community(request: Request, _error: Exception) -> HTMLResponse:
        words = words_for(request)
        return site.bare(request, words.no_community, words.no_community_more, 200, code="anju import COMMUNITY.yaml")

    @app.exception_handler(StoreBusyError)
    def busy(request: Request, _error: Exception) -> HTMLResponse:
        words = words_for(request)
        return site.bare(request, words.busy, words.busy_more, 503)

    return app


async def serve(database: Database, host: str, port: int, stop: asyncio.Event, carrier: Door | None = None) -> None:
    """Show the pages until told to stop.

    Raises
    ------
    InputError
        The host is reachable by others.
    OSError
        Somebody else listens there.
    """
    with listen(host, port) as listening:
        await serve_on(create_app(database, carrier=carrier), listening, stop)


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
    await app.state.site.live.close()  # or the open pages would keep it waiting
    server.should_exit = True
    await serving


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, on loopback only; port 0 is any free one.

    Raises
    ------
    InputError
        The host is reachable by others.
    OSError
        Somebody else listens there.
    """
    if host not in LOOPBACK:
        raise InputError(
            "settings", "http", f"{host} can be reached by others, wanted 127.0.0.1, ::1 or localhost until there is a sign-in"
        )
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
