"""Where water is in a patch that may hold land, and what of it could be a ship."""

from __future__ import annotations

import numpy as np

from ..patch import LUMA, Patch
from .water import box_mean, visible

# Side of the blocks, how calm their means are (share of the stretched range, share of their own roughness), least area.
_BLOCK_M = 6.0
_CALM, _CALM_OF_ROUGHNESS = 0.03, 0.4
_LEAST_WATER_M2 = 5_000.0
_PARTED = 1.2  # distance of dark and bright in near infrared, in the sum of their spreads


def find_water(patch: Patch) -> np.ndarray:
    """Bool (rows, columns): the surest water of a patch that may hold land; all False where none is sure.

    Water is what is calm at the scale of some metres over a hectare or more: means of blocks differ little from their
    neighbours', or no more than their own rough pixels explain (swell, glint). It is not reddish, as sand, soil and many
    aprons are, and dark in near infrared where there is some. Muddy rivers and flat dark ground can defeat it, so a drawn
    water zone is always better.
    """
    from scipy import ndimage

    dark = dark_in_infrared(patch)
    if dark is not None:
        return dark
    side = max(4, int(round(_BLOCK_M / patch.gsd_m)))
    means, roughness, known = _blocks(patch, side)
    used = [*visible(patch), *(k for k, role in enumerate(patch.roles) if role == "nir")]
    spread = np.sqrt(sum(_local_variance(band, known) for band in means[used]))
    calm = known & (spread < np.maximum(_CALM, _CALM_OF_ROUGHNESS * roughness))
    regions, _ = ndimage.label(calm)
    least = max(10.0, _LEAST_WATER_M2 / (side * patch.gsd_m) ** 2)
    large = np.flatnonzero(np.bincount(regions.ravel())[1:] >= least) + 1
    good = [k for k in large if _watery(patch.roles, means[:, regions == k], means)]
    sure = np.kron(np.isin(regions, good), np.ones((side, side), bool))
    found = np.zeros(patch.shape, bool)
    found[: sure.shape[0], : sure.shape[1]] = sure
    return found & patch.valid


def dark_in_infrared(patch: Patch) -> np.ndarray | None:
    """Bool (rows, columns): wide water, where near infrared parts the patch into dark and bright; None where it does not.

    Otsu's threshold (1979) on the stretched near infrared; dark specks and strips narrower than a block are left out.
    """
    from scipy import ndimage

    band = patch.band("nir")
    if band is None:
        return None
    values = np.clip(band[patch.valid], -0.1, 1.2)
    count, edges = np.histogram(values, 128)
    middle = (edges[1:] + edges[:-1]) / 2
    below = np.cumsum(count)[:-1]
    above, sums = below[-1] + count[-1] - below, np.cumsum(count * middle)
    between = below * above * (sums[:-1] / np.maximum(below, 1) - (sums[-1] - sums[:-1]) / np.maximum(above, 1)) ** 2
    limit = edges[1:-1][between >= (1 - 1e-9) * between.max()].mean()  # the middle of an empty stretch
    dark, bright = values[values <= limit], values[values > limit]
    if not len(dark) or not len(bright) or np.median(bright) - np.median(dark) < _PARTED * (dark.std() + bright.std()):
        return None
    water = ndimage.binary_opening((band <= limit) & patch.valid, np.ones((3, 3), bool), 1)
    regions, _ = ndimage.label(water)
    size = np.bincount(regions.ravel())
    size[0] = 0
    return (size * patch.gsd_m**2 >= _LEAST_WATER_M2 * 4)[regions]


def _blocks(patch: Patch, side: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Band means, roughness (standard deviation of brightness) and whether observed, of whole blocks of side² pixels."""
    down, across = (n // side for n in patch.shape)

    def mean(a: np.ndarray) -> np.ndarray:
        return a[..., : down * side, : across * side].reshape(*a.shape[:-2], down, side, across, side).mean((-3, -1))

    bright = patch.data[visible(patch)].mean(0)
    rough = np.sqrt(np.maximum(mean(bright * bright) - mean(bright) ** 2, 0))
    return mean(patch.data), rough, mean(patch.valid.astype(np.float32)) > 0.9


def _local_variance(band: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Variance in 3 × 3 blocks, the unknown left out."""
    share = np.maximum(box_mean(known.astype(np.float32)), 1e-6)
    mean = box_mean(band * known) / share
    return np.maximum(box_mean(band * band * known) / share - mean * mean, 0)


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


def near_bulk(mask: np.ndarray, gsd_m: float, half_m: float, reach_m: float) -> np.ndarray:
    """Bool: within reach of the parts of a mask that are thicker than twice ``half_m``: clouds, glint, banks, no hulls.

    Fragments lie the farther off the larger the cloud is: reach grows by half its thickness, to twice as much at most.
    """
    from scipy import ndimage

    near = np.zeros(mask.shape, bool)
    labels, _ = ndimage.label(mask, np.ones((3, 3), bool))
    rim = int((half_m + 2 * reach_m) / gsd_m) + 2
    for k, box in enumerate(ndimage.find_objects(labels), 1):
        if min(side.stop - side.start for side in box) * gsd_m > 2 * half_m - gsd_m:
            window = tuple(slice(max(side.start - rim, 0), side.stop + rim) for side in box)
            near[window] |= _near_thick(labels[window] == k, gsd_m, half_m, reach_m)
    return near


def _near_thick(mask: np.ndarray, gsd_m: float, half_m: float, reach_m: float) -> np.ndarray:
    """As ``near_bulk``, of one piece in its own window."""
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1] * gsd_m
    thick = depth > half_m
    if not thick.any():
        return thick
    labels, count = ndimage.label(thick)
    largest = np.concatenate([[0.0], ndimage.maximum(depth, labels, np.arange(1, count + 1))])
    away, nearest = ndimage.distance_transform_edt(~thick, return_indices=True)
    return away * gsd_m < half_m + reach_m + np.minimum(largest, reach_m)[labels[nearest[0], nearest[1]]]
