"""Detections beside the truth, against brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon

from rason.engine.accuracy import (
    DOUBLE,
    FALSE,
    HIT,
    average_precision,
    binned,
    by_length,
    curve,
    figures,
    judge,
    place,
    reliability,
    wilson,
)
from rason.engine.detections import Detections


def boxes(x, y, length=12.0, width=3.0, azimuth=90.0, **more):
    return Detections.make(x, y, length, width, azimuth, "ship", **more)


def scattered(seed, n=30):
    """Truth, and detections of most of it with jitter, doubles and false ones; scores all different."""
    rng = np.random.default_rng(seed)
    x, y, azimuth = rng.uniform(0, 120, n), rng.uniform(0, 120, n), rng.uniform(0, 180, n)
    kept = np.flatnonzero(rng.random(n) < 0.8)
    kept = np.concatenate([kept, kept[:4]])
    at = np.concatenate([np.stack([x, y, azimuth])[:, kept], rng.uniform(0, 120, (3, 8))], axis=1)
    at += rng.normal(0, [[0.8], [0.8], [4.0]], at.shape)
    truth = boxes(x, y, azimuth=azimuth)
    return boxes(at[0], at[1], azimuth=at[2], score=rng.permutation(at.shape[1]) / at.shape[1]), truth


def brute(found, truth, least_iou):
    """VOC matching with shapely: the surest first, the free true box of largest IoU."""
    shapes = [[Polygon(ring) for ring in d.corners()] for d in (found, truth)]
    taken, hits = set(), np.zeros(len(found), bool)
    for i in np.argsort(-found.score):
        overlaps = []
        for other in shapes[1]:
            common = shapes[0][i].intersection(other).area
            overlaps.append(common / (shapes[0][i].area + other.area - common))
        for j in np.argsort(-np.array(overlaps)):
            if overlaps[j] >= least_iou and j not in taken:
                taken.add(j)
                hits[i] = True
                break
    return hits


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("least_iou", [0.2, 0.5])
def test_matching_and_average_precision_as_brute_force(seed, least_iou):
    found, truth = scattered(seed)
    judged = judge(found, truth, least_iou=least_iou)
    expected = brute(found, truth, least_iou)
    assert np.array_equal(judged.verdict == HIT, expected)
    assert judged.found.sum() == expected.sum() and sorted(judged.partner[expected]) == list(np.flatnonzero(judged.found))
    # average precision by its definition: the mean over true objects of the best precision at that recall or more
    order = np.argsort(-found.score)
    points = [(expected[order][:k].sum(), expected[order][:k].mean()) for k in range(1, len(found) + 1)]
    best = [max((p for hits, p in points if hits >= need), default=0.0) for need in range(1, len(truth) + 1)]
    assert average_precision(found.score, expected, len(truth)) == pytest.approx(np.mean(best))


def test_doubles_touch_and_false_ones_do_not():
    truth = boxes([0.0], [0.0])
    found = boxes([0.2, 1.0, 0.0, 40.0], [0.0, 0.0, 2.9, 0.0], score=[0.9, 0.8, 0.7, 0.99])
    assert judge(found, truth).verdict.tolist() == [HIT, DOUBLE, FALSE, FALSE]  # the third touches by a thirtieth


def test_points_lie_in_the_detection_or_near_it():
    truth = Detections.make([0.0, 5.0, 20.0], [0.0, 2.5, 0.0], 0.0, 0.0, 0.0, "ship")
    judged = judge(boxes([0.5, 20.0], [0.0, 4.0], score=[0.9, 0.8]), truth, reach_m=2.0)
    assert judged.partner.tolist() == [0, -1] and judged.found.tolist() == [True, False, False]
    assert judge(boxes([20.0], [4.0]), truth, reach_m=3.0).partner.tolist() == [2]
    assert judge(truth, boxes([0.5], [0.0])).found.tolist() == [True]  # marks by hand, true boxes


def test_with_no_iou_one_must_hold_the_centre_of_the_other():
    upright = boxes([0.0], [0.0], 80.0, 80.0, 0.0)  # an axis-aligned label round a slanting ship
    slanting = boxes([3.0], [0.0], 100.0, 15.0, 45.0)
    assert judge(slanting, upright).verdict.tolist() == [DOUBLE]
    assert judge(slanting, upright, least_iou=0.0).verdict.tolist() == [HIT]


def test_nothing_on_either_side():
    none = Detections.empty()
    assert judge(none, boxes([0.0], [0.0])).found.tolist() == [False]
    assert judge(boxes([0.0], [0.0]), none).verdict.tolist() == [FALSE]


def zoned(found, truth, zone, name="z", scene="s", **more):
    judged = judge(found, truth, **more)
    holds = [np.array([zone.contains(Point(x, y)) for x, y in zip(d.x, d.y)], bool) for d in (found, truth)]
    return place(scene, name, zone.area / 1e4, found, truth, judged, *holds)


def test_a_border_runs_through_no_pair():
    left, right = (Polygon([(a, -10), (b, -10), (b, 10), (a, 10)]) for a, b in ((-50, 0), (0, 50)))
    found, truth = boxes([0.5], [0.0]), boxes([-0.5], [0.0])
    one, other = zoned(found, truth, left), zoned(found, truth, right)
    assert (one.tp, one.fn, one.dup, one.bg) == (1, 0, 0, 0) and (other.tp, other.fn, other.dup, other.bg) == (0, 0, 0, 0)


@given(st.integers(0, 50))
@settings(max_examples=15, deadline=None)
def test_counts_add_up(seed):
    found, truth = scattered(seed)
    everything = Polygon([(-20, -20), (140, -20), (140, 140), (-20, 140)])
    p = zoned(found, truth, everything)
    assert p.true == len(truth) and p.counted == len(found)
    f = figures([p])
    assert f.hits + f.missed == len(truth) and f.hits + f.doubles + f.false == len(found)
    assert f.recall_ends[0] <= f.recall <= f.recall_ends[1] and f.precision_ends[0] <= f.precision <= f.precision_ends[1]
    assert f.f1 == pytest.approx(2 / (1 / f.precision + 1 / f.recall))
    assert 0 < f.ap <= 1 and f.count_error == (len(found) - len(truth)) / len(truth)


@given(st.integers(0, 30))
@settings(max_examples=15, deadline=None)
def test_one_more_true_object_never_raises_recall_by_a_detection_less(seed):
    """Taking a detection away never raises the number of hits."""
    found, truth = scattered(seed)
    less = found.select(np.arange(len(found)) != seed % len(found))
    assert judge(less, truth).found.sum() <= judge(found, truth).found.sum()


def test_errors_of_places_do_not_cancel():
    zone = Polygon([(-20, -20), (140, -20), (140, 140), (-20, 140)])
    over, under = boxes([0.0, 50.0], [0.0, 0.0]), boxes([0.0], [0.0])
    f = figures([zoned(over, under, zone), zoned(under, over, zone)])
    assert f.count_error == 0 and f.wape == pytest.approx(2 / 3) and f.worst_decile == 1.0
    assert f.ap is None, "scores that are all alike have no curve"


def test_nothing_to_divide_by():
    f = figures([])
    assert (f.true, f.precision, f.recall, f.f1, f.wape, f.count_error, f.worst_decile) == (0, *[None] * 6)


@pytest.mark.parametrize("k, n", [(0, 10), (9, 10), (50, 100), (100, 100)])
def test_wilson(k, n):
    """The ends solve |p - k/n| = 1.6449 sqrt(p (1 - p) / n), or are 0 and 1."""
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            assert abs(end - k / n) == pytest.approx(1.6448536 * np.sqrt(end * (1 - end) / n), abs=1e-6)


def test_curve_has_one_point_a_score():
    recall, precision, threshold = curve(np.array([0.9, 0.9, 0.5]), np.array([True, False, True]), 4)
    assert threshold.tolist() == [0.9, 0.5] and recall.tolist() == [0.25, 0.5] and precision.tolist() == [0.5, 2 / 3]


def test_bins():
    zone = Polygon([(-20, -20), (140, -20), (140, 140), (-20, 140)])
    found, truth = scattered(1)
    p = zoned(found, truth.with_(length_m=np.linspace(10, 100, len(truth))), zone)
    assert sum(n for _, n, _ in by_length([p])) == len(truth) and len(by_length([p])) == 3
    assert by_length([zoned(found, truth, zone)]) == [], "all of one length"
    places = [zoned(found, truth, zone, scene=name) for name in "abcd"]
    groups = binned(dict(zip("abcd", (0.3, 0.3, 0.5, 1.0))), places)
    assert [len(group) for _, group in groups] == [2, 1, 1] and binned({"a": 0.3}, places) == []


def test_reliability():
    rng = np.random.default_rng(1)
    p = rng.random(4000)
    for mean, share, number in reliability(p, rng.random(4000) < p):
        assert share == pytest.approx(mean, abs=0.06) and number == 800
    assert reliability(np.ones(40), np.ones(40)) == []
