"""Choosing, among overlapping rectangles, the set that does not overlap and weighs most."""

from __future__ import annotations

import numpy as np

ROUNDS = 6  # exchanges settle after two or three rounds


def overlap(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Intersection over the smaller area (n, n) of upright rectangles given by their corners (n, 2) and (n, 2)."""
    low, high = low.astype(np.float32), high.astype(np.float32)
    common = np.ones((len(low), len(low)), np.float32)
    for axis in (0, 1):
        inner = np.minimum.outer(high[:, axis], high[:, axis])
        inner -= np.maximum.outer(low[:, axis], low[:, axis])
        common *= np.maximum(inner, 0.0, out=inner)
    area = np.prod(high - low, axis=1)
    return common / np.minimum.outer(area, area)


def pack(weights: np.ndarray, conflicts: np.ndarray) -> np.ndarray:
    """Bool (n,): a set without conflicts (n, n bool) of large total weight.

    Weighted set packing: greedy, then exchanges of one for several and of two for one until nothing improves.
    """
    conflicts = conflicts & ~np.eye(len(weights), dtype=bool)
    chosen = np.zeros(len(weights), bool)
    order = np.argsort(-weights, kind="stable")
    for i in order:
        if not np.any(conflicts[i] & chosen):
            chosen[i] = True
    for _ in range(ROUNDS):
        before = chosen.copy()
        _one_for_several(chosen, weights, conflicts, order)
        _two_for_one(chosen, weights, conflicts)
        if np.array_equal(before, chosen):
            break
    return chosen


def _one_for_several(chosen: np.ndarray, weights: np.ndarray, conflicts: np.ndarray, order: np.ndarray) -> None:
    for i in order:
        if not chosen[i]:
            out = conflicts[i] & chosen
            if weights[i] > weights[out].sum():
                chosen[out] = False
                chosen[i] = True


def _two_for_one(chosen: np.ndarray, weights: np.ndarray, conflicts: np.ndarray) -> None:
    in_the_way = conflicts[:, chosen].sum(1)
    for i in np.flatnonzero(chosen):
        only_i = np.flatnonzero(~chosen & (in_the_way == 1) & conflicts[i])
        if len(only_i) < 2:
            continue
        pair = np.where(conflicts[np.ix_(only_i, only_i)], -np.inf, weights[only_i][:, None] + weights[only_i][None])
        np.fill_diagonal(pair, -np.inf)
        a, b = only_i[list(np.unravel_index(int(pair.argmax()), pair.shape))]
        if pair.max() > weights[i]:
            chosen[i] = False
            chosen[[a, b]] = True
            in_the_way += conflicts[a].astype(int) + conflicts[b] - conflicts[i]


def connected_to(seeds: np.ndarray, neighbours: np.ndarray) -> np.ndarray:
    """Bool (n,): what can be reached from the seeds (n,) over the neighbour relation (n, n)."""
    reached = seeds.copy()
    while True:
        grown = reached | neighbours[:, reached].any(1)
        if np.array_equal(grown, reached):
            return reached
        reached = grown
