import pytest

from rason.layers import zones


@pytest.mark.parametrize(
    ("values", "is_line", "kind"),
    [
        ({}, True, "track"),
        ({}, False, "area"),
        ({"kind": ""}, False, "area"),
        ({"kind": "yard"}, False, "yard"),
        ({"kind": "Pier"}, False, "pier"),
        ({"kind": "track"}, False, "area"),
        ({"kind": "sez_area"}, False, "area"),
        ({"man_made": "pier"}, False, "pier"),
        ({"man_made": "quay", "name": "x"}, False, "pier"),
        ({"natural": "water"}, False, "water"),
        ({"kind": "railway_schematic"}, True, "track"),
    ],
)
def test_kind_of(values, is_line, kind):
    assert zones.kind_of(values, is_line) == kind


@pytest.mark.parametrize(
    ("values", "railway"),
    [
        ({}, None),
        ({"highway": "residential"}, None),
        ({"railway": ""}, ""),
        ({"railway": "Rail"}, "rail"),
        ({"other_tags": '"gauge"=>"1520","railway"=>"rail","service"=>"yard"'}, "rail"),
        ({"other_tags": '"railway:track_ref"=>"3"'}, ""),
        ({"railway": "abandoned", "other_tags": '"name"=>"x"'}, "abandoned"),
    ],
)
def test_railway_of(values, railway):
    assert zones.railway_of(values) == railway


@pytest.mark.parametrize(
    ("given", "result"),
    [
        ([], []),
        (["a"], ["a"]),
        (["a", "a", "a"], ["a", "a-2", "a-3"]),
        (["a", "a", "a-2"], ["a", "a-2", "a-2-2"]),
        (["a-2", "a", "a"], ["a-2", "a", "a-3"]),
    ],
)
def test_unique(given, result):
    assert zones.unique(given) == result
    assert len(set(result)) == len(given)
