"""What counts as one object. Printed with every tally, because a count without its rules cannot be checked."""

from __future__ import annotations

COUNTING_RULES = {
    "freight_car": (
        "Rail vehicles whose centre lies in the zone: locomotives, coaches and empty flats are included where seen; "
        "vehicles cut by the edge of the picture are not counted; an articulated twin tank counts as two."
    ),
    "container": (
        "Visible tops whose centre lies in the zone: boxes under other boxes are not seen and not counted; boxes on trucks "
        "and wagons inside the zone are included; two 20 ft boxes end to end may count as one 40 ft box."
    ),
    "ship": (
        "Vessels whose centre lies in the zone, under way or moored; each one of a raft counts; vessels too short for the "
        "scene's GSD are not counted."
    ),
}
MEASURE_RULES = {
    "m": "Occupied length: metres of track or quay covered by objects, gaps between coupled wagons not included.",
    "m2": "Occupied area: ground covered by objects as seen from above.",
    "share": "Share filled: the part of the observed zone that is occupied.",
    "TEU": "TEU: 20 ft boxes count 1, 40 ft boxes 2, 45 ft boxes 2.25; visible tops only.",
}
HAND_RULE = (
    "Counted by hand: marks whose point or centre lies in the zone. People miss the same hard objects: read it as at least."
)


def rules(class_name: str, unit: str, *, by_hand: bool = False) -> str:
    """The rule of a tally row."""
    if unit in MEASURE_RULES:
        return MEASURE_RULES[unit]
    return HAND_RULE if by_hand else COUNTING_RULES.get(class_name, HAND_RULE)
