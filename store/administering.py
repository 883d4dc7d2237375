"""What an administrator changes of a community by hand, one home, person, device, roster or policy at a time.

It stands in the community's document, as if a file had said it: a change is a version that holds from then on.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from sqlmodel import Session

from devices.model import CommunityId, PersonId
from store import community, configuration, wearers
from store.choices import ChangedMeanwhileError
from store.model import Community, StoreError
from store.session import next_number

Section = Literal["homes", "people", "devices", "rosters", "policies"]
Said = dict[str, Any]


class NoSuchItemError(StoreError):
    """There is none of that id."""


def document(session: Session, community_id: CommunityId) -> Said:
    """What is known of a community, as its file says it, without who said it last.

    Raises
    ------
    StoreError
        There is no such community.
    """
    text = configuration.community_at(session, community_id)
    if text is None:
        raise StoreError(f"there is no community {community_id}")
    said: Said = json.loads(text)
    said["community"].pop("changed", None)
    return said


def version(item: Mapping[str, Any] | None) -> str:
    """Of what somebody looks at before they change it; "" of what is not there."""
    return "" if item is None else hashlib.sha256(json.dumps(item, sort_keys=True).encode()).hexdigest()[:16]


def put(
    session: Session, community_id: CommunityId, section: Section, item: Mapping[str, Any], *, by: PersonId, before: str, now_ns: int
) -> Community:
    """Add something, or change what is said of it; the community as it is then.

    Parameters
    ----------
    item
        With its id. Keys that it does not name stay as they are; one that is None is said no more.
    before
        `version` of what was looked at.

    Raises
    ------
    ChangedMeanwhileError
        It is another one by now.
    InputError
        It will not do, alone or together with the rest; nothing was written.
    """
    next_number(session, community_id)  # whoever else changes the community waits here
    said = document(session, community_id)
    items: list[Said] = said.setdefault(section, [])
    kept = next((one for one in items if one["id"] == item["id"]), None)
    if version(kept) != before:
        raise ChangedMeanwhileError(f"{item['id']} was changed meanwhile")
    new = {key: value for key, value in {**(kept or {}), **item}.items() if value is not None}
    said[section] = [new if one is kept else one for one in items] if kept is not None else [*items, new]
    return write(session, community_id, said, by, now_ns)


def remove(
    session: Session, community_id: CommunityId, section: Section, item_id: str, *, by: PersonId, before: str, now_ns: int
) -> Community:
    """Remove something; the community as it is then.

    Raises
    ------
    NoSuchItemError
        There is none.
    ChangedMeanwhileError
        It is another one by now.
    InputError
        Something else needs it; nothing was written.
    """
    next_number(session, community_id)  # whoever else changes the community waits here
    said = document(session, community_id)
    items: list[Said] = said.get(section, [])
    kept = next((one for one in items if one["id"] == item_id), None)
    if kept is None:
        raise NoSuchItemError(f"there is no {item_id} among the {section}")
    if version(kept) != before:
        raise ChangedMeanwhileError(f"{item_id} was changed meanwhile")
    said[section] = [one for one in items if one is not kept]
    return write(session, community_id, said, by, now_ns)


def credentials(session: Session, community_id: CommunityId, device_id: str, *, by: PersonId, ended: bool, now_ns: int) -> None:
    """Note that somebody made a device new credentials, or ended them.

    Raises
    ------
    NoSuchItemError
        There is no such device.
    """
    next_number(session, community_id)  # whoever else changes the community waits here
    said = document(session, community_id)
    device = next((one for one in said.get("devices", []) if one["id"] == device_id), None)
    if device is None:
        raise NoSuchItemError(f"there is no device {device_id}")
    made = configuration.signed(said, by, now_ns)["community"]["changed"] | ({"ended": True} if ended else {})
    device["chosen"] = {**(device.get("chosen") or {}), "credentials": made}
    write(session, community_id, said, by, now_ns)


def write(session: Session, community_id: CommunityId, said: Said, by: PersonId, now_ns: int) -> Community:
    """A version of a community that somebody made; the community as it is then.

    Raises
    ------
    InputError
        It will not do; nothing was written.
    """
    said = wearers.noted(json.loads(configuration.community_at(session, community_id) or "{}"), said, now_ns)
    text = json.dumps(configuration.signed(said, by, now_ns), ensure_ascii=False, allow_nan=False)
    made = community.parse(text, community_id)
    configuration.append_community(session, community_id, now_ns, text)
    return made
