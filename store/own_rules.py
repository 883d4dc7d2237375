"""A community's own rules, made in the app: saved as drafts, switched on, removed; each change is a version of the community's document.

A rule that is made or changed judges nothing until it is switched on, so that it can be rehearsed first.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session

from devices.model import NS_PER_S, CommunityId, HomeId, PersonId
from rules.premises import OwnRule
from store import attempts, community, configuration, duty, references
from store.attempts import Limit
from store.document import spelled
from store.model import StoreError
from store.references import Findings
from store.schema import CommunityFile, RuleSaid, RuleState, mistakes
from store.session import next_number

Said = dict[str, Any]

CHANGES = Limit(what="own rules", most=60, within_s=3600)
MOST_OF_A_HOME = 20
_REMOVED_MOST = 50
_LOOKED_BACK = 200
"""Changes of the community among which one is looked for."""


class Why(StrEnum):
    """Why a rule was not changed."""

    GONE = "gone"
    CHANGED = "changed"
    """Somebody else changed it meanwhile."""
    TOO_OFTEN = "too_often"
    TOO_MANY = "too_many"
    WRONG = "wrong"


class RuleError(StoreError):
    """A rule was not changed; nothing was written."""

    def __init__(self, why: Why, what: str = "") -> None:
        super().__init__(what or why)
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A rule as the community's document has it, and as it is judged; `tag` changes whenever it does."""

    said: RuleSaid
    rule: OwnRule
    tag: str


def kept(session: Session, community_id: CommunityId) -> tuple[Kept, ...]:
    """Every rule that was not removed, in the document's order."""
    return _of(_Document(session, community_id).file)


def last_active(session: Session, community_id: CommunityId, rule_id: str) -> OwnRule | None:
    """A rule as it was when it judged last; None where it never did, or too many changes ago."""
    for text in configuration.documents(session, community_id, _LOOKED_BACK):
        found = next((one for one in json.loads(text).get("rules", []) if one["id"] == rule_id), None)
        if found is None:
            return None
        if found.get("state", RuleState.ACTIVE) == RuleState.ACTIVE:
            return next((one.rule for one in _of(community.said(text, "an earlier version")[0]) if one.said.id == rule_id), None)
    return None


def save(session: Session, community_id: CommunityId, wish: Said, by: PersonId, now_ns: int, *, rule_id: str, seen: str | None) -> None:
    """Keep a rule as a draft: a new one, or another version of one that there is.

    Parameters
    ----------
    wish
        Keys of a rule, without `id`, `state` and `made`.
    seen
        The `tag` of what is changed; None makes a new one.

    Raises
    ------
    RuleError
        It will not do (with the path and the reason), or was changed meanwhile; nothing was written.
    """
    next_number(session, community_id)  # whoever else changes the community waits here
    document = _Document(session, community_id)
    if seen is not None:
        old = document.seen(rule_id, seen)
        if old.get("home") != wish.get("home"):
            raise RuleError(Why.WRONG, "home is another one than before")
    elif sum(one.get("home") == wish.get("home") and _is_there(one) for one in document.items) >= MOST_OF_A_HOME:
        raise RuleError(Why.TOO_MANY)
    document.put({**wish, "id": rule_id}, RuleState.DRAFT, by, now_ns)


def switch(session: Session, community_id: CommunityId, rule_id: str, by: PersonId, now_ns: int, *, state: RuleState, seen: str) -> None:
    """Switch a rule on or off, or remove it. Raises RuleError."""
    next_number(session, community_id)
    document = _Document(session, community_id)
    document.put(document.seen(rule_id, seen), state, by, now_ns)


class _Document:
    """A community's document, and the rules in it."""

    def __init__(self, session: Session, community_id: CommunityId) -> None:
        text = configuration.community_at(session, community_id)
        if text is None:
            raise RuleError(Why.GONE)
        self._session, self._id = session, community_id
        self._said: Said = json.loads(text)
        self.file = community.said(text, f"community {community_id} in the database")[0]
        self.items: list[Said] = self._said.setdefault("rules", [])

    def seen(self, rule_id: str, tag: str) -> Said:
        """A rule as somebody saw it."""
        found = next((one for one in self.items if one["id"] == rule_id and _is_there(one)), None)
        if found is None:
            raise RuleError(Why.GONE)
        if tag != _tag(RuleSaid.model_validate(found)):
            raise RuleError(Why.CHANGED)
        return found

    def put(self, said: Said, state: RuleState, by: PersonId, now_ns: int) -> None:
        """Write a rule in its place."""
        at = datetime.fromtimestamp(now_ns // NS_PER_S, tz=UTC).isoformat(timespec="seconds")
        new = {**said, "state": state.value, "made": {"by": by, "at": at}}
        place = next((place for place, one in enumerate(self.items) if one["id"] == new["id"]), len(self.items))
        self.items[place : place + 1] = [new]
        removed = [one for one in self.items if not _is_there(one)]
        self._said["rules"] = [one for one in self.items if one not in removed[:-_REMOVED_MOST]]
        try:
            file = CommunityFile.model_validate(self._said)
        except ValidationError as error:
            path, what = mistakes(error)[0]
            raise RuleError(Why.WRONG, f"{spelled(path)}: {what}") from None
        findings = Findings()
        references.check(file, findings)
        if findings.mistakes:
            path, what = findings.mistakes[0]
            raise RuleError(Why.WRONG, f"{spelled(path)}: {what}")
        if not attempts.take(self._session, CHANGES, f"{self._id}/{by}", now_ns):
            raise RuleError(Why.TOO_OFTEN)
        text = json.dumps(self._said, ensure_ascii=False, allow_nan=False)
        configuration.append_community(self._session, self._id, now_ns, text)


def _of(file: CommunityFile) -> tuple[Kept, ...]:
    there = (one for one in file.rules if one.state is not RuleState.REMOVED)
    return tuple(Kept(said=one, rule=duty.rule(one, file), tag=_tag(one)) for one in there)


def home_of(said: RuleSaid) -> HomeId | None:
    """Whose rule it is; None is the community's."""
    return None if said.home is None else HomeId(said.home)


def _is_there(item: Mapping[str, Any]) -> bool:
    return item.get("state") != RuleState.REMOVED


def _tag(said: RuleSaid) -> str:
    dumped = said.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return hashlib.sha256(json.dumps(dumped, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]
