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
