"""Reports: self-contained, escaped, honest about what was not seen."""

import base64
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from shapely.geometry import LineString, MultiPolygon, Point, box

from rason.engine import report_picture
from rason.engine.detections import Detections
from rason.engine.report import TWO_DAYS, ComparisonReport, TallyReport, difference, gathered
from rason.engine.report_picture import Picture, gather
from rason.engine.scene import ArrayScene

VOID = {"meta", "br"}


def tally_row(**changes):
    row = {"zone_id": "T1", "class": "freight_car", "unit": "objects", "detected": 70, "estimate": 73, "low": 70, "high": 78}
    row |= {"level": 0.9, "visible_fraction": 1.0, "basis": "uncalibrated", "note": ""}
    return {**row, **changes}


UNSEEN = {"detected": None, "estimate": None, "low": None, "high": None, "visible_fraction": 0.2}


def comparison_row(**changes):
    row = {"zone_id": "T1", "class": "freight_car", "unit": "objects", "epoch_1": "2024-05-12", "epoch_2": "2024-06-03"}
    row |= {"estimate_1": 73, "estimate_2": 91, "difference": 18, "low": 9, "high": 27, "level": 0.9, "p_value": 0.01}
    row |= {
        "q_value": 0.02,
        "verdict": "increase",
        "smallest_visible_change": 2.44,
        "common_visible_fraction": 0.98,
        "note": "",
    }
    return {**row, **changes}


def tally(rows=(), **more):
    return TallyReport(title="Tally of a.tif", epoch="2024-05-12", headlines=["About 73."], rows=rows, **more)


def comparison(rows=(), **more):
    return ComparisonReport(title="Comparison", epoch="two days", headlines=["More."], rows=rows, **more)


def picture(rows=40, columns=60, n=0, **more):
    corners = np.tile([[2.0, 2], [8, 2], [8, 5], [2, 5]], (n, 1, 1))
    rgb = np.full((rows, columns, 3), 90, np.uint8)
    return Picture(rgb, "yard", 0.5, corners, ["ship"] * n, ["detected"] * n, **more)


class Page(HTMLParser):
    """Collects tags and text, and checks that tags are closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def cells(html):
    """Text of the cells of the first table, line by line."""
    body = html.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [re.sub("<.*?>", "", cell).strip() for cell in re.findall(r"<t[hd].*?>(.*?)</t[hd]>", line)]
        for line in body.split("</tr>")[:-1]
    ]


FULL = [
    tally(),
    tally(
        [tally_row(), tally_row(**UNSEEN)], pictures=[picture(), picture(n=3, outlines=[np.zeros((2, 2))])], synthetic=True
    ),
    comparison(),
    comparison(
        [comparison_row(), comparison_row(zone_id="T2", verdict="not observed", difference=None, low=None, high=None)]
    ),
]


@pytest.mark.parametrize("report", FULL)
def test_page_is_whole_and_needs_nothing_from_outside(report):
    page = Page(report.html())
    assert "script" not in page.tags
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("href", "src"):
            assert value.startswith("data:image/jpeg;base64,")
    assert not re.search(r"https?:|@import|url\(|\$[a-z]", report.html())


def test_everything_written_by_others_is_escaped():
    evil = '<script>alert("1")</script>&'
    report = TallyReport(
        title=evil,
        epoch=evil,
        headlines=[evil],
        rows=[tally_row(zone_id=evil, note=evil, basis=evil, **{"class": evil})],
        rules=[evil],
        warnings=[evil],
        pictures=[Picture(np.zeros((9, 9, 3), np.uint8), evil, 0.5, np.zeros((1, 4, 2)), [evil], [evil], note=evil)],
        provenance={evil: evil},
        inputs=[(evil, 1, evil)],
        credit=evil,
    )
    other = comparison([comparison_row(zone_id=evil, verdict="not " + evil, note=evil, epoch_1=evil, unit=evil)])
    for html, times in ((report.html(), 12), (other.html(), 4)):
        assert "script" not in Page(html).tags
        assert "<script" not in html
        assert html.count("&lt;script&gt;") >= times


@pytest.mark.parametrize(
    "changes, words",
    [
        ({}, "about 73, 70 to 78"),
        ({"unit": "m", "estimate": 1012.4, "low": 930.2, "high": 1090.0}, "about 1,012 m, 930 to 1,090 m"),
        ({"unit": "share", "estimate": 0.42, "low": 0.38, "high": 0.47}, "about 42 %, 38 to 47 %"),
        ({"estimate": 0, "low": 0, "high": 3}, "about 0, 0 to 3"),
        (UNSEEN, "not observed"),
    ],
)
def test_a_result_is_whole_and_has_its_range(changes, words):
    assert cells(tally([tally_row(**changes)]).html())[0][2] == words


def test_what_was_not_observed_has_no_number_and_no_bar():
    html = tally([tally_row(**UNSEEN)]).table()
    assert "<svg" not in html
    assert cells(html)[0] == ["T1", "freight car", "not observed", "", "20 %", "uncalibrated"]


def test_lines_of_a_zone_share_its_name_and_namesakes_stay_apart():
    rows = [tally_row(), tally_row(unit="m"), tally_row(zone_id="T2", name="Main"), tally_row(zone_id="T3", name="Main")]
    html = tally(rows).table()
    assert re.findall(r'rowspan="(\d)">(.*?)<', html) == [("2", "T1"), ("1", "Main"), ("1", "Main")]


def test_notes_that_rows_share_stand_once_below_the_table():
    rows = [tally_row(note="dark"), tally_row(note=""), tally_row(note="wet"), tally_row(note="dark")]
    html = tally(rows).table()
    assert [line[-1] for line in cells(html)] == ["uncalibrated 1", "uncalibrated", "uncalibrated 2", "uncalibrated 1"]
    assert html.endswith('<ol class="notes"><li>dark</li><li>wet</li></ol>')


def test_ranges_of_a_class_and_unit_are_drawn_on_one_scale():
    html = tally([tally_row(low=50, high=100, estimate=75), tally_row(low=100, high=200, estimate=150)]).table()
    ends = [[float(x) for x in pair] for pair in re.findall(r'd="M([\d.]+) 8H([\d.]+)" stroke="#0f6a73"', html)]
    assert ends == [[37.0, 70.0], [70.0, 136.0]]


@pytest.mark.parametrize(
    "numbers, words",
    [
        ((18, 9, 27), "about +18, +9 to +27"),
        ((-8, -12.2, -3.9), "about −8, −13 to −3"),
        ((0, -4, 6), "about 0, −4 to +6"),
        ((1200, 900, 1500, "m2"), "about +1,200 m², +900 to +1,500 m²"),
        ((0.1, 0.05, 0.15, "share"), "about +10 %, +5 to +15 %"),
        ((None, None, None), ""),
    ],
)
def test_difference_in_words(numbers, words):
    assert difference(*numbers) == words


@pytest.mark.parametrize(
    "verdict, sign", [("increase", "▲"), ("decrease", "▼"), ("the same within 6", "="), ("not observed", "–")]
)
def test_verdict_has_a_sign_beside_its_words(verdict, sign):
    assert cells(comparison([comparison_row(verdict=verdict)]).html())[0][5] == f"{sign} {verdict}"


def test_comparison_says_two_days_and_shows_both_estimates():
    html = comparison([comparison_row(low_1=70, high_1=78)]).html()
    assert TWO_DAYS in Page(html).text
    assert cells(html)[0] == [
        "T1", "freight car", "about 73, 70 to 78", "91", "about +18, +9 to +27", "▲ increase", "× 2.4", "98 %",
    ]  # fmt: skip


@pytest.mark.parametrize("changes", [{"estimate_1": 0}, {"estimate_2": None}, {"smallest_visible_change": None}])
def test_no_ratio_to_nothing(changes):
    assert cells(comparison([comparison_row(**changes)]).html())[0][6] == ""


@pytest.mark.parametrize("verdict, shown", [("not observed", True), ("not comparable", True), ("increase", False)])
def test_the_reason_stands_where_there_is_no_verdict(verdict, shown):
    assert ("cloud" in comparison([comparison_row(verdict=verdict, note="cloud")]).html()) == shown


def test_epochs_head_their_columns_in_words():
    row = comparison_row(epoch_1="2024-05-12T02:14:31Z", epoch_2="2024-06")
    assert re.findall(r'<th scope="col">(.*?)</th>', comparison([row]).table())[2:4] == ["2024-05-12 02:14 UTC", "2024-06"]


@pytest.mark.parametrize(
    "warnings, said",
    [
        ([], []),
        (["No calibration."], ["No calibration."]),
        (["Zone A: dark", "Odd: one", "Zone B: dark", "Zone A: wet"], ["Zones A, B: dark", "Odd: one", "Zone A: wet"]),
        (["Zone A: dark", "Zone A: dark"], ["Zone A: dark"]),
        (["Zone A is dark"], ["Zone A is dark"]),
    ],
)
def test_what_is_warned_of_several_zones_is_said_once(warnings, said):
    assert gathered(warnings) == said


@pytest.mark.parametrize(
    "windows, groups",
    [
        ([], []),
        ([(0, 0, 10, 10)], [[0]]),
        ([(0, 0, 100, 10), (0, 5, 100, 15), (300, 0, 400, 10), (0, 2, 100, 12)], [[0, 1, 3], [2]]),
        ([(0, 0, 10, 10), (20, 0, 30, 10)], [[0], [1]]),
        ([(0, 0, 10, 10), (-50, -50, 50, 50)], [[0, 1]]),
    ],
)
def test_zones_beside_each_other_share_a_picture(windows, groups):
    assert gather(windows) == groups


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_is_said_first(synthetic):
    text = Page(tally(synthetic=synthetic).html()).text
    assert ("Synthetic scene." in text) == synthetic
    assert not synthetic or text.index("Synthetic scene.") < text.index("About 73.")


def test_missing_credit_is_said():
    assert "no credit or licence" in tally().html()
    assert "no credit or licence" not in tally(credit="Imagery: someone, CC BY 4.0").html()


def test_provenance_names_inputs_with_size_and_hash():
    text = Page(tally(provenance={"Algorithm": "rason:tallyscene"}, inputs=[("a.tif", 12345, "0a1b")]).html()).text
    for words in ("rason:tallyscene", "a.tif", "12,345 bytes", "SHA-256 0a1b"):
        assert words in text


def test_write_replaces_only_when_complete(tmp_path, monkeypatch):
    path = tmp_path / "r.html"
    tally().write(path)
    first = path.read_text("utf8")
    assert first == tally().html()

    def fail(self):
        raise ValueError

    monkeypatch.setattr(TallyReport, "html", fail)
    with pytest.raises(ValueError):
        tally().write(path)
    assert path.read_text("utf8") == first
    assert [p.name for p in tmp_path.iterdir()] == ["r.html"]


def test_write_into_a_missing_folder_is_an_os_error(tmp_path):
    with pytest.raises(OSError):
        tally().write(tmp_path / "none" / "r.html")


def embedded(html):
    from osgeo import gdal

    gdal.FileFromMemBuffer("/vsimem/test.jpg", base64.b64decode(re.search(r"base64,([^\"]+)", html).group(1)))
    data = gdal.Open("/vsimem/test.jpg").ReadAsArray()
    gdal.Unlink("/vsimem/test.jpg")
    return np.moveaxis(data, 0, 2)


def test_pixels_survive():
    ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (48, 1, 3))
    assert np.abs(embedded(Picture(ramp, "", 1.0).figure()).astype(int) - ramp).mean() < 2


def test_large_picture_is_reduced_with_its_boxes(monkeypatch):
    monkeypatch.setattr(report_picture, "LONGEST_SIDE_PX", 30)
    html = picture(rows=41, columns=61, n=1, outlines=[np.array([[3.0, 3], [30, 30]])]).figure()
    assert embedded(html).shape == (13, 20, 3)
    assert 'viewBox="0 0 20 13"' in html
    assert "M0.7 0.7L2.7 0.7L2.7 1.7L0.7 1.7Z" in html
    assert "M1.0 1.0L10.0 10.0" in html


def test_box_lies_round_its_pixels():
    data = np.zeros((3, 20, 30), np.float32)
    data[:, 4:8, 10:22] = 1  # 12 m long to the east, 4 m wide, at 1 m per pixel
    scene = ArrayScene(data, 1.0, x0=100, y0=200)
    found = Detections.make(116, 194, 12, 4, 90, "ship")
    drawn = Picture.of(scene.read(scene.bounds), "berth", found)
    assert drawn.corners.reshape(4, 2).min(0).tolist() == pytest.approx([10, 4])
    assert drawn.corners.reshape(4, 2).max(0).tolist() == pytest.approx([22, 8])
    assert drawn.rgb[4:8, 10:22].min() == 255 and drawn.rgb.astype(int).sum() == 255 * 3 * 48


def test_outlines_of_every_kind_of_zone():
    scene = ArrayScene(np.zeros((1, 10, 10), np.float32), 1.0, roles=("grey",))
    holed = box(0, -9, 9, 0).difference(box(3, -6, 6, -3))
    zones = [
        LineString([(0, 0), (5, -5)]),
        MultiPolygon([box(0, -2, 2, 0), box(4, -6, 6, -4)]),
        holed,
        Point(0, 0).buffer(0),
    ]
    drawn = Picture.of(scene.read(scene.bounds), "zones", Detections.empty(), zones=zones)
    assert len(drawn.outlines) == 1 + 2 + 2 + 0
    assert drawn.outlines[0].tolist() == [[0, 0], [5, 5]]
    assert drawn.rgb.shape == (10, 10, 3)


def test_plan_shows_all_boxes_on_plain_ground():
    found = Detections.make([0, 100], [0, 0], 12, 4, 0, "ship")  # 4 m to the east, 12 m to the north
    plan = Picture.plan(found, "changes", mark=["appeared", "stayed"])
    assert plan.rgb.shape == (pytest.approx(32 / 124 * 1200, abs=1), 1200, 3)  # with 10 m round them
    assert np.unique(plan.rgb).size == 1
    metres = plan.corners * plan.gsd_m
    assert metres[:, :, 0].min(1).tolist() == pytest.approx([10, 110])
    assert metres[:, :, 1].max(1).tolist() == pytest.approx([22, 22])
    assert "ship, appeared: 1" in plan.figure()


def test_plan_of_nothing():
    assert "<svg" in Picture.plan(Detections.empty(), "nothing").figure()


def test_legend_counts_each_class_and_status_with_its_own_line():
    corners = np.zeros((5, 4, 2))
    names = ["freight_car", "freight_car", "container", "coal <pile>", "freight_car"]
    marks = ["detected", "rejected", "detected", "added", "detected"]
    html = Picture(np.zeros((20, 20, 3), np.uint8), "", 0.5, corners, names, marks).figure()
    legend = re.findall(r"<li>(.*?)</li>", html)
    assert [re.sub("<.*?>", "", item) for item in legend] == [
        "coal &lt;pile&gt;, added: 1",
        "container, detected: 1",
        "freight car, detected: 2",
        "freight car, rejected: 1",
    ]
    samples = {re.search(r"<path stroke=.*?>", item).group() for item in legend}
    assert len(samples) == 4


@pytest.mark.parametrize(
    "columns, gsd_m, label", [(800, 0.5, "100 m"), (100, 0.3, "5 m"), (1000, 10.0, "2 km"), (400, 1.0, "100 m")]
)
def test_scale_bar_is_a_round_length_of_at_most_a_quarter(columns, gsd_m, label):
    html = Picture(np.zeros((50, columns, 3), np.uint8), "", gsd_m).figure()
    assert f">{label}</text>" in html
    start, end = (float(x) for x in re.search(r"M([\d.]+) [\d.]+V[\d.]+H([\d.]+)V", html).groups())
    metres = float(label.split()[0]) * (1000 if "km" in label else 1)
    assert (end - start) * gsd_m == pytest.approx(metres, rel=0.02)
    assert end - start <= columns / 4 + 0.1


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1)])
def test_tiny_pictures(shape):
    assert embedded(Picture(np.zeros((*shape, 3), np.uint8), "", 0.5).figure()).shape[:2] == shape
