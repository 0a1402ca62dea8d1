"""What all Rason algorithms promise: clear refusals, no half-written outputs, cancel as an error."""

from __future__ import annotations

import traceback
from pathlib import Path

from qgis.core import (
    QgsProcessingAlgorithm,
    QgsProcessingException,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterEnum,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)
from qgis.PyQt.QtCore import QCoreApplication
from qgis.PyQt.QtGui import QIcon

from ..engine.errors import Cancelled, Refusal
from . import bridge, destinations, outputs

DOCS = "https://github.com/rason-qgis/rason/blob/main/docs/algorithms/"
ICON = Path(__file__).parent.parent / "ui" / "icons" / "rason.svg"


def words(text):
    """A user string or a refusal's template in the user's language: one context for all of Rason (see tools/translations.py)."""
    return QCoreApplication.translate("Rason", text)


class Published:
    """What algorithms and shipped models have in common: their words, icon and page, and no unknown parameters."""

    def createInstance(self):
        """A fresh copy, as QGIS wants."""
        return type(self)()

    def tr(self, text):
        """Translate a user string."""
        return words(text)

    def icon(self):
        """Icon in the Toolbox."""
        return QIcon(str(ICON))

    def helpUrl(self):
        """The algorithm's page."""
        return f"{DOCS}{self.name()}.md"

    def checkParameterValues(self, parameters, context):
        """Reject unknown keys, which qgis_process 3.22 would ignore in silence. Must not raise: that aborts QGIS."""
        known = {definition.name() for definition in self.parameterDefinitions()}
        unknown = sorted(set(parameters) - known)
        if unknown:
            return False, self.tr("Unknown parameter {}. Known are: {}.").format(
                ", ".join(unknown), ", ".join(sorted(known))
            )
        good, message = super().checkParameterValues({**parameters, **bridge.archived(self, parameters)}, context)
        return good, message if good else self._unreadable(message, parameters) or f"{message}{self._cure(message)}"

    def _unreadable(self, message, parameters):
        """What QGIS calls "not found", though the file may be there and of another kind; "" where it says something else."""
        for definition in self.parameterDefinitions():
            key, value = definition.name(), parameters.get(definition.name())
            several = isinstance(definition, QgsProcessingParameterMultipleLayers)
            if (
                not message.endswith(key)
                if several
                else not (isinstance(value, str) and key in message and value in message)
            ):
                continue
            for text in value if several and isinstance(value, list) else [value]:
                path = Path(str(text).split("|")[0])
                if not path.is_absolute() or several and path.exists():
                    continue
                if not path.exists():
                    return self.tr("{}: {} does not exist. Check the path.").format(key, path)
                kind = (
                    self.tr("raster")
                    if isinstance(definition, QgsProcessingParameterRasterLayer)
                    else self.tr("vector layer")
                )
                return self.tr("{}: {} cannot be opened as a {}. Give a file of that kind.").format(key, text, kind)
        return ""

    def _cure(self, message):
        """What may stand in the parameter that QGIS calls incorrect without saying why."""
        wrong = next(
            (d for d in self.parameterDefinitions() if message == f"Incorrect parameter value for {d.name()}"), None
        )
        if wrong is None:
            return ""
        if isinstance(wrong, QgsProcessingParameterEnum):
            return self.tr(": use one of {}.").format(", ".join(wrong.options()))
        if isinstance(wrong, QgsProcessingParameterNumber):
            ends = [f"{end:.6g}" if abs(end) < 1e300 else "…" for end in (wrong.minimum(), wrong.maximum())]
            return self.tr(": give a number from {} to {}.").format(*ends)
        if isinstance(wrong, QgsProcessingParameterMultipleLayers):
            return self.tr(": a layer of it cannot be opened. Check the paths.")
        if isinstance(wrong, QgsProcessingParameterDateTime):
            return self.tr(": give a time in UTC such as 2023-10-12T02:05:00Z.")
        return f": {wrong.help()}"


class RasonAlgorithm(Published, QgsProcessingAlgorithm):
    """Subclasses give name, displayName, shortHelpString, initAlgorithm, ``read`` and ``work``.

    ``read`` reads and checks everything in the main thread; ``work`` works and returns the results. Both may raise the
    engine's Refusal, which becomes one line for the user, in the dialog, in models and in qgis_process alike.
    """

    libraries: tuple[str, ...] = ("scipy", "shapely")
    group_id = "counting"  # a key of ``group``
    raster_endings: tuple[str, ...] = (".tif", ".tiff")

    def group(self):
        """Heading in the Toolbox."""
        return {
            "comparing": self.tr("Comparing"),
            "counting": self.tr("Counting"),
            "detection": self.tr("Detection"),
            "layers": self.tr("Layers and zones"),
            "reviewing": self.tr("Reviewing"),
            "trust": self.tr("Trust"),
        }[self.group_id]

    def groupId(self):
        """Fixed id of the heading."""
        return self.group_id

    def prepareAlgorithm(self, parameters, context, feedback):
        """All refusals come from here, before any output is opened."""
        from ..engine.libraries import require

        with self._told(feedback):
            self.written = []
            require(*self.libraries)
            self.fresh = destinations.check(self, parameters, context)
            self.read(parameters, context, feedback)
        return True

    def processAlgorithm(self, parameters, context, feedback):
        """Run; on any error or cancel what this run created is removed."""
        try:
            with self._told(feedback):
                return self.work(parameters, context, feedback)
        except QgsProcessingException:
            destinations.remove(self.fresh, context)
            raise

    def postProcessAlgorithm(self, context, feedback):
        """Style what was written and store the record of the run with it, in the main thread."""
        with self._told(feedback):
            for written in self.written:
                outputs.finish(written, context)
        return {}

    def read(self, parameters, context, feedback):
        """Read parameters and layers; refuse what is wrong."""

    def work(self, parameters, context, feedback):
        """Do the work and return the results."""
        raise NotImplementedError

    def _told(self, feedback):
        return _Told(self, feedback)


class _Told:
    """Turns the engine's exceptions into one-line QgsProcessingExceptions."""

    def __init__(self, algorithm, feedback):
        self.algorithm, self.feedback = algorithm, feedback

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if error is None or isinstance(error, QgsProcessingException):
            return False
        tr = self.algorithm.tr
        if isinstance(error, Cancelled):
            message = tr("Cancelled: nothing was written.")
        elif isinstance(error, Refusal):
            message = error.told(words(error.template))
        elif isinstance(error, MemoryError):
            message = tr("Not enough memory. Use smaller zones or close other programs.")
        elif isinstance(error, Exception):
            self.feedback.pushDebugInfo("".join(traceback.format_exception(kind, error, trace)))
            message = tr("Unexpected error ({}: {}). Nothing was written; please report it with the log.").format(
                kind.__name__, str(error).splitlines()[0] if str(error) else ""
            )
        else:
            return False
        raise QgsProcessingException(message) from None
