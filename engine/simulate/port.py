"""Piers with containers, lorries, cranes, covered stacks and heaps: drawing, and yards to lay out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..zones import Zone
from .canvas import Frame
from .family import PLAIN, Family
from .layout import Area, Beam, Layout, Thing, along, inside, rectangle, right_of
from .palette import CONTAINER_PAINTS, DARK, MATERIALS, WHITE, YELLOW, Colour, pick

TWENTY_M, FORTY_M, FORTY_FIVE_M, WIDTH_M, TIER_M = 6.058, 12.192, 13.716, 2.438, 2.591  # ISO 668
GROUND_ROUND_BLOCK_M = 4.0  # what a yard zone leaves free round its containers
LANE_M = 14.0
REPOSE = 0.7  # slope of a heap: 35 degrees
CHASSIS_M = 1.2  # height of a trailer's deck
GANTRY_M = 16.0  # height of a yard gantry's girders
JIB_M = 26.0
CABS: dict[Colour, float] = {WHITE: 2.0, (0.05, 0.10, 0.22): 1.0, (0.30, 0.06, 0.04): 1.0, (0.06, 0.12, 0.06): 1.0}
TARPAULINS: dict[Colour, float] = {(0.09, 0.12, 0.09): 2.0, (0.06, 0.11, 0.22): 1.0, (0.25, 0.25, 0.24): 1.0}


def draw_container(frame: Frame, thing: Thing) -> None:
    """The top of a stack: a roof with a slightly darker frame."""
    frame.paint(
        frame.box(thing.length_m, thing.width_m),
        (thing.paint[0] * 0.8, thing.paint[1] * 0.8, thing.paint[2] * 0.8),
        thing.height_m,
    )
    frame.paint(frame.box(thing.length_m - 0.4, thing.width_m - 0.3), thing.paint, grain=0.04)


def draw_truck(frame: Frame, thing: Thing) -> None:
    """Lorry: a cab in front, behind it a bed or a box."""
    back = thing.length_m - 3.0
    frame.paint(frame.box(thing.length_m - 0.6, 1.1), DARK, 1.0)
    frame.paint(
        frame.box(back, thing.width_m - 0.1, -1.5),
        thing.load or (0.07, 0.065, 0.06),
        thing.height_m if thing.load else 1.3,
        grain=0.06,
    )
    frame.paint(frame.box(2.1, thing.width_m - 0.1, thing.length_m / 2 - 1.05), thing.paint, 3.0)
    frame.paint(frame.box(0.5, thing.width_m - 0.4, thing.length_m / 2 - 0.5), DARK, 2.2)


def draw_trailer(frame: Frame, thing: Thing) -> None:
    """Tractor and skeleton trailer with a container where it has a load; without a cab it is a parked chassis."""
    half, back = thing.length_m / 2, 0.0
    if thing.class_name == "truck":
        frame.paint(frame.box(2.3, 2.45, half - 1.15), thing.paint, 3.2, grain=0.04)
        frame.paint(frame.box(0.5, 2.1, half - 0.4), DARK, 2.4)
        back = 3.4
    bed = thing.length_m - back
    steel = (0.075, 0.072, 0.07)
    for side in (-0.5, 0.5):
        frame.paint(frame.box(bed, 0.3, -back / 2, side), steel, CHASSIS_M)
    for u in (-half + 0.3, -half + 1.6, -half + 2.9, half - back - 0.4):
        frame.paint(frame.box(0.5, 2.4, u), DARK, CHASSIS_M - 0.2)
    if thing.load is not None:
        long = FORTY_M if "40" in thing.note else TWENTY_M
        frame.paint(frame.box(long, WIDTH_M, -half + 0.2 + long / 2), thing.load, thing.height_m, grain=0.04)


def draw_covered(frame: Frame, thing: Thing) -> None:
    """Cargo under tarpaulins: a block with rounded shoulders, folds, and ropes across."""
    inward = np.minimum(thing.length_m / 2 - np.abs(frame.u), thing.width_m / 2 - np.abs(frame.v))
    top = thing.height_m * np.clip(0.55 + 0.45 * inward / 1.5, 0.0, 1.0) + 0.1 * frame.fine
    frame.paint(frame.box(thing.length_m, thing.width_m), thing.paint, top, grain=0.08)
    rope = frame.edge(0.08 - np.abs((frame.u + 50.0) % 4.0 - 2.0)) * frame.edge(inward)
    frame.paint(0.5 * rope, DARK)


def draw_heap(frame: Frame, thing: Thing) -> None:
    """Coal or ore: an elongated heap at its angle of repose."""
    along_m = np.maximum(np.abs(frame.u) - (thing.length_m - thing.width_m) / 2, 0.0)
    inward = thing.width_m / 2 * (1.0 + 0.04 * np.clip(frame.fine, -2, 2)) - np.hypot(along_m, frame.v)
    top = np.clip(REPOSE * inward, 0.0, thing.height_m) + 0.12 * frame.fine
    frame.paint(frame.edge(inward), thing.paint, top, grain=MATERIALS["coal"].fine)


def draw_slots(frame: Frame, thing: Thing) -> None:
    """Painted slots: lines of the size of boxes, which are none."""
    for along_m, across_m in ((FORTY_M + 0.5, WIDTH_M + 0.4),):
        off_u = np.abs((frame.u + 500.0 * along_m) % along_m - along_m / 2)
        off_v = np.abs((frame.v + 500.0 * across_m) % across_m - across_m / 2)
        lines = np.maximum(frame.edge(0.06 - off_u), frame.edge(0.06 - off_v))
        frame.paint(0.7 * np.minimum(lines, 0.12 / frame.cell_m) * frame.box(thing.length_m, thing.width_m), thing.paint)


def draw_crane(frame: Frame, thing: Thing) -> None:
    """Portal crane: four legs and beams, a machine house, and a jib ahead (a beam of its own where it is to throw a shadow)."""
    foot = thing.width_m - 1.0
    for side in (-foot / 2, foot / 2):
        frame.paint(frame.box(foot, 0.9, 0.0, side) + frame.box(0.9, foot, side, 0.0), thing.paint, 0.6 * thing.height_m)
    frame.paint(frame.box(6.0, 4.5, -1.0), thing.paint, thing.height_m, grain=0.05)
    frame.paint(frame.box(2.0, 2.0, 2.5, 1.2), WHITE, thing.height_m)
    jib = thing.length_m / 2
    for side in (-0.8, 0.8):
        taper = side * (1.0 - np.clip(frame.u / jib, 0.0, 1.0))
        frame.paint(frame.edge(0.2 - np.abs(frame.v - taper)) * ((frame.u > 0) & (frame.u < jib)), thing.paint)


def draw_legs(frame: Frame, thing: Thing) -> None:
    """Yard gantry: two sills with wheels and legs at their ends; its girders are beams."""
    for side in (-thing.width_m / 2 + 0.6, thing.width_m / 2 - 0.6):
        frame.paint(frame.box(thing.length_m, 1.0, 0.0, side), thing.paint, 1.8)
        for u in (-thing.length_m / 2 + 1.0, thing.length_m / 2 - 1.0):
            frame.paint(frame.box(0.8, 0.8, u, side), thing.paint, thing.height_m)


DRAW = {
    "container": draw_container,
    "truck": draw_truck,
    "trailer": draw_trailer,
    "covered": draw_covered,
    "heap": draw_heap,
    "slots": draw_slots,
    "crane": draw_crane,
    "gantry": draw_legs,
}


def container(x: float, y: float, azimuth_deg: float, length_m: float, tiers: int, paint: Colour) -> Thing:
    """The visible top of a stack of ``tiers``."""
    size = "45 ft" if length_m > 13 else "40 ft" if length_m > 9 else "20 ft"
    note, height = f"{size}, {tiers} high", tiers * TIER_M
    return Thing(
        "container", x, y, azimuth_deg, length_m, WIDTH_M, height, paint, "container", note, type_name=size, tiers=tiers
    )


def truck(x: float, y: float, azimuth_deg: float, rng: np.random.Generator) -> Thing:
    """A lorry of 8 or 16 m, half of them with a box."""
    length = 16.5 if rng.random() < 0.5 else 8.0
    load = pick(CONTAINER_PAINTS, rng) if rng.random() < 0.5 else None
    cab, note, height = pick(CABS, rng), "box" if load else "open", 3.9 if load else 3.0
    return Thing("truck", x, y, azimuth_deg, length, 2.5, height, cab, "truck", note, load, type_name=note)


def trailer(
    x: float, y: float, azimuth_deg: float, rng: np.random.Generator, *, cab: bool, loaded: bool, family: Family = PLAIN
) -> Thing:
    """A tractor with a container trailer (class truck), or a chassis alone; a box on it is none of the containers counted."""
    load = pick(family.palette("container"), rng) if loaded else None
    note = f"with a {'40' if rng.random() < 0.6 else '20'} ft box" if loaded else "empty"
    height, kind = CHASSIS_M + TIER_M if loaded else 3.2 if cab else CHASSIS_M, "truck" if cab else "chassis"
    word = "trailer with box" if loaded else "trailer"
    return Thing("trailer", x, y, azimuth_deg, 16.0 if cab else 12.6, 2.5, height, pick(CABS, rng), kind, note, load, word)


def covered_stack(x: float, y: float, azimuth_deg: float, rng: np.random.Generator) -> Thing:
    """Cargo under a tarpaulin, as big as a few containers."""
    length, width, height = rng.uniform(8.0, 30.0), rng.uniform(4.0, 9.0), rng.uniform(1.8, 5.0)
    paint = pick(TARPAULINS, rng)
    return Thing(
        "covered", x, y, azimuth_deg, length, width, height, paint, "covered_stack", "tarpaulin", type_name="tarpaulin"
    )


def coal_pile(x: float, y: float, azimuth_deg: float, length_m: float, width_m: float) -> Thing:
    """A heap of coal, as high as its width allows, 9 m at most."""
    height, coal = min(REPOSE * width_m / 2, 9.0), MATERIALS["coal"].colour
    return Thing("heap", x, y, azimuth_deg, length_m, width_m, height, coal, "coal_pile", "coal", type_name="coal")


def slots(x: float, y: float, azimuth_deg: float, length_m: float, width_m: float) -> Thing:
    """Painted slots on free ground."""
    return Thing("slots", x, y, azimuth_deg, length_m, width_m, 0.0, WHITE)


def crane(x: float, y: float, azimuth_deg: float) -> Thing:
    """A portal crane whose jib points to azimuth_deg."""
    return Thing("crane", x, y, azimuth_deg, 52.0, 10.5, 18.0, YELLOW, "crane", "portal crane", type_name="portal crane")


def jib(crane: Thing) -> Beam:
    """The jib of a portal crane as a beam, which throws a shadow."""
    x, y = np.array([crane.x, crane.y]) + along(crane.azimuth_deg) * JIB_M / 2
    return Beam(float(x), float(y), crane.azimuth_deg, JIB_M, 1.6, crane.height_m + 6.0, crane.paint, 0.5)


def gantry(x: float, y: float, azimuth_deg: float, span_m: float, paint: Colour = YELLOW) -> tuple[Thing, list[Beam]]:
    """A yard gantry over a block whose bays run along azimuth_deg; span_m across. Its girders are beams."""
    legs = Thing("gantry", x, y, azimuth_deg, 11.0, span_m, GANTRY_M, paint, "crane", "yard gantry", type_name="yard gantry")
    ahead = along(azimuth_deg)
    girders = [
        Beam(x + s * ahead[0], y + s * ahead[1], azimuth_deg + 90.0, span_m, 1.1, GANTRY_M, paint) for s in (-3.5, 3.5)
    ]
    return legs, girders


def stack_block(
    centre: np.ndarray,
    azimuth_deg: float,
    bays: int,
    rows: int,
    fill: float,
    rng: np.random.Generator,
    family: Family = PLAIN,
) -> list[Thing]:
    """Containers of one block: bays of 40 ft along azimuth_deg, rows beside each other, filled from one side.

    fill: share of the slots taken. A bay's slot holds one 40 ft or two 20 ft (the last bay perhaps 45 ft); runs of neighbours
    share their paint.
    """
    ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
    row_pitch, bay_pitch = WIDTH_M + rng.uniform(*family.row_gap_m), FORTY_M + rng.uniform(*family.bay_gap_m)
    things: list[Thing] = []
    paint = pick(family.palette("container"), rng)
    long_end = family.forty_five > 0 and rng.random() < family.forty_five
    for bay in range(bays):
        taken = _taken(rows, fill, family.ragged, rng)
        parts = _parts(rng.random() < family.forty, long_end and bay == bays - 1, family, rng)
        tiers = int(rng.integers(1, family.highest + 1))
        for row in range(taken):
            if rng.random() < 1.0 - family.same_box:
                paint = pick(family.palette("container"), rng)
            tiers = int(np.clip(tiers + rng.integers(-1, 2), 1, family.highest)) if rng.random() < 0.3 else tiers
            if family.holes and rng.random() < family.holes:
                continue
            turn = family.skew_deg * rng.standard_normal() if family.skew_deg else 0.0
            slot = centre + ahead * (bay - (bays - 1) / 2) * bay_pitch + aside * (row - (rows - 1) / 2) * row_pitch
            for number, (shift, length) in enumerate(parts):
                if number and rng.random() >= family.twins:
                    paint = pick(family.palette("container"), rng)
                x, y = slot + ahead * (shift + rng.normal(0.0, 0.05)) + aside * rng.normal(0.0, 0.03)
                things.append(container(float(x), float(y), azimuth_deg + turn, length, tiers, paint))
    return things


def _taken(rows: int, fill: float, ragged: float, rng: np.random.Generator) -> int:
    """Slots taken in a bay."""
    if not 0.0 < fill < 1.0:
        return int(rows * fill)
    return int(np.clip(np.rint(rows * fill + rng.normal(0.0, ragged * rows)), 0, rows))


def _parts(forty: bool, forty_five: bool, family: Family, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """What stands in a slot: shift along it, and length, of each box."""
    if forty_five:
        return (((FORTY_FIVE_M - FORTY_M) / 2, FORTY_FIVE_M),)
    if forty:
        return ((0.0, FORTY_M),)
    gap = rng.uniform(*family.twin_gap_m)
    return (-(TWENTY_M + gap) / 2, TWENTY_M), ((TWENTY_M + gap) / 2, TWENTY_M)


def block_places(
    ring: np.ndarray, azimuth_deg: float, length_m: float, width_m: float, margin_m: float
) -> Iterator[np.ndarray]:
    """Centres of blocks of this size that fit into a ring beside each other, with lanes between and a margin to the edge."""
    ring = np.asarray(ring, float)
    middle = ring.mean(axis=0)
    ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
    u, v = (ring - middle) @ ahead, (ring - middle) @ aside
    for at_u in np.arange(u.min() + margin_m + length_m / 2, u.max() - margin_m, length_m + LANE_M):
        for at_v in np.arange(v.min() + margin_m + width_m / 2, v.max() - margin_m, width_m + LANE_M):
            centre = middle + ahead * at_u + aside * at_v
            grown = 2 * margin_m - 0.02  # an edge on the ring's is neither in nor out
            corners = rectangle(centre, length_m + grown, width_m + grown, azimuth_deg)
            if inside(ring, corners[:, 0], corners[:, 1]).all():
                yield centre


def _near_edge(ring: np.ndarray, start: np.ndarray, out: np.ndarray, back_m: float) -> tuple[float, float]:
    """The point back_m before the edge of a ring, going from a start inside it in the direction ``out``."""
    steps = np.arange(0.0, 500.0)
    points = start + steps[:, None] * out
    x, y = start + out * (np.argmin(inside(ring, points[:, 0], points[:, 1])) - back_m)
    return float(x), float(y)


def pier(
    name: str,
    ring: np.ndarray,
    azimuth_deg: float,
    rng: np.random.Generator,
    *,
    fill: float,
    bays: int = 3,
    rows: int = 6,
    trucks: int = 4,
    cranes: int = 2,
) -> Layout:
    """A pier with stacking blocks along azimuth_deg, up to one lorry a lane and cranes at its edges (the
    first to the right of azimuth_deg) with their jibs turned in.

    fill: share of container slots taken, 0..1; blocks fill one after the other from the root, the last in part.
    Zones: one yard (a polygon a block, with free ground round it).
    """
    from shapely.geometry import MultiPolygon, Polygon

    ring = np.asarray(ring, float)
    middle = ring.mean(axis=0)
    length, width = bays * (FORTY_M + 0.7), rows * (WIDTH_M + 0.4)
    places = list(block_places(ring, azimuth_deg, length, width, GROUND_ROUND_BLOCK_M + 8.0))
    things: list[Thing] = []
    for number, place in enumerate(places):
        things += stack_block(place, azimuth_deg, bays, rows, float(np.clip(fill * len(places) - number, 0.0, 1.0)), rng)
    ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
    for number in rng.permutation(len(places))[:trucks]:
        x, y = places[number] - aside * (width / 2 + LANE_M / 2) + ahead * rng.uniform(-0.4, 0.4) * length
        things.append(truck(float(x), float(y), azimuth_deg + 180.0 * rng.integers(2), rng))
    for k in range(cranes):
        out = aside if k % 2 == 0 else -aside
        x, y = _near_edge(ring, middle + ahead * rng.uniform(-60.0, 60.0), out, 9.0)
        things.append(crane(x, y, azimuth_deg + rng.uniform(-12.0, 12.0)))
    grown = 2 * GROUND_ROUND_BLOCK_M
    yard = MultiPolygon([Polygon(rectangle(place, length + grown, width + grown, azimuth_deg)) for place in places])
    inner = middle + (ring - middle) * 0.95
    zones = (Zone(f"yard-{name}", "yard", yard, f"Container yard, {name} pier"),) if places else ()
    return Layout((Area(ring, "quay"), Area(inner, "concrete")), things=tuple(things), zones=zones)
