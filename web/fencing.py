"""Whom a fence reaches, in words: that there is one, and nothing more of it."""

from collections.abc import Iterable

from devices.model import HomeId
from rules.premises import FenceKind
from web.site import Visit
from web.words import Fencing


def address_of(home: str | None, visit: Visit) -> str:
    """Where a fence belongs."""
    found = visit.community.directory.homes.get(HomeId(home or ""))
    return (found.address or found.id) if found else visit.scene.words.fencing[Fencing.ESTATE] if home is None else home


def reaching(visit: Visit, homes: Iterable[HomeId]) -> list[tuple[str, bool]]:
    """What others drew that reaches some homes, and whether it guards already, each once.

    An area that waits is not told of: it would follow nobody of theirs.
    """
    known, words, mine = visit.community, visit.scene.words.fencing, set(homes)
    found: dict[str, bool] = {}
    for fence in (*known.fences, *known.waiting):
        verdict, is_active, is_line = known.verdicts.get(fence.id), fence in known.fences, fence.kind is FenceKind.LINE
        if verdict is None or mine.isdisjoint(verdict.touches) or not (is_active or is_line):
            continue
        said = Fencing.WOULD_REACH if not is_active else Fencing.REACHED if is_line else Fencing.REACHED_AREA
        found[words[said].format(home=address_of(fence.home, visit))] = is_active
    return list(found.items())
