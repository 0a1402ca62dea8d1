"""Clouds and haze in fine pictures: bright white bodies without one sharp edge, through which nothing on the ground is seen.

What tells them from bright yards, roofs and concrete is their edge. Between a Gaussian of one and of two pixels the slope of a
step, or of any object's outline, falls by half; that of a cloud's rim, which fades over tens of metres, stays the same. The ratio
needs no brightness and no contrast: on the chips at 0.3 m it was 1.0 to 1.2 for cloud over sea and 1.5 to 2.9 for roofs, yards,
parked lorries and stacks. Haze through which the ground's edges show fails the test and is rightly not taken for hidden.

Coarser than a few metres most outlines are a pixel wide, and a roof's flat inside has next to no slopes between them, while a
cloud billows: at 10 m a cloud of 300 m and more is still soft at the rim and inside, and whiter than anything of that size on the
ground. Only colour pictures are judged there, by narrower bounds (COARSE); smaller clouds are left to ``cloud_shadows``. Snow without
edges, and a cloud that fills the whole picture evenly, cannot be told in red, green and blue: give a mask or a quality layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import strips
from .detectors.base import Progress, part, silent
from .patch import LUMA, Patch
from .tiles import tiles

TILE_PX = 1024
RING_PX = 5  # of what lies round a body


@dataclass(frozen=True)
class Rule:
    """What a body must be to be a cloud, in pictures up to an effective GSD of coarsest_m, looked at with pixels of pixel_m.

    levels: of stretched brightness, at each of which bodies are looked for. least_m2: their area. rim: largest slope at one pixel over
    slope at two, along the rim; inside: least and largest within. straight: how far the rim's directions may agree modulo a right
    angle; curved roofs reach 0.7. chroma: largest less smallest colour, over brightness. contrast: least, body over its
    surroundings, of the scene's range.
    """

    coarsest_m: float
    pixel_m: float
    levels: np.ndarray
    least_m2: float
    rim: float
    inside: tuple[float, float]
    straight: float
    chroma: float
    contrast: float


# At 2.4 m ground objects are sharp and rims of clouds are not; beyond 1.3 m of detail ground objects are soft there too.
FINE = Rule(1.3, 2.4, np.linspace(0.08, 0.92, 12), 2000.0, 1.32, (0.0, 1.4), 0.45, 0.30, 0.12)
COARSE = Rule(12.5, 10.0, np.linspace(0.3, 1.5, 13), 4000.0, 1.35, (0.7, 1.4), 0.4, 0.15, 0.2)
# Of the way from the surroundings to the body's bright end: above CORE is cloud, from THIN on haze, below it is taken as seen.
CORE, THIN = 0.5, 0.25
SHARP, STANDS_OUT = 1.6, 6.0  # slope ratio, and slope over the body's usual one, of an object that is seen all the same


def veils(scene: Any, progress: Progress = silent) -> Iterator[tuple[Patch, np.ndarray, np.ndarray]]:
    """Tile by tile a Patch, where it shows cloud and where haze that hides (bool, rows, columns).

    scene: as detectors take it; one of which neither rule holds gives nothing.
    """
    rule = rule_for(scene)
    if rule is None:
        return
    gsd = max(scene.gsd_m, rule.pixel_m)
    walk = list(tiles(scene.bounds, TILE_PX * gsd, 40 * gsd))
    for tile in walk:
        step = part(progress, tile.number, len(walk))
        patch = strips.read(scene, tile.outer, gsd, part(step, 0, 2))
        step = part(step, 1, 2)
        if patch.valid.any() and min(patch.shape) >= 24:
            yield patch, *veil(patch, step, rule)


def rule_for(scene: Any) -> Rule | None:
    """By the scene's detail; beyond COARSE, or coarse and without colours, none."""
    if scene.effective_gsd_m <= FINE.coarsest_m:
        return FINE
    return COARSE if scene.effective_gsd_m <= COARSE.coarsest_m and all(role in scene.roles for role in LUMA) else None


def veil(patch: Patch, progress: Progress = silent, rule: Rule = FINE) -> tuple[np.ndarray, np.ndarray]:
    """Where a patch shows cloud, and where haze (bool, rows, columns)."""

    picture = _Picture.of(patch)
    body = np.zeros(patch.shape, bool)
    steps = len(rule.levels) + 1
    for number, level in enumerate(rule.levels):
        progress(number / steps)
        labels, count = _large(picture.light > level, rule.least_m2 / patch.gsd_m**2)
        if count:
            body |= picture.soft_bodies(labels, count, rule)
    return _core_and_rim(body & patch.valid, picture, part(progress, steps - 1, steps))


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

    def soft_bodies(self, labels: np.ndarray, count: int, rule: Rule) -> np.ndarray:
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
        light, inside_fine, inside_coarse = (mean(a, within) for a in (self.light, self.fine, self.coarse))
        good = (
            (np.bincount(labels[rim], minlength=count + 1) >= 12)
            & (rim_fine <= rule.rim * rim_coarse)
            & (inside_fine >= rule.inside[0] * inside_coarse)
            & (inside_fine <= rule.inside[1] * inside_coarse)
            & (along <= rule.straight * rim_coarse)
            & (mean(self.chroma, within) <= rule.chroma * light)
        )
        good[0] = False
        places = ndimage.find_objects(labels)
        for body in np.flatnonzero(good):
            near = _with_room(places[body - 1])
            good[body] = light[body] - self.at(near).surroundings(labels[near] == body) >= rule.contrast
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
