"""Laws of the fall rule: what must not depend on how samples travel, on how a device is mounted, on when it is, and on who else falls.

The samples are those of falls and of what looks like one (streams.py). Where a law says that nothing changes, time, score and evidence are
the same as they are printed: replay prints the same bytes at any batch size, and a restart tells nobody anything twice.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from app import cli  # noqa: TID251  the command line is the composition root
from devices.model import Message, Placement, SensorKind
from devices.sensors.acceleration import STANDARD_GRAVITY_MPS2, AccelerationBatch, decode
from rules.fall.recordings import Recordings, detect
from rules.fall.rule import Fall
from rules.model import Event
from store.recordings import load
from tests.rules.fall import streams
from tests.rules.fall.streams import BODY, CHEST, POCKET, STREAMS, T0_NS, UNKNOWN, WAIST, WRIST, Case, Packets, S, Sensor, Signal

SENSOR: Final = Sensor(step_g=0.001)
"""Whole milli-g, so that every encoding carries the very same samples."""

MS: Final = 1_000_000

SAME_SCORE: Final = 0.05
"""What float32 after a rotation may move a score by: a tree that splits at a value may take the other branch."""

Essence = list[tuple[str, int, float, tuple[tuple[str, Any], ...]]]
Fed = Sequence[tuple[Placement, Signal]]
"""Signals of people side by side, and where each is told to be worn."""


@cache
def fell(site: Placement, seed: int, rate_hz: float = 50.0) -> Signal:
    rng = streams.generator("laws", site, seed)
    return replace(SENSOR, rate_hz=rate_hz).samples(streams.a_fall(rng, site, impact_s=5, still_s=5).rendered(), rng)


@cache
def lived(name: str, site: Placement, seed: int, rate_hz: float = 50.0) -> Signal:
    (stream,) = (one for one in STREAMS if one.name == name)
    return Case(stream=stream, placement=site).signal(seed, replace(SENSOR, rate_hz=rate_hz))


def people(rate_hz: float = 50.0) -> Fed:
    """Falls and their likes; every placement."""
    return (
        (WRIST, fell(WRIST, 1, rate_hz)),
        (UNKNOWN, fell(WAIST, 2, rate_hz)),
        (WAIST, lived("sitting_down_hard", WAIST, 3, rate_hz)),
        (POCKET, np.concatenate([fell(POCKET, 4, rate_hz), fell(POCKET, 5, rate_hz)], axis=1)),
        (WRIST, lived("dropped_on_the_floor", WRIST, 6, rate_hz)),
        (CHEST, fell(CHEST, 7, rate_hz)),
        (WAIST, fell_twice(rate_hz)),
    )


def fell_twice(rate_hz: float) -> Signal:
    """On the ground 5 s after the beginning, and 6 s later again, less hard: one fall."""
    first, second = round(8 * rate_hz), round(2 * rate_hz)
    return np.concatenate([fell(WAIST, 8, rate_hz)[:, :first], fell(WAIST, 14, rate_hz)[:, second:]], axis=1)


def streamed(fed: Fed, rate_hz: float = 50.0, lengths: Callable[[int], Sequence[int] | int] = lambda _: 0) -> Packets:
    """Packets of everybody, by arrival; `lengths` answers those of a row."""
    sensor = Sensor(rate_hz=rate_hz)
    cut = [packet for row, (_, signal) in enumerate(fed) for packet in streams.packets(signal, sensor, device=row, lengths=lengths(row))]
    return sorted(cut, key=lambda packet: (packet.arrives_ns, packet.device))


def rule_for(fed: Fed) -> Fall:
    return Fall(streams.wearers(*(placement for placement, _ in fed)))


def essence(events: Sequence[Event]) -> Essence:
    """What must not depend on how samples came, as replay prints it: 2 decimals, 4 significant digits (contract.md)."""
    return sorted((one.subject, one.t_ns, round(one.score, 2), tuple(sorted(_printed(one.evidence).items()))) for one in events)


def _printed(evidence: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(f"{value:.4g}") if isinstance(value, float) else value for name, value in evidence.items()}


def times(events: Sequence[Event]) -> list[tuple[str, int]]:
    return sorted((event.subject, event.t_ns) for event in events)


@cache
def plainly(rate_hz: float = 50.0) -> Essence:
    """What the rule finds of `people` in packets of a second: the yardstick of every law."""
    fed = people(rate_hz)
    return essence(streams.feed(rule_for(fed), streamed(fed, rate_hz)))


RATES_HZ: Final = (25.0, 32.0, 50.0, 100.0)
"""Of which a sample lasts whole nanoseconds, so that a packet's time need not be rounded."""


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_laws_are_about_falls_that_are_found(rate_hz: float) -> None:
    found = [subject for subject, *_ in plainly(rate_hz)]
    assert {"person-000", "person-001", "person-003", "person-005"} <= set(found)
    assert found.count("person-006") == 1


sizes_ = st.lists(st.integers(1, 40), min_size=1, max_size=6)


@settings(deadline=None, max_examples=20)
@given(
    cuts=st.lists(st.lists(st.integers(1, 400), min_size=1, max_size=25), min_size=7, max_size=7),
    sizes=sizes_,
    rate_hz=st.sampled_from(RATES_HZ),
)
def test_samples_cut_into_packets_and_batches_anywhere_give_the_same_events(
    cuts: list[list[int]], sizes: list[int], rate_hz: float
) -> None:
    fed = people(rate_hz)
    cut = streamed(fed, rate_hz, lambda row: cuts[row])
    assert essence(streams.feed(rule_for(fed), cut, sizes)) == plainly(rate_hz)


@settings(deadline=None, max_examples=6)
@given(sizes=sizes_)
def test_one_packet_that_holds_everything_gives_the_same_events(sizes: list[int]) -> None:
    fed = people()
    assert essence(streams.feed(rule_for(fed), streamed(fed, lengths=lambda row: fed[row][1].shape[1]), sizes)) == plainly()


@settings(deadline=None, max_examples=15)
@given(quaternion=st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: math.hypot(*q) > 0.1))
def test_a_sensor_mounted_any_other_way_decides_the_same(quaternion: tuple[float, float, float, float]) -> None:
    matrix = Rotation.from_quat(quaternion).as_matrix()
    fed = [(placement, (matrix @ signal).astype(np.float32)) for placement, signal in people()]
    assert_alike(essence(streams.feed(rule_for(fed), streamed(fed))), plainly())


def assert_alike(found: Essence, wanted: Essence) -> None:
    """The same falls at the same samples, give or take one of equal height, with scores alike."""
    assert [subject for subject, *_ in found] == [subject for subject, *_ in wanted]
    for (_, t_ns, score, _), (_, wanted_ns, wanted_score, _) in zip(found, wanted, strict=True):
        assert abs(t_ns - wanted_ns) <= 0.021 * S
        assert abs(score - wanted_score) <= SAME_SCORE


@settings(deadline=None, max_examples=12)
@given(shift_ns=st.integers(-40 * 365 * 86_400 * S, 40 * 365 * 86_400 * S), sizes=sizes_)
def test_a_shift_in_time_shifts_the_events_to_the_millisecond_and_nothing_else(shift_ns: int, sizes: list[int]) -> None:
    fed = people()
    shifted = [replace(one, time_ns=one.time_ns + shift_ns, arrives_ns=one.arrives_ns + shift_ns) for one in streamed(fed)]
    wanted = [(subject, (t_ns + shift_ns + MS // 2) // MS * MS, *rest) for subject, t_ns, *rest in plainly()]
    assert essence(streams.feed(rule_for(fed), shifted, sizes)) == wanted


@settings(deadline=None, max_examples=10)
@given(row=st.integers(0, 6), twin=st.integers(1, 40))
def test_who_else_sends_changes_nothing_for_anybody(row: int, twin: int) -> None:
    alone = [people()[row]]
    crowd = [people()[row], *[(UNKNOWN, fell(BODY[number % 4], 20 + number % 5)) for number in range(twin)]]
    mine = [event for event in streams.feed(rule_for(crowd), streamed(crowd)) if event.subject == "person-000"]
    assert essence(mine) == essence(streams.feed(rule_for(alone), streamed(alone)))


@settings(deadline=None, max_examples=15)
@given(again=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 4_000)), max_size=30), sizes=sizes_)
def test_packets_that_come_again_within_seconds_change_nothing(again: list[tuple[int, int]], sizes: list[int]) -> None:
    fed = people()
    stream = streamed(fed)
    repeats = [
        replace(stream[which % len(stream)], arrives_ns=stream[which % len(stream)].arrives_ns + late_ms * 1_000_000)
        for which, late_ms in again
    ]
    assert essence(streams.feed(rule_for(fed), [*stream, *repeats], sizes)) == plainly()


@settings(deadline=None, max_examples=20)
@given(late_ms=st.lists(st.integers(0, 2_400), min_size=16, max_size=16), sizes=sizes_)
def test_packets_out_of_order_within_seconds_find_the_same_falls(late_ms: list[int], sizes: list[int]) -> None:
    fed = people()
    moved = [
        replace(one, arrives_ns=one.arrives_ns + late_ms[number % len(late_ms)] * 1_000_000) for number, one in enumerate(streamed(fed))
    ]
    found, wanted = essence(streams.feed(rule_for(fed), moved, sizes)), plainly()
    assert [subject for subject, *_ in found] == [subject for subject, *_ in wanted]
    # The very highest sample may come so late that the fall is told by then: it is the same fall, not the same sample.
    assert all(abs(t_ns - wanted_ns) <= 0.5 * S for (_, t_ns, *_), (_, wanted_ns, *_) in zip(found, wanted, strict=True))


@settings(deadline=None, max_examples=12)
@given(at=st.integers(0, 200), length=st.integers(10, 70), sizes=sizes_)
def test_a_restart_at_any_packet_tells_nothing_twice_and_misses_nothing(at: int, length: int, sizes: list[int]) -> None:
    fed = people()
    stream = streamed(fed, lengths=lambda _: length)
    at = min(at, len(stream))
    undisturbed, started = rule_for(fed), rule_for(fed)
    told = streams.feed(undisturbed, stream[:at], sizes)
    snapshot = json.loads(json.dumps(undisturbed.snapshot()))
    newest_ns = stream[at - 1].arrives_ns if at else 0
    streams.feed(started, [one for one in stream[:at] if one.arrives_ns >= newest_ns - started.window_s * S], sizes)
    started.restore(snapshot)
    later = streams.feed(started, stream[at:], sizes, seq=at)
    assert essence(later) == essence(streams.feed(undisturbed, stream[at:], sizes, seq=at))
    assert essence([*told, *later]) == plainly()


@settings(deadline=None, max_examples=12)
@given(at=st.integers(0, 200), length=st.integers(10, 70), sizes=sizes_)
def test_a_restart_that_finds_no_old_packets_tells_nothing_twice(at: int, length: int, sizes: list[int]) -> None:
    fed = people()
    stream = streamed(fed, lengths=lambda _: length)
    undisturbed, started = rule_for(fed), rule_for(fed)
    told = streams.feed(undisturbed, stream[:at], sizes)
    started.restore(json.loads(json.dumps(undisturbed.snapshot())))
    later = streams.feed(started, stream[at:], sizes, seq=at)
    assert not {
        (one.subject, one.t_ns) for one in later if any(one.subject == old.subject and one.t_ns - old.t_ns < 10 * S for old in told)
    }


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1))
def test_turn_rates_beside_them_change_no_decision(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    fed = people()
    turning = [
        replace(one, gyro_dps=rng.normal(0, 60, one.accel_g.shape).astype(np.float32)) if rng.random() < share else one
        for one in streamed(fed)
    ]
    assert times(streams.feed(rule_for(fed), turning)) == [(subject, t_ns) for subject, t_ns, *_ in plainly()]


# --- Encodings -------------------------------------------------------------------------------------------------------------------------


def in_g(one: streams.Packet) -> bytes:
    return _json(one, "g", one.accel_g.astype(np.float64).round(3))


def in_mps2(one: streams.Packet) -> bytes:
    return _json(one, "m/s2", one.accel_g.astype(np.float64).round(3) * STANDARD_GRAVITY_MPS2)


def packed(one: streams.Packet) -> bytes:
    head = struct.pack("<2sHfq", b"A1", one.samples, one.rate_hz, one.time_ns // 1000)
    return head + np.rint(one.accel_g.T * 1000).astype("<i2").tobytes()


def _json(one: streams.Packet, unit: str, xyz: streams.Array) -> bytes:
    return json.dumps({"t": one.time_ns // 1_000_000, "rate_hz": one.rate_hz, "unit": unit, "xyz": xyz.T.tolist()}).encode()


def heard(fed: Fed, encode: Callable[[streams.Packet], bytes]) -> list[Event]:
    """What the rule finds in messages as the decoder reads them."""
    rule = rule_for(fed)
    events: list[Event] = []
    stream = streamed(fed)
    for first in range(0, len(stream), 6):
        messages = [
            Message(seq=seq, topic="", kind=SensorKind.ACCELERATION, payload=encode(one), received_ns=one.arrives_ns, device=one.device)
            for seq, one in enumerate(stream[first : first + 6], first)
        ]
        decoded = decode(messages)
        assert decoded.rejected == ()
        assert isinstance(decoded.batch, AccelerationBatch)
        events += [fact for fact in rule.update(decoded.batch) if isinstance(fact, Event)]
    return events


def test_packed_and_json_in_g_give_the_same_events() -> None:
    fed = people()
    assert essence(heard(fed, packed)) == essence(heard(fed, in_g))
    assert times(heard(fed, packed)) == [(subject, t_ns) for subject, t_ns, *_ in plainly()]


def test_json_in_mps2_decides_the_same() -> None:
    fed = people()
    assert_alike(essence(heard(fed, in_mps2)), essence(heard(fed, in_g)))


# --- `anju detect` ---------------------------------------------------------------------------------------------------------------------


def recorded(signals: Sequence[Signal]) -> Recordings:
    return Recordings(
        acc=np.rint(np.concatenate(signals, axis=1) * 1000).astype(np.int16),
        off=np.concatenate([[0], np.cumsum([signal.shape[1] for signal in signals])]).astype(np.int32),
    )


@pytest.mark.parametrize("placement", list(Placement))
def test_detect_prints_the_same_bytes_twice(tmp_path: Path, placement: Placement) -> None:
    recordings = recorded([signal for _, signal in people()])
    file = tmp_path / "recordings.npz"
    np.savez(file, acc=recordings.acc, off=recordings.off)
    one, other = (CliRunner().invoke(cli, ["detect", str(file), "--placement", placement.value]) for _ in range(2))
    assert one.exit_code == other.exit_code == 0
    assert one.stdout_bytes == other.stdout_bytes
    assert one.stdout_bytes.count(b'"kind": "fall"') >= 1


def test_detect_finds_in_a_recording_the_same_whatever_stands_beside_it() -> None:
    signals = [signal for _, signal in people()]
    together = printed(signals)
    alone = [(number, *one[1:]) for number, signal in enumerate(signals) for one in printed([signal])]
    backwards = sorted((len(signals) - 1 - one[0], *one[1:]) for one in printed(signals[::-1]))
    assert together == alone == backwards
    assert together


def printed(signals: Sequence[Signal]) -> list[tuple[int, float, float, float]]:
    """What `anju detect` prints of recordings."""
    return [(one.recording, round(one.at_s, 2), round(one.score, 2), one.decided_s) for one in detect(recorded(signals), UNKNOWN)]


def test_detect_knows_within_four_seconds_and_never_before_the_impact() -> None:
    for one in detect(recorded([signal for _, signal in people()]), UNKNOWN):
        assert 0 < one.decided_s - one.at_s <= 4.0


# --- Recordings of people --------------------------------------------------------------------------------------------------------------

DATA: Final = Path(__file__).resolve().parents[3].parent / "shared" / "data"
PEOPLE: Final = 60


@pytest.mark.parametrize(("file", "placement"), [("weda_dev.npz", WRIST), ("sisfall_dev.npz", WAIST)])
def test_detect_prints_what_is_found_in_recordings_of_people_however_they_are_cut(tmp_path: Path, file: str, placement: Placement) -> None:
    if not (DATA / file).exists():
        pytest.skip(f"no recordings of people at ../shared/data/{file}")
    everybody = load(DATA / file)
    some = [everybody.acc[:, slice(*everybody.off[row : row + 2])] for row in range(0, len(everybody), len(everybody) // PEOPLE)]
    signals = [np.divide(signal, np.float32(1000), dtype=np.float32) for signal in some]
    recordings = recorded(signals)
    np.savez(tmp_path / file, acc=recordings.acc, off=recordings.off)
    one, other = (CliRunner().invoke(cli, ["detect", str(tmp_path / file), "--placement", placement.value]) for _ in range(2))
    assert one.stdout_bytes == other.stdout_bytes
    found = [json.loads(line) for line in one.stdout.splitlines()]
    assert len(found) >= PEOPLE // 5
    rng = np.random.default_rng(5)
    fed = [(placement, signal) for signal in signals]
    events = streams.feed(rule_for(fed), streamed(fed, lengths=lambda _: rng.integers(1, 120, 80).tolist()), [97])
    assert sorted((int(event.subject[-3:]), (event.t_ns - T0_NS) / S, round(event.score, 2)) for event in events) == [
        (line["recording"], line["at_s"], line["score"]) for line in found
    ]
