"""Timelines of incidents: append, read; and what people add to them by hand."""

import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError
from sqlmodel import Session, col, select

from devices.model import NS_PER_S, CommunityId, PersonId
from incidents.model import IncidentId
from incidents.timeline import Entry, EntryKind
from store.session import insert, next_number
from store.tables import EntryRow, PhotoRow

LONGEST_NOTE = 2000
SHORTEST_REASON, LONGEST_REASON = 4, 200
GLASS_NS = 3600 * NS_PER_S
"""So long somebody sees what they said they have to see."""
LARGEST_PHOTO = 5 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""Of a picture as it comes: a small file may unfold into gigabytes."""
LONGEST_SIDE = 2048
"""Pixels of a picture as it is kept."""
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png"}


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
    return tuple((row.number, entry(row)) for row in rows)


def is_said(session: Session, community_id: CommunityId, incident_id: IncidentId, act_id: str) -> bool:
    """Whether an act of this id stands there already."""
    return any(entry.detail.get("id") == act_id for _, entry in read(session, community_id, incident_id))


def note(session: Session, community_id: CommunityId, incident_id: IncidentId, *, by: PersonId, text: str, at_ns: int) -> int | str:
    """Write down what somebody says about an incident, open or over; its number, or why not."""
    words = text.strip()
    if not 0 < len(words) <= LONGEST_NOTE:
        return f"the note has {len(words)} characters, wanted 1 to {LONGEST_NOTE}"
    return append(session, community_id, incident_id, Entry(at_ns=at_ns, kind=EntryKind.NOTE, by=by, detail={"text": words}))


def add_photo(
    session: Session, community_id: CommunityId, incident_id: IncidentId, *, by: PersonId, photo: Photo | str, at_ns: int
) -> int | str:
    """Keep what `drawn_anew` made of a picture; its number, or why not."""
    if isinstance(photo, str):
        return photo
    number = append(session, community_id, incident_id, Entry(at_ns=at_ns, kind=EntryKind.PHOTO, by=by))
    row = PhotoRow(community_id=community_id, incident_id=incident_id, number=number, media_type=photo.media_type, content=photo.content)
    session.add(row)
    session.flush()
    return number


def drawn_anew(content: bytes) -> Photo | str:
    """A JPEG or PNG with nothing but its pixels, upright, or why it is none.

    What else the file says is not kept, such as where it was taken. It takes a while, so it is done before anybody waits for a write.
    """
    if len(content) > LARGEST_PHOTO:
        return f"the picture has {len(content)} bytes, wanted at most {LARGEST_PHOTO}"
    try:
        with Image.open(BytesIO(content), formats=tuple(_FORMATS)) as found:
            media_type = _FORMATS[str(found.format)]
            if found.width * found.height > MOST_PIXELS:
                return f"the picture has {found.width} by {found.height} pixels, wanted at most {MOST_PIXELS} in all"
            upright = ImageOps.exif_transpose(found)
            upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            file = BytesIO()
            if media_type == "image/png":
                plain = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
                plain.info.clear()
                plain.save(file, "PNG", optimize=False)
            else:
                upright.convert("RGB").save(file, "JPEG", quality=85)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return "the picture is neither JPEG nor PNG, or is damaged"
    return Photo(media_type=media_type, content=file.getvalue())


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


def break_glass(
    session: Session, community_id: CommunityId, incident_id: IncidentId, *, by: PersonId, reason: str, at_ns: int
) -> int | str:
    """Note that somebody looks at what they otherwise may not, and why; its number, or why not. It holds for `GLASS_NS`."""
    words = " ".join(reason.split())
    if not SHORTEST_REASON <= len(words) <= LONGEST_REASON:
        return f"the reason has {len(words)} characters, wanted {SHORTEST_REASON} to {LONGEST_REASON}"
    entry = Entry(at_ns=at_ns, kind=EntryKind.BROKE_GLASS, by=by, detail={"text": words})
    return append(session, community_id, incident_id, entry)


def is_glass_broken(session: Session, community_id: CommunityId, incident_id: IncidentId, *, by: PersonId, now_ns: int) -> bool:
    """Whether somebody has said lately why they have to look."""
    about = (EntryRow.community_id == community_id, EntryRow.incident_id == incident_id, EntryRow.kind == EntryKind.BROKE_GLASS)
    found = select(EntryRow.number).where(*about, EntryRow.by == by, EntryRow.at_ns > now_ns - GLASS_NS)
    return session.exec(found).first() is not None


def entry(row: EntryRow) -> Entry:
    """A row as the entry that it keeps."""
    detail: dict[str, Any] = json.loads(row.body)
    return Entry(at_ns=row.at_ns, kind=EntryKind(row.kind), by=PersonId(row.by) if row.by else None, detail=detail)
