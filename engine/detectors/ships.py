"""Ships in optical scenes of 0.3 to 10 m: what stands out of the water and has the shape of a hull."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .. import gate
from ..detections import Detections
from ..errors import Refusal
from ..merging import merge
from ..patch import Patch
from ..probability import ScoreModel
from ..tiles import Bounds, Tile, common, grown, tiles
from ..zones import Zone
from . import component_tree, quay, second_look, standing, water, water_mask
from .base import Found, Progress, SceneLike, ZoneByZone, part, silent
from .component_tree import Pieces
from .reading import read_ahead
from .screening import Screen, coarser

Window = tuple[slice, slice]

WEIGHTS = Path(__file__).parent / "weights" / "ships.json"
WORK_GSD_M = 0.6  # finer pixels show fittings, not hulls
TILE_PX = 2048
LONGEST_M, WIDEST_M = 420.0, 65.0
LEAST_FILL, LEAST_RATIO = 0.5, 1.5  # share of the rectangle covered, length to beam
HALO_M = LONGEST_M / 2 + 30  # a ship whose centre lies in a tile ends within this
LARGEST_M2 = LONGEST_M * 0.75 * 90  # a piece of "not water" beyond this is land

# Shortest ship reported (m) by effective GSD (m): five to six pixels at the ends, more between, where surf and wakes abound.
_LEAST_LENGTH_M = ((0.6, 10.0), (1.0, 14.0), (3.0, 40.0), (10.0, 60.0))

# Strangeness (spreads of the water) from which a pixel may belong to a ship, raised until specks cover less than this share.
_FROM, _CLUTTER = 5.0, 0.01
_THRESHOLDS = 7
_RADII_PX = (0.0, 1.0, 1.5, 2.5, 4.0)
_MARGIN_PX = 9
_THICK_PX = 8.0  # half the thickness of a cluster, in the pixels it is looked at
# Narrower things along the zone's edge are the quay or the bank, where the line was drawn a few metres off.
_EDGE_STRIP_M, _EDGE_STRIP_PX = 5.0, 1.5

_REPORT_FROM = 0.3
_SURE, _BULK_REACH_M = 0.6, 50.0  # score of a ship even beside a cloud, and how far its fragments lie
_UP_THE_QUAY_M = 1.5  # said from here on
_EXPLAINED = 0.6  # share of the occupied berth that ships must fill for their count to be worth as much


@cache
def probability_of() -> ScoreModel:
    """p of a score: fitted on simulated seas and berths by bench/fit_ships.py, until rason:calibrate replaces it."""
    return ScoreModel.from_dict(json.loads(WEIGHTS.read_text("utf8"))["model"])


def least_length_m(effective_gsd_m: float) -> float:
    """Shortest ship reported at this effective GSD."""
    gsd, length = zip(*_LEAST_LENGTH_M)
    return float(np.interp(effective_gsd_m, gsd, length))


@dataclass(frozen=True)
class Ships(ZoneByZone):
    """Ships afloat in water, berth and area zones.

    without: a shapely (multi)polygon in the frame that is cut out of every zone (piers, jetties, breakwaters, roofs), or None.
    earlier, days: detections of other dates and their dates; what stands there now too is flagged in its note, never dropped.

    Water is learned in the zone (kinds water and berth) or found in it first (kind area); a component tree of "unlike
    water" gives the pieces, their shape and surroundings the score. Measured in docs/ACCURACY.md.
    """

    name: ClassVar[str] = "ships"
    classes: ClassVar[tuple[str, ...]] = ("ship",)

    without: Any = None
    earlier: Detections = field(default_factory=Detections.empty)
    days: tuple[str, ...] = ()

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Ships whose centre lies in the zone. Measure "m": their total length; at berth the length of quay taken, and "share".

        Raises TooCoarse beyond 11 m effective GSD and Refusal for a track or where all of the zone is excluded.
        """
        if zone.is_track:
            raise Refusal(
                "Zone {zone_id} is a line: ships are counted in polygons; draw the water as a polygon.", zone_id=zone.zone_id
            )
        if self.without is not None:
            zone = replace(zone, geometry=zone.geometry.difference(self.without))
            if zone.geometry.is_empty:
                raise Refusal(
                    "EXCLUDE covers all of zone {zone}: nothing is left to look at; leave the zone out.", zone=zone.zone_id
                )
        gate.check("ship", scene.effective_gsd_m, scene.gsd_m)
        least = least_length_m(scene.effective_gsd_m)
        # Blown-up pixels (screenshots, tiles) are averaged back to about the detail they hold.
        wanted = max(WORK_GSD_M, 0.8 * scene.effective_gsd_m)
        gsd = scene.gsd_m * max(1, int(wanted / scene.gsd_m + 0.25))
        shown = common(zone.geometry.bounds, scene.bounds)
        wide = shown[0] < shown[2] and shown[1] < shown[3] and zone.kind == "water" and coarser(least, gsd) > 1
        steps = 1 + wide + (zone.kind == "berth")
        screen = Screen(scene, zone, shown, gsd, least, part(progress, 0, steps)) if wide else None
        walk = _walk(scene.bounds, zone, shown, gsd, screen)
        looking = part(progress, int(wide), steps)
        parts, scores, looks, wet = [Pieces.empty()], [np.zeros(0)], [np.zeros(0, int)], screen is not None and screen.wet
        parted = zone.kind != "area"
        patches = read_ahead(scene, [(window, pixel) for _, window, pixel in walk])
        for k, ((tile, *_), patch) in enumerate(zip(walk, patches)):
            found = _in_patch(patch, zone, tile.core, least, part(looking, k, len(walk)))
            if found is None:
                continue
            wet = True
            parted = parted or water_mask.dark_in_infrared(patch) is not None
            # Boxes of the screen may cut a ship of which it saw a part only; tiles are cut anywhere and own what is theirs.
            own = np.ones(len(found[0]), bool) if screen else tile.owns(found[0].column, -found[0].row)
            parts.append(found[0].select(own))
            scores.append(found[1][own])
            looks.append(np.full(own.sum(), k))
        ships = _ships(Pieces.concatenate(parts), np.concatenate(scores), np.concatenate(looks), zone, least, screen)
        ships = standing.flagged(ships, self.earlier, np.array(self.days, object))
        said = _warnings(zone, least, wet, parted)
        if zone.kind == "berth" and wet:
            return _at_berth(zone, ships, quay.quays(scene, zone, part(progress, steps - 1, steps)), said)
        progress(1.0)
        return Found(ships, {"m": float(ships.length_m.sum())}, True, said)


def _at_berth(zone: Zone, ships: Detections, found: list[quay.Quay], said: tuple[str, ...]) -> Found:
    """Ships of a berth and, what is surer, how much of its quay is taken."""
    if not found:
        lost = f"Zone {zone.zone_id}: no quay was recognised along its edge, so the length is that of the ships found."
        return Found(ships, {"m": float(ships.length_m.sum())}, True, (*said, lost))
    taken, seen = sum(q.taken_m for q in found), sum(q.seen_m for q in found)
    more = [f"Zone {zone.zone_id}: {q.sentence()}." for q in found]
    up = max(q.up_m for q in found)
    if up >= _UP_THE_QUAY_M:
        more.append(f"Zone {zone.zone_id}: its edge seems to run {up:.0f} m up the quay; move it to the waterline.")
    if taken > 0.95 * seen:
        more.append(f"Zone {zone.zone_id}: the whole quay looks occupied; check that its edge follows the waterline.")
    if taken and ships.length_m.sum() < _EXPLAINED * taken:
        more.append(
            f"Zone {zone.zone_id}: the ships found fill little of the occupied berth (rafted, abreast, or alike the water): "
            "the occupied length is worth more than the count."
        )
    return Found(ships, {"m": taken, "share": taken / seen}, True, (*said, *more))


def _ships(
    pieces: Pieces, score: np.ndarray, look: np.ndarray, zone: Zone, least_m: float, screen: Screen | None
) -> Detections:
    """Each ship once, without the pieces of wakes and clouds; pieces in frame metres, look: the window that gave each."""
    wake, bow = _in_wake(pieces, score, under_way=zone.kind != "berth")
    kept = ~wake
    if screen:
        # Fragments of a cloud or of glint look like hulls one by one.
        kept &= (score >= _SURE) | ~screen.near_bulk(pieces.column, -pieces.row, WIDEST_M / 2, _BULK_REACH_M)
    ships = _detections(pieces.select(kept), score[kept], bow[kept], least_m)
    return ships.select(merge(ships, look[kept]))


def _warnings(zone: Zone, least: float, wet: bool, parted: bool) -> tuple[str, ...]:
    """What the user must know. parted: whether the zone's land is known, as drawn or by near infrared."""
    if not wet:
        return (f"Zone {zone.zone_id}: no water was recognised, so no ships were looked for; draw a water or berth zone.",)
    said = [f"Zone {zone.zone_id}: ships shorter than {least:.0f} m are not counted at this resolution."]
    if zone.kind == "area":
        said.append(
            f"Zone {zone.zone_id}: water was found by the image alone and ships alongside land are missed; "
            "draw a water or berth zone that ends at the quay line."
        )
    if not parted:
        said.append(
            f"Zone {zone.zone_id}: this picture does not tell land from water surely (near infrared would, where it parts them): "
            "land inside the zone may hide ships or be taken for ships; draw it as EXCLUDE, or draw a water zone."
        )
    return tuple(said)


def _walk(bounds: Bounds, zone: Zone, part: Bounds, gsd_m: float, screen: Screen | None) -> list[tuple[Tile, Bounds, float]]:
    """Parts of the zone in the scene where there may be ships, each with the window to read for it and the pixel to read."""
    from shapely.geometry import box
    from shapely.prepared import prep

    touched = prep(zone.geometry)
    # What lies round an area zone helps to find its water; round a drawn zone only its edge is looked at.
    rim = HALO_M if zone.kind == "area" else _MARGIN_PX * gsd_m
    around = common(grown(part, rim), bounds)
    walk = []
    for core, window, large in screen.windows() if screen else [(part, part, False)]:
        # A ship of two hundred pixels is as well seen in a quarter of them.
        pixel = 2 * gsd_m if large and 2 * gsd_m < water.FINE_GSD_M else gsd_m
        whole = screen and max(core[2] - core[0], core[3] - core[1]) <= TILE_PX * gsd_m
        for tile in tiles(core, TILE_PX * gsd_m, HALO_M):
            if touched.intersects(box(*tile.core)):
                walk.append((tile, common(window if whole else tile.outer, around), pixel))
    return walk


def _in_patch(
    patch: Patch, zone: Zone, core: Bounds, least_m: float, progress: Progress
) -> tuple[Pieces, np.ndarray] | None:
    """Hulls of one window that may lie in the core and are centred in the zone, in frame metres, with their scores.

    None where there is no water to look at.
    """
    if not patch.valid.any():
        return None
    inside = patch.inside(zone.geometry) & patch.valid
    sure = water_mask.find_water(patch) if zone.kind == "area" else inside
    if not (sure & inside).any():
        return None
    progress(0.1)
    strange = water.strangeness(patch, sure, inside)
    progress(0.4)
    observable = inside
    if zone.kind == "area":
        observable = patch.valid & water_mask.afloat(strange, sure, _FROM, patch.gsd_m, WIDEST_M, LARGEST_M2)
    (left, right), (top, bottom) = patch.to_pixel(np.array(core[::2]), np.array(core[:0:-2]))
    within = (slice(top, bottom), slice(left, right))
    pieces, score = _pieces(np.where(observable, strange, 0), observable, within, patch.gsd_m, least_m, progress)
    pieces, score = second_look.looked_at_again(patch, observable, pieces, score, least_m / patch.gsd_m)
    own = _centred(patch, pieces, inside) & (score > 0)
    if zone.kind == "area":
        own &= pieces.outside == 0  # what touches land that the picture alone tells of is mostly part of it
    return pieces.select(own).placed(patch), score[own]


def _pieces(
    strange: np.ndarray, observable: np.ndarray, core: Window, gsd_m: float, least_m: float, progress: Progress
) -> tuple[Pieces, np.ndarray]:
    """Best pieces of a window in its pixels, with their scores; clusters that lie outside the core are passed over."""
    from scipy import ndimage

    least_px, least_area = _least(least_m, gsd_m)
    labels, base = _candidates(strange, least_area, observable.sum())
    boxes = ndimage.find_objects(labels)
    size = np.bincount(labels.ravel())
    found, scored = [Pieces.empty()], [np.zeros(0)]
    for k, box in enumerate(boxes, 1):
        if size[k] < least_area or max(s.stop - s.start for s in box) < least_px or not _meet(box, core):
            continue
        top, left = (max(s.start - _MARGIN_PX, 0) for s in box)
        window = np.s_[top : box[0].stop + _MARGIN_PX, left : box[1].stop + _MARGIN_PX]
        # Neighbours count as "not water" in the ring but are cut in their own turn.
        maps = (strange[window], labels[window] == k, observable[window])
        pieces, score = _hulls(*maps, gsd_m, least_m, base)
        found.append(pieces.moved(top, left))
        scored.append(score)
        progress(0.4 + 0.6 * k / len(boxes))
    return Pieces.concatenate(found), np.concatenate(scored)


def _in_wake(p: Pieces, score: np.ndarray, under_way: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which pieces (N) trail a ship, and on which end its bow is for that (1: where the angle points, -1, 0 not known).

    A wake's pieces lie behind one another on the ship's axis, as directed, and are weaker, narrower or less a hull. Chosen on simulated wakes: ships in line lie off each other's axis or turned. At a quay they are in line, but a wake has
    water on both sides; under_way: whether ships may move here.
    """
    dc, dr = p.column[None] - p.column[:, None], p.row[None] - p.row[:, None]
    cos, sin = np.cos(p.angle)[:, None], np.sin(p.angle)[:, None]
    side = dc * cos + dr * sin
    along, across = np.abs(side), np.abs(dr * cos - dc * sin)
    turned = np.abs(np.sin(p.angle[None] - p.angle[:, None]))
    length, width, strange = p.length[:, None], p.width[:, None], p.strangeness[:, None]
    trails = (along < 6 * length) & (across < width) & (turned < np.sin(np.radians(25))) & (p.width[None] <= 1.3 * width)
    lesser = (p.area[None] < 0.5 * p.area[:, None]) & (score[None] < 0.6 * score[:, None])
    wake = trails & (lesser | (p.strangeness[None] < 0.5 * strange))
    if under_way:
        gap = along - (length + p.length[None]) / 2
        follows = (across < 0.25 * width) & (turned < np.sin(np.radians(8))) & (gap < 1.5 * length) & (along > 0)
        less = (p.width[None] < 0.9 * width) | (score[None] < 0.75 * score[:, None])
        wake |= follows & less & (p.strangeness[None] < 1.3 * strange)
    wake &= p.water[None] > 0.6
    behind = -np.sign((np.sign(side) * wake).sum(1))
    return wake.any(0), np.where(p.bow != 0, p.bow, behind)


def _hulls(
    strange: np.ndarray, own: np.ndarray, observable: np.ndarray, gsd_m: float, least_m: float, base: float
) -> tuple[Pieces, np.ndarray]:
    """The best pieces of one cluster and their scores; thick clusters (large ships) are looked at in coarser pixels."""
    from scipy import ndimage

    step = max(1, int(ndimage.distance_transform_edt(own).max() / _THICK_PX))
    if step > 1:
        strange, covered, seen = (component_tree.averaged(a, step) for a in (strange, own, observable))
        own, observable = covered >= 0.5, seen >= 0.5
    least_px, least_area = _least(least_m, gsd_m * step)
    peak = float(np.quantile(strange[own], 0.9))
    levels = np.geomspace(base, max(0.6 * peak, 1.5 * base), _THRESHOLDS).tolist()
    pieces = component_tree.cut(strange, own, observable, levels, _RADII_PX, least_area, least_px, LEAST_FILL, LEAST_RATIO)
    score = hull_score(pieces, gsd_m * step, least_m, base)
    best = component_tree.best_set(pieces, pieces.area * (score - 0.2))
    best = best[score[best] >= _REPORT_FROM]
    return pieces.select(best).enlarged(step), score[best]


def _least(least_m: float, gsd_m: float) -> tuple[float, float]:
    """Length and area in pixels below which a piece cannot be a ship."""
    length = 0.75 * least_m / gsd_m
    return length, max(5.0, length * max(1.0, length / 12))


def _meet(a: Window, b: Window) -> bool:
    return all(s.start < t.stop and t.start < s.stop for s, t in zip(a, b))


def _candidates(strange: np.ndarray, least_area: float, observable_px: int) -> tuple[np.ndarray, float]:
    """Label image of what is stranger than a limit, and the limit: raised until specks (glint, foam) are rare."""
    from scipy import ndimage

    for base in _FROM * 1.25 ** np.arange(8):
        labels, _ = ndimage.label(strange >= base, structure=np.ones((3, 3), bool))
        size = np.bincount(labels.ravel())
        if size[size < least_area].sum() <= _CLUTTER * observable_px:
            break
    return labels, float(base)


def hull_score(p: Pieces, gsd_m: float, least_m: float, base: float) -> np.ndarray:
    """0..1: how hull-like each piece is, the square root of a product of shares; 0 outside the gates.

    Full of its rectangle; about 4.5 times as long as wide; water (or the zone's edge, as at a quay) round it; contrast;
    cut near half its height, where a blurred object has its true outline; not stronger at one end, as a wake is.
    """
    length, width = p.length * gsd_m, p.width * gsd_m
    ratio = length / np.maximum(width, 1e-9)
    gates = (
        (length >= least_m)
        & (length <= LONGEST_M)
        & (width <= 1.5 * WIDEST_M)
        & (ratio >= LEAST_RATIO)
        & (ratio <= 14)
        & (p.fill >= LEAST_FILL)
        & ((p.outside < 0.35) | (width > max(_EDGE_STRIP_M, _EDGE_STRIP_PX * gsd_m)))
    )
    fill = np.clip((p.fill - 0.45) / 0.4, 0, 1)
    slender = np.exp(-0.5 * (np.log(ratio / 4.5) / 0.7) ** 2)
    around = np.clip((p.water + 0.7 * p.outside - 0.2) / 0.6, 0, 1)
    contrast = np.clip(np.log(p.strangeness / base) / np.log(3), 0, 1)
    outline = np.exp(-0.5 * (np.log(p.threshold / (0.45 * p.strangeness)) / 0.7) ** 2)
    level = np.exp(-0.5 * (p.lopsided / 0.08) ** 2)
    return gates * np.sqrt(fill * slender * around * contrast * outline * level)


def _centred(patch: Patch, p: Pieces, inside: np.ndarray) -> np.ndarray:
    """Bool: whether each piece's centre lies in the mask."""
    rows, columns = (np.clip(np.round(v).astype(int), 0, n - 1) for v, n in zip((p.row, p.column), patch.shape))
    return inside[rows, columns]


def _detections(p: Pieces, score: np.ndarray, bow: np.ndarray, least_m: float) -> Detections:
    """Pieces in frame metres as detections."""
    berthed = (p.outside > 0.1) | (p.water < 0.5)
    note = np.where(
        p.width > WIDEST_M,
        "perhaps two abreast",
        np.where(berthed, "at berth", np.where(p.length < 1.3 * least_m, "small", "")),
    )
    probability = probability_of().p(score) if len(score) else np.zeros(0)
    azimuth = np.degrees(p.angle) + 90
    # The hull's taper alone does not tell the bow: shadow and deck house outweigh it (right 9 times of 16 on simulated seas).
    heading = np.where(bow == 0, np.nan, np.where(bow > 0, azimuth, azimuth + 180) % 360)
    return Detections.make(
        p.column, -p.row, p.length, p.width, azimuth, "ship", score=score, p=probability, note=note, heading_deg=heading
    )
