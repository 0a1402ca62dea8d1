"""How far a scene is displaced everywhere, from tie points: one shift, a plane, or a smooth field, whichever the points bear out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

KINDS = ("shift", "affine", "field")
_LEAST = {"shift": 1, "affine": 8, "field": 20}  # points that a kind needs
_FOLDS = 5
_FIELD_POINTS = 600  # a field is bent by at most so many points: the cost grows with their cube
_SMOOTHNESS = (0.003, 0.1, 3.0)  # tried for the field: how far it may pass from its points
_BETTER = 0.95  # a freer kind must leave at most this share of the residual
_NEIGHBOURS = 12
_ROBUST_SD = 1.4826  # of a normal distribution, in median absolute deviations


@dataclass(frozen=True)
class Displacement:
    """at(x, y): metres east and north by which the moving scene's content lies off, at points of the reference (frame metres)."""

    kind: str
    at: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    smoothness: float = 0.0


def fitted(kind: str, x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray, smoothness: float = 1.0) -> Displacement:
    """The displacement of this kind that passes closest to tie points."""
    if kind == "shift":
        east, north = float(np.mean(dx)), float(np.mean(dy))
        return Displacement(kind, lambda x, y: (np.full(np.shape(x), east), np.full(np.shape(x), north)))
    middle, size = np.array([x.mean(), y.mean()]), max(float(np.hypot(x - x.mean(), y - y.mean()).max()), 1.0)

    def scaled(x: Any, y: Any) -> np.ndarray:
        return np.column_stack([(np.ravel(x) - middle[0]) / size, (np.ravel(y) - middle[1]) / size])

    if kind == "affine":
        plane = np.linalg.lstsq(np.column_stack([np.ones(len(x)), scaled(x, y)]), np.column_stack([dx, dy]), rcond=None)[0]

        def flat(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            out = plane[0] + scaled(x, y) @ plane[1:]
            return out[:, 0].reshape(np.shape(x)), out[:, 1].reshape(np.shape(x))

        return Displacement(kind, flat)
    from scipy.interpolate import RBFInterpolator

    some = np.linspace(0, len(x) - 1, min(len(x), _FIELD_POINTS)).astype(int)
    spline = RBFInterpolator(
        scaled(x[some], y[some]), np.column_stack([dx, dy])[some], smoothing=smoothness, kernel="thin_plate_spline"
    )

    def bent(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        out = spline(scaled(x, y))
        return out[:, 0].reshape(np.shape(x)), out[:, 1].reshape(np.shape(x))

    return Displacement(kind, bent, smoothness)


def agreeing(x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray, least_m: float) -> np.ndarray:
    """Which tie points move as their neighbours do (bool): within three robust standard deviations, at least ``least_m`` metres."""
    count = len(x)
    if count < 3:
        return np.ones(count, bool)
    keep = np.ones(count, bool)
    for _ in range(3):
        off = np.hypot(*(d - _around(x, y, d, keep) for d in (dx, dy)))
        limit = max(3 * _ROBUST_SD * float(np.median(off[keep])), least_m)
        new = off <= limit
        if (new == keep).all() or not new.any():
            break
        keep = new
    return keep


def _around(x: np.ndarray, y: np.ndarray, values: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Median over each point's nearest neighbours, itself left out where there are enough."""
    from scipy.spatial import cKDTree

    near = min(_NEIGHBOURS, int(keep.sum()))
    if near < 5:
        return np.full(len(x), float(np.median(values[keep])))
    chosen = np.flatnonzero(keep)
    _, found = cKDTree(np.column_stack([x, y])[chosen]).query(np.column_stack([x, y]), near)
    found = chosen[found]
    masked = np.where(found == np.arange(len(x))[:, None], np.nan, values[found])
    return np.asarray(np.nanmedian(masked, axis=1))


def chosen(
    x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray, least_m: float, progress: Callable[[float], None]
) -> tuple[str, float]:
    """The freest kind that tie points bear out, and a field's smoothness.

    A freer one must foretell points it has not seen better, surely, by a twentieth and by more than ``least_m`` metres.
    """
    best, smoothness, rest = "shift", 0.0, _foretold("shift", x, y, dx, dy, 0.0)
    options = [("affine", 0.0), *(("field", s) for s in _SMOOTHNESS)]
    for i, (kind, smooth) in enumerate(options):
        progress(i / len(options))
        if len(x) < _LEAST[kind]:
            continue
        off = _foretold(kind, x, y, dx, dy, smooth)
        gain = rest - off
        sure = gain.mean() > 2 * gain.std() / np.sqrt(len(gain))
        if sure and off.mean() < _BETTER**2 * rest.mean() and gain.mean() > least_m**2:
            best, smoothness, rest = kind, smooth, off
    return best, smoothness


def _foretold(kind: str, x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray, smoothness: float) -> np.ndarray:
    """Squared metres that each point lies off what the points of other parts of the scene foretell."""
    fold = _parts(x, y)
    out = np.full(len(x), np.inf)
    for k in np.unique(fold):
        rest = fold != k
        if not rest.any():
            return out
        east, north = fitted(kind, x[rest], y[rest], dx[rest], dy[rest], smoothness).at(x[~rest], y[~rest])
        out[~rest] = (dx[~rest] - east) ** 2 + (dy[~rest] - north) ** 2
    return out


def _parts(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Points in five parts, each of patches spread over the scene (neighbours stay together, so they cannot foretell each other)."""
    side = max(float(np.sqrt(np.ptp(x) * np.ptp(y) / max(len(x) / 4, 1))), 1e-6)  # patches of about four points
    if len(x) < 4 * _FOLDS:
        return np.arange(len(x)) % _FOLDS
    return (np.floor((x - x.min()) / side) + 2 * np.floor((y - y.min()) / side)).astype(int) % _FOLDS


def held_out(kind: str, smoothness: float, x: np.ndarray, y: np.ndarray, dx: np.ndarray, dy: np.ndarray) -> np.ndarray:
    """Metres (n, 2) that each half of the points lies off what the other half says; empty for fewer than four."""
    if len(x) < 4:
        return np.zeros((0, 2))
    half = _parts(x, y) % 2 == 0 if len(x) >= 4 * _FOLDS else np.arange(len(x)) % 2 == 0
    out = np.zeros((len(x), 2))
    for use in (half, ~half):
        needed = kind if use.sum() >= max(3, _LEAST[kind] // 2) else "shift"
        east, north = fitted(needed, x[use], y[use], dx[use], dy[use], smoothness).at(x[~use], y[~use])
        out[~use, 0], out[~use, 1] = dx[~use] - east, dy[~use] - north
    return out
