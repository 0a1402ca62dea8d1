"""Cells of a review and the total that some of them give."""

from itertools import permutations

import numpy as np
import pytest
from shapely.geometry import LineString, box
from shapely.ops import unary_union

from rason.engine.compare import compare
from rason.engine.errors import Refusal
from rason.engine.review import cells, total
from rason.engine.review.total import Looked
from rason.engine.zones import Zone

NOTHING = np.zeros(0)
TRACK = Zone("t", "track", LineString([(0, 0), (120, 0), (200, 60)]))


def test_cells_cover_their_zones_once():
    zones = [Zone("a", "area", box(0, 0, 90, 50)), Zone("b", "area", box(60, 0, 150, 50)), TRACK]
    made = cells.frame(zones, 40, NOTHING, NOTHING, NOTHING)
    whole = unary_union([zones[0].geometry, zones[1].geometry, TRACK.geometry.buffer(2, cap_style=2)])
    assert sum(c.area_m2 for c in made.cells) == pytest.approx(whole.area, rel=0.01)
    assert unary_union([c.geometry for c in made.cells]).area == pytest.approx(whole.area, rel=0.01)
    assert {c.zone_id for c in made.cells} == {"a", "b", "t"} and made.chance.sum() == pytest.approx(1)


def test_chances_grow_with_what_was_found_and_are_never_zero():
    made = cells.frame([TRACK], 50, np.array([10.0, 20.0, 30.0]), np.zeros(3), np.full(3, 0.5))
    assert made.expected.tolist() == [1.5, 0, 0, 0] and made.chance[0] > 0.7 and (made.chance[1:] > 0.05).all()


def test_more_cells_go_on_with_the_same_order():
    made = cells.frame([Zone("a", "area", box(0, 0, 900, 900))], 50, NOTHING, NOTHING, NOTHING)
    order = made.order(3)
    assert sorted(order) == list(range(len(made.cells))) and (order == made.order(3)).all()
    assert (order != made.order(4)).any()


def test_too_many_cells_are_refused():
    with pytest.raises(Refusal, match="Make it larger"):
        cells.frame([Zone("a", "water", box(0, 0, 9000, 9000))], 10, NOTHING, NOTHING, NOTHING)


def _every_sample(chance, n):
    """(cells in order, probability) of every ordered sample without replacement."""
    for chosen in permutations(range(len(chance)), n):
        left, p = 1.0, 1.0
        for i in chosen:
            p *= chance[i] / left
            left -= chance[i]
        yield list(chosen), p


@pytest.mark.parametrize("n", [total.LEAST_CELLS, 4])
def test_the_total_and_its_variance_are_unbiased_over_all_samples(n):
    chance, value = np.array([0.4, 0.25, 0.2, 0.1, 0.05]), np.array([3.0, -1.0, 0.0, 5.0, 2.0])
    samples = [(p, *total.murthy(chance[s], value[s])) for s, p in _every_sample(chance, n)]
    p, estimate, variance = map(np.array, zip(*samples))
    assert p.sum() == pytest.approx(1) and (p * estimate).sum() == pytest.approx(9, abs=1e-5)
    spread = (p * (estimate - 9) ** 2).sum()
    assert (p * variance).sum() == pytest.approx(spread, rel=1e-5) and spread > 0


def test_all_cells_seen_leave_only_the_spread_between_people():
    looked = Looked(np.full(4, 0.25), np.array([1.0, 2, 0, 5]), np.array([2.0, 2, 1, 5]))
    of_all = total.total(looked, np.ones(4, bool), 8.0, 4)
    assert of_all.estimate == 10 == of_all.low and of_all.sampled == (10, 10) and of_all.high > 11
    assert total.total(looked, np.ones(4, bool), 8.0, 4, people_sd=0.0).high == 10


def test_cells_without_a_difference_still_leave_doubt():
    looked = Looked(np.full(5, 0.01), np.full(5, 2.0), np.full(5, 2.0))
    few = total.total(looked, np.ones(5, bool), 200.0, 100, people_sd=0.0)
    assert few.estimate == 200 and few.low < 190 and few.high > 210
    more = Looked(np.full(40, 0.01), np.full(40, 2.0), np.full(40, 2.0))
    many = total.total(more, np.ones(40, bool), 200.0, 100, people_sd=0.0)
    assert many.high - many.low < (few.high - few.low) / 3


def test_never_below_what_was_seen():
    looked = Looked(np.full(3, 0.02), np.array([9.0, 8, 7]), np.array([1.0, 0, 2]))
    of_all = total.total(looked, np.ones(3, bool), 24.0, 50)
    assert of_all.low == 3 <= of_all.estimate <= of_all.high


def test_nothing_anywhere_is_a_bound_not_a_zero():
    looked = Looked(np.full(20, 1 / 60), np.zeros(20), np.zeros(20))
    none = total.total(looked, np.ones(20, bool), 0.0, 60)
    assert (none.estimate, none.low) == (0, 0) and 2 <= none.high <= 12


@pytest.mark.parametrize("recall", [0.9, 0.5, 0.0])
def test_nine_of_ten_intervals_hold_whatever_the_detector(recall):
    rng, held, errors = np.random.default_rng(4), 0, []
    for _ in range(300):
        true = rng.poisson(3 * rng.gamma(1, size=80))
        expected = rng.binomial(true, recall) + rng.poisson(0.3 if recall else 0, 80).astype(float)
        chance = np.full(80, 1 / 80)
        if expected.any():
            chance = cells.BY_GROUND / 80 + (1 - cells.BY_GROUND) * expected / expected.sum()
        order = np.argsort(rng.exponential(size=80) / chance)[:20]
        of_all = total.total(
            Looked(chance[order], expected[order], true[order].astype(float)), np.ones(20, bool), expected.sum(), 80, people_sd=0.0
        )  # fmt: skip
        held += of_all.low <= true.sum() <= of_all.high
        errors.append(of_all.estimate - true.sum())
    assert held / 300 > 0.86 and abs(np.mean(errors)) < 3.5 * np.std(errors) / 300**0.5 + 0.5


def test_a_comparison_takes_the_interval_of_a_sampled_review():
    def row(estimate, low, high):
        return {"zone_id": "a", "class": "ship", "unit": "objects", "detected": estimate, "estimate": estimate, "low": low, "high": high,
                "level": 0.9, "visible_fraction": 1.0, "basis": "reviewed", "calibration": total.ESTIMATED, "exposure": None}  # fmt: skip

    wide, narrow = (compare([row(40, *a)], [row(80, *b)])[0] for a, b in (((10, 90), (30, 160)), ((37, 44), (74, 87))))
    assert wide.verdict == "no change shown" and narrow.verdict == "increase"
