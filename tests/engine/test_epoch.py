from datetime import datetime, timezone

import pytest

from rason.engine import epoch
from rason.engine.errors import NoAcquisitionTime, Refusal


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("", None),
        ("0000:00:00 00:00:00", None),
        ("1970:01:01 00:00:00", None),
        ("2999-01-01", None),
        ("2023-02-30", None),
        ("yesterday", None),
        ("2023-10-12T02:05:00Z", "2023-10-12T02:05:00Z"),
        ("2023-10-12T11:05:00+09:00", "2023-10-12T02:05:00Z"),
        ("2023-10-12T11:05:00+0900", "2023-10-12T02:05:00Z"),
        ("2023:10:12 02:05:59", "2023-10-12T02:05:59Z"),
        ("2023-10-12T02:05:59.123Z", "2023-10-12T02:05:59Z"),
        ("20231012020559", "2023-10-12T02:05:59Z"),
        ("2023-10-12", "2023-10-12"),
        ("2023-10", "2023-10"),
    ],
)
def test_parse(text, iso):
    parsed = epoch.parse(text)
    assert (parsed and parsed.iso()) == iso


def test_a_time_without_zone_is_utc_and_said():
    assert "taken as UTC" in epoch.parse("2023-10-12 02:05:00").warning
    assert not epoch.parse("2023-10-12T02:05:00Z").warning
    assert not epoch.parse("2023-10-12").warning


def test_iso_round_trip():
    for text in ("2023-10-12T02:05:00Z", "2023-10-12", "2023-10"):
        assert epoch.read(text).iso() == text


@pytest.mark.parametrize(
    "utc",
    ["2015-08-14T14:59:00", "2015-08-14T15:30:00", "2018-05-04T14:59:00", "2018-05-04T15:00:00", "2023-10-12T02:05:00"],
)
def test_pyongyang_agrees_with_tzdata(utc):
    zoneinfo = pytest.importorskip("zoneinfo")
    when = datetime.fromisoformat(utc).replace(tzinfo=timezone.utc)
    assert epoch.pyongyang_offset(when) == when.astimezone(zoneinfo.ZoneInfo("Asia/Pyongyang")).utcoffset()


def test_label_names_another_day():
    assert epoch.read("2023-10-12T02:05:00Z").label() == "2023-10-12 02:05 UTC (11:05 in Pyongyang)"
    assert "on 2023-10-13" in epoch.read("2023-10-12T23:05:00Z").label()
    assert epoch.read("2017-01-01T02:05:00Z").label().endswith("(10:35 in Pyongyang)")


def test_metadata_order_and_placeholders():
    imagery = {"IMAGERY": {"ACQUISITIONDATETIME": "2023-10-12T02:05:00Z"}, "": {"TIFFTAG_DATETIME": "2024:01:01 00:00:00"}}
    assert epoch.from_metadata(imagery).iso() == "2023-10-12T02:05:00Z"
    processed = epoch.from_metadata({"": {"TIFFTAG_DATETIME": "2024:01:01 00:00:00"}})
    assert processed.iso() == "2024-01-01T00:00:00Z" and "time of processing" in processed.warning
    assert epoch.from_metadata({"": {"TIFFTAG_DATETIME": "1970:01:01 00:00:00"}}) is None


def test_no_time_is_refused_with_the_cure():
    with pytest.raises(NoAcquisitionTime, match="EPOCH"):
        epoch.required(None, {}, "INPUT")
    with pytest.raises(Refusal, match="2023-10-12"):
        epoch.read("soon")


def test_precision_drops_what_is_not_known():
    full = epoch.read("2023-10-12T02:05:00Z")
    assert epoch.with_precision(full, "day").iso() == "2023-10-12"
    assert epoch.with_precision(full, "month").utc.day == 1


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2023-10-12", "2023-10-12T02:05:00Z", True),
        ("2023-10-12T02:05:00Z", "2023-10", True),
        ("2023-10", "2023-10", True),
        ("2023-10-12", "2023-10-13T00:00:00Z", False),
        ("2023-10", "2023-11-01", False),
    ],
)
def test_epochs_that_may_be_one(first, second, same):
    assert epoch.may_be_one(epoch.read(first), epoch.read(second)) is same
