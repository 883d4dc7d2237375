"""Who wore a device before: kept with the device, so that what it measured then is about them (`rules.worn`)."""

import json
from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from devices.model import NS_PER_S, CommunityId, DeviceId, PersonId
from store import community, configuration
from store.capture import iso
from store.model import InputError, StoreError
from store.schema import MOST_WORN
from store.session import next_number

Said = dict[str, Any]

BEFORE = "worn_before"
"""Key of it in a community's file: whoever writes a file need not know of it."""

LONGEST_BACK_NS = 7 * 24 * 3600 * NS_PER_S
"""Longer ago nobody knows to the minute who wore what, and what devices send late is believed for a day only."""


def noted(before: Mapping[str, Any], after: Said, now_ns: int) -> Said:
    """A community's file in which a device that somebody else wears from now on says who wore it until now.

    Where the file itself says so it is left as it is: it may know the time better.
    """
    was = {one["id"]: one for one in before.get("devices", [])}
    devices = after.get("devices", [])
    changed = [_noted(was.get(one["id"], {}), one, now_ns) for one in devices]
    return after if changed == devices else {**after, "devices": changed}


def give(
    session: Session,
    community_id: CommunityId,
    device_id: DeviceId,
    wearer: PersonId,
    *,
    since_ns: int,
    now_ns: int,
) -> None:
    """Say that somebody else wears a device since a time.

    Raises
    ------
    InputError
        It will not do; nothing was written.
    StoreError
        There is no such community.
    """
    if not now_ns - LONGEST_BACK_NS <= since_ns <= now_ns:
        raise InputError("since", iso(since_ns), f"is not within the last {LONGEST_BACK_NS // (24 * 3600 * NS_PER_S)} days")
    next_number(session, community_id)  # whoever else changes the community waits here
    text = configuration.community_at(session, community_id)
    if text is None:
        raise StoreError(f"there is no community {community_id}")
    before = json.loads(text)
    device = next((one for one in before.get("devices", []) if one["id"] == device_id), None)
    if device is None:
        raise InputError("device", device_id, f"is no device of {community_id}")
    if device.get("wearer") == wearer:
        raise InputError("wearer", wearer, f"wears {device_id} already")
    given = {**device, "wearer": wearer}
    after = noted(before, {**before, "devices": [given if one is device else one for one in before["devices"]]}, since_ns)
    written = json.dumps(after, ensure_ascii=False, allow_nan=False)
    community.parse(written, f"community {community_id}")
    configuration.append_community(session, community_id, now_ns, written)


def _noted(was: Mapping[str, Any], now: Said, now_ns: int) -> Said:
    wore = was.get("wearer")
    if wore is None or wore == now.get("wearer") or now.get(BEFORE, []) != was.get(BEFORE, []):
        return now
    return {**now, BEFORE: [*now.get(BEFORE, []), {"by": wore, "until": iso(now_ns)}][-MOST_WORN:]}
