"""rason:portcalls with good and bad input."""

import pytest
from qgis.core import QgsFeature, QgsVectorLayer

from rason.layers import schema
from rason.tests.tables import table


def day(number):
    return f"2023-10-{number:02d}T02:05:00Z"


def looks(*days, zones=("north", "south"), cloudy=()):
    rows = [
        {"zone_id": zone, "scene": f"{d}.tif", "epoch": day(d), "epoch_precision": "second",
         "visible_fraction": 0.1 if d in cloudy else 1.0, "usable": d not in cloudy}
        for d in days for zone in zones
    ]  # fmt: skip
    return table(schema.VISIBILITY, rows)


def sighting(zone, number, length, **more):
    values = {"class": "ship", "zone_id": zone, "epoch": day(number), "length_m": length, "status": "accepted",
              "detector": "ships", "p": 0.6, "scene": f"{number}.tif"}  # fmt: skip
    return {**values, **more}


SEEN = [
    sighting("north", 4, 118.0),
    sighting("north", 7, 121.0),
    sighting("south", 13, 118.0),
    sighting("south", 10, 119.0),
    sighting("north", 16, 74.0, status="rejected"),
]
DAYS = (1, 4, 7, 10, 13, 16, 19)


def test_calls_with_brackets_summary_and_flow(run, rows, tmp_path):
    paths = {"CALLS": str(tmp_path / "c.gpkg"), "SUMMARY": str(tmp_path / "s.gpkg")}
    ships = QgsVectorLayer("None?field=name:string&field=length_m:double&field=from:string", "ships", "memory")
    for name, length in (("Angara", 120.0), ("Coaster", 70.0)):
        feature = QgsFeature(ships.fields())
        feature.setAttributes([name, length, None])
        ships.dataProvider().addFeatures([feature])
    results = run("rason:portcalls", LOOKS=[looks(*DAYS)], DETECTIONS=[table(schema.DETECTIONS, SEEN)], SHIPS=ships,
                  LOAD_LOW=220, LOAD_HIGH=300, **paths)  # fmt: skip
    north, south = rows(paths["CALLS"])
    assert [name for name in north if name not in ("fid", "geometry")] == schema.names(schema.CALLS)
    brackets = ("arrival_earliest", "arrival_latest", "departure_earliest", "departure_latest")
    assert [north[key] for key in brackets] == [day(1), day(4), day(7), day(10)]
    assert [south[key] for key in brackets] == [day(7), day(10), day(13), day(16)]
    assert north["consistent_with"] == "Angara" and north["looks"] == 2 and north["p"] == 1
    summary = {row["zone_id"]: row for row in rows(paths["SUMMARY"])}
    assert [name for name in summary["north"] if name not in ("fid", "geometry")] == schema.names(schema.CALLS_SUMMARY)
    assert (summary["north"]["at_least"], summary["south"]["at_least"]) == (1, 1)
    # the ship that left the north berth before day 10 may be the one that lay at the south one from then on
    assert summary["all zones"]["at_least"] == 1 == results["AT_LEAST"]
    assert summary["north"]["missed_1d"] == pytest.approx(2 / 3, abs=1e-4) and summary["north"]["missed_3d"] == 0
    assert results["FLOW_LOW"] == 220 and results["FLOW_HIGH"] == 300 * results["AT_MOST"] > 300
    assert "220 to" in summary["all zones"]["note"]


def test_none_in_many_looks_is_a_bound(run, rows, tmp_path):
    path = str(tmp_path / "s.gpkg")
    run("rason:portcalls", LOOKS=[looks(*DAYS, zones=("north",), cloudy=(7,))], DETECTIONS=[table(schema.DETECTIONS, [])],
        CALLS="memory:", SUMMARY=path)  # fmt: skip
    (row,) = rows(path)
    assert row["at_least"] == 0 and row["at_most"] > 0 and row["usable"] == 6 and row["looks"] == 7
    assert "no calls of ships shown in 6 usable looks of 7" in row["note"]


@pytest.mark.parametrize(("basis", "left"), [("counted", day(16)), ("uncalibrated", day(19))])
def test_trains_from_tallies_alone(run, rows, tmp_path, basis, left):
    counts = [0, 12, 15, None, 9, 0, 0]
    tallies = [
        table(schema.TALLY, [{
            "zone_id": "track", "class": "freight_car", "unit": "objects", "epoch": day(d), "level": 0.9, "basis": basis,
            **({} if n is None else {"detected": n, "estimate": n, "low": 0.8 * n, "high": 1.3 * n + 2}),
        }])
        for d, n in zip(DAYS, counts)
    ]  # fmt: skip
    path = str(tmp_path / "c.gpkg")
    results = run("rason:portcalls", LOOKS=tallies, CLASS="freight_car", CALLS=path, SUMMARY="memory:")
    (call,) = rows(path)
    assert results["AT_LEAST"] == 1 and call["length_m"] is None and call["looks"] == 3
    assert call["arrival_earliest"] == (day(1) if basis == "counted" else None) and call["departure_latest"] == left
    assert call["seen"] == ", ".join((day(4), day(7), day(13)))


def test_what_no_person_reviewed_is_said_and_not_taken_for_sure(run):
    unsure = [sighting("north", d, 60.0 + 20 * d, status="detected", p=0.5) for d in (4, 7, 10)]
    results = run("rason:portcalls", LOOKS=[looks(*DAYS)], DETECTIONS=[table(schema.DETECTIONS, unsure)],
                  CALLS="memory:", SUMMARY="memory:")  # fmt: skip
    assert "no person reviewed" in run.feedback.textLog() and results["AT_LEAST"] == 0


def test_only_the_zones_asked_for(run, rows, tmp_path):
    path = str(tmp_path / "s.gpkg")
    run("rason:portcalls", LOOKS=[looks(*DAYS)], DETECTIONS=[table(schema.DETECTIONS, SEEN)],
        ZONES=table(schema.ZONES, [{"zone_id": "north", "kind": "berth"}, {"zone_id": "south", "kind": "yard"}]), CALLS="memory:", SUMMARY=path)  # fmt: skip
    assert [row["zone_id"] for row in rows(path)] == [
        "north"
    ] and "other kinds are left out: south" in run.feedback.textLog()


def seen(*rows):
    return [table(schema.DETECTIONS, rows)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: {"LOOKS": [table(schema.ZONES, [{"zone_id": "a"}])]}, "LOOKS lacks the fields epoch"),
        (lambda: {"DETECTIONS": []}, "LOOKS hold no tallies"),
        (lambda: {"DETECTIONS": seen(sighting("north", 4, 90.0, **{"class": "container"}))}, "hold no ship"),
        (lambda: {"DETECTIONS": seen(sighting(None, 4, 90.0))}, "name no zone"),
        (lambda: {"DETECTIONS": seen(sighting("north", 4, 90.0, epoch="soon"))}, "no acquisition time"),
        (lambda: {"LOAD_LOW": 5.0}, "given alone"),
        (lambda: {"LOAD_LOW": 5.0, "LOAD_HIGH": 2.0}, "LOAD_LOW is 5"),
        (lambda: {"SHIPS": table(schema.ZONES, [{"zone_id": "a"}])}, "SHIPS lacks the fields length_m"),
        (lambda: {"ZONES": table(schema.ZONES, [{"zone_id": "elsewhere"}])}, "No zone of ZONES is in LOOKS"),
        (
            lambda: {"LOOKS": [table(schema.TALLY, [{"zone_id": "a", "class": "container", "epoch": day(1)}])]},
            "hold no ship",
        ),
    ],
)
def test_bad_input_is_one_line(given, said, refused):
    good = {"LOOKS": [looks(*DAYS)], "DETECTIONS": seen(*SEEN)}
    refused(said, "rason:portcalls", **{**good, **given()}, CALLS="memory:", SUMMARY="memory:")
