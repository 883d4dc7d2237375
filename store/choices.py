"""What people choose in the app: their language, when they want quiet, where push messages reach them; and when their home is armed.

It stands in the community's document, so that what was decided once is decided the same way again, and an import leaves it as it is.
"""

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from devices.model import CommunityId, HomeId, PersonId
from store import attempts, community, configuration
from store.attempts import Limit
from store.model import InputError, StoreError
from store.schema import ChosenSaid, HomeChosenSaid
from store.session import next_number

CHANGES = Limit(what="choices", most=30, within_s=3600)
"""Each is a version of the community."""


class ChoiceError(StoreError):
    """What was chosen will not do, or was changed too often."""


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
        raise ChoiceError(f"{person} changed it {CHANGES.most} times within an hour")
    try:
        kind.model_validate(chosen)
    except ValidationError as error:
        raise ChoiceError(f"{error.error_count()} of what was chosen will not do: {error.errors()[0]['loc']}") from None
    item["chosen"] = chosen
    text = json.dumps(said, ensure_ascii=False, allow_nan=False)
    try:
        community.parse(text, f"community {community_id} in the database")
    except InputError as error:
        raise ChoiceError(f"what was chosen will not do: {error.what}") from None
    configuration.append_community(session, community_id, now_ns, text)
