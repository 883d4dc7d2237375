import numpy as np
import pytest
from builders import batches, button, contact, device, motion, ns, premises, status
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.health import FIRST_LIMIT_NS, GAPS_KEPT, KINDS, LEAST_LIMIT_NS, NEVER, NO_LIMIT_NS, Heartbeats, Spells, joined
from devices.model import NS_PER_MS, NS_PER_S, DeviceKind, SensorKind

T0_NS = ns(0)


def heard(*at_ms: int, kind: DeviceKind = DeviceKind.MOTION) -> Heartbeats:
    hearts = Heartbeats([kind])
    hearts.hear(np.zeros(len(at_ms), np.int32), T0_NS + np.array(at_ms, np.int64) * NS_PER_MS)
    return hearts


def test_every_kind_of_device_has_a_first_limit() -> None:
    assert set(FIRST_LIMIT_NS) == set(DeviceKind)


def test_gaps_are_those_between_arrivals() -> None:
    assert heard(0, 1000, 3000).gaps_ms(0) == [1000, 2000]


def test_readings_that_arrive_together_are_no_gap() -> None:
    assert heard(0, 1000, 1005, 1010, 1499, 3000).gaps_ms(0) == [1000, 1501]


def test_the_oldest_gaps_are_forgotten() -> None:
    at_ms = np.cumsum(np.arange(1000, 1000 + GAPS_KEPT + 10)).tolist()
    assert heard(*at_ms).gaps_ms(0) == list(range(1010, 1010 + GAPS_KEPT))


@settings(deadline=None, max_examples=50)
@given(gaps_s=st.lists(st.integers(1, 50_000), min_size=20, max_size=GAPS_KEPT))
def test_the_limit_is_three_times_numpys_95th_percentile(gaps_s: list[int]) -> None:
    hearts = heard(0, *(np.cumsum(gaps_s) * 1000).tolist())
    assert hearts.limit_ns[0] == pytest.approx(max(LEAST_LIMIT_NS, 3 * np.percentile(gaps_s, 95) * NS_PER_S), rel=1e-9)


@settings(deadline=None, max_examples=50)
@given(data=st.data())
def test_hearing_at_once_equals_hearing_one_by_one(data: st.DataObject) -> None:
    rows = data.draw(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 700_000)), min_size=1, max_size=150))
    who = np.array([device for device, _ in rows], np.int32)
    when_ns = T0_NS + np.cumsum([gap_ms for _, gap_ms in rows]) * NS_PER_MS
    whole, single = (Heartbeats([DeviceKind.MOTION, DeviceKind.RADAR, DeviceKind.BUTTON, DeviceKind.METER]) for _ in range(2))
    whole.hear(who, when_ns)
    for i in range(len(who)):
        single.hear(who[i : i + 1], when_ns[i : i + 1])
    for column in ("last_ns", "limit_ns", "due_ns"):
        assert getattr(whole, column).tolist() == getattr(single, column).tolist()
    assert [whole.gaps_ms(row) for row in range(4)] == [single.gaps_ms(row) for row in range(4)]


def test_a_button_learns_no_limit() -> None:
    hearts = heard(*range(0, 60_000, 1000), kind=DeviceKind.BUTTON)
    assert hearts.due_ns[0] >= NO_LIMIT_NS


def test_the_gap_over_a_stop_is_none() -> None:
    hearts = heard(0, 1000)
    hearts.stop(0)
    assert hearts.last_ns[0] == NEVER
    hearts.hear(np.zeros(1, np.int32), np.array([T0_NS + 900 * NS_PER_S], np.int64))
    assert hearts.gaps_ms(0) == [1000]


def test_what_was_restored_goes_on_the_same() -> None:
    at_ms = (np.cumsum(np.arange(1000, 1090)) * 300).tolist()
    whole, first, second = heard(*at_ms), heard(*at_ms[:80]), Heartbeats([DeviceKind.MOTION])
    second.restore(0, int(first.last_ns[0]), first.gaps_ms(0))
    second.hear(np.zeros(10, np.int32), T0_NS + np.array(at_ms[80:], np.int64) * NS_PER_MS)
    assert second.gaps_ms(0) == whole.gaps_ms(0)
    assert second.due_ns.tolist() == whole.due_ns.tolist()


def test_joined_batches_are_in_order_of_arrival_and_know_their_kinds() -> None:
    place = premises(device("c-01", DeviceKind.CONTACT), device("r-01", DeviceKind.RADAR), device("w-01", DeviceKind.WEARABLE))
    stream = [status("c-01", 0, online=0), contact("c-01", 1, is_open=True), motion("r-01", 2), button("w-01", 3), status("r-01", 4)]
    readings = joined(batches(place.registry, enumerate(stream)).values())
    assert readings.seq.tolist() == [0, 1, 2, 3, 4]
    assert readings.device.tolist() == [0, 0, 1, 2, 1]
    assert [KINDS[code] for code in readings.kind] == [item.kind for item in stream]
    assert readings.online.tolist() == [0, -1, -1, -1, -1]
    assert readings.is_heard.tolist() == [False, True, True, True, True]


def test_nothing_joined_is_nothing() -> None:
    assert len(joined([])) == 0


def test_a_spell_that_goes_on_does_not_begin_again() -> None:
    spells = Spells(1)
    spells.begin(0)
    spells.begin(0)
    assert spells.number.tolist() == [1]
    assert spells.hear(0, KINDS.index(SensorKind.CONTACT))
    spells.begin(0)
    assert spells.number.tolist() == [2]
