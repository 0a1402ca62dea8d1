"""How often pixels are called changed where nothing did, and what of real change is found: ``python bench/change.py [--imagery FOLDER]``.

Simulated pairs and radar series, and, with the folder of the labelled sets, real pairs. OTB's MAD stands beside where its command line is
installed. The seeds here chose no constant. Written to bench/results/change.json; about six minutes with OTB.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from checkout import ROOT, load_rason

load_rason()

from osgeo import gdal, osr  # noqa: E402
from scipy import ndimage, stats  # noqa: E402

from rason.engine import radiometry  # noqa: E402
from rason.engine.change import areas, irmad, omnibus, optical, streams  # noqa: E402
from rason.engine.scene import Scene  # noqa: E402

OTB = "otbcli_MultivariateAlterationDetector"
ALPHA = 0.001
SIZE = 1000
SEEDS = (21, 22, 23)
PAIRS = (
    "test_121_0768_0256",
    "test_2_0000_0000",
    "test_77_0512_0256",
    "test_7_0256_0512",
    "train_412_0512_0768",
    "train_386_0512_0768",
)


def quiet(fraction):
    """Progress that nobody looks at."""


def write(path, data, kind=gdal.GDT_UInt16):
    file = gdal.GetDriverByName("GTiff").Create(str(path), data.shape[2], data.shape[1], len(data), kind, ["TILED=YES"])
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((500000, 10, 0, 4690000, 0, -10))
    file.WriteArray(data)
    file.FlushCache()
    return str(path)


def pair(seed, change, strength, noise=30.0, noisy=2.0, bands=4, size=SIZE):
    """Six kinds of ground with texture; the later date has other gains, and another radiance in blocks. One kind is ``noisy`` times noisier."""
    rng = np.random.default_rng(seed)
    kind = np.zeros((size, size), int)
    for _ in range(5):
        kind += ndimage.zoom(rng.standard_normal((size // 40 + 2, size // 40 + 2)), 40, order=1)[:size, :size] > 0.3
    spectra = np.sort(rng.uniform(300, 2500, (6, bands)), axis=0)[rng.permutation(6)]
    texture = 1 + 0.12 * ndimage.gaussian_filter(rng.standard_normal((size, size)), 1.5)
    first = np.moveaxis(spectra[kind], 2, 0) * texture
    other = np.moveaxis(spectra[(kind + rng.integers(1, 5)) % 6], 2, 0)
    mask = np.zeros((size, size), bool)
    while mask.mean() < change:
        r, c, h, w = *rng.integers(0, size - 20, 2), *rng.integers(10, 160, 2)
        mask[r : r + h, c : c + w] = True
    second = np.where(mask, first + strength * (other - first) * rng.uniform(0.8, 1.2, (size, size)), first)
    gain, offset = rng.uniform(0.75, 1.3, (bands, 1, 1)), rng.uniform(-60, 120, (bands, 1, 1))
    sd = noise * np.where(kind == 0, noisy, 1.0)
    one = first + rng.standard_normal(first.shape) * sd
    two = gain * second + offset + rng.standard_normal(first.shape) * sd
    return [np.clip(v, 0, 65535).astype(np.uint16) for v in (one, two)], mask


def ours(paths, bands):
    scenes = [Scene.open(p) for p in paths]
    stack = streams.Stack.of(scenes, [range(bands)] * 2, ["A", "B"])
    model = irmad.fit(*stack.sample(quiet)[0])
    out = np.zeros(stack.shape, np.float32)
    for window in stack.windows():
        (x, y), _ = stack.read(window)
        c, r, w, h = window
        out[r : r + h, c : c + w] = model.statistic(x.reshape(bands, -1), y.reshape(bands, -1)).reshape(h, w)
    return out


def raw_irmad(x, y):
    """Nielsen 2007 as published, on every ninth pixel for the weights."""
    bands = len(x)
    both = np.concatenate([x, y]).reshape(2 * bands, -1).astype(float)
    few = both[:, ::9]
    weights, last = np.ones(few.shape[1]), None
    for _ in range(50):
        mean, forms, rho = irmad._variates(few, weights)
        # published: the variance of the weighted variates, which the weights have shrunk
        z = np.square(forms @ (few - mean[:, None])).sum(0)
        if last is not None and np.abs(rho - last).max() < 1e-3:
            break
        last, weights = rho, stats.chi2.sf(z, bands)
    return np.square(forms @ (both - mean[:, None])).sum(0).reshape(x.shape[1:])


def otb_mad(paths, folder):
    out = str(Path(folder) / "mad.tif")
    done = subprocess.run(
        [OTB, "-in1", paths[0], "-in2", paths[1], "-out", out, "float", "-progress", "false"],
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return None
    m = gdal.Open(out).ReadAsArray().astype(float)
    m = m if m.ndim == 3 else m[None]
    return np.square((m - m.mean((1, 2), keepdims=True)) / m.std((1, 2), keepdims=True)).sum(0)


def rates(z, mask, bands):
    limit = stats.chi2.isf(ALPHA, bands)
    return {"false change": round(float((z[~mask] > limit).mean()), 5), "recall": round(float((z[mask] > limit).mean()), 4)}


def simulated(folder):
    rows = {}
    cases = [(4, 2.0, s, c) for s in (0.5, 0.1) for c in (0.02, 0.1, 0.3)] + [
        (4, 1.0, 0.5, 0.1),
        (3, 2.0, 0.5, 0.1),
        (1, 1.0, 0.5, 0.1),
    ]
    for bands, noisy, strength, change in cases:
        found = {}
        for seed in SEEDS:
            data, mask = pair(seed, change, strength, noisy=noisy, bands=bands)
            paths = [write(Path(folder) / f"{i}.tif", v) for i, v in enumerate(data)]
            raw = raw_irmad(*data)
            results = {"rason": ours(paths, bands), "IR-MAD": raw}
            results["IR-MAD, median rescaled"] = raw * stats.chi2.median(bands) / np.median(raw)
            if shutil.which(OTB):
                results["OTB MAD"] = otb_mad(paths, folder)
            for name, z in results.items():
                if z is not None:
                    found.setdefault(name, []).append(rates(z, mask, bands))
        rows[f"{bands} bands, one ground {noisy:g} times as noisy, strength {strength}, {change:.0%} changed"] = {
            name: {key: [r[key] for r in many] for key in many[0]} for name, many in found.items()
        }
    return rows


def speed(folder):
    """CPU seconds of the whole run on a big pair, fit and rasters."""
    data, _ = pair(5, 0.1, 0.5, size=1250)
    paths = [write(Path(folder) / f"big{i}.tif", np.tile(v, (1, 8, 8))) for i, v in enumerate(data)]
    start = time.process_time()
    stack = streams.Stack.of([Scene.open(p) for p in paths], [range(4)] * 2, ["A", "B"])
    model = irmad.fit(*stack.sample(quiet)[0])
    fitted = time.process_time()
    out = str(Path(folder) / "out.tif")
    optical.detect(stack, model, ALPHA, out, None, {}, quiet)
    ready = time.process_time()
    found = areas.areas(out, optical.CHANGED, (optical.BRIGHTER,), 9, quiet)
    end = time.process_time()
    return {
        "megapixels": 100,
        "fit s": round(fitted - start, 1),
        "raster s": round(ready - fitted, 1),
        "areas s": round(end - ready, 1),
        "areas": len(found),
    }


def real_pairs(folder, imagery):
    """Changed areas of 100 m² and more against masks of new buildings: other change is in the pictures too, so precision is a lower bound."""
    rows = {}
    for name in PAIRS:
        base = imagery / "d-change-levir"
        scenes = [Scene.open(str(base / f"{name}_{k}.tif")) for k in "AB"]
        mask = gdal.Open(str(base / f"{name}_change.tif")).ReadAsArray() > 0
        stack = streams.Stack.of(scenes, [range(3)] * 2, ["A", "B"])
        model = irmad.fit(*stack.sample(quiet)[0])
        out = str(Path(folder) / "levir.tif")
        counts = optical.detect(stack, model, ALPHA, out, None, {}, quiet)
        changed = gdal.Open(out).ReadAsArray()[0] >= optical.DARKER
        found = areas.areas(out, optical.CHANGED, (optical.BRIGHTER,), 400, quiet)
        labels, many = ndimage.label(mask)
        hit = [bool(changed[labels == i].mean() >= 0.3) for i in range(1, many + 1) if (labels == i).sum() >= 100]
        right = sum(_touches(a, labels > 0, stack) for a in found)
        rows[name] = {
            "shift px": stack.shift_px(), "pixels called changed": round(counts.changed / counts.seen, 4),
            "of them outside new buildings": round(float(changed[~mask].mean()), 4),
            "buildings": len(hit), "found": sum(hit), "areas of 100 m2": len(found), "touching a new building": right,
            "canonical correlations": [round(float(v), 3) for v in model.correlations],
        }  # fmt: skip
    return rows


def _touches(area, mask, stack):
    from rason.engine.patch import burnt

    inside = burnt(area.geometry, mask.shape, stack.x0, stack.y0, stack.gsd_m)
    return bool((inside & mask).sum() > 0.1 * inside.sum())


def farmland(imagery):
    """d-s2-pair: as delivered, and with the later scene moved back by the shift that was measured, in whole pixels."""
    data = [
        gdal.Open(str(imagery / "d-s2-pair" / f"S2A_{day}.tif")).ReadAsArray().astype(np.float32)
        for day in ("20160529", "20160608")
    ]
    first, second = (v if v.ndim == 2 else v[0] for v in data)
    rows = {}
    for name, (a, b) in {
        "as delivered": (first, second),
        "moved back by 1 and 2 pixels": (first[:-2, 1:], second[2:, :-1]),
    }.items():
        x, y = a.reshape(1, -1), b.reshape(1, -1)
        model = irmad.fit(x, y)
        rows[name] = {
            "called changed": round(float((model.p(model.statistic(x, y)) < ALPHA).mean()), 4),
            "correlation": round(float(model.correlations[0]), 3),
        }
    return rows


def matches():
    """Gain and offset of rason:matchradiometry on simulated pairs: error of a middle value, and the slope of the test."""
    rows = {}
    for change in (0.02, 0.1, 0.3):
        worst, slopes = [], []
        for seed in SEEDS:
            (one, two), mask = pair(seed, change, 0.5)
            x, y = (v.reshape(4, -1)[:, ::4].astype(np.float32) for v in (two, one))
            found = radiometry.match(x, y)
            same = ~mask.ravel()[::4]
            off = found.gain[:, None] * x[:, same] + found.offset[:, None] - y[:, same]
            worst.append(round(float(np.abs(off.mean(1)).max()), 2))
            slopes.append(round(float(found.slope[np.abs(found.slope - 1).argmax()]), 4))
        rows[f"{change:.0%} changed"] = {
            "worst mean error of a band (of 300 to 2500)": worst,
            "worst slope held out": slopes,
        }
    return rows


def sea(rng, shape, looks, correlated):
    """Speckle of whole looks, neighbours alike as an oversampled radar's are."""
    out = np.zeros(shape)
    for _ in range(looks):
        z = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
        if correlated:
            z = ndimage.gaussian_filter(z.real, correlated) + 1j * ndimage.gaussian_filter(z.imag, correlated)
        power = np.abs(z) ** 2
        out += power / power.mean()
    return out / looks


def radar(share):
    """Realised over nominal false alarms with the looks estimated: K texture, correlated speckle, a share of the picture 9 dB brighter."""
    rows, size = {}, 400
    for looks in (1, 4, 9):
        for dates in (2, 3, 5, 9):
            for bands in (1, 2):
                rng = np.random.default_rng(100 * looks + 10 * dates + bands)
                ground = rng.gamma(3, 1 / 3, (size, size)) * np.where(np.arange(size) < size // 2, 1, 6)
                series = np.stack(
                    [[sea(rng, (size, size), looks, 0.7) * ground for _ in range(bands)] for _ in range(dates)]
                )
                changed = np.zeros((size, size), bool)
                changed[:, : int(size * share)] = True
                series[dates // 2 :, :, changed] *= 8
                flat = series.reshape(dates, bands, -1)
                told = [omnibus.looks_of(a, b)[0] for first, second in zip(flat, flat[1:]) for a, b in zip(first, second)]
                own = float(np.median(told))
                p = omnibus.p_of_change(series, own)
                row = {
                    "looks estimated": round(own, 2),
                    **{f"at {a}": round(float((p[~changed] <= a).mean() / a), 2) for a in (0.05, 0.01, 0.001)},
                }
                if share:
                    row["recall of 9 dB"] = round(float((p[changed] <= ALPHA).mean()), 3)
                    _, signs = omnibus.changes(flat[:, :, changed.ravel()], own, ALPHA)
                    row["right step among found"] = round(float((signs[dates // 2 - 1, (signs != 0).any(0)] == 1).mean()), 3)
                rows[f"{looks} looks, {dates} dates, {bands} polarisations"] = row
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--imagery", type=Path, help="folder with d-change-levir and d-s2-pair")
    parser.add_argument("--only", default="", help="comma list of the parts to run anew")
    given = parser.parse_args()
    path = ROOT / "bench" / "results" / "change.json"
    result = json.loads(path.read_text()) if path.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        parts = {
            "optical simulated": lambda: simulated(folder),
            "speed": lambda: speed(folder),
            "radiometry": matches,
            "radar unchanged": lambda: radar(0.0),
            "radar with a tenth changed": lambda: radar(0.1),
        }
        if given.imagery:
            parts |= {"real pairs": lambda: real_pairs(folder, given.imagery), "farmland": lambda: farmland(given.imagery)}
        for name, part in parts.items():
            if not given.only or name in given.only.split(","):
                result[name] = part()
                print(name, json.dumps(result[name], indent=1), flush=True)
    path.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
