"""Container tops in a stacking block, as rotated rectangles.

One axis and one size scale a block, edges rather than colours, rectangles of the standard sizes, and the best set of them
that does not overlap. Nothing is trained: every constant below is a length, a share or a percentile with its reason.
What is seen is counted, boxes on trucks and wagons included; boxes under others are not seen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import gate
from ..detections import Detections
from ..errors import Refusal
from ..patch import Patch
from ..tiles import grown, tiles
from ..zones import Zone
from .base import Found, Progress, SceneLike, ZoneByZone, part, silent
from .block_boxes import LARGEST, LENGTHS_M, PIXEL_M, SMALLEST, Picture, Settings, boxes_of
from .blocks import AXIS_CLEAR, blocks_of, spread
from .boxes import Boxes
from .ground import BARE, DEEP, DIM, RAISED, SHADOW, Ground, as_bytes, lab
from .lookalikes import free_standing, parked, roof_pieces, rubble, shadows, touching

TEU = {"20 ft": 1.0, "40 ft": 2.0, "45 ft": 2.25}
TYPE_P_MOST = {
    "40 ft": 0.95,
    "45 ft": 0.85,
}  # they differ by 1.5 m: on simulated yards half of the longer ones pass for the shorter
RING_M = 8.0  # ground is learned this far around the zone
PAD_M = 4.0  # and this far around boxes that stand on a pad of their own
RING_PIXELS = 1e6  # the ring of a large zone is read coarser, to this many pixels in all
RING_PIECE_M = 400.0  # in pieces of this side
RING_OTHER = 0.2  # a ring with more of other things than this may have taught them as ground; clean ones hold up to 0.13
OTHER_THAN_GROUND = 3.0  # standard deviations
SQUARE_M = 120.0  # a zone is worked off in squares of at most this side, which bounds the memory
ON_TRUCK = "stands free, may be on a truck"
FEW = 3  # boxes that stand together make a block
SAME_SCALE = 0.06  # blocks of one zone lie within this: the pixel is the same, only heights differ
LOT = 0.25  # parked vehicles for each box, from which on boxes that stand free are taken for vehicles too
STANDARD = (0.9, 1.06)  # a lone box shows no scale of its own: it must be of about standard size,
CLEAR = 0.6  # and outlined this well
HALO_M = 10.0  # and each square sees this much around it: half the longest box and its neighbour
MARGIN_M = 2.0  # boxes centred this far outside compete for the ground too, and are dropped afterwards


@dataclass(frozen=True)
class Square:
    """What was found in one square of a zone: boxes with their circumstances, how clearly edges share a direction (0 where
    nothing stands), how many vehicles were left out, and how many boxes in blocks as pieces of a roof.

    scale: of each box's block. free: whether a box stands free on both long sides. alone: whether its block has fewer than
    three boxes. pad: whether it stands on ground that was learned beside it.
    """

    found: Detections
    scale: np.ndarray
    free: np.ndarray
    alone: np.ndarray
    pad: np.ndarray
    axis_clear: float = 0.0
    vehicles: int = 0
    roof: int = 0

    @classmethod
    def empty(cls, axis_clear: float = 0.0) -> Square:
        """Nothing found."""
        no = np.zeros(0, bool)
        return cls(Detections.empty(), np.zeros(0), no, no, no, axis_clear)

    @classmethod
    def together(cls, parts: Sequence[Square], axis_clear: float = 0.0) -> Square:
        """All boxes of several."""
        if not parts:
            return cls.empty(axis_clear)
        scale, free, alone, pad = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("scale", "free", "alone", "pad")
        )
        found = Detections.concatenate([part.found for part in parts])
        clear = max(axis_clear, *(part.axis_clear for part in parts))
        vehicles, roof = (sum(getattr(part, name) for part in parts) for name in ("vehicles", "roof"))
        return cls(found, scale, free, alone, pad, clear, vehicles, roof)

    @property
    def usual_scale(self) -> float | None:
        """Of most boxes that stand in blocks; None where there are too few to say."""
        scale = self.scale[~self.alone]
        return float(np.round(np.median(scale), 3)) if len(scale) >= FEW else None

    def select(self, which: Any, more_vehicles: int = 0) -> Square:
        """The boxes of a mask."""
        scale, free, alone, pad = (values[which] for values in (self.scale, self.free, self.alone, self.pad))
        vehicles = self.vehicles + more_vehicles
        return Square(self.found.select(which), scale, free, alone, pad, self.axis_clear, vehicles, self.roof)


@dataclass(frozen=True)
class Place:
    """A square of a zone, and the patch around it with its colours as bytes (3, rows, columns)."""

    zone: Zone
    square: Any
    patch: Patch
    colour: np.ndarray

    def holds(self, boxes: Boxes, picture: Picture) -> np.ndarray:
        """Bool (n,): boxes of a picture whose centre lies in the square."""
        return Zone("", "area", self.square).holds(*picture.view.to_frame(*boxes.centre.T))


class Containers(ZoneByZone):
    """Counts container tops in yards and on piers; gives the occupied area where the scene is too coarse to count."""

    name = "containers"
    classes = ("container",)

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()

    def detect(self, scene: SceneLike, zone: Zone, progress: Progress = silent) -> Found:
        """Container tops of one polygon zone.

        detections: class "container", type "20 ft", "40 ft" or "45 ft", note where one may be on a truck. measures: "m2" covered, "share" of the zone, "TEU".
        Raises Refusal for a track, TooCoarse where the scene is coarser than boxes can be measured.
        """
        verdict = gate.check("container", scene.effective_gsd_m, scene.gsd_m)
        if zone.is_track:
            raise Refusal(f"Zone {zone.zone_id} is a line; containers are counted in polygons (kind yard, pier or area).")
        ground, around, warnings = _surroundings(scene, zone, progress)
        settings = self.settings if around else self.settings.careful()
        squares = list(zone.squares(SQUARE_M))
        done: list[Square] = []
        covered_m2 = 0.0
        for i, square in enumerate(squares):
            within = part(progress, i, len(squares))
            if verdict == "count":
                scale = Square.together(done).usual_scale
                done.append(self._square(scene, zone, square, ground, settings, scale, within))
            else:
                covered_m2 += self._footprint_m2(scene, square, ground)
            within(1.0)
        if verdict == "count":
            return _found(zone, done, around, warnings)
        return Found(Detections.empty(), _measures(zone, covered_m2), False, tuple(warnings))

    def _square(
        self,
        scene: SceneLike,
        zone: Zone,
        square: Any,
        ground: Ground | None,
        settings: Settings,
        scale: float | None,
        progress: Progress,
    ) -> Square:
        """What stands in one square of a zone. scale: of what was found in other squares."""
        patch = scene.read(grown(square.bounds, HALO_M), PIXEL_M)
        if ground is None or not patch.valid.any():
            return Square.empty()
        place = Place(zone, square, patch, as_bytes(patch.rgb()))
        return self._things(place, patch.inside(zone.geometry.buffer(MARGIN_M)), ground, settings, scale, progress)

    def _things(
        self,
        place: Place,
        where: np.ndarray,
        ground: Ground,
        settings: Settings,
        scale: float | None,
        progress: Progress,
        paved: bool = False,
    ) -> Square:
        """What stands in a part of a square (bool picture of its patch).

        Boxes that hardly fill the thing they lie on are pieces of a roof, or stand on a pad that the ground around the zone does
        not show. So its colours next to them are taken for ground too, and the block is looked at once more (``paved``): on a
        roof hardly an outline remains, on a pad the boxes do.
        """
        kinds = ground.kinds(place.colour, settings.colours) * place.patch.valid
        found, clear = blocks_of(place.colour, (kinds & RAISED > 0) & where, kinds & BARE > 0, place.patch.gsd_m)
        parts = []
        for k, block in enumerate(found):
            within = part(progress, k, len(found))
            within(0.0)
            boxes, picture, scale_here = boxes_of(
                place.colour, place.patch, block.mine, block.axis_deg, ground, settings, scale
            )
            roof = roof_pieces(boxes, picture.raised, PIXEL_M)
            best = self._block(boxes.select(~roof), picture, scale_here, place, settings)
            pieces = boxes.select(roof)
            best = replace(best, roof=int((place.holds(pieces, picture) & ~_alone(pieces)).sum()))
            pad = _next_to(pieces, picture) if len(pieces) and not paved else None
            if pad is not None:
                again = self._things(place, where & block.mine, ground.with_(pad), settings, scale, within, paved=True)
                again = again.select(~again.alone)
                if len(again.found) > len(best.found):
                    best = replace(again, pad=np.ones(len(again.found), bool))
            parts.append(best)
        return Square.together(parts, clear)

    def _block(self, boxes: Boxes, picture: Picture, scale: float, place: Place, settings: Settings) -> Square:
        """Boxes of one block whose centre lies in a square, without what only looks like boxes."""
        boxes = boxes.select(~shadows(boxes, picture.are(SHADOW), picture.are(DIM)))
        boxes = boxes.select(~rubble(boxes.score > settings.strong, touching(boxes, PIXEL_M)))
        dark = picture.are(SHADOW, DEEP)
        free = free_standing(boxes, picture.raised & ~dark, PIXEL_M)
        vehicles = parked(boxes, free, dark, PIXEL_M)
        alone, here = _alone(boxes, ~vehicles), place.holds(boxes, picture)
        kept = here & ~vehicles
        found = _detections(boxes.select(kept), free[kept], scale, picture, place.zone, settings)
        scales, pad = np.full(len(found), scale), np.zeros(len(found), bool)
        return Square(found, scales, free[kept], alone[kept], pad, 0.0, int((here & vehicles).sum()))

    def _footprint_m2(self, scene: SceneLike, square: Any, ground: Ground | None) -> float:
        """Area that is neither ground nor its shadow, where edges share an axis: gaps and visible side walls count too."""
        patch = scene.read(square.bounds)
        inside = patch.inside(square) & patch.valid
        if ground is None or not inside.any():
            return 0.0
        colour = as_bytes(patch.rgb())
        kinds = ground.kinds(colour, OTHER_THAN_GROUND) * inside
        covered = kinds & RAISED > 0
        if not blocks_of(colour, covered, kinds & BARE > 0, patch.gsd_m)[0]:
            return 0.0
        return float((covered & (kinds & SHADOW == 0)).sum()) * patch.gsd_m**2


def _alone(boxes: Boxes, counted: Any = None) -> np.ndarray:
    """Bool (n,): boxes in a block of fewer than three, of those that count (bool, n)."""
    block = touching(boxes, PIXEL_M)
    return np.bincount(block, counted, 1)[block] < FEW


def _next_to(boxes: Boxes, picture: Picture) -> Ground | None:
    """What the surface looks like that some boxes lie on: as the ground of a zone is, learned from the few metres around them."""
    under = np.zeros(picture.raised.shape, bool)
    for (left, top), (right, bottom) in zip(boxes.low.astype(int), boxes.high.astype(int)):
        under[max(top, 0) : bottom, max(left, 0) : right] = True
    ring = spread(under, int(PAD_M / PIXEL_M)) & ~under & picture.raised & ~picture.are(SHADOW, DEEP)
    return Ground.learn(lab(picture.view.rgb[:, ring]).T)


def _detections(
    boxes: Boxes, free: np.ndarray, scale: float, picture: Picture, zone: Zone, settings: Settings
) -> Detections:
    """Boxes of a picture as detections in the frame. free: bool (n,), which stand free."""
    view = picture.view
    x, y = view.to_frame(*boxes.centre.T)
    sides = (boxes.high - boxes.low) * view.pixel_m
    # Provisional until calibrated: even odds where a weak box begins, nine in ten a fifth of the score above.
    p = 1.0 / (1.0 + np.exp(-(boxes.score - settings.weak) / 0.09))
    return Detections.make(
        x,
        y,
        sides.max(1),
        sides.min(1),
        view.axis_deg + np.where(boxes.lying, 0.0, 90.0),
        "container",
        score=boxes.score,
        p=p,
        zone_id=zone.zone_id,
        note=np.where(free, ON_TRUCK, ""),
        type_name=boxes.size,
        type_p=_type_p(boxes, scale),
    )


def _type_p(boxes: Boxes, scale: float) -> np.ndarray:
    """How sure the type is (n,): a poor outline may be half a longer box, and at an odd scale a length says less.

    Provisional, by geometry: a type is as good as certain at standard size and a clear outline; at 0.84 of it a 45 ft box passes
    for one of 40 ft.
    """
    off = abs(np.log(scale)) / np.log(LENGTHS_M["45 ft"] / LENGTHS_M["40 ft"])
    most = np.array([TYPE_P_MOST.get(name, 0.99) for name in boxes.size])
    return np.clip(0.5 + 0.5 * boxes.score - 0.2 * min(off, 1.5), 0.5, most)


def _found(zone: Zone, squares: list[Square], around: bool, warnings: list[str]) -> Found:
    together = Square.together(squares)
    together = together.select(_once(squares, together.found))
    odd, parked_too = _odd_ones(together, around)
    together = together.select(~odd & ~parked_too, int(parked_too.sum()))
    detections = together.found
    covered_m2 = float((detections.length_m * detections.width_m).sum())
    measures = {**_measures(zone, covered_m2), "TEU": float(sum(TEU[name] for name in detections.type_name))}
    return Found(detections, measures, True, (*warnings, *_square_warnings(zone, together)))


def _odd_ones(boxes: Square, around: bool) -> tuple[np.ndarray, np.ndarray]:
    """Which boxes that stand alone do not fit what else the zone holds (bool, n), and which are vehicles among vehicles.

    A zone has one true pixel size: where blocks show the scale, a lone box has it too; where there is no block, a lone box
    must be of standard size and clear. Where the ground was not seen around the zone, nothing tells a lone box from a piece of a roof.
    A zone with more parked vehicles than boxes is a parking lot, and so is one with a good part as many where most of the boxes
    stand free too: what is left there is more vehicles.
    """
    usual = boxes.usual_scale
    if usual is not None:
        fits = np.abs(boxes.scale - usual) < SAME_SCALE
    else:
        fits = (boxes.scale > STANDARD[0]) & (boxes.scale < STANDARD[1]) & (boxes.found.score > CLEAR)
    fits &= around
    vehicles = boxes.alone & boxes.free & (boxes.vehicles >= max(int((~boxes.alone).sum()), 1))
    odd = boxes.alone & ~fits & ~vehicles
    left, parked_there = ~odd & ~vehicles, boxes.vehicles + vehicles.sum()
    if parked_there > left.sum() or (
        parked_there > LOT * left.sum() and parked_there + (left & boxes.free).sum() > (left & ~boxes.free).sum()
    ):
        vehicles |= ~odd
    return odd, vehicles


def _measures(zone: Zone, covered_m2: float) -> dict[str, float]:
    return {"m2": covered_m2, "share": min(1.0, covered_m2 / zone.area_m2) if zone.area_m2 else 0.0}


def _square_warnings(zone: Zone, boxes: Square) -> Iterator[str]:
    count = len(boxes.found)
    if count:
        on_truck = int((boxes.found.note == ON_TRUCK).sum())
        yield f"Zone {zone.zone_id}: the container count includes boxes on trucks and wagons" + (
            f"; {on_truck} of {count} stand free and may be on a truck." if on_truck else "."
        )
    if not count and 0.0 < boxes.axis_clear < AXIS_CLEAR:
        yield f"Zone {zone.zone_id}: what stands there shares no direction, as boxes would; no containers were counted."
    if boxes.vehicles:
        yield (
            f"Zone {zone.zone_id}: {boxes.vehicles} objects of a container's size stand free in rows like parked vehicles and "
            "are not counted; add them by hand if they are containers."
        )
    if boxes.pad.any():
        yield (
            f"Zone {zone.zone_id}: {int(boxes.pad.sum())} of {count} boxes stand on a pad unlike the ground around the zone, so its "
            "colours were learned beside them: boxes may be missed; draw the zone closer to the blocks."
        )
    if boxes.roof >= FEW:
        yield (
            f"Zone {zone.zone_id}: {boxes.roof} outlines like boxes lie on a much larger surface and are taken for pieces of a "
            "roof, not counted; if they are containers on a pad, draw the zone closer to the blocks."
        )
    edge = boxes.scale[(boxes.scale < SMALLEST + 0.01) | (boxes.scale > LARGEST - 0.01)]
    if len(edge):
        yield (
            f"Zone {zone.zone_id}: {len(edge)} boxes fit best at {edge[0]:.2f} of their standard size, the end of the range "
            "tried; check the scene's pixel size and the boxes."
        )


def _once(squares: list[Square], everything: Detections) -> np.ndarray:
    """Bool (n,): all squares' boxes, but of two on one place across a seam only the better."""
    from scipy.spatial import cKDTree

    source = np.concatenate([np.full(len(s.found), i) for i, s in enumerate(squares)]) if squares else np.zeros(0)
    keep = np.ones(len(everything), bool)
    if len(everything) < 2:
        return keep
    pairs = cKDTree(np.stack([everything.x, everything.y], 1)).query_pairs(
        max(LENGTHS_M.values()) / 2, output_type="ndarray"
    )
    for a, b in pairs[source[pairs[:, 0]] != source[pairs[:, 1]]]:
        if keep[a] and keep[b] and (_holds(everything, a, b) or _holds(everything, b, a)):
            keep[a if everything.score[a] < everything.score[b] else b] = False
    return keep


def _holds(boxes: Detections, a: int, b: int) -> bool:
    """Whether the centre of box b lies in box a."""
    azimuth = np.radians(boxes.azimuth_deg[a])
    dx, dy = boxes.x[b] - boxes.x[a], boxes.y[b] - boxes.y[a]
    along, right = dx * np.sin(azimuth) + dy * np.cos(azimuth), dx * np.cos(azimuth) - dy * np.sin(azimuth)
    return bool(abs(along) < boxes.length_m[a] / 2 and abs(right) < boxes.width_m[a] / 2)


def _surroundings(scene: SceneLike, zone: Zone, progress: Progress) -> tuple[Ground | None, bool, list[str]]:
    """Ground colours, whether they come from the ring around the zone, and what is wrong with that ring."""
    near = zone.geometry.buffer(RING_M)
    ring = near.difference(zone.geometry)
    colours = _colours(scene, ring, near.bounds, progress)
    ground = Ground.learn(colours.T)
    if ground is not None:
        other = float(np.mean(ground.distance(colours) > OTHER_THAN_GROUND))
        if other <= RING_OTHER:
            return ground, True, []
        return (
            ground,
            True,
            [
                f"Zone {zone.zone_id}: {other:.0%} of the {RING_M:g} m around it is not bare ground; draw it so that free ground "
                "surrounds the boxes."
            ],
        )
    return (
        Ground.learn(_colours(scene, zone.geometry, near.bounds, progress, smooth=True).T),
        False,
        [
            f"Zone {zone.zone_id}: no ground is seen around it, so its colours were learned inside: boxes of one colour may be "
            "missed and lone ones are left out; draw the zone with a few metres of free ground within the scene."
        ],
    )


def _colours(
    scene: SceneLike, where: Any, bounds: tuple[float, float, float, float], progress: Progress, smooth: bool = False
) -> np.ndarray:
    """Lab colours (3, n) of what is seen in a polygon, or of its smoother half; read in pieces, those of a large box coarser."""
    from shapely.geometry import box

    gsd_m = max(scene.gsd_m, ((bounds[2] - bounds[0]) * (bounds[3] - bounds[1]) / RING_PIXELS) ** 0.5)
    parts = [np.zeros((3, 0), np.float32)]
    for tile in tiles(bounds, RING_PIECE_M, 0.0):
        progress(0.0)
        if where.intersects(box(*tile.core)):
            patch = scene.read(tile.core, gsd_m)
            chosen = patch.valid & patch.inside(where)
            parts.append(lab(patch.rgb()[:, chosen & _quiet(patch) if smooth else chosen]))
    return np.concatenate(parts, 1)


def _quiet(patch: Patch) -> np.ndarray:
    """Bool (rows, columns): the smoother half of a patch."""
    from scipy import ndimage

    rough = ndimage.gaussian_gradient_magnitude(patch.luminance(), 1.0)
    return rough <= (np.median(rough[patch.valid]) if patch.valid.any() else 0.0)
