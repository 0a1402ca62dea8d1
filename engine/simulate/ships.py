"""Ships at berth and under way: drawing, and places to put them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..zones import Zone
from .canvas import Frame
from .family import PLAIN, Family
from .layout import Thing, along
from .palette import DARK, FOAM, WHITE, YELLOW, pick

WATER_LEVEL_M = -2.5  # against the quay, which is 0
BERTH_WIDTH_M = 36.0
FENDER_M = 1.0
KELVIN_HALF_ANGLE_DEG = 19.5


def draw_ship(frame: Frame, thing: Thing) -> None:
    """Cargo ship: hull with a pointed bow, hatches, cranes between them, a white house aft with a funnel."""
    half_length, half_beam = thing.length_m / 2, thing.width_m / 2
    towards_bow = np.clip((frame.u / half_length - 0.62) / 0.38, 0.0, 1.0)
    towards_stern = np.clip((-frame.u / half_length - 0.85) / 0.15, 0.0, 1.0)
    breadth = half_beam * np.sqrt(1.0 - towards_bow**2) * (1.0 - 0.25 * towards_stern**2)
    hull = frame.edge(breadth - np.abs(frame.v)) * frame.edge(half_length - np.abs(frame.u))
    deck_m = max(0.25 * thing.height_m, 0.5)
    frame.paint(hull, thing.paint, deck_m + 1.5 * towards_bow, grain=0.06)
    rim = hull * (1.0 - frame.edge(breadth - 0.6 - np.abs(frame.v)))
    frame.paint(0.6 * rim, DARK)
    hatches = 4 if thing.length_m > 90 else 3 if thing.length_m > 60 else 2
    pitch = 0.9 * thing.length_m / 1.7 / hatches
    for k in range(hatches):
        at = -0.22 * thing.length_m + (k + 0.5) * pitch
        frame.paint(
            frame.box(0.8 * pitch, 0.68 * thing.width_m, at), thing.load or (0.13, 0.10, 0.08), deck_m + 1.6, grain=0.05
        )
        if k and thing.length_m > 90:
            frame.paint(frame.box(2.2, 2.2, at - pitch / 2), YELLOW, deck_m + 8.0)
            frame.paint(frame.box(0.8 * pitch, 0.7, at - 0.1 * pitch, 0.15 * thing.width_m), YELLOW)
    house = -0.36 * thing.length_m
    frame.paint(frame.box(0.10 * thing.length_m, 0.86 * thing.width_m, house), WHITE, thing.height_m, grain=0.03)
    frame.paint(frame.box(0.03 * thing.length_m, 0.8 * thing.width_m, house + 0.035 * thing.length_m), (0.30, 0.30, 0.30))
    frame.paint(
        frame.box(0.035 * thing.length_m, 0.25 * thing.width_m, house - 0.075 * thing.length_m), DARK, thing.height_m + 1.0
    )


def draw_tanker(frame: Frame, thing: Thing) -> None:
    """Tanker: a plain deck with pipes along its middle and a manifold across, the house aft."""
    frame.paint(_hull(frame, thing), thing.paint, max(0.25 * thing.height_m, 0.5), grain=0.06)
    deck_m = max(0.25 * thing.height_m, 0.5)
    for side in (-0.06, 0.0, 0.06):
        frame.paint(frame.box(0.6 * thing.length_m, 0.5, 0.05 * thing.length_m, side * thing.width_m), (0.28, 0.27, 0.25))
    frame.paint(frame.box(1.6, 0.8 * thing.width_m, 0.03 * thing.length_m), (0.25, 0.24, 0.23), deck_m + 1.2)
    _house(frame, thing)


def draw_barge(frame: Frame, thing: Thing) -> None:
    """Barge: a box with an open hold, empty or heaped."""
    deck_m = max(0.25 * thing.height_m, 0.5)
    frame.paint(frame.box(thing.length_m, thing.width_m), thing.paint, deck_m, grain=0.06)
    frame.paint(
        frame.box(0.82 * thing.length_m, 0.75 * thing.width_m), thing.load or (0.05, 0.045, 0.04), deck_m + 0.5, grain=0.12
    )


def _hull(frame: Frame, thing: Thing) -> np.ndarray:
    half_length, half_beam = thing.length_m / 2, thing.width_m / 2
    towards_bow = np.clip((frame.u / half_length - 0.7) / 0.3, 0.0, 1.0)
    breadth = half_beam * np.sqrt(1.0 - towards_bow**2)
    return frame.edge(breadth - np.abs(frame.v)) * frame.edge(half_length - np.abs(frame.u))


def _house(frame: Frame, thing: Thing) -> None:
    at = -0.38 * thing.length_m
    frame.paint(frame.box(0.11 * thing.length_m, 0.84 * thing.width_m, at), WHITE, thing.height_m, grain=0.03)
    frame.paint(frame.box(0.03 * thing.length_m, 0.25 * thing.width_m, at - 0.07 * thing.length_m), DARK, thing.height_m + 1)


def draw_glint(frame: Frame, thing: Thing) -> None:
    """Sun glint on waves: bright facets in an oval, thinning towards its edge."""
    far = np.hypot(2 * frame.u / thing.length_m, 2 * frame.v / thing.width_m)
    facets = np.clip(0.08 * np.exp(1.1 * np.clip(frame.fine, -3.0, 3.0)), 0.0, 0.9)
    frame.paint(facets * np.clip(1.3 * (1.0 - far), 0.0, 1.0), (0.75, 0.76, 0.76))


def draw_wake(frame: Frame, thing: Thing) -> None:
    """Foam behind a ship (at the frame's front end), fading, with the two arms of its wave pattern."""
    behind = np.maximum(thing.length_m / 2 - frame.u, 0.0)
    fade = np.exp(-3.5 * behind / thing.length_m) * (behind > 0)
    churned = np.exp(-((frame.v / (2.5 + 0.03 * behind)) ** 2))
    off_arm = np.abs(frame.v) - behind * np.tan(np.radians(KELVIN_HALF_ANGLE_DEG))
    arms = np.exp(-((off_arm / (1.2 + 0.02 * behind)) ** 2))
    frame.paint(fade * (0.45 * churned + 0.06 * arms) * (1.0 + 0.25 * np.clip(frame.fine, -2.0, 2.0)), FOAM)


DRAW = {"ship": draw_ship, "tanker": draw_tanker, "barge": draw_barge, "wake": draw_wake, "glint": draw_glint}
TYPES = {"ship": "cargo ship", "tanker": "tanker", "barge": "barge"}


def ship(
    x: float,
    y: float,
    azimuth_deg: float,
    length_m: float,
    rng: np.random.Generator,
    kind: str = "ship",
    family: Family = PLAIN,
) -> Thing:
    """A vessel of a kind of TYPES; its beam and height follow its length."""
    slim = rng.uniform(5.8, 6.8) if kind != "barge" else rng.uniform(4.0, 5.5)
    beam, height = length_m / slim, min(4.0 + 0.09 * length_m, 18.0) if kind != "barge" else 3.0
    hatches = pick({(0.13, 0.10, 0.08): 1.0, (0.20, 0.21, 0.21): 1.0, (0.22, 0.12, 0.07): 1.0}, rng)
    note, deck = f"{TYPES[kind]}, {length_m:.0f} m", pick(family.palette("ship"), rng)
    return Thing(kind, x, y, azimuth_deg, length_m, beam, height, deck, "ship", note, hatches, TYPES[kind])


def under_way(
    x: float,
    y: float,
    azimuth_deg: float,
    length_m: float,
    rng: np.random.Generator,
    kind: str = "ship",
    family: Family = PLAIN,
) -> list[Thing]:
    """A ship and its wake."""
    wake_m = 2.5 * length_m
    back = along(azimuth_deg) * (0.45 * length_m + wake_m / 2)
    wake = Thing("wake", x - float(back[0]), y - float(back[1]), azimuth_deg, wake_m, 0.8 * wake_m, WATER_LEVEL_M, FOAM)
    return [ship(x, y, azimuth_deg, length_m, rng, kind, family), wake]


def moored(start: np.ndarray, end: np.ndarray, lengths_m: Sequence[float], rng: np.random.Generator) -> list[Thing]:
    """Ships alongside a quay from start to end with the water to its left; those that do not fit are left out."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    quay_m = float(np.hypot(*(end - start)))
    azimuth = float(np.degrees(np.arctan2(*(end - start))))
    spare_m = quay_m - sum(lengths_m) - 10.0 * (len(lengths_m) + 1)
    at, things = 10.0 + max(spare_m, 0.0) * rng.uniform(0.2, 0.6), []
    for length in lengths_m:
        if at + length > quay_m:
            break
        vessel = ship(0.0, 0.0, azimuth + 180.0 * rng.integers(2), length, rng)
        x, y = start + along(azimuth) * (at + length / 2) + along(azimuth - 90.0) * (vessel.width_m / 2 + FENDER_M)
        things.append(replace(vessel, x=float(x), y=float(y)))
        at += length + 10.0
    return things


def berth(zone_id: str, start: np.ndarray, end: np.ndarray, name: str = "") -> Zone:
    """The strip of water along a quay from start to end, with the water to its left, beginning half a metre off the quay."""
    from shapely.geometry import Polygon

    start, end = np.asarray(start, float), np.asarray(end, float)
    out = along(float(np.degrees(np.arctan2(*(end - start)))) - 90.0)
    near, far = out * 0.5, out * BERTH_WIDTH_M
    return Zone(zone_id, "berth", Polygon([start + near, end + near, end + far, start + far]), name)
