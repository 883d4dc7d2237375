"""Homes and what they are armed for."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from devices.model import HomeId, PersonId
from incidents.audience import is_under_duress
from incidents.directory import Home
from incidents.model import Incident
from incidents.silence import is_away
from notifier.messages.names import flat
from rules.kinds import Mode
from store import standings, views, wearing
from web.cards import href
from web.readiness import Homes, Named, left_out_words, sensors, since_words, things, without_words
from web.rights import Action
from web.scene import Scene
from web.silences import told_apart
from web.site import TheSite, Visit
from web.unguarded import in_words, unguarded
from web.words import Notice

router = APIRouter()


MOST_CHANGES = 10
"""Changes of mode that a home shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A mode that a home can be put into; `without` says what would be left out of it."""

    value: str
    words: str
    chosen: bool
    without: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Occupant:
    """Somebody who lives in a home: what it is called that they are away, or until when they are, and the address of that."""

    id: PersonId
    away: str
    away_until: str
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Dwelling:
    """One home.

    Attributes
    ----------
    severity : str
        Of its gravest open incident; "" where there is none, or none that is to be seen here.
    open_now, no_signal : Named
        What stands open; what is not heard.
    unguarded : str
        Whose falls may not be noticed now; "" where there is nobody.
    reached_by : str
        Whose virtual lines reach it, and nothing more of them; "" where none does.
    quiet_until : str
        Until when alerts are paused; "" where they are not.
    has_code : bool
        Somebody has a code for it.
    history : tuple of str
        Its last changes of mode, newest first.
    people : tuple of Occupant
        Who lives there.
    """

    key: str
    id: str
    address: str
    occupants: str
    mode: str
    mode_words: str
    since: str
    severity: str
    open_now: Named
    no_signal: Named
    unguarded: str
    reached_by: str
    quiet_until: str
    quiet_href: str
    choices: tuple[Choice, ...]
    has_code: bool
    history: tuple[str, ...]
    people: tuple[Occupant, ...]


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
        community, words = visit.community, visit.scene.words
        found = _Found(visit, visit.everything_open())
        seen = [home for home in community.directory.homes.values() if visit.who.may_at(Action.SEE_HOMES, home.id)]
        buildings: dict[str, dict[int | None, list[Home]]] = {}
        for home in sorted(seen, key=lambda one: _natural(one.address or one.id)):
            buildings.setdefault(flat(home.building), {}).setdefault(home.floor, []).append(home)
        modes = {home.id: found.mode(home.id) for home in seen}
        changed = HomeId(request.query_params.get("home", ""))
        return visit.page(
            "homes.html.j2",
            title=words.homes,
            more=found.left_out(changed)
            if request.query_params.get("said") == Notice.MODE_SET and visit.who.may_at(Action.SEE_HOMES, changed)
            else "",
            changed=f"h-{changed}",
            buildings=[
                Building(
                    name=_building(name, visit.scene),
                    floors=tuple(
                        Floor(
                            name="" if floor is None else words.floor.format(floor),
                            homes=tuple(found.dwelling(one) for one in floors[floor]),
                        )
                        for floor in sorted(floors, key=lambda one: (one is None, one or 0))
                    ),
                )
                for name, floors in sorted(buildings.items(), key=lambda one: (not one[0], _natural(one[0])))
            ],
            counts=[(mode, name, sum(one is mode for one in modes.values())) for mode, name in words.modes.items()],
        )


class _Found:
    """What is known of a community's homes now."""

    def __init__(self, visit: Visit, incidents: Iterable[Incident]) -> None:
        among = tuple(incidents)
        going_on, silences = told_apart(among)
        self._scene, self._id = visit.scene, visit.community.id
        self._homes, self._reached_by = visit.community.directory.homes, visit.community.reached_by
        self._history = views.mode_history(visit.session, self._id, MOST_CHANGES)
        self._readiness = Homes(visit.community, standings.of_community(visit.session, self._id), among)
        self._unguarded = unguarded(wearing.of_community(visit.session, self._id), going_on, visit.scene)
        self._silences = {one.subject: one for one in silences}
        self._severities: dict[str, str] = {}
        for incident in going_on:  # the gravest first
            # Who was made to disarm a home looks at this page with somebody behind them.
            if not is_under_duress(incident):
                self._severities.setdefault(incident.home_id or "", incident.severity)

    def mode(self, home: HomeId) -> Mode:
        """What a home is armed for."""
        history = self._history.get(home)
        return history[0].mode if history else Mode.DISARMED

    def left_out(self, home: HomeId) -> str:
        """What is left out of a home that was just armed, in sentences; "" of nothing."""
        return " ".join(left_out_words(self._readiness, home, self.mode(home), self._scene))

    def dwelling(self, home: Home) -> Dwelling:
        """A home in words."""
        scene, words, mode = self._scene, self._scene.words, self.mode(home.id)
        history = self._history.get(home.id, ())
        readiness = self._readiness[home.id]
        silence = self._silences.get(home.id)
        return Dwelling(
            key=f"h-{home.id}",
            id=home.id,
            address=_address(home),
            occupants=words.names_gap.join(scene.name(one) for one in home.occupants),
            mode=mode,
            mode_words=words.modes[mode],
            since=since_words(history[0] if history else None, scene),
            severity=self._severities.get(home.id, ""),
            open_now=things(readiness.open, scene),
            no_signal=sensors(readiness.silent, scene),
            unguarded=in_words(self._unguarded.get(home.id, ()), scene),
            reached_by=words.reached_by.format(homes=self._addresses(reached)) if (reached := self._reached_by.get(home.id)) else "",
            quiet_until=words.quiet_until.format(time=scene.clock(silence.eta_ns or silence.opened_ns)) if silence else "",
            quiet_href=href(silence) if silence else "",
            choices=tuple(self._choice(home.id, one, chosen=one is mode) for one in Mode),
            has_code=self._readiness.has_code(home.id),
            people=tuple(self._occupant(one) for one in home.occupants),
            history=tuple(
                words.change.format(time=scene.clock(one.since_ns), mode=words.modes[one.mode], by=scene.name(one.by)) for one in history
            ),
        )

    def _occupant(self, person: PersonId) -> Occupant:
        scene, words, name = self._scene, self._scene.words, self._scene.name(person)
        silence = self._silences.get(person)
        until_ns = silence.eta_ns or silence.opened_ns if silence else 0
        return Occupant(
            id=person,
            away=words.away.format(name=name),
            away_until=words.away_until.format(name=name, time=scene.clock(until_ns)) if silence and is_away(silence) else "",
            href=href(silence) if silence else "",
        )

    def _addresses(self, homes: Iterable[HomeId]) -> str:
        return self._scene.words.names_gap.join(_address(self._homes[home]) for home in homes)

    def _choice(self, home: HomeId, mode: Mode, *, chosen: bool) -> Choice:
        return Choice(
            value=f"{mode}/{home}",
            words=self._scene.words.modes[mode],
            chosen=chosen,
            without=without_words(self._readiness, home, mode, self._scene),
        )


def _address(home: Home) -> str:
    return flat(home.address or "") or home.id


def _building(name: str, scene: Scene) -> str:
    if not name:
        return scene.words.no_building
    return scene.words.building.format(name) if re.fullmatch(r"[A-Za-z0-9-]+", name) else name


def _natural(text: str) -> list[tuple[bool, int, str]]:
    """What sorts building 10 behind building 9."""
    return [(part.isdigit(), int(part) if part.isdecimal() else 0, part) for part in re.split(r"(\d+)", text) if part]
