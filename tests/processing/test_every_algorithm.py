"""Promises that every algorithm keeps."""

import re

import pytest
from qgis.core import QgsApplication, QgsProcessingParameterDefinition

IDS = {
    "createlayers",
    "makezones",
    "detectfreightcars",
    "detectcontainers",
    "detectships",
    "detectshipssar",
    "visibility",
    "simulatescene",
    "detectonnx",
    "tallyscene",
    "tally",
    "tallyoil",
    "alignscene",
    "compareepochs",
    "matchradiometry",
    "changeoptical",
    "comparetrains",
    "changesar",
    "tallyseries",
    "portcalls",
    "samplereview",
    "estimatefromreview",
    "comparecounts",
    "accuracy",
    "calibrate",
    "countyard",
    "comparescenes",
}


@pytest.fixture(scope="module")
def algorithms(provider):
    return QgsApplication.processingRegistry().providerById("rason").algorithms()


def test_ids_are_for_ever(algorithms):
    assert {algorithm.name() for algorithm in algorithms} == IDS


def test_names_help_and_icons(algorithms):
    for algorithm in algorithms:
        assert re.fullmatch(r"[a-z]+", algorithm.name())
        assert algorithm.displayName() and algorithm.displayName() != algorithm.name()
        assert len(algorithm.shortHelpString()) > 80, algorithm.id()
        assert "<" not in algorithm.shortHelpString(), "qgis_process prints tags raw"
        assert not algorithm.icon().isNull(), algorithm.id()
        assert algorithm.createInstance().name() == algorithm.name()


def test_every_parameter_has_help(algorithms):
    for algorithm in algorithms:
        for parameter in algorithm.parameterDefinitions():
            if parameter.flags() & QgsProcessingParameterDefinition.Flag.FlagHidden:
                continue
            assert parameter.help() or parameter.description(), (algorithm.id(), parameter.name())
            if not hasattr(algorithm, "fromFile"):
                assert parameter.name().isupper() and parameter.help(), (algorithm.id(), parameter.name())


def test_every_algorithm_has_a_page_that_names_all_its_parameters_and_outputs(algorithms, root):
    for algorithm in algorithms:
        page = root / "docs" / "algorithms" / f"{algorithm.name()}.md"
        assert page.is_file(), page
        assert algorithm.helpUrl().endswith(f"docs/algorithms/{algorithm.name()}.md")
        text = page.read_text("utf8")
        names = [p.name() for p in algorithm.parameterDefinitions()] + [o.name() for o in algorithm.outputDefinitions()]
        missing = [name for name in names if f"`{name}`" not in text]
        assert not missing, (page.name, missing)


def test_unknown_parameters_are_rejected(algorithms):
    from qgis.core import QgsProcessingContext

    for algorithm in algorithms:
        good, message = algorithm.create().checkParameterValues({"TRESHOLD": 1}, QgsProcessingContext())
        assert not good and "TRESHOLD" in message, algorithm.id()


def test_pages_are_what_the_algorithms_say(algorithms, root):
    import importlib.util

    spec = importlib.util.spec_from_file_location("algorithm_pages", root / "tools" / "algorithm_pages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, text in module.pages().items():
        assert (root / "docs" / "algorithms" / name).read_text("utf8") == text, f"{name} is out of date: run make pages"
