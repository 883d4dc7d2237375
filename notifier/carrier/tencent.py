"""A server that speaks Tencent's HTTP for SMS: it verifies signatures, keeps to Tencent's rules, and misbehaves as told."""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from notifier.carrier.mainland import MainlandProvider
from notifier.carrier.phones import Condition, Phones, What
from notifier.carrier.provider import Refuse, Reply, Request

SECRET_ID, SECRET_KEY, HOOK_KEY = "AKID-an-id", "a-key-that-must-not-be-logged", "a-hook-key-that-must-not-be-logged"
APP_ID, SIGN_NAME = "1400006666", "安居"
TEMPLATES = {
    "1110": "安居提醒，{1}，请尽快处理。",
    "1111": "安居提醒，{1}，其次{2}，请尽快处理。",
    "1112": "安居提醒，{1}，其次{2}，再次{3}，最后{4}，请尽快处理。",
}
SENT_S = 0.6
_VARIABLE_MOST = 40
_FAILS = {Condition.OFF: "MK:0001", Condition.FULL: "MI:0055"}
"""What carriers say of a phone that is off, and of one that is full: words of theirs, which Tencent hands on."""


@dataclass(kw_only=True)
class Sent:
    """An SMS as Tencent has it. `status` is empty until its carrier speaks."""

    id: str
    to: str
    text: str
    context: str
    at_s: float
    status: str = ""
    code: str = ""


class FakeTencent(MainlandProvider):
    """Tencent, on loopback.

    Attributes
    ----------
    messages
        Everything that was taken, oldest first.
    """

    def __init__(self, clock: Callable[[], float] = time.time, *, port: int = 0, phones: Phones | None = None, hooks_url: str = "") -> None:
        super().__init__(clock, port=port, phones=phones, hooks_url=hooks_url)
        self.messages: list[Sent] = []

    @property
    def environment(self) -> dict[str, str]:
        """What a gateway is to be told."""
        return {
            "TENCENTCLOUD_SECRET_ID": SECRET_ID,
            "TENCENTCLOUD_SECRET_KEY": SECRET_KEY,
            "TENCENT_SMS_APP_ID": APP_ID,
            "TENCENT_SIGN_NAME": SIGN_NAME,
            "TENCENT_SMS_TEMPLATES": json.dumps(TEMPLATES),
            "TENCENT_VARIABLE_CHARACTERS": str(_VARIABLE_MOST),
            "TENCENT_HOOK_KEY": HOOK_KEY,
            "TENCENT_BASE_URL": self.url,
        }

    def unwelcome(self, request: Request) -> Reply | None:
        """Whoever does not sign as TC3-HMAC-SHA256 wants it, or at another time."""
        given = re.fullmatch(
            r"TC3-HMAC-SHA256 Credential=(.*)/(\d{4}-\d\d-\d\d)/sms/tc3_request, SignedHeaders=(.*), Signature=([0-9a-f]{64})",
            request.headers["authorization"],
        )
        if given is None:
            return self.refusal(Refuse(200, "AuthFailure.InvalidAuthorization"))
        if given[1] != SECRET_ID:
            return self.refusal(Refuse(200, "AuthFailure.SecretIdNotFound"))
        at_s = int(request.headers["x-tc-timestamp"])
        if abs(at_s - self.clock()) > 5 * 60 or given[2] != datetime.fromtimestamp(at_s, tz=UTC).strftime("%Y-%m-%d"):
            return self.refusal(Refuse(200, "AuthFailure.SignatureExpire"))
        lines = "".join(f"{name}:{request.headers[name].strip().lower()}\n" for name in given[3].split(";"))
        whole = "\n".join((request.method, "/", "", lines, given[3], hashlib.sha256(request.body).hexdigest()))
        text = "\n".join(("TC3-HMAC-SHA256", str(at_s), f"{given[2]}/sms/tc3_request", hashlib.sha256(whole.encode()).hexdigest()))
        key = hmac.digest(
            hmac.digest(hmac.digest(f"TC3{SECRET_KEY}".encode(), given[2].encode(), "sha256"), b"sms", "sha256"), b"tc3_request", "sha256"
        )
        if given[4] != hmac.digest(key, text.encode(), "sha256").hex():
            return self.refusal(Refuse(200, "AuthFailure.SignatureFailure"))
        return None

    def is_question(self, request: Request) -> bool:
        """Actions that pull make nothing."""
        return request.headers["x-tc-action"].startswith("Pull")

    def accept(self, request: Request) -> Reply:
        """Make a message, if it keeps to the rules."""
        asked = json.loads(request.body)
        (to,) = asked["PhoneNumberSet"]
        why = self._why_not(asked, to)
        status = {
            "SerialNo": "",
            "PhoneNumber": to,
            "Fee": 0,
            "SessionContext": asked["SessionContext"],
            "Code": why or "Ok",
            "Message": "",
            "IsoCode": "CN",
        }
        if not why:
            text = TEMPLATES[asked["TemplateId"]]
            for number, value in enumerate(asked["TemplateParamSet"], 1):
                text = text.replace(f"{{{number}}}", value)
            status |= {"SerialNo": self._take(to, f"【{SIGN_NAME}】{text}", asked["SessionContext"]).id, "Fee": 1}
        return _json({"SendStatusSet": [status]})

    def answer(self, request: Request) -> Reply:
        """What carriers have said of messages to a number."""
        asked = json.loads(request.body)
        shown = [
            {
                "UserReceiveTime": round(one.at_s),
                "CountryCode": "86",
                "SubscriberNumber": one.to.removeprefix("+86"),
                "PhoneNumber": one.to,
                "SerialNo": one.id,
                "ReportStatus": one.status,
                "Description": one.code or "DELIVRD",
                "SessionContext": one.context,
            }
            for one in self.messages
            if one.status and one.to == asked["PhoneNumber"] and asked["BeginTime"] <= one.at_s <= asked["EndTime"]
        ]
        return _json({"PullSmsSendStatusSet": shown[: asked["Limit"]]})

    def refusal(self, refused: Refuse) -> Reply:
        """As Tencent's errors look."""
        return _json({"Error": {"Code": refused.code, "Message": refused.message}}, refused.status)

    def report(self, *sent: Sent) -> bytes:
        """What Tencent posts to our hook about these."""
        reports = [
            {
                "user_receive_time": "2026-03-02 10:02:05",
                "nationcode": "86",
                "mobile": one.to.removeprefix("+86"),
                "report_status": one.status,
                "errmsg": one.code or "DELIVRD",
                "description": "",
                "sid": one.id,
            }
            for one in sent
        ]
        return json.dumps(reports).encode()

    def _why_not(self, asked: dict[str, Any], to: str) -> str:
        values = asked["TemplateParamSet"]
        if not re.fullmatch(r"\+861[3-9]\d{9}", to):
            return "InvalidParameterValue.IncorrectPhoneNumber"
        if asked["SmsSdkAppId"] != APP_ID:
            return "UnauthorizedOperation.SmsSdkAppIdVerifyFail"
        if asked["SignName"] != SIGN_NAME:
            return "FailedOperation.SignatureIncorrectOrUnapproved"
        if asked["TemplateId"] not in TEMPLATES or len(re.findall(r"\{\d+\}", TEMPLATES[asked["TemplateId"]])) != len(values):
            return "FailedOperation.TemplateIncorrectOrUnapproved"
        if any(not value or len(value) > _VARIABLE_MOST for value in values):
            return "InvalidParameterValue.TemplateParameterLengthLimit"
        return ""

    def _take(self, to: str, text: str, context: str) -> Sent:
        with self.turn:
            made = Sent(id=f"2019:{next(self.numbers)}", to=to, text=text, context=context, at_s=self.clock())
            self.messages.append(made)
        if self.phones is not None:
            phones = self.phones
            self.later.do(SENT_S, lambda: self._arrives(made, phones))
        return made

    def _arrives(self, sent: Sent, phones: Phones) -> None:
        """A message at its phone, as that phone is now."""
        phone = phones.of(sent.to)
        if phone.condition is Condition.UNREACHABLE:
            phone.waiting.append(lambda: self._arrives(sent, phones))
            return
        sent.status, sent.code = ("FAIL", _FAILS[phone.condition]) if phone.condition in _FAILS else ("SUCCESS", "")
        if not sent.code:
            phones.note(phone, What.TEXT, f"【{SIGN_NAME}】", sent.text)
        self.reports("tencent-sms", HOOK_KEY, lambda: self.report(sent))


def _json(said: dict[str, Any], status: int = 200) -> Reply:
    return Reply(status=status, body=json.dumps({"Response": said | {"RequestId": "R"}}).encode())
