"""A server that speaks Twilio's HTTP for Messages and Calls, the phones behind it, and the callbacks that it makes."""

import base64
import json
import re
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import count
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from notifier.carrier import twiml
from notifier.carrier.phones import Condition, End, Line, Phone, Phones, What
from notifier.carrier.provider import FakeProvider, Refuse, Reply, Request, posted
from notifier.carrier.twiml import Document, TwimlError

SID, TOKEN, SENDER = "AC" + "0" * 32, "a-token-that-must-not-be-logged", "+15005550006"
INVALID, OPTED_OUT = 21211, 21610
"""Codes with which a message is refused: the number is none; its owner has replied STOP."""
SWITCHED_OFF = 30003
QUEUED_S, SENT_S, DELIVERED_S = 0.1, 0.2, 0.4
"""So long a message waits, is on its way to the carrier, and then to the phone."""
RING_S = 60
_NUMBER = re.compile(r"\+[1-9]\d{6,14}")
_STOP = frozenset({"stop", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "optout"})
_START = frozenset({"start", "unstop", "yes"})
"""What Twilio itself takes for it: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out."""
_STATUS = {
    End.COMPLETED: "completed",
    End.MACHINE: "completed",
    End.OFF: "no-answer",
    End.UNREACHABLE: "failed",
    End.BUSY: "busy",
    End.DECLINED: "busy",
    End.NO_ANSWER: "no-answer",
    End.FAILED: "failed",
}
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
    wrong: list[str] = field(default_factory=list)
    """What was wrong with the documents of a call."""

    def next_status(self) -> tuple[str, int | None]:
        """What it says of it now."""
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
    phones
        Where messages and calls arrive; None: they stay queued, unless their number has a fate.
    inbound_url
        What its number has as webhook for incoming messages; "" is none.
    opted_out
        Numbers that have replied STOP.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
        *,
        port: int = 0,
        phones: Phones | None = None,
        inbound_url: str = "",
    ) -> None:
        super().__init__(tls, port)
        self.phones = phones
        self.inbound_url = inbound_url
        self.opted_out: set[str] = set()
        self._by_sid: dict[str, Message] = {}
        if phones is not None:
            phones.lines[SENDER] = self._written
        self.messages: list[Message] = []
        self.calls: list[Message] = []
        self.fates: dict[str, list[tuple[str, int | None]]] = {}
        self.clock = clock
        self.hidden: set[str] = set()
        self._numbers = count(1)

    @property
    def environment(self) -> dict[str, str]:
        """What a gateway is to be told."""
        account = {"TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_FROM": SENDER}
        return account | {"TWILIO_BASE_URL": self.url, "TWILIO_PER_S": "1000"}

    @property
    def bodies(self) -> list[tuple[str, str]]:
        """Each message: to whom, and what."""
        return [(one.to, one.body) for one in self.messages]

    def take(self, to: str, body: str, sender: str, kind: str = "Messages", asked: dict[str, str] | None = None) -> Message:
        """Make a message or call, as if it had been asked for."""
        prefix = "SM" if kind == "Messages" else "CA"
        with self.turn:
            sid = f"{prefix}{next(self._numbers):032x}"
            made = Message(sid=sid, to=to, body=body, sender=sender, created_s=self.clock(), asked=asked or {})
            if to in self.fates:
                made.statuses = deque(self.fates[to])
            (self.messages if kind == "Messages" else self.calls).append(made)
            self._by_sid[sid] = made
        if self.phones is not None and to not in self.fates:
            self.later.do(QUEUED_S, lambda: self._leaves(made) if kind == "Messages" else self._rings(made))
        return made

    def signature(self, url: str, fields: dict[str, str]) -> str:
        """What Twilio sends as X-Twilio-Signature with a callback."""
        return str(RequestValidator(TOKEN).compute_signature(url, fields))

    def unwelcome(self, request: Request) -> Reply | None:
        """Whoever does not sign in as the account."""
        wanted = "Basic " + base64.b64encode(f"{SID}:{TOKEN}".encode()).decode()
        if request.headers.get("authorization") == wanted and request.target.startswith(f"/2010-04-01/Accounts/{SID}/"):
            return None
        return self.refusal(Refuse(401, 20003, "Authenticate"))

    def is_question(self, request: Request) -> bool:
        """GET makes nothing."""
        return request.method == "GET"

    def accept(self, request: Request) -> Reply:
        """Make a message or a call."""
        said = {key: values[0] for key, values in parse_qs(request.body.decode(), keep_blank_values=True).items()}
        kind, _ = _place(request)
        sender = said.get("From") or said["MessagingServiceSid"]
        if self.phones is not None and not _NUMBER.fullmatch(said["To"]):
            return self.refusal(Refuse(400, INVALID, "The number is not a valid phone number"))
        if kind == "Messages" and said["To"] in self.opted_out:
            return self.refusal(Refuse(400, OPTED_OUT, "Attempt to send to unsubscribed recipient"))
        made = self.take(said["To"], said["Body"] if kind == "Messages" else said.get("Twiml", ""), sender, kind, said)
        return _json(201, _shown(made, "queued", None))

    def answer(self, request: Request) -> Reply:
        """One, or a page of the list."""
        kind, sid = _place(request)
        kept = self.messages if kind == "Messages" else self.calls
        if sid is None:
            return self._list(kind, kept, request)
        found = self._by_sid.get(sid)
        if found is None:
            return self.refusal(Refuse(404, 20404, "The requested resource was not found"))
        return _json(200, _shown(found, *found.next_status()))

    def refusal(self, refused: Refuse) -> Reply:
        """As Twilio's errors look."""
        more = f"https://www.twilio.com/docs/errors/{refused.code}"
        said = {"code": refused.code, "message": refused.message, "more_info": more, "status": refused.status}
        return _json(refused.status, said)

    def _leaves(self, message: Message) -> None:
        """On its way to its phone."""
        self._becomes(message, "sent")
        self.later.do(SENT_S + DELIVERED_S, lambda: self._arrives(message))

    def _arrives(self, message: Message) -> None:
        """At its phone, as that phone is now."""
        phones = _known(self.phones)
        phone = phones.of(message.to)
        match phone.condition:
            case Condition.ON | Condition.MAILBOX:
                phones.note(phone, What.TEXT, message.sender, message.body)
                self._becomes(message, "delivered")
            case Condition.UNREACHABLE:
                phone.waiting.append(lambda: self._arrives(message))
            case Condition.OFF | Condition.FULL:
                self._becomes(message, "undelivered", SWITCHED_OFF)

    def _becomes(self, message: Message, status: str, code: int | None = None) -> None:
        message.statuses = deque([(status, code)])
        more = {"ErrorCode": str(code)} if code else {}
        fields = {"MessageSid": message.sid, "SmsSid": message.sid, "MessageStatus": status, "SmsStatus": status}
        self._says(message, fields | more)

    def _says(self, about: Message, fields: dict[str, str]) -> None:
        """A status callback, where one was asked for."""
        if not (url := about.asked.get("StatusCallback")):
            return
        fields = fields | {"AccountSid": SID, "ApiVersion": "2010-04-01", "To": about.to, "From": about.sender}
        self.calls_back(lambda: (url, urlencode(fields).encode(), self._headers(url, fields)))

    def _headers(self, url: str, fields: dict[str, str]) -> dict[str, str]:
        return {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": self.signature(url, fields)}

    def _written(self, phone: Phone, text: str) -> bool:
        """Somebody writes to our number; whether anybody took it."""
        phones = _known(self.phones)
        word = "".join(char for char in text.casefold() if char.isalnum())
        if word in _STOP:
            self.opted_out.add(phone.e164)
        elif word in _START:
            self.opted_out.discard(phone.e164)
        if not self.inbound_url:
            return False
        sid = f"SM{next(self._numbers):032x}"
        fields = {
            "MessageSid": sid,
            "SmsSid": sid,
            "SmsMessageSid": sid,
            "SmsStatus": "received",
            "AccountSid": SID,
            "ApiVersion": "2010-04-01",
            "From": phone.e164,
            "To": SENDER,
            "Body": text,
            "NumMedia": "0",
            "NumSegments": "1",
        }
        try:
            xml = posted(self.inbound_url, urlencode(fields).encode(), self._headers(self.inbound_url, fields))
            back = twiml.messages(xml)
        except (OSError, TwimlError):
            return False
        if phone.e164 not in self.opted_out:
            for one in back:
                phones.note(phone, What.TEXT, SENDER, one)
        return True

    def _rings(self, call: Message) -> None:
        """A call, from its first ring to its end."""
        line = Line(_known(self.phones), call.to, call.sid, call.sender)
        call.statuses = deque([("ringing", None)])
        wrong: list[str] = []

        def talk(line: Line) -> None:
            try:
                twiml.walk(self._first(call), line, lambda url, method, more: self._fetched(call, url, method, more))
            except (TwimlError, OSError) as error:
                wrong.append(str(error))
                line.say("We are sorry, an application error has occurred. Goodbye.")

        def answered() -> None:
            call.statuses = deque([("in-progress", None)])

        end = line.ring(float(call.asked.get("Timeout", RING_S)), talk, answered)
        call.wrong = wrong
        if end in {End.COMPLETED, End.MACHINE}:
            call.duration_s = round(line.lasted_s)
            call.answered_by = "machine_start" if end is End.MACHINE else "human"
        self._ends(call, _STATUS[end])

    def _first(self, call: Message) -> Document:
        """What is said when somebody answers: TwiML that was given with the call, or that is fetched now."""
        if call.body:
            return Document(xml=call.body)
        url, method = call.asked.get("Url", ""), call.asked.get("Method", "POST")
        return Document(xml=self._fetched(call, url, method, {}), url=url)

    def _fetched(self, call: Message, url: str, method: str, more: dict[str, str]) -> str:
        fields = self._of_call(call, "in-progress") | more
        if method == "GET":
            whole = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(fields)}"
            return posted(whole, b"", {"X-Twilio-Signature": self.signature(whole, {})}, "GET")
        return posted(url, urlencode(fields).encode(), self._headers(url, fields))

    def _ends(self, call: Message, status: str) -> None:
        call.statuses = deque([(status, None)])
        fields = self._of_call(call, status) | {"CallDuration": str(call.duration_s or 0), "CallbackSource": "call-progress-events"}
        self._says(call, fields | ({"AnsweredBy": call.answered_by} if call.answered_by else {}))

    @staticmethod
    def _of_call(call: Message, status: str) -> dict[str, str]:
        return {
            "CallSid": call.sid,
            "CallStatus": status,
            "AccountSid": SID,
            "ApiVersion": "2010-04-01",
            "Direction": "outbound-api",
            "To": call.to,
            "From": call.sender,
        }

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


def _known(phones: Phones | None) -> Phones:
    if phones is None:
        raise ValueError("there are no phones")
    return phones


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
