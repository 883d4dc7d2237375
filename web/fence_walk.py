"""The picture for the documentation: a simulated walk out of an estate, found by the rule, with its evidence as a page shows it.

python -m web.fence_walk docs/images/fence-exit.svg
"""

import sys
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from devices.model import NS_PER_S, Float64
from devices.sensors.position import PositionBatch
from devices.simulator import estate
from incidents.directory import Language
from rules.fences.areas import Area
from rules.fences.way import frame_of
from rules.kinds import EventKind
from rules.model import Event
from rules.premises import Fence, FenceId
from store import community
from store.model import Community
from web.fall_window import reasons
from web.languages import words_in
from web.plan import WIDTH
from web.scene import Scene
from web.timeline import passed

FENCE: Final = FenceId("estate")
SEED: Final = 3
T0_NS: Final = 1_772_344_800 * NS_PER_S
"""2026-03-01T06:00:00Z."""
PACE_MPS: Final = 1.1
BEFORE_M, BEYOND_M = 60.0, 40.0
"""The walk begins so far inside of the edge and ends so far outside."""
SIGMA_M: Final = 3.0
SLOW_SHARE, SLOW_S = 0.7, 30.0
"""How much of a receiver's error is slow, and how slow."""
ACCURACY_SIGMAS: Final = 1.5
_HERE: Final = Path(__file__).parent
_PAGES: Final = Environment(
    loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_SCALE, _LINE = 1.25, 20.0
"""How much larger than on a phone the map is, beside the letters of the lines, and their height."""


def walked(rng: np.random.Generator) -> Float64:
    """Metres (N, 2) beyond the middle of an edge and along it, once a second, as a receiver errs."""
    beyond_m = np.arange(-BEFORE_M, BEYOND_M, PACE_MPS)
    path_m = np.stack([beyond_m, 0.3 * beyond_m + 6.0 * np.sin(beyond_m / 15.0)], axis=1)
    stays = np.exp(-1.0 / SLOW_S)
    slow = np.zeros_like(path_m)
    slow[0] = rng.normal(size=2)
    for second in range(1, len(slow)):
        slow[second] = stays * slow[second - 1] + np.sqrt(1.0 - stays**2) * rng.normal(size=2)
    errors_m: Float64 = SIGMA_M * (np.sqrt(SLOW_SHARE) * slow + np.sqrt(1.0 - SLOW_SHARE) * rng.normal(size=path_m.shape))
    return path_m + errors_m


def left(of: Community, fence: Fence, path_m: Float64) -> Event | None:
    """The exit that the rule finds of somebody who walks eastwards out of a fence; None if it finds none."""
    premises = of.premises()
    row = next(row for row, one in enumerate(premises.registry.devices) if one.wearer in fence.residents)
    frame = frame_of(fence)
    east_m = float(frame.metres(*np.array(fence.rings[0][0], np.float64).T)[:, 0].max())
    rule = Area(premises)
    for second, (beyond_m, along_m) in enumerate(path_m.tolist()):
        time_ns, nothing = np.array([T0_NS + second * NS_PER_S], np.int64), np.zeros(1, np.bool_)
        fix = PositionBatch(
            device=np.array([row], np.int32),
            time_ns=time_ns,
            received_ns=time_ns,
            seq=np.array([second], np.int64),
            retained=nothing,
            clock_wrong=nothing,
            back=nothing,
            lon_deg=np.array([frame.lon_deg + (east_m + beyond_m) / frame.east_m_per_deg]),
            lat_deg=np.array([frame.lat_deg + along_m / frame.north_m_per_deg]),
            accuracy_m=np.array([ACCURACY_SIGMAS * SIGMA_M]),
            speed_mps=np.array([np.nan]),
            heading_deg=np.array([np.nan]),
        )
        found = [fact for fact in rule.update(fix) if isinstance(fact, Event) and fact.kind is EventKind.EXIT]
        if found:
            return found[0]
    return None


def drawing(event: Event, fence: Fence, scene: Scene) -> str | None:
    """An event at a fence as a file of its own, SVG with its colours for day and night; None where its evidence holds no picture."""
    decision = passed(event, fence, scene)
    if decision is None or decision.plan is None:
        return None
    return _PAGES.get_template("fence-exit.svg.j2").render(
        decision=decision,
        lines=list(reasons(decision)),
        plan_width=_SCALE * WIDTH,
        plan_height=_SCALE * float(decision.plan.height),
        line=_LINE,
        style=(_HERE / "static" / "fence.css").read_text(encoding="utf-8"),
    )


def main(names: list[str]) -> None:
    """Draw it into files.

    Raises
    ------
    SystemExit
        The rule found no exit in the simulated walk, or its evidence cannot be drawn.
    """
    here = community.parse(estate.community_file(), "the simulated estate")
    fence = next(one for one in here.fences if one.id == FENCE)
    event = left(here, fence, walked(np.random.default_rng(SEED)))
    drawn = drawing(event, fence, Scene(words=words_in(Language.EN), directory=here.directory, now_ns=T0_NS)) if event else None
    if drawn is None:
        raise SystemExit("the rule found no exit in the simulated walk" if event is None else "the exit's evidence holds no way")
    for name in names:
        Path(name).write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
