"""Fit the templates that tell how far a track is drawn beside its rails: engine/detectors/weights/track_offset.json.

``python bench/fit_track_offset.py``. Fitted on the yard, as it is and blurred or averaged, and on simulated tracks; the true offset
is taken as none (the yard's lines are good to half a metre). A softmax over offsets and templates (empty, occupied), by L-BFGS.
"""

import json

import numpy as np
from fit_freight_cars import SIMULATED, SIMULATED_GSDS_M, SOURCE, YARD, Copy, changed, simulated_strips
from rail_sets import ROOT, scene, tracks
from synthetic_rail import FIT, TRIALS_FIT, YARD_FIT

from rason.engine.detectors import freight_cars as fc
from rason.engine.detectors import track_offset as to
from rason.engine.detectors import wagon_evidence as we

COPIES = (Copy(), Copy(blur_px=1), Copy(0.5), Copy(0.5, blur_px=0.7), Copy(0.75), Copy(1.0))
RIDGE = 3.0
FOLDS = 7


def labelled_cells(strips, labelled, light):
    """Name of each track -> profiles of its cells and whether each is occupied."""
    out = {}
    for track in labelled:
        shown, at, _ = to.profiles(strips[track.name], light)
        on_line = (at > 0) & (at < track.line.length)
        ends = np.array([(v.low, v.high) for v in track.vehicles]).reshape(-1, 2)
        occupied = ((at[:, None] > ends[:, 0] - 2) & (at[:, None] < ends[:, 1] + 2)).any(1)
        out[track.name] = shown[on_line], occupied[on_line].astype(int)
    return out


def fit_templates(shown, occupied):
    """The engine's ``Templates``."""
    from scipy.optimize import minimize

    scale = shown.std((0, 2))
    width = int(round(2 * to.HALF_M / to.GRID_M)) + 1
    windows = np.lib.stride_tricks.sliding_window_view((shown / scale[:, None]).astype(np.float32), width, axis=2)
    x = np.ascontiguousarray(windows.transpose(0, 2, 1, 3)).reshape(len(shown), -1, shown.shape[1] * width)
    rows, middle, size = np.arange(len(x)), x.shape[1] // 2, x.shape[2]

    def loss(beta):
        weights, bias = beta[: 2 * size].reshape(2, size), np.array([0.0, beta[-1]])
        scores = x @ weights.T.astype(np.float32) + bias
        total = np.logaddexp.reduce(scores.reshape(len(x), -1), axis=1)
        off = np.exp(scores - total[:, None, None])
        off[rows, middle, occupied] -= 1
        slope = np.tensordot(off, x, axes=((0, 1), (0, 1))) + RIDGE * weights
        value = (total - scores[rows, middle, occupied]).sum() + 0.5 * RIDGE * (weights**2).sum()
        return float(value), np.append(slope.ravel(), off.sum((0, 1))[1])

    beta = minimize(loss, np.zeros(2 * size + 1), jac=True, method="L-BFGS-B", options={"maxiter": 120}).x
    return to.Templates(scale, beta[:-1].reshape(2, shown.shape[1], width), np.array([0.0, beta[-1]]))


def training_cells():
    """Name of each yard track -> its cells in all copies; and the cells of the simulated tracks."""
    yard = {track.name: [] for track in tracks(YARD)}
    for copy in COPIES:
        picture = scene(YARD, copy.gsd_m, change=changed(copy.blur_px, copy.noise))
        strips = {track.name: fc.strip_of(picture, track.line) for track in tracks(YARD)}
        for name, cells in labelled_cells(strips, tracks(YARD), we.light_of(list(strips.values()))).items():
            yard[name].append(cells)
    synthetic = []
    for up_to_m in (0.65, 1.5):
        for k, seed in enumerate((*FIT, *YARD_FIT, *TRIALS_FIT)):
            strips, labelled = simulated_strips(seed, SIMULATED_GSDS_M[up_to_m][k % 3])
            synthetic += labelled_cells(strips, labelled, we.light_of(list(strips.values()))).values()
    return yard, synthetic


def leave_out(yard, synthetic, left_out=()):
    """Templates fitted without some yard tracks."""
    parts = [cells for name, copies in yard.items() if name not in left_out for cells in copies] + synthetic
    return fit_templates(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))


def folds(yard):
    """The yard's tracks, three at a time."""
    names = list(yard)
    return [names[k::FOLDS] for k in range(FOLDS)]


def main():
    """Fit and write."""
    templates = leave_out(*training_cells())
    rounded = {
        name: np.vectorize(lambda v: float(f"{v:.4g}"))(getattr(templates, name)).tolist()
        for name in ("scale", "weights", "bias")
    }
    path = ROOT / "engine" / "detectors" / "weights" / "track_offset.json"
    document = {"fitted_on": SOURCE + SIMULATED, "script": "bench/fit_track_offset.py", **rounded}
    path.write_text(json.dumps(document) + "\n", "utf8")
    print(f"wrote {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
