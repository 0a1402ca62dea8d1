import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rason.engine.errors import Refusal
from rason.engine.tiles import tiles


def test_nothing_to_walk_over():
    assert list(tiles((0, 0, 0, 10), 5, 1)) == []


@pytest.mark.parametrize("side, halo", [(0, 1), (-5, 1), (5, -1), (float("nan"), 1), (5, float("inf"))])
def test_impossible_tiles_are_refused(side, halo):
    with pytest.raises(Refusal, match="positive side"):
        list(tiles((0, 0, 10, 10), side, halo))


def test_one_tile_and_its_halo():
    (tile,) = tiles((0, 0, 10, 20), 20, 3)
    assert tile.core == (0, 0, 10, 20)
    assert tile.outer == (-3, -3, 13, 23)
    assert tile.owns([0, 10, 10.001], [0, 20, 5]).tolist() == [True, True, False]


def test_order_is_the_files():
    numbers = [(t.core[0], t.core[3]) for t in tiles((0, 0, 20, 20), 10, 0)]
    assert numbers == [(0, 20), (10, 20), (0, 10), (10, 10)]


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-1e6, 1e6),
    st.floats(-1e6, 1e6),
    st.floats(0.1, 900),
    st.floats(0.1, 900),
    st.floats(7, 300),
    st.integers(0, 2**31),
)
def test_every_point_has_one_owner(west, south, width, height, side, seed):
    bounds = (west, south, west + width, south + height)
    walk = list(tiles(bounds, side, 2.0))
    u, v = np.random.default_rng(seed).random((2, 200))
    edges = sorted({e for t in walk for e in (t.core[0], t.core[2])})
    x = np.concatenate([west + u * width, edges]).clip(bounds[0], bounds[2])
    y = np.concatenate([south + v * height, np.full(len(edges), bounds[3])]).clip(bounds[1], bounds[3])
    assert (sum(t.owns(x, y).astype(int) for t in walk) == 1).all()
    assert all(t.core[2] - t.core[0] <= side * (1 + 1e-6) for t in walk)
    assert [t.number for t in walk] == list(range(len(walk)))
