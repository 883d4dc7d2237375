"""`anju bench fall`: samples per second and core of the fall rule, beside a memory copy of the same bytes and what else finds peaks.

The rates are of the processor's time, on one core, in the fastest of some rounds: what other work the machine does at the same time costs
little. The day is made here, of sensors' noise, steps and bumps; real movement is only in recordings.
"""

import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import find_peaks

from benchmarks.measure import Figures
from devices.model import NS_PER_S, CommunityId, Device, DeviceId, DeviceKind, Float32, Int64, PersonId, Placement, Registry
from devices.sensors.acceleration import AccelerationBatch
from rules.fall import rule as fall_rule
from rules.fall.rule import PEAK_S, Fall
from rules.fall.slots import MG_PER_G
from rules.fall.verdict import BEFORE_S, STAGES_S, TRIGGER_G
from rules.fall.windows import Windows, rounds
from rules.premises import Premises
from store.recordings import load

RATE_HZ = 50
WEARERS, SECONDS = 20_000, 12
REGISTERED, SENDING, SENDING_S = 50_000, 500, 12
REST, WALKING = 0.8, 0.1
"""Shares of the wearers who rest and who walk; the others do housework."""
ROUNDS = 5
PEER_WEARERS, LOOP_WEARERS = 400, 4
_SEED = 7
_BEGIN_NS = 1_772_416_800 * NS_PER_S
_LOUDEST_MG = 16_000

Int16 = NDArray[np.int16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Packets of a second, all wearers' side by side: what they sent, and as the fall rule is given it.

    Attributes
    ----------
    sent : sequence of (n, 3) int16
        Milli-g, row by row as in packed packets.
    batches : sequence of AccelerationBatch
        The same.
    lasts_s : int
        From the first packet to when the stream may begin again.
    """

    sent: Sequence[Int16]
    batches: Sequence[AccelerationBatch]
    wearers: int
    lasts_s: int

    @property
    def samples(self) -> int:
        """How many there are in all."""
        return sum(len(rows) for rows in self.sent)

    @property
    def largest(self) -> int:
        """Samples of the largest batch."""
        return max(len(rows) for rows in self.sent)

    def again(self, turn: int) -> Iterator[AccelerationBatch]:
        """The same packets, so many turns later."""
        for batch in self.batches:
            yield replace(batch, time_ns=batch.time_ns + turn * self.lasts_s * NS_PER_S)

    def pieces(self, wearers: int) -> Float32:
        """(wearers, 3, n) g of some of the wearers, each in one piece as long as the shortest: what a peak finder is given."""
        rows = [[np.flatnonzero(batch.device == wearer) for batch in self.batches] for wearer in range(wearers)]
        whole = [
            np.concatenate(
                [
                    batch.accel_g[:, batch.offset[row[0]] : batch.offset[row[0] + 1]]
                    for row, batch in zip(of_wearer, self.batches, strict=True)
                    if row.size
                ],
                axis=1,
            )
            for of_wearer in rows
        ]
        length = min(one.shape[1] for one in whole)
        return np.stack([one[:, :length] for one in whole])


def run(recordings: Path | None = None) -> Figures:
    """Figures, measured by a process of its own in which no library has more than one thread.

    Parameters
    ----------
    recordings
        A file as contract.md describes it; without one the day alone is measured.

    Raises
    ------
    InputError
        If the recordings cannot be read.
    """
    if recordings is not None:
        load(recordings)  # what is wrong with it is said here
    single = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, "-m", "benchmarks.fall", *([str(recordings.resolve())] if recordings else [])]
    done = subprocess.run(command, env=os.environ | single, stdout=subprocess.PIPE, check=True)  # noqa: S603  ourselves
    figures: Figures = json.loads(done.stdout)
    return figures


def measured(recordings: Path | None) -> Figures:
    """Figures of this process."""
    figures: dict[str, float | int | str] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "rounds": ROUNDS,
        "trigger_g": str(sorted(set(TRIGGER_G.values()))),
        "stages_s": str(STAGES_S),
    }
    figures |= _of("day", day(WEARERS, SECONDS))
    if recordings is None:
        figures["recordings"] = "not measured: name a file with --recordings"
    else:
        figures |= _of("recordings", recorded(recordings))
    return figures | _registered()


def day(wearers: int, seconds: int, registered: int | None = None) -> Stream:
    """A moment of a day: most rest, some walk, some do housework and bump into things."""
    random = np.random.default_rng(_SEED)
    walks, works = (random.permutation(wearers)[begin:end] for begin, end in _shares(wearers))
    direction = random.normal(size=(wearers, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    devices = random.choice(registered or wearers, wearers, replace=False)
    rest = {"pace_hz": random.uniform(1.5, 2.1, len(walks)), "step_g": random.uniform(0.15, 0.55, len(walks))}
    sent, order = [], []
    for second in range(seconds):
        at_s = second + np.arange(RATE_HZ) / RATE_HZ
        upright_g = np.ones((wearers, RATE_HZ))
        phase = 2 * np.pi * rest["pace_hz"][:, None] * at_s
        upright_g[walks] += rest["step_g"][:, None] * (np.sin(phase) + 0.4 * np.sin(2 * phase + 1.0))  # heel, and its echo
        upright_g[works] += 0.25 * np.sin(np.pi * at_s + np.arange(len(works))[:, None])
        bumps = works[random.random(len(works)) < 1 / 4]  # one in four seconds
        upright_g[bumps[:, None], random.integers(0, RATE_HZ - 2, (len(bumps), 1)) + np.arange(2)] += random.uniform(
            0.4, 3, (len(bumps), 1)
        )
        accel_g = upright_g[:, :, None] * direction[:, None, :] + random.normal(0, 0.02, (wearers, RATE_HZ, 3))
        turn = random.permutation(wearers)  # packets come in any order
        order.append(devices[turn])
        sent.append(np.clip(np.rint(MG_PER_G * accel_g[turn]), -_LOUDEST_MG, _LOUDEST_MG).astype(np.int16).reshape(-1, 3))
    every = np.full(wearers, RATE_HZ)
    batches = [_batch(device, second, every, rows) for second, (device, rows) in enumerate(zip(order, sent, strict=True))]
    return Stream(sent=sent, batches=batches, wearers=wearers, lasts_s=seconds)


def recorded(path: Path) -> Stream:
    """Recordings one after another, cut into as many wearers side by side as give each `SECONDS`."""
    acc = load(path).acc
    wearers = max(1, acc.shape[1] // (SECONDS * RATE_HZ))
    seconds = acc.shape[1] // (wearers * RATE_HZ)
    pieces = acc[:, : wearers * seconds * RATE_HZ].reshape(3, wearers, seconds, RATE_HZ)
    sent = [np.ascontiguousarray(pieces[:, :, second].reshape(3, -1).T) for second in range(seconds)]
    device, every = np.arange(wearers), np.full(wearers, RATE_HZ)
    batches = [_batch(device, second, every, rows) for second, rows in enumerate(sent)]
    return Stream(sent=sent, batches=batches, wearers=wearers, lasts_s=seconds)


def _shares(wearers: int) -> tuple[tuple[int, int], tuple[int, int]]:
    first, second = round(REST * wearers), round((REST + WALKING) * wearers)
    return (first, second), (second, wearers)


def _batch(device: Int64, second: int, count: Int64, rows: Int16) -> AccelerationBatch:
    nothing = np.zeros(len(device), np.bool_)
    time_ns = np.full(len(device), _BEGIN_NS + second * NS_PER_S, np.int64)
    return AccelerationBatch(
        device=device.astype(np.int32),
        time_ns=time_ns,
        received_ns=time_ns + NS_PER_S,
        seq=np.arange(len(device), dtype=np.int64),
        retained=nothing,
        clock_wrong=nothing,
        back=nothing,
        rate_hz=np.full(len(device), float(RATE_HZ)),
        offset=np.concatenate([[0], np.cumsum(count)]).astype(np.int64),
        accel_g=_in_g(rows),
        gyro_dps=np.full((3, len(rows)), np.nan, np.float32),
    )


def _in_g(rows: Int16) -> Float32:
    """(3, n) of packed rows, as the decoder makes it."""
    return np.divide(rows.T, np.float32(MG_PER_G), dtype=np.float32, order="C")


def _premises(devices: int) -> Premises:
    community, placements = CommunityId("bench"), tuple(Placement)
    return Premises(
        registry=Registry(
            Device(
                community_id=community,
                id=DeviceId(f"w-{i}"),
                kind=DeviceKind.WEARABLE,
                wearer=PersonId(f"p-{i}"),
                placement=placements[i % len(placements)],
            )
            for i in range(devices)
        )
    )


def _of(name: str, stream: Stream) -> Figures:
    """All of it on one stream; everything is measured in every round, in turn."""
    rule, packed = Fall(_premises(stream.wearers)), Fall(_premises(stream.wearers))
    rings = Windows(stream.wearers, before_s=BEFORE_S, after_s=STAGES_S[-1], stretch_s=PEAK_S, least_g=min(TRIGGER_G.values()))
    peers = min(PEER_WEARERS, stream.wearers)
    some_g, few_g = stream.pieces(peers), stream.pieces(min(LOOP_WEARERS, stream.wearers))
    few = [one.T.tolist() for one in few_g]
    room_g, room = np.empty((3, stream.largest), np.float32), np.empty((stream.largest, 3), np.int16)
    told = _Watched()
    work: dict[str, tuple[int, Callable[[int], object]]] = {
        "memory_copy_float32": (stream.samples, lambda _: [np.copyto(room_g[:, : b.accel_g.shape[1]], b.accel_g) for b in stream.batches]),
        "memory_copy_int16": (stream.samples, lambda _: [np.copyto(room[: len(rows)], rows) for rows in stream.sent]),
        "trigger_alone_float32": (stream.samples, lambda _: [_triggered(batch.accel_g, batch) for batch in stream.batches]),
        "trigger_alone_int16": (
            stream.samples,
            lambda _: [_triggered(_in_g(rows), batch) for rows, batch in zip(stream.sent, stream.batches, strict=True)],
        ),
        "intake_alone_float32": (stream.samples, lambda turn: _take(rings, stream, turn)),
        "two_stage_float32": (stream.samples, lambda turn: [rule.update(batch) for batch in stream.again(turn)]),
        "two_stage_int16": (stream.samples, lambda turn: _from_packed(packed, stream, turn)),
        "scipy_find_peaks_per_wearer": (
            some_g[:, 0].size,
            lambda _: [find_peaks(_magnitude_g(one), height=1.5, distance=RATE_HZ) for one in some_g],
        ),
        "python_loop_per_sample": (few_g[:, 0].size, lambda _: [_looped(one) for one in few]),
    }
    if (moving_max := _skdh()) is not None:
        work["skdh_moving_max_every_second"] = (
            some_g[:, 0].size,
            lambda _: [moving_max(_magnitude_g(one).astype(np.float64), RATE_HZ, RATE_HZ) for one in some_g],
        )
    took_s: dict[str, list[float]] = {one: [] for one in work}
    judging_s: list[float] = []
    for turn in range(ROUNDS + 1):
        for one, (_, do) in work.items():
            with told.watching():
                begin_s = time.thread_time()
                do(turn)
                spent_s = time.thread_time() - begin_s
            if turn:  # the first fills the rings, and is not counted
                took_s[one].append(spent_s)
            if turn and one == "two_stage_float32":
                judging_s.append(told.spent_s / spent_s)
                judged, falls = told.windows, told.falls
    rates = {one: work[one][0] / min(spent) for one, spent in took_s.items()}
    two_stage, intake = rates["two_stage_float32"], rates["intake_alone_float32"]
    judging = judging_s[int(np.argmin(took_s["two_stage_float32"]))]
    return {
        f"{name}_wearers": stream.wearers,
        f"{name}_samples_a_round": stream.samples,
        **{f"{name}_{one}_msamples_per_s": round(rate / 1e6, 2) for one, rate in rates.items()},
        **({} if "skdh_moving_max_every_second" in rates else {f"{name}_skdh": "not installed: pip install -e '.[bench]'"}),
        f"{name}_two_stage_of_memory_copy": round(two_stage / rates["memory_copy_float32"], 3),
        f"{name}_share_intake": round(two_stage / intake, 3),
        f"{name}_share_candidates": round(max(0.0, 1 - judging - two_stage / intake), 3),
        f"{name}_share_judging": round(judging, 3),
        f"{name}_windows_judged_per_wearer_and_hour": round(judged / (stream.samples / RATE_HZ / 3600), 1),
        f"{name}_verdicts_a_round": falls,
        f"{name}_bytes_per_wearer": round(rule.nbytes / stream.wearers),
        f"{name}_wearers_a_core": round(two_stage / RATE_HZ),
    }


def _take(rings: Windows, stream: Stream, turn: int) -> None:
    for batch in stream.again(turn):
        for packets in rounds(batch, np.ones(len(batch.device), np.bool_)):
            for _ in rings.take(batch, packets):
                pass


def _from_packed(rule: Fall, stream: Stream, turn: int) -> None:
    for rows, batch in zip(stream.sent, stream.again(turn), strict=True):
        rule.update(replace(batch, accel_g=_in_g(rows)))


def _triggered(accel_g: Float32, batch: AccelerationBatch) -> Int64:
    """Packets with a sample over the trigger: the least that any detector does."""
    part = 1 << 10
    found = []
    for low in range(0, len(batch.device), part):  # parts that fit the cache
        limits = batch.offset[low : low + part + 1]
        x2, y2, z2 = np.square(accel_g[:, limits[0] : limits[-1]])
        x2 += y2
        x2 += z2
        found.append(low + np.flatnonzero(np.maximum.reduceat(x2, limits[:-1] - limits[0]) >= min(TRIGGER_G.values()) ** 2))
    return np.concatenate(found)


def _magnitude_g(accel_g: Float32) -> Float32:
    magnitude: Float32 = np.sqrt(np.square(accel_g).sum(axis=0))
    return magnitude


def _looped(rows: list[list[float]]) -> list[int]:
    """Local maxima over the trigger, sample by sample."""
    found, last, before_g2, here_g2 = [], -RATE_HZ, 0.0, 0.0
    for i, (x, y, z) in enumerate(rows):
        next_g2 = x * x + y * y + z * z
        if here_g2 >= 1.5**2 and before_g2 < here_g2 >= next_g2 and i - 1 - last >= RATE_HZ:
            last = i - 1
            found.append(last)
        before_g2, here_g2 = here_g2, next_g2
    return found


def _skdh() -> Callable[..., object] | None:
    """The nearest that scikit-digital-health has: the highest sample of every second."""
    try:
        from skdh.utility import moving_max  # type: ignore[import-not-found]  # noqa: PLC0415  an optional peer
    except ImportError:
        return None
    found: Callable[..., object] = moving_max
    return found


class _Watched:
    """What the verdict costs, and how often it is asked."""

    def __init__(self) -> None:
        self.spent_s, self.windows, self.falls = 0.0, 0, 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count from nothing; what is judged meanwhile goes through here."""
        self.spent_s, self.windows, self.falls = 0.0, 0, 0
        plain = fall_rule.judge

        def judge(accel_g: Float32, *rest: object) -> list[object]:
            begin_s = time.thread_time()
            verdicts: list[object] = plain(accel_g, *rest)  # type: ignore[arg-type,assignment]
            self.spent_s += time.thread_time() - begin_s
            self.windows += len(accel_g)
            self.falls += sum(verdict is not None for verdict in verdicts)
            return verdicts

        fall_rule.judge = judge  # type: ignore[assignment]
        try:
            yield
        finally:
            fall_rule.judge = plain


def _registered() -> Figures:
    """The cost of those who do not send: all of the wearers against 1 % of them, and against these alone."""
    made = {
        "all": (day(REGISTERED, SENDING_S), Fall(_premises(REGISTERED))),
        "few_of_all": (day(SENDING, SENDING_S, REGISTERED), Fall(_premises(REGISTERED))),
        "few_alone": (day(SENDING, SENDING_S), Fall(_premises(SENDING))),
    }
    took_s: Mapping[str, list[float]] = {name: [] for name in made}
    for turn in range(ROUNDS + 1):
        for name, (stream, rule) in made.items():
            begin_s = time.thread_time()
            for batch in stream.again(turn):
                rule.update(batch)
            if turn:
                took_s[name].append(time.thread_time() - begin_s)
    all_s, of_all_s, alone_s = (min(took_s[name]) for name in made)
    held = {name: rule.nbytes for name, (_, rule) in made.items()}
    return {
        "registered_wearers": REGISTERED,
        "registered_sending_percent": round(100 * SENDING / REGISTERED, 2),
        "registered_sending_costs_percent_of_all": round(100 * of_all_s / all_s, 2),
        "registered_sending_costs_of_these_alone": round(of_all_s / alone_s, 2),
        "registered_sending_mib": round(held["few_of_all"] / 2**20, 1),
        "registered_all_mib": round(held["all"] / 2**20, 1),
        "bytes_of_a_wearer_who_never_sent": math.ceil((held["few_of_all"] - held["few_alone"]) / (REGISTERED - SENDING)),
    }


if __name__ == "__main__":
    print(json.dumps(measured(Path(sys.argv[1]) if len(sys.argv) > 1 else None)))
