"""Tile merging on the shared bench's synthetic scenes; writes bench/results/merging.json.

``python bench/merging.py`` runs our merger on the scenes of ``../shared/bench/merge_bench.py`` over all angles and several
seeds. Beside what was kept stands ``reachable``: the most any choice among the boxes could match at IoU 0.5, because 1 px
of jitter alone puts about one box in a hundred below it. ``candidate`` can also be named to that script itself:
``merge_bench.py --candidate merging:candidate --path bench``.
"""

import importlib.util
import json
import os
import platform
import resource
import time
from pathlib import Path

import numpy as np
from checkout import ROOT, load_rason

SHARED = Path(os.environ.get("RASON_SHARED", ROOT.parent / "shared"))
ANGLES = range(0, 91, 5)

load_rason()


def as_rectangles(boxes):
    """Boxes (N, 5) cx, cy, w, h, angle in degrees anticlockwise from x, as the engine's rectangles."""
    return np.column_stack([boxes[:, :4], 90.0 - boxes[:, 4]])


def candidate(boxes, scores, classes, tiles):
    """Indices kept, in the shared bench's form."""
    from rason.engine.merging import merge_rectangles

    return merge_rectangles(as_rectangles(boxes), scores, classes, tiles)


def shared_scenes():
    """The shared bench's scene generator, also under shapely 1.8."""
    import shapely
    import shapely.geometry

    if not hasattr(shapely, "box"):
        shapely.box, shapely.polygons = shapely.geometry.box, shapely.geometry.Polygon
    spec = importlib.util.spec_from_file_location("merge_bench", SHARED / "bench" / "merge_bench.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.scene


def score(truth, boxes, kept):
    """Truths matched one to one at IoU 0.5 by the kept boxes, and by the best choice among all boxes."""
    from scipy.optimize import linear_sum_assignment

    from rason.engine.rectangles import iou

    a, b = as_rectangles(truth), as_rectangles(boxes)
    i, j = np.nonzero(np.hypot(a[:, None, 0] - b[:, 0], a[:, None, 1] - b[:, 1]) < 60)
    match = np.zeros((len(a), len(b)), bool)
    match[i, j] = iou(a[i], b[j]) >= 0.5

    def matched(columns):
        rows, found = linear_sum_assignment(~match[:, columns])
        return int(match[:, columns][rows, found].sum())

    return matched(kept), matched(np.arange(len(b)))


def angles(scene, gap, jitter, partial, seed):
    """Over all angles: kept, extra and reachable of 100."""
    rows = []
    for angle in ANGLES:
        truth, boxes, scores, classes, tiles = scene(100, float(angle), 0.3, gap, 256, 64, jitter, partial, seed)
        kept = candidate(boxes, scores, classes, tiles)
        hit, reachable = score(truth, boxes, kept)
        rows.append([angle, len(boxes), hit, len(kept) - hit, reachable])
    return {
        "gap_m": gap,
        "jitter_px": jitter,
        "partial": partial,
        "seed": seed,
        "columns": ["angle_deg", "inputs", "kept", "extra", "reachable"],
        "rows": rows,
    }


def scale(scene, n, jitter, partial):
    """Seconds and megabytes more for about n boxes."""
    _, boxes, scores, classes, tiles = scene(n, 30.0, 0.3, 0.2, 512, 64, jitter, partial, 1)
    candidate(boxes[:2], scores[:2], classes[:2], tiles[:2])
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    kept = candidate(boxes, scores, classes, tiles)
    seconds = time.perf_counter() - start
    grew = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return {"inputs": len(boxes), "objects": n, "remaining": len(kept), "seconds": round(seconds, 3), "grew_mb": round(grew)}


def main():
    scene = shared_scenes()
    result = {
        "what": "synthetic packed rectangles, ../shared/bench/merge_bench.py",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "numpy": np.__version__,
        "scale": [scale(scene, 8800, 0, False), scale(scene, 8800, 1.0, True)],
        "angles": [angles(scene, 0.2, 0.0, False, 1), angles(scene, 0.2, 0.0, True, 1)]
        + [angles(scene, gap, 1.0, True, seed) for gap in (0.2, 0.4) for seed in range(1, 11)],
    }
    for row in result["scale"]:
        print(row)
    print("gap jitter partial seed | worst kept/extra | runs with another number than 100 | kept short of reachable (mean)")
    for run in result["angles"]:
        rows = np.array(run["rows"])
        total, short = rows[:, 2] + rows[:, 3], np.minimum(rows[:, 4], 100) - rows[:, 2]
        setting = f"{run['gap_m']} {run['jitter_px']} {run['partial']!s:5} {run['seed']:2}"
        worst = f"{rows[:, 2].min()}/{rows[:, 3].max()}"
        print(f"{setting} | {worst} | {(total != 100).sum()} of {len(rows)} | {short.mean():.2f}")
    target = ROOT / "bench" / "results" / "merging.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(result, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
