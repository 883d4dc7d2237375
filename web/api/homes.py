"""Homes and what they are armed for."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from devices.model import HomeId
from incidents.model import Home
from notifier.messages.names import flat
from rules.model import Mode
from store import views
from store.views import ModeSince
from web.scene import Scene
from web.site import TheSite

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwelling:
    """One home. `severity` is that of its gravest open incident; "" where there is none."""

    key: str
    address: str
    occupants: str
    mode: str
    mode_words: str
    since: str
    severity: str
    choices: tuple[tuple[str, str, bool], ...]
    """(value, words, whether it is in this mode)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Floor:
    """Homes of one floor."""

    name: str
    homes: tuple[Dwelling, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """Floors of one building, the lowest first."""

    name: str
    floors: tuple[Floor, ...]


@router.get("/homes")
def homes(request: Request, site: TheSite) -> HTMLResponse:
    """Every home by building and floor."""
    with site.visit(request) as visit:
        modes = views.modes(visit.session, visit.community.id)
        severities: dict[str, str] = {}
        for incident in views.open_incidents(visit.session, visit.community.id):  # the gravest first
            severities.setdefault(incident.home_id or "", incident.severity)
        buildings: dict[str, dict[int | None, list[Home]]] = {}
        for home in sorted(visit.community.directory.homes.values(), key=lambda one: _natural(one.address or one.id)):
            buildings.setdefault(flat(home.building), {}).setdefault(home.floor, []).append(home)
        return visit.page(
            "homes.html.j2",
            title=visit.scene.words.homes,
            buildings=[
                Building(
                    name=_building(name, visit.scene),
                    floors=tuple(
                        Floor(
                            name="" if floor is None else visit.scene.words.floor.format(floor),
                            homes=tuple(
                                _dwelling(one, modes.get(one.id), severities.get(one.id, ""), visit.scene) for one in floors[floor]
                            ),
                        )
                        for floor in sorted(floors, key=lambda one: (one is None, one or 0))
                    ),
                )
                for name, floors in sorted(buildings.items(), key=lambda one: (not one[0], _natural(one[0])))
            ],
            counts=[
                (mode, words, _count(mode, modes, len(visit.community.directory.homes))) for mode, words in visit.scene.words.modes.items()
            ],
            responders=visit.scene.responders(residents=True),
        )


def _dwelling(home: Home, changed: ModeSince | None, severity: str, scene: Scene) -> Dwelling:
    mode = changed.mode if changed else Mode.DISARMED
    words = scene.words
    return Dwelling(
        key=f"h-{home.id}",
        address=flat(home.address or "") or home.id,
        occupants=words.names_gap.join(scene.name(one) for one in home.occupants),
        mode=mode,
        mode_words=words.modes[mode],
        since=words.mode_since.format(time=scene.clock(changed.since_ns), by=scene.name(changed.by)) if changed else words.never_changed,
        severity=severity,
        choices=tuple((f"{one}/{home.id}", words.modes[one], one is mode) for one in Mode),
    )


def _building(name: str, scene: Scene) -> str:
    if not name:
        return scene.words.no_building
    return scene.words.building.format(name) if re.fullmatch(r"[A-Za-z0-9-]+", name) else name


def _count(mode: Mode, modes: Mapping[HomeId, ModeSince], homes: int) -> int:
    count = sum(one.mode is mode for one in modes.values())
    return count + homes - len(modes) if mode is Mode.DISARMED else count


def _natural(text: str) -> list[tuple[bool, int, str]]:
    """What sorts building 10 behind building 9."""
    return [(part.isdigit(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", text) if part]
