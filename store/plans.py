"""Floor plans of homes: built from what the community's document says, and the floor of a home of which nothing is drawn yet."""

from hashlib import sha256

from devices.model import DeviceId, HomeId, PersonId
from geofence.floor import Floor
from store.model import Community, Opening, Plan, Room
from store.schema import FloorSaid


def built(said: FloorSaid) -> Plan:
    """A plan from what the document says."""
    return Plan(
        floor=Floor.at(said.lon, said.lat, said.heading_deg),
        rooms=tuple(Room(id=one.id, name=one.name, outline=tuple(one.outline)) for one in said.rooms),
        openings=tuple(
            Opening(id=one.id, kind=one.kind, ends=(one.ends[0], one.ends[1]), device=None if one.device is None else DeviceId(one.device))
            for one in said.openings
        ),
        by=None if said.by is None else PersonId(said.by),
    )


def floor_of(community: Community, home: HomeId) -> Floor | None:
    """The floor on which things of a home are drawn: that of its plan, of its footprint, of a radar's place; None where nothing is known.

    A home without any of them stands where its community is: what a radar sees of its own lines does not depend on where that is.
    """
    if (plan := community.plans.get(home)) is not None:
        return plan.floor
    if rings := community.footprints.get(home):
        return Floor.under(rings[0][0])
    poses = [one.pose for one in community.devices if one.pose is not None and one.home == home]
    poses += [one.pose for one in community.devices if one.pose is not None]
    if poses:
        return Floor.at(poses[0].lon, poses[0].lat, 0.0)
    anywhere = next(iter(community.footprints.values()), None)
    return Floor.under(anywhere[0][0]) if anywhere else None


def digest(community: Community, home: HomeId) -> str:
    """A word that is another one as soon as a home's plan, or the place of one of its radars, is another one."""
    hangs = [(one.id, one.pose) for one in community.devices if one.home == home and one.pose is not None]
    return sha256(repr((community.plans.get(home), hangs)).encode()).hexdigest()[:16]
