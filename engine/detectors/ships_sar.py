"""Ships in radar scenes up to 22 m a pixel: targets that the sea's own clutter would almost never give.

Each pixel, and each mean over 3 × 3 pixels, is held against the K law of the sea around it, in every polarisation; what exceeds
it with the asked-for probability of a false alarm is grown to an outline, joined, and measured. Structure as in SUMO (Greidanus
et al. 2017, Remote Sensing 9, 246); thresholds, statistics and clusters are our own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import gate
from ..bands import check_sensor
from ..detections import Detections
from ..errors import Refusal
from ..patch import Patch
from ..tiles import Bounds, Tile, common, grown, tiles
from ..zones import Zone
from . import ambiguity as ghosts
from .backscatter import Backscatter, survey
from .base import Found, Progress, SceneLike, part, silent
from .clutter import KLaw
from .radar_pixels import REFERENCE_PFA, clusters, find_pixels, groups
from .radar_targets import BLUR_PX, Targets, Window, without_sidelobes
from .reading import read_ahead

PFA = REFERENCE_PFA  # per pixel and all tests together: 0.02 false pixels on 100 km² at 10 m, as sea not quite K gives more
TILE_PX = 1600  # of the file: two polarisations stay below 500 MB, and a step below a second
HALO_M = 300.0  # a ship whose centre lies in a tile ends within this
NEAR_EDGE_M = 100.0
BERTH_CLASS = "occupied_berth"

_JOIN_M = 20.0  # gap between parts of one ship, two pixels at least
_NEAR_EDGE_P, _GHOST_P = 0.5, 0.2


@dataclass(frozen=True)
class ShipsSar:
    """Ships in radar scenes.

    values: amplitude, intensity, db or auto. looks: of a pixel, None to measure. pfa: chance of a false alarm at a pixel of
    clutter. without: shapely polygon of the frame that is left out (land, fish farms). ambiguity: where azimuth ghosts of
    bright targets fall; None without. surveyed: what ``check`` found, where it has been asked before.
    """

    values: str = "auto"
    looks: float | None = None
    pfa: float = PFA
    without: Any = None
    ambiguity: ghosts.Ambiguity | None = None
    surveyed: Backscatter | None = None

    name = "ships_sar"
    classes = ("ship",)

    def check(self, scene: SceneLike, zones: Sequence[Zone]) -> Backscatter:
        """Everything that can be refused before work begins. Raises Refusal (TooCoarse, …)."""
        check_sensor(scene.roles, "sar")
        for zone in zones:
            if zone.is_track:
                raise Refusal(
                    "Zone {zone_id} is a line: ships are looked for in polygons; draw the water as a polygon.",
                    zone_id=zone.zone_id,
                )
        gate.check("ship", scene.gsd_m, scene.gsd_m, "sar")
        return survey(scene, self._sea(zones), self.values, self.looks)

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Ships of one zone."""
        return self.detect_together(scene, [zone], progress)[0]

    def detect_together(self, scene: SceneLike, zones: Sequence[Zone], progress: Progress = silent) -> list[Found]:
        """Ships whose centre lies in each zone; the sea is learned from all zones together. Raises as ``check``."""
        how = self.surveyed or self.check(scene, zones)
        sea = self._sea(zones)
        region = _united([zone.geometry for zone in sea])
        walk = _walk(region, common(region.bounds, scene.bounds), scene.bounds, scene.gsd_m)
        targets = self._targets(scene, region, walk, how, progress)
        found = self._flagged(scene, how, region, targets, part(progress, len(walk), len(walk) + 1))
        warnings = (*how.warnings, *_about_large(targets.too_large), *_about_ghosts(found))
        progress(1.0)
        return _by_zone(found, zones, warnings)

    def _sea(self, zones: Sequence[Zone]) -> list[Zone]:
        """The zones without what is left out."""
        if self.without is None:
            return list(zones)
        cut = [replace(zone, geometry=zone.geometry.difference(self.without)) for zone in zones]
        left = [zone for zone in cut if not zone.geometry.is_empty]
        if not left:
            raise Refusal("EXCLUDE covers all ZONES: nothing is left to look at.")
        return left

    def _targets(
        self, scene: SceneLike, region: Any, walk: Sequence[tuple[Tile, Bounds]], how: Backscatter, progress: Progress
    ) -> Targets:
        laws = [(KLaw(a), KLaw(b)) for a, b in zip(how.looks, how.smooth_looks)]
        parts = []
        patches = read_ahead(scene, [(window, None) for _, window in walk])
        for k, ((tile, _), patch) in enumerate(zip(walk, patches)):
            step = part(progress, k, len(walk) + 1)
            found = _in_patch(how.intensity(patch), region, laws, self.pfa, BLUR_PX * scene.gsd_m, step)
            parts.append(found.select(tile.owns(found.x, found.y)))
        return Targets.joined(parts)

    def _flagged(self, scene: SceneLike, how: Backscatter, region: Any, targets: Targets, progress: Progress) -> Detections:
        """With a note and less probability where a detection may be no ship."""
        d = targets.detections()
        if not len(d):
            return d
        near = _near_edge(d, region, scene)
        note = np.where(near, "near the zone's edge: low confidence, may be part of a quay or shore", d.note)
        p = np.where(near, _NEAR_EDGE_P * d.p, d.p)
        if self.ambiguity is not None:
            looking = _Looking(scene, how)
            for k in range(len(d)):
                progress(k / len(d))
                source = ghosts.source(d.x[k], d.y[k], targets.peak[k], looking.brightest, self.ambiguity)
                if source is not None:
                    at_sea = bool(Zone("", "water", region).holds(np.array([source[0]]), np.array([source[1]]))[0])
                    note[k], p[k] = ghosts.note(d.x[k], d.y[k], source, at_sea), _GHOST_P * p[k]
        return d.with_(note=note, p=p)


@dataclass(frozen=True)
class _Looking:
    """Looks up brightness anywhere in the scene, land included."""

    scene: SceneLike
    how: Backscatter

    def brightest(self, x: float, y: float, reach_m: float) -> float:
        """Brightest averaged pixel of the first band within a square of ``reach_m``; 0 outside the scene."""
        box = common(grown((x, y, x, y), reach_m), self.scene.bounds)
        if box[0] >= box[2] or box[1] >= box[3]:
            return 0.0
        patch = self.how.intensity(self.scene.read(box))
        return float((patch.data[0] * patch.valid).max(initial=0.0))


def _walk(region: Any, part: Bounds, bounds: Bounds, gsd_m: float) -> list[tuple[Tile, Bounds]]:
    """Tiles that the region touches, each with the window to read."""
    from shapely.geometry import box
    from shapely.prepared import prep

    if part[0] >= part[2] or part[1] >= part[3]:
        return []
    touched = prep(region)
    around = common(grown(part, HALO_M), bounds)
    walk = tiles(part, TILE_PX * gsd_m, HALO_M)
    return [(tile, common(tile.outer, around)) for tile in walk if touched.intersects(box(*tile.core))]


def _in_patch(
    patch: Patch, region: Any, laws: Sequence[tuple[KLaw, KLaw]], pfa: float, blur_m: float, progress: Progress
) -> Targets:
    """Targets of one window. blur_m: what the impulse response adds to a length."""
    sea = patch.inside(region) & patch.valid
    if not sea.any():
        return Targets.of([])
    hits, bright = find_pixels(patch.data, sea, laws, pfa, progress)
    window = Window(patch, sea, hits, bright, blur_m)
    found = []
    for own in groups(*clusters(hits, bright, sea.shape, max(1, round(_JOIN_M / patch.gsd_m / 2)))):
        found.append(window.targets(own))
        progress(1.0)
    return without_sidelobes(Targets.joined(found), patch.gsd_m)


def _about_large(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        f"{count} bright areas larger than a ship were left out (land, ice, a breakwater, a raft of ships?): cut land out of the "
        "zones, or give it as EXCLUDE.",
    )


def _about_ghosts(found: Detections) -> tuple[str, ...]:
    count = sum("azimuth ghost" in note for note in found.note)
    if not count:
        return ()
    return (f"{count} targets may be azimuth ghosts of brighter ones: see their notes, and reject those before a tally.",)


def _united(geometries: Sequence[Any]) -> Any:
    from shapely.ops import unary_union

    return unary_union([g if g.is_valid else g.buffer(0) for g in geometries])


def _near_edge(d: Detections, region: Any, scene: SceneLike) -> np.ndarray:
    """Bool (N): within NEAR_EDGE_M of where the zones end before the scene does; nearer, quays and shores look like ships."""
    from shapely.geometry import Point, box

    edge = region.boundary.intersection(box(*scene.bounds).buffer(-1.5 * scene.gsd_m))
    if edge.is_empty:
        return np.zeros(len(d), bool)
    return np.array([edge.distance(Point(x, y)) <= NEAR_EDGE_M for x, y in zip(d.x, d.y)], bool)


def _by_zone(d: Detections, zones: Sequence[Zone], warnings: tuple[str, ...]) -> list[Found]:
    """What each zone holds. In berths no count is given: which part of the quay is occupied is."""
    berthed = np.zeros(len(d), bool)
    for zone in zones:
        if zone.kind == "berth":
            berthed |= zone.holds(d.x, d.y)
    found = []
    for k, zone in enumerate(zones):
        said = warnings if k == 0 else ()
        if zone.kind == "berth":
            found.append(_occupied(zone, d.select(zone.holds(d.x, d.y)), said))
            continue
        own = d.select(zone.holds(d.x, d.y) & ~berthed)
        if zone.kind == "area":
            said += (
                f"Zone {zone.zone_id}: land is not told from ships in radar; draw a water zone, or give land as EXCLUDE.",
            )
        found.append(Found(own, {"m": float(own.length_m.sum())}, True, said))
    return found


def _occupied(zone: Zone, own: Detections, said: tuple[str, ...]) -> Found:
    """A berth: the metres along its longer side that bright targets cover, with low confidence and without a count."""
    rectangle = np.array(zone.geometry.minimum_rotated_rectangle.exterior.coords)
    sides = np.diff(rectangle[:3], axis=0)
    length = float(np.hypot(*sides.T).max())
    along = sides[np.hypot(*sides.T).argmax()] / length
    reach = (own.corners() - rectangle[:4].mean(0)) @ along if len(own) else np.zeros((0, 4))
    spans = sorted(zip(reach.min(1), reach.max(1))) if len(own) else []
    covered, end = 0.0, -length / 2
    for low, high in spans:
        low, high = max(low, end), min(high, length / 2)
        covered, end = covered + max(0.0, high - low), max(end, high)
    what = f"occupied over about {covered:.0f} of {length:.0f} m" if len(own) else "nothing bright seen"
    said += (f"Berth {zone.zone_id}: {what}; low confidence and no count, as ships alongside merge with the quay in radar.",)
    note = "berth occupied: low confidence, not a count"
    marks = own.with_(class_name=np.full(len(own), BERTH_CLASS, object), note=note, p=_NEAR_EDGE_P * own.p)
    return Found(marks, {"m": covered, "share": covered / length}, False, said)
