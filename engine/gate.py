"""What can be counted at which effective GSD (docs/EXPLANATION.md names the evidence)."""

from __future__ import annotations

from .classes import CLASSES
from .errors import TooCoarse


def allowed(class_name: str, effective_gsd_m: float) -> str:
    """ "count", "measure" (length, area or share only) or "" for nothing."""
    entry = CLASSES[class_name]
    if effective_gsd_m <= entry.counted_to_m:
        return "count"
    return "measure" if effective_gsd_m <= entry.measured_to_m else ""


def check(class_name: str, effective_gsd_m: float, pixel_gsd_m: float) -> str:
    """As ``allowed``, but raises TooCoarse where nothing can be given, naming the GSD found and the one needed."""
    verdict = allowed(class_name, effective_gsd_m)
    if not verdict:
        why = (
            f"pixels of {pixel_gsd_m:.2f} m"
            if effective_gsd_m <= pixel_gsd_m * 1.05
            else (f"its pixels are {pixel_gsd_m:.2f} m but its detail is only as fine as {effective_gsd_m:.2f} m")
        )
        need = CLASSES[class_name].measured_to_m
        raise TooCoarse(f"The scene is too coarse for {class_name}: {why}; {need:g} m or finer is needed.")
    return verdict
