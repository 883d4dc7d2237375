"""What messages cost, how much of a quota that is, and what is not sent because there is no money."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from devices.model import NS_PER_S
from incidents.directory import Channel, Severity
from notifier.spending import MICRO, Price, Spending, Stage, is_refused, month_began_ns

SPENDING = Spending(
    prices=[
        Price(gateway="twilio", each_micro=8_000),
        Price(gateway="twilio", prefix="+86", each_micro=46_000),
        Price(gateway="twilio-voice", each_micro=14_000),
    ]
)


@pytest.mark.parametrize(
    ("gateway", "phone", "channel", "segments", "cost"),
    [
        ("twilio", "+447700900123", Channel.SMS, 2, 16_000),
        ("twilio", "+8613800000001", Channel.SMS, 2, 92_000),
        ("twilio", None, Channel.SMS, 1, 8_000),
        ("twilio-voice", "+8613800000001", Channel.VOICE, 2, 14_000),
        ("webpush", None, Channel.PUSH, 2, None),
    ],
)
def test_a_message_costs_its_segments_and_a_call_is_one(
    gateway: str, phone: str | None, channel: Channel, segments: int, cost: int | None
) -> None:
    assert SPENDING.cost_micro(gateway, phone, channel, segments) == cost


def test_only_what_is_not_urgent_and_costs_something_is_refused() -> None:
    refused = {severity for severity in Severity if is_refused(severity, Stage.OVER, MICRO)}
    assert refused == {Severity.INFO, Severity.NOTICE}
    assert not is_refused(Severity.INFO, Stage.NEARLY, MICRO)
    assert not is_refused(Severity.INFO, Stage.OVER, None)


def test_a_month_begins_by_the_communitys_own_clock() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    for day in ("2026-03-01T00:00:00", "2026-03-31T23:59:59"):
        at_ns = round(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp()) * NS_PER_S
        assert month_began_ns(zone, at_ns) == round(datetime(2026, 3, 1, tzinfo=zone).timestamp()) * NS_PER_S
