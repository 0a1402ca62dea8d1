"""What is on the ground: areas, tracks and things, before anyone looks at it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

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
    counted. note: what it is in words, for the truth. load: colour of what it carries, where it carries something.
    type_name: its type within the class ("tank", "40 ft"), for the truth. tiers: how many boxes stand on each other, 0 where
    that has no meaning.
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
    type_name: str = ""
    tiers: int = 0


@dataclass(frozen=True)
class Beam:
    """What spans above the ground on almost nothing: the girder of a portal, the jib of a crane. Never counted.

    It throws the shadow of its own outline, not of a wall beneath it, and hides what it crosses. x, y: its middle in frame
    metres. solid: share of the outline that is not holes.
    """

    x: float
    y: float
    azimuth_deg: float
    length_m: float
    width_m: float
    height_m: float
    paint: Colour
    solid: float = 1.0


@dataclass(frozen=True)
class Cloud:
    """A round, ragged cloud: where its middle is seen in the scene, its radius, and its height, which puts its shadow aside."""

    x: float
    y: float
    radius_m: float
    height_m: float


@dataclass(frozen=True)
class Area:
    """Ground of one material: ring (N, 2) in frame metres, without holes, and its height (water lies below 0)."""

    ring: np.ndarray
    material: str
    height_m: float = 0.0


@dataclass(frozen=True)
class Layout:
    """A place: ground (later areas lie on earlier ones), tracks as lines (N, 2), things, and where things are counted.

    ground, bed: materials of the open ground and of the tracks' ballast. beams and clouds are above all the rest.
    """

    areas: tuple[Area, ...] = ()
    tracks: tuple[np.ndarray, ...] = ()
    things: tuple[Thing, ...] = ()
    zones: tuple[Zone, ...] = ()
    ground: str = "soil"
    beams: tuple[Beam, ...] = ()
    clouds: tuple[Cloud, ...] = ()
    bed: str = "ballast"

    def with_(
        self,
        *,
        areas: Iterable[Area] = (),
        tracks: Iterable[np.ndarray] = (),
        things: Iterable[Thing] = (),
        zones: Iterable[Zone] = (),
        beams: Iterable[Beam] = (),
        clouds: Iterable[Cloud] = (),
    ) -> Layout:
        """A copy with more on it."""
        more = {"areas": areas, "tracks": tracks, "things": things, "zones": zones, "beams": beams, "clouds": clouds}
        return replace(self, **{name: (*getattr(self, name), *added) for name, added in more.items()})  # type: ignore[arg-type]

    def counted(self, bounds: Bounds | None = None) -> list[Thing]:
        """The things that have a class; with bounds, those whose centre lies inside."""
        return [thing for thing in self.things if self.counts(thing, bounds)]

    @staticmethod
    def counts(thing: Thing, bounds: Bounds | None = None) -> bool:
        """Whether a thing has a class and, with bounds, its centre inside."""
        west, south, east, north = bounds or (-np.inf, -np.inf, np.inf, np.inf)
        return bool(thing.class_name) and west <= thing.x < east and south <= thing.y < north


def as_detections(things: Sequence[Thing]) -> Detections:
    """Things as detections in the order given; ``note`` says what they are in words."""
    return Detections.make(
        [thing.x for thing in things],
        [thing.y for thing in things],
        [thing.length_m for thing in things],
        [thing.width_m for thing in things],
        [thing.azimuth_deg for thing in things],
        [thing.class_name for thing in things],
        note=[thing.note for thing in things],
        type_name=[thing.type_name for thing in things],
        heading_deg=[thing.azimuth_deg % 360.0 if thing.class_name == "ship" else np.nan for thing in things],
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
