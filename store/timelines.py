"""Timelines of incidents: append, read; and what people add to them by hand."""

import json
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from devices.model import CommunityId, PersonId
from incidents.model import IncidentId
from incidents.timeline import Entry, EntryKind
from store.session import insert, next_number
from store.tables import EntryRow, PhotoRow

LONGEST_NOTE = 2000
LARGEST_PHOTO = 5 * 1024 * 1024
_KINDS_OF_PHOTO = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """A picture: its media type and its bytes."""

    media_type: str
    content: bytes


def append(session: Session, community_id: CommunityId, incident_id: IncidentId, entry: Entry) -> int:
    """Write an entry; its number, which goes up with each."""
    number = next_number(session, community_id)
    body = json.dumps(entry.detail, ensure_ascii=False, sort_keys=True)
    values = {"at_ns": entry.at_ns, "kind": entry.kind, "by": entry.by, "body": body}
    session.exec(insert(session, EntryRow).values(community_id=community_id, incident_id=incident_id, number=number, **values))
    return number


def read(session: Session, community_id: CommunityId, incident_id: IncidentId) -> tuple[tuple[int, Entry], ...]:
    """Every entry with its number, in the order in which they were written."""
    about = (EntryRow.community_id == community_id, EntryRow.incident_id == incident_id)
    rows = session.exec(select(EntryRow).where(*about).order_by(col(EntryRow.number)))
    return tuple((row.number, _entry(row)) for row in rows)


def note(session: Session, community_id: CommunityId, incident_id: IncidentId, *, by: PersonId, text: str, at_ns: int) -> int | str:
    """Write down what somebody says about an incident, open or over; its number, or why not."""
    words = text.strip()
    if not 0 < len(words) <= LONGEST_NOTE:
        return f"the note has {len(words)} characters, wanted 1 to {LONGEST_NOTE}"
    return append(session, community_id, incident_id, Entry(at_ns=at_ns, kind=EntryKind.NOTE, by=by, detail={"text": words}))


def add_photo(
    session: Session, community_id: CommunityId, incident_id: IncidentId, *, by: PersonId, content: bytes, at_ns: int
) -> int | str:
    """Keep a picture, JPEG or PNG by its own first bytes; its number, or why not."""
    media_type = next((media_type for start, media_type in _KINDS_OF_PHOTO.items() if content.startswith(start)), None)
    if media_type is None:
        return "the picture is neither JPEG nor PNG"
    if len(content) > LARGEST_PHOTO:
        return f"the picture has {len(content)} bytes, wanted at most {LARGEST_PHOTO}"
    number = append(session, community_id, incident_id, Entry(at_ns=at_ns, kind=EntryKind.PHOTO, by=by))
    session.add(PhotoRow(community_id=community_id, incident_id=incident_id, number=number, media_type=media_type, content=content))
    session.flush()
    return number


def photo(session: Session, community_id: CommunityId, incident_id: IncidentId, number: int) -> Photo | None:
    """A picture by its entry's number."""
    row = session.get(PhotoRow, (community_id, incident_id, number))
    return None if row is None else Photo(media_type=row.media_type, content=row.content)


def opened(session: Session, community_id: CommunityId, incident_id: IncidentId, *, by: PersonId, at_ns: int) -> bool:
    """Note that somebody looked at an incident's page, the first time they do; whether it was."""
    about = (EntryRow.community_id == community_id, EntryRow.incident_id == incident_id)
    seen = select(EntryRow.number).where(*about, EntryRow.kind == EntryKind.OPENED, EntryRow.by == by)
    if session.exec(seen).first() is not None:
        return False
    next_number(session, community_id)  # the lock: whoever looks at this moment too is seen by now
    if session.exec(seen).first() is not None:
        return False
    append(session, community_id, incident_id, Entry(at_ns=at_ns, kind=EntryKind.OPENED, by=by))
    return True


def _entry(row: EntryRow) -> Entry:
    detail: dict[str, Any] = json.loads(row.body)
    return Entry(at_ns=row.at_ns, kind=EntryKind(row.kind), by=PersonId(row.by) if row.by else None, detail=detail)
