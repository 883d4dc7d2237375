"""A fence's event with its evidence as a file of its own, as a page shows it."""

from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rules.model import Event
from rules.premises import Fence
from web.fall_window import reasons
from web.scene import Scene
from web.timeline import passed

_HERE: Final = Path(__file__).parent
_PAGES: Final = Environment(
    loader=FileSystemLoader(_HERE / "pages"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_LINE: Final = 22.0
"""Height of a line, in units of the picture."""


def drawing(event: Event, fence: Fence, scene: Scene) -> str | None:
    """An event at a fence as a file of its own, SVG with its colours for day and night; None where its evidence holds no picture."""
    decision = passed(event, fence, scene)
    if decision is None or decision.plan is None:
        return None
    return _PAGES.get_template("fence-exit.svg.j2").render(
        decision=decision,
        lines=list(reasons(decision)),
        plan_height=float(decision.plan.height),
        line=_LINE,
        style=(_HERE / "static" / "fence.css").read_text(encoding="utf-8"),
    )
