"""Covered stacks and coal piles: their area on a made yard, and nothing where there is nothing."""

import numpy as np
import pytest
from scipy import ndimage
from shapely.geometry import box

from rason.engine import counting, gate
from rason.engine.classes import CLASSES
from rason.engine.detectors.piles import CoalPiles, CoveredStacks
from rason.engine.errors import TooCoarse
from rason.engine.scene import ArrayScene
from rason.engine.tally import measure_row
from rason.engine.zones import Zone

YARD = Zone("y", "yard", box(20, 20, 130, 100))


def yard(seed=0, gsd=0.5, shape=(120, 150)):
    """Concrete of 150 x 120 m, as (3, rows, columns)."""
    rng = np.random.default_rng(seed)
    rows, columns = (round(n / gsd) for n in shape)
    ground = (
        0.45 + 0.03 * ndimage.gaussian_filter(rng.normal(size=(rows, columns)), 4) * 8 + rng.normal(0, 0.01, (rows, columns))
    )
    return np.stack([ground, 0.97 * ground, 0.9 * ground]).astype(np.float32)


def put(data, x, y, width, height, colour, gsd=0.5, grain=0.02, round_=False):
    """A body of this colour with its lower left corner at x, y (metres), on a grid whose origin is the upper left."""
    rows, columns = data.shape[1:]
    yy, xx = (rows * gsd - (np.arange(rows)[:, None] + 0.5) * gsd), (np.arange(columns) + 0.5) * gsd
    u, v = (xx - x - width / 2) / (width / 2), (yy - y - height / 2) / (height / 2)
    where = (u**2 + v**2 <= 1) if round_ else (np.abs(u) <= 1) & (np.abs(v) <= 1)
    noise = np.random.default_rng(9).normal(1, grain, where.shape)
    for band, value in zip(data, colour):
        band[where] = (value * noise)[where]
    return data


def scene(data, gsd=0.5, **more):
    return ArrayScene(ndimage.gaussian_filter(data, (0, 0.6, 0.6)), gsd, y0=data.shape[1] * gsd, **more)


COAL, TARP = (0.1, 0.1, 0.105), (0.1, 0.3, 0.55)


def area(detector, data, zone=YARD, gsd=0.5, **more):
    return detector().detect(scene(data, gsd, **more), zone).measures["m2"]


def test_a_coal_pile_is_measured():
    data = put(yard(), 60, 40, 36, 24, COAL, grain=0.08, round_=True)
    true = np.pi * 18 * 12
    assert area(CoalPiles, data) == pytest.approx(true, rel=0.12)
    assert area(CoveredStacks, data) == 0
    found = CoalPiles().detect(scene(data), YARD)
    assert not found.counted and not len(found.detections)
    assert found.measures["share"] == pytest.approx(true / YARD.area_m2, rel=0.15)


def test_a_covered_stack_is_measured():
    data = put(yard(), 60, 40, 22, 8, TARP)
    assert area(CoveredStacks, data) == pytest.approx(22 * 8, rel=0.3)
    assert area(CoalPiles, data) == 0


@pytest.mark.parametrize("seed", range(4))
def test_bare_ground_holds_neither(seed):
    assert area(CoalPiles, yard(seed)) == area(CoveredStacks, yard(seed)) == 0


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ((0, 30, 60, 40, COAL, 0.5, 0.02, False), "water that runs over the zone's edge"),
        ((60, 40, 40, 10, COAL, 0.5, 0.02, False), "a shadow has straight sides"),
        ((60, 40, 30, 24, (0.07, 0.12, 0.05), 0.5, 0.3, True), "trees have colour and detail"),
        ((60, 40, 12.2, 2.4, COAL, 0.5, 0.02, False), "a dark box is too narrow"),
    ],
)
def test_dark_things_that_are_no_coal(body, why):
    assert area(CoalPiles, put(yard(), *body)) == 0, why


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ((60, 40, 12.2, 2.4, TARP, 0.5, 0.02, False), "a single box is narrower than a stack"),
        ((30, 25, 90, 60, TARP, 0.5, 0.02, False), "a hall is larger"),
        ((60, 40, 20, 10, (0.22, 0.215, 0.2), 0.5, 0.02, False), "ground in shade is grey"),
    ],
)
def test_sheets_that_are_no_stack(body, why):
    assert area(CoveredStacks, put(yard(), *body)) == 0, why


def test_hidden_ground_is_left_out_and_a_zone_without_ground_says_so():
    data = put(yard(), 60, 40, 36, 24, COAL, grain=0.08, round_=True)
    valid = np.ones(data.shape[1:], bool)
    valid[:, :150] = False  # the western half, up to x = 75
    half = CoalPiles().detect(scene(data, valid=valid), YARD).measures
    assert 0 < half["m2"] < 0.75 * np.pi * 18 * 12
    nothing = CoalPiles().detect(scene(data, valid=np.zeros_like(valid)), YARD)
    assert not nothing.measures.get("m2") and not nothing.measures.get("share")


def test_at_ten_metres_only_a_hectare_of_coal():
    zone = Zone("y", "area", box(100, 100, 1400, 1100))
    for side, found in ((160, True), (60, False)):
        data = put(yard(gsd=10.0, shape=(1200, 1500)), 500, 400, side, side, COAL, gsd=10.0, round_=True)
        measures = CoalPiles().detect(ArrayScene(data, 10.0, y0=1200.0), zone).measures
        assert bool(measures["m2"]) is found
    assert gate.allowed("coal_pile", 10.0) == gate.allowed("covered_stack", 0.5) == "measure"
    with pytest.raises(TooCoarse, match="covered_stack"):
        gate.check("covered_stack", 10.0, 10.0)


def test_areas_have_wide_intervals_and_no_count():
    data = put(yard(), 60, 40, 22, 8, TARP)
    wanted, _ = counting.plan([YARD], ["covered_stack", "coal_pile"])
    count = counting.count_scene(scene(data), wanted, {"y": 1.0}, {})
    units = {(row["class"], row["unit"]) for row in count.rows}
    assert units == {(name, unit) for name in wanted for unit in ("m2", "share")}
    assert count.totals == {"covered_stack": None, "coal_pile": None}
    stack = next(row for row in count.rows if row["class"] == "covered_stack" and row["unit"] == "m2")
    assert stack["low"] == 0 and stack["high"] >= 500 and stack["basis"] == "uncalibrated"
    box_row = measure_row("y", "container", 2000, "m2")
    coal_row = measure_row("y", "coal_pile", 2000, "m2")
    assert coal_row["high"] > box_row["high"] and coal_row["low"] < box_row["low"]
    empty = measure_row("y", "coal_pile", 0, "share", area_m2=1000)
    assert empty["low"] == 0 and empty["high"] == 0.3


def test_classes_that_are_only_measured_have_no_counting_limit():
    assert {name for name, entry in CLASSES.items() if not entry.counted_to_m} == {"covered_stack", "coal_pile"}
