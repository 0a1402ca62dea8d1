"""Two counters of one scene."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rason.engine.counters import at_least, matched
from rason.engine.detections import Detections


def boxes(x, y=0.0, length=15.0, width=3.0, azimuth=90.0, name="freight_car"):
    return Detections.make(x, y, length, width, azimuth, name)


def test_boxes_of_one_object_match_and_neighbours_do_not():
    first, second = boxes([0.0, 16, 32, 64]), boxes([18.0, 2, 48, 34])
    i, j = matched(first, second)
    assert sorted(zip(i.tolist(), j.tolist())) == [(0, 1), (1, 0), (2, 3)]


def test_points_match_boxes_they_lie_in_and_points_nearby():
    points = Detections.make([6.0, 40.0], 0.0, 0.0, 0.0, 0.0, "freight_car")
    assert matched(points, boxes([0.0, 100.0]))[1].tolist() == [0]
    near = Detections.make([9.0, 60.0], 1.0, 0.0, 0.0, 0.0, "freight_car")
    assert [a.tolist() for a in matched(points, near)] == [[0], [0]]
    assert not len(matched(points, near, radius_m=2.0)[0])


def test_classes_do_not_mix_and_nothing_is_used_twice():
    assert not len(matched(boxes([0.0]), boxes([0.0], name="ship"))[0])
    i, _ = matched(boxes([0.0, 0.1]), boxes([0.0]))
    assert len(i) == 1


def test_capture_recapture_by_hand():
    judged = at_least(80, 10, 20)
    assert judged.seen == 110 and judged.estimate == int(91 * 101 / 81 - 1 + 0.5)
    assert 110 <= judged.low <= judged.estimate < judged.high < 120


def test_nothing_in_common_has_no_estimate():
    assert at_least(0, 5, 7).estimate is None and at_least(0, 5, 7).seen == 12


@given(st.integers(1, 400), st.integers(0, 400), st.integers(0, 400), st.sampled_from([0.5, 0.9, 0.99]))
def test_never_fewer_than_were_seen_and_the_same_whoever_is_first(both, first, second, level):
    judged, other = at_least(both, first, second, level), at_least(both, second, first, level)
    assert judged.seen <= judged.low <= judged.estimate <= judged.high
    assert (judged.low, judged.estimate, judged.high) == (other.low, other.estimate, other.high)


@pytest.mark.parametrize("shared_sd", [0.0, 1.5])
def test_the_lower_end_is_a_bound_also_where_both_miss_the_same_objects(shared_sd):
    rng, bound, between = np.random.default_rng(2), 0, 0
    for _ in range(300):
        hard = shared_sd * rng.standard_normal(120)
        first, second = (rng.random(120) < 1 / (1 + np.exp(-1.7 - hard)) for _ in range(2))
        judged = at_least(int((first & second).sum()), int((first & ~second).sum()), int((second & ~first).sum()))
        bound += judged.low <= 120
        between += min(first.sum(), second.sum()) <= 120 <= max(first.sum(), second.sum())
    assert bound / 300 > 0.93 and between / 300 < 0.09
