"""What the API answers and takes. Fields that end in `words` are in the language of whoever asks: the same words as in messages."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from incidents.directory import Channel, Language, Role, Severity
from incidents.model import Do, IncidentState
from rules.kinds import EventKind, Mode
from rules.premises import Side
from store.chain_checks import LinkState
from store.consents import DataPurpose, Recipient
from store.contacts import ContactState
from store.model import OpeningKind
from web.rights import Action

Tone = Literal["good", "care", "alarm"]
"""All is well; something wants a look; somebody needs help."""


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


class Me(_Answer):
    """Who asks. `may`: what their roles allow; `homes`: their own home and those of their relatives."""

    id: str
    name: str
    language: Language
    roles: list[Role]
    community: Place
    communities: list[Place]
    homes: list[Place]
    may: list[Action]
    push_key: str | None


class ResidentShown(_Answer):
    """Somebody who lives at a home, and how they are as far as is known."""

    id: str
    name: str
    tone: Tone
    words: str


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
    """An incident in short."""

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


class Glance(_Answer):
    """How things are at a home."""

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
    may: list[Action]


class ModeWish(_Wish):
    """A mode for a home; `code`: what was typed to prove who it is."""

    mode: Mode
    code: Annotated[str, Field(max_length=32)] | None = None


class ModeSet(_Answer):
    """What became of it: `without_words` names what is left out, where anything is."""

    glance: Glance
    without_words: str


class SosWish(_Wish):
    """A call for help; `resident`: for whom, where several live there."""

    resident: Annotated[str, Field(max_length=64)] | None = None


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


class ActShown(_Answer):
    """Something that can be done now."""

    do: Do
    words: str


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
    """One incident whole."""

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
    may: list[Action]


class ActWish(_Wish):
    """What somebody does about an incident; `eta_min`: in how many minutes they are there."""

    do: Do
    eta_min: Annotated[float, Field(gt=0, le=1440)] | None = None


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


class Chain(_Answer):
    """Of everybody who lives at a home."""

    residents: list[ChainOf]


class Span(_Wish):
    """From when to when of the day, such as `22:00` and `07:00`, by one's own clock."""

    since: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    to: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Settings(_Wish):
    """What somebody chose for themselves. `quiet`: when they are not disturbed with what can wait."""

    language: Language
    quiet: Span | None


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


Metres = Annotated[float, Field(ge=-200, le=200)]
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


class RadarShown(_Answer):
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
    """A guarded line on the floor. `near`: the side that it protects, seen along it; `is_guarding`: whether it would tell now."""

    id: str
    path: list[Spot]
    near: Side
    approach_m: float
    modes_words: str
    is_guarding: bool


class PlanShown(_Answer):
    """A home's floor plan. `is_drawn`: somebody drew it; else it is what is known of the home. `outline`: of its footprint."""

    address_words: str
    version: str
    is_drawn: bool
    by_words: str
    outline: list[Spot]
    rooms: list[PlanRoom]
    openings: list[PlanOpening]
    radars: list[RadarShown]
    contacts: list[SensorShown]
    lines: list[LineShown]
    may: list[Action]
