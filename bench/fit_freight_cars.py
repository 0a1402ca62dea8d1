"""Fit the freight-car scorers on the open yard scene and write engine/detectors/weights/freight_cars.json.

``python bench/fit_freight_cars.py`` reads ``../shared/imagery/d-rail-yard`` only ((c) swisstopo, open with attribution). Every
scorer is fitted on the yard as taken and on copies of it, blurred, averaged and with the lines drawn beside the track, so that a
scene a little blurrier or a line a little off is nothing new, and on copies whose flanks are another ground. Simulated tracks on
soil, grass, concrete and asphalt join (``synthetic_rail``, seeds FIT): in the yard no bed ends beside its track. No pixel of another
real scene is used. A second set of scorers is fitted with the shaded flank replaced by the mirrored sunny one: light without shadows
beside the wagons. Occupancy and joints: small nets (one hidden layer, L-BFGS, scipy), which halved the errors of the logistic
scorers before them on yard tracks left out and on simulated yards under a low sun. Confidence: ridge logistic regression.
"""

import json
from dataclasses import replace
from functools import cache, lru_cache
from typing import NamedTuple, Optional

import numpy as np
from rail_sets import CUT_ENDS, ROOT, match, scene, tracks
from synthetic_rail import FIT, TRIALS_FIT, YARD_FIT, place, trial, yard

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors import wagon_evidence as we

YARD = "d-rail-yard"
SOURCE = (
    "swisstopo SWISSIMAGE 2018, (c) swisstopo, open with attribution; labels: github hurielreichel/train-detection "
    "@ 8652c926, MIT; set d-rail-yard"
)
SIMULATED = "; occupancy and joints also on simulated tracks (bench/synthetic_rail.py)"


class Copy(NamedTuple):
    """A changed copy of the yard: averaged to a GSD (None: native), blurred, with noise, its lines moved to the left."""

    gsd_m: Optional[float] = None
    blur_px: float = 0.0
    aside_m: float = 0.0  # lines are often drawn beside the track
    noise: float = 0.0  # sd in each native pixel and band, of the scene's contrast
    ground: int = 0  # seed of another ground beside the ballast; 0: as it is


GROUNDS = 8  # copies on other grounds


def grounds(*gsds_m):
    """Copies on other grounds, at these GSDs in turn."""
    return tuple(Copy(gsds_m[k % len(gsds_m)], ground=k + 1) for k in range(GROUNDS))


# Scorers: coarsest effective GSD served, whether shadows lie beside the wagons, and the copies of the yard it is fitted on.
# Without shadows an offset of a metre blurs what little there is to see, so there lines are moved less.
ASIDE = {True: (-1.0, -0.5, 0.5, 1.0), False: (-0.5, 0.5)}
SCORERS = tuple(
    (up_to_m, shadows, (*plain, *(moved._replace(aside_m=aside) for aside in ASIDE[shadows])))
    for shadows in (True, False)
    for up_to_m, plain, moved in (
        (
            0.65,
            (Copy(), Copy(blur_px=1), Copy(0.5), Copy(0.75), Copy(noise=0.1), Copy(0.5, noise=0.15), *grounds(None, 0.5)),
            Copy(blur_px=0.5),
        ),
        (
            1.5,
            (Copy(0.75), Copy(1.0), Copy(1.25), Copy(0.75, noise=0.2), Copy(1.0, noise=0.3), *grounds(0.75, 1.0)),
            Copy(1.0),
        ),
        (99.0, (Copy(2.0), Copy(3.0), Copy(2.0, noise=0.5), *grounds(2.0, 2.0)), Copy(2.0)),
    )
)
SIMULATED_GSDS_M = {0.65: (0.3, 0.35, 0.5), 1.5: (0.75, 1.0, 1.25), 99.0: (2.0, 3.0)}
COARSE_M = 2.0  # from here on the plain simulated tracks are enough
RIDGE_OCCUPIED, RIDGE_HIDDEN, RIDGE_JOINT, RIDGE_CONFIDENCE = 300.0, 300.0, 10.0, 3.0
SHARE = {
    True: 0.5,
    False: 1.0,
}  # of the hidden layer with shadows and without: in the sun it is surer than it should be elsewhere
UNITS = 16  # of the hidden layer
EVERY = 4  # neighbouring cells show the same thing: so many in one are enough to fit the hidden layer on
FOLDS = 7  # yard tracks are left out three at a time
INSIDE_M, OUTSIDE_M, JOINT_M, NEAR_JOINT_M = 0.3, 1.5, 0.45, 1.6  # which cells are sure
RAKE_GAP_M, UNSURE_END_M = 3.0, 16.0
MOST_FADED = 2.0  # how many times a copy's contrast is stretched at most
BODY_M = 1.5  # what lies farther from the centre line is flank


def logistic(features, truth, weights, ridge):
    """Ridge logistic regression of standardised features: an engine ``Logistic``."""
    mean, scale = features.mean(0), features.std(0) + 1e-3
    x = np.column_stack([np.clip((features - mean) / scale, -we.OUTLIER, we.OUTLIER), np.ones(len(truth))])
    penalty = np.diag([ridge] * features.shape[1] + [1e-6])
    beta = np.zeros(x.shape[1])
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ beta))
        hessian = (x * (weights * p * (1 - p))[:, None]).T @ x + penalty
        change = np.linalg.solve(hessian, x.T @ (weights * (truth - p)) - penalty @ beta)
        beta += change
        if np.abs(change).max() < 1e-8:
            break
    return we.Logistic(mean, scale, beta[:-1], float(beta[-1]))


def net(features, truth, weights, share):
    """The logistic scorer of all rows and a hidden layer that adds to it, fitted on one row in EVERY: an engine ``Net``.

    share: how much of what the hidden layer says is kept.
    """
    from scipy.optimize import minimize

    plain = logistic(features, truth, weights, RIDGE_OCCUPIED)
    rng = np.random.default_rng(0)
    some = rng.permutation(len(truth))[::EVERY]
    x = np.clip((features[some] - plain.mean) / plain.scale, -we.OUTLIER, we.OUTLIER).astype(np.float32)
    y, weights = truth[some].astype(np.float32), (weights[some] * EVERY).astype(np.float32)
    base = (x @ plain.weights + plain.bias).astype(np.float32)
    size = x.shape[1] * UNITS

    def parts(beta):
        beta = beta.astype(np.float32)
        return beta[:size].reshape(-1, UNITS), beta[size : size + UNITS], beta[size + UNITS : -1], beta[-1]

    def loss(beta):
        hidden, offset, out, bias = parts(beta)
        h = np.tanh(x @ hidden + offset)
        z = base + h @ out + bias
        off = weights * (1 / (1 + np.exp(-z)) - y)
        back = np.outer(off, out) * (1 - h * h)
        slope = np.concatenate([(x.T @ back).ravel(), back.sum(0), h.T @ off, [off.sum()]]).astype(float)
        shrink = RIDGE_HIDDEN * np.append(beta[:-1], 0.0)
        return float((weights * (np.logaddexp(0, z) - y * z)).sum()) + 0.5 * float(shrink @ beta), slope + shrink

    start = np.append(rng.normal(0, 0.3, size + 2 * UNITS), 0.0)
    hidden, offset, out, bias = parts(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150}).x)
    return we.Net(plain.mean, plain.scale, plain.weights, hidden, offset, share * out, plain.bias + share * float(bias))


def strips(picture, aside_m, shadows, ground=0):
    """Name of each yard track -> its strip, the line moved to the left, with or without the shadows, on another ground."""
    out = {track.name: fc.strip_of(picture, moved(track.line, aside_m)) for track in tracks(YARD)}
    if not shadows:
        shade = we.light_of(list(out.values())).shade
        out = {name: without_shadows(strip, shade) for name, strip in out.items()}
    if ground:
        out = {name: on_ground(strip, np.random.default_rng([ground, k])) for k, (name, strip) in enumerate(out.items())}
    return out


def on_ground(strip, rng):
    """The strip with the ground beyond the ballast's shoulder darker, brighter or of another colour, to both sides or differently.

    Single tracks lie on soil or grass; the yard's on ballast as far as the next track. Shadows darken with what they fall on.
    """
    sides = rng.normal(0, [0.45], (2, 1)) + rng.normal(0, 0.12, (2, 3))
    if rng.random() < 0.6:
        sides[1] = sides[0]
    shoulder = rng.uniform(1.4, 2.4, 2)
    gain = np.zeros((*strip.weight.shape, 3), np.float32)
    for side, where in enumerate((strip.across_m < -shoulder[0], strip.across_m > shoulder[1])):
        patches = we.mean_along(rng.normal(0, 1, (len(strip), where.sum())), rng.uniform(1, 8), strip.step_m)
        patches *= rng.uniform(0, 0.2) / max(patches.std(), 1e-6)
        gain[:, where] = sides[side] + patches[..., None]
    around = strip.background * np.exp(sides[rng.integers(0, 2, len(strip.background))]).astype(np.float32)
    return replace(strip, colour=strip.colour * np.exp(gain), background=around)


def without_shadows(strip, shade):
    """The strip with its shaded flank replaced by the mirrored sunny one."""
    flank = strip.across_m >= BODY_M if we.right_of(strip) @ shade >= 0 else strip.across_m <= -BODY_M
    colour, weight = strip.colour.copy(), strip.weight.copy()
    colour[:, flank], weight[:, flank] = strip.colour[:, ::-1][:, flank], strip.weight[:, ::-1][:, flank]
    return replace(strip, colour=colour, weight=weight)


def moved(line, aside_m):
    """The line moved to the left, running the same way (shapely 1.8 turns lines offset to the right)."""
    from shapely.geometry import LineString, Point

    if not aside_m:
        return line
    out = line.parallel_offset(abs(aside_m), "left" if aside_m > 0 else "right")
    start = Point(line.coords[0])
    return (
        out if start.distance(Point(out.coords[0])) < start.distance(Point(out.coords[-1])) else LineString(out.coords[::-1])
    )


def light_on(copy, every):
    """Name of each track -> its light: that of all together, or its own where each was put on a ground of its own."""
    together = we.light_of(list(every.values()))
    return {name: we.light_of([strip]) if copy.ground else together for name, strip in every.items()}


def cells(track, strip, light, rng):
    """Training cells of one track: occupancy features and truth, joint features and truth (only cells whose truth is sure).

    rng: for other surroundings than the scene's, see ``among``.
    """
    out = []
    light = among(light, rng)
    for seen, lanes in fc.lanes_seen(strip, light):
        occupied, joint = truth(track, seen.s_m)
        features = we.occupancy_features(lanes)
        out.append(
            (
                features[occupied >= 0],
                occupied[occupied >= 0],
                we.gap_features(lanes)[joint >= 0],
                joint[joint >= 0],
                strip.step_m,
            )
        )
    return out


def among(light, rng):
    """The same tracks among brighter and darker things: water, roofs and boxes stretch a scene's contrast, and the tracks fade."""
    span = light.high - light.low
    low = light.low - rng.uniform(0.0, 0.5) * span
    high = low + rng.uniform(1.0, MOST_FADED) * (light.high - low)
    return replace(light, low=low, high=high, lit=(light.lit * span + light.low - low) / (high - low))


def truth(track, s):
    """Occupied and joint (n,): 1 yes, 0 no, -1 not sure."""
    occupied = np.where((s < 0) | (s > track.line.length), -1, 0)
    joint = np.full(len(s), -1)
    for v in track.vehicles:
        occupied[(s > v.low - OUTSIDE_M) & (s < v.high + OUTSIDE_M)] = -1
    if track.vehicles or (track.set_name, track.name) in CUT_ENDS:  # a cut wagon at the edge may not be labelled
        occupied[(occupied == 0) & (np.minimum(s - s[0], s[-1] - s) < UNSURE_END_M)] = -1
    for v in track.vehicles:
        occupied[(s > v.low + INSIDE_M) & (s < v.high - INSIDE_M)] = 1
        joint[(s > v.low + 1) & (s < v.high - 1)] = 0
    for v, w in zip(track.vehicles, track.vehicles[1:]):
        if w.low - v.high < RAKE_GAP_M:
            occupied[(s > v.high - 0.5) & (s < w.low + 0.5)] = -1
            off = np.abs(s - 0.5 * (v.high + w.low))
            joint[off < NEAR_JOINT_M] = -1
            joint[off <= JOINT_M] = 1
    return occupied, joint


def fit_scorer(up_to_m, shadows, tables):
    """A scorer (its confidence still flat) from the cells of several tracks and copies."""
    x, y, xj, yj = (np.concatenate([table[k] for table in tables]) for k in range(4))
    step = np.concatenate([np.full(len(table[1]), table[4]) for table in tables]) / fc.FINE_STEP_M
    balance = np.where(y == 1, 0.5 / y.mean(), 0.5 / (1 - y.mean())) * step
    occupied = net(x, y, balance, SHARE[shadows])
    step = np.concatenate([np.full(len(table[3]), table[4]) for table in tables]) / fc.FINE_STEP_M
    joint = logistic(xj, yj, step, RIDGE_JOINT)
    prior = float(np.log(yj.mean() / (1 - yj.mean())))
    joint = replace(joint, bias=joint.bias - prior)  # a likelihood ratio, as the model needs
    flat = we.Logistic(np.zeros(3), np.ones(3), np.zeros(3), 0.0)
    return we.Scorer(up_to_m, shadows, occupied, joint, flat)


@lru_cache(maxsize=1)
def copies(specification, shadows):
    """The yard's training copies: per copy the strips of all tracks."""
    return [
        strips(scene(YARD, copy.gsd_m, change=changed(copy.blur_px, copy.noise)), copy.aside_m, shadows, copy.ground)
        for copy in specification
    ]


def changed(blur_px, noise):
    """A change for ``rail_sets.scene``: Gaussian blur, then white noise."""
    from scipy.ndimage import gaussian_filter

    def change(data):
        soft = np.stack([gaussian_filter(band, blur_px) for band in data]) if blur_px else data
        return soft + np.random.default_rng(0).normal(0, noise, data.shape)

    return change


def leave_one_out(up_to_m, shadows, specification):
    """Name of each yard track -> a scorer fitted without it (and two others); and under "" the one fitted on all."""
    labelled = tracks(YARD)
    by_track, rng = {track.name: [] for track in labelled}, np.random.default_rng(1)
    for copy, every in zip(specification, copies(specification, shadows)):
        light = light_on(copy, every)
        for track in labelled:
            by_track[track.name] += cells(track, every[track.name], light[track.name], rng)
    everywhere = simulated(SIMULATED_GSDS_M[up_to_m], shadows)
    names = list(by_track)
    out = {}
    for left_out in [[], *(names[k::FOLDS] for k in range(FOLDS))]:
        seen = [c for other, parts in by_track.items() if other not in left_out for c in parts]
        scorer = fit_scorer(up_to_m, shadows, [*seen, *everywhere])
        out.update(dict.fromkeys(left_out or [""], scorer))
    return out


@cache
def simulated(gsds_m, shadows):
    """Training cells of the simulated tracks, the GSDs dealt in turn."""
    out, rng = [], np.random.default_rng(2)
    for k, seed in enumerate((*FIT, *YARD_FIT) if min(gsds_m) < COARSE_M else FIT):
        lines, labelled = simulated_strips(seed, gsds_m[k % len(gsds_m)])
        if not shadows:
            shade = we.light_of(list(lines.values())).shade
            lines = {name: without_shadows(strip, shade) for name, strip in lines.items()}
        light = we.light_of(list(lines.values()))
        for track in labelled:
            out += cells(track, lines[track.name], light, rng)
    return out


def simulated_strips(seed, gsd_m):
    """Name of each track of a simulated scene -> its strip; and the tracks."""
    if seed in TRIALS_FIT:
        picture, labelled = trial(seed, gsd_m, "fit")
    else:
        picture, labelled = (yard if seed in YARD_FIT else place)(seed, gsd_m)
    return {track.name: fc.strip_of(picture, track.line) for track in labelled}, labelled


def confidence(scorers, specification, shadows):
    """Probability that a wagon found is one, from the left-out tracks' finds in all copies."""
    features, good = [], []
    for copy, every in zip(specification, copies(specification, shadows)):
        light = light_on(copy, every)
        for track in tracks(YARD):
            seen = fc.lanes_seen(every[track.name], light[track.name])
            for stretch in fc.read_track(seen, scorers[track.name]):
                low, high = stretch.places()
                middle = 0.5 * (low + high)
                judged = ~stretch.wagons.cut & (middle >= 0) & (middle < track.line.length)
                verdicts = match(middle[judged], track)[3]
                features.append(fc.wagon_features(stretch)[judged][np.isfinite(verdicts)])
                good.append(verdicts[np.isfinite(verdicts)])
    features, good = np.concatenate(features), np.concatenate(good)
    return logistic(features, good, np.ones(len(good)), RIDGE_CONFIDENCE)


def fitted(up_to_m, shadows, specification):
    """A scorer as the shipped file holds it."""
    scorers = leave_one_out(up_to_m, shadows, specification)
    parts = {name: getattr(scorers[""], name).to_dict() for name in ("occupied", "joint")}
    parts["confidence"] = confidence(scorers, specification, shadows).to_dict()
    return {"up_to_m": up_to_m, "shadows": shadows, **parts}


def main():
    """Fit and write."""
    write([fitted(*one) for one in SCORERS])


def write(scorers):
    """The shipped file."""
    document = {
        "fitted_on": SOURCE + SIMULATED,
        "script": "bench/fit_freight_cars.py",
        "occupancy_features": we.OCCUPANCY_FEATURES,
        "gap_features": we.GAP_FEATURES,
        "scorers": scorers,
    }
    path = ROOT / "engine" / "detectors" / "weights" / "freight_cars.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document) + "\n", "utf8")
    print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
