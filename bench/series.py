"""How often the statistics of rason:tallyseries are wrong when nothing changes, and how often they see what does: ``python bench/series.py``.

Simulated counts, not imagery. Written to bench/results/series.json; about a minute.
"""

import json
from datetime import datetime, timedelta, timezone

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from rason.engine.epoch import Epoch  # noqa: E402
from rason.engine.series import alerts, change_points, trend  # noqa: E402
from rason.engine.series.looks import Series  # noqa: E402

SEED, SERIES, LOOKS = 20261128, 300, 24
START = datetime(2023, 1, 1, tzinfo=timezone.utc)
# Counts in which nothing changes; scenes differ in recall by a sd of .08 to .3 on the log scale.
STILL = {
    "Poisson, mean 2": lambda rng, n: rng.poisson(2, n),
    "Poisson, mean 20": lambda rng, n: rng.poisson(20, n),
    "mean 100, scene sd .08": lambda rng, n: rng.poisson(100 * np.exp(0.08 * rng.standard_normal(n))),
    "mean 60, scene sd .3": lambda rng, n: rng.poisson(60 * np.exp(0.3 * rng.standard_normal(n))),
    "mean 20, gamma cv .5": lambda rng, n: rng.poisson(20 * rng.gamma(4, 0.25, n)),
}
ALIKE = {"neighbours' correlation 0": 0.0, "0.5": 0.5, "0.8": 0.8}


def series(values):
    """Estimates ten days apart, each with an interval of ± 20 %."""
    epochs = tuple(Epoch(START + timedelta(days=10 * i), "day") for i in range(len(values)))
    x = np.asarray(values, float)
    return Series("z", "freight_car", "objects", "s", epochs, x, 0.8 * x, 1.25 * x + 1, tuple({"level": 0.9} for _ in x))


def still(rng):
    """False alerts at .5 % a look, false changes of level, false trends at 5 %."""
    rows = {}
    for name, draw in STILL.items():
        counts = [draw(rng, LOOKS).astype(float) for _ in range(SERIES)]
        raised = [int(alerts.bands(series(x), 0.005).alert.sum()) for x in counts]
        trends = [trend.mann_kendall(np.arange(LOOKS), x) <= 0.05 for x in counts]
        rows[name] = {
            "alerts a look (nominal .005)": round(np.mean(raised) / (LOOKS - alerts.LEAST_EARLIER), 4),
            "series with an alert": round(float(np.mean(np.array(raised) > 0)), 3),
            "mean + 2 sd of the last six: series with an alert": round(float(np.mean([_naive(x) for x in counts])), 3),
            "series with a change of level": round(
                float(np.mean([bool(change_points.change_points(x)) for x in counts])), 3
            ),
            "series with a trend": round(float(np.mean(trends)), 3),
        }
    return rows


def _naive(x):
    return any(x[i] > x[i - 6 : i].mean() + 2 * x[i - 6 : i].std(ddof=1) for i in range(6, len(x)))


def alike(rng):
    """False trends where looks resemble their neighbours."""
    rows = {}
    for name, correlation in ALIKE.items():
        called = {"raised": 0, "plain": 0}
        for _ in range(SERIES):
            e = rng.standard_normal(LOOKS)
            for i in range(1, LOOKS):
                e[i] = correlation * e[i - 1] + np.sqrt(1 - correlation**2) * e[i]
            x = 50 * np.exp(0.2 * e)
            called["raised"] += trend.mann_kendall(np.arange(LOOKS), x) <= 0.05
            called["plain"] += _plain(x) <= 0.05
        rows[name] = {key: round(value / SERIES, 3) for key, value in called.items()}
    return rows


def _plain(x):
    from scipy.stats import kendalltau

    return kendalltau(np.arange(len(x)), x).pvalue


def moving(rng):
    """What is seen: the last look doubled or trebled, the level doubled half-way, 50 % growth a year."""
    rows = {}
    for factor in (2, 3):
        last = [series(np.r_[_scenes(rng, 40, LOOKS - 1), _scenes(rng, 40 * factor, 1)]) for _ in range(SERIES)]
        rows[f"last look x {factor}: alert at .5 % a look"] = round(
            float(np.mean([alerts.bands(s, 0.005).alert[-1] for s in last])), 3
        )
    for factor in (1.5, 2):
        half = LOOKS // 2
        found = [
            change_points.change_points(np.r_[_scenes(rng, 40, half), _scenes(rng, 40 * factor, half)])
            for _ in range(SERIES)
        ]
        ones = [f[0] for f in found if len(f) == 1]
        inside = [change.earliest <= half - 1 <= change.latest for change in ones]
        rows[f"level x {factor} half-way: one change found"] = round(len(ones) / SERIES, 3)
        rows[f"level x {factor} half-way: its 90 % interval holds the day"] = (
            round(float(np.mean(inside)), 3) if inside else None
        )
    years = np.arange(LOOKS) * 30 / 365.25
    grown = [trend.mann_kendall(years, _scenes(rng, 40 * 1.5**years, LOOKS)) <= 0.05 for _ in range(SERIES)]
    rows["x 1.5 a year over two years: trend"] = round(float(np.mean(grown)), 3)
    return rows


def _scenes(rng, mean, n):
    return rng.poisson(mean * np.exp(0.15 * rng.standard_normal(n))).astype(float)


def main():
    """All three, printed and written."""
    rng = np.random.default_rng(SEED)
    result = {
        "what": f"simulated counts: {SERIES} series of {LOOKS} looks a row",
        "still": still(rng),
        "alike": alike(rng),
        "moving": moving(rng),
    }
    (ROOT / "bench" / "results" / "series.json").write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
