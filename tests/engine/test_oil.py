"""Tank cars among freight cars, and the oil they may carry."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import LineString

from rason.engine import oil, tanks
from rason.engine.detections import Detections
from rason.engine.errors import Refusal
from rason.engine.tallying import tally_marks
from rason.engine.zones import Zone

FULL = oil.Assumptions((0.9, 1.0))


def row(estimate, low, high, zone_id="a", level=0.9):
    return {"zone_id": zone_id, "estimate": estimate, "low": low, "high": high, "level": level, "basis": "uncalibrated"}


def units(rows):
    return {(r["zone_id"], r["unit"]): r for r in rows}


def test_against_a_reference_of_its_own_draws():
    """Quantiles of the product, from independent draws of another generator."""
    import random

    random.seed(4)
    cars, barrels = [], []
    for _ in range(300_000):
        z = random.gauss(0, 1)
        n = max(0.0, 100 + (40 if z > 0 else 15) * z / 1.6448536269514722)
        tonnes = n * random.uniform(60, 66) * random.uniform(0.9, 1.0)
        cars.append(tonnes)
        barrels.append(tonnes / random.uniform(730, 860) * 1000 / 0.158987294928)
    rows, totals = oil.oil([row(100, 85, 140)], FULL)
    found = units(rows)
    for unit, reference in (("t", cars), ("bbl", barrels)):
        low, middle, high = np.quantile(reference, [0.05, 0.5, 0.95])
        r = found["a", unit]
        assert r["estimate"] == pytest.approx(middle, rel=0.01)
        assert r["low"] == pytest.approx(low, rel=0.015) and r["high"] == pytest.approx(high, rel=0.015)
        assert totals[unit] == (r["estimate"], r["low"], r["high"])


def test_joint_draws_are_narrower_than_products_of_end_points():
    r = units(oil.oil([row(100, 85, 140)], FULL)[0])["a", "bbl"]
    smallest, largest = (n * load * fill / density * 1000 / oil.BARREL_M3 for n, load, fill, density in
                         ((85, 60, 0.9, 860), (140, 66, 1.0, 730)))  # fmt: skip
    assert smallest < r["low"] < r["estimate"] < r["high"] < largest
    assert r["high"] - r["low"] < 0.9 * (largest - smallest)


def test_nothing_uncertain_is_plain_arithmetic():
    sharp = oil.Assumptions((1.0, 1.0), (62.0, 62.0), (840.0, 840.0))
    found = units(oil.oil([row(10, 10, 10)], sharp)[0])
    assert found["a", "t"]["estimate"] == found["a", "t"]["low"] == found["a", "t"]["high"] == 620
    assert found["a", "bbl"]["estimate"] == pytest.approx(620 / 0.84 / 0.158987294928, rel=0.001)


def test_the_published_barrels_fit_the_published_number_of_cars():
    rows, totals = oil.oil([oil.stated(135, 150, 0.9)], oil.Assumptions((1.0, 1.0)))
    estimate, low, high = totals["bbl"]
    assert low < 67_300 < high and estimate == pytest.approx(67_300, rel=0.08)


def test_the_page_shows_what_the_bench_prints(root):
    page = (root / "docs" / "howto_oil.md").read_text("utf8")
    for density in ((730.0, 860.0), (820.0, 860.0)):
        assumed = oil.Assumptions((1.0, 1.0), density=density)
        estimate, low, high = oil.oil([oil.stated(135, 150, 0.9)], assumed)[1]["bbl"]
        assert assumed.words() in page and f"about {estimate:,.0f} bbl, {low:,.0f} to {high:,.0f}" in page


def test_an_unknown_fill_gives_an_upper_bound_and_no_estimate():
    rows, totals = oil.oil([row(100, 85, 140)], oil.Assumptions(None))
    r = units(rows)["a", "t"]
    assert r["estimate"] is None and r["low"] == 0 and r["high"] == 140 * 66, "no more is possible"
    assert "upper bound only" in r["note"] and totals["t"][0] is None
    assert totals["bbl"][2] == pytest.approx(140 * 66 / 0.730 / 0.158987294928, rel=0.005)


def test_the_assumptions_stand_in_every_row():
    for r in oil.oil([row(5, 3, 8), row(None, None, None, "b")], FULL)[0]:
        assert "if they carry oil products and are filled 90 % to 100 %" in r["note"]
        assert "60 to 66 t" in r["note"] and "730 to 860 kg/m3" in r["note"] and "cannot be seen" in r["rules"]


def test_what_was_not_observed_stays_so():
    rows, totals = oil.oil([row(None, None, None)], FULL)
    assert all(r["estimate"] is r["low"] is r["high"] is None for r in rows) and totals == {"t": None, "bbl": None}


def test_zones_share_their_errors():
    one = oil.oil([row(100, 85, 140)], FULL)[1]["t"]
    two = oil.oil([row(50, 42.5, 70, "a"), row(50, 42.5, 70, "b")], FULL)[1]["t"]
    assert two == pytest.approx(one, rel=0.01)


@given(st.integers(0, 500), st.floats(0, 1), st.floats(0, 3), st.floats(0, 1), st.floats(0, 1))
def test_ends_are_in_order_and_never_negative(estimate, below, above, a, b):
    fill = min(a, b), max(a, b)
    rows, totals = oil.oil([row(estimate, estimate * below, estimate * (1 + above))], oil.Assumptions(fill))
    for r in rows:
        assert 0 <= r["low"] <= r["estimate"] <= r["high"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (((0.9, 1.2),), "FILL"),
        (((1.0, 0.9),), "FILL"),
        (((0.9, 1.0), (66.0, 60.0)), "CAPACITY"),
        (((0.9, 1.0), (60.0, 66.0), (0.73, 0.86)), "DENSITY"),
        (((float("nan"), 1.0),), "FILL"),
    ],
)
def test_ranges_that_cannot_be(arguments, words):
    with pytest.raises(Refusal, match=words):
        oil.Assumptions(*arguments)


def test_a_stated_number_that_is_no_range():
    with pytest.raises(Refusal, match="CARS_LOW 9"):
        oil.stated(9, 3, 0.9)


# Tank cars among the freight cars.

TRACK = Zone("t1", "track", LineString([(0, 0), (1000, 0)]))


def cars(types, p=0.9):
    x = 20.0 * np.arange(len(types)) + 10
    return Detections.make(x, 0.0, 12.0, 3.0, 90.0, "freight_car", type_name=types, type_p=p)


def tally_of(marks, basis="detected"):
    rows, _ = tally_marks(marks, [TRACK], ["freight_car"], {}, basis=basis, visible={})
    return {(r["class"], r["unit"]): r for r in rows}


def test_tank_cars_are_a_part_of_the_freight_cars():
    tally = tally_of(cars(["tank"] * 12 + ["gondola"] * 8))
    tank, all_cars = tally["tank_car", "objects"], tally["freight_car", "objects"]
    assert tank["detected"] == 12 and tank["low"] < 12 < tank["high"] and abs(tank["estimate"] - 12) <= 2
    assert tank["high"] < all_cars["high"] and tank["basis"] == "uncalibrated" and "types are not calibrated" in tank["note"]
    relative = [(r["high"] - r["low"]) / r["estimate"] for r in (tank, all_cars)]
    assert relative[0] > relative[1], "the type's uncertainty comes on top"


def test_types_that_are_less_sure_widen_the_interval():
    sure, unsure = (tally_of(cars(["tank"] * 12 + ["box"] * 8, p))["tank_car", "objects"] for p in (0.98, 0.6))
    assert unsure["high"] - unsure["low"] > sure["high"] - sure["low"]
    untyped = tally_of(cars(["tank"] * 5 + [""] * 15))["tank_car", "objects"]
    assert untyped["detected"] == 5 and untyped["high"] >= 15


def test_without_tank_cars_there_is_no_row_and_an_empty_track_beside_them_has_a_zero():
    assert ("tank_car", "objects") not in tally_of(cars([""] * 5))
    assert ("tank_car", "objects") not in tally_of(cars(["gondola"] * 5))
    other = Zone("t2", "track", LineString([(0, 50), (1000, 50)]))
    rows, _ = tally_marks(cars(["tank"] * 5), [TRACK, other], ["freight_car"], {}, basis="detected", visible={})
    empty = next(r for r in rows if r["class"] == "tank_car" and r["zone_id"] == "t2")
    assert empty["detected"] == empty["estimate"] == empty["low"] == 0 and empty["high"] >= 1


def test_a_persons_types_are_certain():
    drawn = tanks.drawn_tanks(cars(["tank"] * 12 + ["box"] * 8, np.nan), True, np.random.default_rng(0))
    assert (drawn == 12).all()
    assert (
        "not calibrated" not in tally_of(cars(["tank"] * 12 + ["box"] * 8, np.nan), "counted")["tank_car", "objects"]["note"]
    )


def test_the_shared_error_of_types_is_wider_than_independent_ones():
    drawn = tanks.drawn_tanks(cars(["tank"] * 100, 0.8), False, np.random.default_rng(0))
    assert drawn.std() > 2 * np.sqrt(100 * 0.8 * 0.2)
    assert abs(np.median(drawn) - 80) <= 2


def test_a_zone_that_was_not_seen_has_no_tank_cars_either():
    rows, _ = tally_marks(cars(["tank"] * 3), [TRACK], ["freight_car"], {}, basis="detected", visible={"t1": 0.3})
    tank = next(r for r in rows if r["class"] == "tank_car")
    assert tank["estimate"] is tank["low"] is tank["high"] is None


def test_where_tank_cars_alone_are_told_the_others_are_not_taken_for_tank_cars():
    tank = tally_of(cars(["tank"] * 4 + [""] * 16, 0.97))["tank_car", "objects"]
    assert tank["low"] <= 4 <= tank["estimate"] <= 12 < tank["high"]
    drawn = tanks.drawn_tanks(cars([""] * 14), False, np.random.default_rng(0))
    assert np.median(drawn) == 0
