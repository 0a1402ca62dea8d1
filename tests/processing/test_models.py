"""A model that a user draws: every step is one of ours, and what one gives the next one takes."""

import pytest
from qgis.core import (
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterNumber,
)

Source = QgsProcessingModelChildParameterSource


def step(model, name, algorithm, values, outputs=()):
    """Add a child. values: plain ones; (child, output) or a list of such for what an earlier child gives; "@NAME" for an input."""

    def source(value):
        if isinstance(value, tuple):
            return Source.fromChildOutput(*value)
        if isinstance(value, str) and value.startswith("@"):
            return Source.fromModelParameter(value[1:])
        return Source.fromStaticValue(value)

    child = QgsProcessingModelChildAlgorithm(f"rason:{algorithm}")
    child.setChildId(name)
    for key, value in values.items():
        child.addParameterSources(key, [source(v) for v in (value if isinstance(value, list) else [value])])
    finals = {}
    for output in outputs:
        final = QgsProcessingModelOutput(output.title())
        final.setChildId(name)
        final.setChildOutputName(output)
        finals[output.title()] = final
    child.setModelOutputs(finals)
    model.addChildAlgorithm(child)


@pytest.fixture
def drawn(provider, tmp_path):
    """A model file: two simulated epochs of a rail yard, counted, compared and put into a series."""
    model = QgsProcessingModelAlgorithm("two epochs", "tests")
    fill = QgsProcessingParameterNumber("FILL", "Fill", QgsProcessingParameterNumber.Type.Double, 0.7)
    model.addModelParameter(fill, QgsProcessingModelParameter("FILL"))
    for name, epoch, full in (("first", "2023-05-01T02:00:00Z", "@FILL"), ("second", "2023-09-01T02:00:00Z", 0.2)):
        step(model, name, "simulatescene", {"KIND": "rail yard", "SIZE": 120, "SEED": 1, "FILL": full, "EPOCH": epoch})
        scene, tracks = (name, "OUTPUT"), ("first", "ZONES")
        step(model, f"found_{name}", "detectfreightcars", {"INPUT": scene, "TRACKS": tracks})
        step(model, f"tally_{name}", "tally", {"DETECTIONS": (f"found_{name}", "OUTPUT"), "ZONES": tracks})
    pair = {f"TALLY_{k}": (f"tally_{name}", "OUTPUT") for k, name in ((1, "first"), (2, "second"))}
    found = {f"DETECTIONS_{k}": (f"found_{name}", "OUTPUT") for k, name in ((1, "first"), (2, "second"))}
    step(model, "compare", "compareepochs", pair | found, ("COMPARISON", "CHANGES"))
    step(model, "series", "tallyseries", {"TALLIES": list(pair.values())}, ("OUTPUT", "CHART"))
    path = tmp_path / "two_epochs.model3"
    assert model.toFile(str(path))
    return path


def test_a_drawn_model_runs_from_its_file(drawn, process, rows, tmp_path):
    files = {
        "compare__Comparison": "c.gpkg",
        "compare__Changes": "h.gpkg",
        "series__Output": "s.gpkg",
        "series__Chart": "s.svg",
    }
    done = process(str(drawn), FILL=0.8, **{key: str(tmp_path / file) for key, file in files.items()})
    assert done.code == 0 and "Traceback" not in done.log, done.log
    assert {key.replace(":", "__") for key in done.results} == set(files)
    compared = {(row["zone_id"], row["unit"]): row for row in rows(tmp_path / "c.gpkg")}
    assert {unit for _, unit in compared} == {"objects", "m", "share"}
    assert {row["epoch_1"][:7] for row in compared.values()} == {"2023-05"}
    counts = [row for (_, unit), row in compared.items() if unit == "objects"]
    assert sum(row["estimate_1"] for row in counts) > sum(row["estimate_2"] for row in counts), "0.8 full, then 0.2"
    assert not [row["note"] for row in compared.values() if row["verdict"] == "not comparable"]
    assert {row["change"] for row in rows(tmp_path / "h.gpkg")} >= {"disappeared"}
    assert {row["zone_id"] for row in rows(tmp_path / "s.gpkg")} == {zone for zone, _ in compared}
    assert (tmp_path / "s.svg").read_text().startswith("<svg")
