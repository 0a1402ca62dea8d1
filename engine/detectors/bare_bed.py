"""What a bare bed looks like in this scene, where the user marked an empty stretch of track."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import Refusal
from .wagon_evidence import SHADE_NEAR, SUN_NEAR, Lanes, mean_along

REACH_M = 2.0  # of a track in which a marked stretch lies on it
SHORTEST_M = 10.0
EVERY_M = 2.0  # along the stretch, where its distance is looked at
LEAST_SPREAD = 0.04  # of the contrast: a bed smoother than this is taken as this rough
ALIKE = 1.2  # times the 95th percentile of the stretch's own distances from its mean
EMPTY = 0.0  # log-odds of a wagon that nine tenths of the marked bed itself should stay below
SAME = 3.0  # log-odds taken from a cell where all looks like the marked bed: a wagon of the bed's colour can still stand out
MOST = 4.0  # log-odds by which a scene whose bed reads as wagons is corrected at most


@dataclass(frozen=True)
class BareBed:
    """``mean`` and ``spread`` (f,) of the marked cells, the distance up to which a cell is ``alike``, and by how much the scorer
    thinks too well of them (``excess``, log-odds)."""

    mean: np.ndarray
    spread: np.ndarray
    alike: float
    excess: float

    @classmethod
    def of(cls, lanes: Sequence[Lanes], occupied: Sequence[np.ndarray]) -> BareBed:
        """From the lanes (n, …) and log-odds (n,) of marked stretches."""
        cells = np.concatenate([_cells(part) for part in lanes])
        mean, spread = cells.mean(0), np.maximum(cells.std(0), LEAST_SPREAD)
        off = _distance(cells, mean, spread)
        excess = float(np.clip(np.percentile(np.concatenate(occupied), 90) - EMPTY, 0.0, MOST))
        return cls(mean, spread, ALIKE * float(np.percentile(off, 95)), excess)

    def corrected(self, lanes: Lanes, occupied: np.ndarray) -> np.ndarray:
        """Log-odds (n,) of a wagon, knowing the bed."""
        same = _distance(_cells(lanes), self.mean, self.spread) <= self.alike
        less = occupied - self.excess
        return less - SAME * same


def _cells(lanes: Lanes) -> np.ndarray:
    """(n, 15) colours of bed and near flanks, over 2 m."""
    near = lanes.signal[:, SUN_NEAR : SHADE_NEAR + 1]
    return mean_along(near, 1.0, lanes.step_m).reshape(len(lanes), -1)


def _distance(cells: np.ndarray, mean: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.sqrt((((cells - mean) / spread) ** 2).mean(1))


def place_on(stretch: Any, lines: Sequence[Any]) -> tuple[int, float, float]:
    """Which of the lines a marked stretch lies on, and from where to where along it, metres.

    Raises Refusal where it is too short or lies on none of them.
    """
    if not stretch.length >= SHORTEST_M:
        raise Refusal(
            "EMPTY_STRETCH is {length:.0f} m long. Draw at least {shortest_m:.0f} m of bare track.",
            length=stretch.length,
            shortest_m=SHORTEST_M,
        )
    points = [stretch.interpolate(at) for at in np.arange(0.0, stretch.length + EVERY_M, EVERY_M)]
    off = [max(line.distance(point) for point in points) for line in lines]
    best = int(np.argmin(off)) if off else -1
    if best < 0 or not off[best] <= REACH_M:
        how_far = f" (the nearest is up to {off[best]:.0f} m away)" if off else ""
        raise Refusal(
            "EMPTY_STRETCH lies on none of the tracks{how_far}. Draw it along a track where nothing stands.", how_far=how_far
        )
    ends = sorted(lines[best].project(point) for point in (points[0], points[-1]))
    return best, float(ends[0]), float(ends[1])
