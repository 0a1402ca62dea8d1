import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, MultiLineString, MultiPolygon, Point, Polygon, box

from rason.engine.classes import CLASSES, of_kind
from rason.engine.words import KINDS
from rason.engine.zones import TRACK_REACH_M, Zone

HOLED = Polygon([(0, 0), (10, 0), (10, 10), (0, 10)], [[(4, 4), (6, 4), (6, 6), (4, 6)]])
coordinate = st.floats(-12, 12, allow_nan=False).map(lambda v: round(v, 3) + 0.0001)


def test_every_kind_says_what_it_is_counted_for():
    assert all(of_kind(kind) for kind in KINDS)
    assert all(set(entry.kinds) <= set(KINDS) for entry in CLASSES.values())


def test_no_points():
    assert Zone("a", "area", HOLED).holds(np.zeros(0), np.zeros(0)).shape == (0,)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=20))
def test_polygons_against_shapely(points):
    geometry = MultiPolygon([HOLED, box(-10, -10, -2, -3)])
    x, y = np.array(points).T
    np.testing.assert_array_equal(Zone("a", "area", geometry).holds(x, y), [geometry.contains(Point(p)) for p in points])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=20))
def test_tracks_against_shapely(points):
    geometry = MultiLineString([[(-10, -10), (0, 0), (10, 0)], [(-5, 8), (5, 8)]])
    x, y = np.array(points).T
    distance = np.array([geometry.distance(Point(p)) for p in points])
    got = Zone("a", "track", geometry).holds(x, y)
    clear = np.abs(distance - TRACK_REACH_M) > 1e-6
    np.testing.assert_array_equal(got[clear], (distance <= TRACK_REACH_M)[clear])


def test_a_point_on_a_common_side_belongs_to_one_zone():
    left, right = Zone("a", "area", box(0, 0, 5, 10)), Zone("b", "area", box(5, 0, 10, 10))
    x, y = np.full(3, 5.0), np.array([1.0, 5.0, 9.5])
    assert (left.holds(x, y).astype(int) + right.holds(x, y)).tolist() == [1, 1, 1]


def test_measures():
    track = Zone("t", "track", LineString([(0, 0), (30, 40)]))
    assert track.is_track and track.length_m == pytest.approx(50) and track.area_m2 == 0
    assert Zone("y", "yard", HOLED).area_m2 == pytest.approx(96)
