"""SMS by Twilio, by its official SDK.

What is decided here is whether a message may be there: an answer says so, a connection that never came about says that it is not, and
everything else is `unknown` until the list of messages has been asked. Codes are kept for people; what happens depends on the HTTP
status, because Twilio changes its codes and advises against programming by them.
"""

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import ConnectTimeout, RequestException
from twilio.base.exceptions import TwilioException, TwilioRestException  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]
from urllib3.exceptions import NewConnectionError

from devices.model import NS_PER_S
from incidents.directory import Channel
from notifier.gateways.model import SEND_S, Answer, GatewayAwayError, GatewaySettingsError, Outgoing, Status
from store.outbox import DeliveryOutcome

_TIMEOUT_S = SEND_S / 3
"""For connecting, and again for the answer."""

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
    """

    account_sid: str
    auth_token: str = field(repr=False)
    sender: str
    base_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, TWILIO_FROM, and TWILIO_BASE_URL where another host is meant.

        Raises
        ------
        GatewaySettingsError
            One is missing.
        """
        wanted = {"account_sid": "TWILIO_ACCOUNT_SID", "auth_token": "TWILIO_AUTH_TOKEN", "sender": "TWILIO_FROM"}
        if missing := [name for name in wanted.values() if not environment.get(name)]:
            raise GatewaySettingsError(f"gateway twilio: the environment has no {', '.join(missing)}")
        return cls(**{key: environment[name] for key, name in wanted.items()}, base_url=environment.get("TWILIO_BASE_URL"))


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
    channels = frozenset({Channel.SMS})
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

    def __init__(self, settings: TwilioSettings, *, timeout_s: float = _TIMEOUT_S) -> None:
        self._settings = settings
        self._timeout_s = timeout_s

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  Twilio has a clock of its own
        """Hand it over once."""
        sender = self._settings.sender
        by = {"messaging_service_sid": sender} if _SERVICE.fullmatch(sender) else {"from_": sender}
        try:
            with self._client() as client:
                made = client.messages.create(to=outgoing.person.phone_e164, body=outgoing.text, **by)
        except TwilioRestException as error:
            return _refused(error)
        except NoConnectionError as error:
            never_left = isinstance(error, ConnectTimeout) or isinstance(_reason(error), NewConnectionError)
            outcome = DeliveryOutcome.RETRY if never_left else DeliveryOutcome.UNKNOWN
            return Answer(outcome=outcome, code="no_connection" if never_left else "broken_off")
        except (RequestException, TwilioException, ValueError) as error:
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=type(error).__name__)
        return self._accepted(made)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        """Messages to this number in these very words, made since this was written.

        Not asked for by the day they were sent, because one that still waits was sent on none.

        Raises
        ------
        GatewayAwayError
            Twilio does not answer, or there are more messages to this number than are looked through.
        """
        since = datetime.fromtimestamp(outgoing.created_ns // NS_PER_S, tz=UTC) - _CLOCKS_DIFFER
        found = []
        with self._asked() as client:
            for seen, message in enumerate(client.messages.stream(to=outgoing.person.phone_e164, page_size=50), 1):
                if message.date_created is None or message.date_created < since:
                    break
                if message.body == outgoing.text and str(message.direction).startswith("outbound"):
                    found.append(self._accepted(message))
                if seen == _NEWEST:
                    raise GatewayAwayError(f"Twilio has more than {_NEWEST} messages to one number since then")
        return tuple(reversed(found))

    def status(self, provider_id: str) -> Status:
        """How a message fares.

        Raises
        ------
        GatewayAwayError
            Twilio does not answer.
        """
        with self._asked() as client:
            message = client.messages(provider_id).fetch()
        return Status(word=str(message.status), code=None if message.error_code is None else str(message.error_code))

    def _accepted(self, message: Any) -> Answer:  # noqa: ANN401  the SDK has no types
        code = None if message.error_code is None else str(message.error_code)
        return Answer(outcome=self.outcomes.get(str(message.status), DeliveryOutcome.ACCEPTED), provider_id=message.sid, code=code)

    @contextmanager
    def _asked(self) -> Iterator[Any]:
        try:
            with self._client() as client:
                yield client
        except TwilioRestException as error:
            raise GatewayAwayError(f"Twilio answers {error.status}, code {error.code}") from error
        except (RequestException, TwilioException, ValueError) as error:
            raise GatewayAwayError(f"Twilio does not answer: {type(error).__name__}") from error

    @contextmanager
    def _client(self) -> Iterator[Any]:
        """A client for one request or a few: a connection that was kept may be closed by the other side just when it is used."""
        http = _HttpClient(self._settings.base_url, timeout=self._timeout_s, logger=_quiet)
        try:
            yield Client(self._settings.account_sid, self._settings.auth_token, http_client=http)
        finally:
            http.session.close()


class _HttpClient(TwilioHttpClient):  # type: ignore[misc]
    """The SDK's, with another host where one is named."""

    def __init__(self, base_url: str | None, **others: Any) -> None:  # noqa: ANN401  the SDK's
        super().__init__(**others)
        self._base_url = base_url

    def request(self, method: str, url: str, *args: Any, **others: Any) -> Any:  # noqa: ANN401  the SDK's
        if self._base_url:
            asked = urlsplit(url)
            url = self._base_url.rstrip("/") + asked.path + (f"?{asked.query}" if asked.query else "")
        return super().request(method, url, *args, **others)


def _refused(error: TwilioRestException) -> Answer:
    """What an answer that is no success means. 500, 502 and 504 do not say whether Twilio had taken it, so it is looked up."""
    code = str(error.code)
    if error.status in _LATER:
        return Answer(outcome=DeliveryOutcome.RETRY, code=code)
    if HTTPStatus.BAD_REQUEST <= error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(outcome=DeliveryOutcome.REJECTED, code=code)
    return Answer(outcome=DeliveryOutcome.UNKNOWN, code=code)


def _reason(error: NoConnectionError) -> object:
    """Why urllib3 gave up."""
    return getattr(error.args[0], "reason", None) if error.args else None
