"""rason:tallyseries with good and bad input."""

from pathlib import Path

import pytest

from rason.layers import schema
from rason.tests.tables import table


def tally(epoch, estimate, **more):
    seen = estimate is not None
    values = {
        "zone_id": "yard", "class": "freight_car", "unit": "objects", "epoch": epoch, "scene": "s.tif", "level": 0.9, "basis": "uncalibrated",
        "calibration": "freight_car-a", "visible_fraction": 1.0 if seen else 0.1,
    }  # fmt: skip
    if seen:
        values |= {"detected": estimate, "estimate": estimate, "low": 0.85 * estimate, "high": 1.2 * estimate + 1}
    return table(schema.TALLY, [{**values, **more}], epoch)


DAYS = [f"2023-{month:02d}-{day:02d}T02:05:00Z" for month in range(1, 9) for day in (5, 20)]
COUNTS = [20, 22, 19, None, 21, 20, 23, 18, 61, 58, 63, 60, 59, 57, 62, 64]


@pytest.fixture(scope="module")
def tallies(provider):
    return [tally(day, count) for day, count in zip(DAYS, COUNTS)]


def test_series_summary_chart_and_report(tallies, run, rows, tmp_path):
    reported = table(schema.REPORTED_ACTIVITY, [
        {"date_from": "2023-03-10", "object_class": "freight_wagon", "number": 24.0, "publisher": "P"},
        {"date_from": "2023-01", "date_to": "2023-06", "object_class": "container", "number": 2000.0, "publisher": "Q"},
    ])  # fmt: skip
    events = table(schema.EVENTS, [{"date_from": "2023-05-02", "title": "A visit"}])
    paths = {key: str(tmp_path / name) for key, name in
             (("OUTPUT", "s.gpkg"), ("SUMMARY", "y.gpkg"), ("CHART", "c.svg"), ("REPORT", "r.html"))}  # fmt: skip
    results = run("rason:tallyseries", TALLIES=tallies, REPORTED=reported, EVENTS=events, **paths)
    looks, (told,) = rows(paths["OUTPUT"]), rows(paths["SUMMARY"])
    assert [name for name in looks[0] if name not in ("fid", "geometry")] == schema.names(schema.SERIES)
    assert [row["epoch"] for row in looks] == DAYS and looks[3]["estimate"] is None and looks[3]["note"] == "not observed"
    assert results["LOOKS"] == 15 and results["CHANGES"] == 1 == told["changes"] and looks[8]["alert"]
    assert "level changed between 2023-04-20 and 2023-05-05" in told["note"]
    svg, page = Path(paths["CHART"]).read_text("utf8"), Path(paths["REPORT"]).read_text("utf8")
    assert "A visit" in svg and "freight wagon" in svg and "container" not in svg
    assert "2000" in page and "no panel can show" in page and svg[:100] in page


def test_a_png_is_a_picture(tallies, run, tmp_path):
    from qgis.PyQt.QtGui import QImage

    path = str(tmp_path / "c.png")
    run("rason:tallyseries", TALLIES=tallies, OUTPUT="memory:", SUMMARY="memory:", CHART=path)
    image = QImage(path)
    assert image.width() == 1920 and len({image.pixel(x, 120) for x in range(0, 1920, 7)}) > 2


def test_dates_of_different_precision_are_said(run):
    run(
        "rason:tallyseries",
        TALLIES=[tally("2023-01-05T02:05:00Z", 5), tally("2023-03", 9)],
        OUTPUT="memory:",
        SUMMARY="memory:",
    )
    assert "different precision" in run.feedback.textLog()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (lambda: {"TALLIES": [tally(DAYS[0], 5)]}, "fewer than two observed epochs"),
        (lambda: {"TALLIES": [tally(DAYS[0], 5), tally(DAYS[1], None)]}, "fewer than two observed epochs"),
        (lambda: {"TALLIES": [tally(DAYS[0], 5), tally(DAYS[0], 6)]}, "twice"),
        (lambda: {"TALLIES": [table(schema.ZONES, [{"zone_id": "a"}])]}, "is no tally"),
        (lambda: {"TALLIES": [tally(DAYS[0], 5), tally(DAYS[1], 6)], "CHART": "/tmp/c.jpg"}, "ends in .svg or .png"),
        (
            lambda: {"TALLIES": [tally(DAYS[0], 5), tally(DAYS[1], 6)], "EVENTS": table(schema.ZONES, [])},
            "EVENTS lacks the fields",
        ),
        (
            lambda: {
                "TALLIES": [tally(DAYS[0], 5), tally(DAYS[1], 6)],
                "EVENTS": table(schema.EVENTS, [{"date_from": "soon", "title": "x"}]),
            },
            "is no date",
        ),
    ],
)
def test_bad_input_is_one_line(given, said, refused):
    refused(said, "rason:tallyseries", **given(), OUTPUT="memory:", SUMMARY="memory:")
