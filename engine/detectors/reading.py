"""Reading in a second thread what is looked at next: decoding a file takes about as long as looking at it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from ..patch import Patch
from ..tiles import Bounds
from .base import SceneLike


def read_ahead(scene: SceneLike, windows: Sequence[tuple[Bounds, float | None]]) -> Iterator[Patch]:
    """``scene.read`` of each window (box, metres a pixel) while a second thread reads the next; nobody else may read meanwhile."""
    if not windows:
        return
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(scene.read, *windows[0])
        for following in windows[1:]:
            patch = coming.result()
            coming = reader.submit(scene.read, *following)
            yield patch
        yield coming.result()
