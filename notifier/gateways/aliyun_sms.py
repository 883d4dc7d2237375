"""SMS by Aliyun (阿里云短信): approved templates under an approved signature, to mainland China.

An SMS is known by the `OutId` that we give it: it comes back with every report and every question, so a message of unknown end is found
for certain. Aliyun wants to be asked with the number and the day, so the id holds both.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Self
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S
from incidents.directory import Channel
from notifier.gateways.aliyun import AliyunAccount, Rpc, Said, said_in
from notifier.gateways.model import (
    NOBODY,
    Answer,
    Capabilities,
    ForgedReceiptError,
    GatewayAwayError,
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
from notifier.gateways.wire import TIMEOUT_S, name_of, packed, unpacked
from store.outbox import DeliveryOutcome

_HOST = "dysmsapi.aliyuncs.com"
_BEIJING = ZoneInfo("Asia/Shanghai")
_PAGE = 50
_NEWEST_PAGES = 4
_CHINA = "+86"
_SLOTS = Slots(characters=35, source="https://help.aliyun.com/document_detail/463270.html")
_DAY_S = 24 * 3600

_TEST_SIGNATURE = "阿里云短信测试"
_TEST_TEMPLATE = Template.parse("SMS_154950909", "您正在使用阿里云短信测试服务，体验验证码是：${code}，如非本人操作，请忽略本短信！")


@dataclass(frozen=True, slots=True, kw_only=True)
class AliyunSmsSettings:
    """As whom and in which templates texts are sent.

    Attributes
    ----------
    sign_name : str
        The approved signature, without its brackets.
    is_test : bool
        Aliyun's own test: its signature and template, which it sends to numbers bound in the console. The text does not go out.
    """

    account: AliyunAccount
    sign_name: str
    templates: tuple[Template, ...]
    is_test: bool = False

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """The account's, ALIYUN_SIGN_NAME, and ALIYUN_SMS_TEMPLATES: `{"SMS_1": "安居提醒，${a}，详情${b}。", …}`.

        Raises
        ------
        GatewaySettingsError
            One is missing or wrong.
        """
        account = AliyunAccount.from_environment(environment)
        sign_name, templates = said_in(environment, "ALIYUN_SIGN_NAME", "ALIYUN_SMS_TEMPLATES")
        return cls(account=account, sign_name=sign_name, templates=templates_from("ALIYUN_SMS_TEMPLATES", templates))

    @classmethod
    def for_test(cls, environment: Mapping[str, str]) -> Self:
        """Aliyun's own test; only the account's variables are needed.

        Raises
        ------
        GatewaySettingsError
            One is missing.
        """
        account = AliyunAccount.from_environment(environment)
        return cls(account=account, sign_name=_TEST_SIGNATURE, templates=(_TEST_TEMPLATE,), is_test=True)


class AliyunSmsGateway:
    """SMS to mobile numbers in mainland China.

    Parameters
    ----------
    settings
        The account, its signature and its templates.
    timeout_s
        For connecting, and again for the answer.
    clock
        s since the epoch.
    """

    name = "aliyun-sms"
    capabilities = Capabilities(
        channels=frozenset({Channel.SMS}),
        serves=Reach(prefixes=(_CHINA,)),
        reply=NOBODY,  # a reply needs a number of one's own, which a signature has not by itself
        longest=500,
        slots=_SLOTS,
        limits=(
            Limit(
                count=50,
                period_s=_DAY_S,
                per=frozenset({Per.NUMBER, Per.TEMPLATE}),
                source="https://help.aliyun.com/document_detail/2881383.html",
            ),
        ),
        in_doubt=InDoubt.LOOK_UP,
        receipts=True,
    )
    channels = capabilities.channels
    settles_ns = 60 * NS_PER_S
    outcomes: Mapping[str, DeliveryOutcome] = MappingProxyType({"3": DeliveryOutcome.DELIVERED, "2": DeliveryOutcome.REJECTED})
    """By `SendStatus`: 1 waits for the carrier's word, 2 failed, 3 arrived."""

    def __init__(self, settings: AliyunSmsSettings, *, timeout_s: float = TIMEOUT_S, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._rpc = Rpc(settings.account, _HOST, timeout_s, clock)

    def send(self, outgoing: Outgoing, now_ns: int) -> Answer:  # noqa: ARG002  Aliyun has a clock of its own
        """Hand it over once."""
        number = _number(outgoing)
        if number is None:
            return Answer(outcome=DeliveryOutcome.REJECTED, code="not_served")
        put = (_TEST_TEMPLATE, ("1234",)) if self._settings.is_test else filled(outgoing.text, self._settings.templates, _SLOTS)
        if isinstance(put, str):
            return Answer(outcome=DeliveryOutcome.REJECTED, code=put)
        template, values = put
        out_id = _out_id(outgoing, number)
        asked = {
            "PhoneNumbers": number,
            "SignName": self._settings.sign_name,
            "TemplateCode": template.code,
            "TemplateParam": json.dumps(named(template, values), ensure_ascii=False),
            "OutId": out_id,
        }
        said = self._rpc.call("SendSms", asked)
        return said if isinstance(said, Answer) else Answer(outcome=DeliveryOutcome.ACCEPTED, provider_id=out_id)

    def look_up(self, outgoing: Outgoing) -> tuple[Answer, ...]:
        """The message that went out under this notification's own id.

        Raises
        ------
        GatewayAwayError
            Aliyun does not answer, or there are more messages to this number than are looked through.
        """
        number = _number(outgoing)
        found = self._found(_out_id(outgoing, number)) if number else None
        if found is None:
            return ()
        outcome = self.outcomes.get(str(found.get("SendStatus")), DeliveryOutcome.ACCEPTED)
        return (Answer(outcome=outcome, provider_id=str(found["OutId"]), code=_code(found.get("ErrCode"))),)

    def status(self, provider_id: str) -> Status:
        """How a message fares.

        Raises
        ------
        GatewayAwayError
            Aliyun does not answer, or does not show it yet.
        """
        found = self._found(provider_id)
        if found is None:
            raise GatewayAwayError("Aliyun does not show a message that it accepted")
        return Status(word=str(found.get("SendStatus")), code=_code(found.get("ErrCode")))

    def receipts(self, hook: Hook) -> tuple[Receipt, ...]:
        """SmsReport, which Aliyun posts up to four times until it is answered `{"code": 0, "msg": …}`.

        Raises
        ------
        ForgedReceiptError
            The address does not hold our key, or it cannot be read.
        """
        receipts = []
        for report in self._rpc.reports(hook):
            if not isinstance(report.get("success"), bool) or not isinstance(report.get("out_id"), str):
                raise ForgedReceiptError("a report of Aliyun's names no message and outcome")
            if report["out_id"]:
                word = "3" if report["success"] else "2"
                receipts.append(Receipt(provider_id=report["out_id"], word=word, code=_code(report.get("err_code"))))
        return tuple(receipts)

    def _found(self, out_id: str) -> Said | None:
        """A message by our id for it, of the day that the id names or the next one."""
        parts = unpacked(out_id, 3)
        if parts is None:
            raise GatewayAwayError("this is no id of ours for a message of Aliyun's")
        day, number, _ = parts
        next_day = (datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC) + timedelta(days=1)).strftime("%Y%m%d")
        today = datetime.fromtimestamp(self._rpc.clock(), tz=UTC).astimezone(_BEIJING).strftime("%Y%m%d")
        for asked_day in (day, next_day) if next_day <= today else (day,):
            for page in range(1, _NEWEST_PAGES + 1):
                asked = {"PhoneNumber": number, "SendDate": asked_day, "PageSize": str(_PAGE), "CurrentPage": str(page)}
                said = self._rpc.ask("QuerySendDetails", asked)
                shown = (said.get("SmsSendDetailDTOs") or {}).get("SmsSendDetailDTO") or []
                found = next((one for one in shown if one.get("OutId") == out_id), None)
                if found is not None:
                    return dict(found)
                if len(shown) < _PAGE:
                    break
            else:
                raise GatewayAwayError(f"Aliyun has more than {_PAGE * _NEWEST_PAGES} messages to one number on one day")
        return None


def _number(outgoing: Outgoing) -> str | None:
    """A number as Aliyun writes those of mainland China."""
    phone = outgoing.person.phone_e164 or ""
    return phone.removeprefix(_CHINA) if phone.startswith(_CHINA) else None


def _out_id(outgoing: Outgoing, number: str) -> str:
    day = datetime.fromtimestamp(outgoing.created_ns // NS_PER_S, tz=UTC).astimezone(_BEIJING).strftime("%Y%m%d")
    return packed(day, number, name_of(outgoing))


def _code(said: object) -> str | None:
    """Aliyun's code for a failure; none for an arrival."""
    return str(said) if said and said != "DELIVERED" else None
