from pathlib import Path

from incidents.diagram import mermaid, redrawn
from incidents.lifecycle import TRANSITIONS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "incidents.md"


def test_the_documentation_draws_the_table_that_the_code_uses() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert redrawn(page) == page, "make docs draws it anew"


def test_every_move_is_drawn() -> None:
    drawn = mermaid()
    for (before, action), after in TRANSITIONS.items():
        assert any(line.strip().startswith(f"{before} --> {after}:") and action in line for line in drawn.splitlines())
