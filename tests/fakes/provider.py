"""A server that speaks a provider's HTTP, and misbehaves as told: what all such servers have in common."""

import socket
import struct
import threading
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


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


class FakeProvider:
    """A server on a free port of loopback, for as long as it is entered.

    Attributes
    ----------
    creates, questions
        What to do with the next requests that make something, and with the next questions; empty is good behaviour.
    asked
        What came, oldest first.
    """

    def __init__(self) -> None:
        self.creates: deque[Trouble] = deque()
        self.questions: deque[Trouble] = deque()
        self.asked: list[Request] = []
        self.closing = threading.Event()
        self.turn = threading.Lock()
        fake = self

        class Handler(_Handler):
            provider = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

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
        with self.turn:
            waiting = self.questions if self.is_question(request) else self.creates
            return waiting.popleft() if waiting else None


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(method=self.command, target=self.path, headers=headers, body=body)
        self.provider.asked.append(request)
        unwelcome = self.provider.unwelcome(request)
        if unwelcome is not None:
            self._reply(unwelcome)
            return
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
