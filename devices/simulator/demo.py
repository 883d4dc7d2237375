"""What happens in the invented estate while somebody looks at it: everyday life, and now and then a story.

Nothing injects an event. Somebody falls: their wearable sends what a fall feels like. Somebody walks up to a window: a radar sees them.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np

from devices.model import NS_PER_S, Float64
from devices.simulator import estate, senders
from devices.simulator.life import walk_up
from devices.simulator.model import Timed

SEED = 20260301
FIRST_FALL_S, FIRST_WALK_UP_S, EVERY_S = 15.0, 30.0, 180.0
"""The first two stories are told within a minute; then one comes every so often, in turn."""
PACKED_OF = 4
"""One wearable of so many sends JSON, the others the binary packet."""
VISITS_S = (300.0, 900.0)
"""How often somebody rings at the window of a home that is not armed."""
START_NS = 1_772_416_800 * NS_PER_S
"""Of a capture: a Monday, 2026-03-02, 10 in the morning in Changzhou."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One thing that is meant to be noticed.

    Attributes
    ----------
    at_s : float
        Seconds from the beginning: of the fall; of the first sight of somebody who comes.
    subject : str
        Resident who falls, or home whose window it is.
    through : bool
        Whether the one who comes steps through the line.
    """

    at_s: float
    kind: Literal["fall", "walk_up"]
    subject: str
    through: bool = False


def modes() -> list[tuple[str, str]]:
    """Home and mode of the homes that are not disarmed: to be set before the devices begin."""
    return [(home.id, "away") for home in estate.away_homes()]


def stories() -> Iterator[Story]:
    """All of them, without an end: falls and walks up to windows in turn, each time of somebody else."""
    fallers, homes = _fallers(), estate.away_homes()
    for nth in count():
        turn = nth // 2
        at_s = FIRST_FALL_S if nth == 0 else FIRST_WALK_UP_S + (nth - 1) * EVERY_S
        if nth % 2 == 0:
            yield Story(at_s=at_s, kind="fall", subject=fallers[turn % len(fallers)].id)
        else:
            yield Story(at_s=at_s, kind="walk_up", subject=homes[turn % len(homes)].id, through=turn % 2 == 1)


def messages(start_ns: int, seed: int = SEED) -> Iterator[Timed]:
    """What all devices send from `start_ns` on, in order of time, without an end; the same for the same arguments."""
    return merge(*_streams(start_ns, seed))


def write(path: Path, *, minutes: float, start_ns: int = START_NS, seed: int = SEED) -> Path:
    """Write so many minutes as a capture, and the community file beside it; its path is the answer."""
    community_file = path.with_suffix(".yaml")
    community_file.write_text(estate.community_file(), encoding="utf-8")
    until_ns = start_ns + round(minutes * 60 * NS_PER_S)
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for home, mode in modes():
            file.write(json.dumps({"at": start_ns // 1_000_000, "mode": {"home": home, "mode": mode}}) + "\n")
        for message in messages(start_ns, seed):
            if message.at_ns > until_ns:
                break
            file.write(json.dumps(message.line()) + "\n")
        file.write(json.dumps({"at": until_ns // 1_000_000}) + "\n")
    return community_file


def _fallers() -> list[estate.Resident]:
    """Residents who are at home; the next one lives some doors on, so that it is never the same corner of the estate."""
    at_home = [one for one in estate.residents() if not one.is_out]
    step = 7
    return [at_home[i * step % len(at_home)] for i in range(len(at_home))]


def _streams(start_ns: int, seed: int) -> Iterator[Iterator[Timed]]:
    """Everything that each device sends, stream by stream."""
    seeds = np.random.SeedSequence(seed)

    def rng() -> np.random.Generator:
        return np.random.default_rng(seeds.spawn(1)[0])

    away = estate.away_homes()
    for i, one in enumerate(estate.residents()):
        falls = iter(()) if one.is_out else _falls(one.id)
        yield senders.acceleration(rng(), one.wearable, start_ns, falls, packed=i % PACKED_OF != PACKED_OF - 1)
        yield senders.positions(rng(), one, start_ns)
    for sensor in estate.radars():
        visits = _walk_ups(rng(), sensor.home.id) if sensor.home in away else _visitors(rng())
        yield senders.radar(rng(), sensor.id, start_ns, visits)
    for sensor in estate.contacts():
        yield senders.contact(rng(), sensor, start_ns, used=sensor.home not in away)
    for sensor in estate.motions():
        yield senders.movements(rng(), sensor, start_ns, used=sensor.home not in away)
    for device in estate.devices():
        yield senders.status(rng(), device, start_ns)


def _falls(resident: str) -> Iterator[float]:
    """When somebody falls whose turn will come."""
    return (story.at_s for story in stories() if story.subject == resident)


def _walk_ups(rng: np.random.Generator, home: str) -> Iterator[tuple[float, Float64]]:
    for story in stories():
        if story.subject == home:
            yield story.at_s, walk_up(rng, estate.LINE_M, through=story.through)


def _visitors(rng: np.random.Generator) -> Iterator[tuple[float, Float64]]:
    now = rng.uniform(*VISITS_S)
    while True:
        yield now, walk_up(rng, estate.LINE_M, through=True)
        now += rng.uniform(*VISITS_S)
