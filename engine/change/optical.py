"""Change of two optical scenes, block by block, into rasters."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from . import streams
from .areas import strength
from .irmad import Irmad
from .streams import Stack

UNSEEN, SAME, DARKER, BRIGHTER = range(4)
CHANGED = (DARKER, BRIGHTER)
NAMES = {UNSEEN: "not observed", SAME: "no change shown", DARKER: "changed, darker", BRIGHTER: "changed, brighter"}
COLOURS = {UNSEEN: (60, 60, 60, 255), SAME: (255, 255, 255, 0), DARKER: (0, 114, 178, 255), BRIGHTER: (230, 159, 0, 255)}


@dataclass(frozen=True)
class Counts:
    """Pixels of the whole grid."""

    seen: int
    changed: int


def detect(
    stack: Stack, model: Irmad, significance: float, path: str, vectors: str | None, metadata: Mapping[str, str],
    progress: Callable[[float], None],
) -> Counts:  # fmt: skip
    """Write the raster of change (class, strength) to ``path`` and, where asked for, change vectors (size, direction) to ``vectors``.

    size: length of the difference of the bands, the later scene brought onto the earlier one's values. direction: degrees, 0 brighter in
    all bands, 180 darker, 90 towards the last band, 270 towards the first.
    """
    limit, bands = model.threshold(significance), model.bands
    out = stack.create(path, ("class", "strength"), "Byte", None, metadata, "OUTPUT")
    cva = (
        stack.create(vectors, ("magnitude", "direction"), "Float32", float("nan"), metadata, "VECTORS") if vectors else None
    )
    seen_px = changed_px = done = 0
    brighter = (model.gain / bands, float(model.offset.mean()))
    for window in stack.windows():
        progress(done / (stack.rows * stack.columns))
        (before, after), seen = stack.read(window)
        before, after = before.reshape(bands, -1), after.reshape(bands, -1)
        statistic = model.statistic(before, after)
        changed = np.flatnonzero((statistic > limit) & seen.ravel())
        classes = np.where(seen.ravel(), np.uint8(SAME), np.uint8(UNSEEN))
        gained = brighter[0] @ after[:, changed] + brighter[1] > before[:, changed].mean(0)
        classes[changed] = np.where(gained, BRIGHTER, DARKER)
        strong = np.zeros(classes.shape, np.uint8)
        strong[changed] = strength(model.p(statistic[changed]))
        streams.write(out, window, [classes.reshape(seen.shape), strong.reshape(seen.shape)], "OUTPUT")
        if cva is not None:
            difference = model.difference(before, after)
            difference[:, ~seen.ravel()] = np.nan
            streams.write(cva, window, [v.reshape(seen.shape) for v in vector(difference)], "VECTORS")
        seen_px, changed_px, done = seen_px + int(seen.sum()), changed_px + len(changed), done + seen.size
    for file in (out, cva):
        if file is not None:
            file.FlushCache()
    return Counts(seen_px, changed_px)


def vector(difference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Length and direction (degrees) of differences (B, N)."""
    bands = len(difference)
    slope = np.linspace(-1, 1, bands) if bands > 1 else np.zeros(1)
    slope = slope / max(float(np.linalg.norm(slope)), 1e-9)
    light = difference.sum(0) / math.sqrt(bands)
    colour = slope.astype(np.float32) @ difference
    return np.sqrt(np.square(difference).sum(0)), (np.degrees(np.arctan2(colour, light)) % 360).astype(np.float32)
