"""What Rason counts: one entry a class, with all that is particular to it. No imports that cost: QGIS reads this at start.

A new class is its detector's file and an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass

from .errors import Refusal


@dataclass(frozen=True)
class ObjectClass:
    """One class of objects.

    detector: "file.Class" under ``engine/detectors``. kinds: the kinds of zones it is looked for in unless the user says
    otherwise. counted_to_m, measured_to_m: coarsest effective GSD (m) at which objects are counted, and at which length, area or
    share is still given. Limits sit half-way to the next column of the table in docs/EXPLANATION.md, so that a nominal 0.5 m
    scene counts as 0.5 m. ground: unit in which empty ground is measured, "km" of track or "ha". false_on_empty: detections to
    expect on one such unit of empty ground when none was looked at. rule: what counts as one object. area_sd, area_unseen_m2: relative sd (of the log) of a measured area and the least
    that can go unseen, where they differ from those of engine/tally.py.
    """

    detector: str
    kinds: tuple[str, ...]
    counted_to_m: float
    measured_to_m: float
    ground: str
    false_on_empty: float
    rule: str
    area_sd: float = 0.0
    area_unseen_m2: float = 0.0

    @property
    def on_tracks(self) -> bool:
        """Whether its zones are lines."""
        return self.ground == "km"


# false_on_empty: real empty ground gave 0 freight cars in 0.75 km and 1 container on six empty areas; open water is measured in
# thousands of hectares.
CLASSES = {
    "freight_car": ObjectClass(
        "freight_cars.FreightCars",
        ("track", "area"),
        1.2,
        4.5,
        "km",
        0.5,
        "Rail vehicles whose centre lies in the zone: locomotives, coaches and empty flats are included where seen; "
        "vehicles cut by the edge of the picture are not counted; an articulated twin tank counts as two.",
    ),
    "container": ObjectClass(
        "stacks.Stacks",
        ("pier", "yard", "area"),
        0.6,
        4.5,
        "ha",
        0.5,
        "Visible tops whose centre lies in the zone: boxes under other boxes are not seen and not counted; boxes on trucks "
        "and wagons inside the zone are included; two 20 ft boxes end to end may count as one 40 ft box.",
    ),
    "ship": ObjectClass(
        "ships.Ships",
        ("berth", "water", "area"),
        11.0,
        11.0,
        "ha",
        0.02,
        "Vessels whose centre lies in the zone, under way or moored; each one of a raft counts; vessels too short for the "
        "scene's GSD are not counted.",
    ),
    # Areas only: counted_to_m is 0. The spreads are guesses on the wide side: on simulated yards the areas were 2 % (coal) and some
    # 80 % (stacks) off (bench/accuracy_piles.py), and no real scene with labels is at hand.
    "covered_stack": ObjectClass(
        "piles.CoveredStacks",
        ("yard", "pier", "area"),
        0.0,
        4.5,
        "ha",
        0.5,
        "Ground covered by goods under sheets, as seen from above: even sheets wider than a box; roofs in the zone look the same.",
        area_sd=0.8,
        area_unseen_m2=500.0,
    ),
    "coal_pile": ObjectClass(
        "piles.CoalPiles",
        ("yard", "pier", "area"),
        0.0,
        11.0,
        "ha",
        0.5,
        "Ground covered by heaps of coal that lie whole in the zone, as seen from above; ore and wet sand may look the same.",
        area_sd=0.5,
        area_unseen_m2=300.0,
    ),
}

# The same for radar scenes. Open sea measured on simulated clutter: bench/accuracy_ships_sar.py.
RADAR_CLASSES = {
    "ship": ObjectClass(
        "ships_sar.ShipsSar",
        ("berth", "water", "area"),
        22.0,
        22.0,
        "ha",
        0.0001,
        "Bright targets in the sea whose centre lies in the zone: vessels, but also platforms, buoys and fish farms; vessels "
        "smaller than two or three pixels and ships alongside a quay are not counted.",
    ),
}


def entry(class_name: str, sensor: str = "optical") -> ObjectClass:
    """What is particular to a class in scenes of a sensor, "optical" or "sar"; Refusal where it is not looked for in these."""
    known = RADAR_CLASSES if sensor == "sar" else CLASSES
    if class_name not in known:
        raise Refusal(
            "{class_name} is not looked for in {sensor} scenes, only {names}.",
            class_name=class_name,
            sensor="radar" if sensor == "sar" else "optical",
            names=", ".join(known),
        )
    return known[class_name]


def of_kind(kind: str) -> tuple[str, ...]:
    """The classes that are looked for in zones of a kind."""
    return tuple(name for name, entry in CLASSES.items() if kind in entry.kinds)


def counted_in(kind: str) -> tuple[str, ...]:
    """Those of them that are counted one by one, not measured only."""
    return tuple(name for name in of_kind(kind) if CLASSES[name].counted_to_m)


def ground_unit(class_name: str) -> str:
    """ "km" of track or "ha": how ground is measured for a class, known or not."""
    return CLASSES[class_name].ground if class_name in CLASSES else "ha"
