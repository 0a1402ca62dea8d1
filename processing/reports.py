"""The HTML reports of a run: numbers, pictures and provenance."""

from __future__ import annotations

from ..engine.rules import COUNTING_RULES
from . import lazy
from .lazy import np

drawing, provenance, report, tally = (lazy.engine(name) for name in ("report_picture", "provenance", "report", "tally"))

MOST_PICTURES = 12
MOST_NAMES = 3  # in the title of a picture
PICTURE_PX = 1200
SYNTHETIC = "SYNTHETIC"
MARGIN = 0.06  # of a zone's size, shown around it


def of_tally(algorithm, rows, count, parameters, inputs) -> report.TallyReport:
    """Report of ``rason:tallyscene``."""
    tr, epoch = algorithm.tr, algorithm.epoch
    names = {zone.zone_id: zone.name for zone in algorithm.zones}
    headlines = [
        tr("{}, all zones: {} ({:.0f} % interval).").format(_plural(name), tally.about(*total), 100 * algorithm.level)
        for name, total in count.totals.items()
        if total
    ]
    pictures, left = _pictures(algorithm, count)
    warnings = [*algorithm.warnings, *count.warnings]
    if left:
        warnings.append(
            tr("Only the {} zones with most objects are pictured; {} more were counted.").format(MOST_PICTURES, left)
        )
    return report.TallyReport(
        title=tr("Tally of {}").format(algorithm.scene_name),
        epoch=tr("Taken {}").format(epoch.label()),
        headlines=headlines or [tr("Nothing could be counted in this scene.")],
        rows=[{**row, "name": names.get(row["zone_id"]) or row["zone_id"]} for row in rows],
        rules=[f"{_words(name)}: {COUNTING_RULES[name]}" for name in algorithm.wanted],
        warnings=warnings,
        pictures=pictures,
        provenance=_provenance(algorithm, parameters),
        inputs=inputs,
        credit=_credit(algorithm.scene.metadata),
        synthetic=is_synthetic(algorithm.scene.metadata),
    )


def of_comparison(
    algorithm, rows, sentences, parameters, inputs, epochs, found=None, turnover=(), slots=()
) -> report.ComparisonReport:
    """Report of ``rason:compareepochs``.

    found: what became of each object, where both detections were given. turnover: rows of that table. slots: lines on slots.
    """
    return report.ComparisonReport(
        title=algorithm.tr("Comparison of two epochs"),
        epoch=algorithm.tr("{} and {}").format(*(epoch.label() for epoch in epochs)),
        headlines=sentences,
        rows=rows,
        warnings=algorithm.warnings,
        pictures=_plans(algorithm, found) if found else (),
        turnover=turnover,
        slots=slots,
        provenance=_provenance(algorithm, parameters),
        inputs=inputs,
        credit=algorithm.tr("No imagery is shown."),
        synthetic=any(str(row["note"] or "").startswith(SYNTHETIC) for rows in algorithm.rows for row in rows),
    )


def of_trains(algorithm, rows, sentences, parameters, epochs, figure) -> report.TrainReport:
    """Report of ``rason:comparetrains``; figure: both trains straightened."""
    labels = [epoch.label() if epoch else algorithm.tr("not dated") for epoch in epochs]
    return report.TrainReport(
        title=algorithm.tr("Two sightings of a train"),
        epoch=algorithm.tr("{} and {}").format(*labels),
        headlines=sentences,
        rows=rows,
        warnings=algorithm.warnings,
        pictures=[figure],
        provenance=_provenance(algorithm, parameters),
        credit="" if algorithm.scenes[0] else algorithm.tr("No imagery is shown."),
        synthetic=any(scene is not None and is_synthetic(scene.metadata) for scene in algorithm.scenes),
    )


def is_synthetic(metadata) -> bool:
    """Whether the scene says of itself that a simulator made it."""
    return metadata.get("", {}).get("TIFFTAG_IMAGEDESCRIPTION", "").upper().startswith(SYNTHETIC)


def noted(note, metadata) -> str:
    """A tally row's note, which says first when the scene is synthetic, so that comparisons know it, too."""
    return ". ".join(text for text in (SYNTHETIC if is_synthetic(metadata) else "", note) if text)


def _plans(algorithm, found):
    """What appeared, disappeared, moved and stayed, without the scenes."""
    zone_of = found.detections.zone_id
    zones = [zone for zone in sorted(set(zone_of.tolist())) if zone]
    corners = [found.detections.select(zone_of == zone).corners().reshape(-1, 2) for zone in zones]
    groups = drawing.gather([(*points.min(0), *points.max(0)) for points in corners])
    plans = []
    for group in groups[:MOST_PICTURES]:
        names = [zones[i] for i in group]
        chosen = np.isin(zone_of, names)
        title = algorithm.tr("What became of the objects: {}").format(_title(algorithm, names))
        plans.append(drawing.Picture.plan(found.detections.select(chosen), title, mark=found.change[chosen]))
    return plans


def _pictures(algorithm, count):
    """Pictures of the zones, those with most objects first, and how many zones are left out."""
    zones = {zone.zone_id: zone for chosen in algorithm.wanted.values() for zone in chosen}
    number = {zone_id: int((count.detections.zone_id == zone_id).sum()) for zone_id in zones}
    seen = [zone for zone in zones.values() if algorithm.visible[zone.zone_id] > 0]
    seen.sort(key=lambda zone: -number[zone.zone_id])
    groups = drawing.gather([_window(zone.geometry.bounds) for zone in seen])
    pictures = [_picture(algorithm, [seen[i] for i in group], count.detections) for group in groups[:MOST_PICTURES]]
    return pictures, sum(len(group) for group in groups[MOST_PICTURES:])


def _window(bounds):
    """West, south, east and north of what is shown of a zone with these bounds."""
    west, south, east, north = bounds
    margin = MARGIN * max(east - west, north - south) + 5.0
    return west - margin, south - margin, east + margin, north + margin


def _picture(algorithm, zones, detections):
    windows = zip(*(_window(zone.geometry.bounds) for zone in zones))
    ends = zip((max, max, min, min), (min, min, max, max), windows, algorithm.scene.bounds)
    bounds = tuple(inner(outer(values), edge) for inner, outer, values, edge in ends)  # not beyond the scene
    side = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / PICTURE_PX
    patch = algorithm.scene.read(bounds, max(side, algorithm.scene.gsd_m))
    near = (detections.x > bounds[0]) & (detections.x < bounds[2]) & (detections.y > bounds[1]) & (detections.y < bounds[3])
    names = [zone.name or zone.zone_id for zone in zones]
    return drawing.Picture.of(
        patch, _title(algorithm, names), detections.select(near), zones=[zone.geometry for zone in zones]
    )


def _title(algorithm, names):
    title = ", ".join(names[:MOST_NAMES])
    more = len(names) - MOST_NAMES
    return algorithm.tr("{} and {} more zones").format(title, more) if more > 0 else title


def _provenance(algorithm, parameters):
    given = {key: str(value) for key, value in parameters.items() if value is not None}
    return {"Algorithm": algorithm.id(), "Rason": provenance.version(), **given}


def _credit(metadata):
    return " ".join(metadata.get("", {}).get(key, "") for key in ("TIFFTAG_COPYRIGHT", "CREDIT", "LICENCE")).strip()


def _plural(name):
    """A class at the start of a sentence: "Freight cars"."""
    return f"{_words(name).capitalize()}s"


def _words(name):
    return name.replace("_", " ")
