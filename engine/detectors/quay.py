"""Which part of a quay is taken: where along the land edge of a berth zone something lies against it.

The water along the edge is straightened into a strip; what is unlike water close to the edge, for some metres along it, takes
the berth. That holds for ships alongside, bow to the quay and rafted, which cannot always be told apart and counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..patch import Patch
from ..zones import Zone
from . import water
from .base import Progress, SceneLike, part
from .strip import points_along

WORK_GSD_M = 1.0
_STEP_M = 1.0
_PIECE_M = 300.0  # of the edge looked at together
_OUT_M, _IN_M = 12.0, 70.0  # looked at to the land's and the water's side
_LAND_FROM_M = (
    4.0  # off the edge to the land's side: what lies closer may be a hull, where the edge was drawn into the water
)
_STRANGE = 5.0  # spreads of the water, as the detector has it
_LAND_SHARE, _LAND_WINDOW_M = 0.5, 31.0
_LEAST_QUAY_M = 20.0
_CORNER_DEG = 50.0
# A hull fills most of a band so wide that begins so near the quay.
_BAND_M, _REACH_M = 4.0, 8.0
# Mean strangeness of the band (each pixel up to a limit) from which something lies there: so many spreads above the water's own.
_UP_TO, _SPREADS, _BAND_FROM = 6.0, 5.0, (3.5, 5.0)
# The zone's edge may lie so far up the quay; the usual width of quay in the zone is taken off.
_MISDRAWN_M, _USUAL, _USUAL_WINDOW_M = 7.0, 0.3, 151.0
_FILLED = 0.7
_COMPASS = ("north", "north-east", "east", "south-east", "south", "south-west", "west", "north-west")
_JOIN_M, _LEAST_M = 3.0, 6.0  # gaps within a hull, and the least berth taken


@dataclass(frozen=True)
class Quay:
    """One stretch of a zone's edge with land behind it.

    start: frame coordinates of its first point. length_m. seen_m: how much of it was observed. taken: (k, 2), metres from the
    first point at which something begins and ceases to lie there. end: frame coordinates of its last point. up_m: how far up the
    quay the zone's edge seems to run, as a rule.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    length_m: float
    seen_m: float
    taken: np.ndarray
    up_m: float

    @property
    def taken_m(self) -> float:
        """Metres taken."""
        return float((self.taken[:, 1] - self.taken[:, 0]).sum())

    @property
    def start_side(self) -> str:
        """Where the first point lies, as seen from the last: "north-west"."""
        east, north = self.start[0] - self.end[0], self.start[1] - self.end[1]
        return _COMPASS[int(round(np.degrees(np.arctan2(east, north)) / 45)) % 8]

    def sentence(self) -> str:
        """What is taken, in words."""
        if not len(self.taken):
            return f"no berth is occupied along {self.seen_m:.0f} m of quay"
        stretches = " and ".join(f"from {low:.0f} to {high:.0f} m" for low, high in self.taken)
        return (
            f"berth occupied {stretches} along the quay, of {self.length_m:.0f} m, measured from the first vertex at its "
            f"{self.start_side} end"
        )


def quays(scene: SceneLike, zone: Zone, progress: Progress) -> list[Quay]:
    """The quays of a zone, each walked with the water to its left, from the zone's first vertex on where it lies on one."""
    gsd = max(scene.gsd_m, WORK_GSD_M, 0.8 * scene.effective_gsd_m)
    found = []
    rings = list(_rings(zone.geometry))
    for k, ring in enumerate(rings):
        x, y, land, taken, seen, up = _look_along(scene, zone, ring, gsd, part(progress, k, len(rings)))
        found += [
            _quay(x[run], y[run], taken[run], seen[run], up[run]) for run in _runs_round(_land_edge(land), _corners(ring))
        ]
    return [quay for quay in found if quay.seen_m >= _LEAST_QUAY_M]


def _rings(geometry: Any) -> Iterator[Any]:
    """Border lines of a polygon or of several, each with the inside to its left."""
    from shapely.geometry import LineString
    from shapely.geometry.polygon import orient

    for polygon in getattr(geometry, "geoms", [geometry]):
        turned = orient(polygon, 1.0)
        for ring in (turned.exterior, *turned.interiors):
            yield LineString(ring.coords)


def _look_along(scene: SceneLike, zone: Zone, ring: Any, gsd: float, progress: Progress) -> tuple[np.ndarray, ...]:
    """Along a ring, step by step: x, y, share of land behind (NaN unseen), whether something lies there, whether it was seen,
    and how far up the quay the ring runs.
    """
    _, x, y, along = points_along(ring, _STEP_M)
    across = np.arange(-_OUT_M, _IN_M, gsd)
    land, taken, seen, up = np.full(len(x), np.nan), np.zeros(len(x), bool), np.zeros(len(x), bool), np.zeros(len(x))
    size = int(_PIECE_M / _STEP_M)
    for start in range(0, len(x), size):
        run = slice(start, start + size)
        px = x[run, None] - along[run, 1:] * across  # to the left
        py = y[run, None] + along[run, :1] * across
        strip = _strip(scene, zone, px, py, gsd)
        progress(min(1.0, (start + size) / len(x)))
        if strip is None:
            continue
        strange, inside, valid = strip
        behind = (across > -_OUT_M) & (across <= -_LAND_FROM_M)
        # Shadows (0) behind the edge lie on land.
        unlike = ((strange >= _STRANGE) | (strange == 0)) & valid
        known = valid[:, behind].sum(1)
        enough = known > 0.5 * behind.sum()
        land[run] = np.where(enough, unlike[:, behind].sum(1) / np.maximum(known, 1), np.nan)
        front = across >= 0
        near = front & (across < _REACH_M + _BAND_M)
        seen[run] = (inside & valid)[:, near].mean(1) > 0.5
        taken[run], up[run] = _alongside(strange[:, front], inside[:, front], gsd)
    return x, y, land, taken, seen, up


def _strip(
    scene: SceneLike, zone: Zone, px: np.ndarray, py: np.ndarray, gsd: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Strangeness, in the zone, observed (steps, across); None where no water was seen."""
    patch = scene.read((px.min() - gsd, py.min() - gsd, px.max() + gsd, py.max() + gsd), gsd)
    inside = patch.inside(zone.geometry) & patch.valid
    if not inside.any():
        return None
    strange = water.strangeness(patch, inside, patch.valid)
    return tuple(_sample(a, patch, px, py) for a in (strange, inside, patch.valid))  # type: ignore[return-value]


def _sample(a: np.ndarray, patch: Patch, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Nearest pixels at frame points; 0 beyond the patch."""
    column, row = (np.rint(v).astype(int) for v in patch.to_pixel(x, y))
    rows, columns = a.shape
    within = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    return a[np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)] * within


def _alongside(strange: np.ndarray, inside: np.ndarray, gsd: float) -> tuple[np.ndarray, np.ndarray]:
    """Whether something lies close to the edge (steps), and how far up the quay the edge runs (steps), metres.

    From strangeness and in the zone (steps, across), from the edge on.
    """
    from scipy import ndimage

    strange = np.where(inside, np.minimum(strange, _UP_TO), 0).astype(np.float32)
    # Quay that the zone's edge runs over: strange from the edge on, nearly everywhere.
    filled = np.cumsum(strange >= _STRANGE, axis=1) >= _FILLED * np.arange(1, strange.shape[1] + 1)
    width = (filled * np.arange(1, strange.shape[1] + 1)).max(1)
    usual = ndimage.percentile_filter(width, 100 * _USUAL, int(_USUAL_WINDOW_M / _STEP_M), mode="nearest")
    usual = np.where((usual > 0) & (usual * gsd <= _MISDRAWN_M), usual + 1, 0)  # and the pixel it shares with the water
    # A hull is as long as it is long: single steps borrow from their neighbours.
    even = ndimage.uniform_filter1d(strange, 3, axis=0, mode="nearest")
    band = max(2, int(round(_BAND_M / gsd)))
    total = np.pad(np.cumsum(even, axis=1), ((0, 0), (1, band)), mode="edge")
    mean = (total[:, band:] - total[:, :-band]) / band
    calm = mean[:, :-1][inside]
    middle = np.median(calm)
    limit = np.clip(middle + _SPREADS * 1.4826 * np.median(np.abs(calm - middle)), *_BAND_FROM)
    begin = usual[:, None] + np.arange(int(_REACH_M / gsd) + 1)
    best = np.take_along_axis(mean, np.minimum(begin, mean.shape[1] - 1), axis=1).max(1)
    taken = ndimage.binary_closing(np.pad(best >= limit, 9), np.ones(int(_JOIN_M / _STEP_M) + 1))[9:-9]
    return ndimage.binary_opening(taken, np.ones(int(_LEAST_M / _STEP_M))), np.maximum(usual - 1, 0) * gsd


def _land_edge(land: np.ndarray) -> np.ndarray:
    """Bool (steps of a closed ring): land behind, by the majority of the neighbourhood."""
    from scipy import ndimage

    window = int(_LAND_WINDOW_M / _STEP_M)
    known = np.isfinite(land)
    share = ndimage.uniform_filter1d(np.where(known, land, 0.0), window, mode="wrap")
    weight = ndimage.uniform_filter1d(known.astype(float), window, mode="wrap")
    return known & (share > _LAND_SHARE * np.maximum(weight, 1e-9))


def _corners(ring: Any) -> np.ndarray:
    """Steps along a closed ring at which it turns sharply: there one quay ends and another begins."""
    knots = np.asarray(ring.coords, float)[:-1, :2]
    ahead = np.roll(knots, -1, axis=0) - knots
    ahead = ahead[:, 0] + 1j * ahead[:, 1]
    turn = np.abs(np.angle(ahead / np.where(np.roll(ahead, 1) == 0, 1, np.roll(ahead, 1))))
    at = np.concatenate([[0.0], np.cumsum(np.abs(ahead))])[:-1]
    return np.rint(at[turn > np.radians(_CORNER_DEG)] / _STEP_M).astype(int)


def _runs_round(on: np.ndarray, cuts: np.ndarray) -> list[np.ndarray]:
    """Index arrays of the stretches of a closed ring, cut before the steps given and where it is off."""
    if not on.any():
        return []
    side = np.zeros(len(on), int)
    side[cuts[cuts < len(on)]] = 1
    side = np.cumsum(side)
    side[side == side[-1]] = (
        0 if not side[0] else side[-1]
    )  # what ends the ring goes on at its start, unless that is a corner
    state = np.where(on, side + 1, 0)
    changed = np.flatnonzero(state != np.roll(state, 1))
    order = np.roll(np.arange(len(on)), -int(changed[0])) if len(changed) else np.arange(len(on))
    edges = np.flatnonzero(np.diff(state[order], prepend=-1, append=-1))
    return [order[a:b] for a, b in zip(edges[:-1], edges[1:]) if on[order[a]]]


def _quay(x: np.ndarray, y: np.ndarray, taken: np.ndarray, seen: np.ndarray, up: np.ndarray) -> Quay:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], taken & seen, [False]]).astype(int)))
    stretches = edges.reshape(-1, 2) * _STEP_M
    stretches = stretches[stretches[:, 1] - stretches[:, 0] >= _LEAST_M]  # less is a corner of the quay
    return Quay(
        (float(x[0]), float(y[0])),
        (float(x[-1]), float(y[-1])),
        len(x) * _STEP_M,
        float(seen.sum()) * _STEP_M,
        stretches,
        float(np.median(up)),
    )
