"""Outlines scored for every position at once: against a plain, slow calculation."""

import numpy as np

from rason.engine.detectors.box_scores import WHOLE, Edges, rectangle_scores, round_about, upright
from rason.engine.scene import ArrayScene

PIXEL_M = 0.25


def plain(across_columns, across_rows, row, column, rows, columns):
    """The score of one rectangle as its definition says."""
    margin = 3
    lines = across_columns[row : row + rows].mean(0)
    left, right = lines[column], lines[column + columns - 1]
    lying = across_rows[:, column : column + columns].mean(1)
    top, bottom = lying[row], lying[row + rows - 1]
    inner = max(
        lines[column + margin : column + margin + max(1, columns - 2 * margin)].max(),
        lying[row + margin : row + margin + max(1, rows - 2 * margin)].max(),
    )
    sides = (left, right, top, bottom)
    return 0.5 * (sum(sides) / 4 + min(sides)) / 255 - 0.5 * inner / 255


def test_scores_are_what_their_definition_says():
    rng = np.random.default_rng(2)
    across_columns, across_rows = rng.integers(0, 256, (2, 40, 70)).astype(np.uint8)
    score = rectangle_scores(Edges(across_columns, across_rows, (across_columns, across_rows), PIXEL_M), 9, 24) / WHOLE
    assert score.shape == (32, 47)
    for row, column in ((0, 0), (31, 46), (10, 20), (25, 3)):
        assert abs(score[row, column] - plain(across_columns, across_rows, row, column, 9, 24)) < 0.02


def test_a_rectangle_larger_than_the_picture_has_no_place():
    flat = np.zeros((2, 8, 30), np.uint8)
    assert rectangle_scores(Edges(*flat, tuple(flat), PIXEL_M), 9, 24).size == 0


def test_a_turned_picture_knows_where_its_pixels_lie():
    colour = np.zeros((3, 200, 200), np.uint8)
    colour[:, 100:104, 60:64] = 250
    patch = ArrayScene(colour / 200.0, 0.3, x0=500000.0, y0=4000000.0).read((500000, 4000000 - 60, 500060, 4000000))
    mine = np.zeros((200, 200), bool)
    mine[80:120, 40:90] = True
    view = upright(colour, patch, mine, 30.0, PIXEL_M, *round_about(patch, mine, 30.0, 2.0))
    row, column = (int(v.mean()) for v in np.nonzero(view.rgb[0] > 200))
    assert np.abs(np.array(view.to_frame(column, row)) - (500000 + 62 * 0.3, 4000000 - 102 * 0.3)).max() < 0.3
    assert view.mine.any() and not view.mine.all() and view.valid.all()


def test_aisles_are_left_out_and_places_stay_true():
    colour = np.zeros((3, 200, 200), np.uint8)
    patch = ArrayScene(colour / 200.0, 0.3, y0=60.0).read((0, 0, 60, 60))
    mine = np.zeros((200, 200), bool)
    mine[10:30, 10:190] = mine[150:170, 10:190] = True
    whole = upright(colour, patch, mine, 90.0, PIXEL_M, *round_about(patch, mine, 90.0, 1.0))
    view = whole.without_aisles(6)
    assert view.mine.sum() == whole.mine.sum() and view.mine.shape[0] < 0.4 * whole.mine.shape[0]
    row, column = np.nonzero(view.mine)
    x, y = view.to_frame(column, row)
    c, r = (np.round(v).astype(int) for v in patch.to_pixel(x, y))
    assert mine[r, c].mean() > 0.97
