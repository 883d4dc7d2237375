"""The words of the pages: the table that `web.zh` fills in, and catalogues translate."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from incidents.care import Missing
from incidents.directory import Channel, Language, Role, Severity, VisitorKind
from incidents.model import Do, Ended, IncidentState, Purpose
from incidents.model import Reason as Found
from notifier.carrier.phones import Condition
from notifier.drills import Broke
from notifier.messages.catalogue import FIXED
from notifier.messages.wording import Script
from rules.faults.wear import Why
from rules.kinds import EventKind, Mode
from store.chain_checks import LinkState
from store.consents import DataPurpose, Recipient
from store.contacts import ContactState
from store.outbox import NotificationState
from store.schema import Departure, FenceState
from web.evidence import Reason, Sureness
from web.ground import Compass
from web.passage import Sign


class Notice(StrEnum):
    """What a page says after something was done, or was not."""

    DONE = "done"
    MODE_SET = "mode_set"
    QUIET = "quiet"
    """Alerts are paused."""
    ADDED = "added"
    """A note or a photo."""
    OVER = "over"
    NOT_YOURS = "not_yours"
    REFUSED = "refused"
    BUSY = "busy"
    WRONG_CODE = "wrong_code"
    QUIET_ALREADY = "quiet_already"
    QUIET_REASON = "quiet_reason"
    QUIET_FAMILY = "quiet_family"
    """Life safety is silenced for nobody whose family cannot be told."""
    NO_NOTE = "no_note"
    TESTED_ENOUGH = "tested_enough"
    GLASS_REASON = "glass_reason"
    NO_PHOTO = "no_photo"
    NOT_NOW = "not_now"
    """A phone cannot do that now."""
    PLAN_CHANGED = "plan_changed"
    NO_MAIL = "no_mail"
    NOT_YOURS_TO_CHANGE = "not_yours_to_change"
    LAST_CONTACT = "last_contact"
    """Nobody would be left to be told of a home."""
    NOBODY_FOR_SOS = "nobody_for_sos"
    CONTACT_KNOWN = "contact_known"
    CONTACTS_ENOUGH = "contacts_enough"
    CONTACT_PAST = "contact_past"
    RULE_CHANGED = "rule_changed"
    RULES_ENOUGH = "rules_enough"
    TRY_FIRST = "try_first"
    """A rule is rehearsed before it is switched on."""
    RULE_FLOODS = "rule_floods"
    NO_PAST = "no_past"
    """The log cannot be read."""
    CHANGED = "changed"
    """It stands otherwise than whoever acts saw it."""


GOOD = frozenset({Notice.DONE, Notice.MODE_SET, Notice.QUIET, Notice.ADDED})
"""Something was done."""


class SignIn(StrEnum):
    """What stands on the pages where somebody signs in."""

    PHONE = "phone"
    CODE = "code"
    STAFF = "staff"
    WELCOME = "welcome"
    VISIT = "visit"
    VISIT_MORE = "visit_more"
    AS_FAMILY = "as_family"
    AS_STAFF = "as_staff"
    EVERYBODY = "everybody"
    NUMBER = "number"
    NUMBER_MORE = "number_more"
    SEND_CODE = "send_code"
    I_WORK_HERE = "i_work_here"
    I_AM_FAMILY = "i_am_family"
    CODE_SENT = "code_sent"
    DIGITS = "digits"
    NO_CODE = "no_code"
    OTHER_NUMBER = "other_number"
    ENTER = "enter"
    PASSWORD = "password"  # noqa: S105  the word for it
    TOTP = "totp"
    FORGOTTEN = "forgotten"
    SCAN = "scan"
    QR = "qr"
    SECRET = "secret"  # noqa: S105  the word for it
    OPEN_APP = "open_app"
    NEW_PASSWORD = "new_password"  # noqa: S105  the word for it
    NO_NUMBER = "no_number"
    WRONG_CODE = "wrong_code"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105  the word for it
    WEAK_PASSWORD = "weak_password"  # noqa: S105  the word for it
    TOO_OFTEN = "too_often"
    OUT = "out"
    WHO = "who"
    WHO_MORE = "who_more"


class Glancing(StrEnum):
    """How things are at a home, in a line."""

    WELL = "well"
    CARE = "care"
    NOBODY = "nobody"
    ACTIVE = "active"
    NO_SIGN = "no_sign"
    BATTERY = "battery"
    HEARD = "heard"
    NOT_HEARD = "not_heard"
    READ_OUT = "read_out"
    AMBULANCE = "ambulance"
    POLICE = "police"
    FIRE = "fire"
    NO_SIGNAL = "no_signal"
    STEP = "step"
    ALARM = "alarm"
    AT_ONCE = "at_once"
    NOBODY_TOLD = "nobody_told"
    ALL_BROKEN = "all_broken"
    NO_CHAIN = "no_chain"
    CALL_HELP = "call_help"
    SAY_THERE = "say_there"
    PEOPLE = "people"
    METHOD_OK = "method_ok"
    METHOD_UNKNOWN = "method_unknown"
    EVERYBODY_LEFT = "everybody_left"
    ARRIVES = "arrives"
    UNTIL = "until"


class Fencing(StrEnum):
    """What is said of a fence that somebody draws."""

    DESCRIBED = "described"
    AREA = "area"
    LINE = "line"
    WIDE = "wide"
    LONG = "long"
    FOR = "for"
    NOBODY = "nobody"
    NO_TRACKER = "no_tracker"
    NO_RADAR = "no_radar"
    TOO_SMALL = "too_small"
    OTHER_FLOOR = "other_floor"
    OUT_OF_SIGHT = "out_of_sight"
    PARTLY_HIDDEN = "partly_hidden"
    CROSSES = "crosses"
    TOO_FEW = "too_few"
    UNCLEAR = "unclear"
    REPAIRED = "repaired"
    AREA_NEEDS = "area_needs"
    LINE_NOTICES = "line_notices"
    OWN = "own"
    BEYOND_NEIGHBOUR = "beyond_neighbour"
    BEYOND_CORRIDOR = "beyond_corridor"
    BEYOND_PUBLIC = "beyond_public"
    BEYOND_UNKNOWN = "beyond_unknown"
    WILL_WAIT = "will_wait"
    REACHED = "reached"
    REACHED_AREA = "reached_area"
    WOULD_REACH = "would_reach"
    ASKS = "asks"
    DREW = "drew"
    FROM_FILE = "from_file"
    APPROVED = "approved"
    REFUSED_BY = "refused_by"
    REMOVED_BY = "removed_by"
    REPLACES = "replaces"
    ESTATE = "estate"
    CHANGED = "changed"
    GONE = "gone"
    TOO_OFTEN = "too_often"
    TOO_MANY = "too_many"
    DECIDED = "decided"
    NO_REASON = "no_reason"
    NO_FILE = "no_file"
    NO_SHAPES = "no_shapes"
    LARGE_FILE = "large_file"
    NEITHER = "neither"


class Desking(StrEnum):
    """What is broken, and who is on duty, on the desk's pages."""

    BUDGET_NEARLY = "budget_nearly"
    BUDGET_OVER = "budget_over"
    RED_LIST = "red_list"
    HANDED_TO = "handed_to"
    DUTY = "duty"
    NOBODY = "nobody"


class Drilling(StrEnum):
    """What is said of a drill."""

    MARK = "mark"
    SHORT = "short"
    OVER = "over"
    UNANSWERED = "unanswered"
    LEFT_OUT = "left_out"
    BEGAN = "began"
    TAKEN = "taken"
    NOT_TAKEN = "not_taken"
    TOLD = "told"
    ARRIVED = "arrived"
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    DUE = "due"
    OVERDUE = "overdue"
    REAL = "real"
    GOES_ON = "goes_on"
    QUIET = "quiet"
    NO_POLICY = "no_policy"


class Lack(StrEnum):
    """What is broken besides devices, each of which has its incident."""

    UNGUARDED = "unguarded"
    UNREACHABLE = "unreachable"
    BUDGET = "budget"
    RED_LIST = "red_list"


class Particular(StrEnum):
    """What an event says beyond its kind, as a heading."""

    STOVE = "stove"
    GAS = "gas"
    WATER = "water"
    LEAK = "leak"
    BYPASSED = "bypassed"
    CODES = "codes"


class Move(StrEnum):
    """What moved an incident, as an entry of its timeline."""

    NOTED = "noted"
    SUSPECTED = "suspected"
    NOT_CANCELLED = "not_cancelled"
    AGAIN = "again"
    EXPIRED = "expired"
    REPEATED = "repeated"
    TAKEN = "taken"
    TAKEN_UNTIL = "taken_until"
    ARRIVED = "arrived"
    DECLINED = "declined"
    HANDED = "handed"
    CLEARED = "cleared"
    SKIPPED = "skipped"
    HELD = "held"
    OPENED = "opened"
    """Somebody looked at its page."""
    NOTE = "note"
    PHOTO = "photo"
    BROKE_GLASS = "broke_glass"


class Mark(StrEnum):
    """What stands in the picture of a fall's evidence."""

    TITLE = "title"
    FORCE = "force"
    TURN = "turn"
    FALLING = "falling"
    IMPACT = "impact"
    LYING = "lying"
    STILL = "still"
    SECONDS = "seconds"


class Spot(StrEnum):
    """What stands in the picture of a fence's event."""

    TITLE = "title"
    INSIDE = "inside"
    OUTSIDE = "outside"
    NEAR = "near"
    """The side that a line protects."""
    FAR = "far"
    METRES = "metres"
    NORTH = "north"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Words in braces are filled in.

    Attributes
    ----------
    script : Script
        How the language is set.
    kinds : mapping
        What happened, as a heading.
    still_for, down_for : str
        Who fell has not moved, or not got up, for `{lasting}`.
    as_of : str
        `{title}`, at `{time}`.
    up_since : str
        Who fell walks again, since `{time}`.
    covered : str
        A heading with the door or window that it is about: `{title}`, `{cover}`.
    particulars : mapping
        Headings that say more than their kind, with `{cover}`.
    unfit : mapping
        Why a wearable may not show a fall.
    red_list, red_list_intro, red_list_empty, red_list_everybody : str
        The page of those for whom help would not come.
    missing, mend : mapping
        What is missing, with `{kinds}`, `{count}`, `{devices}`, `{times}`, `{roster}`; and what to do about it.
    wrong_with : str
        A `{device}`, and `{what}` is wrong with it.
    from_to : str
        From `{since}` to `{until}`.
    contacts_broken : str
        Who cannot be told as was meant: `{names}`.
    contact_states : mapping
        What is wrong with a `{channel}`.
    unguarded, unguarded_by : str
        Whose falls may not be noticed now: `{names}`, each `{name}` with `{why}`.
    nothing_told : str
        In the place of `all_quiet`, where that would say too much.
    states : mapping
        Where an open incident stands, with `{by}`.
    ended : mapping
        How it ended by itself or by nobody, and in which state a responder or the wearer left it, with `{by}`.
    tells : mapping
        Whom a step tells, in the words of the community's file.
    moves : mapping
        Entries of a timeline, with what they name of `{by}`, `{to}`, `{time}`, `{title}`.
    found : mapping
        What somebody found who ended it.
    desk : mapping
        What is broken, for `{n}` people; who is asked to take something, `{by}`; who is on duty, `{names}`, until `{time}`.
    drill : mapping
        What is said of a drill: that it is one, whom it spared, `{names}`, who began it, and what its report says of `{name}`.
    broke : mapping
        Where its chain broke, with `{name}`.
    visits : mapping
        That somebody known came, by `{name}`.
    visitors : mapping
        What they are called.
    left : mapping
        That somebody moved out or died, `{date}`.
    worn_until : str
        That `{name}` wore a device until a `{time}`.
    visit_noted, visit_over : str
        In the place of a state: that it is noted, and was.
    sureness : mapping
        How sure a fall is.
    speaks_for, speaks_against, nothing_against : str
        Headings of the reasons for and against a fall; in the place of the latter, where there are none.
    reasons : mapping
        What speaks for a fall or against it, with its `{value}`.
    judged : str
        How many seconds after the impact had been seen, `{value}`.
    reckoned : str
        What the probability of a fall is one of.
    numbers : str
        What opens the numbers that a fall was judged by.
    marks : mapping
        What stands in the picture of a fall, with its `{value}` or `{n}`.
    reached_by : str
        Whose virtual lines watch something of a home that is not theirs: `{homes}`.
    passages : mapping
        What somebody did at a `{fence}`, and on which `{side}` of it.
    compass : mapping
        The `{side}` of an area.
    distances : mapping
        How far from the edge or the line that was, `{value}`.
    so_long : str
        For how long somebody has been there, `{lasting}`.
    one_position, positions, frames : str
        By how many positions of somebody, or frames of a radar, it was decided, `{n}`; `lasting` `{value}` seconds.
    signs : mapping
        What speaks for it or against it, with its `{value}`, `{more}` and `{names}`.
    signs_for, signs_against, no_signs_against : str
        Headings of those, and what is said in the place of the latter, where there are none.
    decided : str
        How long after it had happened it was sure, `{value}`.
    errors : str
        What the probability of a position is one of.
    spots : mapping
        What stands in the picture, with its `{fence}` or `{n}`.
    thing, one_thing, many_things : str
        A sensor's `{thing}` with its `{id}`; one of its kind within a list, and `{n}` of them.
    away, away_intro, away_for, away_until : str, str, mapping, str
        A resident `{name}` is somewhere else: what it means, for how many minutes, until `{time}`.
    quiet_for : mapping
        Minutes for which alerts can be paused.
    glance : mapping
        How things are with `{names}`, what a device last did, `{ago}`, `{percent}`; what is read out to those who are called.
    fencing : mapping
        What is said of a fence with its `{name}`, how wide it is or has to be, `{n}` m, which `{device}` guards it, and whom.
    fence_states : mapping
        What became of a drawing.
    purposes_of_data, recipients : mapping
        What a resident lets whom have.
    consented : mapping
        That it was given, or taken back, at a `{time}` and `{by}` whom.
    test_links : mapping
        How far a test alarm got with somebody.
    sign_in : mapping
        What stands where somebody signs in, with the `{number}` of a telephone, their `{name}`, or how many characters, `{n}`.
    day : str
        A time of another day: `{date}`, `{clock}`.
    """

    language: Language = field(metadata=FIXED)
    script: Script = field(metadata=FIXED)
    brand: str
    title: str
    console: str
    phones: str
    homes: str
    live: str
    lost: str
    community: str
    show: str
    i_am: str
    sign_in: Mapping[SignIn, str]
    glance: Mapping[Glancing, str]
    fencing: Mapping[Fencing, str]
    fence_states: Mapping[FenceState, str]
    purposes_of_data: Mapping[DataPurpose, str]
    recipients: Mapping[Recipient, str]
    consented: Mapping[bool, str]
    test_links: Mapping[LinkState, str]
    not_allowed: str
    not_allowed_more: str
    happening: str
    all_quiet: str
    nothing_open: str
    count_homes: str
    count_residents: str
    count_devices: str
    over: str
    nothing_over: str
    kinds: Mapping[EventKind, str]
    still_for: str
    down_for: str
    as_of: str
    up_since: str
    covered: str
    particulars: Mapping[Particular, str]
    unfit: Mapping[Why, str]
    contacts_broken: str
    contact_states: Mapping[ContactState, str]
    unguarded: str
    unguarded_by: str
    nothing_told: str
    severities: Mapping[Severity, str]
    states: Mapping[IncidentState, str]
    until: str
    cancel_until: str
    do: Mapping[Do, str]
    hand_over_to: str
    open_desk: str
    arrive: str
    arrive_in: str
    told: str
    told_nobody: str
    unreachable: str
    more_told: str
    next: str
    next_tell: str
    next_again: str
    tells: Mapping[str, str]
    roles: Mapping[Role, str]
    relative_of: str
    channels: Mapping[Channel, str]
    no_channel: str
    sent: Mapping[NotificationState, str]
    being_sent: str
    not_sent: str
    purposes: Mapping[Purpose, str]
    drill: Mapping[Drilling, str]
    broke: Mapping[Broke, str]
    visits: Mapping[VisitorKind, str]
    visitors: Mapping[VisitorKind, str]
    left: Mapping[Departure, str]
    worn_until: str
    visit_noted: str
    visit_over: str
    late: str
    unanswered: str
    cancel_pressed: str
    again: str
    ended: Mapping[IncidentState | Ended, str]
    found: Mapping[Found, str]
    desk: Mapping[Desking, str]
    quiet: str
    quiet_intro: str
    quiet_reason: str
    quiet_life: str
    quiet_for: Mapping[int, str]
    away: str
    away_intro: str
    away_for: Mapping[int, str]
    away_until: str
    quiet_line: str
    quiet_until: str
    quiet_because: str
    quiet_with_life: str
    quiet_ended: str
    quiet_over: str
    end_quiet: str
    details: str
    back: str
    timeline: str
    known_later: str
    moves: Mapping[Move, str]
    by_policy: str
    acted_late: str
    sure: str
    why: str
    sureness: Mapping[Sureness, str]
    speaks_for: str
    speaks_against: str
    nothing_against: str
    reasons: Mapping[Reason, str]
    judged: str
    reckoned: str
    numbers: str
    marks: Mapping[Mark, str]
    passages: Mapping[EventKind, str]
    compass: Mapping[Compass, str]
    distances: Mapping[EventKind, str]
    so_long: str
    one_position: str
    positions: str
    frames: str
    lasting: str
    signs: Mapping[Sign, str]
    signs_for: str
    signs_against: str
    no_signs_against: str
    decided: str
    errors: str
    spots: Mapping[Spot, str]
    yes: str
    no: str
    glass: str
    glass_more: str
    glass_reason: str
    glass_open: str
    add: str
    note: str
    add_note: str
    photo: str
    add_photo: str
    told_by: str
    just_now: str
    minutes_ago: str
    hours_ago: str
    days_ago: str
    day: str
    phones_intro: str
    everyone: str
    filter: str
    no_messages: str
    call: str
    play_intro: str
    conditions: Mapping[Condition, str]
    condition: str
    calling: str
    talking: str
    answer_call: str
    turn_away: str
    hang_up: str
    press: str
    pressed: str
    write: str
    send: str
    wrote: str
    not_taken: str
    answers: Mapping[Do, str]
    no_reply: str
    homes_intro: str
    red_list: str
    red_list_intro: str
    red_list_empty: str
    red_list_everybody: str
    missing: Mapping[Missing, str]
    mend: Mapping[Missing, str]
    wrong_with: str
    from_to: str
    building: str
    no_building: str
    floor: str
    modes: Mapping[Mode, str]
    mode_since: str
    next_mode: str
    by_schedule: str
    never_changed: str
    history: str
    change: str
    thing: str
    one_thing: str
    many_things: str
    open_now: str
    no_signal: str
    reached_by: str
    without: str
    left_out: str
    unheard: str
    code: str
    notices: Mapping[Notice, str]
    not_found: str
    not_found_more: str
    no_community: str
    no_community_more: str
    busy: str
    busy_more: str
    link_over: str
    link_over_more: str
    answer_as: str
    names_gap: str
    list_gap: str
    clause_gap: str
