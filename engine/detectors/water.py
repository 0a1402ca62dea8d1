"""Water as a background: where it is in a patch, and how unlike the water around it each pixel is."""

from __future__ import annotations

import numpy as np

from ..patch import LUMA, Patch

# Water is modelled by cells of this side: wide against a ship's beam, narrow against swell, silt and haze.
_CELL_M = 150.0
_NOISE_FLOOR = 0.012  # of the scene's stretched range; calm clean water would otherwise make every ripple strange
_SAMPLES = 40_000
_PER_CELL = 13  # rows and columns looked at in a cell, for its median

# Finding water: side of the blocks, how calm their means are (share of the stretched range, share of their roughness).
_BLOCK_M = 6.0
_CALM, _CALM_OF_ROUGHNESS = 0.03, 0.4
_LEAST_WATER_M2 = 5_000.0


def strangeness(patch: Patch, water: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """How unlike the surrounding water each pixel is, in spreads of the water; float32 (rows, columns).

    water: bool, where water (and whatever floats on it) is; the model is learned there, robustly. inside: bool, the part
    that may be looked at: nothing outside it, such as a quay, colours the pixels at its edge.
    Bands with near infrared at 5 m or coarser (Sentinel-2): the second largest excess over the local median among green,
    red and near infrared, so that one band's noise is not a ship. Otherwise the Mahalanobis distance (trimmed covariance)
    of colour, and below 1.5 m pixels of texture too, from the local median.
    """
    if patch.gsd_m >= 5 and all(patch.band(role) is not None for role in ("green", "red", "nir")):
        return _two_bands(patch, water)
    features = _features(patch, inside)
    for _ in range(2):
        level = local_level(features, water, max(_CELL_M / patch.gsd_m, 16))
        distance = _mahalanobis(features - level, water)
        water = water & (distance < 6)
    if patch.gsd_m < 1.5 and len(features) > 2:  # one band has no hue to tell a shadow by
        distance[_shadow(features[:-1], level[:-1])] = 0
    return distance


def _shadow(bands: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Bool: darker than the water and of its hue, as the shadow of a hull or crane is; a dark hull has a hue of its own."""
    ratio = bands / np.maximum(level, 0.02)
    return (ratio.mean(0) < 0.75) & (ratio.max(0) - ratio.min(0) < 0.22)


def _two_bands(patch: Patch, water: np.ndarray) -> np.ndarray:
    bands = patch.data[[patch.roles.index(role) for role in ("green", "red", "nir")]]
    for _ in range(2):
        residual = bands - local_level(bands, water, max(_CELL_M / patch.gsd_m, 16))
        spread = np.array([_mad(r[water]) for r in residual])
        excess = np.sort(residual / np.maximum(spread, _NOISE_FLOOR)[:, None, None], axis=0)[1]
        water = water & (excess < 5)
    return excess


def _mad(values: np.ndarray) -> float:
    values = values[:: max(1, len(values) // _SAMPLES)]
    return 1.4826 * float(np.median(np.abs(values - np.median(values)))) if len(values) else 1.0


def _features(patch: Patch, known: np.ndarray) -> np.ndarray:
    """Visible bands; with pixels finer than 1.5 m smoothed within the known part, and the log of their local spread."""
    bands = np.clip(patch.data[_colours(patch)], -0.5, 2)
    if patch.gsd_m >= 1.5:
        return bands
    size = 3  # 1.8 m at the usual 0.6 m
    share = np.maximum(_box_mean(known.astype(np.float32), size), 1e-6)
    smooth = np.stack([_box_mean(band * known, size) / share for band in bands])
    square = _box_mean((bands * bands).mean(0) * known, size) / share
    spread = np.sqrt(np.maximum(square - (smooth * smooth).mean(0), 0))
    return np.concatenate([smooth, 0.1 * np.log(spread + 0.01)[None]])


def _box_mean(band: np.ndarray, size: int) -> np.ndarray:
    from scipy import ndimage

    return ndimage.uniform_filter(band, size, mode="constant")


def local_level(bands: np.ndarray, where: np.ndarray, cell_px: float) -> np.ndarray:
    """Median of each band over square cells, only where asked, interpolated between the cells; as bands in shape."""
    (down, row_at), (across, column_at) = (_sampled(n, cell_px) for n in where.shape)
    grid = np.ix_(row_at, column_at)
    shape = (down, _PER_CELL, across, _PER_CELL)
    use = where[grid].reshape(shape).swapaxes(1, 2).reshape(down, across, -1)
    count = use.sum(-1)
    middle = np.maximum(count - 1, 0)[..., None] // 2
    medians = []
    for band in bands:
        values = np.where(use, band[grid].reshape(shape).swapaxes(1, 2).reshape(down, across, -1), np.inf)
        medians.append(np.take_along_axis(np.sort(values, axis=-1), middle, -1)[..., 0])
    cells = _filled(np.stack(medians), count < 0.1 * use.shape[-1])
    rows, columns = (_between(n, k) for n, k in zip(where.shape, (down, across)))
    return np.stack([rows @ c @ columns.T for c in cells.astype(np.float32)])


def _sampled(n: int, cell_px: float) -> tuple[int, np.ndarray]:
    """How many cells n pixels hold, and the pixels to look at: _PER_CELL in each."""
    cells = max(1, int(round(n / cell_px)))
    return cells, ((np.arange(cells * _PER_CELL) + 0.5) * n / (cells * _PER_CELL)).astype(int)


def _filled(cells: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Cells without enough water take the level of the nearest that has; then each the median of its neighbourhood."""
    from scipy import ndimage

    if missing.all():
        return np.zeros_like(cells)
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return ndimage.median_filter(cells[:, nearest[0], nearest[1]], (1, 3, 3), mode="nearest")


def _between(n: int, cells: int) -> np.ndarray:
    """Weights (n, cells) of linear interpolation between the centres of cells."""
    centres = (np.arange(cells) + 0.5) * n / cells - 0.5
    return np.stack([np.interp(np.arange(n), centres, unit) for unit in np.eye(cells)], axis=1).astype(np.float32)


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


def find_water(patch: Patch) -> np.ndarray:
    """Bool (rows, columns): the surest water of a patch that may hold land; all False where none is sure.

    Water is what is calm at the scale of some metres over a hectare or more: means of blocks differ little from their
    neighbours', or no more than their own rough pixels explain (swell, glint). It is not reddish, as sand, soil and many
    aprons are, and dark in near infrared where there is some. Muddy rivers and flat dark ground can defeat it, so a drawn
    water zone is always better.
    """
    from scipy import ndimage

    side = max(4, int(round(_BLOCK_M / patch.gsd_m)))
    means, roughness, known = _blocks(patch, side)
    used = [*_colours(patch), *(k for k, role in enumerate(patch.roles) if role == "nir")]
    spread = np.sqrt(sum(_local_variance(band, known) for band in means[used]))
    calm = known & (spread < np.maximum(_CALM, _CALM_OF_ROUGHNESS * roughness))
    regions, count = ndimage.label(calm)
    least = max(10.0, _LEAST_WATER_M2 / (side * patch.gsd_m) ** 2)
    good = [
        k
        for k in range(1, count + 1)
        if (regions == k).sum() >= least and _watery(patch.roles, means[:, regions == k], means)
    ]
    sure = np.kron(np.isin(regions, good), np.ones((side, side), bool))
    found = np.zeros(patch.shape, bool)
    found[: sure.shape[0], : sure.shape[1]] = sure
    return found & patch.valid


def _colours(patch: Patch) -> list[int]:
    """Indices of the visible bands; of the first band where there are none."""
    return [k for k, role in enumerate(patch.roles) if role in LUMA] or [0]


def _blocks(patch: Patch, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Band means, roughness (standard deviation of brightness) and whether observed, of whole blocks of side² pixels."""
    down, across = (n // side for n in patch.shape)

    def mean(a: np.ndarray) -> np.ndarray:
        return a[..., : down * side, : across * side].reshape(*a.shape[:-2], down, side, across, side).mean((-3, -1))

    bright = patch.data[_colours(patch)].mean(0)
    rough = np.sqrt(np.maximum(mean(bright * bright) - mean(bright) ** 2, 0))
    return mean(patch.data), rough, mean(patch.valid.astype(np.float32)) > 0.9


def _local_variance(band: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Variance in 3 × 3 blocks, the unknown left out."""
    share = np.maximum(_box_mean(known.astype(np.float32), 3), 1e-6)
    mean = _box_mean(band * known, 3) / share
    return np.maximum(_box_mean(band * band * known, 3) / share - mean * mean, 0)


def _watery(roles: tuple[str, ...], region: np.ndarray, everything: np.ndarray) -> bool:
    """Whether a region's bands (bands, n) can be water's: not reddish, dark in near infrared."""
    level = dict(zip(roles, np.median(region, axis=1)))
    if all(role in level for role in LUMA) and level["red"] > 1.2 * max(level["green"], level["blue"]) + 0.01:
        return False
    if "nir" not in level:
        return True
    low, high = np.percentile(everything[roles.index("nir")], (2, 98))
    return bool(high - low < 0.15 or level["nir"] < (low + high) / 2)


def afloat(
    strange: np.ndarray, sure: np.ndarray, limit: float, gsd_m: float, reach_m: float, largest_m2: float
) -> np.ndarray:
    """Bool: where to look for ships in a patch with land: within reach of sure water, what is land left out.

    Land is every piece stranger than the limit that is larger than the largest ship or lies mostly out of reach.
    """
    from scipy import ndimage

    reach = ndimage.distance_transform_edt(~sure) * gsd_m <= reach_m if sure.any() else sure
    labels, count = ndimage.label(strange >= limit, structure=np.ones((3, 3), bool))
    size = np.bincount(labels.ravel(), minlength=count + 1)
    within = np.bincount(labels.ravel(), weights=reach.ravel(), minlength=count + 1)
    land = (size * gsd_m**2 > largest_m2) | (within < 0.6 * size)
    land[0] = False
    return reach & ~land[labels]
