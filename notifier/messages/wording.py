"""What there is to say: the table that `zh` fills in, and catalogues translate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from babel.dates import format_skeleton

from devices.model import Covers, DeviceKind
from incidents.care import Missing
from incidents.directory import Channel, Role
from incidents.model import Do, IncidentState, News, Signal, Story
from notifier.messages.catalogue import FIXED
from rules.faults.wear import Why
from rules.kinds import EventKind


class Form(StrEnum):
    """To be read, or to be spoken by a voice call."""

    WRITTEN = "written"
    SPOKEN = "spoken"


class Topic(StrEnum):
    """What an advice is about: kinds of events that ask for the same."""

    DISTRESS = "distress"
    SILENT = "silent"
    PERIMETER = "perimeter"
    ABSENCE = "absence"
    PRESENCE = "presence"
    OPEN = "open"
    OFFLINE = "offline"
    DEVICE = "device"
    BATTERY = "battery"
    WORN = "worn"
    OUTAGE = "outage"
    CUSTOM = "custom"
    GAS = "gas"
    WATER = "water"
    STOVE = "stove"
    SILENCE = "silence"
    LEAVING = "leaving"
    DAILY = "daily"
    REACHABILITY = "reachability"
    DRILL = "drill"


class Lack(StrEnum):
    """Why nobody can say that all is well with somebody today."""

    QUIET = "quiet"
    """No sign of life was heard."""
    LOST = "lost"
    """Something that would tell is not heard."""
    OPEN = "open"
    """Something is open about them, or their home."""


class Opening(StrEnum):
    """What may stand open, as far as its words differ."""

    FOUND = "found"
    """Open, and nobody knows since when."""
    BYPASSED = "bypassed"
    LONG = "long"
    STOVE = "stove"
    GAS = "gas"
    WATER = "water"
    LEAK = "leak"


class Letter(StrEnum):
    """What somebody is told of their own place in a community."""

    REPLACED = "replaced"
    ADDED = "added"
    REMOVED = "removed"


class Said(StrEnum):
    """What is answered to somebody who has answered."""

    GOING = "going"
    THERE = "there"
    FALSE_ALARM = "false_alarm"
    RESOLVED = "resolved"
    DECLINED = "declined"
    FIRST = "first"
    """Somebody else had it before."""
    OVER = "over"
    NOTHING = "nothing"
    """There is nothing to answer."""
    WHICH = "which"
    UNCLEAR = "unclear"
    NOT_YOURS = "not_yours"


TOPIC: Mapping[EventKind, Topic] = {
    EventKind.FALL: Topic.DISTRESS,
    EventKind.LONG_LIE: Topic.DISTRESS,
    EventKind.RECOVERED: Topic.DISTRESS,
    EventKind.SOS: Topic.DISTRESS,
    EventKind.INACTIVITY: Topic.DISTRESS,
    EventKind.DURESS: Topic.SILENT,
    EventKind.INTRUSION: Topic.PERIMETER,
    EventKind.CROSS: Topic.PERIMETER,
    EventKind.APPROACH: Topic.PERIMETER,
    EventKind.EXIT: Topic.ABSENCE,
    EventKind.ABSENT: Topic.ABSENCE,
    EventKind.WANDERING: Topic.ABSENCE,
    EventKind.NO_RETURN: Topic.ABSENCE,
    EventKind.ENTER: Topic.PRESENCE,
    EventKind.DWELL: Topic.PRESENCE,
    EventKind.LEFT_OPEN: Topic.OPEN,
    EventKind.OFFLINE: Topic.OFFLINE,
    EventKind.TAMPER: Topic.DEVICE,
    EventKind.STUCK: Topic.DEVICE,
    EventKind.CLOCK: Topic.DEVICE,
    EventKind.IMPLAUSIBLE: Topic.DEVICE,
    EventKind.LOW_BATTERY: Topic.BATTERY,
    EventKind.NOT_WORN: Topic.WORN,
    EventKind.OUTAGE: Topic.OUTAGE,
    EventKind.CUSTOM: Topic.CUSTOM,
    EventKind.SILENCE: Topic.SILENCE,
    EventKind.EVERYBODY_LEFT: Topic.LEAVING,
    EventKind.DAILY: Topic.DAILY,
    EventKind.REACHABILITY: Topic.REACHABILITY,
    EventKind.DRILL: Topic.DRILL,
}


_MINUTE_S, _HOUR_S = 60, 3600


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do: a sentence that always stands, and one that gives way when room is short."""

    must: str
    more: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How a language is set: what is no word of it, and so stands in no catalogue.

    Attributes
    ----------
    locale : str
        Of CLDR, for its dates.
    signature : str
        What a written text begins with, around `{community}`; where it is empty the community's name stands behind the address.
    sentence_gap, address_gap, digit_gap : str
        Between two sentences; between the parts of an address; between digits that are read out.
    keeps_classifier : bool
        A building such as `3栋` stays as it is; else it is told by its number alone.
    """

    locale: str
    signature: str = ""
    sentence_gap: str = ""
    address_gap: str = ""
    digit_gap: str = "，"
    keeps_classifier: bool = False

    @property
    def tag(self) -> str:
        """The language as pages name it (BCP 47)."""
        return self.locale.replace("_", "-")

    def digits(self, code: str) -> str:
        """Digits as a call reads them out, one after the other."""
        return self.digit_gap.join(code)

    def date(self, local: datetime) -> str:
        """Day and month, as short as people write them."""
        return format_skeleton("MMMd", local, locale=self.locale)


HANS = Script(locale="zh_Hans_CN", signature="【{community}】", keeps_classifier=True)
HANT = Script(locale="zh_Hant_HK", signature="【{community}】", keeps_classifier=True)
ENGLISH = Script(locale="en_GB", sentence_gap=" ", address_gap=", ", digit_gap=", ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """One language. Sentences end with their stop; `{who}` is the name with the address, as `place` joins them.

    Attributes
    ----------
    script : Script
        How it is set.
    opening : str
        What a call begins with, around `{community}`.
    place : mapping
        Joins `{who}` and `{details}`, its address.
    details_gap, names_gap : str
        Between address and community; between two occupants.
    building, floor, numbered_home, other_home : str
        An address made from these where the file gives none; `numbered_home` is for an id of digits.
    building_short, floor_short : str
        The same where room is short.
    home_of, device_of, device_of_home, device_alone : str
        Around `{name}`, and `{device}`; alone is a device of nobody, by its id.
    seconds, minutes, hours : str
        How long something lasts: `{n}`.
    still, down, as_of : str
        Who fell has not moved, or not got up, for `{lasting}`; where there is room with `{as_of}`, its `{time}`.
    up : str
        Who fell walks again, with `{time}`, `{at}`.
    elsewhere : str
        A time in the community's zone, and beside it in the recipient's own: `{time}`, `{own}`.
    at, dated, dated_at : str
        `{at}` of a time today; `{time}` and `{at}` of another day's, from `{date}` and `{clock}`.
    sent_late : mapping
        Before a text, or call, that leaves `{lasting}` after it was to.
    drill : mapping
        What a drill's text, or call, begins with, whatever it is about.
    drill_of : str
        Around the `{name}` of whom a drill is about, wherever no such beginning stands before it.
    drill_over, drill_unanswered, drill_called_off : str
        After an ending of a drill; that nobody took it on; and that it gave way to something real.
    not_well, lacks : str, mapping
        Of a daily word: that nobody can say that all is well, and why.
    missing : mapping
        What a night's proof found missing.
    and_more : str
        Some `{names}`, and `{more}` more.
    happened : mapping
        Each kind, with `{who}`, `{time}`, `{at}`, `{cover}`, `{breach}`.
    own_rule : str
        In the place of a community's own rule, where it has a `{rule}` name.
    openings : mapping
        Left open: what each thing is said to be, with `{who}`, `{time}`, `{at}`, `{cover}`, `{minutes}`.
    shut : mapping
        The same things when it is over.
    absorbed : str
        Ending of a fault that turned out to be part of an outage.
    wrong_codes : str
        In the place of tamper, where a keypad was tried out.
    unfit : mapping
        In the place of not worn or implausible, where a wearable's own reason is known.
    silenced_life, silenced_away : str
        Behind a silence, where it is of life safety too.
    ask : str
        To the wearer; with `{until}`.
    arrived : str
        Who was on the scene, before an ending; with `{by}`.
    breach_opened, breach_moved : str
        `{breach}` by a contact, with `{cover}`; and by anything else.
    no_need : str
        After a responder's ending.
    answer : mapping
        How to answer by each channel.
    reply, reply_or_follow, follow : str
        How to answer a text by writing back its `number`, by that or by opening its `link`, and by the link alone.
    answer_elsewhere : str
        How to answer where neither is possible.
    buttons : mapping
        What the buttons of a push message say.
    said : mapping
        What is answered to an answer: about `who`; `by` is who was first; `number` is to be written back, and `choices` are numbers with
        what they mean.
    code : mapping
        The `code` that shows whose a contact method is.
    test : mapping
        That `by` somebody it is tested how one is told about `who`.
    sign_in_code : mapping
        The `code` by which somebody signs in.
    letters : mapping
        What somebody is told of their place in a community: that their contact method is `to` now, that `by` made them a contact of `who`,
        that they are none any more.
    bundle, bundle_more, bundle_see : str
        What opens a text about `{n}` things, what says that there are `{n}` more, and where they are read.
    ended : mapping
        State in which a responder, or the wearer, left it; with `{by}`, `{time}`, `{at}`.
    ended_itself : mapping
        Each story that may end by itself.
    """

    script: Script = field(metadata=FIXED)
    opening: str
    place: Mapping[Form, str]
    details_gap: str
    names_gap: str
    building: str
    floor: str
    building_short: str
    floor_short: str
    numbered_home: str
    other_home: str
    home_of: str
    device_of: str
    device_of_home: str
    device_alone: str
    seconds: str
    minutes: str
    hours: str
    still: str
    down: str
    as_of: str
    up: str
    elsewhere: str
    at: str
    dated: str
    dated_at: str
    late: str
    sent_late: Mapping[Form, str]
    update: str
    over: str
    covers: Mapping[Covers, str]
    covers_unknown: str
    openings: Mapping[Opening, str]
    shut: Mapping[Opening, str]
    wrong_codes: str
    unfit: Mapping[Why, str]
    silenced_life: str
    silenced_away: str
    ask: str
    arrived: str
    breach_opened: str
    breach_moved: str
    devices: Mapping[DeviceKind, str]
    contacts: Mapping[Covers, str]
    drill: Mapping[Form, str]
    drill_of: str
    drill_over: str
    drill_unanswered: str
    drill_called_off: str
    happened: Mapping[EventKind, str]
    own_rule: str
    not_well: str
    lacks: Mapping[Lack, str]
    missing: Mapping[Missing, str]
    and_more: str
    advice: Mapping[Topic, Mapping[Role | None, Advice]]
    answer: Mapping[Channel, str]
    reply: str
    reply_or_follow: str
    follow: str
    look: str
    signals: Mapping[Signal, str]
    arrives: str
    answer_elsewhere: str
    buttons: Mapping[Do, str]
    said: Mapping[Said, str]
    code: Mapping[Form, str]
    sign_in_code: Mapping[Form, str]
    test: Mapping[Form, str]
    letters: Mapping[Letter, str]
    bundle: str
    bundle_more: str
    bundle_see: str
    whole_roster: str
    news: Mapping[News, str]
    taken: str
    no_need: str
    ended: Mapping[IncidentState, str]
    ended_itself: Mapping[Story, str]
    unanswered: str
    absorbed: str

    def lasting(self, seconds: int) -> str:
        """So long, in the unit that people would use."""
        if seconds < _MINUTE_S:
            return self.seconds.format(n=seconds)
        if seconds < _HOUR_S:
            return self.minutes.format(n=seconds // _MINUTE_S)
        return self.hours.format(n=seconds // _HOUR_S)
