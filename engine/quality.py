"""The quality layers that come with Sentinel-2 and Landsat scenes, in the words of the visibility raster.

Sentinel-2 L2A scene classification (SCL): ESA, Sentinel-2 L2A algorithm overview. Landsat Collection 2 QA_PIXEL: USGS, Landsat
8-9 Collection 2 Level 2 science product guide, table of pixel quality bits.
"""

from __future__ import annotations

import re

import numpy as np

from .class_raster import ClassRaster
from .errors import Refusal
from .visibility import CLEAR, CLOUD, HAZE, NODATA, SHADOW
from .words import QA_PIXEL, SCL

# 0 no data, 1 saturated or defective, 2 dark area, 3 cloud shadow, 4 vegetation, 5 bare, 6 water, 7 unclassified,
# 8 cloud (medium probability), 9 cloud (high), 10 thin cirrus, 11 snow or ice.
_SCL = np.array([NODATA, NODATA, CLEAR, SHADOW, CLEAR, CLEAR, CLEAR, CLEAR, CLOUD, CLOUD, HAZE, CLEAR], np.uint8)
# Bits: 0 fill, 1 dilated cloud, 2 cirrus, 3 cloud, 4 cloud shadow, 5 snow, 6 clear, 7 water, 8 to 15 confidences.
_QA_BITS = ((2, HAZE), (4, SHADOW), (1, CLOUD), (3, CLOUD), (0, NODATA))  # later ones stand over earlier ones


def kind_of(raster: ClassRaster, values: np.ndarray) -> str:
    """Which quality layer this is, by its file name, else by its values (those inside the scene). Raises Refusal if unclear."""
    for kind, words in ((SCL, r"(^|[^A-Z])SCL([^A-Z]|$)"), (QA_PIXEL, r"QA_?PIXEL")):
        if re.search(words, raster.file_name.upper()):
            return kind
    highest = float(values.max(initial=0))
    if 1 < highest < len(_SCL):
        return SCL
    # Collection 2 sets the clear bit or confidences for each pixel it looked at: values of 5,440 and more
    if highest >= 1 << 12 and np.all((values == 1) | (values == 0) | (values >= 1 << 12)):
        return QA_PIXEL
    raise Refusal(
        "{name}: neither its name nor its values (up to {highest:g}) say what it is. Set QUALITY_KIND to SCL "
        "or QA_PIXEL, or give a mask of your own as MASK.",
        name=raster.name,
        highest=highest,
    )


def causes(kind: str, values: np.ndarray, name: str = "QUALITY") -> np.ndarray:
    """Causes (uint8) of the values of a quality layer; cirrus is haze, which hides only where contrast is lost.

    Raises Refusal for values that the layer cannot hold.
    """
    if not np.all((values >= 0) & (values == np.floor(values))):
        raise Refusal(
            "{name} holds negative or broken numbers: it is no {kind} layer. Give the file as it was delivered.",
            name=name,
            kind=kind,
        )
    values = values.astype(np.int64)
    if kind == SCL:
        if values.max(initial=0) >= len(_SCL):
            raise Refusal(
                "{name} holds values up to {max}: it is no Sentinel-2 SCL layer, which ends at 11.",
                name=name,
                max=values.max(),
            )
        return _SCL[values]
    if values.max(initial=0) > 0xFFFF:
        raise Refusal(
            "{name} holds values up to {max}: it is no Landsat QA_PIXEL layer, which has 16 bits.",
            name=name,
            max=values.max(),
        )
    out = np.full(values.shape, CLEAR, np.uint8)
    for bit, cause in _QA_BITS:
        out[(values >> bit) & 1 == 1] = cause
    return out
