"""Clouds told by their shadows: in coarse pictures a bright body is a cloud only where it casts one.

All clouds of a scene stand at about one height, so all shadows lie at one offset from them, which no field, roof or sandbank
keeps. Each bright white body votes for the offsets at which what lies there is dark while its surroundings are not; one offset
must beat every other by far. Without such an offset nothing is called cloud: a single cloud is missed rather than a bright yard
hidden. On the Sentinel-2 scenes the offset of the cloudy one won three to one, and no clear one reached 1.3 to one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .detectors.base import Progress, silent
from .patch import Patch

PIXEL_M = 10.0
MOST_PIXELS = 2_000_000
REACH_M = 3000.0  # clouds at 1.5 km under a sun at 27 degrees, or at 3 km under 45
NEAR_M = 150.0  # nearer than this lie the shadows of buildings and woods
LEAST_PX = 25
MOST_BODIES = 60  # the largest ones vote
BRIGHT, DARK = 1.6, 0.45  # times the light of the surroundings, both above the scene's darkest
LEAST_LIGHT, MOST_CHROMA = 0.5, 0.3
AGREES = 0.45  # share of a body's shadow that is dark, less that of the shadow's surroundings
DARK_SHARE = 0.7  # the same without the surroundings, which neighbouring shadows darken: enough once the offset is known
THIN, RIM_PX = 1.25, 6  # times the light of the surroundings: how far, and how bright, a cloud goes on beyond its body
WINS = 1.8  # votes of the best offset over those of the second best


@dataclass(frozen=True)
class Pairs:
    """Clouds and their shadows (bool, rows, columns), and the offset in pixels (columns, rows) that joins them."""

    cloud: np.ndarray
    shadow: np.ndarray
    offset: tuple[int, int]


def pairs(patch: Patch, known: np.ndarray | None = None, progress: Progress = silent) -> Pairs | None:
    """Clouds that cast a shadow, and the shadows; None where no offset wins.

    known: bool (rows, columns), what is cloud already: it votes with the rest. The patch is the whole scene at PIXEL_M or coarser.
    """
    from scipy import ndimage

    light, around = _light(patch)
    dark = (light < DARK * around) & patch.valid
    rgb = patch.rgb()
    white = rgb.max(0) - rgb.min(0) <= MOST_CHROMA * np.maximum(patch.luminance(), 0.05)
    bright = (light > BRIGHT * around) & (patch.luminance() > LEAST_LIGHT) & white & patch.valid
    bright = ndimage.binary_opening(bright)
    if known is not None:
        bright |= known
    labels, _ = ndimage.label(bright)
    size = np.bincount(labels.ravel())
    size[0] = 0
    bodies = [int(i) for i in np.argsort(-size)[:MOST_BODIES] if size[i] >= LEAST_PX]
    if len(bodies) < 2:
        return None
    reach = round(REACH_M / patch.gsd_m)
    darkness = np.pad(dark.astype(np.float32), reach + _RING)
    places = ndimage.find_objects(labels)
    maps, votes = {}, np.zeros((2 * reach + 1,) * 2)
    for done, i in enumerate(bodies):
        progress(done / len(bodies))
        maps[i] = _agreement(labels[places[i - 1]] == i, places[i - 1], darkness, reach)
        votes += min(size[i], 400) ** 0.5 * (maps[i] > AGREES)
    offset = _winner(votes, NEAR_M / patch.gsd_m)
    if offset is None:
        return None
    row, column = offset
    around_it = np.s_[max(row - 2, 0) : row + 3, max(column - 2, 0) : column + 3]
    agreed = [i for i in bodies if maps[i][around_it].max() > AGREES]
    if len(agreed) < 2:
        return None
    moved = _shifted(ndimage.binary_dilation(dark, iterations=2), reach - row, reach - column)
    share = ndimage.mean(moved, labels, np.arange(len(size)))
    chosen = sorted({*agreed, *(int(i) for i in np.flatnonzero((share > DARK_SHARE) & (size >= LEAST_PX)))})
    core = np.isin(labels, chosen)
    veil = ndimage.binary_dilation(core, iterations=RIM_PX) & (light > THIN * around)
    cloud = (ndimage.binary_dilation(core, iterations=2) | veil) & patch.valid
    shifted = _shifted(cloud, row - reach, column - reach)
    shadow = ndimage.binary_dilation(dark & ndimage.binary_dilation(shifted, iterations=4)) & patch.valid & ~cloud
    return Pairs(cloud, shadow, (column - reach, row - reach))


_RING = 8  # pixels looked at round a shadow


def _light(patch: Patch) -> tuple[np.ndarray, np.ndarray]:
    """Light above the scene's darkest, and the middle light of some 600 m around each pixel."""
    from scipy import ndimage

    light = patch.luminance()
    light = np.where(patch.valid, light - np.percentile(light[patch.valid], 1), 0)
    thin = ndimage.median_filter(light[::4, ::4], max(3, round(600 / (4 * patch.gsd_m)) | 1))
    rows, columns = (np.minimum(np.arange(n) // 4, m - 1) for n, m in zip(light.shape, thin.shape))
    return light, thin[np.ix_(rows, columns)]


def _agreement(body: np.ndarray, place: tuple[slice, slice], darkness: np.ndarray, reach: int) -> np.ndarray:
    """For each offset within reach, the dark share of the body moved there less that of the ring round it."""
    from scipy import ndimage
    from scipy.signal import fftconvolve

    framed = np.pad(body, _RING)
    ring = ndimage.binary_dilation(framed, iterations=_RING - 1) & ~ndimage.binary_dilation(framed, iterations=2)
    weight = framed / framed.sum() - ring / ring.sum()
    top, left = place[0].start, place[1].start
    window = darkness[top : top + framed.shape[0] + 2 * reach, left : left + framed.shape[1] + 2 * reach]
    return fftconvolve(window, weight[::-1, ::-1].astype(np.float32), mode="valid")


def _winner(votes: np.ndarray, near: float) -> tuple[int, int] | None:
    """Row and column of the offset that beats all others that are not its neighbours."""
    from scipy import ndimage

    reach = votes.shape[0] // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    votes = np.where(np.hypot(y, x) >= near, ndimage.gaussian_filter(votes, 1), 0)
    row, column = (int(i) for i in np.unravel_index(votes.argmax(), votes.shape))
    best = votes[row, column]
    if best <= 0:
        return None
    apart = 15
    votes[max(row - apart, 0) : row + apart + 1, max(column - apart, 0) : column + apart + 1] = 0
    return (row, column) if best >= WINS * votes.max() else None


def _shifted(mask: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The mask moved, with nothing coming in."""
    out = np.zeros_like(mask)
    height, width = mask.shape
    out[max(rows, 0) : height + min(rows, 0), max(columns, 0) : width + min(columns, 0)] = mask[
        max(-rows, 0) : height - max(rows, 0), max(-columns, 0) : width - max(columns, 0)
    ]
    return out
