"""Simulated devices: what each of them sends, in order of time and without an end.

Everything is decided by the generator of random numbers that is given, which is the sender's alone; `start_ns` is when the demo begins.
Gaps are drawn from ranges, never from a distribution with a tail, so that no device is ever silent for unusually long.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import numpy as np

from devices.model import NS_PER_MS, NS_PER_S, Float64
from devices.simulator import estate
from devices.simulator.life import radar_frames, wrist
from devices.simulator.model import RATE_HZ, Timed, milli_g, packet, topic

BATTERY_PERCENT = (45.0, 99.0)
_STATUS_S, _FIRST_STATUS_S = (3300.0, 3900.0), 60.0
_POSITION_S, _POSITION_NOISE_M, _ACCURACY_M = (50.0, 70.0), 2.5, 8.0
_DELAY_S = (0.005, 0.04)
"""From the last sample of a packet until it is sent."""
_RADIO_S = 0.05
_SHUT_S = (240.0, 1500.0)
_OPEN_S = {"door": (8.0, 60.0), "window": (120.0, 600.0)}
_FIRST_WORD_S = 20.0
_QUIET_S, _MOVING_S = (40.0, 160.0), (10.0, 40.0)
_GARDEN_M = (8.0, 50.0)
"""Half of it, east and north."""

Rng = np.random.Generator


def acceleration(rng: Rng, device: str, start_ns: int, falls: Iterable[float], *, packed: bool) -> Iterator[Timed]:
    """One-second packets of a wearable, each sent when it is full."""
    name = topic(estate.COMMUNITY, device, "acceleration")
    begin_ns = start_ns + round(rng.random() * 1000) * NS_PER_MS
    for accel_g in wrist(rng, falls):
        end_ns = begin_ns + NS_PER_S
        payload = _packed(begin_ns, accel_g) if packed else _json(begin_ns, rate_hz=RATE_HZ, unit="g", xyz=accel_g.T.round(3).tolist())
        yield Timed(end_ns + round(rng.uniform(*_DELAY_S) * NS_PER_S), name, payload)
        begin_ns = end_ns


def positions(rng: Rng, one: estate.Resident, start_ns: int) -> Iterator[Timed]:
    """Fixes about once a minute: at home, or somewhere in the garden."""
    name = topic(estate.COMMUNITY, one.wearable, "position")
    home = np.array([one.home.east_m, one.home.north_m])
    for now in _times(rng, _POSITION_S):
        middle = rng.uniform(-1.0, 1.0, 2) * _GARDEN_M if one.is_out else home
        lon, lat = estate.place(*(middle + rng.normal(0.0, _POSITION_NOISE_M, 2)).tolist())
        t_ns = start_ns + round(now * NS_PER_S)
        yield Timed(t_ns, name, _json(t_ns, lon=lon, lat=lat, accuracy_m=_ACCURACY_M))


def radar(rng: Rng, device: str, start_ns: int, visits: Iterable[tuple[float, Float64]]) -> Iterator[Timed]:
    """Frames of a radar: ten a second while it sees somebody."""
    name = topic(estate.COMMUNITY, device, "targets")
    for now, seen in radar_frames(rng, visits):
        t_ns = start_ns + round(now * NS_PER_S)
        targets = [] if seen is None else [dict(zip(("x_m", "y_m", "speed_mps"), seen.round(2).tolist(), strict=True))]
        yield Timed(t_ns + round(_RADIO_S * NS_PER_S), name, _json(t_ns, targets=targets))


def contact(rng: Rng, sensor: estate.HomeSensor, start_ns: int, *, used: bool) -> Iterator[Timed]:
    """States of a door or window: first that it is shut, and where it is used, each opening and closing."""
    name = topic(estate.COMMUNITY, sensor.id, "contact")
    now = rng.uniform(0.0, _FIRST_WORD_S)
    for nth in count():
        is_open = nth % 2 == 1
        t_ns = start_ns + round(now * NS_PER_S)
        yield Timed(t_ns + round(_RADIO_S * NS_PER_S), name, _json(t_ns, open=is_open))
        if not used:
            return
        # The first opening comes somewhere in the usual time, or all doors would stay shut at first.
        now += rng.uniform(*(_OPEN_S[sensor.covers] if is_open else _SHUT_S)) * (rng.random() if nth == 0 else 1.0)


def movements(rng: Rng, sensor: estate.HomeSensor, start_ns: int, *, used: bool) -> Iterator[Timed]:
    """Somebody moves before a motion sensor, or nobody does any more."""
    name = topic(estate.COMMUNITY, sensor.id, "motion")
    now = rng.uniform(0.0, _FIRST_WORD_S)
    for nth in count():
        moving = nth % 2 == 1
        t_ns = start_ns + round(now * NS_PER_S)
        yield Timed(t_ns + round(_RADIO_S * NS_PER_S), name, _json(t_ns, motion=moving))
        if not used:
            return
        now += rng.uniform(*(_MOVING_S if moving else _QUIET_S))


def status(rng: Rng, device: str, start_ns: int) -> Iterator[Timed]:
    """A word about the battery in the first minute, and then about once an hour; it is charged in time."""
    name = topic(estate.COMMUNITY, device, "status")
    for now in _times(rng, _STATUS_S, _FIRST_STATUS_S):
        t_ns = start_ns + round(now * NS_PER_S)
        yield Timed(t_ns, name, _json(t_ns, battery_percent=round(rng.uniform(*BATTERY_PERCENT)), online=True, tamper=False))


def _times(rng: Rng, every_s: tuple[float, float], first_s: float | None = None) -> Iterator[float]:
    now = rng.uniform(0.0, first_s or every_s[0])
    while True:
        yield now
        now += rng.uniform(*every_s)


def _packed(t_ns: int, accel_g: Float64) -> bytes:
    return packet(t_ns, milli_g(accel_g))


def _json(t_ns: int, **fields: Any) -> bytes:  # noqa: ANN401  any value JSON has
    return json.dumps({"t": t_ns // NS_PER_MS, **fields}).encode()
