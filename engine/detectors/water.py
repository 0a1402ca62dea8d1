"""Water as a background: how unlike the water around it each pixel is.

The water is modelled on a regular sample: its level by medians over cells, its spread about that level by a trimmed
covariance, both learned twice so that what floats on it is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np

from ..patch import LUMA, Patch

# Side of the cells: wide against a ship's beam, narrow against swell, silt and haze.
_CELL_M, _CELL_PX = 150.0, 16
PER_CELL, _SAMPLES = 13, 10_000  # rows and columns looked at in a cell, at least; pixels in all, about
_NOISE_FLOOR = 0.012  # of the scene's stretched range; calm clean water would otherwise make every ripple strange
_STRANGE = 6.0  # what is stranger is left out of the second look
# Ripples are differences between pixels so far apart; a hull on more than the rest of a cell would look rough. At most.
_APART_PX, _CALMER, _ROUGHEST = 3, 0.4, 6.0
_RIPPLE = 1.0  # spreads; less is calm
_TRIM = 0.7  # share of the water, its calmer part, that gives the covariance
_CHUNK_PX = 1 << 20  # pixels compared with the water at once: bounds the memory
# Below this pixel a hull's fittings and the water's texture show: colour is smoothed, texture is a feature, shadows are told.
FINE_GSD_M = 1.5

Measure = Callable[[np.ndarray], np.ndarray]  # residuals (bands, ...) to strangeness (...)


def strangeness(patch: Patch, water: np.ndarray, inside: np.ndarray, per_cell: int = PER_CELL) -> np.ndarray:
    """How unlike the surrounding water each pixel is, in spreads of the water; float32 (rows, columns).

    water: bool, where water (and whatever floats on it) is; the model is learned there, robustly. inside: bool, the part
    that may be looked at: nothing outside it, such as a quay, colours the pixels at its edge. per_cell: rows and columns of each
    cell that the model is learned from, at least.
    Bands with near infrared at 5 m or coarser (Sentinel-2): the second largest excess over the local median among green,
    red and near infrared, so that one band's noise is not a ship. Otherwise the Mahalanobis distance (trimmed covariance)
    of colour, and with fine pixels of texture too, from the local median.
    """
    if patch.gsd_m >= 5 and {"green", "red", "nir"} <= set(patch.roles):
        bands, fit = patch.data[[patch.roles.index(role) for role in ("green", "red", "nir")]], _second_excess
    else:
        bands, fit = _features(patch, inside), _mahalanobis
    cells, rough, measure = _learn(bands, water, max(_CELL_M / patch.gsd_m, _CELL_PX), fit, per_cell)
    # One band has no hue to tell a shadow by.
    colours = len(bands) - 1 if patch.gsd_m < FINE_GSD_M and len(bands) > 2 else 0
    strange = np.empty(patch.shape, np.float32)
    for rows, level in _levels(np.concatenate([cells, rough[None]]), patch.shape):
        part, level, rougher = bands[:, rows], level[:-1], level[-1]
        strange[rows] = measure(part - level) / rougher
        if colours:
            strange[rows][_shadow(part[:colours], level[:colours])] = 0
    return strange


def _learn(
    bands: np.ndarray,
    water: np.ndarray,
    cell_px: float,
    fit: Callable[[np.ndarray], Measure],
    per_cell: int = PER_CELL,
) -> tuple[np.ndarray, np.ndarray, Measure]:
    """The water's level (bands, cells down, cells across), how rough it is (cells down, across) and how to measure what departs."""
    down, across = (max(1, int(round(n / cell_px))) for n in water.shape)
    per_cell = min(max(per_cell, int(np.sqrt(_SAMPLES / (down * across)))), max(int(cell_px), 1))
    grid = np.ix_(
        *(((np.arange(k * per_cell) + 0.5) * n / (k * per_cell)).astype(int) for n, k in zip(water.shape, (down, across)))
    )
    sample, use = np.stack([band[grid] for band in bands]), water[grid]
    beside = np.ix_(*(np.minimum(axis.ravel() + _APART_PX, n - 1) for axis, n in zip(grid, water.shape)))
    ripple, both = sample - np.stack([band[beside] for band in bands]), use & water[beside]
    for _ in range(2):
        cells = _medians(sample, use, (down, across))
        residual = sample - np.concatenate([level for _, level in _levels(cells, use.shape)], axis=1)
        measure = fit(residual[:, use])
        use = use & (measure(residual) < _STRANGE)
    return cells, _roughness(np.abs(measure(ripple)), both, (down, across)), measure


def _roughness(ripple: np.ndarray, use: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """How many times rougher than usual each cell is, 1 at least: glint is no crowd of boats. ripple: between neighbours."""
    if not use.any():
        return np.ones(cells, np.float32)
    usual = max(float(np.quantile(ripple[use], _CALMER)), _RIPPLE)
    rough = _by_cell(np.where(use, ripple, np.nan), cells)
    enough = np.isfinite(rough).mean(-1) > 0.1
    at = (np.isfinite(rough).sum(-1)[..., None] * _CALMER).astype(int)  # what is not known is sorted to the end
    rough = np.where(enough, np.take_along_axis(np.sort(rough, axis=-1), at, -1)[..., 0] / usual, 1.0)
    return np.clip(np.nan_to_num(rough, nan=1.0), 1.0, _ROUGHEST)


def _by_cell(a: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """(cells down, cells across, samples in each)."""
    down, across = cells
    return a.reshape(down, a.shape[0] // down, across, a.shape[1] // across).swapaxes(1, 2).reshape(down, across, -1)


def _medians(sample: np.ndarray, use: np.ndarray, cells: tuple[int, int]) -> np.ndarray:
    """Median of each band in each cell, of the used pixels only; cells without enough take the nearest's level."""
    from scipy import ndimage

    down, across = cells
    count = _by_cell(use, cells).sum(-1)
    middle = np.maximum(count - 1, 0)[..., None] // 2
    ordered = (np.sort(_by_cell(np.where(use, band, np.inf), cells), axis=-1) for band in sample)
    medians = np.stack([np.take_along_axis(o, middle, -1)[..., 0] for o in ordered])
    missing = count < 0.1 * use.size / (down * across)
    if missing.all():
        return np.zeros_like(medians)
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return ndimage.median_filter(medians[:, nearest[0], nearest[1]], (1, 3, 3), mode="nearest")


def _levels(cells: np.ndarray, shape: tuple[int, int]) -> Iterator[tuple[slice, np.ndarray]]:
    """The level interpolated to (bands, rows, columns), some rows at a time, with their slice."""
    down, across = (_between(n, k) for n, k in zip(shape, cells.shape[1:]))
    to_columns = cells.astype(np.float32) @ across.T
    step = max(1, _CHUNK_PX // max(shape[1], 1))
    for top in range(0, shape[0], step):
        rows = slice(top, min(top + step, shape[0]))
        yield rows, np.matmul(down[rows], to_columns)


def _between(n: int, cells: int) -> np.ndarray:
    """Weights (n, cells) of linear interpolation between the centres of cells."""
    centres = (np.arange(cells) + 0.5) * n / cells - 0.5
    return np.stack([np.interp(np.arange(n), centres, unit) for unit in np.eye(cells)], axis=1).astype(np.float32)


def _second_excess(sample: np.ndarray) -> Measure:
    """Second largest of three bands' excess in units of their spread."""
    spread = np.maximum([_mad(band) for band in sample], _NOISE_FLOOR).astype(np.float32)

    def measure(residual: np.ndarray) -> np.ndarray:
        a, b, c = (band / s for band, s in zip(residual, spread))
        return np.maximum(np.minimum(a, b), np.minimum(np.maximum(a, b), c))

    return measure


def _mad(values: np.ndarray) -> float:
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 0.0


def _mahalanobis(sample: np.ndarray) -> Measure:
    """Distance from zero in the covariance of the sample's calmer part (Rousseeuw's concentration steps)."""
    n = len(sample)
    whiten = np.zeros((n, n), np.float32)
    if sample.shape[1] >= 10 * n:
        sample = sample.astype(float)
        floor = np.eye(n) * _NOISE_FLOOR**2
        covariance = np.diag([_mad(band) ** 2 for band in sample]) + floor
        for _ in range(4):
            # einsum, not matmul: BLAS would start its threads for next to nothing, hundreds of times.
            whitened = np.einsum("ij,jk->ik", _inverse(np.linalg.cholesky(covariance)), sample)
            distance = np.einsum("ik,ik->k", whitened, whitened)
            last = int(_TRIM * (len(distance) - 1))
            kept = sample[:, distance <= np.partition(distance, last)[last]]
            covariance = np.einsum("ik,jk->ij", kept, kept) / kept.shape[1] * _trim_correction(n) + floor
        whiten = _inverse(np.linalg.cholesky(covariance)).astype(np.float32)

    def measure(residual: np.ndarray) -> np.ndarray:
        # Band by band: faster than a product of matrices and without its temporaries.
        total = np.zeros(residual.shape[1:], np.float32)
        for k, row in enumerate(whiten):
            total += sum(weight * band for weight, band in zip(row[: k + 1], residual)) ** 2
        return np.sqrt(total)

    return measure


def _inverse(lower: np.ndarray) -> np.ndarray:
    """Inverse of a small lower triangular matrix; LAPACK's would start threads, hundreds of times."""
    inverse = np.eye(len(lower))
    for k, row in enumerate(lower):
        inverse[k] = (inverse[k] - row[:k] @ inverse[:k]) / row[k]
    return inverse


@lru_cache
def _trim_correction(n: int) -> float:
    """What the covariance of the inner part of a normal cloud in n dimensions must be multiplied by."""
    from scipy.special import gammainc, gammaincinv

    # The shares of chi-squared distributions with n and n + 2 degrees of freedom (scipy.stats takes a second to import).
    return _TRIM / float(gammainc(n / 2 + 1, gammaincinv(n / 2, _TRIM)))


def _shadow(bands: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Bool: darker than the water and of its hue, as the shadow of a hull or crane is; a dark hull has a hue of its own."""
    ratio = bands / np.maximum(level, 0.02)
    return (ratio.mean(0) < 0.75) & (ratio.max(0) - ratio.min(0) < 0.22)


def visible(patch: Patch) -> list[int]:
    """Indices of the visible bands; of the first band where there are none."""
    return [k for k, role in enumerate(patch.roles) if role in LUMA] or [0]


def _features(patch: Patch, known: np.ndarray) -> np.ndarray:
    """Visible bands; with pixels finer than 1.5 m smoothed within the known part, and the log of their local spread."""
    bands = np.clip(patch.data[visible(patch)], -0.5, 2)
    if patch.gsd_m >= FINE_GSD_M:
        return bands
    share = np.maximum(box_mean(known.astype(np.float32)), 1e-6)
    smooth = np.stack([box_mean(band * known) / share for band in bands])
    square = box_mean((bands * bands).mean(0) * known) / share
    spread = np.sqrt(np.maximum(square - (smooth * smooth).mean(0), 0))
    return np.concatenate([smooth, 0.1 * np.log(spread + 0.01)[None]])


def box_mean(band: np.ndarray) -> np.ndarray:
    """Mean over squares of 3 × 3 pixels, zero beyond the border."""
    rows = band.copy()
    rows[1:] += band[:-1]
    rows[:-1] += band[1:]
    mean = rows.copy()
    mean[:, 1:] += rows[:, :-1]
    mean[:, :-1] += rows[:, 1:]
    mean /= 9
    return mean
