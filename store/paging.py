"""When the operator was told of what, and what is done once a day was done: once, whoever does it and whatever is started again."""

from sqlmodel import Session

from store.tables import PageRow


def claim(session: Session, trouble: str, about: str, now_ns: int, again_ns: int) -> bool:
    """Whether a trouble is to be told now, which is written with that."""
    row = session.get(PageRow, (trouble, about), with_for_update=True)
    if row is not None and now_ns - row.told_ns < again_ns:
        return False
    if row is None:
        session.add(PageRow(trouble=trouble, about=about, told_ns=now_ns))
    else:
        row.told_ns = now_ns
    session.flush()
    return True


def is_due(session: Session, duty: str, about: str, due_ns: int, now_ns: int) -> bool:
    """Whether what was due at a time is to be done now, which is written with that. Where nothing was ever due, it begins with the next."""
    row = session.get(PageRow, (duty, about), with_for_update=True)
    if row is None:
        session.add(PageRow(trouble=duty, about=about, told_ns=now_ns))
        session.flush()
        return False
    if row.told_ns >= due_ns:
        return False
    row.told_ns = now_ns
    session.flush()
    return True
