"""Phone numbers: which form they are kept in, and what can be sent to them."""

import re
from dataclasses import dataclass

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat, PhoneNumberType

from incidents.directory import Channel

_CHINA = 86
_CHINA_MOBILE = re.compile(r"1[3-9]\d{9}")
_WRITTEN = re.compile(r"\+[0-9][0-9 ()./-]*")
_VOICE_ONLY = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.TOLL_FREE,
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.UAN,
        PhoneNumberType.VOICEMAIL,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Phone:
    """A number that can be dialled; `is_valid` is False where the numbering plan does not know it."""

    e164: str
    channels: tuple[Channel, ...]
    is_valid: bool


def phone(text: str) -> Phone:
    """A number as a person wrote it.

    Raises
    ------
    ValueError
        It is not a possible number with its country code; the words say what was wanted.
    """
    wanted = 'wanted a possible number with its country code, such as "+8613800000001"'
    if not _WRITTEN.fullmatch(text):
        raise ValueError(f"{text!r} is no phone number, {wanted}")
    try:
        number = phonenumbers.parse(text, None)
    except NumberParseException:
        raise ValueError(f"{text!r} is no phone number, {wanted}") from None
    if not phonenumbers.is_possible_number(number):
        reason = phonenumbers.ValidationResult.to_string(phonenumbers.is_possible_number_with_reason(number)).lower().replace("_", " ")
        raise ValueError(f"{text!r} is not a possible phone number ({reason}), {wanted}")
    return Phone(
        e164=phonenumbers.format_number(number, PhoneNumberFormat.E164),
        channels=(Channel.SMS, Channel.VOICE) if _takes_sms(number) else (Channel.VOICE,),
        is_valid=phonenumbers.is_valid_number(number),
    )


def _takes_sms(number: PhoneNumber) -> bool:
    """False where an SMS is known to be lost; a number of unknown type gets the benefit of the doubt.

    In mainland China every mobile number has 11 digits and starts with 13 to 19 (numbering plan of the ministry, 电信网编号计划);
    anything else is a fixed line or a service.
    """
    if number.country_code == _CHINA:
        return bool(_CHINA_MOBILE.fullmatch(str(number.national_number)))
    return phonenumbers.number_type(number) not in _VOICE_ONLY
