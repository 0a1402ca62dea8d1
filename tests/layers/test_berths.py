import math

import pytest
from qgis.core import QgsDistanceArea, QgsGeometry

from rason.layers.berths import berth_strips

LON, LAT = 130.285, 42.228
EAST = 1 / (111_320 * math.cos(math.radians(LAT)))  # degrees per metre, good to 0.3 %
NORTH = 1 / 111_080


def polygon(*corners_m, turn_deg=0.0):
    """A polygon in degrees from corners in metres, turned clockwise."""
    c, s = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    points = ((x * c + y * s, y * c - x * s) for x, y in corners_m)
    ring = [f"{LON + x * EAST:.9f} {LAT + y * NORTH:.9f}" for x, y in points]
    return QgsGeometry.fromWkt(f"Polygon (({', '.join([*ring, ring[0]])}))")


def rectangle(width, length, x=0.0, turn_deg=0.0):
    return polygon((x, 0), (x + width, 0), (x + width, length), (x, length), turn_deg=turn_deg)


def area_m2(geometry):
    measure = QgsDistanceArea()
    measure.setEllipsoid("WGS84")
    return measure.measureArea(geometry)


@pytest.mark.parametrize(
    ("turn_deg", "sides"), [(0, {"E", "W"}), (45, {"SE", "NW"}), (90, {"N", "S"}), (143, {"NE", "SW"}), (300, {"NE", "SW"})]
)
def test_strips_lie_along_both_long_sides(turn_deg, sides):
    pier = rectangle(100, 300, turn_deg=turn_deg)
    strips = berth_strips(pier, 40, pier)
    assert {strip.side for strip in strips} == sides
    for strip in strips:
        assert area_m2(strip.geometry) == pytest.approx(40 * 300, rel=0.01)
        assert area_m2(strip.geometry.intersection(pier)) < 1


@pytest.mark.parametrize("first", range(6))
def test_the_first_point_of_the_ring_does_not_cut_a_strip(first):
    corners = [(0, 0), (100, 0), (100, 150), (100, 300), (0, 300), (0, 150)]
    pier = polygon(*(corners[first:] + corners[:first]))
    assert len(berth_strips(pier, 40, pier)) == 2


def test_both_directions_of_the_ring():
    corners = [(0, 0), (100, 0), (100, 300), (0, 300)]
    for ring in (corners, corners[::-1]):
        pier = polygon(*ring)
        assert all(area_m2(strip.geometry.intersection(pier)) < 1 for strip in berth_strips(pier, 40, pier))


def test_a_jetty_narrower_than_its_strips():
    pier = rectangle(8, 200)
    strips = berth_strips(pier, 40, pier)
    assert sorted(round(area_m2(strip.geometry), -2) for strip in strips) == [8000, 8000]


def test_a_bent_quay_is_one_berth_without_a_gap():
    pier = polygon((0, 0), (60, 0), (60, 200), (80, 400), (20, 400), (0, 200))
    strips = berth_strips(pier, 40, pier)
    assert len(strips) == 2
    east = next(strip for strip in strips if strip.side == "E")
    assert len(east.geometry.asGeometryCollection()) == 1
    assert east.geometry.constGet().numInteriorRings() == 0


def test_what_another_pier_covers_is_no_berth():
    pier, neighbour = rectangle(100, 300), rectangle(100, 300, x=100)
    strips = berth_strips(pier, 40, QgsGeometry.unaryUnion([pier, neighbour]))
    assert [strip.side for strip in strips] == ["W"]


def test_water_decides_where_it_is_known():
    pier = rectangle(100, 300)
    water = rectangle(500, 300, x=100)
    (strip,) = berth_strips(pier, 40, pier, water)
    assert strip.side == ""
    assert area_m2(strip.geometry) == pytest.approx(40 * 300, rel=0.02)
    assert area_m2(strip.geometry.difference(water)) < 1


def test_no_water_no_berth():
    pier = rectangle(100, 300)
    assert berth_strips(pier, 40, pier, rectangle(100, 300, x=5_000)) == []


def test_the_multipolygon_of_two_piers():
    pier = QgsGeometry.unaryUnion([rectangle(50, 300), rectangle(50, 300, x=200)])
    assert len(berth_strips(pier, 40, pier)) == 4
