import numpy as np
import pytest
from shapely.geometry import LineString, Polygon, box

from rason.engine.scene import ArrayScene
from rason.engine.visible import visible_fraction
from rason.engine.zones import Zone

VALID = np.ones((100, 200), bool)
VALID[:, 150:] = False
SCENE = ArrayScene(np.full((3, 100, 200), 0.5, np.float32), 1.0, x0=1000, y0=2000, valid=VALID)


@pytest.mark.parametrize(
    ("geometry", "share"),
    [
        (box(0, 0, 10, 10), 0.0),  # elsewhere
        (box(1010, 1910, 1050, 1950), 1.0),
        (box(1160, 1910, 1190, 1950), 0.0),  # all nodata
        (box(1140, 1910, 1160, 1950), 0.5),
        (box(980, 1910, 1020, 1950), 0.5),  # half outside the scene
        (Polygon([(1010, 1910), (1050, 1910), (1010, 1950)]), 1.0),
        (box(1010.2, 1910.2, 1010.6, 1910.6), 1.0),  # smaller than a pixel
        (LineString([(1010, 1950), (1100, 1950)]), 1.0),
        (LineString([(1100, 1950), (1200, 1950)]), 0.5),
        (LineString([(950, 1950), (1050, 1950)]), 0.5),
        (LineString([(1010, 1950), (1011, 1950)]), 1.0),
    ],
)
def test_share(geometry, share):
    assert visible_fraction(SCENE, Zone("a", "area", geometry)) == pytest.approx(share, abs=0.02)
