"""Two scenes seen through windows of one ground size, pixel for pixel, without resampling either where its pixels have that size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..bands import is_radar
from ..detectors.base import Progress, silent
from ..errors import Refusal
from ..patch import burnt
from ..scene import Bounds

_SHOWS = (
    "green",
    "pan",
    "grey",
    "red",
    "vv",
    "hh",
    "blue",
    "nir",
    "vh",
    "hv",
    "other",
)  # the band taken, first that is there
_READ_AT_ONCE = 4e6  # pixels of the file: a second's work at most
_LEAST_SHARED_PX = 40  # side of the smallest overlap in which anything can be matched
_BLOWN_UP = 1.5  # effective pixels that are less than this larger than the file's are read as the file has them


@dataclass(frozen=True)
class Look:
    """One window: values and validity (rows, columns), and its upper left corner in frame metres."""

    data: np.ndarray
    valid: np.ndarray
    x0: float
    y0: float


@dataclass(frozen=True)
class Side:
    """One scene of a pair, read on pixels of gsd_m. hidden: shapely geometry in frame metres that is not ground, or None.

    sign: -1 for a scene whose bright ground is the other's dark ground, as in a negative.
    """

    scene: Any
    gsd_m: float
    hidden: Any = None
    sign: int = 1

    def look(self, x: float, y: float, rows: int, columns: int, progress: Progress = silent) -> Look:
        """The window around (x, y), its corner moved to the nearest pixel corner of the scene; read in strips, told after each."""
        west, _, _, north = self.scene.bounds
        own = self.scene.gsd_m
        x0 = west + round((x - columns / 2 * self.gsd_m - west) / own) * own
        y0 = north - round((north - y - rows / 2 * self.gsd_m) / own) * own
        bounds = x0, y0 - rows * self.gsd_m, x0 + columns * self.gsd_m, y0
        strip, parts = max(1, int(_READ_AT_ONCE / (columns * (self.gsd_m / own) ** 2))), []
        for top in range(0, rows, strip):
            progress(top / rows)
            count = min(strip, rows - top)
            north = y0 - top * self.gsd_m
            box = bounds[0], north - count * self.gsd_m, bounds[2], north
            parts.append(self.scene.values(box, (count, columns), [self._band]))
        data, valid = (np.concatenate(some, axis=-2) for some in zip(*parts))
        if self.hidden is not None and self.hidden.intersects(_box(bounds)):
            valid = valid & ~burnt(self.hidden, (rows, columns), x0, y0, self.gsd_m)
        values = data[0].astype(np.float32)
        if is_radar(self.scene.roles):
            values = np.log(np.maximum(values, 1e-6)) if float(values.min(initial=0)) >= 0 else values
        return Look(self.sign * values, valid, x0, y0)

    @property
    def _band(self) -> int:
        return min(range(len(self.scene.roles)), key=lambda i: _SHOWS.index(self.scene.roles[i]))


@dataclass(frozen=True)
class Pair:
    """The reference, the scene to be moved, and the box (frame metres) that both cover by their georeference."""

    reference: Side
    moving: Side
    box: Bounds

    @property
    def gsd_m(self) -> float:
        """Side of the pixels that both are compared on."""
        return self.reference.gsd_m

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the box."""
        west, south, east, north = self.box
        return int((north - south) / self.gsd_m + 1e-6), int((east - west) / self.gsd_m + 1e-6)

    def on(self, gsd_m: float) -> Pair:
        """The same pair on other pixels."""
        return Pair(replace(self.reference, gsd_m=gsd_m), replace(self.moving, gsd_m=gsd_m), self.box)

    def negative(self) -> Pair:
        """The same pair with the moving scene's brightness turned round."""
        return replace(self, moving=replace(self.moving, sign=-self.moving.sign))


def pair(reference: Any, moving: Any, hidden: Any = None) -> Pair:
    """Two scenes of one frame. hidden: polygons of what is not ground.

    Raises Refusal for scenes that do not overlap, overlap too little, or of which one is radar and the other is not.
    """
    if is_radar(reference.roles) != is_radar(moving.roles):
        raise Refusal(
            "One scene is radar and the other optical: what they show in common is too little for an alignment that can be "
            "trusted. Give two of a kind."
        )
    a, b = reference.bounds, moving.bounds
    box = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    if box[0] >= box[2] or box[1] >= box[3]:
        apart = np.hypot((a[0] + a[2] - b[0] - b[2]) / 2, (a[1] + a[3] - b[1] - b[3]) / 2)
        raise Refusal(
            "INPUT and REFERENCE do not overlap (their middles are {apart} apart). Give two scenes of one place, or place INPUT "
            "with POINTS.",
            apart=f"{apart:,.0f} m" if apart < 1e4 else f"{apart / 1e3:,.0f} km",
        )  # fmt: skip
    gsd_m = max(_detail(reference), _detail(moving))
    shared = min(box[2] - box[0], box[3] - box[1]) / gsd_m
    if shared < _LEAST_SHARED_PX:
        raise Refusal(
            "INPUT and REFERENCE share only {shared} pixels of {gsd} m on the shorter side: at least {least} are needed. Give "
            "larger or finer scenes.",
            shared=f"{shared:.0f}", gsd=f"{gsd_m:.3g}", least=_LEAST_SHARED_PX,
        )  # fmt: skip
    return Pair(Side(reference, gsd_m, hidden), Side(moving, gsd_m, hidden), box)


def same_picture(reference: Any, moving: Any) -> bool:
    """Whether two scenes have the same pixels in the same place: the same scene twice."""
    if reference.bounds != moving.bounds or reference.size != moving.size or reference.roles != moving.roles:
        return False
    west, south, east, north = reference.bounds
    bands = list(range(len(reference.roles)))
    for x, y in ((0.5, 0.5), (0.25, 0.3), (0.75, 0.6)):
        side = min(128, *reference.size)
        shape, half = (side, side), side * reference.gsd_m / 2
        cx, cy = west + (east - west) * x, south + (north - south) * y
        box = cx - half, cy - half, cx + half, cy + half
        if not np.array_equal(reference.values(box, shape, bands)[0], moving.values(box, shape, bands)[0]):
            return False
    return True


def _detail(scene: Any) -> float:
    """Ground size of the pixels that hold a scene's detail."""
    return float(scene.effective_gsd_m if scene.effective_gsd_m > _BLOWN_UP * scene.gsd_m else scene.gsd_m)


def _box(bounds: Bounds) -> Any:
    from shapely.geometry import box

    return box(*bounds)
