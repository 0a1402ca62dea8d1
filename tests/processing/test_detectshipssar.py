"""rason:detectshipssar on a simulated Sentinel-1-like scene, and the tally made of it."""

from datetime import datetime, timezone
from types import SimpleNamespace

import numpy as np
import pytest
from shapely.geometry import box

X, Y = 600000.0, 4640000.0
BOUNDS = (X, Y, X + 4000.0, Y + 4000.0)


@pytest.fixture(scope="module")
def sea(tmp_path_factory, make_zones):
    """Files of one scene as amplitude without band names, as dB with names, and its zones; truth."""
    from osgeo import gdal

    from rason.engine.detections import Detections
    from rason.engine.simulate import sar

    folder = tmp_path_factory.mktemp("radar")
    ships = Detections.make(
        [X + 1000, X + 2500, X + 3000], [Y + 1000, Y + 2600, Y + 1500], [180, 120, 220], [28, 20, 34], [20, 100, 60], "ship",
        score=8.0,
    )  # fmt: skip
    scene = sar.render(ships, BOUNDS, 10.0, sea=sar.Sea(sea_db=-20.0), seed=2)
    utc = datetime(2023, 5, 1, 9, 30, tzinfo=timezone.utc)
    for values in ("amplitude", "db"):
        sar.write(scene, folder / f"{values}.tif", utc, 32652, values=values)
    gdal.Translate(str(folder / "plain.tif"), str(folder / "amplitude.tif"))
    plain = gdal.Open(str(folder / "plain.tif"), gdal.GA_Update)
    for band in (1, 2):
        plain.GetRasterBand(band).SetDescription("")
    plain = None
    zones = make_zones(
        folder / "zones.gpkg",
        [
            (box(X, Y, X + 4000, Y + 3000), {"zone_id": "sea", "kind": "water"}),
            (box(X + 2200, Y + 3000, X + 3000, Y + 3100), {"zone_id": "quay", "kind": "berth"}),
        ],
    )
    return SimpleNamespace(
        folder=folder, zones=zones, ships=ships, plain=str(folder / "plain.tif"), db=str(folder / "db.tif")
    )


def test_finds_the_ships_and_a_tally_counts_them(run, sea):
    found = run("rason:detectshipssar", INPUT=sea.db, ZONES=sea.zones, OUTPUT="memory:", MEASURES="memory:")
    rows = list(found["OUTPUT"].getFeatures())
    assert found["FOUND"] == len(rows) == 3
    assert all(row["class"] == "ship" and row["zone_id"] == "sea" and "ships_sar" in row["detector"] for row in rows)
    assert all(row["epoch"] == "2023-05-01T09:30:00Z" for row in rows)
    centre = [row.geometry().centroid().asPoint() for row in rows]
    for x, y in zip(sea.ships.x, sea.ships.y):
        assert min(np.hypot(p.x() - x, p.y() - y) for p in centre) < 60
    assert "no count" in run.feedback.textLog()
    tally = run("rason:tally", DETECTIONS=found["OUTPUT"], ZONES=sea.zones, OUTPUT="memory:")
    counts = [row for row in tally["OUTPUT"].getFeatures() if row["unit"] == "objects"]
    assert [row["zone_id"] for row in counts] == ["sea"] and "quay" in run.feedback.textLog()
    assert counts[0]["low"] >= 1, "false alarms are rare in radar"
    assert counts[0]["detected"] == 3 and counts[0]["basis"] == "uncalibrated" and counts[0]["low"] <= 3 <= counts[0]["high"]


def counted(rows):
    """The rows of counts; lengths and areas of nothing stand beside them."""
    return [row for row in rows if row["unit"] == "objects"]


@pytest.mark.parametrize("place", ["memory:", "{}/none.gpkg"])
def test_a_tally_of_none_knows_that_radar_found_none(run, rows, sea, make_zones, tmp_path, place):
    empty = make_zones(
        tmp_path / "empty.gpkg", [(box(X, Y + 2000, X + 1800, Y + 4000), {"zone_id": "empty", "kind": "water"})]
    )
    found = run("rason:detectshipssar", INPUT=sea.db, ZONES=empty, OUTPUT=place.format(tmp_path))
    assert found["FOUND"] == 0
    tally = run("rason:tally", DETECTIONS=found["OUTPUT"], ZONES=empty, OUTPUT=str(tmp_path / "tally.gpkg"))
    (row,) = counted(rows(tally["OUTPUT"]))
    assert (row["class"], row["scene"], row["epoch"]) == ("ship", "db.tif", "2023-05-01T09:30:00Z"), (
        "as the run's record says"
    )
    assert (row["basis"], row["estimate"], row["low"]) == ("uncalibrated", 0, 0), "a detector's nought, not a person's"
    assert "Bright targets" in row["rules"], "the rule is that of radar"
    optical = run("rason:tally", DETECTIONS=make_zones(tmp_path / "marks.gpkg", [], fields=("class", "detector")), ZONES=empty,
                  CLASSES="ship", EPOCH="2023-05-01", BASIS="detected", OUTPUT=str(tmp_path / "optical.gpkg"))  # fmt: skip
    (other,) = counted(rows(optical["OUTPUT"]))
    assert other["rules"] != row["rules"]


def test_values_and_bands_can_be_given(run, sea):
    found = run("rason:detectshipssar", INPUT=sea.plain, ZONES=sea.zones, EPOCH="2023-05-01", VALUES="amplitude", BANDS="vv,vh", LOOKS=4.4,
                AMBIGUITY_M=1500, OUTPUT="memory:")  # fmt: skip
    assert found["FOUND"] == 3


def test_excluded_places_are_left_out(run, sea, make_zones, tmp_path):
    land = make_zones(tmp_path / "land.gpkg", [(box(X, Y, X + 2000, Y + 4000), {"zone_id": "land"})])
    found = run("rason:detectshipssar", INPUT=sea.db, ZONES=sea.zones, EXCLUDE=land, OUTPUT="memory:")
    assert found["FOUND"] == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "BANDS"),
        ({"BANDS": "vv,vh"}, "VALUES=amplitude"),
        ({"BANDS": "vv,vh", "VALUES": "db"}, "no dB"),
        ({"BANDS": "vh,vv", "VALUES": "amplitude"}, "swapped"),
        ({"BANDS": "vv,vv", "VALUES": "amplitude"}, "twice"),
        ({"BANDS": "vv", "VALUES": "amplitude"}, "names 1 band"),
    ],
)
def test_what_is_not_said_or_wrong_is_refused(refused, sea, given, words):
    refused(words, "rason:detectshipssar", INPUT=sea.plain, ZONES=sea.zones, EPOCH="2023-05-01", OUTPUT="memory:", **given)


def test_nan_and_nodata_are_not_seen(run, sea, variant):
    from osgeo import gdal

    holes = variant(sea.db, "holes.tif")
    file = gdal.Open(holes, gdal.GA_Update)
    for band in (1, 2):
        file.GetRasterBand(band).WriteArray(np.full((60, 60), np.nan, np.float32), 70, 270)  # the first ship
    file = None
    found = run("rason:detectshipssar", INPUT=holes, ZONES=sea.zones, EPOCH="2023-05-01", OUTPUT="memory:")
    assert found["FOUND"] == 2
    assert min(f.geometry().centroid().asPoint().x() for f in found["OUTPUT"].getFeatures()) > X + 2000


def test_a_scene_that_shows_nothing_is_refused(refused, sea, variant):
    from osgeo import gdal

    holes = variant(sea.db, "hidden.tif")
    file = gdal.Open(holes, gdal.GA_Update)
    file.GetRasterBand(2).WriteArray(np.full((400, 400), np.nan, np.float32))
    file = None
    refused("shows nothing in ZONES: a pixel is seen where every band", "rason:detectshipssar", INPUT=holes, ZONES=sea.zones,
            EPOCH="2023-05-01", OUTPUT="memory:")  # fmt: skip


def test_what_contradicts_the_file_is_said(run, sea):
    run("rason:detectshipssar", INPUT=sea.db.replace("db.tif", "amplitude.tif"), ZONES=sea.zones, VALUES="intensity", LOOKS=200,
        OUTPUT="memory:")  # fmt: skip
    log = run.feedback.textLog()
    assert "band names of INPUT say amplitude, but VALUES=intensity" in log and "LOOKS=200, but the sea reads like" in log


def test_db_as_amplitude_is_refused(refused, sea):
    refused("looks like dB", "rason:detectshipssar", INPUT=sea.db, ZONES=sea.zones, VALUES="amplitude", OUTPUT="memory:")


def test_complex_values_are_refused(refused, sea, variant):
    from osgeo import gdal

    slc = variant(sea.plain, "slc.tif", outputType=gdal.GDT_CInt16)
    refused("complex", "rason:detectshipssar", INPUT=slc, ZONES=sea.zones, OUTPUT="memory:")


def test_too_coarse_is_refused(refused, sea, variant):
    coarse = variant(sea.db, "coarse.tif", xRes=40, yRes=40)
    refused(
        "too coarse for ship.*22 m",
        "rason:detectshipssar",
        INPUT=coarse,
        ZONES=sea.zones,
        EPOCH="2023-05-01",
        OUTPUT="memory:",
    )


def test_optical_and_radar_are_kept_apart(refused, sea, place):
    refused("BANDS", "rason:detectshipssar", INPUT=place.scene, ZONES=place.zones, OUTPUT="memory:")
    refused("rason:detectshipssar", "rason:detectships", INPUT=sea.db, ZONES=sea.zones, OUTPUT="memory:")
    refused(
        "rason:detectshipssar",
        "rason:tallyscene",
        INPUT=sea.db,
        ZONES=sea.zones,
        CLASSES=["ship"],
        TALLY="memory:",
        DETECTIONS="memory:",
    )
