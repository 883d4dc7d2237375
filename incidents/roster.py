"""Who is on duty when. Shifts are wall-clock times in the community's zone; a change of the clock leaves no hole and no overlap."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from devices.model import NS_PER_S, PersonId
from incidents.model import Roster, Shift, Weekday

_DAY = timedelta(days=1)


def on_shift(roster: Roster, at_ns: int, zone: ZoneInfo) -> tuple[PersonId, ...]:
    """Who is on duty at a time, in the roster's order; empty where nobody is."""
    local = datetime.fromtimestamp(at_ns // NS_PER_S, tz=zone)
    return tuple(dict.fromkeys(shift.responder for shift in roster.shifts if _runs(shift, local)))


def everybody(roster: Roster) -> tuple[PersonId, ...]:
    """Everyone who is ever on duty, in the roster's order."""
    return tuple(dict.fromkeys(shift.responder for shift in roster.shifts))


def _runs(shift: Shift, local: datetime) -> bool:
    """Whether a shift that began today or yesterday is running: it begins at `since` and is over at `until`."""
    lasts = _DAY if shift.until <= shift.since else timedelta(0)
    for begin_day in (local.date(), local.date() - _DAY):
        if Weekday(begin_day.weekday()) in shift.days:
            begin = datetime.combine(begin_day, shift.since)
            end = datetime.combine(begin_day + lasts, shift.until)
            if _has_come(begin, local) and not _has_come(end, local):
                return True
    return False


def _has_come(wall: datetime, local: datetime) -> bool:
    """Whether the clock on the wall has shown a time.

    An hour that is skipped has come as soon as the clock shows a later one; an hour that is repeated has come the first time.
    """
    return local.replace(tzinfo=None) >= wall or local.astimezone(UTC) >= wall.replace(tzinfo=local.tzinfo).astimezone(UTC)
