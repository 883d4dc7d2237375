"""A server that speaks Twilio's HTTP for Messages, and misbehaves as told."""

import base64
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

SID, TOKEN, SENDER = "AC" + "0" * 32, "a-token-that-must-not-be-logged", "+15005550006"


@dataclass(kw_only=True)
class Message:
    """One message as Twilio has it. `statuses` are what it says of it next, one a question; the last one stays."""

    sid: str
    to: str
    body: str
    sender: str
    created_s: float
    statuses: deque[tuple[str, int | None]] = field(default_factory=lambda: deque([("queued", None)]))
    direction: str = "outbound-api"

    def next_status(self) -> tuple[str, int | None]:
        return self.statuses.popleft() if len(self.statuses) > 1 else self.statuses[0]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an error, and take nothing."""

    status: int
    code: int
    message: str = "refused"


class AcceptAndStaySilent:
    """Take it, and never answer: the other side runs into its time-out."""


class AcceptAndReset:
    """Take it, and break the connection instead of answering."""


class AcceptAndBabble:
    """Take it, and answer something that is no JSON."""


class StaySilent:
    """Take nothing, and never answer."""


Trouble = Refuse | AcceptAndStaySilent | AcceptAndReset | AcceptAndBabble | StaySilent


class FakeTwilio:
    """A server on a free port of loopback, for as long as it is entered.

    Attributes
    ----------
    messages
        Everything that was taken, oldest first.
    creates, questions
        What to do with the next requests to make a message, and with the next questions; empty is good behaviour.
    fates
        By number: what the status of messages to it will be, one after another.
    clock
        Its wall clock, s since the epoch.
    hidden
        Sids that its list does not show yet.
    """

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self.messages: list[Message] = []
        self.creates: deque[Trouble] = deque()
        self.questions: deque[Trouble] = deque()
        self.fates: dict[str, list[tuple[str, int | None]]] = {}
        self.clock = clock
        self.hidden: set[str] = set()
        self.asked: list[str] = []
        self._numbers = count(1)
        self._turn = threading.Lock()
        self.closing = threading.Event()
        fake = self

        class Handler(_Handler):
            twilio = fake

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """What a gateway is to be told."""
        return {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": SENDER, "TWILIO_BASE_URL": self.url}

    @property
    def bodies(self) -> list[tuple[str, str]]:
        return [(one.to, one.body) for one in self.messages]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def take(self, to: str, body: str, sender: str) -> Message:
        """Make a message, as if it had been asked for."""
        with self._turn:
            made = Message(sid=f"SM{next(self._numbers):032x}", to=to, body=body, sender=sender, created_s=self.clock())
            if to in self.fates:
                made.statuses = deque(self.fates[to])
            self.messages.append(made)
            return made

    def listed(self, to: str | None) -> list[Message]:
        return [one for one in reversed(self.messages) if (to is None or one.to == to) and one.sid not in self.hidden]

    def trouble(self, waiting: deque[Trouble]) -> Trouble | None:
        with self._turn:
            return waiting.popleft() if waiting else None


class _Handler(BaseHTTPRequestHandler):
    twilio: FakeTwilio
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
        if not self._is_welcome():
            return
        match self.twilio.trouble(self.twilio.creates):
            case None:
                self._answer(201, _shown(self._take(said), "queued", None))
            case Refuse() as refused:
                self._refuse(refused)
            case AcceptAndStaySilent():
                self._take(said)
                self._stay_silent()
            case AcceptAndReset():
                self._take(said)
                self._reset()
            case AcceptAndBabble():
                self._take(said)
                self._answer_bytes(201, b"<html>")
            case StaySilent():
                self._stay_silent()

    def do_GET(self) -> None:
        if not self._is_welcome():
            return
        match self.twilio.trouble(self.twilio.questions):
            case Refuse() as refused:
                self._refuse(refused)
                return
            case None:
                pass
            case _:
                self._stay_silent()
                return
        asked = urlsplit(self.path)
        name = asked.path.rpartition("/")[2].removesuffix(".json")
        if name == "Messages":
            self._list(parse_qs(asked.query))
            return
        found = next((one for one in self.twilio.messages if one.sid == name), None)
        if found is None:
            self._refuse(Refuse(404, 20404, "The requested resource was not found"))
        else:
            self._answer(200, _shown(found, *found.next_status()))

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _is_welcome(self) -> bool:
        self.twilio.asked.append(f"{self.command} {self.path}")
        wanted = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if self.headers["Authorization"] == wanted and self.path.startswith(f"/2010-04-01/Accounts/{SID}/Messages"):
            return True
        self._refuse(Refuse(401, 20003, "Authenticate"))
        return False

    def _take(self, said: dict[str, list[str]]) -> Message:
        sender = (said.get("From") or said["MessagingServiceSid"])[0]
        return self.twilio.take(said["To"][0], said["Body"][0], sender)

    def _list(self, query: dict[str, list[str]]) -> None:
        """A page, newest first; the next one is named by its number."""
        found = self.twilio.listed(query.get("To", [None])[0])
        size, page = int(query.get("PageSize", ["50"])[0]), int(query.get("Page", ["0"])[0])
        shown = [_shown(one, *one.statuses[0]) for one in found[page * size : (page + 1) * size]]
        path = urlsplit(self.path).path
        more = f"{path}?PageSize={size}&Page={page + 1}" + "".join(f"&To={to.replace('+', '%2B')}" for to in query.get("To", []))
        is_last = (page + 1) * size >= len(found)
        self._answer(
            200, {"messages": shown, "page": page, "page_size": size, "next_page_uri": None if is_last else more, "uri": self.path}
        )

    def _refuse(self, refused: Refuse) -> None:
        more = f"https://www.twilio.com/docs/errors/{refused.code}"
        self._answer(refused.status, {"code": refused.code, "message": refused.message, "more_info": more, "status": refused.status})

    def _answer(self, status: int, said: dict[str, Any]) -> None:
        self._answer_bytes(status, json.dumps(said).encode())

    def _answer_bytes(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stay_silent(self) -> None:
        """Until the other side has given up."""
        self.connection.settimeout(0.05)
        while not self.twilio.closing.is_set():
            try:
                if not self.connection.recv(1):
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        self.close_connection = True

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True


def _shown(message: Message, status: str, code: int | None) -> dict[str, Any]:
    is_sent = status not in {"queued", "accepted", "scheduled", "sending"}
    return {
        "sid": message.sid,
        "account_sid": SID,
        "to": message.to,
        "from": message.sender,
        "body": message.body,
        "status": status,
        "direction": message.direction,
        "date_created": formatdate(message.created_s),
        "date_updated": formatdate(message.created_s),
        "date_sent": formatdate(message.created_s) if is_sent else None,
        "error_code": code,
        "error_message": None,
        "num_segments": "1",
        "num_media": "0",
        "price": None,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "messaging_service_sid": None,
        "uri": f"/2010-04-01/Accounts/{SID}/Messages/{message.sid}.json",
        "subresource_uris": {},
    }
