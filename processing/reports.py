"""The HTML reports of a run: numbers, pictures and provenance."""

from __future__ import annotations

from ..engine import provenance
from ..engine.report import ComparisonReport, TallyReport
from ..engine.report_picture import Picture
from ..engine.rules import COUNTING_RULES
from ..engine.tally import about

MOST_PICTURES = 12
PICTURE_PX = 1200
MARGIN = 0.06  # of a zone's size, shown around it


def of_tally(algorithm, rows, count, parameters, inputs) -> TallyReport:
    """Report of ``rason:tallyscene``."""
    tr, epoch = algorithm.tr, algorithm.epoch
    names = {zone.zone_id: zone.name for zone in algorithm.zones}
    headlines = [
        tr("{}, all zones: {} ({:.0f} % interval).").format(_words(name), about(*total), 100 * algorithm.level)
        for name, total in count.totals.items()
        if total
    ]
    pictures, left = _pictures(algorithm, count)
    warnings = [*algorithm.warnings, *count.warnings]
    if left:
        warnings.append(
            tr("Only the {} zones with most objects are pictured; {} more were counted.").format(MOST_PICTURES, left)
        )
    return TallyReport(
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


def of_comparison(algorithm, rows, sentences, parameters, inputs, epochs) -> ComparisonReport:
    """Report of ``rason:compareepochs``."""
    return ComparisonReport(
        title=algorithm.tr("Comparison of two epochs"),
        epoch=algorithm.tr("{} and {}").format(*(epoch.label() for epoch in epochs)),
        headlines=sentences,
        rows=rows,
        warnings=algorithm.warnings,
        provenance=_provenance(algorithm, parameters),
        inputs=inputs,
        credit=algorithm.tr("No imagery is shown."),
    )


def is_synthetic(metadata) -> bool:
    """Whether the scene says of itself that a simulator made it."""
    return metadata.get("", {}).get("TIFFTAG_IMAGEDESCRIPTION", "").upper().startswith("SYNTHETIC")


def _pictures(algorithm, count):
    """Pictures of the zones with most objects, and how many zones are left out."""
    zones = {zone.zone_id: zone for chosen in algorithm.wanted.values() for zone in chosen}
    zones = {zone_id: zone for zone_id, zone in zones.items() if algorithm.visible[zone_id] > 0}
    number = {zone_id: int((count.detections.zone_id == zone_id).sum()) for zone_id in zones}
    shown = sorted(zones, key=lambda zone_id: -number[zone_id])[:MOST_PICTURES]
    return [_picture(algorithm, zones[zone_id], count.detections) for zone_id in shown], len(zones) - len(shown)


def _picture(algorithm, zone, detections):
    west, south, east, north = zone.geometry.bounds
    margin = MARGIN * max(east - west, north - south) + 5.0
    bounds = west - margin, south - margin, east + margin, north + margin
    side = max(bounds[2] - bounds[0], bounds[3] - bounds[1]) / PICTURE_PX
    patch = algorithm.scene.read(bounds, max(side, algorithm.scene.gsd_m))
    near = (detections.x > bounds[0]) & (detections.x < bounds[2]) & (detections.y > bounds[1]) & (detections.y < bounds[3])
    return Picture.of(patch, zone.name or zone.zone_id, detections.select(near), zones=[zone.geometry])


def _provenance(algorithm, parameters):
    given = {key: str(value) for key, value in parameters.items() if value is not None}
    return {"Algorithm": algorithm.id(), "Rason": provenance.version(), **given}


def _credit(metadata):
    return " ".join(metadata.get("", {}).get(key, "") for key in ("TIFFTAG_COPYRIGHT", "CREDIT", "LICENCE")).strip()


def _words(name):
    return name.replace("_", " ")
