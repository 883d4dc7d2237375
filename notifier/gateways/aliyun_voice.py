"""Calls by Aliyun (阿里云语音服务), to mainland China: an approved template is read out, and keys are heard where there is a goodbye too.

**Two ways.** SingleCallByTts only speaks. IvrCall also waits for a key, needs a number of one's own and a template to say goodbye by, and
Aliyun tells the key while the call goes on (VoiceCallReport) and once more when it is over (VoiceReport).

**What counts as delivered.** Aliyun says whether the call was heard to its end (`200000`); that is delivered. Who hung up before
(`200001`) has not heard it. A call of unknown end cannot be found, because Aliyun is asked by its own id only: it is not repeated, and the
next channel is used.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Self

import phonenumbers

from incidents.directory import Channel
from notifier.gateways.aliyun import AliyunAccount, Rpc, said_in
from notifier.gateways.model import (
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
    Slots,
    Status,
)
from notifier.gateways.templates import Template, filled, named, templates_from
from notifier.gateways.wire import TIMEOUT_S, name_of
from store.outbox import DeliveryOutcome

_HOST = "dyvmsapi.aliyuncs.com"
_VOICE_NOTICE = "11000000300006"
"""Aliyun's product number for spoken notices."""
_IVR = "11000000300005"
"""And for calls that hear keys: https://help.aliyun.com/document_detail/63017.html."""
_KEYS = ("1", "2", "3")
_KEY_WAIT_MS = "10000"
_OUT_ID_CHARACTERS = 15
_DAY_S = 24 * 3600
_PLAYED_TIMES = "2"
_CHINA = "+86"
_SLOTS = Slots(characters=450, source="https://help.aliyun.com/document_detail/414170.html")
"""Two of them in the 1,000 characters of the whole."""
_CLOCK = re.compile(r"(?<!\d)(\d{1,2})[:：](\d{2})(?!\d)")
_UNSPOKEN = re.compile(r"[#/:：\-%¥【】]")
"""Characters that a spoken template may not hold: https://help.aliyun.com/document_detail/414170.html."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliyunVoiceSettings:
    """Which templates are read out, and what number is shown.

    Attributes
    ----------
    show_number : str
        A number or service instance of one's own (专属模式); empty: one of Aliyun's pool (公共模式), which has templates of its own, with
        at most two variables.
    goodbye : str
        The template, without variables, that is read out once a key was pressed; empty: keys are not heard.
    """

    account: AliyunAccount
    templates: tuple[Template, ...]
    show_number: str = ""
    goodbye: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, public_url: str = "") -> Self:
        """The account's, ALIYUN_TTS_TEMPLATES (`{"TTS_1": "这里是安居，${a}，以上。"}`), ALIYUN_SHOW_NUMBER, and ALIYUN_TTS_GOODBYE.

        Keys are heard where Aliyun reaches us.

        Raises
        ------
        GatewaySettingsError
            One is missing or wrong.
        """
        account = AliyunAccount.from_environment(environment)
        (templates,) = said_in(environment, "ALIYUN_TTS_TEMPLATES")
        parsed = templates_from("ALIYUN_TTS_TEMPLATES", templates)
        goodbye, show_number = (environment.get(name, "") for name in ("ALIYUN_TTS_GOODBYE", "ALIYUN_SHOW_NUMBER"))
        if goodbye and not (show_number and account.hook_key):
            raise GatewaySettingsError("ALIYUN_TTS_GOODBYE hears keys, which needs ALIYUN_SHOW_NUMBER and ALIYUN_HOOK_KEY too")
        return cls(account=account, templates=parsed, show_number=show_number, goodbye=goodbye if public_url else "")


class AliyunVoiceGateway:
    """Calls to numbers in mainland China, fixed lines too.

    Parameters
    ----------
    settings
        The account and its templates.
    timeout_s
        For connecting, and again for the answer.
    clock
        s since the epoch.
    """

    name = "aliyun-voice"
    capabilities = Capabilities(
        channels=frozenset({Channel.VOICE}),
        serves=Reach(prefixes=(_CHINA,)),
        longest=1000,
        slots=_SLOTS,
        limits=tuple(
            Limit(count=count, period_s=period_s, per=frozenset({Per.NUMBER}), source="https://help.aliyun.com/document_detail/393519.html")
            for count, period_s in ((1, 60), (5, 3600), (20, _DAY_S))
        ),
        in_doubt=InDoubt.LEAVE,
        receipts=True,
    )
    received = '{"code": 0, "msg": "OK"}'
    channels = capabilities.channels
    settles_ns = 0
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType(
        {
            "200000": DeliveryOutcome.DELIVERED,
            **dict.fromkeys(
                (
                    "200001",
                    "200002",
                    "200003",
                    "200004",
                    "200005",
                    "200006",
                    "200007",
                    "200008",
                    "200010",
                    "200011",
                    "200012",
                    "200116",
                    "200117",
                    "200118",
                    "200119",
                    "200121",
                    "200130",
                    "400",
                    "476",
                    "482",
                    "500",
                    "999999",
                ),
                DeliveryOutcome.REJECTED,
            ),
        }
    )
    """By the state of the call: https://help.aliyun.com/document_detail/55085.html. What is between (`200101`, `200102` …) is no news."""

    def __init__(self, settings: AliyunVoiceSettings, *, timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        if settings.goodbye:
            self.capabilities = replace(self.capabilities, keys=self.capabilities.serves)
        self._rpc = Rpc(settings.account, _HOST, timeout_s, clock)

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  Aliyun has a clock of its own
        """Have the call made."""
        number = dialled(outgoing.person.phone_e164)
        if number is None:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="not_served")
        put = filled(spoken(outgoing.text), self._settings.templates, _SLOTS)
        if isinstance(put, str):
            return Answer(outcome=DeliveryOutcome.REJECTED, code=put)
        template, values = put
        goodbye = self._settings.goodbye
        code, param = ("StartCode", "StartTtsParams") if goodbye else ("TtsCode", "TtsParam")
        asked = {
            "CalledNumber": number,
            code: template.code,
            param: json.dumps(named(template, values), ensure_ascii=False),
            "PlayTimes": _PLAYED_TIMES,
            "OutId": name_of(outgoing)[:_OUT_ID_CHARACTERS],
        }
        if self._settings.show_number:
            asked["CalledShowNumber"] = self._settings.show_number
        if goodbye:
            asked |= {"Timeout": _KEY_WAIT_MS, "ByeCode": goodbye}
            for place, key in enumerate(_KEYS, 1):
                asked |= {f"MenuKeyMap.{place}.Key": key, f"MenuKeyMap.{place}.Code": goodbye}
        said = self._rpc.call("IvrCall" if goodbye else "SingleCallByTts", asked)
        if isinstance(said, Answer):
            return said
        return Answer(outcome=DeliveryOutcome.ACCEPTED, provider_id=str(said["CallId"]) if said.get("CallId") else None)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:  # noqa: ARG002
        """Nobody can say.

        Raises
        ------
        GatewayAwayError
            Always: Aliyun knows calls by its own id only.
        """
        raise GatewayAwayError("Aliyun does not say which calls it has made to a number")

    def status(self, provider_id: str) -> Status:
        """How a call ended; asked for today, and for yesterday where today has none.

        Raises
        ------
        GatewayAwayError
            Aliyun does not answer.
        """
        now_ms = round(self._rpc.clock() * 1000)
        word = ""
        for at_ms in (now_ms, now_ms - _DAY_S * 1000):
            asked = {"CallId": provider_id, "ProdId": _IVR if self._settings.goodbye else _VOICE_NOTICE, "QueryDate": str(at_ms)}
            said = self._rpc.ask("QueryCallDetailByCallId", asked)
            try:
                word = str(json.loads(said.get("Data") or "{}").get("state") or "")
            except (ValueError, AttributeError):
                raise GatewayAwayError("Aliyun's word about a call cannot be read") from None
            if word:
                break
        return _ended(word)

    def pressed(self, hook: Hook) -> tuple[Heard, ...]:
        """Keys that were pressed, told while a call goes on and again when it is over.

        Raises
        ------
        ForgedReceiptError
            The address does not hold our key, or it cannot be read.
        """
        reports = [(report.get("call_id"), report.get("dtmf")) for report in self._rpc.reports(hook)]
        pressed = [(call, keys[0]) for call, keys in reports if isinstance(call, str) and isinstance(keys, str) and keys]
        return tuple(Heard(phone_e164="", provider_id=call, key=key) for call, key in pressed)

    def receipts(self, hook: Hook) -> tuple[Receipt, ...]:
        """VoiceReport, of calls that are over.

        Raises
        ------
        ForgedReceiptError
            The address does not hold our key, or it cannot be read.
        """
        receipts = []
        for report in self._rpc.reports(hook):
            if not isinstance(report.get("call_id"), str) or not isinstance(report.get("status_code"), str):
                raise ForgedReceiptError("a report of Aliyun's names no call and state")
            ended = _ended(report["status_code"])
            if ended.word in self.outcomes:
                receipts.append(Receipt(provider_id=report["call_id"], word=ended.word, code=ended.code))
        return tuple(receipts)


def dialled(phone_e164: str | None) -> str | None:
    """A number as it is dialled within mainland China: a fixed line with its area; None for any other."""
    if not phone_e164 or not phone_e164.startswith(_CHINA):
        return None
    try:
        number = phonenumbers.parse(phone_e164, None)
    except phonenumbers.NumberParseException:
        return None
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    return "".join(character for character in national if character.isdigit())


def spoken(text: str) -> str:
    """A text without what may not be read out."""
    return _UNSPOKEN.sub(" ", _CLOCK.sub(r"\1点\2分", text))


def _ended(word: str) -> Status:
    """A state; it is its own code, but where the call was heard."""
    is_failure = AliyunVoiceGateway.outcomes.get(word) is DeliveryOutcome.REJECTED
    return Status(word=word, code=word if is_failure else None)
