"""From a radar file's values to intensity, and what must be known of its speckle; refuses what cannot be backscatter."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import lgamma

import numpy as np

from ..bands import POLARISATIONS
from ..errors import Refusal
from ..patch import Patch
from ..tiles import common
from ..zones import Zone
from .base import SceneLike

VALUES = ("auto", "amplitude", "intensity", "db")
WORK_GSD_M = 2.0  # finer pixels are averaged: they show parts of ships, and every average calms the speckle
LEAST_SEA_PX = 400  # in all samples together

_WORDS = {
    "db": "db", "decibel": "db", "amplitude": "amplitude", "amp": "amplitude", "intensity": "intensity", "sigma0": "intensity",
    "gamma0": "intensity", "beta0": "intensity",
}  # fmt: skip
_DB_RANGE = -70.0, 35.0
_NEGATIVE = 0.01  # share of negative pixels that noise removal may leave
_SAMPLES, _SAMPLE_PX, _BLOCK_PX = 25, 128, 64
_STRIP_PX = 48  # rows
_CALM = 0.25  # share of the blocks, the calmest, in which speckle is measured
_LOOKS_OFF = 2.5  # measured looks that differ by this factor from those given
_NO_SPECKLE = 100.0  # looks of a pixel of the file beyond which it is no backscatter
_SWAPPED = 1.25  # cross-polarised sea this much brighter than co-polarised: the sea never is


@dataclass(frozen=True)
class Backscatter:
    """How to read a scene: which bands, what their values are, how many pixels to average, and their speckle.

    values: amplitude, intensity or db. step: pixels averaged on each side. looks: of the averaged pixels, one number a band.
    smooth_looks: of their 3 × 3 means. warnings: sentences for the user.
    """

    bands: tuple[int, ...]
    values: str
    step: int
    looks: tuple[float, ...]
    smooth_looks: tuple[float, ...]
    warnings: tuple[str, ...] = ()

    def intensity(self, patch: Patch) -> Patch:
        """The polarisations of a patch in linear intensity, averaged; invalid where any pixel is."""
        return averaged(patch, self.bands, self.values, self.step)


def averaged(patch: Patch, bands: Sequence[int], values: str, step: int) -> Patch:
    """Bands of a patch in linear intensity, means over step × step pixels."""
    data = to_intensity(patch.data if len(bands) == len(patch.roles) else patch.data[list(bands)], values)
    valid, roles = patch.valid, tuple(patch.roles[i] for i in bands)
    if step > 1:
        rows, columns = (n // step for n in valid.shape)
        inner = (slice(rows * step), slice(columns * step))
        blocks = (rows, step, columns, step)
        data = data[(slice(None), *inner)].reshape(len(bands), *blocks).mean((2, 4))
        valid = valid[inner].reshape(blocks).all((1, 3))
    return Patch(data, valid, patch.x0, patch.y0, patch.gsd_m * step, roles)


def to_intensity(data: np.ndarray, values: str) -> np.ndarray:
    """Linear intensity (float32) of amplitude, intensity or dB; what is negative in the first two becomes 0."""
    if values == "db":
        return np.exp(data * np.float32(np.log(10) / 10))
    data = np.maximum(data, 0)
    return np.square(data, out=data) if values == "amplitude" else data


def survey(scene: SceneLike, zones: Sequence[Zone], values: str = "auto", looks: float | None = None) -> Backscatter:
    """Look at samples of the sea in the zones; band names are heeded. Raises Refusal for what is not backscatter."""
    bands = tuple(i for i, role in enumerate(scene.roles) if role in POLARISATIONS)
    step = max(1, int(WORK_GSD_M / scene.gsd_m + 0.25))
    samples = [(patch, sea) for patch, sea in _samples(scene, zones, step) if (sea & patch.valid).any()]
    raw = [
        np.concatenate([patch.data[i][sea & patch.valid] for patch, sea in samples]) if samples else np.zeros(0)
        for i in bands
    ]
    if not raw[0].size:
        raise Refusal(
            "INPUT shows nothing in ZONES: a pixel is seen where every band holds a value that is neither NaN nor nodata, nor 0 in all."
        )
    if raw[0].size < LEAST_SEA_PX * step**2:
        raise Refusal(
            "ZONES hold too little sea to tell ships from it: draw larger water zones, or check that the scene shows them."
        )
    said = said_values(getattr(scene, "band_names", ()))
    asked, values, warnings = values, _recognised(raw, values, said), []
    if said and asked not in ("auto", said):
        warnings.append(
            f"The band names of INPUT say {said}, but VALUES={asked} is taken: every number hangs on which is right."
        )
    if values != "db" and max(np.mean(v < 0) for v in raw) > 0:
        warnings.append("A few values of INPUT are negative and are taken as 0.")
    _check_order([scene.roles[i] for i in bands], raw, values)
    measured, smooth = [], []
    calm = [(averaged(patch, bands, values, step), sea) for patch, sea in samples]
    for k in range(len(bands)):
        pieces = [(patch.data[k], _coarser(sea, step) & patch.valid) for patch, sea in calm]
        own, of_means = speckle(pieces)
        measured.append(own)
        smooth.append(of_means)
    if looks is None and min(measured) > _NO_SPECKLE * step**2:
        raise Refusal(
            "INPUT has hardly any speckle when read as {values} (as of {measured:.0f} looks): it is dB "
            "(VALUES=db), heavily filtered (give LOOKS), or no radar picture.",
            values=values,
            measured=min(measured),
        )
    if looks is not None and not 1 / _LOOKS_OFF < looks / (min(measured) / step**2) < _LOOKS_OFF:
        warnings.append(
            f"LOOKS={looks:g}, but the sea reads like {min(measured) / step**2:.1f} looks: check LOOKS, and whether VALUES={values} is "
            "right."
        )
    known = [looks] * len(bands) if looks is not None and step == 1 else measured
    return Backscatter(bands, values, step, tuple(known), tuple(smooth), tuple(warnings))


def speckle(pieces: Sequence[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Looks of the pixels and of their 3 × 3 means, from images (rows, columns) of intensity and where their sea is."""
    return (
        _looks([v for image, sea in pieces for v in _blocks(image, sea)]),
        _balanced([v for image, sea in pieces for v in _blocks(box_mean(image), _inner(sea))]),
    )


def _samples(scene: SceneLike, zones: Sequence[Zone], step: int) -> Iterator[tuple[Patch, np.ndarray]]:
    """Windows of the scene spread over the zones, with where the zone is."""
    largest = sorted(zones, key=lambda zone: -zone.area_m2)[:_SAMPLES]
    count = max(1, round((_SAMPLES / max(len(largest), 1)) ** 0.5))
    side = _SAMPLE_PX * step * scene.gsd_m
    for zone in largest:
        west, south, east, north = common(zone.geometry.bounds, scene.bounds)
        if west >= east or south >= north:
            continue
        for x in _spread(west, east, side, count):
            for y in _spread(south, north, side, count):
                patch = scene.read((x, y, min(x + side, east), min(y + side, north)))
                yield patch, patch.inside(zone.geometry)


def _spread(low: float, high: float, side: float, count: int) -> list[float]:
    return [low] if high - low <= side else np.linspace(low, high - side, count + 2)[1:-1].tolist()


def _coarser(sea: np.ndarray, step: int) -> np.ndarray:
    rows, columns = (n // step for n in sea.shape)
    return sea[: rows * step, : columns * step].reshape(rows, step, columns, step).all((1, 3))


def said_values(names: Sequence[str]) -> str:
    """What the band names say of the values; "" where they say nothing or disagree."""
    said = {_WORDS[word] for name in names for word in re.split(r"[^a-z0-9]+", name.lower()) if word in _WORDS}
    said = {"db"} if "db" in said else said
    return said.pop() if len(said) == 1 else ""


def _recognised(raw: Sequence[np.ndarray], values: str, said: str) -> str:
    """amplitude, intensity or db: as asked for where the data can be that, else what is certain."""
    low, middle, high = (float(np.median([np.quantile(v, q) for v in raw])) for q in (0.01, 0.5, 0.99))
    negative = max(float(np.mean(v < 0)) for v in raw)
    like_db = negative > _NEGATIVE and _DB_RANGE[0] < low and high < _DB_RANGE[1]
    if values == "auto":
        if said:
            values = said
        elif like_db:
            values = "db"
        else:
            raise Refusal(
                "VALUES: INPUT does not say whether it holds amplitude or intensity. Set VALUES=amplitude (Sentinel-1 GRD numbers, "
                "8-bit pictures), VALUES=intensity (linear sigma0) or VALUES=db."
            )
    if values == "db" and not (_DB_RANGE[0] < middle < _DB_RANGE[1]):
        raise Refusal(
            "VALUES=db, but INPUT's sea lies at {middle:.4g}, which is no dB. Set VALUES=amplitude or intensity.",
            middle=middle,
        )
    if values != "db" and negative > _NEGATIVE:
        raise Refusal(
            "{negative:.0%} of INPUT's sea is negative, which {values} never is: it looks like dB. Set "
            "VALUES=db, or mark nodata.",
            negative=negative,
            values=values,
        )
    return values


def _check_order(roles: Sequence[str], raw: Sequence[np.ndarray], values: str) -> None:
    """Over the sea the cross-polarised return is always the weaker one."""
    level = {role: float(np.median(to_intensity(v.astype(np.float32), values))) for role, v in zip(roles, raw)}
    for co, cross in (("vv", "vh"), ("hh", "hv")):
        if co in level and cross in level and level[cross] > _SWAPPED * level[co]:
            raise Refusal(
                "The band taken as {cross} is brighter over the sea than the one taken as {co}, which the sea never "
                "is: they seem to be swapped. Set BANDS in the file's order, such as {cross},{co}.",
                cross=cross,
                co=co,
            )


def box_mean(image: np.ndarray) -> np.ndarray:
    """Means over 3 × 3 pixels; 0 on the rim. Worked in strips that stay in the processor's cache."""
    out = np.zeros_like(image)
    for top in range(1, image.shape[0] - 1, _STRIP_PX):
        bottom = min(top + _STRIP_PX, image.shape[0] - 1)
        down = image[top - 1 : bottom - 1] + image[top:bottom]
        down += image[top + 1 : bottom + 1]
        across = down[:, :-2] + down[:, 1:-1]
        across += down[:, 2:]
        np.multiply(across, np.float32(1 / 9), out=out[top:bottom, 1:-1])
    return out


def _inner(sea: np.ndarray) -> np.ndarray:
    return box_mean(sea.astype(np.float32)) > 0.999


def _blocks(image: np.ndarray, sea: np.ndarray) -> list[np.ndarray]:
    """Values of the sea, over their mean and without what outshines it, by blocks that hold enough of it."""
    found = []
    for i in range(0, image.shape[0], _BLOCK_PX):
        for j in range(0, image.shape[1], _BLOCK_PX):
            v = image[i : i + _BLOCK_PX, j : j + _BLOCK_PX][sea[i : i + _BLOCK_PX, j : j + _BLOCK_PX]].astype(float)
            for _ in range(4):
                v = v[v < 8 * v.mean()] if v.size and v.mean() > 0 else v[:0]
            if v.size >= 50:
                found.append(v / v.mean())
    return sorted(found, key=len)[-len(found) // 2 - 1 :]  # slivers of sea say little


def _balanced(blocks: Sequence[np.ndarray]) -> float:
    """Looks of means of many pixels: as many as texture, which of all K laws of one spread has the heaviest tail."""
    ratio = float(np.median([np.square(v).mean() for v in blocks])) if blocks else 1.1
    return float(np.clip(1 / (np.sqrt(max(ratio, 1.0005)) - 1), 0.5, 2000.0))


def _looks(blocks: Sequence[np.ndarray]) -> float:
    """Looks of the calmest blocks, by their moments of order 2 and 1/2.

    The K law is symmetric in looks and texture; the smaller of the two shapes is taken for the looks, which in calm water it
    is, and where it is not the law is the same.
    """
    ratios = np.array([np.square(v).mean() for v in blocks]) if blocks else np.array([2.0])
    calm = ratios <= np.quantile(ratios, _CALM)
    ratio = max(float(ratios[calm].mean()), 1.0005)
    root = float(np.mean([np.sqrt(v).mean() ** 2 for v, use in zip(blocks, calm) if use])) if blocks else 0.8
    gamma = 1 / (ratio - 1)  # without texture
    a = np.geomspace(gamma, 1 / (np.sqrt(ratio) - 1), 60)
    b = np.minimum(1 / np.maximum(ratio / (1 + 1 / a) - 1, 1e-5), 1e5)
    fits = np.array([_root_moment(p) * _root_moment(q) for p, q in zip(a, b)])
    return float(np.clip(a[np.argmin(np.abs(fits - root))], 0.5, 5000.0))


def _root_moment(shape: float) -> float:
    """E[√x]² / E[x] of a gamma variable."""
    if shape > 200:
        return 1 - 1 / (4 * shape)
    return float(np.exp(2 * (lgamma(shape + 0.5) - lgamma(shape))) / shape)
