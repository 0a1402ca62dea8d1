"""Walking over a box of frame metres in tiles, so that memory stays bounded whatever the scene's size."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import Refusal

Bounds = tuple[float, float, float, float]  # west, south, east, north in frame metres


def common(a: Bounds, b: Bounds) -> Bounds:
    """What two boxes share; east of it is not beyond west where they share nothing, or north not beyond south."""
    return max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])


def grown(box: Bounds, by_m: float) -> Bounds:
    """A box that reaches ``by_m`` further on every side."""
    return box[0] - by_m, box[1] - by_m, box[2] + by_m, box[3] + by_m


@dataclass(frozen=True)
class Tile:
    """One tile: ``outer`` (core and halo) is what is read, ``core`` decides which objects are its own.

    closed: whether the core's east and its north side belong to it, which is so only at the end of the walk.
    """

    number: int
    core: Bounds
    outer: Bounds
    closed: tuple[bool, bool]

    def owns(self, x: Any, y: Any) -> np.ndarray:
        """Bool: whether centres lie in the core. Each point of the whole box is owned by exactly one tile."""
        west, south, east, north = self.core
        x, y = np.asarray(x, float), np.asarray(y, float)
        in_x = (x >= west) & ((x <= east) if self.closed[0] else (x < east))
        in_y = (y >= south) & ((y <= north) if self.closed[1] else (y < north))
        return in_x & in_y


def tiles(bounds: Bounds, side_m: float, halo_m: float) -> Iterator[Tile]:
    """Tiles over ``bounds``, row by row from the north-west, as the pixels lie in a file.

    side_m: largest side of a core; cores are equal, so none is a sliver. halo_m: read round each core; at least half the
    longest object makes every object whole in the tile that owns its centre. The halo is not cut at ``bounds``.
    Raises Refusal for a side that is not positive, a negative halo, or bounds that are not finite.
    """
    west, south, east, north = bounds
    if not (side_m > 0 and halo_m >= 0 and all(map(math.isfinite, (*bounds, side_m, halo_m)))):
        raise Refusal(
            "Tiles of {side_m:g} m with a halo of {halo_m:g} m over {bounds} are impossible: give a positive side.",
            side_m=side_m,
            halo_m=halo_m,
            bounds=bounds,
        )
    if east <= west or north <= south:
        return
    # Shared edges are the same float in both neighbours: no gap and no double ownership by rounding.
    x = np.linspace(west, east, max(1, math.ceil((east - west) / side_m - 1e-9)) + 1).tolist()
    y = np.linspace(south, north, max(1, math.ceil((north - south) / side_m - 1e-9)) + 1).tolist()
    columns, rows = len(x) - 1, len(y) - 1
    for number in range(rows * columns):
        row, column = rows - 1 - number // columns, number % columns
        core = (x[column], y[row], x[column + 1], y[row + 1])
        yield Tile(number, core, grown(core, halo_m), (column == columns - 1, row == rows - 1))
