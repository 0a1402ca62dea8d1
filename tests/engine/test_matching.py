from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rason.engine.matching import match
from rason.engine.rectangles import iou, stack

NONE = np.zeros((0, 5))


def test_nothing():
    some = stack([0, 5], 0, 12, 2.4, 30)
    for a, b in [(NONE, NONE), (some, NONE), (NONE, some)]:
        i, j, distance = match(a, b)
        assert len(i) == len(j) == len(distance) == 0


def brute_force(a, b, gate):
    """Largest sum of gains over all ways to pair."""
    if len(a) > len(b):
        return brute_force(b, a, gate.T)
    best = 0.0
    for order in permutations(range(len(b)), len(a)):
        total = 0.0
        for k, o in enumerate(order):
            d = np.hypot(*(a[k, :2] - b[o, :2]))
            if d <= gate[k, o]:
                length = abs(a[k, 2] - b[o, 2]) / max(a[k, 2], b[o, 2])
                total += 1.8 - (1 - iou(a[k], b[o])[0] + 0.5 * d / gate[k, o] + 0.3 * length)
        best = max(best, total)
    return best


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**31), st.sampled_from([0.0, 0.5, 1.5]))
def test_against_brute_force(n, m, seed, sigma):
    rng = np.random.default_rng(seed)

    def draw(k):
        return stack(*rng.uniform(0, 5, (2, k)), rng.uniform(4, 13, k), rng.uniform(2, 4, k), rng.uniform(0, 180, k))

    a, b = draw(n), draw(m)
    gate = np.maximum(np.maximum(a[:, None, 3], b[:, 3]) / 2, 3 * sigma)
    i, j, distance = match(a, b, sigma_m=sigma)
    assert len(set(i)) == len(i) and len(set(j)) == len(j) and (np.diff(i) > 0).all()
    assert np.allclose(distance, np.hypot(*(a[i, :2] - b[j, :2]).T))
    assert (distance <= gate[i, j]).all()
    length = np.abs(a[i, 2] - b[j, 2]) / np.maximum(a[i, 2], b[j, 2])
    gain = 1.8 - (1 - iou(a[i], b[j]) + 0.5 * distance / gate[i, j] + 0.3 * length)
    assert gain.sum() == pytest.approx(brute_force(a, b, gate), abs=1e-6)


def test_a_perfect_pair_is_not_torn_for_two_poor_ones():
    before = stack([0.0, 1.2], 0, 12, 2.4, 0)  # the second left
    after = stack([-1.2, 0.0], 0, 12, 2.4, 0)  # the first is new
    i, j, distance = match(before, after)
    assert (i.tolist(), j.tolist(), distance.tolist()) == ([0], [1], [0])


def test_packed_rows_shifted_by_the_registration_error_keep_their_partners():
    rng = np.random.default_rng(4)
    a = stack(np.arange(40) * 2.64, 0, 12.19, 2.44, 0)
    b = a + np.column_stack([rng.normal(0, 0.3, (40, 2)), np.zeros((40, 3))])
    b = b[rng.permutation(40)[:33]]
    i, j, _ = match(a, b, sigma_m=0.4)
    assert len(i) == 33
    assert (np.abs(a[i, 0] - b[j, 0]) < 1.3).all()


def test_points_by_distance():
    a = stack([0, 10, 20], 0, 0, 0, 0)
    b = stack([11, 0.5, 26], 0, 0, 0, 0)
    i, j, distance = match(a, b, gate_m=3.0)
    assert i.tolist() == [0, 1] and j.tolist() == [1, 0] and distance.tolist() == [0.5, 1.0]
    assert len(match(a, b)[0]) == 0
    assert match(a, b, gate_m=[0.1, 3, 9])[0].tolist() == [1, 2]


def test_points_against_boxes():
    i, j, _ = match(stack([0.5], 0.5, 0, 0, 0), stack([0, 3], 0, 12, 3, 90))
    assert (i.tolist(), j.tolist()) == ([0], [0])
