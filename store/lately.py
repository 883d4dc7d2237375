"""What devices did last, as the worker last kept it: for whoever asks how things are at a home. As old as the newest checkpoint."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from devices.model import CommunityId, DeviceId, SensorKind
from rules.faults.fault import Offline
from rules.faults.plausible import Implausible
from rules.faults.wear import Wear
from rules.person.inactivity import Inactivity
from store.positions import states_that_say
from store.tables import DecisionStateRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Where a device was last, by a fix that claims to be good: WGS 84 degrees, and the radius that it reports."""

    lon_deg: float
    lat_deg: float
    accuracy_m: float
    at_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lately:
    """One device.

    Attributes
    ----------
    heard_ns : int or None
        When it sent anything last.
    sign_ns : int or None
        When it last noticed that somebody was up and about.
    battery_percent : float or None
        As it said last.
    fix : Fix or None
        Where it was last.
    """

    heard_ns: int | None = None
    sign_ns: int | None = None
    battery_percent: float | None = None
    fix: Fix | None = None


NOTHING = Lately()


def of_devices(session: Session, community_id: CommunityId, devices: Collection[DeviceId]) -> Mapping[DeviceId, Lately]:
    """What is known of some devices of a community; one of which nothing is known is not there."""
    keys = {f"{community_id}/{device}": device for device in devices}
    rows = select(DecisionStateRow).where(
        col(DecisionStateRow.rule).in_((Offline.name, Inactivity.name, Wear.name, Implausible.name)),
        col(DecisionStateRow.device_key).in_(sorted(keys)),
    )
    states: dict[DeviceId, dict[str, dict[str, Any]]] = {}
    for row in session.exec(rows):
        states.setdefault(keys[row.device_key], {})[row.rule] = json.loads(row.body)
    return {device: _lately(state) for device, state in states.items()}


def heard(session: Session, community_id: CommunityId) -> Mapping[DeviceId, int]:
    """When each device of a community was heard last, in ns; one that never was is not there."""
    states = states_that_say(session, Offline.name, community_id, "last_ns")
    return {DeviceId(key.split("/", 1)[1]): state["last_ns"] for key, state in states.items() if state["last_ns"] >= 0}


def _lately(state: Mapping[str, Mapping[str, Any]]) -> Lately:
    heard = state.get(Offline.name, {}).get("last_ns")
    sign = state.get(Inactivity.name, {}).get("sign_ns")
    battery = state.get(Wear.name, {}).get("battery")
    where = state.get(Implausible.name, {}).get(SensorKind.POSITION, {}).get("memory")
    return Lately(
        heard_ns=heard if heard is not None and heard >= 0 else None,
        sign_ns=sign if sign is not None and sign >= 0 else None,
        battery_percent=float(battery[0]) if battery else None,
        fix=Fix(at_ns=where[0], lon_deg=where[1], lat_deg=where[2], accuracy_m=where[3]) if where else None,
    )
