"""The picture for the documentation: a simulated fall, judged by the detector, with its evidence as a page shows it.

python -m web.fall_window docs/images/fall-window.svg
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from devices.model import NS_PER_S, CommunityId, Device, DeviceId, DeviceKind, Float32, PersonId, Placement, Registry
from devices.sensors.acceleration import AccelerationBatch
from devices.simulator import motion
from incidents.directory import Language
from rules.fall.rule import Fall
from rules.model import Event
from rules.premises import Premises
from web.evidence import account
from web.languages import words_in
from web.timeline import Decision, decided
from web.words import Words

SEED: Final = 6
RATE_HZ: Final = 50
T0_NS: Final = 1_772_344_800 * NS_PER_S
"""2026-03-01T06:00:00Z. Nothing of it is shown."""
_HERE: Final = Path(__file__).parent
_PAGES: Final = Environment(
    loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_LINE_EM: Final = 1.5


def fallen(accel_g: Float32, placement: Placement = Placement.WRIST) -> Event | None:
    """The first fall that the detector finds in a signal.

    Parameters
    ----------
    accel_g : (3, S) float32
        At 50 Hz, g, gravity included; it arrives in packets of a second.
    placement
        Where it is worn.
    """
    wearer = PersonId("wearer")
    device = Device(
        community_id=CommunityId("simulated"), id=DeviceId("w-01"), kind=DeviceKind.WEARABLE, wearer=wearer, placement=placement
    )
    rule = Fall(Premises(registry=Registry([device])))
    return next((fact for packet in _packets(accel_g) for fact in rule.update(packet) if isinstance(fact, Event)), None)


def drawing(event: Event, words: Words) -> str | None:
    """A fall's evidence as a file of its own, SVG with its colours for day and night; None where it holds no picture."""
    known = account(event)
    decision = decided(known, words) if known else None
    if decision is None or decision.plot is None:
        return None
    return _PAGES.get_template("fall-window.svg.j2").render(
        decision=decision,
        lines=list(reasons(decision)),
        plot_em=float(decision.plot.height.removesuffix("em")),
        line_em=_LINE_EM,
        style=(_HERE / "static" / "fall.css").read_text(encoding="utf-8"),
    )


def reasons(decision: Decision) -> Iterator[tuple[str, str]]:
    """What speaks for it and what against, line by line, each with its mark."""
    yield from (("✓", line) for line in decision.speaks_for)
    yield from (("–", line) for line in decision.speaks_against)
    if decision.speaks_for and not decision.speaks_against:
        yield "", decision.headings[2]


def _packets(accel_g: Float32) -> Iterator[AccelerationBatch]:
    nothing = np.zeros(1, np.bool_)
    for seq, first in enumerate(range(0, accel_g.shape[1], RATE_HZ)):
        samples_g = np.ascontiguousarray(accel_g[:, first : first + RATE_HZ])
        count = samples_g.shape[1]
        start_ns = T0_NS + first * NS_PER_S // RATE_HZ
        yield AccelerationBatch(
            device=np.zeros(1, np.int32),
            time_ns=np.array([start_ns], np.int64),
            received_ns=np.array([start_ns + count * NS_PER_S // RATE_HZ], np.int64),
            seq=np.array([seq], np.int64),
            retained=nothing,
            clock_wrong=nothing,
            back=nothing,
            rate_hz=np.array([float(RATE_HZ)]),
            offset=np.array([0, count], np.int64),
            accel_g=samples_g,
            gyro_dps=np.full(samples_g.shape, np.nan, np.float32),
        )


def main(names: list[str]) -> None:
    """Draw it into files.

    Raises
    ------
    SystemExit
        The detector found no fall in the simulated one, or its evidence cannot be drawn.
    """
    event = fallen(motion.fall(np.random.default_rng(SEED), typical=True, rate_hz=RATE_HZ))
    drawn = drawing(event, words_in(Language.EN)) if event else None
    if drawn is None:
        raise SystemExit("the detector found no fall in the simulated one" if event is None else "the fall's evidence holds no series")
    for name in names:
        Path(name).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
