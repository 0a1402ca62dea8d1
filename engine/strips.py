"""Reading a large box coarsely: strip by strip, so that a run can be cancelled and files that decode slowly do not hold it up."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from .detectors.base import Progress
from .patch import Patch
from .tiles import Bounds

_PIXELS = 5_000_000  # of the scene's own in a strip


def read(scene: Any, bounds: Bounds, gsd_m: float, progress: Progress) -> Patch:
    """As ``scene.read(bounds, gsd_m)``, with a call of progress between strips."""
    side = scene.gsd_m * max(1, round(gsd_m / scene.gsd_m))
    west, _, east, north = bounds
    origin, nudge = scene.bounds[3], 1e-6
    first, last = math.floor((origin - north) / side + nudge), math.ceil((origin - bounds[1]) / side - nudge)
    tall = max(1, int(_PIXELS * scene.gsd_m**2 / ((east - west) * side)))
    strips = []
    for top in range(first, last, tall):
        progress((top - first) / (last - first))
        bottom = min(top + tall, last)
        strips.append(scene.read((west, origin - bottom * side, east, origin - top * side), gsd_m))
    data, valid = np.concatenate([s.data for s in strips], 1), np.concatenate([s.valid for s in strips])
    return replace(strips[0], data=data, valid=valid)
