import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import MultiPoint, Polygon
from shapely.ops import unary_union

from rason.engine.rectangles import (
    area,
    close_pairs,
    convex_hull,
    corners,
    intersection_area,
    iou,
    minimum_rectangle,
    stack,
)

number = st.floats(-20, 20)
rectangle = st.tuples(number, number, st.floats(0.01, 30), st.floats(0.01, 30), st.floats(-360, 360))


def polygons(rectangles):
    return [Polygon(c) for c in corners(*np.atleast_2d(rectangles).T)]


def test_nothing():
    none = np.zeros((0, 5))
    assert corners([], [], [], [], []).shape == (0, 4, 2)
    assert intersection_area(none, none).shape == (0,)
    assert iou(none, none).shape == (0,)
    assert close_pairs([], [], 1)[0].shape == (0,)
    assert convex_hull([]).shape == (0, 2)
    with pytest.raises(ValueError, match="at least one"):
        minimum_rectangle([])


def test_corners_follow_the_azimuth_clockwise_from_north():
    east_west = corners([10], [20], [6], [2], [90])[0]
    assert np.allclose(sorted(map(tuple, east_west.round(9))), [(7, 19), (7, 21), (13, 19), (13, 21)])
    north_east = corners([0], [0], [10], [0], [30])[0]
    assert np.allclose(np.abs(north_east), [[2.5, 5 * np.cos(np.radians(30))]] * 4)
    assert Polygon(corners([0], [0], [3], [1], [17])[0]).exterior.is_ccw


@settings(max_examples=300, deadline=None)
@given(rectangle, rectangle, st.sampled_from([0.0, 3e6]))
def test_intersection_is_shapelys(a, b, offset):
    a, b = np.array([a]), np.array([b])
    p, q = polygons(a)[0], polygons(b)[0]
    shift = np.array([offset, -offset, 0, 0, 0])
    expected = p.intersection(q).area
    assert intersection_area(a + shift, b + shift)[0] == pytest.approx(expected, abs=2e-5)
    assert iou(a, b)[0] == pytest.approx(expected / unary_union([p, q]).area, abs=1e-5)


@settings(max_examples=100, deadline=None)
@given(rectangle, st.sampled_from([0, 90, 180, -90]))
def test_intersection_with_itself_is_its_area(a, turn):
    a = np.array([a])
    b = a + [0, 0, 0, 0, turn]
    if turn % 180:
        b = b[:, [0, 1, 3, 2, 4]]
    assert intersection_area(a, b)[0] == pytest.approx(area(a)[0], rel=1e-6)


def test_touching_and_contained():
    a = stack([0, 0, 0], 0, 10, 2, 0)
    b = stack([2, 0, 50], [0, 1, 0], [10, 4, 10], [2, 1, 2], [0, 0, 0])
    assert np.allclose(intersection_area(a, b), [0, 4, 0])
    assert iou(stack(0, 0, 0, 0, 0), stack(0, 0, 0, 0, 0))[0] == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 2**31), st.floats(0.05, 30))
def test_close_pairs_are_all_pairs_within_the_radius_once(n, seed, radius):
    x, y = np.random.default_rng(seed).uniform(-50, 50, (2, n)).round(1)
    i, j = np.triu_indices(n, 1)
    near = np.hypot(x[i] - x[j], y[i] - y[j]) <= radius
    expected = sorted(zip(i[near], j[near]))
    assert sorted(zip(*close_pairs(x, y, radius))) == expected


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 60), st.integers(0, 2**31))
def test_close_pairs_with_a_radius_for_each_point(n, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-50, 50, (2, n)).round(1)
    radius = np.where(rng.random(n) < 0.1, 0, 2 ** rng.uniform(-3, 6, n))
    i, j = np.triu_indices(n, 1)
    near = np.hypot(x[i] - x[j], y[i] - y[j]) <= np.maximum(radius[i], radius[j])
    near &= np.maximum(radius[i], radius[j]) > 0
    assert sorted(zip(*close_pairs(x, y, radius))) == sorted(zip(i[near], j[near]))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(-30, 30), st.integers(-30, 30)), min_size=1, max_size=60))
def test_hull_and_smallest_rectangle(points):
    shape = MultiPoint(points)
    hull = convex_hull(points)
    if shape.convex_hull.geom_type == "Polygon":
        assert Polygon(hull).equals(shape.convex_hull)
        assert Polygon(hull).exterior.is_ccw
    x, y, length, width, azimuth = minimum_rectangle(points)
    assert length >= width >= 0 <= azimuth < 180
    around = polygons([(x, y, length, width, azimuth)])[0].buffer(1e-6)
    assert around.covers(shape) or length + width == 0
    turned = [shape.convex_hull.buffer(0)] if shape.convex_hull.area else []
    for polygon in turned:
        assert length * width <= polygon.minimum_rotated_rectangle.area + 1e-6


def test_smallest_rectangle_returns_the_rectangle():
    rng = np.random.default_rng(3)
    for azimuth in np.arange(0, 180, 7.5):
        given_ = np.array([500.0, -300, 12.19, 2.44, azimuth])
        inner = rng.uniform(-0.49, 0.49, (3000, 2)) * [12.19, 2.44]
        east, north = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
        inner = np.column_stack(
            [500 + inner[:, 0] * east - inner[:, 1] * north, -300 + inner[:, 0] * north + inner[:, 1] * east]
        )
        found = np.array(minimum_rectangle(np.vstack([inner, corners(*given_)[0]])))
        assert np.allclose(found[:4], given_[:4], atol=1e-6)
        assert abs((found[4] - azimuth + 90) % 180 - 90) < 1e-6
    assert minimum_rectangle([(1, 2)]) == (1, 2, 0, 0, 0)
    assert minimum_rectangle([(0, 0), (3, 3), (1, 1)])[2:] == pytest.approx((np.sqrt(18), 0, 45))
