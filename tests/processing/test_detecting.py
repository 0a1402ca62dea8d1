"""The detecting algorithms: one scene and zones in, detections and measures out."""

import pytest


@pytest.mark.parametrize(
    ("algorithm", "key", "chosen", "class_name", "wrong"),
    [
        ("rason:detectfreightcars", "TRACKS", ("loaded", "empty"), "freight_car", 1),
        ("rason:detectcontainers", "ZONES", ("yard",), "container", 2),
    ],
)
def test_finds_what_is_there(run, place, make_zones, tmp_path, algorithm, key, chosen, class_name, wrong):
    zones = make_zones(tmp_path / "chosen.gpkg", [(place.shapes[name], {"zone_id": name}) for name in chosen])
    results = run(algorithm, INPUT=place.scene, OUTPUT="memory:", MEASURES="memory:", **{key: zones})
    truth = sum(place.truth["scene"][name] for name in chosen)
    assert abs(results["FOUND"] - truth) <= wrong
    features = list(results["OUTPUT"].getFeatures())
    assert len(features) == results["FOUND"] and {f["class"] for f in features} == {class_name}
    assert {f["zone_id"] for f in features} == {chosen[0]}
    assert all(f["epoch"] == "2023-07-18T02:05:00Z" and f["status"] == "detected" for f in features)
    measures = {(f["zone_id"], f["unit"]): f["estimate"] for f in results["MEASURES"].getFeatures()}
    assert measures[(chosen[0], "share")] > 0.1


def test_measures_are_optional(run, place, make_zones, tmp_path):
    zones = make_zones(tmp_path / "t.gpkg", [(place.shapes["loaded"], {"zone_id": "loaded"})])
    assert "MEASURES" not in run("rason:detectfreightcars", INPUT=place.scene, TRACKS=zones, OUTPUT="memory:")


def test_polygons_are_no_tracks(refused, place, make_zones, tmp_path):
    zones = make_zones(tmp_path / "t.gpkg", [(place.shapes["yard"], {"zone_id": "yard"})])
    refused("not a line|TRACKS", "rason:detectfreightcars", INPUT=place.scene, TRACKS=zones, OUTPUT="memory:")


def test_a_scene_too_coarse_is_refused(refused, place, variant):
    coarse = variant(place.scene, "coarse.tif", xRes=8, yRes=8, resampleAlg="average")
    refused("too coarse", "rason:detectcontainers", INPUT=coarse, ZONES=place.zones, EPOCH="2023-07-18", OUTPUT="memory:")


def test_an_empty_stretch_of_track(run, refused, place, make_zones, tmp_path):
    from shapely.geometry import LineString, Point

    tracks = make_zones(tmp_path / "t.gpkg", [(place.shapes[name], {"zone_id": name}) for name in ("loaded", "empty")])
    x, y = place.shapes["empty"].coords[0]
    same = {"INPUT": place.scene, "TRACKS": tracks, "OUTPUT": "memory:"}
    bare = make_zones(tmp_path / "bare.gpkg", [(LineString([(x + 50, y + 0.5), (x + 120, y)]), {})])
    assert abs(run("rason:detectfreightcars", EMPTY_STRETCH=bare, **same)["FOUND"] - place.truth["scene"]["loaded"]) <= 1
    off = make_zones(tmp_path / "off.gpkg", [(LineString([(x + 50, y + 9), (x + 120, y + 9)]), {})])
    refused("EMPTY_STRETCH lies on none of the tracks", "rason:detectfreightcars", EMPTY_STRETCH=off, **same)
    blob = make_zones(tmp_path / "blob.gpkg", [(Point(x, y).buffer(20), {})])
    refused("EMPTY_STRETCH", "rason:detectfreightcars", EMPTY_STRETCH=blob, **same)


def test_positions_and_types_are_written(run, place, make_zones, tmp_path):
    tracks = make_zones(tmp_path / "t.gpkg", [(place.shapes["loaded"], {"zone_id": "loaded"})])
    rows = list(run("rason:detectfreightcars", INPUT=place.scene, TRACKS=tracks, OUTPUT="memory:")["OUTPUT"].getFeatures())
    length = place.shapes["loaded"].length
    assert rows and all(0 <= row["position_m"] <= length for row in rows)


@pytest.mark.parametrize("wrong", ["polygon", "nothing", "elsewhere"])
def test_tracks_that_are_none(refused, place, make_zones, tmp_path, wrong):
    from shapely.affinity import translate

    line = place.shapes["loaded"]
    zones = {
        "polygon": [(line.buffer(3), {"zone_id": "a"})],
        "nothing": [(None, {"zone_id": "a"})],
        "elsewhere": [(translate(line, 5000), {"zone_id": "a"})],
    }[wrong]
    words = {"polygon": "not a line|TRACKS", "nothing": "TRACKS holds no zones", "elsewhere": "outside the scene"}[wrong]
    tracks = make_zones(tmp_path / "t.gpkg", zones)
    refused(words, "rason:detectfreightcars", INPUT=place.scene, TRACKS=tracks, OUTPUT="memory:")
