"""A quick look at coarse pixels: where in a drawn water zone anything floats at all, so that only that is read finely."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from ..patch import Patch
from ..tiles import Bounds, tiles
from ..zones import Zone
from . import water, water_mask
from .base import Progress, SceneLike
from .reading import read_ahead

_COARSEST, _ALONG_SHIP = 4, 5  # work pixels in a coarse one at most; coarse pixels along the shortest ship at least
# Strangeness of coarse pixels worth a closer look (lower than the detector's own), and of two that need no third.
FROM, _PAIR_FROM = 5.0, 8.0
_LEAST_PX = 4
_TILE_PX = 768
_PER_CELL = 9  # rows and columns of a cell of water that a quick look learns from
_JOIN_PX = 2  # gaps between the parts of one ship, or of a raft
_LARGE_PX = 40  # length from which a thing that floats alone is large
_CONTEXT_M, _CONTEXT_PX = 50.0, 30  # water read round what floats, for the background


def coarser(least_m: float, gsd_m: float) -> int:
    """How many times coarser than the work pixel the quick look may be."""
    return int(np.clip(least_m / (_ALONG_SHIP * gsd_m), 1, _COARSEST))


class Screen:
    """What may float in a drawn water zone.

    ``wet``: whether any of the zone was observed. The map holds one bool for each coarse pixel: 1/16 byte a work pixel.
    """

    def __init__(self, scene: SceneLike, zone: Zone, part: Bounds, gsd_m: float, least_m: float, progress: Progress) -> None:
        self._part, self._gsd = part, gsd_m * coarser(least_m, gsd_m)
        self._context = max(_CONTEXT_M, _CONTEXT_PX * gsd_m)
        columns, rows = (int(np.ceil((part[i + 2] - part[i]) / self._gsd)) + 1 for i in (0, 1))
        self._seen = np.zeros((rows, columns), bool)
        self.wet = False
        walk = list(tiles(part, _TILE_PX * self._gsd, 0.0))
        for k, patch in enumerate(read_ahead(scene, [(tile.core, self._gsd) for tile in walk])):
            self._look(patch, zone)
            progress((k + 1) / len(walk))

    def _look(self, patch: Patch, zone: Zone) -> None:
        if not patch.valid.any():
            return
        inside = patch.inside(zone.geometry) & patch.valid
        if not inside.any():
            return
        self.wet = True
        rows, columns = np.nonzero(_floating(water.strangeness(patch, inside, inside, _PER_CELL) * inside))
        rows, columns = self._place(*patch.to_frame(columns, rows))
        self._seen[rows, columns] = True

    def _place(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of frame points, those outside moved to the border."""
        row, column = (self._part[3] - y) / self._gsd, (x - self._part[0]) / self._gsd
        return tuple(np.clip(v.astype(int), 0, n - 1) for v, n in zip((row, column), self._seen.shape))  # type: ignore[return-value]

    def near_bulk(self, x: np.ndarray, y: np.ndarray, half_m: float, reach_m: float) -> np.ndarray:
        """Bool: which frame points lie in or within reach of what is too thick for a hull."""
        if not len(x):
            return np.zeros(0, bool)
        grown = _JOIN_PX * self._gsd  # by the joining of gaps
        return water_mask.near_bulk(self._joined, self._gsd, half_m + grown, reach_m - grown)[self._place(x, y)]

    @cached_property
    def _joined(self) -> np.ndarray:
        """What floats, small gaps closed."""
        from scipy import ndimage

        return ndimage.maximum_filter(self._seen, 2 * _JOIN_PX + 1)

    def windows(self) -> list[tuple[Bounds, Bounds, bool]]:
        """Boxes that hold all that may float, apart from each other.

        Each with the box to read, some water round it, and whether one large thing is alone in it.
        """
        from scipy import ndimage

        seen = self._joined.copy()
        first, _ = ndimage.label(seen, np.ones((3, 3), bool))
        count, boxes = -1, list[tuple[slice, slice]]()
        while len(boxes) != count:  # boxes that overlap become one, until none do
            count = len(boxes)
            labels, _ = ndimage.label(seen, np.ones((3, 3), bool))
            boxes = ndimage.find_objects(labels)
            for box in boxes:
                seen[box] = True
        found = []
        for box in boxes:
            west, south, east, north = core = self._bounds(*box)
            wide = (west - self._context, south - self._context, east + self._context, north + self._context)
            inner = first[box]
            large = max(inner.shape) >= _LARGE_PX and bool((inner[inner > 0] == inner.max()).all())
            found.append((core, wide, large))
        return found

    def _bounds(self, rows: slice, columns: slice) -> Bounds:
        west, north = self._part[0], self._part[3]
        return (
            west + columns.start * self._gsd,
            north - rows.stop * self._gsd,
            west + columns.stop * self._gsd,
            north - rows.start * self._gsd,
        )


def _floating(strange: np.ndarray) -> np.ndarray:
    """Bool: groups of some strange pixels, or of two very strange ones; noise makes neither."""
    from scipy import ndimage

    labels, count = ndimage.label(strange >= FROM, structure=np.ones((3, 3), bool))
    size = np.bincount(labels.ravel(), minlength=count + 1)
    peak = np.zeros(count + 1, np.float32)
    rows, columns = np.nonzero(labels)
    np.maximum.at(peak, labels[rows, columns], strange[rows, columns])
    good = (size >= _LEAST_PX) | ((size >= 2) & (peak >= _PAIR_FROM))
    good[0] = False
    return good[labels]
