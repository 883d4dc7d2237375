"""How full batteries were: one level of each device a night, so that one sees which empties, and how fast."""

from collections.abc import Collection, Mapping

from sqlmodel import Session, col, delete, select

from devices.model import NS_PER_S, CommunityId, DeviceId
from store import lately
from store.session import insert
from store.tables import BatteryLevelRow

KEPT_NS = 180 * 24 * 3600 * NS_PER_S


def note(session: Session, community_id: CommunityId, devices: Collection[DeviceId], at_ns: int) -> None:
    """Keep what devices said last of their batteries, and forget what is too old; another time for the same time changes nothing."""
    said = lately.of_devices(session, community_id, devices)
    levels = [
        {"community_id": community_id, "device_id": device, "at_ns": at_ns, "battery_percent": one.battery_percent}
        for device, one in said.items()
        if one.battery_percent is not None
    ]
    if levels:
        session.exec(insert(session, BatteryLevelRow).values(levels).on_conflict_do_nothing())
    old = (col(BatteryLevelRow.community_id) == community_id, col(BatteryLevelRow.at_ns) < at_ns - KEPT_NS)
    session.exec(delete(BatteryLevelRow).where(*old))


def since(session: Session, community_id: CommunityId, since_ns: int) -> Mapping[DeviceId, list[tuple[int, float]]]:
    """When each device of a community had which level, in ns and percent, oldest first."""
    wanted = select(BatteryLevelRow).where(BatteryLevelRow.community_id == community_id, col(BatteryLevelRow.at_ns) >= since_ns)
    found: dict[DeviceId, list[tuple[int, float]]] = {}
    for row in session.exec(wanted.order_by(col(BatteryLevelRow.at_ns))):
        found.setdefault(DeviceId(row.device_id), []).append((row.at_ns, row.battery_percent))
    return found
