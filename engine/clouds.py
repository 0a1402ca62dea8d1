"""Clouds and haze in fine pictures: bright white bodies without one sharp edge, through which nothing on the ground is seen.

What tells them from bright yards, roofs and concrete is their edge. Between a Gaussian of one and of two pixels the slope of a
step, or of any object's outline, falls by half; that of a cloud's rim, which fades over tens of metres, stays the same. The ratio
needs no brightness and no contrast: on the chips at 0.3 m it was 1.0 to 1.2 for cloud over sea and 1.5 to 2.9 for roofs, yards,
parked lorries and stacks. Haze through which the ground's edges show fails the test and is rightly not taken for hidden.

Coarser than a few metres every outline is a pixel wide and the ratio says nothing: there ``cloud_shadows`` takes over. Snow
without edges, and a cloud that fills the whole picture evenly, cannot be told in red, green and blue: give a mask or a quality layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import strips
from .detectors.base import Progress, part, silent
from .patch import Patch
from .tiles import tiles

PIXEL_M = 2.4  # at this pixel ground objects are sharp and rims of clouds are not
COARSEST_M = 1.3  # effective GSD beyond which ground objects are soft at that pixel too
TILE_PX = 1024
LEVELS = np.linspace(0.08, 0.92, 12)  # of stretched brightness: a body is looked for at each
LEAST_AREA_M2 = 2000.0
RING_PX = 5  # of what lies round a body
SOFTEST = 1.32  # slope at one pixel over slope at two, along the rim
SMOOTHEST = 1.4  # the same inside
LEAST_CONTRAST = 0.12  # of the scene's range, body over its surroundings
MOST_CHROMA = 0.30  # largest less smallest colour, over brightness: clouds are white
MOST_STRAIGHT = 0.45  # how far the rim's directions agree modulo a right angle; curved roofs reach 0.7
# Of the way from the surroundings to the body's bright end: above CORE is cloud, from THIN on haze, below it is taken as seen.
CORE, THIN = 0.5, 0.25
SHARP, STANDS_OUT = 1.6, 6.0  # slope ratio, and slope over the body's usual one, of an object that is seen all the same


def veils(scene: Any, progress: Progress = silent) -> Iterator[tuple[Patch, np.ndarray, np.ndarray]]:
    """Tile by tile a Patch, where it shows cloud and where haze that hides (bool, rows, columns).

    scene: as detectors take it; one of a coarser effective GSD than COARSEST_M gives nothing.
    """
    gsd = max(scene.gsd_m, PIXEL_M)
    if scene.effective_gsd_m > COARSEST_M:
        return
    walk = list(tiles(scene.bounds, TILE_PX * gsd, 40 * gsd))
    for tile in walk:
        step = part(progress, tile.number, len(walk))
        patch = strips.read(scene, tile.outer, gsd, part(step, 0, 2))
        step = part(step, 1, 2)
        if patch.valid.any() and min(patch.shape) >= 24:
            yield patch, *veil(patch, step)


def veil(patch: Patch, progress: Progress = silent) -> tuple[np.ndarray, np.ndarray]:
    """Where a patch shows cloud, and where haze (bool, rows, columns)."""

    picture = _Picture.of(patch)
    body = np.zeros(patch.shape, bool)
    for number, level in enumerate(LEVELS):
        progress(number / (len(LEVELS) + 1))
        labels, count = _large(picture.light > level, LEAST_AREA_M2 / patch.gsd_m**2)
        if count:
            body |= picture.soft_bodies(labels, count)
    return _core_and_rim(body & patch.valid, picture, part(progress, len(LEVELS), len(LEVELS) + 1))


def _large(mask: np.ndarray, least: float) -> tuple[np.ndarray, int]:
    """Labels 1, 2, … of the bodies of at least so many pixels, and their number."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    kept = np.flatnonzero(np.bincount(labels.ravel(), minlength=count + 1) >= least)
    new = np.zeros(count + 1, np.int32)
    new[kept[kept > 0]] = np.arange(1, (kept > 0).sum() + 1)
    return new[labels], int((kept > 0).sum())


class _Picture:
    """What the test of a body looks at: light, whiteness, slopes at one and two pixels, and their direction."""

    def __init__(self, light: np.ndarray, chroma: np.ndarray, fine: np.ndarray, coarse: np.ndarray, turn: np.ndarray,
                 valid: np.ndarray) -> None:  # fmt: skip
        self.light, self.chroma, self.fine, self.coarse, self.turn, self.valid = light, chroma, fine, coarse, turn, valid

    @classmethod
    def of(cls, patch: Patch) -> _Picture:
        from scipy import ndimage

        light = np.where(patch.valid, patch.luminance(), 0).astype(np.float32)
        rgb = patch.rgb()
        chroma = rgb.max(0) - rgb.min(0)
        slopes = [[ndimage.gaussian_filter(light, sigma, order=order) for order in ((0, 1), (1, 0))] for sigma in (1.0, 2.0)]
        fine, coarse = (np.hypot(x, y) for x, y in slopes)
        turn = 4 * np.arctan2(slopes[1][1], slopes[1][0])
        # slopes across the border of what is valid are the border's
        inside = ndimage.binary_erosion(patch.valid, iterations=5)
        return cls(light, chroma, fine, coarse, turn, inside)

    def soft_bodies(self, labels: np.ndarray, count: int) -> np.ndarray:
        """Bool: the labelled bodies that are white, soft at the rim and inside, without straight sides, and stand out."""
        from scipy import ndimage

        inner = ndimage.minimum_filter(labels, 3) > 0
        rim = (labels > 0) & ~inner & self.valid

        def mean(values: np.ndarray, where: np.ndarray) -> np.ndarray:
            total = np.bincount(labels[where], values[where], count + 1)
            return total / np.maximum(np.bincount(labels[where], minlength=count + 1), 1)

        rim_fine, rim_coarse = mean(self.fine, rim), mean(self.coarse, rim)
        along = np.hypot(mean(self.coarse * np.cos(self.turn), rim), mean(self.coarse * np.sin(self.turn), rim))
        within = inner & self.valid
        light = mean(self.light, within)
        good = (
            (np.bincount(labels[rim], minlength=count + 1) >= 12)
            & (rim_fine <= SOFTEST * rim_coarse)
            & (mean(self.fine, within) <= SMOOTHEST * mean(self.coarse, within))
            & (along <= MOST_STRAIGHT * rim_coarse)
            & (mean(self.chroma, within) <= MOST_CHROMA * light)
        )
        good[0] = False
        places = ndimage.find_objects(labels)
        for body in np.flatnonzero(good):
            near = _with_room(places[body - 1])
            good[body] = light[body] - self.at(near).surroundings(labels[near] == body) >= LEAST_CONTRAST
        return good[labels]

    def at(self, place: tuple[slice, slice]) -> _Picture:
        """The part of it in a window."""
        return _Picture(*(a[place] for a in (self.light, self.chroma, self.fine, self.coarse, self.turn, self.valid)))

    def surroundings(self, body: np.ndarray) -> float:
        """Median light of a ring of RING_PX round a body; its own darkest where nothing lies round it."""
        from scipy import ndimage

        ring = ndimage.binary_dilation(body, iterations=RING_PX) & ~body & self.valid
        return float(np.median(self.light[ring])) if ring.any() else float(self.light[body].min())


def _with_room(place: tuple[slice, slice]) -> tuple[slice, slice]:
    """A window with the ring round the body in it."""
    rows, columns = (slice(max(0, side.start - RING_PX), side.stop + RING_PX) for side in place)
    return rows, columns


def _core_and_rim(body: np.ndarray, picture: _Picture, progress: Progress) -> tuple[np.ndarray, np.ndarray]:
    """The bright part of each body, and the part between that and what is hardly veiled; sharp things in it are seen."""
    from scipy import ndimage

    core, rim = np.zeros_like(body), np.zeros_like(body)
    labels, count = ndimage.label(body)
    for number, place in enumerate(ndimage.find_objects(labels), 1):
        progress(number / count)
        near = _with_room(place)
        whole, view = labels[near] == number, picture.at(near)
        fine, light = view.fine, view.light
        sharp = view.valid & (fine > SHARP * view.coarse) & (fine > STANDS_OUT * np.median(fine[whole]))
        here = whole & ~ndimage.binary_dilation(sharp, iterations=4)
        if not here.any():
            continue
        low, high = view.surroundings(whole), np.percentile(light[here], 95)
        way = (light - low) / max(high - low, 1e-6)
        core[near] |= here & (way >= CORE)
        rim[near] |= here & (way >= THIN) & (way < CORE)
    return core, rim
