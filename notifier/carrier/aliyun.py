"""A server that speaks Aliyun's HTTP for SMS and voice: it verifies signatures, keeps to Aliyun's rules, and misbehaves as told.

What it reports goes to `hooks_url`, as its console would have it, with the key of the address.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from zoneinfo import ZoneInfo

from notifier.carrier.mainland import MainlandProvider
from notifier.carrier.phones import Condition, End, Line, Phones, What
from notifier.carrier.provider import Refuse, Reply, Request

KEY_ID, KEY_SECRET, HOOK_KEY = "LTAI-an-id", "a-secret-that-must-not-be-logged", "a-hook-key-that-must-not-be-logged"
SIGN_NAME = "安居"
SMS_TEMPLATES = {
    "SMS_1": "安居提醒，${a}，请尽快处理。",
    "SMS_2": "安居提醒，${a}，其次${b}，请尽快处理。",
    "SMS_3": "安居提醒，${a}，其次${b}，再次${c}，请尽快处理。",
    "SMS_4": "安居提醒，${a}，其次${b}，再次${c}，最后${d}，请尽快处理。",
}
TTS_TEMPLATES = {"TTS_1": "这里是安居，${a}，请尽快处理。", "TTS_2": "谢谢，已经记下了。"}
GOODBYE, SHOW_NUMBER = "TTS_2", "057100000000"
SENT_S, RING_S = 0.6, 40.0
_PAGE_MOST = 50
_OUT_ID_MOST = 15
_FAILS = {Condition.OFF: "MOBILE_NOT_ON_SERVICE", Condition.FULL: "MOBLLE_TERMINAL_ERROR"}
_ENDS = {
    End.COMPLETED: "200000",
    End.MACHINE: "200000",
    End.OFF: "200010",
    End.UNREACHABLE: "200007",
    End.BUSY: "200002",
    End.DECLINED: "200005",
    End.NO_ANSWER: "200003",
    End.FAILED: "200006",
}
_HUNG_UP, _KEY = "200001", "300000"
"""States of a call: https://help.aliyun.com/document_detail/55085.html."""
_VARIABLE_MOST = 35


@dataclass(kw_only=True)
class Sent:
    """An SMS or a call as Aliyun has it. `status` is SendStatus, or the state of a call."""

    id: str
    to: str
    text: str
    out_id: str
    at_s: float
    status: str
    code: str = ""
    keys: str = ""
    asked: dict[str, str]


class FakeAliyun(MainlandProvider):
    """Aliyun, on loopback.

    Attributes
    ----------
    messages, calls
        Everything that was taken, oldest first.
    """

    def __init__(self, clock: Callable[[], float] = time.time, *, port: int = 0, phones: Phones | None = None, hooks_url: str = "") -> None:
        super().__init__(clock, port=port, phones=phones, hooks_url=hooks_url)
        self.messages: list[Sent] = []
        self.calls: list[Sent] = []
        self._used: set[str] = set()

    @property
    def environment(self) -> dict[str, str]:
        """What gateways are to be told."""
        return {
            "ALIBABA_CLOUD_ACCESS_KEY_ID": KEY_ID,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET": KEY_SECRET,
            "ALIYUN_HOOK_KEY": HOOK_KEY,
            "ALIYUN_SIGN_NAME": SIGN_NAME,
            "ALIYUN_SMS_TEMPLATES": json.dumps(SMS_TEMPLATES),
            "ALIYUN_TTS_TEMPLATES": json.dumps({code: text for code, text in TTS_TEMPLATES.items() if code != GOODBYE}),
            "ALIYUN_BASE_URL": self.url,
        }

    def unwelcome(self, request: Request) -> Reply | None:
        """Whoever does not sign as ACS3-HMAC-SHA256 wants it, signs twice alike, or at another time."""
        given = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=(.*),SignedHeaders=(.*),Signature=([0-9a-f]{64})", request.headers["authorization"]
        )
        if given is None:
            return self.refusal(Refuse(400, "IncompleteSignature"))
        if given[1] != KEY_ID:
            return self.refusal(Refuse(404, "InvalidAccessKeyId.NotFound"))
        said = sorted(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))
        query = "&".join("=".join(quote(part, safe="") for part in pair) for pair in said)
        lines = "".join(f"{name}:{request.headers[name].strip()}\n" for name in given[2].split(";"))
        digest = hashlib.sha256(request.body).hexdigest()
        whole = "\n".join((request.method, urlsplit(request.target).path, query, lines, given[2], digest))
        text = "ACS3-HMAC-SHA256\n" + hashlib.sha256(whole.encode()).hexdigest()
        signed_all = {"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
        if not signed_all <= set(given[2].split(";")) or request.headers["x-acs-content-sha256"] != digest:
            return self.refusal(Refuse(400, "IncompleteSignature"))
        if given[3] != hmac.new(KEY_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest():
            return self.refusal(Refuse(400, "SignatureDoesNotMatch"))
        at = datetime.strptime(request.headers["x-acs-date"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        if abs(at.timestamp() - self.clock()) > 15 * 60:
            return self.refusal(Refuse(400, "InvalidTimeStamp.Expired"))
        if request.headers["x-acs-signature-nonce"] in self._used:
            return self.refusal(Refuse(400, "SignatureNonceUsed"))
        self._used.add(request.headers["x-acs-signature-nonce"])
        return None

    def is_question(self, request: Request) -> bool:
        """Actions that ask make nothing."""
        return request.headers["x-acs-action"].startswith("Query")

    def accept(self, request: Request) -> Reply:
        """Make a message or a call, if it keeps to the rules."""
        asked = _asked(request)
        match request.headers["x-acs-action"]:
            case "SendSms":
                made = self._sms(asked)
            case "IvrCall":
                made = self._interactive(asked)
            case _:
                made = self._call(asked)
        return self.refusal(Refuse(200, made)) if isinstance(made, str) else made

    def answer(self, request: Request) -> Reply:
        """What became of messages of a day, or of a call."""
        asked = _asked(request)
        return self._details(asked) if request.headers["x-acs-action"] == "QuerySendDetails" else self._call_detail(asked)

    def refusal(self, refused: Refuse) -> Reply:
        """As Aliyun's errors look."""
        return _json(refused.status, {"Code": refused.code, "Message": refused.message, "RequestId": "R", "HostId": self.host})

    def report(self, *sent: Sent) -> bytes:
        """What Aliyun posts to our hook about these."""
        if all(one in self.calls for one in sent):
            return json.dumps(
                [{"call_id": one.id, "out_id": one.out_id, "status_code": one.status, "duration": "9", "dtmf": one.keys} for one in sent]
            ).encode()
        reports = [
            {
                "phone_number": one.to,
                "send_time": "2026-03-02 10:02:00",
                "report_time": "2026-03-02 10:02:05",
                "success": one.status == "3",
                "err_code": one.code or "DELIVERED",
                "err_msg": "",
                "sms_size": "1",
                "biz_id": one.id,
                "out_id": one.out_id,
            }
            for one in sent
        ]
        return json.dumps(reports).encode()

    def _sms(self, asked: dict[str, str]) -> Reply | str:
        if not re.fullmatch(r"1[3-9]\d{9}", asked["PhoneNumbers"]):
            return "isv.MOBILE_NUMBER_ILLEGAL"
        if asked["SignName"] not in {SIGN_NAME, "阿里云短信测试"}:
            return "isv.SMS_SIGNATURE_ILLEGAL"
        templates = SMS_TEMPLATES | {"SMS_154950909": "您正在使用阿里云短信测试服务，体验验证码是：${code}，如非本人操作，请忽略本短信！"}
        text = _filled(templates, asked["TemplateCode"], asked["TemplateParam"], _VARIABLE_MOST)
        if text.startswith("isv."):
            return text
        made = self._take(self.messages, asked["PhoneNumbers"], f"【{asked['SignName']}】{text}", "1", asked)
        return _json(200, {"Code": "OK", "Message": "OK", "RequestId": "R", "BizId": made.id})

    def _call(self, asked: dict[str, str]) -> Reply | str:
        if not re.fullmatch(r"1[3-9]\d{9}|0\d{9,11}", asked["CalledNumber"]):
            return "isv.MOBILE_NUMBER_ILLEGAL"
        if not 1 <= len(asked["OutId"]) <= _OUT_ID_MOST:
            return "isv.INVALID_PARAMETERS"
        text = _filled(TTS_TEMPLATES, asked["TtsCode"], asked["TtsParam"], 1000)
        if text.startswith("isv."):
            return text
        made = self._take(self.calls, asked["CalledNumber"], text, "", asked)
        return _json(200, {"Code": "OK", "Message": "OK", "RequestId": "R", "CallId": made.id})

    def _interactive(self, asked: dict[str, str]) -> Reply | str:
        """A call that hears keys: https://help.aliyun.com/document_detail/114037.html."""
        keys = [name for name in asked if name.startswith("MenuKeyMap.")]
        codes = {asked["ByeCode"], *(asked[name] for name in keys if name.endswith(".Code"))}
        if asked.get("CalledShowNumber") != SHOW_NUMBER or not keys or not codes <= set(TTS_TEMPLATES):
            return "isv.INVALID_PARAMETERS"
        return self._call(asked | {"TtsCode": asked["StartCode"], "TtsParam": asked["StartTtsParams"]})

    def _take(self, kept: list[Sent], to: str, text: str, status: str, asked: dict[str, str]) -> Sent:
        with self.turn:
            made = Sent(
                id=f"{next(self.numbers)}^0",
                to=to,
                text=text,
                out_id=asked.get("OutId", ""),
                at_s=self.clock(),
                status=status,
                asked=asked,
            )
            kept.append(made)
        if self.phones is not None:
            phones = self.phones
            self.later.do(SENT_S, lambda: self._rings(made, phones) if kept is self.calls else self._arrives(made, phones))
        return made

    def _arrives(self, sent: Sent, phones: Phones) -> None:
        """A message at its phone, as that phone is now."""
        phone = phones.of(f"+86{sent.to}")
        if phone.condition is Condition.UNREACHABLE:
            phone.waiting.append(lambda: self._arrives(sent, phones))
            return
        sent.status, sent.code = ("2", _FAILS[phone.condition]) if phone.condition in _FAILS else ("3", "")
        if not sent.code:
            phones.note(phone, What.TEXT, f"【{SIGN_NAME}】", sent.text)
        self._reports("aliyun-sms", sent)

    def _rings(self, call: Sent, phones: Phones) -> None:
        """A call, from its first ring to its end."""

        def talk(line: Line) -> None:
            for _ in range(int(call.asked.get("PlayTimes", "1"))):
                if line.say(call.text):
                    break
            if "ByeCode" not in call.asked:
                return
            call.keys = line.keys(float(call.asked["Timeout"]) / 1000, 1, "#")
            if call.keys:
                call.status = _KEY
                self._reports("aliyun-voice", call)
            line.say(TTS_TEMPLATES[call.asked["ByeCode"]])

        line = Line(phones, f"+86{call.to.removeprefix('0')}", call.id, SIGN_NAME)
        end = line.ring(RING_S, talk)
        call.status = _HUNG_UP if end is End.COMPLETED and not line.heard_all else _ENDS[end]
        self._reports("aliyun-voice", call)

    def _reports(self, gateway: str, sent: Sent) -> None:
        self.reports(gateway, HOOK_KEY, lambda: self.report(sent))

    def _details(self, asked: dict[str, str]) -> Reply:
        size, page = int(asked["PageSize"]), int(asked["CurrentPage"])
        if size > _PAGE_MOST:
            return self.refusal(Refuse(200, "isv.INVALID_PARAMETERS"))
        found = [one for one in reversed(self.messages) if one.to == asked["PhoneNumber"] and _day(one.at_s) == asked["SendDate"]]
        shown = [
            {
                "PhoneNum": one.to,
                "SendStatus": int(one.status),
                "ErrCode": one.code or ("DELIVERED" if one.status == "3" else ""),
                "TemplateCode": one.asked["TemplateCode"],
                "Content": one.text,
                "OutId": one.out_id,
            }
            for one in found[(page - 1) * size : page * size]
        ]
        said = {"Code": "OK", "Message": "OK", "RequestId": "R", "TotalCount": len(found), "SmsSendDetailDTOs": {"SmsSendDetailDTO": shown}}
        return _json(200, said)

    def _call_detail(self, asked: dict[str, str]) -> Reply:
        day = _day(int(asked["QueryDate"]) / 1000)
        found = next((one for one in self.calls if one.id == asked["CallId"] and _day(one.at_s) == day), None)
        data = json.dumps({"callId": found.id, "callee": found.to, "state": found.status}) if found else "{}"
        return _json(200, {"Code": "OK", "Message": "OK", "RequestId": "R", "Data": data})


def _asked(request: Request) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(request.target).query, keep_blank_values=True))


def _filled(templates: dict[str, str], code: str, param: str, most: int) -> str:
    """The text, or why not."""
    values = json.loads(param)
    if code not in templates:
        return "isv.SMS_TEMPLATE_ILLEGAL"
    if set(re.findall(r"\$\{(\w+)\}", templates[code])) != set(values):
        return "isv.TEMPLATE_MISSING_PARAMETERS"
    if any(not value or len(value) > most for value in values.values()):
        return "isv.PARAM_LENGTH_LIMIT"
    if any(re.search(r"https?://|1[3-9]\d{9}|[【】]", value) for value in values.values()):
        return "isv.TEMPLATE_PARAMS_ILLEGAL"
    return re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], templates[code])


def _day(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, tz=UTC).astimezone(ZoneInfo("Asia/Shanghai")).strftime("%Y%m%d")


def _json(status: int, said: dict[str, Any]) -> Reply:
    return Reply(status=status, body=json.dumps(said).encode())
