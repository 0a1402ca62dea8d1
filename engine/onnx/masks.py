"""Rotated rectangles from masks: of single objects (prototypes and coefficients) and of whole pictures (semantic models)."""

from __future__ import annotations

import numpy as np

from ..rectangles import minimum_rectangle
from .layouts import Look

_LEAST_PX = 4  # pixels of the smallest object


def tighten(look: Look, prototypes: np.ndarray, size: tuple[int, int]) -> Look:
    """Candidates with the rectangle of their mask in place of their box, where the mask has one.

    prototypes (M, rows, columns); a mask is where the coefficients' sum of them is positive, inside the box.
    """
    step = size[0] / prototypes.shape[1], size[1] / prototypes.shape[2]
    rectangles = look.rectangles.copy()
    for k, (x, y, length, width, azimuth) in enumerate(look.rectangles):
        wide, high = (length, width) if azimuth == 90 else (width, length)
        box = x - wide / 2, -y - high / 2, x + wide / 2, -y + high / 2
        tight = _masked(look.coefficients[k], prototypes, box, step)
        if tight is not None:
            rectangles[k] = tight
    return Look(rectangles, look.score, look.kind, look.coefficients)


def _masked(
    coefficients: np.ndarray, prototypes: np.ndarray, box: tuple[float, ...], step: tuple[float, float]
) -> np.ndarray | None:
    """Rectangle in pixels of one mask within its box (left, top, right, bottom), or None for an empty mask."""
    from scipy.ndimage import map_coordinates

    _, rows, columns = prototypes.shape
    left, right = (np.clip(v, 0, columns * step[1]) for v in (np.floor(box[0]), np.ceil(box[2])))
    top, bottom = (np.clip(v, 0, rows * step[0]) for v in (np.floor(box[1]), np.ceil(box[3])))
    if right - left < 1 or bottom - top < 1:
        return None
    c0, c1 = max(int(left / step[1]) - 1, 0), min(int(right / step[1]) + 2, columns)
    r0, r1 = max(int(top / step[0]) - 1, 0), min(int(bottom / step[0]) + 2, rows)
    field = np.tensordot(coefficients, prototypes[:, r0:r1, c0:c1].astype(np.float32), axes=1)
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    places = [y / step[0] - 0.5 - r0, x / step[1] - 0.5 - c0]
    return _rectangle(map_coordinates(field, places, order=1, mode="nearest") > 0, left, top)


def _rectangle(mask: np.ndarray, left: float, top: float) -> np.ndarray | None:
    """Rectangle round the pixels of a mask whose upper left pixel starts at (left, top); None where there are too few."""
    rows, columns = np.nonzero(mask)
    if len(rows) < _LEAST_PX:
        return None
    # A row's inner pixels are never corners.
    ends = np.r_[True, (np.diff(rows) > 0) | (np.diff(columns) > 1)]
    ends |= np.r_[ends[1:], True]
    x, y, length, width, azimuth = minimum_rectangle(np.column_stack([columns[ends], -rows[ends]]))
    return np.array([left + x + 0.5, y - top - 0.5, length + 1, width + 1, azimuth])


def components(raw: np.ndarray, size: tuple[int, int], least: float, background: int) -> Look:
    """Connected patches of each class in a semantic output: (C, rows, columns) of logits or probabilities, or class numbers.

    background: the class that is no object, -1 for none. A pixel belongs to its best class where that one's probability is at
    least ``least``; a patch's score is the mean probability of its pixels.
    """
    from scipy.ndimage import find_objects, label

    best, p = _best_class(raw, background)
    step = np.array([size[0] / best.shape[0], size[1] / best.shape[1]])
    found: list[tuple[np.ndarray, float, int]] = []
    for kind in np.unique(best[(best != background) & (p >= least)]):
        parts, _ = label((best == kind) & (p >= least), np.ones((3, 3)))
        for number, where in enumerate(find_objects(parts), 1):
            mask = parts[where] == number
            rectangle = _rectangle(mask, where[1].start, where[0].start)
            if rectangle is not None:
                found.append((rectangle, float(p[where][mask].mean()), int(kind)))
    if not found:
        return Look(np.zeros((0, 5)), np.zeros(0), np.zeros(0, int), np.zeros((0, 0)))
    rectangles, score, kind = zip(*found)
    # Maps are as coarse to the right as downwards in every model known; the mean step covers the rest.
    scale = np.array([step[1], step[0], step.mean(), step.mean(), 1.0])
    return Look(np.array(rectangles) * scale, np.array(score), np.array(kind), np.zeros((len(found), 0)))


def _best_class(raw: np.ndarray, background: int) -> tuple[np.ndarray, np.ndarray]:
    """Class number and its probability (rows, columns)."""
    if raw.ndim == 2:
        return raw.astype(int), np.ones(raw.shape)
    raw = raw.astype(np.float32)
    if len(raw) == 1:  # one class against nothing
        return np.zeros(raw.shape[1:], int), _probabilities(raw, background)[0]
    p = _probabilities(raw, background)
    return p.argmax(0), p.max(0)


def _probabilities(raw: np.ndarray, background: int) -> np.ndarray:
    """Probabilities from logits; what lies within 0..1 already is one."""
    if raw.min() >= 0 and raw.max() <= 1 + 1e-4:
        return raw
    if background < 0 or len(raw) == 1:
        return 1 / (1 + np.exp(-np.clip(raw, -50, 50)))
    exp = np.exp(raw - raw.max(0))
    return exp / exp.sum(0)
