"""Phone numbers: possible ones are kept in one form, and an SMS is never sent where it is lost."""

import pytest

from incidents.directory import Channel
from store.phones import phone

SMS_AND_VOICE = (Channel.SMS, Channel.VOICE)


@pytest.mark.parametrize(
    ("written", "channels"),
    [
        ("+8613800000001", SMS_AND_VOICE),
        ("+86 138-0000-0001", SMS_AND_VOICE),
        ("+447700900001", SMS_AND_VOICE),
        ("+12025550123", SMS_AND_VOICE),
        ("+8651900000000", (Channel.VOICE,)),
        ("+861088888888", (Channel.VOICE,)),
        ("+864001234567", (Channel.VOICE,)),
        ("+442079460123", (Channel.VOICE,)),
    ],
)
def test_a_mobile_takes_sms_and_calls_a_fixed_line_calls_only(written: str, channels: tuple[Channel, ...]) -> None:
    assert phone(written).channels == channels


def test_a_number_is_kept_in_e164() -> None:
    assert phone("+86 (138) 0000-0001").e164 == "+8613800000001"


def test_a_number_that_no_plan_knows_is_possible_but_not_valid() -> None:
    assert not phone("+447700900001").is_valid
    assert phone("+8613800000001").is_valid


@pytest.mark.parametrize(
    "written",
    [
        "",
        "13800000001",
        "+",
        "+1",
        "+861",
        "+8613800000001234",
        "+1800FLOWERS",
        "tel:+8613800000001",
        "＋８６１３８００００００１",
        "+99912345678",
    ],
)
def test_what_cannot_be_dialled_is_refused_with_what_was_wanted(written: str) -> None:
    with pytest.raises(ValueError, match="wanted a possible number with its country code"):
        phone(written)
