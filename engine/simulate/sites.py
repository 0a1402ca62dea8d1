"""A place of a kind that fills a given box: what ``rason:simulatescene`` draws."""

from __future__ import annotations

import numpy as np

from ..errors import Refusal
from . import places
from .family import FIT, Family
from .layout import Bounds, Layout, along, right_of

LARGEST_PX = 64_000_000  # of a scene, which is held in memory: 190 MB
LEAST_SIDE_M = 120.0
APRON_M = 70.0  # from the quay to the yard behind it
MOST_TRACKS, MOST_SHIPS = 30, 80


def check_size(bounds: Bounds, gsd_m: float, largest_px: int = LARGEST_PX, least_side_m: float = LEAST_SIDE_M) -> None:
    """Refuse a box that is too small to hold a place, or has too many pixels."""
    west, south, east, north = bounds
    if min(east - west, north - south) < least_side_m:
        raise Refusal(
            "An extent of {value:.0f} x {value_2:.0f} m is too small: give at least {least_side_m:.0f} m a side.",
            value=east - west,
            value_2=north - south,
            least_side_m=least_side_m,
        )
    pixels = (east - west) / gsd_m * (north - south) / gsd_m
    if pixels > largest_px:
        raise Refusal(
            "{value:.1f} x {value_2:.1f} km at {gsd_m:g} m are {value_3:.0f} million pixels, and at most "
            "{value_4:.0f} million can be simulated: take a smaller area or a larger GSD.",
            value=(east - west) / 1000,
            value_2=(north - south) / 1000,
            gsd_m=gsd_m,
            value_3=pixels / 1000000.0,
            value_4=largest_px / 1000000.0,
        )


def draws(seed: int) -> np.random.Generator:
    """The generator of a place's layout; the ground and the noise have their own."""
    return np.random.default_rng([seed, 7])


def site(kind: str, bounds: Bounds, rng: np.random.Generator, *, fill: float, family: Family = FIT) -> Layout:
    """A random place of a kind of ``words.PLACES``; fill 0..1: how full."""
    west, south, east, north = bounds
    middle, size = np.array([west + east, south + north]) / 2, np.array([east - west, north - south])
    if kind == "roadstead":
        return places.roadstead(bounds, rng, fill=fill, family=family, most=MOST_SHIPS)
    azimuth = (90.0 if size[0] >= size[1] else 0.0) + rng.uniform(-15.0, 15.0)
    long_m, broad_m = _fitting(size, azimuth)
    if kind == "container yard":
        return places.container_yard(middle, long_m, broad_m, azimuth, rng, fill=fill, family=family)
    if kind == "rail yard":
        tracks = int(np.clip(broad_m / 3 / family.spacing_m[1], 1, MOST_TRACKS))
        return places.rail_yard(middle, long_m, tracks, azimuth, rng, fill=fill, family=family)
    if kind == "berth":
        return places.berths(middle, long_m, azimuth, rng, fill=fill, family=family)
    return _port(middle, long_m, broad_m, azimuth, rng, fill, family)


def _fitting(size: np.ndarray, azimuth_deg: float) -> tuple[float, float]:
    """Length and breadth of a rectangle along azimuth_deg inside a box of this size, in the box's proportions."""
    ahead, long_m, broad_m = np.abs(along(azimuth_deg)), float(size.max()), float(size.min())
    needed = ahead * long_m + ahead[::-1] * broad_m
    scale = 0.95 * float((size / needed).min())
    return scale * long_m, scale * broad_m


def _port(
    middle: np.ndarray, long_m: float, broad_m: float, azimuth: float, rng: np.random.Generator, fill: float, family: Family
) -> Layout:
    """A quay with ships, and behind it a yard where there is room for one."""
    aside = right_of(azimuth)
    quay = middle - aside * broad_m * 0.15
    layout = places.berths(quay, long_m, azimuth, rng, fill=fill, family=family)
    depth = 0.65 * broad_m - APRON_M
    if depth < 60.0:
        return layout
    behind = quay + aside * (APRON_M + depth / 2)
    yard = places.container_yard(behind, long_m, depth, azimuth, rng, fill=fill, family=family)
    return layout.with_(areas=yard.areas, things=yard.things, zones=yard.zones, beams=yard.beams)
