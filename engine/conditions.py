"""What a scene says of its taking: detail, sun, look angle, contrast and sensor. What it does not say stays unknown.

A detector's recall follows these, so a calibration holds only for scenes taken under conditions like its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

# How people read them. Checked against a calibration's range are the numbers of MARGINS, and the sensor.
WORDS = {
    "effective_gsd_m": ("detail", " m"),
    "sun_elevation_deg": ("sun height", "°"),
    "sun_azimuth_deg": ("sun azimuth", "°"),
    "off_nadir_deg": ("off-nadir angle", "°"),
    "contrast": ("contrast", ""),
    "sensor": ("sensor", ""),
}
# A scene this far outside the labelled ones still counts as like them: a factor, or what is added at both ends.
MARGINS = {
    "effective_gsd_m": (1.25, 0.0),
    "sun_elevation_deg": (1.0, 5.0),
    "off_nadir_deg": (1.0, 5.0),
    "contrast": (1.25, 0.0),
}

# Spellings, letters and digits only, without what stands before the last dot, colon or slash, in order of preference. Maxar:
# meanSunEl, NITF: USE00A and CSEXRA, Landsat and Pleiades: SUN_ELEVATION, Planet: sun_elevation or illuminationElevationAngle,
# STAC: view:sun_elevation. An incidence angle on the ground is not the off-nadir angle at the satellite and is not taken for it.
_KEYS = {
    "sun_elevation_deg": (
        "MEANSUNEL", "SUNELEVATION", "SUNELEVATIONANGLE", "MEANSUNELEVATION", "ILLUMINATIONELEVATIONANGLE", "SOLARELEVATION",
        "SOLARELEVATIONANGLE", "SUNEL", "NITFUSE00ASUNEL", "NITFCSEXRASUNELEVATION",
    ),
    "sun_zenith_deg": ("MEANSUNZENITHANGLE", "SUNZENITH", "SUNZENITHANGLE", "MEANSOLARZENITHANGLE", "SOLARZENITHANGLE"),
    "sun_azimuth_deg": (
        "MEANSUNAZ", "SUNAZIMUTH", "SUNAZIMUTHANGLE", "MEANSUNAZIMUTH", "MEANSUNAZIMUTHANGLE", "ILLUMINATIONAZIMUTHANGLE",
        "SOLARAZIMUTH", "SOLARAZIMUTHANGLE", "SUNAZ", "NITFUSE00ASUNAZ", "NITFCSEXRASUNAZIMUTH",
    ),
    "off_nadir_deg": (
        "MEANOFFNADIRVIEWANGLE", "OFFNADIR", "OFFNADIRANGLE", "OFFNADIRVIEWANGLE", "VIEWANGLE", "SPACECRAFTVIEWANGLE",
        "VIEWINGANGLE", "VIEWOFFNADIR",
    ),
    "view_azimuth_deg": ("MEANSATAZ", "SATAZ", "SATELLITEAZIMUTH", "VIEWAZIMUTH"),
    "sensor": (
        "SATELLITEID", "SATID", "SPACECRAFTID", "SPACECRAFTNAME", "DATATAKE1SPACECRAFTNAME", "SATELLITE", "PLATFORM", "MISSION",
        "INSTRUMENT", "INSTRUMENTS", "SENSORID", "SENSOR",
    ),
}  # fmt: skip
_LIMITS = {"sun_elevation_deg": (0.1, 90.0), "sun_zenith_deg": (0.0, 89.9), "sun_azimuth_deg": (0.0, 360.0), "off_nadir_deg": (-60.0, 60.0), "view_azimuth_deg": (0.0, 360.0)}  # fmt: skip
_FAMILIES = (
    (r"(WORLDVIEW|WV)0?([1-4])$", r"WorldView-\2"),
    (r"(GEOEYE|GE)0?1$", "GeoEye-1"),
    (r"(QUICKBIRD|QB)0?2$", "QuickBird-2"),
    (r"(SENTINEL|S)0?2[A-D]?(MSI)?$", "Sentinel-2"),
    (r"(SENTINEL|S)0?1[A-D]?(SAR)?$", "Sentinel-1"),
    (r"LANDSAT0?([4-9])$", r"Landsat \1"),
    (r"(PS2|PS2SD|PSBSD|PLANETSCOPE)$", "PlanetScope"),
    (r"(SSC\d+|SKYSAT\w*)$", "SkySat"),
    (r"(PLEIADES|PHR)(1[AB])?$", "Pleiades"),
)


@dataclass(frozen=True)
class Conditions:
    """How a scene was taken; None and "" where it is not known.

    effective_gsd_m: metres of detail. sun_elevation_deg above the horizon and sun_azimuth_deg clockwise from north.
    off_nadir_deg: look angle at the satellite, 0 straight down. contrast: of the stored values of the visible bands,
    (bright - dark) / (bright + dark) at the 0.5 and 99.5 % points; haze and a low sun lower it. sensor: its name.
    view_azimuth_deg: from the ground towards the sensor; it says where things lean, recall does not follow it.
    """

    effective_gsd_m: float | None = None
    sun_elevation_deg: float | None = None
    sun_azimuth_deg: float | None = None
    off_nadir_deg: float | None = None
    contrast: float | None = None
    sensor: str = ""
    view_azimuth_deg: float | None = None

    @classmethod
    def of(cls, scene: Any) -> Conditions:
        """Of a ``Scene``; of an ``ArrayScene`` only its detail is known."""
        stretch = getattr(scene, "stretch", None)
        contrast = None if stretch is None else michelson(stretch[0], stretch[1], scene.roles)
        said = from_metadata(getattr(scene, "metadata", {}))
        return cls(float(scene.effective_gsd_m), contrast=contrast, **said)

    def known(self) -> dict[str, float | str]:
        """What is known, by name."""
        return {name: value for name in WORDS if (value := getattr(self, name)) not in (None, "")}


def michelson(dark: Any, span: Any, roles: Iterable[str]) -> float | None:
    """Contrast 0..1 of the visible (else all) bands, from their dark ends and ranges in stored values."""
    from .bands import VISIBLE

    bands = [(float(d), float(s)) for d, s, role in zip(dark, span, roles) if role in VISIBLE] or list(zip(dark, span))
    values = [s / (2 * max(d, 0.0) + s) for d, s in bands if s > 0]
    return round(sum(values) / len(values), 3) if values else None


def from_metadata(metadata: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What file metadata {domain: {key: value}} says, by the names of ``Conditions``; placeholders count as not said."""
    spelled: dict[str, str] = {}
    for domain in metadata.values():
        for key, value in domain.items():
            spelled.setdefault(_letters(re.split(r"[.:/]", key)[-1]), str(value))
    said: dict[str, Any] = {}
    for name, spellings in _KEYS.items():
        values = (_read(name, spelled[key]) for key in spellings if key in spelled)
        found = next((value for value in values if value not in (None, "")), None)
        if found is not None:
            said[name] = found
    zenith = said.pop("sun_zenith_deg", None)
    if zenith is not None:
        said.setdefault("sun_elevation_deg", 90.0 - zenith)
    return said


def sensor_name(text: str) -> str:
    """One name for the spellings of a sensor, with the satellites of a family under one; others as written."""
    text = text.strip().strip("\"'[]").strip("\"'")
    letters = _letters(text)
    for pattern, family in _FAMILIES:
        found = re.match(pattern, letters)
        if found:
            return found.expand(family)
    return text if letters.strip("0") and letters not in ("UNKNOWN", "NONE", "NULL", "NA") else ""


def ranges(taken: Iterable[Conditions]) -> tuple[dict[str, tuple[float, float]], tuple[str, ...]]:
    """What labelled scenes span, widened by MARGINS, and their sensors.

    A condition that one of them does not know has no range: nothing is known then of how far the others reach.
    """
    scenes = list(taken)
    spans = {}
    for name, (factor, more) in MARGINS.items():
        values = [getattr(scene, name) for scene in scenes]
        if values and None not in values:
            spans[name] = min(values) / factor - more, max(values) * factor + more
    sensors = {scene.sensor for scene in scenes}
    return spans, () if "" in sensors else tuple(sorted(sensors))


def outside(name: str, value: Any, span: Any) -> str:
    """Why a value is outside the calibrated range (low, high) or names; empty where it is inside."""
    word, unit = WORDS.get(name, (name, ""))
    if isinstance(value, str):
        return "" if value in span else f"{word} {value} is none of the calibrated ones ({', '.join(span)})"
    low, high = span
    if low <= value <= high:
        return ""
    return f"{word} {value:.3g}{unit} is outside the calibrated {low:.3g} to {high:.3g}{unit}"


def _letters(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text).upper()


def _read(name: str, text: str) -> Any:
    if name == "sensor":
        return sensor_name(text)
    number = re.match(r"^[\s\"'\[]*([-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)", text)
    low, high = _LIMITS[name]
    if not number or not low <= float(number[1]) <= high:
        return None
    return abs(float(number[1])) if name == "off_nadir_deg" else float(number[1])
