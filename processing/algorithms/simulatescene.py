"""rason:simulatescene: a labelled synthetic scene with known truth."""

from __future__ import annotations

from pathlib import Path

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsProcessing,
    QgsProcessingException,
    QgsProcessingOutputNumber,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterEnum,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSink,
    QgsProcessingParameterNumber,
    QgsProcessingParameterPoint,
    QgsProcessingParameterRasterDestination,
    QgsWkbTypes,
)

from ...engine.errors import Refusal
from ...engine.words import PLACES
from ...layers import schema
from .. import bridge, lazy, outputs, scenes
from ..base import RasonAlgorithm

classes, georeference, provenance, zones_of = (
    lazy.engine(name) for name in ("classes", "georeference", "provenance", "zones")
)
files, render, sar, sensor, sites, trials, view = (
    lazy.engine(f"simulate.{name}") for name in ("files", "render", "sar", "sensor", "sites", "trials", "view")
)
sun = lazy.engine("sun")

RADAR = "sar"
RAJIN = "130.284,42.228 [EPSG:4326]"
EPOCH = "2023-10-12T02:26:00Z"
WGS84 = "EPSG:4326"
ADVANCED = {"VIEW_AZIMUTH", "NOISE"}
MOST_RADAR_PX = 2_000_000
RADAR_SPACING_M = 900.0  # between ships at FILL 1
RADAR_GSD_M = (5.0, 30.0)
TRUTH = (
    *schema.DETECTIONS,
    schema.Column("height_m", schema.REAL, "Height of its top over the ground"),
    schema.Column("tiers", schema.INTEGER, "Containers on each other, 0 where that has no meaning"),
    schema.Column("visible_fraction", schema.REAL, "Share of its outline that the scene shows, 0 to 1"),
)


class SimulateScene(RasonAlgorithm):
    """A kind of place, a look and a seed in; scene, truth and zones out."""

    group_id = "trust"

    libraries = ("shapely",)

    def name(self):
        """Fixed id."""
        return "simulatescene"

    def displayName(self):
        """Name in the Toolbox."""
        return self.tr("Simulate a scene")

    def tags(self):
        """Words to find it by."""
        return self.tr("synthetic,simulation,truth,test,training,demo,port,yard,ships,SAR").split(",")

    def shortHelpString(self):
        """Help in the dialog and in qgis_process."""
        return self.tr(
            "Draws a scene that never was, with its truth: a port, container yard, rail yard, berth or roadstead seen by a "
            "satellite, or a radar scene of ships at sea. For learning and teaching, for tests, and to see what a low sun, haze, a "
            "slanting look or coarse pixels do to a count.\n\n"
            "The same seed and parameters give the same scene. Everything in it is invented, wherever it is placed; the file says "
            "SYNTHETIC and reports made from it repeat that. Detectors do better here than on real imagery: no accuracy of a real "
            "scene follows from it."
        )

    def initAlgorithm(self, config=None):
        """Parameters and outputs."""
        for parameter, text in (*self._of_the_place(), *self._of_the_look(), *self._results()):
            self.addParameter(scenes.with_help(parameter, text, advanced=parameter.name() in ADVANCED))
        self.addOutput(
            QgsProcessingOutputNumber("OBJECTS", self.tr("Objects in the zones, of the classes that are counted there"))
        )

    def _of_the_place(self):
        tr = self.tr
        return (
            (
                QgsProcessingParameterEnum("KIND", tr("Place"), [*PLACES, RADAR], defaultValue="port", usesStaticStrings=True),
                tr("What is drawn: port (a quay with ships, and a container yard behind it), container yard, rail yard, berth, "
                   "roadstead; sar is a roadstead seen by radar (VV and VH, linear intensity)."),
            ),
            (
                QgsProcessingParameterExtent("EXTENT", tr("Extent"), optional=True),
                tr("Box to fill. Left empty: a square of SIZE around CENTRE."),
            ),
            (
                QgsProcessingParameterPoint("CENTRE", tr("Centre"), RAJIN, optional=True),  # 3.22 asks for it else
                tr("Middle of the scene where EXTENT is empty. Left empty: near Rajin. What stands there in truth plays no part."),
            ),
            (
                _number("SIZE", tr("Side (m)"), None),
                tr("Side of the square round CENTRE. Left empty: 500 m, for sar 6000 m."),
            ),
            (
                _number("FILL", tr("Fill"), 0.6, 0.0, 1.0),
                tr("How full the place is, 0 to 1. 0 is an empty place, with what looks like objects but is none."),
            ),
            (
                QgsProcessingParameterNumber("SEED", tr("Seed"), QgsProcessingParameterNumber.Type.Integer, 0, minValue=0),
                tr("The same seed gives the same scene."),
            ),
        )  # fmt: skip

    def _of_the_look(self):
        tr, whole = self.tr, QgsProcessingParameterNumber.Type.Integer
        return (
            (_number("GSD", tr("GSD (m)"), None), tr("Side of a pixel. Left empty: 0.5 m, for sar 10 m.")),
            (
                QgsProcessingParameterDateTime("EPOCH", tr("Acquisition time (UTC)"), optional=True),
                tr('When the scene was "taken", in UTC. Left empty: {}.').format(EPOCH),
            ),
            (
                _number("SUN_ELEVATION", tr("Sun elevation (degrees)"), None),
                tr("Height of the sun, 5 to 90. Left empty: where it stood at EPOCH."),
            ),
            (
                _number("SUN_AZIMUTH", tr("Sun azimuth (degrees)"), None),
                tr("Clockwise from north. Left empty: where the sun stood at EPOCH."),
            ),
            (
                _number("OFF_NADIR", tr("Off-nadir angle (degrees)"), 0.0),
                tr(
                    "0 looks straight down; up to 45. What stands high leans away from the sensor and hides what is behind it."
                ),
            ),
            (
                _number("VIEW_AZIMUTH", tr("Azimuth of the sensor (degrees)"), 200.0),
                tr("Where the sensor stands, clockwise from north. Matters off nadir only."),
            ),
            (_number("HAZE", tr("Haze"), 0.06, 0.0, 0.9), tr("Share of the light that is haze; 0.3 is strong.")),
            (
                _number("NOISE", tr("Noise"), 0.012, 0.0, 0.5),
                tr("Spread of the noise relative to mid grey; 0.012 is a good sensor."),
            ),
            (
                QgsProcessingParameterNumber("JPEG", tr("JPEG quality"), whole, 0, minValue=0, maxValue=100),
                tr("Damage of a JPEG of this quality, 1 to 100; 0 for none."),
            ),
        )

    def _results(self):
        tr, kind = self.tr, QgsProcessing.SourceType
        return (
            (QgsProcessingParameterRasterDestination("OUTPUT", tr("Scene")), tr("GeoTIFF in the UTM zone of the place.")),
            (
                QgsProcessingParameterFeatureSink("TRUTH", tr("Truth"), kind.TypeVectorPolygon),
                tr("A rectangle an object, where its top appears in the scene, with class, type, height, tiers, visible fraction, and "
                   "the zone that it stands in."),
            ),
            (
                QgsProcessingParameterFeatureSink("ZONES", tr("Zones"), kind.TypeVectorAnyGeometry),
                tr("Where to count: polygons, or in a rail yard the lines of the tracks."),
            ),
        )  # fmt: skip

    def read(self, parameters, context, feedback):
        """Check everything; nothing is drawn yet."""
        self.kind = self.parameterAsEnumString(parameters, "KIND", context)
        self.radar = self.kind == RADAR
        self.gsd_m = self._given(parameters, "GSD", context, 10.0 if self.radar else 0.5)
        self.epsg, self.bounds, place = self._box(parameters, context)
        value = parameters.get("EPOCH")
        if value and not isinstance(value, str):  # text keeps its zone, a QDateTime does not
            value = self.parameterAsDateTime(parameters, "EPOCH", context)
        self.epoch = bridge.read_epoch(value or EPOCH, "auto", {}, "EPOCH")
        self.fill, self.seed = (
            self.parameterAsDouble(parameters, "FILL", context),
            self.parameterAsInt(parameters, "SEED", context),
        )
        if self.radar:
            if not RADAR_GSD_M[0] <= self.gsd_m <= RADAR_GSD_M[1]:
                raise Refusal(
                    self.tr("GSD: radar is simulated at {:g} to {:g} m, not at {:g} m.").format(*RADAR_GSD_M, self.gsd_m)
                )
            sites.check_size(self.bounds, self.gsd_m, MOST_RADAR_PX, 2000.0)
            return
        self.sun = self._sun(parameters, context, place)
        degrees = [self.parameterAsDouble(parameters, name, context) for name in ("OFF_NADIR", "VIEW_AZIMUTH")]
        self.view = view.View(*degrees)
        self.sensor = sensor.Sensor(
            haze=self.parameterAsDouble(parameters, "HAZE", context),
            noise=self.parameterAsDouble(parameters, "NOISE", context),
            jpeg=self.parameterAsInt(parameters, "JPEG", context),
        )
        render.check(self.gsd_m, self.sun[1], self.view)
        sites.check_size(self.bounds, self.gsd_m)

    def _given(self, parameters, name, context, otherwise):
        """A number, or what holds where it is left empty."""
        return otherwise if parameters.get(name) in (None, "") else self.parameterAsDouble(parameters, name, context)

    def _box(self, parameters, context):
        """EPSG code of the UTM zone, the box in its metres, and longitude and latitude of the middle."""
        wgs84 = QgsCoordinateReferenceSystem(WGS84)
        given = parameters.get("EXTENT") not in (None, "")
        try:
            if given:
                place = self.parameterAsExtent(parameters, "EXTENT", context, wgs84).center()
            else:
                centre = {"CENTRE": parameters.get("CENTRE") or RAJIN}
                place = self.parameterAsPoint(centre, "CENTRE", context, wgs84)
        except QgsCsException as error:
            raise Refusal(
                self.tr("EXTENT or CENTRE cannot be brought to longitude and latitude: check its coordinates.")
            ) from error
        if not (abs(place.x()) <= 180 and abs(place.y()) < 84):  # NaN is refused, too
            raise Refusal(
                self.tr("The place must lie between 84° south and 84° north: give EXTENT or CENTRE as x,y [EPSG:code].")
            )
        epsg = (32600 if place.y() >= 0 else 32700) + min(int((place.x() + 180) // 6) + 1, 60)
        utm = QgsCoordinateReferenceSystem(f"EPSG:{epsg}")
        if given:
            box = self.parameterAsExtent(parameters, "EXTENT", context, utm)
            return epsg, (box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()), (place.x(), place.y())
        middle = QgsCoordinateTransform(wgs84, utm, context.transformContext()).transform(place)
        half = self._given(parameters, "SIZE", context, 6000.0 if self.radar else 500.0) / 2
        x, y = round(middle.x()), round(middle.y())
        return epsg, (x - half, y - half, x + half, y + half), (place.x(), place.y())

    def _sun(self, parameters, context, place):
        """Azimuth and elevation of the sun: given, or at EPOCH."""
        azimuth, elevation = sun.sun_position(self.epoch.utc, *place)
        given = [parameters.get(name) not in (None, "") for name in ("SUN_AZIMUTH", "SUN_ELEVATION")]
        if self.epoch.precision != "second" and not all(given):
            raise Refusal(self.tr("EPOCH gives no time of day: give one, or both SUN_ELEVATION and SUN_AZIMUTH."))
        if elevation < 0 and not given[1]:
            raise Refusal(
                self.tr("The sun stands {:.0f}° below the horizon at {}: give another EPOCH, or SUN_ELEVATION.").format(
                    -elevation, self.epoch.iso()
                )
            )
        return (
            self._given(parameters, "SUN_AZIMUTH", context, azimuth) % 360.0,
            self._given(parameters, "SUN_ELEVATION", context, elevation),
        )

    def work(self, parameters, context, feedback):
        """Draw, then write."""
        path = self.parameterAsOutputLayer(parameters, "OUTPUT", context)
        record = provenance.record(self.id(), parameters, [])
        made = self._radar if self.radar else self._optical
        zones, truth, more = made(path, record, bridge.progress(feedback, 0, 90))
        crs = QgsCoordinateReferenceSystem(f"EPSG:{self.epsg}")
        frame = georeference.Frame(crs.toWkt(), crs.toWkt())
        same = {
            "scene": Path(path).name,
            "epoch": self.epoch.iso(),
            "detector": "rason simulator",
            "status": schema.ACCEPTED,
        }
        rows = [{**row, **extra} for row, extra in zip(bridge.detection_rows(truth, **same), more)]
        wanted = sorted({name for zone in zones for name in classes.counted_in(zone.kind)})
        number = {name: int(((truth.class_name == name) & (truth.zone_id != "")).sum()) for name in wanted}
        feedback.pushWarning(self.tr("SYNTHETIC: what stands in this scene is invented."))
        feedback.pushInfo(self.tr("In the zones: {}.").format(", ".join(f"{n} {name}" for name, n in number.items()) or "0"))
        return {
            "OUTPUT": path,
            "TRUTH": outputs.write(
                self, parameters, "TRUTH", context, TRUTH, rows, geometries=bridge.rectangles(truth, frame), crs=crs,
                style="detections", title=self.tr("Truth of {}").format(same["scene"]), record=record,
            ),
            "ZONES": self._write_zones(parameters, context, zones, crs, record),
            "OBJECTS": sum(number.values()),
        }  # fmt: skip

    def _optical(self, path, record, progress):
        """Draw and write a picture; its zones, truth, and height, tiers and visible fraction of each thing."""
        layout = sites.site(self.kind, self.bounds, sites.draws(self.seed), fill=self.fill)
        seen = render.render(
            layout, self.bounds, gsd_m=self.gsd_m, sun_azimuth_deg=self.sun[0], sun_elevation_deg=self.sun[1], seed=self.seed,
            sensor=self.sensor, view=self.view, cell_m=max(render.COARSEST_CELL_M, self.gsd_m / 3), progress=progress,
        )  # fmt: skip
        facts = {
            "SUN_AZIMUTH": f"{self.sun[0]:.1f}",
            "SUN_ELEVATION": f"{self.sun[1]:.1f}",
            "OFF_NADIR": f"{self.view.off_nadir_deg:.1f}",
            "VIEW_AZIMUTH": f"{self.view.azimuth_deg:.1f}",
            "RASON_RECORD": record,
        }
        files.write_geotiff(seen, path, self.epoch.utc, self.epsg, facts)
        more = [
            {"height_m": float(height), "tiers": int(tiers), "visible_fraction": float(visible)}
            for height, tiers, visible in zip(seen.truth_height_m, seen.truth_tiers, seen.truth_visible)
        ]
        return layout.zones, trials.labelled(seen, layout.zones), more

    def _radar(self, path, record, progress):
        """The same for a radar scene, whose things have no height."""
        from shapely.geometry import box

        progress(0.0)
        rng = sites.draws(self.seed)
        west, south, east, north = self.bounds
        ships = sar.fleet(self.bounds, round(self.fill * (east - west) * (north - south) / RADAR_SPACING_M**2), rng)
        seen = sar.render(ships, self.bounds, self.gsd_m, seed=self.seed, progress=progress)
        sar.write(seen, path, self.epoch.utc, self.epsg)
        zone = zones_of.Zone("roadstead", "water", box(*self.bounds), self.tr("Roadstead"))
        return (zone,), ships.with_(zone_id="roadstead", score=1.0), [{}] * len(ships)

    def _write_zones(self, parameters, context, zones, crs, record):
        """The zones' layer: lines in a rail yard, else polygons."""
        lines = bool(zones) and zones[0].is_track
        wkb = QgsWkbTypes.Type.MultiLineString if lines else QgsWkbTypes.Type.MultiPolygon
        fields = schema.qgs_fields(schema.ZONES)
        sink, destination = self.parameterAsSink(parameters, "ZONES", context, fields, wkb, crs)
        if sink is None:
            raise QgsProcessingException(self.invalidSinkError(parameters, "ZONES"))
        geometries = [QgsGeometry.fromWkt(zone.geometry.wkt) for zone in zones]
        for geometry in geometries:
            geometry.convertToMultiType()
        rows = [{"zone_id": zone.zone_id, "name": zone.name, "kind": zone.kind} for zone in zones]
        bridge.write_rows(sink, schema.ZONES, rows, geometries, "ZONES")
        del sink  # the file is complete only now
        self.written.append(outputs.Written(destination, "zones", self.tr("Zones"), record))
        return destination


def _number(name, title, default, low=None, high=None):
    """A parameter for a real number; without a default it may be left empty."""
    kind = QgsProcessingParameterNumber.Type.Double
    limits = {key: value for key, value in (("minValue", low), ("maxValue", high)) if value is not None}
    return QgsProcessingParameterNumber(name, title, kind, default, optional=default is None, **limits)
