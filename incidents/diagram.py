"""The state diagram of the documentation, made from the table that the code uses.

python -m incidents.diagram docs/reference/incidents.md
"""

import re
import sys
from collections import defaultdict
from pathlib import Path

from incidents.lifecycle import TRANSITIONS, Action
from incidents.model import CLOSED, IncidentState

_BLOCK = re.compile(r"(?<=```mermaid\n).*?(?=```)", re.DOTALL)


def mermaid() -> str:
    """The table as a Mermaid state diagram; actions between the same two states share an arrow."""
    arrows: defaultdict[tuple[IncidentState, IncidentState], list[Action]] = defaultdict(list)
    for (before, action), after in TRANSITIONS.items():
        arrows[before, after].append(action)
    lines = [f"    [*] --> {start}" for start in (IncidentState.SUSPECTED, IncidentState.OPEN)]
    lines += [f"    {before} --> {after}: {', '.join(actions)}" for (before, after), actions in arrows.items()]
    lines += [f"    {state} --> [*]" for state in IncidentState if state in CLOSED]
    return "\n".join(["stateDiagram-v2", *lines, ""])


def redrawn(page: str) -> str:
    """A page with its diagram as the table is now."""
    return _BLOCK.sub(lambda _old: mermaid(), page, count=1)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        Path(name).write_text(redrawn(Path(name).read_text(encoding="utf-8")), encoding="utf-8")
