"""What a report is made of: incidents of a time with their timelines, and the rosters that held in it."""

import json
from collections import defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, or_, select

from devices.model import NS_PER_S, CommunityId
from incidents.model import IncidentId, Story
from incidents.report import Duty, Known
from incidents.roster import Span
from incidents.timeline import Entry, EntryKind
from store import community, configuration, timelines, views
from store.model import InputError
from store.tables import CommunityVersionRow, EntryRow, IncidentRow


def month(words: str, zone: ZoneInfo) -> Span:
    """From and to of a month such as `2026-11` by a clock, half-open, in ns.

    Raises
    ------
    InputError
        It is no month.
    """
    try:
        first = datetime.strptime(words, "%Y-%m").replace(tzinfo=zone)
    except ValueError:
        raise InputError("month", words, "is no month, wanted such as 2026-03") from None
    year, after = divmod(first.year * 12 + first.month, 12)
    return round(first.timestamp()) * NS_PER_S, round(first.replace(year=year, month=after + 1).timestamp()) * NS_PER_S


def known(session: Session, community_id: CommunityId, span: Span) -> list[Known]:
    """Incidents that began within a time, and faults that were there in it, each with what was said and done."""
    opened_ns, ended_ns = col(IncidentRow.opened_ns), col(IncidentRow.ended_ns)
    faulty = (col(IncidentRow.story) == Story.FAULT) & or_(ended_ns.is_(None), ended_ns > span[0])
    wanted = (opened_ns < span[1]) & or_(opened_ns >= span[0], faulty)
    found = views.incidents_where(session, community_id, wanted)
    moved = col(EntryRow.kind).in_([EntryKind.STATE, EntryKind.ACT])
    rows = select(EntryRow).join(
        IncidentRow, (col(IncidentRow.community_id) == EntryRow.community_id) & (col(IncidentRow.id) == EntryRow.incident_id)
    )
    rows = rows.where(EntryRow.community_id == community_id, moved, wanted).order_by(col(EntryRow.number))
    entries: defaultdict[str, list[Entry]] = defaultdict(list)
    for row in session.exec(rows):
        entries[IncidentId(row.incident_id)].append(timelines.entry(row))
    return [(one, entries[one.id]) for one in found]


def duties(session: Session, community_id: CommunityId, span: Span) -> list[Duty]:
    """The rosters that held within a time, as the community's file said it at each moment of it."""
    within = (CommunityVersionRow.community_id == community_id, CommunityVersionRow.effective_ns < span[1])
    later = select(CommunityVersionRow).where(*within, CommunityVersionRow.effective_ns > span[0])
    rows = session.exec(later.order_by(col(CommunityVersionRow.effective_ns), col(CommunityVersionRow.number)))
    first = configuration.community_at(session, community_id, span[0])
    versions = [(span[0], first)] if first is not None else []
    versions += [(row.effective_ns, row.document) for row in rows]
    changed: list[tuple[int, str]] = []
    before = None
    for since_ns, text in versions:
        said = json.loads(text)
        rosters = json.dumps([said.get("rosters"), said["community"]])
        if rosters != before:  # most versions change something else
            changed.append((since_ns, text))
        before = rosters
    ends = [since_ns for since_ns, _ in changed[1:]] + [span[1]]
    return [
        Duty(
            since_ns=since_ns,
            until_ns=until_ns,
            rosters=tuple(community.parse(text, f"community {community_id} in the database").directory.rosters.values()),
        )
        for (since_ns, text), until_ns in zip(changed, ends, strict=True)
        if since_ns < until_ns
    ]
