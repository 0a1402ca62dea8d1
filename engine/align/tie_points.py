"""Where two scenes show the same ground: from a coarse look at the whole to a tie point in every window.

Whether they show one place at all is asked of windows paired wrongly on purpose: the same pictures, of other ground. What they
reach by chance is the measure for what rightly paired windows must exceed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..detectors.base import Progress, silent
from ..errors import Refusal
from . import correlation
from .displacement import agreeing, fitted
from .pair import Look, Pair

Shift = tuple[float, float]  # metres east and north, or, of a window's corner, east and south
Displacement = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]  # frame x, y -> metres east, north

_SIDES = (
    256,
    128,
    64,
)  # of the windows, pixels: the largest of which the box holds two in a row, or else the smallest that fits
_OVERVIEW = 512  # pixels of the overview's longer side
_STEP = 6.0  # how much finer each look is than the last
_SCOUTS = 6  # windows a side that settle whether and about where
_LEAST_SEEN = 0.4  # of a window, to be used
_CHANCE = 1e-4  # that windows of two places are taken for one
_SAME_PX = 3.0  # shifts that differ by less are one
_SEEK_PX = 6.0  # a scene whose parts moved apart has its commonest shift within this of the mean
_LEAST_SPREAD = 0.2  # standard deviation as a share of the mean: a few values may lie closer together by luck
_WRONG = 180  # windows paired wrongly
_LUCKY = 0.01  # share of wrong pairs that reach a good window's quality


@dataclass(frozen=True)
class TiePoints:
    """One entry a window. x, y: its middle in the reference (frame metres).

    dx, dy: metres that the moving scene's content lies east and north of the reference's. quality: height of the correlation in
    standard deviations of its background. least: the quality that chance hardly reaches.
    """

    x: np.ndarray
    y: np.ndarray
    dx: np.ndarray
    dy: np.ndarray
    quality: np.ndarray
    least: float

    def __len__(self) -> int:
        return len(self.x)

    @property
    def good(self) -> np.ndarray:
        """Which correlate more than chance does."""
        return self.quality > self.least

    def only(self, which: np.ndarray) -> TiePoints:
        """Some of them."""
        return TiePoints(self.x[which], self.y[which], self.dx[which], self.dy[which], self.quality[which], self.least)


def find(pair: Pair, max_shift_m: float, most: int = 1000, progress: Progress = silent) -> tuple[Pair, TiePoints]:
    """Tie points of a pair, at most about ``most`` windows, and the pair as it was compared (its brightness turned round or not).

    Raises Refusal where nothing shows that both are of one place.
    """
    pair, scouts, about = _scouts(pair, max_shift_m, lambda share: progress(0.25 * share))
    x, y, side = _grid(pair, most, 4)
    dx, dy = _trend(scouts, about)(x, y)
    kept, offsets, found = [], [], []
    for i in range(len(x)):
        progress(0.25 + 0.75 * i / len(x))
        if (view := _view(pair, x[i], y[i], (side, side), (dx[i], dy[i]))) is not None:
            kept.append(i)
            offsets.append(view.offset)  # a thousand views would fill the memory
            found.append(view.peak(side / 8))
    return pair, _points(pair.gsd_m, x[kept], y[kept], offsets, found, scouts.least)


def _points(
    gsd_m: float, x: np.ndarray, y: np.ndarray, offsets: Sequence[Shift], found: Sequence[correlation.Peak], least: float
) -> TiePoints:
    shifts = np.array([_metres(gsd_m, offset, peak) for offset, peak in zip(offsets, found)]).reshape(-1, 2)
    return TiePoints(x, y, shifts[:, 0], shifts[:, 1], np.array([peak.quality for peak in found]), least)


def _scouts(pair: Pair, max_shift_m: float, progress: Progress) -> tuple[Pair, TiePoints, Shift]:
    """A few windows at full detail, and about where the moving scene lies; each guess is tried before giving up."""
    x, y, side = _grid(pair, _SCOUTS**2)
    afar = _from_afar(pair, max_shift_m, progress)
    here = max(abs(v) for v in afar) < pair.gsd_m  # and the second guess is the first
    for guess in [afar] if here else [afar, (0.0, 0.0)]:
        views, kept = [], []
        for i in range(len(x)):
            progress(0.3)
            if (view := _view(pair, x[i], y[i], (side, side), guess)) is not None:
                views.append(view)
                kept.append(i)
        if not views:
            raise Refusal(
                "No window of {side} pixels shows ground in both scenes: one is blank there, or hidden by the masks. Give "
                "scenes with a common part that can be seen.",
                side=side,
            )  # fmt: skip
        sign, found = _better(views, side / 4)
        chance = _by_chance(views, side / 4, lambda: progress(0.7))
        if _is_one_place(found, chance):
            pair = pair if sign > 0 else pair.negative()
            return pair, _points(pair.gsd_m, x[kept], y[kept], [view.offset for view in views], found, chance.good), guess
    raise _different()


def _different() -> Refusal:
    return Refusal(
        "INPUT and REFERENCE do not show the same place as far as can be seen: their windows agree no better than windows "
        "paired at random. Check that both cover one place, raise MAX_SHIFT, or mask clouds and water."
    )


def _from_afar(pair: Pair, max_shift_m: float, progress: Progress) -> Shift:
    """About where the moving scene lies (metres): the overview first, then its middle looked at more and more finely."""
    west, south, east, north = pair.box
    gsd_m = max(pair.gsd_m, max(east - west, north - south) / _OVERVIEW)
    guess, reach = (0.0, 0.0), max_shift_m
    while True:
        progress(0.1)
        there = pair.on(gsd_m)
        rows, columns = (min(side, 2 * _OVERVIEW) for side in there.shape)
        view = _view(
            there, (west + east) / 2, (south + north) / 2, (rows, columns), guess, 0.05, lambda share: progress(0.1)
        )
        if view is None:
            return guess
        far = min(reach / gsd_m, 0.45 * min(rows, columns))
        best = max(view.peak(far), view.negative().peak(far), key=lambda peak: peak.quality)
        guess = _metres(gsd_m, view.offset, best)
        if gsd_m <= pair.gsd_m * _STEP:
            return guess
        gsd_m, reach = max(pair.gsd_m, gsd_m / _STEP), 3 * gsd_m


def _metres(gsd_m: float, offset: Shift, peak: correlation.Peak) -> Shift:
    """Metres east and north that the moving scene's content lies of the reference's."""
    return offset[0] + peak.dx * gsd_m, -(offset[1] + peak.dy * gsd_m)


@dataclass(frozen=True)
class _View:
    """One pair of windows: their whitened spectra, and metres from the first's upper left corner to the second's (east, south)."""

    first: np.ndarray
    second: np.ndarray
    offset: Shift
    shape: tuple[int, int]

    def negative(self) -> _View:
        """The same with the second window's brightness turned round (its gradient's size stays)."""
        return replace(self, second=self.second * np.array([-1, 1], np.float32)[:, None, None])

    def cross(self) -> np.ndarray:
        return correlation.cross(self.first, self.second)

    def peak(self, reach: float) -> correlation.Peak:
        return correlation.peak(correlation.surface(self.cross(), self.shape), reach)


def _view(
    pair: Pair,
    x: float,
    y: float,
    shape: tuple[int, int],
    shift: Shift,
    least: float = _LEAST_SEEN,
    progress: Progress = silent,
) -> _View | None:
    """The windows around a point and around where it is expected in the moving scene; None where too little is seen or it is blank."""
    first = pair.reference.look(x, y, *shape, progress)
    if not _shows(first, least):
        return None
    second = pair.moving.look(x + shift[0], y + shift[1], *shape, progress)
    if not _shows(second, least):
        return None
    spectra = [correlation.spectra(look.data, look.valid) for look in (first, second)]
    return _View(spectra[0], spectra[1], (second.x0 - first.x0, first.y0 - second.y0), shape)


def _shows(look: Look, least: float) -> bool:
    return bool(look.valid.mean() >= least and np.ptp(look.data[look.valid]) > 0)


@dataclass(frozen=True)
class _Chance:
    """What wrongly paired windows reach: the quality that one in a hundred exceeds, and how much they hardly ever agree."""

    good: float
    agreed: float


def _by_chance(views: Sequence[_View], reach: float, alive: Callable[[], None]) -> _Chance:
    """The first windows with the second ones upside down, turned by half, mirrored, and with those of other ground."""
    seconds = [view.second for view in views]
    over = [np.concatenate([second[:, :1], second[:, :0:-1]], axis=1) for second in seconds]  # the spectrum upside down
    turned, mirrored = ([second.conj() for second in some] for some in (seconds, over))  # the conjugate is turned by half
    count = len(views)
    steps = range(max(1, min(count, _WRONG // (3 * count))))
    wrong = [some[k:] + some[:k] for k in steps for some in (turned, over, mirrored)]
    if count >= 4 * _SCOUTS:
        wrong += [seconds[k:] + seconds[:k] for k in (count // 2, count // 3, count // 5)]
    qualities, agreed = [], []
    for others in wrong:
        alive()
        paired = [_View(view.first, other, view.offset, view.shape) for view, other in zip(views, others)]
        peaks = _better(paired, reach)[1]
        qualities += [peak.quality for peak in peaks]
        agreed.append(_agreed(peaks))
    return _Chance(_gumbel(qualities, _LUCKY), _gumbel(agreed, _CHANCE))


def _better(views: Sequence[_View], reach: float) -> tuple[int, list[correlation.Peak]]:
    """The sign of brightness, 1 or -1, with which windows agree more, and their peaks."""
    plain, turned = ([view.peak(reach) for view in some] for some in (views, [view.negative() for view in views]))
    return (1, plain) if _agreed(plain) >= _agreed(turned) else (-1, turned)


def _agreed(peaks: Sequence[correlation.Peak]) -> float:
    """The highest total quality of windows that show about the same shift."""
    at, quality = np.array([(peak.dx, peak.dy) for peak in peaks]), np.array([peak.quality for peak in peaks])
    near = np.hypot(*(at[:, None] - at[None]).transpose(2, 0, 1)) <= _SAME_PX
    return float((near @ quality).max())


def _gumbel(values: Sequence[float], chance: float) -> float:
    """The height that highest values of noise exceed with this chance, from a sample of such highest values."""
    spread = max(float(np.std(values)), _LEAST_SPREAD * float(np.mean(values))) * math.sqrt(6) / math.pi
    return float(np.mean(values)) - 0.5772 * spread - spread * math.log(-math.log1p(-chance))


def _is_one_place(found: Sequence[correlation.Peak], chance: _Chance) -> bool:
    """Whether more windows are good than chance allows, or they agree more than wrong pairs do."""
    good, count = sum(peak.quality > chance.good for peak in found), len(found)
    lucky = sum(math.comb(count, k) * _LUCKY**k * (1 - _LUCKY) ** (count - k) for k in range(good, count + 1))
    return lucky < _CHANCE or _agreed(found) > chance.agreed


def _grid(pair: Pair, most: int, overlap: int = 2) -> tuple[np.ndarray, np.ndarray, int]:
    """Middles of windows (frame metres) spread over the box, at most about ``most``, and their side in pixels."""
    rows, columns = pair.shape
    short = min(rows, columns)
    side = next((s for s in _SIDES if short >= 2 * s), min(_SIDES[-1], short // 8 * 8))
    step = side / overlap if rows * columns <= 64 * side**2 else float(side)  # in small scenes they overlap
    down, across = (max(1, int((n - side) / step + 1e-6) + 1) for n in (rows, columns))
    if down * across > most:
        thin = math.sqrt(most / (down * across))
        down, across = max(1, round(down * thin)), max(1, round(across * thin))
    west, south, east, north = pair.box
    half = side / 2 * pair.gsd_m
    x = np.linspace(west + half, east - half, across) if across > 1 else np.array([(west + east) / 2])
    y = np.linspace(north - half, south + half, down) if down > 1 else np.array([(south + north) / 2])
    every = np.meshgrid(x, y)
    return every[0].ravel(), every[1].ravel(), side


def _trend(scouts: TiePoints, about: Shift) -> Displacement:
    """The displacement that the good scouts show, as a plane where they are many."""
    points = scouts.only(scouts.good)
    points = points.only(agreeing(points.x, points.y, points.dx, points.dy, 1.0))
    if not len(points):
        return lambda x, y: (np.full(len(x), about[0]), np.full(len(x), about[1]))
    return fitted("affine" if len(points) >= 12 else "shift", points.x, points.y, points.dx, points.dy).at


def sharpened(pair: Pair, points: TiePoints, about: Displacement) -> Shift | None:
    """One shift (metres) at which the windows of all these points together agree best; None for many points, whose mean is as good."""
    if len(points) > 4 * _SCOUTS**2:
        return None
    side = _grid(pair, 1)[2]
    dx, dy = about(points.x[:1], points.y[:1])
    shift = float(dx[0]), float(dy[0])
    views = [view for x, y in zip(points.x, points.y) if (view := _view(pair, x, y, (side, side), shift)) is not None]
    if not views:
        return None
    offset = views[0].offset
    total = np.sum([view.cross() for view in views if np.allclose(view.offset, offset)], axis=0)
    top = correlation.peak(correlation.surface(total, (side, side)), _SEEK_PX)
    right, below = correlation.sharpen(total, (side, side), top.dx, top.dy)
    return offset[0] + right * pair.gsd_m, -(offset[1] + below * pair.gsd_m)
