"""Web push: to the browsers and installed pages that a person has subscribed with, by pywebpush, with VAPID (RFC 8030, 8291, 8292).

A push service takes a message for a browser and says no more. The message is encrypted for that browser alone. Its topic and its tag are
the notification's name: what is sent again replaces what waits, and a browser shows it once.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02  # type: ignore[import-untyped]
from pywebpush import WebPushException, webpush  # type: ignore[import-untyped]
from requests.exceptions import RequestException

from incidents.directory import Channel
from notifier.gateways import codes
from notifier.gateways.model import EVERYBODY, Answer, Capabilities, GatewayAwayError, GatewaySettingsError, InDoubt, Outgoing, Status
from notifier.gateways.wire import TIMEOUT_S, after, best, name_of, session
from store.outbox import DeliveryOutcome

KEEP_S = 3600
"""So long a push service keeps it for a browser that is away. What comes later is old, and the ending is told apart from it."""

_SERVER_ERROR = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class WebPushSettings:
    """As whom we speak to push services.

    Attributes
    ----------
    private_key : str
        P-256, raw, base64url; browsers subscribe with its public key.
    subject : str
        Whom a push service writes to if something is wrong: `mailto:…` or `https://…`.
    """

    private_key: str = field(repr=False)
    subject: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """ANJU_VAPID_PRIVATE_KEY (`anju gateway push-keys` makes one) and ANJU_VAPID_SUBJECT.

        Raises
        ------
        GatewaySettingsError
            One is missing or wrong.
        """
        wanted = ("ANJU_VAPID_PRIVATE_KEY", "ANJU_VAPID_SUBJECT")
        if missing := [name for name in wanted if not environment.get(name)]:
            raise GatewaySettingsError(f"gateway webpush: the environment has no {', '.join(missing)}")
        private_key, subject = (environment[name] for name in wanted)
        if not subject.startswith(("mailto:", "https://")):
            raise GatewaySettingsError(f"ANJU_VAPID_SUBJECT is {subject!r}, wanted mailto:… or https://…")
        settings = cls(private_key=private_key, subject=subject)
        settings.key()
        return settings

    def key(self) -> Any:  # noqa: ANN401  py_vapid has no types
        """The key, ready for use.

        Raises
        ------
        GatewaySettingsError
            It is none.
        """
        try:
            return Vapid02.from_string(self.private_key)
        except Exception:  # noqa: BLE001  of many types; none may show the key
            raise GatewaySettingsError("ANJU_VAPID_PRIVATE_KEY is not shown, wanted what `anju gateway push-keys` prints") from None

    @property
    def public_key(self) -> str:
        """What a page subscribes with (`applicationServerKey`)."""
        return _public(self.key())


def new_keys() -> tuple[str, str]:
    """A new private key and its public key, base64url."""
    key = Vapid02()
    key.generate_keys()
    number = key.private_key.private_numbers().private_value
    return _base64url(number.to_bytes(32, "big")), _public(key)


class WebPushGateway:
    """Sends to the subscriptions of people.

    Parameters
    ----------
    settings
        Our key.
    timeout_s
        For connecting, and again for the answer.
    """

    name = "webpush"
    capabilities = Capabilities(
        channels=frozenset({Channel.PUSH}),
        reply=EVERYBODY,  # by the buttons of what is shown
        link=EVERYBODY,
        longest=900,  # of the 4,096 bytes that a push service must take, three a character; the rest is for buttons and what is around it
        in_doubt=InDoubt.SEND_AGAIN,
        receipts=False,
    )
    channels = capabilities.channels
    settles_ns = 0
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType({})

    def __init__(self, settings: WebPushSettings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._key = settings.key()
        self._timeout_s = timeout_s

    @property
    def public_key(self) -> str:
        """What a page subscribes with."""
        return self._settings.public_key

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  a push service has a clock of its own
        """Hand it to the push service of each of the person's subscriptions; accepted where one takes it."""
        addresses = outgoing.person.addresses_of(Channel.PUSH)
        if not addresses:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="no_address")
        return best([self._push(address, outgoing, self._timeout_s / len(addresses)) for address in addresses])

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:  # noqa: ARG002
        """Nothing: what is sent again is shown once."""
        return ()

    def status(self, provider_id: str) -> Status:  # noqa: ARG002
        """Push services do not say.

        Raises
        ------
        GatewayAwayError
            Always.
        """
        raise GatewayAwayError("a push service does not say what became of a message")

    def _push(self, address: str, outgoing: Outgoing, timeout_s: float) -> Answer:
        subscription = subscription_of(address)
        if subscription is None:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="no_subscription")
        name = name_of(outgoing)
        said = {
            "id": name,
            "tag": name,
            "text": outgoing.text,
            "community": outgoing.community_id,
            "incident": outgoing.incident_id,
            "buttons": [{"do": one.do, "words": one.words, "done": one.done} for one in outgoing.buttons],
        }
        try:
            with session() as requests:
                webpush(
                    subscription,
                    json.dumps(said, ensure_ascii=False),
                    vapid_private_key=self._key,
                    vapid_claims={"sub": self._settings.subject},
                    ttl=KEEP_S,
                    timeout=timeout_s,
                    headers={"Urgency": "high", "Topic": name},
                    requests_session=requests,
                )
        except WebPushException as error:
            return _refused(error.status_code)
        except RequestException as error:
            return after(error)
        except (ValueError, TypeError):  # keys that are none
            return Answer(outcome=DeliveryOutcome.REJECTED, code="no_subscription")
        return Answer(outcome=DeliveryOutcome.ACCEPTED)


def subscription_of(address: str) -> dict[str, Any] | None:
    """A PushSubscription as a browser gives it (`JSON.stringify`); None for anything else."""
    try:
        said = json.loads(address)
        is_one = all(isinstance(one, str) and one for one in (said["endpoint"], said["keys"]["p256dh"], said["keys"]["auth"]))
    except (ValueError, TypeError, KeyError):
        return None
    return {"endpoint": said["endpoint"], "keys": said["keys"]} if is_one else None


def _refused(status: int | None) -> Answer:
    """What an answer of a push service means; without one the keys of the subscription are wrong."""
    if status is None:
        return Answer(outcome=DeliveryOutcome.REJECTED, code="no_subscription")
    otherwise = DeliveryOutcome.UNKNOWN if status >= _SERVER_ERROR else DeliveryOutcome.REJECTED
    return Answer(outcome=codes.outcome("webpush", str(status), otherwise), code=str(status))


def _public(key: Any) -> str:  # noqa: ANN401  py_vapid has no types
    return _base64url(key.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
