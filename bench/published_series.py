"""The published wagon counts at Tumangang as a series beside the events: ``python bench/published_series.py``.

Makes docs/images/published_series.svg and prints what docs/EXAMPLE_PUBLISHED_COUNTS.md quotes. The counts are other people's, read off
layers/data/reported_activity.csv; each is taken as one person's count, with the spread that nine counters showed.
"""

import csv
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from checkout import ROOT, load_rason
from demo import Qgis
from osgeo import ogr

load_rason()

from rason.engine.tally import tally_by_hand  # noqa: E402

PLACE = "station-tumangang"
WAGONS = ("freight_wagon", "ore_wagon", "box_wagon", "tank_wagon", "maintenance_wagon")
FIELDS = {ogr.OFTString: ("zone_id", "class", "scene", "epoch", "basis", "unit", "note", "rules", "calibration"),
          ogr.OFTReal: ("detected", "estimate", "low", "high", "level", "visible_fraction", "exposure")}  # fmt: skip
DATA = ROOT / "layers" / "data"


def published():
    """Wagons on each day at the station, the kinds of one day added."""
    days = defaultdict(float)
    with open(DATA / "reported_activity.csv", encoding="utf8") as file:
        for row in csv.DictReader(file):
            if (
                row["site_id"] == PLACE
                and row["object_class"] in WAGONS
                and row["date_from"] == row["date_to"]
                and "imagery, publisher" in row["basis"]
            ):
                days[row["date_from"]] += float(row["number"])
    return dict(sorted(days.items()))


def write(rows, path, name):
    """A table of a GeoPackage."""
    driver = ogr.GetDriverByName("GPKG")
    source = driver.CreateDataSource(str(path))
    layer = source.CreateLayer(name, None, ogr.wkbNone)
    for kind, fields in FIELDS.items():
        for field in fields:
            layer.CreateField(ogr.FieldDefn(field, kind))
    for row in rows:
        feature = ogr.Feature(layer.GetLayerDefn())
        for key, value in row.items():
            if value is not None:
                feature[key] = value
        layer.CreateFeature(feature)
    return str(path)


def main():
    """Tallies of the published counts, the series, and neighbours compared in pairs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        qgis = Qgis(folder)
        tallies = []
        for day, number in published().items():
            rows = tally_by_hand([PLACE], [number], "freight_car").rows()
            for row in rows:
                row.update(epoch=day, scene="published", rules="as published")
            tallies.append(write(rows, folder / f"{day}.gpkg", "tally"))
            print(f"{day}: {number:.0f} ({rows[0]['low']} to {rows[0]['high']})")
        chart = ROOT / "docs" / "images" / "published_series.svg"
        more = [f"--TALLIES={path}" for path in tallies]
        qgis._without_screen(qgis.process, "run", "rason:tallyseries", *more, f"--REPORTED={DATA / 'reported_activity.csv'}",
                             f"--EVENTS={DATA / 'events.csv'}", f"--OUTPUT={folder / 's.gpkg'}", f"--SUMMARY={folder / 'y.gpkg'}",
                             f"--CHART={chart}")  # fmt: skip
        print(note(folder / "y.gpkg"))
        for number, (first, second) in enumerate(zip(tallies, tallies[1:])):
            compared = folder / f"c{number}.gpkg"
            qgis.run(
                "rason:compareepochs",
                f"{Path(first).stem} and {Path(second).stem}",
                TALLY_1=first,
                TALLY_2=second,
                COMPARISON=compared,
            )
            print(note(compared))


def note(path):
    """What the first row of a result says in words."""
    source = ogr.Open(str(path))
    return source.GetLayer(0).GetNextFeature()["note"]


if __name__ == "__main__":
    sys.exit(main())
