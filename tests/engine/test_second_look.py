"""Pieces looked at again: wakes, shadows, jibs and hulls side by side."""

import numpy as np
import pytest

from rason.engine.detectors import second_look
from rason.engine.detectors.component_tree import Pieces
from rason.engine.patch import Patch

SEA = np.array([0.05, 0.15, 0.20])
HULL = np.array([0.40, 0.12, 0.10])
CONCRETE, YELLOW = np.array([0.5, 0.5, 0.48]), np.array([0.8, 0.55, 0.05])


def sea(rows=120, columns=200, gsd_m=0.6):
    rng = np.random.default_rng(1)
    data = (SEA[:, None, None] + rng.normal(0, 0.01, (3, rows, columns))).astype(np.float32)
    return Patch(data, np.ones((rows, columns), bool), 0.0, rows * gsd_m, gsd_m, ("red", "green", "blue"))


def piece(row, column, length, width, angle=0.0):
    values = {
        "row": row, "column": column, "length": length, "width": width, "angle": angle, "area": 0.9 * length * width,
        "water": 0.9, "outside": 0.0, "strangeness": 20.0, "lopsided": 0.0, "threshold": 8.0, "bow": 0.0,
    }  # fmt: skip
    return Pieces(**{name: np.array([float(value)]) for name, value in values.items()})


def looked(patch, p, inside=None):
    inside = patch.valid if inside is None else inside
    return second_look.looked_at_again(patch, inside, p, np.array([0.7]), 18.0)


def with_wake(ahead=1):
    """A hull from column 100 to 150 on row 60, its foam fading towards the left."""
    patch = sea()
    patch.data[:, 55:65, 100:150] = HULL[:, None, None]
    foam = 0.4 * np.exp(-np.arange(80) / 50)[::-1]
    patch.data[:, 57:63, 20:100] += foam.astype(np.float32)
    if ahead < 0:
        patch.data[:] = patch.data[:, :, ::-1].copy()
    return patch


@pytest.mark.parametrize("ahead", [1, -1])
def test_the_wake_is_cut_off_and_tells_the_bow(ahead):
    column = 104.5 if ahead > 0 else 199 - 104.5
    found, score = looked(with_wake(ahead), piece(59.5, column, 91, 11))
    assert len(found) == 1 and score[0] == 0.7
    assert found.length[0] == pytest.approx(50, abs=5)
    assert found.column[0] == pytest.approx(124.5 if ahead > 0 else 199 - 124.5, abs=3)
    assert found.bow[0] == ahead


def test_a_piece_of_wake_alone_is_none():
    found, _ = looked(with_wake(), piece(59.5, 75, 40, 7))
    assert len(found) == 0


def test_a_hull_without_wake_stays_as_it_is():
    patch = sea()
    patch.data[:, 55:65, 100:150] = 0.6  # grey, as foam is
    p = piece(59.5, 124.5, 50, 10)
    found, score = looked(patch, p)
    assert found.length[0] == 50 and found.column[0] == 124.5 and found.bow[0] == 0 and score[0] == 0.7


@pytest.mark.parametrize("ahead", [1, -1])
def test_a_white_house_aft_and_a_pointed_bow_tell_the_heading(ahead):
    patch = sea()
    half = np.clip((150 - np.arange(100, 150)) / 3.0, 1, 5).astype(int)
    for column, breadth in zip(range(100, 150), half):
        patch.data[:, 60 - breadth : 60 + breadth, column] = HULL[:, None]
    patch.data[:, 56:64, 104:110] = 0.85
    if ahead < 0:
        patch.data[:] = patch.data[:, :, ::-1].copy()
    column = 124.5 if ahead > 0 else 199 - 124.5
    found, _ = looked(patch, piece(59.5, column, 50, 10))
    assert found.bow[0] == ahead
    assert looked(patch, piece(59.5, column, 50, 10, np.pi))[0].bow[0] == -ahead


def test_where_house_and_taper_do_not_agree_the_bow_is_not_known():
    patch = sea()
    patch.data[:, 55:65, 100:150] = HULL[:, None, None]
    patch.data[:, 56:64, 122:128] = 0.85  # amidships, as on naval vessels
    assert looked(patch, piece(59.5, 124.5, 50, 10))[0].bow[0] == 0
    patch = sea()
    for column in range(100, 150):  # a house forward, above the pointed end
        breadth = int(np.clip((150 - column) / 3.0, 1, 5))
        patch.data[:, 60 - breadth : 60 + breadth, column] = HULL[:, None]
    patch.data[:, 58:62, 138:144] = 0.85
    assert looked(patch, piece(59.5, 124.5, 50, 10))[0].bow[0] == 0


def test_a_bright_boat_with_a_thin_wake_does_not_head_where_the_wake_does():
    patch = sea()
    for column in range(100, 200):
        breadth = int(np.clip((150 - column) / 5.0, 2, 5))
        patch.data[:, 60 - breadth : 60 + breadth, column] = SEA[:, None] + 0.7 * np.exp(-(column - 100) / 25)
    p = piece(59.5, 124.5, 50, 10)
    strip = second_look._strip(patch.data, patch.valid, patch.valid, p)
    assert second_look._bow(strip, p) == 0
    patch.data[:, :, 151:] = patch.data[:, :, :49]  # the same without what goes on ahead: a bow
    strip = second_look._strip(patch.data, patch.valid, patch.valid, p)
    assert second_look._bow(strip, p) == 1


def test_a_shadow_is_none_and_a_dark_hull_with_a_deck_house_is_one():
    patch = sea()
    patch.data[:, 55:65, 100:150] = 0.3 * SEA[:, None, None]
    p = piece(59.5, 124.5, 50, 10)
    assert len(looked(patch, p)[0]) == 0
    patch.data[:, 56:64, 102:114] = 0.8
    assert len(looked(patch, p)[0]) == 1


def quay():
    """Land in the first 30 rows; the zone begins below."""
    patch = sea()
    patch.data[:, :30] = CONCRETE[:, None, None]
    inside = np.zeros(patch.shape, bool)
    inside[30:] = True
    return patch, inside


@pytest.mark.parametrize("colour,kept", [(YELLOW, 0), (CONCRETE, 1)])
def test_what_reaches_over_from_land_is_none(colour, kept):
    """A jib half of which is water; a hull bow to the quay, where beside its bow there is the same quay, stays."""
    patch, inside = quay()
    patch.data[:, 30:60, 100:108] = (0.5 * colour + 0.5 * SEA)[:, None, None]
    if not kept:
        patch.data[:, 15:30, 99:109] = colour[:, None, None]
    found, _ = looked(patch, piece(44.5, 103.5, 30, 8, np.pi / 2), inside)
    assert len(found) == kept


def test_hulls_side_by_side_are_parted():
    patch, inside = quay()
    for first in (31, 44):
        patch.data[:, first : first + 11, 60:130] = HULL[:, None, None]
    found, score = looked(patch, piece(42.5, 94.5, 70, 25), inside)
    assert sorted(found.row.round()) == [36, 49] and len(score) == 2
    assert found.width == pytest.approx([11, 11], abs=3)


def test_one_broad_hull_is_one():
    patch, inside = quay()
    patch.data[:, 31:55, 60:130] = HULL[:, None, None]
    assert len(looked(patch, piece(42.5, 94.5, 70, 24), inside)[0]) == 1


def test_without_water_beside_nothing_is_said():
    patch = sea(20, 30)
    p = piece(9.5, 14.5, 30, 20)
    found, score = looked(patch, p, np.zeros(patch.shape, bool))
    assert len(found) == 1 and score[0] == 0.7
