"""Sun glint on rough water in fine pictures: dense specks of light, each gone a metre further on, on a dark ground.

Whatever stands on the ground reaches further than a metre, so its light still looks like itself there. Water on which the specks are
no brighter than the waves between them is rough but shows ships, and is not called glint. Smooth glint, which brightens
the water evenly, and glint coarser than a metre are not judged.
"""

from __future__ import annotations

import numpy as np

from .patch import Patch

COARSEST_M = 1.0
BLOCK_M, STEP_M, BACKGROUND_M = 19.2, 1.2, 12.0
MOST_ALIKE = 0.2  # correlation with the picture moved by STEP_M; ground has 0.3 to 0.8
LEAST_SPREAD, LEAST_SKEW = 0.08, 2.0  # of stretched brightness: specks stand far above the water between them


def glint(patch: Patch) -> tuple[np.ndarray, float]:
    """Blocks (bool, rows, columns) of a patch at the scene's own pixels that are lost in glint, and their side in metres."""
    from scipy import ndimage

    side = max(8, round(BLOCK_M / patch.gsd_m))
    rows, columns = (n // side for n in patch.shape)
    if not rows or not columns:
        return np.zeros((rows, columns), bool), side * patch.gsd_m
    light = patch.luminance()
    light = light - ndimage.uniform_filter(light, max(3, round(BACKGROUND_M / patch.gsd_m)))
    step = max(1, round(STEP_M / patch.gsd_m))

    def blocked(values: np.ndarray) -> np.ndarray:
        cut = values[: rows * side, : columns * side].reshape(rows, side, columns, side)
        return cut.mean((1, 3))

    light = light[: rows * side, : columns * side]
    centred = light - np.repeat(np.repeat(blocked(light), side, 0), side, 1)
    spread = np.sqrt(blocked(centred**2))
    skew = blocked(centred**3) / np.maximum(spread, 1e-6) ** 3
    alike = np.maximum(*(blocked(centred * np.roll(centred, step, axis)) for axis in (0, 1))) / np.maximum(spread, 1e-6) ** 2
    seen = blocked(patch.valid.astype(np.float32)) > 0.9
    found = seen & (alike < MOST_ALIKE) & (spread > LEAST_SPREAD) & (skew > LEAST_SKEW)
    # a lone block is a lit thing on the ground, a lone gap a boat in the glint
    return ndimage.uniform_filter(found.astype(np.float32), 3, mode="nearest") > 0.5, side * patch.gsd_m
