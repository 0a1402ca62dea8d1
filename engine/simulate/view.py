"""A slanting look: what stands high leans away from the sensor and hides what is behind it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

WALL_SHADE = 0.8  # of the light on a wall, against a flat face in the same light
NADIR = 0.01  # degrees off nadir below which nothing leans


@dataclass(frozen=True)
class View:
    """Where the sensor stands: degrees off nadir at the ground, and azimuth from the ground towards it.

    The picture is rectified to height 0, as an orthoimage on a flat ground model is: a top at h metres appears
    h * tan(off nadir) away from the sensor.
    """

    off_nadir_deg: float = 0.0
    azimuth_deg: float = 0.0

    @property
    def slope(self) -> float:
        """Metres of lean for a metre of height."""
        return float(np.tan(np.radians(self.off_nadir_deg))) if self.off_nadir_deg > NADIR else 0.0

    def lean_m(self, height_m: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """How far east and north a top appears of where it stands."""
        metres = -self.slope * np.asarray(height_m, float)
        return metres * np.sin(np.radians(self.azimuth_deg)), metres * np.cos(np.radians(self.azimuth_deg))

    def steps(self, height_m: np.ndarray, cell_m: float) -> np.ndarray:
        """Whole cells of lean (int32) of a height field; what lies below the ground does not lean."""
        return np.maximum(np.rint(np.asarray(height_m) * np.float32(self.slope / cell_m)), 0).astype(np.int32)

    def moved(self, row: Any, column: Any, steps: Any) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the picture in which cells with these steps of lean appear."""
        azimuth = np.radians(self.azimuth_deg)
        return (
            row + np.rint(steps * np.cos(azimuth)).astype(np.int64),
            column - np.rint(steps * np.sin(azimuth)).astype(np.int64),
        )


@dataclass(frozen=True)
class Seen:
    """Which cell each cell of the picture shows: cells (flat numbers), and where that is a wall rather than a top."""

    cells: np.ndarray
    walls: np.ndarray


def look(height: np.ndarray, cell_m: float, view: View) -> Seen:
    """The picture of a height field (rows, columns), by moving slices of equal height, the highest last.

    The cost is that of the raised cells times their height, whatever the size of the flat ground between them.
    """
    _, columns = height.shape
    cells = np.arange(height.size).reshape(height.shape)
    steps = view.steps(height, cell_m).ravel()
    walls = steps.reshape(height.shape) > 0  # their feet, which nothing higher may hide
    raised = np.flatnonzero(steps)
    raised = raised[np.argsort(-steps[raised], kind="stable")]
    tops = steps[raised]
    for k in range(1, int(tops[0]) + 1 if tops.size else 0):
        here = raised[: np.searchsorted(-tops, -k, side="right")]  # those at least this high
        row, column = view.moved(0, 0, k)
        target = here + int(row) * columns + int(column)
        inside = (target >= 0) & (target < height.size)
        here, target = here[inside], target[inside]
        cells.ravel()[target] = here
        walls.ravel()[target] = steps[here] > k
    return Seen(cells, walls)


def wall_light(view: View, sun_azimuth_deg: float, sun_elevation_deg: float) -> float:
    """Direct sun on the walls that the sensor sees, relative to flat ground; 0 where they are turned away from it."""
    facing = float(np.cos(np.radians(view.azimuth_deg - sun_azimuth_deg)))
    return WALL_SHADE * min(max(facing, 0.0) / float(np.tan(np.radians(sun_elevation_deg))), 1.5)
