"""Community file as people write it: every key, its type, its range. What keys mean together is judged by `store.community`."""

import math
import re
import unicodedata
from datetime import UTC, date, datetime
from difflib import get_close_matches
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

import shapely
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, ValidationError, model_validator
from pydantic_core import ErrorDetails

from devices.model import Covers, DeviceKind, Placement
from geofence.datum import Datum
from incidents.directory import Channel, Language, Recovery, Role, Severity, VisitorKind
from rules.kinds import EventKind, Mode
from rules.premises import FenceKind, Match, SensorState, Side
from store.document import KeyPath, Plain, shown
from store.model import OpeningKind

_ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_MAX_WAIT_S = 30 * 24 * 3600
_MAX_REPEATS = 1000
_MAX_DELAY_S = 600
_MAX_OPEN_MIN = 24 * 60
_MAX_DWELL_MIN = 7 * 24 * 60
_MAX_FOR_S = 24 * 3600
_MAX_FLOOR_M = 200.0
_MIN_ROOM_M2 = 0.25
_MIN_OPENING_M = 0.2
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})


def _id(value: object) -> object:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"{shown(value)} is a number without quotes, wanted an id in quotes")  # noqa: TRY004  pydantic collects ValueErrors
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError(f"{shown(value)} is no id, wanted a-z, 0-9 and hyphens, at most 63, a letter or digit first")
    return str(value)


def _quoted(value: object) -> object:
    if isinstance(value, Plain | int | float) and not isinstance(value, bool):
        raise ValueError(f"{shown(value)} stands without quotes, wanted it in quotes")  # noqa: TRY004  pydantic collects ValueErrors
    return value


def _text(value: str) -> str:
    if not value.strip():
        raise ValueError("is blank, wanted words")
    if any(unicodedata.category(character) in _UNPRINTABLE for character in value):
        raise ValueError(f"{shown(value)} holds a control character, wanted one line of text")
    return value.strip()


def _secret(value: str) -> str:
    """Text that no error repeats."""
    if not value.strip() or any(unicodedata.category(character) in _UNPRINTABLE for character in value):
        raise ValueError("is blank or holds a control character, wanted one line of text")
    return value.strip()


def _clock(value: str) -> str:
    if not _CLOCK.fullmatch(value):
        raise ValueError(f'{shown(value)} is no time of day, wanted "00:00" to "24:00"')
    return value


def _time_of_day(value: str) -> str:
    if value == "24:00" or not _CLOCK.fullmatch(value):
        raise ValueError(f'{shown(value)} is no time of day, wanted "00:00" to "23:59"')
    return value


def _date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError(f'{shown(value)} is no date, wanted such as "2026-10-01"') from None
    return value


def _moment(value: str) -> str:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        at = None
    if at is None or at.tzinfo != UTC:
        raise ValueError(f'{shown(value)} is no time, wanted UTC such as "2026-10-01T08:00:00+00:00"')
    return value


def _pair(value: object) -> tuple[float, float]:
    numbers = [one for one in value if isinstance(one, int | float) and not isinstance(one, bool)] if isinstance(value, list) else []
    if not isinstance(value, list) or len(value) != 2 or len(numbers) != 2 or not all(map(math.isfinite, numbers)):  # noqa: PLR2004  a pair
        raise ValueError(f"{shown(value)} is no point, wanted two numbers")
    return (float(numbers[0]), float(numbers[1]))


def _on_floor(value: object) -> tuple[float, float]:
    x_m, y_m = _pair(value)
    if max(abs(x_m), abs(y_m)) > _MAX_FLOOR_M:
        raise ValueError(f"{x_m:g}, {y_m:g} is further than {_MAX_FLOOR_M:g} m from the origin")
    return x_m, y_m


def _outline(corners: list[tuple[float, float]]) -> list[tuple[float, float]]:
    room = shapely.Polygon(corners)
    if not room.is_valid or room.area < _MIN_ROOM_M2:
        raise ValueError(f"is no room: its walls cross, or it is smaller than {_MIN_ROOM_M2:g} m2")
    return corners


def _apart(ends: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if math.dist(*ends) < _MIN_OPENING_M:
        raise ValueError(f"is {math.dist(*ends):g} m wide, wanted at least {_MIN_OPENING_M:g} m")
    return ends


def _or_empty(value: object) -> object:
    """An empty list where a key stands with all its entries commented out."""
    return [] if value is None else value


Id = Annotated[str, BeforeValidator(_id)]
Text = Annotated[str, Field(max_length=200), AfterValidator(_text)]
Phone = Annotated[str, Field(max_length=40), BeforeValidator(_quoted)]
Clock = Annotated[str, BeforeValidator(_quoted), AfterValidator(_clock)]
TimeOfDay = Annotated[str, BeforeValidator(_quoted), AfterValidator(_time_of_day)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Floor = Annotated[int, Field(ge=-20, le=300)]
Digest = Annotated[str, Field(pattern=r"^scrypt:[0-9a-f]{32}:[0-9a-f]{64}$")]
DayOfWeek = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Day = Literal[DayOfWeek, "workday", "holiday"]
Date = Annotated[str, BeforeValidator(_quoted), AfterValidator(_date)]
Moment = Annotated[str, BeforeValidator(_quoted), AfterValidator(_moment)]
Pair = Annotated[tuple[float, float], PlainValidator(_pair)]
RuleName = Annotated[Text, Field(max_length=40)]
DatumWord = Annotated[Datum, Field(strict=False)]
LanguageWord = Annotated[Language, Field(strict=False)]


class _Said(BaseModel):
    """Base of everything in the file: no unknown keys, no guessing of types."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    def said(self, key: str) -> bool:
        """Whether the file names this key, rather than leaving it to its default."""
        return key in self.model_fields_set


class _Drawn(_Said):
    """Base of what has a shape: it is kept with the datum that it was drawn in, whether the file names that or leaves it to its default."""

    datum: DatumWord = Datum.WGS84

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self._is_drawn:
            self.model_fields_set.add("datum")
        return self

    @property
    def _is_drawn(self) -> bool:
        return True


class NightSaid(_Said):
    """What is night."""

    since: Clock = Field(alias="from")
    to: Clock


class ChangedSaid(_Said):
    """Who made this version of the community in the app, and when: it is of no other version, and no file has it."""

    by: Id
    at: Moment


class CommunityHead(_Said):
    """What the community is called, where its clocks stand, and whose public holidays it keeps (ISO 3166 country, such as CN)."""

    id: Id
    name: Text
    timezone: Text
    language: LanguageWord = Language.ZH
    night: NightSaid | None = None
    calendar: Annotated[Text, Field(pattern=r"^[A-Z]{2}$")] | None = None
    changed: ChangedSaid | None = None


class ArmingSaid(_Said):
    """How a home is guarded."""

    exit_delay_s: Annotated[int, Field(ge=0, le=_MAX_DELAY_S)] = 0
    entry_delay_s: Annotated[int, Field(ge=0, le=_MAX_DELAY_S)] = 0
    confirm_s: Annotated[int, Field(ge=0, le=_MAX_DELAY_S)] = 0
    arms_when_closed: bool = False


MOST_PLANNED = 28
"""Times at which a home's mode changes by itself."""


class PlannedSaid(_Said):
    """A mode that a home is put into at a time of day, on days of the week."""

    at: TimeOfDay
    mode: Annotated[Mode, Field(strict=False)]
    days: Annotated[list[DayOfWeek], Field(min_length=1)] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


MOST_VISITORS = 10
LONGEST_VISIT_H = 12


class VisitorSaid(_Said):
    """Somebody who is known to come to a home, from a time of day to another, on days of the week, until a last day."""

    name: Annotated[Text, Field(min_length=1, max_length=40)]
    kind: Annotated[VisitorKind, Field(strict=False)]
    since: TimeOfDay = Field(alias="from")
    to: TimeOfDay
    days: Annotated[list[DayOfWeek], Field(min_length=1)] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    until: Date | None = None

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        minutes = [int(one[:2]) * 60 + int(one[3:]) for one in (self.since, self.to)]
        lasts_min = (minutes[1] - minutes[0]) % (24 * 60) or 24 * 60
        if lasts_min > LONGEST_VISIT_H * 60:
            raise ValueError(f"lasts {lasts_min / 60:g} hours from {self.since} to {self.to}, wanted at most {LONGEST_VISIT_H}")
        return self


VisitorsSaid = Annotated[list[VisitorSaid], Field(max_length=MOST_VISITORS)]


ScheduleSaid = Annotated[list[PlannedSaid], Field(max_length=MOST_PLANNED)]


Spot = Annotated[Any, PlainValidator(_on_floor)]
"""Metres on a home's floor: to the right, and ahead."""


class RoomSaid(_Said):
    """A room: its corners, of which the last is joined to the first."""

    id: Id
    name: Annotated[Text, Field(max_length=40)]
    outline: Annotated[list[Spot], Field(min_length=3, max_length=60), AfterValidator(_outline)]


class OpeningSaid(_Said):
    """A window or a door in a wall, from one end to the other; `device`: the contact sensor on it."""

    id: Id
    kind: Annotated[OpeningKind, Field(strict=False)]
    ends: Annotated[list[Spot], Field(min_length=2, max_length=2), AfterValidator(_apart)]
    device: Id | None = None


class FloorSaid(_Said):
    """A home's floor plan, in metres to the right and ahead of an origin, WGS 84; ahead is to `heading_deg`."""

    lon: Longitude
    lat: Latitude
    heading_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0
    rooms: Annotated[list[RoomSaid], Field(max_length=40)] = []
    openings: Annotated[list[OpeningSaid], Field(max_length=80)] = []
    by: Id | None = None


class HomeChosenSaid(_Said):
    """What a household chose for its home in the app, or drew of it: it goes before what the file says, and an import keeps it.

    `without`: who is no relative or neighbour of those who live there any more, whatever the file says.
    """

    schedule: ScheduleSaid | None = None
    visitors: VisitorsSaid | None = None
    order: Annotated[list[Id], Field(max_length=40)] = []
    without: Annotated[list[Id], Field(max_length=200)] = []
    plan: FloorSaid | None = None


class HomeSaid(_Drawn):
    """A dwelling; `datum` is that of its footprint."""

    id: Id
    building: Text = ""
    floor: Floor | None = None
    address: Text | None = None
    access: Text | None = None
    footprint: dict[str, Any] | None = None
    arming: ArmingSaid | None = None
    schedule: ScheduleSaid = []
    visitors: VisitorsSaid = []
    plan: FloorSaid | None = None
    chosen: HomeChosenSaid | None = None

    @property
    def planned(self) -> list[PlannedSaid]:
        """When its mode changes by itself, as the household chose it, else as the file says."""
        chosen = None if self.chosen is None else self.chosen.schedule
        return self.schedule if chosen is None else chosen

    @property
    def expected(self) -> list[VisitorSaid]:
        """Who is known to come, as the household chose it, else as the file says."""
        chosen = None if self.chosen is None else self.chosen.visitors
        return self.visitors if chosen is None else chosen

    @property
    def _is_drawn(self) -> bool:
        return self.footprint is not None

    @property
    def floor_plan(self) -> FloorSaid | None:
        """The plan that holds."""
        return self.chosen.plan if self.chosen is not None and self.chosen.plan is not None else self.plan


MOST_PUSH = 5
"""Telephones and browsers that one person gets push messages on."""


Mail = Annotated[Text, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


class ContactSaid(_Said):
    """One further way to reach a person."""

    push: Annotated[str, Field(max_length=2000), AfterValidator(_secret)] | None = None
    email: Mail | None = None
    apprise: Annotated[str, Field(max_length=1000, pattern=r"^[A-Za-z0-9+.-]+:(//)?\S"), AfterValidator(_secret)] | None = None
    webhook: Annotated[str, Field(max_length=1000, pattern=r"^https?://[^\s/]"), AfterValidator(_secret)] | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self._methods) != 1:
            raise ValueError(f"holds {len(self._methods)} contact methods, wanted one of push, email, apprise, webhook")
        return self

    @property
    def _methods(self) -> list[str]:
        """Keys that stand with an address; a key without one reaches nobody."""
        return [key for key, address in self if address is not None]

    @property
    def channel(self) -> Channel:
        """The channel this contact method is for."""
        return Channel(self._methods[0])

    @property
    def address(self) -> str:
        """Where it reaches the person."""
        return str(getattr(self, self._methods[0]))


class CareSaid(_Said):
    """What is watched over of a resident."""

    inactivity: bool | None = None
    no_return: bool | None = None
    wandering: bool | None = None
    quiet_least_h: Annotated[float, Field(ge=0.5, le=72)] | None = None
    quiet_most_h: Annotated[float, Field(ge=1, le=168)] | None = None
    back_night_min: Annotated[int, Field(ge=5, le=720)] | None = None
    back_day_h: Annotated[float, Field(ge=0.5, le=168)] | None = None


class QuietSaid(_Said):
    """When somebody is not to be disturbed with what can wait."""

    since: Clock = Field(alias="from")
    to: Clock


class ChosenSaid(_Said):
    """What somebody chose for themselves in the app: it goes before what the file says, and an import leaves it as it is."""

    language: LanguageWord | None = None
    quiet: QuietSaid | None = None
    daily: TimeOfDay | None = None
    day_after: bool = False
    day_after_at: TimeOfDay | None = None
    push: Annotated[list[Annotated[str, Field(max_length=2000), AfterValidator(_secret)]], Field(max_length=MOST_PUSH)] = []
    phone: Phone | None = None
    email: Mail | None = None


class Departure(StrEnum):
    """Why somebody who was looked after is not there any more; a stored value is never renamed."""

    MOVED = "moved"
    DIED = "died"


class LeftSaid(_Said):
    """That somebody is not there any more, since when, and why; `erased`: their name is forgotten too."""

    at: Moment
    why: Annotated[Departure, Field(strict=False)]
    erased: bool = False


class PersonSaid(_Said):
    """Anybody the community knows. `code` and `duress_code` are what `anju code` prints; `timezone` is the person's own.

    `added_by`: who added them in the app; no file has them.
    """

    id: Id
    name: Text
    roles: Annotated[list[Annotated[Role, Field(strict=False)]], Field(min_length=1)]
    home: Id | None = None
    of: list[Id] = []
    since: Date | None = None
    until: Date | None = None
    left: LeftSaid | None = None
    language: LanguageWord | None = None
    phone: Phone | None = None
    contacts: list[ContactSaid] = []
    timezone: Text | None = None
    quiet: QuietSaid | None = None
    chosen: ChosenSaid | None = None
    added_by: Id | None = None
    care: CareSaid | None = None
    cancel_window_s: Annotated[int, Field(ge=0, le=600)] | None = None
    recovered: Annotated[Recovery, Field(strict=False)] | None = None
    code: Digest | None = None
    duress_code: Digest | None = None


class PoseSaid(_Drawn):
    """Where a radar hangs and looks."""

    lon: Longitude
    lat: Latitude
    heading_deg: Annotated[float, Field(ge=-360, le=360)]
    height_m: Annotated[float, Field(gt=0, le=100)] = 2.0


class CredentialsSaid(_Said):
    """Who made a device's credentials in the app and when, or ended them: never the credentials themselves."""

    by: Id
    at: Moment
    ended: bool = False


class DeviceChosenSaid(_Said):
    """Where a radar was put and turned to in the app, which goes before what the file says; and when it was let in. An import keeps it."""

    pose: PoseSaid | None = None
    credentials: CredentialsSaid | None = None


class ViewSaid(_Said):
    """Which points of a camera's picture are which points of the ground."""

    detect: Pair
    pixels: list[Pair]
    ground: list[Pair] | None = None
    ground_m: list[Pair] | None = None
    datum: DatumWord = Datum.WGS84


class SourceSaid(_Said):
    """A device's name in another ecosystem."""

    adapter: Text
    name: Text


class WornSaid(_Said):
    """Who wore a device until a time."""

    by: Id
    until: Moment


MOST_WORN = 40
"""Earlier wearers that are remembered of a device: the older ones are in the versions of the community."""


class DeviceSaid(_Said):
    """Thing that publishes."""

    id: Id
    kind: Annotated[DeviceKind, Field(strict=False)]
    wearer: Id | None = None
    worn_before: Annotated[list[WornSaid], Field(max_length=MOST_WORN)] = []
    home: Id | None = None
    placement: Annotated[Placement, Field(strict=False)] | None = None
    covers: Annotated[Covers, Field(strict=False)] | None = None
    pose: PoseSaid | None = None
    view: ViewSaid | None = None
    source: SourceSaid | None = None
    via: Id | None = None
    guards: list[Annotated[Mode, Field(strict=False)]] | None = None
    entry: bool | None = None
    open_min: Annotated[float, Field(ge=0, le=_MAX_OPEN_MIN)] | None = None
    open_night_min: Annotated[float, Field(ge=0, le=_MAX_OPEN_MIN)] | None = None
    asks: bool | None = None
    chosen: DeviceChosenSaid | None = None

    @property
    def hangs(self) -> PoseSaid | None:
        """The pose that holds."""
        return self.chosen.pose if self.chosen is not None and self.chosen.pose is not None else self.pose


class HoursSaid(_Said):
    """Times of day; `days` name the day they begin."""

    since: Clock = Field(alias="from")
    to: Clock
    days: Annotated[list[DayOfWeek], Field(min_length=1)] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


OUTLINES = ("geometry", "circle", "rectangle", "corridor", "around")
"""Keys of which each fence has one: how it is drawn."""


class CircleSaid(_Said):
    """Every place at most so far from one."""

    center: list[float]
    radius_m: Annotated[float, Field(gt=0, le=100_000)]


class RectangleSaid(_Said):
    """A rectangle around a position, its length along a heading."""

    center: list[float]
    length_m: Annotated[float, Field(gt=0, le=100_000)]
    width_m: Annotated[float, Field(gt=0, le=100_000)]
    heading_deg: Annotated[float, Field(ge=-360, le=360)] = 0.0


class CorridorSaid(_Said):
    """Every place at most half a width from a line."""

    line: list[list[float]]
    width_m: Annotated[float, Field(gt=0, le=10_000)]


class FenceState(StrEnum):
    """What became of a fence that was drawn in the app; one that stands in a file is active."""

    ACTIVE = "active"
    WAITING = "waiting"
    """For an administrator: it guards nothing yet."""
    REFUSED = "refused"
    REMOVED = "removed"
    """Kept to be restored, and so that a file that still has it does not bring it back."""


class DrawnSaid(_Said):
    """Who drew a fence in the app, when, and what became of it. `replaces`: which fence it takes the place of once it is approved."""

    by: Id
    at: Moment
    state: Annotated[FenceState, Field(strict=False)]
    replaces: Id | None = None
    decided_by: Id | None = None
    decided_at: Moment | None = None
    reason: Text | None = None


class FenceSaid(_Drawn):
    """An area or a line, drawn in one of several ways. `drawn` is the app's: of one that somebody drew or changed there."""

    id: Id
    kind: Annotated[FenceKind, Field(strict=False)]
    name: Text | None = None
    geometry: dict[str, Any] | None = None
    circle: CircleSaid | None = None
    rectangle: RectangleSaid | None = None
    corridor: CorridorSaid | None = None
    around: Id | None = None
    outwards_m: Annotated[float, Field(ge=0, le=1000)] = 0.0
    home: Id | None = None
    residents: Annotated[list[Id], Field(min_length=1)] | None = None
    events: Annotated[list[Annotated[EventKind, Field(strict=False)]], Field(min_length=1)] | None = None
    modes: Annotated[list[Annotated[Mode, Field(strict=False)]], Field(min_length=1)] | None = None
    schedule: HoursSaid | None = None
    floor: Floor | None = None
    dwell_min: Annotated[int, Field(ge=1, le=_MAX_DWELL_MIN)] = 15
    expected: HoursSaid | None = None
    near: Annotated[Side, Field(strict=False)] = Side.LEFT
    approach_m: Annotated[float, Field(gt=0, le=1000)] = 2.0
    max_gap_s: Annotated[float, Field(gt=0, le=3600)] | None = None
    drawn: DrawnSaid | None = None

    @property
    def state(self) -> FenceState:
        """Whether it guards."""
        return FenceState.ACTIVE if self.drawn is None else self.drawn.state

    @property
    def drawn_as(self) -> str | None:
        """The key that holds its shape, the first of them; None where none does."""
        return next((key for key in OUTLINES if getattr(self, key) is not None), None)

    @property
    def _is_drawn(self) -> bool:
        return self.around is None


MOST_CONDITIONS = 8
MOST_RULES = 200


class ConditionSaid(_Said):
    """One sensor, or those of a kind, and the state that it has been in for so long.

    Of a kind one sensor that is open or tells of movement is enough; closed, or without movement, each of them must be.
    """

    device: Id | None = None
    kind: Annotated[DeviceKind, Field(strict=False)] | None = None
    covers: Annotated[Covers, Field(strict=False)] | None = None
    state: Annotated[SensorState, Field(strict=False)]
    for_s: Annotated[int, Field(ge=0, le=_MAX_FOR_S)] = 0


class RuleState(StrEnum):
    """Whether a rule of a community's own judges; one in a file does, unless the file says otherwise."""

    ACTIVE = "active"
    DRAFT = "draft"
    """Saved to be rehearsed: it judges nothing."""
    REMOVED = "removed"
    """Kept so that a file that still has it does not bring it back."""


class MadeSaid(_Said):
    """Who made or changed a rule in the app, and when."""

    by: Id
    at: Moment


class RuleSaid(_Said):
    """A rule of a community's own. `made` is the app's: of one that somebody made or changed there."""

    id: Id
    name: RuleName
    names: dict[LanguageWord, RuleName] = {}
    home: Id | None = None
    when: Annotated[list[ConditionSaid], Field(min_length=1, max_length=MOST_CONDITIONS)]
    match: Annotated[Match, Field(strict=False)] = Match.ALL
    between: HoursSaid | None = None
    modes: Annotated[list[Annotated[Mode, Field(strict=False)]], Field(min_length=1)] | None = None
    severity: Annotated[Severity, Field(strict=False)] = Severity.NOTICE
    policy: Id | None = None
    state: Annotated[RuleState, Field(strict=False)] = RuleState.ACTIVE
    made: MadeSaid | None = None


class ShiftSaid(_Said):
    """Who is on duty when."""

    responder: Id
    days: Annotated[list[Day], Field(min_length=1)] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    since: Clock = Field(alias="from")
    to: Clock


class OverrideSaid(_Said):
    """Who is on duty instead, once: from a time of a date until another, on the next day where that is not after it."""

    date: Date
    since: Clock = Field(alias="from")
    to: Clock
    responders: Annotated[list[Id], Field(min_length=1)]


class RosterSaid(_Said):
    """Shifts under a name."""

    id: Id
    shifts: Annotated[list[ShiftSaid], Field(min_length=1)]
    overrides: list[OverrideSaid] = []


class WhenSaid(_Said):
    """In which circumstances a step is for anybody."""

    modes: Annotated[list[Annotated[Mode, Field(strict=False)]], Field(min_length=1)] | None = None
    severity: Annotated[list[Annotated[Severity, Field(strict=False)]], Field(min_length=1)] | None = None
    since: Clock | None = Field(default=None, alias="from")
    to: Clock | None = None
    lies_s: Annotated[int, Field(ge=10, le=3600)] | None = None

    @model_validator(mode="after")
    def _some(self) -> Self:
        if (self.since is None) != (self.to is None):
            raise ValueError("holds only one of from and to, wanted both or none")
        if self.modes is None and self.severity is None and self.since is None and self.lies_s is None:
            raise ValueError("is empty, wanted modes, severity, lies_s, or from and to")
        return self


class StepSaid(_Said):
    """Who is told after how long, and how."""

    after_s: Annotated[int, Field(ge=0, le=_MAX_WAIT_S)]
    tell: Annotated[list[Text], Field(min_length=1)]
    by: Annotated[list[Annotated[Channel, Field(strict=False)]], Field(min_length=1)]
    in_turn_s: Annotated[int, Field(gt=0, le=_MAX_WAIT_S)] | None = None
    when: WhenSaid | None = None


class RepeatSaid(_Said):
    """The last step once more, every so often, so many times."""

    every_s: Annotated[int, Field(gt=0, le=_MAX_WAIT_S)]
    times: Annotated[int, Field(gt=0, le=_MAX_REPEATS)]


class PolicySaid(_Said):
    """Who is told when, for some kinds of events; for none where only rules of the community's own name it."""

    id: Id
    kinds: list[Annotated[EventKind, Field(strict=False)]]
    cancel_window_s: Annotated[int, Field(ge=0, le=600)] = 0
    certain_window_s: Annotated[int, Field(ge=0, le=600)] | None = None
    steps: Annotated[list[StepSaid], Field(min_length=1)]
    repeat: RepeatSaid | None = None


class CommunityFile(_Said):
    """The whole file. What stands in it is well formed; it need not fit together."""

    community: CommunityHead
    homes: Annotated[list[HomeSaid], BeforeValidator(_or_empty)] = []
    people: Annotated[list[PersonSaid], BeforeValidator(_or_empty)] = []
    devices: Annotated[list[DeviceSaid], BeforeValidator(_or_empty)] = []
    geofences: Annotated[list[FenceSaid], BeforeValidator(_or_empty)] = []
    rosters: Annotated[list[RosterSaid], BeforeValidator(_or_empty)] = []
    policies: Annotated[list[PolicySaid], BeforeValidator(_or_empty)] = []
    rules: Annotated[list[RuleSaid], BeforeValidator(_or_empty), Field(max_length=MOST_RULES)] = []


SECTIONS = ("homes", "people", "devices", "geofences", "rosters", "policies", "rules")

_MODELS: tuple[type[_Said], ...] = (
    *(
        CommunityFile,
        CommunityHead,
        NightSaid,
        HomeSaid,
        PlannedSaid,
        HomeChosenSaid,
        ArmingSaid,
        PersonSaid,
        CareSaid,
        ContactSaid,
        DeviceSaid,
        PoseSaid,
        SourceSaid,
    ),
    *(FenceSaid, DrawnSaid, CircleSaid, RectangleSaid, CorridorSaid, HoursSaid, RosterSaid, ShiftSaid, OverrideSaid),
    *(PolicySaid, StepSaid, WhenSaid, RepeatSaid, ViewSaid, FloorSaid, RoomSaid, OpeningSaid, RuleSaid, ConditionSaid, MadeSaid),
)
_KEYS = sorted({field.alias or name for model in _MODELS for name, field in model.model_fields.items()})

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "list_type": "a list",
    "model_type": "keys and values",
    "dict_type": "keys and values",
}

_ADDRESSES = {
    "email": "an address such as name@example.org",
    "apprise": "an Apprise URL such as ntfy://topic",
    "webhook": "an address that starts with https:// or http://",
    "calendar": "a country in two capital letters such as CN",
    "code": "what `anju code` prints",
    "duress_code": "what `anju code` prints",
}


_SECRET = frozenset({"push", "apprise", "webhook"})
"""Keys whose values may hold passwords and tokens: an error does not repeat them."""


def mistakes(error: ValidationError) -> list[tuple[KeyPath, str]]:
    """Each mistake as (path, what was wrong and what was wanted), in the file's order of checks."""
    return [(tuple(part for part in detail["loc"] if part != "[key]"), _words(detail)) for detail in error.errors(include_url=False)]


def _words(detail: ErrorDetails) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    value = "not shown here" if _SECRET.intersection(detail["loc"]) else shown(detail["input"])
    match kind:
        case "missing":
            what = "is missing"
        case "extra_forbidden":
            key = str(detail["loc"][-1])  # which may be one of another place
            close = get_close_matches(key, [one for one in _KEYS if one != key], n=1)
            what = f"is no key known here{f', did you mean {close[0]}?' if close else ''}"
        case "value_error":
            what = str(context["error"])
        case "string_type":
            what = f"{value} is not text, wanted text{' in quotes' if isinstance(detail['input'], int | float) else ''}"
        case "enum" | "literal_error":
            what = f"{value} is not known, wanted {context['expected']}"
        case "too_long":
            unit = " characters" if isinstance(detail["input"], str) else ""
            what = f"has {context['actual_length']}{unit}, wanted at most {context['max_length']}"
        case "too_short":
            what = "is empty, wanted at least one"
        case "string_pattern_mismatch":
            what = f"is {value}, wanted {_ADDRESSES[str(detail['loc'][-1])]}"
        case "string_too_long":
            what = f"has {len(detail['input'])} characters, wanted at most {context['max_length']}"
        case _ if kind in _WANTED:
            what = f"is {value}, wanted {_WANTED[kind]}"
        case _:
            what = f"is {value}, wanted {detail['msg'].removeprefix('Input should be ')}"
    return what
