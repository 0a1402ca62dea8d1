"""What is on the ground: areas, tracks and things, before anyone looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..detections import Detections
from ..zones import Zone
from .palette import Colour

Bounds = tuple[float, float, float, float]  # west, south, east, north in frame metres


@dataclass(frozen=True)
class Thing:
    """One object standing on the ground.

    kind: what draws it (a key of ``render.DRAW``). x, y: centre in frame metres. azimuth_deg: where its front points,
    clockwise from north. height_m: of its top over the ground. class_name: its class in the truth, empty for what is not
    counted. note: its type, for the truth. load: colour of what it carries, where it carries something.
    """

    kind: str
    x: float
    y: float
    azimuth_deg: float
    length_m: float
    width_m: float
    height_m: float
    paint: Colour
    class_name: str = ""
    note: str = ""
    load: Colour | None = None


@dataclass(frozen=True)
class Area:
    """Ground of one material: ring (N, 2) in frame metres, without holes, and its height (water lies below 0)."""

    ring: np.ndarray
    material: str
    height_m: float = 0.0


@dataclass(frozen=True)
class Layout:
    """A place: ground (later areas lie on earlier ones), tracks as lines (N, 2), things, and where things are counted."""

    areas: tuple[Area, ...] = ()
    tracks: tuple[np.ndarray, ...] = ()
    things: tuple[Thing, ...] = ()
    zones: tuple[Zone, ...] = ()
    ground: str = "soil"

    def with_(
        self,
        *,
        areas: Iterable[Area] = (),
        tracks: Iterable[np.ndarray] = (),
        things: Iterable[Thing] = (),
        zones: Iterable[Zone] = (),
    ) -> Layout:
        """A copy with more on it."""
        return Layout(
            (*self.areas, *areas), (*self.tracks, *tracks), (*self.things, *things), (*self.zones, *zones), self.ground
        )

    def counted(self, bounds: Bounds | None = None) -> list[Thing]:
        """The things that have a class; with bounds, those whose centre lies inside."""
        west, south, east, north = bounds or (-np.inf, -np.inf, np.inf, np.inf)
        return [thing for thing in self.things if thing.class_name and west <= thing.x < east and south <= thing.y < north]


def as_detections(things: Sequence[Thing]) -> Detections:
    """Things as detections in the order given; ``note`` is their type."""
    return Detections.make(
        [thing.x for thing in things],
        [thing.y for thing in things],
        [thing.length_m for thing in things],
        [thing.width_m for thing in things],
        [thing.azimuth_deg for thing in things],
        [thing.class_name for thing in things],
        note=[thing.note for thing in things],
    )


def along(azimuth_deg: float) -> np.ndarray:
    """Unit vector (2,) of a direction clockwise from north."""
    angle = np.radians(azimuth_deg)
    return np.array([np.sin(angle), np.cos(angle)])


def right_of(azimuth_deg: float) -> np.ndarray:
    """Unit vector (2,) to the right of a direction."""
    return along(azimuth_deg + 90.0)


def rectangle(centre: np.ndarray, length_m: float, width_m: float, azimuth_deg: float) -> np.ndarray:
    """Corners (4, 2) of a rectangle whose long side points to azimuth_deg."""
    ahead, aside = along(azimuth_deg) * length_m / 2, right_of(azimuth_deg) * width_m / 2
    return np.asarray(centre) + np.array([ahead + aside, ahead - aside, -ahead - aside, -ahead + aside])


def inside(ring: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Bool, shape of x and y broadcast: whether points lie in a ring (even-odd rule)."""
    found = np.zeros(np.broadcast(x, y).shape, bool)
    for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0)):
        if y1 != y2:
            crosses_row = (y1 > y) != (y2 > y)
            found ^= crosses_row & (x < x1 + (y - y1) * (x2 - x1) / (y2 - y1))
    return found
