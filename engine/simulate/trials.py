"""Random scenes for trials: small labelled places, each under conditions of its own.

``yard``, ``rails``, ``sea`` and ``berth`` give a Trial for a seed: a scene as a detector sees it, its zones, and the truth.
One in four is empty (of what is counted, not of what looks like it). Trials of ``family="fit"`` may be used to fit, choose
and calibrate; those of ``"held out"`` (``family.HELD_OUT``: other paints, grounds, layouts and cameras) only to judge. Needs
numpy and shapely, neither GDAL nor QGIS. All of it is synthetic, and no interval may rest on it alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..classes import counted_in
from ..detections import Detections
from ..errors import Refusal
from ..scene import ArrayScene
from ..zones import Zone
from . import places, rail
from .family import FAMILIES, Family
from .layout import Bounds, Layout
from .render import Rendered, render
from .sensor import Sensor
from .view import View

EMPTY = 0.25  # share of trials in which nothing that is counted stands
TEXTURE_CELLS = 512  # after which the ground's grain repeats; a large field costs more than a small scene
ROUND_M = 22.0  # shown round the zones
GSD_M = {"yard": (0.3, 0.5), "rails": (0.25, 0.6), "sea": (0.5, 3.0), "berth": (0.35, 1.0)}


@dataclass(frozen=True)
class Conditions:
    """Everything about the look, and how full the place is.

    gsd_m; sun_elevation_deg, sun_azimuth_deg; off_nadir_deg and view_azimuth_deg (from the ground to the sensor); haze 0..1;
    noise relative to mid grey; jpeg quality, 0 for none; psf_px: blur, sd in pixels; gamma: display curve; contrast: exponent
    on the light; sharpened: colour coarser than brightness; density: share of what fits that is there, 0 for an empty scene.
    """

    gsd_m: float = 0.5
    sun_elevation_deg: float = 45.0
    sun_azimuth_deg: float = 150.0
    off_nadir_deg: float = 0.0
    view_azimuth_deg: float = 0.0
    haze: float = 0.06
    noise: float = 0.012
    jpeg: int = 0
    psf_px: float = 0.54
    gamma: float = 1.6
    contrast: float = 1.0
    sharpened: bool = False
    density: float = 0.6

    @classmethod
    def default(cls, rng: np.random.Generator, family: str = "fit", gsd_m: tuple[float, float] = (0.3, 0.5)) -> Conditions:
        """A good look: sun 28° to 65° high, up to 15° off nadir, clear. GSD even on a logarithmic scale within ``gsd_m``."""
        kind = _family(family)
        return cls(
            gsd_m=float(np.exp(rng.uniform(*np.log(gsd_m)))),
            sun_elevation_deg=rng.uniform(28.0, 65.0),
            sun_azimuth_deg=rng.uniform(105.0, 255.0),
            off_nadir_deg=rng.uniform(0.0, 15.0),
            view_azimuth_deg=rng.uniform(0.0, 360.0),
            haze=rng.uniform(0.02, 0.14),
            noise=rng.uniform(0.006, 0.018),
            jpeg=int(rng.choice([0, rng.integers(75, 96)])),
            psf_px=rng.uniform(*kind.psf_px),
            gamma=rng.uniform(*kind.gamma),
            contrast=rng.uniform(0.85, 1.1),
            sharpened=bool(rng.random() < kind.sharpened),
            density=0.0 if rng.random() < EMPTY else rng.uniform(0.1, 1.0),
        )

    def shifted(self, shift: str, rng: np.random.Generator) -> Conditions:
        """The same look under one of SHIFTS. Raises Refusal for an unknown one."""
        if shift not in SHIFTS:
            raise Refusal("{shift} is no shift of conditions. Known are: {names}.", shift=shift, names=", ".join(SHIFTS))
        changes = {
            "none": dict[str, Any](),
            "low sun": {"sun_elevation_deg": rng.uniform(15.0, 18.0)},
            "haze": {"haze": rng.uniform(0.3, 0.5)},
            "noise": {"noise": 3.0 * self.noise},
            "off nadir": {"off_nadir_deg": rng.uniform(20.0, 30.0)},
            "dim": {"contrast": rng.uniform(0.45, 0.6), "gamma": 1.0},
            "blur": {"psf_px": rng.uniform(1.0, 1.3)},
        }
        return replace(self, **changes[shift])


SHIFTS = ("none", "low sun", "haze", "noise", "off nadir", "dim", "blur")


@dataclass(frozen=True)
class Trial:
    """One labelled scene. kind: yard, rails, sea or berth.

    truth: all things with a class (that of the counting rule: locomotives and coaches are rail vehicles and so of the class
    freight_car), as they appear: boxes of their tops, moved by the lean; type_name is their type, zone_id
    the zone they stand in (by their foot, not by their leaning top), position_m where along its track a vehicle stands. In the
    same order: height_m, tiers, visible (share of the outline that the scene shows).
    """

    kind: str
    family: str
    seed: int
    conditions: Conditions
    scene: ArrayScene
    zones: tuple[Zone, ...]
    truth: Detections
    height_m: np.ndarray
    tiers: np.ndarray
    visible: np.ndarray

    def counted(self, class_name: str, zone_id: str | None = None) -> np.ndarray:
        """Which things of the truth are of a class and stand in a zone (None: in any)."""
        in_zone = self.truth.zone_id != "" if zone_id is None else self.truth.zone_id == zone_id
        return (self.truth.class_name == class_name) & in_zone

    def counts(self) -> dict[tuple[str, str], int]:
        """(zone_id, class) → true number, for the classes that each zone is counted for."""
        return {
            (zone.zone_id, name): int(self.counted(name, zone.zone_id).sum())
            for zone in self.zones
            for name in counted_in(zone.kind)
        }


def yard(seed: int, conditions: Conditions | None = None, family: str = "fit") -> Trial:
    """1 to 2 ha of container yard."""
    rng, given, kind = _start("yard", seed, conditions, family)
    length, width, azimuth = rng.uniform(100.0, 150.0), rng.uniform(80.0, 130.0), rng.uniform(0.0, 180.0)
    layout = places.container_yard(np.zeros(2), length, width, azimuth, rng, fill=given.density, family=kind)
    return _trial("yard", seed, given, kind, layout, _round(layout.zones))


def rails(seed: int, conditions: Conditions | None = None, family: str = "fit") -> Trial:
    """0.3 to 1 km of tracks: one to five beside each other."""
    rng, given, kind = _start("rails", seed, conditions, family)
    tracks = int(rng.integers(1, 6))
    length = min(rng.uniform(600.0, 1000.0) / tracks, rng.uniform(200.0, 330.0))
    layout = places.rail_yard(np.zeros(2), length, tracks, rng.uniform(0.0, 180.0), rng, fill=given.density, family=kind)
    return _trial("rails", seed, given, kind, layout, _round(layout.zones))


def sea(seed: int, conditions: Conditions | None = None, family: str = "fit") -> Trial:
    """Open water of 350 to 600 pixels a side, at least 250 m."""
    rng, given, kind = _start("sea", seed, conditions, family)
    side = max(rng.uniform(350.0, 600.0) * given.gsd_m, 250.0)
    bounds = (0.0, 0.0, side, side)
    layout = places.roadstead(bounds, rng, fill=given.density, family=kind)
    return _trial("sea", seed, given, kind, layout, bounds)


def berth(seed: int, conditions: Conditions | None = None, family: str = "fit") -> Trial:
    """A quay of 160 to 320 m."""
    rng, given, kind = _start("berth", seed, conditions, family)
    layout = places.berths(
        np.zeros(2), rng.uniform(160.0, 320.0), rng.uniform(0.0, 360.0), rng, fill=given.density, family=kind
    )
    return _trial("berth", seed, given, kind, layout, _round(layout.zones))


MAKERS = {"yard": yard, "rails": rails, "sea": sea, "berth": berth}


def _family(name: str) -> Family:
    if name not in FAMILIES:
        raise Refusal("{name} is no family of synthetic places. Known are: {names}.", name=name, names=", ".join(FAMILIES))
    return FAMILIES[name]


def _start(
    kind: str, seed: int, conditions: Conditions | None, family: str
) -> tuple[np.random.Generator, Conditions, Family]:
    """The generator of a trial's layout, its conditions and its family; families and kinds share no draws."""
    key = [seed, list(MAKERS).index(kind), list(FAMILIES).index(_family(family).name)]
    given = conditions or Conditions.default(np.random.default_rng([*key, 1]), family, GSD_M[kind])
    return np.random.default_rng([*key, 2]), given, _family(family)


def _round(zones: Sequence[Zone]) -> Bounds:
    """The box round all zones, with ground round it."""
    ends = np.array([zone.geometry.bounds for zone in zones])
    (west, south), (east, north) = ends[:, :2].min(axis=0) - ROUND_M, ends[:, 2:].max(axis=0) + ROUND_M
    return float(west), float(south), float(east), float(north)


def _trial(kind: str, seed: int, given: Conditions, family: Family, layout: Layout, bounds: Bounds) -> Trial:
    """Look at a layout and label what is seen."""
    camera = sensor(given)
    coarse = kind in ("sea", "berth")  # what is counted there is larger than cells need be elsewhere
    seen = render(
        layout,
        bounds,
        gsd_m=given.gsd_m,
        sun_azimuth_deg=given.sun_azimuth_deg,
        sun_elevation_deg=given.sun_elevation_deg,
        seed=seed,
        sensor=camera,
        view=View(given.off_nadir_deg, given.view_azimuth_deg),
        cell_m=given.gsd_m / 2 if coarse else None,
        texture_cells=TEXTURE_CELLS,
    )
    return Trial(
        kind, family.name, seed, given, seen.as_scene(camera.ends()), layout.zones, labelled(seen, layout.zones), seen.truth_height_m,
        seen.truth_tiers, seen.truth_visible,
    )  # fmt: skip


def sensor(given: Conditions) -> Sensor:
    """The camera of these conditions."""
    return Sensor(
        psf_px=given.psf_px,
        haze=given.haze,
        noise=given.noise,
        gamma=given.gamma,
        contrast=given.contrast,
        sharpened=given.sharpened,
        jpeg=given.jpeg,
    )


def labelled(seen: Rendered, zones: Sequence[Zone]) -> Detections:
    """The truth as it appears, with the zone that each thing stands in and its place along a track."""
    from shapely.geometry import Point

    truth = seen.truth
    zone_id, position = np.full(len(truth), "", object), np.full(len(truth), np.nan)
    for zone in zones:
        held = zone.holds(truth.x, truth.y)
        zone_id[held] = zone.zone_id
        if zone.is_track:
            position[held] = [zone.geometry.project(Point(x, y)) for x, y in zip(truth.x[held], truth.y[held])]
    return replace(seen.apparent(), class_name=rail.counted_as(truth.class_name), zone_id=zone_id, position_m=position)
