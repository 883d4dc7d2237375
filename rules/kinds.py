"""Kinds of events, and modes of homes; a stored value is never renamed."""

from enum import StrEnum


class EventKind(StrEnum):
    """Kinds of events; a stored value is never renamed."""

    FALL = "fall"
    LONG_LIE = "long_lie"
    RECOVERED = "recovered"
    SOS = "sos"
    DURESS = "duress"
    INACTIVITY = "inactivity"
    NO_RETURN = "no_return"
    ENTER = "enter"
    EXIT = "exit"
    ABSENT = "absent"
    APPROACH = "approach"
    CROSS = "cross"
    DWELL = "dwell"
    INTRUSION = "intrusion"
    LEFT_OPEN = "left_open"
    WANDERING = "wandering"
    OFFLINE = "offline"
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"
    STUCK = "stuck"
    CLOCK = "clock"
    IMPLAUSIBLE = "implausible"
    NOT_WORN = "not_worn"
    OUTAGE = "outage"
    CUSTOM = "custom"
    EVERYBODY_LEFT = "everybody_left"
    """Everybody who lives in a home is out, and it is disarmed."""
    DAILY = "daily"
    """The daily word about a resident, for who wants it."""
    REACHABILITY = "reachability"
    """Help would not come for everybody: what a night's proof found, for the administrators."""
    SILENCE = "silence"
    """Somebody asked for quiet; no rule finds it."""
    DRILL = "drill"
    """Nothing happened: it is tried whether help would come; no rule finds it."""


class Mode(StrEnum):
    """What a home is armed for; a home starts disarmed."""

    DISARMED = "disarmed"
    HOME = "home"
    AWAY = "away"
    NIGHT = "night"
    HOLIDAY = "holiday"
