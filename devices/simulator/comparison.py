"""The simulator's signals held against recordings of people: the same measures of both, side by side.

::

    python -m devices.simulator.comparison docs/reference/simulated-falls.md [--wrist FALLS.npz] [--waist FALLS.npz] [--write]

prints the tables of that page, measured anew: the simulated columns always, the real ones where the placement's recordings are given. Else
they stay as they stand there. Of recordings nothing is kept but these quantiles.
"""

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np

from devices.model import Float32, Float64, Placement
from devices.simulator import motion
from devices.simulator.falling import MIX, Kind

RATE_HZ = 50
"""Of recordings (docs/reference/recordings.md), and of what is drawn to compare."""
BEFORE_S, AFTER_S = 2.6, 3.0
"""What is measured of a fall, around its highest magnitude."""
QUANTILES = (0.1, 0.5, 0.9)
FALLS, WALKS, CHAIRS = 1000, 300, 300
"""So many are drawn of each, from the same seed every time."""
SEED = 6

KINDS: Mapping[Placement, Mapping[Kind, tuple[str, ...]]] = {
    Placement.WRIST: {
        Kind.FORWARD: ("F01", "F04"),
        Kind.SIDEWAYS: ("F02",),
        Kind.BACKWARD: ("F03",),
        Kind.CHAIR: ("F05",),
        Kind.FAINTING: ("F06", "F07", "F08"),
    },
    Placement.WAIST: {
        Kind.FORWARD: ("F01", "F04", "F05"),
        Kind.BACKWARD: ("F02",),
        Kind.SIDEWAYS: ("F03",),
        Kind.CHAIR: ("F08", "F09", "F10", "F11", "F12"),
        Kind.FAINTING: ("F06", "F07", "F13", "F14", "F15"),
    },
}
"""Activities of WEDA-FALL (wrist) and SisFall (waist) that are a kind of fall."""
WALKING = "D01"
SITTING_DOWN = {Placement.WRIST: ("D04",), Placement.WAIST: ("D07", "D08", "D09", "D10")}


@dataclass(frozen=True, slots=True, kw_only=True)
class FallMeasures:
    """What is compared of a fall. The impact is its highest magnitude, at 0 s.

    Attributes
    ----------
    impact_g : float
        Magnitude at the impact.
    above_2g_s : float
        Time above 2 g, −0.5…1 s.
    lowest_g, below_075_s, falling_s : float
        In the second before: lowest magnitude, time below 0.75 g, and time from the lowest to the impact.
    impulse_gs : float
        What the magnitude exceeds 1 g by, summed over −0.5…1 s.
    peaks_2g : float
        Maxima above 2 g, 0…2 s.
    jerk_gps : float
        Largest change of the acceleration vector, −0.5…0.5 s.
    angle_deg, early_angle_deg : float
        Between the mean direction of −2.5…−1 s and that of 1.5…3 s, or of −1…−0.4 s.
    before_g : float
        Standard deviation of the magnitude, −2.5…−1 s: walking or not.
    energy_g : float
        Root mean square of magnitude − 1, 0.2…1 s.
    unrest_g, drift_g : float
        Standard deviation of the magnitude, 1.5…3 s, and of the vector.
    share_0_3, share_3_7, share_7_12 : float
        Of the magnitude's power, −0.5…1 s, in these bands of Hz.
    """

    impact_g: float
    above_2g_s: float
    lowest_g: float
    below_075_s: float
    falling_s: float
    impulse_gs: float
    peaks_2g: float
    jerk_gps: float
    angle_deg: float
    early_angle_deg: float
    before_g: float
    energy_g: float
    unrest_g: float
    drift_g: float
    share_0_3: float
    share_3_7: float
    share_7_12: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkMeasures:
    """What is compared of 4 s of walking.

    Attributes
    ----------
    bounce_g : float
        Standard deviation of the magnitude.
    low_g, high_g : float
        Its 1 % and 99 % quantiles.
    sideways_g : float
        What the vector's standard deviation has beyond that of the magnitude.
    swing_deg : float
        90 % quantile of the angle between the direction smoothed over 0.3 s and its mean.
    jerk_gps : float
        90 % quantile of the change of the acceleration vector.
    step_hz : float
        Strongest rhythm of the magnitude, 0.6…4 Hz.
    """

    bounce_g: float
    low_g: float
    high_g: float
    sideways_g: float
    swing_deg: float
    jerk_gps: float
    step_hz: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChairMeasures:
    """What is compared of sitting down: the highest magnitude of a trial, and in the second before and after it the rest.

    Attributes
    ----------
    highest_g, lowest_g, moved_g : float
        Highest and lowest magnitude, and its standard deviation.
    above_13_s : float
        Time above 1.3 g.
    """

    highest_g: float
    lowest_g: float
    moved_g: float
    above_13_s: float


def fall_measures(accel_g: Float32 | Float64, impact: int) -> FallMeasures:
    """Measures of a fall.

    Parameters
    ----------
    accel_g : (3, S)
        In g at `RATE_HZ`. Beyond its ends the mean of its first or last half second is taken.
    impact : int
        Sample of the highest magnitude.
    """
    window = _around(accel_g, impact)
    magnitude_g = np.sqrt((window**2).sum(axis=0))

    def part(begin_s: float, end_s: float) -> slice:
        return slice(_CENTRE + round(begin_s * RATE_HZ), _CENTRE + round(end_s * RATE_HZ))

    before, after, inner = magnitude_g[part(-1.0, 0.0)], magnitude_g[part(0.0, 2.0)], magnitude_g[part(-0.5, 1.02)]
    upright, early, lying = (motion.pointing(window[:, part(*ends)]) for ends in ((-2.5, -1.0), (-1.0, -0.4), (1.5, 3.0)))
    peaks = (after > 2.0) & (after >= magnitude_g[part(-0.02, 1.98)]) & (after > magnitude_g[part(0.02, 2.02)])  # noqa: PLR2004  2 g
    power, tones_hz = np.abs(np.fft.rfft((inner - inner.mean()) * np.hanning(len(inner)), 256)) ** 2, np.fft.rfftfreq(256, 1 / RATE_HZ)
    shares = [power[(tones_hz >= low) & (tones_hz < high)].sum() / power.sum() for low, high in ((0, 3), (3, 7), (7, 12))]
    return FallMeasures(
        impact_g=float(magnitude_g[_CENTRE]),
        above_2g_s=float((inner > 2.0).sum() / RATE_HZ),  # noqa: PLR2004  2 g
        lowest_g=float(before.min()),
        below_075_s=float((before < 0.75).sum() / RATE_HZ),  # noqa: PLR2004  0.75 g
        falling_s=float((len(before) - before.argmin()) / RATE_HZ),
        impulse_gs=float(np.maximum(inner - 1.0, 0.0).sum() / RATE_HZ),
        peaks_2g=float(peaks.sum()),
        jerk_gps=float(_changes(window[:, part(-0.5, 0.5)]).max()),
        angle_deg=_angle_deg(upright, lying),
        early_angle_deg=_angle_deg(upright, early),
        before_g=float(magnitude_g[part(-2.5, -1.0)].std()),
        energy_g=float(np.sqrt(((magnitude_g[part(0.2, 1.0)] - 1.0) ** 2).mean())),
        unrest_g=float(magnitude_g[part(1.5, 3.0)].std()),
        drift_g=float(np.sqrt(window[:, part(1.5, 3.0)].var(axis=1).sum())),
        share_0_3=float(shares[0]),
        share_3_7=float(shares[1]),
        share_7_12=float(shares[2]),
    )


def walk_measures(accel_g: Float32 | Float64) -> WalkMeasures:
    """Measures of walking (3, 200), in g at `RATE_HZ`."""
    magnitude_g = np.sqrt((accel_g.astype(np.float64) ** 2).sum(axis=0))
    smooth = np.cumsum(np.pad(accel_g.astype(np.float64), ((0, 0), (1, 0))), axis=1)
    smooth = smooth[:, 15:] - smooth[:, :-15]
    smooth /= np.sqrt((smooth**2).sum(axis=0))
    swings_deg = np.degrees(np.arccos(np.clip(motion.pointing(smooth) @ smooth, -1.0, 1.0)))
    power = np.abs(np.fft.rfft((magnitude_g - magnitude_g.mean()) * np.hanning(len(magnitude_g)), 512)) ** 2
    tones_hz = np.fft.rfftfreq(512, 1 / RATE_HZ)
    rhythm = (tones_hz > 0.6) & (tones_hz < 4.0)  # noqa: PLR2004  Hz
    return WalkMeasures(
        bounce_g=float(magnitude_g.std()),
        low_g=float(np.quantile(magnitude_g, 0.01)),
        high_g=float(np.quantile(magnitude_g, 0.99)),
        sideways_g=float(np.sqrt(max(float(accel_g.var(axis=1, dtype=np.float64).sum() - magnitude_g.var()), 0.0))),
        swing_deg=float(np.quantile(swings_deg, 0.9)),
        jerk_gps=float(np.quantile(_changes(accel_g), 0.9)),
        step_hz=float(tones_hz[rhythm][power[rhythm].argmax()]),
    )


def chair_measures(accel_g: Float32 | Float64) -> ChairMeasures:
    """Measures of a trial (3, S) of sitting down, in g at `RATE_HZ`; its first and last second are left out."""
    magnitude_g = np.sqrt((accel_g.astype(np.float64) ** 2).sum(axis=0))
    at = int(magnitude_g[RATE_HZ:-RATE_HZ].argmax()) + RATE_HZ
    window = magnitude_g[at - RATE_HZ : at + RATE_HZ]
    return ChairMeasures(
        highest_g=float(magnitude_g[at]),
        lowest_g=float(window.min()),
        moved_g=float(window.std()),
        above_13_s=float((window > 1.3).sum() / RATE_HZ),  # noqa: PLR2004  1.3 g
    )


_CENTRE = round(BEFORE_S * RATE_HZ)


def _around(accel_g: Float32 | Float64, impact: int) -> Float64:
    """(3, 281) about an impact; ends are held."""
    ends = np.concatenate(
        [
            np.repeat(accel_g[:, :25].mean(axis=1, keepdims=True), _CENTRE, axis=1),
            accel_g,
            np.repeat(accel_g[:, -25:].mean(axis=1, keepdims=True), round(AFTER_S * RATE_HZ) + 2, axis=1),
        ],
        axis=1,
    )
    return ends[:, impact : impact + _CENTRE + round(AFTER_S * RATE_HZ) + 1].astype(np.float64)


def _changes(accel_g: Float32 | Float64) -> Float64:
    """How fast the vector changes from sample to sample, g/s."""
    changes: Float64 = np.sqrt((np.diff(accel_g.astype(np.float64), axis=1) ** 2).sum(axis=0)) * RATE_HZ
    return changes


def _angle_deg(one: Float64, other: Float64) -> float:
    return float(np.degrees(np.arccos(np.clip(one @ other, -1.0, 1.0))))


Measures = FallMeasures | WalkMeasures | ChairMeasures


def recorded_falls(path: Path, placement: Placement) -> list[tuple[Kind, FallMeasures]]:
    """Kind and measures of each fall of a file of recordings, in its order.

    The impact is the highest magnitude of the fall's interval, widened as a detection's is (docs/reference/recordings.md), or of the whole
    recording where that is not known.
    """
    kinds = {activity: kind for kind, activities in KINDS[placement].items() for activity in activities}
    falls = []
    for activity, accel_g, begin_s, end_s in _recordings(path):
        if activity in kinds:
            magnitude_g = (accel_g**2).sum(axis=0)
            inside = slice(None)
            if np.isfinite(begin_s):
                inside = slice(max(int((begin_s - 0.5) * RATE_HZ), 0), int((end_s + 1.0) * RATE_HZ))
            impact = (inside.start or 0) + int(magnitude_g[inside].argmax())
            falls.append((kinds[activity], fall_measures(accel_g, impact)))
    return falls


def recorded_walks(path: Path) -> list[WalkMeasures]:
    """Measures of every 4 s of walking of a file of recordings, but for the first 2 s and the last of a trial."""
    walks = []
    for activity, accel_g, _, _ in _recordings(path):
        if activity == WALKING:
            firsts = range(2 * RATE_HZ, accel_g.shape[1] - 6 * RATE_HZ, 4 * RATE_HZ)
            walks += [walk_measures(accel_g[:, first : first + 4 * RATE_HZ]) for first in firsts]
    return walks


def recorded_chairs(path: Path, placement: Placement) -> list[ChairMeasures]:
    """Measures of each trial of sitting down of a file of recordings."""
    return [chair_measures(accel_g) for activity, accel_g, _, _ in _recordings(path) if activity in SITTING_DOWN[placement]]


def _recordings(path: Path) -> Iterator[tuple[str, Float64, float, float]]:
    """Activity, samples in g (3, S), and when a fall begins and ends, or NaN."""
    with np.load(path, allow_pickle=False) as archive:
        samples, limits, activities = archive["acc"], archive["off"], archive["act"]
        begins_s, ends_s = (archive.get(name, np.full(len(activities), np.nan)) for name in ("fall_start", "fall_end"))
    for i, activity in enumerate(activities):
        yield str(activity), samples[:, limits[i] : limits[i + 1]] / 1000.0, float(begins_s[i]), float(ends_s[i])


def simulated_falls(placement: Placement, count: int = FALLS, seed: int = SEED) -> list[tuple[Kind, FallMeasures]]:
    """Kind and measures of so many drawn falls, the kinds as often as they were recorded."""
    falls = []
    for kind, share in MIX[placement].items():
        for nth in range(round(count * share)):
            rng = np.random.default_rng([seed, list(Kind).index(kind), nth])
            accel_g = motion.fall(rng, placement=placement, kind=kind, rate_hz=RATE_HZ, before_s=4.0, after_s=4.0)
            near = slice(2 * RATE_HZ, -RATE_HZ)
            falls.append((kind, fall_measures(accel_g, 2 * RATE_HZ + int((accel_g[:, near] ** 2).sum(axis=0).argmax()))))
    return falls


def simulated_walks(placement: Placement, count: int = WALKS, seed: int = SEED) -> list[WalkMeasures]:
    """Measures of so many drawn walks."""
    rngs = (np.random.default_rng([seed, nth]) for nth in range(count))
    return [walk_measures(motion.walking(rng, 4.0, placement=placement, rate_hz=RATE_HZ)) for rng in rngs]


def simulated_chairs(placement: Placement, count: int = CHAIRS, seed: int = SEED) -> list[ChairMeasures]:
    """Measures of so many drawn trials of sitting down."""
    rngs = (np.random.default_rng([seed, nth]) for nth in range(count))
    return [chair_measures(motion.sitting_down(rng, 8.0, placement=placement, rate_hz=RATE_HZ)) for rng in rngs]


Quantiles = tuple[float, ...]
Table = Mapping[str, Quantiles]
"""`QUANTILES` by the name of a measure; `kind: measure` where it is told by kind."""
Tables = Mapping[str, Table]
"""By title."""
BY_KIND = ("impact_g", "above_2g_s", "lowest_g", "impulse_gs", "energy_g", "angle_deg", "before_g")


def recorded(path: Path, placement: Placement) -> Tables:
    """What is compared of a placement, of a file of recordings."""
    return _tables(placement, recorded_falls(path, placement), recorded_walks(path), recorded_chairs(path, placement))


def simulated(placement: Placement) -> Tables:
    """What is compared of a placement, as it is drawn."""
    return _tables(placement, simulated_falls(placement), simulated_walks(placement), simulated_chairs(placement))


def _tables(
    placement: Placement, falls: Sequence[tuple[Kind, FallMeasures]], walks: Sequence[WalkMeasures], chairs: Sequence[ChairMeasures]
) -> Tables:
    by_kind: dict[str, Quantiles] = {}
    for kind in KINDS[placement]:
        of_kind = quantiles([measures for one, measures in falls if one is kind])
        by_kind |= {f"{kind}: {name}": of_kind[name] for name in BY_KIND}
    return {
        f"Falls, {placement}": quantiles([measures for _, measures in falls]),
        f"Falls by kind, {placement}": by_kind,
        f"Walking, {placement}": quantiles(walks),
        f"Sitting down, {placement}": quantiles(chairs),
    }


def quantiles(measured: Sequence[Measures]) -> Table:
    """Quantiles of each measure."""
    names = [field.name for field in fields(measured[0])]
    columns = np.quantile([[getattr(one, name) for name in names] for one in measured], QUANTILES, axis=0).T
    return {name: tuple(column.tolist()) for name, column in zip(names, columns, strict=True)}


_TITLE = re.compile(r"^### (.+)$")
_ROW = re.compile(r"^\| `([^`]+)` \| ([^|]+) \| ([^|]+) \|$")
_HEAD = f"| measure | real {(told := ' / '.join(f'{100 * q:.0f}' for q in QUANTILES))} % | simulated {told} % |\n|---|---|---|"


def written(page: str) -> tuple[Tables, Tables]:
    """The tables of a page: real, simulated."""
    real: dict[str, dict[str, Quantiles]] = {}
    drawn: dict[str, dict[str, Quantiles]] = {}
    title = ""
    for line in page.splitlines():
        if heading := _TITLE.match(line):
            title = heading[1]
        elif row := _ROW.match(line):
            for tables, told in ((real, row[2]), (drawn, row[3])):
                tables.setdefault(title, {})[row[1]] = tuple(float(number) for number in told.split(" / "))
    return real, drawn


def markdown(real: Tables, drawn: Tables) -> str:
    """The tables, real beside simulated."""
    parts = []
    for title, table in drawn.items():
        rows = [f"| `{name}` | {_told(real[title][name])} | {_told(table[name])} |" for name in table]
        parts.append("\n".join([f"### {title}", _HEAD, *rows, ""]))
    return "\n".join(parts)


def _told(numbers: Quantiles) -> str:
    return " / ".join(f"{number:.3g}" for number in numbers)


def main(arguments: Sequence[str]) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m devices.simulator.comparison", description=__doc__.partition("\n")[0])
    parser.add_argument("page", type=Path, help="docs/reference/simulated-falls.md")
    for placement in KINDS:
        parser.add_argument(f"--{placement}", type=Path, help=f"recordings of people with the sensor at the {placement}")
    parser.add_argument("--write", action="store_true", help="write the tables into the page")
    given = parser.parse_args(arguments)
    page = given.page.read_text(encoding="utf-8")
    real, drawn = dict(written(page)[0]), dict[str, Table]()
    for placement in KINDS:
        if path := getattr(given, placement):
            real |= recorded(path, placement)
        drawn |= simulated(placement)
    tables = markdown(real, drawn)
    sys.stdout.write(tables)
    if given.write:
        given.page.write_text(page[: page.index("### ")] + tables, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
