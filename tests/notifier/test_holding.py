"""What waits, until when, and what never does."""

from dataclasses import replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

import pytest

from devices.model import NS_PER_S
from incidents.directory import Channel, Person, Role, Severity
from notifier.gateways import model as gateways
from notifier.holding import LIMITS, WORTHLESS_NS, Held, Limit, Per, Queues, asleep, full_until, held, is_too_late, quiet_until_ns

SHANGHAI, LONDON = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/London")
NIGHT = (time(22), time(7))
NOW_NS = 1_772_416_920 * NS_PER_S


def at(text: str, zone: ZoneInfo = SHANGHAI) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * NS_PER_S


def sleeper(**changes: object) -> Person:
    given = {"id": "wang-lei", "name": "王磊", "roles": frozenset({Role.RELATIVE}), "quiet": NIGHT}
    return Person(**(given | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-01T21:59:59", None),
        ("2026-03-01T22:00:00", "2026-03-02T07:00:00"),
        ("2026-03-02T00:00:00", "2026-03-02T07:00:00"),
        ("2026-03-02T06:59:59", "2026-03-02T07:00:00"),
        ("2026-03-02T07:00:00", None),
    ],
)
def test_quiet_hours_are_half_open_and_run_over_midnight(now: str, until: str | None) -> None:
    assert quiet_until_ns(*NIGHT, SHANGHAI, at(now)) == (None if until is None else at(until))


def test_quiet_hours_within_a_day_and_around_the_clock() -> None:
    assert quiet_until_ns(time(13), time(15), SHANGHAI, at("2026-03-01T14:00:00")) == at("2026-03-01T15:00:00")
    assert quiet_until_ns(time(13), time(15), SHANGHAI, at("2026-03-01T16:00:00")) is None
    assert quiet_until_ns(time(9), time(9), SHANGHAI, at("2026-03-01T08:00:00")) == at("2026-03-01T09:00:00")


def test_a_night_in_which_clocks_change_ends_in_the_morning_all_the_same() -> None:
    assert quiet_until_ns(*NIGHT, LONDON, at("2026-03-29T00:30:00", LONDON)) == at("2026-03-29T07:00:00", LONDON)
    assert at("2026-03-29T07:00:00", LONDON) - at("2026-03-28T22:00:00", LONDON) == 8 * 3600 * NS_PER_S


def test_only_what_can_wait_waits_for_the_morning() -> None:
    now_ns = at("2026-03-01T23:00:00")
    waits = {severity: asleep(sleeper(), severity, SHANGHAI, now_ns) is not None for severity in Severity}
    assert waits == {Severity.INFO: True, Severity.NOTICE: True, Severity.URGENT: False, Severity.LIFE: False}
    assert asleep(sleeper(quiet=None), Severity.INFO, SHANGHAI, now_ns) is None


def test_quiet_hours_are_by_the_clock_of_who_sleeps() -> None:
    abroad = sleeper(timezone=LONDON)
    assert asleep(abroad, Severity.NOTICE, SHANGHAI, at("2026-03-01T23:00:00")) is None  # 15:00 in London
    assert asleep(abroad, Severity.NOTICE, SHANGHAI, at("2026-03-02T08:00:00")) == at("2026-03-02T07:00:00", LONDON)


@pytest.mark.parametrize("limit", LIMITS)
def test_every_limit_holds_until_there_is_room_and_never_life_safety(limit: Limit) -> None:
    def full(asked: Limit) -> int | None:
        return NOW_NS - 10 * NS_PER_S if asked == limit else None

    channel = limit.channel or Channel.EMAIL
    until_ns = NOW_NS + round((limit.within_s - 10) * NS_PER_S)
    assert held(channel, Severity.URGENT, full, NOW_NS) == (until_ns, Held(f"{limit.per}_limit"))
    assert held(channel, Severity.URGENT, full, until_ns) is None
    assert held(channel, Severity.LIFE, full, NOW_NS) is None


def test_of_several_limits_the_one_that_holds_longest_counts() -> None:
    assert held(Channel.SMS, Severity.NOTICE, lambda _: NOW_NS, NOW_NS) == (NOW_NS + 3600 * NS_PER_S, Held.RECIPIENT_LIMIT)
    assert {limit.per for limit in LIMITS} >= {Per.RECIPIENT, Per.COMMUNITY}


def test_what_could_not_be_told_for_a_day_is_told_only_if_it_matters_still() -> None:
    late_ns = NOW_NS + WORTHLESS_NS + 1
    assert [is_too_late(severity, NOW_NS, late_ns) for severity in Severity] == [True, True, False, False]
    assert not is_too_late(Severity.NOTICE, NOW_NS, late_ns - 1)


ALIYUN = gateways.Limit(count=50, period_s=86_400, per=frozenset({gateways.Per.NUMBER, gateways.Per.TEMPLATE}), source="")
ACCOUNT = gateways.Limit(count=2, period_s=1, per=frozenset({gateways.Per.ACCOUNT}), source="")


def test_of_what_a_provider_lets_through_a_part_is_kept_for_life_safety() -> None:
    def until(limit: gateways.Limit, severity: Severity, ago_s: float) -> int | None:
        return full_until(limit, severity, lambda _: NOW_NS - round(ago_s * NS_PER_S), NOW_NS)

    day = 86_400
    assert until(ALIYUN, Severity.LIFE, 10) == NOW_NS + (day - 10) * NS_PER_S
    assert until(ALIYUN, Severity.LIFE, day) is None
    assert until(ALIYUN, Severity.URGENT, day) == NOW_NS + day // 4 * NS_PER_S  # as if the same many were for a day and a quarter
    assert until(ALIYUN, Severity.URGENT, 1.25 * day) is None
    assert full_until(ALIYUN, Severity.URGENT, lambda _: None, NOW_NS) is None


def test_a_full_account_never_holds_life_safety_and_equal_words_hold_nothing() -> None:
    assert full_until(ACCOUNT, Severity.LIFE, lambda _: NOW_NS, NOW_NS) is None
    assert full_until(ACCOUNT, Severity.NOTICE, lambda _: NOW_NS, NOW_NS) == NOW_NS + 1_250_000_000
    same = replace(ALIYUN, per=frozenset({gateways.Per.NUMBER, gateways.Per.TEXT}))
    assert full_until(same, Severity.NOTICE, lambda _: NOW_NS, NOW_NS) is None


def test_who_waits_for_a_provider_has_a_turn_of_their_own() -> None:
    queues = Queues()
    can = gateways.Capabilities(
        channels=frozenset({Channel.SMS}), limits=(ALIYUN, ACCOUNT), in_doubt=gateways.InDoubt.LOOK_UP, receipts=True
    )
    every_ns = 625_000_000
    assert [queues.turn(can, "one", NOW_NS) for _ in range(3)] == [NOW_NS, NOW_NS + every_ns, NOW_NS + 2 * every_ns]
    assert queues.turn(can, "other", NOW_NS) == NOW_NS
    assert queues.turn(can, "one", NOW_NS + 60 * NS_PER_S) == NOW_NS + 60 * NS_PER_S
