"""A layout seen by a sensor under a sun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from ..detections import Detections
from ..errors import Refusal
from ..scene import ArrayScene
from . import overhead, port, rail, ships
from .canvas import Canvas, Frame, Texture
from .jpeg import BLOCK
from .layout import Area, Beam, Bounds, Layout, Thing, as_detections
from .light import light, shadow_length_m
from .sensor import Sensor
from .view import Seen, View, look, wall_light

COARSEST_CELL_M = 0.2  # rails and gaps between containers need cells no larger than this
TILE_CELLS = 1600  # side of a tile: it bounds the memory, whatever the pixel
STEEPEST_LOOK_DEG = 45.0
TICK_THINGS = 100
WALL_SKY = 0.6  # share of the sky that a wall sees, against flat ground
CLOUD_FROM = 0.5  # cover from which a pixel counts as cloud

DRAW: dict[str, Callable[[Frame, Thing], None]] = {**port.DRAW, **rail.DRAW, **ships.DRAW}


@dataclass(frozen=True)
class Rendered:
    """A synthetic scene.

    data: uint8 (3, rows, columns), red, green and blue. x0, y0: frame coordinates in metres of the upper left corner.
    gsd_m: side of a pixel. truth: the things with a class whose centre is in the scene, sizes as drawn, where they stand.
    In the same order: truth_height_m, truth_tiers, and truth_visible, the share 0..1 of a thing's outline that can be seen:
    not hidden by what leans before it, stands over it or is cloud. view: where the sensor stood. cloud: bool (rows, columns)
    where the scene shows cloud, None without any.
    """

    data: np.ndarray
    x0: float
    y0: float
    gsd_m: float
    truth: Detections
    truth_height_m: np.ndarray
    truth_tiers: np.ndarray
    truth_visible: np.ndarray
    view: View = field(default_factory=View)
    cloud: np.ndarray | None = None

    @property
    def bounds(self) -> Bounds:
        """West, south, east and north in frame metres."""
        rows, columns = self.data.shape[1:]
        return self.x0, self.y0 - rows * self.gsd_m, self.x0 + columns * self.gsd_m, self.y0

    def apparent(self) -> Detections:
        """The truth where its tops appear in the scene: moved by their lean."""
        east, north = self.view.lean_m(self.truth_height_m)
        return self.truth.with_(x=self.truth.x + east, y=self.truth.y + north)

    def as_scene(self, ends: tuple[float, float] | None = None) -> ArrayScene:
        """What a detector sees: the pixels stretched as those of a file are (0.5 % and 99.5 % become 0 and 1).

        ends: digits that lie at least as far apart, where this is a part of a larger scene (``Sensor.ends``).
        """
        low, high = np.percentile(self.data, (0.5, 99.5), axis=(1, 2))
        dark, bright = ends or (np.inf, -np.inf)
        dark, bright = min(float(low.min()), dark), max(float(high.max()), bright)
        stretched = (self.data - np.float32(dark)) / np.float32(max(bright - dark, 1.0))
        return ArrayScene(stretched, self.gsd_m, x0=self.x0, y0=self.y0, name="synthetic")


def render(
    layout: Layout,
    bounds: Bounds,
    *,
    gsd_m: float,
    sun_azimuth_deg: float,
    sun_elevation_deg: float,
    seed: int,
    ground_seed: int | None = None,
    sensor: Sensor | None = None,
    view: View | None = None,
    cell_m: float | None = None,
    texture_cells: int | None = None,
    progress: Callable[[float], None] | None = None,
) -> Rendered:
    """Draw what lies in bounds (west, south, east, north, grown to whole pixels), by default straight from above.

    Works in tiles, so memory does not grow with the scene (beyond its 8-bit pixels). The same seed gives the same scene;
    scenes of one place at several times share ground_seed (the texture of the ground) and differ in seed (the noise).
    Method: reflectance and height on cells of at most cell_m (default COARSEST_CELL_M), sun and shadow there, lean by moving
    slices of equal height (the ground's texture repeats after texture_cells, a power of two), then blur, box pixel, haze, noise and JPEG. Raises Refusal for what cannot be rendered.
    """
    sensor, view = sensor or Sensor(), view or View()
    check(gsd_m, sun_elevation_deg, view)
    west, south, east, north = bounds
    columns, rows = int(np.ceil((east - west) / gsd_m - 1e-9)), int(np.ceil((north - south) / gsd_m - 1e-9))
    factor = max(2, int(np.ceil(gsd_m / (cell_m or COARSEST_CELL_M) - 1e-9)))
    texture = Texture.of(seed if ground_seed is None else ground_seed, gsd_m / factor, texture_cells)
    picture = _Picture(layout, texture, factor, sensor, view, (sun_azimuth_deg, sun_elevation_deg))
    data = np.zeros((3, rows, columns), np.uint8)
    cloud = np.zeros((rows, columns), bool) if layout.clouds else None
    tiles = list(_tiles(rows, columns, max(TILE_CELLS // factor // BLOCK, 1) * BLOCK))
    for number, (row, column, height, width) in enumerate(tiles):
        tick = _tick(progress, number, len(tiles))
        radiance, cover = picture.tile((west + column * gsd_m, north - row * gsd_m), (height, width), tick)
        place = np.s_[row : row + height, column : column + width]
        data[(slice(None), *place)] = sensor.digits(radiance, np.random.default_rng([seed, 2, row, column]))
        if cloud is not None:
            cloud[place] = cover
        tick(1.0)
    return _labelled(layout, picture, data, cloud, (west, north, gsd_m))


def _labelled(
    layout: Layout, picture: _Picture, data: np.ndarray, cloud: np.ndarray | None, place: tuple[float, float, float]
) -> Rendered:
    """The picture with its truth."""
    west, north, gsd_m = place
    rows, columns = data.shape[1:]
    frame = (west, north - rows * gsd_m, west + columns * gsd_m, north)
    counted = [k for k, thing in enumerate(layout.things) if layout.counts(thing, frame)]
    things = [layout.things[k] for k in counted]
    visible = picture.visible[counted] / np.maximum(picture.total[counted], 1.0)
    heights, tiers = np.array([t.height_m for t in things], float), np.array([t.tiers for t in things], int)
    return Rendered(
        data, west, north, gsd_m, as_detections(things), heights, tiers, np.minimum(visible, 1.0), picture.view, cloud
    )


def _tick(progress: Callable[[float], None] | None, number: int, count: int) -> Callable[[float], None]:
    """A tile's own progress, 0..1, as the whole picture's."""
    return lambda share: progress((number + share) / count) if progress else None


def check(gsd_m: float, sun_elevation_deg: float, view: View) -> None:
    """Refuse what cannot be rendered."""
    if not 0.1 <= gsd_m <= 30.0:
        raise Refusal("A pixel of {gsd_m:g} m cannot be simulated: give one between 0.1 and 30 m.", gsd_m=gsd_m)
    if not 5.0 <= sun_elevation_deg <= 90.0:
        raise Refusal(
            "A sun {sun_elevation_deg:g}° high cannot be simulated: give a height between 5° and 90°.",
            sun_elevation_deg=sun_elevation_deg,
        )
    if not 0.0 <= view.off_nadir_deg <= STEEPEST_LOOK_DEG:
        raise Refusal(
            "A look {off_nadir_deg:g}° off nadir cannot be simulated: give 0° to {steepest_look_deg:g}°.",
            off_nadir_deg=view.off_nadir_deg,
            steepest_look_deg=STEEPEST_LOOK_DEG,
        )


def _tiles(rows: int, columns: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    for row in range(0, rows, side):
        for column in range(0, columns, side):
            yield row, column, min(side, rows - row), min(side, columns - column)


class _Picture:
    """Draws tiles of a layout and adds up how much of each thing they show: ``visible`` of ``total`` cells."""

    def __init__(
        self, layout: Layout, texture: Texture, factor: int, sensor: Sensor, view: View, sun: tuple[float, float]
    ) -> None:
        self.layout, self.texture, self.factor, self.sensor, self.view, self.sun = layout, texture, factor, sensor, view, sun
        self.gsd_m = texture.cell_m * factor
        self.order = sorted(range(len(layout.things)), key=lambda k: layout.things[k].height_m)
        middles = np.array([(thing.x, thing.y) for thing in layout.things], float).reshape(-1, 2)
        reach = np.array([np.hypot(thing.length_m, thing.width_m) / 2 for thing in layout.things], float)
        self.boxes = np.column_stack([middles - reach[:, None], middles + reach[:, None]]) + np.array([-1, -1, 1, 1])
        self.visible, self.total = np.zeros(len(layout.things)), np.zeros(len(layout.things))
        raised: list[Thing | Beam | Area] = [*layout.things, *layout.beams, *layout.areas]
        self.tallest_m = max([0.0, *(one.height_m for one in raised)])

    def tile(
        self, corner: tuple[float, float], shape: tuple[int, int], tick: Callable[[float], None]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Light (3, rows, columns) of a tile, and where it is cloud. tick: told the share done, often enough to cancel."""
        edges = self._edges()
        (top, bottom), (left, right) = edges
        canvas = Canvas(
            corner[0] - left * self.gsd_m,
            corner[1] + top * self.gsd_m,
            (shape[0] + top + bottom) * self.factor,
            (shape[1] + left + right) * self.factor,
            self.texture,
        )
        core = tuple(slice(near * self.factor, (near + size) * self.factor) for (near, _), size in zip(edges, shape))
        self._paint(canvas, core, tick)
        tick(0.6)
        direct, sky = light(canvas.height, canvas.cell_m, *self.sun)
        tick(0.7)
        overhead.shade_beams(canvas, self.layout.beams, direct, self.sun)
        if self.layout.clouds:
            overhead.shade_clouds(canvas, self.layout.clouds, direct, self.sun)
        seen = look(canvas.height, canvas.cell_m, self.view) if self.view.slope else None
        tick(0.75)
        self._see(canvas, core, seen)
        albedo, openness = canvas.albedo, np.ones((1, 1), np.float32)  # from here on as the picture shows them
        if seen is not None:
            moved = np.flatnonzero(seen.cells.ravel() != np.arange(seen.cells.size))
            for layer in (*albedo, direct):
                layer.ravel()[moved] = layer.ravel()[seen.cells.ravel()[moved]]
            direct[seen.walls] = wall_light(self.view, *self.sun)
            openness = np.where(seen.walls, np.float32(WALL_SKY), openness)
        for band in range(3):
            albedo[band] *= sky[band] * openness + (1.0 - sky[band]) * direct
        radiance, cover = albedo, np.zeros(canvas.height.shape, np.float32)
        tick(0.8)
        overhead.draw_beams(canvas, self.layout.beams, radiance, self.view)
        if self.layout.clouds:
            cover = overhead.draw_clouds(canvas, self.layout.clouds, radiance)
        margin = self.sensor.margin_px * self.factor
        keep = tuple(slice(part.start - margin, part.stop + margin) for part in core)
        middle = self.factor // 2
        cloudy = cover[core][middle :: self.factor, middle :: self.factor] > CLOUD_FROM
        tick(0.85)
        return self.sensor.pixels(radiance[(slice(None), *keep)], self.factor), cloudy

    def _edges(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Pixels needed (above, below), (left, right) of a tile: for blur, and towards sun and sensor for what is tall."""
        shadow_m, lean_m = shadow_length_m(self.tallest_m, self.sun[1]), self.tallest_m * self.view.slope
        margin = self.sensor.margin_px
        sides = []
        for turn in (0.0, 180.0, 270.0, 90.0):  # north, south, west, east
            reach = sum(
                metres * max(float(np.cos(np.radians(azimuth - turn))), 0.0)
                for metres, azimuth in ((shadow_m, self.sun[0]), (lean_m, self.view.azimuth_deg))
            )
            sides.append(margin + int(np.ceil(reach / self.gsd_m)))
        return (sides[0], sides[1]), (sides[2], sides[3])

    def _paint(self, canvas: Canvas, core: tuple[slice, ...], tick: Callable[[float], None]) -> None:
        """Paint ground, then tracks, then things, lowest first."""
        canvas.ground(self.layout.ground)
        for area in self.layout.areas:
            tick(0.1)
            canvas.area(area)
        rail.paint_tracks(canvas, self.layout.tracks, self.layout.bed)
        rows, columns = canvas.height.shape
        x1, y0 = canvas.x0 + columns * canvas.cell_m, canvas.y0 - rows * canvas.cell_m
        west, south, east, north = self.boxes.T
        near = (east > canvas.x0) & (west < x1) & (north > y0) & (south < canvas.y0)
        tick(0.2)
        here = [k for k in self.order if near[k]]
        for number, k in enumerate(here):
            if number % TICK_THINGS == 0:
                tick(0.2 + 0.4 * number / len(here))
            thing = self.layout.things[k]
            frame = canvas.frame(thing.x, thing.y, thing.azimuth_deg, thing.length_m, thing.width_m, k + 1)
            if frame is not None:
                DRAW[thing.kind](frame, thing)
                if thing.class_name:
                    self.total[k] += self._shown(frame, core)

    def _shown(self, frame: Frame, core: tuple[slice, ...]) -> int:
        """Cells of what was just drawn whose place in the picture lies in the tile."""
        row, column = np.nonzero(frame.owner == frame.number)
        steps = self.view.steps(frame.height[row, column], frame.cell_m)
        return int(_in_core(*self.view.moved(row + frame.cut[0].start, column + frame.cut[1].start, steps), core).sum())

    def _see(self, canvas: Canvas, core: tuple[slice, ...], seen: Seen | None) -> None:
        """Add the cells of each thing that the tile shows."""
        owner, top = canvas.owner, np.ones((1, 1), bool)
        if seen is not None:
            owner, top = canvas.owner.ravel()[seen.cells], ~seen.walls[core]
        weight = None
        if self.layout.clouds:
            cover = overhead.cloud_cover(self.layout.clouds, canvas.x, canvas.y, canvas.coarse)
            weight = (1.0 - cover[core]).ravel()
        numbers = np.where(top, owner[core], 0).ravel()
        self.visible += np.bincount(numbers, weight, len(self.visible) + 1)[1:]


def _in_core(row: np.ndarray, column: np.ndarray, core: tuple[slice, ...]) -> np.ndarray:
    """Which cells lie in the core of a tile."""
    rows, columns = core
    return (row >= rows.start) & (row < rows.stop) & (column >= columns.start) & (column < columns.stop)
