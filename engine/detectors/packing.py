"""Choosing, among overlapping rectangles, the set that does not overlap and weighs most."""

from __future__ import annotations

import numpy as np

ROUNDS = 6  # exchanges settle after two or three rounds
CHUNK = 256  # rectangles whose pairs are looked for at once
PARTNERS = 6  # a pair is sought among neighbours in order of weight; further ones are too light


def near(low: np.ndarray, high: np.ndarray, reach: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs i < j of upright rectangles, by their corners (n, 2) and (n, 2), whose gaps along both axes are below a reach, and
    these gaps (pairs, 2), negative where the two share something."""
    order = np.argsort(low[:, 1], kind="stable")
    low, high = (corners[order].astype(np.float32) for corners in (low, high))
    beyond = high + np.float32(reach)
    until = np.searchsorted(low[:, 1], beyond[:, 1])  # what begins beyond the end of a rectangle is not near it
    parts = [np.zeros((2, 0), int)]
    for first in range(0, len(low), CHUNK):
        mine = slice(first, first + CHUNK)
        others = slice(first, int(until[mine].max()))
        close = low[None, others, 1] < beyond[mine, None, 1]
        close &= low[None, others, 0] < beyond[mine, None, 0]
        close &= low[mine, None, 0] < beyond[None, others, 0]
        i, j = np.divmod(np.flatnonzero(close), close.shape[1])  # several times faster than nonzero
        parts.append(np.stack([i, j])[:, i < j] + first)
    i, j = np.concatenate(parts, 1)
    gap = np.maximum(low[i], low[j]) - np.minimum(high[i], high[j])
    i, j = np.sort(np.stack([order[i], order[j]]), 0)
    return i, j, gap


def overlapping(low: np.ndarray, high: np.ndarray, above: float) -> tuple[np.ndarray, np.ndarray]:
    """Pairs i < j of upright rectangles, by their corners (n, 2) and (n, 2), that share more than this part of the smaller."""
    i, j, gap = near(low, high, 0.0)
    area = (high - low).prod(1)
    much = gap.prod(1) > above * np.minimum(area[i], area[j])
    return i[much], j[much]


def pack(weights: np.ndarray, i: np.ndarray, j: np.ndarray, rounds: int = ROUNDS) -> np.ndarray:
    """Bool (n,): a set without conflicts (pairs i < j) of large total weight.

    Weighted set packing: greedy, then at most so many rounds of exchanges of two for one until nothing improves. (One for
    several cannot improve on greedy, which has taken the heaviest of each conflict.)
    """
    n = len(weights)
    a, b = np.concatenate([i, j]), np.concatenate([j, i])
    order = np.argsort(a, kind="stable")
    a, b = a[order], b[order]
    first = np.searchsorted(a, np.arange(n + 1)).tolist()
    chosen, blocked = np.zeros(n, bool), np.zeros(n, bool)
    for k in np.argsort(-weights, kind="stable").tolist():
        if not blocked[k]:
            chosen[k] = True
            blocked[b[first[k] : first[k + 1]]] = True
    clashes = np.sort(i * n + j)
    for _ in range(rounds):
        changed = False
        for one, *two in _two_for_one(chosen, weights, a, b, clashes):
            if chosen[one] and all(chosen[b[first[k] : first[k + 1]]].sum() == 1 for k in two):
                chosen[[one, *two]] = False, True, True
                changed = True
        if not changed:
            break
    return chosen


def _two_for_one(
    chosen: np.ndarray, weights: np.ndarray, a: np.ndarray, b: np.ndarray, clashes: np.ndarray
) -> list[list[int]]:
    """For each chosen one the heaviest two that it alone keeps out, where these weigh more and do not exclude each other.

    a, b: conflicts, each both ways. clashes: sorted keys i * n + j of the conflicts i < j.
    """
    n = len(weights)
    by_chosen = chosen[b]
    out, by = a[by_chosen], b[by_chosen]
    lonely = np.bincount(out, minlength=n)[out] == 1
    out, by = out[lonely], by[lonely]
    order = np.lexsort((-weights[out], by))
    out, by = out[order], by[order]
    exchanges = []
    for apart in range(1, PARTNERS):
        same = by[apart:] == by[:-apart]
        one, first, second = by[apart:][same], out[:-apart][same], out[apart:][same]
        key = np.minimum(first, second) * n + np.maximum(first, second)
        place = np.minimum(np.searchsorted(clashes, key), len(clashes) - 1)
        gain = weights[first] + weights[second] - weights[one]
        good = (gain > 0) & (clashes[place] != key)
        exchanges.append(np.stack([gain, one, first, second], 1)[good])
    together = np.concatenate(exchanges)
    together = together[np.argsort(-together[:, 0], kind="stable")]
    _, best = np.unique(together[:, 1], return_index=True)
    return together[np.sort(best), 1:].astype(int).tolist()


def connected_to(seeds: np.ndarray, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Bool (n,): what can be reached from the seeds (n,) over pairs of neighbours."""
    group = groups(len(seeds), i, j)
    return np.isin(group, group[seeds])


def groups(n: int, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Number (n,) of the group that each of n things belongs to, joined in pairs."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    joined = coo_matrix((np.ones(len(i), bool), (i, j)), shape=(n, n))
    return connected_components(joined, directed=False)[1] if n else np.zeros(0, int)
