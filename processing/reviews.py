"""Reading the cells of a review, with what a person has filled in."""

from __future__ import annotations

from ..engine.errors import Refusal
from ..layers import schema
from . import bridge, lazy

detections = lazy.engine("detections")

FILLED = ("seen", "done", "reviewed_by", "reviewed_at", "note")
NEEDED = ("cell_id", "zone_id", "class", "rank", "seen", "done", "expected", "chance", "zone_expected", "zone_cells",
          "all_expected", "all_cells")  # fmt: skip
WORDS = {"true": True, "t": True, "yes": True, "1": True, "false": False, "f": False, "no": False, "0": False, "": False}


def nothing():
    """No detections."""
    return detections.Detections.empty()


def are_cells(source):
    """Whether a layer holds cells of a review."""
    return all(bridge.field_index(source.fields(), key) >= 0 for key in ("cell_id", "rank", "chance", "done"))


def rows_of(source, name):
    """One dict a cell in the order of drawing, with its feature; refuses layers that are no cells of one review."""
    columns = {column.name: bridge.field_index(source.fields(), column.name) for column in schema.REVIEW_CELLS}
    missing = [key for key in NEEDED if columns[key] < 0]
    if missing:
        raise Refusal("{name} holds no cells of a review: it lacks the fields {missing}. Make them with rason:samplereview.",
                      name=name, missing=", ".join(missing))  # fmt: skip
    rows = []
    for feature in source.getFeatures():
        row = {key: bridge.value(feature, index) for key, index in columns.items()}
        label = row["cell_id"]
        for key in NEEDED[3:]:
            if key not in ("seen", "done"):
                row[key] = _number(row[key], key, label, name)
        for key in ("seen", "track_m"):
            row[key] = None if row[key] is None else _number(row[key], key, label, name)
        row["done"] = _truth(row["done"], label, name)
        rows.append({**row, "feature": feature})
    if not rows:
        raise Refusal("{name} holds no cells.", name=name)
    rows.sort(key=lambda row: row["rank"])
    return rows


def looked_at(rows, name):
    """The done cells before the first open one, of cells in the order of drawing; refuses what is not one draw, whole."""
    if [row["rank"] for row in rows] != list(range(1, len(rows) + 1)):
        raise Refusal(
            "{name} must hold the cells 1 to {number} of one draw, each once; some are missing, doubled or selected away.",
            name=name,
            number=len(rows),
        )
    for key in ("class", "all_expected", "all_cells"):
        if len({row[key] for row in rows}) > 1:
            raise Refusal("{name} holds cells of several draws ({key} differs). Give one.", name=name, key=key)
    if sum(row["chance"] for row in rows) > 1 + 1e-6 or min(row["chance"] for row in rows) <= 0:
        raise Refusal("{name}: the field chance has been changed. Draw the cells again with rason:samplereview.", name=name)
    still_open = [place for place, row in enumerate(rows) if not row["done"]]
    return rows[: still_open[0]] if still_open else rows


def _number(value, key, label, name):
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number < 1e9 or (key == "seen" and number != int(number)):
        kind = "a whole number of 0 or more" if key == "seen" else "as it was drawn"
        raise Refusal("{name}: {key} of cell {label} must be {kind}.", name=name, key=key, label=label, kind=kind)
    return number


def _truth(value, label, name):
    if isinstance(value, bool) or value is None:
        return bool(value)
    try:
        return WORDS[str(value).strip().lower()]
    except KeyError:
        raise Refusal("{name}: done of cell {label} is neither true nor false.", name=name, label=label) from None
