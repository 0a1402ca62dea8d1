"""A quick look at coarse pixels: where in a large water zone anything floats at all, so that only that is read finely."""

from __future__ import annotations

import numpy as np

from ..patch import Patch
from ..tiles import Bounds, Tile, tiles
from ..zones import Zone
from . import water
from .base import Progress, SceneLike

COARSER = 4  # times the work pixel
# Strangeness of coarse pixels worth a closer look: of two together (lower than the detector's own), or of one alone.
_PAIR_FROM, _SINGLE_FROM = 4.5, 8.0
_TILE_PX = 512
_JOIN_PX = 2  # gaps between the parts of one ship, or of a raft
_CONTEXT_M = 75.0  # water read round what floats, for the background


class Screen:
    """What may float in a drawn water zone.

    ``wet``: whether any of the zone was observed. The map holds one bool for each coarse pixel: 1/16 byte a work pixel.
    """

    def __init__(self, scene: SceneLike, zone: Zone, part: Bounds, gsd_m: float, progress: Progress) -> None:
        self._part, self._gsd = part, gsd_m * COARSER
        columns, rows = (int(np.ceil((part[i + 2] - part[i]) / self._gsd)) + 1 for i in (0, 1))
        self._seen = np.zeros((rows, columns), bool)
        self.wet = False
        walk = list(tiles(part, _TILE_PX * self._gsd, 0.0))
        for k, tile in enumerate(walk):
            self._look(scene.read(tile.core, self._gsd), zone)
            progress((k + 1) / len(walk))

    def _look(self, patch: Patch, zone: Zone) -> None:
        if not patch.valid.any():
            return
        inside = patch.inside(zone.geometry) & patch.valid
        if not inside.any():
            return
        self.wet = True
        rows, columns = np.nonzero(_floating(water.strangeness(patch, inside, inside) * inside))
        rows, columns = self._place(*patch.to_frame(columns, rows))
        self._seen[rows, columns] = True

    def _place(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of frame points, those outside moved to the border."""
        row, column = (self._part[3] - y) / self._gsd, (x - self._part[0]) / self._gsd
        return tuple(np.clip(v.astype(int), 0, n - 1) for v, n in zip((row, column), self._seen.shape))  # type: ignore[return-value]

    def window(self, tile: Tile) -> Bounds | None:
        """The box of everything that reaches into a tile's core, with some water round it; None where there is nothing."""
        from scipy import ndimage

        west, south, east, north = tile.outer
        rows, columns = self._place(np.array([west, east]), np.array([north, south]))
        part = self._seen[rows[0] : rows[1] + 1, columns[0] : columns[1] + 1]
        labels, _ = ndimage.label(ndimage.binary_dilation(part, np.ones((3, 3), bool), _JOIN_PX))
        core_rows, core_columns = self._place(np.array(tile.core[::2]), np.array(tile.core[:0:-2]))
        core = np.s_[
            core_rows[0] - rows[0] : core_rows[1] - rows[0] + 1,
            core_columns[0] - columns[0] : core_columns[1] - columns[0] + 1,
        ]
        reached = np.isin(labels, np.unique(labels[core][labels[core] > 0]))
        at_row, at_column = np.flatnonzero(reached.any(1)), np.flatnonzero(reached.any(0))
        if not len(at_row):
            return None
        left, top = self._part[0] + columns[0] * self._gsd, self._part[3] - rows[0] * self._gsd
        return (
            max(left + at_column[0] * self._gsd - _CONTEXT_M, west),
            max(top - (at_row[-1] + 1) * self._gsd - _CONTEXT_M, south),
            min(left + (at_column[-1] + 1) * self._gsd + _CONTEXT_M, east),
            min(top - at_row[0] * self._gsd + _CONTEXT_M, north),
        )


def _floating(strange: np.ndarray) -> np.ndarray:
    """Bool: pixels of strange pairs and very strange single pixels; noise makes neither."""
    from scipy import ndimage

    labels, _ = ndimage.label(strange >= _PAIR_FROM, structure=np.ones((3, 3), bool))
    size = np.bincount(labels.ravel())
    size[0] = 0
    return (size > 1)[labels] | (strange >= _SINGLE_FROM)
