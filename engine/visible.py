"""How much of a zone a scene shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import strips
from .detectors.base import SceneLike, silent
from .patch import Patch
from .zones import Zone

_CELLS = 500_000  # pixels of the overview in which a polygon's visible share is measured
_STEP_M = 2.0  # distance of the points at which a track is looked up


def visible_fraction(scene: SceneLike, zone: Zone) -> float:
    """Share of a zone's area or length with valid pixels, 0..1 (0 where the zone lies outside the scene)."""
    if apart(scene.bounds, zone.geometry.bounds):
        return 0.0
    if not zone.is_track and getattr(scene, "shows_all", False):
        return float(_seen(scene, zone).area / zone.area_m2)
    return _of_line(scene, zone) if zone.is_track else _of_polygon(scene, zone)


def _of_polygon(scene: SceneLike, zone: Zone) -> float:
    seen = _seen(scene, zone)
    if seen.is_empty or seen.area == 0:
        return 0.0
    west, south, east, north = seen.bounds
    side = max(scene.gsd_m, math.sqrt((east - west) * (north - south) / _CELLS))
    patch = strips.read(scene, seen.bounds, side, silent)
    inside = patch.inside(seen)
    if not inside.any():
        return float(seen.area / zone.area_m2)
    return float(seen.area / zone.area_m2 * patch.valid[inside].mean())


def _seen(scene: SceneLike, zone: Zone) -> Any:
    """The part of a zone within the scene's bounds."""
    from shapely.geometry import box

    return zone.geometry.intersection(box(*scene.bounds))


def _of_line(scene: SceneLike, zone: Zone) -> float:
    seen = total = 0
    for part in zone.parts():
        points = np.column_stack(places_along(part))
        total += len(points)
        seen += sum(_valid_at(scene, points[i : i + 200]) for i in range(0, len(points), 200))
    return seen / total


def places_along(line: Any) -> tuple[np.ndarray, np.ndarray]:
    """x and y of points every two metres along a shapely (multi)line, at least one a part."""
    points = [
        part.interpolate(min(distance, part.length)).coords[0][:2]
        for part in getattr(line, "geoms", [line])
        for distance in np.arange(0.5, max(1.0, part.length / _STEP_M)) * _STEP_M
    ]
    x, y = np.array(points).T
    return x, y


def _valid_at(scene: SceneLike, points: np.ndarray) -> int:
    """How many of neighbouring points have a valid pixel."""
    (west, south), (east, north) = points.min(0), points.max(0)
    patch = scene.read((west, south, east + scene.gsd_m, north + scene.gsd_m), max(scene.gsd_m, _STEP_M / 2))
    return int(_lookup(patch, points).sum())


def _lookup(patch: Patch, points: np.ndarray) -> np.ndarray:
    columns, rows = (np.rint(v).astype(int) for v in patch.to_pixel(points[:, 0], points[:, 1]))
    height, width = patch.shape
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    return patch.valid[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)] & inside


def apart(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    """Whether two boxes (west, south, east, north) have no area in common."""
    return a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
