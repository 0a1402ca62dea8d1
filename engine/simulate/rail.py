"""Tracks and what stands on them: drawing, and trains and yards to lay out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from ..zones import Zone
from .canvas import Canvas, Frame
from .family import PLAIN, Family
from .layout import Area, Beam, Layout, Thing, along, rectangle, right_of
from .palette import DARK, MATERIALS, RAIL_FOOT, RAIL_HEAD, SLEEPER, STAINED, Colour, pick

GAUGE_M = 1.52
SLEEPER_PITCH_M = 0.6
BED_WIDTH_M = 3.4
PIECE_M = 25.0
COUPLER_ROOM_M = 1.15  # of the length over couplers, at both ends together

Size = tuple[float, float, float]  # length over couplers, width, height in metres

# layers/data/object_dimensions.csv: 12-1303, 15-1547, 11-217, 19-752, timber flat, 40 ft flat, M62, 1520 mm coach
WAGONS: dict[str, Size] = {
    "gondola": (13.92, 3.15, 3.48),
    "tank": (12.02, 3.00, 4.60),
    "box": (14.73, 3.25, 4.69),
    "hopper": (14.72, 3.24, 4.67),
    "flat": (14.62, 2.87, 1.32),
    "container flat": (14.62, 2.80, 1.30),
    "locomotive": (17.55, 2.95, 4.49),
    "coach": (24.54, 3.11, 4.36),
}
# the same table's longer models: 12-6963, 11-280, 13-470, one section of a 2TE10
LONGER: dict[str, Size] = {
    **WAGONS,
    "gondola": (23.20, 3.15, 3.90),
    "box": (16.97, 3.25, 4.69),
    "container flat": (19.62, 2.87, 1.30),
    "locomotive": (16.97, 3.08, 4.95),
}
CLASS_OF = {"locomotive": "locomotive", "coach": "passenger_coach"}  # all others are freight cars
FLAT_DECK_M, BOX_M = 1.30, 2.59
GIRDER_M, PORTAL_M, MAST_M = 7.2, 0.5, 0.35  # height of a portal's girder, its width, and the side of a mast
TIMBER: dict[Colour, float] = {(0.22, 0.16, 0.09): 2.0, (0.15, 0.15, 0.155): 1.0}  # timber, steel


def counted_as(class_name: np.ndarray) -> np.ndarray:
    """Classes by the counting rule of engine/classes.py: all rail vehicles count as freight cars."""
    vehicles = ("locomotive", "passenger_coach")
    return np.array(["freight_car" if name in vehicles else name for name in class_name], object)


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


def paint_tracks(canvas: Canvas, tracks: Sequence[np.ndarray], bed: str = "ballast") -> None:
    """Ballast of all tracks first, since beds run into each other; then sleepers and rails."""
    for draw in (_bed, _rails):
        for track in tracks:
            for centre, azimuth, length, start in pieces(track):
                frame = canvas.frame(centre[0], centre[1], azimuth, length, BED_WIDTH_M + 1.0)
                if frame is not None:
                    draw(frame, np.abs(frame.u) <= length / 2, start + length / 2, bed)


def _bed(frame: Frame, here: np.ndarray, along_m: float, bed: str) -> None:
    ballast = MATERIALS[bed]
    shoulder = np.clip((BED_WIDTH_M / 2 - np.abs(frame.v)) / 0.5 + 0.5, 0.0, 1.0)
    frame.paint(here * shoulder, ballast.colour, grain=ballast.fine)
    frame.paint(here * 0.7 * np.exp(-((frame.v / 0.9) ** 2)), STAINED, grain=ballast.fine)


def _rails(frame: Frame, here: np.ndarray, along_m: float, bed: str) -> None:
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
    """Flat wagon: a planked deck with stakes, and on it bundles of timber or steel where it has a load."""
    _underframe(frame, thing)
    frame.paint(_body(frame, thing), thing.paint, FLAT_DECK_M, grain=0.14)
    long = thing.length_m - COUPLER_ROOM_M - 0.8
    for u in np.linspace(-long / 2, long / 2, 5):
        frame.paint(frame.box(0.15, thing.width_m, u), _darker(thing.paint, 0.6))
    if thing.load is not None:
        for u in (-long / 4, long / 4):
            frame.paint(frame.box(long / 2 - 0.5, 2.5, u), thing.load, thing.height_m, grain=0.12)


def draw_container_flat(frame: Frame, thing: Thing) -> None:
    """Container flat: an open skeleton of beams, and a container or two where it has a load."""
    long = thing.length_m - COUPLER_ROOM_M
    frame.paint(frame.box(thing.length_m, 0.35), DARK, 0.9)
    beams = [frame.box(long, 0.7)] + [frame.box(long, 0.3, v_m=v) for v in (-1.2, 1.2)]
    beams += [frame.box(0.4, thing.width_m - 0.2, u) for u in np.linspace(-long / 2 + 0.3, long / 2 - 0.3, 6)]
    for beam in beams:
        frame.paint(beam, thing.paint, FLAT_DECK_M, grain=0.1)
    if thing.load is not None:
        for u, length in BOXES_ON[thing.note.split(", ")[1]]:
            frame.paint(frame.box(length, 2.44, u), thing.load, thing.height_m, grain=0.05)


def draw_coach(frame: Frame, thing: Thing) -> None:
    """Passenger coach: a long curved roof with a row of ventilators along its middle."""
    draw_box(frame, thing)
    pitch = frame.edge(0.25 - np.abs((frame.u + 50.0) % 2.4 - 1.2)) * frame.edge(0.22 - np.abs(frame.v))
    frame.paint(pitch * _body(frame, thing, 1.0), _darker(thing.paint, 1.7))


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


def draw_mast(frame: Frame, thing: Thing) -> None:
    """Post of a portal or of the contact wire."""
    frame.paint(frame.box(max(thing.length_m, frame.cell_m), max(thing.width_m, frame.cell_m)), thing.paint, thing.height_m)


DRAW = {
    "gondola": draw_gondola,
    "tank": draw_tank,
    "box": draw_box,
    "hopper": draw_hopper,
    "flat": draw_flat,
    "container flat": draw_container_flat,
    "locomotive": draw_locomotive,
    "coach": draw_coach,
    "mast": draw_mast,
}
# what a container flat may carry: middle along the wagon, and length, of each box
BOXES_ON = {
    "40 ft": ((0.0, 12.19),),
    "2 x 20 ft": ((-3.08, 6.06), (3.08, 6.06)),
    "20 ft": ((-3.08, 6.06),),
    "40 and 20 ft": ((-3.1, 12.19), (6.1, 6.06)),
    "3 x 20 ft": ((-6.2, 6.06), (0.0, 6.06), (6.2, 6.06)),
}


def wagon(
    kind: str,
    x: float,
    y: float,
    azimuth_deg: float,
    rng: np.random.Generator,
    paint: Colour | None = None,
    loaded: bool = True,
    *,
    size: Size | None = None,
    family: Family = PLAIN,
) -> Thing:
    """One vehicle of a kind of WAGONS, which is its type in the truth. Freight cars are of the class freight_car, others of CLASS_OF."""
    length, width, height = size or WAGONS[kind]
    note, load = kind, None
    paint = paint or pick(family.palette(kind), rng)
    if kind == "gondola":
        load = pick(family.palette("load"), rng) if loaded else None
        note = "gondola, loaded" if loaded else "gondola, empty"
    elif kind == "flat":
        paint, note = _darker(paint, 0.8), "flat, loaded" if loaded else "flat, empty"
        if loaded:
            load, height = pick(TIMBER, rng), FLAT_DECK_M + rng.uniform(0.4, 1.8)
    elif kind == "container flat":
        paint, note = _darker(pick(family.palette("wagon"), rng), 0.8), "container flat, empty"
        if loaded:
            load, height = pick(family.palette("container"), rng), FLAT_DECK_M + BOX_M
            note = f"container flat, {_boxes(length, rng)}"
    return Thing(kind, x, y, azimuth_deg, length, width, height, paint, CLASS_OF.get(kind, "freight_car"), note, load, kind)


def _boxes(length_m: float, rng: np.random.Generator) -> str:
    """What a loaded container flat of this length carries, a key of BOXES_ON."""
    if length_m > 18.0:
        return "40 and 20 ft" if rng.random() < 0.5 else "3 x 20 ft"
    return "40 ft" if rng.random() < 0.4 else "2 x 20 ft"


def train(
    track: np.ndarray,
    start_m: float,
    kinds: Sequence[str],
    rng: np.random.Generator,
    loaded: float = 0.7,
    *,
    sizes: Mapping[str, Size] = WAGONS,
    family: Family = PLAIN,
) -> list[Thing]:
    """Coupled vehicles along a line (N, 2) from start_m on; those that would pass its end are left out.

    loaded: chance that a gondola or flat carries something. sizes: of each kind. Neighbours of one kind mostly share their
    paint.
    """
    steps = np.hypot(*np.diff(track, axis=0).T)
    stations = np.concatenate([[0.0], np.cumsum(steps)])
    things: list[Thing] = []
    at, last = start_m, ("", (0.0, 0.0, 0.0))
    for kind in kinds:
        length = sizes[kind][0]
        if at + length > stations[-1]:
            break
        middle = at + length / 2
        x, y = (float(np.interp(middle, stations, track[:, axis])) for axis in (0, 1))
        segment = min(int(np.searchsorted(stations, middle)) - 1, len(steps) - 1)
        azimuth = float(np.degrees(np.arctan2(*(track[segment + 1] - track[segment]))))
        paint = last[1] if kind == last[0] and rng.random() < 0.7 else None
        full = bool(rng.random() < loaded)
        things.append(wagon(kind, x, y, azimuth, rng, paint, full, size=sizes[kind], family=family))
        last, at = (kind, things[-1].paint), at + length
    return things


def portals(
    track: np.ndarray, beside_m: tuple[float, float], pitch_m: float, rng: np.random.Generator
) -> tuple[list[Thing], list[Beam]]:
    """Masts and girders across tracks every pitch_m along a straight line: from beside_m[0] left to beside_m[1] right of it."""
    start, end = track[0], track[-1]
    azimuth, length = float(np.degrees(np.arctan2(*(end - start)))), float(np.hypot(*(end - start)))
    ahead, aside = along(azimuth), right_of(azimuth)
    masts, girders, steel = [], [], (0.16, 0.165, 0.17)
    for at in np.arange(rng.uniform(5.0, pitch_m), length, pitch_m):
        feet = [start + ahead * at + aside * side for side in (-beside_m[0], beside_m[1])]
        masts += [
            Thing("mast", float(foot[0]), float(foot[1]), azimuth, MAST_M, MAST_M, GIRDER_M + 0.8, steel) for foot in feet
        ]
        x, y = (feet[0] + feet[1]) / 2
        girders.append(Beam(float(x), float(y), azimuth + 90.0, sum(beside_m), PORTAL_M, GIRDER_M, steel, 0.7))
    return masts, girders


MIX = {"gondola": 0.4, "box": 0.2, "tank": 0.15, "hopper": 0.08, "container flat": 0.17}


def rake(count: int, rng: np.random.Generator, same: float = 0.75, mix: Mapping[str, float] = MIX) -> list[str]:
    """Kinds of freight cars in a train; each is of its neighbour's kind with the chance ``same``. mix: how frequent kinds are."""
    choices, weights = tuple(mix), tuple(mix.values())
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
