"""Piers with containers, lorries and cranes: drawing, and yards to lay out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..zones import Zone
from .canvas import Frame
from .layout import Area, Layout, Thing, along, inside, rectangle, right_of
from .palette import CONTAINER_PAINTS, DARK, WHITE, YELLOW, Colour, pick

TWENTY_M, FORTY_M, WIDTH_M, TIER_M = 6.058, 12.192, 2.438, 2.591  # ISO 668
GROUND_ROUND_BLOCK_M = 4.0  # what a yard zone leaves free round its containers
LANE_M = 14.0


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


def draw_crane(frame: Frame, thing: Thing) -> None:
    """Portal crane: four legs and beams, a machine house, and a jib ahead (which throws no shadow here)."""
    foot = thing.width_m - 1.0
    for side in (-foot / 2, foot / 2):
        frame.paint(frame.box(foot, 0.9, 0.0, side) + frame.box(0.9, foot, side, 0.0), thing.paint, 0.6 * thing.height_m)
    frame.paint(frame.box(6.0, 4.5, -1.0), thing.paint, thing.height_m, grain=0.05)
    frame.paint(frame.box(2.0, 2.0, 2.5, 1.2), WHITE, thing.height_m)
    jib = thing.length_m / 2
    for side in (-0.8, 0.8):
        taper = side * (1.0 - np.clip(frame.u / jib, 0.0, 1.0))
        frame.paint(frame.edge(0.2 - np.abs(frame.v - taper)) * ((frame.u > 0) & (frame.u < jib)), thing.paint)


DRAW = {"container": draw_container, "truck": draw_truck, "crane": draw_crane}


def container(x: float, y: float, azimuth_deg: float, length_m: float, tiers: int, paint: Colour) -> Thing:
    """The visible top of a stack of ``tiers``."""
    note = f"{'40' if length_m > 9 else '20'} ft, {tiers} high"
    return Thing("container", x, y, azimuth_deg, length_m, WIDTH_M, tiers * TIER_M, paint, "container", note)


def truck(x: float, y: float, azimuth_deg: float, rng: np.random.Generator) -> Thing:
    """A lorry of 8 or 16 m, half of them with a box."""
    length = 16.5 if rng.random() < 0.5 else 8.0
    load = pick(CONTAINER_PAINTS, rng) if rng.random() < 0.5 else None
    cab = pick({WHITE: 2.0, (0.05, 0.10, 0.22): 1.0, (0.30, 0.06, 0.04): 1.0, (0.06, 0.12, 0.06): 1.0}, rng)
    return Thing(
        "truck", x, y, azimuth_deg, length, 2.5, 3.9 if load else 3.0, cab, "truck", "box" if load else "open", load
    )


def crane(x: float, y: float, azimuth_deg: float) -> Thing:
    """A portal crane whose jib points to azimuth_deg."""
    return Thing("crane", x, y, azimuth_deg, 52.0, 10.5, 18.0, YELLOW, "crane", "portal crane")


def stack_block(
    centre: np.ndarray, azimuth_deg: float, bays: int, rows: int, fill: float, rng: np.random.Generator
) -> list[Thing]:
    """Containers of one block: bays of 40 ft along azimuth_deg, rows beside each other, filled from one side.

    fill: share of the slots taken. A bay's slot holds one 40 ft or two 20 ft; runs of neighbours share their paint.
    """
    ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
    row_pitch, bay_pitch = WIDTH_M + rng.uniform(0.2, 0.4), FORTY_M + rng.uniform(0.45, 0.7)
    things: list[Thing] = []
    paint = pick(CONTAINER_PAINTS, rng)
    for bay in range(bays):
        taken = (
            int(np.clip(np.rint(rows * fill + rng.normal(0.0, 0.15 * rows)), 0, rows))
            if 0.0 < fill < 1.0
            else int(rows * fill)
        )
        forty = rng.random() < 0.45
        tiers = int(rng.integers(1, 4))
        for row in range(taken):
            if rng.random() < 0.3:
                paint = pick(CONTAINER_PAINTS, rng)
            tiers = int(np.clip(tiers + rng.integers(-1, 2), 1, 3)) if rng.random() < 0.3 else tiers
            slot = centre + ahead * (bay - (bays - 1) / 2) * bay_pitch + aside * (row - (rows - 1) / 2) * row_pitch
            parts = (
                ((0.0, FORTY_M),) if forty else ((-(FORTY_M - TWENTY_M) / 2, TWENTY_M), ((FORTY_M - TWENTY_M) / 2, TWENTY_M))
            )
            for shift, length in parts:
                x, y = slot + ahead * (shift + rng.normal(0.0, 0.05)) + aside * rng.normal(0.0, 0.03)
                things.append(container(float(x), float(y), azimuth_deg, length, tiers, paint))
    return things


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
            corners = rectangle(centre, length_m + 2 * margin_m, width_m + 2 * margin_m, azimuth_deg)
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
