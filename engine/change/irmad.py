"""Which pixels of two optical scenes differ by more than unchanged ground does: IR-MAD with a significance that holds.

Sources: Nielsen, "The regularized iteratively reweighted MAD method", IEEE TIP 16, 2007. Two things are added, for without them a nominal
0.1 % of false change is 4 to 30 % (bench/change.py): the statistic is rescaled so that the lower part of its distribution, where unchanged
pixels lie, is chi-square's, in every round; and that is done apart for each class of ground of the earlier scene, because some ground is noisier.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..errors import Refusal

FIT_PX = 250_000  # of the sample: more change nothing
GROUNDS = 10  # classes of ground of the earlier scene
LEVELS = 32  # of each principal component, in the table that says a pixel's class
LEAST_GROUND = 500  # pixels from which a class gets a scale of its own
QUANTILE = 0.25  # where the statistic is made to equal chi-square, of the pixels that did not change
NOISIEST = 6.0  # no ground is more so, times the usual variance: a class that changed as a whole must not pass for noise
LEAST_UNCHANGED = 0.4  # share of a class that is taken to be unchanged at least
PAIRS = 20_000  # of pixels, from whose slopes the lines of the start are taken
ROUNDS, SETTLED = 50, 1e-3
ALIKE, RIDGE = 0.99, 1e-4  # bands that correlate more than this get this share of their variance added
COMMON = 0.3  # largest canonical correlation of two pictures below which they have hardly anything in common
LITTLE = 0.85  # and below which what changed drowns in what always differs


@dataclass(frozen=True)
class Grounds:
    """Classes of ground by a scene's values: principal components (P ≤ 3) of the standardised bands, cut into cells."""

    axes: np.ndarray  # (P, B), so that axes @ values - low are cells
    low: np.ndarray  # (P,)
    table: np.ndarray  # (LEVELS ** P,) class of each cell

    @classmethod
    def of(cls, values: np.ndarray, seed: int = 0) -> Grounds:
        """values: (B, N)."""
        from scipy.cluster.vq import kmeans2
        from scipy.spatial import cKDTree

        mean, spread = values.mean(1), np.maximum(values.std(1), 1e-9)
        unit = (values - mean[:, None]) / spread[:, None]
        _, vectors = np.linalg.eigh(np.cov(unit).reshape(len(values), -1))
        axes = vectors[:, ::-1][:, :3].T
        components = axes @ unit
        few = components[:, np.random.default_rng(seed).integers(0, values.shape[1], 20_000)].T
        centres, _ = kmeans2(few + 0.0, min(GROUNDS, len(np.unique(few, axis=0))), minit="++", seed=seed, iter=20)
        low, high = np.quantile(components, [0.001, 0.999], axis=1)
        step = np.maximum(high - low, 1e-6) / LEVELS
        cells = np.stack(np.meshgrid(*[np.arange(LEVELS)] * len(axes), indexing="ij"), -1).reshape(-1, len(axes))
        table = cKDTree(centres).query(low + (cells + 0.5) * step)[1].astype(np.uint8)
        scaled = axes / spread / step[:, None]
        return cls(scaled, scaled @ mean + low / step, table)

    @property
    def count(self) -> int:
        """Number of classes."""
        return int(self.table.max()) + 1

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Class (N,) of values (B, N)."""
        cells = self.axes.astype(np.float32) @ values
        cells -= self.low.astype(np.float32)[:, None]
        np.clip(cells, 0, LEVELS - 1, out=cells)
        index = np.zeros(values.shape[1], np.int32)
        for component in cells:
            index *= LEVELS
            index += component.astype(np.int32)
        return self.table[index]


@dataclass(frozen=True)
class Irmad:
    """A fitted change statistic of B bands. scale: how much the variance of each class of ground exceeds the model's.

    gain, offset: (B,) that bring the later scene onto the earlier one's values, from unchanged pixels. correlations: canonical, (B,).
    """

    weights: np.ndarray  # (B, 2B)
    constant: np.ndarray  # (B,)
    scale: np.ndarray  # (classes,)
    grounds: Grounds
    gain: np.ndarray
    offset: np.ndarray
    correlations: np.ndarray
    unchanged: float  # share of the sample

    @property
    def bands(self) -> int:
        """Degrees of freedom of the statistic."""
        return len(self.weights)

    def statistic(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """(N,) of values (B, N): chi-square with B degrees of freedom where nothing changed."""
        variates = self.weights[:, : self.bands].astype(np.float32) @ before
        variates += self.weights[:, self.bands :].astype(np.float32) @ after
        variates -= self.constant.astype(np.float32)[:, None]
        total = np.einsum("ij,ij->j", variates, variates)
        total *= (1 / self.scale).astype(np.float32)[self.grounds(before)]
        return total

    def p(self, statistic: np.ndarray) -> np.ndarray:
        """Chance that unchanged ground differs as much."""
        from scipy.special import gammaincc

        return gammaincc(self.bands / 2, statistic / 2)

    def threshold(self, significance: float) -> float:
        """The statistic at which p is this."""
        from scipy.special import gammainccinv

        return float(2 * gammainccinv(self.bands / 2, significance))

    def difference(self, before: np.ndarray, after: np.ndarray) -> np.ndarray:
        """The later scene's values on the earlier one's scale minus the earlier one's (B, N)."""
        return after * self.gain.astype(np.float32)[:, None] + self.offset.astype(np.float32)[:, None] - before


def fit(
    before: np.ndarray, after: np.ndarray, progress: Callable[[float], None] = lambda fraction: None, seed: int = 0,
    names: tuple[str, str] = ("BEFORE", "AFTER"),
) -> Irmad:  # fmt: skip
    """The statistic of two scenes from a sample of pixels (B, N) of each. Raises Refusal where there is nothing to compare."""
    from scipy.special import gammaincc

    chosen = np.random.default_rng(seed).permutation(before.shape[1])[:FIT_PX]
    x, y = before[:, chosen].astype(float), after[:, chosen].astype(float)
    if np.array_equal(x, y):
        raise Refusal(
            "{name} and {name_2} hold the same picture. Choose two scenes of different dates.",
            name=names[0],
            name_2=names[1],
        )
    flat = [name for name, v in zip(names, (x, y)) if (np.ptp(v, axis=1) == 0).any()]
    if flat:
        raise Refusal(
            "{names} has a band with one value everywhere, which can show no change. Leave that band out.",
            names=" and ".join(flat),
        )
    grounds, bands = Grounds.of(x, seed), len(x)
    ground = grounds(x.astype(np.float32))
    members = [np.flatnonzero(ground == k) for k in range(grounds.count)]
    both = np.concatenate([x, y])
    weights = _start(x, y, seed)
    unchanged = np.ones(grounds.count + 1)  # of each class, and of all
    last: np.ndarray | None = None
    for step in range(ROUNDS):
        progress(step / ROUNDS)
        mean, forms, correlations = _variates(both, weights)
        statistic = np.square(forms @ (both - mean[:, None])).sum(0)
        scale = _scales(statistic, members, unchanged, bands)
        statistic /= scale[ground]
        unchanged = _unchanged(statistic, members, bands)
        weights = gammaincc(bands / 2, statistic / 2)
        if last is not None and np.abs(correlations - last).max() < SETTLED:
            break
        last = correlations
    gain, offset = orthogonal(y, x, weights)
    return Irmad(forms, forms @ mean, scale, grounds, gain, offset, correlations, float(unchanged[-1]))


def orthogonal(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Gain and offset (B,) of the lines y = gain x + offset with the least distances square to them (B, N; Canty and Nielsen 2008)."""
    total = weights.sum()
    mx, my = (x * weights).sum(1) / total, (y * weights).sum(1) / total
    dx, dy = x - mx[:, None], y - my[:, None]
    sxx, syy, sxy = ((a * b * weights).sum(1) / total for a, b in ((dx, dx), (dy, dy), (dx, dy)))
    gain = (syy - sxx + np.sqrt((syy - sxx) ** 2 + 4 * sxy**2)) / np.where(sxy == 0, 1e-12, 2 * sxy)
    return gain, my - gain * mx


def median_slope(x: np.ndarray, y: np.ndarray, pairs: np.ndarray) -> float:
    """Middle slope (Theil and Sen) of y (N,) over x from pairs (2, M) of pixels that are not alike in x."""
    run, rise = x[pairs[1]] - x[pairs[0]], y[pairs[1]] - y[pairs[0]]
    far = np.abs(run) > np.std(x) / 2
    return float(np.median(rise[far] / run[far])) if far.any() else 1.0


def _start(x: np.ndarray, y: np.ndarray, seed: int) -> np.ndarray:
    """First weights (N,): how close each pixel lies to the line that most pixels of each band follow.

    Equal weights, as in the literature, never let go of a change that is large and alike over a third of the scene.
    """
    from scipy.special import gammaincc

    pairs = np.random.default_rng(seed).integers(0, x.shape[1], (2, PAIRS))
    total = np.zeros(x.shape[1])
    for a, b in zip(x, y):
        rest = b - median_slope(a, b, pairs) * a
        rest -= np.median(rest)
        total += np.square(rest / max(float(np.median(np.abs(rest))) / 0.6745, 1e-9))
    return gammaincc(len(x) / 2, total / 2)


def _variates(both: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Weighted mean (2B,), the unit-variance MAD variates as linear forms (B, 2B), and the canonical correlations."""
    bands = len(both) // 2
    mean = both @ weights / weights.sum()
    centred = both - mean[:, None]
    covariance = (centred * weights) @ centred.T / weights.sum()
    spread = np.sqrt(np.diag(covariance))
    spread = np.where(spread > 0, spread, 1e-9)
    correlation = covariance / np.outer(spread, spread)
    for own in (slice(bands), slice(bands, None)):
        block = correlation[own, own]
        alike = bands > 1 and np.abs(block[~np.eye(bands, dtype=bool)]).max() > ALIKE
        block[np.diag_indices(bands)] = 1 + (RIDGE if alike else 1e-9)
    first = np.linalg.cholesky(correlation[:bands, :bands])
    second = np.linalg.cholesky(correlation[bands:, bands:])
    u, rho, vt = np.linalg.svd(np.linalg.solve(first, correlation[:bands, bands:]) @ np.linalg.inv(second).T)
    forms = np.concatenate([np.linalg.solve(first.T, u), -np.linalg.solve(second.T, vt.T)]).T
    variance = np.einsum("ij,jk,ik->i", forms, correlation, forms)
    return mean, forms / np.sqrt(np.maximum(variance, 1e-9))[:, None] / spread, rho


def _scales(statistic: np.ndarray, members: list[np.ndarray], unchanged: np.ndarray, bands: int) -> np.ndarray:
    """By how much the statistic of unchanged pixels exceeds chi-square in each class of ground."""
    from scipy.special import gammaincinv

    middle = 2 * gammaincinv(bands / 2, QUANTILE)
    overall = np.quantile(statistic, QUANTILE * unchanged[-1]) / middle
    scale = np.array(
        [
            np.quantile(statistic[rows], QUANTILE * unchanged[k]) / middle if len(rows) >= LEAST_GROUND else overall
            for k, rows in enumerate(members)
        ]
    )
    return np.maximum(np.minimum(scale, NOISIEST * np.median(scale)), 1e-12)


def _unchanged(statistic: np.ndarray, members: list[np.ndarray], bands: int) -> np.ndarray:
    """Share of the pixels of each class, and of all, that lie where unchanged ones do: below the statistic that 1 % of them exceed."""
    from scipy.special import gammainccinv

    end = 2 * gammainccinv(bands / 2, 0.01)
    shares = [float((statistic[rows] <= end).mean()) if len(rows) else 1.0 for rows in (*members, np.arange(len(statistic)))]
    return np.clip(np.array(shares) / 0.99, LEAST_UNCHANGED, 1.0)
