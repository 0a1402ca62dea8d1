"""Fit the wagon types: engine/detectors/weights/wagon_types.json, and print what they say of wagons they did not see.

``python bench/fit_wagon_types.py``. Fitted on simulated wagons (trials of the family "fit") and on real ones of which it is only known
whether they are tank cars: none in the yard, four in muttenz2 (by eye). Printed: the confusion on simulated wagons of the family
"held out", and what nets without muttenz2 say of muttenz2 and the port. Two softmax nets, for scenes up to 0.65 m and coarser, by L-BFGS.
"""

import json

import numpy as np
from fit_freight_cars import SIMULATED_GSDS_M, among, simulated_strips
from rail_sets import ROOT, scene, tracks
from synthetic_rail import FIT, TRIALS_FIT, TRIALS_REPORT, YARD_FIT, trial

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors import wagon_evidence as we
from rason.engine.detectors import wagon_types as wt

UNITS, RIDGE = 24, 3.0
NO_TANK = -1  # what is known of most real wagons
TANKS = {("d-rail-muttenz2", "D"): (1, 2, 3, 4)}  # which vehicles of which track
REAL_SHARE = 0.1  # of the whole weight
TANK_WEIGHT = 4.0  # of a real tank car, of which there are few
REAL_GSDS_M = {0.65: (None, 0.4, 0.5), 1.5: (0.75, 1.0)}
ENDS_M = 0.6  # found ends are off by about so much
LOOKS = 3  # at each simulated wagon, with other ends and surroundings


def table(strips, labelled, rng, looks):
    """Features and types of the vehicles of a scene."""
    features, types = [], []
    light = we.light_of(list(strips.values()))
    for track in labelled:
        known = [v for v in track.vehicles if v.type_name in wt.TYPES and v.low > -10 and v.high < track.line.length + 10]
        if not known:
            continue
        ends = np.array([(v.low, v.high) for v in known])
        for look in range(looks):
            low, high = (ends + rng.normal(0, ENDS_M, ends.shape)).T
            seen = among(light, rng) if look else light
            features.append(wt.type_features(strips[track.name], seen, low, high))
            types += [wt.TYPES.index(v.type_name) for v in known]
    return features, types


def fit_net(x, y, real):
    """The engine's ``TypeNet``; frequent types weigh less each. real: bool, which wagons are real."""
    from scipy.optimize import minimize

    classes, rng, tank = len(wt.TYPES), np.random.default_rng(0), wt.TYPES.index(wt.TANK)
    known = y != NO_TANK
    mean, scale = x.mean(0), x.std(0) + 1e-3
    x = np.clip((x - mean) / scale, -we.OUTLIER, we.OUTLIER)
    count = np.bincount(y[~real], minlength=classes)
    weights = np.where(real, np.where(known, TANK_WEIGHT, 1.0), 1 / np.sqrt(np.maximum(count, 1))[y])
    for rows, share in ((real, REAL_SHARE), (~real, 1 - REAL_SHARE if real.any() else 1.0)):
        weights[rows] *= share * (~real).sum() / max(weights[rows].sum(), 1e-9)
    shapes = ((x.shape[1], UNITS), (UNITS,), (UNITS, classes), (classes,))
    cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

    def parts(beta):
        return [part.reshape(shape) for part, shape in zip(np.split(beta, cuts), shapes)]

    def loss(beta):
        hidden, offset, out, bias = parts(beta)
        h = np.tanh(x @ hidden + offset)
        z = h @ out + bias
        total = np.logaddexp.reduce(z, axis=1)
        allowed = np.where(known[:, None], np.arange(classes) == y[:, None], np.arange(classes) != tank)
        within = np.where(allowed, z, -np.inf)
        right = np.logaddexp.reduce(within, axis=1)
        off = (np.exp(z - total[:, None]) - np.exp(within - right[:, None])) * weights[:, None]
        back = off @ out.T * (1 - h * h)
        slope = np.concatenate([(x.T @ back).ravel(), back.sum(0), (h.T @ off).ravel(), off.sum(0)])
        return float((weights * (total - right)).sum() + 0.5 * RIDGE * beta @ beta), slope + RIDGE * beta

    start = rng.normal(0, 0.2, int(sum(np.prod(shape) for shape in shapes)))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 300}).x
    return wt.TypeNet(mean, scale, *parts(found))


def gathered(scenes, looks):
    """Features (k, f) and types (k,) of several scenes."""
    rng = np.random.default_rng(3)
    tables = [table(strips, labelled, rng, looks) for strips, labelled in scenes]
    return np.concatenate([part for features, _ in tables for part in features]), np.array(
        [t for _, ts in tables for t in ts]
    )


def confusion(net, x, y, told=wt.TOLD):
    """{true type: {told type or "": number}}."""
    chances = net.chances(x)
    best, sure = chances.argmax(1), chances.max(1) >= told
    names = np.where(sure, np.array(wt.TYPES, object)[best], "")
    return {
        name: {str(other): int(n) for other, n in zip(*np.unique(names[y == k].astype(str), return_counts=True))}
        for k, name in enumerate(wt.TYPES)
    }


def fit_all(up_to_m, sets=("d-rail-yard", "d-rail-muttenz2")):
    """The net for scenes up to a GSD, with the wagons of these real sets."""
    gsds = SIMULATED_GSDS_M[up_to_m]
    before = len(FIT) + len(YARD_FIT)  # the same scenes as the other fits take
    x, y = gathered((simulated_strips(seed, gsds[(before + k) % 3]) for k, seed in enumerate(TRIALS_FIT)), LOOKS)
    tables = [real_table(name, gsd_m, LOOKS) for name in sets for gsd_m in REAL_GSDS_M[up_to_m]]
    x_real, y_real = (np.concatenate([table[k] for table in tables]) for k in range(2)) if tables else (x[:0], y[:0])
    return fit_net(np.concatenate([x, x_real]), np.append(y, y_real), np.arange(len(x) + len(x_real)) >= len(x))


def real_table(set_name, gsd_m, looks):
    """Features (k, f) of the whole vehicles of a real set, and what is known of them: tank car or none."""
    rng, picture = np.random.default_rng(4), scene(set_name, gsd_m)
    labelled = tracks(set_name)
    strips = {track.name: fc.strip_of(picture, track.line) for track in labelled}
    light = we.light_of(list(strips.values()))
    features, known = [], []
    for track in labelled:
        tanks = TANKS.get((set_name, track.name), ())
        whole = [(k, v) for k, v in enumerate(track.vehicles) if not v.cut]
        ends = np.array([(v.low, v.high) if v.low == v.low else (v.at - 6.5, v.at + 6.5) for _, v in whole])
        for look in range(looks if whole else 0):
            low, high = (ends + (rng.normal(0, ENDS_M, ends.shape) if look else 0.0)).T
            features.append(wt.type_features(strips[track.name], among(light, rng) if look else light, low, high))
            known += [wt.TYPES.index(wt.TANK) if k in tanks else NO_TANK for k, _ in whole]
    return np.concatenate(features), np.array(known)


def tanks_told(net, set_name, gsd_m):
    """Of a real set's whole vehicles: tank cars told as such, tank cars, others told as tank cars, others."""
    x, known = real_table(set_name, gsd_m, 1)
    told, tank = net.chances(x)[:, wt.TYPES.index(wt.TANK)] >= wt.TOLD, known != NO_TANK
    return [int((told & tank).sum()), int(tank.sum()), int((told & ~tank).sum()), int((~tank).sum())]


def held_out(gsd_m, seeds=TRIALS_REPORT):
    """Strips and tracks of held-out trials."""
    for seed in seeds:
        picture, labelled = trial(seed, gsd_m, "held out", "none")
        yield {track.name: fc.strip_of(picture, track.line) for track in labelled}, labelled


def write(nets):
    """The shipped file."""

    def rounded(array):
        return np.vectorize(lambda v: float(f"{v:.4g}"))(array).tolist()

    path = ROOT / "engine" / "detectors" / "weights" / "wagon_types.json"
    document = {
        "fitted_on": "synthetic wagons (engine/simulate/trials.py, family fit)",
        "script": "bench/fit_wagon_types.py",
        "types": wt.TYPES,
        "nets": [{name: rounded(value) for name, value in vars(net).items()} for net in nets],
    }
    path.write_text(json.dumps(document) + "\n", "utf8")


def main():
    """Fit, write, and print what the nets say of wagons they did not see."""
    nets = [fit_all(up_to_m) for up_to_m in (0.65, 1.5)]
    write(nets)
    for net, up_to_m, gsd_m in zip(nets, (0.65, 1.5), (0.35, 1.0)):
        print(f"synthetic, held out, {gsd_m} m:", json.dumps(confusion(net, *gathered(held_out(gsd_m), 1)), indent=1))
        unseen = fit_all(up_to_m, ("d-rail-yard",))
        for name in ("d-rail-muttenz2", "d-port-train"):
            told = tanks_told(unseen, name, None if up_to_m < 1 else 1.0)
            print(f"{name}, not fitted on: {told[0]} of {told[1]} tank cars told, and {told[2]} of {told[3]} others")


if __name__ == "__main__":
    main()
