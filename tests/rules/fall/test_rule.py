"""The fall rule's intake, candidates and stages: laws that hold whatever judges the windows. Here something plain does."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from devices.model import CommunityId, Device, DeviceId, DeviceKind, HomeId, PersonId, Placement, Registry
from devices.sensors.acceleration import STANDARD_GRAVITY_MPS2, AccelerationBatch
from rules.fall import rule as module
from rules.fall.rule import Fall
from rules.fall.verdict import BEFORE_S, STAGES_S, Verdict
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


def plain(accel_g: Signal, known: NDArray[np.bool_], rate_hz: float, placements: Sequence[Placement], stage: int) -> list[Verdict | None]:
    """A fall is low g, an impact, another direction and stillness; at an early stage only a hard one."""
    centre, width = round(BEFORE_S * rate_hz), round(BEFORE_S * rate_hz) + 1 + round(STAGES_S[stage] * rate_hz)
    assert accel_g.shape == (len(placements), 3, width)
    assert known.shape == (len(placements), width)
    assert accel_g.dtype == np.float32
    assert known[:, centre].all()
    assert (np.isnan(accel_g) == ~known[:, None, :]).all()
    return [_plain(one[:, here], one[:, :centre], here, rate_hz, stage) for one, here in zip(accel_g, known, strict=True)]


def _plain(known_g: Signal, before_g: Signal, known: NDArray[np.bool_], rate_hz: float, stage: int) -> Verdict | None:
    if known[-round(1.5 * rate_hz) :].sum() < 0.4 * rate_hz or not known[: before_g.shape[1]].any():
        return None
    magnitude_g = np.sqrt(np.square(known_g, dtype=np.float64).sum(axis=0))
    last = known_g[:, -round(0.3 * rate_hz) :].mean(axis=1)
    first = np.nanmean(before_g[:, : round(1.6 * rate_hz)], axis=1) if known[: round(1.6 * rate_hz)].any() else last
    cosine = float(first @ last) / (float(np.linalg.norm(first) * np.linalg.norm(last)) or 1.0)
    found = {
        "impact_g": float(magnitude_g.max()),
        "lowest_g": float(np.nanmin(np.sqrt(np.square(before_g[:, -round(rate_hz) :]).sum(axis=0)))),
        "unrest_g": float(magnitude_g[-round(0.5 * rate_hz) :].std()),
        "angle_deg": math.degrees(math.acos(max(-1.0, min(1.0, cosine)))),
        "stage_s": STAGES_S[stage],
    }
    enough_g = 2.0 if stage == len(STAGES_S) - 1 else 4.0
    is_fall = found["impact_g"] > enough_g and found["lowest_g"] < 0.6 and found["unrest_g"] < 0.1 and found["angle_deg"] > 40
    return Verdict(score=min(1.0, found["impact_g"] / 8), evidence=found) if is_fall else None


@pytest.fixture(scope="module", autouse=True)
def _plainly_judged() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "judge", plain)
        yield


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


def a_fall(rate_hz: float = 50.0, before_s: float = 6.0, still_s: float = 6.0, peak_g: float = 4.5) -> Signal:
    """(3, S) g: walking, 0.5 s of low g, the impact 0.58 s after walking ends, lying on the side. Below 4 g it is told at the end."""
    impact = hit(rate_hz, peak_g)
    parts = [walking(before_s, rate_hz), lasting(0.5, 0.1, 0.1, 0.3, rate_hz), impact, lasting(still_s, 0.98, 0.05, 0.15, rate_hz)]
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
    assert event.evidence["stage_s"] == STAGES_S[0]


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


@pytest.mark.parametrize(("peak_g", "stage"), [(4.5, 0), (3.0, len(STAGES_S) - 1)])
def test_a_fall_is_known_within_a_packet_of_the_stage_that_is_sure(peak_g: float, stage: int) -> None:
    (event,) = found(a_fall(peak_g=peak_g))
    assert STAGES_S[stage] * S < event.known_ns - event.t_ns <= (STAGES_S[stage] + 1) * S <= 4 * S


def test_a_second_impact_within_ten_seconds_is_the_same_fall() -> None:
    again = np.concatenate([a_fall(still_s=4), a_fall(before_s=1)], axis=1)
    assert len(found(again)) == 1


def test_a_fall_half_a_minute_later_is_another() -> None:
    assert len(found(np.concatenate([a_fall(), noisy(walking(20)), a_fall()], axis=1))) == 2


def test_the_end_of_a_stream_flushes_nothing() -> None:
    assert found(a_fall(still_s=1)) == []
    assert found(a_fall(still_s=2, peak_g=3.0)) == []


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
    signals = [a_fall(rate_hz), noisy(walking(14, rate_hz)), a_fall(rate_hz, before_s=2.0, still_s=5.0, peak_g=3.0)]
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
        last_needed_ns = event.t_ns + round(round(float(event.evidence["stage_s"]) * rate_hz) / rate_hz * S)
        deciding = min(p for p in (end_ns(p) for p in cut if f"w-{p.device}" == event.device_id) if p > last_needed_ns)
        assert event.known_ns == deciding


@settings(deadline=None, max_examples=30)
@given(cut=st.integers(0, 39), length=st.integers(20, 60), sizes=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_a_restart_in_the_middle_changes_nothing(cut: int, length: int, sizes: list[int]) -> None:
    signals = (np.concatenate([a_fall(), noisy(walking(4)), a_fall(before_s=5, peak_g=3.0)], axis=1), a_fall(before_s=9, peak_g=3.0))
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
    stream = packets(0, a_fall(still_s=20, peak_g=3.0))
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
    held = rule.nbytes
    run(rule, packets(0, noisy(walking(60)), 3000, start_ns=T0_NS + 30 * S))
    assert rule.nbytes == held
    for turn in range(40):
        rate_hz = 10.0 * 1.12**turn
        run(rule, packets(0, noisy(walking(2, rate_hz)), 100, rate_hz, T0_NS + (100 + 10 * turn) * S))
    assert rule.nbytes <= 4 * 20 * held


def test_an_empty_batch_is_nothing() -> None:
    assert Fall(premises(Placement.WRIST)).update(batch([])) == []


@dataclass
class Seen:
    """What was given to be judged: (start of the impact's window as bytes, stage), in order."""

    windows: list[tuple[bytes, int]]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Seen:
    """Every window that is judged, and the plain verdicts."""
    kept = Seen([])

    def watched(
        accel_g: Signal, known: NDArray[np.bool_], rate_hz: float, placements: Sequence[Placement], stage: int
    ) -> list[Verdict | None]:
        kept.windows += [(one.tobytes(), stage) for one in accel_g]
        return plain(accel_g, known, rate_hz, placements, stage)

    monkeypatch.setattr(module, "judge", watched)
    return kept


def stumbling(peaks_at_s: Sequence[float], peaks_g: Sequence[float], length_s: float = 12.0) -> Signal:
    """(3, S) g: standing, with a sample of so many g at each of these times."""
    signal = lasting(length_s, 0.0, 0.0, 1.0)
    for at_s, peak_g in zip(peaks_at_s, peaks_g, strict=True):
        signal[2, round(at_s * 50)] = peak_g
    return signal.astype(np.float32)


def judged_alone(signal: Signal, at_s: float, stage: int) -> tuple[bytes, int]:
    """The window around a time as it must be seen at a stage: rounded to milli-g, up to the stage and no further."""
    at, before, after = round(at_s * 50), round(BEFORE_S * 50), round(STAGES_S[stage] * 50)
    window = np.rint(signal[:, at - before : at + after + 1] * np.float32(1000)).astype(np.int16)
    return (window / np.float32(1000)).astype(np.float32).tobytes(), stage


@pytest.mark.parametrize("lengths", [1, 7, 50, 600])
def test_a_window_reaches_to_its_stage_however_many_samples_came_with_it(seen: Seen, lengths: int) -> None:
    signal = stumbling([5.0], [3.0])
    assert run(Fall(premises(Placement.WRIST)), packets(0, signal, lengths)) == []
    assert seen.windows == [judged_alone(signal, 5.0, stage) for stage in range(len(STAGES_S))]


@pytest.mark.parametrize("lengths", [1, 13, 50, 600])
def test_stages_come_in_the_order_in_which_their_windows_are_whole(seen: Seen, lengths: int) -> None:
    signal = stumbling([5.0, 6.2], [3.0, 2.5])
    run(Fall(premises(Placement.WRIST)), packets(0, signal, lengths))
    due = sorted((at_s + STAGES_S[stage], at_s, stage) for at_s in (5.0, 6.2) for stage in range(len(STAGES_S)))
    wanted = [judged_alone(signal, at_s, stage) for _, at_s, stage in due]
    # Of one call, one stage's windows are judged together; by which packet they are decided is what the order is about.
    assert sorted(seen.windows) == sorted(wanted)
    assert seen.windows == wanted or lengths >= 50


def test_of_equal_peaks_the_first_is_judged_and_a_lower_one_beside_it_is_not(seen: Seen) -> None:
    signal = stumbling([5.0, 5.4, 5.9], [3.0, 3.0, 2.0])
    run(Fall(premises(Placement.WRIST)), packets(0, signal))
    assert seen.windows == [judged_alone(signal, 5.0, stage) for stage in range(len(STAGES_S))]


def test_a_peak_that_a_higher_one_takes_over_is_judged_no_more(seen: Seen) -> None:
    signal = stumbling([5.0, 5.9, 6.8], [2.0, 2.5, 3.0])
    run(Fall(premises(Placement.WRIST)), packets(0, signal, 10))
    assert seen.windows == [judged_alone(signal, 6.8, stage) for stage in range(len(STAGES_S))]


def test_what_is_below_the_trigger_is_never_judged(seen: Seen) -> None:
    run(Fall(premises(Placement.WRIST)), packets(0, noisy(walking(20, swing=0.3))))
    assert seen.windows == []


def test_windows_of_many_wearers_at_one_rate_are_judged_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[int, float, int]] = []

    def counted(accel_g: Signal, _known: object, rate_hz: float, _placements: object, stage: int) -> list[None]:
        calls.append((len(accel_g), rate_hz, stage))
        return [None] * len(accel_g)

    monkeypatch.setattr(module, "judge", counted)
    signal, slow = stumbling([5.0], [3.0]), a_fall(25.0, before_s=4.42)
    stream = [packet for device in range(20) for packet in packets(device, signal)] + packets(20, slow, 25, 25.0)
    stream.sort(key=end_ns)
    rule = Fall(premises(*[Placement.WRIST] * 21))
    for at in range(0, len(stream), 21):
        rule.update(batch(stream[at : at + 21], at))
    assert [call for call in calls if call[1] == 50.0] == [(20, 50.0, stage) for stage in range(len(STAGES_S))]
    assert [call for call in calls if call[1] == 25.0] == [(1, 25.0, stage) for stage in range(len(STAGES_S))]


def test_a_fall_told_early_is_not_told_again_at_the_end(seen: Seen) -> None:
    (event,) = run(Fall(premises(Placement.WRIST)), packets(0, a_fall()))
    assert event.evidence["stage_s"] == STAGES_S[0]
    assert [stage for _, stage in seen.windows] == [0]


@pytest.mark.parametrize("peak_g", [4.5, 3.0])
@pytest.mark.parametrize("cut", range(6, 13))
def test_a_restart_between_the_stages_tells_each_fall_once(peak_g: float, cut: int) -> None:
    stream = packets(0, a_fall(peak_g=peak_g))
    whole = run(Fall(premises(Placement.WRIST)), stream)
    first, started = Fall(premises(Placement.WRIST)), Fall(premises(Placement.WRIST))
    told = run(first, stream[:cut])
    run(started, stream[:cut])
    started.restore(json.loads(json.dumps(first.snapshot())))
    assert told + run(started, stream[cut:], seq=cut) == whole
    assert len(whole) == 1


@pytest.mark.parametrize("peak_g", [4.5, 3.0])
@pytest.mark.parametrize("late_by", [1, 2, 3])
def test_the_packet_of_the_impact_may_come_late(peak_g: float, late_by: int) -> None:
    stream = packets(0, a_fall(peak_g=peak_g, still_s=9))
    (plain_event,) = run(Fall(premises(Placement.WRIST)), stream)
    moved = [*stream[:6], *stream[7 : 7 + late_by], stream[6], *stream[7 + late_by :]]
    (event,) = run(Fall(premises(Placement.WRIST)), moved)
    assert event.t_ns == plain_event.t_ns
    assert event.seq >= 6 + late_by


def test_a_packet_sent_again_after_three_seconds_still_fills_its_hole() -> None:
    stream = packets(0, a_fall(before_s=6.2, still_s=12))
    impact = 6
    moved = [*stream[:impact], *stream[impact + 1 : impact + 4], stream[impact], *stream[impact + 4 :]]
    assert [event.t_ns for event in run(Fall(premises(Placement.WRIST)), moved)] == [T0_NS + round(6.78 * S)]


def test_a_fall_whose_hardest_sample_comes_late_is_told_once() -> None:
    signal = a_fall(peak_g=3.0, still_s=12)
    signal[2, 360] = 3.5  # 0.6 s after the other, in a packet that arrives after the fall is told
    stream = packets(0, signal)
    plain_events, events = (
        run(Fall(premises(Placement.WRIST)), one) for one in (stream, [*stream[:7], *stream[8:11], stream[7], *stream[11:]])
    )
    assert len(plain_events) == len(events) == 1
    assert abs(events[0].t_ns - plain_events[0].t_ns) <= S
    assert events[0].seq == 8


def test_a_fall_is_as_hard_as_its_hardest_sample_also_where_that_comes_late() -> None:
    signal = np.concatenate([a_fall(peak_g=3.0, still_s=4), a_fall(before_s=1, peak_g=3.3, still_s=8)], axis=1)
    signal[2, 360] = 3.5
    stream = packets(0, signal)
    late = [*stream[:7], *stream[8:11], stream[7], *stream[11:]]
    assert len(run(Fall(premises(Placement.WRIST)), late)) == 1
    started, began = Fall(premises(Placement.WRIST)), Fall(premises(Placement.WRIST))
    run(began, late[:11])
    run(started, late[:11])
    started.restore(json.loads(json.dumps(began.snapshot())))
    assert run(started, late[11:], seq=11) == []


def test_text_and_packed_numbers_give_the_same_falls() -> None:
    signal = a_fall(peak_g=3.2)
    packed = np.divide(np.rint(signal * np.float32(1000)).astype(np.int16), np.float32(1000), dtype=np.float32)
    assert (packed != signal).any()
    assert essence(found(signal)) == essence(found(packed))


def test_what_is_beyond_any_range_is_clipped() -> None:
    hard, harder = a_fall(), a_fall()
    hard[:, 330], harder[:, 330] = 32.767, [9000.0, 32.8, 40.0]
    assert essence(found(hard)) == essence(found(harder))
    assert found(hard)[0].evidence["impact_g"] == pytest.approx(32.767 * math.sqrt(3))


def test_a_sample_that_is_no_number_was_not_received(seen: Seen) -> None:
    signal = stumbling([5.0], [3.0])
    signal[1, 260] = np.nan
    run(Fall(premises(Placement.WRIST)), packets(0, signal))
    expected = signal.copy()
    expected[:, 260] = np.nan
    early = np.frombuffer(seen.windows[0][0], np.float32).reshape(3, -1)
    at = round(BEFORE_S * 50) + 10
    assert np.isnan(early[:, at]).all()
    assert not np.isnan(np.delete(early, at, axis=1)).any()


@pytest.mark.parametrize("factor", [STANDARD_GRAVITY_MPS2, 1 / STANDARD_GRAVITY_MPS2])
@pytest.mark.parametrize("lengths", [1, 5, 50, 130, 2000])
@pytest.mark.parametrize("rate_hz", [25.0, 100.0])
def test_a_device_that_lies_about_its_unit_is_understood(factor: float, lengths: int, rate_hz: float) -> None:
    signal = a_fall(rate_hz, before_s=8.0, peak_g=3.2)
    (honest,) = found(signal, rate_hz=rate_hz, lengths=lengths)
    (liar,) = found((signal * np.float32(factor)).astype(np.float32), rate_hz=rate_hz, lengths=lengths)
    assert liar.t_ns == honest.t_ns
    assert liar.evidence["impact_g"] == pytest.approx(honest.evidence["impact_g"], abs=0.01)


def test_a_device_at_rest_that_lies_about_its_unit_is_never_over_the_trigger(seen: Seen) -> None:
    found(noisy(lasting(30, 0, 6.0, 7.8)))
    assert seen.windows == []


@pytest.mark.parametrize("lengths", [1, 10, 50, 2000])
@pytest.mark.parametrize("first", [0, 300, 310, 322, 329, 335])
def test_an_honest_device_is_not_converted_even_if_its_first_word_is_a_hard_impact(seen: Seen, first: int, lengths: int) -> None:
    signal = np.concatenate([a_fall(peak_g=16.0, still_s=3.0)[:, first:], stumbling([12.0], [3.0], 19.0)], axis=1)
    found(signal, lengths=lengths)
    assert judged_alone(signal, (signal.shape[1] - 350) / 50, 0) in seen.windows


def test_a_device_that_stops_lying_is_understood_again() -> None:
    signal = np.concatenate([a_fall() * np.float32(STANDARD_GRAVITY_MPS2), noisy(walking(40)), a_fall(peak_g=3.2)], axis=1)
    assert len(found(signal)) == 2


def test_a_rate_that_is_promised_too_high_shifts_no_time() -> None:
    """40 samples a second that are called 50, for two minutes: every packet comes a little later than the samples before it last."""
    signal = np.concatenate([noisy(walking(120)), a_fall()], axis=1)
    stream = [replace(packet, time_ns=T0_NS + i * S // 8) for i, packet in enumerate(packets(0, signal, 5))]
    (event,) = run(Fall(premises(Placement.WRIST)), stream)
    impact = round((120 + 6.58) * 50)
    assert abs(event.t_ns - (T0_NS + impact // 5 * S // 8)) <= 0.125 * S


@pytest.mark.parametrize("rate_hz", [46.0, 54.0])
def test_a_rate_that_is_another_in_some_packets_shifts_no_time(rate_hz: float) -> None:
    signal = a_fall(rate_hz)
    rest = noisy(walking(3))
    for lengths in (20, 500):
        stream = [*packets(0, rest), *packets(0, signal, lengths, rate_hz, T0_NS + 3 * S)]
        (event,) = run(Fall(premises(Placement.WRIST)), stream)
        assert abs(event.t_ns - T0_NS - 9.58 * S) <= 0.03 * S


@pytest.mark.parametrize("silent_s", [3, 5, 8, 9, 20, 3600])
def test_a_fall_just_before_a_silence_keeps_its_time(silent_s: int) -> None:
    stream = packets(0, a_fall(still_s=2.6, peak_g=3.0))
    after = packets(0, noisy(lasting(5, 0.98, 0.05, 0.15)), start_ns=end_ns(stream[-1]) + silent_s * S)
    (event,) = run(Fall(premises(Placement.WRIST)), [*stream, *after])
    assert abs(event.t_ns - T0_NS - 6.58 * S) <= 0.05 * S


@settings(deadline=None, max_examples=30)
@given(
    jitter_ms=st.lists(st.integers(-40, 40), min_size=14, max_size=14),
    cut=st.integers(1, 5),
)
def test_a_restart_finds_the_same_time_in_a_stream_that_jitters(jitter_ms: list[int], cut: int) -> None:
    stream = packets(0, a_fall(before_s=8, peak_g=3.0)[:, :700])
    stream = [replace(p, time_ns=p.time_ns + late_ms * 1_000_000) for p, late_ms in zip(stream, jitter_ms, strict=True)]
    (whole,) = run(Fall(premises(Placement.WRIST)), stream)
    assert run(Fall(premises(Placement.WRIST)), stream[cut:], seq=cut) == [whole]


def test_a_wearer_costs_less_than_4_kb() -> None:
    rule, second = Fall(premises(*[Placement.WRIST] * 1000)), noisy(walking(1))
    for at_s in range(12):
        rule.update(batch([packets(device, second, start_ns=T0_NS + at_s * S)[0] for device in range(1000)]))
    assert rule.nbytes / 1000 < 4000


def test_who_sends_nothing_is_not_looked_at() -> None:
    rule = Fall(premises(*[Placement.WRIST] * 200))
    rest = rule.nbytes
    run(rule, packets(7, a_fall()))
    assert rule.nbytes - rest < 4 * 4000  # a ring, and once for all some room behind the last one
