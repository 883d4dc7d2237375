"""HTTP to providers: one request, and what is known of it afterwards.

Where a request certainly never left, it may be made again; where it may have arrived, nobody may say that it did not. Libraries that log
addresses, numbers or tokens are told not to.
"""

import base64
import binascii
import hashlib
import hmac
import json
import logging
import math
import os
import ssl
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from requests import Session
from requests.adapters import HTTPAdapter
from requests.certs import where  # type: ignore[attr-defined]  # its documented place
from requests.exceptions import ConnectionError as NoConnectionError
from requests.exceptions import ConnectTimeout, InvalidSchema, InvalidURL, MissingSchema, RequestException
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager, ProxyManager, Retry
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, LocationValueError, NewConnectionError

from notifier.gateways.model import SEND_S, Answer, ForgedReceiptError, Hook, Outgoing
from store.outbox import DeliveryOutcome

Said = Mapping[str, Any]

TIMEOUT_S = SEND_S / 3
"""For connecting, and again for the answer."""

KEPT_S = 2.0
"""A connection that nobody used for so long is not used again: hardly a server closes one so soon, and if one did just when it is used,
nobody could say whether it has the request."""

MOST_KEPT = 64
"""Connections to one host."""

ONCE = Retry(total=False, redirect=False)
"""A request is made once: what comes of it is ours to judge."""

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


def session() -> Session:
    """A session of `requests` for one attempt, for the libraries that use it."""
    made = Session()
    made.mount("https://", _Adapter())
    return made


@cache
def _authorities() -> ssl.SSLContext:
    """The certificates that are trusted. To read them takes tens of milliseconds, which `requests` spends anew on each connection."""
    context = ssl.create_default_context(cafile=where())
    if named := os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE"):
        of_ones_own = Path(named)
        context.load_verify_locations(capath=of_ones_own) if of_ones_own.is_dir() else context.load_verify_locations(of_ones_own)
    return context


class _Kept(HTTPConnection):
    """A connection that is used again."""

    _used_s = math.inf

    @property
    def is_connected(self) -> bool:
        """Whether it may be used: the other side has not closed it, and does not do so just now."""
        return super().is_connected and time.monotonic() - self._used_s < KEPT_S

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3 itself overrides it
        """From now on nobody uses it."""
        response = super().getresponse()
        self._used_s = time.monotonic()
        return response


class _KeptTls(_Kept, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Kept


class _PoolTls(HTTPSConnectionPool):
    ConnectionCls = _KeptTls


def connections(url: str) -> HTTPConnectionPool:
    """Connections to a host, kept for a moment and shared by all threads; by a proxy where the environment names one."""
    host = urlsplit(url)
    proxy = None if proxy_bypass(host.hostname or "") else getproxies().get(host.scheme)
    given: dict[str, Any] = {"maxsize": MOST_KEPT, "ssl_context": _authorities()}
    manager = ProxyManager(proxy, **given) if proxy else PoolManager(**given)
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _PoolTls}
    return manager.connection_from_url(url)


class _Adapter(HTTPAdapter):
    """Verifies as `requests` does, by certificates that were read once; those of REQUESTS_CA_BUNDLE are read each time."""

    def init_poolmanager(self, *args: Any, **others: Any) -> None:  # noqa: ANN401  its own
        """Every connection has the same certificates."""
        super().init_poolmanager(*args, ssl_context=_authorities(), **others)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:  # noqa: ANN401  its own
        """Do not read them again."""
        super().cert_verify(conn, url, verify, cert)
        if verify is True:
            conn.ca_certs = None


def after_pool(error: HTTPError) -> Answer:
    """What is known after an error of `connections`."""
    if isinstance(error, LocationValueError):
        return Answer(outcome=DeliveryOutcome.REJECTED, code=BAD_ADDRESS)
    if isinstance(error, NewConnectionError | ConnectTimeoutError):
        return Answer(outcome=DeliveryOutcome.RETRY, code=NO_CONNECTION)
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


def keyed(hook: Hook, key: str) -> list[Said]:
    """A list of reports that came to an address with a secret key in it.

    Raises
    ------
    ForgedReceiptError
        The key is another one, or this is no list.
    """
    given = parse_qs(urlsplit(hook.url).query).get("key", [""])[0]
    if not key or not hmac.compare_digest(given.encode(), key.encode()):
        raise ForgedReceiptError("a report came without the key of its address")
    try:
        reports = json.loads(hook.body)
    except ValueError:
        reports = None
    if not isinstance(reports, list) or not all(isinstance(one, dict) for one in reports):
        raise ForgedReceiptError("a report cannot be read, wanted a list")
    return reports


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
