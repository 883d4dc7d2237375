"""Daily life and mishaps that look like a fall, told apart by name; falls in streams as broken as real ones; both on people's recordings.

A synthetic stream says how a detector fails, not how often: how often is for recordings of people (docs/reference/rules/fall.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from devices.model import Int64, Placement
from devices.simulator import motion
from rules.fall.evaluation import AFTER_FALL_S, BEFORE_FALL_S
from rules.fall.recordings import Recordings
from rules.model import Event
from store.recordings import load
from tests.rules.fall import streams
from tests.rules.fall.streams import (
    BODY,
    CASES,
    POCKET,
    STREAMS,
    T0_NS,
    UNKNOWN,
    WAIST,
    WRIST,
    Array,
    Case,
    Packets,
    S,
    Sensor,
    Signal,
    Stream,
)

DATA = Path(__file__).resolve().parents[3].parent / "shared" / "data"

SEEDS: Final = range(6)
FALLS: Final = range(12)
PLACEMENTS: Final = (WRIST, WAIST, UNKNOWN)
"""Chest and pocket are judged as `unknown` is, which is worn everywhere in turn."""

NEAR_S: Final = 2.0
"""An event so near to a fall's impact is that fall: a clock may be off by a second, and who stumbles hits something before the ground."""

_LOW_LIMIT = "as `unknown` the limit is as low as an unseen waist needs; where the placement is named it is no fall"
_NO_BEFORE = "where the two seconds before a hit are lost, nobody knows that the arm was not upright, and a chair is as hard as a floor"

KNOWN_LIMITS: Mapping[tuple[str, Placement], str] = {
    ("thrown_on_a_bed", POCKET): "it flies, sinks in and lies another way up, as after a fall; only that all weight is gone tells",
    ("a_dog_jerks_its_leash", WRIST): "an arm that is pulled straight, by a hit, and hangs another way for the second that is looked at",
    ("knocking_at_a_door", UNKNOWN): f"an arm that is raised, knocks and sinks: {_LOW_LIMIT}",
    ("sitting_down_hard", UNKNOWN): f"hard onto a chair: {_LOW_LIMIT}",
    ("sitting_down", UNKNOWN): f"hard onto a chair: {_LOW_LIMIT}",
    ("rolling_over_in_bed", UNKNOWN): f"a heave, a hit, another side up, and still: {_LOW_LIMIT}",
    ("a gap of 2 s before it", WRIST): _NO_BEFORE,
    ("a gap of 2 s before it", UNKNOWN): _NO_BEFORE,
}
"""Streams that alarm, and why nothing better is known. Strict: what is mended must leave the table."""


LIVES: Final = (motion.walking, motion.resting, motion.sitting_down)


def _limited(name: str, placement: Placement, *values: object) -> object:
    reason = KNOWN_LIMITS.get((name, placement))
    marks = [pytest.mark.xfail(reason=reason, strict=True)] if reason else []
    return pytest.param(*values, id=f"{name}-{placement}", marks=marks)


@pytest.mark.parametrize("case", [_limited(case.stream.name, case.placement, case) for case in CASES])
def test_it_is_no_fall(case: Case) -> None:
    found = streams.falls_by_device([case.packets(seed) for seed in SEEDS], case.placement)
    assert {seed: _story(events) for seed, events in enumerate(found) if events} == {}


def test_every_known_limit_is_of_a_stream_and_a_placement_that_are_tried() -> None:
    tried = {(case.stream.name, case.placement) for case in CASES} | {(life.__name__, UNKNOWN) for life in LIVES}
    tried |= {(damage.name, placement) for damage, placement in SPOILT_LIVES}
    assert KNOWN_LIMITS.keys() <= tried


@pytest.mark.parametrize(("life", "placement"), [_limited(life.__name__, one, life, one) for life in LIVES for one in (*BODY, UNKNOWN)])
def test_what_the_simulator_calls_daily_life_is_no_fall(life: Callable[..., Signal], placement: Placement) -> None:
    rows = [(seed, _site(placement, seed)) for seed in range(16)]
    days = [life(streams.generator("daily", site, seed), 20.0, placement=site).astype(np.float32) for seed, site in rows]
    found = streams.falls_by_device([streams.packets(day, PLAIN) for day in days], placement)
    assert {seed: _story(events) for seed, events in enumerate(found) if events} == {}


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_a_stream_is_as_violent_as_it_says(stream: Stream) -> None:
    signals = [Case(stream=stream, placement=site).signal(seed, PLAIN) for site in stream.sites for seed in SEEDS]
    peaks_g = [float(np.linalg.norm(signal, axis=0).max()) for signal in signals]
    assert stream.peak_g[0] <= min(peaks_g)
    assert max(peaks_g) <= stream.peak_g[1]


@pytest.mark.parametrize("site", BODY)
def test_the_falls_are_like_those_of_people(site: Placement) -> None:
    """Each median lies in the middle half of what SisFall's waists, or WEDA-FALL's wrists within their ±4 g, show."""
    sensor = Sensor(range_g=4.0 if site is WRIST else 16.0)
    measures = np.median([_measures(_fall(site, seed, sensor)) for seed in range(0, 60, 2)], axis=0)
    peak_g, lowest_g, samples_above_2g, angle_deg = measures
    assert 4.0 <= peak_g <= (5.8 if site is WRIST else 6.7)
    assert (0.28 if site is WRIST else 0.24) <= lowest_g <= (0.63 if site is WRIST else 0.5)
    assert (9 if site is WRIST else 4) <= samples_above_2g <= (17 if site is WRIST else 7)
    assert 64 <= angle_deg <= 101


# --- Falls in broken streams -----------------------------------------------------------------------------------------------------------


def _whole(signal: Signal, sensor: Sensor, rng: np.random.Generator) -> Packets:
    del rng
    return streams.packets(signal, sensor)


PLAIN: Final = Sensor()
"""50 Hz, ±16 g, 4 mg steps, mounted any way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What happens to a fall on its way, and the least share of falls that is found nevertheless.

    Attributes
    ----------
    sensor
        Mounted any way, unless said otherwise.
    spoil
        From samples to packets.
    least
        Of `FALLS` at each placement.
    """

    name: str
    sensor: Sensor = PLAIN
    spoil: Callable[[Signal, Sensor, np.random.Generator], Packets] = _whole
    least: float = 0.75


IMPACT_S: Final = 9.0


def _gap(begin_s: float, end_s: float) -> Callable[[Signal, Sensor, np.random.Generator], Packets]:
    """Nothing arrives of a span around the impact."""
    return lambda signal, sensor, _: streams.without(streams.packets(signal, sensor), IMPACT_S + begin_s, IMPACT_S + end_s)


DAMAGES: Final = (
    Damage(name="none"),
    *(Damage(name=f"{hz:g} Hz", sensor=Sensor(rate_hz=hz)) for hz in (25.0, 32.0, 39.8, 100.0, 200.0)),
    *(Damage(name=f"clipped at {g:g} g", sensor=Sensor(range_g=g)) for g in (2.0, 4.0, 8.0)),
    Damage(name="25 Hz clipped at 2 g", sensor=Sensor(rate_hz=25.0, range_g=2.0)),
    Damage(name="says g and sends m/s2", sensor=Sensor(scale=9.80665)),
    Damage(name="says m/s2 and sends g", sensor=Sensor(scale=1 / 9.80665)),
    Damage(name="says g and sends m/s2, clipped at 2 g", sensor=Sensor(range_g=2.0, scale=9.80665)),
    Damage(name="slips just before", sensor=Sensor(slip_s=IMPACT_S - 2.5, slip_deg=50)),
    Damage(name="slips at the impact", sensor=Sensor(slip_s=IMPACT_S, slip_deg=50)),
    Damage(name="slips after it", sensor=Sensor(slip_s=IMPACT_S + 1.2, slip_deg=50)),
    Damage(name="turns slowly", sensor=Sensor(slip_deg=120, slip_lasts_s=21)),
    Damage(name="8 mg steps", sensor=Sensor(step_g=0.008)),
    Damage(name="64 mg steps", sensor=Sensor(step_g=0.064)),
    Damage(name="noise of 30 mg", sensor=Sensor(noise_g=0.03)),
    Damage(name="promises 50 Hz and gives 47", sensor=Sensor(rate_hz=47.0, promised_hz=50.0)),
    Damage(name="promises 50 Hz and gives 53", sensor=Sensor(rate_hz=53.0, promised_hz=50.0)),
    Damage(name="bursts", spoil=streams.in_bursts),
    Damage(name="bursts at 39.8 Hz that promise 50", sensor=Sensor(rate_hz=39.8, promised_hz=50.0), spoil=streams.in_bursts),
    Damage(name="jitter", spoil=lambda signal, sensor, rng: streams.jittered(streams.packets(signal, sensor), rng)),
    Damage(name="drifting clock", spoil=lambda signal, sensor, _: streams.drifting(streams.packets(signal, sensor))),
    Damage(name="repeats", spoil=lambda signal, sensor, rng: streams.repeated(streams.packets(signal, sensor), rng)),
    Damage(name="out of order", spoil=lambda signal, sensor, rng: streams.out_of_order(streams.packets(signal, sensor), rng)),
    Damage(
        name="packets of 10 samples out of order",
        spoil=lambda signal, sensor, rng: streams.out_of_order(streams.packets(signal, sensor, lengths=10), rng),
    ),
    Damage(name="packets of 10 s", spoil=lambda signal, sensor, _: streams.packets(signal, sensor, lengths=500)),
    Damage(name="a gap of 2 s long before", spoil=_gap(-6, -4)),
    Damage(name="a gap of 2 s before it", spoil=_gap(-2.8, -0.8)),
    Damage(name="a gap of 0.4 s before it", spoil=_gap(-0.6, -0.2)),
    Damage(name="a gap of 0.4 s after it", spoil=_gap(0.3, 0.7)),
    Damage(name="a gap of 1 s after it", spoil=_gap(0.5, 1.5)),
    Damage(name="a gap of 2 s after it", spoil=_gap(0.6, 2.6), least=0.5),
    Damage(name="a gap of 2 s long after", spoil=_gap(4, 6)),
    # What was never received cannot be found: nothing is asked of it but that it makes no second event.
    Damage(name="a gap of 0.6 s over the impact", spoil=_gap(-0.2, 0.4), least=0.0),
    Damage(name="a gap of 2 s over the impact", spoil=_gap(-1, 1), least=0.0),
)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_a_fall_is_found_in_a_stream_with(damage: Damage, placement: Placement) -> None:
    found = falls_found(damage, placement)
    near = [[event for event in events if abs(event.t_ns - T0_NS - IMPACT_S * S) <= NEAR_S * S] for events in found]
    assert [len(events) for events in near] == [min(len(events), 1) for events in found], "one event each, at the impact"
    assert all(0 < event.score <= 1 for events in near for event in events)
    assert sum(map(bool, near)) >= damage.least * len(FALLS)


def falls_found(damage: Damage, placement: Placement) -> list[list[Event]]:
    """Events of each of `FALLS`, spoilt; `unknown` is worn everywhere in turn."""
    return streams.falls_by_device([_spoilt(damage, _site(placement, seed), seed) for seed in FALLS], placement)


def _spoilt(damage: Damage, site: Placement, seed: int) -> Packets:
    return damage.spoil(_fall(site, seed, damage.sensor), damage.sensor, streams.generator(damage.name, site, seed))


def _site(placement: Placement, seed: int) -> Placement:
    return BODY[seed // 2 % len(BODY)] if placement is UNKNOWN else placement


def _fall(site: Placement, seed: int, sensor: Sensor) -> Signal:
    """Samples; the device is mounted the same way, whatever else it does to them."""
    return sensor.samples(_felt(site, seed), streams.generator("mounted", site, seed))


@lru_cache(maxsize=len(BODY) * len(FALLS))
def _felt(site: Placement, seed: int) -> Array:
    """By turns one of streams.py and a clear one of the simulator, which draws them from the statistics of real ones."""
    if seed % 2:
        rng = streams.generator("simulated", site, seed)
        return motion.fall(rng, placement=site, typical=True, rate_hz=streams.RAW_HZ, before_s=IMPACT_S, after_s=12.0).astype(np.float64)
    return _scene(site, seed).rendered()


def _scene(site: Placement, seed: int) -> streams.Scene:
    return streams.a_fall(streams.generator("a_fall", site, seed), site, impact_s=IMPACT_S)


LIFE: Final = ("sitting_down_hard", "descending_stairs_hard", "a_stumble_recovered", "jumping")


SPOILT_LIVES: Final = [(damage, placement) for damage in DAMAGES if not damage.sensor.slip_deg for placement in (WRIST, UNKNOWN)]
"""The waist is as quiet as nothing else: what is spoilt is tried where alarms come from."""


@pytest.mark.parametrize(("damage", "placement"), [_limited(damage.name, one, damage, one) for damage, one in SPOILT_LIVES])
def test_no_fall_is_made_of_daily_life_in_a_stream_with(damage: Damage, placement: Placement) -> None:
    """Its hard moments are between 8 and 12 s, where the gaps are too. A strap that slips as somebody sits down is left out."""
    cases = [Case(stream=stream, placement=placement) for stream in STREAMS if stream.name in LIFE]
    lived = [
        damage.spoil(case.signal(seed, damage.sensor), damage.sensor, streams.generator(damage.name, case.stream.name, seed))
        for case in cases
        for seed in range(3)
    ]
    found = streams.falls_by_device(lived, placement)
    assert {(cases[row // 3].stream.name, row % 3): _story(events) for row, events in enumerate(found) if events} == {}


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_second_that_comes_alone_shows_no_fall(placement: Placement) -> None:
    """What is kept without raw acceleration is a packet in two minutes: of the hardest second of a fall alone nobody can tell."""
    streamed = []
    for seed in FALLS:
        fall = _fall(_site(placement, seed), seed, PLAIN)
        for at_s in np.arange(IMPACT_S - 0.8, IMPACT_S, 0.1).tolist():
            seconds = [fall[:, round(begin_s * 50) :][:, :50] for begin_s in (0.0, at_s, 13.0, 14.0)]
            streamed.append([streams.packets(one, PLAIN, start_ns=T0_NS + 120 * number * S)[0] for number, one in enumerate(seconds)])
    assert [events for events in streams.falls_by_device(streamed, placement) if events] == []


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_a_gyroscope_beside_it_loses_no_fall(placement: Placement) -> None:
    rows = [(_site(placement, seed), seed) for seed in FALLS]
    alone, with_gyro = (
        streams.falls_by_device([streams.packets(_fall(*row, PLAIN), PLAIN, gyro=gyro(*row)) for row in rows], placement)
        for gyro in (lambda *_: None, _turn_rates)
    )
    assert any(alone)
    assert [bool(events) for events in with_gyro] == [bool(events) for events in alone]


def _turn_rates(site: Placement, seed: int) -> Signal:
    """(3, S) degrees per second of such a fall, in axes of their own: half of them fit the fall that they come with."""
    return streams.resampled(_scene(site, seed).gyro_dps(), streams.RAW_HZ, PLAIN.rate_hz).astype(np.float32)


# --- People ----------------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class People:
    """A file of recordings as a sensor would have made it, and the bounds of what is found.

    Attributes
    ----------
    most
        Recordings of each sort, evenly taken from the file.
    least_found, most_alarmed
        Shares of the falls and of the others. Floors and ceilings well beyond what was measured: they catch breakage only.
    """

    file: str
    placement: Placement
    sensor: Sensor
    least_found: float
    most_alarmed: float
    most: int = 120


HARSH = Sensor(rate_hz=25.0, range_g=2.0, step_g=0.008)

PEOPLE: Final = (
    People(file="weda_dev.npz", placement=WRIST, sensor=PLAIN, least_found=0.88, most_alarmed=0.12),
    People(file="weda_dev.npz", placement=WRIST, sensor=HARSH, least_found=0.7, most_alarmed=0.25),
    People(file="weda_dev.npz", placement=UNKNOWN, sensor=HARSH, least_found=0.7, most_alarmed=0.25),
    People(file="sisfall_dev.npz", placement=WAIST, sensor=PLAIN, least_found=0.92, most_alarmed=0.05),
    People(file="sisfall_dev.npz", placement=WAIST, sensor=HARSH, least_found=0.8, most_alarmed=0.1),
    People(file="sisfall_dev.npz", placement=UNKNOWN, sensor=HARSH, least_found=0.8, most_alarmed=0.15),
)


@pytest.mark.parametrize(
    "people", PEOPLE, ids=lambda one: f"{one.file.split('_')[0]}-{one.placement}-{one.sensor.rate_hz:g}Hz-{one.sensor.range_g:g}g"
)
def test_real_falls_turned_anyhow_clipped_slowed_and_cut_anywhere_are_still_found(people: People) -> None:
    if not (DATA / people.file).exists():
        pytest.skip(f"no recordings of people at ../shared/data/{people.file}")
    found, alarmed = shares(people)
    assert found >= people.least_found
    assert alarmed <= people.most_alarmed


def shares(people: People) -> tuple[float, float]:
    """Of the falls that are found, and of the other recordings that alarm."""
    recordings = _recordings(people.file)
    assert recordings.act is not None
    is_fall = np.char.startswith(recordings.act, "F")
    chosen = np.concatenate([_evenly(np.flatnonzero(is_fall), people.most), _evenly(np.flatnonzero(~is_fall), people.most)])
    events = streams.falls_by_device([_worn(recordings, int(row), people.sensor) for row in chosen], people.placement)
    hits = np.array([_finds(recordings, int(row), one) if is_fall[row] else bool(one) for row, one in zip(chosen, events, strict=True)])
    return float(hits[is_fall[chosen]].mean()), float(hits[~is_fall[chosen]].mean())


@cache
def _recordings(file: str) -> Recordings:
    return load(DATA / file, labelled=True)


def _evenly(rows: Int64, most: int) -> Int64:
    taken: Int64 = rows[np.unique(np.linspace(0, len(rows) - 1, most).astype(int))]
    return taken


def _worn(recordings: Recordings, row: int, sensor: Sensor) -> Packets:
    rng = streams.generator("people", row)
    recorded = recordings.acc[:, recordings.off[row] : recordings.off[row + 1]].astype(np.float32) / np.float32(1000)
    signal = sensor.samples(streams.oversampled(recorded), rng, raw_hz=400)
    return streams.packets(signal, sensor, lengths=[*rng.integers(1, 2 * int(sensor.rate_hz), 60).tolist(), round(sensor.rate_hz)])


def _finds(recordings: Recordings, row: int, events: list[Event]) -> bool:
    """Whether one of them lies in the fall; anywhere in the recording where its limits are not known."""
    begin = -np.inf if recordings.fall_start is None else float(recordings.fall_start[row])
    end = np.inf if recordings.fall_end is None else float(recordings.fall_end[row])
    begin, end = (-np.inf, np.inf) if np.isnan(begin) or np.isnan(end) else (begin - BEFORE_FALL_S, end + AFTER_FALL_S)
    return any(begin <= (event.t_ns - T0_NS) / S <= end for event in events)


def _measures(signal: Signal) -> tuple[float, float, float, float]:
    """Highest magnitude, lowest in the second before it, samples above 2 g around it, and by how much up turned; at 50 Hz."""
    magnitude_g: Array = np.linalg.norm(signal, axis=0)
    peak = int(magnitude_g.argmax())
    before, after = signal[:, peak - 115 : peak - 40].mean(axis=1), signal[:, peak + 75 : peak + 150].mean(axis=1)
    cosine = float(before @ after / np.linalg.norm(before) / np.linalg.norm(after))
    return (
        float(magnitude_g[peak]),
        float(magnitude_g[peak - 50 : peak].min()),
        float((magnitude_g[peak - 25 : peak + 50] > 2).sum()),
        float(np.degrees(np.arccos(np.clip(cosine, -1, 1)))),
    )


def _story(events: list[Event]) -> list[str]:
    """What a failing test shows."""
    return [f"{(event.t_ns - T0_NS) / S:.2f} s, score {event.score:.2f}" for event in events]
