"""Days of the invented estate without raw acceleration, as a capture: everyday life, and two falls a day as windows of samples.

What `anju export-capture --falls` keeps is what is made here: of each wearable a packet every two minutes, and every packet around a fall.
Nothing here knows how anything is judged.
"""

import json
from collections.abc import Iterator
from heapq import merge
from pathlib import Path

import numpy as np

from devices.model import NS_PER_MS, NS_PER_S
from devices.simulator import estate, motion
from devices.simulator.demo import START_NS
from devices.simulator.life import pass_by
from devices.simulator.model import RATE_HZ, Timed, milli_g, packet, topic
from devices.simulator.motion import RESTING
from devices.simulator.senders import Rng, status

SEED = 20261129
DAY_S = 86400.0
BEAT_S = 120.0
FALLS_A_DAY = 2
BEFORE_S, LIES_S = 20.0, 120.0
"""Of raw samples around a fall; after it they lie, and then are helped up."""
AWAKE_S = (7 * 3600.0, 22 * 3600.0)
"""Of a day that begins at midnight."""
MOVES_EVERY_S, MOVES_FOR_S = (300.0, 1500.0), (20.0, 90.0)
OPENINGS_A_DAY = 4
OUTINGS_A_DAY, OUTING_S, FIX_S = 1, 2700.0, 60.0
PASSERS_A_DAY = 20
PASSING_S = 30.0
RADAR_IDLE_S = 60.0
"""A radar that sees nobody says so every so often, here every minute."""
_FIRST_WORD_S = 60.0
_PACKETS = 32
"""Different packets of somebody who sits: they are drawn once."""
_OFFSET_S = 10 * 3600.0
"""Captures of the estate begin at ten in the morning."""


def write(path: Path, *, days: float, seed: int = SEED) -> int:
    """Write so many days as a capture, and the community file beside it; how many messages."""
    path.with_suffix(".yaml").write_text(estate.community_file(), encoding="utf-8")
    until_ns = START_NS + round(days * DAY_S * NS_PER_S)
    written = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps({"at": START_NS // NS_PER_MS, "acceleration": "thinned"}) + "\n")
        for message in messages(START_NS, days, seed):
            if message.at_ns > until_ns:
                break
            file.write(json.dumps(message.line()) + "\n")
            written += 1
        file.write(json.dumps({"at": until_ns // NS_PER_MS}) + "\n")
    return written


def messages(start_ns: int, days: float, seed: int = SEED) -> Iterator[Timed]:
    """What all devices send, in order of time; the same for the same arguments."""
    seeds = np.random.SeedSequence(seed)

    def rng() -> Rng:
        return np.random.default_rng(seeds.spawn(1)[0])

    residents = estate.residents()
    falls: dict[str, list[float]] = {one.id: [] for one in residents}
    dice = rng()
    for at_s in np.sort(dice.uniform(0.0, days * DAY_S, round(days * FALLS_A_DAY))).tolist():
        falls[residents[int(dice.integers(len(residents)))].id].append(at_s)
    streams: list[Iterator[Timed]] = []
    for one in residents:
        streams += [_worn(rng(), one.wearable, start_ns, days, falls[one.id]), _outings(rng(), one, start_ns, days)]
    streams += [_passers(rng(), sensor.id, start_ns, days) for sensor in estate.radars()]
    streams += [_openings(rng(), sensor.id, start_ns, days) for sensor in estate.contacts()]
    streams += [_moves(rng(), sensor.id, start_ns, days) for sensor in estate.motions()]
    streams += [status(rng(), device, start_ns) for device in estate.devices()]
    return merge(*streams)


def _worn(rng: Rng, device: str, start_ns: int, days: float, falls: list[float]) -> Iterator[Timed]:
    name = topic(estate.COMMUNITY, device, "acceleration")
    rests = [milli_g(motion.resting(rng, 1.0, gravity=motion.near(rng, RESTING))) for _ in range(_PACKETS)]
    offset_s = float(rng.uniform(0.0, 0.2))
    beats = np.arange(0.0, days * DAY_S, BEAT_S) + offset_s

    def lone() -> Iterator[Timed]:
        for nth, at_s in enumerate(beats.tolist()):
            if not any(fall_s - BEFORE_S - 2 <= at_s <= fall_s + LIES_S + 2 for fall_s in falls):
                yield _packet(name, start_ns, at_s, rests[nth % _PACKETS])

    return merge(lone(), *(_fall(rng, name, start_ns, fall_s) for fall_s in falls))


def _fall(rng: Rng, name: str, start_ns: int, fall_s: float) -> Iterator[Timed]:
    felt = motion.fall(rng, typical=True, before_s=BEFORE_S, after_s=LIES_S)
    for nth in range(felt.shape[1] // RATE_HZ):
        yield _packet(name, start_ns, fall_s - BEFORE_S + nth, milli_g(felt[:, nth * RATE_HZ : (nth + 1) * RATE_HZ]))


def _packet(name: str, start_ns: int, at_s: float, samples: "np.ndarray[tuple[int, ...], np.dtype[np.int16]]") -> Timed:
    t_ns = start_ns + round(at_s * 1000) * NS_PER_MS
    return Timed(t_ns + NS_PER_S, name, packet(t_ns, samples))


def _outings(rng: Rng, one: estate.Resident, start_ns: int, days: float) -> Iterator[Timed]:
    """A walk through the garden a day, with a fix every minute."""
    for begin_s in _daily(rng, days, OUTINGS_A_DAY):
        middle = rng.uniform(-40.0, 40.0, 2)
        for nth in range(round(OUTING_S / FIX_S)):
            lon, lat = estate.place(*(middle + rng.normal(0.0, 8.0, 2)).tolist())
            yield _said(one.wearable, "position", start_ns, begin_s + nth * FIX_S, lon=lon, lat=lat, accuracy_m=8.0)


def _passers(rng: Rng, device: str, start_ns: int, days: float) -> Iterator[Timed]:
    """Nobody, every minute; and people who pass by, ten frames a second."""

    def seen() -> Iterator[Timed]:
        free_s = 0.0
        for begin_s in _daily(rng, days, PASSERS_A_DAY):
            if begin_s < free_s:
                continue  # somebody else is passing by
            free_s = begin_s + PASSING_S
            for nth, (x_m, y_m) in enumerate(pass_by(rng).round(2).tolist()):
                target = {"x_m": x_m, "y_m": y_m, "speed_mps": 0.5}
                yield _said(device, "targets", start_ns, begin_s + nth / 10, targets=[target])

    idle = (_said(device, "targets", start_ns, at_s, targets=[]) for at_s in np.arange(0.0, days * DAY_S, RADAR_IDLE_S).tolist())
    return merge(idle, seen())


def _openings(rng: Rng, device: str, start_ns: int, days: float) -> Iterator[Timed]:
    shut_s = float(rng.uniform(0.0, _FIRST_WORD_S))
    yield _said(device, "contact", start_ns, shut_s, open=False)
    for at_s in _daily(rng, days, OPENINGS_A_DAY):
        if at_s > shut_s:
            shut_s = at_s + float(rng.uniform(5.0, 60.0))
            yield _said(device, "contact", start_ns, at_s, open=True)
            yield _said(device, "contact", start_ns, shut_s, open=False)


def _moves(rng: Rng, device: str, start_ns: int, days: float) -> Iterator[Timed]:
    at_s = float(rng.uniform(*MOVES_EVERY_S))
    while at_s < days * DAY_S:
        if AWAKE_S[0] <= (at_s + _OFFSET_S) % DAY_S <= AWAKE_S[1]:
            yield _said(device, "motion", start_ns, at_s, motion=True)
            at_s += float(rng.uniform(*MOVES_FOR_S))
            yield _said(device, "motion", start_ns, at_s, motion=False)
        at_s += float(rng.uniform(*MOVES_EVERY_S))


def _daily(rng: Rng, days: float, times: int) -> Iterator[float]:
    """So many times a day while people are awake, at least an hour apart where that is once, ascending."""
    for day in range(int(days) + 2):
        for at_s in np.sort(rng.uniform(*AWAKE_S, times)).tolist():
            since_s = day * DAY_S + at_s - _OFFSET_S
            if 0.0 <= since_s < days * DAY_S:
                yield since_s


def _said(device: str, kind: str, start_ns: int, at_s: float, **fields: object) -> Timed:
    t_ns = start_ns + round(at_s * 1000) * NS_PER_MS
    return Timed(t_ns, topic(estate.COMMUNITY, device, kind), json.dumps({"t": t_ns // NS_PER_MS, **fields}).encode())
