"""Windows read ahead come in order, each once; what a reader refuses reaches the caller."""

import numpy as np
import pytest

from rason.engine.detectors.reading import read_ahead
from rason.engine.scene import ArrayScene

SCENE = ArrayScene(np.arange(300, dtype=np.float32).reshape(3, 10, 10), 1.0, y0=10.0)


def test_windows_come_in_order():
    windows = [((x, 0.0, x + 2.0, 10.0), 1.0) for x in (6.0, 0.0, 2.0)]
    assert [patch.x0 for patch in read_ahead(SCENE, windows)] == [6.0, 0.0, 2.0]
    assert not list(read_ahead(SCENE, []))


def test_what_cannot_be_read_is_told():
    class Torn:
        def read(self, bounds, gsd_m=None):
            if bounds[0] > 0:
                raise OSError("torn")
            return SCENE.read(bounds, gsd_m)

    looks = read_ahead(Torn(), [((0.0, 0.0, 2.0, 2.0), None), ((2.0, 0.0, 4.0, 2.0), None)])
    assert next(looks).x0 == 0.0
    with pytest.raises(OSError, match="torn"):
        next(looks)
