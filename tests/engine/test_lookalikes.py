"""What is outlined like a container and is none; rectangles laid by hand in pixels of 0.25 m."""

import numpy as np

from rason.engine.detectors.boxes import Boxes
from rason.engine.detectors.lookalikes import parked, roof_pieces, shadows

PIXEL_M = 0.25
SHAPE = (200, 200)
NOTHING = np.zeros(SHAPE, bool)


def row(count, pitch_m, length_m=12.0, width_m=2.5, start_m=5.0):
    """Boxes lying along the columns, side by side at a pitch."""
    top = start_m + np.arange(count) * pitch_m
    low = np.stack([np.full(count, start_m), top], 1) / PIXEL_M
    high = low + np.array([length_m, width_m]) / PIXEL_M
    return Boxes(low, high, np.ones(count), np.full(count, "40 ft", object), np.ones(count, bool))


def painted(boxes):
    picture = np.zeros(SHAPE, bool)
    for (c0, r0), (c1, r1) in zip(boxes.low.astype(int), boxes.high.astype(int)):
        picture[r0:r1, c0:c1] = True
    return picture


def test_no_boxes_are_nothing():
    none = row(0, 3.0)
    assert not len(shadows(none, NOTHING)) and not len(roof_pieces(none, NOTHING, PIXEL_M))
    assert not len(parked(none, NOTHING, PIXEL_M))


def test_a_box_of_shadow_is_none():
    boxes = row(2, 8.0)
    dark = painted(boxes.select([1]))
    assert shadows(boxes, dark).tolist() == [False, True]


def test_a_piece_of_a_large_roof_is_none_and_a_stack_is():
    boxes = row(6, 2.7)
    assert not roof_pieces(boxes, painted(boxes), PIXEL_M).any()
    roof = np.zeros(SHAPE, bool)
    roof[10:190, 10:190] = True
    assert roof_pieces(boxes.select([0]), roof, PIXEL_M).all()


def test_vehicles_with_door_room_are_parked_and_a_stack_is_not():
    assert parked(row(6, 3.6), NOTHING, PIXEL_M).all()
    assert not parked(row(6, 2.8), NOTHING, PIXEL_M).any()
    assert not parked(row(2, 3.6), NOTHING, PIXEL_M).any()  # two side by side say nothing


def test_the_shadow_between_two_vehicles_is_no_neighbour():
    boxes = row(9, 1.9, width_m=1.8)
    dark = painted(boxes.select(np.arange(1, 9, 2)))
    assert parked(boxes, dark, PIXEL_M).all() and not parked(boxes, NOTHING, PIXEL_M).any()


def test_boxes_end_to_end_are_not_parked():
    one = row(1, 3.0, length_m=6.0)
    line = Boxes(
        *(
            np.concatenate([getattr(one, k) + (np.array([i * 26, 0]) if k in ("low", "high") else 0) for i in range(5)])
            for k in ("low", "high", "score")
        ),
        np.full(5, "20 ft", object),
        np.ones(5, bool),
    )
    assert not parked(line, NOTHING, PIXEL_M).any()
