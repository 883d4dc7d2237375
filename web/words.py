"""The words of the pages: the table that `web.zh` and `web.en` fill in."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from incidents.model import Channel, Do, Ended, IncidentState, Language, Purpose, Role, Severity
from rules.model import EventKind, Mode
from store.outbox import NotificationState


class Notice(StrEnum):
    """What a page says after something was done, or was not."""

    DONE = "done"
    MODE_SET = "mode_set"
    NOBODY = "nobody"
    """Whoever acts did not say who they are."""
    OVER = "over"
    NOT_YOURS = "not_yours"
    REFUSED = "refused"
    BUSY = "busy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """One language. Words in braces are filled in.

    Attributes
    ----------
    kinds : mapping
        What happened, as a heading.
    covered : str
        A heading with the door or window that it is about: `{title}`, `{cover}`.
    states : mapping
        Where an open incident stands, with `{by}`.
    ended : mapping
        How it ended by itself or by nobody, and in which state a responder or the wearer left it, with `{by}`.
    tells : mapping
        Whom a step tells, in the words of the community's file.
    day : str
        A time of another day: `{month}`, `{day}`, `{clock}`; `months` holds the names.
    """

    language: Language
    html: str
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
    choose: str
    happening: str
    all_quiet: str
    nothing_open: str
    count_homes: str
    count_residents: str
    count_devices: str
    over: str
    nothing_over: str
    kinds: Mapping[EventKind, str]
    covered: str
    severities: Mapping[Severity, str]
    states: Mapping[IncidentState, str]
    until: str
    cancel_until: str
    do: Mapping[Do, str]
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
    late: str
    unanswered: str
    cancel_pressed: str
    again: str
    ended: Mapping[IncidentState | Ended, str]
    details: str
    back: str
    timeline: str
    known_later: str
    told_by: str
    just_now: str
    minutes_ago: str
    hours_ago: str
    days_ago: str
    day: str
    months: tuple[str, ...]
    phones_intro: str
    everyone: str
    filter: str
    no_messages: str
    call: str
    homes_intro: str
    building: str
    no_building: str
    floor: str
    modes: Mapping[Mode, str]
    mode_since: str
    never_changed: str
    notices: Mapping[Notice, str]
    not_found: str
    not_found_more: str
    no_community: str
    no_community_more: str
    busy: str
    busy_more: str
    names_gap: str
    list_gap: str
