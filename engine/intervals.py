"""Draws of a number of which only an estimate and an interval are known."""

from __future__ import annotations

import numpy as np


def two_sided(estimate: float, low: float, high: float, level: float, z: np.ndarray) -> np.ndarray:
    """Draws (S,) with this median and these ends at this level, from standard normal ``z`` (S,): half a normal each way, not below 0."""
    from scipy.special import ndtri

    reach = float(ndtri((1 + level) / 2))
    return np.maximum(estimate + np.where(z > 0, high - estimate, estimate - low) * z / reach, 0.0)
