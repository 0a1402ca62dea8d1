"""Where things are counted: polygons and track lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

KINDS = ("pier", "yard", "track", "berth", "water", "area")

# What a zone is counted for unless the user says otherwise; "area" takes every class asked for.
CLASSES_OF_KIND = {
    "track": ("freight_car",),
    "pier": ("container",),
    "yard": ("container",),
    "berth": ("ship",),
    "water": ("ship",),
    "area": ("freight_car", "container", "ship"),
}


@dataclass(frozen=True)
class Zone:
    """One zone in the scene's frame: a shapely (multi)polygon, or a (multi)line for tracks, coordinates in metres."""

    zone_id: str
    kind: str
    geometry: Any
    name: str = ""

    @property
    def is_track(self) -> bool:
        """Whether the zone is a line."""
        return "Line" in self.geometry.geom_type

    @property
    def length_m(self) -> float:
        """Length of a track; 0 for polygons."""
        return float(self.geometry.length) if self.is_track else 0.0

    @property
    def area_m2(self) -> float:
        """Area of a polygon; 0 for tracks."""
        return float(self.geometry.area)

    def parts(self) -> list:
        """The single lines or polygons."""
        return [part for part in getattr(self.geometry, "geoms", [self.geometry]) if not part.is_empty]
