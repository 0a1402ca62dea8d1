"""What each band of a file shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from .errors import Refusal

POLARISATIONS = ("vv", "vh", "hh", "hv")
ROLES = ("red", "green", "blue", "nir", "pan", "grey", *POLARISATIONS, "alpha", "other")
VISIBLE = ("red", "green", "blue", "pan", "grey")

# Names that files give their bands: Sentinel-2, Landsat 8/9 and plain words.
_NAMES = {
    "b02": "blue", "b2": "blue", "blue": "blue", "sr_b2": "blue",
    "b03": "green", "b3": "green", "green": "green", "sr_b3": "green",
    "b04": "red", "b4": "red", "red": "red", "sr_b4": "red",
    "b08": "nir", "b8": "nir", "nir": "nir", "sr_b5": "nir", "near infrared": "nir",
    "pan": "pan", "panchromatic": "pan", "alpha": "alpha",
}  # fmt: skip


def read_roles(dataset: Any) -> tuple[tuple[str, ...], str]:
    """Roles of a GDAL dataset's bands and a warning where they had to be guessed.

    Band names come first, then colour interpretation, then file order (red, green, blue).
    """
    from osgeo import gdal

    bands = [dataset.GetRasterBand(i + 1) for i in range(dataset.RasterCount)]
    named = [_NAMES.get((band.GetDescription() or "").strip().lower(), "") for band in bands]
    if {"red", "green", "blue"} <= set(named):
        return tuple(name or "other" for name in named), ""
    radar = [polarisation(band.GetDescription() or "") for band in bands]
    if any(radar):
        return tuple(name or "other" for name in radar), ""
    colours = {gdal.GCI_RedBand: "red", gdal.GCI_GreenBand: "green", gdal.GCI_BlueBand: "blue", gdal.GCI_AlphaBand: "alpha"}
    roles = [colours.get(band.GetColorInterpretation(), "") for band in bands]
    if {"red", "green", "blue"} <= set(roles):
        return tuple(role or "other" for role in roles), ""
    free = [i for i, role in enumerate(roles) if role != "alpha"]
    if len(free) < 3:
        for i in free:
            roles[i] = "grey" if i == free[0] else "other"
        return tuple(roles), ""
    for i, role in zip(free, ("red", "green", "blue", *["other"] * len(free))):
        roles[i] = role
    order = ", ".join(roles)
    return tuple(roles), f"The bands are not named: taken in file order as {order}. Set BANDS if that is wrong."


def given_roles(text: str, count: int) -> tuple[str, ...]:
    """Roles that the user wrote as "blue,green,red,nir"; raises Refusal where they do not fit the file."""
    roles = tuple(word.strip().lower() for word in text.split(",") if word.strip())
    unknown = sorted(set(roles) - set(ROLES))
    if unknown:
        raise Refusal(
            "BANDS: {names} is no band role. Known are {names_2}.", names=", ".join(unknown), names_2=", ".join(ROLES)
        )
    if len(roles) != count:
        raise Refusal(
            "BANDS names {roles} bands, INPUT has {count}: name each one, 'other' where it does not matter.",
            roles=len(roles),
            count=count,
        )
    double = sorted({role for role in roles if role in POLARISATIONS and roles.count(role) > 1})
    if double:
        raise Refusal("BANDS names {names} twice: each polarisation can be one band only.", names=", ".join(double))
    if not set(roles) & {*VISIBLE, "nir", *POLARISATIONS}:
        raise Refusal("BANDS names no band that shows the ground (red, green, blue, nir, pan, grey, or vv, vh, hh, hv).")
    return roles


def polarisation(band_name: str) -> str:
    """The radar polarisation in a band's name, such as "Sigma0_VV_db"; "" for others."""
    words = [word for word in re.split(r"[^a-z0-9]+", band_name.lower()) if word in POLARISATIONS]
    return words[0] if len(words) == 1 else ""


def is_radar(roles: Sequence[str]) -> bool:
    """Whether a scene is radar backscatter: then its bands are read as stored."""
    return any(role in POLARISATIONS for role in roles)


def paired(first: Sequence[str], second: Sequence[str], name_1: str, name_2: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Which bands of two scenes show the same: by their roles where these tell, else in file order. Raises Refusal for unequal numbers."""
    if len(first) != len(second):
        raise Refusal(
            "{name_1} has {first}, {name_2} has {second}: give scenes with the same bands, or cut them to those "
            "(gdal_translate -b).",
            name_1=name_1,
            first=_told(first),
            name_2=name_2,
            second=_told(second),
        )
    if len(set(first)) == len(first) and sorted(first) == sorted(second):
        return tuple(range(len(first))), tuple(second.index(role) for role in first)
    return tuple(range(len(first))), tuple(range(len(first)))


def _told(roles: Sequence[str]) -> str:
    return f"{len(roles)} band{'s' * (len(roles) != 1)} ({', '.join(roles)})"


def check_sensor(roles: Sequence[str], sensor: str) -> None:
    """Raises Refusal where a scene is radar and "optical" is asked for, or the other way round."""
    if sensor == "optical" and is_radar(roles):
        radar = ", ".join(role for role in roles if role in POLARISATIONS)
        raise Refusal(
            "INPUT is a radar scene ({radar}): ships in it are found by rason:detectshipssar, other classes are not.",
            radar=radar,
        )
    if sensor == "sar" and not is_radar(roles):
        raise Refusal(
            "INPUT does not say that its bands are radar backscatter. Set BANDS to their polarisations in file order, such as "
            "vv or vv,vh; for an optical picture use rason:detectships."
        )
