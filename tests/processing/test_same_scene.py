"""The same scene gives the same counts however it is stored, and the same zones however they come."""

import zipfile

import numpy as np
import pytest
from osgeo import gdal
from shapely.geometry import MultiLineString, MultiPolygon

from rason.layers.schema import CLASSES


@pytest.fixture(scope="module")
def count(provider, rows, tmp_path_factory):
    """{zone_id: estimate} of a run."""
    import processing

    def run(scene, zones, **parameters):
        table = str(tmp_path_factory.mktemp("same") / "t.gpkg")
        given = {"EPOCH": "2023-07-18T02:05:00Z", "DETECTIONS": "memory:", **parameters}
        processing.run("rason:tallyscene", {"INPUT": scene, "ZONES": zones, "TALLY": table, **given})
        counted = [
            row for row in rows(table) if row["unit"] == "objects" and row["class"] in CLASSES
        ]  # tank cars are a part
        return {row["zone_id"]: row["estimate"] for row in counted}

    return run


@pytest.fixture(scope="module")
def expected(count, place):
    """The counts of the scene as it is."""
    return count(place.scene, place.zones)


def pixels(path):
    dataset = gdal.Open(path)
    return dataset.ReadAsArray(), dataset.GetGeoTransform(), dataset.GetProjection()


def store(path, data, transform_, projection, colours=None, options=(), name="GTiff"):
    kind = {"uint8": gdal.GDT_Byte, "uint16": gdal.GDT_UInt16, "float32": gdal.GDT_Float32}[data.dtype.name]
    dataset = gdal.GetDriverByName(name).Create(str(path), data.shape[2], data.shape[1], len(data), kind, list(options))
    dataset.SetGeoTransform(transform_)
    dataset.SetProjection(projection)
    for i, band in enumerate(data):
        if colours:
            dataset.GetRasterBand(i + 1).SetColorInterpretation(colours[i])
        dataset.GetRasterBand(i + 1).WriteArray(band)
    dataset = None
    return str(path)


RGB = [gdal.GCI_RedBand, gdal.GCI_GreenBand, gdal.GCI_BlueBand]


def variants(place, folder):
    data, (x0, g, _, y0, _, _), wkt = pixels(place.scene)
    plain = (x0, g, 0, y0, 0, -g)
    rows, columns = data.shape[1:]
    solid = np.full_like(data[:1], 255)
    store(folder / "for_zip.tif", data, plain, wkt, RGB)
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.write(folder / "for_zip.tif", "for_zip.tif")
    gdal.Translate(str(folder / "a.vrt"), place.scene, format="VRT")
    return {
        "striped": store(folder / "striped.tif", data, plain, wkt, RGB),
        "tiled and packed": store(folder / "tiled.tif", data, plain, wkt, RGB, ["TILED=YES", "COMPRESS=DEFLATE"]),
        "16 bit": store(folder / "deep.tif", data.astype(np.uint16) * 40, plain, wkt, RGB),
        "reflectance": store(folder / "float.tif", (data / 255).astype(np.float32), plain, wkt, RGB),
        "BGR with roles": store(folder / "bgr.tif", data[::-1].copy(), plain, wkt, RGB[::-1]),
        "alpha": store(folder / "alpha.tif", np.concatenate([data, solid]), plain, wkt, [*RGB, gdal.GCI_AlphaBand]),
        "south-up": store(folder / "south.tif", data[:, ::-1].copy(), (x0, g, 0, y0 - rows * g, 0, g), wkt, RGB),
        "mirrored": store(folder / "mirror.tif", data[:, :, ::-1].copy(), (x0 + columns * g, -g, 0, y0, 0, -g), wkt, RGB),
        "quarter turn": store(folder / "turned.tif", data.swapaxes(1, 2).copy(), (x0, 0, g, y0, -g, 0), wkt, RGB),
        "VRT": str(folder / "a.vrt"),
        "zip": f"/vsizip/{folder}/a.zip/for_zip.tif",
        "Korean path": store(folder / "라선 항 2023.tif", data, plain, wkt, RGB),
    }


EXACT = ["striped", "tiled and packed", "16 bit", "reflectance", "BGR with roles", "alpha", "south-up", "mirrored",
         "quarter turn", "VRT", "zip", "Korean path"]  # fmt: skip


@pytest.mark.parametrize("name", EXACT)
def test_storage_does_not_change_the_counts(count, expected, place, tmp_path, name):
    assert count(variants(place, tmp_path)[name], place.zones) == expected


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:5186"])
def test_another_crs_hardly_changes_the_counts(count, expected, place, tmp_path, crs):
    """Resampled twice (here, and while reading), the picture is a little softer: a tenth of the objects, or one."""
    path = str(tmp_path / "other.tif")
    gdal.Warp(path, place.scene, dstSRS=crs, resampleAlg="cubic", dstAlpha=True)
    for zone, number in count(path, place.zones).items():
        assert abs(number - expected[zone]) <= max(1, 0.1 * expected[zone]), (zone, number, expected)


def test_a_rotated_geotransform_hardly_changes_the_counts(count, expected, place, tmp_path):
    data, (x0, g, _, y0, _, _), wkt = pixels(place.scene)
    angle = np.radians(11)
    c, s = g * np.cos(angle), g * np.sin(angle)
    side = int(data.shape[2] * 1.4)
    target = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "rotated.tif"), side, side, 3, gdal.GDT_Byte)
    target.SetGeoTransform((x0 - 10, c, s, y0 + 60, s, -c))
    target.SetProjection(wkt)
    gdal.ReprojectImage(gdal.Open(place.scene), target, wkt, wkt, gdal.GRA_Cubic)
    target = None
    for zone, number in count(str(tmp_path / "rotated.tif"), place.zones).items():
        assert abs(number - expected[zone]) <= max(1, 0.1 * expected[zone]), (zone, number, expected)


def as_zones(place, change=lambda geometry: geometry):
    kinds = {"yard": "yard", "loaded": "track", "empty": "track"}
    return [(change(shape), {"zone_id": key, "kind": kinds[key]}) for key, shape in place.shapes.items()]


def multi(geometry):
    return MultiLineString([geometry]) if "Line" in geometry.geom_type else MultiPolygon([geometry])


def raised(geometry):
    points = getattr(geometry, "exterior", geometry).coords
    return type(geometry)([(x, y, 12.0) for x, y in points])


@pytest.mark.parametrize("change", [multi, raised], ids=["multipart", "with Z"])
def test_the_form_of_zones_does_not_matter(count, expected, place, make_zones, tmp_path, change):
    assert count(place.scene, make_zones(tmp_path / "z.gpkg", as_zones(place, change))) == expected


def test_zones_with_a_null_geometry_among_them(count, expected, place, make_zones, tmp_path):
    zones = [(None, {"zone_id": "nothing"}), *as_zones(place)]
    assert count(place.scene, make_zones(tmp_path / "z.gpkg", zones)) == expected


def test_zones_of_another_crs_geojson_memory_and_selection(count, expected, place, tmp_path, provider):
    import processing
    from qgis.core import (
        QgsCoordinateReferenceSystem,
        QgsFeature,
        QgsProcessingFeatureSourceDefinition,
        QgsProject,
        QgsVectorLayer,
    )

    for kind, keys in (("Polygon", ["yard"]), ("LineString", ["loaded", "empty"])):
        memory = QgsVectorLayer(f"{kind}?crs=EPSG:32652&field=zone_id:string&field=kind:string", "zones", "memory")
        source = QgsVectorLayer(place.zones, "z", "ogr")
        for feature in source.getFeatures():
            if feature["zone_id"] in keys:
                copy = QgsFeature(memory.fields())
                copy.setGeometry(feature.geometry())
                copy.setAttributes([feature["zone_id"], feature["kind"]])
                memory.dataProvider().addFeature(copy)
        wanted = {key: expected[key] for key in keys}
        assert count(place.scene, memory) == wanted
        degrees = processing.run(
            "native:reprojectlayer",
            {
                "INPUT": memory,
                "TARGET_CRS": QgsCoordinateReferenceSystem("EPSG:4326"),
                "OUTPUT": str(tmp_path / f"{kind}.geojson"),
            },
        )["OUTPUT"]
        assert count(place.scene, degrees) == wanted
        QgsProject.instance().addMapLayer(memory)
        memory.selectByExpression(f"zone_id = '{keys[0]}'")
        selected = QgsProcessingFeatureSourceDefinition(memory.id(), True)
        assert count(place.scene, selected) == {keys[0]: expected[keys[0]]}
        QgsProject.instance().removeMapLayer(memory.id())
