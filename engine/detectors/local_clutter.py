"""How bright and how rough the sea is, block by block, and what exceeds it with a given probability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .clutter import KLaw

BLOCK_PX = 192
LEAST_PX = 200  # of sea in a whole window: fewer say nothing about it
_CUT = 1e-2  # share of the sea that is cut off with the ships; the law is fitted to the rest
_FIRST_CUT = 6.0  # multiple of the median, until the cut is known
_ROW_STEP = 4  # neighbouring rows say nearly the same, as the impulse response spans two pixels or more
_POOL = 2  # blocks on each side over which roughness is pooled


@dataclass(frozen=True)
class LocalClutter:
    """K clutter of unit mean ``law``, with mean and texture shape (rows, columns) of the blocks of a window.

    edges: rows and columns where the blocks begin, and the end.
    """

    law: KLaw
    mean: np.ndarray
    nu: np.ndarray
    edges: tuple[np.ndarray, np.ndarray]

    @classmethod
    def measure(cls, intensity: np.ndarray, sea: np.ndarray, law: KLaw) -> LocalClutter | None:
        """From a window's sea pixels, every fourth row: truncated statistics, which ships and their sidelobes hardly move.

        None where there is too little sea.
        """
        edges = _edges(sea.shape[0]), _edges(sea.shape[1])
        values = [[intensity[w][sea[w]] for w in row] for row in _windows(edges)]
        n = np.array([[v.size for v in row] for row in values])
        if n.sum() < LEAST_PX:
            return None
        limit = np.array([[_first_limit(v) for v in row] for row in values])
        for _ in range(2):
            mean, ratio = _moments(values, limit)
            ratio = _pooled(ratio, n * (n > 16), _POOL)
            level, nu = (a.reshape(n.shape) for a in law.fit(limit.ravel(), mean.ravel(), ratio.ravel()))
            limit = np.maximum(level * law.threshold(_CUT, nu), 1e-30)
        # Slivers of sea borrow from their neighbours.
        lent = _pooled(level, n, 1)
        share = np.clip(n / 500.0, 0, 1)
        return cls(law, np.where(np.isfinite(level), share * level + (1 - share) * lent, lent), nu, edges)

    def above(self, intensity: np.ndarray, sea: np.ndarray, pfa: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sea pixels that clutter reaches with probability ``pfa``: rows, columns, how many times the threshold they reach.

        The threshold is bilinear between the blocks.
        """
        grid = np.log(self.mean * self.law.threshold(pfa, self.nu))
        least = np.exp(_lowest_around(grid))
        down, across = self.edges
        width, hits = intensity.shape[1], []
        for top, bottom, row in zip(down, down[1:], least):
            strip = intensity[top:bottom] > np.repeat(row, np.diff(across)).astype(np.float32)
            hits.append(np.flatnonzero(strip) + top * width)
        r, c = np.divmod(np.concatenate(hits), width)
        kept = sea[r, c]
        r, c = r[kept], c[kept]
        times = intensity[r, c] / np.exp(self._between(grid, r, c))
        kept = times > 1
        return r[kept], c[kept], times[kept]

    def times(self, intensity: np.ndarray, rows: Any, columns: Any, pfa: float) -> np.ndarray:
        """How many times the threshold of ``pfa`` some pixels reach."""
        return intensity[rows, columns] / np.exp(
            self._between(np.log(self.mean * self.law.threshold(pfa, self.nu)), rows, columns)
        )

    def level(self, rows: Any, columns: Any) -> np.ndarray:
        """Mean of the sea at pixels."""
        return np.exp(self._between(np.log(self.mean), rows, columns))

    def _between(self, grid: np.ndarray, rows: Any, columns: Any) -> np.ndarray:
        """Bilinear interpolation of block values at pixels."""
        (i, u), (j, v) = (_place(e, at) for e, at in zip(self.edges, (rows, columns)))
        i1, j1 = np.minimum(i + 1, grid.shape[0] - 1), np.minimum(j + 1, grid.shape[1] - 1)
        return (1 - u) * ((1 - v) * grid[i, j] + v * grid[i, j1]) + u * ((1 - v) * grid[i1, j] + v * grid[i1, j1])


def _edges(pixels: int) -> np.ndarray:
    return np.linspace(0, pixels, max(1, round(pixels / BLOCK_PX)) + 1).astype(int)


def _windows(edges: tuple[np.ndarray, np.ndarray]) -> list[list[tuple[slice, slice]]]:
    """The blocks, every _ROW_STEP-th row of them."""
    down, across = edges
    return [[(slice(a, b, _ROW_STEP), slice(c, d)) for c, d in zip(across, across[1:])] for a, b in zip(down, down[1:])]


def _place(edges: np.ndarray, at: Any) -> tuple[np.ndarray, np.ndarray]:
    """Block whose centre lies before a pixel, and how far on towards the next centre it lies, 0..1."""
    centres = (edges[:-1] + edges[1:] - 1) / 2
    place = np.interp(at, centres, np.arange(len(centres)))
    return place.astype(int), place - place.astype(int)


def _first_limit(v: np.ndarray) -> float:
    """A multiple of the median, of a thousand pixels or so."""
    v = v[:: max(1, v.size // 1000)]
    middle = float(np.partition(v, v.size // 2)[v.size // 2]) if v.size else 1.0
    return max(_FIRST_CUT * middle, 1e-30)


def _moments(values: list[list[np.ndarray]], limit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean below the limit, and mean square over squared mean, block by block (1, 1.5 where nothing is known)."""
    mean, ratio = np.ones(limit.shape), np.full(limit.shape, 1.5)
    for i, row in enumerate(values):
        for j, v in enumerate(row):
            below = v[v < limit[i, j]]
            m = float(below.sum(dtype=float)) / max(below.size, 1)
            if m > 0:
                mean[i, j], ratio[i, j] = m, float(np.dot(below, below)) / below.size / m**2
    return mean, ratio


def _pooled(a: np.ndarray, n: np.ndarray, reach: int) -> np.ndarray:
    """Means over neighbouring blocks, weighted with their pixels; the whole window's where there are none."""
    weight, total = _summed(n.astype(float), reach), _summed(a * n, reach)
    whole = float((a * n).sum() / max(n.sum(), 1))
    return np.where(weight > 0, total / np.maximum(weight, 1e-9), whole)


def _summed(a: np.ndarray, reach: int) -> np.ndarray:
    padded = np.pad(a, reach)
    side = 2 * reach + 1
    return np.lib.stride_tricks.sliding_window_view(padded, (side, side)).sum((2, 3))


def _lowest_around(grid: np.ndarray) -> np.ndarray:
    padded = np.pad(grid, 1, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3)).min((2, 3))
