"""Files of shapes: GeoJSON, GeoPackage and Shapefile in, into community files; GeoJSON out and back."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pyproj
import pytest
import shapely

from geofence.datum import Datum, Wgs84
from geofence.outlines import metric
from store import community, drawings, placing
from store.drawings import Sheet
from store.model import Community, InputError

Said = dict[str, Any]

LON, LAT = 119.95, 31.78

COMMUNITY = """\
# The estate by the lake
community: {id: elm, name: 榆园, timezone: Asia/Shanghai}
homes:
  - {id: b3-201, building: "3", address: 3栋201室} # first
  - id: b3-202
    building: "3"
  - {id: b4-101, building: "4"}
devices:
  - {id: r-1, kind: radar, home: b3-201, pose: {lon: 119.95, lat: 31.78, heading_deg: 90, height_m: 2.2}}
geofences:
  - id: yard
    kind: area
    modes: [away] # while nobody is there
    home: b3-201
    circle: {center: [119.95, 31.78], radius_m: 50}
"""


def square(east: float = 0.0, north: float = 0.0, side: float = 0.0001) -> list[list[float]]:
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    return [[round(LON + east + x * side, 7), round(LAT + north + y * side, 7)] for x, y in corners]


def polygon(east: float = 0.0, north: float = 0.0) -> Said:
    return {"type": "Polygon", "coordinates": [square(east, north)]}


def feature(geometry: Said | None, **properties: Any) -> Said:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def collection(*features: Said, **members: Any) -> Said:
    return {"type": "FeatureCollection", "features": list(features), **members}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "elm.yaml").write_text(COMMUNITY, encoding="utf-8")
    return tmp_path


def saved(folder: Path, said: Any, name: str = "plan.geojson") -> Path:
    file = folder / name
    file.write_text(said if isinstance(said, str) else json.dumps(said, ensure_ascii=False), encoding="utf-8")
    return file


def read(folder: Path, said: Any, **options: Any) -> Sheet:
    return drawings.read(saved(folder, said), **options)


def refused(folder: Path, said: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        read(folder, said, **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value).removeprefix(f"{folder}/plan.geojson: ")


def placed(folder: Path, sheet: Sheet, by: str = "id") -> placing.Placed:
    return placing.footprints(COMMUNITY, folder / "elm.yaml", sheet, by)


def parsed(one: placing.Placed) -> Community:
    return community.parse(one.text, "elm.yaml")


# GeoJSON in


@pytest.mark.parametrize("wrapped", [collection, lambda one: one, lambda one: one["geometry"]])
def test_a_collection_a_feature_and_a_geometry_are_read(folder: Path, wrapped: Any) -> None:
    (drawing,) = read(folder, wrapped(feature(polygon(), id="b3-201"))).drawings
    assert drawing.geometry == polygon()
    assert drawing.fault == ""


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("{", "line 1: is not JSON: Expecting property name"),
        ('{"type": "Point", "coordinates": [NaN, 1]}', "is not JSON: NaN is no number"),
        ("[" * 100_000, "is not JSON"),
        ([], "type: is nothing, wanted FeatureCollection, Feature or a geometry"),
        ({"type": "Topology"}, "type: is 'Topology', wanted FeatureCollection"),
        ({"type": "FeatureCollection"}, "features: is nothing, wanted a list"),
        (collection(datum="bd09"), "datum: is 'bd09', wanted wgs84 or gcj02"),
        (collection(crs={"properties": {"name": "EPSG:4549"}}), "crs: is 'EPSG:4549', wanted WGS 84 and no crs (RFC 7946): transform it"),
        (collection(crs=4326), "crs: is 4326, wanted WGS 84 and no crs"),
    ],
)
def test_a_file_that_is_no_geojson_says_why(folder: Path, said: Any, words: str) -> None:
    assert refused(folder, said).startswith(words)


@pytest.mark.parametrize("name", ["urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4490"])
def test_a_crs_that_is_as_good_as_wgs_84_is_read(folder: Path, name: str) -> None:
    assert read(folder, collection(feature(polygon()), crs={"type": "name", "properties": {"name": name}})).datum is Datum.WGS84


def test_the_datum_is_what_the_file_says_or_else_the_option(folder: Path) -> None:
    assert read(folder, collection(datum="gcj02")).datum is Datum.GCJ02
    assert read(folder, collection(), datum=Datum.GCJ02).datum is Datum.GCJ02
    assert read(folder, collection()).datum is Datum.WGS84
    assert refused(folder, collection(datum="wgs84"), datum=Datum.GCJ02).startswith("datum: is wgs84, and --datum gcj02")


def test_geojson_has_no_layers(folder: Path) -> None:
    assert refused(folder, collection(), layer="homes") == "is GeoJSON, which has no layers"


# Footprints


def test_footprints_go_to_the_homes_that_they_name_and_comments_stay(folder: Path) -> None:
    done = placed(folder, read(folder, collection(feature(polygon(), id="b3-201"), feature(polygon(0.001), id="b3-202"))))
    assert done.report == ("2 homes have a new footprint; 1 homes have none: b4-101",)
    assert parsed(done).footprints.keys() == {"b3-201", "b3-202"}
    lines = done.text.splitlines()
    assert lines[:3] == COMMUNITY.splitlines()[:3]
    assert lines[3].startswith(
        '  - {id: b3-201, building: "3", address: 3栋201室, footprint: {type: Polygon, coordinates: [[[119.95, 31.78],'
    )
    assert lines[3].endswith("datum: wgs84} # first")
    assert lines[-5:] == COMMUNITY.splitlines()[-5:]


def test_a_feature_is_matched_by_its_own_id_an_address_or_another_property(folder: Path) -> None:
    by_feature_id = {**feature(polygon()), "id": "b3-202"}
    assert parsed(placed(folder, read(folder, collection(by_feature_id)))).footprints.keys() == {"b3-202"}
    by_address = feature(polygon(), room="3栋201室")
    assert parsed(placed(folder, read(folder, collection(by_address)), "room")).footprints.keys() == {"b3-201"}


@pytest.mark.parametrize("number", ["3", 3, 3.0, " 3 "])
def test_a_buildings_outline_is_that_of_every_home_in_it_that_has_no_own(folder: Path, number: Any) -> None:
    outline, own = feature({"type": "Polygon", "coordinates": [square(side=0.001)]}, no=number), feature(polygon(), no="b3-202")
    for order in ([outline, own], [own, outline]):
        found = parsed(placed(folder, read(folder, collection(*order)), "no")).footprints
        assert found.keys() == {"b3-201", "b3-202"}
        assert metric(found[next(iter(found))])[1].area > 50 * metric(found[list(found)[1]])[1].area


def test_what_is_repaired_refused_or_of_nobody_is_reported_and_the_rest_is_used(folder: Path) -> None:
    bow_tie = [[119.95, 31.78], [119.951, 31.781], [119.951, 31.78], [119.95, 31.781], [119.95, 31.78]]
    crossing = "Self-intersection at [119.9505, 31.7805]"
    said = collection(
        feature({"type": "Polygon", "coordinates": [square()[:-1]]}, id="b3-201"),
        feature({"type": "Polygon", "coordinates": [bow_tie]}, id="b3-202"),
        feature(polygon(), id="b9-999"),
        feature(polygon(), name="no id"),
        feature(None, id="b3-202"),
        {"type": "Feature", "geometry": polygon()},
        feature(polygon(), id="b3-201"),
        {**feature({"type": "Point", "coordinates": [LON, LAT]}), "id": "b4-101"},
    )
    assert placed(folder, read(folder, said)).report == (
        "features[0] geometry.coordinates[0]: was not closed: repaired",
        f"features[1] geometry.coordinates: is no valid area ({crossing}), wanted rings that do not cross: left out",
        "features[2] fits no home: id is b9-999, wanted a home's id or address, or a building",
        "features[3] fits no home: id is not said, wanted a home's id or address, or a building",
        "features[4] has no geometry: left out",
        "features[5] fits no home: id is not said, wanted a home's id or address, or a building",
        "features[6] is a second footprint of b3-201, which has that of features[0]: left out",
        "features[7] (b4-101) geometry.type: 'Point' does not fit, wanted Polygon or MultiPolygon: left out",
        "1 homes have a new footprint; 2 homes have none: b3-202, b4-101",
    )


def test_a_section_that_is_no_word_of_ours_is_any_other_property(folder: Path) -> None:
    for section in ("A", 4, ["x"], None):
        assert parsed(placed(folder, read(folder, collection(feature(polygon(), id="b3-201", section=section))))).footprints


def test_a_drawing_of_which_nothing_fits_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="gets no shape from the drawing: features\\[0\\] fits no home"):
        placed(folder, read(folder, collection(feature(polygon(), id="x"))))
    with pytest.raises(InputError, match="gets no shape from the drawing: 0 homes have a new footprint"):
        placed(folder, read(folder, collection()))


def test_a_drawing_of_a_chinese_map_stays_in_its_datum_and_says_so(folder: Path) -> None:
    done = placed(folder, read(folder, collection(feature(polygon(), id="b3-201")), datum=Datum.GCJ02))
    assert "[[[119.95, 31.78]," in done.text
    assert "datum: gcj02" in done.text
    first = parsed(done).footprints[parsed(done).directory.homes[next(iter(parsed(done).directory.homes))].id][0][0][0]
    true = Wgs84.of(Datum.GCJ02, LON, LAT)
    assert first == (float(true.lon_deg), float(true.lat_deg))


def test_a_community_file_in_json_stays_json(folder: Path) -> None:
    text = '{"community": {"id": "elm", "name": "榆园", "timezone": "UTC"}, "homes": [{"id": "a-1"}]}'
    done = placing.footprints(text, folder / "elm.json", read(folder, collection(feature(polygon(), id="a-1"))), "id")
    assert json.loads(done.text)["homes"] == [{"id": "a-1", "footprint": polygon(), "datum": "wgs84"}]


# Fences


def fences(folder: Path, *features: Said) -> placing.Placed:
    return placing.fences(COMMUNITY, folder / "elm.yaml", read(folder, collection(*features)))


def test_areas_and_lines_become_geofences_with_the_keys_that_they_carry(folder: Path) -> None:
    way = {"type": "LineString", "coordinates": [[119.95005, 31.77998], [119.95005, 31.78002]]}
    done = fences(
        folder,
        feature(polygon(), id="park", events=["exit", "dwell"], dwell_min=30, colour="green"),
        feature(way, id="sill", home="b3-201", near="right", modes="away, night", approach_m=1.5),
    )
    park, sill = (one for one in parsed(done).fences if one.id != "yard")
    assert (park.kind, park.dwell_s, sorted(park.events)) == ("area", 1800, ["dwell", "exit"])
    assert (sill.kind, sill.near, sill.approach_m, sorted(sill.modes or ())) == ("line", "right", 1.5, ["away", "night"])
    assert done.report == ("2 geofences",)


def test_a_geofence_of_the_same_id_keeps_its_other_keys(folder: Path) -> None:
    done = fences(folder, feature(polygon(), id="yard", floor=1))
    (yard,) = parsed(done).fences
    assert (yard.floor, sorted(yard.modes or ()), len(yard.rings[0][0])) == (1, ["away"], 5)
    assert "modes: [away] # while nobody is there" in done.text


def test_a_shape_that_is_no_geofence_is_reported(folder: Path) -> None:
    report = fences(
        folder,
        feature(polygon(), id="park"),
        feature(polygon(), id="park"),
        feature(polygon(), id="The Park"),
        feature(polygon(), id="green", dwell_min="long"),
    ).report
    assert report == (
        "features[1] is a second shape of park: left out",
        "features[2] id 'The Park' is no id, wanted a-z, 0-9 and hyphens, at most 63, a letter or digit first: left out",
        "features[3] dwell_min is 'long', wanted a whole number: left out",
        "1 geofences",
    )


def test_geofences_that_do_not_fit_the_community_are_refused_as_its_import_would(folder: Path) -> None:
    with pytest.raises(InputError, match=r"elm.yaml with the drawing: line \d+: geofences\[1\].home: 'z-9' is not in homes"):
        fences(folder, feature(polygon(), id="park", home="z-9"))


# GeoPackage and Shapefile


def layer(file: Path, shapes: list[Any], columns: dict[str, list[Any]], crs: str | None = "EPSG:4326", **options: Any) -> Path:
    geometries = np.array([None if shape is None else shapely.to_wkb(shape) for shape in shapes], object)
    fields = [np.array(values, object if isinstance(values[0], str) else None) for values in columns.values()]
    driver = "GPKG" if file.suffix == ".gpkg" else "ESRI Shapefile"
    pyogrio.raw.write(file, geometries, fields, list(columns), crs=crs or "EPSG:4326", geometry_type="Polygon", driver=driver, **options)
    if crs is None:
        file.with_suffix(".prj").unlink()
    return file


SHELL = shapely.Polygon(square())


@pytest.mark.parametrize("name", ["plan.gpkg", "plan.shp"])
def test_footprints_come_from_a_geopackage_and_a_shapefile(folder: Path, name: str) -> None:
    file = layer(
        folder / name, [SHELL, shapely.Polygon(square(0.001))], {"room": ["3栋201室", "b3-202"], "area_m2": [100.5, 99.0]}, encoding="UTF-8"
    )
    done = placed(folder, drawings.read(file), "room")
    assert done.report == ("2 homes have a new footprint; 1 homes have none: b4-101",)
    found = parsed(done).footprints
    np.testing.assert_allclose(sorted(found["b3-201"][0][0]), sorted(map(tuple, square())), atol=1e-9)  # type: ignore[index]


def test_a_projected_layer_is_taken_back_to_degrees(folder: Path) -> None:
    way = pyproj.Transformer.from_crs("EPSG:4490", "EPSG:4549", always_xy=True)
    projected = shapely.transform(SHELL, lambda positions: np.stack(way.transform(*positions.T), axis=-1))
    sheet = drawings.read(layer(folder / "plan.shp", [projected], {"id": ["b3-201"]}, crs="EPSG:4549"))
    ring = sheet.drawings[0].geometry["coordinates"][0]
    np.testing.assert_allclose(sorted(ring), sorted(square()), atol=1e-9)
    assert sheet.datum is Datum.WGS84


@pytest.mark.parametrize(
    ("crs", "options", "words"),
    [
        (None, {}, "does not say what its coordinates are (a Shapefile does in its .prj), wanted --datum"),
        ("EPSG:2436", {}, "is in Beijing 1954 / 3-degree Gauss-Kruger CM 117E, from which no way to WGS 84 is exact: transform it first"),
        ("EPSG:4214", {}, "is in Beijing 1954, from which no way to WGS 84 is exact"),
        ("EPSG:4549", {"datum": Datum.GCJ02}, "which no Chinese map is in: --datum gcj02 does not fit"),
    ],
)
def test_a_layer_in_other_coordinates_is_refused(folder: Path, crs: str | None, options: Said, words: str) -> None:
    file = layer(folder / "plan.shp", [SHELL], {"id": ["b3-201"]}, crs=crs)
    with pytest.raises(InputError) as caught:
        drawings.read(file, **options)
    assert words in str(caught.value)


def test_a_layer_without_a_coordinate_system_is_read_where_the_datum_is_said(folder: Path) -> None:
    file = layer(folder / "plan.shp", [SHELL], {"id": ["b3-201"]}, crs=None)
    assert drawings.read(file, datum=Datum.GCJ02).datum is Datum.GCJ02


def test_of_several_layers_one_is_to_be_named(folder: Path) -> None:
    file = layer(folder / "plan.gpkg", [SHELL], {"id": ["b3-201"]}, layer="homes")
    layer(file, [SHELL, None], {"id": ["park", "pond"]}, layer="parks", append=True)
    with pytest.raises(InputError, match="has the layers homes, parks, wanted --layer with one of them"):
        drawings.read(file)
    with pytest.raises(InputError, match="has no layer of shapes 'roads', only homes, parks"):
        drawings.read(file, layer="roads")
    assert [one.properties["id"] for one in drawings.read(file, layer="parks").drawings] == ["park", "pond"]
    assert drawings.read(file, layer="parks").drawings[1].fault == "has no geometry"


def test_a_file_that_gdal_cannot_read_is_an_input_error(folder: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        drawings.read(saved(folder, "no table", "plan.gpkg"))
    with pytest.raises(InputError, match="cannot be read"):
        drawings.read(folder / "absent.shp")


def test_without_the_extra_a_geopackage_is_refused_with_the_way_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = layer(folder / "plan.gpkg", [SHELL], {"id": ["b3-201"]})
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    with pytest.raises(InputError, match="needs the extra geo: pip install pyogrio pyproj"):
        drawings.read(file)


# Out and back


@pytest.mark.parametrize("datum", list(Datum))
def test_what_is_written_comes_back_as_the_same_shapes(folder: Path, datum: Datum) -> None:
    with_homes = placed(folder, read(folder, collection(feature(polygon(), id="b3-201")))).text
    before, said = community.parse(with_homes, "elm.yaml"), community.said(with_homes, "elm.yaml")[0]
    out = drawings.written(before, said, datum)
    assert [one["properties"]["section"] for one in out["features"]] == ["homes", "geofences", "devices"]
    assert out["datum"] == datum
    sheet = read(folder, out)
    after = community.parse(placing.fences(placed(folder, sheet).text, folder / "elm.yaml", sheet).text, "elm.yaml")
    for one, other in ((before.footprints["b3-201"], after.footprints["b3-201"]), (before.fences[0].rings, after.fences[0].rings)):  # type: ignore[index]
        np.testing.assert_allclose(np.array(other[0][0]), np.array(one[0][0]), rtol=0, atol=2e-9)


def test_on_the_way_out_degrees_are_those_of_the_map_asked_for() -> None:
    said = community.said(COMMUNITY, "elm.yaml")[0]
    places = [drawings.written(community.parse(COMMUNITY, "elm.yaml"), said, datum)["features"][-1]["geometry"] for datum in Datum]
    drawn = Wgs84.of(Datum.WGS84, LON, LAT).to_gcj02()
    assert places[0] == {"type": "Point", "coordinates": [LON, LAT]}
    assert places[1]["coordinates"] == pytest.approx([float(drawn.lon_deg), float(drawn.lat_deg)], abs=1e-9)
