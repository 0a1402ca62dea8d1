"""The explicit-duration model against an exhaustive search, and its edges."""

import numpy as np
import pytest

from rason.engine.detectors.segments import LengthModel, segment

SMALL = LengthModel(median_m=3, sd_log=0.4, shortest_m=2, longest_m=5, thin_above_m=10, spacing_m=6)


def exhaustive(occupied, joint, model):
    """Best segments by trying all, with the model written out anew: (start, stop, cut) triples."""
    n = len(occupied)
    lengths, log_length = model.log_lengths(1.0)
    longer = np.array([1.0] * lengths[0] + [np.exp(log_length)[lengths >= k].sum() for k in lengths])
    start, stay = np.log(1 / model.spacing_m), np.log(1 - 1 / model.spacing_m)
    follow, leave = np.log(model.follow), np.log(1 - model.follow)
    best = [-np.inf, None]

    def keep(score, found):
        if score > best[0]:
            best[:] = score, found

    def go(j, wagon_before, score, found):
        if j == n:
            return keep(score + (leave if wagon_before else 0), found)
        go(j + 1, False, score + stay + (leave if wagon_before else 0), found)
        begun = score + (follow + joint[j] if wagon_before else start)
        for length, log_p in zip(lengths, log_length):
            if j + length <= n:
                go(j + length, True, begun + log_p + occupied[j : j + length].sum(), [*found, (j, j + length, False)])
        if n - j < len(longer):
            keep(begun + occupied[j:].sum() + np.log(longer[n - j]), [*found, (j, n, True)])
        return None

    go(0, False, np.log(1 - model.occupied), [])
    for k in range(1, min(n, len(longer) - 1) + 1):
        rest = np.log(longer[k] / longer.sum())
        go(k, True, np.log(model.occupied) + occupied[:k].sum() + rest, [(0, k, True)])
    if n < len(longer):
        keep(np.log(model.occupied) + occupied.sum() + np.log(longer[n:].sum() / longer.sum()), [(0, n, True)])
    return best[1]


def triples(found):
    return [(int(a), int(b), bool(c)) for a, b, c in zip(found.start, found.stop, found.cut)]


def test_nothing_and_a_single_step():
    assert len(segment(np.zeros(0), np.zeros(1), 0.5)) == 0
    assert len(segment(np.array([-3.0]), np.zeros(2), 0.5)) == 0
    assert triples(segment(np.array([3.0]), np.zeros(2), 0.5)) == [(0, 1, True)]


def test_empty_track_stays_empty():
    assert len(segment(np.full(2000, -0.3), np.full(2001, 5.0), 0.25)) == 0


@pytest.mark.parametrize("seed", range(40))
def test_the_best_sequence_is_found(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 12))
    occupied, joint = rng.normal(0, 2, n), rng.normal(0, 2, n + 1)
    assert triples(segment(occupied, joint, 1.0, SMALL)) == exhaustive(occupied, joint, SMALL)


def test_a_rake_is_cut_at_its_joints():
    occupied = np.full(400, -1.0)
    occupied[100:280] = 1.0
    joint = np.full(401, -5.0)
    joint[[160, 220]] = 5.0
    assert triples(segment(occupied, joint, 0.25)) == [(100, 160, False), (160, 220, False), (220, 280, False)]


def test_wagons_across_the_ends_are_cut():
    occupied = np.full(400, -1.0)
    occupied[:30] = occupied[370:] = 1.0
    assert triples(segment(occupied, np.full(401, -5.0), 0.25)) == [(0, 30, True), (370, 400, True)]


def test_a_merged_pair_is_thinned():
    free = LengthModel(thin_above_m=99)
    occupied = np.full(300, -1.0)
    occupied[100:200] = 1.0  # 25 m with a faint joint in its middle
    joint = np.full(301, -3.0)
    joint[150] = -1.0
    assert len(segment(occupied, joint, 0.25, free)) == 1
    assert len(segment(occupied, joint, 0.25)) == 2
