"""Cloud, haze, shadow and glint read off the picture, on real scenes: ``python bench/accuracy_visibility.py``.

Outlines were drawn by eye (TRUTH_PX, pixels of the picture). Thresholds were chosen on the scenes of SEEN; those of HELD_OUT were run
for the first time when the method was finished. Single clouds at 10 m came later: their thresholds were chosen with all coarse scenes in
view, Cartagena's four clouds among them. No real fine cloud could be held out (there is one chip), so clouds made of soft
noise are laid over the held-out chips as well: their edges are ours, the ground under and around them is real.
Writes bench/results/visibility.json.
"""

import csv
import json
import time
from dataclasses import replace

import numpy as np
from rail_sets import ROOT, SHARED
from scipy import ndimage
from shapely.geometry import Polygon

from rason.engine import clouds
from rason.engine.class_raster import ClassRaster
from rason.engine.look import look
from rason.engine.patch import burnt
from rason.engine.scene import ArrayScene, Scene
from rason.engine.visibility import CLEAR, CLOUD, FIELDS, GLINT, HAZE, NAMES, NODATA, SHADOW

S2 = "blue,green,red,nir"
SEEN = {
    "t_0658": ("d-near-empty/t_0658.tif", ""),
    "t_0606": ("d-near-empty/t_0606.tif", ""),
    "t_0616": ("d-port-train/t_0616.tif", ""),
    "t_0638": ("d-container-yard/t_0638.tif", ""),
    "t_0617": ("d-container-yard/t_0617.tif", ""),
    "t_0618": ("d-ships-optical/t_0618.tif", ""),
    "P1888": ("d-truck-lots/P1888.tif", ""),
    "bus_lot": ("d-truck-lots/bus_lot.tif", ""),
    "yard": ("d-rail-yard/yard.tif", ""),
    "train_412_A": ("d-change-levir/train_412_0512_0768_A.tif", ""),
    "S2A_20160529": ("d-s2-pair/S2A_20160529.tif", ""),
    "S2A_20160608": ("d-s2-pair/S2A_20160608.tif", ""),
    "casablanca": ("d-s2-ships/casablanca_2023-04-26_B02_B03_B04_B08.tif", S2),
    "scene_2": ("d-ships-planet3m/scene_2.tif", ""),
    "cartagena": ("d-s2-ships/cartagena_2023-07-30_B02_B03_B04_B08.tif", S2),
}
HELD_OUT = {
    "t_0635": ("d-container-yard/t_0635.tif", ""),
    "t_0608": ("d-near-empty/t_0608.tif", ""),
    "t_0629": ("d-ships-optical/t_0629.tif", ""),
    "t_0648": ("d-ships-optical/t_0648.tif", ""),
    "t_0650": ("d-ships-optical/t_0650.tif", ""),
    "muttenz2": ("d-rail-muttenz2/example_0.25m.tif", ""),
    "test_121_A": ("d-change-levir/test_121_0768_0256_A.tif", ""),
    "test_77_B": ("d-change-levir/test_77_0512_0256_B.tif", ""),
    "test_2_A": ("d-change-levir/test_2_0000_0000_A.tif", ""),
    "test_7_B": ("d-change-levir/test_7_0256_0512_B.tif", ""),
    "scene_3": ("d-ships-planet3m/scene_3.tif", ""),
    "honolulu": ("d-s2-ships/honolulu_2023-01-08_B02_B03_B04_B08.tif", S2),
}
CLOUDED = ("t_0635", "t_0608", "t_0629", "t_0648", "t_0650")  # held-out chips that made clouds are laid over
FALSE = "false share of the clear"
HIDDEN, SHADED = "cloud or haze", "cloud shadow"
TRUTH_PX = {
    ("t_0658", HIDDEN): (
        "0 330, 60 260, 130 285, 240 225, 330 200, 400 235, 500 215, 600 240, 690 310, 735 390, 770 430, 700 480, 640 500, 740 "
        "550, 800 470, 860 400, 930 320, 930 930, 290 930, 330 830, 385 700, 440 650, 360 620, 220 700, 100 650, 60 520",
    ),
    ("S2A_20160529", HIDDEN): (
        "212 45, 225 38, 245 42, 250 60, 240 85, 222 88, 212 70",
        "42 98, 52 94, 62 104, 58 125, 44 122",
        "0 103, 10 112, 12 128, 0 132",
        "45 690, 48 665, 60 655, 75 665, 85 660, 90 680, 105 700, 115 690, 128 672, 140 678, 140 695, 160 700, 168 720, 160 735, "
        "135 720, 115 720, 105 740, 85 735, 78 715, 60 700",
        "272 880, 285 878, 300 885, 345 888, 345 900, 275 900",
    ),
    ("S2A_20160529", SHADED): (
        "205 0, 240 0, 235 25, 215 20",
        "38 38, 55 33, 58 60, 42 62",
        "0 45, 12 55, 8 72, 0 70",
        "38 605, 50 590, 62 600, 58 632, 45 630",
        "70 600, 85 595, 95 630, 112 650, 110 680, 92 675",
        "100 640, 125 630, 128 650, 112 660",
        "128 610, 150 620, 165 665, 150 675, 130 650",
        "285 820, 335 818, 345 850, 355 880, 340 895, 315 890, 300 860, 275 830",
        "192 860, 225 860, 235 890, 200 898",
    ),
    ("cartagena", HIDDEN): (
        "58 955, 70 946, 84 950, 92 968, 84 986, 66 982",
        "688 255, 700 258, 714 275, 708 278, 697 270, 690 262",
        "729 360, 737 361, 745 370, 742 374, 734 372",
        "504 132, 518 130, 521 138, 520 160, 516 170, 506 170, 504 150",
    ),
}
VALUES = {HIDDEN: (CLOUD, HAZE), SHADED: (SHADOW,)}


def opened(entry):
    return Scene.open(str(SHARED / "imagery" / entry[0]), bands=entry[1])


def drawn(mask, scene, rings):
    """The drawn outlines on the mask's grid (bool)."""
    columns, rows = scene.size
    west, south, east, north = scene.bounds
    step = (east - west) / columns, (north - south) / rows
    out = np.zeros(mask.shape, bool)
    for ring in rings:
        points = [tuple(float(v) for v in point.split()) for point in ring.split(", ")]
        shape = Polygon([(west + x * step[0], north - y * step[1]) for x, y in points])
        out |= burnt(shape, mask.shape, mask.x0, mask.y0, mask.gsd_m)
    return out


def agreement(found, truth):
    """Intersection over union, recall and precision of pixels."""
    both = float((found & truth).sum())
    rounded = {"IoU": both / max((found | truth).sum(), 1), "R": both / max(truth.sum(), 1), "P": both / max(found.sum(), 1)}
    return {key: round(value, 2) for key, value in rounded.items()}


def judge(name, entry):
    """One scene: the share of each cause, and how it agrees with what was drawn."""
    scene = opened(entry)
    start = time.perf_counter()
    mask = look(scene).mask
    seconds = time.perf_counter() - start
    shares = mask.scene_shares()
    row = {
        "scene": name,
        "gsd_m": round(scene.gsd_m, 2),
        "ha": round(mask.causes.size * mask.gsd_m**2 / 1e4, 1),
        "mp_per_s": round(np.prod(scene.size) / 1e6 / seconds, 2),
        **{NAMES[c]: round(float(shares[c]), 4) for c in FIELDS if c != NODATA and shares[c] > 0},
    }
    for (picture, what), rings in TRUTH_PX.items():
        if picture == name:
            row[f"{what}, drawn"] = agreement(np.isin(mask.causes, VALUES[what]), drawn(mask, scene, rings))
    return row


# Made clouds: scales of the noise in pixels of 0.3 m, and how steeply it becomes opaque. Rims fade over 30 to 60 m as on the real
# chip, or over some 10 m in puffs of 20 to 50 m.
MADE = {"rims of 30 to 60 m": ((60, 150, 400), 4.0), "puffs with rims of 10 m": ((25, 60, 150), 6.0)}


def soft_noise(rng, shape, scales):
    """A random field, 0..1, made on every fifth pixel: it has no finer detail."""
    small = rng.normal(size=tuple(n // 5 + 2 for n in shape))
    noise = sum(k * ndimage.gaussian_filter(small, k / 5) for k in scales)
    noise = ndimage.zoom((noise - noise.min()) / (noise.max() - noise.min()), 5, order=3)
    return np.clip(noise[: shape[0], : shape[1]], 0, 1)


def judge_clouded(name, entry, seed, scales, slope):
    """A held-out chip under a made cloud that is white where it is thick; hidden is what lets less than half through."""
    scene = opened(entry)
    patch = scene.read(scene.bounds)
    rng = np.random.default_rng(seed)
    noise = soft_noise(rng, patch.shape, scales)
    opaque = np.clip((noise - np.quantile(noise, rng.uniform(0.4, 0.8))) * slope, 0, 1)
    bright = 0.75 + 0.5 * soft_noise(rng, patch.shape, scales)
    data = (patch.data * (1 - opaque) + bright * opaque).astype(np.float32)
    mask = look(ArrayScene(data, patch.gsd_m, effective_gsd=scene.effective_gsd_m, y0=patch.shape[0] * patch.gsd_m)).mask
    step = round(mask.gsd_m / patch.gsd_m)
    truth, clear = (
        a[step // 2 :: step, step // 2 :: step][: mask.shape[0], : mask.shape[1]] for a in (opaque > 0.5, opaque < 0.1)
    )
    found = np.isin(mask.causes, (CLOUD, HAZE))
    return {"scene": name, "seed": seed, "hidden": round(float(truth.mean()), 2), **agreement(found, truth),
            FALSE: round(float((found & clear).sum() / max(clear.sum(), 1)), 3)}  # fmt: skip


COARSE_COLOUR = (
    "casablanca",
    "honolulu",
    "scene_2",
    "scene_3",
)  # scenes without a cloud that made ones are laid over at 10 m


def judge_single(name, entry, seed, size_m):
    """One soft cloud of a size, whitish and of any brightness, over a coarse scene at 10 m."""
    scene = opened(entry)
    patch = scene.read(scene.bounds, clouds.COARSE.pixel_m)
    rng = np.random.default_rng([seed, size_m])
    (rows, columns), radius = patch.shape, size_m / patch.gsd_m / 2
    noise = sum(ndimage.gaussian_filter(rng.normal(size=patch.shape), k) * k for k in (radius, radius / 2, radius / 5))
    y, x = np.mgrid[:rows, :columns]
    away = np.hypot(
        y - rng.uniform(radius, rows - radius), (x - rng.uniform(radius, columns - radius)) * rng.uniform(0.6, 1.4)
    )
    opaque = np.clip((1 - away / radius + 0.3 * noise / noise.std()) * 3, 0, 1) * (away < 1.6 * radius)
    bright = rng.uniform(0.8, 1.4) + 0.1 * noise / noise.std()
    tint = np.array([{"blue": 1.05, "nir": 0.85}.get(role, 1.0) for role in patch.roles])[:, None, None]
    data = (patch.data * (1 - opaque) + bright * tint * opaque).astype(np.float32)
    cloud, rim = clouds.veil(replace(patch, data=data), rule=clouds.COARSE)
    truth = opaque > 0.5
    return {"scene": name, "seed": seed, **agreement(cloud | rim, truth), FALSE: round(float(((cloud | rim) & (opaque < 0.1)).mean()), 4)}  # fmt: skip


def judge_series():
    """The origin's cloud masks of 40 dates as MASK: the largest difference between what is masked and what the origin says."""
    folder = SHARED / "imagery" / "d-s2-series"
    worst = 0.0
    with open(folder / "dates.csv", newline="", encoding="utf8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        day = row["date"].replace("-", "")[:8]
        share = float(row[next(key for key in row if "cloud" in key)])
        scene = Scene.open(str(folder / f"NDVI_{day}.tif"))
        raster = ClassRaster.open(str(folder / f"cloud_{day}.tif"), name="MASK")
        masked = look(scene, hidden_raster=raster, causes=()).mask.scene_shares()
        worst = max(worst, abs(1 - float(masked[CLEAR]) - float(masked[NODATA]) - share))
    return {"dates": len(rows), "largest difference of the cloud share": round(worst, 4)}


def main():
    results = {}
    for title, scenes in (("tuned on", SEEN), ("held out", HELD_OUT)):
        rows = [judge(name, entry) for name, entry in scenes.items()]
        clear = [row for row in rows if row["scene"] not in {key[0] for key in TRUTH_PX} | {"t_0606"}]
        false = {row["scene"]: round(sum(row.get(NAMES[c], 0) for c in (CLOUD, HAZE, SHADOW, GLINT)), 4) for row in clear}
        results[title] = {
            "scenes": rows,
            "scenes without cloud or glint": len(clear),
            "of them with any false hidden area": [name for name, share in false.items() if share],
            "largest false share": max(false.values()),
        }
        print(title, *rows, sep="\n   ")
        print("   ", {key: value for key, value in results[title].items() if key != "scenes"})
    for title, (scales, slope) in MADE.items():
        made = [judge_clouded(name, HELD_OUT[name], seed, scales, slope) for name in CLOUDED for seed in (1, 2, 3)]
        median = {key: round(float(np.median([row[key] for row in made])), 3) for key in ("IoU", "R", "P", FALSE)}
        results[f"made clouds over held-out chips (synthetic), {title}"] = {"scenes": made, "median": median}
        print("made clouds", title, *made, median, sep="\n   ")
    for size_m in (200, 300, 600):
        made = [judge_single(name, {**SEEN, **HELD_OUT}[name], seed, size_m) for name in COARSE_COLOUR for seed in range(5)]
        median = {key: round(float(np.median([row[key] for row in made])), 3) for key in ("IoU", "R", "P", FALSE)}
        median["found by half and more"] = f"{sum(row['R'] > 0.5 for row in made)} of {len(made)}"
        results[f"made clouds over held-out chips (synthetic), single, about {size_m} m, at 10 m over scenes in view"] = {"scenes": made, "median": median}  # fmt: skip
        print("single made clouds of", size_m, median)
    results["masks of the origin, 40 dates"] = judge_series()
    print(results["masks of the origin, 40 dates"])
    (ROOT / "bench" / "results" / "visibility.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
