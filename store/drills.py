"""Drills that were: for their reports, and for who is to be reminded of the next one."""

from sqlmodel import Session, col, func, select

from devices.model import NS_PER_S, CommunityId
from incidents.model import Ended, Incident, Story
from store import views
from store.tables import CommunityVersionRow, IncidentRow

EVERY_NS = 182 * 24 * 3600 * NS_PER_S
"""Half a year: after so long without a drill the administrators are reminded of it, and of it again until there was one."""


def read(session: Session, community_id: CommunityId) -> tuple[Incident, ...]:
    """Every drill, the newest first."""
    return tuple(reversed(views.incidents_where(session, community_id, IncidentRow.story == Story.DRILL)))


def due_ns(session: Session, community_id: CommunityId) -> int:
    """When the next one is due, in ns: after the last that was carried through, else after the community began."""
    carried_through = (one.opened_ns for one in read(session, community_id) if one.ended is not Ended.CALLED_OFF)
    began = select(func.min(col(CommunityVersionRow.effective_ns))).where(CommunityVersionRow.community_id == community_id)
    last_ns = next(carried_through, None)
    return (session.exec(began).one() or 0 if last_ns is None else last_ns) + EVERY_NS
