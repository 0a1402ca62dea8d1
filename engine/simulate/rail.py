"""Tracks and what stands on them: drawing, and trains and yards to lay out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..zones import Zone
from .canvas import Canvas, Frame
from .layout import Area, Layout, Thing, along, rectangle, right_of
from .palette import (
    CONTAINER_PAINTS,
    DARK,
    LOADS,
    MATERIALS,
    RAIL_FOOT,
    RAIL_HEAD,
    SLEEPER,
    STAINED,
    TANK_PAINTS,
    WAGON_PAINTS,
    Colour,
    pick,
)

GAUGE_M = 1.52
SLEEPER_PITCH_M = 0.6
BED_WIDTH_M = 3.4
PIECE_M = 25.0
COUPLER_ROOM_M = 1.15  # of the length over couplers, at both ends together

# kind: length over couplers, width, height in metres (layers/data/object_dimensions.csv: 12-1303, 15-1547, 11-217, 19-752,
# 40 ft flat, M62, 1520 mm coach)
WAGONS = {
    "gondola": (13.92, 3.15, 3.48),
    "tank": (12.02, 3.00, 4.60),
    "box": (14.73, 3.25, 4.69),
    "hopper": (14.72, 3.24, 4.67),
    "flat": (14.62, 2.80, 1.30),
    "locomotive": (17.55, 2.95, 4.49),
    "coach": (24.54, 3.11, 4.36),
}
FLAT_DECK_M, BOX_M = 1.30, 2.59
PAINTS = {
    "tank": TANK_PAINTS,
    "locomotive": {(0.06, 0.12, 0.075): 1.0, (0.20, 0.06, 0.045): 1.0},
    "coach": {(0.05, 0.11, 0.08): 1.0},
}


def pieces(track: np.ndarray) -> Iterator[tuple[np.ndarray, float, float, float]]:
    """Straight pieces of a line (N, 2): centre, azimuth, length, and distance of the piece's start along the line."""
    done = 0.0
    for start, end in zip(track[:-1], track[1:]):
        length = float(np.hypot(*(end - start)))
        azimuth = float(np.degrees(np.arctan2(end[0] - start[0], end[1] - start[1])))
        count = max(1, int(np.ceil(length / PIECE_M)))
        for k in range(count):
            yield start + (end - start) * (k + 0.5) / count, azimuth, length / count, done + length * k / count
        done += length


def paint_tracks(canvas: Canvas, tracks: Sequence[np.ndarray]) -> None:
    """Ballast of all tracks first, since beds run into each other; then sleepers and rails."""
    for draw in (_bed, _rails):
        for track in tracks:
            for centre, azimuth, length, start in pieces(track):
                frame = canvas.frame(centre[0], centre[1], azimuth, length, BED_WIDTH_M + 1.0)
                if frame is not None:
                    draw(frame, np.abs(frame.u) <= length / 2, start + length / 2)


def _bed(frame: Frame, here: np.ndarray, along_m: float) -> None:
    ballast = MATERIALS["ballast"]
    shoulder = np.clip((BED_WIDTH_M / 2 - np.abs(frame.v)) / 0.5 + 0.5, 0.0, 1.0)
    frame.paint(here * shoulder, ballast.colour, grain=ballast.fine)
    frame.paint(here * 0.7 * np.exp(-((frame.v / 0.9) ** 2)), STAINED, grain=ballast.fine)


def _rails(frame: Frame, here: np.ndarray, along_m: float) -> None:
    phase = (frame.u + along_m) % SLEEPER_PITCH_M - SLEEPER_PITCH_M / 2
    frame.paint(here * frame.edge(0.13 - np.abs(phase)) * frame.edge(1.32 - np.abs(frame.v)), SLEEPER, grain=0.12)
    off_rail = np.abs(np.abs(frame.v) - GAUGE_M / 2)
    for half_width, colour in ((0.09, RAIL_FOOT), (0.036, RAIL_HEAD)):
        # of the narrow head only the share of the cell that it covers
        frame.paint(here * np.minimum(frame.edge(half_width - off_rail), 2 * half_width / frame.cell_m), colour)


def _underframe(frame: Frame, thing: Thing) -> None:
    frame.paint(frame.box(thing.length_m, 0.35), DARK, 0.9)
    frame.paint(frame.box(thing.length_m - COUPLER_ROOM_M, min(2.6, thing.width_m)), (0.06, 0.055, 0.05), 1.2, grain=0.1)


def _body(frame: Frame, thing: Thing, less_m: float = 0.0) -> np.ndarray:
    return frame.box(thing.length_m - COUPLER_ROOM_M - less_m, thing.width_m - less_m)


def _darker(colour: Colour, factor: float) -> Colour:
    return colour[0] * factor, colour[1] * factor, colour[2] * factor


def draw_gondola(frame: Frame, thing: Thing) -> None:
    """Open wagon: a rim, and inside it the floor or a heap."""
    _underframe(frame, thing)
    frame.paint(_body(frame, thing), thing.paint, thing.height_m, grain=0.06)
    inside = _body(frame, thing, 0.35)
    if thing.load is None:
        frame.paint(inside, _darker(thing.paint, 0.75), 1.4, grain=0.12)
    else:
        heap = thing.height_m - 0.7 + 0.8 * np.clip(1.0 - (2 * frame.v / thing.width_m) ** 2, 0.0, 1.0)
        frame.paint(inside, thing.load, heap + 0.08 * frame.fine, grain=0.15)


def draw_tank(frame: Frame, thing: Thing) -> None:
    """Lying cylinder with a manhole and a walkway across."""
    _underframe(frame, thing)
    radius = thing.width_m / 2
    top = thing.height_m - 0.2 - radius + np.sqrt(np.maximum(radius**2 - frame.v**2, 0.0))
    frame.paint(frame.box(thing.length_m - COUPLER_ROOM_M - 0.5, thing.width_m), thing.paint, top, grain=0.05)
    frame.paint(frame.box(1.6, 1.3), _darker(thing.paint, 0.7), thing.height_m - 0.15)
    frame.paint(frame.box(0.9, 0.9), DARK, thing.height_m)


def draw_box(frame: Frame, thing: Thing) -> None:
    """Covered wagon: a curved roof with seams."""
    _underframe(frame, thing)
    roof = thing.height_m - 0.35 * (2 * frame.v / thing.width_m) ** 2
    frame.paint(_body(frame, thing), thing.paint, roof, grain=0.05)
    seam = 0.5 * frame.edge(0.06 - np.abs((frame.u + 50.0) % 1.6 - 0.8))
    frame.paint(seam * _body(frame, thing, 0.1), _darker(thing.paint, 0.6))


def draw_hopper(frame: Frame, thing: Thing) -> None:
    """Covered hopper: a roof with a row of hatches and a walkway."""
    draw_box(frame, thing)
    for u in (-4.5, -1.5, 1.5, 4.5):
        frame.paint(frame.box(1.5, 0.9, u), _darker(thing.paint, 1.5), thing.height_m + 0.1)
    frame.paint(frame.box(thing.length_m - 2.5, 0.35, v_m=0.8), (0.26, 0.26, 0.25))


def draw_flat(frame: Frame, thing: Thing) -> None:
    """Container flat: an open skeleton of beams, and a container or two where it has a load."""
    long = thing.length_m - COUPLER_ROOM_M
    frame.paint(frame.box(thing.length_m, 0.35), DARK, 0.9)
    beams = [frame.box(long, 0.7)] + [frame.box(long, 0.3, v_m=v) for v in (-1.2, 1.2)]
    beams += [frame.box(0.4, thing.width_m - 0.2, u) for u in np.linspace(-long / 2 + 0.3, long / 2 - 0.3, 6)]
    for beam in beams:
        frame.paint(beam, thing.paint, FLAT_DECK_M, grain=0.1)
    if thing.load is not None:
        boxes = ((0.0, 12.19),) if "40" in thing.note else ((-3.08, 6.06), (3.08, 6.06))
        for u, length in boxes:
            frame.paint(frame.box(length, 2.44, u), thing.load, thing.height_m, grain=0.05)


def draw_locomotive(frame: Frame, thing: Thing) -> None:
    """Diesel locomotive: long hood, lighter roof, fans, a cab at each end."""
    _underframe(frame, thing)
    frame.paint(_body(frame, thing), thing.paint, thing.height_m - 0.5 * (2 * frame.v / thing.width_m) ** 2, grain=0.05)
    frame.paint(frame.box(thing.length_m - 4.5, 1.5), (0.13, 0.13, 0.13), grain=0.1)
    for u in (-2.4, 0.0, 2.4):
        frame.paint(frame.edge(0.65 - np.hypot(frame.u - u, frame.v)), DARK)
    frame.paint(
        frame.box(1.2, 2.6, thing.length_m / 2 - 1.6) + frame.box(1.2, 2.6, -thing.length_m / 2 + 1.6), (0.35, 0.20, 0.04)
    )


DRAW = {
    "gondola": draw_gondola,
    "tank": draw_tank,
    "box": draw_box,
    "hopper": draw_hopper,
    "flat": draw_flat,
    "locomotive": draw_locomotive,
    "coach": draw_box,
}


def wagon(
    kind: str,
    x: float,
    y: float,
    azimuth_deg: float,
    rng: np.random.Generator,
    paint: Colour | None = None,
    loaded: bool = True,
) -> Thing:
    """One vehicle of a kind of WAGONS. Freight cars are of the class freight_car, others of the class of their kind."""
    length, width, height = WAGONS[kind]
    note, load = kind, None
    paint = paint or pick(PAINTS.get(kind, WAGON_PAINTS), rng)
    if kind == "gondola":
        load = pick(LOADS, rng) if loaded else None
        note = "gondola, loaded" if loaded else "gondola, empty"
    elif kind == "flat":
        paint = _darker(pick(WAGON_PAINTS, rng), 0.8)
        note = "container flat, empty"
        if loaded:
            load, height = pick(CONTAINER_PAINTS, rng), FLAT_DECK_M + BOX_M
            note = "container flat, 40 ft" if rng.random() < 0.4 else "container flat, 2 x 20 ft"
    class_name = {"locomotive": "locomotive", "coach": "passenger_coach"}.get(kind, "freight_car")
    return Thing(kind, x, y, azimuth_deg, length, width, height, paint, class_name, note, load)


def train(
    track: np.ndarray, start_m: float, kinds: Sequence[str], rng: np.random.Generator, loaded: float = 0.7
) -> list[Thing]:
    """Coupled vehicles along a line (N, 2) from start_m on; those that would pass its end are left out.

    loaded: chance that a gondola or flat carries something. Neighbours of one kind mostly share their paint.
    """
    steps = np.hypot(*np.diff(track, axis=0).T)
    stations = np.concatenate([[0.0], np.cumsum(steps)])
    things: list[Thing] = []
    at, last = start_m, ("", (0.0, 0.0, 0.0))
    for kind in kinds:
        length = WAGONS[kind][0]
        if at + length > stations[-1]:
            break
        middle = at + length / 2
        x, y = (float(np.interp(middle, stations, track[:, axis])) for axis in (0, 1))
        segment = min(int(np.searchsorted(stations, middle)) - 1, len(steps) - 1)
        east, north = track[segment + 1] - track[segment]
        paint = last[1] if kind == last[0] and rng.random() < 0.7 else None
        things.append(wagon(kind, x, y, float(np.degrees(np.arctan2(east, north))), rng, paint, bool(rng.random() < loaded)))
        last, at = (kind, things[-1].paint), at + length
    return things


def rake(count: int, rng: np.random.Generator, same: float = 0.75) -> list[str]:
    """Kinds of freight cars in a train; each is of its neighbour's kind with the chance ``same``."""
    choices, weights = ("gondola", "box", "tank", "hopper", "flat"), (0.4, 0.2, 0.15, 0.08, 0.17)
    kinds: list[str] = []
    for _ in range(count):
        kinds.append(kinds[-1] if kinds and rng.random() < same else str(rng.choice(choices, p=weights)))
    return kinds


def station(
    centre: np.ndarray,
    azimuth_deg: float,
    rng: np.random.Generator,
    *,
    occupied: Sequence[int],
    length_m: float = 640.0,
    spacing_m: float = 5.3,
    name: str = "station",
) -> Layout:
    """A freight yard of parallel tracks, one for each number of ``occupied``: the freight cars on it.

    Cars stand in one or two rakes a track, as many as fit. Also a platform and a building beside the first track.
    Zones are one line a track, on its axis.
    """
    from shapely.geometry import LineString

    ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
    centre = np.asarray(centre, float)
    tracks, things, zones = [], [], []
    for number, count in enumerate(occupied):
        offset = (number - (len(occupied) - 1) / 2) * spacing_m
        middle = centre + aside * offset
        track = np.array([middle - ahead * length_m / 2, middle + ahead * length_m / 2])
        tracks.append(track)
        zones.append(Zone(f"{name}-{number + 1}", "track", LineString(track), f"{name.capitalize()}, track {number + 1}"))
        things += _standing(track, length_m, count, rng)
    half_m = len(occupied) * spacing_m / 2
    beside = centre - aside * (half_m + 4.0)
    areas = [
        Area(rectangle(centre, length_m + 80.0, 2 * half_m + 4.0, azimuth_deg), "ballast"),
        Area(rectangle(beside, 180.0, 6.0, azimuth_deg), "quay", 0.8),
        Area(rectangle(beside - aside * 12.0, 46.0, 12.0, azimuth_deg), "roof", 7.0),
        Area(rectangle(centre + aside * (half_m + 14.0), length_m + 300.0, 7.0, azimuth_deg), "asphalt"),
    ]
    return Layout(tuple(areas), tuple(tracks), tuple(things), tuple(zones))


def _standing(track: np.ndarray, length_m: float, count: int, rng: np.random.Generator) -> list[Thing]:
    """Freight cars on one track, in two rakes when there are many; a locomotive leads the longer ones."""
    if not count:
        return []
    first = count if count < 8 else int(rng.integers(count // 2, count))
    kinds = [["locomotive"] * (part >= 12) + rake(part, rng) for part in (first, count - first) if part]
    free_m = length_m - sum(WAGONS[kind][0] for part in kinds for kind in part)
    gaps = rng.dirichlet(np.ones(len(kinds) + 1)) * max(free_m - 10.0, 0.0) + 5.0
    things, at = [], 0.0
    for gap, part in zip(gaps, kinds):
        things += train(track, at + gap, part, rng)
        at += gap + sum(WAGONS[kind][0] for kind in part)
    return things
