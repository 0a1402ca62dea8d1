"""Pieces of a "strangeness" map that may be objects: threshold × erosion components, and the best set without overlaps.

One threshold glues neighbours together or breaks an object apart; which one does depends on the object. So the map is cut
at several thresholds and each cut eroded by several radii; every connected piece of every cut is measured, the caller
scores them, and of pieces that contain one another those with the larger total value are kept. This is the component tree
of mathematical morphology (Jones 1999, Computer Vision and Image Understanding 75), with erosion as a second axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property

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
    levels = [_Level.of(own & (strangeness >= threshold), threshold) for threshold in thresholds]
    parts = [Pieces.empty()]
    for radius in radii:
        # All thresholds together: clusters are small, so calls cost more than pixels.
        cores = [(level, core) for level in levels if (core := level.eroded(radius, least_area)) is not None]
        if not cores:
            continue
        outlined = _outlined([core for _, core in cores], radius, strangeness)
        which = np.repeat(np.arange(len(cores)), [core.count for _, core in cores])
        threshold = np.array([level.threshold for level, _ in cores])[which]
        whole = (outlined.fill >= _WHOLE_FILL) & (outlined.length >= _WHOLE_RATIO * outlined.width)
        shape = (outlined.length >= least_length) & (outlined.length >= least_ratio * outlined.width)
        good = np.flatnonzero(shape & (outlined.fill >= least_fill))
        pieces = replace(outlined, threshold=threshold).select(good)
        # A hull ends sharply: just beyond it the strangeness has halved. A cloud's or a wake's has not.
        water, outside = _ring(pieces, strangeness, observable, np.maximum(thresholds[0], threshold[good] / 2))
        parts.append(replace(pieces, water=water, outside=outside))
        parted = np.bincount(which, ~whole, len(cores)) > 0
        levels = [level for (level, _), more in zip(cores, parted) if more]
    return Pieces.concatenate(parts)


@dataclass(frozen=True)
class _Core:
    """The pixels of a level's pieces: rows and columns in the window, and to which of ``count`` each belongs (1, 2, …)."""

    rows: np.ndarray
    columns: np.ndarray
    label: np.ndarray
    count: int


@dataclass(frozen=True)
class _Level:
    """A cluster cut at one threshold: the part of the window that holds it and its rim, and a mask of that part."""

    threshold: float
    near: tuple[slice, slice]
    mask: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray, threshold: float) -> _Level:
        """From a mask of the whole window."""
        near = []
        for axis in (1, 0):
            at = np.flatnonzero(mask.any(axis))
            near.append(slice(max(int(at[0]) - 1, 0), int(at[-1]) + 2) if len(at) else slice(0, 1))
        return cls(threshold, (near[0], near[1]), mask[near[0], near[1]])

    @cached_property
    def depth(self) -> np.ndarray:
        """Distance of each pixel to the nearest that is not of the mask."""
        from scipy import ndimage

        return ndimage.distance_transform_edt(self.mask)

    def eroded(self, radius: float, least_area: float) -> _Core | None:
        """What is left after an erosion, specks left out; None where nothing is."""
        from scipy import ndimage

        labels, count = ndimage.label(self.depth > radius if radius else self.mask, structure=np.ones((3, 3), bool))
        # An eroded core is smaller than its object by the rim.
        size = np.bincount(labels.ravel(), minlength=count + 1)
        keep = size + 2.0 * radius * np.sqrt(np.pi * size) + np.pi * radius**2 >= least_area
        keep[0] = False
        if not keep.any():
            return None
        label = (np.cumsum(keep) * keep)[labels]
        rows, columns = np.nonzero(label)
        return _Core(rows + self.near[0].start, columns + self.near[1].start, label[rows, columns], int(keep.sum()))


def _outlined(cores: Sequence[_Core], radius: float, strangeness: np.ndarray) -> Pieces:
    """The pieces of some levels, their rings not yet looked at and their thresholds not yet told."""
    rows, columns = (np.concatenate([getattr(core, name) for core in cores]) for name in ("rows", "columns"))
    before = np.cumsum([0, *(core.count for core in cores)])
    label = np.concatenate([core.label + first for core, first in zip(cores, before)])
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
    none = np.zeros(len(starts))
    return Pieces(
        row=row,
        column=column,
        length=length,
        width=width,
        angle=angle,
        area=np.minimum(area, length * width),
        water=none,
        outside=none,
        strangeness=total / size,
        lopsided=np.abs(shift) / length,
        threshold=none,
        bow=none,
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


def _ring(p: Pieces, strangeness: np.ndarray, observable: np.ndarray, below: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shares of the ring round each piece's rectangle that are background, and not observable; what the window lacks is left out.

    below: of each piece, the strangeness of background.
    """
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
    rows, columns = strangeness.shape
    within = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    row, column = np.clip(row, 0, rows - 1), np.clip(column, 0, columns - 1)
    # The long sides count for as much more as they are longer.
    weight = np.where(side % 2 == 0, p.length[:, None], p.width[:, None])[:, None] * within
    total = np.maximum(weight.sum((1, 2)), 1e-9)
    seen = observable[row, column]
    calm = seen & (strangeness[row, column] < below[:, None, None])
    return (weight * calm).sum((1, 2)) / total, (weight * ~seen).sum((1, 2)) / total


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
