"""Which pixels of a scene could be seen: everything that is known or can be read off the picture, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import quality
from .class_raster import ClassRaster
from .detectors.base import Progress, silent
from .errors import Refusal
from .visibility import HAZE, MASKED, NODATA, ROOF, Mask, block_bounds, blocks


@dataclass(frozen=True)
class Look:
    """The raster of causes and what weakens it, in sentences."""

    mask: Mask
    warnings: tuple[str, ...] = ()


def look(
    scene: Any,
    *,
    quality_layer: tuple[ClassRaster, str] | None = None,
    hidden_raster: ClassRaster | None = None,
    hidden_polygons: Sequence[Any] = (),
    roofs: Sequence[Any] = (),
    progress: Progress = silent,
) -> Look:
    """What hides the ground of a scene, pixel by pixel.

    quality_layer: raster and its kind ("" to find out). hidden_raster: any value but 0 and nodata is hidden, as the user says;
    hidden_polygons likewise. roofs: polygons of those that stood at the epoch. Polygons are shapely, in frame metres.
    Raises Refusal for rasters that lie elsewhere or hold what they cannot hold.
    """
    mask = Mask.blank(scene.bounds, scene.gsd_m)
    warnings: list[str] = []
    _hide_unobserved(scene, mask, progress)
    if quality_layer:
        warnings += _hide_by_quality(scene, mask, *quality_layer)
    if hidden_raster:
        values, known = _laid(scene, mask, hidden_raster)
        if hidden_raster.nodata is not None:
            known &= values != hidden_raster.nodata
        mask.hide(known & (values != 0), MASKED)
    for geometry in hidden_polygons:
        mask.hide_polygon(geometry, MASKED)
    for geometry in roofs:
        mask.hide_polygon(geometry, ROOF)
    if not (mask.causes != NODATA).any():
        raise Refusal("INPUT holds no observed pixel: all of it is nodata. Choose another scene.")
    return Look(mask, tuple(warnings))


def _hide_unobserved(scene: Any, mask: Mask, progress: Progress) -> None:
    for done, (rows, columns) in enumerate(windows := list(blocks(mask))):
        progress(done / len(windows))
        valid = scene.read(block_bounds(mask, rows, columns), mask.gsd_m).valid
        mask.hide(~valid[: rows.stop - rows.start, : columns.stop - columns.start], NODATA, rows, columns)


def _hide_by_quality(scene: Any, mask: Mask, raster: ClassRaster, kind: str) -> list[str]:
    values, known = _laid(scene, mask, raster)
    kind = kind or quality.kind_of(raster, values[known])
    found = quality.causes(kind, np.where(known, values, 0), raster.name)
    for cause in np.unique(found[known]):
        if cause not in (1, HAZE):
            mask.hide(known & (found == cause), int(cause))
    missing = 1 - known.mean()
    if missing < 0.01:
        return []
    return [f"{raster.name} covers only {1 - missing:.0%} of the scene: what lies beyond is taken as seen."]


def _laid(scene: Any, mask: Mask, raster: ClassRaster) -> tuple[np.ndarray, np.ndarray]:
    return raster.onto(scene.frame, mask.x0, mask.y0, mask.gsd_m, mask.shape)
