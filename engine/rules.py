"""What counts as one object. Printed with every tally, because a count without its rules cannot be checked."""

from __future__ import annotations

from .classes import CLASSES, RADAR_CLASSES

COUNTING_RULES = {
    **{name: entry.rule for name, entry in CLASSES.items()},
    "tank_car": "Freight cars typed as tank cars; the chance that one is of another type, or one of another type a tank car, is in the "
    "interval. An articulated twin counts as two.",
}
MEASURE_RULES = {
    "m": "Occupied length: metres of track or quay covered by objects, gaps between coupled wagons not included.",
    "m2": "Occupied area: ground covered by objects as seen from above.",
    "share": "Share filled: the part of the observed zone that is occupied.",
    "t": "Load: tonnes in the tank cars if they carry oil products and are filled as assumed; what is in a car cannot be seen.",
    "bbl": "Oil: barrels of 158.987 litres in the tank cars if they carry oil products and are filled as assumed; what is in a "
    "car cannot be seen.",
    "TEU": "TEU: 20 ft boxes count 1, 40 ft boxes 2, 45 ft boxes 2.25; visible tops only.",
}
HAND_RULE = (
    "Counted by hand: marks whose point or centre lies in the zone. People miss the same hard objects: read it as at least."
)


def rules(class_name: str, unit: str, *, by_hand: bool = False, sensor: str = "optical") -> str:
    """The rule of a tally row, of a scene of a sensor."""
    if unit in MEASURE_RULES:
        return MEASURE_RULES[unit]
    if sensor == "sar" and not by_hand and class_name in RADAR_CLASSES:
        return RADAR_CLASSES[class_name].rule
    return HAND_RULE if by_hand else COUNTING_RULES.get(class_name, HAND_RULE)
