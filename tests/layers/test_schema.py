import pytest
from qgis.PyQt.QtCore import QVariant

from rason.layers import schema

CONTRACTS = {
    "ZONES": "zone_id name kind",
    "DETECTIONS": "class score p length_m width_m azimuth_deg zone_id scene epoch detector status reviewed_by reviewed_at note",
    "TALLY": "zone_id class scene epoch detected estimate low high level visible_fraction basis unit rules note",
    "REFERENCE": "name name_ko source source_date licence accuracy_m approximate",
}


@pytest.mark.parametrize("name", CONTRACTS)
def test_the_contract_is_kept(name):
    there = schema.names(getattr(schema, name))
    wanted = CONTRACTS[name].split()
    assert [column for column in there if column in wanted] == wanted


@pytest.mark.parametrize(
    "columns", [value for name, value in vars(schema).items() if name.isupper() and isinstance(value, tuple)]
)
def test_names_are_unique_and_every_column_says_what_it_holds(columns):
    columns = [column for column in columns if isinstance(column, schema.Column)]
    assert len({column.name.lower() for column in columns}) == len(columns)
    assert all(column.about and len(column.name) <= 63 for column in columns)


def test_fields_for_qgis():
    fields = schema.qgs_fields(schema.DETECTIONS)
    assert fields.names() == schema.names(schema.DETECTIONS)
    assert fields.field("epoch").type() == QVariant.String, "a DateTime field loses the Z in a GeoPackage of QGIS 3.22"
    assert fields.field("p").type() == QVariant.Double
    assert fields.field("p").comment()


def test_changes_are_detections_and_more():
    assert schema.names(schema.CHANGES)[: len(schema.DETECTIONS)] == schema.names(schema.DETECTIONS)
