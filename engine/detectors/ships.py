"""Ships in optical scenes of 0.3 to 10 m: what stands out of the water and has the shape of a hull."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .. import gate
from ..detections import Detections
from ..patch import Patch
from ..zones import Zone
from . import component_tree, water
from .base import Found, Progress, SceneLike, silent
from .component_tree import Pieces

WORK_GSD_M = 0.6  # finer pixels show fittings, not hulls (measured: 0.6 m beats 0.3 and 1.2 m)
TILE_PX = 2048
LONGEST_M, WIDEST_M = 420.0, 85.0
HALO_M = LONGEST_M / 2 + 30  # a ship whose centre lies in a tile ends within this

# Least length reported, by effective GSD: five to six pixels, more where the pixel is fine enough to show small craft's wakes.
_LEAST_LENGTH_M = ((0.3, 10.0), (0.6, 10.0), (1.0, 14.0), (3.0, 40.0), (10.0, 60.0))
_FROM = 5.0
_RADII_PX = (0.0, 1.0, 1.5, 2.5, 4.0)

# Logistic in the score: hand-set, provisional until rason:calibrate replaces it.
_P_AT, _P_SLOPE = 0.35, 8.0
_REPORT_FROM = 0.2


def least_length_m(effective_gsd_m: float) -> float:
    """Shortest ship reported at this effective GSD."""
    gsd, length = np.array(_LEAST_LENGTH_M).T
    return float(np.interp(effective_gsd_m, gsd, length))


class Ships:
    """Ships afloat in water, berth and area zones."""

    name = "ships"
    classes = ("ship",)

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Ships whose centre lies in the zone; measure "m" is their total length.

        Raises TooCoarse above 11 m effective GSD, Refusal for a track.
        """
        gate.check("ship", scene.effective_gsd_m, scene.gsd_m)
        least = least_length_m(scene.effective_gsd_m)
        gsd = scene.gsd_m * max(1, int(WORK_GSD_M / scene.gsd_m + 0.25))
        tiles = list(_tiles(scene, zone, gsd))
        parts = []
        for k, (core, window) in enumerate(tiles):
            patch = scene.read(window, gsd)
            found = _in_patch(patch, zone, least)
            x, y = found.x, found.y
            parts.append(found.select((x >= core[0]) & (x < core[2]) & (y > core[1]) & (y <= core[3])))
            progress((k + 1) / len(tiles))
        ships = Detections.concatenate(parts)
        return Found(ships, {"m": float(ships.length_m.sum())}, True, ())


def _tiles(scene: SceneLike, zone: Zone, gsd: float) -> Iterator[tuple]:
    west, south, east, north = zone.geometry.bounds
    a, b, c, d = scene.bounds
    west, south, east, north = max(west, a), max(south, b), min(east, c), min(north, d)
    side = TILE_PX * gsd
    for y in np.arange(north, south, -side):
        for x in np.arange(west, east, side):
            core = (x, y - side, min(x + side, east), y)
            core = (x, max(y - side, south), min(x + side, east), y)
            yield core, (max(core[0] - HALO_M, a), max(core[1] - HALO_M, b), min(core[2] + HALO_M, c), min(core[3] + HALO_M, d))


def _in_patch(patch: Patch, zone: Zone, least_m: float) -> Detections:
    zone_mask = patch.inside(zone.geometry) & patch.valid
    strange = water.strangeness(patch, zone_mask)
    return ships_in(patch, strange, zone_mask, least_m)


def ships_in(patch, strange, observable, least_m):
    from scipy import ndimage
    gsd = patch.gsd_m
    mask = (strange >= _FROM) & observable
    labels, n = ndimage.label(mask, structure=np.ones((3, 3), bool))
    if not n:
        return Detections.empty()
    size = np.bincount(labels.ravel())
    least_px = least_m / gsd * 0.75
    least_area = max(5.0, least_px * max(1.0, least_px / 12.0))
    found = []
    for k, box in enumerate(ndimage.find_objects(labels), 1):
        if size[k] < least_area or max(s.stop - s.start for s in box) < least_px:
            continue
        pad = 9
        r0, c0 = (max(s.start - pad, 0) for s in box)
        w = np.s_[r0 : box[0].stop + pad, c0 : box[1].stop + pad]
        s = np.where((labels[w] == k) | (labels[w] == 0), strange[w], 0) * observable[w]
        top = np.quantile(s[labels[w] == k], 0.9)
        thr = np.geomspace(_FROM, max(0.6*top, 1.5*_FROM), 7)
        pieces = component_tree.cut(s, observable[w], thr, _RADII_PX, least_area, least_px)
        if not len(pieces):
            continue
        score = scores(pieces, gsd, least_m)
        value = pieces.area * (score - _REPORT_FROM)
        keep = component_tree.best_set(pieces, value)
        p = pieces.select(keep)
        x, y = patch.to_frame(p.column + c0, p.row + r0)
        found.append(Detections.make(x, y, p.length * gsd, p.width * gsd, np.degrees(p.angle) + 90, "ship", score=score[keep],
            p=1 / (1 + np.exp(-_P_SLOPE * (score[keep] - _P_AT)))))
    return Detections.concatenate(found)


def scores(p: Pieces, gsd: float, least_m: float) -> np.ndarray:
    """0..1: product of how hull-like fill, slenderness, surroundings, contrast and size are."""
    length, width = p.length * gsd, p.width * gsd
    ratio = length / width
    gated = (length >= least_m) & (length <= LONGEST_M) & (width <= WIDEST_M + 2 * gsd) & (ratio >= 1.5) & (ratio < 14) & (p.fill > .5)
    fill = np.clip((p.fill - 0.45) / 0.4, 0, 1)
    slender = np.exp(-0.5 * (np.log(ratio / 4.5) / 0.7) ** 2)
    around = np.clip((p.water + 0.7 * p.outside - 0.2) / 0.6, 0, 1)
    contrast = np.clip(np.log(p.strangeness / _FROM) / np.log(3), 0, 1)
    half = np.exp(-0.5 * (np.log(p.threshold / (0.45 * p.strangeness)) / 0.7) ** 2)
    return gated * (fill * slender * around * contrast * half * np.exp(-0.5 * (p.lopsided / 0.08) ** 2)) ** 0.5
