"""The plugin as QGIS sees it: a Processing provider, and a toolbar and menu when there is a window."""

from pathlib import Path

from qgis.core import QgsApplication
from qgis.PyQt.QtCore import QCoreApplication, QTranslator

from .processing.provider import RasonProvider

TRANSLATIONS = Path(__file__).parent / "i18n"


class RasonPlugin:
    """Loads and unloads Rason. ``iface`` is None in qgis_process, which calls ``initProcessing`` only."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = None
        self.toolbar = None
        self.translator = self._translate()

    def initProcessing(self):
        """Register the algorithms."""
        self.provider = RasonProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Register the algorithms and add the toolbar and the menu."""
        self.initProcessing()
        from .ui.toolbar import Toolbar  # only where there is a window

        self.toolbar = Toolbar(self.iface)

    def unload(self):
        """Take back everything that was added."""
        if self.toolbar is not None:
            self.toolbar.remove()
            self.toolbar = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
        if self.translator is not None:
            QCoreApplication.removeTranslator(self.translator)
            self.translator = None

    def _translate(self):
        """Install the translation of the user's language; None where there is none."""
        translator = QTranslator()
        if not translator.load(f"rason_{QgsApplication.instance().locale()}", str(TRANSLATIONS)):
            return None
        QCoreApplication.installTranslator(translator)
        return translator
