import pytest
from shapely.geometry import LineString, box

from rason.engine.calibration import Calibration
from rason.engine.shipped import shipped
from rason.engine.zone_tally import tally_zones
from rason.engine.zones import Zone

WATER, BERTH = Zone("water", "water", box(0, 0, 500, 500)), Zone("berth", "berth", box(600, 0, 700, 500))


def rows_and_total(zones, inside, name="ship", **options):
    return tally_zones(name, zones, inside, inside, [1.0] * len(zones), options.get("given"), level=0.9, seed=0)


def test_no_zones():
    assert tally_zones("ship", [], [], [], [], None, level=0.9, seed=0) == ({}, None)


def test_ships_alongside_rest_on_a_wider_prior_that_reaches_up():
    rows, total = rows_and_total([WATER, BERTH], [4, 4])
    assert rows["berth"]["high"] > rows["water"]["high"]
    assert rows["berth"]["high"] >= 12, "at berth a half or less is found"
    assert rows["water"]["calibration"] != rows["berth"]["calibration"]
    assert total[0] == rows["water"]["estimate"] + rows["berth"]["estimate"] and total[2] >= rows["berth"]["high"]


def test_a_given_calibration_holds_everywhere():
    given = Calibration("ship", [9] * 6, [1] * 6, [0] * 6, [0] * 6, [5.0] * 6, site=tuple("abcdef"))
    rows, _ = rows_and_total([WATER, BERTH], [4, 4], given=given)
    assert {row["calibration"] for row in rows.values()} == {given.key}


def test_a_polygon_is_not_measured_in_kilometres():
    yard = Zone("yard", "area", box(0, 0, 100, 100))
    track = Zone("track", "track", LineString([(0, 0), (1000, 0)]))
    rows, _ = rows_and_total([yard, track], [5, 5], name="freight_car")
    assert rows["track"]["calibration"] == shipped("freight_car").key != rows["yard"]["calibration"]
    assert rows["track"]["exposure"] == pytest.approx(1.0) and rows["yard"]["exposure"] == pytest.approx(1.0)


def test_an_unseen_zone_is_in_no_total():
    rows, total = tally_zones("ship", [WATER, BERTH], [4, 4], [4, 4], [1.0, 0.1], None, level=0.9, seed=0)
    assert rows["berth"]["estimate"] is None and total[0] == rows["water"]["estimate"]


def test_the_total_counts_each_object_once():
    half = Zone("half", "water", box(0, 0, 250, 500))
    rows, total = tally_zones("ship", [WATER, half], [6, 4], [6, 0], [1.0, 1.0], None, level=0.9, seed=0)
    assert rows["half"]["estimate"] == 4 and total[0] == rows["water"]["estimate"]
