"""Fit the wagon types: engine/detectors/weights/wagon_types.json.

``python bench/fit_wagon_types.py``. Fitted on simulated wagons (trials of the family "fit", any conditions) and on the real ones of
d-rail-yard and d-rail-muttenz2 whose type, or of which two types they are, was read by eye (bench/truth/wagon_types_by_eye.json). Two
softmax nets, for scenes up to 0.65 m and coarser, each the mean of three, by L-BFGS.

What the temperature and the limits rest on was not fitted on: simulated wagons of the other half of the trials, and each real set by a
net that never saw it. The temperature makes both kinds as likely as can be, with equal weight: nets are surer than they should be on
real wagons. A type is told from the least probability at which MOST of the simulated wagons told so are it, and SOME of the real ones,
where any real one is told so; where there is none it is never told.
"""

import json
from dataclasses import dataclass, replace

import numpy as np
from rail_sets import ROOT, scene, tracks
from synthetic_rail import trial

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors import wagon_evidence as we
from rason.engine.detectors import wagon_types as wt
from rason.engine.zones import Zone

TRUTH = json.loads((ROOT / "bench" / "truth" / "wagon_types_by_eye.json").read_text("utf8"))
SETS = ("d-rail-yard", "d-rail-muttenz2")
UP_TO_M = (0.65, 1.2)
SIMULATED = {  # blocks of trials and the GSDs dealt to them in turn
    0.65: ((range(1000, 1090), (0.27, 0.35, 0.5)), (range(1090, 1180), (0.27, 0.35, 0.5))),
    1.2: ((range(1000, 1090), (0.75, 1.0, 1.2)),),
}
REAL_GSDS_M = {0.65: (None, 0.5), 1.2: (0.75, 1.0)}
UNITS, NETS, RIDGE = 16, 3, 15.0
REAL_SHARE = 0.15  # of the whole weight
ENDS_M, LOOKS = 0.5, 2  # found ends are off by about so much; looks at each simulated wagon
# A false tank car makes barrels: up to 0.65 m one of the real wagons was told so from .6 on; none may be, with a margin.
FLOOR = {0.65: {wt.TANK: 0.75}}
TEMPERATURES = np.arange(0.8, 4.01, 0.1)
LIMITS, MOST, SOME, ENOUGH = np.arange(0.6, 0.96, 0.05), 0.9, 0.7, 10  # ENOUGH simulated wagons told so


@dataclass
class Wagons:
    """Features (k, f), the types each may be (k, types), length (k,) and train (k,), in order along the trains."""

    features: np.ndarray
    may_be: np.ndarray
    length_m: np.ndarray
    train: np.ndarray
    seed: np.ndarray

    def select(self, which):
        """Some of them."""
        return Wagons(*(getattr(self, name)[which] for name in vars(self)))

    @property
    def known(self):
        """Those of which anything is known."""
        return self.may_be.any(1)


def together(parts):
    """Several sets as one, their trains kept apart."""
    out, trains = [], 0
    for part in parts:
        out.append(replace(part, train=part.train + trains))
        trains += int(part.train.max(initial=-1)) + 1
    return Wagons(*(np.concatenate([getattr(part, name) for part in out]) for name in vars(out[0])))


def simulated(seeds, gsds_m, family="fit", shift=None, looks=LOOKS):
    """The wagons of trials; shift None: any conditions."""
    rng, parts = np.random.default_rng(5), []
    for k, seed in enumerate(seeds):
        picture, labelled = trial(seed, gsds_m[k % len(gsds_m)], family, shift)
        strips = {track.name: fc.strip_of(picture, track.line) for track in labelled}
        light = we.light_of(list(strips.values()))
        for track in labelled:
            whole = [v for v in track.vehicles if v.low > -10 and v.high < track.line.length + 10]
            ends = np.array([(v.low, v.high) for v in whole])
            for _ in range(looks if whole else 0):
                low, high = (ends + rng.normal(0, ENDS_M, ends.shape)).T
                features = wt.type_features(strips[track.name], light, low, high)
                parts.append(wagons(features, [[v.type_name] for v in whole], high - low, seed))
    return together(parts)


def real(set_name, gsd_m):
    """The whole vehicles of a real set where the detector finds them, and where it does not, where they are."""
    picture, labelled = scene(set_name, gsd_m), tracks(set_name)
    found = fc.FreightCars().detect_together(picture, [Zone(track.name, "track", track.line) for track in labelled])
    strips = {track.name: fc.strip_of(picture, track.line) for track in labelled}
    light = we.light_of(list(strips.values()))
    parts = []
    for track, seen in zip(labelled, found):
        by_eye = TRUTH[set_name].get(track.name) or [TRUTH[set_name].get("all", [])] * len(track.vehicles)
        whole = [(v, types) for v, types in zip(track.vehicles, by_eye) if not v.cut]
        if not whole:
            continue
        at, length = seen.detections.position_m, seen.detections.length_m
        ends = np.array([_ends(v, at, length) for v, _ in whole])
        features = wt.type_features(strips[track.name], light, *ends.T)
        parts.append(wagons(features, [types for _, types in whole], ends[:, 1] - ends[:, 0], 0))
    return together(parts)


def _ends(vehicle, at, length):
    """Ends of a vehicle as found, as drawn, or 6.5 m from its marked middle."""
    nearest = int(np.argmin(np.abs(at - vehicle.at))) if len(at) else -1
    if nearest >= 0 and abs(at[nearest] - vehicle.at) < 5.0:
        return at[nearest] - length[nearest] / 2, at[nearest] + length[nearest] / 2
    return (vehicle.low, vehicle.high) if vehicle.low == vehicle.low else (vehicle.at - 6.5, vehicle.at + 6.5)


def wagons(features, types, length_m, seed):
    """One train."""
    may_be = np.array([[name in one for name in wt.TYPES] for one in types])
    return Wagons(features, may_be, length_m, np.zeros(len(types), int), np.full(len(types), seed))


def fit(synthetic, real_sets):
    """A ``TypeNet`` of the mean of NETS nets; its temperature is 1 and it tells nothing yet."""
    real_known = [part.select(part.known) for part in real_sets]
    every = together([synthetic, *real_known])
    share = REAL_SHARE * len(synthetic.length_m) / max(sum(len(part.length_m) for part in real_known), 1)
    count = synthetic.may_be.sum(0)
    weights = 1 / np.sqrt(count)[synthetic.may_be.argmax(1)]
    weights = np.append(weights * len(weights) / weights.sum(), np.full(len(every.length_m) - len(weights), share))
    mean, scale = every.features.mean(0), every.features.std(0) + 1e-3
    standard = np.clip((every.features - mean) / scale, -we.OUTLIER, we.OUTLIER)
    parts = [_net(standard, every.may_be, weights, np.random.default_rng(seed)) for seed in range(NETS)]
    hidden, offset, out, bias = zip(*parts)
    return wt.TypeNet(
        mean, scale, np.hstack(hidden), np.hstack(offset), np.vstack(out) / NETS, np.mean(bias, 0), 1.0, {}, 0.0
    )  # fmt: skip


def _net(x, may_be, weights, rng):
    """Weights of one net that makes what each wagon may be likely."""
    from scipy.optimize import minimize

    classes = may_be.shape[1]
    shapes = ((x.shape[1], UNITS), (UNITS,), (UNITS, classes), (classes,))
    cuts = np.cumsum([np.prod(shape) for shape in shapes])[:-1]

    def parts(beta):
        return [part.reshape(shape) for part, shape in zip(np.split(beta, cuts), shapes)]

    def loss(beta):
        hidden, offset, out, bias = parts(beta)
        h = np.tanh(x @ hidden + offset)
        z = h @ out + bias
        total = np.logaddexp.reduce(z, axis=1)
        within = np.where(may_be, z, -np.inf)
        right = np.logaddexp.reduce(within, axis=1)
        off = (np.exp(z - total[:, None]) - np.exp(within - right[:, None])) * weights[:, None]
        back = off @ out.T * (1 - h * h)
        slope = np.concatenate([(x.T @ back).ravel(), back.sum(0), (h.T @ off).ravel(), off.sum(0)])
        return float((weights * (total - right)).sum() + 0.5 * RIDGE * beta @ beta), slope + RIDGE * beta

    start = rng.normal(0, 0.2, int(sum(np.prod(shape) for shape in shapes)))
    return parts(minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 250}).x)


def chances(net, judged):
    """(k, types) probabilities, train by train."""
    out = np.zeros(judged.may_be.shape)
    for train in np.unique(judged.train):
        out[judged.train == train] = net.chances(judged.features[judged.train == train])
    return out


def told(net, judged):
    """Types told and their probabilities (k,), train by train."""
    p, names, told_p = chances(net, judged), np.full(len(judged.train), "", object), np.full(len(judged.train), np.nan)
    for train in np.unique(judged.train):
        own = judged.train == train
        names[own], told_p[own] = net.told(p[own], judged.length_m[own])
    return names, told_p


def unseen(synthetic, real_sets):
    """Judged wagons with the net that did not see them: (simulated halves), (real sets)."""
    odd = synthetic.seed % 2 == 1
    halves = [(fit(synthetic.select(~part), sum(real_sets.values(), [])), synthetic.select(part)) for part in (odd, ~odd)]
    left_out = []
    for name, own in real_sets.items():
        net = fit(synthetic, sum((part for other, part in real_sets.items() if other != name), []))
        left_out += [(net, part) for part in own]
    return halves, left_out


def surprise(pairs, temperature):
    """Mean negative log probability of what is known of the wagons."""
    each = []
    for net, judged in pairs:
        p = chances(replace(net, temperature=temperature), judged)
        each.append(-np.log((p * judged.may_be).sum(1)[judged.known] + 1e-9))
    return float(np.concatenate(each).mean())


def told_right(pairs, temperature):
    """(n,) type told without a limit, its probability, whether it is right, of the known wagons."""
    parts = []
    for net, judged in pairs:
        names, p = told(replace(net, temperature=temperature, limits=dict.fromkeys(wt.TYPES, 0.0)), judged)
        which = np.flatnonzero(judged.known & (names != ""))
        best = np.array([wt.TYPES.index(name) for name in names[which]], int)
        parts.append((best, p[which], judged.may_be[which, best]))
    return [np.concatenate([part[k] for part in parts]) for k in range(3)]


def limits_for(halves, left_out, temperature, floor):
    """{type: least probability from which it is told}, without those that did not hold; and what that rests on.

    The latter: {type: [right, told] of simulated and [right, told] of real wagons}, of those that did not hold at the first limit.
    """
    simulated_ones, real_ones = told_right(halves, temperature), told_right(left_out, temperature)
    limits, evidence = {}, {}
    for k, name in enumerate(wt.TYPES):
        for limit in LIMITS.round(2):
            here, there = (_of(ones, k, limit) for ones in (simulated_ones, real_ones))
            holds = (
                limit >= floor.get(name, 0.0)
                and here[1] >= ENOUGH
                and here[0] >= MOST * here[1]
                and there[0] >= SOME * there[1]
            )
            if holds or name not in evidence:
                evidence[name] = {"simulated": here, "real": there}
            if holds:
                limits[name] = float(limit)
                break
    return limits, evidence


def _of(ones, k, limit):
    """[right, told] of type k from a probability on."""
    best, p, right = ones
    which = (best == k) & (p >= limit)
    return [int(right[which].sum()), int(which.sum())]


def confusion(pairs):
    """{type or types by eye: {type told, or "": number}} of the known wagons."""
    out = {}
    for net, judged in pairs:
        names, _ = told(net, judged)
        for may_be, name in zip(judged.may_be[judged.known], names[judged.known]):
            true = " or ".join(np.array(wt.TYPES)[may_be])
            out.setdefault(true, {}).setdefault(name, 0)
            out[true][name] += 1
    return out


def fit_all(up_to_m):
    """The shipped net for scenes up to a GSD, and what its limits rest on."""
    synthetic = together([simulated(*block) for block in SIMULATED[up_to_m]])
    real_sets = {name: [real(name, gsd_m) for gsd_m in REAL_GSDS_M[up_to_m]] for name in SETS}
    halves, left_out = unseen(synthetic, real_sets)
    temperature = float(min(TEMPERATURES, key=lambda t: surprise(halves, t) + surprise(left_out, t)).round(1))
    limits, evidence = limits_for(halves, left_out, temperature, FLOOR.get(up_to_m, {}))
    set_as = {"temperature": temperature, "limits": limits, "up_to_m": up_to_m}
    net = replace(fit(synthetic, sum(real_sets.values(), [])), **set_as)
    by_set = {
        f"{name}, {gsd_m or 'native'}": confusion([(replace(other, **set_as), judged)])
        for (name, gsd_m), (other, judged) in zip(((n, g) for n in SETS for g in REAL_GSDS_M[up_to_m]), left_out)
    }
    print(f"up to {up_to_m} m, temperature {temperature}:", json.dumps({"limits": limits, **evidence, **by_set}, indent=1))
    return net, {"up_to_m": up_to_m, "right_and_told": evidence, "real, not fitted on": by_set}


def write(fitted):
    """The shipped file."""

    def rounded(value):
        return np.vectorize(lambda v: float(f"{v:.4g}"))(value).tolist() if isinstance(value, np.ndarray) else value

    document = {
        "fitted_on": "synthetic wagons (engine/simulate/trials.py, family fit); d-rail-yard and d-rail-muttenz2, types by eye, "
        "(c) swisstopo, open with attribution",
        "script": "bench/fit_wagon_types.py",
        "types": wt.TYPES,
        "rests_on": [evidence for _, evidence in fitted],
        "nets": [{name: rounded(value) for name, value in vars(net).items()} for net, _ in fitted],
    }
    wt.WEIGHTS.write_text(json.dumps(document) + "\n", "utf8")


def main():
    """Fit and write."""
    write([fit_all(up_to_m) for up_to_m in UP_TO_M])


if __name__ == "__main__":
    main()
