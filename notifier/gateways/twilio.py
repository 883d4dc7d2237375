"""SMS by Twilio, by its official SDK.

What is decided here is whether a message may be there: an answer says so, a connection that never came about says that it is not, and
everything else is `unknown` until the list of messages has been asked. Codes are kept for people; what happens depends on the HTTP
status, because Twilio changes its codes and advises against programming by them.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from twilio.twiml.messaging_response import MessagingResponse  # type: ignore[import-untyped]
from urllib3 import HTTPConnectionPool, make_headers
from urllib3.exceptions import HTTPError

from devices.model import NS_PER_S
from incidents.directory import Channel, Language
from notifier.gateways.model import (
    NOBODY,
    Answer,
    Capabilities,
    ForgedReceiptError,
    GatewayAwayError,
    GatewaySettingsError,
    Heard,
    Hook,
    InDoubt,
    Limit,
    Outgoing,
    Per,
    Reach,
    Receipt,
    Status,
)
from notifier.gateways.wire import ONCE, TIMEOUT_S, after_pool, connections
from store.outbox import DeliveryOutcome

_NO_WAY_BACK = Reach(but=("+86",))
"""Numbers in mainland China get no link and send no reply: https://www.twilio.com/en-us/guidelines/cn/sms."""

_CLOCKS_DIFFER = timedelta(minutes=1)
"""At most, ours and Twilio's: a message made so long before ours was written may be ours."""

_NEWEST = 200
"""Of the messages to one person, as many are looked through. They come newest first."""

_LATER = frozenset(
    {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.SERVICE_UNAVAILABLE,
    }
)
"""Not taken, and may be taken later. A wrong token is put right by the operator, and says nothing about the person."""

_RECEIVED = "received"

_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")

_quiet = logging.getLogger("anju.twilio")
_quiet.setLevel(logging.WARNING)  # at INFO the SDK writes telephone numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioSettings:
    """An account, and as whom it sends.

    Attributes
    ----------
    sender : str
        A telephone number or name, or the sid of a messaging service.
    base_url : str or None
        Asked instead of Twilio's own host.
    per_s : int
        How many messages, or calls, a second the sender is good for.
    public_url : str or None
        Where Twilio reaches us, without a path: receipts and pressed keys come to `/hooks/<gateway>` there. None: Twilio is asked instead.
    """

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    base_url: str | None = None
    public_url: str | None = None
    per_s: int = 1

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, sender: str = "TWILIO_FROM", public_url: str = "") -> Self:
        """TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, the variable that names the sender, and TWILIO_BASE_URL where another host is meant.

        TWILIO_PER_S says for how many messages, or calls, a second the sender is good, if for more than one.

        Raises
        ------
        GatewaySettingsError
            One is missing, or no such number.
        """
        if missing := [name for name in ("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", sender) if not environment.get(name)]:
            raise GatewaySettingsError(f"gateway twilio: the environment has no {', '.join(missing)}")
        per_s = environment.get("TWILIO_PER_S", "1")
        if not per_s.isascii() or not per_s.isdigit() or int(per_s) < 1:
            raise GatewaySettingsError(f"gateway twilio: TWILIO_PER_S is {per_s}, wanted a whole number from 1")
        return cls(
            account_sid=environment["TWILIO_ACCOUNT_SID"],
            auth_token=environment["TWILIO_AUTH_TOKEN"],
            sender=environment[sender],
            base_url=environment.get("TWILIO_BASE_URL"),
            public_url=public_url.rstrip("/") or None,
            per_s=int(per_s),
        )

    @classmethod
    def for_test(cls, environment: Mapping[str, str]) -> Self:
        """Twilio's test mode: TWILIO_TEST_ACCOUNT_SID and TWILIO_TEST_AUTH_TOKEN, and the sender that works there.

        Requests are checked as real ones are, nothing is sent, and `MAGIC` numbers fail as their codes say.

        Raises
        ------
        GatewaySettingsError
            One is missing.
        """
        if missing := [name for name in ("TWILIO_TEST_ACCOUNT_SID", "TWILIO_TEST_AUTH_TOKEN") if not environment.get(name)]:
            raise GatewaySettingsError(f"gateway twilio: the environment has no {', '.join(missing)}")
        return cls(
            account_sid=environment["TWILIO_TEST_ACCOUNT_SID"],
            auth_token=environment["TWILIO_TEST_AUTH_TOKEN"],
            sender=MAGIC_SENDER,
            base_url=environment.get("TWILIO_BASE_URL"),
        )

    def hook_url(self, gateway: str) -> str | None:
        """Where Twilio calls us for a gateway."""
        return f"{self.public_url}/hooks/{gateway}" if self.public_url else None


MAGIC_SENDER = "+15005550006"
"""In test mode the sender that works: https://www.twilio.com/docs/iam/test-credentials."""

MAGIC: Mapping[str, str] = MappingProxyType(
    {
        "+15005550001": "21211",
        "+15005550002": "21612",
        "+15005550003": "21408",
        "+15005550004": "21610",
        "+15005550009": "21614",
    }
)
"""In test mode: an SMS to this number is refused with this code."""


class Account:
    """What SMS and calls have in common: requests to one account, and what their failures mean.

    Parameters
    ----------
    settings
        The account.
    timeout_s
        For connecting, and again for the answer.
    """

    def __init__(self, settings: TwilioSettings, timeout_s: float) -> None:
        self.settings = settings
        http = _HttpClient(settings.base_url, timeout_s)
        self._client = Client(settings.account_sid, settings.auth_token, http_client=http)

    def make(self, create: Callable[[Any], Any]) -> Answer | Any:  # noqa: ANN401  the SDK has no types
        """What a request made, or what is known if it made nothing that we know of."""
        try:
            return create(self._client)
        except TwilioRestException as error:
            return _refused(error)
        except HTTPError as error:
            return after_pool(error)
        except (TwilioException, ValueError) as error:
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=type(error).__name__)

    @contextmanager
    def asked(self) -> Iterator[Any]:
        """A client for questions.

        Raises
        ------
        GatewayAwayError
            Twilio does not answer.
        """
        try:
            yield self._client
        except TwilioRestException as error:
            raise GatewayAwayError(f"Twilio answers {error.status}, code {error.code}") from error
        except (HTTPError, TwilioException, ValueError) as error:
            raise GatewayAwayError(f"Twilio does not answer: {type(error).__name__}") from error

    def made_since(self, pages: Iterable[Any], created_ns: int) -> Iterator[Any]:
        """What was made since a notification was written, newest first as it comes.

        Raises
        ------
        GatewayAwayError
            There is more than is looked through.
        """
        since = datetime.fromtimestamp(created_ns // NS_PER_S, tz=UTC) - _CLOCKS_DIFFER
        for seen, one in enumerate(pages, 1):
            if one.date_created is None or one.date_created < since:
                return
            yield one
            if seen == _NEWEST:
                raise GatewayAwayError(f"Twilio has more than {_NEWEST} messages to one number since then")

    def signed(self, hook: Hook) -> dict[str, str]:
        """The fields of a call of Twilio's.

        Raises
        ------
        ForgedReceiptError
            It is not signed with our token over this very address.
        """
        try:
            fields = dict(parse_qsl(hook.body.decode(), keep_blank_values=True, strict_parsing=True))
        except ValueError:
            raise ForgedReceiptError("a call of Twilio's cannot be read") from None
        signature = hook.headers.get("x-twilio-signature", "")
        if not RequestValidator(self.settings.auth_token).validate(hook.url, fields, signature):
            raise ForgedReceiptError("a call of Twilio's is not signed by our account")
        return fields


class TwilioGateway:
    """SMS through one account.

    Parameters
    ----------
    settings
        The account.
    timeout_s
        For connecting, and again for the answer.
    """

    name = "twilio"
    capabilities = Capabilities(
        channels=frozenset({Channel.SMS}),
        reply=_NO_WAY_BACK,
        link=_NO_WAY_BACK,
        longest=1600,
        limits=(
            Limit(
                count=1,
                period_s=1,
                per=frozenset({Per.ACCOUNT}),  # of a long number, which is the usual sender
                source="https://help.twilio.com/articles/115002943027-Understanding-Twilio-Rate-Limits-and-Message-Queues",
            ),
        ),
        in_doubt=InDoubt.LOOK_UP,
        receipts=True,
    )
    received = ""
    channels = capabilities.channels
    settles_ns = 30 * NS_PER_S
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType(
        {
            "delivered": DeliveryOutcome.DELIVERED,
            "read": DeliveryOutcome.DELIVERED,
            "undelivered": DeliveryOutcome.REJECTED,
            "failed": DeliveryOutcome.REJECTED,
            "canceled": DeliveryOutcome.REJECTED,
        }
    )

    def __init__(self, settings: TwilioSettings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._account = Account(settings, timeout_s)
        limits = tuple(replace(limit, count=settings.per_s) for limit in self.capabilities.limits)
        self.capabilities = replace(self.capabilities, limits=limits)
        if settings.public_url is None:
            self.capabilities = replace(self.capabilities, reply=NOBODY, link=NOBODY)  # nobody would hear it

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  Twilio has a clock of its own
        """Hand it over once."""
        settings = self._account.settings
        more = {"messaging_service_sid": settings.sender} if _SERVICE.fullmatch(settings.sender) else {"from_": settings.sender}
        if url := settings.hook_url(self.name):
            more["status_callback"] = url
        made = self._account.make(lambda client: client.messages.create(to=outgoing.person.phone_e164, body=outgoing.text, **more))
        return made if isinstance(made, Answer) else self._accepted(made)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        """Messages to this number in these very words, made since this was written.

        Not asked for by the day they were sent, because one that still waits was sent on none.

        Raises
        ------
        GatewayAwayError
            Twilio does not answer, or there are more messages to this number than are looked through.
        """
        with self._account.asked() as client:
            pages = client.messages.stream(to=outgoing.person.phone_e164, page_size=50)
            since = self._account.made_since(pages, outgoing.created_ns)
            found = [one for one in since if one.body == outgoing.text and str(one.direction).startswith("outbound")]
        return tuple(self._accepted(one) for one in reversed(found))

    def status(self, provider_id: str) -> Status:
        """How a message fares.

        Raises
        ------
        GatewayAwayError
            Twilio does not answer.
        """
        with self._account.asked() as client:
            message = client.messages(provider_id).fetch()
        return Status(word=str(message.status), code=None if message.error_code is None else str(message.error_code))

    def receipts(self, hook: Hook) -> tuple[Receipt, ...]:
        """A status callback.

        Raises
        ------
        ForgedReceiptError
            It is not signed, or says nothing.
        """
        said = self._account.signed(hook)
        if said.get("SmsStatus") == _RECEIVED:
            return ()
        if not said.get("MessageSid") or not said.get("MessageStatus"):
            raise ForgedReceiptError("a call of Twilio's names no message and status")
        return (Receipt(provider_id=said["MessageSid"], word=said["MessageStatus"], code=said.get("ErrorCode") or None),)

    def heard(self, hook: Hook) -> Heard | None:
        """A message that came in: `<public_url>/hooks/twilio` is to be its number's or service's webhook for them.

        Raises
        ------
        ForgedReceiptError
            It is not signed, or comes from nobody.
        """
        said = self._account.signed(hook)
        if said.get("SmsStatus") != _RECEIVED:
            return None
        if not said.get("MessageSid") or not said.get("From"):
            raise ForgedReceiptError("a message that came in at Twilio comes from nobody")
        return Heard(phone_e164=said["From"], provider_id=said["MessageSid"], text=said.get("Body", ""))

    def said(self, text: str, language: Language) -> str:  # noqa: ARG002  a text is in its own language
        """TwiML that sends an SMS back."""
        response = MessagingResponse()
        if text:
            response.message(text)
        return str(response)

    def _accepted(self, message: Any) -> Answer:  # noqa: ANN401  the SDK has no types
        code = None if message.error_code is None else str(message.error_code)
        return Answer(outcome=self.outcomes.get(str(message.status), DeliveryOutcome.ACCEPTED), provider_id=message.sid, code=code)


class _HttpClient(HttpClient):  # type: ignore[misc]
    """The SDK's door for clients of one's own: connections are kept for a moment, which its own client spends most of its time on.

    https://www.twilio.com/docs/libraries/reference/twilio-python/#use-a-custom-http-client
    """

    def __init__(self, base_url: str | None, timeout_s: float) -> None:
        super().__init__(_quiet, is_async=False, timeout=timeout_s)
        self._base_url = base_url.rstrip("/") if base_url else None
        self._pools: dict[str, HTTPConnectionPool] = {}
        self._making = threading.Lock()

    def request(
        self,
        method: str,
        uri: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> Response:
        """One request, without a second try; what is raised is urllib3's."""
        asked = urlsplit(uri)
        host = self._base_url or f"{asked.scheme}://{asked.netloc}"
        with self._making:  # or the first messages of a storm make a pool each
            if host not in self._pools:
                self._pools[host] = connections(host)
        query = asked.query or urlencode({name: value for name, value in (params or {}).items() if value is not None}, doseq=True)
        answer = self._pools[host].urlopen(
            method,
            urlsplit(host).path + asked.path + (f"?{query}" if query else ""),
            body=urlencode(data, doseq=True) if data else None,
            headers={**(headers or {}), **(make_headers(basic_auth=":".join(auth)) if auth else {})},
            timeout=timeout or self.timeout,
            retries=ONCE,
        )
        return Response(answer.status, answer.data.decode(), answer.headers)


def _refused(error: TwilioRestException) -> Answer:
    """What an answer that is no success means. 500, 502 and 504 do not say whether Twilio had taken it, so it is looked up."""
    code = str(error.code)
    if error.status in _LATER:
        return Answer(outcome=DeliveryOutcome.RETRY, code=code)
    if HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(outcome=DeliveryOutcome.REJECTED, code=code)
    return Answer(outcome=DeliveryOutcome.UNKNOWN, code=code)
