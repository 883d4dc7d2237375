"""Which doors and windows are open now, as the worker last heard: for whoever is about to arm a home."""

from dataclasses import dataclass

from sqlmodel import Session, col, select

from devices.model import CommunityId, DeviceId, HomeId
from rules.model import Standing
from store.session import insert
from store.tables import StandingRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """One contact: open or closed, since when."""

    device_id: DeviceId
    home_id: HomeId
    is_open: bool
    since_ns: int


def write(session: Session, fact: Standing) -> None:
    """Keep what a contact is now."""
    values = {"home_id": fact.home_id, "is_open": fact.is_open, "since_ns": fact.t_ns}
    row = insert(session, StandingRow).values(community_id=fact.community_id, device_id=fact.device_id, **values)
    session.exec(row.on_conflict_do_update(index_elements=["community_id", "device_id"], set_=values))


def of_community(session: Session, community_id: CommunityId) -> tuple[Stands, ...]:
    """Every contact of a community that was ever heard, by device."""
    rows = session.exec(select(StandingRow).where(StandingRow.community_id == community_id).order_by(col(StandingRow.device_id)))
    return tuple(
        Stands(device_id=DeviceId(row.device_id), home_id=HomeId(row.home_id), is_open=row.is_open, since_ns=row.since_ns) for row in rows
    )
