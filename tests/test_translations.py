"""User strings and refusals reach a translator, and translations reach the user."""

import importlib.util

import pytest
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

from rason.engine.errors import Refusal


@pytest.fixture(scope="module")
def translations(root):
    spec = importlib.util.spec_from_file_location("translations", root / "tools" / "translations.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(translations):
    return translations.collected()[0]


def test_strings_of_all_rooms_are_collected(found):
    assert "Detect freight cars" in found["Rason"]
    assert "{layer} lie all outside the scene. Choose the scene of this place, or check the layers' CRS." in found["Rason"]
    assert "Add layers" in found["Toolbar"]
    assert set(found) == {"Rason", "RasonProvider", "Toolbar"}


def test_the_file_is_read_by_qt(translations, found):
    from qgis.PyQt.QtXml import QDomDocument

    document = QDomDocument()
    assert document.setContent(translations.page(found))[0]
    texts = document.elementsByTagName("source")
    assert {texts.at(k).toElement().text() for k in range(texts.count())} == set().union(
        *translations.collected()[0].values()
    )


def test_a_refusal_is_translated_where_it_is_shown(qgis_app):
    from qgis.core import QgsProcessingException, QgsProcessingFeedback

    from rason.processing.algorithms.tallyoil import TallyOil

    class Korean(QTranslator):
        def isEmpty(self):
            return False

        def translate(self, context, text, *more):
            return "{layer}: 좌표계 없음" if (context, text) == ("Rason", "{layer} has no CRS.") else ""

    translator = Korean()
    QCoreApplication.installTranslator(translator)
    try:
        told = TallyOil()._told(QgsProcessingFeedback())
        with pytest.raises(QgsProcessingException, match="^ZONES: 좌표계 없음$"), told:
            raise Refusal("{layer} has no CRS.", layer="ZONES")
    finally:
        QCoreApplication.removeTranslator(translator)


def test_without_values_braces_are_text():
    assert str(Refusal('{"a": 1} is no card.')) == '{"a": 1} is no card.'
    assert str(Refusal("{name} of {gsd_m:.2g} m.", name="INPUT", gsd_m=0.333)) == "INPUT of 0.33 m."
