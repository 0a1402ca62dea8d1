"""What is outlined like a container and is none; rectangles laid by hand in pixels of 0.25 m."""

import numpy as np

from rason.engine.detectors.boxes import Boxes
from rason.engine.detectors.lookalikes import free_standing, parked, roof_pieces, rubble, shadows, touching

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


def left_out(boxes, dark=NOTHING):
    """What is taken for vehicles among boxes that are all lit but where it is dark."""
    return parked(boxes, free_standing(boxes, painted(boxes) & ~dark, PIXEL_M), dark, PIXEL_M)


def test_no_boxes_are_nothing():
    none = row(0, 3.0)
    assert not len(shadows(none, NOTHING, NOTHING)) and not len(roof_pieces(none, NOTHING, PIXEL_M))
    assert (
        not len(left_out(none)) and not len(touching(none, PIXEL_M)) and not len(rubble(none.score > 0.5, np.zeros(0, int)))
    )


def test_a_box_of_shadow_is_none():
    boxes = row(2, 8.0)
    dark = painted(boxes.select([1]))
    assert shadows(boxes, dark, NOTHING).tolist() == [False, True]
    half = dark.copy()
    half[:, : int(12.0 / PIXEL_M)] = False
    assert shadows(boxes, NOTHING, dark).tolist() == [False, True] and not shadows(boxes, NOTHING, half).any()


def test_a_piece_of_a_large_roof_is_none_and_a_stack_is():
    boxes = row(6, 2.7)
    assert not roof_pieces(boxes, painted(boxes), PIXEL_M).any()
    roof = np.zeros(SHAPE, bool)
    roof[10:190, 10:190] = True
    assert roof_pieces(boxes.select([0]), roof, PIXEL_M).all()


def test_vehicles_with_door_room_are_parked_and_a_stack_is_not():
    assert left_out(row(6, 3.7)).all()
    assert not left_out(row(6, 2.8)).any()
    assert not left_out(row(2, 3.7)).any()  # two side by side say nothing
    assert not left_out(row(4, 9.0)).any()  # nor do boxes set down far apart


def test_the_ends_of_a_row_in_a_block_do_not_stand_free():
    boxes = row(3, 2.8)
    assert not free_standing(boxes, painted(boxes), PIXEL_M).any()
    assert free_standing(boxes.select([1]), painted(boxes.select([1])), PIXEL_M).all()


def test_the_shadow_between_two_vehicles_is_no_neighbour():
    boxes = row(9, 1.9, width_m=1.8)
    dark = painted(boxes.select(np.arange(1, 9, 2)))
    assert left_out(boxes, dark).all() and not left_out(boxes).any()


def test_boxes_end_to_end_are_not_parked():
    one = row(1, 3.0, length_m=6.0)
    low = one.low + np.arange(5)[:, None] * (26, 0)
    line = Boxes.alike(low, (24, 10), np.ones(5), "20 ft", True)
    assert not left_out(line).any()


def test_a_large_block_without_strong_outlines_is_rubble():
    block = np.array([0] * 8 + [1] * 2 + [2] * 5)
    strong = np.zeros(15, bool)
    strong[[0, 10, 11]] = True
    assert rubble(strong, block).tolist() == [True] * 8 + [False] * 7


def test_boxes_that_touch_form_a_block():
    assert len(set(touching(row(6, 2.8), PIXEL_M))) == 1 and len(set(touching(row(6, 3.7), PIXEL_M))) == 6
