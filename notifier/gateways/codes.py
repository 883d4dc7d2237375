"""What each provider's code means for the message, the person and the operator: one table, each row with its source.

A code comes with an answer (`Answer.code`) or with a receipt (`Receipt.code`, `Status.code`). `meaning` finds its row: the code itself, or
the family that it belongs to (`AuthFailure.SignatureFailure` belongs to `AuthFailure`). A code that is in no row has no meaning: what
happens then depends on the outcome alone.

Twilio's codes do not decide whether a message was taken, because the HTTP status does; Aliyun and Tencent answer 200 to everything, so
there this table does (`outcome`).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from store.outbox import DeliveryOutcome


class Remedy(StrEnum):
    """What is to be done."""

    BROKEN = "broken"
    """The number or address cannot get this, today or tomorrow: it is marked, shown, and not used until somebody has put it right. The
    next channel at once."""
    CONSENT = "consent"
    """The person does not want messages, or their carrier says so: shown, no more by this channel. The next channel at once; life safety
    goes by voice."""
    NEXT = "next"
    """It will not arrive now: the telephone is off, full or busy. The next channel at once; the number stays good."""
    AGAIN = "again"
    """Nobody's fault, and likely to be over: once more, then the next channel."""
    LATER = "later"
    """Too much at one time: another gateway now, else later by this one."""
    OPERATOR = "operator"
    """Wrong credentials, no money, no permission, a template that was not approved: the operator is paged, another gateway takes it, and it
    says nothing about the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One row.

    Attributes
    ----------
    why : str
        In the provider's sense, for people.
    source : str
        Where the provider says so.
    """

    remedy: Remedy
    why: str
    source: str


OUTCOMES: Mapping[Remedy, DeliveryOutcome] = {
    Remedy.BROKEN: DeliveryOutcome.REJECTED,
    Remedy.CONSENT: DeliveryOutcome.REJECTED,
    Remedy.NEXT: DeliveryOutcome.REJECTED,
    Remedy.AGAIN: DeliveryOutcome.UNKNOWN,
    Remedy.LATER: DeliveryOutcome.RETRY,
    Remedy.OPERATOR: DeliveryOutcome.RETRY,
}
"""What an answer with such a code comes to. An internal error does not say whether the message was taken, so it is looked up."""

_Rows = Mapping[Remedy, Mapping[str, str]]

_TWILIO: _Rows = {
    Remedy.BROKEN: {
        "13224": "the number is invalid",
        "21211": "the number is invalid",
        "21214": "the number cannot be reached",
        "21217": "the number does not appear to be valid",
        "21401": "the number is invalid",
        "21604": "there is no number",
        "21614": "the number is no mobile number",
        "30005": "the number is unknown, or no longer exists",
        "30006": "a fixed line, or a carrier that cannot be reached",
    },
    Remedy.CONSENT: {"21610": "the person has replied STOP"},
    Remedy.NEXT: {
        "21612": "no way by SMS from this sender to this number",
        "30003": "the telephone is off or out of reach",
        "30004": "the recipient or the carrier blocks it",
        "30007": "a carrier has filtered it",
        "30036": "it was not delivered within its time",
    },
    Remedy.AGAIN: {
        "20500": "an internal error of Twilio's",
        "30008": "unknown error of a carrier",
        "30009": "a part of the message is missing",
        "30410": "the carrier did not answer in time",
    },
    Remedy.LATER: {
        "10004": "too many calls at one time",
        "20429": "too many requests",
        "20503": "the service is not available",
        "21611": "the queue of this sender is full",
        "30001": "the queue of this sender is full",
        "30022": "more than the registered campaign may send",
    },
    Remedy.OPERATOR: {
        "10001": "the account is not active",
        "20003": "the account or its token is wrong",
        "20005": "the account is not active",
        "21210": "the sender's number is not verified",
        "21212": "the sender's number is invalid",
        "21215": "calls to this country are not permitted",
        "21216": "the account may not call this number",
        "21408": "SMS to this country are not permitted",
        "21603": "no sender is named",
        "21606": "the sender cannot send SMS to this number",
        "21608": "a trial account sends to verified numbers only",
        "21617": "the text is longer than 1,600 characters",
        "21703": "the messaging service has no sender",
        "30002": "the account is suspended",
        "30010": "it costs more than the account's limit",
        "30023": "the day's share of the registered campaign is used up",
        "30032": "the toll-free sender is not verified",
        "30034": "the sender belongs to no registered campaign",
    },
}

_ALIYUN_API: _Rows = {
    Remedy.BROKEN: {"isv.MOBILE_NUMBER_ILLEGAL": "the number is invalid"},
    Remedy.CONSENT: {"isv.CUSTOMER_REFUSED": "the person has refused messages"},
    Remedy.AGAIN: {
        "isp.SYSTEM_ERROR": "an error of Aliyun's",
        "isp.GATEWAY_ERROR": "an error of Aliyun's",
        "InternalError": "an error of Aliyun's",
    },
    Remedy.LATER: {
        "SignatureNonceUsed": "a number used once was used twice",
        "isv.BUSINESS_LIMIT_CONTROL": "more to this number than Aliyun lets through",
        "isv.SMS_OVER_LIMIT": "more to this number than Aliyun lets through",
        "Throttling": "too many requests",
        "ServiceUnavailable": "the service is not available",
    },
    Remedy.OPERATOR: {
        "isv.AMOUNT_NOT_ENOUGH": "the balance does not suffice",
        "isv.OUT_OF_SERVICE": "the service is stopped, mostly for lack of money",
        "isv.ACCOUNT_NOT_EXISTS": "no such account",
        "isv.ACCOUNT_ABNORMAL": "something is wrong with the account",
        "isv.SECURITY_FROZEN_ACCOUNT": "the account is frozen",
        "isv.PRODUCT_UN_SUBSCRIPT": "the account has not subscribed to the service",
        "isv.PRODUCT_UNSUBSCRIBE": "the account has not subscribed to the service",
        "isp.RAM_PERMISSION_DENY": "the key may not do this",
        "isv.DENY_IP_RANGE": "requests from here are not permitted",
        "isv.DAY_LIMIT_CONTROL": "the day's limit that the account has set itself",
        "isv.MONTH_LIMIT_CONTROL": "the month's limit that the account has set itself",
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED": "a template for abroad, and a number in mainland China",
        "isv.SMS_SIGNATURE_ILLEGAL": "the signature is not approved",
        "isv.SMS_SIGN_ILLEGAL": "the signature is forbidden",
        "isv.SMS_SIGNATURE_SCENE_ILLEGAL": "the signature is not for this kind of template",
        "isv.SMS_TEMPLATE_ILLEGAL": "the template is not approved",
        "isv.TTS_TEMPLATE_ILLEGAL": "the spoken template is not approved",
        "isv.DISPLAY_NUMBER_ILLEGAL": "the number to call from is not ours",
        "isv.TEMPLATE_MISSING_PARAMETERS": "a variable of the template is missing",
        "isv.TEMPLATE_PARAMS_ILLEGAL": "a variable holds what it may not",
        "isv.INVALID_PARAMETERS": "a parameter is wrong",
        "isv.INVALID_JSON_PARAM": "the variables are no JSON",
        "isv.PARAM_LENGTH_LIMIT": "a variable is too long",
        "isv.PARAM_NOT_SUPPORT_URL": "a variable holds a link",
        "isv.BLACK_KEY_CONTROL_LIMIT": "a variable holds a word that is not let through",
        "isv.SMS_CONTENT_ILLEGAL": "the text is not let through",
        "isv.UNSUPPORTED_CONTENT": "traditional characters or emoji",
        "isv.SMS_TEST_NUMBER_LIMIT": "the test template sends to bound numbers only",
        "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT": "the test signature goes with the test template only",
        "InvalidAccessKeyId": "the key is wrong",
        "SignatureDoesNotMatch": "the key's secret is wrong",
        "IncompleteSignature": "the key's secret is wrong",
        "InvalidTimeStamp": "this machine's clock is wrong",
        "Forbidden": "the key may not do this",
        "NoPermission": "the key may not do this",
    },
}

_ALIYUN_SMS_RECEIPT: _Rows = {
    Remedy.BROKEN: {"INVALID_NUMBER": "the number is not in use or invalid"},
    Remedy.CONSENT: {
        "USER_REJECT": "the person has opted out",
        "MOBILE_IN_BLACK": "the number is on a list of those who opted out",
    },
    Remedy.NEXT: {
        "MOBILE_NOT_ON_SERVICE": "the telephone is off, out of reach or suspended, or the number is not in use",
        "MOBILE_ACCOUNT_ABNORMAL": "the person's account with the carrier is in arrears, or the number was ported",
        "MOBLLE_TERMINAL_ERROR": "the telephone or its SIM card is full",
        "MOBILE_SEND_LIMIT": "more to this number than the carrier lets through",
        "CONTENT_KEYWORD": "a carrier has filtered a word",
        "REQUEST_SUCCESS": "taken, and no word from the carrier",
    },
    Remedy.AGAIN: {
        "SP_UNKNOWN_ERROR": "unknown error of a carrier",
        "IS_CLOSE": "the way to the carrier is closed, and another one is being found",
    },
    Remedy.OPERATOR: {
        "NO_ROUTE": "no way for such a text",
        "SIGNATURE_BLACKLIST": "the signature is not let through",
        "CONTENT_ERROR": "sent as an advertisement",
        "PARAMS_ILLEGAL": "a parameter is wrong",
    },
}

_ALIYUN_VOICE_RECEIPT: _Rows = {
    Remedy.BROKEN: {"200004": "the number is not in use or invalid", "200116": "the number is invalid"},
    Remedy.NEXT: {
        "200001": "hung up before the text was over",
        "200002": "busy",
        "200003": "not answered",
        "200005": "cannot be reached, or refused as a nuisance call",
        "200007": "out of reach",
        "200008": "no key was pressed",
        "200010": "the telephone is off",
        "200011": "the number is suspended",
        "200012": "the call was lost",
        "482": "the number is not available",
    },
    Remedy.AGAIN: {"400": "the network is full", "500": "an error of the carrier", "999999": "an error of the system"},
    Remedy.LATER: {"200119": "more calls to this number than the carrier lets through", "200121": "too many calls at one time"},
    Remedy.OPERATOR: {
        "200006": "the sound could not be played",
        "200117": "the number to call from is not ours",
        "200118": "the carrier lets no calls out at this hour",
        "476": "the number to call from was taken back",
    },
}

_TENCENT: _Rows = {
    Remedy.BROKEN: {"InvalidParameterValue.IncorrectPhoneNumber": "the number is invalid"},
    Remedy.CONSENT: {"FailedOperation.PhoneNumberInBlacklist": "the person has opted out, or their carrier says so"},
    Remedy.AGAIN: {"InternalError": "an error of Tencent's"},
    Remedy.LATER: {
        "LimitExceeded.DeliveryFrequencyLimit": "more than the account's limit of frequency",
        "LimitExceeded.PhoneNumberThirtySecondLimit": "more to this number in 30 s than its limit",
        "LimitExceeded.PhoneNumberOneHourLimit": "more to this number in an hour than its limit",
        "LimitExceeded.PhoneNumberDailyLimit": "more to this number in a day than its limit",
        "LimitExceeded.PhoneNumberSameContentDailyLimit": "the same text to this number more often than its limit",
        "RequestLimitExceeded": "too many requests",
        "LimitExceeded": "more than a limit",
    },
    Remedy.OPERATOR: {
        "AuthFailure": "the key or its secret is wrong, or this machine's clock",
        "UnauthorizedOperation": "the key may not do this, or the account is in arrears",
        "UnsupportedOperation": "not for such numbers or such an account",
        "FailedOperation.InsufficientBalanceInSmsPackage": "the package of messages is used up",
        "FailedOperation.SignatureIncorrectOrUnapproved": "the signature is not approved",
        "FailedOperation.TemplateIncorrectOrUnapproved": "the template is not approved, or the text does not fit it",
        "FailedOperation.ContainSensitiveWord": "the text holds a word that is not let through",
        "FailedOperation.FailResolvePacket": "the request cannot be read",
        "LimitExceeded.AppDailyLimit": "the application's limit of the day",
        "LimitExceeded.DailyLimit": "the account's limit of the day",
        "InvalidParameterValue": "a parameter is wrong",
        "InvalidParameter": "a parameter is wrong",
        "MissingParameter": "a parameter is missing",
        "IpInBlacklist": "requests from here are not permitted",
        "IpNotInWhitelist": "requests from here are not permitted",
    },
}

_PUSH: _Rows = {
    Remedy.BROKEN: {"404": "the subscription has ended", "410": "the subscription has ended", "no_subscription": "this is no subscription"},
    Remedy.LATER: {"429": "too many messages"},
    Remedy.OPERATOR: {
        "400": "the request is wrong",
        "401": "the push service does not accept our key",
        "403": "the subscription was made for another key",
        "413": "the message is too large",
    },
}

_WEBHOOK: _Rows = {
    Remedy.BROKEN: {"410": "the receiver wants no more", "404": "nobody is there", "bad_address": "this is no address"},
    Remedy.LATER: {"429": "too many requests"},
    Remedy.OPERATOR: {"401": "the receiver does not accept the signature", "403": "the receiver does not accept the signature"},
}

_APPRISE: _Rows = {
    Remedy.BROKEN: {"404": "nobody is there", "410": "nobody is there any more", "bad_address": "this is no address that Apprise knows"},
    Remedy.LATER: {"429": "too many messages"},
    Remedy.OPERATOR: {
        "401": "the token or password is wrong",
        "403": "the token or password is wrong",
        "smtp_535": "the user or password is wrong",
    },
}


def _table(rows: _Rows, source: str) -> dict[str, Meaning]:
    every = ((remedy, code, why) for remedy, codes in rows.items() for code, why in codes.items())
    return {code: Meaning(remedy=remedy, why=why, source=source.format(code=code)) for remedy, code, why in every}


def _joined(tables: Iterable[dict[str, Meaning]]) -> dict[str, Meaning]:
    return {code: meaning for table in tables for code, meaning in table.items()}


TABLE: Mapping[str, Mapping[str, Meaning]] = {
    "twilio": _table(_TWILIO, "https://www.twilio.com/docs/api/errors/{code}"),
    "aliyun": _joined(
        (
            _table(_ALIYUN_API, "https://help.aliyun.com/document_detail/101346.html"),
            _table(_ALIYUN_SMS_RECEIPT, "https://help.aliyun.com/document_detail/101347.html"),
            _table(_ALIYUN_VOICE_RECEIPT, "https://help.aliyun.com/document_detail/55085.html"),
        )
    ),
    "tencent": _table(_TENCENT, "https://cloud.tencent.com/document/api/382/59177"),
    "webpush": _table(_PUSH, "https://www.rfc-editor.org/rfc/rfc8030#section-7.3"),
    "webhook": _table(_WEBHOOK, "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"),
    "apprise": _table(_APPRISE, "https://www.rfc-editor.org/rfc/rfc9110#section-15.5"),
}
"""By provider: the part of a gateway's name before its first hyphen."""


def meaning(gateway: str, code: str | None) -> Meaning | None:
    """What a gateway's code means; None for a code that is in no row.

    Parameters
    ----------
    gateway
        Its name.
    code
        As it came with an answer or a receipt.

    Examples
    --------
    >>> meaning("twilio-voice", "21211").remedy
    <Remedy.BROKEN: 'broken'>
    >>> meaning("tencent-sms", "AuthFailure.SignatureFailure").remedy
    <Remedy.OPERATOR: 'operator'>
    """
    rows = TABLE.get(gateway.partition("-")[0], {})
    family = code or ""
    while family:
        if family in rows:
            return rows[family]
        family = family.rpartition(".")[0]
    return None


def outcome(gateway: str, code: str, otherwise: DeliveryOutcome) -> DeliveryOutcome:
    """What an answer with this code comes to; `otherwise` for a code that is in no row."""
    known = meaning(gateway, code)
    return otherwise if known is None else OUTCOMES[known.remedy]
