"""HTTP to providers: one request, and what is known of it afterwards.

Where a request certainly never left, it may be made again; where it may have arrived, nobody may say that it did not. Libraries that log
addresses, numbers or tokens are told not to.
"""

import base64
import binascii
import hashlib
import logging
from collections.abc import Sequence

import httpx
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import ConnectTimeout, InvalidSchema, InvalidURL, MissingSchema, RequestException
from urllib3.exceptions import NewConnectionError

from notifier.gateways.model import SEND_S, Answer, Outgoing
from store.outbox import DeliveryOutcome

TIMEOUT_S = SEND_S / 3
"""For connecting, and again for the answer."""

NO_CONNECTION, BROKEN_OFF, BAD_ADDRESS = "no_connection", "broken_off", "bad_address"
"""Codes of ours: nothing left; it may have arrived; the address is none."""

for _name in ("httpx", "httpcore", "urllib3"):
    logging.getLogger(_name).setLevel(logging.ERROR)  # below it they write whole URLs, with numbers and tokens in them


class Wire:
    """Makes requests, each on a connection of its own: one that was kept may be closed by the other side just when it is used.

    Parameters
    ----------
    timeout_s
        For connecting, and again for the answer.
    """

    def __init__(self, timeout_s: float = TIMEOUT_S) -> None:
        self._timeout_s = timeout_s
        self._client = httpx.Client(
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            follow_redirects=False,
        )

    def post(self, url: str, *, content: bytes = b"", headers: dict[str, str], share: int = 1) -> httpx.Response | Answer:
        """What was answered, or what is known without an answer. Of several that share one attempt each has that part of its time."""
        try:
            return self._client.post(url, content=content, headers=headers, timeout=self._timeout_s / share)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError):
            return Answer(outcome=DeliveryOutcome.REJECTED, code=BAD_ADDRESS)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Answer(outcome=DeliveryOutcome.RETRY, code=NO_CONNECTION)
        except httpx.HTTPError:
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=BROKEN_OFF)


def after(error: RequestException) -> Answer:
    """What is known after an error of `requests`, which other libraries use."""
    if isinstance(error, MissingSchema | InvalidSchema | InvalidURL):
        return Answer(outcome=DeliveryOutcome.REJECTED, code=BAD_ADDRESS)
    if isinstance(error, ConnectTimeout) or isinstance(_reason(error), NewConnectionError):
        return Answer(outcome=DeliveryOutcome.RETRY, code=NO_CONNECTION)
    if isinstance(error, NoConnectionError):
        return Answer(outcome=DeliveryOutcome.UNKNOWN, code=BROKEN_OFF)
    return Answer(outcome=DeliveryOutcome.UNKNOWN, code=type(error).__name__)


_BEST_FIRST = (
    DeliveryOutcome.DELIVERED,
    DeliveryOutcome.ACCEPTED,
    DeliveryOutcome.UNKNOWN,
    DeliveryOutcome.RETRY,
    DeliveryOutcome.REJECTED,
)


def best(answers: Sequence[Answer]) -> Answer:
    """What came of one attempt at several addresses of a person: who was reached by one of them was reached."""
    return min(answers, key=lambda answer: _BEST_FIRST.index(answer.outcome))


def name_of(outgoing: Outgoing) -> str:
    """A notification's name for the outside: 32 characters of A-Z, a-z, 0-9, `-` and `_`, always the same, from which nothing is learnt."""
    known_by = f"{outgoing.community_id}\n{outgoing.notification_id}\n{outgoing.channel}"
    return base64.urlsafe_b64encode(hashlib.sha256(known_by.encode()).digest()[:24]).decode()


def packed(*parts: str) -> str:
    """Several values as one provider id."""
    return base64.urlsafe_b64encode("\n".join(parts).encode()).decode().rstrip("=")


def unpacked(provider_id: str, count: int) -> tuple[str, ...] | None:
    """The values of a provider id; None if it is not one of so many."""
    try:
        parts = tuple(base64.urlsafe_b64decode(provider_id + "=" * (-len(provider_id) % 4)).decode().split("\n"))
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None
    return parts if len(parts) == count else None


def _reason(error: RequestException) -> object:
    """Why urllib3 gave up."""
    return getattr(error.args[0], "reason", None) if error.args else None
