"""Change of two or more radar scenes, block by block, into a raster that says when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bands import POLARISATIONS
from ..detectors.backscatter import said_values, to_intensity
from ..errors import Refusal
from . import omnibus, streams
from .areas import strength
from .optical import BRIGHTER, COLOURS, DARKER, NAMES, SAME, UNSEEN
from .streams import Stack

__all__ = ["COLOURS", "FIRST_STEP", "NAMES", "Survey", "detect", "polarisations", "survey"]

FIRST_STEP = 5  # band of the first step; those before it: class, strength, changes, first
GAIN_DB = 0.5  # between neighbouring dates, from which on it is said
OTHER_PX = 1.5  # ratio of pixel sizes that no one sensor and mode has
UNEVEN = 1.6  # ratio of the looks of pairs of dates, from which on it is said
_DB_RANGE = -70.0, 35.0
_NEGATIVE = 0.01  # share of negative pixels that noise removal may leave
_SENSOR = ("SATELLITEID", "PLATFORM", "SATELLITE", "MISSION", "MISSION_ID", "SPACECRAFT_NAME", "SENSOR")


@dataclass(frozen=True)
class Survey:
    """How to read the scenes. values: amplitude, intensity or db. gains: (K, P) of each date over the first, as measured."""

    values: str
    looks: float
    gains: np.ndarray
    normalised: bool
    warnings: tuple[str, ...]

    def series(self, data: Sequence[np.ndarray]) -> np.ndarray:
        """Intensities (K, P, ...) of what a stack reads."""
        series = np.stack([to_intensity(values, self.values) for values in data])
        if self.normalised:
            series /= self.gains.astype(np.float32).reshape(*self.gains.shape, *[1] * (series.ndim - 2))
        return series


def polarisations(scenes: Sequence[Any], names: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Bands of each scene that are its polarisations, in the first one's order. Raises Refusal for scenes that cannot be compared."""
    wanted = [role for role in scenes[0].roles if role in POLARISATIONS]
    sensors = [_sensor(scene.metadata) for scene in scenes]
    found = []
    for scene, name, sensor in zip(scenes, names, sensors):
        own = [role for role in scene.roles if role in POLARISATIONS]
        if not own:
            raise Refusal(
                "{name} does not say that its bands are radar backscatter. Name them for their polarisations or set "
                "BANDS, such as vv or vv,vh; for optical scenes use rason:changeoptical.",
                name=name,
            )
        if sorted(own) != sorted(wanted):
            raise Refusal(
                "{name} has {names}, {name_2} has {names_2}: only the same polarisations can be compared. Cut the "
                "scenes to what they share (gdal_translate -b).",
                name=name,
                names=", ".join(own),
                name_2=names[0],
                names_2=", ".join(wanted),
            )
        if sensor and sensors[0] and sensor != sensors[0]:
            raise Refusal(
                "{name} is of {sensor}, {name_2} of {sensor_2}: different sensors cannot be compared.",
                name=name,
                sensor=sensor,
                name_2=names[0],
                sensor_2=sensors[0],
            )
        ratio = scene.gsd_m / scenes[0].gsd_m
        if not 1 / OTHER_PX < ratio < OTHER_PX:
            raise Refusal(
                "{name} has pixels of {gsd_m:.3g} m, {name_2} of {gsd_m_2:.3g} m: different sensors or modes cannot "
                "be compared. Choose scenes of one product.",
                name=name,
                gsd_m=scene.gsd_m,
                name_2=names[0],
                gsd_m_2=scenes[0].gsd_m,
            )
        found.append(tuple(scene.roles.index(role) for role in wanted))
    return tuple(found)


def survey(
    stack: Stack, names: Sequence[str], values: str, looks: float | None, normalise: bool, progress: Callable[[float], None]
) -> Survey:
    """Look at a sample: what the values are, how many looks, which gains. Raises Refusal for what is no backscatter."""
    data, _ = stack.sample(progress)
    values = _recognised(data, stack.scenes, values)
    rng = np.random.default_rng(0)
    chosen = rng.permutation(data[0].shape[1])[: omnibus.SAMPLE]
    series = np.stack([to_intensity(part[:, chosen].copy(), values) for part in data]).astype(float)
    pairs = [[omnibus.looks_of(a, b) for a, b in zip(first, second)] for first, second in zip(series, series[1:])]
    measured, steps = np.moveaxis(np.array(pairs), 2, 0)  # (K - 1, P) each
    if not np.isfinite(measured).all():
        raise Refusal(
            "Hardly any pixel is above 0 in every scene: check nodata, VALUES and that the scenes are backscatter."
        )
    if (steps == 1).all() and measured.max() >= omnibus.MOST_LOOKS:
        twin = int(measured.max(1).argmax())
        raise Refusal(
            "{first} and {second} hold the same picture. Choose scenes of different dates.",
            first=names[twin], second=names[twin + 1],
        )  # fmt: skip
    own = float(np.median(measured))
    warnings = []
    if looks is None and own >= omnibus.MOST_LOOKS * 0.99:
        raise Refusal(
            "The scenes have hardly any speckle when read as {values}: they are dB (VALUES=db), heavily filtered "
            "(give LOOKS), or no radar.",
            values=values,
        )
    if measured.max() > UNEVEN * measured.min():
        warnings.append(
            f"Between neighbouring dates the pictures look like {measured.min():.1f} to {measured.max():.1f} looks: where much changed, or the "
            "scenes are not of one product, the rate of false change is not quite the one asked for."
        )
    if looks is not None and not 1 / UNEVEN < looks / own < UNEVEN:
        warnings.append(
            f"LOOKS={looks:g}, but what did not change looks like {own:.1f} looks: check LOOKS, and whether VALUES={values} is right."
        )
    decibel = 10 * np.log10(steps)
    for i, step in enumerate(decibel):
        if np.abs(step).max() > GAIN_DB:
            told = ", ".join(f"{value:+.1f}" for value in step)
            done = (
                "taken out"
                if normalise
                else "left in; NORMALISE takes it out if it is no change on the ground, such as rain"
            )
            warnings.append(f"{names[i + 1]} is {told} dB brighter than {names[i]} as a whole: {done}.")
    gains = np.concatenate([np.ones((1, steps.shape[1])), np.cumprod(steps, axis=0)])
    return Survey(values, own if looks is None else looks, gains, normalise, tuple(warnings))


def detect(
    stack: Stack, how: Survey, significance: float, path: str, metadata: Mapping[str, str], progress: Callable[[float], None]
) -> tuple[int, int, np.ndarray]:
    """Write class, strength, number of changes, first changed date, and each step's sign.

    Returns the seen and the changed pixels, and of each step the darker and brighter ones (K - 1, 2).
    """
    dates = len(stack.scenes)
    names = ("class", "strength", "changes", "first", *(f"step {i + 1}" for i in range(dates - 1)))
    out = stack.create(path, names, "Byte", None, metadata, "OUTPUT")
    seen_px = changed_px = done = 0
    counts = np.zeros((dates - 1, 2), int)
    for window in stack.windows():
        progress(done / (stack.rows * stack.columns))
        data, seen = stack.read(window)
        series = how.series(data).reshape(dates, len(stack.bands[0]), -1)
        p = omnibus.p_of_change(series, how.looks)
        shown = seen.ravel() & np.isfinite(p)
        changed = np.flatnonzero(shown & (p <= significance))
        _, signs = omnibus.changes(series[:, :, changed], how.looks, significance)
        step = np.full((dates - 1, p.size), UNSEEN, np.uint8)
        step[:, shown] = SAME
        step[:, changed] = np.select([signs < 0, signs > 0], [DARKER, BRIGHTER], SAME)
        number, strong, first, classes = (np.zeros(p.size, np.uint8) for _ in range(4))
        number[changed] = (signs != 0).sum(0)
        strong[changed] = strength(p[changed])
        at = np.argmax(signs != 0, axis=0)
        first[changed] = at + 2
        classes[shown] = SAME
        classes[changed] = step[at, changed]
        streams.write(out, window, [v.reshape(seen.shape) for v in (classes, strong, number, first, *step)], "OUTPUT")
        seen_px, changed_px, done = seen_px + int(shown.sum()), changed_px + len(changed), done + seen.size
        counts += np.stack([(signs < 0).sum(1), (signs > 0).sum(1)], axis=1)
    out.FlushCache()
    return seen_px, changed_px, counts


def _sensor(metadata: Mapping[str, Mapping[str, str]]) -> str:
    """The satellites' name as metadata tell it, without the letter of one of several alike; "" where they do not."""
    for domain in ("IMAGERY", ""):
        for key in _SENSOR:
            told = metadata.get(domain, {}).get(key, "").strip().upper()
            if told:
                return re.sub(r"(?<=\d)[A-D]$", "", told)
    return ""


def _recognised(data: Sequence[np.ndarray], scenes: Sequence[Any], values: str) -> str:
    """amplitude, intensity or db: as asked for where the data can be that, else what is certain."""
    said = {said_values(getattr(scene, "band_names", ())) for scene in scenes}
    negative = max(float(np.mean(part < 0)) for part in data)
    low, middle, high = (float(np.median([np.quantile(part, q) for part in data])) for q in (0.01, 0.5, 0.99))
    if values == "auto":
        if len(said) == 1 and said != {""}:
            values = said.pop()
        elif negative > _NEGATIVE and _DB_RANGE[0] < low and high < _DB_RANGE[1]:
            values = "db"
        else:
            raise Refusal(
                "VALUES: the scenes do not all say whether they hold amplitude or intensity. Set VALUES=amplitude (Sentinel-1 GRD numbers, "
                "8-bit pictures), VALUES=intensity (linear sigma0) or VALUES=db."
            )
    if values == "db" and not _DB_RANGE[0] < middle < _DB_RANGE[1]:
        raise Refusal(
            "VALUES=db, but the scenes' middle value is {middle:.4g}, which is no dB. Set VALUES=amplitude or intensity.",
            middle=middle,
        )
    if values != "db" and negative > _NEGATIVE:
        raise Refusal(
            "{negative:.0%} of a scene is negative, which {values} never is: it looks like dB. Set VALUES=db, or "
            "mark nodata.",
            negative=negative,
            values=values,
        )
    return values
