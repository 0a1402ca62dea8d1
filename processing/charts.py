"""Charts drawn by the engine as SVG, written as they are or as a PNG."""

from __future__ import annotations

import os
from pathlib import Path

from ..engine.errors import Refusal
from . import outputs

SCALE = 2  # pixels of a PNG on one of the SVG, for print


def write(svg: str, path: str, name: str = "CHART") -> None:
    """Write the SVG, or a PNG drawn from it where the path ends in .png; an existing file is replaced only by a whole one."""
    if path.lower().endswith(".png"):
        _png(svg, Path(path), name)
    else:
        outputs.write_text(svg, path, name)


def _png(svg: str, target: Path, name: str) -> None:
    from qgis.PyQt.QtCore import QByteArray
    from qgis.PyQt.QtGui import QImage, QPainter
    from qgis.PyQt.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(QByteArray(svg.encode()))
    image = QImage(renderer.defaultSize() * SCALE, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    part = target.with_name(f"{target.stem}.{os.getpid()}.part.png")
    try:
        if not image.save(str(part)):
            raise Refusal("{name}: {path} could not be written. Choose another place.", name=name, path=target)
        os.replace(part, target)
    except OSError as error:
        raise Refusal(
            "{name}: {path} could not be written ({why}). Choose another place.", name=name, path=target, why=error.strerror
        ) from error
    finally:
        part.unlink(missing_ok=True)
