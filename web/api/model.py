"""What the API answers and takes. Fields that end in `words` are in the language of whoever asks: the same words as in messages."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Base64Bytes, BaseModel, ConfigDict, Field

from devices.model import Covers, DeviceKind, Placement
from geofence.calibration import Stand
from geofence.datum import Datum
from incidents.directory import Channel, Language, Role, Severity, VisitorKind
from incidents.model import Do, IncidentState, Reason
from notifier.rehearsal import What
from rules.kinds import EventKind, Mode
from rules.premises import FenceKind, Match, SensorState, Side
from store.audit import Deed
from store.chain_checks import LinkState
from store.consents import DataPurpose, Recipient
from store.contacts import ContactState
from store.model import OpeningKind
from store.schema import MOST_CONDITIONS, MOST_PLANNED, MOST_VISITORS, DayOfWeek, Departure, FenceState
from web.rights import Action
from web.words import Lack

Tone = Literal["good", "care", "alarm", "drill"]
"""All is well; something wants a look; somebody needs help; somebody needs none, it is a drill."""


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Wish(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(_Answer):
    """Why something was not done: a `code` for programs, `words` for people."""

    code: str
    words: str


class Place(_Answer):
    """A community or a home."""

    id: str
    name: str


class TilesShown(_Answer):
    """Pictures below the map (`store.settings.TilesSettings`)."""

    url: str
    datum: Datum
    attribution: str
    max_zoom: int


class Me(_Answer):
    """Who asks. `may`: what their roles allow; `homes`: their own home and those of their relatives.

    `shares_number`: others have their number too; `tiles`: pictures below maps.
    """

    id: str
    name: str
    language: Language
    roles: list[Role]
    community: Place
    communities: list[Place]
    homes: list[Place]
    may: list[Action]
    shares_number: bool
    push_key: str | None
    tiles: TilesShown | None


class FiguresShown(_Answer):
    """What some alarms come to (`incidents.report.Figures`); `share_percent`: of those that count for the target, answered in time."""

    alarms: int
    raised: int
    judged: int
    in_time: int
    share_percent: float | None
    is_met: bool | None
    answered: int
    arrived: int
    unanswered: int
    waiting: int
    false: int
    answer_median_s: float | None
    answer_p90_s: float | None
    arrive_median_s: float | None
    answers: list[int]


class KindFigures(_Answer):
    """Alarms of one kind."""

    kind: EventKind
    words: str
    figures: FiguresShown


class DayFigures(_Answer):
    """Alarms that were raised on a day, and how many of them nobody answered."""

    date: str
    raised: int
    unanswered: int


class ShiftFigures(_Answer):
    """Alarms raised while the same people were on duty at the same times of day; nobody: a gap."""

    roster: str
    clock: str
    people: list[str]
    times: int
    duty_s: int
    figures: FiguresShown


class FalseFigures(_Answer):
    """False alarms of one kind by one device, and why as far as somebody said so."""

    words: str
    device: str
    count: int
    causes: list[str]


class CoverageShown(_Answer):
    """How much of the time somebody of a roster was on duty, rounded down, and when nobody was."""

    roster: str
    share_percent: float
    gaps_words: list[str]


class AilingShown(_Answer):
    """A device that was faulty: by what, for how long within the time, and whether it still is."""

    id: str
    name_words: str
    where_words: str
    faults_words: str
    down_s: int
    is_open: bool


class UnansweredShown(_Answer):
    """An alarm that nobody answered."""

    id: str
    words: str
    when_words: str


class ReportShown(_Answer):
    """What was in a month; `bins_s`: upper edges of the spans in which answers are counted, of which there is one more."""

    month: str
    since_words: str
    until_words: str
    target_s: int
    target_percent: float
    bins_s: list[int]
    all: FiguresShown
    days: list[DayFigures]
    kinds: list[KindFigures]
    shifts: list[ShiftFigures]
    false: list[FalseFigures]
    unanswered: list[UnansweredShown]
    coverage: list[CoverageShown]
    devices: list[AilingShown]


class Changed(_Answer):
    """What came of a change: what was accepted, loudly."""

    warnings: list[str]


class Removal(_Wish):
    """Something is to be there no more; `version`: of what was looked at."""

    version: str


class LeavingWish(_Wish):
    """A resident moved out or died; `version`: of what was looked at."""

    why: Departure
    version: str


class Letting(_Wish):
    """A device is to be let in, or no longer."""


class HomeKept(_Answer):
    """A home as the community's file says it. `version`: to be given back with a change."""

    id: str
    building: str
    floor: int | None
    address: str
    people_words: str
    version: str


class HomeWish(_Wish):
    """What is to be said of a home; `version`: of what was looked at, "" of a new one."""

    building: str = ""
    floor: int | None = None
    address: str = ""
    version: str = ""


class PersonKept(_Answer):
    """Somebody as the community's file says them."""

    id: str
    name: str
    roles: list[Role]
    roles_words: str
    home: str | None
    of: list[str]
    of_words: str
    phone: str | None
    language: Language | None
    since: str | None
    until: str | None
    left_words: str
    version: str


class PersonWish(_Wish):
    """What is to be said of somebody."""

    name: str
    roles: list[Role]
    home: str | None = None
    of: list[str] = []
    phone: str | None = None
    language: Language | None = None
    since: str | None = None
    until: str | None = None
    version: str = ""


class Down(_Answer):
    """When a device was faulty, in ns; `until_ns` is None while it is."""

    words: str
    since_ns: int
    until_ns: int | None


class Level(_Answer):
    """How full a battery was."""

    at_ns: int
    percent: float


class DeviceKept(_Answer):
    """A device as the community's file says it, and how it is.

    `credentials_words`: since when it has some of its own, "" of none. `worn_words`: who wore it before, the last first; `battery`: what it
    said each night.
    """

    id: str
    kind: DeviceKind
    wearer: str | None
    home: str | None
    placement: Placement | None
    covers: Covers | None
    adapter: str
    source: str
    name_words: str
    where_words: str
    worn_words: list[str]
    heard_words: str
    heard_ns: int | None
    battery_percent: float | None
    battery: list[Level]
    down: list[Down]
    has_credentials: bool
    credentials_words: str
    version: str


class DeviceWish(_Wish):
    """What is to be said of a device; `adapter` and `source`: which ecosystem it is of, and its name there."""

    kind: DeviceKind
    wearer: str | None = None
    home: str | None = None
    placement: Placement | None = None
    covers: Covers | None = None
    adapter: str = ""
    source: str = ""
    version: str = ""


class Choice(_Answer):
    """One of several, and what it is called."""

    id: str
    words: str


class Register(_Answer):
    """Who and what there is in a community. `since_ns`, `now_ns`: what `down` tells of. `lets_in`: credentials can be made here."""

    homes: list[HomeKept]
    people: list[PersonKept]
    devices: list[DeviceKept]
    roles: list[Choice]
    kinds: list[Choice]
    covers: list[Choice]
    since_ns: int
    now_ns: int
    lets_in: bool


class Credentials(_Answer):
    """What a device is to be set to. The password is shown once; `qr`: the address as a picture (SVG)."""

    host: str
    port: int
    user: str
    password: str
    topics: list[str]
    address: str
    qr: str


class ShiftWish(_Wish):
    """Who is on duty when."""

    responder: str
    days: list[Literal[DayOfWeek, "workday", "holiday"]] = []
    since: str
    to: str


class OverrideWish(_Wish):
    """Who is on duty instead, once."""

    date: str
    since: str
    to: str
    responders: list[str]


class RosterWish(_Wish):
    """A roster's shifts; no days are every day."""

    shifts: list[ShiftWish]
    overrides: list[OverrideWish] = []
    version: str = ""


class StretchShown(_Answer):
    """Who is on duty from one time to another; nobody is a gap."""

    since_ns: int
    until_ns: int
    words: str
    people: list[str]


class DutyDay(_Answer):
    """A day of a roster, and what begins or goes on in it."""

    words: str
    stretches: list[StretchShown]


class RosterKept(_Answer):
    """A roster, and who is on duty in the coming weeks. `gaps_words`: when nobody is."""

    id: str
    shifts: list[ShiftWish]
    overrides: list[OverrideWish]
    days: list[DutyDay]
    gaps_words: list[str]
    version: str


class Rosters(_Answer):
    """Every roster; `people`: who can be on duty."""

    rosters: list[RosterKept]
    people: list[Choice]
    warnings: list[str]


class StepWish(_Wish):
    """Who is told after how long, and how, in the words of the community's file."""

    after_s: int
    tell: list[str]
    by: list[Channel]


class PolicyWish(_Wish):
    """A policy. What a page does not show (turns, circumstances) stays as it is where the steps do."""

    kinds: list[EventKind]
    cancel_window_s: int = 0
    steps: list[StepWish]
    repeat_every_s: int | None = None
    repeat_times: int | None = None
    version: str = ""


class StepDrawn(_Answer):
    """A step on the time line; `in_turn_s`: how long after each other; `more_words`: in which circumstances only."""

    at_s: int
    when_words: str
    tell_words: str
    by_words: str
    in_turn_s: int
    more_words: str


class PolicyKept(_Answer):
    """A policy as it is, and as a time line until somebody answers."""

    id: str
    kinds: list[EventKind]
    kinds_words: str
    cancel_window_s: int
    steps: list[StepWish]
    repeat_every_s: int | None
    repeat_times: int | None
    drawn: list[StepDrawn]
    version: str


class Policies(_Answer):
    """Every policy, and what one can be made of."""

    policies: list[PolicyKept]
    kinds: list[Choice]
    tells: list[Choice]
    channels: list[Choice]


class TextShown(_Answer):
    """What somebody would be told in a language by a channel; `segments`: of an SMS."""

    language: Language
    channel: Channel
    channel_words: str
    text: str
    segments: int


class SendingShown(_Answer):
    """What would be sent to somebody, or what came of it; `is_mine`: it would go to whoever asks, by a way that they verified."""

    lines: list[str]
    is_mine: bool


class SendingWish(_Wish):
    """A test to oneself."""

    channel: Channel


class DrillWish(_Wish):
    """A drill about somebody."""

    resident: str


class DrillLine(_Answer):
    """One person in a drill: when they were told by what, what came of it, and what they answered."""

    name: str
    role_words: str
    told_words: list[str]
    answer_words: str
    is_broken: bool


class DrillShown(_Answer):
    """A drill, and what it has shown until now."""

    id: str
    who_words: str
    began_words: str
    state_words: str
    taken_words: str
    is_open: bool
    people: list[DrillLine]
    broken_words: list[str]
    left_out_words: str


class Drills(_Answer):
    """Drills, the newest first, and about whom there may be one."""

    due_words: str
    is_due: bool
    residents: list[Choice]
    drills: list[DrillShown]


class CommunityMetered(_Answer):
    """A community and what it takes up this month; money in the operator's currency, `quota` None where there is none."""

    id: str
    name: str
    devices: int
    people: int
    homes: int
    messages: int
    segments: int
    cost: float
    quota: float | None
    stored_bytes: int


class Communities(_Answer):
    """Communities of whoever asks; of who runs the platform, all."""

    month: str
    communities: list[CommunityMetered]
    may_found: bool


class FileWish(_Wish):
    """A community file. `plan`: of the changes that were looked at; without one nothing is written."""

    text: str
    prune: bool = False
    plan: str = ""


class MapWish(_Wish):
    """A file of a map, its `content` in base64. `by`: which property names the home; `datum`: what degrees are, else as it says."""

    name: Annotated[str, Field(max_length=200)]
    content: Annotated[Base64Bytes, Field(max_length=1_400_000)]
    section: Literal["footprints", "geofences"] = "footprints"
    by: str = "id"
    layer: str = ""
    datum: Datum | None = None
    plan: str = ""


class FileChecked(_Answer):
    """What an import would do, or did. `error`: why nothing can be done, with its place in the file."""

    error: str
    changes: list[str]
    warnings: list[str]
    notices: list[str]
    plan: str
    is_done: bool


class NotedShown(_Answer):
    """Who saw or changed what."""

    at_ns: int
    when_words: str
    deed: Deed
    by: str
    by_words: str
    about: str
    about_words: str
    lines: list[str]


class AuditShown(_Answer):
    """The newest deeds of a time; `people`: who can be asked about."""

    noted: list[NotedShown]
    people: list[Choice]
    is_cut: bool


class ResidentShown(_Answer):
    """Somebody who lives at a home, and how they are as far as is known. `away_words`: until when they are somewhere else, "" if not."""

    id: str
    name: str
    tone: Tone
    words: str
    away_words: str


class DeviceShown(_Answer):
    """A device of a home. `heard_ns`: when it sent anything last."""

    id: str
    tone: Tone
    name_words: str
    words: str
    battery_percent: float | None
    heard_ns: int | None


class ModeShown(_Answer):
    """A mode that a home can be put into; `without_words`: what would be left out of it."""

    mode: Mode
    words: str
    is_set: bool
    without_words: str


class OnDuty(_Answer):
    """Somebody who is on duty now."""

    id: str
    name: str
    role_words: str
    phone_e164: str | None


class Care(_Answer):
    """Something that wants a look, and the incident it is one of."""

    words: str
    incident: str | None


class Card(_Answer):
    """An incident in short. `stands`: its state and who has it, for an act that means what was seen."""

    id: str
    kind: EventKind
    severity: Severity
    severity_words: str
    tone: Tone
    title_words: str
    who_words: str
    where_words: str
    since_ns: int
    since_words: str
    ago_words: str
    state: IncidentState
    state_words: str
    more_words: str
    is_open: bool
    is_unowned: bool
    stands: str


class Suggestion(_Answer):
    """That a home could be put into a mode now."""

    mode: Mode
    mode_words: str
    words: str


class Glance(_Answer):
    """How things are at a home.

    `suggestion`: what could be done about its mode, for who may. `help_words`: to who called or fell, that help was called or is coming,
    else ""; `family`: whom they can call, of who asks from home only. `reached_words`: which fences of others reach
    it.
    """

    id: str
    address_words: str
    tone: Tone
    headline_words: str
    activity_words: str
    residents: list[ResidentShown]
    devices: list[DeviceShown]
    mode: Mode
    mode_words: str
    mode_since_words: str
    modes: list[ModeShown]
    open_words: str
    unheard_words: str
    has_code: bool
    on_duty: list[OnDuty]
    incidents: list[Card]
    needs_care: list[Care]
    suggestion: Suggestion | None
    help_words: str
    family: list[OnDuty]
    reached_words: list[str]
    may: list[Action]


class ModeWish(_Wish):
    """A mode for a home; `code`: what was typed to prove who it is."""

    mode: Mode
    code: Annotated[str, Field(max_length=32)] | None = None


class ModeSet(_Answer):
    """What became of it: `without_words` names what is left out, where anything is."""

    glance: Glance
    without_words: str


TimeOfDay = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class Planned(BaseModel):
    """A mode that a home is put into at a time of day (such as `22:30`, by the community's clock), on days of the week."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    at: TimeOfDay
    mode: Mode
    days: Annotated[list[DayOfWeek], Field(min_length=1, max_length=7)]


class Schedule(_Answer):
    """When a home's mode changes by itself; `next_words`: to what it does next, and when."""

    planned: list[Planned]
    next_words: str


class ScheduleWish(_Wish):
    """When a home's mode is to change by itself: all of it."""

    planned: Annotated[list[Planned], Field(max_length=MOST_PLANNED)]


class VisitorOfHome(_Wish):
    """Somebody who is known to come, from when to when (by the community's clock), on which days; `until`: their last day."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    kind: VisitorKind
    since: TimeOfDay
    to: TimeOfDay
    days: Annotated[list[DayOfWeek], Field(min_length=1, max_length=7)]
    until: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = None


class Visitors(_Answer):
    """Who is known to come to a home. `may`: whether whoever looks may change it."""

    visitors: list[VisitorOfHome]
    kinds: list[Choice]
    may: bool


class VisitorsWish(_Wish):
    """Who is to be known: all of them."""

    visitors: Annotated[list[VisitorOfHome], Field(max_length=MOST_VISITORS)]


class OrderWish(_Wish):
    """Which relatives are to be told first; who is not named comes after them."""

    people: Annotated[list[str], Field(max_length=40)]


class SosWish(_Wish):
    """A call for help; `resident`: for whom, where several live there."""

    resident: Annotated[str, Field(max_length=64)] | None = None


class AwayWish(_Wish):
    """Somebody who lives at a home is somewhere else for some days, and why; `days` 0: they are back."""

    resident: Annotated[str, Field(max_length=64)]
    days: Annotated[int, Field(ge=0, le=92)]
    reason: Annotated[str, Field(max_length=200)] = ""


class MomentShown(_Answer):
    """One thing that happened."""

    at_ns: int
    at_words: str
    kind: str
    words: str
    detail_words: str
    said: str
    state: str
    steps: list[str]
    sure_words: str
    speaks_for_words: list[str]
    speaks_against_words: list[str]
    picture: str | None
    photo: str | None


class ToldShown(_Answer):
    """Somebody who was told."""

    name: str
    role_words: str
    channel_words: str
    state: str
    outcome_words: str


class FoundShown(_Answer):
    """What may have been found where something is ended."""

    reason: Reason
    words: str


class ActShown(_Answer):
    """Something that can be done now; `found`: what can be said with it."""

    do: Do
    words: str
    found: list[FoundShown]


class Emergency(_Answer):
    """A number to call, and what to say there."""

    number: str
    words: str
    read_out_words: str


class Position(_Answer):
    """Where whom it is about was last: WGS 84 degrees, and how far that may be off."""

    lon_deg: float
    lat_deg: float
    accuracy_m: float
    at_ns: int
    ago_words: str


class Story(_Answer):
    """One incident whole.

    `access_words`: how one gets in, "" where nothing is said; `home`: whose floor plan may be seen; `lon_deg`, `lat_deg`:
    where to go; `takers`: who may be asked to take it; of those who work here alone.
    """

    card: Card
    mark_words: list[str]
    sure_words: str
    moments: list[MomentShown]
    told: list[ToldShown]
    next_words: list[str]
    acts: list[ActShown]
    arrive_min: list[int]
    position: Position | None
    emergency: list[Emergency]
    call: list[OnDuty]
    access_words: str
    home: str | None
    lon_deg: float | None
    lat_deg: float | None
    takers: list[OnDuty]
    may: list[Action]


class DeskCard(Card):
    """An incident on the desk.

    `is_for_me`: whoever asks was asked to take it. `lon_deg`, `lat_deg`: where to go, WGS 84; None where that is not known.
    """

    is_mine: bool
    is_for_me: bool
    lon_deg: float | None
    lat_deg: float | None


class SilenceShown(_Answer):
    """A silence that goes on; `life_words`: that it is of life safety too, "" where it is not."""

    id: str
    words: str
    life_words: str


class DeskShown(_Answer):
    """What is wrong and what is broken, each the gravest first, and what is silenced."""

    at_ns: int
    wrong: list[DeskCard]
    faults: list[DeskCard]
    silences: list[SilenceShown]


class LackShown(_Answer):
    """Something that is broken besides devices."""

    lack: Lack
    words: str


class DutyShown(_Answer):
    """Who is on duty by a roster, and who is next."""

    roster: str
    now_words: str
    next_words: str


class DeskNoteShown(_Answer):
    """What a shift left to the next in its own words."""

    at_words: str
    by_words: str
    text: str


class ShiftShown(_Answer):
    """A shift, for the next one; `over`: what ended in it, the newest first."""

    since_words: str
    at_words: str
    desk: DeskShown
    over: list[Card]
    lacks: list[LackShown]
    duties: list[DutyShown]
    notes: list[DeskNoteShown]


class ActWish(_Wish):
    """What somebody does about an incident.

    `eta_min`: in how many minutes they are there. `to`: who is asked to take it, of a hand-over. `reason`, `text`: what was found, of
    an ending. `id`: of this word, chosen by who says it: said again on a bad line, it counts once. `stands`: of the card that was seen;
    where the incident stands otherwise by now, nothing is done.
    """

    do: Do
    eta_min: Annotated[float, Field(gt=0, le=1440)] | None = None
    to: Annotated[str, Field(max_length=64)] | None = None
    reason: Reason | None = None
    text: Annotated[str, Field(max_length=200)] = ""
    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")] | None = None
    stands: Annotated[str, Field(max_length=128)] | None = None


class NoteWish(_Wish):
    """A note."""

    text: Annotated[str, Field(min_length=1, max_length=2000)]


class GlassWish(_Wish):
    """Why somebody has to see what they otherwise may not."""

    reason: Annotated[str, Field(min_length=1, max_length=200)]


class MethodShown(_Answer):
    """A contact method: whether it is the one that is used, and whether it works, as far as is known."""

    channel: Channel
    words: str
    is_used: bool
    state: ContactState | None
    state_words: str


class ContactShown(_Answer):
    """Somebody who is told; `broken_words`: why they would not be reached, "" where they would."""

    id: str
    name: str
    role_words: str
    is_relative: bool
    language: Language
    phone_words: str
    methods: list[MethodShown]
    broken_words: str


class StepShown(_Answer):
    """Who is told so long after it began."""

    after_s: int
    when_words: str
    people: list[ContactShown]
    broken_words: str


class ChainOf(_Answer):
    """Who is told of one resident's fall; `broken_words`: nobody would be reached at all."""

    id: str
    name: str
    steps: list[StepShown]
    broken_words: str


class FamilyShown(_Answer):
    """A relative or neighbour of those who live at a home."""

    id: str
    name: str
    role_words: str
    more_words: str
    is_me: bool


class Chain(_Answer):
    """Of everybody who lives at a home; `family`: their relatives and neighbours."""

    residents: list[ChainOf]
    family: list[FamilyShown]


class ContactWish(_Wish):
    """Somebody who is to be a relative or neighbour of those who live at a home; `until`: their last day as one."""

    name: Annotated[str, Field(min_length=1, max_length=40)]
    role: Literal["relative", "neighbour"]
    phone: Annotated[str, Field(max_length=40)]
    language: Language
    until: date | None = None


class ContactGone(_Wish):
    """`is_sure`: although nobody would be left to be told."""

    is_sure: bool = False


class Span(_Wish):
    """From when to when of the day, such as `22:00` and `07:00`, by one's own clock."""

    since: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    to: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class AddressKind(StrEnum):
    """What somebody can change of where they are reached."""

    PHONE = "phone"
    EMAIL = "email"


class Addresses(_Answer):
    """Where somebody is reached. `may_change`: which they can change themselves; who works here signs in by their number."""

    phone: str | None
    phone_words: str
    emails: list[str]
    may_change: list[AddressKind]


class AddressWish(_Wish):
    """Where a code is to be sent: a number as people write it, or a mail address."""

    kind: AddressKind
    address: Annotated[str, Field(max_length=200)]


class AddressCode(AddressWish):
    """The code that was sent there."""

    code: Annotated[str, Field(max_length=40)]


class Settings(_Wish):
    """What somebody chose for themselves.

    `quiet`: when they are not disturbed with what can wait. `daily`: when, by their own clock, they want to hear each day how those they
    look after are; `day_after`: they want to be asked the day after a fall, at `day_after_at` by their own clock (None: 10 o'clock).
    """

    language: Language
    quiet: Span | None
    daily: TimeOfDay | None = None
    day_after: bool = False
    day_after_at: TimeOfDay | None = None


class PushKeys(_Wish):
    """Of a browser's subscription."""

    p256dh: Annotated[str, Field(min_length=1, max_length=200)]
    auth: Annotated[str, Field(min_length=1, max_length=100)]


class PushWish(_Wish):
    """A browser's subscription to push messages (`PushSubscription.toJSON`)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    endpoint: Annotated[str, Field(pattern=r"^https://[^\s]+$", max_length=1000)]
    keys: PushKeys


class PushGone(_Wish):
    """A subscription that is not wanted any more."""

    endpoint: Annotated[str, Field(max_length=1000)]


class ConsentShown(_Answer):
    """Whether a recipient may have something of a resident, and every word about it, newest first."""

    resident: str
    resident_name: str
    purpose: DataPurpose
    purpose_words: str
    recipient: Recipient
    recipient_words: str
    is_given: bool
    history_words: list[str]


class ConsentWish(_Wish):
    """What a resident, or their family for them, allows or takes back."""

    resident: Annotated[str, Field(max_length=64)]
    purpose: DataPurpose
    recipient: Recipient
    is_given: bool


class TestLinkShown(_Answer):
    """One person by one channel; `code`: why it failed, in the gateway's words."""

    name: str
    role_words: str
    channel_words: str
    state: LinkState
    words: str
    code: str | None


class TestStep(_Answer):
    """Those who are told so long after an alarm."""

    when_words: str
    links: list[TestLinkShown]


class TestRun(_Answer):
    """A test of the chain; `broken_words`: nobody was reached."""

    at_words: str
    by_words: str
    resident_words: str
    is_done: bool
    steps: list[TestStep]
    broken_words: str


class HoursOfDays(_Wish):
    """From when to when of the day, on days that it begins on; every day where none is named."""

    since: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    to: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
    days: Annotated[list[DayOfWeek], Field(min_length=1, max_length=7)] | None = None


class ConditionOfRule(_Wish):
    """One sensor (`device`), or those of a kind, and the state that it has been in for so long."""

    device: Annotated[str, Field(max_length=64)] | None = None
    kind: DeviceKind | None = None
    covers: Covers | None = None
    state: SensorState
    for_s: Annotated[int, Field(ge=0, le=86_400)] = 0


class RuleWish(_Wish):
    """A rule of a home's own, or with `home` None the community's. `tag`: that of the rule as it was seen; None makes a new one."""

    home: Annotated[str, Field(max_length=64)] | None
    name: Annotated[str, Field(min_length=1, max_length=40)]
    when: Annotated[list[ConditionOfRule], Field(min_length=1, max_length=MOST_CONDITIONS)]
    match: Match = Match.ALL
    between: HoursOfDays | None = None
    modes: Annotated[list[Mode], Field(min_length=1, max_length=8)] | None = None
    severity: Severity = Severity.NOTICE
    policy: Annotated[str, Field(max_length=64)] | None = None
    tag: Annotated[str, Field(max_length=16)] | None = None


class RuleShown(_Answer):
    """A rule. `when_words`: each condition in words; `by_words`: who changed it last in the app."""

    id: str
    home: str | None
    name: str
    when: list[ConditionOfRule]
    match: Match
    between: HoursOfDays | None
    modes: list[Mode] | None
    severity: Severity
    policy: str | None
    is_on: bool
    tag: str
    when_words: list[str]
    by_words: str


class SensorOfRule(_Answer):
    """A sensor, or with `kind` those of a kind, that a rule may ask for, and what it can say."""

    device: str | None
    kind: DeviceKind | None
    covers: Covers | None
    words: str
    states: list[SensorState]


class Rules(_Answer):
    """Rules of a home or of the community, and what a new one may be made of. `policies`: whose of them may be named."""

    rules: list[RuleShown]
    sensors: list[SensorOfRule]
    policies: list[str]
    severities: list[Severity]
    has_modes: bool
    may_add: bool


class TrialWish(_Wish):
    """For how many days back a rule is to be tried."""

    days: Annotated[int, Field(ge=1, le=30)] = 7


class TrialChange(_Answer):
    """One finding: as the rule was on last, and as it is now; None where it finds nothing."""

    what: What
    before_ns: int | None
    after_ns: int | None
    before_words: str
    after_words: str


class TrialShown(_Answer):
    """What a rule would have found. `proof` is needed to switch it on; `is_flood`: too often.

    `was_on`: there is an earlier version to compare with; `changes`: the newest, oldest first; `sums`: of all of them.
    """

    since_ns: int
    until_ns: int
    was_on: bool
    sums: dict[What, int]
    changes: list[TrialChange]

    found: int
    a_week: float
    newest_words: list[str]
    since_words: str
    unheard_words: str
    is_flood: bool
    proof: str


class StateWish(_Wish):
    """That a rule is to be on or off. On: with the `proof` of a trial, and `is_sure` where that was a flood."""

    is_on: bool
    tag: Annotated[str, Field(max_length=16)]
    proof: Annotated[str, Field(max_length=200)] = ""
    is_sure: bool = False


class RuleRemoval(_Wish):
    """That a rule is not wanted any more."""

    tag: Annotated[str, Field(max_length=16)]


Geometry = dict[str, Any]
"""A geometry of GeoJSON (RFC 7946): positions [lon, lat] in degrees of the datum that stands beside it."""


class CorridorWish(_Wish):
    """Every place at most half a width from a line."""

    line: Annotated[list[Annotated[list[float], Field(min_length=2, max_length=3)]], Field(min_length=2, max_length=2000)]
    width_m: Annotated[float, Field(gt=0, le=1000)]


class FenceWish(_Wish):
    """A fence as somebody draws it, in one of three ways.

    `geometry`: a Polygon or MultiPolygon of an area, a LineString of a line; or `corridor`; or `outwards_m`, so far around the footprint of
    `home`. `near`: the side of a line that it protects, seen along its direction; of `outwards_m` it is the footprint's. `home`: whose it
    is, none of the whole estate's. What is left out is as is usual.
    """

    home: Annotated[str, Field(max_length=64)] | None
    name: Annotated[str, Field(min_length=1, max_length=60)]
    kind: FenceKind
    geometry: Geometry | None = None
    corridor: CorridorWish | None = None
    outwards_m: Annotated[float, Field(ge=0, le=1000)] | None = None
    datum: Datum = Datum.WGS84
    near: Side = Side.LEFT
    approach_m: Annotated[float, Field(gt=0, le=20)] | None = None
    events: Annotated[list[EventKind], Field(min_length=1, max_length=8)] | None = None
    residents: Annotated[list[Annotated[str, Field(max_length=64)]], Field(min_length=1, max_length=50)] | None = None
    modes: Annotated[list[Mode], Field(min_length=1, max_length=8)] | None = None
    schedule: HoursOfDays | None = None
    dwell_min: Annotated[int, Field(ge=1, le=10080)] | None = None
    expected: HoursOfDays | None = None


class FenceFile(_Wish):
    """A GeoJSON or KML that somebody brings, for a home or for the whole estate."""

    home: Annotated[str, Field(max_length=64)] | None
    text: Annotated[str, Field(max_length=2_000_000)]


class FenceChange(FenceWish):
    """A change of a fence. `tag`: that of the fence as it was seen; "" changes it whatever it is by now."""

    tag: Annotated[str, Field(max_length=16)] = ""


class RemovalWish(_Wish):
    """That a fence is not wanted any more; `tag` as in `FenceChange`."""

    tag: Annotated[str, Field(max_length=16)] = ""


class GuardShown(_Answer):
    """A device that guards a fence; `heard_ns`: when it sent anything last."""

    id: str
    name_words: str
    heard_ns: int | None
    heard_words: str
    least_words: str


class FenceShown(_Answer):
    """A fence. `geometry`: as it lies, in degrees of `datum`; `drawn`: as it was drawn, of a corridor or around a footprint.

    `described_words` says all of it to who cannot see it; `tag` changes with it. `replaces`: which fence it would take the place of.
    """

    id: str
    home: str | None
    home_words: str
    name: str
    kind: FenceKind
    kind_words: str
    state: FenceState
    state_words: str
    described_words: str
    geometry: Geometry
    datum: Datum
    corridor: CorridorWish | None
    outwards_m: float | None
    near: Side
    approach_m: float
    events: list[EventKind]
    residents: list[str]
    modes: list[Mode] | None
    schedule: HoursOfDays | None
    dwell_min: int | None
    expected: HoursOfDays | None
    guards: list[GuardShown]
    warning_words: list[str]
    by_words: str
    decision_words: str
    reach_words: str
    replaces: str | None
    replaces_words: str
    tag: str
    may: list[Action]


class ReachShown(_Answer):
    """A fence of another home that reaches one's own; `is_active`: it guards already."""

    words: str
    is_active: bool


class TrackedShown(_Answer):
    """Somebody whose tracker is shown, in degrees of the datum that was asked for."""

    id: str
    name: str
    position: Position


class RemovedShown(_Answer):
    """A fence that was removed, and can be restored."""

    id: str
    name: str
    words: str


class Fences(_Answer):
    """Fences of a home, or of everything one may see. `waiting`: what an administrator has to decide about."""

    datum: Datum
    fences: list[FenceShown]
    removed: list[RemovedShown]
    reached: list[ReachShown]
    waiting: list[str]
    residents: list[Place]
    tracked: list[TrackedShown]
    may: list[Action]


class FenceChecked(_Answer):
    """What would become of a drawing. `code`: why it is not kept, "" where it would be; `at`: where, in degrees of the drawing's datum.

    `smallest_m`: how wide an area has to be for what watches it. `geometry`: as it would lie. `is_own`: it guards as soon as it is saved.
    """

    code: str
    words: str
    at: list[float] | None
    smallest_m: float | None
    width_m: float | None
    geometry: Geometry | None
    notes_words: list[str]
    guards: list[GuardShown]
    is_own: bool
    reach_words: str


class BroughtShown(_Answer):
    """A shape of a file, and what would become of it. `wish`: what to ask for to keep it, null of one that cannot be kept."""

    name: str
    kind: FenceKind
    near: Side
    approach_m: float
    wish: dict[str, Any] | None
    checked: FenceChecked


class VersionShown(_Answer):
    """A fence as it was from a time on; `restorable`: it can be drawn so again."""

    number: int
    at_ns: int
    at_words: str
    words: str
    state: FenceState
    name: str
    geometry: Geometry | None
    restorable: bool


class RestoreWish(_Wish):
    """Which version is wanted back."""

    number: Annotated[int, Field(ge=1)]


class DecisionWish(_Wish):
    """An administrator's word on a fence that waits; whoever does not agree says why."""

    approve: bool
    reason: Annotated[str, Field(max_length=200)] = ""


class RadarShown(_Answer):
    """A radar or camera of one's home: where it hangs, where it looks, and how far it sees."""

    id: str
    name_words: str
    lon_deg: float
    lat_deg: float
    heading_deg: float
    reach_m: float
    half_angle_deg: float


class GroundShown(_Answer):
    """The ground that is drawn on: outlines of buildings, one's own home, and what sees there.

    `buildings` and `homes`: geometries of GeoJSON with `name` as their only property; `homes` are one's own.
    """

    datum: Datum
    bounds: list[float] | None
    buildings: list[Geometry]
    homes: list[Geometry]
    radars: list[RadarShown]


MOST_M = 200
Metres = Annotated[float, Field(ge=-MOST_M, le=MOST_M)]
Spot = tuple[Metres, Metres]
"""A place on a home's floor: metres to the right, and ahead, of its origin."""
PartId = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]


class PlanRoom(_Wish):
    """A room: its corners, of which the last is joined to the first."""

    id: PartId
    name: Annotated[str, Field(min_length=1, max_length=40)]
    outline: Annotated[list[Spot], Field(min_length=3, max_length=60)]


class PlanOpening(_Wish):
    """A window or a door, from one end to the other; `device`: the contact sensor on it."""

    id: PartId
    kind: OpeningKind
    ends: tuple[Spot, Spot]
    device: str | None


class PlanRadar(_Wish):
    """Where a radar hangs, and where it looks: degrees clockwise from the floor's y axis."""

    id: str
    place: Spot
    heading_deg: Annotated[float, Field(ge=-360, le=360)]
    height_m: Annotated[float, Field(gt=0, le=10)]


class PlanWish(_Wish):
    """A plan as it was drawn; `version`: of the one that was drawn on."""

    version: Annotated[str, Field(max_length=64)]
    rooms: Annotated[list[PlanRoom], Field(max_length=40)]
    openings: Annotated[list[PlanOpening], Field(max_length=80)]
    radars: Annotated[list[PlanRadar], Field(max_length=20)]


class PlanRadarShown(_Answer):
    """A radar of a home; `place` and `heading_deg` are null while it hangs nowhere. It sees to `reach_m`, and so far to either side."""

    id: str
    name_words: str
    place: Spot | None
    heading_deg: float | None
    height_m: float
    reach_m: float
    half_angle_deg: float


class SensorShown(_Answer):
    """A contact sensor that can be put on a window or a door."""

    id: str
    name_words: str


class LineShown(_Answer):
    """A guarded line on the floor. `near`: the side that it protects, seen along it; `is_guarding`: whether it would tell now.

    `state_words`: why it guards nothing yet, "" of one that an administrator need not agree to, or has.
    """

    id: str
    name: str
    path: list[Spot]
    near: Side
    approach_m: float
    modes_words: str
    is_guarding: bool
    state_words: str


class FloorShown(_Answer):
    """Where a floor lies: its origin, WGS 84, where ahead points, and metres of a degree there (it is linear in degrees)."""

    lon_deg: float
    lat_deg: float
    heading_deg: float
    east_m_per_deg: float
    north_m_per_deg: float


class PlanShown(_Answer):
    """A home's floor plan. `is_drawn`: somebody drew it; else it is what is known of the home. `outline`: of its footprint.

    `floor`: null where nothing says where the home is.
    """

    address_words: str
    version: str
    is_drawn: bool
    by_words: str
    floor: FloorShown | None
    outline: list[Spot]
    rooms: list[PlanRoom]
    openings: list[PlanOpening]
    radars: list[PlanRadarShown]
    contacts: list[SensorShown]
    lines: list[LineShown]
    may: list[Action]


PeopleSeen = Annotated[list[Spot], Field(max_length=8)]
"""Of one frame of a radar: where people were on the floor, as the pose places them that is said beside."""
FramesSeen = Annotated[list[PeopleSeen], Field(max_length=600)]


class StandWish(_Wish):
    """Somebody was asked to stand `at` a place, and this was seen meanwhile."""

    at: Spot
    frames: FramesSeen


class PoseWish(_Wish):
    """Where does a radar hang, and where does it look? `radar`: the pose by which frames are placed, which is the one that is drawn."""

    radar: PlanRadar
    stands: Annotated[list[StandWish], Field(min_length=1, max_length=6)]


class PoseProposed(_Answer):
    """`stands`: whether somebody stood still, of each place. `place` and `heading_deg` are null where not all did, or nothing fits.

    `within_m`: how far the worst place is from where it was seen; `moved_m`: how far the radar is from where it is drawn;
    `is_mirrored`: it hangs upside down.
    """

    stands: list[Stand]
    place: Spot | None
    heading_deg: float | None
    within_m: float | None
    moved_m: float | None
    is_mirrored: bool


class LineWish(_Wish):
    """Somebody stood where a line should be, or with `walked` went along it; the plan as it is drawn, `radar` where one hangs."""

    frames: FramesSeen
    walked: bool
    radar: Spot
    rooms: Annotated[list[PlanRoom], Field(max_length=40)]
    openings: Annotated[list[PlanOpening], Field(max_length=80)]


class LineProposed(_Answer):
    """A line that has what it protects to its left; null where nobody stood still alone, or walked straight for a metre."""

    stand: Stand
    path: list[Spot] | None


class TurnWish(_Wish):
    """Ways of people that a radar saw, on the plan as it was kept as `version`: from where they came into sight to where they vanished."""

    version: Annotated[str, Field(max_length=64)]
    radar: str
    tracks: Annotated[list[Annotated[list[Spot], Field(max_length=400)]], Field(max_length=60)]


class TurnProposed(_Answer):
    """By how many degrees clockwise the radar is turned further than it is drawn; null where nothing speaks for that."""

    by_deg: int | None
