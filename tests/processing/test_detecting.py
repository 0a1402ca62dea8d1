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
