"""Rectangles in a picture that is turned into their own frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from .packing import near


@dataclass(frozen=True)
class Boxes:
    """Rectangles in an upright picture, in pixels.

    low, high: corners (n, 2) as (column, row) edges. score, size: of each. lying: long side along the columns' direction.
    """

    low: np.ndarray
    high: np.ndarray
    score: np.ndarray
    size: np.ndarray
    lying: np.ndarray

    @classmethod
    def alike(cls, low: np.ndarray, side: tuple[int, int], score: np.ndarray, size: str, lying: bool) -> Boxes:
        """Boxes of one size (columns, rows) by their lower corners (n, 2)."""
        return cls(low, low + side, score, np.full(len(low), size, object), np.full(len(low), lying))

    @classmethod
    def none(cls) -> Boxes:
        """No boxes."""
        return cls.alike(np.zeros((0, 2)), (0, 0), np.zeros(0), "", True)

    @classmethod
    def concatenate(cls, parts: Sequence[Boxes]) -> Boxes:
        """All parts, one after another."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def __len__(self) -> int:
        return len(self.score)

    def select(self, which: Any) -> Boxes:
        """The rows of a mask or index array."""
        return Boxes(self.low[which], self.high[which], self.score[which], self.size[which], self.lying[which])

    def near(self, reach_px: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Indices i < j of boxes with gaps (pairs, 2) along columns and rows that are below a reach (``packing.near``)."""
        return near(self.low, self.high, reach_px)

    @property
    def centre(self) -> np.ndarray:
        """Fractional column and row (n, 2)."""
        return (self.low + self.high) / 2 - 0.5

    @property
    def area_px(self) -> np.ndarray:
        """Pixels covered by each."""
        return np.prod(self.high - self.low, axis=1)

    def within(self, mask: np.ndarray) -> np.ndarray:
        """Bool (n,): centres on a bool picture."""
        column, row = np.round(self.centre).astype(int).T
        return mask[np.clip(row, 0, mask.shape[0] - 1), np.clip(column, 0, mask.shape[1] - 1)]
