"""Geometry of rotated rectangles in numpy: corners, overlaps, neighbours, the smallest rectangle round points.

A set of rectangles is a float array (N, 5): x, y of the centre, length and width in metres, azimuth of the length in degrees
clockwise from north (x grows to the east, y to the north). Functions of pairs take two such arrays, row against row.
"""

from __future__ import annotations

from typing import Any

import numpy as np

# Pairs handled at once: bounds the memory of the temporaries to some 20 MB.
_CHUNK = 1 << 15


def stack(x: Any, y: Any, length: Any, width: Any, azimuth_deg: Any) -> np.ndarray:
    """The five arrays (N) or scalars as one (N, 5)."""
    columns = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, float)) for v in (x, y, length, width, azimuth_deg)))
    return np.stack(columns, axis=-1)


def _axes(azimuth_deg: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """East and north components of the unit vector along the length."""
    angle = np.radians(azimuth_deg)
    return np.sin(angle), np.cos(angle)


def corners(x: Any, y: Any, length: Any, width: Any, azimuth_deg: Any) -> np.ndarray:
    """The four corners (N, 4, 2) of N rectangles, in counter-clockwise ring order, not closed."""
    r = stack(x, y, length, width, azimuth_deg)
    east, north = _axes(r[:, 4])
    along = np.stack([east, north], -1) * (r[:, 2:3] / 2)
    left = np.stack([-north, east], -1) * (r[:, 3:4] / 2)
    offsets = np.stack([-along - left, along - left, along + left, left - along], axis=1)
    return r[:, None, :2] + offsets


def _to_own_axes(rectangles: np.ndarray, dx: Any, dy: Any) -> tuple[np.ndarray, np.ndarray]:
    """Offsets from the centres, (N, ...) east and north, as lengths along and to the left of each rectangle."""
    east, north = (v.reshape((-1,) + (1,) * (np.ndim(dx) - 1)) for v in _axes(rectangles[:, 4]))
    return dx * east + dy * north, dy * east - dx * north


def intersection_area(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Area (P) that rectangles a (P, 5) and b (P, 5) have in common, row against row; 0 where they only touch.

    Green's theorem in the axes of a: the area of b within |u| <= L/2, |v| <= W/2 is the integral of clamp(u) dv round b,
    taken only where |v| <= W/2. It is a sum over b's four edges, continuous in all its inputs (no cases for shared edges).
    """
    a, b = np.atleast_2d(a), np.atleast_2d(b)
    parts = [_intersection_area(a[k : k + _CHUNK], b[k : k + _CHUNK]) for k in range(0, len(a), _CHUNK)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _intersection_area(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    # Corners relative to a's centre first: frame coordinates may be millions of metres.
    ring = corners(b[:, 0] - a[:, 0], b[:, 1] - a[:, 1], b[:, 2], b[:, 3], b[:, 4])
    u0, v0 = _to_own_axes(a, ring[..., 0], ring[..., 1])
    u1, v1 = np.roll(u0, -1, axis=1), np.roll(v0, -1, axis=1)
    half_length, half_width = a[:, 2:3] / 2, a[:, 3:4] / 2
    # The part of each edge within the strip |v| <= W/2.
    low, high = np.clip(v0, -half_width, half_width), np.clip(v1, -half_width, half_width)
    slope = np.divide(u1 - u0, v1 - v0, out=np.zeros_like(u0), where=v1 != v0)
    start, end = u0 + (low - v0) * slope, u0 + (high - v0) * slope

    def integral(u: np.ndarray) -> np.ndarray:
        inside = np.clip(u, -half_length, half_length)
        return inside * (u - inside / 2)

    run = end - start
    steep = np.abs(run) <= 1e-7 * half_length
    mean = np.where(
        steep,
        np.clip((start + end) / 2, -half_length, half_length),
        (integral(end) - integral(start)) / np.where(steep, 1.0, run),
    )
    return np.maximum((mean * (high - low)).sum(axis=1), 0.0)


def area(rectangles: np.ndarray) -> np.ndarray:
    """Area (N) of rectangles (N, 5)."""
    return rectangles[..., 2] * rectangles[..., 3]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union (P), row against row; 0 where both are without area."""
    common = intersection_area(a, b)
    return np.minimum(_ratio(common, area(a) + area(b) - common), 1.0)


def close_pairs(x: Any, y: Any, radius: Any) -> tuple[np.ndarray, np.ndarray]:
    """Index arrays i < j (P) of the points (N) that lie within a radius of each other.

    radius: one number, or one for each point; then the larger of the two decides. Points are hashed to grids, one for each
    octave of the radius, so that a few large radii among many small ones stay cheap.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    radius = np.broadcast_to(np.asarray(radius, float), x.shape)
    octave = np.ceil(np.log2(radius, out=np.full(x.shape, -np.inf), where=radius > 0))
    pairs = [np.zeros((2, 0), int)]
    for level in np.unique(octave[radius > 0]):
        asking, near = np.flatnonzero(octave == level), np.flatnonzero(octave <= level)
        i, j = _grid_neighbours(x, y, asking, near, float(radius[asking].max()))
        once = (octave[j] < level) | (i < j)
        i, j = i[once], j[once]
        close = np.hypot(x[i] - x[j], y[i] - y[j]) <= np.maximum(radius[i], radius[j])
        pairs.append(np.sort(np.stack([i[close], j[close]]), axis=0))
    i, j = np.concatenate(pairs, axis=1)
    return i, j


def _grid_neighbours(x: np.ndarray, y: np.ndarray, asking: np.ndarray, near: np.ndarray, side: float) -> tuple:
    """Indices (P) of asking points, each with those of all ``near`` points in the 3 x 3 grid cells round it."""
    column, row = (np.floor((v - v.min()) / side).astype(np.int64) for v in (x, y))
    stride = int(row.max()) + 3  # empty rows between columns: the cells above and below stay in their column
    cell = column * stride + row
    near = near[np.argsort(cell[near], kind="stable")]
    filled = cell[near]
    first, second = [], []
    for step in (-stride, 0, stride):
        begin = np.searchsorted(filled, cell[asking] + step - 1, "left")
        count = np.searchsorted(filled, cell[asking] + step + 1, "right") - begin
        first.append(np.repeat(asking, count))
        second.append(near[np.arange(count.sum()) + np.repeat(begin - np.cumsum(count) + count, count)])
    return np.concatenate(first), np.concatenate(second)


def convex_hull(points: Any) -> np.ndarray:
    """Corners (H, 2) of the convex hull of points (N, 2), counter-clockwise, without points on its edges.

    Andrew's monotone chain (Information Processing Letters 9, 1979).
    """
    points = np.asarray(points, float).reshape(-1, 2)
    points = points[np.lexsort((points[:, 1], points[:, 0]))]
    points = points[np.append(True, (points[1:] != points[:-1]).any(axis=1))] if len(points) else points
    points = points[_perhaps_on_hull(points)] if len(points) > 16 else points
    if len(points) < 3:
        return points
    rows = points.tolist()
    return np.array(_half_hull(rows) + _half_hull(rows[::-1]))


def _perhaps_on_hull(points: np.ndarray) -> np.ndarray:
    """Without what lies strictly inside the quadrilateral of four extreme points (Akl and Toussaint 1978)."""
    total, difference = points.sum(1), points[:, 0] - points[:, 1]
    ring = points[[total.argmin(), difference.argmax(), total.argmax(), difference.argmin()]]
    edge = np.roll(ring, -1, axis=0) - ring
    offset = points[:, None] - ring
    return (edge[:, 0] * offset[..., 1] - edge[:, 1] * offset[..., 0] <= 0).any(axis=1)


def _half_hull(rows: list) -> list:
    """One side of the hull, its last point left to the other side."""
    hull: list = []
    for px, py in rows:
        while len(hull) > 1:
            (ax, ay), (bx, by) = hull[-2:]
            if (bx - ax) * (py - ay) - (by - ay) * (px - ax) > 0:
                break
            hull.pop()
        hull.append([px, py])
    return hull[:-1]


def minimum_rectangle(points: Any) -> tuple[float, float, float, float, float]:
    """The rectangle of least area round points (N, 2): x, y, length, width, azimuth_deg (0 <= azimuth < 180).

    One side lies on an edge of the hull (Freeman and Shapira 1975). One point gives a rectangle without size, points on
    a line one without width. Raises ValueError without points.
    """
    hull = convex_hull(points)
    if not len(hull):
        raise ValueError("minimum_rectangle needs at least one point.")
    middle = hull.mean(0)
    hull = hull - middle
    edge = np.roll(hull, -1, axis=0) - hull
    azimuth = np.arctan2(edge[:, 0], edge[:, 1])
    east, north = np.sin(azimuth)[:, None], np.cos(azimuth)[:, None]
    along = hull[:, 0] * east + hull[:, 1] * north
    left = hull[:, 1] * east - hull[:, 0] * north
    size = np.stack([np.ptp(along, axis=1), np.ptp(left, axis=1)])
    k = int(np.argmin(size.prod(0)))
    u, v = (along[k].min() + along[k].max()) / 2, (left[k].min() + left[k].max()) / 2
    centre = middle + [u * east[k, 0] - v * north[k, 0], u * north[k, 0] + v * east[k, 0]]
    turned = 90.0 if size[1, k] > size[0, k] else 0.0
    return (
        float(centre[0]),
        float(centre[1]),
        float(size[:, k].max()),
        float(size[:, k].min()),
        float((np.degrees(azimuth[k]) + turned) % 180.0),
    )
