"""Water as a background: where it is in a patch, and how unlike the water around it each pixel is."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..patch import LUMA, Patch

# Water is modelled by cells of this side: wide against a ship's beam, narrow against swell, silt and haze.
_CELL_M = 150.0
_NOISE_FLOOR = 0.012  # of the scene's stretched range; calm clean water would otherwise make every ripple strange
_SAMPLES = 40_000


def strangeness(patch: Patch, water: np.ndarray) -> np.ndarray:
    """How unlike the surrounding water each pixel is, in spreads of the water; float32 (rows, columns).

    water: bool, where water (and whatever floats on it) is; the model is learned there, robustly.
    Bands with near infrared at 5 m or coarser (Sentinel-2): the second largest excess over the local median among green,
    red and near infrared, so that one band's noise is not a ship. Otherwise the Mahalanobis distance (trimmed covariance)
    of colour, and below 1.5 m pixels of texture too, from the local median.
    """
    if patch.gsd_m >= 5 and all(patch.band(role) is not None for role in ("green", "red", "nir")):
        return _two_bands(patch, water)
    features = _features(patch)
    for _ in range(2):
        residual = features - local_level(features, water, max(_CELL_M / patch.gsd_m, 16))
        distance = _mahalanobis(residual, water)
        water = water & (distance < 6)
    return distance


def _two_bands(patch: Patch, water: np.ndarray) -> np.ndarray:
    bands = np.stack([patch.band(role) for role in ("green", "red", "nir")])
    for _ in range(2):
        residual = bands - local_level(bands, water, max(_CELL_M / patch.gsd_m, 16))
        spread = np.array([_mad(r[water]) for r in residual])
        excess = np.sort(residual / np.maximum(spread, _NOISE_FLOOR)[:, None, None], axis=0)[1]
        water = water & (excess < 5)
    return excess


def _mad(values: np.ndarray) -> float:
    values = values[:: max(1, len(values) // _SAMPLES)]
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 1.0


def _features(patch: Patch) -> np.ndarray:
    """Square roots of the visible bands (steadier against brightness); with fine pixels smoothed, and their texture."""
    from scipy import ndimage

    colour = [role for role in ("red", "green", "blue") if patch.band(role) is not None]
    bands = patch.data[[patch.roles.index(role) for role in colour]] if colour else patch.data[:1]
    bands = np.clip(bands, -0.5, 2)
    if patch.gsd_m >= 1.5:
        return bands
    size = max(3, 2 * int(round(0.9 / patch.gsd_m)) + 1)
    smooth = np.stack([ndimage.uniform_filter(band, size, mode="nearest") for band in bands])
    return np.concatenate([smooth, 0.1 * texture(bands.mean(0), size)[None]])


def texture(band: np.ndarray, size: int) -> np.ndarray:
    """Log of the standard deviation in a square of size pixels."""
    from scipy import ndimage

    mean = ndimage.uniform_filter(band, size, mode="nearest")
    square = ndimage.uniform_filter(band * band, size, mode="nearest")
    return np.log(np.sqrt(np.maximum(square - mean * mean, 0)) + 0.01)


def local_level(bands: np.ndarray, where: np.ndarray, cell_px: float) -> np.ndarray:
    """Median of each band over square cells, only where asked, interpolated between the cells; as bands in shape."""
    rows, columns = where.shape
    across, down = (max(1, int(round(n / cell_px))) for n in (columns, rows))
    row_edges, column_edges = (np.linspace(0, n, k + 1).astype(int) for n, k in ((rows, down), (columns, across)))
    step = max(1, int(cell_px // 24))
    medians = np.full((len(bands), down, across), np.nan)
    for i in range(down):
        for j in range(across):
            cell = np.s_[row_edges[i] : row_edges[i + 1] : step, column_edges[j] : column_edges[j + 1] : step]
            use = where[cell]
            if use.mean() > 0.1:
                medians[:, i, j] = np.median(bands[(slice(None), *cell)][:, use], axis=1)
    medians = _filled(medians)
    weights = [_between(edges, n) for edges, n in ((row_edges, rows), (column_edges, columns))]
    return np.stack([weights[0] @ m @ weights[1].T for m in medians]).astype(np.float32)


def _filled(medians: np.ndarray) -> np.ndarray:
    """Cells without enough water take the level of the nearest that has; then each the median of its neighbourhood."""
    from scipy import ndimage

    missing = np.isnan(medians[0])
    if missing.all():
        return np.zeros_like(medians)
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return ndimage.median_filter(medians[:, nearest[0], nearest[1]], (1, 3, 3), mode="nearest")


def _between(edges: np.ndarray, n: int) -> np.ndarray:
    """Weights (n, cells) of linear interpolation between the centres of cells."""
    centres = (edges[:-1] + edges[1:] - 1) / 2
    return np.stack([np.interp(np.arange(n), centres, unit) for unit in np.eye(len(centres))], axis=1).astype(np.float32)


def _mahalanobis(residual: np.ndarray, water: np.ndarray) -> np.ndarray:
    """Distance from zero in the covariance of the calmer part of the water (Rousseeuw's concentration steps)."""
    sample = residual[:, water]
    sample = sample[:, :: max(1, sample.shape[1] // _SAMPLES)].astype(float)
    n = len(residual)
    floor = np.eye(n) * _NOISE_FLOOR**2
    if sample.shape[1] < 10 * n:
        return np.zeros(residual.shape[1:], np.float32)
    covariance = np.diag([_mad(s) ** 2 for s in sample]) + floor
    for _ in range(4):
        squared = np.einsum("in,ij,jn->n", sample, np.linalg.inv(covariance), sample)
        limit = np.quantile(squared, 0.7)
        kept = sample[:, squared <= limit]
        covariance = kept @ kept.T / kept.shape[1] * _trim_correction(n) + floor
    whiten = np.linalg.cholesky(np.linalg.inv(covariance)).T.astype(np.float32)
    total = np.zeros(residual.shape[1:], np.float32)
    for row in whiten:
        total += np.tensordot(row, residual, axes=1) ** 2
    return np.sqrt(total)


def _trim_correction(n: int) -> float:
    """What the covariance of the inner 70 % of a normal cloud in n dimensions must be multiplied by."""
    from scipy.stats import chi2

    return 0.7 / float(chi2.cdf(chi2.ppf(0.7, n), n + 2))
