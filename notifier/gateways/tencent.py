"""SMS by Tencent (腾讯云短信), its HTTP signed with TC3-HMAC-SHA256, on httpx.

Source of the signature: https://cloud.tencent.com/document/api/382/52072. Why not the official SDK: docs/adr/0014.

Tencent lists a message only when its carrier has spoken of it. So a message of unknown end that is listed has got through, and one that
is not may still have: it is not sent again, and the next channel is used.
"""

import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

from devices.model import NS_PER_S
from incidents.directory import Channel
from notifier.gateways import codes
from notifier.gateways.aliyun import keyed
from notifier.gateways.model import (
    Answer,
    Capabilities,
    ForgedReceiptError,
    GatewayAwayError,
    GatewaySettingsError,
    Hook,
    InDoubt,
    Limit,
    Outgoing,
    Per,
    Reach,
    Receipt,
    Slots,
    Status,
)
from notifier.gateways.templates import Template, filled, templates_from
from notifier.gateways.wire import BROKEN_OFF, TIMEOUT_S, Wire, name_of, packed, unpacked
from store.outbox import DeliveryOutcome

_HOST = "sms.tencentcloudapi.com"
_SERVICE = "sms"
_VERSION = "2021-01-11"
_ALGORITHM = "TC3-HMAC-SHA256"
_CONTENT_TYPE = "application/json; charset=utf-8"
_MOST_LISTED = 100
_LOOK_BACK_S = 24 * 3600
_CHINA = "+86"
_FREQUENCY = "https://cloud.tencent.com/document/faq/382/13303"
_LIMITS = "https://cloud.tencent.com/document/product/382/3771"


@dataclass(frozen=True, slots=True, kw_only=True)
class TencentSettings:
    """A key, an application, and as whom and in which templates texts are sent.

    Attributes
    ----------
    variable_characters : int
        Most in one variable: 12, unless Tencent has granted the account more.
    hook_key : str
        Stands in the address that Tencent is given for receipts, because it does not sign them. Empty: no receipt is believed.
    base_url : str or None
        Asked instead of Tencent's own host.
    """

    secret_id: str
    secret_key: str = field(repr=False)
    app_id: str
    sign_name: str
    templates: tuple[Template, ...]
    variable_characters: int = 12
    region: str = "ap-guangzhou"
    hook_key: str = field(default="", repr=False)
    base_url: str | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY, TENCENT_SMS_APP_ID, TENCENT_SIGN_NAME, TENCENT_SMS_TEMPLATES.

        Also TENCENT_VARIABLE_CHARACTERS, TENCENT_HOOK_KEY, TENCENTCLOUD_REGION, and TENCENT_BASE_URL where another host is meant.
        Templates are written `{"1110": "安居提醒，{1}，详情{2}。", …}`.

        Raises
        ------
        GatewaySettingsError
            One is missing or wrong.
        """
        wanted = {
            "secret_id": "TENCENTCLOUD_SECRET_ID",
            "secret_key": "TENCENTCLOUD_SECRET_KEY",
            "app_id": "TENCENT_SMS_APP_ID",
            "sign_name": "TENCENT_SIGN_NAME",
            "templates": "TENCENT_SMS_TEMPLATES",
        }
        if missing := [name for name in wanted.values() if not environment.get(name)]:
            raise GatewaySettingsError(f"gateway tencent: the environment has no {', '.join(missing)}")
        said = {key: environment[name] for key, name in wanted.items() if key != "templates"}
        characters = environment.get("TENCENT_VARIABLE_CHARACTERS") or "12"
        if not characters.isdecimal() or not int(characters):
            raise GatewaySettingsError(f"TENCENT_VARIABLE_CHARACTERS is {characters!r}, wanted a whole number above 0")
        return cls(
            **said,
            templates=templates_from("TENCENT_SMS_TEMPLATES", environment["TENCENT_SMS_TEMPLATES"]),
            variable_characters=int(characters),
            region=environment.get("TENCENTCLOUD_REGION") or "ap-guangzhou",
            hook_key=environment.get("TENCENT_HOOK_KEY", ""),
            base_url=environment.get("TENCENT_BASE_URL"),
        )


class TencentSmsGateway:
    """SMS to mobile numbers in mainland China.

    Parameters
    ----------
    settings
        The key, the application, its signature and its templates.
    timeout_s
        For connecting, and again for the answer.
    clock
        s since the epoch: a signature holds for 5 minutes.
    """

    name = "tencent-sms"
    capabilities = Capabilities(
        channels=frozenset({Channel.SMS}),
        serves=Reach(prefixes=(_CHINA,)),
        longest=500,
        slots=Slots(characters=12, source=_LIMITS),
        limits=(
            Limit(count=1, period_s=30, per=frozenset({Per.NUMBER, Per.TEXT}), source=_FREQUENCY),
            # The carriers'. Tencent's own is 2 until it is raised in the console.
            Limit(count=10, period_s=24 * 3600, per=frozenset({Per.NUMBER}), source=_FREQUENCY),
        ),
        in_doubt=InDoubt.FOUND_ONLY,
        receipts=True,
    )
    channels = capabilities.channels
    settles_ns = 0
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType({"SUCCESS": DeliveryOutcome.DELIVERED, "FAIL": DeliveryOutcome.REJECTED})

    def __init__(self, settings: TencentSettings, *, timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._slots = Slots(characters=settings.variable_characters, source=_LIMITS)
        self.capabilities = replace(type(self).capabilities, slots=self._slots)
        self._url = (settings.base_url or f"https://{_HOST}").rstrip("/")
        self._wire = Wire(timeout_s)
        self._clock = clock

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  Tencent has a clock of its own
        """Hand it over once."""
        phone = outgoing.person.phone_e164
        if phone is None or not self.capabilities.serves.covers(phone):
            return Answer(outcome=DeliveryOutcome.REJECTED, code="not_served")
        put = filled(outgoing.text, self._settings.templates, self._slots)
        if isinstance(put, str):
            return Answer(outcome=DeliveryOutcome.REJECTED, code=put)
        template, values = put
        asked = {
            "PhoneNumberSet": [phone],
            "SmsSdkAppId": self._settings.app_id,
            "SignName": self._settings.sign_name,
            "TemplateId": template.code,
            "TemplateParamSet": list(values),
            "SessionContext": name_of(outgoing),
        }
        said = self._call("SendSms", asked)
        if isinstance(said, Answer):
            return said
        try:
            (one,) = said["SendStatusSet"]
            code, serial = str(one["Code"]), str(one.get("SerialNo") or "")
        except (KeyError, TypeError, ValueError):
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=BROKEN_OFF)
        if code == "Ok":
            return Answer(outcome=DeliveryOutcome.ACCEPTED, provider_id=packed(serial, phone))
        return Answer(outcome=codes.outcome(self.name, code, DeliveryOutcome.REJECTED), code=code)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        """The message that went out under this notification's own name.

        Raises
        ------
        GatewayAwayError
            Tencent does not answer, or does not list it, which says nothing.
        """
        phone = outgoing.person.phone_e164 or ""
        listed = self._listed(phone, outgoing.created_ns // NS_PER_S)
        found = next((one for one in listed if one.get("SessionContext") == name_of(outgoing)), None)
        if found is None:
            raise GatewayAwayError("Tencent lists a message only when its carrier has spoken of it")
        word, code = _word(found.get("ReportStatus"), found.get("Description"))
        provider_id = packed(str(found.get("SerialNo")), phone)
        return (Answer(outcome=self.outcomes.get(word, DeliveryOutcome.ACCEPTED), provider_id=provider_id, code=code),)

    def status(self, provider_id: str) -> Status:
        """How a message fares; no news while its carrier has not spoken.

        Raises
        ------
        GatewayAwayError
            Tencent does not answer.
        """
        parts = unpacked(provider_id, 2)
        if parts is None:
            raise GatewayAwayError("this is no id of ours for a message of Tencent's")
        serial, phone = parts
        listed = self._listed(phone, round(self._clock()) - _LOOK_BACK_S)
        found = next((one for one in listed if one.get("SerialNo") == serial), {})
        word, code = _word(found.get("ReportStatus"), found.get("Description"))
        return Status(word=word, code=code)

    def receipts(self, hook: Hook) -> tuple[Receipt, ...]:
        """Reports of messages, which Tencent posts until it is answered `{"result": 0, "errmsg": "OK"}`.

        Raises
        ------
        ForgedReceiptError
            The address does not hold our key, or it cannot be read.
        """
        receipts = []
        for report in keyed(hook, self._settings.hook_key):
            serial, country, mobile = report.get("sid"), report.get("nationcode"), report.get("mobile")
            if not serial or not country or not mobile or report.get("report_status") not in self.outcomes:
                raise ForgedReceiptError("a report of Tencent's names no message and outcome")
            word, code = _word(report["report_status"], report.get("errmsg"))
            receipts.append(Receipt(provider_id=packed(str(serial), f"+{country}{mobile}"), word=word, code=code))
        return tuple(receipts)

    def _listed(self, phone: str, since_s: int) -> list[dict[str, Any]]:
        asked = {
            "BeginTime": since_s - 60,
            "EndTime": round(self._clock()) + 60,
            "Offset": 0,
            "Limit": _MOST_LISTED,
            "PhoneNumber": phone,
            "SmsSdkAppId": self._settings.app_id,
        }
        said = self._call("PullSmsSendStatusByPhoneNumber", asked)
        if isinstance(said, Answer):
            raise GatewayAwayError(f"Tencent does not answer: {said.code}")
        return [one for one in said.get("PullSmsSendStatusSet") or [] if isinstance(one, dict)]

    def _call(self, action: str, asked: Mapping[str, Any]) -> Mapping[str, Any] | Answer:
        """What Tencent answered, or what is known without it."""
        body = json.dumps(asked, ensure_ascii=False).encode()
        headers = signed(self._settings, urlsplit(self._url).netloc, action, body, round(self._clock()))
        answered = self._wire.post(self._url + "/", content=body, headers=headers)
        if isinstance(answered, Answer):
            return answered
        try:
            said = dict(json.loads(answered.content)["Response"])
            code = str(said["Error"]["Code"]) if "Error" in said else None
        except (ValueError, TypeError, KeyError):
            return Answer(outcome=DeliveryOutcome.UNKNOWN, code=BROKEN_OFF)
        if code is None:
            return said
        otherwise = DeliveryOutcome.UNKNOWN if answered.is_server_error else DeliveryOutcome.REJECTED
        return Answer(outcome=codes.outcome("tencent-sms", code, otherwise), code=code)


def signed(settings: TencentSettings, host: str, action: str, body: bytes, now_s: int) -> dict[str, str]:
    """Headers of a POST of JSON to `/`."""
    day = datetime.fromtimestamp(now_s, tz=UTC).strftime("%Y-%m-%d")
    lines, names = f"content-type:{_CONTENT_TYPE}\nhost:{host}\n", "content-type;host"
    request = "\n".join(("POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()))
    scope = f"{day}/{_SERVICE}/tc3_request"
    text = "\n".join((_ALGORITHM, str(now_s), scope, hashlib.sha256(request.encode()).hexdigest()))
    key = f"TC3{settings.secret_key}".encode()
    for part in (day, _SERVICE, "tc3_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {
        "Authorization": f"{_ALGORITHM} Credential={settings.secret_id}/{scope}, SignedHeaders={names}, Signature={signature}",
        "Content-Type": _CONTENT_TYPE,
        "Host": host,
        "X-TC-Action": action,
        "X-TC-Region": settings.region,
        "X-TC-Timestamp": str(now_s),
        "X-TC-Version": _VERSION,
    }


def _word(status: object, why: object) -> tuple[str, str | None]:
    """A report as status and code; the code of an arrival is none."""
    word = str(status or "")
    return word, str(why) if word == "FAIL" and why else None
