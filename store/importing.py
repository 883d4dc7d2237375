"""Import of a community file: what would change, and then the change.

What is known of a community is kept as one JSON document, itself a community file. A new file is laid over it, the result is judged as a
whole, and only what is sound is written, at once or not at all.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devices.model import CommunityId, PersonId
from store import configuration, coverage, document, references, wearers
from store.community import WrongCommunityError, build, input_error, said
from store.document import KeyPath, spelled
from store.model import Community, InputError, StoreError
from store.references import Findings
from store.schema import SECTIONS, CommunityFile
from store.session import Database

Said = dict[str, Any]
"""A community file's content in JSON's types, as far as somebody said it (defaults are left out)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportPlan:
    """What an import would do.

    Attributes
    ----------
    changes : tuple of str
        One line each: `+ people wang-lei`, `~ devices w-01 placement: "wrist" → "waist"`, `- homes b1`, `= homes b2 (kept)`.
    community : Community
        As it will be.
    kept : str or None
        What is known of it so far; None for a new one.
    content : str
        What is written.
    """

    changes: tuple[str, ...]
    community: Community
    kept: str | None
    content: str

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is accepted, loudly."""
        return self.community.warnings

    @property
    def notices(self) -> tuple[str, ...]:
        """What is right, and worth a word."""
        return self.community.notices

    def ahead(self, now_ns: int) -> tuple[str, ...]:
        """What the coming weeks will lack: like `warnings`, but true of a time only."""
        return coverage.ahead(self.community.directory, now_ns)


def differences(old: Said, new: Said) -> tuple[str, ...]:
    """What one version of a community says otherwise than the one before, as `ImportPlan.changes`."""
    return tuple(_changes(old, new, new))


_CHANGED = "changed"
_CHOSEN = "chosen"
_BY_HAND = ("drawn", "made", "left")
"""Keys of what people drew or made in the app, and of who has left: a file that does not say so changes nothing of it."""
_DIGESTS = frozenset({"code", "duress_code"})


def plan(kept_of: Callable[[CommunityId], str | None], file: Path | str, *, prune: bool = False, text: str | None = None) -> ImportPlan:
    """What importing a file would do; writes nothing.

    Parameters
    ----------
    kept_of
        The document that is known of a community, None for a new one (see `kept_in`).
    file
        Community file; or what errors call it, where its text is given.
    prune
        Remove what the file leaves out; else it is kept.

    Raises
    ------
    InputError
        The file is wrong, alone or together with what is kept.
    """
    well_formed, read = said(document.read(Path(file)) if text is None else text, file)
    new = _content(well_formed)
    alone = Findings()
    references.unique(well_formed, alone)  # before it is laid over what is kept: there, one of two with the same id would silently win
    if alone.mistakes:
        raise input_error(file, read, alone.mistakes)
    kept = kept_of(CommunityId(well_formed.community.id))
    old = None if kept is None else _content(said(kept, f"community {well_formed.community.id} in the database")[0])
    merged, origins = (_pruned(old, new), {}) if prune or old is None else _merged(old, new)
    merged = {**merged, "community": _with_word_of(old, merged["community"])}
    try:
        community = build(CommunityFile.model_validate(merged))
    except WrongCommunityError as error:
        path = error.mistakes[0][0]
        at = _origin(path, origins)
        if at is None:
            raise InputError(
                file, f"kept {_of_item(path, merged)}", f"{error.mistakes[0][1]} (import with --prune to drop what is kept)"
            ) from None
        raise input_error(file, read, [(at, error.mistakes[0][1]), *error.mistakes[1:]]) from None
    return ImportPlan(
        changes=tuple(_changes(old, merged, new)),
        community=community,
        kept=kept,
        content=json.dumps(merged, ensure_ascii=False, allow_nan=False),
    )


def kept_in(database: Database) -> Callable[[CommunityId], str | None]:
    """What a database knows of a community."""

    def kept_of(community_id: CommunityId) -> str | None:
        with database.read() as session:
            return configuration.community_at(session, community_id)

    return kept_of


def apply(database: Database, plan: ImportPlan, now_ns: int, by: PersonId | None = None) -> None:
    """Write what was planned: a version of the community that holds from now on. Nothing, where nothing changes.

    Parameters
    ----------
    by
        Who does it in the app.

    Raises
    ------
    StoreError
        Somebody else changed the community since the plan was made.
    StoreBusyError
        The database is locked or away; nothing was written.
    """
    with database.write() as session:
        community_id = plan.community.id
        if configuration.community_at(session, community_id) != plan.kept:
            raise StoreError(f"community {community_id} was changed by somebody else meanwhile: import again")
        if plan.content != plan.kept:
            before = json.loads(plan.kept) if plan.kept else {}
            said = wearers.noted(before, json.loads(plan.content), now_ns)
            content = said if by is None else configuration.signed(said, by, now_ns)
            configuration.append_community(session, community_id, now_ns, json.dumps(content, ensure_ascii=False, allow_nan=False))


def _content(file: CommunityFile) -> Said:
    return file.model_dump(mode="json", by_alias=True, exclude_unset=True)


Origins = Mapping[tuple[str, int], int | None]
"""(section, place in the merged list) to the place in the new file; None where it is not from there."""


def _merged(old: Said, new: Said) -> tuple[Said, Origins]:
    """Old items in their order, replaced where the new file has them, then the new ones."""
    merged: Said = {"community": new["community"]}
    origins: dict[tuple[str, int], int | None] = {}
    for section in SECTIONS:
        places = {item["id"]: place for place, item in enumerate(new.get(section, []))}
        items = [_kept(item, new[section][places[item["id"]]]) if item["id"] in places else item for item in old.get(section, [])]
        known = {item["id"] for item in items}
        items += [item for item in new.get(section, []) if item["id"] not in known]
        if section in old or section in new:  # or an unchanged import would write a section that nobody said
            merged[section] = items
        origins |= {(section, place): places.get(item["id"]) for place, item in enumerate(items)}
    return merged, origins


def _pruned(old: Said | None, new: Said) -> Said:
    """The new file alone, with the fences of its homes that people drew in the app, and the rules that they made there."""
    homes, residents = ({item["id"] for item in new.get(section, [])} for section in ("homes", "people"))
    in_file = {item["id"] for item in new.get("geofences", [])}
    drawn = [item for item in (old or {}).get("geofences", []) if item.get("drawn") and item["id"] not in in_file]
    kept = [
        item for item in drawn if {item.get("home"), item.get("around")} <= {*homes, None} and set(item.get("residents") or ()) <= residents
    ]
    again = {item["id"]: item for item in (old or {}).get("geofences", [])}
    fences = [_kept(again[item["id"]], item) if item["id"] in again else item for item in new.get("geofences", [])]
    pruned = _remembering(old or {}, {**new, "geofences": [*fences, *kept]} if fences or kept else new)
    old_rules = {item["id"]: item for item in (old or {}).get("rules", [])}
    rules = [_kept(old_rules.get(item["id"], {}), item) for item in new.get("rules", [])]
    known = {item["id"] for item in rules}
    rules += [item for item in old_rules.values() if "made" in item and item["id"] not in known and _is_sound(item, new)]
    return {**pruned, "rules": rules} if rules else pruned


def _remembering(old: Said, new: Said) -> Said:
    """A new file alone, in which whoever left stays away, and devices know who wore them before."""
    gone = {one["id"]: one for one in old.get("people", []) if "left" in one}
    worn = {one["id"]: one[wearers.BEFORE] for one in old.get("devices", []) if wearers.BEFORE in one}
    people = [one if "left" in one else gone.get(one["id"], one) for one in new.get("people", [])]
    devices = [{wearers.BEFORE: worn[one["id"]], **one} if one["id"] in worn else one for one in new.get("devices", [])]
    again = {"people": people, "devices": devices}
    return {**new, **{section: items for section, items in again.items() if items != new.get(section, [])}}


def _is_sound(rule: Said, new: Said) -> bool:
    """Whether everything that a rule names is still there."""
    file = CommunityFile.model_validate({**new, "rules": [rule]})
    alone = Findings()
    references.check(file, alone)
    return not any(path[0] == "rules" for path, _ in alone.mistakes)


def _with_word_of(old: Said | None, head: Said) -> Said:
    """A head that says who made the kept version, or nothing of it: whoever writes a file says nothing of that."""
    said = {key: value for key, value in head.items() if key != _CHANGED}
    changed = (old or {"community": {}})["community"].get(_CHANGED)
    return said if changed is None else {**said, _CHANGED: changed}


def _kept(old: Said, new: Said) -> Said:
    """An item as the new file has it, except what people made of it in the app: that is no matter of whoever writes the file."""
    if any(key in old and key not in new for key in _BY_HAND):
        return old
    return {**new, **{key: old[key] for key in (_CHOSEN, wearers.BEFORE) if key in old and key not in new}}


def _origin(path: KeyPath, origins: Origins) -> KeyPath | None:
    """A path of the merged document in the new file; None where it leads to something that was kept."""
    match path:
        case (str() as section, int() as place, *rest) if (section, place) in origins:
            origin = origins[section, place]
            return None if origin is None else (section, origin, *rest)
        case _:
            return path


def _of_item(path: KeyPath, merged: Said) -> str:
    """A path with the item's id for its place, which nobody can look up."""
    section, place, *rest = path
    return f"{section} {merged[str(section)][place]['id']} {spelled(tuple(rest))}"


def _changes(old: Said | None, merged: Said, new: Said) -> list[str]:
    before = old or {}
    name = merged["community"]["id"]
    lines = [f"+ community {name}"] if old is None else _differences(f"community {name}", before["community"], merged["community"])
    for section in SECTIONS:
        was, now = _by_id(before.get(section, [])), _by_id(merged.get(section, []))
        said_now = _by_id(new.get(section, []))
        for one, item in now.items():
            if one not in was:
                lines.append(f"+ {section} {one}")
            elif one not in said_now:
                lines.append(f"= {section} {one} (kept)")
            else:
                lines += _differences(f"{section} {one}", was[one], item)
                lines += [
                    f"= {section} {one} (kept as it was {key} in the app)" for key in _BY_HAND if key in item and key not in said_now[one]
                ]
        lines += [f"- {section} {one}" for one in was if one not in now]
    return lines


def _by_id(items: Sequence[Said]) -> dict[str, Said]:
    return {item["id"]: item for item in items}


def _differences(name: str, was: Said, now: Said) -> list[str]:
    keys = [key for key in dict.fromkeys((*was, *now)) if key != _CHANGED]
    return [f"~ {name} {key}: {_short(was, key)} → {_short(now, key)}" for key in keys if was.get(key) != now.get(key)]


def _short(item: Said, key: str) -> str:
    if key == _CHOSEN and key in item:
        return ", ".join(item[key]) or "nothing"
    if key == "contacts" and key in item:  # they hold tokens and passwords: only their kinds are said
        return ", ".join(method for contact in item[key] for method in contact) or "none"
    if key in _DIGESTS and key in item:
        return "not shown"
    return json.dumps(item[key], ensure_ascii=False) if key in item else "not said"
