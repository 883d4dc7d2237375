"""When the operator was told of what: once in a while, whoever tells it and whatever is started again."""

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
