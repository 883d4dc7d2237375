"""Requests to Aliyun (阿里云) in its RPC style, signed with ACS3-HMAC-SHA256, on httpx.

Source of the signature: https://help.aliyun.com/zh/sdk/product-overview/v3-request-structure-and-signature. Why not the official SDK:
docs/adr/0014.
"""

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import parse_qs, quote, urlsplit

from notifier.gateways import codes
from notifier.gateways.model import Answer, ForgedReceiptError, GatewayAwayError, GatewaySettingsError, Hook
from notifier.gateways.wire import BROKEN_OFF, Wire
from store.outbox import DeliveryOutcome

_VERSION = "2017-05-25"
"""Of the interfaces for SMS and for voice."""
_ALGORITHM = "ACS3-HMAC-SHA256"
_NO_BODY = hashlib.sha256(b"").hexdigest()
Said = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AliyunAccount:
    """A key, better one of a RAM user who may do nothing but this.

    Attributes
    ----------
    hook_key : str
        Stands in the address that Aliyun is given for receipts, because it does not sign them. Empty: no receipt is believed.
    base_url : str or None
        Asked instead of Aliyun's own hosts.
    """

    access_key_id: str
    access_key_secret: str = field(repr=False)
    hook_key: str = field(default="", repr=False)
    base_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET; ALIYUN_HOOK_KEY, and ALIYUN_BASE_URL where another host is meant.

        Raises
        ------
        GatewaySettingsError
            One is missing.
        """
        wanted = {"access_key_id": "ALIBABA_CLOUD_ACCESS_KEY_ID", "access_key_secret": "ALIBABA_CLOUD_ACCESS_KEY_SECRET"}
        if missing := [name for name in wanted.values() if not environment.get(name)]:
            raise GatewaySettingsError(f"gateway aliyun: the environment has no {', '.join(missing)}")
        said = {key: environment[name] for key, name in wanted.items()}
        return cls(**said, hook_key=environment.get("ALIYUN_HOOK_KEY", ""), base_url=environment.get("ALIYUN_BASE_URL"))


def said_in(environment: Mapping[str, str], *names: str) -> list[str]:
    """Values that a gateway needs.

    Raises
    ------
    GatewaySettingsError
        One is missing.
    """
    if missing := [name for name in names if not environment.get(name)]:
        raise GatewaySettingsError(f"gateway aliyun: the environment has no {', '.join(missing)}")
    return [environment[name] for name in names]


class Rpc:
    """One of Aliyun's services.

    Parameters
    ----------
    account
        Who asks.
    host
        The service's own.
    timeout_s
        For connecting, and again for the answer.
    clock
        s since the epoch: a signature holds for 15 minutes.
    """

    def __init__(self, account: AliyunAccount, host: str, timeout_s: float, clock: Callable[[], float] = time.time) -> None:
        self._account = account
        self._url = (account.base_url or f"https://{host}").rstrip("/")
        self._wire = Wire(timeout_s)
        self.clock = clock

    def call(self, action: str, parameters: Mapping[str, str]) -> Said | Answer:
        """What Aliyun answered with `OK`, or what is known without it."""
        now = datetime.fromtimestamp(self.clock(), tz=UTC)
        headers = signed(self._account, urlsplit(self._url).netloc, action, parameters, now=now, once=secrets.token_hex(16))
        answered = self._wire.post(f"{self._url}/?{_query(parameters)}", headers=headers)
        if isinstance(answered, Answer):
            return answered
        try:
            said = json.loads(answered.content)
            code = str(said["Code"])
        except (ValueError, TypeError, KeyError):
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=BROKEN_OFF)
        if code == "OK":
            return dict(said)
        is_theirs = code.startswith("isp.") or answered.is_server_error
        otherwise = DeliveryOutcome.UNKNOWN if is_theirs else DeliveryOutcome.REJECTED
        return Answer(outcome=codes.outcome("aliyun", code, otherwise), code=code)

    def ask(self, action: str, parameters: Mapping[str, str]) -> Said:
        """What Aliyun answered.

        Raises
        ------
        GatewayAwayError
            It did not.
        """
        said = self.call(action, parameters)
        if isinstance(said, Answer):
            raise GatewayAwayError(f"Aliyun does not answer {action}: {said.code}")
        return said

    def reports(self, hook: Hook) -> list[Said]:
        """What a call of Aliyun's reports: a list, because it gathers.

        Raises
        ------
        ForgedReceiptError
            Its address does not hold our key, or it cannot be read.
        """
        return keyed(hook, self._account.hook_key)


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


def signed(
    account: AliyunAccount, host: str, action: str, parameters: Mapping[str, str], *, now: datetime, once: str, version: str = _VERSION
) -> dict[str, str]:
    """Headers of a POST to `/` without a body, its parameters in the query.

    Parameters
    ----------
    now
        UTC; a signature holds for 15 minutes.
    once
        A number that is used once.
    """
    headers = {
        "host": host,
        "x-acs-action": action,
        "x-acs-content-sha256": _NO_BODY,
        "x-acs-date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "x-acs-signature-nonce": once,
        "x-acs-version": version,
    }
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    request = "\n".join(("POST", "/", _query(parameters), lines, names, _NO_BODY))
    text = f"{_ALGORITHM}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signature = hmac.new(account.access_key_secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return headers | {"Authorization": f"{_ALGORITHM} Credential={account.access_key_id},SignedHeaders={names},Signature={signature}"}


def _query(parameters: Mapping[str, str]) -> str:
    """Sorted and encoded as RFC 3986 says."""
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in sorted(parameters.items()))
