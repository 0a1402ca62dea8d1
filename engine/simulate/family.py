"""Families of synthetic places: what a detector may be fitted on looks different from what judges it.

``FIT`` and ``HELD_OUT`` share the physics and nothing else that is a matter of taste: paints, grounds and their texture,
how full, how mixed and how tight things stand, spacing of tracks, and the blur and colour of the camera. Nobody may choose a
threshold, a feature or a weight by looking at HELD_OUT scenes. Both are ours, so both are synthetic: neither is a substitute
for imagery of a real place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from . import palette
from .palette import Colour

Paints = dict[Colour, float]
Range = tuple[float, float]


@dataclass(frozen=True)
class Family:
    """How a family's places and cameras are. Shares are chances 0..1; ranges are drawn from evenly.

    paints: by kind of thing, "container" and "wagon" for those without an own entry. same_box, same_wagon: chance that a
    neighbour repeats paint, or kind. twins: chance that two
    20 ft boxes in one slot share their paint, twin_gap_m: between them. forty: share of bays of 40 ft; forty_five: share of blocks that end in a bay of 45 ft.
    highest: most boxes on each other. row_gap_m, bay_gap_m: free between boxes. ragged: sd of the slots taken in a bay, of its
    rows; holes: share of free slots between taken ones; skew_deg: sd of a box's turn against its block. spacing_m: between neighbouring tracks. psf_px, gamma: the camera's; sharpened: share of scenes with coarse colour.
    """

    name: str = "plain"
    paints: dict[str, Paints] = field(
        default_factory=lambda: {
            "container": palette.CONTAINER_PAINTS,
            "wagon": palette.WAGON_PAINTS,
            "tank": palette.TANK_PAINTS,
            "locomotive": {(0.06, 0.12, 0.075): 1.0, (0.20, 0.06, 0.045): 1.0},
            "coach": {(0.05, 0.11, 0.08): 1.0},
            "ship": palette.DECKS,
            "load": palette.LOADS,
        }
    )
    yard_grounds: tuple[str, ...] = ("concrete",)
    rail_grounds: tuple[str, ...] = ("soil", "grass")
    beds: tuple[str, ...] = ("ballast",)
    waters: tuple[str, ...] = ("water",)
    same_box: float = 0.7
    same_wagon: float = 0.75
    twins: float = 0.5
    twin_gap_m: Range = (0.08, 0.35)
    forty: float = 0.45
    forty_five: float = 0.0
    highest: int = 3
    row_gap_m: Range = (0.2, 0.4)
    bay_gap_m: Range = (0.45, 0.7)
    ragged: float = 0.15
    holes: float = 0.0
    skew_deg: float = 0.0
    spacing_m: Range = (5.3, 5.3)
    psf_px: Range = (0.54, 0.54)
    gamma: Range = (1.6, 1.6)
    sharpened: float = 0.0

    def palette(self, kind: str) -> Paints:
        """Paints of a kind of wagon or thing."""
        return self.paints.get(kind, self.paints["wagon"])


PLAIN = Family()
FIT = Family(
    "fit",
    yard_grounds=("concrete", "asphalt", "concrete", "soil", "wet asphalt"),
    rail_grounds=("soil", "grass", "concrete", "asphalt"),
    beds=("ballast", "brown ballast"),
    waters=("water",),
    same_box=0.7,
    forty=0.5,
    forty_five=0.15,
    highest=4,
    holes=0.03,
    skew_deg=0.3,
    row_gap_m=(0.2, 0.5),
    bay_gap_m=(0.35, 0.8),
    spacing_m=(4.6, 6.0),
    psf_px=(0.4, 0.7),
    gamma=(1.3, 2.0),
    sharpened=0.3,
)
HELD_OUT = Family(
    "held out",
    paints={
        "container": {
            (0.30, 0.045, 0.05): 2.0,  # carmine
            (0.20, 0.10, 0.06): 3.0,  # rust
            (0.03, 0.06, 0.16): 3.0,  # navy
            (0.10, 0.24, 0.33): 1.5,  # pale blue
            (0.03, 0.20, 0.14): 1.5,  # sea green
            (0.45, 0.26, 0.05): 1.0,  # yellow
            (0.22, 0.23, 0.24): 2.0,  # dark grey
            (0.47, 0.48, 0.47): 2.5,  # dirty white
            (0.28, 0.10, 0.19): 0.7,  # magenta
        },
        "wagon": {
            (0.21, 0.095, 0.065): 3.0,
            (0.095, 0.08, 0.07): 3.0,
            (0.19, 0.19, 0.18): 2.0,
            (0.04, 0.085, 0.075): 1.5,
            (0.25, 0.20, 0.10): 0.7,
        },
        "tank": {(0.075, 0.075, 0.08): 2.0, (0.40, 0.40, 0.38): 2.0, (0.24, 0.16, 0.06): 1.0},
        "locomotive": {(0.05, 0.08, 0.16): 1.0, (0.28, 0.15, 0.04): 1.0, (0.13, 0.13, 0.14): 1.0},
        "coach": {(0.07, 0.09, 0.17): 1.0, (0.17, 0.06, 0.05): 1.0, (0.30, 0.30, 0.30): 0.5},
        "ship": {(0.21, 0.09, 0.07): 1.5, (0.09, 0.11, 0.15): 1.5, (0.24, 0.24, 0.22): 1.0, (0.05, 0.10, 0.09): 1.0},
        "load": {(0.05, 0.045, 0.04): 2.0, (0.20, 0.12, 0.08): 1.0, (0.27, 0.25, 0.21): 1.0},
    },
    yard_grounds=("slabs", "worn asphalt", "gravel", "wet concrete"),
    rail_grounds=("dry grass", "gravel", "worn asphalt", "slabs"),
    beds=("grey ballast", "weedy ballast"),
    waters=("brown water", "green water"),
    same_box=0.82,
    twins=0.6,
    twin_gap_m=(0.1, 0.5),
    same_wagon=0.6,
    forty=0.7,
    forty_five=0.3,
    highest=5,
    holes=0.1,
    skew_deg=0.6,
    row_gap_m=(0.12, 0.65),
    bay_gap_m=(0.3, 1.2),
    ragged=0.3,
    spacing_m=(4.5, 5.6),
    psf_px=(0.35, 0.85),
    gamma=(1.1, 2.3),
    sharpened=0.6,
)
FAMILIES = {family.name: family for family in (PLAIN, FIT, HELD_OUT)}
