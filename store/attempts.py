"""How often something may be tried in a while: signing in, by number and by address of the network."""

from dataclasses import dataclass

from sqlmodel import Session, col, delete

from devices.model import NS_PER_S
from store.tables import AttemptRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many times within a window that begins with the first of them."""

    what: str
    most: int
    within_s: int

    @property
    def within_ns(self) -> int:
        """The window, in ns."""
        return self.within_s * NS_PER_S


CODES_OF_A_NUMBER = Limit(what="codes of a number", most=5, within_s=3600)
CODES_FROM_AN_ADDRESS = Limit(what="codes from an address", most=30, within_s=3600)
WRONG_OF_A_LOGIN = Limit(what="wrong of a login", most=5, within_s=900)
WRONG_FROM_AN_ADDRESS = Limit(what="wrong from an address", most=50, within_s=900)


def take(session: Session, limit: Limit, whose: str, now_ns: int) -> bool:
    """Count one more; False if that is more than may be."""
    row = session.get(AttemptRow, (limit.what, whose), with_for_update=True)
    if row is None:
        row = AttemptRow(what=limit.what, whose=whose, since_ns=now_ns, count=0)
        session.add(row)
    elif now_ns - row.since_ns >= limit.within_ns:
        row.since_ns, row.count = now_ns, 0
    row.count += 1
    session.flush()
    return row.count <= limit.most


def is_spent(session: Session, limit: Limit, whose: str, now_ns: int) -> bool:
    """Whether no more may be tried now."""
    row = session.get(AttemptRow, (limit.what, whose))
    return row is not None and now_ns - row.since_ns < limit.within_ns and row.count >= limit.most


def forget(session: Session, limit: Limit, whose: str) -> None:
    """It went well: what was tried before does not count any more."""
    session.exec(delete(AttemptRow).where(col(AttemptRow.what) == limit.what, col(AttemptRow.whose) == whose))


def drop(session: Session, now_ns: int) -> None:
    """Forget what is a day old: no window is as long."""
    session.exec(delete(AttemptRow).where(col(AttemptRow.since_ns) < now_ns - 24 * 3600 * NS_PER_S))
