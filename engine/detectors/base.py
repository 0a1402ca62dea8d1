"""What every detector is and gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..detections import Detections
from ..patch import Patch
from ..zones import Zone

Progress = Callable[[float], None]  # takes a fraction 0..1; raises Cancelled to stop the work


def silent(fraction: float) -> None:
    """A progress callback that does nothing."""


class SceneLike(Protocol):
    """What a detector needs of a scene (``scene.Scene``, or ``scene.ArrayScene`` in tests)."""

    @property
    def gsd_m(self) -> float:
        """Metres a pixel."""

    @property
    def effective_gsd_m(self) -> float:
        """The coarser of pixel and sharpness."""

    @property
    def roles(self) -> tuple[str, ...]:
        """What the bands show."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in frame metres."""

    def read(self, bounds: tuple[float, float, float, float], gsd_m: float | None = None) -> Patch:
        """Pixels of a box of frame metres; what lies outside the scene comes back as not valid. gsd_m: averaged to this."""


@dataclass(frozen=True)
class Found:
    """What a detector found in one zone.

    detections: whole objects whose centre lies in the zone (all scores above the detector's reporting floor).
    measures: what is measured besides the count: occupied length "m", occupied area "m2", "share" filled (0..1).
    counted: False where the scene only allows length, area or share (then detections is empty).
    warnings: sentences for the user, naming the zone. note: what belongs beside the zone's count, in words.
    """

    detections: Detections
    measures: dict[str, float] = field(default_factory=dict)
    counted: bool = True
    warnings: tuple[str, ...] = ()
    note: str = ""


class Detector(Protocol):
    """One kind of object. ``classes`` are the class names it gives.

    Which sensor it reads, its GSD range and the kinds of zones lie in ``engine/classes.py``, by class.
    """

    name: str
    classes: tuple[str, ...]

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Find the objects of one zone. Raises Refusal (TooCoarse, …) where it cannot."""

    def detect_together(self, scene: SceneLike, zones: Sequence[Zone], progress: Progress = silent) -> list[Found]:
        """Find the objects of several zones, in the light of each other where that helps; one Found a zone, in order."""


class ZoneByZone:
    """For detectors to which zones mean nothing to each other: one after another."""

    def detect_together(self, scene: SceneLike, zones: Sequence[Zone], progress: Progress = silent) -> list[Found]:
        """One Found a zone, in order."""
        return [self.detect(scene, zone, part(progress, k, len(zones))) for k, zone in enumerate(zones)]  # type: ignore[attr-defined]


def part(progress: Progress, k: int, n: int) -> Progress:
    """The progress of step k of n, as the progress of the whole."""

    def step(fraction: float) -> None:
        progress((k + min(fraction, 1.0)) / n)

    step(0.0)
    return step
