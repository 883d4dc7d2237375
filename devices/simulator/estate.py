"""The estate that `make demo` shows: six buildings in Changzhou with 120 homes and 40 residents.

Everything here is invented: the place (laid out around 119.95 E, 31.78 N, whatever stands there), the people, and their numbers: Chinese
ones with a run of zeros, American ones from those that are kept for fiction (555-0100 to 555-0199).
"""

import json
from dataclasses import dataclass
from functools import cache
from itertools import count
from typing import Any

from devices.simulator import people
from geofence.frames import Frame

COMMUNITY = "osmanthus"
NAME = "桂花里"
CENTRE = (119.95, 31.78)
"""Longitude and latitude of the middle of the garden, WGS 84."""

BUILDINGS, FLOORS, DOORS = 6, 5, 4
HOME_M = 12.0
"""A home is as wide and as deep as this; four of them in a row make a floor."""

BUILDING_EAST_M, BUILDING_NORTH_M = (-45.0, 45.0), (50.0, 0.0, -50.0)
HALF_ESTATE_M = (100.0, 85.0)
"""East and north."""

LINE_M = 2.0
"""Distance of a guarded line from its window: a radar hangs over the window and looks south."""
HALF_LINE_M, APPROACH_M, RADAR_HEIGHT_M = 3.0, 1.5, 2.2

_RADAR_DOORS = (1, 3)
_COUPLES_DOOR = 1
_AWAY_DOOR = 3
_UPSTAIRS = tuple(f"b{building}-20{door}" for building in range(1, 6) for door in (1, 3))
_UNATTENDED_CONTACTS = 40
_WATCHED_EXITS = 8
_HEADER = """\
# The estate of `make demo`, in Changzhou. Everything here is invented: the place, the people and their numbers.
# A community file as in examples/lakeside.yaml; each entry stands in a line of its own, in JSON, which is YAML too.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """One dwelling; its middle in metres from the middle of the estate."""

    id: str
    building: int
    floor: int
    door: int
    east_m: float
    north_m: float

    @property
    def address(self) -> str:
        """As people write it."""
        return f"{self.building}栋{self.floor}0{self.door}室"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resident:
    """A person who wears a wearable, and where it is."""

    id: str
    surname: people.Name
    given: people.Name
    home: Home
    wearable: str
    is_out: bool
    """In the garden, while their home is "away"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HomeSensor:
    """A contact, radar or motion sensor of a home."""

    id: str
    home: Home
    covers: str = ""


@cache
def homes() -> tuple[Home, ...]:
    """All 120, by building, floor and door."""
    return tuple(
        Home(
            id=f"b{building}-{floor}0{door}",
            building=building,
            floor=floor,
            door=door,
            east_m=BUILDING_EAST_M[(building - 1) % 2] + (door - (DOORS + 1) / 2) * HOME_M,
            north_m=BUILDING_NORTH_M[(building - 1) // 2],
        )
        for building in range(1, BUILDINGS + 1)
        for floor in range(1, FLOORS + 1)
        for door in range(1, DOORS + 1)
    )


@cache
def residents() -> tuple[Resident, ...]:
    """All 40: on the ground floors, a couple in each first home, and a few upstairs."""
    rooms = [home for home in homes() if home.floor == 1 or home.id in _UPSTAIRS]
    occupied = [home for home in rooms for _ in range(2 if _is_a_couples(home) else 1)]
    return tuple(
        Resident(
            id=f"{surname.latin}-{given.latin}",
            surname=surname,
            given=given,
            home=home,
            wearable=f"w-{i + 1:02d}",
            is_out=home in away_homes(),
        )
        for i, (home, (surname, given)) in enumerate(zip(occupied, people.elders(), strict=False))
    )


@cache
def away_homes() -> tuple[Home, ...]:
    """Homes whose mode is "away" and whose window a radar guards, one in each building; their residents are out."""
    return tuple(home for home in homes() if home.floor == 1 and home.door == _AWAY_DOOR)


@cache
def radars() -> tuple[HomeSensor, ...]:
    """A dozen, over ground-floor windows."""
    return tuple(HomeSensor(id=f"r-{home.id}", home=home) for home in homes() if home.floor == 1 and home.door in _RADAR_DOORS)


@cache
def contacts() -> tuple[HomeSensor, ...]:
    """On doors and windows of the residents' homes, and on some other doors."""
    own = _residents_homes()
    others = [home for home in homes() if home not in own][:_UNATTENDED_CONTACTS]
    doors = [HomeSensor(id=f"c-{home.id}-door", home=home, covers="door") for home in (*own, *others)]
    return (*doors, *(HomeSensor(id=f"c-{home.id}-window", home=home, covers="window") for home in own))


@cache
def motions() -> tuple[HomeSensor, ...]:
    """One in each resident's home."""
    return tuple(HomeSensor(id=f"m-{home.id}", home=home) for home in _residents_homes())


@cache
def devices() -> tuple[str, ...]:
    """Ids of all devices."""
    return (*(one.wearable for one in residents()), *(sensor.id for sensor in (*radars(), *contacts(), *motions())))


def place(east_m: float, north_m: float, centre: tuple[float, float] = CENTRE) -> list[float]:
    """Longitude and latitude of a place in metres from the middle of an estate; 7 decimals are a centimetre."""
    frame = Frame.at(*centre)
    return [round(centre[0] + east_m / frame.east_m_per_deg, 7), round(centre[1] + north_m / frame.north_m_per_deg, 7)]


def community() -> dict[str, Any]:
    """The community file's values."""
    return {
        "community": {"id": COMMUNITY, "name": NAME, "timezone": "Asia/Shanghai", "language": "zh"},
        "homes": [
            {
                "id": home.id,
                "building": str(home.building),
                "floor": home.floor,
                "address": home.address,
                "footprint": _rectangle(home.east_m, home.north_m, HOME_M / 2, HOME_M / 2),
            }
            for home in homes()
        ],
        "people": [*_residents_said(), *_relatives_said(), *people.STAFF],
        "devices": [
            *({"id": one.wearable, "kind": "wearable", "wearer": one.id, "placement": "wrist"} for one in residents()),
            *({"id": radar.id, "kind": "radar", "home": radar.home.id, "pose": _pose(radar.home)} for radar in radars()),
            *({"id": one.id, "kind": "contact", "home": one.home.id, "covers": one.covers} for one in contacts()),
            *({"id": one.id, "kind": "motion", "home": one.home.id} for one in motions()),
        ],
        "geofences": [*(_window_line(radar.home) for radar in radars()), _estate_area()],
        "rosters": [people.ROSTER],
        "policies": people.POLICIES,
    }


def community_file() -> str:
    """The community file, to be imported."""
    lines = [_HEADER]
    for section, value in community().items():
        if isinstance(value, list):
            lines += [f"{section}:", *(f"  - {json.dumps(entry, ensure_ascii=False)}" for entry in value)]
        else:
            lines.append(f"{section}: {json.dumps(value, ensure_ascii=False)}")
    return "\n".join(lines) + "\n"


def _is_a_couples(home: Home) -> bool:
    return home.floor == 1 and home.door == _COUPLES_DOOR


def _residents_homes() -> tuple[Home, ...]:
    return tuple(dict.fromkeys(one.home for one in residents()))


def _residents_said() -> list[dict[str, Any]]:
    return [
        {
            "id": one.id,
            "name": one.surname.written + one.given.written,
            "roles": ["resident"],
            "home": one.home.id,
            "phone": people.resident_phone(i),
        }
        for i, one in enumerate(residents())
    ]


def _relatives_said() -> list[dict[str, Any]]:
    """A child of each household, and of every few a second one who lives abroad and reads English."""
    numbers, abroad = count(), count()
    said = []
    for i, home in enumerate(_residents_homes()):
        parents = [one for one in residents() if one.home == home]
        said.append(people.child(parents[0].surname, [one.id for one in parents], next(numbers)))
        if i % people.ABROAD_EVERY == 0:
            said.append(people.child_abroad(parents[0].surname, [one.id for one in parents], next(abroad)))
    return said


def _pose(home: Home) -> dict[str, float]:
    lon, lat = place(home.east_m, home.north_m - HOME_M / 2)
    return {"lon": lon, "lat": lat, "heading_deg": 180, "height_m": RADAR_HEIGHT_M}


def _window_line(home: Home) -> dict[str, Any]:
    """Drawn from west to east before the window: the house is to its left."""
    north_m = home.north_m - HOME_M / 2 - LINE_M
    return {
        "id": f"window-{home.id}",
        "kind": "line",
        "home": home.id,
        "near": "left",
        "approach_m": APPROACH_M,
        "modes": ["away", "night"],
        "geometry": {
            "type": "LineString",
            "coordinates": [place(home.east_m - HALF_LINE_M, north_m), place(home.east_m + HALF_LINE_M, north_m)],
        },
    }


def _estate_area() -> dict[str, Any]:
    """Told when one of those leaves who should not go out alone."""
    return {
        "id": "estate",
        "kind": "area",
        "residents": [one.id for one in residents()[:: len(residents()) // _WATCHED_EXITS]],
        "events": ["exit"],
        "geometry": _rectangle(0.0, 0.0, *HALF_ESTATE_M),
    }


def _rectangle(east_m: float, north_m: float, half_east_m: float, half_north_m: float) -> dict[str, Any]:
    west, east, south, north = east_m - half_east_m, east_m + half_east_m, north_m - half_north_m, north_m + half_north_m
    corners = ((west, south), (east, south), (east, north), (west, north), (west, south))
    return {"type": "Polygon", "coordinates": [[place(*corner) for corner in corners]]}
