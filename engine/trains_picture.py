"""Two sightings of a train straightened and laid one under the other, wagon under wagon, wrapped like lines of text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .detections import Detections
from .detectors.base import SceneLike
from .report_picture import PLAN_GREY, Picture
from .words import APPEARED, DISAPPEARED, STAYED

LINE_M, GAP_M, MARGIN_M = 230.0, 1.0, 2.0  # length of a line; between wagons; round everything
HEIGHT_M, BETWEEN_M, LINES_M = 5.0, 1.0, 4.0  # of a strip, between the two, between lines
PX_PER_M = 6

Chip = np.ndarray  # (rows, columns, 3), 0 to 1


def columns_of(pairs: np.ndarray, first: int, second: int, turned: bool) -> list[tuple[int | None, int | None]]:
    """The wagons in order, those without a counterpart between them; the second's from its end where it runs the other way."""
    there = np.arange(second)[::-1] if turned else np.arange(second)
    place = {int(j): k for k, j in enumerate(there)}
    found: list[tuple[int | None, int | None]] = []
    i = k = 0
    for a, b in [*pairs.tolist(), (first, None)]:
        end = second if b is None else place[b]
        found += [(n, None) for n in range(i, a)] + [(None, int(there[n])) for n in range(k, end)]
        if b is not None:
            found.append((a, b))
        i, k = a + 1, end + 1
    return found


def chips(scene: SceneLike | None, wagons: Detections, turned: bool) -> list[Chip | None]:
    """The picture of each wagon, turned into the direction of its train; None without a scene."""
    if scene is None:
        return [None] * len(wagons)
    ahead = np.column_stack([np.gradient(wagons.x), np.gradient(wagons.y)]) if len(wagons) > 1 else np.ones((1, 2))
    angle = np.radians(wagons.azimuth_deg)
    along = np.column_stack([np.sin(angle), np.cos(angle)])
    along *= np.where((along * ahead).sum(1) < 0, -1.0, 1.0)[:, None] * (-1.0 if turned else 1.0)
    return [_chip(scene, wagons, i, axis) for i, axis in enumerate(along)]


def _chip(scene: SceneLike, wagons: Detections, i: int, axis: np.ndarray) -> Chip:
    u = (np.arange(max(1, round(wagons.length_m[i] * PX_PER_M))) + 0.5) / PX_PER_M - wagons.length_m[i] / 2
    v = HEIGHT_M / 2 - (np.arange(round(HEIGHT_M * PX_PER_M)) + 0.5) / PX_PER_M
    x = wagons.x[i] + u[None] * axis[0] - v[:, None] * axis[1]
    y = wagons.y[i] + u[None] * axis[1] + v[:, None] * axis[0]
    g = scene.gsd_m
    patch = scene.read((x.min() - g, y.min() - g, x.max() + g, y.max() + g))
    column, row = (np.rint(part).astype(int) for part in patch.to_pixel(x, y))
    rows, columns = patch.shape
    return np.moveaxis(patch.rgb(), 0, 2)[row.clip(0, rows - 1), column.clip(0, columns - 1)]


def picture(
    columns: Sequence[tuple[int | None, int | None]],
    trains: tuple[Detections, Detections],
    pictures: tuple[Sequence[Chip | None], Sequence[Chip | None]],
    title: str,
    note: str,
) -> Picture:
    """The earlier sighting above the later one. columns: as ``columns_of`` gives; pictures: as ``chips`` gives."""
    line = 2 * HEIGHT_M + BETWEEN_M + LINES_M
    places, x, y = [], MARGIN_M, MARGIN_M
    for column in columns:
        width = max(float(train.length_m[i]) for train, i in zip(trains, column) if i is not None)
        if x + width > LINE_M and x > MARGIN_M:
            x, y = MARGIN_M, y + line
        places.append((x, y))
        x += width + GAP_M
    shape = round((y + line - LINES_M + MARGIN_M) * PX_PER_M), round((LINE_M + 2 * MARGIN_M) * PX_PER_M)
    rgb = np.full((*shape, 3), PLAN_GREY)
    corners, marks = [], []
    for (left, top), column in zip(places, columns):
        for which, i in enumerate(column):
            if i is None:
                continue
            upper = top + which * (HEIGHT_M + BETWEEN_M)
            chip = pictures[which][i]
            if chip is not None:
                r, c = round(upper * PX_PER_M), round(left * PX_PER_M)
                room = rgb[r : r + chip.shape[0], c : c + chip.shape[1]]
                room[:] = chip[: room.shape[0], : room.shape[1]]
            half = (HEIGHT_M - float(trains[which].width_m[i] or 3.0)) / 2
            low, high, right = upper + half, upper + HEIGHT_M - half, left + float(trains[which].length_m[i])
            corners.append(np.array([(left, low), (right, low), (right, high), (left, high)]) * PX_PER_M)
            marks.append(STAYED if None not in column else (DISAPPEARED, APPEARED)[which])
    kinds = [_kind(trains[which], i) for column in columns for which, i in enumerate(column) if i is not None]
    pixels = np.clip(rgb * 255 + 0.5, 0, 255).astype(np.uint8)
    return Picture(pixels, title, 1 / PX_PER_M, np.array(corners).reshape(-1, 4, 2), kinds, marks, note=note, north_up=False)


def _kind(wagons: Detections, i: int) -> str:
    return str(wagons.type_name[i]) or "wagon"
