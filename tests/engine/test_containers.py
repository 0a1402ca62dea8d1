"""Container tops on painted yards: synthetic pictures, so these check the working, not the accuracy."""

import numpy as np
import pytest
from shapely.geometry import LineString, Polygon, box

from rason.engine.detectors.block_boxes import LENGTHS_M, WIDTH_M
from rason.engine.detectors.containers import Containers
from rason.engine.errors import Cancelled, Refusal, TooCoarse
from rason.engine.scene import ArrayScene
from rason.engine.zones import Zone

GSD = 0.3
GROUND = (0.45, 0.42, 0.40)
PAINTS = ((0.7, 0.2, 0.15), (0.15, 0.25, 0.6), (0.85, 0.85, 0.8), (0.2, 0.55, 0.3))
COLOURS = (*PAINTS, (0.68, 0.68, 0.66), (0.95, 0.95, 0.97))
CONCRETE, SEAM = 4, 5  # of these: what boxes stand on, and seams


def yard(boxes, size_m=(90, 90), gsd=GSD, turn_deg=0.0, seed=0):
    """A scene with boxes (centre x, centre y, length, width, paint) in metres, turned around its middle."""
    rng = np.random.default_rng(seed)
    fine = 3  # sub-pixels, so that edges fall between pixels
    rows, columns = (int(side / gsd) * fine for side in size_m)
    y, x = np.mgrid[0:rows, 0:columns] * (gsd / fine)
    s, c = np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg))
    dx, dy = x - size_m[1] / 2, y - size_m[0] / 2
    u, v = dx * c + dy * s + size_m[1] / 2, -dx * s + dy * c + size_m[0] / 2
    picture = np.broadcast_to(np.array(GROUND)[:, None, None], (3, rows, columns)).copy()
    for bx, by, length, width, paint in boxes:
        picture[:, (abs(u - bx) < length / 2) & (abs(v - by) < width / 2)] = np.array(COLOURS[paint])[:, None]
    picture = picture.reshape(3, rows // fine, fine, columns // fine, fine).mean((2, 4))
    return ArrayScene((picture + rng.normal(0, 0.012, picture.shape)).astype(np.float32), gsd, y0=size_m[0])


def stack(x, y, rows, columns, size="40 ft"):
    """Boxes in rows side by side with 0.3 m gaps and 0.6 m between their ends."""
    return [
        (x + i * (LENGTHS_M[size] + 0.6), y + j * (WIDTH_M + 0.3), LENGTHS_M[size], WIDTH_M, (i + j) % len(PAINTS))
        for i in range(columns)
        for j in range(rows)
    ]


def zone(*bounds, zone_id="y1"):
    return Zone(zone_id, "yard", box(*bounds))


WHOLE = zone(10, 10, 80, 80)


def test_all_nodata_counts_nothing():
    scene = yard([])
    dark = ArrayScene(scene.data, GSD, y0=90.0, valid=np.zeros(scene.data.shape[1:], bool))
    found = Containers().detect(dark, WHOLE)
    assert len(found.detections) == 0 and found.measures["m2"] == 0


def test_a_zone_beside_the_scene_counts_nothing():
    assert len(Containers().detect(yard([]), zone(500, 500, 560, 560)).detections) == 0


def test_bare_ground_counts_nothing():
    found = Containers().detect(yard([]), WHOLE)
    assert len(found.detections) == 0 and found.counted and found.measures == {"m2": 0.0, "share": 0.0, "TEU": 0.0}


def test_one_box_is_found_where_it_lies():
    found = Containers().detect(yard([(40, 50, 12.19, 2.44, 0)]), WHOLE).detections
    assert len(found) == 1
    assert abs(found.x[0] - 40) < 0.5 and abs(found.y[0] - 40) < 0.5  # the scene's y grows to the north
    assert (
        abs(found.azimuth_deg[0] - 90) < 2
        and found.type_name[0] == "40 ft"
        and found.type_p[0] > 0.7
        and 0.5 < found.p[0] <= 1
    )
    assert abs(found.length_m[0] - 12.19) < 0.8 and abs(found.width_m[0] - 2.44) < 0.4


@pytest.mark.parametrize("turn", [0.0, 17.0, 45.0, 80.0])
def test_a_stack_is_counted_whatever_its_direction(turn):
    found = Containers().detect(yard(stack(30, 35, 8, 3), turn_deg=turn), WHOLE).detections
    assert len(found) == 24 and set(found.type_name) == {"40 ft"}
    off = (found.azimuth_deg - 90 - turn + 90) % 180 - 90
    assert np.abs(off).max() < 2


def test_twenty_foot_boxes_are_told_from_forty_foot_ones():
    scene = yard(stack(25, 30, 5, 2, "20 ft") + stack(55, 30, 5, 1, "40 ft"))
    found = Containers().detect(scene, WHOLE)
    assert (found.detections.type_name == "20 ft").sum() == 10 and (found.detections.type_name == "40 ft").sum() == 5
    assert found.measures["TEU"] == 20
    assert found.measures["m2"] == pytest.approx(15 * 2.44 * (10 * 6.06 + 5 * 12.19) / 15, rel=0.15)
    assert found.measures["share"] == pytest.approx(found.measures["m2"] / 4900)


@pytest.mark.parametrize("gsd", [0.3, 0.5])
def test_forty_five_foot_boxes_are_told_from_forty_foot_ones(gsd):
    boxes = stack(25, 30, 5, 2) + stack(55, 30, 5, 1, "45 ft")
    found = Containers().detect(yard(boxes, gsd=gsd), WHOLE)
    long = found.detections.type_name == "45 ft"
    assert long.sum() == 5 and (found.detections.x[long] > 50).all() and (found.detections.type_p[long] <= 0.85).all()
    assert found.measures["TEU"] == 10 * 2 + 5 * 2.25


def test_only_boxes_centred_in_the_zone_count():
    scene = yard(stack(30, 30, 4, 2))
    found = Containers().detect(scene, zone(15, 40, 36.5, 80)).detections
    assert len(found) == 4 and (found.x < 36.5).all()


def test_a_zone_of_many_squares_counts_each_box_once():
    scene = yard(stack(20, 20, 6, 10), size_m=(60, 180))
    found = Containers().detect(scene, zone(8, 8, 172, 52))
    assert len(found.detections) == 60


def test_pieces_of_a_multipolygon_are_one_zone():
    scene = yard(stack(25, 30, 4, 1) + stack(60, 60, 4, 1))
    parts = box(14, 50, 36, 68).union(box(48, 14, 74, 38))
    assert len(Containers().detect(scene, Zone("m", "yard", parts)).detections) == 8


def test_a_slanted_polygon_is_cut_at_its_own_border():
    scene = yard(stack(30, 35, 8, 3))
    half = Polygon([(10, 10), (80, 80), (10, 80)])
    found = Containers().detect(scene, Zone("s", "pier", half)).detections
    assert 0 < len(found) < 24 and (found.y > found.x).all()


def test_an_empty_ring_is_said():
    scene = yard(stack(30, 35, 8, 3))
    found = Containers().detect(scene, zone(0, 0, 90, 90))
    assert any("no ground is seen around it" in w and "y1" in w for w in found.warnings)
    assert len(found.detections) == 24


def test_a_cluttered_ring_is_said():
    clutter = [(x, y, 3.0, 3.0, int(x + y) % 4) for x in np.arange(7, 86, 6.0) for y in (7.0, 83.0)]
    clutter += [(x, y, 3.0, 3.0, int(x + y) % 4) for y in np.arange(13, 80, 6.0) for x in (7.0, 83.0)]
    found = Containers().detect(yard(stack(30, 35, 8, 3) + clutter), WHOLE)
    assert any("is not bare ground" in w for w in found.warnings)
    assert not any("is not bare ground" in w for w in Containers().detect(yard(stack(30, 35, 8, 3)), WHOLE).warnings)


def test_things_without_a_direction_are_no_boxes():
    rng = np.random.default_rng(4)
    scene = yard([])
    y, x = np.mgrid[0:300, 0:300] * GSD
    for cx, cy in rng.uniform(15, 75, (25, 2)):
        disc = np.clip((2.5 - np.hypot(x - cx, y - cy)) / GSD + 0.5, 0, 1)
        scene.data[:] += (0.9 - scene.data) * disc
    found = Containers().detect(scene, WHOLE)
    assert len(found.detections) == 0 and any("shares no direction" in w for w in found.warnings)


def test_a_track_is_refused_with_its_name():
    with pytest.raises(Refusal, match="track7"):
        Containers().detect(yard([]), Zone("track7", "track", LineString([(0, 0), (50, 50)])))


def test_a_hopeless_scene_is_refused_and_a_coarse_one_measured():
    boxes = stack(20, 25, 8, 3)
    with pytest.raises(TooCoarse, match="10.00 m"):
        Containers().detect(ArrayScene(np.zeros((3, 9, 9), np.float32), 10.0), WHOLE)
    found = Containers().detect(yard(boxes, gsd=1.0), WHOLE)
    assert not found.counted and len(found.detections) == 0
    assert found.measures["m2"] == pytest.approx(24 * 12.19 * 2.44, rel=0.25)
    blurred = ArrayScene(yard(boxes).data, GSD, y0=90.0, effective_gsd=1.0)
    assert not Containers().detect(blurred, WHOLE).counted


def test_the_user_can_stop_and_sees_progress():
    seen = []

    def stop(fraction):
        seen.append(fraction)
        raise Cancelled

    with pytest.raises(Cancelled):
        Containers().detect(yard([]), WHOLE, stop)
    assert len(seen) == 1


def test_parked_vehicles_are_left_out_and_said():
    buses = [(40, 25 + i * 3.7, 12.19, 2.44, 2) for i in range(6)]
    found = Containers().detect(yard(buses), WHOLE)
    assert len(found.detections) == 0
    assert any("6 objects" in w and "parked vehicles" in w for w in found.warnings)


def test_a_box_that_stands_free_may_be_on_a_truck():
    scene = yard([(25, 60, 12.19, 2.44, 0), *stack(40, 30, 6, 2)])
    found = Containers().detect(scene, WHOLE)
    assert found.detections.note.tolist().count("stands free, may be on a truck") == 1
    assert any("1 of 13 stand free" in w for w in found.warnings)


def test_a_parking_lot_holds_no_boxes():
    rows = [(x, 20 + i * 3.8, 11.0, 2.5, 2) for x in (25, 60) for i in range(8)]
    found = Containers().detect(yard(rows), WHOLE)
    assert len(found.detections) == 0 and any("not counted" in w for w in found.warnings)


def test_a_yard_with_a_few_trucks_in_a_row_keeps_its_boxes():
    trucks = [(62, 25 + i * 3.9, 12.19, 2.44, 2) for i in range(4)]
    found = Containers().detect(yard(stack(25, 25, 6, 2) + trucks), WHOLE)
    assert len(found.detections) == 12 and (found.detections.x < 50).all()


def test_two_blocks_skewed_by_four_degrees_are_both_counted():
    first, second = yard(stack(25, 25, 5, 2), turn_deg=0.0), yard(stack(25, 58, 5, 2), turn_deg=4.0)
    both = first.data.copy()
    both[:, 140:] = second.data[:, 140:]
    found = Containers().detect(ArrayScene(both, GSD, y0=90.0), WHOLE).detections
    assert len(found) == 20
    skewed = found.y < 45
    assert skewed.sum() == 10
    assert np.abs(found.azimuth_deg[~skewed] - 90).max() < 1.5 and np.abs(found.azimuth_deg[skewed] - 94).max() < 2.5


def test_boxes_on_a_pad_unlike_the_ground_around_the_zone_are_counted_and_said():
    boxes = stack(45, 50, 6, 3)
    scene = yard([(60, 60, 90, 80, CONCRETE), *boxes], size_m=(120, 120))
    found = Containers().detect(scene, zone(8, 8, 112, 112))
    assert len(boxes) - 3 <= len(found.detections) <= len(boxes)
    assert any("on a pad unlike the ground" in line and "closer to the blocks" in line for line in found.warnings)
    near = Containers().detect(scene, zone(30, 40, 86, 76))
    assert len(near.detections) == len(boxes) and not any("pad" in line for line in near.warnings)


def test_panels_of_a_roof_are_no_boxes_and_said():
    seams = [(x, 60, 0.4, 14 * 2.74, SEAM) for x in (40, 52.8, 65.6)]
    seams += [(52.8, 60 + k * 2.74, 26, 0.4, SEAM) for k in range(-7, 8)]
    scene = yard([(60, 60, 96, 96, CONCRETE), *seams], size_m=(120, 120))
    found = Containers().detect(scene, zone(8, 8, 112, 112))
    assert not len(found.detections)
    assert any("taken for pieces of a roof" in line for line in found.warnings)
