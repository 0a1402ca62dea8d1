"""What can be counted at which effective GSD (docs/EXPLANATION.md names the evidence)."""

from __future__ import annotations

from .errors import TooCoarse

# class: (coarsest effective GSD at which objects are counted, coarsest at which length, area or share is still given).
# Limits sit half-way to the next column of the table in docs/ARCHITECTURE.md, so that a nominal 0.5 m scene counts as 0.5 m.
LIMITS_M = {
    "freight_car": (1.2, 4.5),
    "container": (0.6, 4.5),
    "ship": (11.0, 11.0),
}


def allowed(class_name: str, effective_gsd_m: float) -> str:
    """ "count", "measure" (length, area or share only) or "" for nothing."""
    count, measure = LIMITS_M[class_name]
    return "count" if effective_gsd_m <= count else "measure" if effective_gsd_m <= measure else ""


def check(class_name: str, effective_gsd_m: float, pixel_gsd_m: float) -> str:
    """As ``allowed``, but raises TooCoarse where nothing can be given, naming the GSD found and the one needed."""
    verdict = allowed(class_name, effective_gsd_m)
    if not verdict:
        why = (
            f"pixels of {pixel_gsd_m:.2f} m"
            if effective_gsd_m <= pixel_gsd_m * 1.05
            else (f"its pixels are {pixel_gsd_m:.2f} m but its detail is only as fine as {effective_gsd_m:.2f} m")
        )
        need = LIMITS_M[class_name][1]
        raise TooCoarse(f"The scene is too coarse for {class_name}: {why}; {need:g} m or finer is needed.")
    return verdict
