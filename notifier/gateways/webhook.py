"""Webhooks: a POST of JSON to an address of somebody's own, signed as Standard Webhooks 1.0 says.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md

Each receiver has a secret of its own, made from the installation's and the receiver's address: who has one cannot sign for another, and
none of them is kept anywhere. A message is known by its id, the same in each attempt, so a receiver drops what it has; docs/how-to shows
how a receiver checks that.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from types import MappingProxyType
from typing import Self

import msgspec

from devices.model import NS_PER_S
from incidents.directory import Channel
from notifier.gateways import codes
from notifier.gateways.model import EVERYBODY, Answer, Capabilities, GatewayAwayError, GatewaySettingsError, InDoubt, Outgoing, Status
from notifier.gateways.wire import TIMEOUT_S, Wire, best, name_of
from store.outbox import DeliveryOutcome

_PREFIX = "whsec_"
_LEAST_SECRET_BYTES, _MOST_SECRET_BYTES = 24, 64
"""Standard Webhooks 1.0, "Signature scheme"."""
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """What all receivers' secrets are made from.

    Attributes
    ----------
    secrets : tuple of bytes
        One; or two while the old one is being replaced: then each message carries both signatures.
    """

    secrets: tuple[bytes, ...] = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """ANJU_WEBHOOK_SECRET: `whsec_` and 24 to 64 bytes in base64; two with a space between while one replaces the other.

        Raises
        ------
        GatewaySettingsError
            It is missing or no secret.
        """
        said = environment.get("ANJU_WEBHOOK_SECRET", "").split()
        if not said:
            raise GatewaySettingsError("gateway webhook: the environment has no ANJU_WEBHOOK_SECRET")
        return cls(secrets=tuple(_secret(one) for one in said))

    def secrets_of(self, address: str) -> tuple[str, ...]:
        """What a receiver is given, in the form in which libraries for Standard Webhooks take it."""
        return tuple(_PREFIX + base64.b64encode(key).decode() for key in self.keys_of(address))

    def keys_of(self, address: str) -> tuple[bytes, ...]:
        """What is signed with for a receiver."""
        return tuple(hmac.digest(secret, address.encode(), "sha256") for secret in self.secrets)


class WebhookGateway:
    """Posts to the webhooks of people.

    Parameters
    ----------
    settings
        What secrets are made from.
    timeout_s
        For connecting, and again for the answer.
    """

    name = "webhook"
    capabilities = Capabilities(channels=frozenset({Channel.WEBHOOK}), link=EVERYBODY, in_doubt=InDoubt.SEND_AGAIN, receipts=True)
    channels = capabilities.channels
    settles_ns = 0
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType({})

    def __init__(self, settings: WebhookSettings, *, timeout_s: float = TIMEOUT_S) -> None:
        self._settings = settings
        self._wire = Wire(timeout_s)

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:
        """Post it to each of the person's webhooks; delivered where one has it."""
        addresses = outgoing.person.addresses_of(Channel.WEBHOOK)
        if not addresses:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="no_address")
        return best([self._post(address, outgoing, now_ns, len(addresses)) for address in addresses])

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:  # noqa: ARG002
        """Nothing: what is posted again is known by its id."""
        return ()

    def status(self, provider_id: str) -> Status:  # noqa: ARG002
        """Nothing is accepted here that is not delivered at once.

        Raises
        ------
        GatewayAwayError
            Always.
        """
        raise GatewayAwayError("a webhook has no messages to ask for")

    def _post(self, address: str, outgoing: Outgoing, now_ns: int, share: int) -> Answer:
        body = msgspec.json.encode(
            {
                "type": "anju.notification",
                "timestamp": datetime.fromtimestamp(outgoing.created_ns // NS_PER_S, tz=UTC).isoformat().replace("+00:00", "Z"),
                "data": {
                    "community": outgoing.community_id,
                    "notification": outgoing.notification_id,
                    "to": outgoing.person.id,
                    "text": outgoing.text,
                },
            }
        )
        headers = signed(name_of(outgoing), now_ns // NS_PER_S, body, self._settings.keys_of(address))
        answered = self._wire.post(address, content=body, headers=headers, share=share)
        return answered if isinstance(answered, Answer) else _answer(answered.status_code)


def signed(id_: str, now_s: int, body: bytes, keys: tuple[bytes, ...]) -> dict[str, str]:
    """Headers of a message of this id, posted at this time."""
    text = f"{id_}.{now_s}.".encode() + body
    signatures = " ".join("v1," + base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys)
    return {"Content-Type": "application/json", "webhook-id": id_, "webhook-timestamp": str(now_s), "webhook-signature": signatures}


def _answer(status: int) -> Answer:
    """What a receiver's status means. An error of its own does not say whether it has the message; it gets it again, and knows it."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Answer(outcome=DeliveryOutcome.DELIVERED)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Answer(outcome=DeliveryOutcome.UNKNOWN, code=str(status))
    otherwise = DeliveryOutcome.RETRY if status in _LATER else DeliveryOutcome.REJECTED
    return Answer(outcome=codes.outcome("webhook", str(status), otherwise), code=str(status))


def _secret(said: str) -> bytes:
    try:
        secret = base64.b64decode(said.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if not said.startswith(_PREFIX) or not _LEAST_SECRET_BYTES <= len(secret) <= _MOST_SECRET_BYTES:
        raise GatewaySettingsError(
            f"ANJU_WEBHOOK_SECRET is not shown, wanted {_PREFIX} and {_LEAST_SECRET_BYTES} to {_MOST_SECRET_BYTES} bytes in base64"
        )
    return secret
