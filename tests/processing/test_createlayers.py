"""rason:createlayers through Processing; what it writes is tested in tests/layers."""

import shutil
import sqlite3
import subprocess
import sys

import pytest
from qgis.core import (
    QgsApplication,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsVectorLayer,
)

from rason.layers import geopackage, group
from rason.layers.reference import tables


class Feedback(QgsProcessingFeedback):
    def __init__(self):
        super().__init__(False)
        self.warnings, self.errors = [], []

    def pushWarning(self, text):
        self.warnings.append(text)

    def reportError(self, text, fatal=False):
        self.errors.append(text)


def run(feedback=None, **parameters):
    """Results; a refusal is raised whether it came from the check, from prepare or from the run."""
    algorithm = QgsApplication.processingRegistry().createAlgorithmById("rason:createlayers")
    context, feedback = QgsProcessingContext(), feedback or Feedback()
    good, message = algorithm.checkParameterValues(parameters, context)
    if not good:
        raise QgsProcessingException(message)
    results, good = algorithm.run(parameters, context, feedback)
    if not good:
        raise QgsProcessingException(feedback.errors[-1])
    return results


def load(algorithm_id, parameters):
    """As the dialog does: run, load, post-process."""
    from processing.gui.Postprocessing import handleAlgorithmResults

    project = QgsProject.instance()
    algorithm = QgsApplication.processingRegistry().createAlgorithmById(algorithm_id)
    context = QgsProcessingContext()
    context.setProject(project)
    _, good = algorithm.run(parameters, context, QgsProcessingFeedback(False), {}, False)
    assert good
    return handleAlgorithmResults(algorithm, context, QgsProcessingFeedback(False))


def test_declared(provider):
    algorithm = provider.algorithm("createlayers")
    assert [definition.name() for definition in algorithm.parameterDefinitions()] == ["OUTPUT", "OVERWRITE"]
    assert algorithm.parameterDefinition("OVERWRITE").defaultValue() is False
    assert algorithm.parameterDefinition("OUTPUT").fileFilter() == "GeoPackage files (*.gpkg)"


def test_writes_everything_and_says_where(provider, tmp_path):
    results = run(OUTPUT=str(tmp_path / "a.gpkg"))
    assert results["TABLES_WRITTEN"] == len(tables())
    assert len(results["OUTPUT_LAYERS"]) == len(tables())
    assert all(QgsVectorLayer(uri, "x", "ogr").isValid() for uri in results["OUTPUT_LAYERS"])
    again = run(OUTPUT=str(tmp_path / "a.gpkg"))
    assert again["TABLES_WRITTEN"] == 0


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.gpkg"
    geopackage.add_tables(path, tables(), False, lambda fraction: None)
    return path


def test_overwrite_names_what_it_spared(provider, whole, tmp_path):
    path = shutil.copy(whole, tmp_path / "a.gpkg")
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE events SET title = 'mine' WHERE fid = 1")
    connection.close()
    feedback = Feedback()
    run(feedback, OUTPUT=str(path), OVERWRITE=True)
    assert len(feedback.warnings) == 1
    assert "events" in feedback.warnings[0]


@pytest.mark.parametrize(
    ("name", "words"), [("a.shp", "ends in .gpkg"), ("none/a.gpkg", "does not exist"), ("text.gpkg", "not a GeoPackage")]
)
def test_refused_in_one_line(provider, tmp_path, name, words):
    (tmp_path / "text.gpkg").write_text("hello")
    with pytest.raises(QgsProcessingException, match=words) as refusal:
        run(OUTPUT=str(tmp_path / name))
    assert "\n" not in str(refusal.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["text.gpkg"]


def test_an_unknown_parameter_is_refused(provider, tmp_path):
    with pytest.raises(QgsProcessingException, match="OVERWRITTEN"):
        run(OUTPUT=str(tmp_path / "a.gpkg"), OVERWRITTEN=True)


def test_cancel_leaves_nothing(provider, tmp_path):
    feedback = Feedback()
    feedback.cancel()
    with pytest.raises(QgsProcessingException, match="Cancelled"):
        run(feedback, OUTPUT=str(tmp_path / "a.gpkg"))
    assert list(tmp_path.iterdir()) == []


HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("SELECT * FROM gpkg_contents").fetchone()
print("held", flush=True)
sys.stdin.read()
print(len(connection.execute("SELECT * FROM mine").fetchall()))
"""


def test_a_file_that_another_program_holds_open_is_added_to_and_not_lost(provider, tmp_path):
    path = tmp_path / "a.gpkg"
    some = [table for table in tables() if table.name == "piers"]
    geopackage.add_tables(path, some, False, lambda fraction: None)
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("CREATE TABLE mine (a INTEGER)")
        connection.execute("INSERT INTO mine VALUES (1)")
    connection.close()
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        results = run(OUTPUT=str(path))
        assert results["TABLES_WRITTEN"] == len(tables()) - 1
        out, _ = holder.communicate("", timeout=20)
        assert out == "1\n"
    finally:
        holder.kill()


def test_in_the_desktop_there_is_one_group_however_often_it_runs(provider, tmp_path, qgis_new_project, monkeypatch):
    from processing.gui import Postprocessing

    # pytest-qgis's window has a mock as its layer tree, which QGIS 3.44 does not take; 3.22 does not look at the window
    monkeypatch.setattr(Postprocessing, "iface", None, raising=False)
    project = QgsProject.instance()
    parameters = {"OUTPUT": str(tmp_path / "a.gpkg")}
    for overwrite in (False, False, True):
        assert load("rason:createlayers", {**parameters, "OVERWRITE": overwrite})
        assert len(project.mapLayers()) == len(tables())
        assert len(project.layerTreeRoot().children()) == 1
        assert [node.layer().name() for node in group.find(project).findLayers()] == [table.title for table in tables()]
    assert all(layer.isValid() for layer in project.mapLayers().values())
    assert not group.extent(project).isEmpty()


def test_through_qgis_process_onto_its_own_output(process, tmp_path):
    path = tmp_path / "라선 a.gpkg"
    for overwrite, written in ((False, len(tables())), (True, len(tables()) - 2)):
        done = process("rason:createlayers", timeout=60, OUTPUT=path, OVERWRITE=str(overwrite).lower())
        assert done.code == 0, done.log
        assert done.results["TABLES_WRITTEN"] == written
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_qgis_process_refuses_a_missing_folder(process, tmp_path):
    assert "does not exist" in process("rason:createlayers", OUTPUT=tmp_path / "none" / "a.gpkg").refused()
