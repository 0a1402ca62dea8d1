"""A layout seen from above by a sensor under a sun."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from ..detections import Detections
from ..errors import Refusal
from ..scene import ArrayScene
from . import port, rail, ships
from .canvas import Canvas, Frame, Texture
from .layout import Bounds, Layout, Thing, as_detections
from .light import light, shadow_length_m
from .sensor import MARGIN_PX, Sensor

COARSEST_CELL_M = 0.2  # rails and gaps between containers need cells no larger than this
TILE_CELLS = 1600  # side of a tile: it bounds the memory, whatever the pixel

DRAW: dict[str, Callable[[Frame, Thing], None]] = {**port.DRAW, **rail.DRAW, **ships.DRAW}


@dataclass(frozen=True)
class Rendered:
    """A synthetic scene.

    data: uint8 (3, rows, columns), red, green and blue. x0, y0: frame coordinates in metres of the upper left corner.
    gsd_m: side of a pixel. truth: the things with a class whose centre is in the scene, sizes as drawn.
    truth_height_m: their heights, in the same order.
    """

    data: np.ndarray
    x0: float
    y0: float
    gsd_m: float
    truth: Detections
    truth_height_m: np.ndarray

    @property
    def bounds(self) -> Bounds:
        """West, south, east and north in frame metres."""
        rows, columns = self.data.shape[1:]
        return self.x0, self.y0 - rows * self.gsd_m, self.x0 + columns * self.gsd_m, self.y0

    def as_scene(self) -> ArrayScene:
        """What a detector sees: the pixels stretched as those of a file are (0.5 % and 99.5 % become 0 and 1)."""
        low, high = np.percentile(self.data, (0.5, 99.5), axis=(1, 2))
        span = max(float(high.max() - low.min()), 1.0)
        return ArrayScene(
            (self.data - np.float32(low.min())) / np.float32(span), self.gsd_m, x0=self.x0, y0=self.y0, name="synthetic"
        )


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
    progress: Callable[[float], None] | None = None,
) -> Rendered:
    """Draw what lies in bounds (west, south, east, north, grown to whole pixels), straight from above.

    Works in tiles, so memory does not grow with the scene (beyond its 8-bit pixels). The same seed gives the same scene;
    scenes of one place at several times share ground_seed (the texture of the ground) and differ in seed (the noise).
    Method: reflectance and height on cells of at most COARSEST_CELL_M, sun and shadow there, then blur, box pixel, haze and
    noise. Raises Refusal for a pixel or sun that cannot be rendered.
    """
    if not 0.1 <= gsd_m <= 30.0:
        raise Refusal(f"A pixel of {gsd_m:g} m cannot be simulated: give one between 0.1 and 30 m.")
    if not 5.0 <= sun_elevation_deg <= 90.0:
        raise Refusal(f"A sun {sun_elevation_deg:g}° high cannot be simulated: give a height between 5° and 90°.")
    sensor = sensor or Sensor()
    west, south, east, north = bounds
    columns, rows = int(np.ceil((east - west) / gsd_m - 1e-9)), int(np.ceil((north - south) / gsd_m - 1e-9))
    factor = max(2, int(np.ceil(gsd_m / COARSEST_CELL_M - 1e-9)))
    texture = Texture(seed if ground_seed is None else ground_seed, gsd_m / factor)
    data = np.zeros((3, rows, columns), np.uint8)
    tiles = list(_tiles(rows, columns, max(TILE_CELLS // factor, 1)))
    for number, (row, column, height, width) in enumerate(tiles):
        corner = west + column * gsd_m, north - row * gsd_m
        radiance = _tile(layout, corner, (height, width), factor, texture, sensor, (sun_azimuth_deg, sun_elevation_deg))
        rng = np.random.default_rng([seed, 2, row, column])
        data[:, row : row + height, column : column + width] = sensor.digits(radiance, rng)
        if progress:
            progress((number + 1) / len(tiles))
    counted = layout.counted((west, north - rows * gsd_m, west + columns * gsd_m, north))
    heights = np.array([thing.height_m for thing in counted], float)
    return Rendered(data, west, north, gsd_m, as_detections(counted), heights)


def _tiles(rows: int, columns: int, side: int) -> Iterator[tuple[int, int, int, int]]:
    for row in range(0, rows, side):
        for column in range(0, columns, side):
            yield row, column, min(side, rows - row), min(side, columns - column)


def _tile(
    layout: Layout,
    corner: tuple[float, float],
    shape: tuple[int, int],
    factor: int,
    texture: Texture,
    sensor: Sensor,
    sun: tuple[float, float],
) -> np.ndarray:
    """Light (3, rows, columns) of one tile: painted with a margin for the blur and, towards the sun, for long shadows."""
    gsd_m = texture.cell_m * factor
    tallest_m = max((thing.height_m for thing in layout.things), default=0.0)
    reach_px = shadow_length_m(tallest_m, sun[1]) / gsd_m
    towards = np.sin(np.radians(sun[0])), np.cos(np.radians(sun[0]))
    more_east, more_north = (int(np.ceil(reach_px * value)) for value in towards)
    left, right = MARGIN_PX + max(-more_east, 0), MARGIN_PX + max(more_east, 0)
    top, bottom = MARGIN_PX + max(more_north, 0), MARGIN_PX + max(-more_north, 0)
    canvas = Canvas(
        corner[0] - left * gsd_m,
        corner[1] + top * gsd_m,
        (shape[0] + top + bottom) * factor,
        (shape[1] + left + right) * factor,
        texture,
    )
    paint(layout, canvas)
    direct, sky = light(canvas.height, canvas.cell_m, *sun)
    keep = np.s_[
        (top - MARGIN_PX) * factor : (top + shape[0] + MARGIN_PX) * factor,
        (left - MARGIN_PX) * factor : (left + shape[1] + MARGIN_PX) * factor,
    ]
    radiance = canvas.albedo[(slice(None), *keep)]
    for band in range(3):
        radiance[band] *= sky[band] + (1.0 - sky[band]) * direct[keep]
    return sensor.pixels(radiance, factor)


def paint(layout: Layout, canvas: Canvas) -> None:
    """Paint ground, then tracks, then things, lowest first."""
    canvas.ground(layout.ground)
    for area in layout.areas:
        canvas.area(area)
    rail.paint_tracks(canvas, layout.tracks)
    for thing in sorted(layout.things, key=lambda thing: thing.height_m):
        frame = canvas.frame(thing.x, thing.y, thing.azimuth_deg, thing.length_m, thing.width_m)
        if frame is not None:
            DRAW[thing.kind](frame, thing)
