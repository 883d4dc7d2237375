"""What people choose in the app: their language, when they want quiet, where push messages reach them; and when their home is armed.

It stands in the community's document, so that what was decided once is decided the same way again, and an import leaves it as it is.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from devices.model import CommunityId, DeviceId, HomeId, PersonId
from store import attempts, community, configuration, plans
from store.attempts import Limit
from store.model import InputError, StoreError
from store.schema import ChosenSaid, FloorSaid, HomeChosenSaid, PoseSaid
from store.session import next_number

CHANGES = Limit(what="choices", most=30, within_s=3600)
DRAWINGS = Limit(what="plans", most=60, within_s=3600)
"""Each is a version of the community."""


class ChoiceError(StoreError):
    """What was chosen will not do, or was changed too often."""


class TooOftenError(ChoiceError):
    """It was changed too often."""


class ChangedMeanwhileError(StoreError):
    """Somebody else changed it since it was looked at: nothing was written."""


def choose(
    session: Session,
    community_id: CommunityId,
    person: PersonId,
    change: Callable[[dict[str, Any]], None],
    now_ns: int,
    *,
    home: HomeId | None = None,
) -> None:
    """Change what somebody chose for themselves, or for a home: `change` is given it as the community's file says it, in JSON.

    Raises
    ------
    ChoiceError
        What is chosen now will not do, or it was changed too often; nothing was written.
    """
    section, id_, kind = ("people", person, ChosenSaid) if home is None else ("homes", home, HomeChosenSaid)
    next_number(session, community_id)  # whoever else changes the community waits here
    document = configuration.community_at(session, community_id)
    said = json.loads(document or "{}")
    item: dict[str, Any] | None = next((one for one in said.get(section, []) if one["id"] == id_), None)
    if item is None:
        raise StoreError(f"there is no {id_} among the {section} of the community")
    chosen = dict(item.get("chosen") or {})
    before = json.dumps(chosen, sort_keys=True)
    change(chosen)
    if json.dumps(chosen, sort_keys=True) == before:
        return
    if not attempts.take(session, CHANGES, f"{community_id}/{person}", now_ns):
        raise TooOftenError(f"{person} changed it {CHANGES.most} times within an hour")
    try:
        kind.model_validate(chosen)
    except ValidationError as error:
        raise ChoiceError(f"{error.error_count()} of what was chosen will not do: {error.errors()[0]['loc']}") from None
    item["chosen"] = chosen
    _write(session, community_id, configuration.signed(said, person, now_ns), now_ns)


def add_person(session: Session, community_id: CommunityId, person: Mapping[str, Any], now_ns: int) -> None:
    """Add somebody to the community, as its file would say it, with who adds them as `added_by`.

    Raises
    ------
    ChoiceError
        It will not do, or too much was changed; nothing was written.
    """
    next_number(session, community_id)  # whoever else changes the community waits here
    said = json.loads(configuration.community_at(session, community_id) or "{}")
    if not attempts.take(session, CHANGES, f"{community_id}/{person['added_by']}", now_ns):
        raise TooOftenError(f"{person['added_by']} changed it {CHANGES.most} times within an hour")
    said["people"] = [*said.get("people", []), dict(person)]
    _write(session, community_id, configuration.signed(said, PersonId(person["added_by"]), now_ns), now_ns)


def _write(session: Session, community_id: CommunityId, said: dict[str, Any], now_ns: int) -> None:
    text = json.dumps(said, ensure_ascii=False, allow_nan=False)
    try:
        community.parse(text, f"community {community_id} in the database")
    except InputError as error:
        raise ChoiceError(f"what was chosen will not do: {error.what}") from None
    configuration.append_community(session, community_id, now_ns, text)


def draw(
    session: Session,
    community_id: CommunityId,
    home: HomeId,
    plan: FloorSaid,
    poses: Mapping[DeviceId, PoseSaid],
    *,
    before: str,
    now_ns: int,
) -> None:
    """Keep a home's floor plan, and where its radars hang.

    Parameters
    ----------
    plan
        Drawn by its `by`.
    poses
        Of radars of that home.
    before
        `store.plans.digest` of what was looked at when it was drawn.

    Raises
    ------
    ChangedMeanwhileError
        It is another one by now.
    ChoiceError
        It will not do, or was changed too often; nothing was written.
    """
    next_number(session, community_id)  # whoever else changes the community waits here
    document = configuration.community_at(session, community_id) or "{}"
    name = f"community {community_id} in the database"
    if plans.digest(community.parse(document, name), home) != before:
        raise ChangedMeanwhileError(f"the plan of {home} was changed meanwhile")
    if not attempts.take(session, DRAWINGS, f"{community_id}/{plan.by}", now_ns):
        raise ChoiceError(f"{plan.by} changed it {DRAWINGS.most} times within an hour")
    said = json.loads(document)
    for section, one, key, value in [("homes", home, "plan", plan), *(("devices", one, "pose", pose) for one, pose in poses.items())]:
        item = next(item for item in said[section] if item["id"] == one)
        item["chosen"] = {**(item.get("chosen") or {}), key: value.model_dump(mode="json", exclude_unset=True)}
    said = configuration.signed(said, PersonId(plan.by), now_ns) if plan.by else said
    text = json.dumps(said, ensure_ascii=False, allow_nan=False)
    try:
        community.parse(text, name)
    except InputError as error:
        raise ChoiceError(error.what) from None
    configuration.append_community(session, community_id, now_ns, text)
