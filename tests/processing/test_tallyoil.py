"""rason:tallyoil: from a published number, a tally or detections to tonnes and barrels."""

import pytest
from shapely.geometry import LineString, Point

X, Y = 606000.0, 4660000.0
FULL = {"FILL_LOW": 0.9, "FILL_HIGH": 1}
TRACKS = [
    (LineString([(X, Y), (X + 400, Y)]), {"zone_id": "t1"}),
    (LineString([(X, Y - 9), (X + 400, Y - 9)]), {"zone_id": "t2"}),
]


@pytest.fixture
def layers(make_zones, tmp_path):
    """Ten tank cars and four box cars on the first of two tracks, marked by hand."""
    marks = [(Point(X + 10 + 15 * i, Y), {"class": "freight_car", "type": "tank" if i < 10 else "box"}) for i in range(14)]
    return {
        "DETECTIONS": make_zones(tmp_path / "marks.gpkg", marks, fields=("class", "type")),
        "ZONES": make_zones(tmp_path / "tracks.gpkg", TRACKS),
    }


def test_the_published_number(run, rows, tmp_path):
    results = run("rason:tallyoil", CARS_LOW=135, CARS_HIGH=150, FILL_LOW=1, FILL_HIGH=1, OUTPUT=str(tmp_path / "o.gpkg"))
    assert results["TOTAL_BARRELS_LOW"] < 67_300 < results["TOTAL_BARRELS_HIGH"]
    table = {row["unit"]: row for row in rows(results["OUTPUT"])}
    assert table["bbl"]["estimate"] == results["TOTAL_BARRELS"] and table["t"]["estimate"] == results["TOTAL_TONNES"]
    assert "if they carry oil products" in table["bbl"]["note"]


def test_from_marks_and_from_their_tally(run, rows, layers, tmp_path):
    direct = run("rason:tallyoil", **layers, **FULL, EPOCH="2024-06-17", OUTPUT=str(tmp_path / "o.gpkg"))
    tally = run("rason:tally", **layers, EPOCH="2024-06-17", OUTPUT=str(tmp_path / "t.gpkg"))
    counted = {(r["zone_id"], r["class"]): r for r in rows(tally["OUTPUT"]) if r["unit"] == "objects"}
    assert counted["t1", "tank_car"]["estimate"] == 10 and counted["t1", "freight_car"]["estimate"] == 14
    again = run("rason:tallyoil", TALLIES=tally["OUTPUT"], **FULL, OUTPUT=str(tmp_path / "again.gpkg"))
    for unit in ("BARRELS", "TONNES"):
        assert direct[f"TOTAL_{unit}"] == again[f"TOTAL_{unit}"] > 0
    table = {(r["zone_id"], r["unit"]): r for r in rows(again["OUTPUT"])}
    assert table["t1", "t"]["epoch"] == "2024-06-17" and 500 < table["t1", "t"]["estimate"] < 660
    assert table["t2", "t"]["low"] == 0


def test_an_unknown_fill(run, layers, rows, tmp_path):
    results = run("rason:tallyoil", **layers, EPOCH="2024-06-17", FILL_UNKNOWN=True, OUTPUT=str(tmp_path / "o.gpkg"))
    assert results["TOTAL_BARRELS"] is None and results["TOTAL_BARRELS_LOW"] == 0 and results["TOTAL_BARRELS_HIGH"] > 4000
    assert all(r["estimate"] is None and r["high"] for r in rows(results["OUTPUT"]))
    assert "at most" in run.feedback.textLog()


@pytest.mark.parametrize(
    ("words", "parameters"),
    [
        ("state FILL_LOW", {"CARS_LOW": 3, "CARS_HIGH": 4}),
        ("state FILL_LOW", {"CARS_LOW": 3, "CARS_HIGH": 4, "FILL_LOW": 0.9}),
        ("state FILL_LOW", {"CARS_LOW": 3, "CARS_HIGH": 4, "FILL_UNKNOWN": True, **FULL}),
        ("in one way", FULL),
        ("in one way", {"CARS_LOW": 3, "CARS_HIGH": 4, "TALLIES": "tracks", **FULL}),
        ("belong together", {"CARS_LOW": 3, **FULL}),
        ("no range", {"CARS_LOW": 4, "CARS_HIGH": 3, **FULL}),
        ("no range", {"CARS_LOW": 3, "CARS_HIGH": 4, "FILL_LOW": 1, "FILL_HIGH": 0.5}),
        ("no tally", {"TALLIES": "tracks", **FULL}),
        ("need ZONES", {"DETECTIONS": "marks", **FULL}),
        ("not known", {"DETECTIONS": "untyped", "ZONES": "tracks", "EPOCH": "2024-06-17", **FULL}),
        ("when it was taken", {"DETECTIONS": "marks", "ZONES": "tracks", **FULL}),
        ("overlap", {"DETECTIONS": "marks", "ZONES": "double", "EPOCH": "2024-06-17", **FULL}),
    ],
)
def test_bad_input(refused, layers, make_zones, tmp_path, words, parameters):
    files = {"tracks": layers["ZONES"], "marks": layers["DETECTIONS"]}
    files["untyped"] = make_zones(tmp_path / "u.gpkg", [(Point(X + 10, Y), {"class": "freight_car"})], fields=("class",))
    files["double"] = make_zones(tmp_path / "d.gpkg", [TRACKS[0], (TRACKS[0][0], {"zone_id": "same"})])
    given = {key: files.get(value, value) if isinstance(value, str) else value for key, value in parameters.items()}
    refused(words, "rason:tallyoil", OUTPUT="memory:", **given)
