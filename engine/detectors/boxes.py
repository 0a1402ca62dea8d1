"""Rectangles in a picture that is turned into their own frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


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

    def __len__(self) -> int:
        return len(self.score)

    def select(self, which: Any) -> Boxes:
        """The rows of a mask or index array."""
        return Boxes(self.low[which], self.high[which], self.score[which], self.size[which], self.lying[which])

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
