"""How high stacks of boxes may be: a range of tiers a box, from its shadow on the ground and from its leaning side.

Beyond the down-sun edge of a block the ground is dark as far as the shadow's rim: the stack's height (``stack_light``), or that of a
higher one behind it. A stack further back that reached higher would throw the longer shadow, so the same rim is an upper bound for all
stacks up-sun of it. Where the next block stands nearer than the rim, only a lower bound is left, and nothing is said of stacks whose
shadow falls on other boxes all the way. Every stack is at least one tier high: that tells what dark ground looks like beside each edge,
and ground up-sun of the blocks what lit ground does, without thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..detections import Detections
from ..patch import Patch
from ..tiles import grown
from .base import Progress, SceneLike, silent
from .block_boxes import WIDTH_M
from .edge_rays import BESIDE_M, FREE_M, Edges, Exits, Rays, numbered
from .stack_light import ANGLE_ERROR, EDGE_ERROR_PX, HIGH_CUBE_M, SUN_ERROR, TIER_M, Light

MOST_TIERS = 8  # as high as handlers of empty boxes stack; laden ones stand lower
INTERVAL = 1.645  # standard deviations: 90 %
FINEST_M = 0.2  # pixels need be no smaller: a tier's shadow is metres long
REACH_M = 60.0  # no aisle is wider
SURE = (0.3, 0.85)  # of a tier: what lies this far along is shadow, or side, whatever the height
LIT_M = (0.8, 2.5)  # up-sun of an edge: ground that no shadow of this block reaches
SQUARE_M = 150.0  # boxes are worked off in squares of this side, which bounds the memory
FEW_EDGES = 2  # fewer do not show that the shadows lie as the sun stands
DARKEST, BRIGHTEST = (
    25,
    75,
)  # percentiles: false boxes lie in shadows and have lit ground down-sun, the next block's shadow is dark
DARKER = 0.75  # shadows are at most this bright, lit ground being 1
MORE_DARK = 0.3  # share of edges with dark ground beside them: down-sun this much more often than up-sun
SHADED = 0.05  # cosine between a side's normal and the shadows' way from which it lies in shade
STANDS_OUT = 2.5  # times as unlike the ground's middle colour as half of the ground is
RIM = (
    0.3,
    0.45,
    0.6,
)  # of the way from dark to lit ground: they lie apart where darker ground begins there, which widens the range
LEAST_TIERS = 0.7  # what ends nearer is something else that stands beside the box


@dataclass(frozen=True)
class Heights:
    """What the boxes' tiers may be: low, high (N), whole numbers, NaN where not known. measured: bool (N), those at an edge
    where something was measured. why: what kept heights unknown, in words."""

    low: np.ndarray
    high: np.ndarray
    measured: np.ndarray
    why: str = ""

    @classmethod
    def unknown(cls, count: int, why: str = "") -> Heights:
        """Nothing known of any."""
        return cls(np.full(count, np.nan), np.full(count, np.nan), np.zeros(count, bool), why)


@dataclass(frozen=True)
class Measured:
    """Heights in metres of the boxes of M edges: metre (NaN where not seen) and its sd; at_least_m: where an aisle is too narrow (NaN elsewhere)."""

    box: np.ndarray
    metre: np.ndarray
    sd: np.ndarray
    at_least_m: np.ndarray


def stack_heights(scene: SceneLike, boxes: Detections, light: Light, progress: Progress = silent) -> Heights:
    """Tiers of the boxes (N) of one zone. Never fails: where nothing can be said, ``why`` says so.

    sd of a height: EDGE_ERROR_PX pixels, what is not known of sun and look, and how gently the shadow ends. Several edges of a box: inverse variances, or
    the hull of their intervals where they contradict each other.
    """
    detail = max(scene.gsd_m, scene.effective_gsd_m)
    problem, lean_problem = light.problem(detail), light.lean_problem(detail)
    if (problem and lean_problem) or not len(boxes):
        return Heights.unknown(len(boxes), f"{problem}; {lean_problem}" if problem else "")
    scale = float(np.median(boxes.width_m)) / WIDTH_M  # the true pixel's, against the nominal
    found, bounds, why = [], np.full(len(boxes), np.inf), [problem, lean_problem]
    shaded, leaning = _look(scene, boxes, light, not problem, not lean_problem, progress)
    if shaded:
        shadows = Shadows.together(shaded)
        size = float(np.hypot(*light.rim)) * scale
        dark, lit, why[0] = _levels(shadows, TIER_M * size)
        if not why[0]:
            found.append(_from_shadows(shadows.down, dark, lit, light, detail, scale))
            bounds = _behind(shadows.exits, found[0], size, len(boxes))
    if leaning:
        sides = _from_sides(Sides.together(leaning), light, detail, scale)
        why[1] = "" if sides else "the sides of stacks do not stand out from the ground"
        if sides and light.sun_azimuth_deg is not None:
            found.append(sides)
        elif sides:  # a side may run into its shadow
            np.fmin.at(bounds, sides.box, sides.metre + INTERVAL * sides.sd)
    return _tiers(found, bounds, len(boxes), "; ".join(why) if all(why) else "")


@dataclass(frozen=True)
class Shadows:
    """What lies beside boxes in the light. down: beyond free edges that face down-sun; up: beyond those that face the sun; exits: where
    lines down-sun from the other edges leave their block."""

    down: Rays
    up: Rays
    exits: Exits

    @classmethod
    def together(cls, parts: Sequence[Shadows]) -> Shadows:
        """All of several."""
        down, up = (Rays.together([getattr(part, name) for part in parts]) for name in ("down", "up"))
        return cls(down, up, Exits.together([part.exits for part in parts]))


@dataclass(frozen=True)
class Sides:
    """How unlike the ground it is (negative) beyond free edges in the sun: that face the sensor, and away from it. other: as unlike
    is half of the ground."""

    facing: Rays
    away: Rays
    other: float

    @classmethod
    def together(cls, parts: Sequence[Sides]) -> Sides:
        """All of several."""
        facing, away = (Rays.together([getattr(part, name) for part in parts]) for name in ("facing", "away"))
        return cls(facing, away, float(np.median([part.other for part in parts])))


def _look(
    scene: SceneLike, boxes: Detections, light: Light, shadows: bool, sides: bool, progress: Progress
) -> tuple[list, list]:
    """Shadows and sides, square by square; each only where asked for."""
    reach = _reach(light.rim) if shadows else 0.0, _reach(light.foot) if sides else 0.0
    shaded, leaning = [], []
    for mine, patch, numbers in _squares(scene, boxes, max(reach), progress):
        if shadows:
            value, way = patch.luminance(), light.rim / np.hypot(*light.rim)
            edges = Edges.facing_to(boxes, way, mine)
            down = Rays.cast(edges, way, reach[0], patch, value, numbers)
            up = Rays.cast(Edges.facing_to(boxes, -way, mine), -way, LIT_M[1], patch, value, numbers)
            shaded.append(Shadows(down, up, Exits.find(edges, way, reach[0], patch, numbers)))
        if sides:
            leaning.append(_leaning(boxes, light, mine, patch, numbers, reach[1]))
    return shaded, leaning


def _leaning(boxes: Detections, light: Light, mine: np.ndarray, patch: Patch, numbers: np.ndarray, reach: float) -> Sides:
    """The sides of some boxes. Those in shade run into their shadow and are left out."""
    some, rgb = np.s_[::3, ::3], patch.rgb()
    bare = (numbers[some] < 0) & patch.valid[some]
    ground = np.median(rgb[:, ::3, ::3][:, bare], axis=1) if bare.any() else np.zeros(3)
    unlike = np.abs(rgb - ground[:, None, None].astype(np.float32)).sum(0)
    way = light.foot / np.hypot(*light.foot)

    def cast(way: np.ndarray, far: float) -> Rays:
        edges = Edges.facing_to(boxes, way, mine)
        return Rays.cast(edges.select(edges.along(light.down_sun) < SHADED), way, far, patch, -unlike, numbers)

    return Sides(cast(way, reach), cast(-way, FREE_M), float(np.median(unlike[some][bare])) if bare.any() else 0.0)


def _reach(way: np.ndarray) -> float:
    """As far as the highest stack shows along a way, in metres, and a little more."""
    return min((MOST_TIERS * HIGH_CUBE_M + 2.0) * float(np.hypot(*way)) + 2.0, REACH_M)


def _levels(shadows: Shadows, tier_m: float) -> tuple[np.ndarray, float, str]:
    """Brightness: dark beside each edge, NaN where it is not; of lit ground; and why shadows tell nothing, empty where they do."""
    start, end = (share * tier_m for share in SURE)
    wide = (
        shadows.down.free_m > end + BESIDE_M
    )  # an aisle in which even one tier's shadow ends; else the next block's side is seen
    dark, bright = np.where(wide, shadows.down.mean(start, end), np.nan), shadows.up.mean(*LIT_M)
    seen, bright = dark[np.isfinite(dark)], bright[np.isfinite(bright)]
    if min(len(seen), len(bright)) < FEW_EDGES:
        return dark, np.nan, "too few stacks have bare ground beside them to see where their shadows end"
    shade, sunny = float(np.percentile(seen, DARKEST)), float(np.percentile(bright, BRIGHTEST))
    level = (shade + sunny) / 2
    if shade > DARKER * sunny or np.mean(seen < level) - np.mean(bright < level) < MORE_DARK:
        return dark, np.nan, "the shadows do not show, or do not lie as the sun's azimuth says"
    return np.where(dark < level, dark, np.nan), sunny, ""


def _from_shadows(rays: Rays, dark: np.ndarray, lit: float, light: Light, detail: float, scale: float) -> Measured:
    """Heights by the length of the shadow beyond each free down-sun edge; levels of brightness as ``_levels`` gives them."""
    size = float(np.hypot(*light.rim))
    seen, dark = np.isfinite(dark), np.nan_to_num(dark)
    first, rim, last = (rays.rise_m(dark + share * (lit - dark)) for share in RIM)
    end = rays.free_m - BESIDE_M
    apart = (np.minimum(last, end) - np.minimum(first, end)).clip(0) / 2
    metre = np.where(seen & np.isfinite(rim) & (rim > LEAST_TIERS * TIER_M * scale * size), rim / size, np.nan)
    at_least = np.where(seen & ~np.isfinite(rim), (rays.free_m - BESIDE_M) / size, np.nan)
    cot = 1.0 / np.tan(np.radians(light.sun_elevation_deg or 90.0))
    relative = float(np.hypot(SUN_ERROR * cot, light.lean_error)) / size
    sd = np.hypot(EDGE_ERROR_PX * detail / (size * rays.edges.facing), relative * np.nan_to_num(metre))
    sd = np.hypot(sd, apart / size)
    return Measured(rays.edges.box, metre / scale, sd / scale, at_least / scale)


def _behind(exits: Exits, seen: Measured, size: float, count: int) -> np.ndarray:
    """Heights in metres (N) that boxes cannot exceed without throwing a shadow beyond the edge of their block; inf where unknown.

    size: metres from a top's edge to its shadow's rim, for a metre of height.
    """
    most = np.full(len(seen.box), np.inf)
    known = np.isfinite(seen.metre)
    most[known] = (seen.metre + INTERVAL * seen.sd)[known]
    at_edge = np.full(count + 1, -np.inf)  # one more, for "no box"
    np.maximum.at(at_edge, seen.box, most)
    at_edge[np.isneginf(at_edge)] = np.inf
    bounds = np.full(count, np.inf)
    np.minimum.at(bounds, exits.box, (at_edge[exits.last] + exits.at_m / size).max(1, initial=-np.inf))
    return bounds


def _from_sides(sides: Sides, light: Light, detail: float, scale: float) -> Measured | None:
    """Heights by the width of the sides that the sensor sees; None where they do not stand out from the ground."""
    size, rays = float(np.hypot(*light.foot)), sides.facing
    ends = [share * TIER_M * scale * size for share in SURE]
    side, back = -rays.mean(*ends), -sides.away.mean(*ends)
    seen, back = side > STANDS_OUT * sides.other, back[np.isfinite(back)]
    elsewhere = float(np.mean(back > STANDS_OUT * sides.other)) if len(back) else 0.0
    if len(seen) < FEW_EDGES or np.mean(seen) - elsewhere < MORE_DARK:
        return None
    metre = rays.rise_m(-(np.nan_to_num(side) + sides.other) / 2) / size
    metre[~seen | ~np.isfinite(metre) | (metre < LEAST_TIERS * TIER_M * scale)] = np.nan
    sd = np.hypot(EDGE_ERROR_PX * detail / (size * rays.edges.facing), ANGLE_ERROR * np.nan_to_num(metre))
    return Measured(rays.edges.box, metre / scale, sd / scale, np.full(len(metre), np.nan))


def _tiers(found: list[Measured], bounds: np.ndarray, count: int, why: str) -> Heights:
    """Whole tiers from heights in metres and upper bounds (N) of them."""
    low_m, high_m = np.full(count, np.nan), bounds.copy()
    box = np.concatenate([part.box for part in found]) if found else np.zeros(0, int)
    metre, sd, least = (
        np.concatenate([getattr(part, name) for part in found]) if found else np.zeros(0)
        for name in ("metre", "sd", "at_least_m")
    )
    known = np.isfinite(metre)
    weight = np.bincount(box[known], 1 / sd[known] ** 2, count)
    mean = np.bincount(box[known], metre[known] / sd[known] ** 2, count) / np.maximum(weight, 1e-12)
    spread = INTERVAL / np.sqrt(np.maximum(weight, 1e-12))
    measured = weight > 0
    low_m[measured], high_m[measured] = (mean - spread)[measured], (mean + spread)[measured]
    at_odds = known & (np.abs(metre - mean[box]) > 2 * sd)
    np.minimum.at(low_m, box[at_odds], (metre - INTERVAL * sd)[at_odds])
    np.maximum.at(high_m, box[at_odds], (metre + INTERVAL * sd)[at_odds])
    censored = np.isfinite(least) & ~measured[box]
    np.fmax.at(low_m, box[censored], (least - INTERVAL * sd)[censored])
    return Heights(*_whole(low_m, high_m), measured | np.isin(np.arange(count), box[censored]), why)


def _whole(low_m: np.ndarray, high_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of tiers that heights between two ends (N, NaN or inf where unknown) allow: 1 to MOST_TIERS, NaN where unknown.

    The ends differ by one at least: a shadow may be that of a stack a little further back, and sd are estimates themselves.
    """
    low = np.clip(np.ceil(low_m / HIGH_CUBE_M), 1, MOST_TIERS - 1)
    high = np.clip(np.floor(np.where(np.isfinite(high_m), high_m, np.nan) / TIER_M), 1, MOST_TIERS)
    high = np.fmax(high, np.where(np.isnan(high), np.nan, low))
    low = np.where(np.isnan(low) & np.isfinite(high), 1.0, low)
    point = low == high
    return np.where(point, np.maximum(low - 1, 1), low), np.where(point & (low == 1), 2.0, high)


def _squares(
    scene: SceneLike, boxes: Detections, reach_m: float, progress: Progress
) -> Iterator[tuple[np.ndarray, Patch, np.ndarray]]:
    """Squares of the ground: numbers of the boxes in each, its pixels and some round it, and the picture of boxes' numbers."""
    cells = np.stack([np.floor((v - v.min()) / SQUARE_M) for v in (boxes.x, boxes.y)], 1)
    ring = boxes.corners()
    squares = np.unique(cells, axis=0)
    for k, cell in enumerate(squares):
        progress(k / len(squares))
        mine = np.flatnonzero((cells == cell).all(1))
        west, south = ring[mine].min((0, 1))
        east, north = ring[mine].max((0, 1))
        around = grown((west, south, east, north), reach_m)
        near = np.flatnonzero(
            (ring[..., 0].max(1) > around[0]) & (ring[..., 0].min(1) < around[2])
            & (ring[..., 1].max(1) > around[1]) & (ring[..., 1].min(1) < around[3])
        )  # fmt: skip
        patch = scene.read(around, max(scene.gsd_m, FINEST_M))
        numbers = numbered(boxes.select(near), patch)
        yield mine, patch, np.where(numbers >= 0, near[numbers], -1)
