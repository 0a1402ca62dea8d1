"""Colours of the simulator, as reflectances of red, green and blue.

The values are ours, set by looking at published half-metre imagery; they are not measurements.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Material:
    """A ground: its colour, a second colour in patches, and the relative spread of fine and coarse texture."""

    colour: Colour
    patches: Colour | None = None
    fine: float = 0.06
    coarse: float = 0.08


MATERIALS = {
    "water": Material((0.022, 0.042, 0.048), fine=0.10, coarse=0.10),
    "concrete": Material((0.25, 0.235, 0.21), patches=(0.18, 0.165, 0.15), fine=0.04, coarse=0.07),
    "quay": Material((0.33, 0.32, 0.30), fine=0.04, coarse=0.05),
    "soil": Material((0.19, 0.155, 0.115), patches=(0.10, 0.115, 0.06), fine=0.10, coarse=0.15),
    "grass": Material((0.075, 0.10, 0.045), patches=(0.15, 0.13, 0.085), fine=0.16, coarse=0.18),
    "asphalt": Material((0.115, 0.115, 0.115), patches=(0.145, 0.14, 0.13), fine=0.05, coarse=0.06),
    "ballast": Material((0.185, 0.175, 0.165), patches=(0.165, 0.148, 0.13), fine=0.07, coarse=0.05),
    "roof": Material((0.20, 0.21, 0.23), fine=0.05, coarse=0.06),
    "red roof": Material((0.24, 0.11, 0.075), fine=0.06, coarse=0.05),
    "coal": Material((0.028, 0.027, 0.027), patches=(0.05, 0.048, 0.045), fine=0.14, coarse=0.12),
    "brown ballast": Material((0.16, 0.135, 0.115), patches=(0.13, 0.115, 0.095), fine=0.08, coarse=0.07),
    "wet concrete": Material((0.13, 0.12, 0.11), patches=(0.07, 0.075, 0.085), fine=0.04, coarse=0.10),
    "wet asphalt": Material((0.055, 0.056, 0.058), patches=(0.085, 0.09, 0.10), fine=0.04, coarse=0.10),
    # of the held-out family alone
    "slabs": Material((0.30, 0.295, 0.275), patches=(0.24, 0.235, 0.22), fine=0.07, coarse=0.05),
    "worn asphalt": Material((0.155, 0.15, 0.14), patches=(0.09, 0.09, 0.092), fine=0.08, coarse=0.12),
    "gravel": Material((0.23, 0.215, 0.185), patches=(0.17, 0.15, 0.12), fine=0.14, coarse=0.10),
    "dry grass": Material((0.17, 0.15, 0.085), patches=(0.09, 0.10, 0.05), fine=0.12, coarse=0.22),
    "grey ballast": Material((0.235, 0.235, 0.235), patches=(0.20, 0.195, 0.185), fine=0.10, coarse=0.06),
    "weedy ballast": Material((0.165, 0.15, 0.13), patches=(0.095, 0.105, 0.06), fine=0.09, coarse=0.12),
    "brown water": Material((0.075, 0.070, 0.048), fine=0.06, coarse=0.14),
    "green water": Material((0.028, 0.060, 0.050), fine=0.16, coarse=0.08),
}

STAINED: Colour = (0.145, 0.125, 0.105)  # ballast between the rails
SLEEPER: Colour = (0.085, 0.072, 0.06)
RAIL_FOOT: Colour = (0.09, 0.065, 0.05)
RAIL_HEAD: Colour = (0.45, 0.44, 0.43)
DARK: Colour = (0.035, 0.034, 0.033)
WHITE: Colour = (0.58, 0.58, 0.56)
YELLOW: Colour = (0.50, 0.33, 0.05)
FOAM: Colour = (0.42, 0.45, 0.46)

# paint: how often it is met
CONTAINER_PAINTS: dict[Colour, float] = {
    (0.24, 0.065, 0.045): 4.0,  # oxide red
    (0.16, 0.075, 0.05): 2.5,  # brown
    (0.045, 0.10, 0.24): 3.0,  # blue
    (0.06, 0.17, 0.22): 1.0,  # light blue-green
    (0.045, 0.15, 0.085): 1.5,  # green
    (0.40, 0.17, 0.045): 1.5,  # orange
    (0.30, 0.30, 0.29): 1.5,  # grey
    (0.55, 0.55, 0.53): 1.5,  # white
}
WAGON_PAINTS: dict[Colour, float] = {
    (0.17, 0.075, 0.05): 4.0,  # oxide red
    (0.115, 0.07, 0.05): 3.0,  # brown
    (0.14, 0.14, 0.135): 2.0,  # grey
    (0.055, 0.10, 0.065): 1.0,  # green
    (0.06, 0.09, 0.16): 1.0,  # blue
}
TANK_PAINTS: dict[Colour, float] = {(0.05, 0.05, 0.05): 3.0, (0.28, 0.28, 0.27): 2.0, (0.17, 0.075, 0.05): 1.0}
LOADS: dict[Colour, float] = {(0.03, 0.03, 0.032): 2.0, (0.13, 0.09, 0.06): 1.0, (0.19, 0.17, 0.14): 1.0}
DECKS: dict[Colour, float] = {(0.16, 0.06, 0.045): 2.0, (0.06, 0.13, 0.085): 2.0, (0.17, 0.175, 0.18): 1.0}


def pick(paints: dict[Colour, float], rng: np.random.Generator, spread: float = 0.12) -> Colour:
    """One paint by its frequency, faded or darkened by about ``spread``."""
    colours, weights = list(paints), np.array(list(paints.values()))
    colour = colours[rng.choice(len(colours), p=weights / weights.sum())]
    faded = np.array(colour) * np.exp(rng.normal(0.0, spread)) * np.exp(rng.normal(0.0, spread / 4, 3))
    red, green, blue = (float(value) for value in np.clip(faded, 0.01, 0.8))
    return red, green, blue
