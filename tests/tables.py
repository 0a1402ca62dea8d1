"""Small tables and layers in memory for tests."""

from qgis.core import QgsFeature, QgsVectorLayer

from rason.layers import schema


def table(columns, rows, name="t"):
    """A memory table with these columns of the schema."""
    layer = QgsVectorLayer("None", name, "memory")
    layer.dataProvider().addAttributes(list(schema.qgs_fields(columns)))
    layer.updateFields()
    features = []
    for values in rows:
        feature = QgsFeature(layer.fields())
        for key, value in values.items():
            feature[key] = value
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer
