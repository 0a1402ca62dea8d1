"""A piece of a scene for a report: the pixels embedded, boxes and zones drawn over them as lines."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .detections import Detections
    from .patch import Patch

LONGEST_SIDE_PX = 1600
PLAN_PX, PLAN_MARGIN_M, PLAN_GREY = 1200, 10.0, 0.45
JOINT_AREA = 1.6  # a picture of several zones may be this much larger than that of one of them
# Colours that stay apart for colour-blind readers (the IBM palette), over a dark edge that stands out from bright ground.
COLOURS = {
    "freight_car": "#ffb000",
    "container": "#78a5ff",
    "ship": "#ff5fa8",
    "appeared": "#ffb000",
    "disappeared": "#ff5fa8",
    "moved": "#78a5ff",
    "stayed": "#ffffff",
    "not observable": "#c8c8c8",
}
OTHER_COLOURS = ("#fe7f2d", "#a48bff", "#8fd694", "#f4f1de")
# Line width and dash: status and change are told apart without colour.
LINES = {
    "detected": (2.0, ""),
    "accepted": (3.2, ""),
    "added": (3.2, "9 3 2 3"),
    "rejected": (1.6, "2 4"),
    "appeared": (3.2, ""),
    "disappeared": (2.6, "9 5"),
    "moved": (2.4, "9 3 2 3"),
    "stayed": (1.4, ""),
    "not observable": (1.8, "2 4"),
}
CHANGES = ("appeared", "disappeared", "moved", "stayed", "not observable")


@dataclass(frozen=True)
class Picture:
    """What one figure shows.

    rgb: uint8 (rows, columns, 3), north up. gsd_m: metres per pixel. corners: (N, 4, 2) column and row of each box, (0, 0)
    the outer corner of the first pixel. class_name, mark: N words each; mark is a detection's status or change.
    outlines: arrays (K, 2) of the same coordinates, drawn as thin lines: zones (closed rings) and tracks. north_up: whether north is up.
    """

    rgb: np.ndarray
    title: str
    gsd_m: float
    corners: np.ndarray = field(default_factory=lambda: np.zeros((0, 4, 2)))
    class_name: Sequence[str] = ()
    mark: Sequence[str] = ()
    outlines: Sequence[np.ndarray] = ()
    note: str = ""
    north_up: bool = True

    @classmethod
    def of(
        cls,
        patch: Patch,
        title: str,
        detections: Detections,
        *,
        mark: Any = "detected",
        zones: Sequence[Any] = (),
        note: str = "",
    ) -> Picture:
        """From a patch, the detections in it and shapely geometries of zones, all in frame metres.

        mark: a word, or one a detection.
        """
        rgb = np.clip(np.nan_to_num(np.moveaxis(patch.rgb(), 0, 2)) * 255.0 + 0.5, 0, 255).astype(np.uint8)

        def pixels(points: np.ndarray) -> np.ndarray:
            return np.stack(patch.to_pixel(points[..., 0], points[..., 1]), -1) + 0.5

        marks = [str(word) for word in np.broadcast_to(np.asarray(mark, object), len(detections))]
        names = [str(word) for word in detections.class_name]
        outlines = [pixels(np.asarray(line.coords)[:, :2]) for zone in zones for line in _lines(zone)]
        return cls(rgb, title, patch.gsd_m, pixels(detections.corners()), names, marks, outlines, note)

    @classmethod
    def plan(cls, detections: Detections, title: str, *, mark: Any = "detected", note: str = "") -> Picture:
        """The boxes alone on plain ground, where the scene is not at hand or must not be shown."""
        from .patch import Patch

        corners = detections.corners().reshape(-1, 2) if len(detections) else np.zeros((1, 2))
        low, high = corners.min(0) - PLAN_MARGIN_M, corners.max(0) + PLAN_MARGIN_M
        gsd_m = float((high - low).max()) / PLAN_PX
        columns, rows = (int(side) for side in np.ceil((high - low) / gsd_m))
        ground = np.full((3, rows, columns), PLAN_GREY, np.float32)
        patch = Patch(ground, np.ones((rows, columns), bool), low[0], high[1], gsd_m, ("red", "green", "blue"))
        return cls.of(patch, title, detections, mark=mark, note=note)

    def figure(self) -> str:
        """The picture with legend and caption as an HTML figure."""
        small = self._reduced()
        rows, columns = small.rgb.shape[:2]
        groups = sorted(set(zip(small.mark, small.class_name)))
        colours = _colours([name for _, name in groups])
        layers, legend = [], []
        for mark, name in groups:
            chosen = [m == mark and c == name for m, c in zip(small.mark, small.class_name)]
            line = _line(mark, COLOURS[mark] if mark in CHANGES else colours[name])
            layers.append(_drawn(" ".join(_path(box, "Z") for box in small.corners[chosen]), line))
            legend.append(f"<li>{_sample(line)}{escape(name.replace('_', ' '))}, {escape(mark)}: {sum(chosen)}</li>")
        zones = "".join(f'<path class="zone" d="{_path(line)}"/>' for line in small.outlines)
        note = f"<span>{escape(self.note)}</span>" if self.note else ""
        return (
            f'<figure><svg viewBox="0 0 {columns} {rows}" style="--sides: {columns / rows:.3f}" role="img" aria-label="{escape(self.title)}">'
            f'<image width="{columns}" height="{rows}" href="data:image/jpeg;base64,{_jpeg(small.rgb)}"/>'
            f"{zones}{''.join(layers)}{_scale_bar(columns, rows, small.gsd_m)}{_north(columns, rows) * self.north_up}</svg>"
            f'<figcaption><b>{escape(self.title)}</b>{note}<ul class="legend">{"".join(legend)}</ul></figcaption></figure>'
        )

    def _reduced(self) -> Picture:
        """The same picture with whole pixels averaged, so that no side is longer than LONGEST_SIDE_PX."""
        step = -(-max(self.rgb.shape[:2]) // LONGEST_SIDE_PX)
        if step <= 1:
            return self
        rows, columns = (side // step * step for side in self.rgb.shape[:2])
        blocks = self.rgb[:rows, :columns].reshape(rows // step, step, columns // step, step, 3)
        return Picture(
            blocks.mean((1, 3)).astype(np.uint8),
            self.title,
            self.gsd_m * step,
            self.corners / step,
            self.class_name,
            self.mark,
            [line / step for line in self.outlines],
            self.note,
            self.north_up,
        )


def gather(windows: Sequence[tuple[float, float, float, float]]) -> list[list[int]]:
    """Which windows (west, south, east, north) share a picture: indices, in the order of the first of each.

    Those do whose common window is hardly larger than the larger of them: the tracks of a yard, the strips along a pier.
    """
    groups: list[tuple[tuple[float, ...], list[int]]] = []
    for i, window in enumerate(windows):
        for k, (shared, members) in enumerate(groups):
            joint = (*map(min, shared[:2], window[:2]), *map(max, shared[2:], window[2:]))
            if _area(joint) <= JOINT_AREA * max(_area(shared), _area(window)):
                groups[k] = joint, [*members, i]
                break
        else:
            groups.append((window, [i]))
    return [members for _, members in groups]


def stylesheet() -> str:
    """CSS of the lines drawn over pictures."""
    return (
        "figure > svg { width: min(100%, max(14rem, 85vh * var(--sides))); aspect-ratio: var(--sides); }\n"
        "figure path, .legend path { fill: none; vector-effect: non-scaling-stroke; stroke-linejoin: round; }\n"
        "path.edge { stroke: #000; stroke-opacity: .55; }\n"
        "path.zone { stroke: #fff; stroke-opacity: .8; stroke-width: 1; stroke-dasharray: 6 4; }\n"
        "figure text { fill: #fff; stroke: #000; stroke-opacity: .7; stroke-width: .2em; paint-order: stroke; "
        'font-family: "Noto Sans", Arial, sans-serif; }'
    )


def _area(window: Sequence[float]) -> float:
    return (window[2] - window[0]) * (window[3] - window[1])


def _lines(geometry: Any) -> list:
    """The rings or lines of a shapely geometry."""
    lines = []
    for part in getattr(geometry, "geoms", [geometry]):
        if not part.is_empty:
            lines += [part.exterior, *part.interiors] if part.geom_type == "Polygon" else [part]
    return lines


def _colours(names: Sequence[str]) -> dict[str, str]:
    """A colour a class; classes of the user's own take the spare ones in alphabetical order."""
    own = sorted(set(names) - set(COLOURS))
    return COLOURS | {name: OTHER_COLOURS[k % len(OTHER_COLOURS)] for k, name in enumerate(own)}


def _line(mark: str, colour: str) -> tuple[str, float, str]:
    width, dash = LINES.get(mark, LINES["detected"])
    return colour, width, dash


def _path(points: np.ndarray, end: str = "") -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) + end


def _drawn(path: str, line: tuple[str, float, str]) -> str:
    """A line over its dark edge."""
    colour, width, dash = line
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<path class="edge" stroke-width="{width + 1.6:g}" d="{path}"/>'
        f'<path stroke="{colour}" stroke-width="{width}"{dashes} d="{path}"/>'
    )


def _sample(line: tuple[str, float, str]) -> str:
    """A box as the legend shows it, on the grey of imagery."""
    return (
        '<svg width="46" height="22" viewBox="0 0 46 22" aria-hidden="true"><rect width="46" height="22" fill="#6f7a75"/>'
        f"{_drawn('M6 5H40V17H6Z', line)}</svg>"
    )


def _scale_bar(columns: int, rows: int, gsd_m: float) -> str:
    """A bar of a round length of metres, at most a quarter of the picture wide, in the lower left corner."""
    quarter_m = columns * gsd_m / 4
    magnitude = 10 ** np.floor(np.log10(quarter_m))
    length_m = float(max(step * magnitude for step in (1, 2, 5) if step * magnitude <= quarter_m))
    size, width = _text_size(columns, rows), length_m / gsd_m
    x, y = size, rows - size
    label = f"{length_m / 1000:g} km" if length_m >= 1000 else f"{length_m:g} m"
    bar = _drawn(f"M{x:.1f} {y - size / 2:.1f}V{y:.1f}H{x + width:.1f}V{y - size / 2:.1f}", ("#fff", 2.0, ""))
    return f'{bar}<text x="{x + size / 3:.1f}" y="{y - size / 2:.1f}" font-size="{size:.1f}">{label}</text>'


def _north(columns: int, rows: int) -> str:
    """An arrow to the north, up, in the upper right corner."""
    size = _text_size(columns, rows)
    x, y = columns - 1.5 * size, size
    barbs = f"{size / 2:.1f} {size * 0.7:.1f}"
    path = f"M{x:.1f} {y + 2 * size:.1f}V{y:.1f}l-{barbs}M{x:.1f} {y:.1f}l{barbs}"
    arrow = _drawn(path, ("#fff", 2.0, ""))
    return f'{arrow}<text x="{x:.1f}" y="{y + 3.1 * size:.1f}" font-size="{size:.1f}" text-anchor="middle">N</text>'


def _text_size(columns: int, rows: int) -> float:
    """A size that is about 15 px where the picture fills the page's width or the screen's height."""
    return max(columns / 69, rows / 51)


def _jpeg(rgb: np.ndarray) -> str:
    """The pixels as base64 of a JPEG, a tenth of a PNG's size for photographs. Numbers are never read back from it."""
    from osgeo import gdal

    rows, columns = rgb.shape[:2]
    picture = gdal.GetDriverByName("MEM").Create("", columns, rows, 3, gdal.GDT_Byte)
    for band in range(3):
        picture.GetRasterBand(band + 1).WriteRaster(0, 0, columns, rows, np.ascontiguousarray(rgb[:, :, band]).tobytes())
    name = f"/vsimem/rason_report_{id(picture)}.jpg"
    try:
        gdal.GetDriverByName("JPEG").CreateCopy(name, picture, options=["QUALITY=88"])
        size = gdal.VSIStatL(name).size
        handle = gdal.VSIFOpenL(name, "rb")
        data = bytes(gdal.VSIFReadL(1, size, handle))
        gdal.VSIFCloseL(handle)
    finally:
        gdal.Unlink(name)
    return base64.b64encode(data).decode("ascii")
