"""How well scenes are brought together: ``python3 bench/alignment.py`` writes ``results/alignment.json``.

known: real pictures moved by FFT, another gamma, noise, blocks replaced. real: pairs with a known or published shift. simulated:
yards under another sun with three in ten objects replaced. series: dates of a vegetation index among themselves: from one to
the next to the one after, shifts must add up. unrelated: pictures of different places laid on each other. Nothing
here was used to fit; the thresholds were set looking at ``real`` and ``unrelated`` of d-change-levir.
"""

from __future__ import annotations

import itertools
import json
import time

import numpy as np
from rail_sets import ROOT, SHARED  # first: it loads rason

from rason.engine.align.alignment import align  # isort: skip
from rason.engine.align.pair import pair
from rason.engine.errors import Refusal
from rason.engine.scene import Scene
from rason.engine.simulate import places
from rason.engine.simulate.render import render

IMAGERY = SHARED / "imagery"
LEVIR = IMAGERY / "d-change-levir"


def scene(data, gsd_m=1.0, at=(500000.0, 4690000.0)):
    """A scene of an array (rows, columns)."""
    from osgeo import gdal, osr

    scene.number = getattr(scene, "number", 0) + 1
    path = f"/vsimem/bench_align_{scene.number}.tif"
    file = gdal.GetDriverByName("GTiff").Create(path, data.shape[1], data.shape[0], 1, gdal.GDT_Float32)
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    file.SetProjection(reference.ExportToWkt())
    file.SetGeoTransform((at[0], gsd_m, 0, at[1], 0, -gsd_m))
    file.WriteArray(data.astype(np.float32))
    file = None
    return Scene.open(path)


def read(path):
    """All bands of a file averaged."""
    from osgeo import gdal

    data = gdal.Open(str(path)).ReadAsArray().astype(np.float32)
    return data if data.ndim == 2 else data.mean(0)


def shift_px(reference, moving, max_shift_m):
    """Pixels that the moving scene's content lies right of and below the reference's, or None where refused."""
    two = pair(reference, moving)
    try:
        east, north = align(two, max_shift_m).shift_m
    except Refusal:
        return None
    return np.array([-east, north]) / two.gsd_m


def summary(errors, refused):
    """Error figures in pixels."""
    errors = np.array(errors)
    out = {"aligned": len(errors), "refused": refused}
    if len(errors):
        out |= {"median_px": np.median(errors), "p90_px": np.quantile(errors, 0.9), "max_px": errors.max()}
    return {key: round(float(value), 3) if "px" in key else value for key, value in out.items()}


def known(change, noise, most_px):
    """Real pictures against themselves, moved and altered."""
    from scipy.ndimage import gaussian_filter

    errors, refused = [], 0
    pictures = [read(path) for path in sorted(LEVIR.glob("*_[AB].tif"))] + [
        read(IMAGERY / "d-s2-pair" / "S2A_20160608.tif")[y : y + 448, x : x + 448] for y, x in ((0, 0), (450, 450), (0, 450))
    ]
    for i, picture in enumerate(pictures):
        rng = np.random.default_rng([7, i])
        dx, dy = rng.uniform(-most_px, most_px, 2)
        fy, fx = np.fft.fftfreq(picture.shape[0])[:, None], np.fft.fftfreq(picture.shape[1])[None]
        other = np.fft.ifft2(np.fft.fft2(picture) * np.exp(-2j * np.pi * (fx * dx + fy * dy))).real
        first, other = picture[24:-24, 24:-24], np.clip(other[24:-24, 24:-24], 1, None) ** 1.3
        other = other / other.mean() * first.mean() * 1.2 + 8
        (rows, columns), changed = first.shape, 0
        while changed < change * first.size:
            side = int(rng.integers(rows // 20, rows // 6))
            y, x = rng.integers(0, rows - side), rng.integers(0, columns - side)
            blob = gaussian_filter(rng.normal(0, other.std(), (side, side)), 2)
            other[y : y + side, x : x + side] = rng.uniform(other.min(), other.max()) + blob
            changed += side * side
        sd = noise * first.std()
        got = shift_px(scene(first + rng.normal(0, sd, first.shape)), scene(other + rng.normal(0, sd, first.shape)), 30.0)
        if got is None:
            refused += 1
        else:
            errors.append(np.hypot(*(got - (dx, dy))))
    return summary(errors, refused)


def real():
    """Pairs whose shift is known or was published, in pixels right and down."""
    b = LEVIR / "train_386_0512_0768_B.tif"
    s2 = IMAGERY / "d-s2-pair"
    out = {}
    for name, reference, moving, truth in (
        ("d-s2-pair", s2 / "S2A_20160608.tif", s2 / "S2A_20160529.tif", (0.75, -1.93)),
        ("train_386 B moved", b, LEVIR / "train_386_0512_0768_B_moved.tif", (6.0, 3.0)),
        ("train_386 A to B", LEVIR / "train_386_0512_0768_A.tif", b, (1.3, -0.2)),
    ):
        one, other = Scene.open(str(reference)), Scene.open(str(moving))
        two = pair(one, other)
        found = align(two, 200.0)
        got = np.array([-found.shift_m[0], found.shift_m[1]]) / two.gsd_m
        out[name] = {
            "kind": found.displacement.kind, "px": [round(float(v), 3) for v in got], "truth_px": truth,
            "off_px": round(float(np.hypot(*(got - truth))), 3), "sigma_px": round(found.sigma_m / two.gsd_m, 3),
            "points": int(found.used.sum()),
        }  # fmt: skip
    return out


def levir():
    """Pairs of dates, much of the ground built over; true shifts not known."""
    out = {}
    for path in sorted(LEVIR.glob("*_A.tif")):
        got = shift_px(Scene.open(str(path)), Scene.open(str(path).replace("_A.", "_B.")), 200.0)
        out[path.name[:-6]] = None if got is None else [round(float(v), 2) for v in got]
    return out


def simulated(count=6):
    """A yard in the morning and, with three in ten things replaced, in the afternoon, its georeference moved."""
    errors, refused = [], 0
    for seed in range(count):
        rng = np.random.default_rng([3, seed])
        yard = places.container_yard(np.array([0.0, 0.0]), 170.0, 150.0, float(rng.uniform(0, 180)), rng, fill=0.6)
        other = places.container_yard(np.array([0.0, 0.0]), 170.0, 150.0, float(rng.uniform(0, 180)), rng, fill=0.6)
        keep = rng.random(len(yard.things)) >= 0.3
        things = [thing for thing, stays in zip(yard.things, keep) if stays]
        new = list(rng.choice(np.arange(len(other.things)), min((~keep).sum(), len(other.things)), replace=False))
        later = type(yard)(**{**yard.__dict__, "things": (*things, *(other.things[i] for i in new))})
        dx, dy = rng.uniform(-8, 8, 2)  # metres
        box = (-100.0, -90.0, 100.0, 90.0)
        views = []
        for k, (layout, sun) in enumerate(((yard, (110.0, 35.0)), (later, (235.0, 50.0)))):
            seen = render(layout, box, gsd_m=0.5, sun_azimuth_deg=sun[0], sun_elevation_deg=sun[1], seed=10 * seed + k,
                          ground_seed=seed)  # fmt: skip
            at = (500000.0 + k * dx, 4690000.0 + k * dy)
            views.append(scene(np.asarray(seen.data, np.float32).mean(0), 0.5, at))
        got = shift_px(*views, 30.0)
        if got is None:
            refused += 1
        else:
            errors.append(np.hypot(*(got - np.array([dx, -dy]) / 0.5)))
    return summary(errors, refused)


def series():
    """Dates without cloud, each against the next and the one after: how far a -> b -> c ends from a -> c."""
    import csv

    folder = IMAGERY / "d-s2-series"
    with open(folder / "dates.csv", encoding="utf8") as file:
        days = [row["date"] for row in csv.DictReader(file) if float(row["cloud_share"]) < 0.05]
    scenes = [Scene.open(str(folder / f"NDVI_{day}.tif")) for day in days]
    loops, refused, pairs, sizes = [], 0, 0, []
    for i in range(0, len(scenes) - 2, 2):
        a, b, c = scenes[i : i + 3]
        ways = [shift_px(a, b, 100.0), shift_px(b, c, 100.0), shift_px(a, c, 100.0)]
        pairs, refused = pairs + 3, refused + sum(way is None for way in ways)
        sizes += [float(np.hypot(*way)) for way in ways if way is not None]
        if all(way is not None for way in ways):
            loops.append(float(np.hypot(*(ways[0] + ways[1] - ways[2]))))
    return {
        "pairs": pairs, "refused": refused, "shift_median_px": round(float(np.median(sizes)), 3), "shift_max_px": round(max(sizes), 3),
        "loops": len(loops), "loop_median_px": round(float(np.median(loops)), 3), "loop_max_px": round(max(loops), 3),
    }  # fmt: skip


def unrelated():
    """Every picture of one place laid on every other place's."""
    pictures = {path.name: scene(read(path), 0.5) for path in sorted(LEVIR.glob("*_[AB].tif"))}
    taken = tried = 0
    for a, b in itertools.combinations(pictures, 2):
        if a[:8] != b[:8]:
            tried += 1
            taken += shift_px(pictures[a], pictures[b], 30.0) is not None
    return {"pairs": tried, "aligned": taken}


def main():
    """All of it, one after the other."""
    out = {}
    for name, work in (
        ("known_easy", lambda: known(0.1, 0.05, 6)),
        ("known_hard", lambda: known(0.4, 0.3, 12)),
        ("real", real),
        ("levir", levir),
        ("simulated", simulated),
        ("series", series),
        ("unrelated", unrelated),
    ):
        start = time.process_time()
        out[name] = work()
        print(name, out[name], f"{time.process_time() - start:.1f} s", flush=True)
    (ROOT / "bench" / "results" / "alignment.json").write_text(json.dumps(out, indent=1) + "\n", "utf8")


if __name__ == "__main__":
    main()
