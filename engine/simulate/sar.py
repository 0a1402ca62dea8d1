"""Radar scenes of the sea: K clutter with correlated speckle, ships as point scatterers, their sidelobes and azimuth ghosts, land.

Looks are drawn as complex fields, blurred by the impulse response and detected, so speckle and targets interfere as in a radar.
Columns are range and rows azimuth; north is up. Everything is seeded. No more realism than tests and calibrations of shifts need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ..detections import Detections

# Sea, land and ships in VH against VV (dB), and the noise that no return lies below.
CROSS_DB = {"sea": -9.0, "land": -6.0, "ship": -7.0}
NOISE_DB = -28.0
LAND_DB = -8.0
GHOST_DB = -24.0
REACH_PX = 24  # of the sidelobes

# Amplitude taper of the spectrum across the band, as Sentinel-1's Hamming window; first sidelobes lie near -22 dB.
_TAPER, _WIDTH_PX = 0.75, 1.8


@dataclass(frozen=True)
class Sea:
    """sea_db: backscatter of the sea in VV. nu: shape of its texture (inf: none), correlated over corr_px. looks: averaged."""

    sea_db: float = -17.0
    nu: float = 5.0
    corr_px: float = 3.0
    looks: float = 4.4


@dataclass(frozen=True)
class RadarScene:
    """data: float32 (bands, rows, columns), sigma0 in linear intensity. truth: the ships. ghosts: x, y (N, 2) of their ghosts."""

    data: np.ndarray
    bands: tuple[str, ...]
    gsd_m: float
    x0: float
    y0: float
    truth: Detections
    ghosts: np.ndarray


def fleet(
    bounds: tuple[float, float, float, float],
    count: int,
    rng: np.random.Generator,
    lengths_m: tuple[float, float] = (40, 300),
) -> Detections:
    """Ships of log-uniform lengths, no two within 600 m, none within 400 m of the edge; score is their brightness in dB."""
    west, south, east, north = (b + m for b, m in zip(bounds, (400, 400, -400, -400)))
    places: list[tuple[float, float]] = []
    for _ in range(50 * count):
        x, y = rng.uniform(west, east), rng.uniform(south, north)
        if len(places) < count and all(np.hypot(x - a, y - b) > 600 for a, b in places):
            places.append((x, y))
    low, high = (float(np.log(value)) for value in lengths_m)
    length = np.exp(rng.uniform(low, high, len(places)))
    x, y = np.array(places).reshape(-1, 2).T
    brightness = rng.uniform(-3.0, 9.0, len(places)) + 3.0 * np.log2(length / 100)
    return Detections.make(x, y, length, length / rng.uniform(5.5, 7, len(places)), rng.uniform(0, 180, len(places)), "ship",
                           score=brightness)  # fmt: skip


def render(
    ships: Detections,
    bounds: tuple[float, float, float, float],
    gsd_m: float,
    *,
    sea: Sea | None = None,
    bands: Sequence[str] = ("vv", "vh"),
    land: np.ndarray | None = None,
    ghost_m: float = 0.0,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
) -> RadarScene:
    """A scene of ``bounds`` (west, south, east, north).

    ships: score is the mean backscatter of the hull in dB (VV). land: bool (rows, columns). ghost_m: azimuth displacement of
    the ghosts, 0 for none.
    """
    west, south, east, north = bounds
    rows, columns = round((north - south) / gsd_m), round((east - west) / gsd_m)
    rng = np.random.default_rng(seed)
    sea = sea or Sea()
    texture = _texture((rows, columns), sea, rng)
    if land is not None:
        texture = np.where(land, rng.gamma(1.0, 1.0, texture.shape).astype(np.float32), texture)
    scatterers, ghosts = _scatterers(ships, west, north, gsd_m, ghost_m, rng)
    data = np.zeros((len(bands), rows, columns), np.float32)
    weights = _look_weights(sea.looks)
    for number, (out, band) in enumerate(zip(data, bands)):
        cross = {key: value if band in ("vh", "hv") else 0.0 for key, value in CROSS_DB.items()}
        level = np.where(False if land is None else land, _power(LAND_DB + cross["land"]), _power(sea.sea_db + cross["sea"]))
        amplitude = np.sqrt(level * texture + _power(NOISE_DB), dtype=np.float32)
        for k, weight in enumerate(weights):
            if progress:
                progress((number + k / len(weights)) / len(bands))
            look = rng.standard_normal((2, rows, columns), dtype=np.float32)
            field = _blurred(look[0] + 1j * look[1]) * amplitude * np.float32(np.sqrt(0.5))
            _draw(field, scatterers, np.sqrt(_power(cross["ship"])), rng)
            out += np.float32(weight) * (field.real**2 + field.imag**2)
    return RadarScene(data, tuple(bands), gsd_m, west, north, ships, ghosts)


def write(scene: RadarScene, path: str | Path, utc: datetime, epsg: int, *, values: str = "intensity") -> None:
    """A tiled GeoTIFF with named bands. values: intensity, amplitude (16 bit, as Sentinel-1's numbers) or db."""
    from osgeo import gdal

    from .files import _created, _crs

    kind = gdal.GDT_UInt16 if values == "amplitude" else gdal.GDT_Float32
    _, rows, columns = scene.data.shape
    options = ["TILED=YES", "COMPRESS=LZW", f"PREDICTOR={2 if values == 'amplitude' else 3}"]
    file = _created("GTiff", path, columns, rows, len(scene.bands), kind, options)
    file.SetGeoTransform((scene.x0, scene.gsd_m, 0.0, scene.y0, 0.0, -scene.gsd_m))
    file.SetProjection(_crs(epsg).ExportToWkt())
    file.SetMetadata(
        {"TIFFTAG_SOFTWARE": "Rason simulator", "TIFFTAG_IMAGEDESCRIPTION": "SYNTHETIC scene: its ships are invented"}
    )
    file.SetMetadata({"ACQUISITIONDATETIME": f"{utc:%Y-%m-%dT%H:%M:%SZ}"}, "IMAGERY")
    word = {"intensity": "Sigma0_{}", "amplitude": "Amplitude_{}", "db": "Sigma0_{}_db"}[values]
    for k, (band, image) in enumerate(zip(scene.bands, scene.data), 1):
        target = file.GetRasterBand(k)
        target.SetDescription(word.format(band.upper()))
        target.WriteArray(stored(image, values))
    file.FlushCache()


def stored(image: np.ndarray, values: str) -> np.ndarray:
    """Intensity as a file would hold it."""
    if values == "db":
        return 10 * np.log10(np.maximum(image, 1e-9))
    return np.clip(np.sqrt(image) * 500, 1, 65535).astype(np.uint16) if values == "amplitude" else image


def _power(db: Any) -> Any:
    return 10 ** (np.asarray(db) / 10)


def _texture(shape: tuple[int, int], sea: Sea, rng: np.random.Generator) -> np.ndarray:
    """Gamma texture of unit mean, correlated: a smooth Gaussian field put through the gamma law's quantiles."""
    from scipy.ndimage import gaussian_filter
    from scipy.special import gammaincinv, ndtr

    if not np.isfinite(sea.nu):
        return np.ones(shape, np.float32)
    field = rng.standard_normal(shape, dtype=np.float32)
    if sea.corr_px:
        field = gaussian_filter(field, sea.corr_px, truncate=3)
        field /= field.std()
    grid = np.linspace(-5.5, 5.5, 400)
    return np.interp(field, grid, gammaincinv(sea.nu, ndtr(grid)) / sea.nu).astype(np.float32)


def _look_weights(looks: float) -> np.ndarray:
    """Weights of whole looks whose mean has as many looks as asked for: 1 / Σ w² = looks."""
    count = int(np.ceil(looks - 1e-9))
    if count == 1:
        return np.ones(1)
    low = (1 - np.sqrt(max((count / looks - 1) * (count - 1), 0))) / count  # of all but the first
    weights = np.full(count, (1 - low) / (count - 1))
    weights[0] = low
    return weights


def _response(offset: Any) -> np.ndarray:
    """Amplitude of the impulse response at offsets in pixels, 1 at 0: a sinc of Hamming taper."""
    u = np.asarray(offset, float) / _WIDTH_PX
    return (_TAPER * np.sinc(u) + (1 - _TAPER) / 2 * (np.sinc(u - 1) + np.sinc(u + 1))) / _TAPER


def _blurred(field: np.ndarray) -> np.ndarray:
    """White complex noise with the speckle's correlation, its power kept."""
    from scipy.ndimage import convolve1d

    kernel = _response(np.arange(-3, 4)).astype(np.float32)
    kernel /= np.sqrt((kernel**2).sum())
    for axis in (0, 1):
        field = convolve1d(field.real, kernel, axis, mode="wrap") + 1j * convolve1d(field.imag, kernel, axis, mode="wrap")
    return field.astype(np.complex64)


def _scatterers(
    ships: Detections, west: float, north: float, gsd_m: float, ghost_m: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Row, column and amplitude (N, 3) of all scatterers, ghosts included, and the ghosts' places x, y (M, 2)."""
    rows, ghosts = [], []
    for k in range(len(ships)):
        count = max(3, int(ships.length_m[k] / 8))
        u = np.clip(rng.normal(0, 0.27, count), -0.5, 0.5) * ships.length_m[k]
        u[:2] = np.array([-0.48, 0.48]) * ships.length_m[k]  # bow and stern
        v = rng.uniform(-0.5, 0.5, count) * ships.width_m[k]
        angle = np.radians(ships.azimuth_deg[k])
        x, y = ships.x[k] + u * np.sin(angle) + v * np.cos(angle), ships.y[k] + u * np.cos(angle) - v * np.sin(angle)
        # The hull's power, its area times its backscatter, is shared by scatterers of very different strength.
        share = rng.exponential(size=count) + 0.05
        pixels = ships.length_m[k] * ships.width_m[k] / gsd_m**2
        amplitude = np.sqrt(_power(ships.score[k]) * pixels * share / share.sum())
        for shift in (0.0, ghost_m, -ghost_m) if ghost_m else (0.0,):
            fainter = 1.0 if not shift else np.sqrt(_power(GHOST_DB))
            rows.append(np.column_stack([(north - y - shift) / gsd_m - 0.5, (x - west) / gsd_m - 0.5, amplitude * fainter]))
            if shift:
                ghosts.append((ships.x[k], ships.y[k] + shift))
    return np.concatenate(rows) if rows else np.zeros((0, 3)), np.array(ghosts).reshape(-1, 2)


def _draw(field: np.ndarray, scatterers: np.ndarray, factor: float, rng: np.random.Generator) -> None:
    """Add scatterers with random phases to one look."""
    phase = np.exp(2j * np.pi * rng.random(len(scatterers)))
    reach = np.arange(-REACH_PX, REACH_PX + 1)
    for (row, column, amplitude), turn in zip(scatterers, phase):
        r, c = round(row), round(column)
        down, across = r + reach, c + reach
        inside_r, inside_c = (down >= 0) & (down < field.shape[0]), (across >= 0) & (across < field.shape[1])
        if not (inside_r.any() and inside_c.any()):
            continue
        window = np.outer(_response(down - row)[inside_r], _response(across - column)[inside_c])
        field[np.ix_(down[inside_r], across[inside_c])] += (factor * amplitude * turn * window).astype(np.complex64)
