import pytest

from devices.payload import MAX_REASON, one_line, parse_time_ns

MS = 1_000_000


@pytest.mark.parametrize(
    ("t", "time_ns"),
    [
        (1_772_416_800_000, 1_772_416_800_000 * MS),
        ("2026-03-02T02:00:00.000Z", 1_772_416_800_000 * MS),
        ("2026-03-02T02:00:00Z", 1_772_416_800_000 * MS),
        ("2026-03-02T10:00:00.250+08:00", 1_772_416_800_250 * MS),
        ("2026-03-01T20:30:00-05:30", 1_772_416_800_000 * MS),
        ("2026-03-02T02:00:00.123456789+00:00", 1_772_416_800_123_456_000),
        ("1969-12-31T23:59:59Z", -1000 * MS),
        (-1, -MS),
    ],
)
def test_a_time_is_iso_8601_with_an_offset_or_milliseconds(t: int | str, time_ns: int) -> None:
    assert parse_time_ns(t) == time_ns


@pytest.mark.parametrize(
    ("t", "saturated"), [("9999-12-31T23:59:59Z", 2**63 - 1), ("0001-01-01T00:00:00+14:00", -(2**63)), (2**63 - 1, 2**63 - 1)]
)
def test_a_time_that_no_clock_shows_is_saturated(t: int | str, saturated: int) -> None:
    assert parse_time_ns(t) == saturated


@pytest.mark.parametrize(
    "t", ["", "now", "2026-03-02", "2026-03-02T02:00:00", "2026-13-02T02:00:00Z", "1772416800000", "\ud800", 2**63, -(10**40)]
)
def test_what_is_no_time_or_has_no_offset_is_refused_by_path(t: int | str) -> None:
    with pytest.raises(ValueError, match=r"^\$\.t is .*, wanted ISO 8601 with Z or an offset"):
        parse_time_ns(t)


def test_a_reason_is_one_short_line() -> None:
    assert one_line("a\nb\u2028c") == "a?b?c"
    assert len(one_line("x" * 5000)) == MAX_REASON
