"""From any scene's grid to a north-up grid of true metres, the frame in which everything is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from .errors import Refusal

_A, _E2 = 6378137.0, 0.0066943799901413165  # WGS 84
TRUE_SCALE = 0.002  # a projection whose metres are true within this share is used as it is
SQUARE = 0.005  # pixels whose sides differ by less are square


@dataclass(frozen=True)
class Frame:
    """A metric coordinate system: scene_wkt is the scene's own CRS, wkt the frame's (often the same)."""

    scene_wkt: str
    wkt: str

    @property
    def is_scene_crs(self) -> bool:
        """Whether frame and scene share their coordinates."""
        return self.wkt == self.scene_wkt

    def to_scene(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Scene coordinates (easting or longitude first) of frame points, arrays of any one shape."""
        return transform(self.wkt, self.scene_wkt, x, y)

    def from_scene(self, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        """Frame coordinates of scene points."""
        return transform(self.scene_wkt, self.wkt, x, y)


def spatial_reference(text: str) -> Any:
    """osr.SpatialReference of WKT or PROJ text, with longitude or easting first; raises Refusal for what is no CRS."""
    from osgeo import osr

    reference = osr.SpatialReference()
    if reference.SetFromUserInput(text) != 0:
        raise Refusal("The coordinate reference system cannot be read. Assign a known one to the scene.")
    reference.SetAxisMappingStrategy(osr.OAMS_TRADITIONAL_GIS_ORDER)
    return reference


def transform(source_wkt: str, target_wkt: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Points from one CRS to another; points that have no counterpart raise Refusal."""
    from osgeo import osr

    x, y = np.asarray(x, float), np.asarray(y, float)
    if source_wkt == target_wkt or x.size == 0:
        return x, y
    change = osr.CoordinateTransformation(spatial_reference(source_wkt), spatial_reference(target_wkt))
    try:
        points = np.array(change.TransformPoints(np.column_stack([x.ravel(), y.ravel()]).tolist()))
    except RuntimeError as error:
        raise Refusal("Some points lie outside the area of the coordinate reference system.") from error
    if not np.isfinite(points).all():
        raise Refusal("Some points lie outside the area of the coordinate reference system.")
    return points[:, 0].reshape(x.shape), points[:, 1].reshape(y.shape)


def metric_frame(scene_wkt: str, centre: tuple[float, float]) -> Frame:
    """The frame of a scene: its own CRS where its metres are true, else a transverse Mercator around its centre."""
    reference = spatial_reference(scene_wkt)
    if reference.IsProjected() and abs(reference.GetLinearUnits() - 1.0) < 1e-9 and _is_true(scene_wkt, centre):
        return Frame(scene_wkt, scene_wkt)
    longitude, latitude = (float(v) for v in transform(scene_wkt, "EPSG:4326", *centre))
    local = spatial_reference(
        f"+proj=tmerc +lat_0={latitude:.6f} +lon_0={longitude:.6f} +k=1 +datum=WGS84 +units=m +no_defs"
    )
    return Frame(scene_wkt, local.ExportToWkt())


def metres_per_degree(latitude_deg: float) -> tuple[float, float]:
    """Metres on the WGS 84 ellipsoid of one degree of longitude and of latitude."""
    sine = math.sin(math.radians(latitude_deg))
    root = math.sqrt(1 - _E2 * sine * sine)
    normal, meridian = _A / root, _A * (1 - _E2) / root**3
    return math.radians(normal * math.cos(math.radians(latitude_deg))), math.radians(meridian)


def _is_true(wkt: str, centre: tuple[float, float], step_m: float = 100.0) -> bool:
    """Whether 100 m of the map are 100 m of ground, to the east and to the north, and north is about up."""
    x, y = centre
    longitude, latitude = transform(wkt, "EPSG:4326", np.array([x, x + step_m, x]), np.array([y, y, y + step_m]))
    east, north = metres_per_degree(float(latitude[0]))
    along = [math.hypot((longitude[i] - longitude[0]) * east, (latitude[i] - latitude[0]) * north) for i in (1, 2)]
    northward = (latitude[2] - latitude[0]) * north
    return all(abs(length / step_m - 1) < TRUE_SCALE for length in along) and northward > 0.9 * step_m
