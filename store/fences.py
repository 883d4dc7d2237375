"""Fences that people draw in the app: what would become of a drawing, who decides about it, and what it was before.

A fence stands in the community's document beside those that came with the file, with a word of who drew it and what became of it. Every
change is a version of the document that holds from now on, so that what was judged by an older one stays judged, and the versions are
the history. Who may draw for a home decides alone about what watches no more than that home and its air space; the rest waits for an
administrator and guards nothing until then, while what it is to replace goes on guarding.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from sqlmodel import Session, col, select

from devices.model import NS_PER_S, CommunityId, PersonId
from rules.fences.etiquette import Verdict
from rules.fences.suited import Lack, Suited, suited
from rules.premises import Fence, HomePlace
from store import attempts, community, configuration, references
from store.attempts import Limit
from store.document import spelled
from store.ground import shape_of
from store.model import Community, StoreError
from store.references import Findings
from store.schema import CommunityFile, FenceSaid, FenceState, mistakes
from store.session import next_number
from store.shapes import Shape, ShapeError
from store.tables import CommunityVersionRow

Said = dict[str, Any]
"""A fence as the community's file says it."""

CHANGES = Limit(what="drawings", most=60, within_s=3600)
MOST_OF_A_HOME = 50
MOST_POSITIONS = 2_000
"""Of one drawing: a thumb makes some dozens."""
_REMOVED_MOST = 20
"""Of a home, kept to be restored."""
_VERSIONS_MOST = 50
_BLIND = 0.995
"""Share of a line that nothing sees from which on nothing sees it."""
_KEPT = ("floor", "max_gap_s")
"""Keys that no drawing says, and a change keeps."""


class Why(StrEnum):
    """Why a fence was not changed."""

    GONE = "gone"
    CHANGED = "changed"
    """Somebody else changed it meanwhile."""
    DECIDED = "decided"
    """It waits for nobody."""
    TOO_OFTEN = "too_often"
    TOO_MANY = "too_many"
    WRONG = "wrong"
    CANNOT = "cannot"
    """Nothing that is there could guard it."""


class FenceError(StoreError):
    """A fence was not changed; nothing was written."""

    def __init__(self, why: Why, what: str = "", *, judged: "Judged | None" = None, at: tuple[float, float] | None = None) -> None:
        super().__init__(what or why)
        self.why, self.what, self.judged, self.at = why, what, judged, at


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """Who changes a fence. `decides`: as an administrator, about every fence."""

    id: PersonId
    decides: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What would become of a drawing.

    Attributes
    ----------
    verdict : Verdict
        What it watches besides its own home; of a fence of no home that nobody else is touched.
    """

    said: FenceSaid
    fence: Fence
    shape: Shape
    suited: Suited
    verdict: Verdict

    @property
    def cannot(self) -> bool:
        """Whether nothing that is there could guard it: it is not kept, because who drew it would believe that they are guarded."""
        return self.suited.lack is not None and (self.suited.lack is not Lack.OUT_OF_SIGHT or self.suited.hidden > _BLIND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A fence as it was from a time on. `number` is that of the community's document; `said` is None where it was not there."""

    number: int
    at_ns: int
    said: FenceSaid | None


def judge(said: Mapping[str, Any], file: CommunityFile, known: Community) -> Judged:
    """What would become of a drawing; writes nothing.

    Raises
    ------
    FenceError
        It is no shape, or its keys do not fit together (`WRONG`), with the place in the drawing's own datum where there is one.
    """
    try:
        fence = FenceSaid.model_validate(dict(said))
    except ValidationError as error:
        path, what = mistakes(error)[0]
        raise FenceError(Why.WRONG, f"{spelled(path)} {what}") from None
    if _positions(fence) > MOST_POSITIONS:
        raise FenceError(Why.WRONG, f"geometry holds {_positions(fence):,} positions, wanted at most {MOST_POSITIONS:,}")
    findings = Findings()
    references.fence(fence, file, findings)
    if findings.mistakes:
        path, what = findings.mistakes[0]
        raise FenceError(Why.WRONG, f"{spelled(path)} {what}")
    try:
        shape = shape_of(fence, known.footprints)
    except ShapeError as error:
        raise FenceError(Why.WRONG, error.what, at=error.at) from None
    if shape is None:
        raise FenceError(Why.WRONG, "has no shape")
    made = community.fence_of(fence, shape, file)
    home = None if made.home is None else known.directory.homes[made.home]
    place = home and HomePlace(id=home.id, building=home.building, floor=home.floor, footprint=known.footprints.get(home.id, ()))
    return Judged(
        said=fence,
        fence=made,
        shape=shape,
        suited=suited(made, known.devices, place or None),
        verdict=Verdict() if made.home is None else known.neighbourhood.etiquette(made),
    )


def tag(said: FenceSaid) -> str:
    """What changes whenever a fence does: who changes it says which one they saw."""
    return hashlib.sha256(json.dumps(_dumped(said), sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:16]


def save(
    session: Session, known: Community, wish: Said, editor: Editor, now_ns: int, *, new_id: str, fence_id: str | None = None, seen: str = ""
) -> str:
    """Keep a drawing: a new fence, or another shape or use of one that there is; the id under which it stands.

    Parameters
    ----------
    known
        The community as it is now.
    wish
        Keys of a geofence, without `id` and `drawn`.
    new_id
        For a fence that there is not yet, and for a change that waits while the old one guards.
    seen
        The `tag` of what is changed; "" where nobody looked.

    Raises
    ------
    FenceError
        Nothing was written.
    """
    document = _Document(session, known, editor, now_ns)
    old = None if fence_id is None else document.item(fence_id)
    if old is not None and seen and seen != tag(FenceSaid.model_validate(old)):
        raise FenceError(Why.CHANGED)
    if old is not None:
        wish = {**{key: old[key] for key in _KEPT if key in old}, **wish}
        if "home" in old:
            wish["home"] = old["home"]
    elif document.count(wish.get("home")) >= MOST_OF_A_HOME:
        raise FenceError(Why.TOO_MANY)
    judged = judge({"id": old["id"] if old else new_id, **wish}, document.file, known)
    if judged.cannot:
        raise FenceError(Why.CANNOT, judged=judged)
    new = _dumped(judged.said)
    if judged.shape.geometry:
        new["geometry"] = dict(judged.shape.geometry)
    return document.put(old, new, is_free=judged.verdict.is_own or _is_named_anew(old, new), new_id=new_id)


def remove(session: Session, known: Community, fence_id: str, editor: Editor, now_ns: int, *, seen: str = "") -> None:
    """Take a fence away; it can be restored. Raises FenceError."""
    document = _Document(session, known, editor, now_ns)
    old = document.item(fence_id)
    if seen and seen != tag(FenceSaid.model_validate(old)):
        raise FenceError(Why.CHANGED)
    if state_of(old) is FenceState.REMOVED:
        raise FenceError(Why.GONE)
    document.replace(old, {**_plain(old), "drawn": document.drawn(FenceState.REMOVED)})
    document.write()


def decide(session: Session, known: Community, fence_id: str, editor: Editor, now_ns: int, *, reason: str | None) -> str:
    """An administrator's word on a fence that waits: a `reason` refuses it, None approves it; the id under which it stands.

    Raises
    ------
    FenceError
        It waits for nobody; nothing was written.
    """
    document = _Document(session, known, editor, now_ns)
    old = document.item(fence_id)
    if state_of(old) is not FenceState.WAITING:
        raise FenceError(Why.DECIDED)
    state = FenceState.ACTIVE if reason is None else FenceState.REFUSED
    drawn = {**old["drawn"], "state": state.value, "decided_by": editor.id, "decided_at": document.now}
    if reason is not None:
        drawn["reason"] = reason
    return document.settle(old, {**old, "drawn": drawn})


def restore(session: Session, known: Community, editor: Editor, now_ns: int, *, fence_id: str, number: int, new_id: str) -> str:
    """A fence as it was in a version, drawn anew by whoever restores it: the same rules hold as for any drawing. Raises FenceError."""
    found = next((one.said for one in history(session, known.id, fence_id) if one.number == number and one.said is not None), None)
    if found is None:
        raise FenceError(Why.GONE)
    wish = _plain(_dumped(found))
    wish.pop("id")
    return save(session, known, wish, editor, now_ns, new_id=new_id, fence_id=fence_id)


def history(session: Session, community_id: CommunityId, fence_id: str) -> tuple[Version, ...]:
    """What a fence was, the newest first, at most 50 versions."""
    rows = select(CommunityVersionRow).where(CommunityVersionRow.community_id == community_id)
    found: list[Version] = []
    for row in session.exec(rows.order_by(col(CommunityVersionRow.number).desc())):
        item = next((one for one in json.loads(row.document).get("geofences", []) if one["id"] == fence_id), None)
        said = None if item is None else FenceSaid.model_validate(item)
        version = Version(number=row.number, at_ns=row.effective_ns, said=said)
        if found and found[-1].said == said:
            found[-1] = version  # it was so before
        elif len(found) == _VERSIONS_MOST:
            break
        else:
            found.append(version)
    return tuple(found[:-1] if found and found[-1].said is None else found)


def state_of(item: Mapping[str, Any]) -> FenceState:
    """Whether a fence of a document guards."""
    return FenceState(item["drawn"]["state"]) if item.get("drawn") else FenceState.ACTIVE


class _Document:
    """A community's document that is changed by one person at one time."""

    def __init__(self, session: Session, known: Community, editor: Editor, now_ns: int) -> None:
        next_number(session, known.id)  # whoever else changes the community waits here
        text = configuration.community_at(session, known.id)
        if text is None:
            raise FenceError(Why.GONE)
        self._session, self._known, self._editor, self._now_ns = session, known, editor, now_ns
        self._said: Said = json.loads(text)
        self.file = community.said(text, f"community {known.id} in the database")[0]
        self.now = datetime.fromtimestamp(now_ns / NS_PER_S, tz=UTC).isoformat(timespec="seconds")

    @property
    def _items(self) -> list[Said]:
        items: list[Said] = self._said.setdefault("geofences", [])
        return items

    def item(self, fence_id: str) -> Said:
        """A fence of the document."""
        found = next((one for one in self._items if one["id"] == fence_id), None)
        if found is None:
            raise FenceError(Why.GONE)
        return found

    def count(self, home: str | None) -> int:
        """How many fences a home has, or nobody's."""
        return sum(one.get("home") == home and state_of(one) is not FenceState.REMOVED for one in self._items)

    def drawn(self, state: FenceState) -> Said:
        """The word of who draws now."""
        said: Said = {"by": self._editor.id, "at": self.now, "state": state.value}
        if self._editor.decides and state is FenceState.ACTIVE:
            said |= {"decided_by": self._editor.id, "decided_at": self.now}
        return said

    def put(self, old: Said | None, new: Said, *, is_free: bool, new_id: str) -> str:
        """Write a drawing; `is_free`: whoever draws decides about it."""
        state = FenceState.ACTIVE if is_free or self._editor.decides else FenceState.WAITING
        drawn = self.drawn(state)
        if old is not None and state is FenceState.WAITING and state_of(old) is FenceState.ACTIVE:
            drawn["replaces"] = old["id"]
            waits = next((one for one in self._items if (one.get("drawn") or {}).get("replaces") == old["id"]), None)
            proposal = {**new, "id": waits["id"] if waits else new_id, "drawn": drawn}
            if waits:
                self.replace(waits, proposal)
            else:
                self._items.append(proposal)
            self.write()
            return str(proposal["id"])
        if old is None:
            self._items.append({**new, "drawn": drawn})
            self.write()
            return str(new["id"])
        if (replaces := (old.get("drawn") or {}).get("replaces")) is not None:
            drawn["replaces"] = replaces
        return self.settle(old, {**new, "drawn": drawn})

    def settle(self, old: Said, new: Said) -> str:
        """Write a fence in its place; an active one that was to replace another takes that one's place and id."""
        replaced = new["drawn"].get("replaces")
        if state_of(new) is FenceState.ACTIVE and replaced is not None:
            drawn = {key: value for key, value in new["drawn"].items() if key != "replaces"}
            before = next((one for one in self._items if one["id"] == replaced), None)
            if before is not None:
                self._items.remove(old)
                self.replace(before, {**new, "id": replaced, "drawn": drawn})
                self.write()
                return str(replaced)
            new = {**new, "drawn": drawn}
        self.replace(old, new)
        self.write()
        return str(new["id"])

    def replace(self, old: Said, new: Said) -> None:
        self._items[self._items.index(old)] = new

    def write(self) -> None:
        """Keep the document as it is now; of what was removed the newest."""
        if not attempts.take(self._session, CHANGES, f"{self._known.id}/{self._editor.id}", self._now_ns):
            raise FenceError(Why.TOO_OFTEN)
        self._said["geofences"] = list(_without_oldest_removed(self._items))
        said = configuration.signed(self._said, self._editor.id, self._now_ns)
        text = json.dumps(said, ensure_ascii=False, allow_nan=False)
        community.parse(text, f"community {self._known.id} in the database")
        configuration.append_community(self._session, self._known.id, self._now_ns, text)


def _without_oldest_removed(items: Sequence[Said]) -> Iterator[Said]:
    kept: defaultdict[str | None, int] = defaultdict(int)
    gone = set()
    for one in sorted((one for one in items if state_of(one) is FenceState.REMOVED), key=lambda one: one["drawn"]["at"], reverse=True):
        kept[one.get("home")] += 1
        if kept[one.get("home")] > _REMOVED_MOST:
            gone.add(one["id"])
    return (one for one in items if one["id"] not in gone)


def _dumped(said: FenceSaid) -> Said:
    """A fence as the document says it."""
    return said.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _plain(said: Mapping[str, Any]) -> Said:
    """What a fence is, without who drew it."""
    return {key: value for key, value in said.items() if key != "drawn"}


def _is_named_anew(old: Said | None, new: Said) -> bool:
    """Whether an active fence gets another name and nothing else."""
    if old is None or state_of(old) is not FenceState.ACTIVE:
        return False
    before, after = (_dumped(FenceSaid.model_validate(one)) for one in (old, new))
    return all(before.get(key) == after.get(key) for key in {*before, *after} - {"drawn", "name"})


def _positions(fence: FenceSaid) -> int:
    """How many numbers a drawing holds, by twos."""
    text = json.dumps(fence.geometry or (fence.corridor.line if fence.corridor else []))
    return text.count(",") // 2 + 1
