"""Communities and modes by time: what is judged by time t uses what held at t. Both are only ever appended to."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from rules.kinds import Mode
from rules.premises import Modes
from store.session import next_number
from store.tables import CommunityVersionRow, ModeChangeRow

T = TypeVar("T")


def append_community(session: Session, community_id: CommunityId, effective_ns: int, document: str) -> int:
    """Write a community's file (JSON text) as it holds from a time on; its number."""
    number = next_number(session, community_id)
    session.add(CommunityVersionRow(community_id=community_id, number=number, effective_ns=effective_ns, document=document))
    session.flush()
    return number


def signed(said: Mapping[str, Any], by: PersonId, now_ns: int) -> dict[str, Any]:
    """A community's file with who makes this version of it; `append_community` is to be given the same time."""
    return {**said, "community": {**said["community"], "changed": {"by": by, "at": _moment(now_ns)}}}


def changed_by(said: Mapping[str, Any], effective_ns: int) -> PersonId | None:
    """Who made a version in the app; None of one that a file made, even where that carries on the word about an earlier one."""
    changed = said["community"].get("changed")
    return PersonId(changed["by"]) if changed and changed["at"] == _moment(effective_ns) else None


def _moment(at_ns: int) -> str:
    return (
        datetime.fromtimestamp(at_ns // NS_PER_S, tz=UTC).replace(microsecond=at_ns % NS_PER_S // 1000).isoformat(timespec="microseconds")
    )


def community_at(session: Session, community_id: CommunityId, at_ns: int | None = None) -> str | None:
    """The file that holds at a time, the newest one if None; of two that hold from one time on the later written. None before the first."""
    held = select(CommunityVersionRow.document).where(CommunityVersionRow.community_id == community_id)
    return session.exec(_newest_first(held, at_ns)).first()


def community_number(session: Session, community_id: CommunityId, at_ns: int | None = None) -> int:
    """Number of the file that `community_at` gives, 0 if there is none: another one when there is something new to load."""
    held = select(CommunityVersionRow.number).where(CommunityVersionRow.community_id == community_id)
    return session.exec(_newest_first(held, at_ns)).first() or 0


def community_since(session: Session, community_id: CommunityId, at_ns: int) -> int | None:
    """Since when the file that `community_at` gives has held, in ns; None before the first."""
    held = select(CommunityVersionRow.effective_ns).where(CommunityVersionRow.community_id == community_id)
    return session.exec(_newest_first(held, at_ns)).first()


def documents(session: Session, community_id: CommunityId, most: int) -> Iterator[str]:
    """A community's files, the one that held last first; at most so many."""
    held = select(CommunityVersionRow.document).where(CommunityVersionRow.community_id == community_id)
    yield from session.exec(_newest_first(held, None).limit(most))


def next_change(session: Session, after_ns: int) -> int | None:
    """When any community's file first changes after a time; None if it does not."""
    later = select(CommunityVersionRow.effective_ns).where(CommunityVersionRow.effective_ns > after_ns)
    return session.exec(later.order_by(col(CommunityVersionRow.effective_ns))).first()


def communities(session: Session) -> tuple[CommunityId, ...]:
    """Every community there is a file of, ascending."""
    return tuple(CommunityId(one) for one in sorted(session.exec(select(CommunityVersionRow.community_id).distinct())))


def change_mode(session: Session, community_id: CommunityId, home_id: HomeId, mode: Mode, *, at_ns: int, by: PersonId) -> int:
    """Write that a home is in a mode from a time on; that time, which is never before the home's last change.

    A clock that was set back does not rewrite what was already judged.
    """
    number = next_number(session, community_id)
    last = select(ModeChangeRow.at_ns).where(ModeChangeRow.community_id == community_id, ModeChangeRow.home_id == home_id)
    last_ns = session.exec(last.order_by(col(ModeChangeRow.number).desc())).first()
    since_ns = at_ns if last_ns is None else max(at_ns, last_ns)
    session.add(ModeChangeRow(community_id=community_id, number=number, home_id=home_id, at_ns=since_ns, mode=mode, by=by))
    session.flush()
    return since_ns


def is_changed_since(session: Session, community_id: CommunityId, home_id: HomeId, at_ns: int) -> bool:
    """Whether a home's mode was changed after a time."""
    later = (ModeChangeRow.community_id == community_id, ModeChangeRow.home_id == home_id, ModeChangeRow.at_ns > at_ns)
    return session.exec(select(ModeChangeRow.number).where(*later).limit(1)).first() is not None


def mode_at(session: Session, community_id: CommunityId, home_id: HomeId, at_ns: int) -> Mode:
    """A home's mode at a time; disarmed before the first change."""
    held = select(ModeChangeRow.mode).where(
        ModeChangeRow.community_id == community_id, ModeChangeRow.home_id == home_id, ModeChangeRow.at_ns <= at_ns
    )
    return Mode(session.exec(held.order_by(col(ModeChangeRow.number).desc())).first() or Mode.DISARMED)


def load_modes(session: Session, community_id: CommunityId, modes: Modes, after: int = 0, anew: Collection[HomeId] = ()) -> int:
    """Append to `modes` the changes numbered above `after`, oldest first; the number to go on from.

    Parameters
    ----------
    anew
        Homes whose changes are all read again: a rule has put its own into `modes` before they were written.
    """
    rows = select(ModeChangeRow).where(
        ModeChangeRow.community_id == community_id, or_(col(ModeChangeRow.number) > after, col(ModeChangeRow.home_id).in_(anew))
    )
    found = session.exec(rows.order_by(col(ModeChangeRow.number))).all()
    for home_id in anew:
        modes.forget(community_id, home_id)
    for row in found:
        modes.change(community_id, row.home_id, Mode(row.mode), row.at_ns)
        after = max(after, row.number)
    return after


def _newest_first(versions: SelectOfScalar[T], at_ns: int | None) -> SelectOfScalar[T]:
    """Versions of a community that hold, or did hold before, at a time."""
    if at_ns is not None:
        versions = versions.where(CommunityVersionRow.effective_ns <= at_ns)
    return versions.order_by(col(CommunityVersionRow.effective_ns).desc(), col(CommunityVersionRow.number).desc())
