"""Files of shapes: GeoJSON, and with the extra `geo` GeoPackage, Shapefile and whatever else GDAL reads; GeoJSON out.

Positions come in as degrees (lon, lat) of the datum that the file is in. Projected layers are taken back to degrees; a file of a datum
that is neither WGS 84 nor as good as the same is refused, because no transformation from it is better than some metres.
"""

import io
import json
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from geojson_pydantic import Feature, FeatureCollection, LineString, MultiPolygon, Point, Polygon
from numpy.typing import NDArray
from pydantic import ValidationError

from devices.model import HomeId
from geofence.datum import Datum, Wgs84, Wgs84Ring, Wgs84Rings
from rules.premises import FenceId
from store import document
from store.document import KeyPath, shown, spelled
from store.model import Community, InputError
from store.schema import OUTLINES, CommunityFile, mistakes

Said = dict[str, Any]

MAX_BYTES = 100 * 1024 * 1024
_GEOJSON = frozenset({".geojson", ".json"})
SENT = _GEOJSON | {".gpkg", ".zip"}
"""Endings of files that `laid_down` takes."""
_SHAPEFILE = frozenset({".shp", ".shx", ".dbf", ".prj", ".cpg"})
_SQLITE, _SHP = b"SQLite format 3\x00", b"\x00\x00\x27\x0a"
"""How a GeoPackage begins, and a Shapefile."""
_GEOMETRIES = frozenset({"Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon", "GeometryCollection"})

_AS_WGS84 = frozenset({4326, 4258, 4490})
"""EPSG's numbers of WGS 84, of ETRS89 and of CGCS2000, which are less than a metre from it."""

_DEGREES = frozenset({"OGC:CRS84", "URN:OGC:DEF:CRS:OGC:1.3:CRS84"}) | {
    f"{register}{number}" for register in ("EPSG:", "URN:OGC:DEF:CRS:EPSG::") for number in _AS_WGS84
}
"""Names of coordinate systems that are degrees already; in a file their order is lon, lat whatever the register says."""

_TRANSFORM = "transform it first, such as by ogr2ogr -t_srs EPSG:4326"

_DECIMALS = 9
"""Of a degree, in what is written: a tenth of a millimetre."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One shape of a file.

    Attributes
    ----------
    path
        Where it stands in the file.
    id : str
        That of the feature, empty where it has none.
    properties : mapping
        What the file says of it.
    geometry : mapping
        GeoJSON, not looked into yet; positions in degrees of the file's datum. Empty where `fault` says why.
    fault : str
        What is wrong with it as a feature; empty of a sound one.
    """

    path: KeyPath
    id: str = ""
    properties: Mapping[str, Any]
    geometry: Mapping[str, Any]
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a file holds, and the datum that it is in."""

    drawings: tuple[Drawing, ...]
    datum: Datum


def laid_down(content: bytes, name: str, folder: Path) -> Path:
    """A file that somebody sent, to be read as `read` does, and as nothing else: GDAL would follow some formats to other files and hosts.

    Parameters
    ----------
    name
        What they call it; its ending says what it is: GeoJSON, GeoPackage, or a Shapefile with all its parts in a zip.
    folder
        An empty one.

    Raises
    ------
    InputError
        It is none of these, or too large.
    """
    suffix = Path(name).suffix.lower()
    if suffix in _GEOJSON or (suffix == ".gpkg" and content.startswith(_SQLITE)):
        file = folder / f"map{suffix}"
        file.write_bytes(content)
        return file
    if suffix != ".zip":
        raise InputError(name, "", f"is no {suffix.lstrip('.') or 'map'}" if suffix == ".gpkg" else f"wanted {', '.join(sorted(SENT))}")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            parts = {Path(one.filename).suffix.lower(): one for one in packed.infolist()}
            if sum(one.file_size for one in parts.values()) > MAX_BYTES:
                raise InputError(name, "", f"holds more than {MAX_BYTES >> 20} MiB")
            for ending in _SHAPEFILE & set(parts):
                (folder / f"map{ending}").write_bytes(packed.read(parts[ending]))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise InputError(name, "", f"is no zip that can be read: {error}") from None
    file = folder / "map.shp"
    if not file.is_file() or not file.read_bytes()[:4] == _SHP:
        raise InputError(name, "", "holds no Shapefile")
    return file


def read(file: Path, *, layer: str | None = None, datum: Datum | None = None) -> Sheet:
    """Every shape of a file.

    Parameters
    ----------
    layer
        Of a file that has several.
    datum
        What its degrees are, if the file does not say, or says WGS 84 of what was drawn on a Chinese map.

    Raises
    ------
    InputError
        It cannot be read, is no such file, or is in coordinates that are neither WGS 84 nor GCJ-02 nor as good as the first.
    """
    return _geojson(file, layer, datum) if file.suffix.lower() in _GEOJSON else _layer(file, layer, datum)


def _geojson(file: Path, layer: str | None, datum: Datum | None) -> Sheet:
    if layer is not None:
        raise InputError(file, "", "is GeoJSON, which has no layers")
    return sheet(document.read(file, MAX_BYTES), file, datum)


def sheet(text: str, file: Path | str, datum: Datum | None = None) -> Sheet:
    """Every shape of a text of GeoJSON; see `read`. `file` is what errors call it."""
    try:
        said = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        raise InputError(file, f"line {error.lineno}", f"is not JSON: {error.msg}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(file, "", f"is not JSON: {error}") from None
    kind = said.get("type") if isinstance(said, dict) else None
    if kind == "FeatureCollection" and isinstance(said.get("features"), list):
        drawings = tuple(_feature(item, ("features", index)) for index, item in enumerate(said["features"]))
    elif kind == "FeatureCollection":
        raise InputError(file, "features", f"is {shown(said.get('features'))}, wanted a list")
    elif kind == "Feature":
        drawings = (_feature(said, ()),)
    elif kind in _GEOMETRIES:
        drawings = (Drawing(path=(), properties={}, geometry=said),)
    else:
        raise InputError(file, "type", f"is {shown(kind)}, wanted FeatureCollection, Feature or a geometry of GeoJSON")
    return Sheet(drawings=drawings, datum=_datum(file, said, datum))


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _datum(file: Path | str, said: Said, datum: Datum | None) -> Datum:
    """The datum of a GeoJSON file: its own word (see `written`), else WGS 84 as the standard has it, unless somebody knows better."""
    crs = said.get("crs")
    if crs is not None:
        properties = crs.get("properties") if isinstance(crs, dict) else None
        name = properties.get("name") if isinstance(properties, dict) else None
        if not isinstance(name, str) or name.upper() not in _DEGREES:
            raise InputError(file, "crs", f"is {shown(name or crs)}, wanted WGS 84 and no crs (RFC 7946): {_TRANSFORM}")
    if "datum" not in said:
        return datum or Datum.WGS84
    if said["datum"] not in list(Datum):
        raise InputError(file, "datum", f"is {shown(said['datum'])}, wanted {' or '.join(Datum)}")
    if datum not in (None, said["datum"]):
        raise InputError(file, "datum", f"is {said['datum']}, and --datum {datum}: wanted the same, or none")
    return Datum(said["datum"])


def _feature(item: object, path: KeyPath) -> Drawing:
    try:
        feature = Feature[Any, dict[str, Any]].model_validate(item)
    except ValidationError as error:
        where, what = mistakes(error)[0]
        return Drawing(path=path, properties={}, geometry={}, fault=" ".join(part for part in (spelled(where), what) if part))
    properties = feature.properties or {}
    id_ = "" if feature.id is None else str(feature.id)
    if isinstance(feature.geometry, dict):
        return Drawing(path=path, id=id_, properties=properties, geometry=feature.geometry)
    fault = "has no geometry" if feature.geometry is None else f"geometry is {shown(feature.geometry)}, wanted keys and values"
    return Drawing(path=path, id=id_, properties=properties, geometry={}, fault=fault)


def _layer(file: Path, layer: str | None, datum: Datum | None) -> Sheet:
    try:
        import pyogrio  # noqa: PLC0415  of the optional extra
        import pyogrio.raw  # noqa: PLC0415
    except ModuleNotFoundError:
        raise InputError(file, "", "is no GeoJSON, and to read others needs the extra geo: pip install pyogrio pyproj") from None
    try:
        layers = [str(name) for name, geometry in pyogrio.list_layers(file) if geometry is not None]
        if layer is None and len(layers) > 1:
            raise InputError(file, "", f"has the layers {', '.join(layers)}, wanted --layer with one of them")
        if not layers or layer not in (None, *layers):
            raise InputError(file, "", f"has no layer of shapes{f' {shown(layer)}' if layer else ''}, only {', '.join(layers) or 'tables'}")
        meta, _, encoded, columns = pyogrio.raw.read(file, layer=layer, force_2d=True, datetime_as_string=True)
    except (OSError, ValueError, RuntimeError) as error:  # pyogrio's own are among them
        raise InputError(file, "", f"cannot be read: {error}") from None
    shapes = _in_degrees(file, np.asarray(shapely.from_wkb(encoded)), meta["crs"], datum)
    fields = [str(field) for field in meta["fields"]]
    drawings = [
        Drawing(
            path=("features", number),
            properties={field: _plain(value) for field, value in zip(fields, values, strict=True)},
            geometry={} if shape is None else json.loads(shapely.to_geojson(shape)),
            fault="has no geometry" if shape is None else "",
        )
        for number, (shape, *values) in enumerate(zip(shapes, *columns, strict=True))
    ]
    return Sheet(drawings=tuple(drawings), datum=datum or Datum.WGS84)


def _plain(value: object) -> object:
    """A cell of a table as JSON has it."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and np.isnan(value) else value


def _in_degrees(file: Path, shapes: NDArray[np.object_], crs: str | None, datum: Datum | None) -> NDArray[np.object_]:
    if crs is None and datum is None:
        raise InputError(file, "", "does not say what its coordinates are (a Shapefile does in its .prj), wanted --datum")
    if crs is None or crs.upper() in _DEGREES:
        return shapes
    try:
        import pyproj  # noqa: PLC0415  of the optional extra
    except ModuleNotFoundError:
        raise InputError(file, "", f"is in {shown(crs)}, which needs the extra geo: pip install pyproj") from None
    try:
        system = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise InputError(file, "", f"is in {shown(crs)}, which is no known coordinate system") from None
    ground = system.geodetic_crs
    if ground is None or ground.to_epsg() not in _AS_WGS84:
        raise InputError(file, "", f"is in {system.name}, from which no way to WGS 84 is exact: {_TRANSFORM}")
    if system.is_geographic:
        return shapes
    if datum is Datum.GCJ02:
        raise InputError(file, "", f"is in {system.name}, which no Chinese map is in: --datum gcj02 does not fit")
    way = pyproj.Transformer.from_crs(system, ground, always_xy=True)
    return np.asarray(shapely.transform(shapes, lambda positions: np.stack(way.transform(*positions.T), axis=-1)))


Written = Feature[Polygon | MultiPolygon | LineString | Point, Said]


def written(community: Community, said: CommunityFile, datum: Datum) -> Said:
    """Footprints, fences and the places of sensors as a GeoJSON FeatureCollection (RFC 7946).

    A foreign member `datum` names what its degrees are, because those of a Chinese map are not what the standard asks for. A feature's
    `section` is the one of the community file that it belongs to; its other properties are keys of that section.
    """
    collection = FeatureCollection[Written](type="FeatureCollection", features=list(_features(community, said, datum)))
    return {"type": collection.type, "datum": datum.value, "features": collection.model_dump(mode="json")["features"]}


def _features(community: Community, said: CommunityFile, datum: Datum) -> Iterator[Written]:
    for home in said.homes:
        if (rings := community.footprints.get(HomeId(home.id))) is not None:
            keys = home.model_dump(mode="json", exclude_unset=True, include={"id", "building", "floor"})
            yield _of("homes", keys, _polygons(rings, datum))
    fences = {fence.id: fence for fence in community.fences}
    for one in said.geofences:
        if (fence := fences.get(FenceId(one.id))) is None:
            continue  # it guards nothing: in a file it would
        keys = one.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude={*OUTLINES, "outwards_m", "datum", "drawn"})
        yield _of("geofences", keys, _polygons(fence.rings, datum) if fence.rings else _line(fence.path, datum))
    for device in community.devices:
        if (pose := device.pose) is not None:
            (place,) = _positions(Wgs84.of(Datum.WGS84, [pose.lon], [pose.lat]).ring(), datum)
            keys = {"id": device.id, "kind": device.kind.value, "heading_deg": pose.heading_deg, "height_m": pose.height_m}
            yield _of("devices", keys, Point(type="Point", coordinates=place))


def geometry(rings: Wgs84Rings, path: Wgs84Ring, datum: Datum) -> Said:
    """An area's rings, or a line's path where there are none, as a geometry of GeoJSON in the degrees of a datum."""
    drawn = _polygons(rings, datum) if rings else _line(path, datum)
    said: Said = drawn.model_dump(mode="json", exclude_none=True)
    return said


def place(lon_deg: float, lat_deg: float, datum: Datum) -> tuple[float, float]:
    """A position of WGS 84 degrees in the degrees of a datum."""
    (found,) = _positions(Wgs84.of(Datum.WGS84, [lon_deg], [lat_deg]).ring(), datum)
    return float(found[0]), float(found[1])


def _of(section: str, keys: Said, geometry: Polygon | MultiPolygon | LineString | Point) -> Written:
    return Written(type="Feature", id=keys["id"], properties={"section": section, **keys}, geometry=geometry)


def _line(path: Wgs84Ring, datum: Datum) -> LineString:
    return LineString(type="LineString", coordinates=_positions(path, datum))


def _polygons(rings: Wgs84Rings, datum: Datum) -> Polygon | MultiPolygon:
    polygons = [[_positions(ring, datum) for ring in polygon] for polygon in rings]
    if len(polygons) == 1:
        return Polygon(type="Polygon", coordinates=polygons[0])
    return MultiPolygon(type="MultiPolygon", coordinates=polygons)


def _positions(ring: Wgs84Ring, datum: Datum) -> list[Any]:
    place = Wgs84.of(Datum.WGS84, *np.array(ring, np.float64).T)
    drawn = place if datum is Datum.WGS84 else place.to_gcj02()
    return [tuple(position) for position in np.round((drawn.lon_deg, drawn.lat_deg), _DECIMALS).T.tolist()]
