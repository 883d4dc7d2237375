"""A capture and its community file without personal data: nobody can read out of it who it was, where, or how they are reached.

Only what is known to say nothing of anybody is kept; everything else goes: words that people wrote, addresses, accounts. Ids and names
become numbers, telephones others of their country and kind, codes others, and everything lies at another point of the Earth, as far from
everything else as before. Messages are written as native ones, whatever they came as, and hold what is understood of them and no more; what
is set aside goes. When it happened stays: rules go by the clock and the calendar.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import phonenumbers

from devices.decode import Decoder
from devices.model import Device, Message, PersonId, Registry, Rejected, SensorKind
from devices.sensors.button import Press
from devices.topics import ROOT
from geofence.datum import Datum, Wgs84
from geofence.frames import Frame
from incidents.audience import ROSTER
from incidents.directory import Channel
from rules.home import codes
from rules.kinds import Mode
from rules.premises import Codes
from store import community
from store.references import TELL_WORDS

NOWHERE = "somewhere"
ELSEWHERE = Frame.at(0.0, 45.0)
"""Where everything is laid: where no Chinese map shifts anything."""
NOBODYS_CODE = "0000"

Line = dict[str, Any]
_SECTIONS = {
    "homes": "home",
    "people": "person",
    "devices": "device",
    "geofences": "fence",
    "rosters": "roster",
    "policies": "policy",
    "rules": "rule",
}
_WORDS = frozenset(
    {
        "kind",
        "roles",
        "placement",
        "covers",
        "language",
        "timezone",
        "calendar",
        "days",
        "date",
        "at",
        "from",
        "to",
        "since",
        "until",
        "mode",
        "modes",
        "events",
        "state",
        "match",
        "severity",
        "kinds",
        "near",
        "why",
        "recovered",
        "daily",
        "day_after_at",
        "type",
        "guards",
        "by",
    }
)
"""Keys whose words are the schema's own, or times."""
_IDS = frozenset(
    {
        "id",
        "home",
        "wearer",
        "of",
        "by",
        "responder",
        "responders",
        "device",
        "via",
        "around",
        "residents",
        "policy",
        "replaces",
        "decided_by",
        "added_by",
        "order",
        "without",
    }
)
_SECRETS = frozenset({"credentials", "code", "duress_code", "phone", "email", "push", "apprise", "webhook", "source"})
_PLACES = frozenset({"coordinates", "center", "line", "ground"})
_READ = frozenset(
    {
        "t",
        "rate_hz",
        "unit",
        "xyz",
        "gyro_dps",
        "x_m",
        "y_m",
        "speed_mps",
        "accuracy_m",
        "heading_deg",
        "open",
        "motion",
        "pressed",
        "water_l",
        "electricity_wh",
        "battery_percent",
        "online",
        "tamper",
        "battery_low",
        "mode",
    }
)
"""What payloads may say."""
_SAID = frozenset({"g", "m/s2", *(one.name.lower() for one in Press), *Mode})
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]{5,20}(Z|[+-]\d\d:?\d\d)")
_PACKED = b"A1"
_WHO = ("by", "to", "subject", "home", "resident")
_HOW = ("do", "eta_min", "story", "mode", "duress", "channel", "status", "code", "minutes", "life", "away")


@dataclass(slots=True)
class _Renamed:
    """What old words have become: the same the same, another another."""

    words: dict[str, str] = field(default_factory=dict)
    _numbers: dict[str, Iterator[int]] = field(default_factory=dict)

    def new(self, old: str, kind: str) -> str:
        """The word of this kind for an old one."""
        if old not in self.words:
            self.words[old] = f"{kind}-{self.number(kind)}"
        return self.words[old]

    def number(self, kind: str) -> int:
        """The next of a kind, from 1."""
        return next(self._numbers.setdefault(kind, count(1)))


class Anonymous:
    """Takes personal data out of a capture's lines.

    Parameters
    ----------
    document
        The community's file at the capture's beginning, JSON.
    home
        Only what is about this home and who lives there stays; "" for all.

    Attributes
    ----------
    document : str
        The file without personal data.
    """

    def __init__(self, document: str, *, home: str = "") -> None:
        self._ids, self._phones, self._tracked = _Renamed(), _Renamed(), _Renamed()
        self._home = home
        self._frame: Frame | None = None
        self._codes: dict[PersonId, Codes] = {}
        self._new_codes: dict[tuple[PersonId, bool], str] = {}
        self._registry: Registry
        self._decoder: Decoder
        self._about: frozenset[str] = frozenset()
        self._seq = count()
        self.document = json.dumps(self._configured(json.loads(document)), ensure_ascii=False)

    def lines(self, line: Line) -> Iterator[Line]:
        """What is left of a line; nothing, where it is about somebody who is in no file."""
        at = {"at": line["at"]}
        if "topic" in line:
            yield from (at | one for one in self._messages(line))
        elif "community" in line:
            yield at | {"community": self._configured(line["community"])}
        elif part := next((name for name in ("act", "mode", "receipt", "silence", "drill") if name in line), None):
            said = line[part]
            who = {key: said[key] for key in _WHO if key in said}
            if all(one in self._ids.words for one in who.values()) and self._concerns(said):
                kept = {key: self._ids.words[one] for key, one in who.items()} | {key: said[key] for key in _HOW if key in said}
                yield at | {part: kept | ({"reason": "…"} if part == "silence" else {})}
        else:
            yield {key: line[key] for key in ("at", "carrier", "acceleration") if key in line}

    def _concerns(self, said: Mapping[str, Any]) -> bool:
        """Whether something is about the home that is wanted."""
        return not self._home or any(said.get(key) in self._about for key in ("subject", "home", "resident"))

    # --- Messages

    def _messages(self, line: Line) -> Iterator[Line]:
        payload = bytes(line["payload"]) if "payload" in line else base64.b64decode(line["payload_b64"])
        routed = self._decoder.route(line["topic"], payload, 0, next(self._seq), retained=line.get("retained", False))
        for message in () if isinstance(routed, Rejected) else routed:
            device = self._registry[message.device]
            if self._home and device.id not in self._about:
                continue
            body = self._payload(message, device)
            if body is not None:
                retained = {"retained": True} if message.retained else {}
                yield {"topic": f"{ROOT}/{NOWHERE}/{self._ids.words[device.id]}/{message.kind}"} | retained | body

    def _payload(self, message: Message, device: Device) -> Line | None:
        if message.kind is SensorKind.ACCELERATION and message.payload.startswith(_PACKED):
            return {"payload_b64": base64.b64encode(message.payload).decode()}
        try:
            said = json.loads(message.payload)
        except (ValueError, RecursionError):
            return None
        if not isinstance(said, dict):
            return None
        kept = {key: value for key, value in said.items() if key in _READ and _is_plain(key, value)}
        if message.kind is SensorKind.TARGETS and isinstance(said.get("targets"), list):
            kept["targets"] = [self._target(one, device) for one in said["targets"] if isinstance(one, dict)]
        if message.kind is SensorKind.POSITION:
            lon, lat, datum = (said.get(key) for key in ("lon", "lat", "datum"))
            if not isinstance(lon, int | float) or not isinstance(lat, int | float) or datum not in {None, *Datum}:
                return None
            kept["lon"], kept["lat"] = self._moved(lon, lat, Datum(datum or Datum.WGS84))
        if message.kind is SensorKind.KEYPAD:
            kept["code"] = self._typed(str(said.get("code")))
        return {"payload": kept}

    def _target(self, one: Mapping[str, Any], device: Device) -> dict[str, Any]:
        kept = {key: value for key, value in one.items() if key in _READ and isinstance(value, int | float)}
        return kept | ({"id": self._tracked.new(f"{device.id}/{one['id']}", "seen")} if "id" in one else {})

    def _typed(self, code: str) -> str:
        """The new code for one that was somebody's; else one that is nobody's."""
        known = codes.whose(code, self._codes)
        return NOBODYS_CODE if known is None else self._new_codes[known]

    # --- The community's file

    def _configured(self, said: dict[str, Any]) -> dict[str, Any]:
        """A file without personal data; what comes from now on is understood by it."""
        text = json.dumps(said)
        self._registry = community.parse(text, "the community").premises().registry
        self._decoder = Decoder(self._registry)
        self._ids.words[said["community"]["id"]] = NOWHERE
        for section, word in _SECTIONS.items():
            for one in said.get(section) or ():
                self._ids.new(one["id"], word)
        self._note_codes(said)
        if self._home:
            here = {one["id"] for one in said.get("people") or () if one.get("home") == self._home}
            worn = {one["id"] for one in said.get("devices") or () if one.get("home") == self._home or one.get("wearer") in here}
            self._about = frozenset({self._home, *here, *worn})
        made = self._cleaned(said, Datum.WGS84)
        made["community"] |= {"id": NOWHERE, "name": "Somewhere"}
        return made

    def _note_codes(self, said: Mapping[str, Any]) -> None:
        for one in said.get("people") or ():
            person = PersonId(one["id"])
            self._codes[person] = Codes(code=one.get("code") or "", duress=one.get("duress_code") or "")
            for is_duress in (False, True):
                if (person, is_duress) not in self._new_codes:
                    self._new_codes[person, is_duress] = f"{1000 + self._ids.number('code')}"

    def _cleaned(self, said: Mapping[str, Any], datum: Datum) -> dict[str, Any]:
        datum = Datum(said.get("datum") or datum)
        made: dict[str, Any] = {}
        for key, value in said.items():
            if key in _PLACES and isinstance(value, list):
                made[key] = self._laid(value, datum)
            elif key == "tell":
                made[key] = [new for one in value if (new := self._told(one))]
            elif key in _SECRETS:
                made |= self._secret(key, value, said)
            elif (kept := self._kept(key, value, Datum.WGS84 if key == "plan" else datum)) is not None:
                made[key] = kept
        if {"lon", "lat"} <= said.keys():
            made["lon"], made["lat"] = self._moved(said["lon"], said["lat"], datum)
        if isinstance(said.get("name"), str):
            made["name"] = self._ids.words.get(said.get("id", ""), "somebody").replace("-", " ").capitalize()
        return made

    def _kept(self, key: str, value: Any, datum: Datum) -> Any:  # noqa: ANN401  a value of JSON has any type
        """What may stay of a value; None for nothing."""
        if isinstance(value, dict):
            return self._cleaned(value, datum)
        if isinstance(value, list):
            return [kept for one in value if (kept := self._kept(key, one, datum)) is not None]
        if isinstance(value, bool | int | float):
            return value
        if not isinstance(value, str):
            return None
        if key in _IDS and (key != "by" or value not in set(Channel)):
            return self._ids.new(value, "part")
        if key == "building":
            return self._ids.new(f"building {value}", "building")
        return value if key in _WORDS else None

    def _told(self, who: str) -> str | None:
        if who in TELL_WORDS:
            return who
        of_roster = who.removeprefix(ROSTER)
        new = self._ids.words.get(of_roster)
        return new and (ROSTER + new if who.startswith(ROSTER) else new)

    def _secret(self, key: str, value: Any, said: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401  a value of JSON has any type
        if key in {"code", "duress_code"} and value:
            new = self._new_codes[PersonId(said["id"]), key == "duress_code"]
            return {key: codes.digest(new, int(new).to_bytes(16, "big"))}
        if key == "phone" and value:
            return {key: self._phone(value)}
        if key == "push" and isinstance(value, list):
            return {key: [self._phones.new(one, "push") for one in value]}
        made = {"push": "{}", "email": "{}@example.org", "apprise": "json://example.org/{}", "webhook": "https://example.org/{}"}
        return {key: made[key].format(self._phones.new(value, key))} if key in made and isinstance(value, str) else {}

    def _phone(self, e164: str) -> str:
        """Another number of its country, of its kind where that is known."""
        if e164 not in self._phones.words:
            number = phonenumbers.parse(e164)
            region = phonenumbers.region_code_for_number(number) or "CN"
            example = phonenumbers.example_number_for_type(region, phonenumbers.number_type(number)) or phonenumbers.example_number(region)
            last = f"{self._phones.number('phone'):04d}"
            made = phonenumbers.format_number(example or number, phonenumbers.PhoneNumberFormat.E164)
            self._phones.words[e164] = made[: -len(last)] + last
        return self._phones.words[e164]

    # --- Places

    def _laid(self, places: list[Any], datum: Datum) -> list[Any]:
        if places and not isinstance(places[0], list):
            return [*self._moved(places[0], places[1], datum), *places[2:]]
        return [self._laid(one, datum) for one in places]

    def _moved(self, lon_deg: float, lat_deg: float, datum: Datum) -> tuple[float, float]:
        place = Wgs84.of(datum, [lon_deg], [lat_deg])
        self._frame = self._frame or Frame.at(float(place.lon_deg[0]), float(place.lat_deg[0]))
        there = ELSEWHERE.wgs84(self._frame.metres(place.lon_deg, place.lat_deg))
        return round(float(there.lon_deg[0]), 9), round(float(there.lat_deg[0]), 9)


def _is_plain(key: str, value: Any) -> bool:  # noqa: ANN401  a value of JSON has any type
    """Whether a reading's value is numbers, or words of ours."""
    if key == "t":
        return not isinstance(value, str) or _TIME.fullmatch(value) is not None
    if isinstance(value, str):
        return value in _SAID
    if isinstance(value, list):
        return all(isinstance(each, int | float) for one in value for each in (one if isinstance(one, list) else (one,)))
    return value is None or isinstance(value, bool | int | float)
