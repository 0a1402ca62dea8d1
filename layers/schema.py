"""The fields of every layer Rason reads or writes, and the words that stand in them. Published: they never change."""

from __future__ import annotations

from typing import NamedTuple

from qgis.core import Qgis, QgsField, QgsFields
from qgis.PyQt.QtCore import QMetaType, QVariant

from ..engine import classes
from ..engine.words import APPEARED, DISAPPEARED, MOVED, NOT_OBSERVABLE, STAYED

if Qgis.QGIS_VERSION_INT < 33800:  # QgsField takes nothing else there, and warns about it later
    TEXT, INTEGER, REAL, BOOLEAN = QVariant.String, QVariant.Int, QVariant.Double, QVariant.Bool
else:
    TEXT, INTEGER, REAL, BOOLEAN = (
        QMetaType.Type.QString,
        QMetaType.Type.Int,
        QMetaType.Type.Double,
        QMetaType.Type.Bool,
    )


class Column(NamedTuple):
    """One field: its name (units in the name), its type and what it holds."""

    name: str
    type: int
    about: str


def qgs_fields(columns) -> QgsFields:
    """The columns as QGIS wants them."""
    fields = QgsFields()
    for column in columns:
        field = QgsField(column.name, column.type)
        field.setComment(column.about)
        fields.append(field)
    return fields


def names(columns) -> list[str]:
    """The names alone, in order."""
    return [column.name for column in columns]


# Words of `status`, `verdict` and `change`.
DETECTED, ACCEPTED, REJECTED, ADDED = STATUSES = ("detected", "accepted", "rejected", "added")
CLASSES = tuple(name for name, entry in classes.CLASSES.items() if entry.counted_to_m)
AREA_CLASSES = tuple(name for name in classes.CLASSES if name not in CLASSES)  # measured, never counted
BASES = ("uncalibrated", "calibrated", "reviewed", "counted")
UNITS = ("objects", "TEU", "m", "m2", "share", "t", "bbl")
MEASURED = ("m", "m2", "share")  # by the detectors, beside the count
VERDICTS = ("increase", "decrease", "the same", "no change shown", "not observed", "not comparable")
CHANGE_WORDS = (APPEARED, DISAPPEARED, MOVED, STAYED, NOT_OBSERVABLE)

ZONES = (
    Column("zone_id", TEXT, "Unique name of the zone in every result"),
    Column("name", TEXT, "Name for people"),
    Column("kind", TEXT, "pier, yard, track, berth, water or area: says what is counted unless the user does"),
)

DETECTIONS = (
    Column("class", TEXT, "freight_car, container, ship, or any other class"),
    Column("score", REAL, "The detector's own number, higher is surer"),
    Column("p", REAL, "Probability that this is an object of its class, 0 to 1"),
    Column("length_m", REAL, "Longer side in metres on the ground"),
    Column("width_m", REAL, "Shorter side in metres on the ground"),
    Column("azimuth_deg", REAL, "Direction of the long side, clockwise from north, 0 to 180"),
    Column("zone_id", TEXT, "Zone that holds the centre"),
    Column("scene", TEXT, "File name of the scene"),
    Column("epoch", TEXT, "When the scene was taken, ISO 8601 in UTC"),
    Column("detector", TEXT, "What found it, or who drew it"),
    Column("status", TEXT, "detected, accepted, rejected or added"),
    Column("reviewed_by", TEXT, "Who decided the status"),
    Column("reviewed_at", TEXT, "When, ISO 8601 in UTC"),
    Column("note", TEXT, "For the reviewer"),
    Column("type", TEXT, "Kind within the class, such as tank or 40 ft; empty where it cannot be told"),
    Column("type_p", REAL, "Probability of the type, 0 to 1"),
    Column("position_m", REAL, "Metres along the track from its first vertex"),
    Column("heading_deg", REAL, "Where a ship's bow points, clockwise from north; empty where bow and stern look alike"),
    Column("tiers_low", REAL, "Boxes in this stack at least, by its shadow or side; empty where not known"),
    Column("tiers_high", REAL, "Boxes in this stack at most; empty where not known"),
)

TALLY = (
    Column("zone_id", TEXT, "The zone counted in"),
    Column("class", TEXT, "The class counted"),
    Column("scene", TEXT, "File name of the scene"),
    Column("epoch", TEXT, "When the scene was taken, ISO 8601 in UTC"),
    Column("detected", REAL, "What was found; empty when not observed"),
    Column("estimate", REAL, "Best estimate after misses and false detections; empty when not observed"),
    Column("low", REAL, "Lower end of the interval"),
    Column("high", REAL, "Upper end of the interval"),
    Column("level", REAL, "Probability the interval is made for, such as 0.9"),
    Column("visible_fraction", REAL, "Share of the zone that could be seen, 0 to 1"),
    Column("basis", TEXT, "uncalibrated, calibrated, reviewed or counted"),
    Column("unit", TEXT, "objects, TEU, m, m2, share, t or bbl"),
    Column("exposure", REAL, "Ground of the whole zone: hectares, or kilometres of track; empty for measured rows"),
    Column("calibration", TEXT, "Key of the calibration the interval rests on, so that a comparison finds it again"),
    Column("rules", TEXT, "What was counted as one object"),
    Column("note", TEXT, "What weakens the number"),
)

# What rason:visibility says of each zone; the first fields are those of a look, from which port calls are made.
VISIBILITY = (
    Column("zone_id", TEXT, "The zone looked at"),
    Column("scene", TEXT, "File name of the scene"),
    Column("epoch", TEXT, "When the scene was taken, ISO 8601 in UTC"),
    Column("epoch_precision", TEXT, "second, day or month"),
    Column("visible_fraction", REAL, "Share of the zone that could be seen, 0 to 1"),
    Column("usable", BOOLEAN, "Whether at least half of it could be seen; below that it is not observed"),
    Column("nodata_share", REAL, "Share outside the scene or without data"),
    Column("cloud_share", REAL, "Share under cloud"),
    Column("shadow_share", REAL, "Share in the shadow of a cloud"),
    Column("haze_share", REAL, "Share under haze that hides the ground's detail"),
    Column("glint_share", REAL, "Share of water lost in sun glint"),
    Column("roof_share", REAL, "Share under roofs that stood at the epoch"),
    Column("masked_share", REAL, "Share masked by the user"),
    Column("note", TEXT, "What hides it, in words"),
)
SLOT_VISIBILITY = (Column("slot_id", TEXT, "The slot looked at"), *VISIBILITY)

# What rason:portcalls says of each call, and of each zone.
CALLS = (
    Column("zone_id", TEXT, "The berth, or the track"),
    Column("class", TEXT, "ship, or what else stood there"),
    Column("arrival_earliest", TEXT, "Last usable look without it, ISO 8601 in UTC; empty where the looks begin with it"),
    Column("arrival_latest", TEXT, "First look with it"),
    Column("departure_earliest", TEXT, "Last look with it"),
    Column("departure_latest", TEXT, "First usable look without it; empty where the looks end with it"),
    Column("length_m", REAL, "Mean of its measured lengths; empty where none was measured"),
    Column("length_low", REAL, "Lower end of its 90 % interval"),
    Column("length_high", REAL, "Upper end"),
    Column("looks", INTEGER, "Looks in which it was seen"),
    Column("seen", TEXT, "When these were taken"),
    Column("p", REAL, "Probability that anything was there at all, 1 where a person marked or accepted it"),
    Column("consistent_with", TEXT, "Listed ships of such a length and at such dates: not which ship it was"),
    Column("note", TEXT, "The call in a sentence"),
)
CALLS_SUMMARY = (
    Column("zone_id", TEXT, "The berth or track; all zones: where one that shifts berth counts once"),
    Column("class", TEXT, "ship, or what else stood there"),
    Column("looks", INTEGER, "Looks in all"),
    Column("usable", INTEGER, "Looks that would have shown it"),
    Column("first", TEXT, "The first of these, ISO 8601 in UTC"),
    Column("last", TEXT, "The last"),
    Column("longest_gap_days", REAL, "Days between two usable looks at most"),
    Column("at_least", INTEGER, "Calls at least"),
    Column("missed_1d", REAL, "Chance that a call of 1 day between first and last was never seen"),
    Column("missed_2d", REAL, "The same for a call of 2 days"),
    Column("missed_3d", REAL, "The same for 3 days"),
    Column("missed_5d", REAL, "The same for 5 days"),
    Column("stay_days", REAL, "Days that a call is taken to last at least, for the upper bounds"),
    Column("at_most", INTEGER, "Calls of that stay or longer, at most (95 %); empty where the looks give no bound"),
    Column("most_a_month", REAL, "Such calls in 30 days in the long run, at most (95 %)"),
    Column("load_unit", TEXT, "What a call is taken to carry"),
    Column("flow_low", REAL, "At least calls times least load"),
    Column("flow_high", REAL, "At most calls times greatest load; empty where the looks give no bound"),
    Column("note", TEXT, "The zone in sentences"),
)

COMPARISON = (
    Column("zone_id", TEXT, "The zone compared"),
    Column("class", TEXT, "The class compared"),
    Column("unit", TEXT, "objects, TEU, m, m2 or share"),
    Column("epoch_1", TEXT, "The earlier epoch, ISO 8601 in UTC"),
    Column("epoch_2", TEXT, "The later epoch, ISO 8601 in UTC"),
    Column("estimate_1", REAL, "Estimate at the earlier epoch"),
    Column("estimate_2", REAL, "Estimate at the later epoch"),
    Column("difference", REAL, "Later minus earlier"),
    Column("low", REAL, "Lower end of the difference's interval"),
    Column("high", REAL, "Upper end of the difference's interval"),
    Column("level", REAL, "Probability the interval is made for"),
    Column("ratio", REAL, "Later over earlier"),
    Column("ratio_low", REAL, "Lower end of the ratio's interval"),
    Column("ratio_high", REAL, "Upper end of the ratio's interval"),
    Column("p_value", REAL, "Of the test that nothing changed"),
    Column("q_value", REAL, "The same, corrected for the number of comparisons"),
    Column("verdict", TEXT, "increase, decrease, the same within d, no change shown, not observed or not comparable"),
    Column("smallest_visible_change", REAL, "What these two scenes could have shown"),
    Column("common_visible_fraction", REAL, "Share of the zone seen at both epochs, 0 to 1"),
    Column("note", TEXT, "The verdict in a sentence"),
)

TURNOVER = (
    Column("zone_id", TEXT, "The zone compared"),
    Column("class", TEXT, "The class compared"),
    Column("epoch_1", TEXT, "The earlier epoch, ISO 8601 in UTC"),
    Column("epoch_2", TEXT, "The later epoch, ISO 8601 in UTC"),
    Column("stayed", INTEGER, "Objects in the same place at both epochs"),
    Column("moved", INTEGER, "Objects found again a little away"),
    Column("not_observable", INTEGER, "Objects at a place that the other epoch did not show"),
    Column("appeared", INTEGER, "Objects of the later epoch without a counterpart"),
    Column("appeared_by_error", INTEGER, "How many the errors of both counts alone make appear"),
    Column("appeared_by_error_low", INTEGER, "Lower end of its interval"),
    Column("appeared_by_error_high", INTEGER, "Upper end"),
    Column("came", INTEGER, "How many really came, at least: appeared less errors, missed ones added"),
    Column("came_low", INTEGER, "Lower end of its interval"),
    Column("came_high", INTEGER, "Upper end"),
    Column("disappeared", INTEGER, "Objects of the earlier epoch without a counterpart"),
    Column("disappeared_by_error", INTEGER, "How many the errors of both counts alone make disappear"),
    Column("disappeared_by_error_low", INTEGER, "Lower end of its interval"),
    Column("disappeared_by_error_high", INTEGER, "Upper end"),
    Column("went", INTEGER, "How many really went, at least"),
    Column("went_low", INTEGER, "Lower end of its interval"),
    Column("went_high", INTEGER, "Upper end"),
    Column("level", REAL, "Probability the intervals are made for"),
    Column("note", TEXT, "The row in a sentence"),
)

SLOT_CHANGES = (
    Column("slot_id", TEXT, "The slot or berth"),
    Column("zone_id", TEXT, "The zone it belongs to; empty where none is said"),
    Column("epoch_1", TEXT, "The earlier epoch, ISO 8601 in UTC"),
    Column("epoch_2", TEXT, "The later epoch, ISO 8601 in UTC"),
    Column("change", TEXT, "occupied both, emptied, filled, empty both or not observed"),
    Column("objects_1", INTEGER, "Objects on it at the earlier epoch; empty when not observed"),
    Column("objects_2", INTEGER, "Objects on it at the later epoch"),
    Column("longest_1_m", REAL, "Length of the longest of them at the earlier epoch"),
    Column("longest_2_m", REAL, "Length of the longest of them at the later epoch"),
    Column("note", TEXT, "The row in a sentence"),
)

TRAIN_PAIRS = (
    Column("epoch_1", TEXT, "The earlier sighting, ISO 8601 in UTC; empty where the layer does not say"),
    Column("epoch_2", TEXT, "The later sighting"),
    Column("number_1", INTEGER, "Place of the wagon in the earlier train, from 1; empty where it has no counterpart"),
    Column("number_2", INTEGER, "Place of the wagon in the later train"),
    Column("position_1_m", REAL, "Metres along the earlier track"),
    Column("position_2_m", REAL, "Metres along the later track"),
    Column("length_1_m", REAL, "Length in the earlier sighting"),
    Column("length_2_m", REAL, "Length in the later sighting"),
    Column("type_1", TEXT, "Type in the earlier sighting; empty where it cannot be told"),
    Column("type_2", TEXT, "Type in the later sighting"),
    Column("evidence", REAL, "Log odds of this pair: one wagon seen twice against two wagons of these trains"),
)

CHANGES = (
    *DETECTIONS,
    Column("change", TEXT, "appeared, disappeared, moved, stayed or not observable"),
    Column("match_id", TEXT, "The same for both ends of a match"),
)

# What rason:tallyseries says of each look, and of each series.
SERIES = (
    Column("zone_id", TEXT, "The zone counted in"),
    Column("class", TEXT, "The class counted"),
    Column("unit", TEXT, "objects, TEU, m, m2, share, t or bbl"),
    Column("source", TEXT, "By hand, or the calibration and sensor: no statistic mixes two of them"),
    Column("scene", TEXT, "File name of the scene"),
    Column("epoch", TEXT, "When the scene was taken, ISO 8601 in UTC"),
    Column("epoch_precision", TEXT, "second, day or month"),
    Column("estimate", REAL, "Best estimate of this look; empty when not observed"),
    Column("low", REAL, "Lower end of its interval"),
    Column("high", REAL, "Upper end"),
    Column("level", REAL, "Probability the interval is made for"),
    Column("visible_fraction", REAL, "Share of the zone that could be seen, 0 to 1"),
    Column("basis", TEXT, "uncalibrated, calibrated, reviewed or counted"),
    Column("expected_low", REAL, "Lower end of what the earlier looks predict; empty where too few came before"),
    Column("expected_high", REAL, "Upper end"),
    Column("alert", BOOLEAN, "Whether the look lies outside that"),
    Column("mean_level", REAL, "Mean of the stretch of one level it lies in; empty below twelve looks"),
    Column("note", TEXT, "What to know of the look"),
)
SERIES_SUMMARY = (
    Column("zone_id", TEXT, "The zone counted in"),
    Column("class", TEXT, "The class counted"),
    Column("unit", TEXT, "objects, TEU, m, m2, share, t or bbl"),
    Column("source", TEXT, "By hand, or the calibration and sensor"),
    Column("looks", INTEGER, "Looks in all"),
    Column("observed", INTEGER, "Looks that saw enough"),
    Column("first", TEXT, "The first of these, ISO 8601 in UTC"),
    Column("last", TEXT, "The last"),
    Column("p_value", REAL, "Of no trend (Mann-Kendall, two-sided)"),
    Column("slope", REAL, "Units a year (Theil-Sen)"),
    Column("slope_low", REAL, "Lower end of its 95 % interval"),
    Column("slope_high", REAL, "Upper end"),
    Column("rate", REAL, "Growth a year as a ratio (quasi-Poisson)"),
    Column("rate_low", REAL, "Lower end of its 95 % interval"),
    Column("rate_high", REAL, "Upper end"),
    Column("dispersion", REAL, "Variance over mean about that growth; 1 is a Poisson count"),
    Column("changes", INTEGER, "Changes of level"),
    Column("alerts", INTEGER, "Looks outside what the earlier ones predict"),
    Column("note", TEXT, "The series in sentences"),
)

ACCURACY = (
    Column("class", TEXT, "The class judged"),
    Column("group_by", TEXT, "all, scene, zone, length, or the condition that this row is about"),
    Column("name", TEXT, "Which scene, zone or range of it"),
    Column("places", INTEGER, "Zones in this row, each scene's counted"),
    Column("true_objects", INTEGER, "Objects in the truth"),
    Column("found", INTEGER, "Detections"),
    Column("hits", INTEGER, "Detections with a true object of their own"),
    Column("doubles", INTEGER, "Further detections that touch a true object"),
    Column("false_ones", INTEGER, "Detections that touch none"),
    Column("missed", INTEGER, "True objects without a detection"),
    Column("precision", REAL, "Hits over detections"),
    Column("precision_low", REAL, "Lower end of its 90 % interval"),
    Column("precision_high", REAL, "Upper end"),
    Column("recall", REAL, "Hits over true objects"),
    Column("recall_low", REAL, "Lower end of its 90 % interval"),
    Column("recall_high", REAL, "Upper end"),
    Column("f1", REAL, "Harmonic mean of precision and recall"),
    Column("average_precision", REAL, "Area under the curve of precision over recall"),
    Column("count_error", REAL, "(found - true) / true"),
    Column("wape", REAL, "Sum of the zones' absolute count errors over the true number"),
    Column("worst_decile", REAL, "Mean relative count error of the tenth of the zones where it is largest"),
)

# The cells that rason:samplereview draws: a person fills seen and done, rason:estimatefromreview needs nothing else.
REVIEW_CELLS = (
    Column("cell_id", TEXT, "Name of the cell; they are drawn in the order of these numbers"),
    Column("zone_id", TEXT, "The zone it is cut from"),
    Column("class", TEXT, "What to count in it"),
    Column("scene", TEXT, "File name of the scene"),
    Column("epoch", TEXT, "When the scene was taken, ISO 8601 in UTC"),
    Column("rank", INTEGER, "Place in the order of drawing: done ones count up to the first that is open"),
    Column("seen", INTEGER, "For you: objects of the class whose centre lies in the cell, 0 where there is none"),
    Column("done", BOOLEAN, "For you: true when the whole cell has been looked at"),
    Column("reviewed_by", TEXT, "Who looked"),
    Column("reviewed_at", TEXT, "When, ISO 8601"),
    Column("note", TEXT, "For the reviewer"),
    Column("expected", REAL, "Objects that the detector makes of it: the sum of their p"),
    Column("chance", REAL, "Probability that this cell is drawn first; grows with expected"),
    Column("track_m", REAL, "Metres of track in the cell; empty in polygons"),
    Column("zone_expected", REAL, "The sum of expected over all cells of the zone"),
    Column("zone_cells", INTEGER, "Cells of the zone, drawn or not"),
    Column("all_expected", REAL, "The same over all zones"),
    Column("all_cells", INTEGER, "Cells of all zones"),
    Column("before_low", REAL, "Lower end of the detector's tally of all zones, before any look"),
    Column("before_high", REAL, "Upper end; empty where there is none"),
    Column("before_level", REAL, "Probability that interval is made for"),
)

# What rason:comparecounts says of two counters of one scene, and what only one of them marked.
COUNTERS = (
    Column("zone_id", TEXT, "The zone compared"),
    Column("class", TEXT, "The class compared"),
    Column("scene", TEXT, "File name of the scene"),
    Column("epoch", TEXT, "When the scene was taken, ISO 8601 in UTC"),
    Column("count_1", INTEGER, "Objects that the first counter marked"),
    Column("count_2", INTEGER, "Objects that the second marked"),
    Column("both", INTEGER, "Objects that both marked"),
    Column("only_1", INTEGER, "Marked by the first alone"),
    Column("only_2", INTEGER, "Marked by the second alone"),
    Column("seen", INTEGER, "Different objects marked"),
    Column(
        "estimate", INTEGER, "Objects there are, if each counter misses by chance; empty where nothing was marked by both"
    ),
    Column("low", INTEGER, "Lower end of its interval: at least so many, if all marks are objects"),
    Column("high", INTEGER, "Upper end, if each misses by chance: objects hard for both make it more"),
    Column("level", REAL, "Probability the interval is made for"),
    Column("note", TEXT, "The same in sentences"),
)
SINGLES = (
    Column("class", TEXT, "Class of the mark"),
    Column("zone_id", TEXT, "Zone that holds it"),
    Column("scene", TEXT, "File name of the scene"),
    Column("epoch", TEXT, "When the scene was taken, ISO 8601 in UTC"),
    Column("counter", TEXT, "MARKS_1 or MARKS_2: who marked it"),
    Column("status", TEXT, "For you: accepted or rejected"),
    Column("reviewed_by", TEXT, "Who decided the status"),
    Column("reviewed_at", TEXT, "When, ISO 8601"),
    Column("note", TEXT, "For the reviewer"),
)

# Every reference layer.
REFERENCE = (
    Column("id", TEXT, "Fixed name of the feature"),
    Column("name", TEXT, "English name"),
    Column("name_ko", TEXT, "Korean name"),
    Column("kind", TEXT, "What it is"),
    Column("source", TEXT, "Where the geometry comes from"),
    Column("source_date", TEXT, "Date of the source, as far as known"),
    Column("licence", TEXT, "Licence of this feature"),
    Column("accuracy_m", REAL, "Position error to expect, in metres"),
    Column("approximate", BOOLEAN, "True where the geometry must not be measured from"),
    Column("evidence", TEXT, "A seen in the source, B second-hand, C stand-in, D schematic or remembered"),
    Column("note", TEXT, "Read before use"),
)

PIERS = (
    *REFERENCE,
    Column("axis_length_m", REAL, "Length from root to tip in metres"),
    Column("azimuth_deg", REAL, "Direction from root to tip, clockwise from north"),
    Column("pier_no_if_n_to_s", INTEGER, "Pier number if they are numbered from the north (not settled)"),
    Column("pier_no_if_s_to_n", INTEGER, "Pier number if they are numbered from the south (not settled)"),
)

# Berths and tracks can be counted in as they are, so they carry the zone's id too.
COUNTABLE = (Column("zone_id", TEXT, "Unique name of the zone in every result"), *REFERENCE)

ROOFS = (
    *REFERENCE,
    Column("date_from", TEXT, "First day the roof stood, ISO 8601"),
    Column("date_to", TEXT, "Last day, empty while it stands"),
)

TIE_POINTS = (
    Column("dx_m", REAL, "Metres that the scene is moved east by this point alone"),
    Column("dy_m", REAL, "The same north"),
    Column("quality", REAL, "Height of the correlation in standard deviations of its background"),
    Column("used", BOOLEAN, "Whether the alignment rests on it too"),
    Column("residual_m", REAL, "Metres from what the alignment says there"),
)

REPORTED_ACTIVITY = (
    Column("id", TEXT, "Fixed name of the row"),
    Column("date_from", TEXT, "First day, month or year the number holds for"),
    Column("date_to", TEXT, "Last one"),
    Column("place", TEXT, "Where, as published"),
    Column("site_id", TEXT, "The reference feature or layer meant"),
    Column("object_class", TEXT, "What was counted"),
    Column("number", REAL, "The published number"),
    Column("qualifier", TEXT, "exact, approximate, at least, more than, ..."),
    Column("basis", TEXT, "How the publisher came to it"),
    Column("source_title", TEXT, "Title of the publication"),
    Column("publisher", TEXT, "Who published it"),
    Column("published", TEXT, "When"),
    Column("url", TEXT, "Where"),
    Column(
        "grade",
        TEXT,
        "Evidence: A seen in the first publisher's text, B second-hand, C conflict or not re-checked, D remembered",
    ),
    Column("note", TEXT, "Read before use: cumulative totals overlap and must not be added"),
    Column("licence", TEXT, "Licence of this row"),
)

EVENTS = (
    Column("id", TEXT, "Fixed name of the row"),
    Column("date_from", TEXT, "First day or month"),
    Column("date_to", TEXT, "Last one"),
    Column("kind", TEXT, "infrastructure, sanctions, border, rail, trade, visit, shipping or statement"),
    Column("title", TEXT, "What happened"),
    Column("place", TEXT, "Where"),
    Column("site_id", TEXT, "The reference feature or layer meant; empty when not one site"),
    Column("source_title", TEXT, "Title of the publication"),
    Column("publisher", TEXT, "Who published it"),
    Column("published", TEXT, "When"),
    Column("url", TEXT, "Where"),
    Column(
        "grade",
        TEXT,
        "Evidence: A seen in the first publisher's text, B second-hand, C conflict or not re-checked, D remembered",
    ),
    Column("note", TEXT, "Read before use"),
    Column("licence", TEXT, "Licence of this row"),
)

# What rason:changeoptical and rason:changesar draw.
CHANGED_AREAS = (
    Column("change", TEXT, "brighter or darker: what most of the area's pixels became"),
    Column("p_value", REAL, "Chance that unchanged ground differs as much as the area's middle pixel"),
    Column("area_m2", REAL, "Ground of the area in square metres"),
    Column("epoch_1", TEXT, "The last epoch before the change, ISO 8601 in UTC; empty where the scene does not say"),
    Column("epoch_2", TEXT, "The first epoch after it"),
    Column("scene_1", TEXT, "File name of the scene before"),
    Column("scene_2", TEXT, "File name of the scene after"),
)

OBJECT_DIMENSIONS = (
    Column("id", TEXT, "Fixed name of the row"),
    Column("object_class", TEXT, "Class of the object"),
    Column("model", TEXT, "Type"),
    Column("length_m", REAL, "Length in metres, over couplers for rolling stock"),
    Column("width_m", REAL, "Width in metres"),
    Column("height_m", REAL, "Height in metres"),
    Column("tolerance_m", REAL, "How far the length may differ, in metres"),
    Column("source", TEXT, "Where the numbers come from"),
    Column("url", TEXT, "Where"),
    Column("grade", TEXT, "Evidence: A seen in the first publisher's text, B second-hand, C not re-checked, D remembered"),
    Column("note", TEXT, "Read before use"),
    Column("licence", TEXT, "Licence of this row"),
)
