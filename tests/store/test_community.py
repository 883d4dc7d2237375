"""Community files: every mistake names its line and path, the defaults are the contract's, and what cannot work is said loudly."""

import copy
import json
import math
from datetime import time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.model import Covers, Device, DeviceKind, Placement, Pose, Source
from geofence.datum import Datum, Wgs84
from geofence.shapes import Area
from incidents.directory import Channel, Home, Language, Person, Policy, Repeat, Role, Roster, Shift, Step, Weekday
from rules.kinds import EventKind, Mode
from rules.premises import Fence, FenceKind, HomePlace, Side
from store.community import load, parse
from store.model import Community, InputError

SOUND = """\
community: {id: elm, name: 榆园, timezone: Asia/Shanghai}
homes:
  - {id: a-1, building: "1", floor: 2, address: 1栋201室}
  - {id: a-2}
people:
  - {id: ann, name: 安奶奶, roles: [resident], home: a-1}
  - {id: bob, name: Bob, roles: [resident], home: a-2, language: en}
  - {id: cai, name: 蔡女士, roles: [relative, neighbour], of: [ann, bob], phone: "+8613800000001"}
  - {id: guard, name: 陈队, roles: [guard], phone: "+86 138-0000-0002"}
  - {id: ward, name: 急诊, roles: [hospital], phone: "+8651900000000"}
devices:
  - {id: w-1, kind: wearable, wearer: ann}
  - {id: g-1, kind: tracker, home: a-2}
  - {id: r-1, kind: radar, home: a-1, pose: {lon: 119.95, lat: 31.78, heading_deg: -90}}
  - {id: c-1, kind: contact, home: a-1, covers: window, source: {adapter: zigbee2mqtt, name: hall/window}}
  - {id: m-1, kind: motion, home: a-1}
geofences:
  - {id: wall, kind: line, home: a-1, geometry: {type: LineString, coordinates: [[119.94997, 31.78], [119.94997, 31.78003]]}}
  - {id: park, kind: area, geometry: {type: Polygon, coordinates: [[[119.94, 31.77], [119.96, 31.77], [119.96, 31.79], [119.94, 31.77]]]}}
rosters:
  - {id: gate, shifts: [{responder: guard, from: "20:00", to: "08:00"}]}
policies:
  - id: distress
    kinds: [fall, sos]
    steps:
      - {after_s: 0, tell: [relatives, roster:gate], by: [sms]}
      - {after_s: 60, tell: [hospital], by: [voice]}
  - id: way
    kinds: [exit]
    steps: [{after_s: 0, tell: [guard], by: [sms]}]
"""


BY_DAY = "rosters[0]: nobody is on shift every day 08:00–20:00 (then the whole roster is told)"


def changed(*replacements: tuple[str, str]) -> str:
    """The sound file with one place or several written otherwise."""
    text = SOUND
    for old, new in replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def read(*replacements: tuple[str, str]) -> Community:
    return parse(changed(*replacements), "elm.yaml")


def refused(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        parse(text, "elm.yaml")
    assert len(str(caught.value).splitlines()) == 1
    assert str(caught.value).startswith("elm.yaml: ")
    return caught.value


def person(community: Community, id_: str) -> Person:
    return next(one for one in community.directory.people.values() if one.id == id_)


def device(community: Community, id_: str) -> Device:
    return next(one for one in community.devices if one.id == id_)


def fence(community: Community, id_: str) -> Fence:
    return next(one for one in community.fences if one.id == id_)


def policy(community: Community, kind: EventKind) -> Policy:
    found = community.directory.policy(kind)
    assert found is not None
    return found


ANN = "{id: ann, name: 安奶奶, roles: [resident], home: a-1}"
WALL = "[[119.94997, 31.78], [119.94997, 31.78003]]"
PARK = "[[[119.94, 31.77], [119.96, 31.77], [119.96, 31.79], [119.94, 31.77]]]"
CAI_PHONE = '"+8613800000001"'
FIRST_STEP = "tell: [relatives, roster:gate], by: [sms]"

PARK_SHAPE = f"geometry: {{type: Polygon, coordinates: {PARK}}}"
WALL_SHAPE = f"geometry: {{type: LineString, coordinates: {WALL}}}"

Case = tuple[str, str, str, str]
"""What is replaced, by what, the path that the error names, and words of it."""

UNQUOTED: list[Case] = [
    (CAI_PHONE, "+8613800000001", "people[2].phone", "8613800000001 stands without quotes"),
    (CAI_PHONE, "+86 138-0000-0001", "people[2].phone", "stands without quotes"),
    ('from: "20:00"', "from: 20:00", "rosters[0].shifts[0].from", "'20:00' stands without quotes"),
    ('to: "08:00"', "to: 08:00", "rosters[0].shifts[0].to", "stands without quotes"),
    ('to: "08:00"', "to: 8", "rosters[0].shifts[0].to", "8 stands without quotes"),
    ("{id: a-2}", "{id: 12}", "homes[1].id", "12 is a number without quotes, wanted an id in quotes"),
    ("{id: a-2}", "{id: 1.5}", "homes[1].id", "1.5 is a number without quotes"),
    ("{id: a-2}", "{id: 1e3}", "homes[1].id", "is a number without quotes"),
    ("wearer: ann", "wearer: 7", "devices[0].wearer", "7 is a number without quotes"),
    ("of: [ann, bob]", "of: [ann, 7]", "people[2].of[1]", "7 is a number without quotes"),
    ('building: "1"', "building: 1", "homes[0].building", "1 is not text, wanted text in quotes"),
    ("name: Bob", "name: 4711", "people[1].name", "4711 is not text, wanted text in quotes"),
]

ILL_FORMED: list[Case] = [
    ("{id: a-2}", "{id: A-2}", "homes[1].id", "'A-2' is no id"),
    ("{id: a-2}", "{id: -a}", "homes[1].id", "is no id"),
    ("{id: a-2}", "{id: a/2}", "homes[1].id", "is no id"),
    ("{id: a-2}", f"{{id: {'a' * 64}}}", "homes[1].id", "at most 63"),
    ("{id: a-2}", "{id: true}", "homes[1].id", "true is no id"),
    ("{id: a-2}", "{id: }", "homes[1].id", "nothing is no id"),
    ("{id: a-2}", "{id: 王}", "homes[1].id", "is no id"),
    ("id: elm", "id: Elm Court", "community.id", "is no id"),
    ("name: Bob", 'name: " "', "people[1].name", "is blank"),
    ("name: Bob", 'name: "Bo\\nb"', "people[1].name", "control character"),
    ("name: Bob", f"name: {'B' * 201}", "people[1].name", "has 201 characters, wanted at most 200"),
    ("floor: 2", "floor: 2.5", "homes[0].floor", "is 2.5, wanted a whole number"),
    ("floor: 2", 'floor: "2"', "homes[0].floor", "is '2', wanted a whole number"),
    ("floor: 2", "floor: 301", "homes[0].floor", "is 301, wanted less than or equal to 300"),
    ("roles: [guard]", "roles: [gaurd]", "people[3].roles[0]", "'gaurd' is not known, wanted 'resident', 'relative', 'guard'"),
    ("roles: [guard]", "roles: guard", "people[3].roles", "is 'guard', wanted a list"),
    ("roles: [guard]", "roles: []", "people[3].roles", "is empty"),
    ("language: en", "language: de", "people[1].language", "'de' is not known, wanted 'zh', 'zh-Hant' or 'en'"),
    ("kind: tracker", "kind: phone", "devices[1].kind", "'phone' is not known"),
    ("covers: window", "covers: roof", "devices[3].covers", "'roof' is not known"),
    ("wearer: ann}", "wearer: ann, placement: ankle}", "devices[0].placement", "'ankle' is not known"),
    ("lat: 31.78, heading", "lat: 131.78, heading", "devices[2].pose.lat", "less than or equal to 90"),
    ("lat: 31.78, heading", "lat: .nan, heading", "devices[2].pose.lat", "wanted a finite number"),
    ("heading_deg: -90", "heading_deg: north", "devices[2].pose.heading_deg", "is 'north', wanted a number"),
    ("heading_deg: -90", "heading_deg: 720", "devices[2].pose.heading_deg", "less than or equal to 360"),
    ("heading_deg: -90", "heading_deg: 0, height_m: 0", "devices[2].pose.height_m", "greater than 0"),
    ("heading_deg: -90", "heading_deg: 0, datum: bd09", "devices[2].pose.datum", "'bd09' is not known, wanted 'wgs84' or 'gcj02'"),
    ("id: park,", "id: park, events: [],", "geofences[1].events", "is empty"),
    ("id: park,", "id: park, modes: [asleep],", "geofences[1].modes[0]", "'asleep' is not known"),
    ("id: park,", "id: park, residents: [],", "geofences[1].residents", "is empty"),
    ("id: wall,", "id: wall, near: south,", "geofences[0].near", "'south' is not known, wanted 'left' or 'right'"),
    ("id: wall,", "id: wall, approach_m: -1,", "geofences[0].approach_m", "greater than 0"),
    ("from:", "days: [monday], from:", "rosters[0].shifts[0].days[0]", "'monday' is not known, wanted 'mon', 'tue'"),
    ("from:", "days: [], from:", "rosters[0].shifts[0].days", "is empty"),
    ('from: "20:00"', 'from: "8 pm"', "rosters[0].shifts[0].from", "'8 pm' is no time of day"),
    ('from: "20:00"', 'from: "24:00"', "rosters[0].shifts[0].from", 'wanted "00:00" of the next one'),
    ('to: "08:00"', 'to: "24:01"', "rosters[0].shifts[0].to", "is no time of day"),
    ('to: "08:00"', 'to: "8:00"', "rosters[0].shifts[0].to", "is no time of day"),
    ("kinds: [exit]", "kinds: [exits]", "policies[1].kinds[0]", "'exits' is not known"),
    ("kinds: [exit]", "kinds: []", "policies[1].kinds", "is empty"),
    ("after_s: 60", "after_s: -1", "policies[0].steps[1].after_s", "greater than or equal to 0"),
    ("after_s: 60", "after_s: 1 min", "policies[0].steps[1].after_s", "is '1 min', wanted a whole number"),
    ("tell: [hospital]", "tell: hospital", "policies[0].steps[1].tell", "wanted a list"),
    ("tell: [hospital]", "tell: []", "policies[0].steps[1].tell", "is empty"),
    ("by: [voice]", "by: [fax]", "policies[0].steps[1].by[0]", "'fax' is not known, wanted 'sms', 'voice'"),
    ("by: [voice]", "by: []", "policies[0].steps[1].by", "is empty"),
    ("id: way", "id: way\n    cancel_window_s: 601", "policies[1].cancel_window_s", "less than or equal to 600"),
    ("id: way", "id: way\n    repeat: {every_s: 0, times: 3}", "policies[1].repeat.every_s", "greater than 0"),
    ("id: way", "id: way\n    repeat: {every_s: 60, times: 0}", "policies[1].repeat.times", "greater than 0"),
    ("id: way", "id: way\n    repeat: 60", "policies[1].repeat", "is 60, wanted keys and values"),
    (PARK_SHAPE, "circle: {center: [119.95, 31.78], radius_m: 0}", "geofences[1].circle.radius_m", "is 0, wanted greater than 0"),
    (PARK_SHAPE, "circle: {center: [119.95, 31.78]}", "geofences[1].circle.radius_m", "is missing"),
    (PARK_SHAPE, "circle: {center: here, radius_m: 50}", "geofences[1].circle.center", "is 'here', wanted a list"),
    (PARK_SHAPE, "circle: {center: [119.95], radius_m: 50}", "geofences[1].circle.center", "is no position"),
    (PARK_SHAPE, "circle: {center: [31.78, 119.95], radius_m: 50}", "geofences[1].circle.center", "are they swapped?"),
    (PARK_SHAPE, "circle: {centre: [119.95, 31.78], radius_m: 50}", "geofences[1].circle.center", "is missing"),
    (PARK_SHAPE, "rectangle: {center: [119.95, 31.78], length_m: 9}", "geofences[1].rectangle.width_m", "is missing"),
    (PARK_SHAPE, "corridor: {line: [[119.95, 31.78]], width_m: 4}", "geofences[1].corridor.line", "wanted at least 2"),
    (PARK_SHAPE, "corridor: {line: [[119.95, x]], width_m: 4}", "geofences[1].corridor.line[0][1]", "is 'x', wanted a number"),
    (PARK_SHAPE, "around: a-1, outwards_m: -1", "geofences[1].outwards_m", "greater than or equal to 0"),
    (WALL, "round, datum: x", "geofences[0].geometry.datum", "no key known here"),
]

MISSING: list[Case] = [
    (", timezone: Asia/Shanghai", "", "community.timezone", "is missing"),
    ("name: Bob, ", "", "people[1].name", "is missing"),
    ("roles: [guard], ", "", "people[3].roles", "is missing"),
    ("kind: motion, ", "", "devices[4].kind", "is missing"),
    (", heading_deg: -90", "", "devices[2].pose.heading_deg", "is missing"),
    (", name: hall/window", "", "devices[3].source.name", "is missing"),
    (', to: "08:00"', "", "rosters[0].shifts[0].to", "is missing"),
    (f", {WALL_SHAPE}", "", "geofences[0].geometry", "is missing, wanted it or circle, rectangle, corridor or around"),
    ("after_s: 60, ", "", "policies[0].steps[1].after_s", "is missing"),
    (", by: [voice]", "", "policies[0].steps[1].by", "is missing"),
]

UNKNOWN_KEYS: list[Case] = [
    ("address: ", "adress: ", "homes[0].adress", "is no key known here, did you mean address?"),
    ("language: en", "langauge: en", "people[1].langauge", "did you mean language?"),
    (CAI_PHONE, f"{CAI_PHONE}, contact: []", "people[2].contact", "did you mean contacts?"),
    ("wearer: ann", "waerer: ann", "devices[0].waerer", "did you mean wearer?"),
    ("heading_deg: -90", "heading_deg: -90, hight_m: 2", "devices[2].pose.hight_m", "did you mean height_m?"),
    ("id: park,", "id: park, mode: [away],", "geofences[1].mode", "did you mean modes?"),
    ("from:", "day: [mon], from:", "rosters[0].shifts[0].day", "did you mean days?"),
    ("id: way", "id: way\n    cancel_window: 30", "policies[1].cancel_window", "did you mean cancel_window_s?"),
    ("after_s: 60", "after_s: 60, until_s: 90", "policies[0].steps[1].until_s", "is no key known here"),
    ("timezone: ", "xyzzy: 1, timezone: ", "community.xyzzy", "is no key known here"),
]

REFERENCES: list[Case] = [
    ("roles: [resident], home: a-1", "roles: [resident], home: a-3", "people[0].home", "'a-3' is not in homes, did you mean"),
    ("of: [ann, bob]", "of: [ann, bbo]", "people[2].of[1]", "'bbo' is not in people, did you mean bob?"),
    ("of: [ann, bob]", "of: [guard]", "people[2].of[0]", "'guard' is no resident"),
    ("wearer: ann", "wearer: anne", "devices[0].wearer", "'anne' is not in people, did you mean ann?"),
    ("wearer: ann", "wearer: guard", "devices[0].wearer", "'guard' is no resident"),
    ("kind: motion, home: a-1", "kind: motion, home: zzz", "devices[4].home", "'zzz' is not in homes"),
    ("adapter: zigbee2mqtt", "adapter: zigbee2mqqt", "devices[3].source.adapter", "did you mean zigbee2mqtt?"),
    ("id: wall, kind: line, home: a-1", "id: wall, kind: line, home: b-9", "geofences[0].home", "'b-9' is not in homes"),
    ("id: park,", "id: park, residents: [ann, cal],", "geofences[1].residents[1]", "'cal' is not in people, did you mean cai?"),
    ("id: park,", "id: park, residents: [cai],", "geofences[1].residents[0]", "'cai' is no resident"),
    ("responder: guard", "responder: gaurd", "rosters[0].shifts[0].responder", "'gaurd' is not in people, did you mean guard?"),
    ("roster:gate]", "roster:gates]", "policies[0].steps[0].tell[1]", "'gates' is not in rosters, did you mean gate?"),
    ("roster:gate]", "roster:]", "policies[0].steps[0].tell[1]", "'' is not in rosters"),
    ("tell: [hospital]", "tell: [hospitals]", "policies[0].steps[1].tell[0]", "'hospitals' is not in people, and not occupants, relatives"),
    ("tell: [hospital]", "tell: [neighbors]", "policies[0].steps[1].tell[0]", "neighbours or roster:ID"),
    ("tell: [hospital]", "tell: [gate]", "policies[0].steps[1].tell[0]", "'gate' is not in people"),
]

TWICE: list[Case] = [
    ("{id: a-2}", "{id: a-1}", "homes[1].id", "'a-1' is the id of homes[0] already"),
    ("id: guard,", "id: cai,", "people[3].id", "'cai' is the id of people[2] already"),
    ("id: m-1", "id: c-1", "devices[4].id", "is the id of devices[3] already"),
    ("id: park", "id: wall", "geofences[1].id", "is the id of geofences[0] already"),
    ("rosters:\n", "rosters:\n  - {id: gate, shifts: [{responder: cai, from: '08:00', to: '20:00'}]}\n", "rosters[1].id", "already"),
    ("id: way", "id: distress", "policies[1].id", "is the id of policies[0] already"),
    ("kinds: [exit]", "kinds: [exit, fall]", "policies[1].kinds[1]", "'fall' is in policy 'distress' too, wanted each kind in one policy"),
    (
        "kind: motion, home: a-1",
        "kind: contact, home: a-1, source: {adapter: zigbee2mqtt, name: hall/window}",
        "devices[4].source",
        "'hall/window' is c-1's already",
    ),
    ("{id: a-2}", "{id: a-2, id: a-3}", "homes[1].id", "stands here twice"),
]

UNFIT: list[Case] = [
    ("kind: motion, home: a-1", "kind: motion, home: a-1, wearer: ann", "devices[4].wearer", "does not fit a device of kind motion"),
    ("kind: tracker,", "kind: tracker, placement: wrist,", "devices[1].placement", "wanted it with wearable only"),
    ("kind: motion,", "kind: motion, covers: door,", "devices[4].covers", "wanted it with contact only"),
    ("kind: motion,", "kind: motion, pose: {lon: 1, lat: 1, heading_deg: 0},", "devices[4].pose", "wanted it with camera or radar only"),
    ("kind: wearable, wearer: ann", "kind: wearable", "devices[0]", "w-1 has neither wearer nor home"),
    ("wearer: ann", "wearer: ann, home: a-2", "devices[0].home", "is 'a-2' while its wearer lives in 'a-1'"),
    ("id: park,", "id: park, near: left,", "geofences[1].near", "does not fit a fence of kind area"),
    ("id: park,", "id: park, approach_m: 2,", "geofences[1].approach_m", "does not fit a fence of kind area"),
    ("id: park,", "id: park, events: [enter, cross],", "geofences[1].events[1]", "wanted enter, exit, absent, dwell"),
    ("id: wall,", "id: wall, residents: [ann],", "geofences[0].residents", "does not fit a fence of kind line"),
    ("id: wall,", "id: wall, events: [exit],", "geofences[0].events[0]", "wanted approach, cross"),
    (WALL_SHAPE, "circle: {center: [119.95, 31.78], radius_m: 5}", "geofences[0].circle", "does not fit a fence of kind line"),
    (PARK_SHAPE, f"{PARK_SHAPE}, around: a-1", "geofences[1].around", "stands beside geometry, wanted one of them"),
    (PARK_SHAPE, f"{PARK_SHAPE}, outwards_m: 2", "geofences[1].outwards_m", "says nothing without around, wanted both or none"),
    (PARK_SHAPE, "around: a-1, outwards_m: 2", "geofences[1].around", "a-1 has no footprint to go around, wanted a home with one"),
    (PARK_SHAPE, "around: a-9", "geofences[1].around", "'a-9' is not in homes"),
    (PARK_SHAPE, "around: a-1, datum: gcj02", "geofences[1].datum", "does not fit around: a footprint has its own"),
    (WALL_SHAPE, "around: a-1, near: left", "geofences[0].near", "does not fit around: the near side is the footprint's"),
    ("kind: line, home: a-1", "kind: line", "geofences[0].home", "is missing, wanted the home that the line protects"),
    ("after_s: 0, tell: [rel", "after_s: 61, tell: [rel", "policies[0].steps[1].after_s", "wanted at least the 61 of the step before"),
]

SHAPES: list[Case] = [
    ("type: LineString", "type: Polygon", "geofences[0].geometry.type", "'Polygon' does not fit, wanted LineString or MultiLineString"),
    ("type: Polygon", "type: LineString", "geofences[1].geometry.type", "wanted Polygon or MultiPolygon"),
    ("type: Polygon", "type: circle", "geofences[1].geometry.type", "wanted Polygon or MultiPolygon"),
    ("type: Polygon, ", "", "geofences[1].geometry.type", "is missing"),
    (f", coordinates: {WALL}", "", "geofences[0].geometry.coordinates", "is missing"),
    (WALL, "[[119.95, 31.78]]", "geofences[0].geometry.coordinates", "wanted at least 2"),
    (WALL, "[[119.95, 31.78], [119.95, 31.78]]", "geofences[0].geometry.coordinates", "has no length"),
    (WALL, "[[0, 0], [2, 2], [2, 0], [0, 2]]", "geofences[0].geometry.coordinates", "crosses itself"),
    (PARK, "[[[0, 0], [1, 0], [0, 0]]]", "geofences[1].geometry.coordinates[0]", "has 2 different positions, wanted at least 3"),
    (PARK, "[[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]", "geofences[1].geometry.coordinates", "is no valid area"),
    (PARK, "[[[31.77, 119.94], [1, 0], [1, 1], [31.77, 119.94]]]", "geofences[1].geometry.coordinates[0][0]", "are they swapped?"),
    (PARK, '[[["1", 0], [1, 0], [1, 1], ["1", 0]]]', "geofences[1].geometry.coordinates[0][0]", "is no position"),
    (PARK, f"{PARK}, bbox: [.nan]", "geofences[1].geometry.bbox", "wanted a list of numbers"),
    (PARK, f"{PARK}, bbox: everywhere", "geofences[1].geometry.bbox", "wanted a list of numbers"),
    (PARK, f"{PARK}, crs: 4326", "geofences[1].geometry.crs", "no key known here"),
    ("{id: a-2}", "{id: a-2, footprint: {type: Point, coordinates: [1, 2]}}", "homes[1].footprint.type", "'Point' does not fit"),
]

PHONES: list[Case] = [
    (CAI_PHONE, f'"{written}"', "people[2].phone", said)
    for written, said in (
        ("13800000001", "wanted a possible number with its country code"),
        ("+861", "is no phone number"),
        ("+86138", "is not a possible phone number (too short)"),
        ("+8613800000001234", "is not a possible phone number (too long)"),
        ("+1800FLOWERS", "is no phone number"),
        ("+99912345678", "is no phone number"),
        ("", "is no phone number"),
        ("0" * 41, "has 41 characters, wanted at most 40"),
    )
]

CONTACTS: list[Case] = [
    (CAI_PHONE, f"{CAI_PHONE}, contacts: [{written}]", f"people[2].contacts[0]{below}", said)
    for written, below, said in (
        ("{email: cai}", ".email", "wanted an address such as name@example.org"),
        ("{webhook: ftp://example.org}", ".webhook", "wanted an address that starts with https:// or http://"),
        ("{apprise: ntfy}", ".apprise", "wanted an Apprise URL"),
        ("{push: }", "", "holds 0 contact methods"),
        ("{}", "", "holds 0 contact methods, wanted one of push, email, apprise, webhook"),
        ("{push: token, email: a@example.org}", "", "holds 2 contact methods"),
        ("{pigeon: x}", ".pigeon", "is no key known here"),
        ("a@example.org", "", "is 'a@example.org', wanted keys and values"),
    )
]

TIME_ZONES: list[Case] = [
    ("Asia/Shanghai", written, "community.timezone", said)
    for written, said in (
        ("Asia/Shangai", "'Asia/Shangai' is no time zone, wanted a name such as Asia/Shanghai"),
        ("asia shanghai", "is no time zone"),
        ("UTC+8", "is no time zone"),
        ("Asia", "is no time zone"),
        ("../Shanghai", "is no time zone"),
        ("王", "wanted a name such as Asia/Shanghai"),
        ("8", "8 is not text"),
    )
]


@pytest.mark.parametrize(
    ("old", "new", "path", "said"),
    [
        *(*UNQUOTED, *ILL_FORMED, *MISSING, *UNKNOWN_KEYS, *REFERENCES),
        *(*TWICE, *UNFIT, *SHAPES, *PHONES, *CONTACTS, *TIME_ZONES),
    ],
)
def test_a_mistake_names_its_line_its_path_and_what_is_wrong(old: str, new: str, path: str, said: str) -> None:
    error = refused(changed((old, new)))
    line, _, named = error.where.partition(": ")
    assert named == path
    assert said in error.what
    begins = SOUND[: SOUND.index(old)].count("\n") + 1
    assert line in {f"line {number}" for number in range(begins, begins + new.count("\n") + 2)}


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (CAI_PHONE, "+8613800000001", 8),
        ("wearer: ann", "wearer: anne", 12),
        ("tell: [hospital]", "tell: [hospitals]", 27),
        (f"coordinates: {WALL}", "coordinates:\n      [[119.94997, 31.78],\n      [119.94997, 131.78]]", 20),
        ("name: Bob, ", "", 7),
        ("by: [sms]}]\n", "by: [sms]}]\n    repeat:\n      every_s: 60\n      times: x\n", 33),
    ],
)
def test_the_line_is_the_one_to_look_at(old: str, new: str, line: int) -> None:
    assert refused(changed((old, new))).where.startswith(f"line {line}: ")


def test_the_error_is_one_line_of_file_line_path_and_words() -> None:
    error = refused(changed(("tell: [hospital]", "tell: [hospitals]")))
    assert str(error) == (
        "elm.yaml: line 27: policies[0].steps[1].tell[0]: 'hospitals' is not in people, and not occupants, relatives, hospital, "
        "neighbours or roster:ID"
    )


def test_the_first_mistake_is_told_and_the_others_are_counted() -> None:
    error = refused(changed(("of: [ann, bob]", "of: [x, y]"), ("responder: guard", "responder: z")))
    assert (error.where, error.what) == ("line 8: people[2].of[0]", "'x' is not in people (and 2 more)")


@pytest.mark.parametrize("text", ["homes: []\n", "community:\n", "community: elm\n"])
def test_a_file_without_a_community_says_so(text: str) -> None:
    assert refused(text).where == "line 1: community"


def test_a_section_that_is_no_list_is_refused() -> None:
    error = refused(changed(('rosters:\n  - {id: gate, shifts: [{responder: guard, from: "20:00", to: "08:00"}]}', "rosters: {id: gate}")))
    assert (error.where, error.what) == ("line 20: rosters", "is keys and values, wanted a list")


def test_json_names_its_line_too() -> None:
    error = refused('{"community":\n {"id": "elm",\n "name": "榆园",\n "timezone": "Nowhere"}}')
    assert error.where == "line 4: community.timezone"


def test_a_number_that_no_float_holds_is_no_position() -> None:
    text = json.dumps(
        {
            "community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai"},
            "homes": [{"id": "a-1", "footprint": {"type": "Polygon", "coordinates": [[[10**400, 1], [1, 1], [1, 2], [10**400, 1]]]}}],
        }
    )
    assert refused(text).where == "line 1: homes[0].footprint.coordinates[0][0]"


# What is right


def test_the_sound_file_is_accepted_and_its_only_warning_is_that_nobody_is_on_shift_by_day() -> None:
    assert read().warnings == (BY_DAY,)


def test_a_file_on_disk_is_read_as_its_text_and_errors_name_it(tmp_path: Path) -> None:
    file = tmp_path / "elm.yaml"
    file.write_text(SOUND, encoding="utf-8")
    assert load(file) == read()
    file.write_text(changed(("wearer: ann", "wearer: anne")), encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load(file)
    assert str(caught.value).startswith(f"{file}: line 12: devices[0].wearer: ")


def test_yaml_and_json_of_the_same_content_are_the_same_community() -> None:
    text = '{"community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai"}, "homes": [{"id": "a-1", "building": "1"}]}'
    assert parse(text, "elm.json") == parse(
        'community: {id: elm, name: 榆园, timezone: Asia/Shanghai}\nhomes: [{id: a-1, building: "1"}]', "elm.yaml"
    )


def test_a_community_alone_is_sound() -> None:
    alone = parse("community: {id: elm, name: 榆园, timezone: Asia/Shanghai}\nhomes:\npeople:\n", "elm.yaml")
    assert (alone.id, alone.directory.homes, alone.devices, alone.fences, alone.warnings) == ("elm", {}, (), (), ())


def test_the_head_is_the_directorys() -> None:
    directory = read(("timezone: Asia/Shanghai", "timezone: Europe/London, language: en")).directory
    assert (directory.community_id, directory.name, directory.timezone, directory.language) == (
        "elm",
        "榆园",
        ZoneInfo("Europe/London"),
        Language.EN,
    )


def test_a_community_speaks_chinese_unless_it_says_otherwise() -> None:
    assert read().directory.language is Language.ZH


def test_people_speak_the_communitys_language_unless_they_name_one() -> None:
    english = read(("language: en}", "language: zh}"), ("timezone: Asia/Shanghai", "timezone: Asia/Shanghai, language: en"))
    assert (person(english, "cai").language, person(english, "bob").language) == (Language.EN, Language.ZH)
    assert (person(read(), "cai").language, person(read(), "bob").language) == (Language.ZH, Language.EN)


def test_a_person_is_what_the_file_says() -> None:
    assert person(read(), "cai") == Person(
        id=person(read(), "cai").id,
        name="蔡女士",
        roles=frozenset({Role.RELATIVE, Role.NEIGHBOUR}),
        of=tuple(person(read(), id_).id for id_ in ("ann", "bob")),
        phone_e164="+8613800000001",
        channels=(Channel.SMS, Channel.VOICE),
    )


def test_a_phone_is_kept_as_it_is_dialled() -> None:
    assert person(read(), "guard").phone_e164 == "+8613800000002"


def test_a_fixed_line_is_called_and_takes_no_sms() -> None:
    assert person(read(), "ward").channels == (Channel.VOICE,)


def test_without_a_phone_there_is_no_channel() -> None:
    assert (person(read(), "ann").phone_e164, person(read(), "ann").channels) == (None, ())


def test_contacts_give_further_channels_in_the_order_of_fallback() -> None:
    contacts = "contacts: [{webhook: https://example.org/a}, {apprise: ntfy://a}, {email: cai@example.org}, {push: token}]"
    assert person(read((CAI_PHONE, f"{CAI_PHONE}, {contacts}")), "cai").channels == tuple(Channel)[:-1]
    assert person(read((f"phone: {CAI_PHONE}", contacts)), "cai").channels == tuple(Channel)[2:-1]


def test_the_addresses_of_contacts_come_along_and_no_repr_shows_them() -> None:
    contacts = "contacts: [{push: a-token}, {apprise: 'tgram://a-secret/chat'}, {push: another-token}, {email: cai@example.org}]"
    cai = person(read((CAI_PHONE, f"{CAI_PHONE}, {contacts}")), "cai")
    assert cai.addresses_of(Channel.PUSH) == ("a-token", "another-token")
    assert cai.addresses_of(Channel.APPRISE) == ("tgram://a-secret/chat",)
    assert cai.addresses_of(Channel.WEBHOOK) == ()
    assert [one for one in ("a-token", "a-secret", "another-token", "cai@example.org") if one in repr(cai)] == []


@pytest.mark.parametrize("contact", ["{apprise: a-secret}", "{webhook: 'ftp://a-secret'}", '{push: "a-secret\\n"}', "{push: 7}"])
def test_a_contact_that_is_wrong_is_not_repeated_in_the_error(contact: str) -> None:
    with pytest.raises(InputError) as error:
        read((CAI_PHONE, f"{CAI_PHONE}, contacts: [{contact}]"))
    assert "people[2].contacts[0]" in str(error.value)
    assert "a-secret" not in str(error.value)


def test_the_occupants_of_a_home_are_the_residents_who_live_there() -> None:
    community = read(("roles: [guard]", "roles: [guard], home: a-1"), ("home: a-2, language", "home: a-1, language"))
    homes = {str(home.id): home for home in community.directory.homes.values()}
    assert homes["a-1"] == Home(id=homes["a-1"].id, building="1", floor=2, address="1栋201室", occupants=homes["a-1"].occupants)
    assert homes["a-1"].occupants == ("ann", "bob")
    assert homes["a-2"] == Home(id=homes["a-2"].id)


def test_rules_see_the_same_homes_devices_and_fences_and_every_home_disarmed() -> None:
    community = read()
    premises = community.premises()
    homes = community.directory.homes.values()
    assert premises.homes == {
        ("elm", str(home.id)): HomePlace(id=home.id, building=home.building, floor=home.floor, occupants=home.occupants) for home in homes
    }
    assert (premises.registry.devices, premises.fences) == (community.devices, community.fences)
    assert {premises.mode(one, 0) for one in community.devices} == {Mode.DISARMED}


def test_a_worn_device_belongs_to_its_wearers_home() -> None:
    worn = device(read(), "w-1")
    assert (worn.community_id, worn.kind, worn.wearer, worn.home, worn.sole_occupant) == ("elm", DeviceKind.WEARABLE, "ann", "a-1", None)


def test_a_device_of_a_home_with_one_resident_is_theirs() -> None:
    assert device(read(), "g-1").sole_occupant == "bob"
    assert device(read(("home: a-2, language", "home: a-1, language")), "c-1").sole_occupant is None


def test_where_a_wearable_is_worn_is_unknown_unless_said() -> None:
    assert device(read(), "w-1").placement is Placement.UNKNOWN
    assert device(read(("wearer: ann", "wearer: ann, placement: waist")), "w-1").placement is Placement.WAIST


def test_a_contact_keeps_what_it_covers_and_its_name_elsewhere() -> None:
    contact = device(read(), "c-1")
    assert (contact.covers, contact.source) == (Covers.WINDOW, Source(adapter="zigbee2mqtt", name="hall/window"))
    named = next(one for one in read().directory.devices.values() if one.id == "c-1")
    assert (named.kind, named.home, named.wearer, named.covers) == (DeviceKind.CONTACT, "a-1", None, Covers.WINDOW)


def test_two_devices_of_different_kinds_may_share_a_name_elsewhere() -> None:
    shared = ("kind: motion, home: a-1", "kind: motion, home: a-1, source: {adapter: zigbee2mqtt, name: hall/window}")
    assert device(read(shared), "m-1").source == device(read(shared), "c-1").source


def test_a_pose_hangs_at_two_metres_unless_said_and_its_heading_is_a_compass_bearing() -> None:
    assert device(read(), "r-1").pose == Pose(lon=119.95, lat=31.78, heading_deg=270.0, height_m=2.0)
    assert device(read(("heading_deg: -90", "heading_deg: 360, height_m: 2.5")), "r-1").pose == Pose(
        lon=119.95, lat=31.78, heading_deg=0.0, height_m=2.5
    )


@pytest.mark.parametrize("kind", [kind for kind in DeviceKind if kind not in {DeviceKind.WEARABLE, DeviceKind.TRACKER}])
def test_every_kind_of_device_may_belong_to_a_home(kind: DeviceKind) -> None:
    assert device(read(("kind: motion", f"kind: {kind}")), "m-1").kind is kind


def test_a_line_by_default_protects_its_left_always_against_approach_and_cross_from_two_metres() -> None:
    community = read()
    assert fence(community, "wall") == Fence(
        community_id=community.id,
        id=fence(community, "wall").id,
        kind=FenceKind.LINE,
        home=person(community, "ann").home,
        events=frozenset({EventKind.APPROACH, EventKind.CROSS}),
        modes=None,
        near=Side.LEFT,
        approach_m=2.0,
        path=((119.94997, 31.78), (119.94997, 31.78003)),
    )


def test_a_line_may_say_otherwise() -> None:
    said = "id: wall, near: right, approach_m: 3, modes: [away, night], events: [cross],"
    line = fence(read(("id: wall,", said)), "wall")
    assert (line.near, line.approach_m) == (Side.RIGHT, 3.0)
    assert line.modes == frozenset({Mode.AWAY, Mode.NIGHT})
    assert line.events == {EventKind.CROSS}


def test_an_area_by_default_is_about_every_resident_always_entering_and_leaving() -> None:
    area = fence(read(), "park")
    assert (area.kind, area.home, area.modes, area.path) == (FenceKind.AREA, None, None, ())
    assert area.residents == {"ann", "bob"}
    assert area.events == {EventKind.ENTER, EventKind.EXIT}
    assert area.rings == ((((119.94, 31.77), (119.96, 31.77), (119.96, 31.79), (119.94, 31.77)),),)


@pytest.mark.parametrize(
    ("keys", "residents"), [("home: a-1,", {"ann"}), ("residents: [bob],", {"bob"}), ("home: a-1, residents: [bob],", {"bob"})]
)
def test_an_area_is_about_whom_it_names_else_about_who_lives_in_its_home(keys: str, residents: set[str]) -> None:
    assert fence(read(("id: park,", f"id: park, {keys}")), "park").residents == residents


def test_an_area_may_report_other_kinds() -> None:
    assert fence(read(("id: park,", "id: park, events: [absent, dwell],")), "park").events == {EventKind.ABSENT, EventKind.DWELL}


def test_an_area_may_have_a_hole_and_several_parts() -> None:
    ring, hole = "[[0, 0], [9, 0], [9, 9], [0, 0]]", "[[5, 3], [6, 4], [6, 3], [5, 3]]"
    far = "[[20, 0], [29, 0], [29, 9], [20, 0]]"
    several = read(("type: Polygon", "type: MultiPolygon"), (PARK, f"[[{ring}, {hole}], [{far}]]"))
    assert [len(part) for part in fence(several, "park").rings] == [2, 1]


RING = "[[119.95, 31.78], [119.9501, 31.78], [119.9501, 31.7801], [119.95, 31.7801], [119.95, 31.78]]"
FOOTPRINT = f"footprint: {{type: Polygon, coordinates: [{RING}]}}"
WITH_FOOTPRINT = ("address: 1栋201室}", f"address: 1栋201室, {FOOTPRINT}}}")


@pytest.mark.parametrize(
    ("drawn", "radius_m"),
    [
        ("circle: {center: [119.95, 31.78], radius_m: 50}", 50.0),
        ("rectangle: {center: [119.95, 31.78], length_m: 90, width_m: 60, heading_deg: 30}", 30.0),
        ("corridor: {line: [[119.95, 31.78], [119.96, 31.78]], width_m: 60}", 30.0),
        ("around: a-1, outwards_m: 30", 34.7),
    ],
)
def test_an_area_may_be_drawn_in_other_ways(drawn: str, radius_m: float) -> None:
    park = fence(read(WITH_FOOTPRINT, (PARK_SHAPE, drawn)), "park")
    assert Area.of(park.rings).depth_m == pytest.approx(radius_m, rel=0.02)


def test_a_line_may_go_around_a_footprint_with_the_home_on_its_near_side() -> None:
    line = fence(read(WITH_FOOTPRINT, (WALL_SHAPE, "around: a-1, outwards_m: 2")), "wall")
    assert (line.near, line.path[0]) == (Side.LEFT, line.path[-1])
    assert Area.of((((line.path),),)).depth_m == pytest.approx(4.73 + 2, rel=0.02)


def test_rules_know_the_footprints_of_homes() -> None:
    homes = read(WITH_FOOTPRINT).premises().homes
    assert homes["elm", "a-1"].footprint[0][0][0] == (119.95, 31.78)
    assert homes["elm", "a-1"].building == "1"
    assert homes["elm", "a-2"].footprint == ()


def moved(lon: float, lat: float) -> tuple[float, float]:
    place = Wgs84.of(Datum.GCJ02, lon, lat)
    return float(place.lon_deg), float(place.lat_deg)


def test_what_was_drawn_on_a_chinese_map_becomes_wgs_84() -> None:
    drawn = read(("id: wall,", "id: wall, datum: gcj02,"), ("id: park,", "id: park, datum: gcj02,"), ("-90}", "-90, datum: gcj02}"))
    line, area, pose = fence(drawn, "wall").path, fence(drawn, "park").rings[0][0], device(drawn, "r-1").pose
    assert pose is not None
    assert (pose.lon, pose.lat) == pytest.approx(moved(119.95, 31.78))
    assert [coordinate for vertex in line for coordinate in vertex] == pytest.approx(
        [*moved(119.94997, 31.78), *moved(119.94997, 31.78003)]
    )
    assert area[0] == area[-1] == pytest.approx(moved(119.94, 31.77))
    assert 100 < math.dist(line[0], (119.94997, 31.78)) * 111_195 < 1000
    assert drawn.warnings == (BY_DAY,)


def test_a_roster_has_its_shifts_every_day_unless_they_name_days() -> None:
    shifts = "{responder: cai, days: [sat, sun], from: '00:00', to: '24:00'}"
    community = read(("[{responder: guard,", f"[{shifts}, {{responder: guard,"))
    assert tuple(community.directory.rosters.values()) == (
        Roster(
            id=next(iter(community.directory.rosters)),
            shifts=(
                Shift(
                    responder=person(community, "cai").id,
                    days=frozenset({Weekday.SAT, Weekday.SUN}),
                    since=time(0, 0),
                    until=time(0, 0),
                ),
                Shift(responder=person(community, "guard").id, days=frozenset(Weekday), since=time(20, 0), until=time(8, 0)),
            ),
        ),
    )
    assert list(community.directory.rosters) == ["gate"]


def test_a_policy_is_its_kinds_and_its_steps_without_window_or_repeat_unless_said() -> None:
    distress = policy(read(), EventKind.SOS)
    assert distress == Policy(
        id=distress.id,
        kinds=frozenset({EventKind.FALL, EventKind.SOS}),
        steps=(
            Step(after_s=0, tell=("relatives", "roster:gate"), by=(Channel.SMS,)),
            Step(after_s=60, tell=("hospital",), by=(Channel.VOICE,)),
        ),
        cancel_window_s=0,
        repeat=None,
    )
    assert distress.id == "distress"


def test_a_policy_may_have_a_cancel_window_and_repeat_its_last_step() -> None:
    way = policy(read(("id: way", "id: way\n    cancel_window_s: 30\n    repeat: {every_s: 120, times: 3}")), EventKind.EXIT)
    assert (way.cancel_window_s, way.repeat) == (30, Repeat(every_s=120, times=3))


def test_a_kind_in_no_policy_is_accepted() -> None:
    assert read().directory.policy(EventKind.WANDERING) is None


# What is accepted loudly


@pytest.mark.parametrize(
    ("replacements", "warning"),
    [
        pytest.param(
            [("kinds: [fall, sos]", "kinds: [sos]")],
            "policies: FALL IS IN NO POLICY: falls are shown on the console and told to nobody",
            id="fall in no policy",
        ),
        pytest.param(
            [("tell: [guard]", "tell: [relatives]"), ("of: [ann, bob]", "of: [ann]")],
            "policies[1].steps[0].tell: REACHES NOBODY for exit of bob",
            id="a first step that reaches nobody for one resident",
        ),
        pytest.param(
            [("tell: [guard]", "tell: [occupants]")],
            "policies[1].steps[0].tell: REACHES NOBODY for exit of ann, bob",
            id="occupants of somebody who lives alone",
        ),
        pytest.param(
            [("tell: [guard]", "tell: [ann]")],
            "policies[1].steps[0].tell[0]: ann is nobody who can be told by sms",
            id="somebody without a contact method",
        ),
        pytest.param(
            [("roles: [hospital]", "roles: [officer]")],
            "policies[0].steps[1].tell[0]: hospital is nobody who can be told by voice",
            id="no hospital",
        ),
        pytest.param(
            [(CAI_PHONE, '"+8610000000000"')],
            "people[2].phone: '+8610000000000' is possible, but in no numbering plan: is it right?",
            id="a number of no numbering plan",
        ),
        pytest.param(
            [(", roles: [resident], home: a-1", ", roles: [resident]")],
            "people[0]: ann is a resident without a home: no address can be told",
            id="a resident without a home",
        ),
        pytest.param(
            [("roles: [guard]", "roles: [guard, relative]")],
            "people[3]: guard is a relative of nobody, and never told as one",
            id="of nobody",
        ),
        pytest.param(
            [("kind: motion, home: a-1", "kind: motion")],
            "devices[4]: m-1 has no home, so no rule can judge what it sees",
            id="a sensor without a home",
        ),
        pytest.param(
            [("kind: motion, home: a-1", "kind: button, home: a-2"), ("home: a-2, language", "home: a-1, language")],
            "devices[4]: m-1 has no wearer and its home has 0 residents, so nobody can say whose alarm it sends",
            id="a button of nobody",
        ),
        pytest.param([("{id: a-2}", "{id: a-2}\n  - {id: m-1}")], "devices[4].id: 'm-1' is an id in homes too", id="one id for two"),
        pytest.param(
            [(", pose: {lon: 119.95, lat: 31.78, heading_deg: -90}", "")],
            "geofences[0]: wall is watched by nothing: a-1 has no radar or camera with a pose",
            id="a line without a radar",
        ),
        pytest.param(
            [("kind: radar, home: a-1", "kind: radar, home: a-2")],
            "geofences[0]: wall is watched by nothing: a-1 has no radar or camera with a pose",
            id="a line whose only radar is another home's",
        ),
        pytest.param(
            [("lat: 31.78, heading", "lat: 31.7802, heading")],
            "geofences[0]: wall is out of sight of the radars and cameras of a-1, all of it: radars see 6 m far and 60 degrees to either",
            id="a line out of reach",
        ),
        pytest.param(
            [("heading_deg: -90", "heading_deg: -135")],
            "geofences[0]: wall is out of sight of the radars and cameras of a-1, 77 % of it",
            id="a line that a radar looks past",
        ),
        pytest.param(
            [("id: wall,", "id: wall, floor: 3,")],
            "geofences[0]: wall is on floor 3, and a-1 with its radars on another",
            id="a line on another floor",
        ),
        pytest.param(
            [("kind: tracker", "kind: button"), ("kind: wearable", "kind: button")],
            "geofences[1]: park concerns residents of whom none has a tracker or a wearable: nobody's way is known",
            id="an area of residents without a tracker",
        ),
        pytest.param(
            [("id: park,", "id: park, home: a-2,"), ("home: a-2, language", "home: a-1, language")],
            "geofences[1]: park concerns no resident",
            id="an area of nobody",
        ),
        pytest.param(
            [(PARK, "[[[119.95, 31.78], [119.9501, 31.78], [119.9501, 31.7801], [119.95, 31.78]]]")],
            "geofences[1]: park is about 6.0 m wide, too small for a wearable (accurate to about 7.5 m): it will be late or silent, wanted",
            id="an area narrower than a fix is sure",
        ),
        pytest.param(
            [(PARK, "[[[119.95, 31.78], [119.96, 31.78], [119.96, 31.79]]]")],
            "geofences[1].geometry.coordinates[0]: was not closed: repaired",
            id="a ring that is not closed",
        ),
        pytest.param(
            [("id: park,", "id: park, modes: [away],")],
            "geofences[1].modes: park has modes but no home to be in them",
            id="modes of no home",
        ),
        pytest.param(
            [("id: wall,", "id: wall, max_gap_s: 10,")],
            "geofences[0].max_gap_s: wall asks for 10 s; the paths of what a radar sees are followed over 3 s at most",
            id="a longer gap than a path has",
        ),
    ],
)
def test_what_will_not_work_is_accepted_with_a_warning(replacements: list[tuple[str, str]], warning: str) -> None:
    assert any(one.startswith(warning) for one in read(*replacements).warnings)


@pytest.mark.parametrize(
    ("replacements", "where", "said"),
    [
        pytest.param([("kinds: [fall, sos]", "kinds: [fall]")], "line 22: policies", "sos is in no policy", id="in no policy"),
        pytest.param(
            [(FIRST_STEP, "tell: [hospital], by: [sms]"), ('[hospital], phone: "+8651900000000"', "[hospital]")],
            "line 26: policies[0].steps[0].tell",
            "reaches nobody for an sos of ann, bob",
            id="a step that tells somebody without a phone",
        ),
        pytest.param(
            [(FIRST_STEP, "tell: [relatives], by: [sms]"), ("of: [ann, bob]", "of: [ann]")],
            "line 26: policies[0].steps[0].tell",
            "reaches nobody for an sos of bob, wanted somebody with a phone or another contact method",
            id="a step that tells the relatives of another",
        ),
    ],
)
def test_an_sos_that_would_reach_nobody_is_a_mistake(replacements: list[tuple[str, str]], where: str, said: str) -> None:
    error = refused(changed(*replacements))
    assert error.where == where
    assert said in error.what


def test_an_sos_to_nobody_is_no_matter_where_nobody_lives() -> None:
    assert parse("community: {id: elm, name: 榆园, timezone: Asia/Shanghai}\nhomes: [{id: a-1}]\n", "elm.yaml").warnings == ()


@pytest.mark.parametrize(
    "replacements",
    [
        pytest.param([(FIRST_STEP, "tell: [hospital], by: [sms]")], id="an SMS to a fixed line becomes a call"),
        pytest.param([(FIRST_STEP, "tell: [neighbours], by: [sms]")], id="neighbours"),
        pytest.param([(FIRST_STEP, "tell: [guard], by: [voice]")], id="a person"),
        pytest.param([(FIRST_STEP, "tell: [ann, cai], by: [sms]")], id="one of two"),
        pytest.param(
            [
                (FIRST_STEP, "tell: [occupants], by: [sms]"),
                (ANN, ANN.replace("}", ', phone: "+8613800000003"}')),
                ("home: a-2, language: en", 'home: a-1, phone: "+8613800000004"'),
            ],
            id="who lives with them",
        ),
    ],
)
def test_an_sos_that_reaches_somebody_is_no_mistake(replacements: list[tuple[str, str]]) -> None:
    assert policy(read(*replacements), EventKind.SOS).id == "distress"


def test_a_possible_number_of_no_plan_is_kept_and_used() -> None:
    cai = person(read((CAI_PHONE, '"+447700900001"')), "cai")
    assert (cai.phone_e164, cai.channels) == ("+447700900001", (Channel.SMS, Channel.VOICE))


# Any file

DOCUMENT: dict[str, Any] = {
    "community": {"id": "elm", "name": "榆园", "timezone": "Asia/Shanghai", "language": "zh"},
    "homes": [{"id": "a-1", "floor": 2, "footprint": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]}}],
    "people": [
        {"id": "ann", "name": "Ann", "roles": ["resident"], "home": "a-1"},
        {"id": "cai", "name": "Cai", "roles": ["relative"], "of": ["ann"], "phone": "+8613800000001", "contacts": [{"push": "token"}]},
    ],
    "devices": [
        {"id": "w-1", "kind": "wearable", "wearer": "ann", "placement": "wrist"},
        {"id": "r-1", "kind": "radar", "home": "a-1", "pose": {"lon": 1, "lat": 2, "heading_deg": 3, "height_m": 2}},
        {"id": "c-1", "kind": "contact", "home": "a-1", "covers": "door", "source": {"adapter": "zigbee2mqtt", "name": "x"}},
    ],
    "geofences": [
        {
            "id": "wall",
            "kind": "line",
            "home": "a-1",
            "geometry": {"type": "LineString", "coordinates": [[0, 0], [1, 0]], "bbox": [0, 0, 1, 0]},
        },
        {
            "id": "park",
            "kind": "area",
            "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]]},
            "modes": ["away"],
        },
    ],
    "rosters": [{"id": "gate", "shifts": [{"responder": "cai", "days": ["mon"], "from": "20:00", "to": "08:00"}]}],
    "policies": [
        {
            "id": "distress",
            "kinds": ["fall", "sos"],
            "cancel_window_s": 30,
            "steps": [{"after_s": 0, "tell": ["relatives", "roster:gate"], "by": ["sms"]}],
            "repeat": {"every_s": 60, "times": 3},
        }
    ],
}

Place = tuple[str | int, ...]


def places(value: Any, path: Place = ()) -> list[Place]:
    """Where every value of a document stands."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, child in below for place in places(child, (*path, key)))]


def put(document: Any, place: Place, value: Any) -> None:
    *way, last = place
    for key in way:
        document = document[key]
    document[last] = value


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**400, -(10**400)])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["ann", "cai", "a-1", "gate", "sos", "sms", "resident", "Polygon", "24:00", "+8613800000001", "\ud800"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "coordinates", "x", "\ud800"]), inner),
    max_leaves=5,
)


@settings(deadline=None, max_examples=300)
@given(place=st.sampled_from(places(DOCUMENT)[1:]), value=ANYTHING)
def test_any_value_anywhere_is_a_community_or_one_line_that_names_a_path(place: Place, value: Any) -> None:
    document = copy.deepcopy(DOCUMENT)
    put(document, place, value)
    try:
        parse(json.dumps(document), "elm.json")
    except InputError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017  either outcome is right
        assert error.where  # noqa: PT017
        assert str(error).encode()  # noqa: PT017  it can be printed
