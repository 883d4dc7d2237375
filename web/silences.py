"""Silences that go on: shown calmly, apart from what needs somebody."""

from collections.abc import Iterable
from dataclasses import dataclass

from incidents.model import Do, Incident, Refused, Story
from web.cards import href
from web.scene import Scene
from web.words import Notice

QUIET_MIN = (30, 120, 480, 1440)
"""For how long alerts can be paused, in minutes."""


AWAY_MIN = (1440, 4320, 10080, 43200)
"""For how long a resident can be said to be away, in minutes."""


_WHY = {
    "may not ask for silence": Notice.NOT_YOURS,
    "there is silence about": Notice.QUIET_ALREADY,
    "the reason is empty": Notice.QUIET_REASON,
    "nobody of the family": Notice.QUIET_FAMILY,
}
"""What a refusal's reason says, and what the page does: in the words of whoever reads it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """One silence in a line.

    Attributes
    ----------
    life : str
        Says that it is of life safety too; "" where it is not.
    end : str
        The act that ends it.
    """

    key: str
    href: str
    line: str
    life: str
    end: str


def told_apart(incidents: Iterable[Incident]) -> tuple[list[Incident], list[Incident]]:
    """What needs somebody, and the silences."""
    among = list(incidents)
    return [one for one in among if one.story is not Story.SILENCE], [one for one in among if one.story is Story.SILENCE]


def refusal(refused: Refused) -> Notice:
    """Why a silence was refused, in the words of whoever reads it."""
    return next((notice for part, notice in _WHY.items() if part in refused.reason), Notice.REFUSED)


def silence(incident: Incident, scene: Scene) -> Silence:
    """An open silence."""
    names, words = scene.about(incident), scene.words
    evidence = incident.headline.evidence
    return Silence(
        key=f"i-{incident.id}",
        href=href(incident),
        line=words.quiet_line.format(
            who=names.who or names.address or names.community,
            time=scene.clock(incident.eta_ns or incident.opened_ns),
            reason=evidence.get("reason", ""),
            by=scene.name(incident.acknowledged_by),
        ),
        life=words.quiet_with_life if evidence.get("life") else "",
        end=f"{Do.RESOLVE}/{incident.id}",
    )
