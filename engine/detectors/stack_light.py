"""Where sun and sensor stand, and what that makes of a stack's height in a picture.

A top at height h appears moved away from the sensor, and its shadow's rim lies down-sun of its foot: in the picture the rim is
h * ``Light.rim`` away from the top's edge, and the foot h * ``Light.foot``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..conditions import Conditions

TIER_M, HIGH_CUBE_M = 2.591, 2.896  # ISO 668: the lowest and the highest box a stack is made of
LOWEST_SUN_DEG, HIGHEST_SUN_DEG = 10.0, 70.0  # shadows that run together, shadows of a pixel or two
EDGE_ERROR_PX = 1.5  # sd of a length between two edges, in pixels
HOPELESS_TIERS = 10.0  # beyond which a number of tiers says nothing
WORST_TIERS = 1.0  # sd of a height, in tiers, that still tells something
UNKNOWN_LEAN = 0.15  # sd of a metre's lean in a picture of unknown angle: satellites look 0° to 20° aside, whichever way
UNKNOWN_WAY = 0.7  # of the lean: its sd along any one direction where its azimuth is not known
ANGLE_ERROR = 0.05  # of a lean: the angle at the satellite is up to a tenth less than that on the ground
SUN_ERROR = 0.02  # of a shadow's length: half a degree of sun height
COMPUTED = "COMPUTED_SUN"  # metadata domain of a sun that neither file nor user told: elevation and azimuth at the epoch


@dataclass(frozen=True)
class Light:
    """Where sun and sensor stand, None where not known: degrees above the horizon, degrees off nadir at the ground, and azimuths
    clockwise from north, from the ground towards them."""

    sun_elevation_deg: float | None = None
    sun_azimuth_deg: float | None = None
    off_nadir_deg: float | None = None
    view_azimuth_deg: float | None = None

    @classmethod
    def of(cls, scene: Any) -> Light:
        """As a scene's file or user says; the sun may be computed from its epoch (metadata domain COMPUTED)."""
        said = Conditions.of(scene)
        computed = getattr(scene, "metadata", {}).get(COMPUTED, {})
        elevation, azimuth = said.sun_elevation_deg, said.sun_azimuth_deg
        if elevation is None and computed:
            elevation = float(computed["elevation"])
        if azimuth is None and computed:
            azimuth = float(computed["azimuth"])
        return cls(elevation, azimuth, said.off_nadir_deg, said.view_azimuth_deg)

    @property
    def has_shadow(self) -> bool:
        """Whether the shadows' length and direction are known."""
        return self.sun_elevation_deg is not None and self.sun_azimuth_deg is not None

    @property
    def has_lean(self) -> bool:
        """Whether length and direction of the lean are known."""
        return self.off_nadir_deg is not None and self.view_azimuth_deg is not None

    @property
    def foot(self) -> np.ndarray:
        """Metres east and north from where a top appears to its foot, for a metre of height; 0 where that is not known."""
        if self.off_nadir_deg is None or self.view_azimuth_deg is None:
            return np.zeros(2)
        return float(np.tan(np.radians(self.off_nadir_deg))) * _towards(self.view_azimuth_deg)

    @property
    def rim(self) -> np.ndarray:
        """Metres east and north from where a top's edge appears to its shadow's rim, for a metre of height."""
        assert self.sun_elevation_deg is not None and self.sun_azimuth_deg is not None
        return self.foot - _towards(self.sun_azimuth_deg) / float(np.tan(np.radians(self.sun_elevation_deg)))

    @property
    def down_sun(self) -> np.ndarray:
        """Unit vector that shadows point to; 0 where that is not known."""
        return np.zeros(2) if self.sun_azimuth_deg is None else -_towards(self.sun_azimuth_deg)

    @property
    def lean_error(self) -> float:
        """Sd of a metre's lean, in metres."""
        if self.off_nadir_deg is None:
            return UNKNOWN_LEAN
        slope = float(np.tan(np.radians(self.off_nadir_deg)))
        return slope * (ANGLE_ERROR if self.view_azimuth_deg is not None else UNKNOWN_WAY)

    def problem(self, gsd_m: float) -> str:
        """Why shadows tell no height at this pixel, in words; empty where they do."""
        if not self.has_shadow:
            return (
                "the sun's height and azimuth are not known (SUN_ELEVATION, SUN_AZIMUTH, or an epoch with its time of day)"
            )
        assert self.sun_elevation_deg is not None
        if self.sun_elevation_deg <= 0:
            return "the sun is below the horizon at this place and time; check the epoch and the georeference"
        if self.sun_elevation_deg < LOWEST_SUN_DEG:
            return f"at a sun {self.sun_elevation_deg:.0f}° high shadows run from block to block"
        if self.sun_elevation_deg > HIGHEST_SUN_DEG:
            return f"at a sun {self.sun_elevation_deg:.0f}° high shadows are too short"
        tiers = EDGE_ERROR_PX * gsd_m / max(float(np.hypot(*self.rim)), 1e-6) / TIER_M
        if tiers > WORST_TIERS:
            return f"at {gsd_m:.2g} m detail the shadows of this sun and look are good to {tiers:.1f} tiers only"
        return ""

    def lean_problem(self, gsd_m: float) -> str:
        """Why the lean tells no height at this pixel, in words; empty where it does."""
        if not self.has_lean:
            return "angle and azimuth off nadir are not known (OFF_NADIR, VIEW_AZIMUTH)"
        tiers = EDGE_ERROR_PX * gsd_m / max(float(np.hypot(*self.foot)), 1e-6) / TIER_M
        if tiers > HOPELESS_TIERS:
            return f"at {self.off_nadir_deg:.0f}° off nadir no side shows"
        if tiers > WORST_TIERS:
            return f"at {self.off_nadir_deg:.0f}° off nadir the lean is good to {tiers:.1f} tiers only"
        return ""


def _towards(azimuth_deg: float) -> np.ndarray:
    return np.array([np.sin(np.radians(azimuth_deg)), np.cos(np.radians(azimuth_deg))])
