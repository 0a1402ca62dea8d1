"""Which pixels of a scene could be seen: everything that is known or can be read off the picture, put together."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import cloud_shadows, clouds, glint, haze, quality, strips, words
from .class_raster import ClassRaster
from .detectors.base import Progress, part, silent
from .errors import Refusal
from .visibility import CLOUD, GLINT, HAZE, MASKED, NODATA, ROOF, SHADOW, Mask, block_bounds, blocks

# Side in the scene's own pixels of what is read at once, so that two calls of progress are a fraction of a second apart.
BLOCK_PX = 1536


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
    causes: Collection[str] = words.PICTURE_CAUSES,
    progress: Progress = silent,
) -> Look:
    """What hides the ground of a scene, pixel by pixel.

    quality_layer: raster and its kind ("" to find out); cloud and shadow then come from it and not from the picture.
    hidden_raster: any value but 0 and nodata is hidden, as the user says; hidden_polygons likewise. roofs: polygons of those that
    stood at the epoch. Polygons are shapely, in frame metres. causes: what is read off the picture.
    Raises Refusal for rasters that lie elsewhere or hold what they cannot hold.
    """
    mask = Mask.blank(scene.bounds, scene.gsd_m)
    warnings: list[str] = []
    laid = _laid_all(scene, mask, quality_layer, hidden_raster)
    _read_pixels(scene, mask, words.GLINT in causes, part(progress, 0, 2))
    if not (mask.causes != NODATA).any():
        raise Refusal("INPUT holds no observed pixel: all of it is nodata. Choose another scene.")
    if quality_layer:
        warnings += _hide_by_quality(scene, mask, *quality_layer, *laid[0])
        causes = set(causes) - {words.CLOUD, words.SHADOW}
    warnings += _read_clouds(scene, mask, causes, part(progress, 1, 2))
    if hidden_raster:
        values, known = laid[1]
        if hidden_raster.nodata is not None:
            known = known & (values != hidden_raster.nodata)
        mask.hide(known & (values != 0), MASKED)
    for geometry in hidden_polygons:
        mask.hide_polygon(geometry, MASKED)
    for geometry in roofs:
        mask.hide_polygon(geometry, ROOF)
    return Look(mask, tuple(warnings))


def _laid_all(scene: Any, mask: Mask, quality_layer: Any, hidden_raster: ClassRaster | None) -> list[Any]:
    """The rasters on the mask's grid first: what lies elsewhere is refused before the long work."""
    rasters = [quality_layer and quality_layer[0], hidden_raster]
    return [raster and raster.onto(scene.frame, mask.x0, mask.y0, mask.gsd_m, mask.shape) for raster in rasters]


def _read_pixels(scene: Any, mask: Mask, with_glint: bool, progress: Progress) -> None:
    """What has no data, and what is lost in glint, which takes the scene's own pixels."""
    own = with_glint and scene.gsd_m <= glint.COARSEST_M
    step = round(mask.gsd_m / scene.gsd_m)
    windows = list(blocks(mask, max(64, BLOCK_PX // step)))
    for done, (rows, columns) in enumerate(windows):
        progress(done / len(windows))
        patch = scene.read(block_bounds(mask, rows, columns), None if own else mask.gsd_m)
        progress((done + 0.5) / len(windows))
        valid = patch.valid
        if own:
            where, side = glint.glint(patch)
            mask.hide_cells(where, GLINT, patch.x0, patch.y0, side)
            valid = _averaged(valid, step)
        mask.hide(~valid[: rows.stop - rows.start, : columns.stop - columns.start], NODATA, rows, columns)


def _averaged(valid: np.ndarray, step: int) -> np.ndarray:
    """Whether most of the pixels of each block of step x step are valid."""
    rows, columns = (n // step for n in valid.shape)
    return valid[: rows * step, : columns * step].reshape(rows, step, columns, step).mean((1, 3)) > 0.5


def _hide_by_quality(scene: Any, mask: Mask, raster: ClassRaster, kind: str, values: np.ndarray, known: np.ndarray) -> list[str]:  # fmt: skip
    kind = kind or quality.kind_of(raster, values[known])
    found = quality.causes(kind, np.where(known, values, 0), raster.name)
    for cause in (NODATA, CLOUD, SHADOW):
        mask.hide(known & (found == cause), cause)
    warnings = []
    if (known & (found == HAZE)).any():
        warnings += _hide_cirrus(scene, mask, known & (found == HAZE))
    if known.mean() < 0.99:
        warnings.append(f"{raster.name} covers only {known.mean():.0%} of the scene: what lies beyond is taken as seen.")
    return warnings


def _hide_cirrus(scene: Any, mask: Mask, hazy: np.ndarray) -> list[str]:
    """Thin cirrus hides only where the picture's contrast is lost."""
    side = max(scene.gsd_m, math.sqrt(mask.causes.size / cloud_shadows.MOST_PIXELS) * mask.gsd_m)
    patch = scene.read(mask.bounds, side)
    rows, columns = patch.shape
    y, x = ((np.arange(n) + 0.5) * patch.gsd_m for n in (rows, columns))
    row, column = ((v / mask.gsd_m).astype(int).clip(0, n - 1) for v, n in zip((y, x), mask.shape))
    gone = haze.lost(patch, hazy[np.ix_(row, column)])
    if gone is None:
        return [
            "All of the scene lies under thin cirrus: whether it hides the ground cannot be judged. It is taken as seen."
        ]
    mask.hide_cells(gone, HAZE, patch.x0, patch.y0, patch.gsd_m)
    return []


def _read_clouds(scene: Any, mask: Mask, causes: Collection[str], progress: Progress) -> list[str]:
    """Clouds, haze and shadows off the picture."""
    if not set(causes) & {words.CLOUD, words.HAZE, words.SHADOW}:
        return []
    scene.measure(part(progress, 0, 3))
    for patch, cloud, hazy in clouds.veils(scene, part(progress, 1, 3)):
        for where, cause, word in ((cloud, CLOUD, words.CLOUD), (hazy, HAZE, words.HAZE)):
            if word in causes:
                mask.hide_cells(where, cause, patch.x0, patch.y0, patch.gsd_m)
    if {words.CLOUD, words.SHADOW} & set(causes):
        _read_shadows(scene, mask, causes, part(progress, 2, 3))
    rule = clouds.rule_for(scene)
    if rule is not clouds.FINE and words.CLOUD in causes:
        told = "several clouds that cast visible shadows" + " and white, soft-edged ones of 300 m and more" * (
            rule is not None
        )
        return [
            f"At this detail only {told} are told from bright ground: give the scene's quality layer (SCL, QA_PIXEL) as "
            "QUALITY, or MASK, where there are others."
        ]
    return []


def _read_shadows(scene: Any, mask: Mask, causes: Collection[str], progress: Progress) -> None:
    area = mask.causes.size * mask.gsd_m**2
    coarse = max(scene.gsd_m, cloud_shadows.PIXEL_M, math.sqrt(area / cloud_shadows.MOST_PIXELS))
    patch = strips.read(scene, scene.bounds, coarse, part(progress, 0, 2))
    if min(patch.shape) < 2 * cloud_shadows.NEAR_M / patch.gsd_m or not patch.valid.any():
        return  # no room for a cloud and its shadow
    x, y = patch.to_frame(*np.meshgrid(*(np.arange(n) for n in patch.shape[::-1])))
    known = mask.at(x, y) == CLOUD
    found = cloud_shadows.pairs(patch, known, part(progress, 1, 2))
    if found is None:
        return
    for where, cause, word in ((found.cloud, CLOUD, words.CLOUD), (found.shadow, SHADOW, words.SHADOW)):
        if word in causes:
            mask.hide_cells(where, cause, patch.x0, patch.y0, patch.gsd_m)
