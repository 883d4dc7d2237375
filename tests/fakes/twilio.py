"""A server that speaks Twilio's HTTP for Messages and Calls, and misbehaves as told."""

import base64
import json
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fakes.provider import (
    AcceptAndBabble,
    AcceptAndReset,
    AcceptAndStaySilent,
    FakeProvider,
    Refuse,
    Reply,
    Request,
    StaySilent,
    Trouble,
)
from twilio.request_validator import RequestValidator

__all__ = ["AcceptAndBabble", "AcceptAndReset", "AcceptAndStaySilent", "FakeTwilio", "Refuse", "StaySilent", "Trouble"]

SID, TOKEN, SENDER = "AC" + "0" * 32, "a-token-that-must-not-be-logged", "+15005550006"
_WAITING = {"queued", "accepted", "scheduled", "sending"}


@dataclass(kw_only=True)
class Message:
    """One message, or call, as Twilio has it. `statuses` are what it says of it next, one a question; the last one stays."""

    sid: str
    to: str
    body: str
    sender: str
    created_s: float
    statuses: deque[tuple[str, int | None]] = field(default_factory=lambda: deque([("queued", None)]))
    direction: str = "outbound-api"
    duration_s: int | None = None
    answered_by: str | None = None
    asked: dict[str, str] = field(default_factory=dict)

    def next_status(self) -> tuple[str, int | None]:
        return self.statuses.popleft() if len(self.statuses) > 1 else self.statuses[0]


class FakeTwilio(FakeProvider):
    """Twilio, on loopback.

    Attributes
    ----------
    messages, calls
        Everything that was taken, oldest first. The body of a call is its TwiML.
    fates
        By number: what the status of messages and calls to it will be, one after another.
    clock
        Its wall clock, s since the epoch.
    hidden
        Sids that its list does not show yet.
    """

    def __init__(self, clock: Callable[[], float] = time.time, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(tls)
        self.messages: list[Message] = []
        self.calls: list[Message] = []
        self.fates: dict[str, list[tuple[str, int | None]]] = {}
        self.clock = clock
        self.hidden: set[str] = set()
        self._numbers = count(1)

    @property
    def environment(self) -> dict[str, str]:
        """What a gateway is to be told."""
        return {
            "TWILIO_ACCOUNT_SID": SID,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM": SENDER,
            "TWILIO_BASE_URL": self.url,
            "TWILIO_PER_S": "1000",
        }

    @property
    def bodies(self) -> list[tuple[str, str]]:
        return [(one.to, one.body) for one in self.messages]

    def take(self, to: str, body: str, sender: str, kind: str = "Messages", asked: dict[str, str] | None = None) -> Message:
        """Make a message or call, as if it had been asked for."""
        with self.turn:
            prefix = "SM" if kind == "Messages" else "CA"
            sid = f"{prefix}{next(self._numbers):032x}"
            made = Message(sid=sid, to=to, body=body, sender=sender, created_s=self.clock(), asked=asked or {})
            if to in self.fates:
                made.statuses = deque(self.fates[to])
            (self.messages if kind == "Messages" else self.calls).append(made)
            return made

    def signature(self, url: str, fields: dict[str, str]) -> str:
        """What Twilio sends as X-Twilio-Signature with a callback."""
        return RequestValidator(TOKEN).compute_signature(url, fields)

    def unwelcome(self, request: Request) -> Reply | None:
        wanted = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") == wanted and request.target.startswith(f"/2010-04-01/Accounts/{SID}/"):
            return None
        return self.refusal(Refuse(401, 20003, "Authenticate"))

    def is_question(self, request: Request) -> bool:
        return request.method == "GET"

    def accept(self, request: Request) -> Reply:
        said = {key: values[0] for key, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        kind, _ = _place(request)
        sender = said.get("From") or said["MessagingServiceSid"]
        made = self.take(said["To"], said["Body" if kind == "Messages" else "Twiml"], sender, kind, said)
        return _json(201, _shown(made, "queued", None))

    def answer(self, request: Request) -> Reply:
        kind, sid = _place(request)
        kept = self.messages if kind == "Messages" else self.calls
        if sid is None:
            return self._list(kind, kept, request)
        found = next((one for one in kept if one.sid == sid), None)
        if found is None:
            return self.refusal(Refuse(404, 20404, "The requested resource was not found"))
        return _json(200, _shown(found, *found.next_status()))

    def refusal(self, refused: Refuse) -> Reply:
        more = f"https://www.twilio.com/docs/errors/{refused.code}"
        said = {"code": refused.code, "message": refused.message, "more_info": more, "status": refused.status}
        return _json(refused.status, said)

    def _list(self, kind: str, kept: list[Message], request: Request) -> Reply:
        """A page, newest first; the next one is named by its number."""
        asked = urlsplit(request.target)
        query = {key: values[0] for key, values in parse_qs(asked.query).items()}
        found = [
            one
            for one in reversed(kept)
            if query.get("To") in {None, one.to} and query.get("From") in {None, one.sender} and one.sid not in self.hidden
        ]
        size, page = int(query.get("PageSize", "50")), int(query.get("Page", "0"))
        shown = [_shown(one, *one.statuses[0]) for one in found[page * size : (page + 1) * size]]
        kept_on = "".join(f"&{key}={query[key].replace('+', '%2B')}" for key in ("To", "From") if key in query)
        more = f"{asked.path}?PageSize={size}&Page={page + 1}{kept_on}"
        is_last = (page + 1) * size >= len(found)
        key = kind.lower()
        return _json(200, {key: shown, "page": page, "page_size": size, "next_page_uri": None if is_last else more, "uri": request.target})


def _place(request: Request) -> tuple[str, str | None]:
    """Messages or Calls, and the sid of one of them."""
    parts = urlsplit(request.target).path.removesuffix(".json").split("/")[4:]
    return parts[0], parts[1] if len(parts) > 1 else None


def _json(status: int, said: dict[str, Any]) -> Reply:
    return Reply(status=status, body=json.dumps(said).encode())


def _shown(message: Message, status: str, code: int | None) -> dict[str, Any]:
    kind = "Messages" if message.sid.startswith("SM") else "Calls"
    is_over = status in {"completed", "busy", "failed", "no-answer", "canceled"}
    return {
        "sid": message.sid,
        "account_sid": SID,
        "to": message.to,
        "from": message.sender,
        "status": status,
        "direction": message.direction,
        "date_created": formatdate(message.created_s),
        "date_updated": formatdate(message.created_s),
        "price": None,
        "price_unit": "USD",
        "api_version": "2010-04-01",
        "uri": f"/2010-04-01/Accounts/{SID}/{kind}/{message.sid}.json",
        **(
            {
                "body": message.body,
                "date_sent": None if status in _WAITING else formatdate(message.created_s),
                "error_code": code,
                "error_message": None,
                "num_segments": "1",
                "num_media": "0",
                "messaging_service_sid": None,
                "subresource_uris": {},
            }
            if kind == "Messages"
            else {
                "duration": str(message.duration_s) if is_over and message.duration_s is not None else None,
                "answered_by": message.answered_by,
                "start_time": None,
                "end_time": None,
            }
        ),
    }
