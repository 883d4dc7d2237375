"""A server that speaks a provider's HTTP, and misbehaves as told: what all such servers have in common."""

import random
import socket
import ssl
import struct
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import httpx
import structlog

from notifier.carrier.later import Later

MOST_ASKED = 20_000
"""Requests that are remembered."""
HOOK_S = 15.0
"""So long a provider waits for the answer when it calls somebody."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error, and take nothing."""

    status: int
    code: int | str
    message: str = "refused"


class AcceptAndStaySilent:
    """Take it, and never answer: the other side runs into its time-out."""


class AcceptAndReset:
    """Take it, and break the connection instead of answering."""


class AcceptAndBabble:
    """Take it, and answer something that is not what it should be."""


class StaySilent:
    """Take nothing, and never answer."""


Trouble = Refuse | AcceptAndStaySilent | AcceptAndReset | AcceptAndBabble | StaySilent


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What came."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What goes back."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(slots=True, kw_only=True)
class Weather:
    """How a provider fares in general; what is told of single requests comes first.

    Attributes
    ----------
    share : float
        Of the requests that make something, so many meet one of `troubles`, by chance.
    answer_s : float
        It takes so long to answer.
    late_s : float
        Each call of its to us comes up to so much later than it should, so that they overtake each other.
    twice, lost : float
        Of its calls to us, so many come twice, and never.
    """

    share: float = 0.0
    troubles: tuple[Trouble, ...] = ()
    answer_s: float = 0.0
    late_s: float = 0.0
    twice: float = 0.0
    lost: float = 0.0


class FakeProvider:
    """A server on loopback, for as long as it is entered.

    Parameters
    ----------
    tls
        Its certificate and key; without it it speaks HTTP.
    port
        Where it listens; 0 is any free port.

    Attributes
    ----------
    creates, questions
        What to do with the next requests that make something, and with the next questions; empty is good behaviour.
    weather
        What becomes of all the others.
    asked
        What came, oldest first.
    count
        How often something was to be made.
    later
        What it does by and by; there while it is entered.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.weather = Weather()
        self.chance = random.Random()  # noqa: S311  who is unlucky
        self.later: Later
        self.creates: deque[Trouble] = deque()
        self.questions: deque[Trouble] = deque()
        self.asked: list[Request] = []
        self.count = 0
        self.closing = threading.Event()
        self.turn = threading.Lock()
        fake = self

        class Handler(_Handler):
            provider = fake

        self._server = _Server(("127.0.0.1", port), Handler)
        self._scheme = "https" if tls else "http"
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def host(self) -> str:
        """Where it listens."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        """Its address."""
        return f"{self._scheme}://{self.host}"

    def __enter__(self) -> Self:
        self.later = Later()
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it, now or again."""
        self.closing.set()
        self.later.close()
        self._server.shutdown()
        self._thread.join()
        self.hang_up()
        self._server.server_close()

    @property
    def connections(self) -> int:
        """How often somebody has connected."""
        return self._server.met

    def hang_up(self) -> None:
        """Close every connection, as servers do with one that is kept for long."""
        self._server.hang_up()

    def unwelcome(self, request: Request) -> Reply | None:
        """Why a request is turned away before anything else, such as a wrong signature."""
        raise NotImplementedError

    def is_question(self, request: Request) -> bool:
        """Whether it makes nothing."""
        raise NotImplementedError

    def accept(self, request: Request) -> Reply:
        """Take it, and say so."""
        raise NotImplementedError

    def answer(self, request: Request) -> Reply:
        """Answer a question."""
        raise NotImplementedError

    def refusal(self, refused: Refuse) -> Reply:
        """A refusal in this provider's words."""
        raise NotImplementedError

    def trouble(self, request: Request) -> Trouble | None:
        """What goes wrong with a request; None if nothing does."""
        is_question = self.is_question(request)
        with self.turn:
            del self.asked[:-MOST_ASKED]
            self.count += not is_question
            waiting = self.questions if is_question else self.creates
            if waiting:
                return waiting.popleft()
            is_unlucky = not is_question and self.weather.troubles and self.chance.random() < self.weather.share
            return self.chance.choice(self.weather.troubles) if is_unlucky else None

    def calls_back(self, make: Callable[[], tuple[str, bytes, dict[str, str]]]) -> None:
        """Call us: `make` gives the address, the body and the headers. As the weather is: late, twice, or never; answered or not."""
        with self.turn:
            times = 0 if self.chance.random() < self.weather.lost else 2 if self.chance.random() < self.weather.twice else 1
            waits_s = [self.chance.uniform(0, self.weather.late_s) for _ in range(times)]
        for wait_s in waits_s:
            self.later.do(wait_s, lambda: self._call_back(*make()))

    def _call_back(self, url: str, body: bytes, headers: dict[str, str]) -> None:
        if self.closing.is_set():
            return
        try:
            posted(url, body, headers)
        except OSError as error:
            _log.warning("carrier.nobody_there", reason=str(error))


def posted(url: str, body: bytes, headers: dict[str, str], method: str = "POST") -> str:
    """What somebody answers who is called.

    Raises
    ------
    OSError
        Nobody is there, or they answer that it went wrong.
    """
    try:
        answer = _client().request(method, url, content=body, headers=headers)
    except httpx.HTTPError as error:
        raise OSError(f"nobody answers: {type(error).__name__}") from error
    if answer.is_error:
        raise OSError(f"answered {answer.status_code}")
    return answer.text


@cache
def _client() -> httpx.Client:
    """One for all: to make one takes tens of milliseconds."""
    return httpx.Client(timeout=HOOK_S, trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    request_queue_size = 512

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.met = 0
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  its own
        """Remember who is connected."""
        self.met += 1
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:  # noqa: ANN401  its own
        """Forget them."""
        self._open.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """Close every connection."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: object, client_address: object) -> None:
        """Whoever is killed while we answer is no error of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes

    def do_POST(self) -> None:
        """Take it, or go wrong as told."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # who asked was killed meanwhile
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method=self.command, target=self.path, headers=headers, body=body)
        self.provider.asked.append(request)
        unwelcome = self.provider.unwelcome(request)
        if unwelcome is not None:
            self._reply(unwelcome)
            return
        if self.provider.weather.answer_s:
            time.sleep(self.provider.weather.answer_s)
        trouble = self.provider.trouble(request)
        is_question = self.provider.is_question(request)
        match trouble:
            case None:
                self._reply(self.provider.answer(request) if is_question else self.provider.accept(request))
            case Refuse() as refused:
                self._reply(self.provider.refusal(refused))
            case StaySilent():
                self._stay_silent()
            case _:
                if not is_question:
                    self.provider.accept(request)
                self._go_wrong(trouble)

    def do_GET(self) -> None:
        """Like any other."""
        self.do_POST()

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _go_wrong(self, trouble: Trouble) -> None:
        match trouble:
            case AcceptAndReset():
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                self.connection.close()
                self.close_connection = True
            case AcceptAndBabble():
                self._reply(Reply(body=b"<html>"))
            case _:
                self._stay_silent()

    def _reply(self, reply: Reply) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _stay_silent(self) -> None:
        """Until the other side has given up."""
        self.connection.settimeout(0.05)
        while not self.provider.closing.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True
