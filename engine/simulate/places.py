"""Random places of a family: container yards, rail yards, roadsteads and berths, each with its zones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..zones import Zone
from . import port, rail, ships
from .family import FIT, Family
from .layout import Area, Beam, Bounds, Cloud, Layout, Thing, along, rectangle, right_of

CLUTTER = 0.35  # chance of each kind of thing that is not counted
LEAST_GAP_M = 4.0  # between rakes
OPEN_SEA_M = 15.0  # between ships, and from a ship to the edge


def container_yard(
    centre: np.ndarray, length_m: float, width_m: float, azimuth_deg: float, rng: np.random.Generator, *, fill: float,
    family: Family = FIT,
) -> Layout:  # fmt: skip
    """A paved yard with stacking blocks along azimuth_deg, and between them trailers, gantries, covered stacks and heaps.

    fill: share of the slots taken; 0 leaves painted slots, chassis and the rest. Zone: ``yard``, a polygon a block, with 3 to
    6 m of free ground round it, up to a degree askew.
    """
    from shapely.geometry import MultiPolygon, Polygon

    ring = rectangle(centre, length_m, width_m, azimuth_deg)
    bays, rows = int(rng.integers(2, 6)), int(rng.integers(4, 9))
    block = bays * (port.FORTY_M + family.bay_gap_m[1]), rows * (port.WIDTH_M + family.row_gap_m[1])
    places = list(port.block_places(ring, azimuth_deg, *block, 8.0))
    layout = Layout((Area(ring, str(rng.choice(family.yard_grounds))),), ground=str(rng.choice(family.rail_grounds)))
    polygons: list[Polygon] = []
    for place in places:
        other = rng.random() < CLUTTER / 2 and len(places) > 1 and polygons
        things, beams = _other_block(place, azimuth_deg, block, rng) if other else _stacks(
            place, azimuth_deg, (bays, rows), block, fill, family, rng
        )  # fmt: skip
        layout = layout.with_(things=[*things, *_in_lane(place, azimuth_deg, block, family, rng)], beams=beams)
        if not other:
            free = 2 * rng.uniform(3.0, 6.0)
            polygons.append(Polygon(rectangle(place, block[0] + free, block[1] + free, azimuth_deg + rng.uniform(-1, 1))))
    return layout.with_(zones=[Zone("yard", "yard", MultiPolygon(polygons), "Container yard")] if polygons else [])


def _xy(point: np.ndarray) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _stacks(  # type: ignore[no-untyped-def]
    place, azimuth_deg, number, block, fill, family, rng
) -> tuple[list[Thing], list[Beam]]:
    """A block with its containers, perhaps on painted slots, perhaps under a gantry."""
    taken = float(np.clip(fill + 0.2 * rng.standard_normal(), 0.02, 1.0)) if 0.0 < fill < 1.0 else fill
    things = port.stack_block(place, azimuth_deg, number[0], number[1], taken, rng, family)
    if rng.random() < CLUTTER:
        things = [port.slots(*_xy(place), azimuth_deg, *block), *things]
    if rng.random() > CLUTTER / 3:
        return things, []
    spot = place + along(azimuth_deg) * rng.uniform(-0.4, 0.4) * block[0]
    legs, girders = port.gantry(*_xy(spot), azimuth_deg, block[1] + 5.0)
    return [*things, legs], girders


def _other_block(place, azimuth_deg, block, rng) -> tuple[list[Thing], list[Beam]]:  # type: ignore[no-untyped-def]
    """Covered stacks, a row of parked chassis, or coal where a block of containers might stand."""
    ahead = along(azimuth_deg)
    kind = rng.integers(3)
    if kind == 0:
        return [port.covered_stack(*_xy(place), azimuth_deg + rng.uniform(-4, 4), rng)], []
    if kind == 1:
        return [port.coal_pile(*_xy(place), azimuth_deg, 0.8 * max(block), 0.8 * min(block))], []
    ranks = np.arange(-block[0] / 2 + 2.0, block[0] / 2 - 2.0, 3.4)
    parked = [place + ahead * at for at in ranks if rng.random() < 0.8]
    chassis = [port.trailer(*_xy(spot), azimuth_deg + 90.0, rng, cab=False, loaded=rng.random() < 0.15) for spot in parked]
    return chassis, []


def _in_lane(place, azimuth_deg, block, family, rng) -> list[Thing]:  # type: ignore[no-untyped-def]
    """Perhaps a lorry or a tractor with a trailer in the lane beside a block."""
    if rng.random() > CLUTTER:
        return []
    side = right_of(azimuth_deg) * (block[1] / 2 + port.LANE_M / 2) * rng.choice([-1, 1])
    spot = place + side + along(azimuth_deg) * rng.uniform(-0.4, 0.4) * block[0]
    heading = azimuth_deg + 180.0 * rng.integers(2) + rng.uniform(-3, 3)
    if rng.random() < 0.5:
        return [port.truck(*_xy(spot), heading, rng)]
    return [port.trailer(*_xy(spot), heading, rng, cab=True, loaded=rng.random() < 0.6, family=family)]


def rail_yard(
    centre: np.ndarray, length_m: float, tracks: int, azimuth_deg: float, rng: np.random.Generator, *, fill: float,
    family: Family = FIT,
) -> Layout:  # fmt: skip
    """Parallel tracks with trains, and round them portals, switches, a platform, a road with lorries.

    fill: share of the tracks' length taken; about a quarter of several tracks is empty whatever it is, all at 0. Zones: ``track-1`` …,
    lines within half a metre of the track.
    """
    from shapely.geometry import LineString

    ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
    spacing = rng.uniform(*family.spacing_m)
    layout = Layout(ground=str(rng.choice(family.rail_grounds)), bed=str(rng.choice(family.beds)))
    lines = []
    for number in range(tracks):
        middle = centre + aside * (number - (tracks - 1) / 2) * spacing
        line = np.array([middle - ahead * length_m / 2, middle + ahead * length_m / 2])
        lines.append(line)
        off = aside * float(np.clip(rng.normal(0.0, 0.2), -0.45, 0.45))
        zone = Zone(f"track-{number + 1}", "track", LineString(line + off), f"Track {number + 1}")
        empty = fill == 0.0 or (tracks > 1 and rng.random() < 0.25)
        standing = [] if empty else trains(line, length_m, fill, rng, family)
        layout = layout.with_(tracks=[line + np.outer([-40.0, 40.0], ahead)], things=standing, zones=[zone])
    half_m = (tracks - 1) * spacing / 2 + 1.7
    if rng.random() < 0.7:  # ballast as far as the outer tracks' shoulders, as in most yards
        layout = replace(layout, areas=(Area(rectangle(centre, length_m + 80.0, 2 * half_m, azimuth_deg), layout.bed),))
    if tracks > 1 and rng.random() < CLUTTER:
        k, at = int(rng.integers(tracks - 1)), rng.uniform(0.05, 0.8) * length_m
        join = np.array([lines[k][0] + ahead * at, lines[k + 1][0] + ahead * (at + 9.5 * spacing)])
        layout = layout.with_(tracks=[join])
    if rng.random() < CLUTTER:
        masts, girders = rail.portals(lines[0], (2.8, 2 * half_m - 1.0), rng.uniform(45.0, 65.0), rng)
        layout = layout.with_(things=masts, beams=girders)
    return _beside_tracks(layout, centre, length_m, half_m, azimuth_deg, rng)


def _beside_tracks(layout, centre, length_m, half_m, azimuth_deg, rng) -> Layout:  # type: ignore[no-untyped-def]
    """A platform or a building on one side, a road with a lorry or a strip of another ground on the other."""
    ahead, aside = along(azimuth_deg), right_of(azimuth_deg) * rng.choice([-1, 1])
    if rng.random() < CLUTTER / 2:
        platform = rectangle(centre - aside * (half_m + 3.0), min(180.0, length_m), 5.0, azimuth_deg)
        layout = layout.with_(areas=[Area(platform, "quay", 0.8)])
        if rng.random() < 0.5:
            roof = rectangle(centre - aside * (half_m + 14.0), 40.0, 10.0, azimuth_deg)
            layout = layout.with_(areas=[Area(roof, str(rng.choice(["roof", "red roof"])), 6.0)])
    if rng.random() < 2 * CLUTTER:
        road = centre + aside * (half_m + rng.uniform(5.0, 10.0))
        strip = Area(
            rectangle(road, length_m + 200.0, 6.5, azimuth_deg), str(rng.choice(["asphalt", layout.ground, "soil"]))
        )
        layout = layout.with_(areas=[strip])
        if rng.random() < 0.5:
            spot = road + ahead * rng.uniform(-0.4, 0.4) * length_m
            layout = layout.with_(things=[port.truck(*_xy(spot), azimuth_deg, rng)])
    return layout


def trains(line: np.ndarray, length_m: float, fill: float, rng: np.random.Generator, family: Family = FIT) -> list[Thing]:
    """One to three rakes on a track, of about ``fill`` of its length together; some with a locomotive, few of coaches."""
    things: list[Thing] = []
    parts = int(rng.integers(1, 4))
    wanted_m = float(np.clip(fill + 0.15 * rng.standard_normal(), 0.1, 1.0)) * (length_m - LEAST_GAP_M * (parts + 1))
    shares = rng.dirichlet(np.full(parts, 3.0)) * wanted_m
    rakes = [_rake(share, rng, family) for share in shares]
    free_m = length_m - sum(sizes[kind][0] for kinds, sizes in rakes for kind in kinds) - LEAST_GAP_M * (parts + 1)
    at = 0.0
    for (kinds, sizes), gap in zip(rakes, rng.dirichlet(np.ones(parts + 1)) * max(free_m, 0.0)):
        at += LEAST_GAP_M + gap
        loaded = float(rng.choice([0.0, 0.7, 1.0], p=[0.25, 0.4, 0.35]))
        things += rail.train(line, at, kinds, rng, loaded, sizes=sizes, family=family)
        at += sum(sizes[kind][0] for kind in kinds)
    return things


def _rake(length_m: float, rng: np.random.Generator, family: Family) -> tuple[list[str], dict[str, rail.Size]]:
    """Kinds of vehicles that fit into a length, and the sizes of this rake's models."""
    sizes = {kind: (rail.LONGER if rng.random() < 0.3 else rail.WAGONS)[kind] for kind in rail.WAGONS}
    mix = {**rail.MIX, "flat": 0.08}
    weights = rng.dirichlet(4.0 * np.array(list(mix.values())) / sum(mix.values()) + 0.05)
    kinds = rail.rake(40, rng, family.same_wagon, dict(zip(mix, weights)))
    if rng.random() < 0.06:
        kinds = ["coach"] * 40
    if rng.random() < 0.3:
        kinds = ["locomotive", *kinds]
    ends = np.cumsum([sizes[kind][0] for kind in kinds])
    return kinds[: int(np.searchsorted(ends, length_m, side="right"))], sizes


def roadstead(bounds: Bounds, rng: np.random.Generator, *, fill: float, family: Family = FIT, most: int = 14) -> Layout:
    """Open water with ships at anchor and under way; perhaps glint, clouds and boats.

    fill: of 0..1, times the ships of 30 to 220 m that anchor loosely in such a box, at most ``most``. Boats under 9 m are of the
    class boat. Zone: ``roadstead``, the box less a rim.
    """
    from shapely.geometry import box

    west, south, east, north = bounds
    layout = _sea(bounds, family, rng)
    room_m = min(east - west, north - south)
    number = int(np.ceil(fill * min(most, (east - west) * (north - south) / 160.0**2))) if fill else 0
    spots: list[tuple[float, float, float]] = []
    wind = rng.uniform(0.0, 360.0)
    for _ in range(number):
        length = float(np.clip(rng.lognormal(np.log(85.0), 0.55), 32.0, min(220.0, 0.3 * room_m)))
        spot = _free_spot(bounds, spots, length, rng)
        if spot is None:
            continue
        kind = str(rng.choice(["ship", "tanker", "barge"], p=[0.65, 0.2, 0.15]))
        if rng.random() < 0.4:
            vessel = ships.under_way(*spot, rng.uniform(0.0, 360.0), length, rng, kind, family)
        else:  # at anchor: bow into the wind
            vessel = [ships.ship(*spot, wind + rng.normal(0.0, 12.0), length, rng, kind, family)]
        spots.append((*spot, length))
        layout = layout.with_(things=vessel[::-1])
    if rng.random() < CLUTTER:
        layout = layout.with_(
            things=[_boat(spot, rng, family) for _ in range(3) if (spot := _free_spot(bounds, spots, 40, rng))]
        )
    return layout.with_(zones=[Zone("roadstead", "water", box(west + 5, south + 5, east - 5, north - 5), "Roadstead")])


def _boat(spot: tuple[float, float], rng: np.random.Generator, family: Family) -> Thing:
    length = rng.uniform(4.0, 9.0)
    boat = ships.ship(*spot, rng.uniform(0.0, 360.0), length, rng, "barge", family)
    return replace(boat, height_m=1.5, class_name="boat", note="boat", type_name="boat", width_m=length / 3.2)


def _sea(bounds: Bounds, family: Family, rng: np.random.Generator) -> Layout:
    """Water, perhaps with a patch of glint and clouds."""
    west, south, east, north = bounds
    size, middle = np.array([east - west, north - south]), np.array([west + east, south + north]) / 2
    ring = rectangle(middle, 3 * size[1], 3 * size[0], 0.0)
    layout = Layout((Area(ring, str(rng.choice(family.waters)), ships.WATER_LEVEL_M),))
    if rng.random() < CLUTTER / 2:
        x, y = middle + rng.uniform(-0.3, 0.3, 2) * size
        glint = Thing(
            "glint", float(x), float(y), rng.uniform(0, 180), 0.9 * size[1], 0.5 * size[0], ships.WATER_LEVEL_M, (1, 1, 1)
        )
        layout = layout.with_(things=[glint])
    if rng.random() < CLUTTER / 2:
        clouds = [
            Cloud(
                *_xy(middle + rng.uniform(-0.5, 0.5, 2) * size), rng.uniform(0.04, 0.16) * size.min(), rng.uniform(300, 1200)
            )
            for _ in range(int(rng.integers(1, 5)))
        ]
        layout = layout.with_(clouds=clouds)
    return layout


def _free_spot(bounds, spots, length_m, rng) -> tuple[float, float] | None:  # type: ignore[no-untyped-def]
    """A place for a ship that keeps clear of the others and of the edge, or None after 20 tries."""
    west, south, east, north = bounds
    off = length_m / 2 + OPEN_SEA_M
    for _ in range(20 if min(east - west, north - south) > 2 * off else 0):
        x, y = rng.uniform(west + off, east - off), rng.uniform(south + off, north - off)
        if all(np.hypot(x - a, y - b) > (length_m + other) / 2 + OPEN_SEA_M for a, b, other in spots):
            return float(x), float(y)
    return None


def berths(
    centre: np.ndarray, length_m: float, azimuth_deg: float, rng: np.random.Generator, *, fill: float, family: Family = FIT
) -> Layout:
    """A quay of this length along azimuth_deg with the water to its left: ships alongside, some rafted; cranes and sheds behind.

    fill: share of the quay taken. Zone: ``berth``, the strip of water along the quay.
    """
    ahead, aside = along(azimuth_deg), right_of(azimuth_deg)
    start, end = centre - ahead * length_m / 2, centre + ahead * length_m / 2
    far = length_m + 200.0
    land = rectangle(centre + aside * 300.0, 2 * far, 600.0, azimuth_deg)
    apron = rectangle(centre + aside * 17.0, 2 * far, 34.0, azimuth_deg)
    water = Area(rectangle(centre, 3 * far, 3 * far, azimuth_deg), str(rng.choice(family.waters)), ships.WATER_LEVEL_M)
    paved = str(rng.choice(family.yard_grounds))
    layout = Layout((water, Area(land, str(rng.choice(family.rail_grounds))), Area(apron, paved)))
    vessels = ships.moored(start, end, _lengths(length_m, fill, rng), rng)
    for vessel in vessels:
        kind = str(rng.choice(["ship", "tanker", "barge"], p=[0.7, 0.15, 0.15]))
        lying = ships.ship(vessel.x, vessel.y, vessel.azimuth_deg, vessel.length_m, rng, kind, family)
        shift = -aside * (lying.width_m - vessel.width_m) / 2
        lying = replace(lying, x=float(vessel.x + shift[0]), y=float(vessel.y + shift[1]))
        layout = layout.with_(things=[lying, *_raft(lying, aside, rng, family)])
    for at in np.arange(0.1, 1.0, 0.25):
        spot = start + ahead * at * length_m
        if rng.random() < CLUTTER:
            turn = float(rng.choice([-90.0, 0.0, 180.0, 90.0]) + rng.uniform(-15, 15))
            crane = port.crane(*_xy(spot + aside * 8.0), azimuth_deg + turn)
            layout = layout.with_(things=[crane], beams=[port.jib(crane)])
        if rng.random() < CLUTTER:
            shed = rectangle(spot + aside * 48.0, 50.0, 18.0, azimuth_deg)
            layout = layout.with_(areas=[Area(shed, str(rng.choice(["roof", "red roof"])), 8.0)])
        elif rng.random() < 2 * CLUTTER:
            layout = layout.with_(things=port.stack_block(spot + aside * 27.0, azimuth_deg, 2, 3, 0.7, rng, family))
    return layout.with_(zones=[ships.berth("berth", start, end, "Berth")])


def _lengths(quay_m: float, fill: float, rng: np.random.Generator) -> list[float]:
    """Lengths of ships that take about ``fill`` of a quay."""
    lengths: list[float] = []
    for _ in range(12 if fill else 0):
        length = float(np.clip(rng.lognormal(np.log(80.0), 0.4), 32.0, 180.0))
        if sum(lengths) + length + 10.0 * (len(lengths) + 2) <= max(fill, 60.0 / quay_m) * quay_m:
            lengths.append(length)
    return lengths


def _raft(vessel: Thing, aside: np.ndarray, rng: np.random.Generator, family: Family) -> list[Thing]:
    """Seldom a second, smaller ship outside a slim one."""
    if rng.random() > 0.15 or vessel.width_m > 14.0:
        return []
    second = ships.ship(0.0, 0.0, vessel.azimuth_deg, vessel.length_m * rng.uniform(0.7, 1.0), rng, "ship", family)
    x, y = np.array([vessel.x, vessel.y]) - aside * ((vessel.width_m + second.width_m) / 2 + ships.FENDER_M)
    return [replace(second, x=float(x), y=float(y))]
