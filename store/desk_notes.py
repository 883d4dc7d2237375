"""What a shift leaves to the next in its own words, at the desk."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from devices.model import CommunityId, PersonId
from store.session import insert, next_number
from store.tables import DeskNoteRow

LONGEST = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskNote:
    """One note: who wrote it when."""

    at_ns: int
    by: PersonId
    text: str


def write(session: Session, community_id: CommunityId, *, by: PersonId, text: str, at_ns: int) -> bool:
    """Keep a note; whether it was one: of 1 to `LONGEST` characters."""
    words = text.strip()
    if not 0 < len(words) <= LONGEST:
        return False
    values = {"number": next_number(session, community_id), "at_ns": at_ns, "by": by, "body": words}
    session.exec(insert(session, DeskNoteRow).values(community_id=community_id, **values))
    return True


def read(session: Session, community_id: CommunityId, since_ns: int, limit: int) -> tuple[DeskNote, ...]:
    """Notes since a time, the newest first."""
    wanted = select(DeskNoteRow).where(DeskNoteRow.community_id == community_id, col(DeskNoteRow.at_ns) >= since_ns)
    rows = session.exec(wanted.order_by(col(DeskNoteRow.number).desc()).limit(limit))
    return tuple(DeskNote(at_ns=row.at_ns, by=PersonId(row.by), text=row.body) for row in rows)
