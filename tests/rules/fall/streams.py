"""What worn accelerometers feel, built from parameters and a seed: daily life and mishaps that look like a fall, falls, and broken streams.

A `Scene` is composed at 1 kHz in the axes of the device: which way is up for it, how it is pushed, what it bumps into. A `Sensor` makes
samples of it as a real one does: it is mounted somehow, clips, averages over its sample period, adds noise and rounds. `packets` and the
functions that spoil them make of samples what arrives.

Amplitudes follow recordings where they have such an activity. The middle half of the highest magnitudes at 50 Hz is, at the waist
(SisFall; Sucerquia et al., Sensors 2017, 17(1):198): jogging 3.3 to 4.0 g, a jump 3.4 to 4.5, a stumble 3.2 to 4.2, sitting down fast 1.9
to 2.8; at the wrist (WEDA-FALL; Marques & Moreno, Sensors 2023, 23(3):1146): clapping 2.6 to 4.3 g, a jump 2.8 to 3.4, a hit table 3.2 to
4.6, sitting down fast 2.3 to 3.6. Elsewhere it is mechanics: free flight weighs nothing, a hard floor stops a thing in milliseconds and a
bed in a tenth of a second, a drum turns what is in it over, and an arm is a pendulum.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, resample_poly, sosfiltfilt
from scipy.spatial.transform import Rotation

from devices.model import CommunityId, Device, DeviceId, DeviceKind, PersonId, Placement, Registry
from devices.sensors.acceleration import STANDARD_GRAVITY_MPS2, AccelerationBatch
from rules.fall.rule import Fall
from rules.model import Event
from rules.premises import Premises

RAW_HZ: Final = 1000
S: Final = 1_000_000_000
T0_NS: Final = 1_772_416_800 * S

WRIST, WAIST, CHEST, POCKET, UNKNOWN = Placement.WRIST, Placement.WAIST, Placement.CHEST, Placement.POCKET, Placement.UNKNOWN
BODY: Final = (WRIST, WAIST, CHEST, POCKET)
TRUNK: Final = (WAIST, CHEST)

Array = NDArray[np.float64]
Signal = NDArray[np.float32]

# Which way is up in a device's axes, by where it is worn and how its wearer is.
_POSES: Mapping[Placement, Mapping[str, tuple[float, float, float]]] = {
    WRIST: {
        "standing": (0.98, 0.1, -0.17),
        "sitting": (0.17, 0.1, 0.98),
        "back": (0.1, 0.75, 0.65),
        "side": (0.1, -0.97, 0.2),
        "forward": (0.1, 0.6, 0.79),
        "mouth": (-0.6, 0.5, 0.62),
        "raised": (-0.9, 0.2, 0.38),
    },
    WAIST: {"standing": (0.05, 0.99, 0.1), "sitting": (0.05, 0.96, -0.28), "back": (0.05, 0.1, 0.99), "side": (0.99, 0.1, 0.05)},
    CHEST: {"standing": (0.05, 0.97, 0.22), "sitting": (0.05, 0.99, 0.05), "back": (0.05, 0.15, 0.98), "side": (0.99, 0.1, 0.05)},
    POCKET: {"standing": (0.1, 0.98, -0.15), "sitting": (0.1, 0.12, 0.98), "back": (0.2, 0.15, 0.96), "side": (0.97, 0.2, 0.1)},
}


def pose(rng: np.random.Generator, site: Placement, how: str, spread: float = 0.1) -> Array:
    """Up, (3,), for somebody who stands, sits or lies; no two wear it alike."""
    table = _POSES[site]
    return unit(np.array(table.get(how, table["standing"])) + rng.normal(0, spread, 3))


def lying(rng: np.random.Generator, site: Placement) -> Array:
    return pose(rng, site, str(rng.choice(["back", "side"])))


def anyhow(rng: np.random.Generator) -> Array:
    return unit(rng.normal(size=3))


def unit(vector: Array) -> Array:
    length = np.linalg.norm(vector, axis=0)
    return np.asarray(vector / np.maximum(length, 1e-9), np.float64)


def across(direction: Array, towards: Array) -> Array:
    """Unit vector at right angles to a direction."""
    side = towards - (towards @ direction) * direction
    return unit(side) if float(np.linalg.norm(side)) > 1e-6 else across(direction, np.roll(direction, 1) + 0.1)


def tilted(rng: np.random.Generator, direction: Array, least_deg: float, most_deg: float) -> Array:
    """Another direction, so many degrees away, to any side."""
    angle = np.radians(rng.uniform(least_deg, most_deg))
    return unit(np.cos(angle) * direction + np.sin(angle) * across(direction, rng.normal(size=3)))


class Scene:
    """Acceleration of a device in g, its own axes, gravity included, at `RAW_HZ`; written part by part, then rendered.

    `impact_s` is when the body hits the ground; None in daily life.
    """

    def __init__(self, rng: np.random.Generator, seconds: float, up: Array) -> None:
        self.rng = rng
        self.t: Array = np.arange(round(seconds * RAW_HZ)) / RAW_HZ
        self.up: Array = np.tile(unit(up)[:, None], len(self.t))
        self.lift_g: Array = np.zeros_like(self.t)
        self.push_g: Array = np.zeros((3, len(self.t)))
        self.sway: Array = np.zeros((3, len(self.t)))
        self.impact_s: float | None = None

    def now_up(self, at_s: float) -> Array:
        return np.asarray(self.up[:, self._index(at_s)])

    def turn(self, at_s: float, lasts_s: float, to: Array) -> None:
        """From then on up is elsewhere: along the great circle, without a jerk at either end."""
        begin, end = self.now_up(at_s), unit(to)
        share = np.clip((self.t - at_s) / max(lasts_s, 1e-3), 0, 1)
        angle = np.arccos(np.clip(begin @ end, -1, 1)) * share**3 * (10 - 15 * share + 6 * share**2)
        path = begin[:, None] * np.cos(angle) + across(begin, end)[:, None] * np.sin(angle)
        self.up = np.where(self.t >= at_s, path, self.up)

    def weigh(self, begin_s: float, end_s: float, share: float, edge_s: float = 0.08) -> None:
        """For so long everything weighs only this share."""
        rise = np.clip((self.t - begin_s) / edge_s, 0, 1)
        fall = np.clip((end_s - self.t) / min(edge_s, 0.02), 0, 1)
        self.lift_g -= (1 - share) * np.minimum(rise, fall)

    def pulse(self, at_s: float, width_s: float, peak_g: float, towards: Array | None = None) -> None:
        """Half a sine; upwards unless said otherwise."""
        share = (self.t - at_s) / width_s
        shape = np.where((share >= 0) & (share <= 1), np.sin(np.pi * np.clip(share, 0, 1)), 0) * peak_g
        self._add(shape, towards)

    def ring(self, at_s: float, hz: float, decay_s: float, peak_g: float, towards: Array | None = None) -> None:
        """A spring that was hit: a sine that dies away."""
        after = np.maximum(self.t - at_s, 0)
        self._add(np.where(self.t >= at_s, peak_g * np.exp(-after / decay_s) * np.sin(2 * np.pi * hz * after), 0), towards)

    def swing(self, begin_s: float, end_s: float, hz: float, peak_g: float, towards: Array | None = None) -> None:
        """To and fro, with soft ends."""
        phase = self.rng.random()
        self._add(peak_g * self._during(begin_s, end_s) * np.sin(2 * np.pi * (hz * self.t + phase)), towards)

    def shake(self, begin_s: float, end_s: float, rms_g: float, low_hz: float, high_hz: float) -> None:
        """Noise of a band, on every axis."""
        band = butter(2, (low_hz, high_hz), "bandpass", fs=RAW_HZ, output="sos")
        noise = sosfiltfilt(band, self.rng.normal(size=self.push_g.shape), axis=1)
        self.push_g += rms_g * noise / noise.std() * self._during(begin_s, end_s)

    def nod(self, begin_s: float, end_s: float, hz: float, radians: float, towards: Array) -> None:
        """Up sways to a side and back."""
        phase = self.rng.random()
        self.sway += towards[:, None] * radians * self._during(begin_s, end_s) * np.sin(2 * np.pi * (hz * self.t + phase))

    def alive(self, begin_s: float, end_s: float, site: Placement) -> None:
        """Breath, tremor, and small movements of somebody who is not dead."""
        self.nod(begin_s, end_s, self.rng.uniform(0.2, 0.35), 0.01, anyhow(self.rng))
        self.shake(begin_s, end_s, self.rng.uniform(0.004, 0.02 if site is WRIST else 0.01), 0.5, 8)

    def walk(self, begin_s: float, end_s: float, site: Placement, vigour: float = 1.0) -> None:
        """Steps, their heels, and an arm or a leg that swings at half of them."""
        rng = self.rng
        cadence_hz, phase = rng.uniform(1.6, 2.0) * min(vigour, 1.3) ** 0.3, rng.random()
        bounce_g = vigour * {WRIST: rng.uniform(0.12, 0.22), POCKET: rng.uniform(0.2, 0.35)}.get(site, rng.uniform(0.15, 0.25))
        soft, turns = self._during(begin_s, end_s), cadence_hz * self.t + phase
        heel = np.exp(-((((turns % 1) - 0.12) / 0.05) ** 2))
        self.lift_g += soft * (bounce_g * (np.sin(2 * np.pi * turns) + 0.4 * np.sin(4 * np.pi * turns + 0.8)) + 0.8 * bounce_g * heel)
        up, side = self.now_up(begin_s), rng.normal(size=3)
        swing = {WRIST: rng.uniform(0.2, 0.5), POCKET: rng.uniform(0.3, 0.5)}.get(site, rng.uniform(0.03, 0.08))
        self.sway += across(up, side)[:, None] * soft * swing * np.sin(np.pi * turns)
        self.shake(begin_s, end_s, 0.04 * vigour, 2, 18)

    def run(self, begin_s: float, end_s: float, site: Placement) -> None:
        """Flight and stance: what is carried over a step weighs its weight on average."""
        rng = self.rng
        cadence_hz, phase, duty = rng.uniform(2.5, 3.0), rng.random(), rng.uniform(0.55, 0.7)
        share = (cadence_hz * self.t + phase) % 1
        flight_g = 0.2
        stance = np.where(
            share < duty, (1 - flight_g * (1 - duty)) * np.pi / (2 * duty) * np.sin(np.pi * np.clip(share / duty, 0, 1)), flight_g
        )
        heel = rng.uniform(0.4, 1.2) * np.exp(-(((share - 0.1) / 0.05) ** 2))
        soft = self._during(begin_s, end_s)
        self.lift_g += soft * (stance - 1 + heel)
        if site in (WRIST, POCKET):
            self.swing(begin_s, end_s, cadence_hz / 2, rng.uniform(0.6, 1.2), anyhow(rng))
            self.nod(begin_s, end_s, cadence_hz / 2, rng.uniform(0.3, 0.6), across(self.now_up(begin_s), rng.normal(size=3)))
        self.shake(begin_s, end_s, 0.1, 2, 20)

    def tap(self, at_s: float, peak_g: float, towards: Array, stop_s: float = 0.008) -> None:
        """A stiff thing is hit: a short stop, and it rings."""
        self.pulse(at_s, stop_s, peak_g, towards)
        self.ring(at_s + stop_s, self.rng.uniform(25, 60), 0.03, -0.3 * peak_g, towards)

    def settled(self, from_s: float) -> None:
        """From then on it lies on something and nobody touches it."""
        resting = self.t >= from_s
        self.push_g[:, resting] = 0
        self.sway[:, resting] = 0
        self.lift_g[resting] = 0

    def rendered(self) -> Array:
        """(3, N) g."""
        up = unit(self.up + self.sway)
        return up * (1 + self.lift_g) + self.push_g

    def gyro_dps(self) -> Array:
        """(3, N) degrees per second: how up turns; what turns about it is left out."""
        up = unit(self.up + self.sway)
        return np.asarray(np.degrees(np.cross(up, np.gradient(up, 1 / RAW_HZ, axis=1), axis=0)))

    def _add(self, shape: Array, towards: Array | None) -> None:
        if towards is None:
            self.lift_g += shape
        else:
            self.push_g += unit(towards)[:, None] * shape

    def _during(self, begin_s: float, end_s: float, edge_s: float = 0.25) -> Array:
        return np.asarray(np.clip(np.minimum(self.t - begin_s, end_s - self.t) / edge_s, 0, 1))

    def _index(self, at_s: float) -> int:
        return min(max(round(at_s * RAW_HZ), 0), len(self.t) - 1)


# --- What is no fall -------------------------------------------------------------------------------------------------------------------


def _standing(rng: np.random.Generator, site: Placement, seconds: float = 24, walk_s: float = 6) -> Scene:
    """Somebody who walks for a while and is about to do something."""
    scene = Scene(rng, seconds, pose(rng, site, "standing"))
    scene.alive(0, seconds, site)
    if walk_s:
        scene.walk(0, walk_s, site)
    return scene


def _sitting(rng: np.random.Generator, site: Placement, seconds: float = 24) -> Scene:
    scene = Scene(rng, seconds, pose(rng, site, "sitting"))
    scene.alive(0, seconds, site)
    return scene


def _taken_off(rng: np.random.Generator, site: Placement, seconds: float = 26) -> Scene:
    """A strap or clip that opens at 8 s, and a device in the hand until something is done with it at 11 s."""
    scene = _sitting(rng, site, seconds) if rng.random() < 0.5 else _standing(rng, site, seconds, 4)
    scene.pulse(8.0, 0.08, rng.uniform(0.4, 1.0), anyhow(rng))
    scene.turn(8.1, 0.6, anyhow(rng))
    scene.turn(9.2, 0.7, anyhow(rng))
    scene.shake(8.0, 10.9, rng.uniform(0.05, 0.15), 1, 10)
    return scene


def taken_off_and_laid_on_a_table(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _taken_off(rng, site)
    at_s = rng.uniform(11, 11.5)
    scene.turn(at_s - 0.5, 0.45, anyhow(rng))
    scene.weigh(at_s - 0.12, at_s, rng.uniform(0.6, 0.95))
    scene.settled(at_s)
    scene.tap(at_s, rng.uniform(2, 9), scene.now_up(at_s), rng.uniform(0.004, 0.012))
    scene.tap(at_s + rng.uniform(0.05, 0.12), rng.uniform(0.5, 2), anyhow(rng))
    return scene


def dropped_on_the_floor(rng: np.random.Generator, site: Placement) -> Scene:
    """It weighs nothing for as long as it falls, tumbles, hits within milliseconds, and bounces less and less."""
    scene = _taken_off(rng, site)
    at_s, height_m = 11.0, rng.uniform(0.35, 1.3)
    flight_s = float(np.sqrt(2 * height_m / STANDARD_GRAVITY_MPS2))
    scene.settled(at_s)
    hardness = rng.uniform(60, 200)  # g on stone, less on wood
    for _ in range(int(rng.integers(3, 5))):
        scene.weigh(at_s, at_s + flight_s, 0.0, 0.01)
        spin = rng.uniform(0.02, 0.12)
        scene.swing(at_s, at_s + flight_s, 3, spin, anyhow(rng))
        scene.turn(at_s, flight_s, anyhow(rng))
        at_s += flight_s
        scene.tap(at_s, hardness, anyhow(rng), rng.uniform(0.002, 0.006))
        restitution = rng.uniform(0.25, 0.5)
        flight_s, hardness = 2 * flight_s * restitution / (1 + restitution), hardness * restitution
    scene.turn(at_s, 0.1, anyhow(rng))
    return scene


def thrown_on_a_bed(rng: np.random.Generator, site: Placement) -> Scene:
    """Swung, let go, it flies a little and sinks in."""
    scene = _taken_off(rng, site)
    at_s, flight_s = 11.0, rng.uniform(0.25, 0.55)
    scene.settled(at_s + flight_s)
    scene.pulse(at_s - 0.25, 0.25, rng.uniform(1.0, 2.5), anyhow(rng))
    scene.weigh(at_s, at_s + flight_s, rng.uniform(0.02, 0.15), 0.02)
    scene.turn(at_s, flight_s, anyhow(rng))
    at_s += flight_s
    up = scene.now_up(at_s)
    width_s = rng.uniform(0.05, 0.1)
    scene.pulse(at_s, width_s, rng.uniform(3, 7), up)
    scene.weigh(at_s + width_s, at_s + width_s + 0.12, rng.uniform(0.2, 0.7), 0.03)
    scene.turn(at_s + width_s, 0.3, tilted(rng, up, 10, 80))
    scene.pulse(at_s + width_s + 0.13, 0.08, rng.uniform(0.5, 1.5))
    scene.ring(at_s + width_s + 0.2, 4, 0.2, 0.15)
    return scene


def in_a_washing_machine(rng: np.random.Generator, site: Placement) -> Scene:
    """Tumbled up and dropped by the drum (50 turns a minute, half a metre wide), then spun beyond any sensor's range, then let be."""
    del site  # it is nobody's now
    scene = Scene(rng, 46, anyhow(rng))
    tumble_hz = rng.uniform(0.7, 0.95)
    axis = anyhow(rng)
    begin = scene.now_up(0)
    one, other = across(axis, begin), np.cross(axis, across(axis, begin))
    turning = scene.t < 22
    phase = 2 * np.pi * tumble_hz * scene.t
    around = one[:, None] * np.cos(phase) + other[:, None] * np.sin(phase) + 0.3 * axis[:, None]
    scene.up = np.where(turning, unit(around), scene.up)
    scene.up = np.where(~turning, unit(scene.up[:, turning][:, -1])[:, None], scene.up)
    for drop in np.arange(0.5, 21, 1 / tumble_hz):
        at_s = float(drop + rng.uniform(0, 0.2))
        scene.weigh(at_s, at_s + 0.22, rng.uniform(0.1, 0.5), 0.05)
        scene.pulse(at_s + 0.22, rng.uniform(0.03, 0.07), rng.uniform(1.5, 5), anyhow(rng))
    spin_hz, radius_m = rng.uniform(8, 18), 0.22
    speed_hz = spin_hz * np.interp(scene.t, (22, 29, 37, 42), (0, 1, 1, 0))
    outwards = radius_m * np.square(2 * np.pi * speed_hz) / STANDARD_GRAVITY_MPS2
    scene.push_g += across(axis, rng.normal(size=3))[:, None] * outwards
    scene.shake(22, 42, rng.uniform(0.5, 1.5), 8, 40)
    scene.pulse(42.0, 0.1, rng.uniform(0.5, 2), anyhow(rng))
    return scene


def _seat(rng: np.random.Generator, site: Placement, seconds: float = 30) -> Scene:
    """In a car: engine and road; a hand on the wheel feels more of them."""
    scene = _sitting(rng, site, seconds)
    if site is WRIST and rng.random() < 0.5:
        scene.turn(0, 0.01, pose(rng, site, "forward"))
    scene.shake(0, seconds, rng.uniform(0.02, 0.05), 8, 30)
    return scene


def in_a_car_on_a_bad_road(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _seat(rng, site)
    scene.shake(3, 26, rng.uniform(0.12, 0.3), 1.5, 15)
    for at_s in np.cumsum(rng.exponential(1.6, 12)) + 4:
        if at_s < 24:
            scene.ring(float(at_s), rng.uniform(1.8, 3.5), 0.25, rng.uniform(0.4, 1.2))
            scene.pulse(float(at_s) + 0.1, 0.05, rng.uniform(0.3, 1.5), anyhow(rng))
    return scene


def over_a_speed_bump(rng: np.random.Generator, site: Placement) -> Scene:
    """Two axles too fast: thrown up, and down into the seat."""
    scene = _seat(rng, site)
    for at_s in (12.0, 12.0 + rng.uniform(0.25, 0.5)):
        scene.pulse(at_s, 0.12, rng.uniform(0.6, 1.4))
        scene.weigh(at_s + 0.14, at_s + 0.36, rng.uniform(0.1, 0.6), 0.06)
        scene.pulse(at_s + 0.36, rng.uniform(0.08, 0.14), rng.uniform(0.7, 1.8))
        scene.ring(at_s + 0.5, 2, 0.4, 0.3)
    if site is WRIST:
        scene.turn(12.3, 0.3, tilted(rng, scene.now_up(12), 5, 50))
        scene.turn(13.4, 0.8, tilted(rng, scene.now_up(13), 5, 50))
    return scene


def in_a_bus_that_brakes(rng: np.random.Generator, site: Placement) -> Scene:
    """Half a g for two seconds, a step or three to keep on one's feet, and the jerk when it has stopped."""
    scene = _standing(rng, site, 28, 0) if rng.random() < 0.6 else _sitting(rng, site, 28)
    if site is WRIST and rng.random() < 0.7:
        scene.turn(0, 0.01, pose(rng, site, "raised"))
    scene.shake(0, 28, rng.uniform(0.03, 0.06), 2, 20)
    forwards = across(scene.now_up(10), rng.normal(size=3))
    brake_s, brake_g = rng.uniform(1.2, 2.5), rng.uniform(0.35, 0.65)
    scene.push_g += forwards[:, None] * brake_g * scene._during(10, 10 + brake_s, 0.3)
    for step in range(int(rng.integers(1, 4))):
        scene.pulse(10.4 + 0.35 * step, 0.08, rng.uniform(0.5, 1.6))
        scene.shake(10.3 + 0.35 * step, 10.7 + 0.35 * step, 0.2, 2, 15)
    scene.pulse(10 + brake_s, 0.15, rng.uniform(0.4, 1.0), -forwards)
    scene.nod(10.2, 11.5 + brake_s, 0.7, rng.uniform(0.1, 0.5 if site is WRIST else 0.2), forwards)
    if site is WRIST and rng.random() < 0.5:
        scene.turn(10.3, 0.3, pose(rng, site, "raised"))
    return scene


def clapping(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _sitting(rng, site)
    scene.turn(7, 0.7, pose(rng, site, "forward"))
    clap_hz, towards = rng.uniform(2.8, 4.5), across(scene.now_up(9), rng.normal(size=3))
    scene.swing(8, 15, clap_hz, rng.uniform(0.8, 1.6), towards)
    for at_s in np.arange(8.1, 15, 1 / clap_hz):
        scene.pulse(float(at_s), rng.uniform(0.012, 0.03), rng.uniform(3, 7), towards)
    scene.turn(15.2, 0.6, pose(rng, site, "sitting"))
    return scene


def coughing_and_sneezing(rng: np.random.Generator, site: Placement) -> Scene:
    """A hand before the mouth, some coughs, and a sneeze that throws the trunk forward."""
    scene = _sitting(rng, site) if rng.random() < 0.6 else _standing(rng, site)
    before = scene.now_up(7.5)
    if site is WRIST:
        scene.turn(7.5, 0.4, pose(rng, site, "mouth"))
    force_g = {WRIST: 0.9, WAIST: 0.5, CHEST: 1.2, POCKET: 0.2}[site]
    for number in range(int(rng.integers(2, 5))):
        scene.pulse(8.1 + 0.45 * number, rng.uniform(0.05, 0.1), force_g * rng.uniform(0.5, 1.1), anyhow(rng))
    at_s = 10.6
    leaning = tilted(rng, scene.now_up(at_s), 15, 40)
    scene.turn(at_s, 0.25, leaning)
    scene.weigh(at_s, at_s + 0.2, rng.uniform(0.6, 0.9))
    scene.pulse(at_s + 0.2, 0.09, force_g * rng.uniform(1.0, 2.2), anyhow(rng))
    scene.turn(at_s + 0.6, 0.8, before)
    return scene


def a_stick_hits_the_floor(rng: np.random.Generator, site: Placement) -> Scene:
    """A walking stick at every second step, then once in anger."""
    scene = Scene(rng, 26, pose(rng, site, "standing"))
    scene.alive(0, 26, site)
    scene.walk(0, 14, site, 0.7)
    for at_s in np.arange(0.8, 14, rng.uniform(1.0, 1.3)):
        scene.tap(float(at_s), rng.uniform(0.8, 3), scene.now_up(0), 0.015)
    scene.weigh(15.8, 16, rng.uniform(0.4, 0.8))
    scene.tap(16.0, rng.uniform(4, 9), tilted(rng, scene.now_up(16), 0, 25), 0.02)
    scene.turn(17.5, 1.0, pose(rng, site, str(rng.choice(["sitting", "standing"]))))
    return scene


def knocking_at_a_door(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _standing(rng, site)
    scene.turn(7.2, 0.5, pose(rng, site, str(rng.choice(["raised", "forward"])), 0.25))
    knock_hz, towards = rng.uniform(3.5, 5.5), across(scene.now_up(8), rng.normal(size=3))
    for number in range(int(rng.integers(3, 6))):
        scene.tap(8.0 + number / knock_hz, rng.uniform(4, 9), towards, rng.uniform(0.01, 0.025))
    scene.swing(7.9, 9.3, knock_hz, rng.uniform(0.6, 1.2), towards)
    scene.turn(9.6, 0.6, pose(rng, site, "standing", 0.15))
    return scene


def chopping_vegetables(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _standing(rng, site)
    scene.turn(6.5, 0.8, pose(rng, site, "forward"))
    chop_hz = rng.uniform(2, 4.5)
    scene.swing(8, 17, chop_hz, rng.uniform(0.3, 0.7))
    for at_s in np.arange(8.2, 17, 1 / chop_hz):
        scene.tap(float(at_s), rng.uniform(1.2, 4), scene.now_up(9), 0.012)
    scene.turn(17.5, 0.8, pose(rng, site, "standing"))
    return scene


def hammering(rng: np.random.Generator, site: Placement) -> Scene:
    """The arm swings up by a right angle and down faster; the nail stops it."""
    scene = _standing(rng, site)
    low, high = pose(rng, site, "forward"), pose(rng, site, "raised")
    scene.turn(6.5, 0.8, low)
    at_s = 8.0
    for _ in range(int(rng.integers(3, 8))):
        scene.turn(at_s, 0.4, high)
        scene.turn(at_s + 0.42, 0.18, low)
        scene.pulse(at_s + 0.45, 0.14, rng.uniform(1, 2), high)
        scene.tap(at_s + 0.6, rng.uniform(6, 20), anyhow(rng), 0.008)
        at_s += rng.uniform(0.75, 1.0)
    scene.turn(at_s + 0.5, 0.8, pose(rng, site, "standing"))
    return scene


def sitting_down_hard(rng: np.random.Generator, site: Placement) -> Scene:
    """The knees give way over the last part, and the chair stops it; what hangs at an arm goes to the lap or to the armrest."""
    scene = _standing(rng, site)
    at_s = 8.0 + rng.uniform(0, 0.3)
    sitting = pose(rng, site, "sitting", 0.15)
    drop_s = rng.uniform(0.2, 0.35)
    scene.weigh(at_s - drop_s, at_s, rng.uniform(0.35, 0.75), 0.15)
    leaning = tilted(rng, scene.now_up(7), 10, 35) if site in TRUNK else sitting
    scene.turn(at_s - 0.7, 0.8, leaning)
    width_s = rng.uniform(0.06, 0.11)
    scene.pulse(at_s, width_s, {WRIST: rng.uniform(0.7, 2.2), WAIST: rng.uniform(1.0, 2.4)}.get(site, rng.uniform(0.8, 1.9)))
    scene.ring(at_s + width_s, rng.uniform(3, 6), 0.15, rng.uniform(0.2, 0.5))
    if site is WRIST and rng.random() < 0.5:
        scene.tap(at_s + rng.uniform(0.05, 0.4), rng.uniform(1, 3), anyhow(rng), 0.02)
    scene.shake(at_s, at_s + 0.9, 0.12, 1, 10)
    scene.turn(at_s + 0.2, 0.9, sitting)
    return scene


def lying_down_fast(rng: np.random.Generator, site: Placement) -> Scene:
    """From standing or sitting onto a bed, within a second: the trunk turns by a right angle, the mattress gives."""
    scene = _standing(rng, site) if rng.random() < 0.5 else _sitting(rng, site)
    down, begin_s, lasts_s = lying(rng, site), 8.0, rng.uniform(0.7, 1.2)
    scene.turn(begin_s, lasts_s, down)
    end_s = begin_s + lasts_s
    scene.weigh(end_s - 0.35, end_s - 0.05, rng.uniform(0.5, 0.85), 0.12)
    scene.pulse(end_s - 0.05, rng.uniform(0.1, 0.18), rng.uniform(0.4, 1.1))
    scene.ring(end_s + 0.1, rng.uniform(2.5, 4), 0.25, rng.uniform(0.1, 0.3))
    scene.shake(end_s, end_s + 1.2, 0.04, 0.5, 6)
    return scene


def a_stumble_recovered(rng: np.random.Generator, site: Placement) -> Scene:
    """A foot is caught, the trunk pitches, long hard steps catch it, arms fly up; then on."""
    scene = Scene(rng, 24, pose(rng, site, "standing"))
    scene.alive(0, 24, site)
    scene.walk(0, 9, site)
    up = scene.now_up(8)
    arm = site is WRIST
    scene.turn(9.0, 0.35, tilted(rng, up, 30 if arm else 10, 110 if arm else 35))
    scene.weigh(9.05, 9.3, rng.uniform(0.4, 0.8))
    for number in range(int(rng.integers(2, 4))):
        scene.pulse(9.3 + 0.38 * number, rng.uniform(0.05, 0.1), rng.uniform(0.9, 2.6 if site is not CHEST else 1.8))
    scene.shake(9, 10.4, 0.35 if arm else 0.2, 1, 12)
    scene.turn(9.9, 0.8, up)
    scene.walk(11.0 if rng.random() < 0.7 else 14.0, 22, site, 0.9)
    return scene


def jumping(rng: np.random.Generator, site: Placement) -> Scene:
    """Crouch, push, flight, landing, some times; standing still after it."""
    scene = _standing(rng, site, 24, 4)
    at_s = 8.0
    for _ in range(int(rng.integers(1, 6))):
        scene.weigh(at_s, at_s + 0.2, 0.5)
        scene.pulse(at_s + 0.2, 0.25, rng.uniform(0.9, 1.5))
        flight_s = rng.uniform(0.28, 0.45)
        scene.weigh(at_s + 0.46, at_s + 0.46 + flight_s, rng.uniform(0.02, 0.15), 0.04)
        at_s += 0.46 + flight_s
        scene.pulse(at_s, rng.uniform(0.06, 0.1), rng.uniform(2, 4))
        scene.pulse(at_s + 0.06, 0.22, rng.uniform(0.8, 1.5))
        if site in (WRIST, POCKET):
            scene.nod(at_s - 0.6, at_s + 0.6, 1.3, rng.uniform(0.2, 0.8), across(scene.now_up(8), rng.normal(size=3)))
        at_s += rng.uniform(0.35, 0.7)
    return scene


def running_for_a_bus(rng: np.random.Generator, site: Placement) -> Scene:
    """Ten seconds of running, a hard stop, and somebody who holds on to a rail or sinks into a seat."""
    scene = Scene(rng, 30, pose(rng, site, "standing"))
    scene.alive(0, 30, site)
    scene.walk(0, 5, site)
    scene.run(5, 15, site)
    scene.pulse(15.1, 0.12, rng.uniform(0.8, 2.5))
    scene.pulse(15.4, 0.12, rng.uniform(0.5, 1.5))
    how = str(rng.choice(["sitting", "raised", "standing"])) if site is WRIST else str(rng.choice(["sitting", "standing"]))
    scene.turn(16.0, 0.7, pose(rng, site, how))
    if how == "sitting":
        scene.pulse(16.7, 0.09, rng.uniform(0.4, 1.2))
    scene.nod(17, 26, 0.4, 0.02, anyhow(rng))
    return scene


def descending_stairs_hard(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _standing(rng, site, 26, 5)
    step_hz = rng.uniform(1.8, 2.4)
    damped = 0.75 if site is CHEST else 1.0
    for at_s in np.arange(6, 15, 1 / step_hz):
        scene.weigh(float(at_s) - 0.2, float(at_s), rng.uniform(0.3, 0.7), 0.08)
        scene.pulse(float(at_s), rng.uniform(0.06, 0.1), damped * rng.uniform(1.2, 3.2))
        scene.pulse(float(at_s) + 0.05, 0.2, damped * rng.uniform(0.2, 0.7))
    if site in (WRIST, POCKET):
        scene.nod(6, 15, step_hz / 2, rng.uniform(0.2, 0.4), across(scene.now_up(6), rng.normal(size=3)))
    scene.walk(16, 22, site)
    return scene


def brushing_teeth(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _standing(rng, site)
    scene.turn(6.5, 0.8, pose(rng, site, "mouth"))
    scene.swing(8, 13, rng.uniform(3.5, 6), rng.uniform(0.4, 1.2), anyhow(rng))
    scene.turn(13, 0.6, tilted(rng, scene.now_up(13), 20, 60))
    scene.swing(13.5, 17, rng.uniform(3.5, 6), rng.uniform(0.4, 1.2), anyhow(rng))
    scene.tap(18, rng.uniform(1, 3), anyhow(rng), 0.015)
    scene.turn(18.3, 0.8, pose(rng, site, "standing"))
    return scene


def waving(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _standing(rng, site)
    scene.turn(7, 0.5, pose(rng, site, "raised"))
    wave_hz, aside = rng.uniform(1.2, 3), across(scene.now_up(8), rng.normal(size=3))
    scene.nod(7.5, 12, wave_hz, rng.uniform(0.3, 0.7), aside)
    scene.swing(7.5, 12, wave_hz, rng.uniform(0.5, 1.5), aside)
    scene.turn(12.1, rng.uniform(0.3, 0.6), pose(rng, site, "standing"))
    scene.pulse(12.4, 0.12, rng.uniform(0.5, 1.8))
    return scene


def a_dog_jerks_its_leash(rng: np.random.Generator, site: Placement) -> Scene:
    """The arm is pulled straight, and its owner takes a step after it."""
    scene = Scene(rng, 24, pose(rng, site, "standing"))
    scene.alive(0, 24, site)
    scene.walk(0, 9, site)
    up = scene.now_up(9)
    forwards = across(up, rng.normal(size=3))
    if site is WRIST:
        scene.turn(9.0, 0.2, tilted(rng, up, 40, 90))
    scene.pulse(9.05, rng.uniform(0.08, 0.18), (1.0 if site is WRIST else 0.4) * rng.uniform(2, 5), forwards)
    scene.pulse(9.5, 0.09, rng.uniform(0.3, 1.2))
    scene.shake(9, 10.5, 0.15, 1, 10)
    scene.turn(10.5, 0.8, up)
    if rng.random() < 0.6:
        scene.walk(11.5, 22, site)
    return scene


def rolling_over_in_bed(rng: np.random.Generator, site: Placement) -> Scene:
    """Still, a heave, another side up, still."""
    scene = Scene(rng, 30, lying(rng, site))
    scene.alive(0, 30, site)
    for at_s in (9.0, 17.0):
        lasts_s = rng.uniform(0.6, 1.4)
        scene.turn(at_s, lasts_s, tilted(rng, scene.now_up(at_s), 60, 170))
        scene.shake(at_s, at_s + lasts_s + 0.5, rng.uniform(0.08, 0.2), 0.7, 6)
        scene.pulse(at_s + lasts_s - 0.1, rng.uniform(0.1, 0.2), rng.uniform(0.3, 1.0 if site is not WRIST else 1.8))
    return scene


def a_hug_and_a_pat_on_the_back(rng: np.random.Generator, site: Placement) -> Scene:
    scene = _standing(rng, site)
    before = scene.now_up(7.5)
    lean = pose(rng, site, "raised", 0.3) if site is WRIST else tilted(rng, before, 5, 25)
    scene.turn(7.5, 0.5, lean)
    scene.pulse(7.9, 0.12, rng.uniform(0.3, 0.9), anyhow(rng))
    pat_hz, towards = rng.uniform(2, 3.5), anyhow(rng)
    for number in range(int(rng.integers(3, 7))):
        scene.pulse(8.5 + number / pat_hz, rng.uniform(0.02, 0.05), {CHEST: 1.6, WAIST: 0.8}.get(site, 2.0) * rng.uniform(0.4, 1), towards)
    scene.shake(7.5, 11, 0.06, 1, 8)
    scene.turn(11.2, 0.6, before)
    return scene


def the_strap_is_fastened(rng: np.random.Generator, site: Placement) -> Scene:
    """From a table into the hands, pulled tight, tugged, and then worn by somebody who sits or walks off."""
    scene = Scene(rng, 28, anyhow(rng))
    scene.turn(6, 0.7, anyhow(rng))
    scene.pulse(6.0, 0.1, rng.uniform(0.3, 0.8), anyhow(rng))
    scene.turn(7.2, 0.8, pose(rng, site, "forward"))
    scene.shake(6, 11, rng.uniform(0.06, 0.15), 1, 10)
    for at_s in (8.6, 9.2, 10.1):
        scene.pulse(at_s, rng.uniform(0.04, 0.1), rng.uniform(0.6, 2.5), anyhow(rng))
    how = str(rng.choice(["sitting", "standing"]))
    scene.turn(11.0, 0.6, pose(rng, site, how))
    scene.alive(11, 28, site)
    if how == "standing" and rng.random() < 0.5:
        scene.walk(14, 26, site)
    return scene


def a_phone_put_into_a_pocket(rng: np.random.Generator, site: Placement) -> Scene:
    """Looked at, turned over, pushed or dropped in, and it stays with a leg that stands, sits down or walks on."""
    scene = Scene(rng, 28, tilted(rng, np.array([0.0, 0.6, 0.8]), 0, 15))
    scene.alive(0, 28, WRIST)
    scene.shake(0, 8, 0.04, 1, 10)
    scene.turn(8, 0.5, pose(rng, site, "standing", 0.2) * rng.choice([-1, 1]))
    scene.swing(8, 8.8, 1.2, rng.uniform(0.3, 0.8), anyhow(rng))
    scene.weigh(8.7, 8.85, rng.uniform(0.1, 0.7), 0.03)
    scene.pulse(8.85, rng.uniform(0.03, 0.07), rng.uniform(0.8, 3))
    scene.ring(8.92, 8, 0.05, 0.4)
    what = rng.random()
    if what < 0.4:
        scene.walk(10, 24, site)
    elif what < 0.7:
        scene.turn(11, 0.8, pose(rng, site, "sitting"))
        scene.pulse(11.7, 0.1, rng.uniform(0.3, 1.0))
    return scene


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Something that is no fall.

    Attributes
    ----------
    build
        Of a generator and the place where the device is, or was, worn.
    sites
        Where that is felt.
    peak_g
        Between these lie the highest magnitudes, at 50 Hz and within ±16 g, over seeds and sites: so violent it is.
    """

    build: Callable[[np.random.Generator, Placement], Scene]
    peak_g: tuple[float, float]
    sites: tuple[Placement, ...] = BODY

    @property
    def name(self) -> str:
        return self.build.__name__


STREAMS: Final = (
    Stream(build=taken_off_and_laid_on_a_table, peak_g=(1.1, 4.5)),
    Stream(build=dropped_on_the_floor, peak_g=(1.3, 20.0)),
    Stream(build=thrown_on_a_bed, peak_g=(3.0, 9.0)),
    Stream(build=in_a_washing_machine, peak_g=(15.0, 28.0)),
    Stream(build=in_a_car_on_a_bad_road, peak_g=(1.6, 4.0)),
    Stream(build=over_a_speed_bump, peak_g=(1.7, 4.0)),
    Stream(build=in_a_bus_that_brakes, peak_g=(1.4, 3.5)),
    Stream(build=clapping, sites=(WRIST,), peak_g=(2.6, 8.0)),
    Stream(build=coughing_and_sneezing, peak_g=(1.0, 4.0)),
    Stream(build=a_stick_hits_the_floor, sites=(WRIST,), peak_g=(3.0, 8.0)),
    Stream(build=knocking_at_a_door, sites=(WRIST,), peak_g=(2.8, 8.0)),
    Stream(build=chopping_vegetables, sites=(WRIST,), peak_g=(1.5, 4.0)),
    Stream(build=hammering, sites=(WRIST,), peak_g=(2.2, 7.0)),
    Stream(build=sitting_down_hard, peak_g=(1.5, 4.0)),
    Stream(build=lying_down_fast, peak_g=(1.2, 2.5)),
    Stream(build=a_stumble_recovered, peak_g=(1.8, 4.6)),
    Stream(build=jumping, peak_g=(2.6, 6.0)),
    Stream(build=running_for_a_bus, peak_g=(2.1, 4.5)),
    Stream(build=descending_stairs_hard, peak_g=(2.6, 5.5)),
    Stream(build=brushing_teeth, sites=(WRIST,), peak_g=(1.2, 3.0)),
    Stream(build=waving, sites=(WRIST,), peak_g=(1.4, 3.5)),
    Stream(build=a_dog_jerks_its_leash, sites=(WRIST, WAIST, CHEST), peak_g=(1.2, 6.0)),
    Stream(build=rolling_over_in_bed, peak_g=(1.2, 3.2)),
    Stream(build=a_hug_and_a_pat_on_the_back, sites=(WRIST, WAIST, CHEST), peak_g=(1.2, 3.2)),
    Stream(build=the_strap_is_fastened, sites=(WRIST, WAIST, CHEST), peak_g=(1.2, 4.0)),
    Stream(build=a_phone_put_into_a_pocket, sites=(POCKET,), peak_g=(1.5, 4.5)),
)


# --- What is one -----------------------------------------------------------------------------------------------------------------------


def a_fall(rng: np.random.Generator, site: Placement, *, impact_s: float = 9.0, still_s: float = 12.0) -> Scene:
    """Somebody trips, slips or faints, falls by 60 to 110 degrees and stays down; `impact_s` is its hardest contact.

    Over the acted falls at the waist the middle half peaks at 4.0–6.7 g with 4–7 samples of 20 ms above 2 g, after a lowest of 0.24–0.50 g,
    and turns by 84–101 degrees; at the wrist 4.5–5.7 g, 9–17 samples, 0.28–0.63 g, 64–97 degrees (SisFall, WEDA-FALL).
    """
    scene = Scene(rng, impact_s + still_s, pose(rng, site, "standing"))
    scene.impact_s = impact_s
    scene.alive(0, impact_s + still_s, site)
    arm = site is WRIST
    falling_s = rng.uniform(0.25, 0.45)
    if rng.random() < 0.75:
        scene.walk(0, impact_s - falling_s - 0.1, site)
    lies = tilted(rng, scene.now_up(0), 60, 110)
    begin_s = impact_s - falling_s
    scene.turn(begin_s - 0.1, falling_s + rng.uniform(0.15, 0.35), lies)
    scene.weigh(begin_s, impact_s, rng.uniform(0.35, 0.75) if arm else rng.uniform(0.2, 0.55), 0.15)
    if arm:
        scene.shake(begin_s - 0.2, impact_s + 0.1, rng.uniform(0.1, 0.35), 1, 6)
        scene.pulse(impact_s - 0.06, rng.uniform(0.15, 0.24), rng.uniform(2.4, 4.0))
        scene.pulse(impact_s - 0.01, rng.uniform(0.05, 0.08), rng.uniform(1.5, 3.0))
        scene.pulse(impact_s + rng.uniform(0.1, 0.2), rng.uniform(0.15, 0.25), rng.uniform(1.2, 2.4), anyhow(rng))
    else:
        scene.pulse(impact_s - 0.04, rng.uniform(0.07, 0.13), rng.uniform(2.8, 6.0))
        scene.pulse(impact_s - rng.uniform(0.12, 0.2), 0.06, rng.uniform(0.3, 1.2))
    scene.pulse(impact_s + rng.uniform(0.12, 0.3), rng.uniform(0.05, 0.1), rng.uniform(0.4, 1.5), anyhow(rng))
    scene.ring(impact_s + 0.05, rng.uniform(5, 9), 0.12, rng.uniform(0.2, 0.6))
    scene.shake(impact_s, impact_s + rng.uniform(0.8, 2.0), rng.uniform(0.03, 0.1), 0.7, 8)
    return scene


# --- What samples are made of it -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """How a scene becomes samples. It is mounted any way.

    Attributes
    ----------
    rate_hz
        At which it really samples.
    promised_hz
        What its packets say; None: the same.
    range_g, step_g, noise_g
        It clips each axis at ± the first before it averages, and rounds to the second.
    scale
        What it multiplies by: 9.80665 for one that says g and sends m/s².
    slip_s, slip_deg, slip_lasts_s
        When, by how much and for how long its strap slips.
    """

    rate_hz: float = 50.0
    promised_hz: float | None = None
    range_g: float = 16.0
    step_g: float = 0.004
    noise_g: float = 0.004
    scale: float = 1.0
    slip_s: float = 0.0
    slip_deg: float = 0.0
    slip_lasts_s: float = 0.4

    @property
    def says_hz(self) -> float:
        return self.promised_hz or self.rate_hz

    def samples(self, raw_g: Array, rng: np.random.Generator, raw_hz: float = RAW_HZ) -> Signal:
        """(3, n) g of (3, N) at `raw_hz`."""
        turned = Rotation.random(random_state=rng).as_matrix() @ raw_g
        if self.slip_deg:
            axis = anyhow(rng)
            share = np.clip((np.arange(turned.shape[1]) / raw_hz - self.slip_s) / self.slip_lasts_s, 0, 1)
            turned = Rotation.from_rotvec(np.radians(self.slip_deg) * share[:, None] * axis).apply(turned.T).T
        averaged = resampled(np.clip(turned, -self.range_g, self.range_g), raw_hz, self.rate_hz)
        noisy = np.clip(averaged + rng.normal(0, self.noise_g, averaged.shape), -self.range_g, self.range_g)
        return np.asarray(np.rint(noisy / self.step_g) * self.step_g * self.scale, np.float32)


def resampled(signal: Array, from_hz: float, to_hz: float) -> Array:
    """Averages over the new sample period, as a sensor's decimation does; where that is shorter than the old one, straight lines."""
    length_s = signal.shape[1] / from_hz
    count = int(length_s * to_hz + 1e-9)
    if to_hz >= from_hz:
        at_s = np.arange(count) / to_hz
        return np.stack([np.interp(at_s, np.arange(signal.shape[1]) / from_hz, axis) for axis in signal])
    sums = np.concatenate([np.zeros((3, 1)), np.cumsum(signal, axis=1)], axis=1) / from_hz
    edges_s = np.arange(count + 1) / to_hz
    integral = np.stack([np.interp(edges_s, np.arange(sums.shape[1]) / from_hz, axis) for axis in sums])
    return np.asarray(np.diff(integral, axis=1) * to_hz)


def oversampled(signal: Signal, rate_hz: int = 50, times: int = 8) -> Array:
    """A recording at `times` its rate, band-limited: of its own rate's making, there is nothing between its samples."""
    padded = np.pad(signal.astype(np.float64), ((0, 0), (rate_hz, rate_hz)), mode="edge")
    return np.asarray(resample_poly(padded, times, 1, axis=1)[:, rate_hz * times : -rate_hz * times])


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """Samples of one device as one message carries them; `arrives_ns` orders the stream."""

    device: int
    time_ns: int
    arrives_ns: int
    accel_g: Signal
    rate_hz: float
    gyro_dps: Signal | None = None
    clock_wrong: bool = False

    @property
    def samples(self) -> int:
        return int(self.accel_g.shape[1])


Packets = list[Packet]


def packets(
    signal: Signal, sensor: Sensor, *, device: int = 0, lengths: Sequence[int] | int = 0, start_ns: int = T0_NS, gyro: Signal | None = None
) -> Packets:
    """Cut into packets of these lengths, of which the last one is used again and again; 0: a second's."""
    lengths = [lengths or round(sensor.rate_hz)] if isinstance(lengths, int) else lengths
    cut: Packets = []
    first = 0
    while first < signal.shape[1]:
        accel_g = signal[:, first : first + lengths[min(len(cut), len(lengths) - 1)]]
        end = first + accel_g.shape[1]
        cut.append(
            Packet(
                device=device,
                time_ns=start_ns + round(first * S / sensor.rate_hz),
                arrives_ns=start_ns + round(end * S / sensor.rate_hz),
                accel_g=accel_g,
                rate_hz=sensor.says_hz,
                gyro_dps=None if gyro is None else gyro[:, first:end],
            )
        )
        first = end
    return cut


def batch(given: Sequence[Packet], seq: int = 0) -> AccelerationBatch:
    """As the decoder makes it, and as unchangeable."""
    offset = np.concatenate([[0], np.cumsum([packet.samples for packet in given])]).astype(np.int64)
    nothing = np.zeros((3, 0), np.float32)
    gyro = [np.full(one.accel_g.shape, np.nan, np.float32) if one.gyro_dps is None else one.gyro_dps for one in given]
    made = AccelerationBatch(
        device=np.array([packet.device for packet in given], np.int32),
        time_ns=np.array([packet.time_ns for packet in given], np.int64),
        received_ns=np.array([packet.arrives_ns for packet in given], np.int64),
        seq=np.arange(seq, seq + len(given), dtype=np.int64),
        retained=np.zeros(len(given), np.bool_),
        clock_wrong=np.array([packet.clock_wrong for packet in given], np.bool_),
        back=np.zeros(len(given), np.bool_),
        rate_hz=np.array([packet.rate_hz for packet in given], np.float64),
        offset=offset,
        accel_g=np.concatenate([nothing, *(packet.accel_g for packet in given)], axis=1),
        gyro_dps=np.concatenate([nothing, *gyro], axis=1),
    )
    for column in (made.device, made.time_ns, made.received_ns, made.rate_hz, made.offset, made.accel_g, made.gyro_dps):
        column.setflags(write=False)
    return made


def wearers(*placements: Placement) -> Premises:
    community = CommunityId("elms")
    return Premises(
        registry=Registry(
            Device(
                community_id=community,
                id=DeviceId(f"w-{row:03}"),
                kind=DeviceKind.WEARABLE,
                wearer=PersonId(f"person-{row:03}"),
                placement=placement,
            )
            for row, placement in enumerate(placements)
        )
    )


def feed(rule: Fall, given: Sequence[Packet], sizes: Iterable[int] = (), seq: int = 0) -> list[Event]:
    """What the rule finds in packets in order of arrival: in batches of these sizes, over and over, or of what arrives in a second."""
    stream = sorted(given, key=lambda packet: packet.arrives_ns)
    events: list[Event] = []
    for first, end in _batches(stream, tuple(sizes)):
        events += [fact for fact in rule.update(batch(stream[first:end], seq + first)) if isinstance(fact, Event)]
    return events


def _batches(stream: Sequence[Packet], sizes: tuple[int, ...]) -> Iterator[tuple[int, int]]:
    first = turn = 0
    if not sizes:
        seconds = np.array([(packet.arrives_ns - T0_NS) // S for packet in stream], np.int64)
        edges = np.flatnonzero(np.diff(seconds)) + 1
        yield from zip([0, *edges.tolist()], [*edges.tolist(), len(stream)], strict=True)
        return
    while first < len(stream):
        end = min(first + sizes[turn % len(sizes)], len(stream))
        yield first, end
        first, turn = end, turn + 1


def falls_by_device(streams: Sequence[Packets], placement: Placement | Sequence[Placement]) -> list[list[Event]]:
    """Events of each stream, all worn side by side by as many people."""
    placements = [placement] * len(streams) if isinstance(placement, Placement) else list(placement)
    side_by_side = [replace(packet, device=row) for row, stream in enumerate(streams) for packet in stream]
    found: list[list[Event]] = [[] for _ in streams]
    for event in feed(Fall(wearers(*placements)), side_by_side):
        found[int(event.subject[-3:])].append(event)
    return found


# --- How streams are spoilt ------------------------------------------------------------------------------------------------------------


def without(given: Packets, begin_s: float, end_s: float) -> Packets:
    """The samples measured in a span never arrive; packets are cut where it begins and ends."""
    kept: Packets = []
    for packet in given:
        at_s = (packet.time_ns - T0_NS) / S + np.arange(packet.samples) / packet.rate_hz
        for part in (at_s < begin_s, at_s >= end_s):
            index = np.flatnonzero(part)
            if len(index):
                first, last = int(index[0]), int(index[-1]) + 1
                time_ns = packet.time_ns + round(first * S / packet.rate_hz)
                gyro = None if packet.gyro_dps is None else packet.gyro_dps[:, first:last]
                kept.append(replace(packet, time_ns=time_ns, accel_g=packet.accel_g[:, first:last], gyro_dps=gyro))
    return kept


def in_bursts(signal: Signal, sensor: Sensor, rng: np.random.Generator) -> Packets:
    """Four or five samples every tenth of a second, stamped when they are handed over, as some watches deliver them."""
    count = round(signal.shape[1] / sensor.rate_hz * 10)
    edges = np.rint(np.arange(1, count + 1) * sensor.rate_hz / 10).astype(int)
    lengths = np.diff(np.concatenate([[0], edges]))
    stamped = packets(signal, sensor, lengths=[int(n) for n in lengths if n])
    return [replace(one, time_ns=one.time_ns + int(rng.normal(0, 8e6))) for one in stamped]


def jittered(given: Packets, rng: np.random.Generator, by_s: float = 0.03) -> Packets:
    """Every packet's time is off by a few hundredths of a second."""
    return [replace(one, time_ns=one.time_ns + round(float(rng.uniform(-by_s, by_s)) * S)) for one in given]


def drifting(given: Packets, share: float = 200e-6) -> Packets:
    """A clock that is fast by so much, for hours already."""
    return [replace(one, time_ns=one.time_ns + round((one.time_ns - T0_NS + 3600 * S) * share)) for one in given]


def repeated(given: Packets, rng: np.random.Generator, share: float = 0.4) -> Packets:
    """Some come a second time, up to 3 s later."""
    again = [replace(one, arrives_ns=one.arrives_ns + round(float(rng.uniform(0, 3)) * S)) for one in given if rng.random() < share]
    return [*given, *again]


def out_of_order(given: Packets, rng: np.random.Generator, by_s: float = 2.0) -> Packets:
    """Each is under way for up to `by_s`."""
    return [replace(one, arrives_ns=one.arrives_ns + round(float(rng.uniform(0, by_s)) * S)) for one in given]


# --- The same again, by name and seed --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A stream, told to be worn at a placement; `unknown` is worn at each of its sites in turn."""

    stream: Stream
    placement: Placement

    def site(self, seed: int) -> Placement:
        return self.stream.sites[seed % len(self.stream.sites)] if self.placement is UNKNOWN else self.placement

    def packets(self, seed: int, sensor: Sensor | None = None) -> Packets:
        sensor = sensor or Sensor()
        return packets(self.signal(seed, sensor), sensor)

    def signal(self, seed: int, sensor: Sensor) -> Signal:
        return _sensed(self.stream, self.site(seed), seed, sensor)


@lru_cache(maxsize=2048)
def _sensed(stream: Stream, site: Placement, seed: int, sensor: Sensor) -> Signal:
    rng = generator(stream.name, site, seed)
    signal = sensor.samples(stream.build(rng, site).rendered(), generator("mounted", stream.name, site, seed))
    signal.setflags(write=False)
    return signal


def generator(*what: str | int) -> np.random.Generator:
    """The same for the same words, on every machine and in every run."""
    return np.random.default_rng(list("/".join(str(one) for one in what).encode()))


CASES: Final = tuple(Case(stream=stream, placement=placement) for stream in STREAMS for placement in (*stream.sites, UNKNOWN))
