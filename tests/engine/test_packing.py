"""Choosing rectangles that do not overlap."""

import numpy as np

from rason.engine.detectors.packing import connected_to, overlap, pack


def test_nothing_packs_to_nothing():
    assert pack(np.zeros(0), np.zeros((0, 0), bool)).shape == (0,)


def test_overlap_is_of_the_smaller():
    low = np.array([[0.0, 0.0], [0.0, 0.0], [20.0, 0.0]])
    high = np.array([[10.0, 4.0], [5.0, 4.0], [30.0, 4.0]])
    share = overlap(low, high)
    assert share[0, 1] == share[1, 0] == 1 and share[0, 2] == 0


def line(n, pairs):
    conflicts = np.zeros((n, n), bool)
    for a, b in pairs:
        conflicts[a, b] = conflicts[b, a] = True
    return conflicts


def test_two_small_ones_beat_one_larger_that_covers_both():
    chosen = pack(np.array([10.0, 6.0, 6.0]), line(3, [(0, 1), (0, 2)]))
    assert chosen.tolist() == [False, True, True]


def test_one_large_beats_two_that_weigh_less():
    chosen = pack(np.array([10.0, 4.0, 4.0]), line(3, [(0, 1), (0, 2)]))
    assert chosen.tolist() == [True, False, False]


def test_the_result_is_near_the_best_of_all_sets_of_rectangles():
    rng = np.random.default_rng(3)
    reached = []
    for _ in range(30):
        n = 10
        low = rng.uniform(0, 14, (n, 2))
        high = low + np.where(rng.random((n, 1)) < 0.5, (12.0, 2.5), (6.0, 2.5))
        weight = rng.uniform(0.2, 1, n) * np.prod(high - low, axis=1)
        conflicts = (overlap(low, high) > 0.15) & ~np.eye(n, dtype=bool)
        best = 0.0
        for bits in range(2**n):
            pick = np.array([bits >> i & 1 for i in range(n)], bool)
            if not conflicts[np.ix_(pick, pick)].any():
                best = max(best, weight[pick].sum())
        chosen = pack(weight, conflicts)
        assert not conflicts[np.ix_(chosen, chosen)].any()
        reached.append(weight[chosen].sum() / best)
    assert min(reached) > 0.85 and np.mean(reached) > 0.98


def test_weak_ones_live_only_in_reach_of_a_seed():
    near = line(5, [(0, 1), (1, 2), (3, 4)])
    assert connected_to(np.array([True, False, False, False, False]), near).tolist() == [True, True, True, False, False]
