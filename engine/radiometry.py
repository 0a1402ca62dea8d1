"""The brightness of one scene brought onto another's, by pixels that did not change between them.

Source: Canty and Nielsen, "Automatic radiometric normalization of multitemporal satellite imagery with the iteratively re-weighted MAD
transformation", Remote Sensing of Environment 112, 2008: no-change pixels of IR-MAD, orthogonal regression, test on pixels held out. The test sees a slope that is left,
not a curve: pixels far from the line are not taken as unchanged.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .change import irmad
from .errors import Refusal
from .gdal_files import raising

UNCHANGED = 0.95  # p from which on a pixel is taken as unchanged
LEAST_PX = 2000  # of them; below, the lines that most pixels follow are taken
HELD_OUT = 1 / 3
WIDTH_PX, HEIGHT_PX = 4096, 512


@dataclass(frozen=True)
class Match:
    """value · gain + offset (B,) gives the reference's values.

    pixels: unchanged ones the lines rest on; 0 where too few were found and most pixels were taken instead. slope, slope_se: of the
    reference over the matched scene in pixels held out, 1 where the match is right. difference: mean of theirs, matched minus reference.
    """

    gain: np.ndarray
    offset: np.ndarray
    pixels: int
    slope: np.ndarray
    slope_se: np.ndarray
    difference: np.ndarray
    correlations: np.ndarray

    @property
    def holds(self) -> np.ndarray:
        """Bool (B,): whether slope 1 lies in the 95 % interval or within one percent."""
        return np.abs(self.slope - 1) <= np.maximum(1.96 * self.slope_se, 0.01)


def match(
    values: np.ndarray, reference: np.ndarray, progress: Callable[[float], None] = lambda fraction: None, seed: int = 0
) -> Match:
    """Lines from pixels (B, N) that both scenes show. Raises Refusal where a band has nothing in common with its counterpart."""
    model = irmad.fit(reference, values, progress, seed, ("REFERENCE", "INPUT"))
    same = np.flatnonzero(model.p(model.statistic(reference, values)) > UNCHANGED)
    enough = len(same) >= LEAST_PX
    rows = np.random.default_rng(seed).permutation(same if enough else values.shape[1])
    held, used = np.split(rows, [int(len(rows) * HELD_OUT)])
    x, y = values.astype(float), reference.astype(float)
    if enough:
        gain, offset = irmad.orthogonal(x[:, used], y[:, used], np.ones(len(used)))
    else:
        gain, offset = lines_of_most(x[:, used], y[:, used], seed)
    if not (np.isfinite(gain).all() and (gain > 0).all()):
        raise Refusal(
            "What is bright in a band of INPUT is dark in the same band of REFERENCE: they do not show the same. Check the order of the bands, "
            "and that both scenes show the same place."
        )
    matched = x[:, held] * gain[:, None] + offset[:, None]
    if enough:
        slope, _ = irmad.orthogonal(matched, y[:, held], np.ones(len(held)))
    else:
        slope, _ = lines_of_most(matched, y[:, held], seed + 1)
    likeness = np.clip([np.corrcoef(a, b)[0, 1] for a, b in zip(matched, y[:, held])], 1e-6, 1 - 1e-12)
    se = slope * np.sqrt((1 - likeness**2) / likeness**2 / len(held))
    middle = np.mean if enough else np.median
    return Match(
        gain, offset, len(same) if enough else 0, slope, se, middle(matched - y[:, held], axis=1), model.correlations
    )


def lines_of_most(x: np.ndarray, y: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Gain and offset (B,) by the median slope of pairs of pixels (Theil and Sen), taken both ways so that noise does not flatten it."""
    pairs = np.random.default_rng(seed).integers(0, x.shape[1], (2, irmad.PAIRS))
    gain = np.empty(len(x))
    for i, (a, b) in enumerate(zip(x, y)):
        forth, back = irmad.median_slope(a, b, pairs), irmad.median_slope(b, a, pairs)
        gain[i] = np.sqrt(forth / back) if forth > 0 and back > 0 else np.nan
    return gain, np.median(y - gain[:, None] * x, axis=1)


def apply(
    source: Any,
    numbers: Sequence[int],
    found: Match,
    path: str | Path,
    metadata: Mapping[str, str],
    progress: Callable[[float], None],
) -> int:
    """Write the matched scene with the type, grid, nodata and names of the GDAL dataset ``source``; pixels cut at the type's ends.

    numbers: the bands, from 1, that the lines are for; others are copied. Nodata, NaN and pixels that are 0 in all bands (a black
    collar) stay as they are. Raises Refusal where it cannot be written.
    """
    from osgeo import gdal

    kind = source.GetRasterBand(numbers[0]).DataType
    columns, rows, cut, done = source.RasterXSize, source.RasterYSize, 0, 0
    try:
        with raising():
            out = gdal.GetDriverByName("GTiff").Create(
                str(path),
                columns,
                rows,
                source.RasterCount,
                kind,
                ["TILED=YES", "COMPRESS=DEFLATE", "ZLEVEL=1", "BIGTIFF=IF_SAFER"],
            )
            out.SetGeoTransform(source.GetGeoTransform())
            out.SetProjection(source.GetProjection())
            out.SetMetadata({**source.GetMetadata(), **metadata})
            for number in range(1, source.RasterCount + 1):
                _like(source.GetRasterBand(number), out.GetRasterBand(number))
            for row in range(0, rows, HEIGHT_PX):
                for column in range(0, columns, WIDTH_PX):
                    progress(done / (rows * columns))
                    window = column, row, min(WIDTH_PX, columns - column), min(HEIGHT_PX, rows - row)
                    cut += _block(source, out, numbers, found, window)
                    done += window[2] * window[3]
            out.FlushCache()
    except RuntimeError as error:
        raise Refusal(
            "OUTPUT: {path} could not be written ({error}). Choose another place.", path=path, error=error
        ) from error
    return cut


def _like(band: Any, target: Any) -> None:
    """Name, colour and nodata."""
    target.SetDescription(band.GetDescription())
    target.SetColorInterpretation(band.GetColorInterpretation())
    if band.GetNoDataValue() is not None:
        target.SetNoDataValue(band.GetNoDataValue())


def _block(source: Any, out: Any, numbers: Sequence[int], found: Match, window: tuple[int, int, int, int]) -> int:
    """Match one block; how many pixels were cut."""
    stored = [source.GetRasterBand(n).ReadAsArray(*window) for n in range(1, source.RasterCount + 1)]
    dark = np.all([stored[n - 1] == 0 for n in numbers], axis=0)
    cut = np.zeros(dark.shape, bool)
    for gain, offset, number in zip(found.gain, found.offset, numbers):
        old, nodata = stored[number - 1], source.GetRasterBand(number).GetNoDataValue()
        new, beyond = fitted(old * gain + offset, old.dtype, nodata)
        kept = dark | (old == nodata if nodata is not None else False)
        stored[number - 1] = np.where(kept, old, new)
        cut |= beyond & ~kept
    for number, values in enumerate(stored, 1):
        out.GetRasterBand(number).WriteArray(values, *window[:2])
    return int(cut.sum())


def fitted(values: np.ndarray, kind: Any, nodata: float | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Values in a type, rounded and cut at its ends but never nodata; and where they were cut (NaN is not)."""
    if not np.issubdtype(kind, np.integer):
        return values.astype(kind), np.zeros(values.shape, bool)
    ends = np.iinfo(kind)
    whole = np.rint(np.nan_to_num(values))
    beyond = (whole < ends.min) | (whole > ends.max)
    new = np.clip(whole, ends.min, ends.max).astype(kind)
    if nodata is not None and ends.min <= nodata <= ends.max:
        new[new == nodata] = int(nodata) + (1 if nodata < ends.max else -1)
    return new, beyond
