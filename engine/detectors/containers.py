"""Container tops in a stacking block, as rotated rectangles.

One axis and one size scale a block, edges rather than colours, rectangles of the standard sizes, and the best set of them
that does not overlap. Nothing is trained: every constant below is a length, a share or a percentile with its reason.
What is seen is counted, boxes on trucks and wagons included; boxes under others are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import gate
from ..detections import Detections
from ..errors import Refusal
from ..patch import Patch
from ..zones import Zone
from .base import Found, Progress, SceneLike, ZoneByZone, silent
from .box_scores import Edges, Upright, axis_of, edges, rectangle_scores, upright
from .boxes import Boxes
from .ground import Ground, lab
from .lookalikes import parked, roof_pieces, shadows
from .packing import connected_to, overlap, pack

# ISO 668 outside lengths in metres, and the width they share.
LENGTHS_M = {"20 ft": 6.06, "40 ft": 12.19, "45 ft": 13.72}
TEU = {"20 ft": 1.0, "40 ft": 2.0, "45 ft": 2.25}
WIDTH_M = 2.44
RING_M = 8.0  # ground is learned this far around the zone
RING_PIXELS = 4e6  # the ring of a large zone is read coarser, to this many pixels in all
RING_OTHER = 0.2  # a ring with more of other things than this may have taught them as ground; clean ones hold up to 0.13
OTHER_THAN_GROUND = 3.0  # standard deviations
BLOCK_M = 100.0  # a zone is worked off in squares of at most this side, which bounds the memory
HALO_M = 16.0  # and each square sees this much around it: the longest box and its neighbour
MARGIN_M = 2.0  # boxes centred this far outside compete for the ground too, and are dropped afterwards
PIXEL_M = 0.25  # work pixel: a tenth of a box's width
AXIS_CLEAR = 2.0  # peak over mean of edge directions; water and cloud stay below 1.5, blocks of boxes above 4
BARE = 2.0  # standard deviations from the ground's colours within which a pixel is ground
SCALES = (0.84, 0.88, 0.92, 0.96, 1.0, 1.04)  # nominal pixels are wrong by some per cent, and tops lean
MAX_OVERLAP = 0.15  # of the smaller box: tolerance and rounding, not a second box
CANDIDATES = 2000  # a hectare holds at most 600 boxes; more candidates are noise and cost time squared
NEIGHBOUR_M = 0.8  # boxes of one block stand closer than this
FACING = 0.4  # and face each other over at least this share of a box's width


@dataclass(frozen=True)
class Settings:
    """What separates a box from no box.

    strong: outline score that stands alone. weak: score that counts beside a strong box. colours: how many standard
    deviations from bare ground a pixel must lie. filled: share of a box's pixels that must. sizes: the types looked for.
    """

    strong: float = 0.55
    weak: float = 0.25
    colours: float = 3.0
    filled: float = 0.8
    sizes: tuple[str, ...] = ("20 ft", "40 ft")


@dataclass(frozen=True)
class Block:
    """One square of a zone: the part of the zone in it, what was found there and how many vehicles were left out."""

    part: Any
    found: Detections
    scale: float = 1.0
    axis_clear: float = 0.0
    vehicles: int = 0


class Containers(ZoneByZone):
    """Counts container tops in yards and on piers; gives the occupied area where the scene is too coarse to count."""

    name = "containers"
    classes = ("container",)
    sensors = ("optical",)

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Container tops of one polygon zone.

        detections: class "container", note "20 ft" or "40 ft". measures: "m2" covered, "share" of the zone, "TEU".
        Raises Refusal for a track, TooCoarse where the scene is coarser than boxes can be measured.
        """
        verdict = gate.check("container", scene.effective_gsd_m, scene.gsd_m)
        if zone.is_track:
            raise Refusal(f"Zone {zone.zone_id} is a line; containers are counted in polygons (kind yard, pier or area).")
        ground, warnings = _surroundings(scene, zone)
        squares = list(_squares(zone))
        blocks = []
        covered_m2 = 0.0
        for i, part in enumerate(squares):

            def within(fraction: float, i: int = i) -> None:
                progress((i + fraction) / len(squares))

            if verdict == "count":
                blocks.append(self._block(scene, zone, part, ground, within))
            else:
                covered_m2 += self._footprint_m2(scene, part, ground)
            within(1.0)
        if verdict == "count":
            return _found(zone, blocks, warnings)
        return Found(Detections.empty(), _measures(zone, covered_m2), False, tuple(warnings))

    def _block(self, scene: SceneLike, zone: Zone, part: Any, ground: Ground | None, progress: Progress) -> Block:
        patch = scene.read(_grown(part.bounds, HALO_M))
        inside = patch.inside(part)
        if ground is None or not np.any(inside & patch.valid):
            return Block(part, Detections.empty())
        away, shadow, deep = _colours(patch, ground)
        axis_deg, clear = axis_of(patch, inside & (away > self.settings.colours), inside & (away < BARE))
        if clear < AXIS_CLEAR:
            return Block(part, Detections.empty(), axis_clear=clear)
        view = _view(patch, away, part, axis_deg)
        near = view.mask(patch, patch.inside(zone.geometry.buffer(MARGIN_M)))
        outline = edges(view, near, (view.away < BARE) & view.valid)
        raised = (view.away > self.settings.colours) & view.valid
        boxes, scale = _best_scale(outline, raised.astype(np.float32), near, self.settings, progress)
        boxes = boxes.select(~shadows(boxes, view.mask(patch, shadow)) & ~roof_pieces(boxes, raised, PIXEL_M))
        boxes = boxes.select(boxes.within(view.mask(patch, inside)))
        vehicles = parked(boxes, view.mask(patch, deep), PIXEL_M)
        found = _detections(boxes.select(~vehicles), view, zone, self.settings)
        return Block(part, found, scale, clear, int(vehicles.sum()))

    def _footprint_m2(self, scene: SceneLike, part: Any, ground: Ground | None) -> float:
        """Area that is neither ground nor its shadow, where edges share an axis: gaps and visible side walls count too."""
        patch = scene.read(part.bounds)
        inside = patch.inside(part) & patch.valid
        if ground is None or not inside.any():
            return 0.0
        away, shadow, _ = _colours(patch, ground)
        covered = (away > self.settings.colours) & inside
        if axis_of(patch, covered, inside & (away < BARE))[1] < AXIS_CLEAR:
            return 0.0
        return float((covered & ~shadow).sum()) * patch.gsd_m**2


def _colours(patch: Patch, ground: Ground) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of a patch (rows, columns): distance from the ground's colours (0 where nothing was seen), shadow, and whatever is dark."""
    colours = lab(patch.rgb())
    away = np.where(patch.valid, ground.distance(colours), 0.0).astype(np.float32)
    shadow = ground.shadow(colours) & patch.valid
    return away, shadow, shadow | (ground.deep(colours) & patch.valid)


def candidates(outline: Edges, raised: np.ndarray, scale: float, settings: Settings) -> Boxes:
    """Local maxima of the outline score for each box type in both orientations.

    raised: float picture, 1 where the colour is not the ground's. scale: on the nominal sizes.
    """
    from scipy import ndimage

    parts = []
    for name in settings.sizes:
        for lying in (True, False):
            long_px, short_px = (int(round(side * scale / outline.pixel_m)) for side in (LENGTHS_M[name], WIDTH_M))
            rows, columns = (short_px, long_px) if lying else (long_px, short_px)
            share = ndimage.uniform_filter(raised, (rows, columns), mode="constant")
            score = np.where(share >= settings.filled, rectangle_scores(outline, rows, columns), -1.0)
            peak = (score > settings.weak) & (score >= ndimage.maximum_filter(score, 3))
            row, column = np.nonzero(peak)
            low = np.stack([column - columns // 2, row - rows // 2], 1).astype(float)
            parts.append(
                (low, low + (columns, rows), score[peak], np.full(len(row), name, object), np.full(len(row), lying))
            )
    return Boxes(*(np.concatenate(part) for part in zip(*parts)))


def _best_scale(
    outline: Edges, raised: np.ndarray, near: np.ndarray, settings: Settings, progress: Progress
) -> tuple[Boxes, float]:
    """The boxes at the size scale whose best set weighs most."""
    found = []
    for k, scale in enumerate(SCALES):
        progress(k / len(SCALES))
        boxes = _packed(candidates(outline, raised, scale, settings), near, settings, outline.pixel_m)
        found.append((float(_weight(boxes, settings).sum()), boxes, scale))
    _, boxes, scale = max(found, key=lambda entry: entry[0])
    return boxes, scale


def _weight(boxes: Boxes, settings: Settings) -> np.ndarray:
    """What a box adds to a set: by area, so that one 40 ft box and two 20 ft boxes compete on equal terms."""
    return (boxes.score - settings.weak + 0.05) * boxes.area_px


def _packed(boxes: Boxes, near: np.ndarray, settings: Settings, pixel_m: float) -> Boxes:
    """The best set without overlaps, less the weak boxes that stand in no block with a strong one."""
    boxes = boxes.select(boxes.within(near))
    weight = _weight(boxes, settings)
    first = np.argsort(-weight, kind="stable")[:CANDIDATES]
    boxes, weight = boxes.select(first), weight[first]
    boxes = boxes.select(pack(weight, overlap(boxes.low, boxes.high) > MAX_OVERLAP))
    gap_px = np.maximum(boxes.low[:, None], boxes.low[None]) - np.minimum(boxes.high[:, None], boxes.high[None])
    beside = (gap_px.max(2) < NEIGHBOUR_M / pixel_m) & (gap_px.min(2) < -FACING * WIDTH_M / pixel_m)
    parallel = boxes.lying[:, None] == boxes.lying[None]
    return boxes.select(connected_to(boxes.score > settings.strong, beside & parallel))


def _detections(boxes: Boxes, view: Upright, zone: Zone, settings: Settings) -> Detections:
    """Boxes of an upright picture as detections in the frame."""
    x, y = view.to_frame(*boxes.centre.T)
    sides = (boxes.high - boxes.low) * view.pixel_m
    azimuth = view.axis_deg + np.where(boxes.lying, 0.0, 90.0)
    # Provisional until calibrated: even odds where a weak box begins, nine in ten a fifth of the score above.
    p = 1.0 / (1.0 + np.exp(-(boxes.score - settings.weak) / 0.09))
    return Detections.make(
        x,
        y,
        sides.max(1) if len(boxes) else [],
        sides.min(1) if len(boxes) else [],
        azimuth,
        "container",
        score=boxes.score,
        p=p,
        zone_id=zone.zone_id,
        note=boxes.size,
    )


def _found(zone: Zone, blocks: list[Block], warnings: list[str]) -> Found:
    detections = _without_doubles(blocks)
    covered_m2 = float((detections.length_m * detections.width_m).sum())
    measures = {**_measures(zone, covered_m2), "TEU": float(sum(TEU[note] for note in detections.note))}
    return Found(detections, measures, True, (*warnings, *_block_warnings(zone, blocks, len(detections))))


def _measures(zone: Zone, covered_m2: float) -> dict[str, float]:
    return {"m2": covered_m2, "share": min(1.0, covered_m2 / zone.area_m2) if zone.area_m2 else 0.0}


def _block_warnings(zone: Zone, blocks: list[Block], count: int) -> Iterator[str]:
    if count:
        yield f"Zone {zone.zone_id}: the container count includes boxes on trucks and wagons."
    if not count and any(0.0 < block.axis_clear < AXIS_CLEAR for block in blocks):
        yield f"Zone {zone.zone_id}: what stands there shares no direction, as boxes would; no containers were counted."
    vehicles = sum(block.vehicles for block in blocks)
    if vehicles:
        yield (
            f"Zone {zone.zone_id}: {vehicles} objects of a container's size stand side by side with gaps like parked "
            "vehicles and are not counted; add them by hand if they are containers."
        )
    edge = [b.scale for b in blocks if len(b.found) and b.scale in (SCALES[0], SCALES[-1])]
    if edge:
        yield (
            f"Zone {zone.zone_id}: the boxes fit best at {edge[0]:.2f} of their standard size, the end of the range tried; "
            "check the scene's pixel size and the boxes."
        )


def _without_doubles(blocks: list[Block]) -> Detections:
    """All blocks' detections; of two on one place across a seam the better."""
    from scipy.spatial import cKDTree

    everything = Detections.concatenate([block.found for block in blocks])
    source = np.concatenate([np.full(len(b.found), i) for i, b in enumerate(blocks)]) if blocks else np.zeros(0)
    if len(everything) < 2:
        return everything
    pairs = cKDTree(np.stack([everything.x, everything.y], 1)).query_pairs(
        max(LENGTHS_M.values()) / 2, output_type="ndarray"
    )
    keep = np.ones(len(everything), bool)
    for a, b in pairs[source[pairs[:, 0]] != source[pairs[:, 1]]]:
        if keep[a] and keep[b] and (_holds(everything, a, b) or _holds(everything, b, a)):
            keep[a if everything.score[a] < everything.score[b] else b] = False
    return everything.select(keep)


def _holds(boxes: Detections, a: int, b: int) -> bool:
    """Whether the centre of box b lies in box a."""
    azimuth = np.radians(boxes.azimuth_deg[a])
    dx, dy = boxes.x[b] - boxes.x[a], boxes.y[b] - boxes.y[a]
    along, right = dx * np.sin(azimuth) + dy * np.cos(azimuth), dx * np.cos(azimuth) - dy * np.sin(azimuth)
    return bool(abs(along) < boxes.length_m[a] / 2 and abs(right) < boxes.width_m[a] / 2)


def _surroundings(scene: SceneLike, zone: Zone) -> tuple[Ground | None, list[str]]:
    """Ground colours from the ring around a zone, and what is wrong with that ring."""
    bounds = _grown(zone.geometry.bounds, RING_M)
    area_m2 = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
    patch = scene.read(bounds, max(scene.gsd_m, (area_m2 / RING_PIXELS) ** 0.5))
    ring = patch.inside(zone.geometry.buffer(RING_M)) & ~patch.inside(zone.geometry) & patch.valid
    colours = lab(patch.rgb()[:, ring])
    ground = Ground.learn(colours.T)
    if ground is not None:
        other = float(np.mean(ground.distance(colours) > OTHER_THAN_GROUND))
        if other <= RING_OTHER:
            return ground, []
        return ground, [
            f"Zone {zone.zone_id}: {other:.0%} of the {RING_M:g} m around it is not bare ground; draw it so that free ground "
            "surrounds the boxes."
        ]
    smooth = patch.valid & patch.inside(zone.geometry) & _quiet(patch)
    return Ground.learn(lab(patch.rgb()[:, smooth]).T), [
        f"Zone {zone.zone_id}: no ground is seen around it, so its colours were learned inside and boxes of one colour may "
        "be missed; draw the zone with a few metres of free ground within the scene."
    ]


def _quiet(patch: Patch) -> np.ndarray:
    """Bool (rows, columns): the smoother half of a patch."""
    from scipy import ndimage

    rough = ndimage.gaussian_gradient_magnitude(patch.luminance(), 1.0)
    return rough <= (np.median(rough[patch.valid]) if patch.valid.any() else 0.0)


def _squares(zone: Zone) -> Iterator[Any]:
    """The zone cut into squares of at most BLOCK_M."""
    from shapely.geometry import box

    west, south, east, north = zone.geometry.bounds
    columns, rows = (max(1, int(np.ceil(side / BLOCK_M))) for side in (east - west, north - south))
    xs, ys = np.linspace(west, east, columns + 1), np.linspace(south, north, rows + 1)
    for i in range(columns):
        for j in range(rows):
            part = zone.geometry.intersection(box(xs[i], ys[j], xs[i + 1], ys[j + 1]))
            if part.area > 0:
                yield part


def _view(patch: Patch, away: np.ndarray, part: Any, axis_deg: float) -> Upright:
    """The upright picture that holds a part of a zone with its halo."""
    s, c = np.sin(np.radians(axis_deg)), np.cos(np.radians(axis_deg))
    x, y = np.array(part.convex_hull.exterior.coords)[:, :2].T
    along, right = x * s + y * c, x * c - y * s
    middle = (along.max() + along.min()) / 2, (right.max() + right.min()) / 2
    extent = np.ptp(along) + 2 * HALO_M, np.ptp(right) + 2 * HALO_M
    centre = middle[0] * s + middle[1] * c, middle[0] * c - middle[1] * s
    return upright(patch, away, axis_deg, PIXEL_M, extent, centre)


def _grown(bounds: tuple[float, float, float, float], by_m: float) -> tuple[float, float, float, float]:
    return bounds[0] - by_m, bounds[1] - by_m, bounds[2] + by_m, bounds[3] + by_m
