"""From two scenes to the displacement between them, with the error that points not used in the fit show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..detectors.base import Progress, silent
from ..errors import Refusal
from .displacement import Displacement, agreeing, chosen, fitted, held_out
from .pair import Pair
from .tie_points import TiePoints, find, sharpened

_AGREE_PX = 0.5  # tie points closer than this to their neighbours are never thrown out
_FEW = 4  # tie points from which the error can be measured
_UNMEASURED_PX = 0.5  # taken for it below
_LEAST_PX = 0.02  # nothing is better than this
_LEAST_USED = 3  # tie points that must agree
_WORTH_PX = 0.04  # a freer displacement must gain more


@dataclass(frozen=True)
class Alignment:
    """displacement: of the moving scene's content. points, used (bool), residual_m: the tie points, and metres that each lies off.

    sigma_m: standard deviation in metres, on each axis, of what remains, from points not used in the fit; residual_m_median: their
    median distance. measured: False where there were too few points for that and half a pixel is taken.
    """

    displacement: Displacement
    points: TiePoints
    used: np.ndarray
    residual_m: np.ndarray
    sigma_m: float
    median_m: float
    measured: bool

    @property
    def shift_m(self) -> tuple[float, float]:
        """Metres east and north that the moving scene is moved, in the middle of its tie points."""
        east, north = self.displacement.at(self.points.x[self.used], self.points.y[self.used])
        return -float(np.mean(east)), -float(np.mean(north))


def align(
    pair: Pair, max_shift_m: float, *, model: str = "auto", most: int = 1000, progress: Progress = silent
) -> Alignment:
    """The displacement of a pair. model: auto, shift, affine or field. Raises Refusal where it cannot be trusted."""
    pair, points = find(pair, max_shift_m, most, lambda share: progress(0.9 * share))
    used = points.good.copy()
    used[used] = agreeing(points.x[used], points.y[used], points.dx[used], points.dy[used], _AGREE_PX * pair.gsd_m)
    if used.sum() < min(_LEAST_USED, len(points)):
        raise Refusal(
            "Only {count} of {all} windows of INPUT and REFERENCE agree: too few to be trusted. Raise MAX_SHIFT, mask clouds and "
            "water, or give scenes of a like season and sun.",
            count=int(used.sum()), all=len(points),
        )  # fmt: skip
    fit = points.only(used)
    chain = fit.x, fit.y, fit.dx, fit.dy
    kind, smoothness = (
        (model, 1.0)
        if model != "auto"
        else chosen(*chain, _WORTH_PX * pair.gsd_m, lambda share: progress(0.9 + 0.08 * share))
    )
    if len(fit) < {"affine": 3, "field": 6}.get(kind, 1):
        raise Refusal(
            "MODEL {model} needs more tie points than the {count} found. Choose shift, or auto.", model=kind, count=len(fit)
        )
    displacement = fitted(kind, *chain, smoothness)
    if kind == "shift" and (shift := sharpened(pair, fit, displacement.at)) is not None:
        displacement = fitted(kind, fit.x[:1], fit.y[:1], *np.array(shift)[:, None])
    east, north = displacement.at(points.x, points.y)
    off = held_out(kind, smoothness, *chain)
    measured = len(off) >= _FEW
    sigma = float(np.sqrt(np.mean(off**2))) if measured else _UNMEASURED_PX * pair.gsd_m
    median = float(np.median(np.hypot(off[:, 0], off[:, 1]))) if measured else _UNMEASURED_PX * pair.gsd_m
    progress(1.0)
    return Alignment(
        displacement, points, used, np.hypot(points.dx - east, points.dy - north),
        max(sigma, _LEAST_PX * pair.gsd_m), median, measured,
    )  # fmt: skip
