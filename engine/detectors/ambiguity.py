"""Azimuth ambiguities: faint ghosts of bright targets, some kilometres along the flight direction.

A radar samples the azimuth signal PRF times a second; what lies beyond the band sampled folds back and shows a bright target once
more at ± n Δ along track, Δ = λ R PRF / (2 v). Source: the geometry as in SUMO (Greidanus et al. 2017, Remote Sensing 9, 246),
without the turn of the Earth, which moves the ghost by a few per cent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

LIGHT_M_S = 299_792_458.0
GROUND_SPEED_M_S = 6_800.0  # of satellites in low orbit, at the ground
HEADINGS_DEG = (347.0, 193.0)  # of polar orbits at middle latitudes, ascending and descending
FAINTER = 10**1.8  # a ghost has at most this share of its source
ORDERS = (1, 2)

Brightest = Callable[
    [float, float, float], float
]  # brightest intensity within a distance (m) of a frame point, 0 where unseen


@dataclass(frozen=True)
class Ambiguity:
    """azimuth_m: displacement along track. headings_deg: flight directions to look along, clockwise from north."""

    azimuth_m: float
    headings_deg: tuple[float, ...] = HEADINGS_DEG

    @property
    def tolerance_m(self) -> float:
        """How far from the expected place the source may lie."""
        return max(150.0, 0.05 * self.azimuth_m)


def from_metadata(metadata: Mapping[str, Mapping[str, str]]) -> Ambiguity | None:
    """From radar frequency (Hz, MHz or GHz), pulse repetition frequency and slant range, where the file's metadata say them."""
    said = {_letters(key.split(".")[-1]): value for domain in metadata.values() for key, value in domain.items()}
    frequency, prf, slant = (
        _number(said, keys)
        for keys in (
            ("radarfrequency", "centerfrequency", "carrierfrequency"),
            ("pulserepetitionfrequency", "prf"),
            ("slantrange", "slantrangetofirstpixel", "slantrangemid"),
        )
    )
    if not (frequency and prf and slant):
        return None
    frequency *= 1e9 if frequency < 1e3 else 1e6 if frequency < 1e6 else 1.0
    shift = LIGHT_M_S / frequency * slant * prf / (2 * GROUND_SPEED_M_S)
    heading = _number(said, ("platformheading", "centreheading", "centerheading", "heading"))
    return Ambiguity(shift, HEADINGS_DEG if heading is None else (heading % 360,))


def source(x: float, y: float, peak: float, brightest: Brightest, ambiguity: Ambiguity) -> tuple[float, float] | None:
    """For a target the place of a source at a ghost's distance that outshines it enough, or None.

    peak: brightest intensity of the target, in the band that ``brightest`` looks at.
    """
    for n in ORDERS:
        for heading in ambiguity.headings_deg:
            for sign in (1, -1):
                at = np.radians(heading)
                place = (
                    x + sign * n * ambiguity.azimuth_m * float(np.sin(at)),
                    y + sign * n * ambiguity.azimuth_m * float(np.cos(at)),
                )
                if brightest(*place, ambiguity.tolerance_m) >= FAINTER * peak:
                    return place
    return None


def note(x: float, y: float, place: tuple[float, float], at_sea: bool) -> str:
    """What to tell the reviewer."""
    distance = float(np.hypot(place[0] - x, place[1] - y))
    where = _compass(place[0] - x, place[1] - y)
    return f"may be an azimuth ghost of the bright target {distance / 1e3:.1f} km {where}{'' if at_sea else ' (on land)'}"


def _compass(east: float, north: float) -> str:
    return ("N", "NE", "E", "SE", "S", "SW", "W", "NW")[round(float(np.degrees(np.arctan2(east, north))) / 45) % 8]


def _number(said: Mapping[str, str], keys: Sequence[str]) -> float | None:
    for key in keys:
        try:
            return float(said[key])
        except (KeyError, ValueError):
            continue
    return None


def _letters(key: str) -> str:
    return "".join(c for c in key.lower() if c.isalnum())
