"""Outlines scored for every position at once: against a plain, slow calculation."""

import numpy as np

from rason.engine.detectors.box_scores import WHOLE, Edges, round_about, upright
from rason.engine.detectors.ground import MINE, VALID
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


def random_edges(filled=None):
    """Evidence without any order."""
    across_columns, across_rows = np.random.default_rng(2).integers(0, 256, (2, 40, 70)).astype(np.uint8)
    raised = np.ones((40, 70), bool) if filled is None else filled
    return Edges(across_columns, across_rows, (across_columns, across_rows), raised, PIXEL_M)


def test_scores_are_what_their_definition_says():
    found = random_edges()
    lying, standing = found.lying.scores(24, 9, 0.8) / WHOLE, found.standing.scores(24, 9, 0.8) / WHOLE
    assert lying.shape == (47, 32) and standing.shape == (17, 62)
    for row, column in ((0, 0), (16, 20), (10, 20), (13, 3)):
        plainly = plain(found.across_columns, found.across_rows, row, column, 9, 24)
        assert abs(lying[column, row] - plainly) < 0.02
        plainly = plain(found.across_columns, found.across_rows, row, column, 24, 9)
        assert abs(standing[row, column] - plainly) < 0.02


def test_what_is_mostly_ground_scores_nothing():
    half = np.ones((40, 70), bool)
    half[:, 35:] = False
    score = random_edges(half).lying.scores(24, 9, 0.8)
    assert not score[20:].any() and score[:11].any()


def test_every_third_row_is_a_part_of_all():
    found = random_edges().standing
    assert np.array_equal(found.scores(24, 9, 0.8, 3), found.scores(24, 9, 0.8)[::3])
    row, column, score = found.places(24, 9, 0.8, -WHOLE, 3)
    assert len(row) and not (row % 3).any() and np.array_equal(score, found.scores(24, 9, 0.8)[row, column])


def test_a_small_turn_moves_lines_as_a_new_picture_would():
    line = np.zeros((101, 101), np.uint8)
    at = np.arange(101)
    line[at, np.rint(50 - np.tan(np.radians(2.0)) * (at - 50)).astype(int)] = 255
    metres = (at - 50) * PIXEL_M
    upright_line = Edges(line, line, (line, line), line > 0, PIXEL_M).turned(2.0, metres, metres).across_columns
    assert (upright_line[:, 50] > 0).mean() > 0.95


def test_a_rectangle_larger_than_the_picture_has_no_place():
    flat = np.zeros((2, 8, 30), np.uint8)
    found = Edges(*flat, tuple(flat), flat[0] > 0, PIXEL_M)
    assert found.lying.scores(24, 9, 0.8).size == 0 and len(found.lying.places(24, 9, 0.8, 0, 3)[0]) == 0


def test_a_turned_picture_knows_where_its_pixels_lie():
    colour = np.zeros((3, 200, 200), np.uint8)
    colour[:, 100:104, 60:64] = 250
    patch = ArrayScene(colour / 200.0, 0.3, x0=500000.0, y0=4000000.0).read((500000, 4000000 - 60, 500060, 4000000))
    mine = np.zeros((200, 200), bool)
    mine[80:120, 40:90] = True
    view = upright(colour, patch, mine, 30.0, PIXEL_M, *round_about(patch, mine, 30.0, 2.0))
    row, column = (int(v.mean()) for v in np.nonzero(view.rgb[0] > 200))
    assert np.abs(np.array(view.to_frame(column, row)) - (500000 + 62 * 0.3, 4000000 - 102 * 0.3)).max() < 0.3
    assert view.are(MINE).any() and not view.are(MINE).all() and view.are(VALID).all()


def test_aisles_are_left_out_and_places_stay_true():
    colour = np.zeros((3, 200, 200), np.uint8)
    patch = ArrayScene(colour / 200.0, 0.3, y0=60.0).read((0, 0, 60, 60))
    mine = np.zeros((200, 200), bool)
    mine[10:30, 10:190] = mine[150:170, 10:190] = True
    whole = upright(colour, patch, mine, 90.0, PIXEL_M, *round_about(patch, mine, 90.0, 1.0))
    view = whole.without_aisles(6)
    assert view.are(MINE).sum() == whole.are(MINE).sum() and view.kinds.shape[0] < 0.4 * whole.kinds.shape[0]
    row, column = np.nonzero(view.are(MINE))
    x, y = view.to_frame(column, row)
    c, r = (np.round(v).astype(int) for v in patch.to_pixel(x, y))
    assert mine[r, c].mean() > 0.97
