"""A scene of which part is hidden: what a visibility raster does not show as seen is not valid for anyone who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .class_raster import MOST_PIXELS, ClassRaster
from .errors import Refusal
from .patch import Patch
from .visibility import CLEAR, NAMES


class MaskedScene:
    """A scene (``scene.Scene``) behind a visibility raster: 1 is seen, everything else and what lies outside it is hidden."""

    shows_all = False

    def __init__(self, scene: Any, raster: ClassRaster) -> None:
        """Raises Refusal for a raster that shows nothing of the scene, or that holds other values than ``rason:visibility`` gives."""
        self._scene = scene
        west, south, east, north = scene.bounds
        own = abs(raster.dataset.GetGeoTransform()[1])
        coarse = np.sqrt((east - west) * (north - south) / MOST_PIXELS)
        # a raster in degrees has pixels of unknown metres: the scene's own are fine enough
        side = max(scene.gsd_m, coarse, own if scene.frame.is_scene_crs and own > scene.gsd_m else 0.0)
        shape = max(1, int(np.ceil((north - south) / side))), max(1, int(np.ceil((east - west) / side)))
        values, known = raster.onto(scene.frame, west, north, side, shape)
        check_causes(values[known], raster.name)
        self._seen, self._side = known & (values == CLEAR), side
        self.files = (*scene.files, *raster.files)

    def __getattr__(self, name: str) -> Any:
        """All else is the scene's own."""
        return getattr(self._scene, name)

    def read(self, bounds: tuple[float, float, float, float], gsd_m: float | None = None) -> Patch:
        """As the scene's, with hidden pixels not valid."""
        patch = self._scene.read(bounds, gsd_m)
        valid = patch.valid & self._shown(patch.bounds, patch.shape)
        return replace(patch, data=patch.data * valid, valid=valid)

    def values(
        self, bounds: tuple[float, float, float, float], shape: tuple[int, int], bands: Sequence[int]
    ) -> tuple[np.ndarray, np.ndarray]:
        """As the scene's, with hidden pixels not valid; they keep their values, so that a mask's edge is no edge in the picture."""
        data, valid = self._scene.values(bounds, shape, bands)
        return data, valid & self._shown(bounds, shape)

    def _shown(self, bounds: tuple[float, float, float, float], shape: tuple[int, int]) -> np.ndarray:
        """Which pixels of a box are seen."""
        (west, south, east, north), (rows, columns) = bounds, shape
        left, _, _, top = self._scene.bounds
        x = west + (np.arange(columns) + 0.5) * (east - west) / columns
        y = north - (np.arange(rows) + 0.5) * (north - south) / rows
        row = np.floor((top - y) / self._side).astype(int).clip(0, self._seen.shape[0] - 1)
        column = np.floor((x - left) / self._side).astype(int).clip(0, self._seen.shape[1] - 1)
        return self._seen[np.ix_(row, column)]


def check_causes(values: np.ndarray, name: str) -> None:
    """Raises Refusal for values that are not those of ``rason:visibility``."""
    top = float(values.max(initial=0))
    if top >= len(NAMES) or values.min(initial=0) < 0:
        raise Refusal(
            "{name} holds values up to {top:g}: it is no raster of rason:visibility, where 1 is seen and 0, 2 to "
            "7 are hidden. Run rason:visibility and give your mask there as MASK or QUALITY.",
            name=name,
            top=top,
        )
    if not (values == CLEAR).any():
        raise Refusal(
            "{name} shows nothing of this scene: no pixel is 1 (seen). In a raster of rason:visibility 1 is seen "
            "and everything else hidden; give another kind of mask to rason:visibility as MASK.",
            name=name,
        )
