"""Slots and berths at two epochs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from rason.engine.detections import Detections
from rason.engine.slots import EMPTIED, EMPTY_BOTH, FILLED, NOT_OBSERVED, OCCUPIED_BOTH, Slot, summary, transitions

SLOTS = [Slot(str(i), box(3 * i, 0, 3 * i + 2.44, 6.06), "yard") for i in range(6)]


def boxes(which, dx=0.0, dy=0.0, length=6.06, width=2.44):
    which = np.asarray(which, float)
    return Detections.make(3 * which + 1.22 + dx, np.full(len(which), 3.03) + dy, length, width, 0, "container")


def words(first, second, observed=(True,) * 6):
    return [t.change for t in transitions(SLOTS, first, second, observed)]


def test_every_transition():
    found = words(boxes([0, 1, 4]), boxes([0, 2, 4]), (True, True, True, True, False, True))
    assert found == [OCCUPIED_BOTH, EMPTIED, FILLED, EMPTY_BOTH, NOT_OBSERVED, EMPTY_BOTH]
    assert summary(transitions(SLOTS, boxes([]), boxes([]), [True] * 6))[EMPTY_BOTH] == 6


@settings(max_examples=40, deadline=None)
@given(st.floats(-1.0, 1.0), st.floats(-1.5, 1.5), st.lists(st.integers(0, 5), unique=True, min_size=1))
def test_jitter_below_half_a_slot_changes_nothing(dx, dy, which):
    still = words(boxes(which), boxes(which, dx, dy))
    assert still == [OCCUPIED_BOTH if i in which else EMPTY_BOTH for i in range(6)]


def test_a_long_box_lies_on_two_slots_in_a_row_and_a_point_on_one():
    row = [Slot("a", box(0, 0, 6.06, 2.44)), Slot("b", box(6.1, 0, 12.16, 2.44))]
    forty = Detections.make([6.1], [1.22], 12.19, 2.44, 90, "container")
    mark = Detections.make([3.0], [1.0], 0, 0, 0, "container")
    assert [t.change for t in transitions(row, forty, mark, [True, True])] == [OCCUPIED_BOTH, EMPTIED]


def test_berths_say_how_long_the_ships_were():
    berth = [Slot("3", box(0, 0, 200, 40))]
    ships = [Detections.make([100.0], [20.0], length, 15, 90, "ship") for length in (95.0, 140.0)]
    transition = transitions(berth, *ships, [True])[0]
    text = transition.sentence("1 May", "9 May", "ship", "berth")
    assert transition.change == OCCUPIED_BOTH and "95 m" in text and "140 m" in text and "need not be the same" in text
    assert transition.row()["longest_2_m"] == pytest.approx(140)
    hidden = transitions(berth, *ships, [False])[0]
    assert "objects_1" not in hidden.row() and "not observed" in hidden.sentence("a", "b", "ship")
