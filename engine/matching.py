"""Which rectangle of one set is which of another: two epochs, or detections and truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from .rectangles import iou

# Cost of a pair: 1 - IoU + 0.5 distance / gate + 0.3 relative difference in length; the sum of the three at their worst.
_DISTANCE, _LENGTH = 0.5, 0.3
_WORST = 1.0 + _DISTANCE + _LENGTH


def match(first: np.ndarray, second: np.ndarray, *, sigma_m: float = 0.0, gate_m: Any = None) -> tuple[np.ndarray, ...]:
    """Best one-to-one pairs of rectangles (N, 5) and (M, 5): indices i, j (P, i ascending), centre distances in metres (P).

    A pair is possible up to the gate: half the larger of the two widths, or 3 sigma_m (standard deviation of what is left of
    the registration error) where that is more; or gate_m, one number or one for each of ``first``, which points (length and
    width 0) need. Among the possible pairs the set with the least total cost is chosen, where leaving a pair's two members
    alone costs as much as the worst pair: so a good pair is never torn to make two poor ones.

    Components of the possible pairs are solved exactly by the Hungarian method (Kuhn 1955).
    """
    i, j, distance, gate = _possible(first, second, sigma_m, gate_m)
    if not len(i):
        return i, j, distance
    gain = _WORST - _cost(first[i], second[j], distance, gate)
    chosen = solve(i, j, gain, len(first), len(second))
    chosen = chosen[np.argsort(i[chosen])]
    return i[chosen], j[chosen], distance[chosen]


def _possible(first: np.ndarray, second: np.ndarray, sigma_m: float, gate_m: Any) -> tuple[np.ndarray, ...]:
    """Pairs i, j within the gate, their distances and gates."""
    from scipy.spatial import cKDTree

    if not len(first) or not len(second):
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0), np.zeros(0)
    if gate_m is None:
        reach_first = np.maximum(first[:, 3] / 2, 3 * sigma_m)
        reach_second = np.maximum(second[:, 3] / 2, 3 * sigma_m)
    else:
        reach_first = np.broadcast_to(np.asarray(gate_m, float), len(first))
        reach_second = np.zeros(len(second))
    trees = cKDTree(first[:, :2]), cKDTree(second[:, :2])
    # Asked from both sides: the gate is the larger of the two reaches.
    forward = trees[1].query_ball_point(first[:, :2], reach_first)
    backward = trees[0].query_ball_point(second[:, :2], reach_second)
    i = np.concatenate([np.repeat(np.arange(len(first)), [len(f) for f in forward]), *backward]).astype(int)
    j = np.concatenate([*forward, np.repeat(np.arange(len(second)), [len(b) for b in backward])]).astype(int)
    i, j = np.unique(np.stack([i, j]), axis=1)
    gate = np.maximum(reach_first[i], reach_second[j])
    distance = np.hypot(*(first[i, :2] - second[j, :2]).T)
    near = distance <= gate
    return i[near], j[near], distance[near], gate[near]


def _cost(a: np.ndarray, b: np.ndarray, distance: np.ndarray, gate: np.ndarray) -> np.ndarray:
    """Cost (P) of pairs; points have no length to differ in."""
    longer = np.maximum(a[:, 2], b[:, 2])
    both = (a[:, 2] > 0) & (b[:, 2] > 0)
    difference = np.divide(np.abs(a[:, 2] - b[:, 2]), longer, out=np.zeros_like(longer), where=both)
    away = np.divide(distance, gate, out=np.zeros_like(distance), where=gate > 0)
    return 1 - iou(a, b) + _DISTANCE * away + _LENGTH * difference


def solve(i: np.ndarray, j: np.ndarray, gain: np.ndarray, n: int, m: int) -> np.ndarray:
    """Numbers of the pairs whose sum of gains is largest, each i and j used once."""
    from scipy.optimize import linear_sum_assignment
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(i)), (i, n + j)), shape=(n + m, n + m))
    component = connected_components(graph, directed=False)[1][i]
    order = np.argsort(component, kind="stable")
    chosen = []
    for pairs in np.split(order, np.flatnonzero(np.diff(component[order])) + 1):
        if len(pairs) == 1:
            chosen.append(pairs)
            continue
        rows, row = np.unique(i[pairs], return_inverse=True)
        columns, column = np.unique(j[pairs], return_inverse=True)
        table, number = np.zeros((len(rows), len(columns))), np.full((len(rows), len(columns)), -1)
        table[row, column], number[row, column] = gain[pairs] + 1e-9, pairs
        best = number[linear_sum_assignment(table, maximize=True)]
        chosen.append(best[best >= 0])
    return np.concatenate(chosen)
