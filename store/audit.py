"""Who saw and changed what, newest first: out of what is kept for its own sake, so that nothing is left out because nobody noted it."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from heapq import merge
from itertools import islice

from sqlmodel import Session, col, select

from devices.model import CommunityId, PersonId
from incidents.timeline import EntryKind
from store import configuration, importing
from store.session import insert, next_number
from store.tables import CommunityVersionRow, ConsentRow, EntryRow, FileExportRow, ModeChangeRow, SignInRow

MOST = 200
"""Entries of one look."""


class Deed(StrEnum):
    """What somebody did."""

    SAW = "saw"
    """They opened an incident's page."""
    BROKE_GLASS = "broke_glass"
    ACTED = "acted"
    """On an incident."""
    NOTED = "noted"
    """A note or a photo."""
    MODE = "mode"
    CONSENT = "consent"
    CHANGED = "changed"
    """The community's file."""
    EXPORTED = "exported"
    """They took the community's file along."""
    SIGNED_IN = "signed_in"


_OF_ENTRIES = {
    EntryKind.OPENED: Deed.SAW,
    EntryKind.BROKE_GLASS: Deed.BROKE_GLASS,
    EntryKind.STATE: Deed.ACTED,
    EntryKind.ACT: Deed.ACTED,
    EntryKind.RELEASED: Deed.ACTED,
    EntryKind.NOTE: Deed.NOTED,
    EntryKind.PHOTO: Deed.NOTED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One deed.

    Attributes
    ----------
    by : PersonId or None
        None of an import on the command line.
    about : str
        Id of the incident, the home or the resident; "" where it is about none.
    lines : tuple of str
        What exactly, in the words of files and tables.
    """

    at_ns: int
    deed: Deed
    by: PersonId | None
    about: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for: from and to, half-open, in ns; by one person, or by anybody."""

    community_id: CommunityId
    since_ns: int
    until_ns: int
    by: PersonId | None = None


def noted(session: Session, wanted: Wanted, logins: Callable[[str], PersonId | None], most: int = MOST) -> tuple[Noted, ...]:
    """The newest deeds of a time.

    Parameters
    ----------
    logins
        Whose a login is in this community. Only who is still signed in, or was until they were signed out by time, is known to have been.
    """
    each = (_entries(session, wanted), _modes(session, wanted), _consents(session, wanted), _versions(session, wanted))
    newest = merge(*each, _exports(session, wanted), _signed_in(session, wanted, logins), key=lambda one: one.at_ns, reverse=True)
    return tuple(islice((one for one in newest if wanted.by in {None, one.by}), most))


def note_export(session: Session, community_id: CommunityId, by: PersonId, at_ns: int) -> None:
    """Keep that somebody takes the community's file along."""
    values = {"number": next_number(session, community_id), "at_ns": at_ns, "by": by}
    session.exec(insert(session, FileExportRow).values(community_id=community_id, **values))


def _entries(session: Session, wanted: Wanted) -> Iterator[Noted]:
    about = (EntryRow.community_id == wanted.community_id, EntryRow.at_ns >= wanted.since_ns, EntryRow.at_ns < wanted.until_ns)
    rows = select(EntryRow).where(*about, col(EntryRow.by).is_not(None), col(EntryRow.kind).in_(sorted(_OF_ENTRIES)))
    rows = rows if wanted.by is None else rows.where(EntryRow.by == wanted.by)
    for row in session.exec(rows.order_by(col(EntryRow.at_ns).desc(), col(EntryRow.number).desc()).limit(MOST)):
        detail = json.loads(row.body)
        said = [str(detail[name]) for name in ("do", "state", "text") if detail.get(name)]
        yield Noted(
            at_ns=row.at_ns,
            deed=_OF_ENTRIES[EntryKind(row.kind)],
            by=PersonId(row.by or ""),
            about=row.incident_id,
            lines=(" → ".join(said),) if said else (),
        )


def _modes(session: Session, wanted: Wanted) -> Iterator[Noted]:
    about = (
        ModeChangeRow.community_id == wanted.community_id,
        ModeChangeRow.at_ns >= wanted.since_ns,
        ModeChangeRow.at_ns < wanted.until_ns,
    )
    for row in session.exec(select(ModeChangeRow).where(*about).order_by(col(ModeChangeRow.at_ns).desc())):
        yield Noted(at_ns=row.at_ns, deed=Deed.MODE, by=PersonId(row.by), about=row.home_id, lines=(row.mode,))


def _consents(session: Session, wanted: Wanted) -> Iterator[Noted]:
    about = (ConsentRow.community_id == wanted.community_id, ConsentRow.at_ns >= wanted.since_ns, ConsentRow.at_ns < wanted.until_ns)
    for row in session.exec(select(ConsentRow).where(*about).order_by(col(ConsentRow.at_ns).desc())):
        line = f"{'+' if row.is_given else '-'} {row.purpose}: {row.recipient}"
        yield Noted(at_ns=row.at_ns, deed=Deed.CONSENT, by=PersonId(row.by), about=row.resident_id, lines=(line,))


def _exports(session: Session, wanted: Wanted) -> Iterator[Noted]:
    about = (
        FileExportRow.community_id == wanted.community_id,
        FileExportRow.at_ns >= wanted.since_ns,
        FileExportRow.at_ns < wanted.until_ns,
    )
    for row in session.exec(select(FileExportRow).where(*about).order_by(col(FileExportRow.number).desc())):
        yield Noted(at_ns=row.at_ns, deed=Deed.EXPORTED, by=PersonId(row.by))


def _versions(session: Session, wanted: Wanted) -> Iterator[Noted]:
    """Each version beside the one before it, as long as somebody asks for more."""
    held = (CommunityVersionRow.community_id == wanted.community_id, CommunityVersionRow.effective_ns < wanted.until_ns)
    newest = (col(CommunityVersionRow.effective_ns).desc(), col(CommunityVersionRow.number).desc())
    after: tuple[int, importing.Said] | None = None
    for row in session.exec(select(CommunityVersionRow).where(*held).order_by(*newest).execution_options(yield_per=4)):
        said = json.loads(row.document)
        if after is not None:
            yield _version(*after, importing.differences(said, after[1]))
        if row.effective_ns < wanted.since_ns:
            return
        after = (row.effective_ns, said)
    if after is not None:
        yield _version(*after, (f"+ community {wanted.community_id}",))


def _version(at_ns: int, said: importing.Said, lines: tuple[str, ...]) -> Noted:
    return Noted(at_ns=at_ns, deed=Deed.CHANGED, by=configuration.changed_by(said, at_ns), lines=lines)


def _signed_in(session: Session, wanted: Wanted, logins: Callable[[str], PersonId | None]) -> Iterator[Noted]:
    within = (SignInRow.began_ns >= wanted.since_ns, SignInRow.began_ns < wanted.until_ns)
    for row in session.exec(select(SignInRow).where(*within).order_by(col(SignInRow.began_ns).desc())):
        if (by := logins(row.login)) is not None:
            yield Noted(at_ns=row.began_ns, deed=Deed.SIGNED_IN, by=by)
