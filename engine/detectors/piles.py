"""Coal piles and covered stacks: how much ground they cover, never how many there are.

Both are found against the ground learned around the zone. Coal is dark, without colour, lies on ground all round it and has no
straight sides; a shadow has them, trees have colour and detail, and water runs on to the zone's edge. A covered stack is one even
sheet, wider than a box in both directions and of another colour than the ground, with the straight sides of a block. A roof of that size
looks the same: zones must leave buildings out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..patch import Patch
from ..zones import Zone
from .base import Found, Progress, SceneLike, ZoneByZone, part, silent
from .ground import Ground, lab

PIXEL_M = 0.6  # finer detail says nothing about piles
RING_M = 12.0  # ground is learned this far around the zone, inside it where the ring is empty
SQUARE_PX, MARGIN_PX = 700, 100  # looked at at once, and round it, so that a pile is seen whole

COAL_LIGHTNESS, COAL_CHROMA = 0.55, 9.0  # of the ground's lightness, and Lab units
COAL_COLOURED, COAL_ROUGH = (
    0.35,
    0.17,
)  # spread of its mean colour, and of its detail, over its light; trees have more of both
COAL_WIDTH_M, COAL_AREA_M2 = 6.0, 120.0
COARSE_M, COARSE_AREA_M2 = 4.5, 1e4  # from this effective GSD on only coal of a hectare and more
COAL_STRAIGHT = 0.5  # most agreement of the rim's directions modulo a right angle
OVER_EDGE_M = (
    8.0  # most metres of the zone's outline that a pile may touch: water and the shadows of what stands outside run on
)
ON_GROUND = 0.5  # least share of the rim's surroundings that is ground
SHEET_WIDTH_M, SHEET_AREA_M2, SHEET_MOST_M2 = 4.0, 60.0, 2500.0
SHEET_FAR = 4.0  # sd from the ground's colours
SHEET_EVEN = 5.0  # Lab units: sd of lightness over SHEET_WIDTH_M


class _Piles(ZoneByZone):
    """What both have in common: area and share of a zone."""

    name = "piles"
    classes: tuple[str, ...] = ()

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Measures "m2" and "share" of the zone, without any where no ground can be learned (and a warning says so)."""
        area = seen = 0.0
        parts = list(zone.squares(SQUARE_PX * max(scene.gsd_m, PIXEL_M)))
        blind = 0
        for number, piece in enumerate(parts):
            step = part(progress, number, len(parts))
            found = self._in_piece(scene, zone, piece)
            step(1.0)
            if found is None:
                blind += 1
                continue
            area, seen = area + found[0], seen + found[1]
        what = self.classes[0].replace("_", " ")
        if blind == len(parts):
            return Found(_none(), counted=False, warnings=(f"{zone.zone_id}: no ground around it to tell a {what} from. Draw some metres of free ground with it.",))  # fmt: skip
        measures = {"m2": area, "share": min(1.0, area / seen) if seen else 0.0}
        return Found(_none(), measures, counted=False)

    def _in_piece(self, scene: SceneLike, zone: Zone, piece: Any) -> tuple[float, float] | None:
        """Covered and seen area of a piece of the zone in m²; None where no ground is known."""
        west, south, east, north = piece.bounds
        gsd = max(scene.gsd_m, PIXEL_M)
        margin = MARGIN_PX * gsd
        patch = scene.read((west - margin, south - margin, east + margin, north + margin), gsd)
        inside = patch.inside(zone.geometry)
        piece_inside = patch.inside(piece) & patch.valid
        if not piece_inside.any():
            return 0.0, 0.0
        colours = lab(patch.rgb())
        around = patch.inside(zone.geometry.buffer(max(RING_M, 4 * gsd))) & ~inside & patch.valid
        ground = Ground.learn(colours[:, around].T) or Ground.learn(colours[:, inside & patch.valid].T)
        if ground is None:
            return None
        body = self._bodies(patch, colours, ground, inside, scene.effective_gsd_m)
        cell = patch.gsd_m**2
        return float((body & piece_inside).sum() * cell), float(piece_inside.sum() * cell)

    def _bodies(
        self, patch: Patch, colours: np.ndarray, ground: Ground, inside: np.ndarray, effective_m: float
    ) -> np.ndarray:
        raise NotImplementedError


class CoalPiles(_Piles):
    """Heaps of coal."""

    classes = ("coal_pile",)

    def _bodies(
        self, patch: Patch, colours: np.ndarray, ground: Ground, inside: np.ndarray, effective_m: float
    ) -> np.ndarray:
        """Bool (rows, columns)."""
        from scipy import ndimage

        least = COARSE_AREA_M2 if effective_m > COARSE_M else COAL_AREA_M2
        dark = (
            (colours[0] < COAL_LIGHTNESS * np.median(ground.centres[:, 0]))
            & (np.hypot(*colours[1:]) < COAL_CHROMA)
            & patch.valid
        )
        dark = ndimage.binary_closing(_opened(dark, COAL_WIDTH_M, patch.gsd_m), iterations=1)
        out = np.zeros_like(dark)
        off = ground.distance(colours) < 3.0
        edge = ~inside & ndimage.binary_dilation(inside)
        for body in _large(dark & inside, least / patch.gsd_m**2):
            rim = ndimage.binary_dilation(body, iterations=max(2, round(3.0 / patch.gsd_m))) & ~ndimage.binary_dilation(body) & patch.valid  # fmt: skip
            over_edge = (ndimage.binary_dilation(body) & edge).sum() * patch.gsd_m
            on_ground = (off & rim).sum() / max(rim.sum(), 1)
            if (
                over_edge <= OVER_EDGE_M
                and on_ground >= ON_GROUND
                and _straight(body, patch.valid) <= COAL_STRAIGHT
                and _is_loose(patch, body)
            ):
                out |= body
        return out & inside


class CoveredStacks(_Piles):
    """Goods under tarpaulins."""

    classes = ("covered_stack",)

    def _bodies(
        self, patch: Patch, colours: np.ndarray, ground: Ground, inside: np.ndarray, effective_m: float
    ) -> np.ndarray:
        """Bool (rows, columns)."""
        from scipy import ndimage

        size = max(3, round(SHEET_WIDTH_M / patch.gsd_m) | 1)
        light = colours[0]
        spread = np.sqrt(np.maximum(ndimage.uniform_filter(light**2, size) - ndimage.uniform_filter(light, size) ** 2, 0))
        far = (ground.distance(colours) > SHEET_FAR) & ~ground.shadow(colours) & ~ground.deep(colours) & patch.valid
        # evenness is that of the middle: a body is what stands out and hangs together with an even middle
        middle = _opened(far & (spread < SHEET_EVEN), SHEET_WIDTH_M / 2, patch.gsd_m)
        sheet = _opened(far, SHEET_WIDTH_M, patch.gsd_m)
        out = np.zeros_like(sheet)
        most = SHEET_MOST_M2 / patch.gsd_m**2
        for body in _large(sheet, SHEET_AREA_M2 / patch.gsd_m**2):
            if body.sum() <= most and (middle & body).sum() > 0.3 * body.sum() and (body & inside).sum() > 0.7 * body.sum():
                out |= body
        return out & inside


def _is_loose(patch: Patch, body: np.ndarray) -> bool:
    """Whether a dark body is grey and as even as coal, and not a tree."""
    from scipy import ndimage

    middle = ndimage.binary_erosion(body, iterations=2)
    middle = middle if middle.sum() > 20 else body
    mean = patch.rgb()[:, middle].mean(1)
    light, own = patch.luminance(), middle.astype(np.float32)
    smooth = ndimage.gaussian_filter(light * own, 2.0) / np.maximum(ndimage.gaussian_filter(own, 2.0), 1e-6)
    detail = (light - smooth)[middle].std()
    return np.ptp(mean) <= COAL_COLOURED * mean.mean() and detail <= COAL_ROUGH * light[middle].mean()


def _none():  # type: ignore[no-untyped-def]
    from ..detections import Detections

    return Detections.empty()


def _opened(mask: np.ndarray, width_m: float, gsd_m: float) -> np.ndarray:
    """What of the mask is at least so wide in every direction."""
    from scipy import ndimage

    radius = width_m / 2 / gsd_m
    if radius < 1:
        return mask
    inner = ndimage.distance_transform_edt(mask) >= radius
    return mask & (ndimage.distance_transform_edt(~inner) <= radius + 0.5)


def _large(mask: np.ndarray, least: float):  # type: ignore[no-untyped-def]
    """The bodies of at least so many pixels, one after another (bool, rows, columns)."""
    from scipy import ndimage

    labels, count = ndimage.label(mask)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    for number in range(1, count + 1):
        if sizes[number] >= least:
            yield labels == number


def _straight(body: np.ndarray, valid: np.ndarray) -> float:
    """How far the directions of a body's rim agree modulo a right angle, 0 (round) to 1 (a square along itself).

    Where it borders on what was not seen its rim is not its own.
    """
    from scipy import ndimage

    soft = body.astype(np.float32)
    x, y = (ndimage.gaussian_filter(soft, 1.5, order=order) for order in ((0, 1), (1, 0)))
    slope = np.hypot(x, y) * ndimage.binary_erosion(valid, iterations=4, border_value=1)
    turn = 4 * np.arctan2(y, x)
    return float(np.hypot((slope * np.cos(turn)).sum(), (slope * np.sin(turn)).sum()) / max(slope.sum(), 1e-9))
