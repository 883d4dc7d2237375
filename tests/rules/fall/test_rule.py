"""The fall rule on synthetic signals: what it finds, what it leaves alone, and the laws it keeps."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from devices.model import CommunityId, Device, DeviceId, DeviceKind, HomeId, PersonId, Placement, Registry
from devices.sensors.acceleration import AccelerationBatch
from rules.fall.rule import Fall
from rules.model import Event, Facts
from rules.premises import Premises

T0_NS = 1_772_416_800_000_000_000
S = 1_000_000_000
SEED = 11

Signal = NDArray[np.float32]


@dataclass(frozen=True)
class Packet:
    """Samples of one device, as one message carries them."""

    device: int
    time_ns: int
    accel_g: Signal
    rate_hz: float = 50.0
    retained: bool = False
    clock_wrong: bool = False
    received_ns: int | None = None


def noisy(signal: NDArray[np.float64], seed: int = SEED) -> Signal:
    return (signal + np.random.default_rng(seed).normal(0, 0.01, signal.shape)).astype(np.float32)


def lasting(seconds: float, x: float, y: float, z: float, rate_hz: float = 50.0) -> NDArray[np.float64]:
    return np.tile(np.array([[x], [y], [z]]), round(seconds * rate_hz))


def walking(seconds: float, rate_hz: float = 50.0, swing: float = 0.25) -> NDArray[np.float64]:
    t = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.stack([0.15 * np.sin(2 * math.pi * t), 0.1 * np.cos(4 * math.pi * t), 1 + swing * np.sin(4 * math.pi * t)])


def hit(rate_hz: float = 50.0, peak_g: float = 4.5) -> NDArray[np.float64]:
    t = np.arange(round(0.3 * rate_hz)) / rate_hz
    return np.array([[0.8], [0.3], [0.5]]) * (1 + (peak_g - 1) * np.exp(-(((t - 0.08) / 0.06) ** 2)))


def a_fall(rate_hz: float = 50.0, before_s: float = 6.0, still_s: float = 6.0) -> Signal:
    """(3, S) g: walking, 0.5 s of low g, the impact 0.58 s after walking ends, lying on the side."""
    parts = [walking(before_s, rate_hz), lasting(0.5, 0.1, 0.1, 0.3, rate_hz), hit(rate_hz), lasting(still_s, 0.98, 0.05, 0.15, rate_hz)]
    return noisy(np.concatenate(parts, axis=1))


def jumping(seconds: float = 14.0) -> Signal:
    t = np.arange(round(seconds * 50)) / 50
    bounce = np.where((t * 2) % 1 < 0.5, 0.2, 3.5 * np.sin(math.pi * (((t * 2) % 1) - 0.5) / 0.5))
    return noisy(np.stack([0.05 * bounce, 0.1 * bounce, bounce]))


def sitting_down() -> Signal:
    return noisy(np.concatenate([walking(6), lasting(0.3, 0, 0.1, 0.7), lasting(0.2, 0.3, 0.2, 1.6), lasting(7, 0.15, 0.1, 0.98)], axis=1))


def knocked_table() -> Signal:
    return noisy(np.concatenate([lasting(6, 0.1, 0.2, 0.97), lasting(0.04, 1, 1, 4), lasting(7, 0.1, 0.2, 0.97)], axis=1))


def premises(*placements: Placement, wearer: bool = True) -> Premises:
    community = CommunityId("elms")
    return Premises(
        registry=Registry(
            Device(
                community_id=community,
                id=DeviceId(f"w-{i}"),
                kind=DeviceKind.WEARABLE,
                wearer=PersonId(f"person-{i}") if wearer else None,
                home=HomeId(f"home-{i}"),
                placement=placement,
            )
            for i, placement in enumerate(placements)
        )
    )


def packets(device: int, signal: Signal, lengths: Sequence[int] | int = 50, rate_hz: float = 50.0, start_ns: int = T0_NS) -> list[Packet]:
    """Cut a signal; the last length is used again and again."""
    lengths = [lengths] if isinstance(lengths, int) else lengths
    cut, first = [], 0
    while first < signal.shape[1]:
        length = lengths[min(len(cut), len(lengths) - 1)]
        time_ns = start_ns + round(first * S / rate_hz)
        cut.append(Packet(device=device, time_ns=time_ns, accel_g=signal[:, first : first + length], rate_hz=rate_hz))
        first += length
    return cut


def end_ns(packet: Packet) -> int:
    return packet.time_ns + round(packet.accel_g.shape[1] * S / packet.rate_hz)


def batch(given_: Sequence[Packet], seq: int = 0) -> AccelerationBatch:
    offset = np.concatenate([[0], np.cumsum([p.accel_g.shape[1] for p in given_])]).astype(np.int64)
    accel_g = np.concatenate([p.accel_g for p in given_], axis=1) if given_ else np.zeros((3, 0), np.float32)
    made = AccelerationBatch(
        device=np.array([p.device for p in given_], np.int32),
        time_ns=np.array([p.time_ns for p in given_], np.int64),
        received_ns=np.array([end_ns(p) if p.received_ns is None else p.received_ns for p in given_], np.int64),
        seq=np.arange(seq, seq + len(given_), dtype=np.int64),
        retained=np.array([p.retained for p in given_], np.bool_),
        clock_wrong=np.array([p.clock_wrong for p in given_], np.bool_),
        back=np.zeros(len(given_), np.bool_),
        rate_hz=np.array([p.rate_hz for p in given_], np.float64),
        offset=offset,
        accel_g=accel_g,
        gyro_dps=np.full(accel_g.shape, np.nan, np.float32),
    )
    for field in fields(made):
        getattr(made, field.name).setflags(write=False)
    return made


def run(rule: Fall, given_: Sequence[Packet], sizes: Sequence[int] = (7,), seq: int = 0) -> list[Event]:
    """Feed packets in batches of these sizes, over and over."""
    facts: Facts = []
    first = turn = 0
    while first < len(given_):
        size = sizes[turn % len(sizes)]
        facts += rule.update(batch(given_[first : first + size], seq + first))
        first, turn = first + size, turn + 1
    return [fact for fact in facts if isinstance(fact, Event)]


def found(signal: Signal, placement: Placement = Placement.WRIST, rate_hz: float = 50.0, lengths: int = 50) -> list[Event]:
    return run(Fall(premises(placement)), packets(0, signal, lengths=lengths, rate_hz=rate_hz))


def essence(events: list[Event]) -> list[tuple[str, int, float, tuple[tuple[str, Any], ...]]]:
    """What must not depend on how samples were cut."""
    return sorted((event.subject, event.t_ns, event.score, tuple(event.evidence.items())) for event in events)


@pytest.mark.parametrize("placement", list(Placement))
def test_a_fall_is_found_wherever_the_device_is_worn(placement: Placement) -> None:
    (event,) = found(a_fall(), placement)
    assert (event.kind, event.subject, event.resident_id, event.home_id, event.device_id) == (
        "fall",
        "person-0",
        "person-0",
        "home-0",
        "w-0",
    )
    assert abs(event.t_ns - T0_NS - 6.58 * S) <= 0.05 * S
    assert 0.5 <= event.score <= 1
    assert all(type(value) is float for value in event.evidence.values())


@pytest.mark.parametrize("rate_hz", [25.0, 39.8, 50.0, 100.0, 200.0])
def test_a_fall_is_found_at_any_sampling_rate(rate_hz: float) -> None:
    (event,) = found(a_fall(rate_hz), rate_hz=rate_hz, lengths=round(rate_hz))
    assert abs(event.t_ns - T0_NS - 6.58 * S) <= 0.06 * S


@pytest.mark.parametrize("signal", [noisy(walking(20)), jumping(), sitting_down(), knocked_table(), noisy(lasting(20, 0, 0, 1))])
@pytest.mark.parametrize("placement", list(Placement))
def test_daily_life_is_no_fall(signal: Signal, placement: Placement) -> None:
    assert found(signal, placement) == []


def test_somebody_who_walks_on_has_not_fallen() -> None:
    assert found(np.concatenate([a_fall(still_s=0.2), noisy(walking(8, swing=0.8))], axis=1)) == []


def test_a_fall_is_known_within_four_seconds_of_its_impact() -> None:
    (event,) = found(a_fall())
    assert 3 * S <= event.known_ns - event.t_ns <= 4 * S


def test_a_second_impact_within_ten_seconds_is_the_same_fall() -> None:
    again = np.concatenate([a_fall(still_s=4), a_fall(before_s=1)], axis=1)
    assert len(found(again)) == 1


def test_a_fall_half_a_minute_later_is_another() -> None:
    assert len(found(np.concatenate([a_fall(), noisy(walking(20)), a_fall()], axis=1))) == 2


def test_the_end_of_a_stream_flushes_nothing() -> None:
    assert found(a_fall(still_s=2)) == []


def test_a_device_that_nobody_wears_makes_no_falls() -> None:
    assert run(Fall(premises(Placement.WRIST, wearer=False)), packets(0, a_fall())) == []


def test_retained_packets_make_no_falls() -> None:
    assert run(Fall(premises(Placement.WRIST)), [replace(packet, retained=True) for packet in packets(0, a_fall())]) == []


def test_a_rate_that_cannot_show_an_impact_makes_no_falls() -> None:
    assert found(a_fall(5.0), rate_hz=5.0, lengths=5) == []


lengths_ = st.lists(st.integers(1, 130), min_size=1, max_size=30)


@settings(deadline=None, max_examples=40)
@given(
    cuts=st.tuples(lengths_, lengths_, lengths_),
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    order=st.permutations([0, 1, 2]),
    rate_hz=st.sampled_from([25.0, 50.0, 100.0]),
)
def test_how_samples_are_cut_changes_nothing(cuts: tuple[list[int], ...], sizes: list[int], order: list[int], rate_hz: float) -> None:
    signals = [a_fall(rate_hz), noisy(walking(14, rate_hz)), a_fall(rate_hz, before_s=2.0, still_s=5.0)]
    given_ = premises(Placement.WRIST, Placement.WAIST, Placement.UNKNOWN)
    whole = [packet for device, signal in enumerate(signals) for packet in packets(device, signal, signal.shape[1], rate_hz)]
    plain = run(Fall(given_), whole, [3])
    cut = [packet for device in order for packet in packets(device, signals[device], cuts[device], rate_hz)]
    cut.sort(key=end_ns)
    events = run(Fall(given_), cut, sizes)
    assert essence(events) == essence(plain)
    assert len(plain) == 2
    assert [event.seq for event in events] == sorted(event.seq for event in events)
    for event in events:
        last_needed_ns = event.t_ns + 3 * S
        deciding = min(p for p in (end_ns(p) for p in cut if f"w-{p.device}" == event.device_id) if p > last_needed_ns)
        assert event.known_ns == deciding


@settings(deadline=None, max_examples=30)
@given(cut=st.integers(0, 39), length=st.integers(20, 60), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_a_restart_in_the_middle_changes_nothing(cut: int, length: int, sizes: list[int]) -> None:
    signals = (np.concatenate([a_fall(), noisy(walking(4)), a_fall(before_s=5)], axis=1), a_fall(before_s=9))
    given_ = premises(Placement.WRIST, Placement.WAIST)
    stream = sorted((p for device, signal in enumerate(signals) for p in packets(device, signal, length)), key=end_ns)
    cut = min(cut, len(stream))
    undisturbed = Fall(given_)
    run(undisturbed, stream[:cut], sizes)
    snapshot = json.loads(json.dumps(undisturbed.snapshot()))
    started = Fall(given_)
    newest_ns = end_ns(stream[cut - 1]) if cut else 0
    run(started, [p for p in stream[:cut] if end_ns(p) >= newest_ns - started.window_s * S], sizes)
    started.restore(snapshot)
    assert started.snapshot() == undisturbed.snapshot()
    assert run(started, stream[cut:], sizes, seq=cut) == run(undisturbed, stream[cut:], sizes, seq=cut)


def test_a_restored_fall_is_not_reported_again() -> None:
    signal = np.concatenate([a_fall(still_s=4), a_fall(before_s=1)], axis=1)
    rule = Fall(premises(Placement.WRIST))
    stream = packets(0, signal)
    assert len(run(rule, stream[:11])) == 1
    started = Fall(premises(Placement.WRIST))
    started.restore({**rule.snapshot(), "elms/gone": {"fall_ns": 1}})
    assert run(started, stream[11:]) == []


def test_no_time_is_ever_due() -> None:
    rule = Fall(premises(Placement.WRIST))
    run(rule, packets(0, a_fall())[:8])
    assert rule.next_due() is None
    assert rule.tick(T0_NS) == []


def test_packets_that_come_twice_change_nothing() -> None:
    stream = packets(0, a_fall())
    plain = run(Fall(premises(Placement.WRIST)), stream)
    twice = [packet for packet in stream for _ in range(2)]
    assert essence(run(Fall(premises(Placement.WRIST)), twice)) == essence(plain)
    again = [*stream[:9], *stream[4:9], *stream[9:]]
    assert essence(run(Fall(premises(Placement.WRIST)), again)) == essence(plain)


@settings(deadline=None, max_examples=40)
@given(keys=st.lists(st.floats(0, 2.4), min_size=16, max_size=16))
def test_packets_out_of_order_within_seconds_change_nothing(keys: list[float]) -> None:
    stream = packets(0, a_fall(before_s=8, still_s=10))
    moved = [stream[i] for i in sorted(range(len(stream)), key=lambda i: i + keys[i % len(keys)])]
    events = run(Fall(premises(Placement.WRIST)), moved)
    plain = run(Fall(premises(Placement.WRIST)), stream)
    assert [(event.subject, event.t_ns) for event in events] == [(event.subject, event.t_ns) for event in plain]


@pytest.mark.parametrize("lost", [packet for packet in range(1, 14) if packet != 6])
def test_a_lost_packet_beside_the_impact_does_not_lose_the_fall(lost: int) -> None:
    stream = packets(0, a_fall(before_s=6.2, still_s=8))
    assert len(run(Fall(premises(Placement.WRIST)), [*stream[:lost], *stream[lost + 1 :]])) == 1


def test_stillness_is_not_made_up_where_nothing_was_received() -> None:
    stream = packets(0, a_fall(still_s=20))
    assert run(Fall(premises(Placement.WRIST)), [*stream[:8], *stream[18:]]) == []


def test_nothing_is_seen_across_a_long_gap() -> None:
    before, after = noisy(lasting(6, 0, 0, 1)), noisy(np.concatenate([lasting(2.5, 0.98, 0.05, 0.15)], axis=1))
    drop = noisy(np.concatenate([lasting(0.5, 0.1, 0.1, 0.3), hit()], axis=1))
    stream = [*packets(0, np.concatenate([before, drop], axis=1)), *packets(0, after, start_ns=T0_NS + 3600 * S)]
    assert run(Fall(premises(Placement.WRIST)), stream) == []


def test_a_fall_after_a_long_gap_is_found() -> None:
    stream = [*packets(0, noisy(walking(5))), *packets(0, a_fall(), start_ns=T0_NS + 3600 * S)]
    (event,) = run(Fall(premises(Placement.WRIST)), stream)
    assert abs(event.t_ns - T0_NS - 3606.58 * S) <= 0.05 * S


@settings(deadline=None, max_examples=30)
@given(jitter_ms=st.lists(st.integers(-40, 40), min_size=13, max_size=13))
def test_jitter_of_the_senders_clock_changes_no_score(jitter_ms: list[int]) -> None:
    stream = packets(0, a_fall())
    shaken = [replace(p, time_ns=p.time_ns + jitter_ms[i] * 1_000_000) for i, p in enumerate(stream)]
    plain, events = (run(Fall(premises(Placement.WRIST)), one) for one in (stream, shaken))
    assert [(e.score, e.evidence) for e in events] == [(e.score, e.evidence) for e in plain]


def test_a_backlog_from_before_is_looked_at_too() -> None:
    live = packets(0, noisy(walking(10)), start_ns=T0_NS + 1200 * S)
    backlog = [replace(packet, received_ns=T0_NS + 1211 * S) for packet in packets(0, a_fall())]
    assert len(run(Fall(premises(Placement.WRIST)), [*live, *backlog, *packets(0, noisy(walking(5)), start_ns=T0_NS + 1212 * S)])) == 1


def test_a_device_with_a_wrong_clock_is_looked_at_by_time_of_arrival() -> None:
    arrivals_s = [0.0, 0.9, 2.3, 2.3, 4.1, 5.0, 6.0, 7.4, 7.4, 9.0, 10.0, 11.0, 12.0]
    stream = [replace(packet, time_ns=T0_NS + round(arrivals_s[i] * S), clock_wrong=True) for i, packet in enumerate(packets(0, a_fall()))]
    assert len(run(Fall(premises(Placement.WRIST)), stream)) == 1


def test_a_new_sampling_rate_starts_the_windows_anew() -> None:
    stream = [
        *packets(0, noisy(walking(5))),
        *packets(0, a_fall(100.0), 100, 100.0, T0_NS + 5 * S),
        *packets(0, a_fall(), start_ns=T0_NS + 20 * S),
    ]
    assert len(run(Fall(premises(Placement.WRIST)), stream)) == 2


def test_memory_does_not_grow_with_time_or_with_changing_rates() -> None:
    rule = Fall(premises(Placement.WRIST))
    run(rule, packets(0, noisy(walking(30))))
    held = rule._windows._time_ns.size
    run(rule, packets(0, noisy(walking(60)), 3000, start_ns=T0_NS + 30 * S))
    assert rule._windows._time_ns.size == held
    for turn in range(40):
        rate_hz = 10.0 * 1.12**turn
        run(rule, packets(0, noisy(walking(2, rate_hz)), 100, rate_hz, T0_NS + (100 + 10 * turn) * S))
    assert rule._windows._time_ns.size <= 6 * 9 * 1000


def test_an_empty_batch_is_nothing() -> None:
    assert Fall(premises(Placement.WRIST)).update(batch([])) == []
