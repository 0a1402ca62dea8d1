"""A model over a whole scene: tiles laid so that every object is whole in one of them, and each object given once.

Tiles overlap by the largest object and a margin. A tile keeps what has its centre nearer to its own middle than to its
neighbours' (its core, grown by the margin): such an object lies wholly inside the tile, so pieces cut off by a tile's edge never
arise. What two cores saw within the margin is united by ``engine.merging``.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..detections import Detections
from ..detectors.base import Progress, silent
from ..errors import Refusal
from ..merging import merge_rectangles
from ..rectangles import corners
from ..zones import Zone
from . import layouts, masks
from .layouts import Look
from .model import Mixing, Model, Worker
from .suppression import one_each

UNCALIBRATED = "p is the model's own score, not calibrated"
IOU = 0.5  # where neither card nor model says
_MARGIN_PX = 4.0  # two looks at one object differ by less ...
_MARGIN_SHARE = 0.05  # ... or by less than this share of the largest object
_MOST_OVERLAP = 0.75  # of a tile
_SAME_GSD = 0.05  # a scene within this share of the model's GSD is read as it is
_COARSE = 2.5  # times the model's GSD: pixels so coarse are refused
_BLURRED, _RATHER_BLURRED = 4.0, 1.5  # times the model's GSD: detail so coarse is refused; warned about
_AHEAD = 2  # batches read and waiting while one is computed
_FREE_OVERLAP = 0.125  # of a tile, where nothing says how large objects are


@dataclass(frozen=True)
class Plan:
    """How a scene is cut: tiles of ``shape`` pixels of gsd_m, overlapping by ``overlap`` pixels of which ``margin`` are to spare.

    region: west, north, and the columns and rows of pixels that are looked at, counted from there.
    """

    gsd_m: float
    shape: tuple[int, int]
    overlap: int
    margin: float
    region: tuple[float, float, int, int]

    @property
    def starts(self) -> tuple[list[int], list[int]]:
        """First columns and first rows of the tiles."""
        return _starts(self.region[2], self.shape[1], self.overlap), _starts(self.region[3], self.shape[0], self.overlap)

    def tiles(self) -> Iterator[Place]:
        """All tiles, row by row."""
        columns, rows = self.starts
        wide, high = _cores(columns, self.shape[1]), _cores(rows, self.shape[0])
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                yield Place(i * len(columns) + j, column, row, wide[j], high[i])


@dataclass(frozen=True)
class Place:
    """One tile: its first column and row in the region, and the ends of its core in columns and rows of the region."""

    number: int
    column: int
    row: int
    wide: tuple[float, float]
    high: tuple[float, float]


@dataclass
class Result:
    """What was found: detections, once each; warnings for the user; tiles looked at."""

    detections: Detections
    warnings: list[str] = field(default_factory=list)
    tiles: int = 0


def _starts(length: int, side: int, overlap: int) -> list[int]:
    """Where tiles of ``side`` begin so that they cover ``length``, evenly, with at least ``overlap`` in common."""
    count = max(1, math.ceil((length - overlap) / (side - overlap)))
    return [round(k * (length - side) / max(count - 1, 1)) for k in range(count)]


def _cores(starts: list[int], side: int) -> list[tuple[float, float]]:
    """From the middle of the overlap with the tile before to that with the tile behind."""
    middles = [(a + side + b) / 2 for a, b in zip(starts, starts[1:])]
    return list(zip([-math.inf, *middles], [*middles, math.inf]))


def working_gsd(scene_gsd_m: float, model_gsd_m: tuple[float, float] | None) -> float:
    """The GSD at which the scene is read for the model. Raises Refusal for a scene far too coarse."""
    if model_gsd_m is None:
        return scene_gsd_m
    fine, coarse = model_gsd_m
    if scene_gsd_m > coarse * _COARSE:
        raise Refusal("The scene is too coarse for this model: it was trained at {coarse:g} m, the scene has {scene_gsd_m:.2g} m. Use a scene of {value:.2g} m or finer, or another model.", coarse=coarse, scene_gsd_m=scene_gsd_m, value=coarse * _COARSE)  # fmt: skip
    if fine * (1 - _SAME_GSD) <= scene_gsd_m <= coarse * (1 + _SAME_GSD):
        return scene_gsd_m
    return min(max(scene_gsd_m, fine), coarse)


def plan(scene: Any, model: Model, zones: Sequence[Zone], gsd_m: float, largest_m: float | None) -> Plan:
    """How to cut the scene (or the box round the zones in it) into tiles. Raises Refusal for objects larger than a tile allows."""
    rows, columns = model.input.rows, model.input.columns
    side = min(rows, columns)
    largest = largest_m / gsd_m if largest_m else side * _FREE_OVERLAP
    margin = max(_MARGIN_PX, _MARGIN_SHARE * largest)
    overlap = math.ceil(largest + 2 * margin)
    if overlap > side * _MOST_OVERLAP:
        fits = (side * _MOST_OVERLAP - 2 * margin) * gsd_m
        raise Refusal("LARGEST_OBJECT: objects of {value:.4g} m do not fit the model's tiles of {side} pixels ({value_2:.4g} m at {gsd_m:.2g} m a pixel): at most {fits:.3g} m do.", value=largest * gsd_m, side=side, value_2=side * gsd_m, gsd_m=gsd_m, fits=max(fits, 0))  # fmt: skip
    west, south, east, north = scene.bounds
    limit = max(1, math.floor((east - west) / gsd_m + 1e-6)), max(1, math.floor((north - south) / gsd_m + 1e-6))
    wide, high = (0, limit[0]), (0, limit[1])
    if zones:
        reach = overlap * gsd_m / 2
        boxes = np.array([zone.geometry.bounds for zone in zones])
        (left, bottom), (right, top) = boxes[:, :2].min(0) - reach, boxes[:, 2:].max(0) + reach
        if right - reach <= west or left + reach >= east or top - reach <= south or bottom + reach >= north:
            raise Refusal("ZONES lie all outside the scene. Choose the scene of this place, or check the layers' CRS.")
        wide = _stretch((left - west) / gsd_m, (right - west) / gsd_m, columns, limit[0])
        high = _stretch((north - top) / gsd_m, (north - bottom) / gsd_m, rows, limit[1])
    origin = west + wide[0] * gsd_m, north - high[0] * gsd_m
    return Plan(gsd_m, (rows, columns), overlap, margin, (*origin, wide[1] - wide[0], high[1] - high[0]))


def _stretch(first: float, last: float, side: int, limit: int) -> tuple[int, int]:
    """Whole pixels round first..last, at least a tile's side where the scene has so many, within 0..limit."""
    start, end = max(0, math.floor(first)), min(limit, math.ceil(last))
    length = max(end - start, min(side, limit))
    start = min(max(0, (start + end - length) // 2), limit - length)
    return start, start + length


def check(
    scene: Any,
    model: Model,
    *,
    zones: Sequence[Zone] = (),
    largest_m: float | None = None,
    gsd_m: tuple[float, float] | None = None,
) -> Plan:
    """How the scene will be cut. Raises Refusal where scene, zones and model do not fit; arguments as of ``find``."""
    work = working_gsd(scene.gsd_m, gsd_m or model.card.gsd_m)
    model.mixing(scene.roles, scene.display)
    return plan(scene, model, zones, work, largest_m or model.card.largest_object_m)


def doubts(
    scene: Any, model: Model, *, largest_m: float | None = None, gsd_m: tuple[float, float] | None = None
) -> list[str]:
    """What weakens the result, as sentences for the user. Raises Refusal for a scene enlarged from a far coarser one."""
    trained, out = gsd_m or model.card.gsd_m, []
    if trained and scene.effective_gsd_m > trained[1] * _BLURRED:
        raise Refusal("The scene is too coarse for this model: it was trained at {trained:g} m, the scene's pixels are {gsd_m:.2g} m but its detail is only as fine as {effective_gsd_m:.2g} m.", trained=trained[1], gsd_m=scene.gsd_m, effective_gsd_m=scene.effective_gsd_m)  # fmt: skip
    if trained is None:
        out.append("Nothing says at which GSD the model was trained: the scene is read as it is. Give MODEL_GSD or a card.")
    elif scene.effective_gsd_m > trained[1] * _RATHER_BLURRED:
        out.append(
            f"The scene's detail ({scene.effective_gsd_m:.2g} m) is coarser than what the model was trained at ({trained[1]:g} m): "
            "expect misses."
        )
    if not (largest_m or model.card.largest_object_m):
        out.append(
            "Nothing says how long the largest object is: longer ones than an eighth of a tile may be cut. Give LARGEST_OBJECT."
        )
    if model.layout.name == "semantic" and model.background < 0 and len(model.names) > 1:
        out.append(
            "No class of the model is called background: every pixel counts as an object. Name the background in the card."
        )
    return out


def find(
    scene: Any,
    model: Model,
    *,
    zones: Sequence[Zone] = (),
    confidence: float = 0.5,
    largest_m: float | None = None,
    kinds: Sequence[int] | None = None,
    gsd_m: tuple[float, float] | None = None,
    progress: Progress = silent,
) -> Result:
    """All objects in the zones (without: in the scene), once each.

    confidence: least score. largest_m: length of the largest object. kinds: class numbers wanted (None: all). gsd_m: what the
    model was trained at (None: what its card says). Raises Refusal where scene and model do not fit.
    """
    layout = check(scene, model, zones=zones, largest_m=largest_m, gsd_m=gsd_m)
    chosen = list(_meeting(layout, zones))
    search = _Search(scene, model, layout, model.mixing(scene.roles, scene.display), confidence, kinds)
    batches = [chosen[k : k + model.input.batch] for k in range(0, len(chosen), model.input.batch)]
    with closing(search.computed(batches, progress)) as computed:
        for batch, seen, outputs in computed:
            for k, place in enumerate(batch):
                search.keep(place, seen[k], outputs, k)
    progress(1.0)
    return search.result(zones, len(chosen))


Computed = tuple[list[Place], list[np.ndarray], list[np.ndarray]]


class _Search:
    """Tile by tile: while the session computes one batch the next are read and the last is read out, so that it never waits."""

    def __init__(
        self, scene: Any, model: Model, layout: Plan, mixing: Mixing, confidence: float, kinds: Sequence[int] | None
    ) -> None:
        self.scene, self.model, self.plan, self.mixing = scene, model, layout, mixing
        self.confidence, self.kinds = confidence, None if kinds is None else np.array(sorted(kinds), int)
        self.iou = model.card.iou or IOU
        self.looks: list[Look] = []
        self.owners: list[np.ndarray] = []
        self.cut = 0

    def computed(self, batches: list[list[Place]], progress: Progress) -> Generator[Computed, None, None]:
        """The batches that show anything, with what is seen in each tile and the model's outputs."""
        buffers = [self.model.buffer() for _ in range(_AHEAD + 1)]
        pending: deque[tuple[list[Place], list[np.ndarray], Future]] = deque()
        started = 0
        with Worker(self.model) as worker:
            for number, batch in enumerate([*batches, []]):  # the last round only waits
                buffer, at = buffers[started % len(buffers)], partial(progress, number / (len(batches) + 1))
                seen = self._read(batch, buffer)
                at()
                if any(valid.any() for valid in seen):
                    pending.append((batch, seen, worker.start(buffer)))
                    started += 1
                while pending and (len(pending) > _AHEAD or not batch):
                    done, was_seen, running = pending.popleft()
                    yield done, was_seen, worker.wait(running, at)

    def _read(self, batch: list[Place], target: np.ndarray) -> list[np.ndarray]:
        """Fill the buffer; what is seen in each tile (rows, columns)."""
        g, (rows, columns) = self.plan.gsd_m, self.plan.shape
        seen = []
        for k, place in enumerate(batch):
            west, north = self.plan.region[0] + place.column * g, self.plan.region[1] - place.row * g
            bounds = (west, north - rows * g, west + columns * g, north)
            values, valid = self.scene.values(bounds, self.plan.shape, self.mixing.bands)
            self.mixing.fill(self.model.picture(target, k), values)
            seen.append(valid)
        return seen

    def keep(self, place: Place, seen: np.ndarray, outputs: list[np.ndarray], k: int) -> None:
        """Read out one tile and keep what belongs to its core and has its centre where something is seen."""
        look = self._own(self._candidates(outputs, k), place)
        look = look.select(_at(seen, look.rectangles))
        if not len(look.score):
            return
        rectangles = look.rectangles.copy()
        self.cut += self._cut(rectangles, place)
        rectangles[:, 0] += place.column
        rectangles[:, 1] -= place.row
        self.looks.append(Look(rectangles, look.score, look.kind, look.coefficients[:, :0]))
        self.owners.append(np.full(len(look.score), place.number))

    def _candidates(self, outputs: list[np.ndarray], k: int) -> Look:
        """One candidate an object."""
        layout, size = self.model.layout, self.plan.shape
        if layout.name == "semantic":
            return self._wanted(masks.components(outputs[layout.output][k], size, self.confidence, self.model.background))
        look = self._wanted(layouts.read(layout, outputs, k, size, self.confidence))
        look = look.select(one_each(look.rectangles, look.score, look.kind, self.iou))
        return masks.tighten(look, outputs[layout.prototypes][k], size) if layout.prototypes >= 0 else look

    def _wanted(self, look: Look) -> Look:
        return look if self.kinds is None else look.select(np.isin(look.kind, self.kinds))

    def _own(self, look: Look, place: Place) -> Look:
        """What has its centre in the tile's core, grown by the margin."""
        x, y = look.rectangles[:, 0] + place.column, place.row - look.rectangles[:, 1]
        m = self.plan.margin
        (left, right), (top, bottom) = place.wide, place.high
        return look.select(np.flatnonzero((x >= left - m) & (x <= right + m) & (y >= top - m) & (y <= bottom + m)))

    def _cut(self, rectangles: np.ndarray, place: Place) -> int:
        """How many reach an edge behind which another tile lies: their objects are longer than the overlap allows."""
        rows, columns = self.plan.shape
        reach = np.hypot(rectangles[:, 2], rectangles[:, 3]) / 2 + 1
        inside = np.minimum.reduce(
            [rectangles[:, 0], columns - rectangles[:, 0], -rectangles[:, 1], rows + rectangles[:, 1]]
        )
        rectangles = rectangles[inside < reach]  # others are nowhere near
        x, y = np.moveaxis(corners(*rectangles.T), -1, 0)
        reaching = np.zeros(len(rectangles), bool)
        for low, high, behind in ((x, columns - x, place.wide), (-y, rows + y, place.high)):
            if math.isfinite(behind[0]):
                reaching |= low.min(1) < 1
            if math.isfinite(behind[1]):
                reaching |= high.min(1) < 1
        return int(reaching.sum())

    def result(self, zones: Sequence[Zone], tiles: int) -> Result:
        """Everything kept, once each, in frame metres."""
        if not self.looks:
            return Result(Detections.empty(), tiles=tiles)
        rectangles = np.concatenate([look.rectangles for look in self.looks])
        score = np.concatenate([look.score for look in self.looks])
        kind = np.concatenate([look.kind for look in self.looks])
        once = merge_rectangles(rectangles, score, kind, np.concatenate(self.owners))
        x, y, length, width, azimuth = rectangles[once].T
        west, north, g = self.plan.region[0], self.plan.region[1], self.plan.gsd_m
        names = self.model.called(kind[once])
        mapped = [self.model.card.class_map.get(name, name) for name in names]
        types = [name if word != name else "" for word, name in zip(mapped, names)]
        found = Detections.make(west + x * g, north + y * g, length * g, width * g, azimuth, np.array(mapped, object), score=score[once],
                                p=score[once], type_name=np.array(types, object), note=UNCALIBRATED)  # fmt: skip
        return Result(_in_zones(found, zones), self._warnings(), tiles)

    def _warnings(self) -> list[str]:
        if not self.cut:
            return []
        return [f"{self.cut} detections reach the edge of their tile: objects longer than LARGEST_OBJECT are cut. Raise it."]


def _at(seen: np.ndarray, rectangles: np.ndarray) -> np.ndarray:
    """Whether each rectangle's centre lies on a pixel that is seen."""
    column, row = np.floor(rectangles[:, 0]).astype(int), np.floor(-rectangles[:, 1]).astype(int)
    inside = (column >= 0) & (row >= 0) & (column < seen.shape[1]) & (row < seen.shape[0])
    return inside & seen[row.clip(0, seen.shape[0] - 1), column.clip(0, seen.shape[1] - 1)]


def _in_zones(found: Detections, zones: Sequence[Zone]) -> Detections:
    """The detections whose centre lies in a zone, tagged with the first that holds it; all of them without zones."""
    if not zones:
        return found
    owner = np.full(len(found), "", object)
    for zone in reversed(zones):
        owner[zone.holds(found.x, found.y)] = zone.zone_id
    return found.with_(zone_id=owner).select(owner != "")


def _meeting(layout: Plan, zones: Sequence[Zone]) -> Iterator[Place]:
    """The tiles whose core meets a zone; all of them without zones."""
    if not zones:
        yield from layout.tiles()
        return
    from shapely.geometry import box

    bounds = np.array([zone.geometry.bounds for zone in zones])
    west, north, g, m = layout.region[0], layout.region[1], layout.gsd_m, layout.margin
    rows, columns = layout.shape
    for place in layout.tiles():
        left, right = max(place.wide[0] - m, place.column), min(place.wide[1] + m, place.column + columns)
        top, bottom = max(place.high[0] - m, place.row), min(place.high[1] + m, place.row + rows)
        core = west + left * g, north - bottom * g, west + right * g, north - top * g
        near = np.flatnonzero(
            (bounds[:, 0] <= core[2]) & (bounds[:, 2] >= core[0]) & (bounds[:, 1] <= core[3]) & (bounds[:, 3] >= core[1])
        )
        if len(near) and any(zones[k].geometry.intersects(box(*core)) for k in near):
            yield place
