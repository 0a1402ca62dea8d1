"""What is above everything else: beams (portals, jibs) and clouds, and their shadows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .canvas import Canvas
from .layout import Beam, Cloud, along, right_of
from .view import View

CLOUD: np.ndarray = np.array([0.62, 0.63, 0.65], np.float32)[:, None, None]
DEEPEST = 0.85  # share of the direct sun that the middle of a cloud takes away
RAGGED = 0.3  # of a cloud's radius


def shade_beams(canvas: Canvas, beams: Sequence[Beam], direct: np.ndarray, sun: tuple[float, float]) -> None:
    """Take the direct sun (rows, columns) from the cells whose ray to the sun meets a beam."""
    cotangent = 1.0 / float(np.tan(np.radians(sun[1])))
    for beam in beams:
        reach_m = (beam.height_m - min(float(canvas.height.min()), 0.0)) * cotangent
        cut, cover = _crossed(canvas, beam, along(sun[0]) * cotangent, reach_m)
        if cut is not None:
            direct[cut] *= 1.0 - beam.solid * cover


def draw_beams(canvas: Canvas, beams: Sequence[Beam], radiance: np.ndarray, view: View) -> None:
    """Lay the beams over the picture (3, rows, columns), where the sensor sees them."""
    for beam in beams:
        east, north = view.lean_m(beam.height_m)
        frame = canvas.frame(beam.x + float(east), beam.y + float(north), beam.azimuth_deg, beam.length_m, beam.width_m)
        if frame is not None:
            seen = radiance[(slice(None), *frame.cut)]
            cover = (beam.solid * _narrow(frame.box(beam.length_m, beam.width_m), beam, canvas.cell_m)).astype(np.float32)
            seen += cover * (np.array(beam.paint, np.float32)[:, None, None] - seen)


def _crossed(canvas, beam, towards, reach_m):  # type: ignore[no-untyped-def]
    """Window, and share of each cell there whose ray (``towards`` metres a metre of height) meets the beam."""
    frame = canvas.frame(beam.x, beam.y, beam.azimuth_deg, beam.length_m, beam.width_m, room_m=reach_m)
    if frame is None:
        return None, None
    above = beam.height_m - frame.height
    u = frame.u + above * np.float32(np.dot(towards, along(beam.azimuth_deg)))
    v = frame.v + above * np.float32(np.dot(towards, right_of(beam.azimuth_deg)))
    cover = frame.edge(beam.length_m / 2 - np.abs(u)) * frame.edge(beam.width_m / 2 - np.abs(v))
    return frame.cut, _narrow(cover, beam, canvas.cell_m) * (above > 0)


def _narrow(cover: np.ndarray, beam: Beam, cell_m: float) -> np.ndarray:
    """Of a beam narrower than a cell only its share of the cell."""
    return np.minimum(cover, beam.width_m / cell_m)


def cloud_cover(
    clouds: Sequence[Cloud], x: np.ndarray, y: np.ndarray, ragged: np.ndarray, sun: tuple[float, float] | None = None
) -> np.ndarray:
    """How thick the cloud is over points (rows, columns), 0..1; with a sun, how thick the one between them and the sun.

    x (columns,), y (rows,): frame metres. ragged (rows, columns): noise of sd 1 that frays the edges.
    """
    cover = np.zeros(ragged.shape, np.float32)
    for cloud in clouds:
        aside = along(sun[0]) * cloud.height_m / np.tan(np.radians(sun[1])) if sun else np.zeros(2)
        dx, dy = (x - cloud.x + aside[0]).astype(np.float32), (y - cloud.y + aside[1]).astype(np.float32)
        depth = 1.0 - np.hypot(dx[None, :], dy[:, None]) / np.float32(cloud.radius_m) + np.float32(RAGGED) * ragged
        np.maximum(cover, np.clip(np.float32(1.6) * depth, 0.0, 1.0), out=cover)
    return cover


def shade_clouds(canvas: Canvas, clouds: Sequence[Cloud], direct: np.ndarray, sun: tuple[float, float]) -> None:
    """Take the direct sun that clouds keep off."""
    direct *= 1.0 - DEEPEST * cloud_cover(clouds, canvas.x, canvas.y, canvas.coarse, sun)


def draw_clouds(canvas: Canvas, clouds: Sequence[Cloud], radiance: np.ndarray) -> np.ndarray:
    """Lay the clouds over the picture; returns their thickness (rows, columns)."""
    cover = cloud_cover(clouds, canvas.x, canvas.y, canvas.coarse)
    radiance += cover * (CLOUD - radiance)
    return cover
