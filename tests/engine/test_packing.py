"""Choosing rectangles that do not overlap."""

import numpy as np

from rason.engine.detectors.packing import connected_to, groups, overlapping, pack


def pairs(*joined):
    """Index arrays of pairs."""
    return tuple(np.array(side, int) for side in zip(*joined)) if joined else (np.zeros(0, int),) * 2


def test_nothing_packs_to_nothing():
    none = overlapping(np.zeros((0, 2)), np.zeros((0, 2)), 0.1)
    assert pack(np.zeros(0), *none).shape == (0,)
    assert groups(0, *none).shape == (0,)


def test_overlap_is_of_the_smaller():
    low = np.array([[0.0, 0.0], [0.0, 0.0], [20.0, 0.0], [29.0, 0.0]])
    high = np.array([[10.0, 4.0], [5.0, 4.0], [30.0, 4.0], [39.0, 4.0]])
    assert [list(map(int, side)) for side in overlapping(low, high, 0.99)] == [[0], [1]]
    assert [list(map(int, side)) for side in overlapping(low, high, 0.05)] == [[0, 2], [1, 3]]


def test_two_small_ones_beat_one_larger_that_covers_both():
    chosen = pack(np.array([10.0, 6.0, 6.0]), *pairs((0, 1), (0, 2)))
    assert chosen.tolist() == [False, True, True]


def test_one_large_beats_two_that_weigh_less():
    chosen = pack(np.array([10.0, 4.0, 4.0]), *pairs((0, 1), (0, 2)))
    assert chosen.tolist() == [True, False, False]


def test_the_result_is_near_the_best_of_all_sets_of_rectangles():
    rng = np.random.default_rng(3)
    reached = []
    for _ in range(30):
        n = 10
        low = rng.uniform(0, 14, (n, 2))
        high = low + np.where(rng.random((n, 1)) < 0.5, (12.0, 2.5), (6.0, 2.5))
        weight = rng.uniform(0.2, 1, n) * np.prod(high - low, axis=1)
        i, j = overlapping(low, high, 0.15)
        conflicts = np.zeros((n, n), bool)
        conflicts[i, j] = conflicts[j, i] = True
        best = 0.0
        for bits in range(2**n):
            pick = np.array([bits >> i & 1 for i in range(n)], bool)
            if not conflicts[np.ix_(pick, pick)].any():
                best = max(best, weight[pick].sum())
        chosen = pack(weight, i, j)
        assert not conflicts[np.ix_(chosen, chosen)].any()
        reached.append(weight[chosen].sum() / best)
    assert min(reached) > 0.85 and np.mean(reached) > 0.98


def test_weak_ones_live_only_in_reach_of_a_seed():
    near = pairs((0, 1), (1, 2), (3, 4))
    assert connected_to(np.array([True, False, False, False, False]), *near).tolist() == [True, True, True, False, False]
    assert groups(5, *near).tolist() == [0, 0, 0, 1, 1]
