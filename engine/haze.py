"""Where haze that someone else has marked hides the ground: where the picture's fine contrast is lost."""

from __future__ import annotations

import numpy as np

from .patch import Patch

LOST = 0.5  # of the fine contrast of the rest of the scene
LEAST_CLEAR = 0.02  # share of the scene that must be clear for a comparison


def lost(patch: Patch, hazy: np.ndarray) -> np.ndarray | None:
    """Bool (rows, columns): hazy pixels round which fine contrast is less than half of what the clear part shows.

    Fine contrast is the mean deviation from a Gaussian of two pixels over 15 x 15 pixels. None where there is next to nothing
    clear to compare with.
    """
    from scipy import ndimage

    clear = patch.valid & ~hazy
    if clear.mean() < LEAST_CLEAR:
        return None
    light = patch.luminance()
    detail = ndimage.uniform_filter(np.abs(light - ndimage.gaussian_filter(light, 2.0)), 15)
    return hazy & (detail < LOST * np.median(detail[clear]))
