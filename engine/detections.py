"""Objects found in a scene, as arrays of rotated rectangles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Detections:
    """N rotated rectangles, one entry each in every array.

    x, y: centre in frame metres. length_m (the longer side) and width_m. azimuth_deg: direction of the long side,
    clockwise from the frame's north, 0 <= azimuth < 180. class_name: str. score: the detector's own number, higher is surer.
    p: probability that it is an object of its class, 0..1. zone_id: str, empty until assigned. note: str, for the reviewer.
    type_name: str, the kind within the class ("tank", "40 ft"), empty where it cannot be told; type_p: its probability, NaN
    without one. position_m: along the track, NaN off tracks. heading_deg: where the bow points, clockwise from north, NaN
    where bow and stern look alike. tiers_low, tiers_high: how many boxes stand on each other here, at least and at most, NaN where
    not known.
    """

    x: np.ndarray
    y: np.ndarray
    length_m: np.ndarray
    width_m: np.ndarray
    azimuth_deg: np.ndarray
    class_name: np.ndarray
    score: np.ndarray
    p: np.ndarray
    zone_id: np.ndarray
    note: np.ndarray
    type_name: np.ndarray
    type_p: np.ndarray
    position_m: np.ndarray
    heading_deg: np.ndarray
    tiers_low: np.ndarray
    tiers_high: np.ndarray

    def __len__(self) -> int:
        return len(self.x)

    @classmethod
    def make(
        cls,
        x: Any,
        y: Any,
        length_m: Any,
        width_m: Any,
        azimuth_deg: Any,
        class_name: Any,
        *,
        score: Any = 1.0,
        p: Any = 1.0,
        zone_id: Any = "",
        note: Any = "",
        type_name: Any = "",
        type_p: Any = np.nan,
        position_m: Any = np.nan,
        heading_deg: Any = np.nan,
        tiers_low: Any = np.nan,
        tiers_high: Any = np.nan,
    ) -> Detections:
        """Build from arrays or scalars that broadcast to the length of ``x``."""
        x = np.atleast_1d(np.asarray(x, float))

        def numbers(value: Any) -> np.ndarray:
            return np.array(np.broadcast_to(np.asarray(value, float), x.shape))

        def words(value: Any) -> np.ndarray:
            return np.array(np.broadcast_to(np.asarray(value, object), x.shape))

        return cls(
            x,
            numbers(y),
            numbers(length_m),
            numbers(width_m),
            numbers(azimuth_deg) % 180.0,
            words(class_name),
            numbers(score),
            numbers(p),
            words(zone_id),
            words(note),
            words(type_name),
            numbers(type_p),
            numbers(position_m),
            numbers(heading_deg),
            numbers(tiers_low),
            numbers(tiers_high),
        )

    @classmethod
    def empty(cls) -> Detections:
        """No detections."""
        return cls.make([], [], [], [], [], [])

    @classmethod
    def concatenate(cls, parts: Sequence[Detections]) -> Detections:
        """All parts, one after another."""
        parts = [part for part in parts if len(part)]
        if not parts:
            return cls.empty()
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))

    def select(self, which: Any) -> Detections:
        """The rows of a mask or index array."""
        return type(self)(*(getattr(self, f.name)[which] for f in fields(self)))

    def with_(self, **arrays: Any) -> Detections:
        """A copy with some arrays replaced (broadcast to the length)."""
        return replace(
            self,
            **{
                name: np.array(np.broadcast_to(np.asarray(value, getattr(self, name).dtype), self.x.shape))
                for name, value in arrays.items()
            },
        )

    def corners(self) -> np.ndarray:
        """The four corners (N, 4, 2) in frame metres, in ring order."""
        from .rectangles import corners

        return corners(self.x, self.y, self.length_m, self.width_m, self.azimuth_deg)
