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
from ..rectangles import close_pairs, minimum_rectangle
from ..tiles import Bounds, Tile, tiles
from ..zones import Zone
from . import ambiguity as ghosts
from . import radar_hulls
from .backscatter import Backscatter, box_mean, common, survey
from .base import Found, Progress, SceneLike, silent
from .clutter import KLaw
from .local_clutter import LocalClutter

PFA = 1e-7  # per pixel and in all tests together: 0.1 false pixels on 100 km² at 10 m
TILE_PX = 2048  # of the file
LONGEST_M, WIDEST_M = 460.0, 110.0  # as outlined, blur included; what is larger is land, ice or a breakwater
HALO_M = 300.0
NEAR_EDGE_M = 100.0

_GROWN_PFA = 1e-3  # pixels of an outline hang together above this
_LEAST_PX = 2
_BLUR_PX = 2.7  # of the file, that the impulse response adds to length and width (measured on simulated ships)
_JOIN_M = 20.0  # gap between parts of one ship, two pixels at least
_LEAST_M = 10.0  # as outlined: smaller specks are boats, buoys and birds
_RESOLVED_PX, _MARGIN_PX = 6.0, 6  # width from which an area may be several hulls; looked at round it
_EXPLAINED = 0.6  # share of the brightness that hulls must hold to stand for the whole area
_SEVERAL_M = 70.0  # wider than any one ship
_OUTLINE = 10**-1.4  # of a ship's brightness: fainter pixels are its sidelobes
_SIDELOBE, _SIDELOBE_M, _TILT = 10**-1.6, 600.0, 0.3  # share, reach and slant of the cross round a bright target
# Logistic in dB over the threshold, by the simulator; provisional until rason:calibrate replaces it.
_P_HALF_DB, _P_SLOPE = -1.0, 0.8
_NEAR_EDGE_P, _GHOST_P = 0.5, 0.2

BERTH_CLASS = "occupied_berth"
Sparse = tuple[np.ndarray, np.ndarray]  # flat indices, rising, and values of some pixels of a window


@dataclass(frozen=True)
class _Targets:
    """Targets of one tile: rectangles and brightness. peak: intensity in the first band. contrast: times the sea."""

    detections: Detections
    peak: np.ndarray
    contrast: np.ndarray
    too_large: int = 0


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
    sensors = ("sar",)

    def check(self, scene: SceneLike, zones: Sequence[Zone]) -> Backscatter:
        """Everything that can be refused before work begins. Raises Refusal (TooCoarse, …)."""
        check_sensor(scene.roles, "sar")
        for zone in zones:
            if zone.is_track:
                raise Refusal(
                    f"Zone {zone.zone_id} is a line: ships are looked for in polygons; draw the water as a polygon."
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
        targets = self._targets(scene, region, how, progress)
        found = self._flagged(scene, how, region, targets, progress)
        warnings = (*how.warnings, *_about_large(targets.too_large))
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

    def _targets(self, scene: SceneLike, region: Any, how: Backscatter, progress: Progress) -> _Targets:
        laws = [(KLaw(a), KLaw(b)) for a, b in zip(how.looks, how.smooth_looks)]
        part = common(region.bounds, scene.bounds)
        walk = _walk(region, part, scene.bounds, scene.gsd_m)
        parts = [_no_targets()]
        for k, (tile, window) in enumerate(walk):

            def within(fraction: float, k: int = k) -> None:
                progress(0.9 * (k + fraction) / len(walk))

            patch = scene.read(window)
            within(0.3)
            found = _in_patch(how.intensity(patch), region, laws, self.pfa, _BLUR_PX * scene.gsd_m, within)
            parts.append(_select(found, tile.owns(found.detections.x, found.detections.y)))
        return _joined(parts)

    def _flagged(self, scene: SceneLike, how: Backscatter, region: Any, targets: _Targets, progress: Progress) -> Detections:
        """With a note and less probability where a detection may be no ship."""
        d = targets.detections
        if not len(d):
            return d
        near = _near_edge(d, region, scene)
        note = np.where(near, "near the zone's edge: low confidence, may be part of a quay or shore", d.note)
        p = np.where(near, _NEAR_EDGE_P * d.p, d.p)
        if self.ambiguity is not None:
            looking = _Looking(scene, how)
            for k in range(len(d)):
                progress(0.9 + 0.1 * k / len(d))
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
        box = common((x - reach_m, y - reach_m, x + reach_m, y + reach_m), self.scene.bounds)
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
    around = common((part[0] - HALO_M, part[1] - HALO_M, part[2] + HALO_M, part[3] + HALO_M), bounds)
    walk = tiles(part, TILE_PX * gsd_m, HALO_M)
    return [(tile, common(tile.outer, around)) for tile in walk if touched.intersects(box(*tile.core))]


def _in_patch(
    patch: Patch, region: Any, laws: Sequence[tuple[KLaw, KLaw]], pfa: float, blur_m: float, progress: Progress
) -> _Targets:
    """Targets of one window. blur_m: what the impulse response adds to a length."""
    sea = patch.inside(region) & patch.valid
    if not sea.any():
        return _no_targets()
    hits, bright = find_pixels(patch.data, sea, laws, pfa, progress)
    index, number = clusters(hits, bright, sea.shape, max(1, round(_JOIN_M / patch.gsd_m / 2)))
    found = []
    for own in _groups(index, number):
        found += _measured(patch, own, hits, bright, blur_m, sea)
        progress(1.0)
    return _without_sidelobes(_joined([_no_targets(), *found]), patch.gsd_m)


def find_pixels(
    intensity: np.ndarray, sea: np.ndarray, laws: Sequence[tuple[KLaw, KLaw]], pfa: float, progress: Progress = silent
) -> tuple[Sparse, Sparse]:
    """What exceeds the sea in any test, in times its threshold; and all that is bright enough for an outline, in times the sea.

    intensity (bands, rows, columns), sea bool (rows, columns), laws: of the pixels and of their 3 × 3 means, one pair a band.
    The probability ``pfa`` is shared by the tests.
    """
    share = pfa / (2 * len(laws))
    inner = sea if sea.all() else box_mean(sea.astype(np.float32)) > 0.999
    hits, bright = [], []
    for k, (image, (law, smooth_law)) in enumerate(zip(intensity, laws)):
        clutter = LocalClutter.measure(image, sea, law)
        if clutter is None:
            continue
        hits.append(_flat(*clutter.above(image, sea, share), sea.shape[1]))
        rows, columns, _ = clutter.above(image, sea, _GROWN_PFA)
        progress(0.4 + 0.6 * (k + 0.4) / len(laws))
        image_of_means = box_mean(image)
        of_means = LocalClutter.measure(image_of_means, inner, smooth_law)
        if of_means is not None:
            r, c, times = of_means.above(image_of_means, inner, share)
            hits.append(_flat(r, c, times, sea.shape[1]))
            rows, columns = np.concatenate([rows, r]), np.concatenate([columns, c])
        bright.append(_flat(rows, columns, image[rows, columns] / clutter.level(rows, columns), sea.shape[1]))
        progress(0.4 + 0.6 * (k + 0.9) / len(laws))
    return _highest(hits), _highest(bright)


def _flat(rows: np.ndarray, columns: np.ndarray, value: np.ndarray, width: int) -> Sparse:
    return rows * width + columns, value


def _highest(parts: Sequence[Sparse]) -> Sparse:
    """Each pixel once, with its highest value."""
    if not parts:
        return np.zeros(0, int), np.zeros(0)
    index, value = (np.concatenate(arrays) for arrays in zip(*parts))
    order = np.lexsort((value, index))
    last = np.flatnonzero(np.append(np.diff(index[order]) > 0, True)) if index.size else order
    return index[order][last], value[order][last]


def clusters(hits: Sparse, bright: Sparse, shape: tuple[int, int], join_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices of the pixels of targets, and the number of the target of each.

    A target hangs together, with a hit among its pixels; a speck of one pixel is none; targets ``join_px`` or so apart are one.
    """
    from scipy import ndimage

    index = bright[0]
    if not hits[0].size:
        return index[:0], index[:0]
    around = np.ones((3, 3), bool)
    mask = np.zeros(shape, bool)
    mask.flat[index] = True
    labels, count = ndimage.label(mask, around)
    own = labels.flat[index]
    kept = np.zeros(count + 1, bool)
    kept[labels.flat[hits[0]]] = True
    kept &= np.bincount(own, minlength=count + 1) >= _LEAST_PX
    index = index[kept[own]]
    rows, columns = np.divmod(index, shape[1])
    mask[:] = False
    reach = range(-join_px, join_px + 1)
    for down in reach:
        for right in reach:
            mask[np.clip(rows + down, 0, shape[0] - 1), np.clip(columns + right, 0, shape[1] - 1)] = True
    ndimage.label(mask, around, output=labels)
    return index, labels.flat[index]


def _groups(index: np.ndarray, number: np.ndarray) -> list[np.ndarray]:
    """The pixels of each target, rising."""
    order = np.argsort(number, kind="stable")
    return np.split(index[order], np.flatnonzero(np.diff(number[order])) + 1) if len(index) else []


def _measured(
    patch: Patch, index: np.ndarray, hits: Sparse, bright: Sparse, blur_m: float, sea: np.ndarray
) -> list[_Targets]:
    """A bright area as one target or, where it is resolved and shaped like several hulls, as these."""
    whole = _one(patch, index, hits, bright, blur_m)
    rectangle = whole.detections
    if whole.too_large or (len(rectangle) and rectangle.width_m[0] > _RESOLVED_PX * patch.gsd_m):
        parts, explained = _hulls(patch, index, hits, bright, blur_m, sea)
        return parts if explained >= _EXPLAINED or (parts and whole.too_large) else [whole]
    return [whole]


def _hulls(
    patch: Patch, index: np.ndarray, hits: Sparse, bright: Sparse, blur_m: float, sea: np.ndarray
) -> tuple[list[_Targets], float]:
    """The hulls of a bright area, and the share of its brightness that they hold."""
    rows, columns = np.divmod(index, patch.shape[1])
    top, left = max(rows.min() - _MARGIN_PX, 0), max(columns.min() - _MARGIN_PX, 0)
    window = np.s_[top : rows.max() + _MARGIN_PX + 1, left : columns.max() + _MARGIN_PX + 1]
    own = np.zeros(sea[window].shape, bool)
    own[rows - top, columns - left] = True
    times = bright[1][np.searchsorted(bright[0], index)]
    level = np.median(patch.data[0].flat[index] / times)
    contrast = box_mean(patch.data[0][window]) / level
    pieces = radar_hulls.hulls(contrast, _closed(own), sea[window], patch.gsd_m).moved(top, left)
    found, taken = [], np.zeros(len(index), bool)
    for k in range(len(pieces)):
        piece = pieces.select(np.array([k]))
        u, v = columns - piece.column, rows - piece.row
        cos, sin = np.cos(piece.angle), np.sin(piece.angle)
        along, across = np.abs(u * cos + v * sin), np.abs(v * cos - u * sin)
        inside = (along <= piece.length / 2) & (across <= piece.width / 2)
        taken |= inside
        if inside.any():
            x, y = patch.to_frame(piece.column, piece.row)
            sides = piece.length[0] * patch.gsd_m, piece.width[0] * patch.gsd_m
            azimuth = float(np.degrees(piece.angle[0])) + 90
            found.append(_target(patch, index[inside], hits, bright, blur_m, (x[0], y[0], *sides, azimuth)))
    return found, float(times[taken].sum() / times.sum())


def _closed(mask: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return ndimage.binary_closing(np.pad(mask, 2), np.ones((3, 3), bool))[2:-2, 2:-2]


def _one(patch: Patch, index: np.ndarray, hits: Sparse, bright: Sparse, blur_m: float) -> _Targets:
    """One target from its pixels."""
    times = bright[1][np.searchsorted(bright[0], index)]
    outline = index[times >= _OUTLINE * times.max()]
    rows, columns = np.divmod(outline, patch.shape[1])
    x, y = patch.to_frame(columns, rows)
    cx, cy, length, width, azimuth = minimum_rectangle(np.column_stack([x, y]))
    if length > LONGEST_M or width > WIDEST_M:
        return replace(_no_targets(), too_large=1)
    if length + patch.gsd_m < _LEAST_M:
        return _no_targets()
    return _target(patch, index, hits, bright, blur_m, (cx, cy, length + patch.gsd_m, width + patch.gsd_m, azimuth))


def _target(
    patch: Patch, index: np.ndarray, hits: Sparse, bright: Sparse, blur_m: float, rectangle: tuple[float, ...]
) -> _Targets:
    """A target with its rectangle: x, y, outer length and width, azimuth."""
    cx, cy, length, width, azimuth = rectangle
    length, width = (max(side - blur_m, 0.5 * patch.gsd_m) for side in (length, width))
    times = bright[1][np.searchsorted(bright[0], index)]
    own = hits[1][np.isin(hits[0], index)]
    excess_db = 10 * np.log10(own.max(initial=1.0))
    p = 1 / (1 + np.exp(-_P_SLOPE * (excess_db - _P_HALF_DB)))
    note = "small: two or three pixels" if len(index) <= 3 else "perhaps several" if width > _SEVERAL_M else ""
    ship = Detections.make([cx], cy, length, width, azimuth, "ship", score=excess_db, p=p, note=note)
    peak = patch.data[0].flat[index].max()
    return _Targets(ship, np.array([peak], float), np.array([times.max()]))


def _without_sidelobes(t: _Targets, gsd_m: float) -> _Targets:
    """Without faint specks on the cross that a bright target's impulse response draws along range and azimuth."""
    d = t.detections
    i, j = close_pairs(d.x, d.y, _SIDELOBE_M)
    i, j = np.where(t.contrast[i] >= t.contrast[j], i, j), np.where(t.contrast[i] >= t.contrast[j], j, i)
    dx, dy = np.abs(d.x[j] - d.x[i]), np.abs(d.y[j] - d.y[i])
    on_cross = np.minimum(dx, dy) <= _TILT * np.maximum(dx, dy) + d.width_m[i] / 2 + gsd_m
    faint = t.contrast[j] <= _SIDELOBE * t.contrast[i]
    kept = np.ones(len(d), bool)
    kept[j[on_cross & faint]] = False
    return _select(t, kept)


def _no_targets() -> _Targets:
    return _Targets(Detections.empty(), np.zeros(0), np.zeros(0))


def _select(t: _Targets, which: np.ndarray) -> _Targets:
    return replace(t, detections=t.detections.select(which), peak=t.peak[which], contrast=t.contrast[which])


def _joined(parts: Sequence[_Targets]) -> _Targets:
    return _Targets(
        Detections.concatenate([part.detections for part in parts]),
        np.concatenate([part.peak for part in parts]),
        np.concatenate([part.contrast for part in parts]),
        sum(part.too_large for part in parts),
    )


def _about_large(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        f"{count} bright areas larger than a ship were left out (land, ice, a breakwater, a raft of ships?): cut land out of the "
        "zones, or give it as EXCLUDE.",
    )


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
