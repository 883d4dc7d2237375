from devices.entry import Entry, Record
from store.lateness import Lateness


def entry(*received_ms: int) -> Entry:
    records = tuple(Record(ms * 1_000_000, "b", "t", retained=False, payload=b"") for ms in received_ms)
    return Entry(seq=1, partition=0, records=records, pending=0)


def test_half_of_the_records_are_no_later_than_the_median() -> None:
    lateness = Lateness(clock=lambda: 1_000 * 1_000_000)
    lateness.add([entry(*range(900, 1000)), entry()])
    assert lateness.count == 100
    assert abs(lateness.quantile_ms(0.5) - 50) <= 1
    assert abs(lateness.quantile_ms(0.99) - 99) <= 2


def test_nothing_is_late_where_there_is_nothing() -> None:
    assert Lateness().quantile_ms(0.99) == 0


def test_a_record_from_the_future_or_of_long_ago_is_counted_too() -> None:
    lateness = Lateness(clock=lambda: 10**18)
    lateness.add([entry(2 * 10**12, 0)])
    assert lateness.count == 2
