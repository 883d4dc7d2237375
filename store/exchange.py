"""Fences as files that people take along and bring: GeoJSON (RFC 7946) and KML (OGC 07-147r2), both of few shapes.

KML is read by the parser of the standard library, which is told to take no document type: without one there are no entities, and so
nothing that expands (`xml.parsers.expat`; what defusedxml does, without another library for a dozen elements).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape

from geofence.datum import Datum
from store.drawings import Drawing, Sheet, sheet
from store.model import InputError, StoreError

MOST_CHARACTERS = 500_000
MOST_SHAPES = 50
"""In one file: each is looked at by whoever brings it."""

_MOST_DEPTH = 60
_KML = "http://www.opengis.net/kml/2.2"
_SPACES = frozenset({_KML, "http://earth.google.com/kml/2.0", "http://earth.google.com/kml/2.1", "http://earth.google.com/kml/2.2", ""})
"""What is written today, what is still found in old files, and nothing at all."""


class ExchangeError(StoreError):
    """A file is no drawing that can be read."""


class TooLargeError(ExchangeError):
    """A file holds more than somebody can look at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A fence that is taken along: its name, a geometry of GeoJSON in WGS 84, and keys of it in the words of the API."""

    name: str
    geometry: Mapping[str, Any]
    keys: Mapping[str, Any]


def geojson(fences: Iterable[Taken]) -> str:
    """Fences as a FeatureCollection."""
    features = [{"type": "Feature", "properties": {"name": one.name, **one.keys}, "geometry": dict(one.geometry)} for one in fences]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False, allow_nan=False, indent=1)


def kml(fences: Iterable[Taken]) -> str:
    """Fences as placemarks: KML has their names and shapes, and no word for the rest."""
    marks = "".join(f"<Placemark><name>{escape(one.name)}</name>{_geometry(one.geometry)}</Placemark>\n" for one in fences)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="{_KML}"><Document>\n{marks}</Document></kml>\n'


def read(text: str) -> Sheet:
    """Every shape of a GeoJSON or KML file.

    Raises
    ------
    TooLargeError
        It is larger than `MOST_CHARACTERS`, or holds more than `MOST_SHAPES`.
    ExchangeError
        It is neither, or in other coordinates than WGS 84 or GCJ-02.
    """
    if len(text) > MOST_CHARACTERS:
        raise TooLargeError(f"the file has {len(text):,} characters, wanted at most {MOST_CHARACTERS:,}")
    try:
        found = Sheet(drawings=_marks(text), datum=Datum.WGS84) if text.lstrip("\ufeff \t\r\n").startswith("<") else sheet(text, "the file")
    except InputError as error:
        raise ExchangeError(str(error)) from None
    if len(found.drawings) > MOST_SHAPES:
        raise TooLargeError(f"the file holds {len(found.drawings)} shapes, wanted at most {MOST_SHAPES}")
    return found


def _geometry(geometry: Mapping[str, Any]) -> str:
    kind, places = geometry["type"], geometry["coordinates"]
    if kind == "LineString":
        return f"<LineString>{_coordinates(places)}</LineString>"
    if kind == "Polygon":
        rings = [f"<LinearRing>{_coordinates(ring)}</LinearRing>" for ring in places]
        inner = "".join(f"<innerBoundaryIs>{ring}</innerBoundaryIs>" for ring in rings[1:])
        return f"<Polygon><outerBoundaryIs>{rings[0]}</outerBoundaryIs>{inner}</Polygon>"
    parts = "".join(_geometry({"type": "Polygon", "coordinates": one}) for one in places)
    return f"<MultiGeometry>{parts}</MultiGeometry>"


def _coordinates(places: Iterable[Iterable[float]]) -> str:
    return f"<coordinates>{' '.join(','.join(map(repr, place)) for place in places)}</coordinates>"


def _marks(text: str) -> tuple[Drawing, ...]:
    reader = _Reader()
    try:
        reader.read(text)
    except expat.ExpatError as error:
        raise ExchangeError(f"the file is no XML: {error}") from None
    if not reader.is_kml:
        raise ExchangeError("the file is XML, and no KML")
    return tuple(reader.found)


@dataclass(slots=True)
class _Reader:
    """Placemarks of a KML, one after the other."""

    found: list[Drawing] = field(default_factory=list)
    is_kml: bool = False
    _open: list[str] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _name: str = ""
    _fault: str = ""
    _rings: list[list[list[float]]] = field(default_factory=list)
    _polygons: list[Any] = field(default_factory=list)
    _lines: list[Any] = field(default_factory=list)

    def read(self, text: str) -> None:
        """Everything there is.

        Raises
        ------
        ExchangeError
            It has a document type, or is nested too deeply.
        xml.parsers.expat.ExpatError
            It is no XML.
        """
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._begin
        parser.CharacterDataHandler = self._text.append
        parser.EndElementHandler = self._end
        parser.Parse(text, True)  # noqa: FBT003  expat takes it by place

    def _refuse(self, *_: object) -> None:
        raise ExchangeError("the file has a document type, wanted a KML without one")

    def _begin(self, tag: str, _attributes: Mapping[str, str]) -> None:
        space, _, name = tag.rpartition(" ")
        if len(self._open) >= _MOST_DEPTH:
            raise ExchangeError(f"the file is nested more than {_MOST_DEPTH} levels deep")
        if not self._open:
            self.is_kml = name == "kml" and space in _SPACES
        self._open.append(name)
        self._text.clear()
        if name == "Placemark":
            self._name = self._fault = ""
            self._rings, self._polygons, self._lines = [], [], []
        elif name == "Polygon":
            self._rings = []

    def _end(self, _tag: str) -> None:
        name, said = self._open.pop(), "".join(self._text).strip()
        self._text.clear()
        within = self._open[-1] if self._open else ""
        if name == "name" and within == "Placemark":
            self._name = " ".join(said.split())
        elif name == "coordinates" and within in {"LinearRing", "LineString"}:
            (self._rings if within == "LinearRing" else self._lines).append(self._places(said))
        elif name == "Polygon":
            self._polygons.append(self._rings)
        elif name == "Placemark":
            self._keep()

    def _places(self, said: str) -> list[list[float]]:
        try:
            return [[float(part) for part in place.split(",")[:2]] for place in said.split()]
        except ValueError:
            self._fault = "its coordinates are no numbers"
            return []

    def _keep(self) -> None:
        """A mark as GeoJSON; each line of several is one of its own."""
        geometries: list[dict[str, Any]] = [{"type": "LineString", "coordinates": one} for one in self._lines]
        if len(self._polygons) == 1:
            geometries.append({"type": "Polygon", "coordinates": self._polygons[0]})
        elif self._polygons:
            geometries.append({"type": "MultiPolygon", "coordinates": self._polygons})
        fault = self._fault or ("" if geometries else "is neither an area nor a line")
        for one in geometries if not fault else [{}]:
            self.found.append(Drawing(path=("Placemark", len(self.found)), properties={"name": self._name}, geometry=one, fault=fault))
