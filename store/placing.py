"""Shapes of a drawing put into a community file: footprints to their homes, lines and areas to the geofences. Comments are kept."""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from geofence.datum import Datum
from rules.premises import FenceKind
from store import community, shapes
from store.document import spelled
from store.drawings import Drawing, Said, Sheet
from store.model import InputError
from store.schema import OUTLINES, SECTIONS, FenceSaid, HomeSaid, mistakes
from store.shapes import Shape, ShapeError

_NAMED_MOST = 10
_LINE_TYPES = frozenset({"LineString", "MultiLineString"})
_LISTED = ("residents", "events", "modes")
"""Keys of a fence that hold a list, which a cell of a table spells with commas."""
_SHAPE_KEYS = frozenset({*OUTLINES, "outwards_m", "datum"})
_FENCE_KEYS = tuple(name for name in FenceSaid.model_fields if name not in {*_SHAPE_KEYS, "drawn"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A community file with shapes in it, sound as a whole, and what was done and left undone."""

    text: str
    report: tuple[str, ...]


def footprints(text: str, file: Path, sheet: Sheet, by: str) -> Placed:
    """Shapes as the footprints of homes.

    Parameters
    ----------
    by
        Property whose value is a home's id or address; or a building, then every home of it has its outline, unless it has its own.

    Raises
    ------
    InputError
        The community file is wrong, or no shape could be used.
    """
    said, _ = community.said(text, file)
    report = _Report()
    found: dict[str, tuple[int, Drawing, Shape]] = {}
    for drawing in sheet.drawings:
        if _is_elsewhere(drawing, "homes"):
            continue
        value = _value(drawing, by)
        matches = _homes(value, said.homes)
        if not matches:
            report.say(drawing, f"fits no home: {by} is {value or 'not said'}, wanted a home's id or address, or a building")
        elif (shape := report.shape(drawing, sheet.datum, is_line=False)) is not None:
            for rank, home in matches:
                if home in found and rank == found[home][0]:
                    report.say(drawing, f"is a second footprint of {home}, which has that of {_name(found[home][1])}: left out")
                elif home not in found or rank < found[home][0]:
                    found[home] = rank, drawing, shape
    without = [home.id for home in said.homes if home.id not in found and home.footprint is None]
    report.end(f"{len(found)} homes have a new footprint", without)

    def place(document: Any) -> None:  # noqa: ANN401  of JSON's types, or of ruamel's own
        for item in document["homes"] if found else ():
            if item["id"] in found:
                item["footprint"] = _flow(found[item["id"]][2].geometry)
                item["datum"] = sheet.datum.value

    return _placed(text, file, place, found, report)


def fences(text: str, file: Path, sheet: Sheet) -> Placed:
    """Areas and lines as geofences; properties that are keys of a geofence are taken over. One of the same id keeps its other keys.

    Raises
    ------
    InputError
        The community file would be wrong with them in it, or no shape could be used.
    """
    community.said(text, file)
    report = _Report()
    found: dict[str, Said] = {}
    for drawing in sheet.drawings:
        if _is_elsewhere(drawing, "geofences"):
            continue
        keys = _fence_keys(drawing)
        shape = report.shape(drawing, sheet.datum, is_line=keys["kind"] == FenceKind.LINE)
        if shape is None:
            continue
        keys |= {"geometry": shape.geometry, "datum": sheet.datum.value}
        try:
            fence = FenceSaid.model_validate(keys)
        except ValidationError as error:
            where, what = mistakes(error)[0]
            report.say(drawing, f"{spelled(where)} {what}: left out")
            continue
        if fence.id in found:
            report.say(drawing, f"is a second shape of {fence.id}: left out")
        found.setdefault(fence.id, keys)
    report.end(f"{len(found)} geofences", ())

    def place(document: Any) -> None:  # noqa: ANN401  of JSON's types, or of ruamel's own
        if document.get("geofences") is None:
            document["geofences"] = []
        places = {item["id"]: index for index, item in enumerate(document["geofences"])}
        for id_, keys in found.items():
            if id_ in places:
                item = document["geofences"][places[id_]]
                for key in _SHAPE_KEYS & set(item):
                    del item[key]
            else:
                item = CommentedMap()
                document["geofences"].append(item)
            item.update({key: _flow(value) for key, value in keys.items()})

    return _placed(text, file, place, found, report)


class _Report:
    """What a person is told about a drawing, one line a shape that is not simply taken over."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, drawing: Drawing, what: str) -> None:
        """One line about a shape."""
        self.lines.append(f"{_name(drawing)} {what}")

    def shape(self, drawing: Drawing, datum: Datum, *, is_line: bool) -> Shape | None:
        """A drawing's shape; None, and a line, where there is none."""
        if drawing.fault:
            self.say(drawing, f"{drawing.fault}: left out")
            return None
        try:
            shape = shapes.line(drawing.geometry, datum) if is_line else shapes.area(drawing.geometry, datum)
        except ShapeError as error:
            self.say(drawing, f"{spelled(('geometry', *error.path))}: {error.what}: left out")
            return None
        for path, what in shape.notes:
            self.say(drawing, f"{spelled(('geometry', *path))}: {what}: repaired")
        return shape

    def end(self, what: str, without: Sequence[str]) -> None:
        """The last line: how many, and which homes have no footprint still."""
        some = ", ".join(without[:_NAMED_MOST]) + (f" and {len(without) - _NAMED_MOST} more" if len(without) > _NAMED_MOST else "")
        self.lines.append(what + (f"; {len(without)} homes have none: {some}" if without else ""))


def _is_elsewhere(drawing: Drawing, section: str) -> bool:
    """Whether a shape is of another section of the community file, in a file of ours."""
    return drawing.properties.get("section") in [one for one in SECTIONS if one != section]


def _name(drawing: Drawing) -> str:
    return " ".join(part for part in (spelled(drawing.path) or "the shape", f"({drawing.id})" if drawing.id else "") if part)


def _value(drawing: Drawing, by: str) -> str:
    """What a shape is matched by: a property, or the feature's own id."""
    value = drawing.properties.get(by)
    if value is None and by == "id":
        return drawing.id
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return "" if value is None else str(value).strip()


def _homes(value: str, homes: Sequence[HomeSaid]) -> list[tuple[int, str]]:
    """(rank, home) of every home that a value stands for: ids before addresses before buildings."""
    for rank, key in enumerate(("id", "address", "building")):
        if value and (found := [home.id for home in homes if getattr(home, key) == value]):
            return [(rank, home) for home in found]
    return []


def _fence_keys(drawing: Drawing) -> Said:
    is_line = drawing.geometry.get("type") in _LINE_TYPES
    keys: Said = {"id": _value(drawing, "id"), "kind": str(FenceKind.LINE if is_line else FenceKind.AREA)}
    for key in _FENCE_KEYS:
        value = drawing.properties.get(key)
        if key != "id" and value is not None:
            keys[key] = [one.strip() for one in value.split(",")] if key in _LISTED and isinstance(value, str) else value
    return keys


def _placed(text: str, file: Path, place: Callable[[Any], None], found: Mapping[str, object], report: _Report) -> Placed:
    if not found:
        raise InputError(file, "", f"gets no shape from the drawing: {report.lines[0]}")
    new = _edited(text, place)
    community.parse(new, f"{file} with the drawing")
    return Placed(text=new, report=tuple(report.lines))


def _edited(text: str, place: Callable[[Any], None]) -> str:
    try:
        document = json.loads(text)
    except ValueError:
        yaml = YAML()
        yaml.preserve_quotes = True
        yaml.indent(mapping=2, sequence=4, offset=2)
        yaml.width = 1 << 30  # lines stay as long as they are
        document = yaml.load(text)
        place(document)
        out = io.StringIO()
        yaml.dump(document, out)
        return out.getvalue()
    place(document)
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def _flow(value: Any) -> Any:  # noqa: ANN401  plain values in, ruamel's out
    """A value on one line, as YAML by ruamel or as JSON."""
    if isinstance(value, Mapping):
        mapping = CommentedMap({key: _flow(one) for key, one in value.items()})
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq(_flow(one) for one in value)
        sequence.fa.set_flow_style()
        return sequence
    return value
