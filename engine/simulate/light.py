"""Sunlight on a height field: slopes, and shadows by marching towards the sun."""

from __future__ import annotations

import numpy as np

# Light of the sky in red, green and blue, as a share of sun and sky on flat ground: shadows are bluish.
SKY = (0.26, 0.30, 0.37)
STEEPEST_SLOPE = 1.5  # steeper neighbours are walls, which the sensor does not see from above


def shadow_length_m(height_m: float, sun_elevation_deg: float) -> float:
    """Length on flat ground of the shadow of something this high."""
    return height_m / float(np.tan(np.radians(sun_elevation_deg)))


def shadow(height: np.ndarray, cell_m: float, sun_azimuth_deg: float, sun_elevation_deg: float) -> np.ndarray:
    """Bool (rows, columns): cells that the sun does not reach.

    The horizon of a cell is the highest of H(p + k d) - k t over steps k towards the sun. It is taken over 2, 4, 8 … steps
    by doubling, so the march costs the logarithm of the shadow's length. Steps are whole cells: edges are good to about one.
    """
    azimuth = np.radians(sun_azimuth_deg)
    step = np.array([-np.cos(azimuth), np.sin(azimuth)])  # rows grow to the south
    step /= np.abs(step).max()
    drop_m = float(np.hypot(*step)) * cell_m * float(np.tan(np.radians(sun_elevation_deg)))
    span_m = float(height.max() - height.min())
    horizon = _moved(height, step, height.min()) - np.float32(drop_m)
    count = 1
    while count * drop_m < span_m:
        np.maximum(horizon, _moved(horizon, step * count, height.min()) - np.float32(count * drop_m), out=horizon)
        count *= 2
    return height < horizon - 0.05


def _moved(field: np.ndarray, offset: np.ndarray, fill: float) -> np.ndarray:
    """The field seen ``offset`` (rows, columns) further on, rounded to cells; ``fill`` where that is outside."""
    row, column = (int(round(value)) for value in offset)
    rows, columns = field.shape
    moved = np.full_like(field, fill)
    if abs(row) < rows and abs(column) < columns:
        moved[max(-row, 0) : rows - max(row, 0), max(-column, 0) : columns - max(column, 0)] = field[
            max(row, 0) : rows - max(-row, 0), max(column, 0) : columns - max(-column, 0)
        ]
    return moved


def light(
    height: np.ndarray, cell_m: float, sun_azimuth_deg: float, sun_elevation_deg: float
) -> tuple[np.ndarray, np.ndarray]:
    """Direct sun (rows, columns) relative to flat ground, and the sky's share of all light there (red, green, blue)."""
    azimuth = np.radians(sun_azimuth_deg)
    slope_south, slope_east = (slope / np.float32(cell_m) for slope in np.gradient(height))
    steep = np.maximum(np.abs(slope_south), np.abs(slope_east)) > STEEPEST_SLOPE
    slope_south[steep] = slope_east[steep] = 0.0
    cotangent = 1.0 / float(np.tan(np.radians(sun_elevation_deg)))
    direct = 1.0 + cotangent * (slope_south * np.float32(np.cos(azimuth)) - slope_east * np.float32(np.sin(azimuth)))
    direct /= np.sqrt(1.0 + slope_south**2 + slope_east**2)
    direct[shadow(height, cell_m, sun_azimuth_deg, sun_elevation_deg)] = 0.0
    return np.clip(direct, 0.0, 2.0, out=direct), np.array(SKY, np.float32)
