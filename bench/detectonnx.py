"""ONNX models over tiles, ours beside onnxruntime alone, GeoDeep and SAHI; writes bench/results/onnx.json. All synthetic.

``python bench/detectonnx.py`` needs GDAL's Python (numpy 1.24 on Debian 12) and the peers beside it:
pip install onnx onnxruntime rasterio geodeep sahi "numpy<2" "opencv-python<4.12", in an environment with the system's packages.

Axis-aligned: model, scene and peers of ``../shared/bench/onnx_bench.py``, three seeds and two gaps; true and false matches at IoU 0.5.
Oriented: packed boxes at any angle and an oriented model made here. GeoDeep and SAHI merge enclosing boxes, so they get the same
model with enclosing boxes and are judged by those; ours is judged by the rotated rectangles, and by enclosing boxes too.
Time: ours and onnxruntime alone on the same tiles, in turn, medians of wall and processor seconds.
"""

import importlib.util
import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from checkout import ROOT, load_rason

load_rason()
SHARED = Path(os.environ.get("RASON_SHARED", ROOT.parent / "shared"))
ANGLES, LONG, SHORT, REACH = 12, 24, 8, 16
CONFIDENCE, IOU, TILE, LARGEST_M = 0.5, 0.5, 512, 12.0


def shared_bench():
    """../shared/bench/onnx_bench.py as a module."""
    spec = importlib.util.spec_from_file_location("onnx_bench", SHARED / "bench" / "onnx_bench.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ours(raster, model):
    """Rectangles found (N, 5) in pixels from the upper left corner (y up), and their scores."""
    from rason.engine.onnx.model import Model
    from rason.engine.onnx.stitching import find
    from rason.engine.scene import Scene

    scene = Scene.open(str(raster))
    found = find(scene, Model.open(str(model)), confidence=CONFIDENCE, largest_m=LARGEST_M).detections
    g, (west, _, _, north) = scene.gsd_m, scene.bounds
    return np.column_stack(
        [(found.x - west) / g, (found.y - north) / g, found.length_m / g, found.width_m / g, found.azimuth_deg]
    )


def enclosing(rectangles):
    """xyxy in pixels (y down) round rectangles (N, 5)."""
    from rason.engine.rectangles import corners

    x, y = np.moveaxis(corners(*rectangles.T), -1, 0)
    return np.column_stack([x.min(1), -y.max(1), x.max(1), -y.min(1)])


# --- the oriented scene and model -----------------------------------------------------------------------------------


def oriented_scene(path, size, gap, seed):
    """Blocks of packed boxes, each at its own angle, and single boxes; rectangles (N, 5) as ``ours`` gives them."""
    from osgeo import gdal, osr
    from scipy import ndimage

    from rason.engine.rectangles import corners

    rng = np.random.default_rng(seed)
    picture = 60 + 72 * ndimage.gaussian_filter(rng.standard_normal((size, size)), 3) + rng.normal(0, 4, (size, size))
    taken, truth = [], []
    for attempt in range(4000):
        columns, rows = (rng.integers(2, 5), rng.integers(3, 12)) if attempt < 2000 else (1, 1)
        wide, high = columns * (LONG + gap) - gap, rows * (SHORT + gap) - gap
        reach = np.hypot(wide, high) / 2 + 4
        x, y = rng.uniform(reach + 8, size - reach - 8, 2)
        if any(np.hypot(x - a, y - b) < reach + r for a, b, r in taken):
            continue
        taken.append((x, y, reach))
        azimuth = 15.0 * rng.integers(0, ANGLES) + rng.uniform(-3, 3)
        along = np.array([np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))])
        across = np.array([along[1], -along[0]])
        for i, j in np.ndindex(columns, rows):
            if rng.random() < 0.9:
                centre = (
                    (x, -y)
                    + along * (i * (LONG + gap) - (wide - LONG) / 2)
                    + across * (j * (SHORT + gap) - (high - SHORT) / 2)
                )
                truth.append((*centre, LONG, SHORT, azimuth % 180))
    truth = np.array(truth)
    for rectangle in truth:
        _draw(picture, rectangle, rng.uniform(140, 230))
    picture = np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)
    file = gdal.GetDriverByName("GTiff").Create(str(path), size, size, 3, gdal.GDT_Byte, ["TILED=YES", "PHOTOMETRIC=RGB"])
    file.SetGeoTransform((500000, 0.5, 0, 4690000, 0, -0.5))
    reference = osr.SpatialReference()
    reference.ImportFromEPSG(32652)
    file.SetProjection(reference.ExportToWkt())
    for band in (1, 2, 3):
        file.GetRasterBand(band).WriteArray(picture)
    assert (np.abs(corners(*truth.T)) <= size).all()
    return truth


def _draw(picture, rectangle, value, fine=4):
    """Blend a rectangle into the picture by the share of each pixel that it covers."""
    x, y, length, width, azimuth = rectangle
    x0, y0 = int(x) - REACH, int(-y) - REACH
    side = (np.arange(2 * REACH * fine) + 0.5) / fine
    dx, dy = np.meshgrid(side + x0 - x, -(side + y0) - y)
    e, n = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
    inside = (np.abs(dx * e + dy * n) <= length / 2) & (np.abs(dy * e - dx * n) <= width / 2)
    share = inside.reshape(2 * REACH, fine, 2 * REACH, fine).mean((1, 3))
    window = picture[y0 : y0 + 2 * REACH, x0 : x0 + 2 * REACH]
    window += share * (value - window)


def _kernels():
    """Means of three thirds of the inside, then of four flanks, for each angle: (ANGLES * 7, 1, 33, 33)."""
    fine, half = 4, REACH
    side = (np.arange((2 * half + 1) * fine) + 0.5) / fine - half - 0.5
    dx, dy = np.meshgrid(side, -side)
    out = []
    for azimuth in np.arange(ANGLES) * 180.0 / ANGLES:
        e, n = np.sin(np.radians(azimuth)), np.cos(np.radians(azimuth))
        u, v = (dx * e + dy * n) / (LONG / 2), (dy * e - dx * n) / (SHORT / 2)
        inside, along, across = np.abs(v) < 0.75, np.abs(u) < 0.9, (2 / LONG * 2, 2 / SHORT * 2)
        parts = [inside & (u > low) & (u < low + 0.6) for low in (-0.9, -0.3, 0.3)]
        parts += [inside & (sign * u > 1 + across[0] / 4) & (sign * u < 1 + across[0]) for sign in (1, -1)]
        parts += [along & (sign * v > 1 + across[1] / 4) & (sign * v < 1 + across[1]) for sign in (1, -1)]
        out += [(p / p.sum()).reshape(2 * half + 1, fine, 2 * half + 1, fine).sum((1, 3)) for p in parts]
    return np.array(out, np.float32)[:, None]


def oriented_models(folder):
    """The oriented model and its twin with enclosing boxes; paths."""
    from rason.tests.onnx_writer import node, value, write

    n, step = TILE // 2, 180.0 / ANGLES
    azimuth = np.radians(np.arange(ANGLES) * step)
    y, x = np.mgrid[:n, :n] * 2 + 0.5
    constants = {
        "gray": np.full((1, 3, 1, 1), 1 / 3, np.float32), "filters": _kernels(), "bias": np.array([0.08], np.float32),
        "gain": np.array([40.0], np.float32), "zero": np.zeros(1, np.float32), "centre": np.stack([x, y]).reshape(1, 2, -1).astype(np.float32),
        "shape": np.array([1, ANGLES, 7, n, n]), "parts": np.array([3, 4]), "flat": np.array([1, 1, n * n]), "step": np.array([np.radians(step)], np.float32),
        "right": np.array([np.pi / 2], np.float32), "long": np.full((1, 1, n * n), LONG, np.float32),
        "short": np.full((1, 1, n * n), SHORT, np.float32),
        "wide": (LONG * np.abs(np.sin(azimuth)) + SHORT * np.abs(np.cos(azimuth))).astype(np.float32),
        "high": (LONG * np.abs(np.cos(azimuth)) + SHORT * np.abs(np.sin(azimuth))).astype(np.float32),
    }  # fmt: skip
    nodes = [
        node("Conv", ["image", "gray"], ["g"]),
        node("Conv", ["g", "filters"], ["means"], strides=[2, 2], pads=[REACH] * 4),
        node("Reshape", ["means", "shape"], ["seven"]),
        node("Split", ["seven", "parts"], ["thirds", "flanks"], axis=2),
        node("ReduceMin", ["thirds"], ["darkest"], axes=[2], keepdims=0),
        node("ReduceMax", ["flanks"], ["brightest"], axes=[2], keepdims=0),
        node("Sub", ["darkest", "brightest"], ["m"]),
        node("Sub", ["m", "bias"], ["mb"]),
        node("Mul", ["mb", "gain"], ["mg"]),
        node("Sigmoid", ["mg"], ["s"]),
        node("ReduceMax", ["s"], ["best"], axes=[1], keepdims=1),
        node("MaxPool", ["best"], ["peak"], kernel_shape=[5, 5], strides=[1, 1], pads=[2, 2, 2, 2]),
        node("Less", ["best", "peak"], ["low"]),
        node("Where", ["low", "zero", "best"], ["kept"]),
        node("Reshape", ["kept", "flat"], ["score"]),
        node("ArgMax", ["s"], ["which4"], axis=1, keepdims=1),
        node("Reshape", ["which4", "flat"], ["which"]),
    ]
    oriented = [
        node("Cast", ["which"], ["number"], to=1),
        node("Mul", ["number", "step"], ["azimuth"]),
        node("Sub", ["azimuth", "right"], ["angle"]),
        node("Concat", ["centre", "long", "short", "score", "angle"], ["output0"], axis=1),
    ]
    upright = [
        node("Gather", ["wide", "which"], ["w"]),
        node("Gather", ["high", "which"], ["h"]),
        node("Concat", ["centre", "w", "h", "score"], ["output0"], axis=1),
    ]
    deepness = {"model_type": '"Detector"', "det_type": '"YOLO_v8"', "det_conf": str(CONFIDENCE), "det_iou_thresh": str(IOU),
                "resolution": "50", "tiles_overlap": "12.5", "class_names": '{"0": "box"}'}  # fmt: skip
    only = {"oriented": {"step", "right", "long", "short"}, "upright": {"wide", "high"}}
    heads = {"oriented": (oriented, 6, {"names": "{0: 'box'}", "task": "obb"}), "upright": (upright, 5, deepness)}
    taken, paths = [value("image", (1, 3, TILE, TILE))], []
    for name, (head, features, metadata) in heads.items():
        used = {k: v for k, v in constants.items() if k not in set().union(*only.values()) - only[name]}
        output = value("output0", (1, features, n * n))
        paths.append(write(folder / f"{name}.onnx", [*nodes, *head], taken, [output], used, metadata))
    return paths


def rotated_match(found, truth):
    """True, false and missed: one to one at a rotated IoU of 0.5, best pairs first."""
    from rason.engine.rectangles import close_pairs, iou

    both = np.concatenate([found, truth])
    i, j = close_pairs(both[:, 0], both[:, 1], LONG / 2)
    across = (i < len(found)) & (j >= len(found))
    i, j = i[across], j[across]
    share = iou(both[i], both[j])
    used, hits = set(), 0
    for k in np.argsort(-share):
        if share[k] >= IOU and not used & {i[k], j[k]}:
            used |= {i[k], j[k]}
            hits += 1
    return {"tp": hits, "fp": len(found) - hits, "fn": len(truth) - hits}


def plain_rotated(bench, raster, model):
    """Every tile's candidates and rotated non-maximum suppression over the whole scene: the usual way."""
    import rasterio

    from rason.engine.onnx.layouts import Layout, read
    from rason.engine.onnx.suppression import MOST, suppress

    session, found, score = bench.session(model), [], []
    with rasterio.open(raster) as d:
        starts = sorted({min(v, d.width - TILE) for v in range(0, d.width, TILE - 64)})
        for x in starts:
            for y in starts:
                tile = d.read(window=((y, y + TILE), (x, x + TILE)))[None].astype(np.float32) / 255
                look = read(Layout("obb", 1, 0, True), session.run(None, {"image": tile}), 0, (TILE, TILE), CONFIDENCE)
                found.append(look.rectangles + [x, -y, 0, 0, 0])
                score.append(look.score)
    found, score = np.concatenate(found), np.concatenate(score)
    assert len(found) <= MOST, "more candidates than one suppression takes: use a smaller scene"
    return found[suppress(found, score, np.zeros(len(found), int), IOU)]


# --- what is measured -----------------------------------------------------------------------------------------------


def peers(bench):
    """name -> f(raster, model) giving xyxy."""
    return {
        "geodeep": lambda *a: bench.geodeep(*a, CONFIDENCE, IOU),
        "sahi": lambda *a: bench.sahi(*a, CONFIDENCE, IOU),
        "sahi NMS IoU": lambda *a: bench.sahi(*a, CONFIDENCE, IOU, kind="NMS", metric="IOU"),
    }


def axis_aligned(bench, folder, size, gap, seed):
    raster, model = str(folder / "yard.tif"), str(folder / "blob.onnx")
    bench.make_model(model, 0)
    truth = bench.make_raster(raster, size, gap, seed)
    row = {"size": size, "gap_px": gap, "seed": seed, "objects": len(truth)}
    row["rason"] = bench.match(enclosing(ours(raster, model)), truth)
    row["rotated NMS of all tiles"] = bench.match(bench.floor(raster, model, CONFIDENCE, IOU, merge=True), truth)
    for name, run in peers(bench).items():
        row[name] = bench.match(np.asarray(run(raster, model))[:, :4], truth)
    print(row, flush=True)
    return row


def oriented(bench, folder, size, gap, seed):
    raster = str(folder / "oriented.tif")
    truth = oriented_scene(raster, size, gap, seed)
    model, twin = oriented_models(folder)
    found = ours(raster, model)
    row = {"size": size, "gap_px": gap, "seed": seed, "objects": len(truth), "rason": rotated_match(found, truth)}
    row["rason, enclosing boxes"] = bench.match(enclosing(found), enclosing(truth))
    row["rotated NMS of all tiles"] = rotated_match(plain_rotated(bench, raster, model), truth)
    for name, run in peers(bench).items():
        row[f"{name}, enclosing boxes"] = bench.match(np.asarray(run(raster, twin))[:, :4], enclosing(truth))
    print(row, flush=True)
    return row


def timing(bench, folder, size, depth, runs):
    """Median seconds of ours and of onnxruntime alone, in turn, on a scene of this size."""
    raster, model = str(folder / "yard.tif"), str(folder / f"deep{depth}.onnx")
    bench.make_model(model, depth)
    bench.make_raster(raster, size, 3, 4)
    spent = {"rason": [], "onnxruntime alone": []}
    for number in range(runs + 1):
        for name, run in (
            ("onnxruntime alone", lambda: bench.floor(raster, model, CONFIDENCE, IOU)),
            ("rason", lambda: ours(raster, model)),
        ):
            wall, processor = time.perf_counter(), time.process_time()
            run()
            if number:  # the first round loads libraries and fills caches
                spent[name].append((time.perf_counter() - wall, time.process_time() - processor))
    medians = {name: np.median(times, axis=0).round(2).tolist() for name, times in spent.items()}
    # Neighbours in time share the machine's other load: the median of their ratios is steadier than the ratio of medians.
    ratio = np.median(np.divide(*spent.values()), axis=0).round(3).tolist()
    row = {"size": size, "depth": depth, "runs": runs, "columns": ["wall_s", "processor_s"], **medians, "ratio": ratio,
           "load": round(os.getloadavg()[0], 1)}  # fmt: skip
    print(row, flush=True)
    return row


def main():
    """All sections, or those named as arguments (axis_aligned, oriented, time); the others stay as they are in the file."""
    import onnxruntime

    bench, target = shared_bench(), ROOT / "bench" / "results" / "onnx.json"
    result = json.loads(target.read_text()) if target.exists() else {}
    result["what"] = "synthetic; tp, fp, fn at IoU 0.5; scenes and axis-aligned model of ../shared/bench/onnx_bench.py"
    result["machine"] = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    result["onnxruntime"] = onnxruntime.__version__
    sections = {
        "axis_aligned": (axis_aligned, [(2048, gap, seed) for gap in (2, 3) for seed in (4, 5, 6)]),
        "oriented": (oriented, [(1536, 4, seed) for seed in (4, 5, 6)]),
        "time": (timing, [(4096, 0, 7), (4096, 6, 3)]),
    }
    with tempfile.TemporaryDirectory() as name:
        for section in sys.argv[1:] or sections:
            measure, settings = sections[section]
            result[section] = [measure(bench, Path(name), *row) for row in settings]
    target.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
