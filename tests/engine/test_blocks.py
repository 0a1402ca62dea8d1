"""Where in a patch boxes may stand, and which way they point."""

import numpy as np
import pytest

from rason.engine.detectors.blocks import blocks_of, spread

GSD = 0.3


def scene(*things, side=300):
    """Bytes, raised and bare of grey ground with bright rectangles (x, y, length, width in metres, degrees)."""
    y, x = np.mgrid[0:side, 0:side] * GSD
    cover = np.zeros((side, side))
    for cx, cy, length, width, turn in things:
        s, c = np.sin(np.radians(turn)), np.cos(np.radians(turn))
        u, v = (x - cx) * s - (y - cy) * c, (x - cx) * c + (y - cy) * s  # rows grow to the south
        ends, sides = ((size / 2 - abs(w)) / GSD + 0.5 for size, w in ((length, u), (width, v)))
        cover = np.maximum(cover, np.clip(ends, 0, 1) * np.clip(sides, 0, 1))
    raised = cover > 0.5
    colour = (90 + 110 * cover).astype(np.uint8) + np.random.default_rng(0).integers(0, 5, raised.shape).astype(np.uint8)
    return np.stack([colour] * 3), raised, ~raised, GSD


def test_bare_ground_and_crumbs_hold_no_block():
    assert blocks_of(*scene()) == ([], 0.0)
    assert blocks_of(*scene((40, 40, 2.0, 2.0, 0)))[0] == []


@pytest.mark.parametrize("turn", [0.0, 12.3, 45.0, 89.0])
def test_a_block_points_as_its_edges_do(turn):
    (block,), clear = blocks_of(*scene((45, 45, 30, 12, turn)))
    off = (block.axis_deg - turn + 45) % 90 - 45
    assert abs(off) < 0.5 and block.clear == clear > 4 and block.mine[150, 150]


def test_blocks_skewed_by_three_degrees_are_told_apart():
    found, _ = blocks_of(*scene((25, 45, 30, 12, 10.0), (70, 45, 30, 12, 13.0)))
    assert sorted(round(block.axis_deg) for block in found) == [10, 13]
    assert not (found[0].mine & found[1].mine).any()


def test_spreading_reaches_the_diagonal_too():
    mask = np.zeros((7, 7), bool)
    mask[3, 3] = True
    assert spread(mask, 2).sum() == 25 and spread(mask, 0).sum() == 1
