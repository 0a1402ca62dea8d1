"""rason:samplereview and rason:estimatefromreview, with good and bad input."""

import numpy as np
import pytest
from osgeo import ogr
from shapely.geometry import LineString, Point, box

WHEN = "2023-10-12T02:05:00Z"
YARD = box(606000, 4659800, 606200, 4660000)
FIELDS = ("class", "status", "scene", "epoch", "p")


def objects(number, seed=1, **values):
    x, y = np.random.default_rng(seed).uniform((606000, 4659800), (606200, 4660000), (number, 2)).T
    same = {"class": "container", "scene": "s.tif", "epoch": WHEN, "p": "0.8", **values}
    return [(Point(*at), same) for at in zip(x, y)]


@pytest.fixture
def layers(make_zones, tmp_path):
    return {
        "ZONES": make_zones(tmp_path / "zones.gpkg", [(YARD, {"zone_id": "yard", "kind": "yard"})]),
        "DETECTIONS": make_zones(tmp_path / "det.gpkg", objects(60), fields=FIELDS),
    }


def fill(path, count, *, upto=10**9, only=None, done=True, **more):
    """What a person does: seen from a function of the cell's polygon, and done."""
    from shapely import wkb

    source = ogr.Open(path, update=1)
    for feature in source.GetLayer(0):
        if feature["rank"] <= upto and feature["rank"] in (only or range(10**9)):
            seen = count(wkb.loads(bytes(feature.GetGeometryRef().ExportToWkb())))
            if seen is not None:
                feature["seen"] = seen
            for key, value in {"done": done, **more}.items():
                feature[key] = value
            source.GetLayer(0).SetFeature(feature)
        del feature
    del source
    return path


def inside(marks):
    return lambda cell: sum(cell.contains(point) for point, _ in marks)


@pytest.fixture
def drawn(run, layers, tmp_path):
    """A sample of eight cells."""
    run("rason:samplereview", **layers, CELLS=8, OUTPUT=str(tmp_path / "cells.gpkg"))
    return str(tmp_path / "cells.gpkg")


def test_twenty_cells_give_the_total_in_a_tally(run, rows, layers, tmp_path):
    from rason.layers import schema

    path, out = str(tmp_path / "c.gpkg"), str(tmp_path / "t.gpkg")
    results = run("rason:samplereview", **layers, CELLS=20, OUTPUT=path)
    cells = rows(path)
    assert [name for name in cells[0] if name not in ("fid", "geometry")] == schema.names(schema.REVIEW_CELLS)
    assert results["DRAWN"] == 20 and results["FRAME"] == 25 and [c["rank"] for c in cells] == list(range(1, 21))
    assert {(c["epoch"], c["scene"], c["class"], c["seen"], c["done"]) for c in cells} == {
        (WHEN, "s.tif", "container", None, False)
    }
    assert cells[0]["all_expected"] == pytest.approx(48) and cells[0]["before_low"] < 60 < cells[0]["before_high"]
    truth = objects(45) + objects(30, seed=2)
    estimated = run("rason:estimatefromreview", REVIEWS=fill(path, inside(truth)), OUTPUT=out)
    (row,) = rows(out)
    assert (row["basis"], row["epoch"], row["zone_id"]) == ("reviewed", WHEN, "yard")
    assert row["low"] <= 75 <= row["high"] and abs(row["estimate"] - 75) < 15 and estimated["LOOKED"] == 20
    assert "20 of 25 cells" in row["note"] and "The interval" in run.feedback.textLog()


def test_more_cells_keep_the_work_done(run, rows, layers, drawn, tmp_path):
    fill(drawn, lambda cell: 3, upto=5, reviewed_by="me", note="clear")
    more = str(tmp_path / "more.gpkg")
    run("rason:samplereview", **layers, CELLS=12, PREVIOUS=drawn, OUTPUT=more)
    before, after = rows(drawn), rows(more)
    assert len(after) == 12
    assert all(a["geometry"].equals(b["geometry"]) and a["chance"] == b["chance"] for a, b in zip(before, after))
    assert [(c["seen"], c["done"], c["reviewed_by"], c["note"]) for c in after] == [(3, True, "me", "clear")] * 5 + [
        (None, False, None, None)
    ] * 7


def test_cells_do_not_move_when_detections_are_reviewed(run, rows, layers, drawn, make_zones, tmp_path):
    reviewed = [(p, {**v, "status": "rejected" if i % 3 else "accepted"}) for i, (p, v) in enumerate(objects(60))]
    reviewed += objects(9, seed=8, status="added")
    again = {**layers, "DETECTIONS": make_zones(tmp_path / "r.gpkg", reviewed, fields=FIELDS)}
    run("rason:samplereview", **again, CELLS=9, PREVIOUS=drawn, OUTPUT=str(tmp_path / "o.gpkg"))
    assert len(rows(tmp_path / "o.gpkg")) == 9


def test_marks_are_counted_in_place_of_numbers(run, rows, layers, make_zones, tmp_path):
    path, out = str(tmp_path / "c.gpkg"), str(tmp_path / "t.gpkg")
    run("rason:samplereview", **layers, CELLS=25, OUTPUT=path)
    marks = objects(40, status="accepted") + objects(7, seed=3, status="added") + objects(5, seed=4, status="rejected")
    layer = make_zones(tmp_path / "m.gpkg", marks + objects(4, seed=5, **{"class": "ship"}), fields=FIELDS)
    result = run("rason:estimatefromreview", REVIEWS=fill(path, lambda cell: None), MARKS=layer, PEOPLE=0, OUTPUT=out)
    assert (result["TOTAL"], result["TOTAL_LOW"], result["TOTAL_HIGH"]) == (47, 47, 47)
    fill(path, lambda cell: 1)
    run("rason:estimatefromreview", REVIEWS=path, MARKS=layer, OUTPUT="memory:")
    assert "seen says another number" in run.feedback.textLog()


def test_tracks_several_zones_and_a_total(run, rows, make_zones, tmp_path):
    lines = [LineString([(606000, 4660000 + 10 * i), (606400, 4660000 + 10 * i)]) for i in range(3)]
    zones = make_zones(tmp_path / "z.gpkg", [(line, {"zone_id": f"T{i}"}) for i, line in enumerate(lines)])
    wagons = [(Point(606011 + 14 * i, 4660000), {"class": "freight_car"}) for i in range(20)]
    path, out = str(tmp_path / "c.gpkg"), str(tmp_path / "t.gpkg")
    run("rason:samplereview", ZONES=zones, DETECTIONS=make_zones(tmp_path / "d.gpkg", wagons, fields=("class",)), EPOCH=WHEN,
        CELLS=10, OUTPUT=path)  # fmt: skip
    assert all(cell["geometry"].area == pytest.approx(200, rel=0.01) for cell in rows(path))
    result = run("rason:estimatefromreview", REVIEWS=fill(path, inside(wagons)), OUTPUT=out)
    tally = {row["zone_id"]: row for row in rows(out)}
    assert {"T0", "all zones"} <= set(tally) and tally["all zones"]["estimate"] == 20 == result["TOTAL"]
    assert "not to be added" in tally["all zones"]["note"]


def test_without_a_detector_and_with_any_class(run, rows, layers, tmp_path):
    path = str(tmp_path / "c.gpkg")
    run("rason:samplereview", ZONES=layers["ZONES"], CLASSES="coal heap", EPOCH=WHEN, CELL=100, CELLS=4, OUTPUT=path)
    cells = rows(path)
    assert len(cells) == 4 and {c["chance"] for c in cells} == {0.25} and cells[0]["before_low"] is None


def test_work_behind_an_open_cell_waits(run, drawn):
    fill(drawn, lambda cell: 2)
    fill(drawn, lambda cell: 2, only=[5], done=False)
    result = run("rason:estimatefromreview", REVIEWS=drawn, OUTPUT="memory:")
    assert result["LOOKED"] == 4 and "Cell 5 is still open: the 3 done cells" in run.feedback.textLog()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"DETECTIONS": None}, "of one class .none found"),
        ({"CLASSES": "a, b"}, "of one class"),
        ({"CLASSES": "freight_car"}, "none in which freight_car"),
        ({"CELL": 1, "ZONES": (box(606000, 4659000, 607000, 4660000), {"zone_id": "w"})}, "makes 1,000,000 cells"),
        ({"PREVIOUS": "drawn", "SEED": 9}, "drawn from something else"),
        ({"PREVIOUS": "drawn", "CELL": 70}, "drawn from something else"),
        ({"PREVIOUS": "ZONES"}, "holds no cells of a review"),
        ({"CELLS": 2}, "CELLS"),
    ],
)
def test_bad_samples_are_one_line(change, said, refused, layers, drawn, make_zones, tmp_path):
    given = {**layers, **change}
    given["PREVIOUS"] = {"drawn": drawn, "ZONES": layers["ZONES"], None: None}[given.get("PREVIOUS")]
    if isinstance(given["ZONES"], tuple):
        given["ZONES"] = make_zones(tmp_path / "w.gpkg", [given["ZONES"]])
    refused(said, "rason:samplereview", **given, OUTPUT="memory:")


@pytest.mark.parametrize(
    ("filled", "said"),
    [
        ({"upto": 2, "count": lambda cell: 1}, "2 cells are done"),
        ({"count": lambda cell: None}, "seen is empty in the done cells"),
        ({"count": lambda cell: -1}, "seen of cell 1 must be a whole number"),
        ({"count": lambda cell: 1, "upto": 8, "rank": 3}, "must hold the cells 1 to 8"),
        ({"count": lambda cell: 1, "upto": 3, "all_expected": 7.0}, "several draws"),
        ({"count": lambda cell: 1, "chance": 0.9}, "chance has been changed"),
    ],
)
def test_bad_reviews_are_one_line(filled, said, refused, drawn):
    refused(said, "rason:estimatefromreview", REVIEWS=fill(drawn, filled.pop("count"), **filled), OUTPUT="memory:")


def test_unreviewed_detections_in_done_cells_are_refused(refused, drawn, layers, make_zones, tmp_path):
    marks = make_zones(tmp_path / "m.gpkg", objects(30, status="detected"), fields=FIELDS)
    refused("neither accepted nor rejected", "rason:estimatefromreview", REVIEWS=fill(drawn, lambda cell: None), MARKS=marks,
            OUTPUT="memory:")  # fmt: skip
    refused("holds no cells of a review", "rason:estimatefromreview", REVIEWS=layers["ZONES"], OUTPUT="memory:")


CELL_FIELDS = ("cell_id", "zone_id", "class", "scene", "rank", "seen", "done", "expected", "chance", "track_m", "zone_expected",
               "zone_cells", "all_expected", "all_cells")  # fmt: skip
TRACK = LineString([(606000, 4660000), (607200, 4660000)])


@pytest.fixture
def reviewed(run, rows, make_zones, tmp_path):
    """Five scenes of one track, twelve cells of each looked at: paths of the reviewed detections and of the cells, and one scene's finds."""
    rng, statuses, cells = np.random.default_rng(6), [], []
    zones = make_zones(tmp_path / "z.gpkg", [(TRACK, {"zone_id": "T1", "kind": "track"})])
    for k in range(5):
        true = np.arange(606008, 607190, 16.0)[rng.random(74) < 0.6]
        found = [(x, "accepted", rng.normal(2, 1)) for x in true[rng.random(len(true)) < 0.85]]
        found += [(x, "rejected", rng.normal(0, 1)) for x in rng.uniform(606000, 607200, 8)]
        same = {"class": "freight_car", "scene": f"{k}.tif", "epoch": f"2023-1{k % 3}-1{k}T02:05:00Z"}
        boxes = [(box(x - 7, 4659998.5, x + 7, 4660001.5), status, score) for x, status, score in found]
        given = [(shape, {**same, "status": "detected", "score": f"{s:.3f}", "p": "0.8"}) for shape, _, s in boxes]
        last = make_zones(tmp_path / f"d{k}.gpkg", given, fields=(*FIELDS, "score"))
        out = str(tmp_path / f"c{k}.gpkg")
        run("rason:samplereview", ZONES=zones, DETECTIONS=last, CELLS=12, OUTPUT=out)
        drawn = rows(out)
        looked = [row["geometry"] for row in drawn if row["rank"] <= 11]
        for row in drawn:
            cells.append(
                (
                    row["geometry"],
                    {f: str(row[f]) for f in CELL_FIELDS if row[f] is not None} | {"done": str(row["rank"] <= 11)},
                )
            )
        missed = [x for x in true if x not in {x for x, status, _ in found if status == "accepted"}]
        for shape, status, s in [*boxes, *((box(x - 7, 4659998.5, x + 7, 4660001.5), "added", 0.0) for x in missed)]:
            seen = any(cell.contains(shape.centroid) for cell in looked)
            if seen or status != "added":
                statuses.append((shape, {**same, "score": f"{s:.3f}", "status": status if seen else "detected"}))
    return {
        "DETECTIONS": make_zones(tmp_path / "r.gpkg", statuses, fields=(*FIELDS, "score")),
        "ZONES": make_zones(tmp_path / "cells.gpkg", cells, fields=CELL_FIELDS),
        "last": last, "track": zones,
    }  # fmt: skip


def test_sampled_reviews_calibrate_the_next_tally(run, rows, refused, reviewed, tmp_path):
    from rason.engine.calibration import load

    last, track = reviewed.pop("last"), reviewed.pop("track")
    path = str(tmp_path / "c.json")
    run("rason:calibrate", **reviewed, SITE="here", OUTPUT=path)
    with open(path, encoding="utf8") as file:
        made = load(file.read())["freight_car"]
    assert made.exposure_unit == "km" and made.exposure == pytest.approx([11 * 0.05] * 5, rel=0.02), "done cells alone"
    recall = made.tp.sum() / (made.tp + made.fn).sum()
    assert 0.75 < recall < 0.95 and made.model.kind == "p_site" and made.model.labels >= 30
    rate = made.bg.sum() / made.exposure.sum()
    assert 1 < rate < 5, "8 false ones on 1.2 km, six in ten of them beside a wagon: no detections of empty ground"
    widths = {}
    for name, more in (("shipped", {}), ("reviewed", {"CALIBRATION": path, "SITE": "here"})):
        out = str(tmp_path / f"{name}.gpkg")
        run("rason:tally", DETECTIONS=last, ZONES=track, BASIS="detected", OUTPUT=out, **more)
        row = next(r for r in rows(out) if r["unit"] == "objects")
        widths[name] = row["high"] - row["low"]
        assert row["basis"] == ("uncalibrated" if name == "shipped" else "calibrated")
    assert widths["reviewed"] < widths["shipped"]


def test_a_cell_done_without_all_verdicts_is_refused(run, refused, reviewed, make_zones, rows, tmp_path):
    cells = [
        (row["geometry"], {f: row[f] for f in CELL_FIELDS if row[f]} | {"done": "true"}) for row in rows(reviewed["ZONES"])
    ]
    zones = make_zones(tmp_path / "all.gpkg", cells, fields=CELL_FIELDS)
    refused(r"reviewed to the end: .* are not", "rason:calibrate", DETECTIONS=reviewed["DETECTIONS"], ZONES=zones,
            OUTPUT=str(tmp_path / "n.json"))  # fmt: skip
    none = make_zones(tmp_path / "none.gpkg", [(g, {**v, "done": "false"}) for g, v in cells], fields=CELL_FIELDS)
    refused("none is done from the first on", "rason:calibrate", DETECTIONS=reviewed["DETECTIONS"], ZONES=none,
            OUTPUT=str(tmp_path / "n.json"))  # fmt: skip
    assert run("rason:accuracy", DETECTIONS=reviewed["DETECTIONS"], ZONES=reviewed["ZONES"], TRUTH=reviewed["last"], CLASSES="freight_car",
               OUTPUT="memory:")  # fmt: skip


@pytest.mark.parametrize("other", [{"class": "freight_car"}, {"scene": "r.tif"}])
def test_marks_of_something_else_are_not_counted_as_none(refused, drawn, make_zones, tmp_path, other):
    marks = make_zones(tmp_path / "m.gpkg", objects(30, status="accepted", **other), fields=FIELDS)
    refused(f"MARKS hold no container of s.tif, but .*{[*other.values()][0]}", "rason:estimatefromreview",
            REVIEWS=fill(drawn, lambda cell: None), MARKS=marks, OUTPUT="memory:")  # fmt: skip


def test_marks_of_other_scenes_are_left_out(run, layers, make_zones, tmp_path):
    path = str(tmp_path / "c.gpkg")
    run("rason:samplereview", **layers, CELLS=25, OUTPUT=path)
    marks = objects(40, status="accepted") + objects(9, seed=3, status="accepted", scene="r.tif")
    layer = make_zones(tmp_path / "m.gpkg", marks, fields=FIELDS)
    result = run("rason:estimatefromreview", REVIEWS=fill(path, lambda cell: None), MARKS=layer, PEOPLE=0, OUTPUT="memory:")
    assert result["TOTAL"] == 40 and "9 marks of other scenes" in run.feedback.textLog()


def test_detections_without_the_class_are_said(run, layers):
    run("rason:samplereview", **layers, CLASSES="cars", OUTPUT="memory:")
    assert "DETECTIONS hold no cars" in run.feedback.textLog()
