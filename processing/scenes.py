"""The scene parameters that several algorithms share, and reading them."""

from __future__ import annotations

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterDefinition,
    QgsProcessingParameterEnum,
    QgsProcessingParameterFile,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)

from ..engine.errors import Refusal
from . import bridge, lazy

calibration, masked, stack_light, sun = (
    lazy.engine(name) for name in ("calibration", "masked", "detectors.stack_light", "sun")
)

PRECISIONS = ["auto", "second", "day", "month"]


def with_help(parameter, text, *, advanced=False):
    """The parameter with its help, under "Advanced" where it is seldom needed."""
    parameter.setHelp(text)
    if advanced:
        parameter.setFlags(parameter.flags() | QgsProcessingParameterDefinition.Flag.FlagAdvanced)
    return parameter


def epoch_parameters(tr, missing):
    """EPOCH and EPOCH_PRECISION. ``missing`` says what happens without."""
    return [
        with_help(
            QgsProcessingParameterDateTime("EPOCH", tr("Acquisition time (UTC)"), optional=True),
            tr("When the scene was taken, in UTC, for example 2023-10-12T02:05:00Z. A release date is not an acquisition time. {}")
            .format(missing),
        ),
        with_help(
            QgsProcessingParameterEnum("EPOCH_PRECISION", tr("Precision of the time"), options=PRECISIONS, defaultValue="auto",
                                       usesStaticStrings=True),
            tr("second, day or month where only that is known; auto takes the precision in which the time is written."),
            advanced=True,
        ),
    ]  # fmt: skip


def calibration_parameter(tr, text):
    """CALIBRATION."""
    return with_help(
        QgsProcessingParameterFile("CALIBRATION", tr("Calibration"), extension="json", optional=True), text, advanced=True
    )


def site_parameter(tr):
    """SITE."""
    return with_help(
        QgsProcessingParameterString("SITE", tr("Site"), optional=True),
        tr(
            "Name of the site as the calibration has it: an interval is calibrated where the file holds five labelled scenes of "
            "this site, or of five others taken under like conditions."
        ),
        advanced=True,
    )


def interval_parameters(tr):
    """CALIBRATION, LEVEL and SEED."""
    return [
        calibration_parameter(tr, tr(
            "Calibration file of this site or sensor, from rason:calibrate. Without one the shipped calibration is used and the "
            "interval widened."
        )),
        with_help(
            QgsProcessingParameterNumber("LEVEL", tr("Level of the intervals"), QgsProcessingParameterNumber.Type.Double, 0.9,
                                         minValue=0.5, maxValue=0.999),
            tr("Probability that the interval is made for; 0.9 means that nine of ten such intervals hold the true number."),
            advanced=True,
        ),
        with_help(
            QgsProcessingParameterNumber("SEED", tr("Seed"), QgsProcessingParameterNumber.Type.Integer, 0, minValue=0),
            tr("Start of the random draws behind the intervals: the same seed gives the same interval."),
            advanced=True,
        ),
    ]  # fmt: skip


def bands_parameter(tr):
    """BANDS."""
    return with_help(
        QgsProcessingParameterString("BANDS", tr("What the bands show"), optional=True),
        tr(
            "Roles of all bands in file order, such as blue,green,red,nir (also pan, grey, alpha, other). Left empty, the file says."
        ),
        advanced=True,
    )


def visibility_parameter(tr):
    """VISIBILITY of what is read from a scene."""
    return with_help(
        QgsProcessingParameterRasterLayer("VISIBILITY", tr("Visibility"), optional=True),
        tr(
            "Raster made by rason:visibility: 1 is seen, everything else and what lies outside it is hidden. Nothing is looked for "
            "where it is hidden, and numbers are scaled up to the whole zone. Left empty, all valid pixels of the scene are seen. "
            "A mask of another kind goes through rason:visibility first."
        ),
    )


# Where sun and sensor stood: key, what it is, least and most.
LIGHT = (
    ("SUN_ELEVATION", 0.1, 90.0),
    ("SUN_AZIMUTH", 0.0, 360.0),
    ("OFF_NADIR", 0.0, 60.0),
    ("VIEW_AZIMUTH", 0.0, 360.0),
)


def light_parameters(tr):
    """SUN_ELEVATION, SUN_AZIMUTH, OFF_NADIR and VIEW_AZIMUTH."""
    said = tr("Left empty, the file says.")
    texts = (
        (tr("Sun elevation (degrees)"), tr("Height of the sun over the horizon. Left empty: what the file says, else where the sun "
                                           "stood over the scene at its epoch, if that has a time of day.")),
        (tr("Sun azimuth (degrees)"), tr("Direction to the sun, clockwise from north. Left empty: as for the elevation.")),
        (tr("Off-nadir angle (degrees)"), tr("How far the sensor looked aside, 0 straight down; the angle on the ground where it is "
                                             "known. {}").format(said)),
        (tr("Azimuth of the sensor (degrees)"), tr("Direction from the ground to the sensor, clockwise from north. {}").format(said)),
    )  # fmt: skip
    kind = QgsProcessingParameterNumber.Type.Double
    return [
        with_help(QgsProcessingParameterNumber(key, name, kind, optional=True), text, advanced=True)
        for (key, _, _), (name, text) in zip(LIGHT, texts)
    ]


def read_light(algorithm, parameters, context):
    """What the user says of sun and sensor, as metadata {key: text}; refuses what cannot be."""
    said = {}
    for key, least, most in LIGHT:
        if parameters.get(key) in (None, ""):
            continue
        value = algorithm.parameterAsDouble(parameters, key, context)
        if not least <= value <= most:
            below = " The sun must stand above the horizon." if key == "SUN_ELEVATION" and value <= 0 else ""
            raise Refusal(
                "{key}: {value:g} is no such angle: give {least:g} to {most:g} degrees.{below}",
                key=key,
                value=value,
                least=least,
                most=most,
                below=below,
            )
        said[key] = str(value)
    return said


def sun_at(layer, epoch, context):
    """Elevation and azimuth of the sun over the middle of a layer at an epoch, as metadata; {} where time or place is not known."""
    if epoch.precision != "second" or not layer.crs().isValid():
        return {}
    wgs84 = QgsCoordinateReferenceSystem("EPSG:4326")
    try:
        place = QgsCoordinateTransform(layer.crs(), wgs84, context.transformContext()).transform(layer.extent().center())
    except QgsCsException:
        return {}
    azimuth, elevation = sun.sun_position(epoch.utc, place.x(), place.y())
    return {"elevation": f"{elevation:.2f}", "azimuth": f"{azimuth:.2f}"}


def behind_visibility(algorithm, parameters, context, scene):
    """The scene behind the raster of VISIBILITY; the scene itself without one."""
    if not parameters.get("VISIBILITY"):
        return scene
    layer = bridge.raster_layer(algorithm, parameters, "VISIBILITY", context)
    return masked.MaskedScene(scene, bridge.read_classes(layer, "VISIBILITY"))


def read_scene(algorithm, parameters, context):
    """The scene of INPUT behind its VISIBILITY, its layer's CRS and file name, and its epoch."""
    layer = bridge.raster_layer(algorithm, parameters, "INPUT", context)
    scene = bridge.read_scene(layer, bands=algorithm.parameterAsString(parameters, "BANDS", context))
    scene = behind_visibility(algorithm, parameters, context, scene)
    epoch = read_epoch(algorithm, parameters, context, scene.metadata)
    if algorithm.parameterDefinition("SUN_ELEVATION") is not None:
        said = read_light(algorithm, parameters, context)
        scene.metadata = {"USER": said, **scene.metadata, stack_light.COMPUTED: sun_at(layer, epoch, context)}
    return scene, layer.crs(), bridge.scene_name(layer), epoch


def read_epoch(algorithm, parameters, context, metadata, name="INPUT"):
    """The epoch that EPOCH and EPOCH_PRECISION give, else the file's."""
    value = parameters.get("EPOCH")
    if value and not isinstance(value, str):  # text keeps its precision and zone, a QDateTime does not
        value = algorithm.parameterAsDateTime(parameters, "EPOCH", context)
    return bridge.read_epoch(value, algorithm.parameterAsEnumString(parameters, "EPOCH_PRECISION", context), metadata, name)


def read_calibrations(algorithm, parameters, context, classes=()):
    """The user's calibrations by class, none without a file, and what it lacks of ``classes``, in words."""
    path = algorithm.parameterAsString(parameters, "CALIBRATION", context)
    if not path:
        return {}, []
    try:
        with open(path, encoding="utf8") as file:
            given = calibration.load(file.read(), "CALIBRATION")
    except OSError as error:
        raise Refusal(
            "CALIBRATION: {path} cannot be read ({why}). Check the path.", path=path, why=error.strerror
        ) from error
    except UnicodeDecodeError as error:
        raise Refusal(
            "CALIBRATION: {path} is not a calibration file. Choose one made by rason:calibrate.", path=path
        ) from error
    lacking = sorted(set(classes) - set(given))
    text = algorithm.tr("CALIBRATION holds {}, nothing for {}: shipped values are used for these.")
    return given, [text.format(", ".join(sorted(given)), ", ".join(lacking))] if lacking else []
