"""Which pixels of a radar window belong to targets, and which of them together."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .backscatter import box_mean
from .base import Progress, silent
from .clutter import KLaw
from .local_clutter import LocalClutter

Sparse = tuple[np.ndarray, np.ndarray]  # flat indices, rising, and values of some pixels of a window

REFERENCE_PFA = 2e-8  # the score of a pixel is how many times it reaches the threshold of this, whatever is asked for
_GROWN_PFA = 1e-3  # pixels of an outline hang together above this
_LEAST_PX = 2


def find_pixels(
    intensity: np.ndarray, sea: np.ndarray, laws: Sequence[tuple[KLaw, KLaw]], pfa: float, progress: Progress = silent
) -> tuple[Sparse, Sparse]:
    """What exceeds the sea in any test, in times the threshold of REFERENCE_PFA; and all that is bright enough for an outline, in
    times the sea.

    intensity (bands, rows, columns), sea bool (rows, columns), laws: of the pixels and of their 3 × 3 means, one pair a band.
    The probability ``pfa`` is shared by the tests.
    """
    shares = pfa / (2 * len(laws)), REFERENCE_PFA / (2 * len(laws))
    inner = sea if sea.all() else box_mean(sea.astype(np.float32)) > 0.999
    hits, bright = [], []
    with ThreadPoolExecutor(len(laws)) as threads:  # numpy lets go of the interpreter, so two polarisations use two cores
        looked = [threads.submit(_band, image, sea, inner, pair, *shares) for image, pair in zip(intensity, laws)]
        for k, band in enumerate(looked):
            found, outlined = band.result()
            hits += found
            bright.append(outlined)
            progress((k + 0.9) / len(laws))
    return _highest(hits), _highest(bright)


def _band(
    image: np.ndarray, sea: np.ndarray, inner: np.ndarray, laws: tuple[KLaw, KLaw], share: float, reference: float
) -> tuple[list[Sparse], Sparse]:
    """Hits of both tests and bright pixels of one polarisation; none where there is too little sea to know it."""
    clutter = LocalClutter.measure(image, sea, laws[0])
    if clutter is None:
        return [], (np.zeros(0, int), np.zeros(0))
    rows, columns, _ = clutter.above(image, sea, max(_GROWN_PFA, share))
    hit = clutter.times(image, rows, columns, share) > 1
    times = clutter.times(image, rows[hit], columns[hit], reference)
    hits = [_flat(rows[hit], columns[hit], times, sea.shape[1])]
    means = box_mean(image)
    of_means = LocalClutter.measure(means, inner, laws[1])
    if of_means is not None:
        r, c, _ = of_means.above(means, inner, share)
        hits.append(_flat(r, c, of_means.times(means, r, c, reference), sea.shape[1]))
        rows, columns = np.concatenate([rows, r]), np.concatenate([columns, c])
    return hits, _flat(rows, columns, image[rows, columns] / clutter.level(rows, columns), sea.shape[1])


def _flat(rows: np.ndarray, columns: np.ndarray, value: np.ndarray, width: int) -> Sparse:
    return rows * width + columns, value


def _highest(parts: Sequence[Sparse]) -> Sparse:
    """Each pixel once, with its highest value."""
    if not parts:
        return np.zeros(0, int), np.zeros(0)
    index, value = (np.concatenate(arrays) for arrays in zip(*parts))
    order = np.lexsort((value, index))
    last = np.flatnonzero(np.append(np.diff(index[order]) > 0, True)) if index.size else order
    return index[order][last], value[order][last]


def clusters(hits: Sparse, bright: Sparse, shape: tuple[int, int], join_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of the pixels of targets, and the number of the target of each.

    A target hangs together, with a hit among its pixels; a speck of one pixel is none; targets ``join_px`` or so apart are one.
    """
    index = bright[0]
    if not hits[0].size:
        return index[:0], index[:0]
    own = _linked(index, shape[1], 1)
    size, hit = np.bincount(own), np.zeros(own.max() + 1, bool)
    hit[own[np.searchsorted(index, hits[0])]] = True
    index = index[(hit & (size >= _LEAST_PX))[own]]
    return index, _linked(index, shape[1], 2 * join_px + 1)


def _linked(index: np.ndarray, width: int, reach: int) -> np.ndarray:
    """A number for each pixel (flat indices, rising), the same for those that hang together in steps of ``reach`` or less."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    columns = index % width
    steps = [(down, right) for down in range(reach + 1) for right in range(-reach, reach + 1) if down or right > 0]
    starts, ends = [np.zeros(0, int)], [np.zeros(0, int)]
    for down, right in steps:
        wanted = index + down * width + right
        at = np.minimum(np.searchsorted(index, wanted), len(index) - 1)
        met = (index[at] == wanted) & (columns + right >= 0) & (columns + right < width)
        starts.append(np.flatnonzero(met))
        ends.append(at[met])
    i, j = np.concatenate(starts), np.concatenate(ends)
    pairs = coo_matrix((np.ones(len(i), bool), (i, j)), shape=(len(index), len(index)))
    return connected_components(pairs, directed=False)[1]


def groups(index: np.ndarray, number: np.ndarray) -> list[np.ndarray]:
    """The pixels of each target, rising."""
    order = np.argsort(number, kind="stable")
    return np.split(index[order], np.flatnonzero(np.diff(number[order])) + 1) if len(index) else []
