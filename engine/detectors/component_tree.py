"""Pieces of a "strangeness" map that may be objects: threshold × erosion components, and the best set without overlaps.

One threshold glues neighbours together or breaks an object apart; which one does depends on the object. So the map is cut
at several thresholds and each cut eroded by several radii; every connected piece of every cut is measured, the caller
scores them, and of pieces that contain one another those with the larger total value are kept. This is the component tree
of mathematical morphology (Jones 1999, Computer Vision and Image Understanding 75), with erosion as a second axis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np

from ..patch import Patch

# Directions tried round the main axis of inertia for the tightest rectangle, degrees.
_TURNS_DEG = np.array([-16.0, -8.0, -4.0, 0.0, 4.0, 8.0, 16.0])
RING_PX = 3.0  # width of the ring whose water is counted
# Pieces that fill a rectangle so well, and are so long, are single hulls: nothing to part by erosion.
_WHOLE_FILL, _WHOLE_RATIO = 0.75, 3.0
_RING_POINTS = 48  # looked at round each of its pixels' widths


@dataclass(frozen=True)
class Pieces:
    """N pieces, one entry each in every array; lengths in pixels.

    row, column: centre of the rectangle. length, width: its sides with the erosion undone. angle: of the length, radians
    from the column axis towards rising rows. area: pixels, erosion undone as for a rectangle. water, outside: shares of the
    ring of RING_PX that are background and not observable. strangeness: mean over the piece; lopsided: how far its centre of strangeness lies from the rectangle's along the length,
    as a share of it; threshold: where it was cut. bow: on which end the bow is (1: where the angle points, -1, 0 not known).
    """

    row: np.ndarray
    column: np.ndarray
    length: np.ndarray
    width: np.ndarray
    angle: np.ndarray
    area: np.ndarray
    water: np.ndarray
    outside: np.ndarray
    strangeness: np.ndarray
    lopsided: np.ndarray
    threshold: np.ndarray
    bow: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    @property
    def fill(self) -> np.ndarray:
        """Share of the rectangle that is covered."""
        return self.area / (self.length * self.width)

    @classmethod
    def empty(cls) -> Pieces:
        """No pieces."""
        return cls(*(np.zeros(0) for _ in fields(cls)))

    @classmethod
    def concatenate(cls, parts: Sequence[Pieces]) -> Pieces:
        """All parts, one after another."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def moved(self, rows: float, columns: float) -> Pieces:
        """The same pieces in an image whose origin lies so many pixels before."""
        return replace(self, row=self.row + rows, column=self.column + columns)

    def enlarged(self, step: int) -> Pieces:
        """The same pieces in pixels that are ``step`` times smaller."""
        centre = {name: getattr(self, name) * step + (step - 1) / 2 for name in ("row", "column")}
        return replace(self, **centre, length=self.length * step, width=self.width * step, area=self.area * step * step)

    def placed(self, patch: Patch) -> Pieces:
        """The same pieces in frame metres: column is x to the east, row is y to the south (falling y of the frame)."""
        metres = {name: getattr(self, name) * patch.gsd_m for name in ("length", "width")}
        x, y = patch.to_frame(self.column, self.row)
        return replace(self, **metres, column=x, row=-y, area=self.area * patch.gsd_m**2)

    def select(self, which: np.ndarray) -> Pieces:
        """The pieces of a mask or index array."""
        return type(self)(*(getattr(self, f.name)[which] for f in fields(self)))


def cut(
    strangeness: np.ndarray,
    own: np.ndarray,
    observable: np.ndarray,
    thresholds: Sequence[float],
    radii: Sequence[float],
    least_area: float,
    least_length: float = 0.0,
    least_fill: float = 0.0,
    least_ratio: float = 1.0,
) -> Pieces:
    """All pieces of one object or cluster of objects.

    strangeness: float (rows, columns); below the first threshold lies background. own: bool, the cluster. observable: bool;
    elsewhere nothing is known. radii: erosions in pixels, 0 first. least_area, least_length: in pixels, drop specks early.
    least_fill, least_ratio: share of the rectangle and length to width from which a piece is worth measuring on.
    """
    parts = []
    for threshold in thresholds:
        # A hull ends sharply: just beyond it the strangeness has halved. A cloud's or a wake's has not.
        mask = own & (strangeness >= threshold)
        near = _surroundings(mask, max(radii) + RING_PX + 2)
        background = (strangeness[near] < max(thresholds[0], threshold / 2)) & observable[near]
        for labels, radius in _eroded(mask[near], radii, least_area):
            outlined = _outlined(labels, radius, strangeness[near], threshold)
            whole = (outlined.fill >= _WHOLE_FILL) & (outlined.length >= _WHOLE_RATIO * outlined.width)
            shape = (outlined.length >= least_length) & (outlined.length >= least_ratio * outlined.width)
            good = np.flatnonzero(shape & (outlined.fill >= least_fill))
            if len(good):
                pieces = outlined.select(good)
                water, outside = _ring(pieces, background, observable[near])
                parts.append(replace(pieces, water=water, outside=outside).moved(near[0].start, near[1].start))
            if whole.all():
                break
    return Pieces.concatenate([Pieces.empty(), *parts])


def _surroundings(mask: np.ndarray, margin: float) -> tuple[slice, slice]:
    """The part of the window that holds the mask and a margin."""
    extent = []
    for axis, n in zip((1, 0), mask.shape):
        at = np.flatnonzero(mask.any(axis))
        first, last = (at[0], at[-1]) if len(at) else (0, 0)
        extent.append(slice(max(int(first - margin), 0), min(int(last + margin) + 2, n)))
    return extent[0], extent[1]


def _eroded(mask: np.ndarray, radii: Sequence[float], least_area: float) -> Iterator[tuple[np.ndarray, float]]:
    """Label images of the mask eroded by each radius, specks left out."""
    from scipy import ndimage

    depth = np.zeros(0)
    for radius in radii:
        if radius and not depth.size:
            depth = ndimage.distance_transform_edt(mask)
        core = depth > radius if radius else mask
        labels, count = ndimage.label(core, structure=np.ones((3, 3), bool))
        if not count:
            return
        # An eroded core is smaller than its object by the rim.
        size = np.bincount(labels.ravel(), minlength=count + 1)
        grown = size + 2.0 * radius * np.sqrt(np.pi * size) + np.pi * radius**2
        keep = grown >= least_area
        keep[0] = False
        if keep.any():
            new = np.cumsum(keep) * keep
            yield new.astype(np.int32)[labels], radius


def _outlined(labels: np.ndarray, radius: float, strangeness: np.ndarray, threshold: float) -> Pieces:
    """The pieces of one label image, their rings not yet looked at."""
    rows, columns = np.nonzero(labels)
    label = labels[rows, columns]
    order = np.argsort(label, kind="stable")
    rows, columns, label = rows[order], columns[order], label[order]
    starts = np.flatnonzero(np.diff(label, prepend=0))
    size = np.diff(np.append(starts, len(label)))
    row, column, length, width, angle = _rectangles(rows, columns, label - 1, starts, size)
    # The rim removed by the erosion, put back for a rectangle of these sides.
    area = size + 2 * radius * (length + width) * 0.9
    length, width = length + 2 * radius, width + 2 * radius
    weight = strangeness[rows, columns]
    total = np.add.reduceat(weight, starts)
    heavy_row, heavy_column = (np.add.reduceat(weight * v, starts) / total for v in (rows, columns))
    shift = (heavy_column - column) * np.cos(angle) + (heavy_row - row) * np.sin(angle)
    return Pieces(
        row=row,
        column=column,
        length=length,
        width=width,
        angle=angle,
        area=np.minimum(area, length * width),
        water=np.zeros(len(starts)),
        outside=np.zeros(len(starts)),
        strangeness=total / size,
        lopsided=np.abs(shift) / length,
        threshold=np.full(len(starts), threshold),
        bow=np.zeros(len(starts)),
    )


def _rectangles(
    rows: np.ndarray, columns: np.ndarray, piece: np.ndarray, starts: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Tightest rectangle of each piece among some directions round its axis of inertia: row, column, length, width, angle."""
    mean_row, mean_column = np.add.reduceat(rows, starts) / size, np.add.reduceat(columns, starts) / size
    dr, dc = rows - mean_row[piece], columns - mean_column[piece]
    cc, rr, cr = (np.add.reduceat(v, starts) / size for v in (dc * dc, dr * dr, dc * dr))
    main = 0.5 * np.arctan2(2 * cr, cc - rr)
    # Only ends of row runs can be outermost, whatever the direction.
    begins = np.append(True, (np.diff(piece) != 0) | (np.diff(rows) != 0) | (np.diff(columns) != 1))
    ends = begins | np.append(begins[1:], True)
    dr, dc, piece = dr[ends], dc[ends], piece[ends]
    starts = np.flatnonzero(np.diff(piece, prepend=-1))
    best = np.full((5, len(starts)), np.inf)
    for turn in np.radians(_TURNS_DEG):
        angle = main + turn
        cos, sin = np.cos(angle)[piece], np.sin(angle)[piece]
        along, across = dc * cos + dr * sin, dr * cos - dc * sin
        a0, a1, b0, b1 = (f.reduceat(v, starts) for v in (along, across) for f in (np.minimum, np.maximum))
        box = np.stack([a1 - a0 + 1, b1 - b0 + 1, (a0 + a1) / 2, (b0 + b1) / 2, angle])
        best = np.where(box[0] * box[1] < best[0] * best[1], box, best)
    length, width, a, b, angle = best
    cos, sin = np.cos(angle), np.sin(angle)
    row, column = mean_row + a * sin + b * cos, mean_column + a * cos - b * sin
    swap = width > length
    return row, column, np.maximum(length, width), np.minimum(length, width), np.where(swap, angle + np.pi / 2, angle)


def _ring(p: Pieces, background: np.ndarray, observable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the ring round each piece's rectangle that are background, and not observable; beyond the window is left out."""
    # Points of a square's border, walked round once, on three squares of growing size.
    t = (np.arange(_RING_POINTS) + 0.5) / _RING_POINTS * 4
    side, at = t.astype(int), 2 * (t % 1) - 1
    u = np.choose(side, [at, np.ones_like(at), -at, -np.ones_like(at)])
    v = np.choose(side, [-np.ones_like(at), at, np.ones_like(at), -at])
    off = np.arange(0.5, RING_PX) + 0.5
    along = u * (p.length[:, None, None] / 2 + off[:, None])
    across = v * (p.width[:, None, None] / 2 + off[:, None])
    cos, sin = np.cos(p.angle)[:, None, None], np.sin(p.angle)[:, None, None]
    row = np.rint(p.row[:, None, None] + along * sin + across * cos).astype(int)
    column = np.rint(p.column[:, None, None] + along * cos - across * sin).astype(int)
    rows, columns = background.shape
    within = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
    # The long sides count for as much more as they are longer.
    weight = np.where(side % 2 == 0, p.length[:, None], p.width[:, None])[:, None] * within
    total = np.maximum(weight.sum((1, 2)), 1e-9)
    water, outside = ((weight * a[row, column]).sum((1, 2)) / total for a in (background, ~observable))
    return water, outside


def best_set(pieces: Pieces, value: np.ndarray) -> np.ndarray:
    """Indices of the pieces of largest total value, no centre of which lies in another's rectangle; value > 0 only.

    Smaller before larger: a piece replaces what it contains where it is worth more than the best set of its contents.
    """
    usable = np.flatnonzero(value > 0)
    if not len(usable):
        return usable
    overlaps, worth = _overlaps(pieces.select(usable)), value[usable]
    kept: dict[int, tuple[list[int], float]] = {}
    for p in np.argsort(pieces.area[usable], kind="stable"):
        inner = [q for q in kept if overlaps[p, q]]
        members = _greedy(inner, kept, overlaps)
        total = float(worth[members].sum()) if members else 0.0
        kept[int(p)] = ([int(p)], float(worth[p])) if worth[p] >= total else (members, total)
    return usable[_greedy(list(kept), kept, overlaps)]


def _overlaps(p: Pieces) -> np.ndarray:
    """Bool (N, N): the centre of one lies in the rectangle of the other."""
    dc, dr = p.column[None] - p.column[:, None], p.row[None] - p.row[:, None]
    cos, sin = np.cos(p.angle)[:, None], np.sin(p.angle)[:, None]
    inside = (np.abs(dc * cos + dr * sin) <= p.length[:, None] / 2) & (np.abs(dr * cos - dc * sin) <= p.width[:, None] / 2)
    return inside | inside.T


def _greedy(candidates: list[int], kept: dict[int, tuple[list[int], float]], overlaps: np.ndarray) -> list[int]:
    """Members of the candidates' best sets, dearest first, without overlaps."""
    chosen: list[int] = []
    for c in sorted(candidates, key=lambda q: -kept[q][1]):
        chosen += [m for m in kept[c][0] if m not in chosen and not overlaps[m, chosen].any()]
    return chosen


def averaged(a: np.ndarray, step: int) -> np.ndarray:
    """Means over blocks of step², zeros added at the far ends: thick things are cut in coarser pixels."""
    a = np.pad(a.astype(np.float32), [(0, -n % step) for n in a.shape])
    return a.reshape(a.shape[0] // step, step, a.shape[1] // step, step).mean((1, 3))
