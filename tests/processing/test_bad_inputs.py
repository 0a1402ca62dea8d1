"""What a user gives by mistake: refused in one line that names the input, by every algorithm that reads such an input."""

import json
import sqlite3

import pytest
from qgis.core import QgsApplication, QgsProcessingContext
from shapely.affinity import translate
from shapely.geometry import LineString, Point, box

X, Y = 606000.0, 4660000.0
HERE, ELSEWHERE = box(X + 20, Y - 60, X + 80, Y - 20), box(X + 90000, Y - 60, X + 90060, Y - 20)
TRACK = LineString([(X + 10, Y - 100), (X + 230, Y - 100)])
OPTICAL = [("detectcontainers", "ZONES"), ("detectfreightcars", "TRACKS"), ("detectships", "ZONES"), ("visibility", "ZONES")]


@pytest.fixture
def refused(refused):
    """As ever, with outputs for those that are not given."""

    def check(words, algorithm, **parameters):
        made = QgsApplication.processingRegistry().algorithmById(algorithm)
        needed = [d.name() for d in made.destinationParameterDefinitions() if not d.flags() & d.Flag.FlagOptional]
        refused(words, algorithm, **{**dict.fromkeys(needed, "TEMPORARY_OUTPUT"), **parameters})

    return check


@pytest.fixture
def layer(tmp_path, make_zones):
    """Writes zones without fields: layer(name, geometry, …)."""

    def write(name, *shapes, **more):
        return make_zones(tmp_path / f"{name}.gpkg", [(shape, {}) for shape in shapes], **more)

    return write


def undefined(path, srs_id):
    """The GeoPackage with a CRS that its standard calls undefined: -1 of a plane, 0 of a sphere."""
    with sqlite3.connect(path) as file:
        for table in ("gpkg_geometry_columns", "gpkg_contents"):
            file.execute(f"UPDATE {table} SET srs_id = {srs_id}")
    return path


@pytest.mark.parametrize("srs_id", [-1, 0])
@pytest.mark.parametrize("algorithm, key", OPTICAL)
def test_zones_without_crs_also_where_a_geopackage_calls_it_undefined(refused, place, layer, algorithm, key, srs_id):
    path = undefined(layer("bare", TRACK if key == "TRACKS" else HERE), srs_id)
    refused(f"{key} has no coordinate reference system", f"rason:{algorithm}", INPUT=place.scene, **{key: path})


@pytest.mark.parametrize("key", ["DETECTIONS", "ZONES"])
def test_layers_of_the_oil_tally_without_crs(refused, layer, key):
    given = {"DETECTIONS": layer("cars", Point(X, Y)), "ZONES": layer("zones", HERE)}
    undefined(given[key], 0)
    refused(f"{key} has no coordinate reference system", "rason:tallyoil", FILL_LOW=0.9, FILL_HIGH=1, **given)


@pytest.mark.parametrize("algorithm, key", OPTICAL)
def test_zones_of_another_place_are_called_by_the_parameters_name(refused, place, layer, algorithm, key):
    path = layer("far", translate(TRACK, 90000) if key == "TRACKS" else ELSEWHERE)
    refused(f"{key} lie all outside the scene", f"rason:{algorithm}", INPUT=place.scene, **{key: path})


def test_zones_that_become_infinite_in_the_scenes_coordinates(refused, place, layer):
    path = layer("degrees", HERE, epsg=4326)  # metres in a layer of degrees
    refused("ZONES: feature 1 cannot be brought", "rason:visibility", INPUT=place.scene, ZONES=path)


def test_lines_cannot_be_cut_out_of_zones(refused, place, layer):
    refused(
        "EXCLUDE: feature 1 is a line",
        "rason:detectships",
        INPUT=place.scene,
        ZONES=place.zones,
        EXCLUDE=layer("pier", TRACK),
    )


@pytest.mark.parametrize("text", ["{}", "[]", '{"some": "other file"}'])
def test_a_calibration_file_without_any_calibration(refused, place, tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    refused("CALIBRATION is not a calibration file", "rason:detectcontainers", INPUT=place.scene, ZONES=place.zones,
            CALIBRATION=str(tmp_path / "c.json"))  # fmt: skip


@pytest.fixture
def labels(tmp_path, make_zones):
    """Two freight cars found, two true ones and a truck outside the zone; paths by parameter."""
    fields = ("zone_id", "class")
    car, truck = {"class": "freight_car"}, {"class": "truck"}
    cars = [box(X + 30, Y - 40, X + 44, Y - 37), box(X + 50, Y - 40, X + 64, Y - 37)]
    truth = [(shape, car) for shape in cars] + [(box(X + 100, Y - 100, X + 110, Y - 97), truck)]
    return {
        "DETECTIONS": make_zones(tmp_path / "found.gpkg", [(shape, car) for shape in cars], fields=fields),
        "TRUTH": make_zones(tmp_path / "truth.gpkg", truth, fields=fields),
        "ZONES": make_zones(tmp_path / "zones.gpkg", [(HERE, {"zone_id": "yard"})], fields=fields),
    }


@pytest.mark.parametrize("algorithm", ["accuracy", "calibrate"])
def test_a_layer_is_not_its_own_truth(refused, labels, algorithm):
    refused("DETECTIONS and TRUTH are the same layer", f"rason:{algorithm}", **{**labels, "TRUTH": labels["DETECTIONS"]})


def test_what_lies_outside_all_zones_gets_no_calibration(run, labels, tmp_path):
    path = tmp_path / "calibration.json"
    run("rason:calibrate", **labels, OUTPUT=str(path))
    assert [made["class"] for made in json.loads(path.read_text())] == ["freight_car"]
    assert "truck" not in run.feedback.textLog()


def test_a_scene_of_another_name_is_said(run, labels, place, tmp_path):
    from osgeo import ogr

    source = ogr.Open(labels["TRUTH"], 1)
    source.GetLayer(0).CreateField(ogr.FieldDefn("scene", ogr.OFTString))
    source.ExecuteSQL("UPDATE zones SET scene = 'yesterday.tif'")
    source = None
    run("rason:calibrate", **labels, INPUTS=[place.scene], OUTPUT=str(tmp_path / "c.json"))
    assert "scene.tif is taken for scene yesterday.tif" in run.feedback.textLog()


def test_files_that_would_be_named_for_what_they_are_not(refused, labels, tmp_path):
    refused("REPORT: .*r.pdf is no .html file", "rason:accuracy", **labels, REPORT=str(tmp_path / "r.pdf"))
    refused("OUTPUT: .*c.txt is no .json file", "rason:calibrate", **labels, OUTPUT=str(tmp_path / "c.txt"))
    assert not list(tmp_path.glob("[rc].*"))


def test_oil_of_cars_that_lie_in_no_zone(refused, make_zones, tmp_path):
    cars = make_zones(tmp_path / "cars.gpkg", [(Point(X + 90000, Y), {"class": "tank_car"})], fields=("class",))
    zones = make_zones(tmp_path / "zones.gpkg", [(HERE, {})])
    refused(
        "None of DETECTIONS' 1 cars lies in ZONES", "rason:tallyoil", DETECTIONS=cars, ZONES=zones, FILL_LOW=0.9, FILL_HIGH=1
    )


@pytest.mark.parametrize(
    "algorithm, key, value, cure",
    [
        ("tallyoil", "FILL_LOW", 2, "a number from 0 to 1"),
        ("simulatescene", "KIND", "moon", "one of port, container yard"),
        ("detectshipssar", "PFA", -1, "from 1e-12 to 0.001"),
        ("simulatescene", "CENTRE", "here", "Middle of the scene"),
    ],
)
def test_a_value_that_qgis_calls_incorrect_comes_with_what_is_right(provider, place, algorithm, key, value, cure):
    made = QgsApplication.processingRegistry().algorithmById(f"rason:{algorithm}").create()
    given = dict.fromkeys((d.name() for d in made.destinationParameterDefinitions()), "TEMPORARY_OUTPUT")
    given |= {
        name: path for name, path in (("INPUT", place.scene), ("ZONES", place.zones)) if algorithm.startswith("detect")
    }
    good, message = made.checkParameterValues({**given, key: value}, QgsProcessingContext())
    assert not good and key in message and cure in message


TABLES = [("tallyseries", "TALLIES"), ("portcalls", "LOOKS"), ("portcalls", "DETECTIONS")]


@pytest.mark.parametrize("algorithm, key", TABLES)
def test_a_picture_among_tables(refused, place, layer, algorithm, key):
    looks = {"LOOKS": [layer("looks", HERE, fields=("zone_id", "epoch"))]} if key == "DETECTIONS" else {}
    refused(f"{key}: .*scene.* is no table", f"rason:{algorithm}", **{**looks, key: [place.scene]})


def why_not(algorithm, **given):
    """What the check of the parameters says."""
    made = QgsApplication.processingRegistry().algorithmById(algorithm).create()
    needed = {d.name(): "memory:" for d in made.destinationParameterDefinitions()}
    good, message = made.checkParameterValues({**needed, **given}, QgsProcessingContext())
    assert not good
    return message


@pytest.mark.parametrize("algorithm, key", TABLES)
def test_a_missing_file_among_tables(provider, place, algorithm, key):
    looks = {"LOOKS": [place.zones]} if key == "DETECTIONS" else {}
    told = why_not(f"rason:{algorithm}", **{**looks, key: ["/nowhere/t.gpkg"]})
    assert told == f"{key}: /nowhere/t.gpkg does not exist. Check the path."


def test_a_time_that_is_none_is_told_how_one_is_written(provider, place):
    told = why_not("rason:tallyscene", INPUT=place.scene, ZONES=place.zones, EPOCH="gestern")
    assert told.endswith("for EPOCH: give a time in UTC such as 2023-10-12T02:05:00Z.")


def test_what_is_there_is_not_called_missing(provider, place, tmp_path):
    other = tmp_path / "o.tif"
    given = {"INPUT": place.scene, "REFERENCE": place.zones, "OUTPUT": str(other), "TIE_POINTS": "memory:"}
    told = why_not("rason:alignscene", **given)
    assert told == f"REFERENCE: {place.zones} cannot be opened as a raster. Give a file of that kind."
    told = why_not("rason:alignscene", **given | {"REFERENCE": place.scene, "MASK": place.scene})
    assert told == f"MASK: {place.scene} cannot be opened as a vector layer. Give a file of that kind."
    told = why_not("rason:alignscene", **given | {"REFERENCE": "/nowhere/b.tif"})
    assert told == "REFERENCE: /nowhere/b.tif does not exist. Check the path."
