"""Sightings into calls, what may have been missed, and flows."""

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from rason.engine import calls, calls_told, sightings
from rason.engine.calls import Error, Look, Seen, ZoneCalls
from rason.engine.epoch import Epoch
from rason.engine.errors import Refusal
from rason.engine.flow import flow

START = datetime(2023, 10, 1, tzinfo=timezone.utc)


def look(day, *lengths, usable=True, p=1.0):
    return Look(Epoch(START + timedelta(days=day)), usable, [Seen(float(x), p) for x in lengths])


def made(looks, sd=5.0, recall=1.0):
    return calls.calls(looks, Error.of([s for one in looks for s in one.seen], sd, recall))


def days(call):
    return [round(day - START.timestamp() / 86400) for day in call.days]


def test_one_length_in_consecutive_looks_is_one_call_with_both_brackets():
    (call,) = made([look(0), look(3, 113), look(5, 119), look(9)])
    assert [epoch.day() for epoch in (*call.arrival, *call.departure)] == [
        "2023-10-01",
        "2023-10-04",
        "2023-10-06",
        "2023-10-10",
    ]
    mean, low, high = call.length(5.0)
    assert mean == 116 and low == pytest.approx(116 - 1.645 * 5 / np.sqrt(2)) and high > mean


def test_open_where_the_series_begins_and_ends():
    (call,) = made([look(0, 100), look(2, 100)])
    assert call.arrival[0] is None and call.departure[1] is None


def test_another_length_or_an_empty_usable_look_parts_calls_and_a_cloudy_one_does_not():
    assert len(made([look(0, 100), look(2, 150)])) == 2
    assert len(made([look(0, 100), look(2), look(4, 100)])) == 2
    assert len(made([look(0, 100), look(2, usable=False), look(4, 100)])) == 1


def test_lengths_within_the_error_stay_together_and_the_reach_grows_with_the_number_of_sightings():
    assert len(made([look(0, 100), look(2, 112)])) == 1
    few, many = (Error.of([Seen(100.0)] * n, 5.0) for n in (2, 200))
    assert many.reach > few.reach > 2


def test_ships_side_by_side_are_matched_by_length():
    found = made([look(0, 100, 70), look(2, 72, 101), look(4, 99)])
    assert [days(call) for call in found] == [[0, 2, 4], [0, 2]]
    assert found[1].departure[1].day() == "2023-10-05"


def test_as_many_sightings_as_possible_go_on():
    # 106 could go on from 100 or from 112; only one way leaves no one alone
    assert len(made([look(0, 100, 112), look(2, 94, 106)])) == 2


def test_below_full_recall_several_empty_looks_part_a_call():
    looks = [look(0, 100), look(1), look(3, 100), *(look(d) for d in range(4, 12))]
    assert len(made(looks, recall=1.0)) == 2
    (call,) = made(looks, recall=0.9)
    patience = Error.of([Seen(100.0)] * 2, 5.0, 0.9).patience
    assert patience > 1 and call.departure[1].day() == f"2023-10-{4 + patience:02d}"


def test_an_unknown_length_fits_any_ship():
    assert len(made([look(0, float("nan")), look(1, 100)])) == 1


def test_at_least_discounts_what_may_be_false():
    looks = [look(d, 60 + 10 * d, p=0.5) for d in range(0, 12, 2)]
    found = made(looks, sd=1.0)
    assert len(found) == 6 and calls.at_least(found) == 1
    assert calls.at_least(made([look(d, 60 + 10 * d) for d in range(0, 12, 2)], sd=1.0)) == 6
    assert calls.at_least([]) == 0


def test_chance_of_a_missed_call_is_the_share_of_arrivals_that_no_look_meets():
    at = np.array([0.0, 4.0, 5.0, 11.0])
    for stay, free in ((1, 3 + 0 + 5), (2, 2 + 4), (3, 1 + 3), (5, 1), (6, 0)):
        assert calls.missed(at, stay) == pytest.approx(free / 11)
    assert calls.missed(at[:1], 1) is None


@pytest.mark.parametrize("seed", range(8))
def test_chance_of_a_missed_call_agrees_with_arrivals_one_by_one(seed):
    rng = np.random.default_rng(seed)
    at = np.sort(rng.uniform(0, 100, rng.integers(2, 15)))
    stay, recall = rng.uniform(0.1, 20), rng.uniform(0.2, 1)
    arrivals = at[0] + np.ptp(at) * (np.arange(20000) + 0.5) / 20000
    met = np.searchsorted(at, arrivals + stay) - np.searchsorted(at, arrivals)
    assert calls.missed(at, stay, recall) == pytest.approx(((1 - recall) ** met).mean(), abs=2e-3)


def test_none_seen_is_a_bound_not_a_zero():
    assert calls.at_most(0, 0.5) == 4  # .5 ** 5 < .05 < .5 ** 4
    assert calls.at_most(0, 0.0) == 0 and calls.at_most(3, 0.0) == 3
    assert calls.at_most(0, 1.0) is None and calls.at_most(0, None) is None
    assert calls.most_a_month(0, 0.0, 30.0) == pytest.approx(3.0, abs=0.005)
    assert calls.most_a_month(0, 0.5, 30.0) == pytest.approx(5.99, abs=0.01)


@pytest.mark.parametrize("seen", [0, 1, 7, 30])
@pytest.mark.parametrize("chance", [0.01, 0.3, 0.8, 0.95])
def test_at_most_is_the_largest_number_that_is_not_refuted(seen, chance):
    from scipy.stats import binom

    most = calls.at_most(seen, chance)
    assert most >= seen
    assert binom.cdf(seen, most + 1, 1 - chance) <= 0.05 and (most == seen or binom.cdf(seen, most, 1 - chance) > 0.05)


def test_a_long_chain_can_be_several_calls_at_most():
    (call,) = made([look(0), *(look(d, 100) for d in range(1, 9)), look(9)])
    assert calls.most_seen([call], 2.0) == 4  # from 0+: leaves 2, 4, 6, 8; the last look is the fourth's
    assert calls.most_seen([call], 20.0) == 1


def test_all_zones_together_count_a_ship_that_shifts_berth_once():
    north = [look(0, 100), look(2), look(4)]
    south = [look(0), look(2, 101), look(4)]
    assert len(made(north)) + len(made(south)) == 2
    assert len(made(calls.together([north, south]))) == 1


def test_a_place_is_empty_only_where_every_zone_was_seen():
    north, south = [look(0, 100), look(2), look(4, 100)], [look(0), look(2, usable=False), look(4)]
    assert len(made(calls.together([north, south]))) == 1
    assert len(made(north)) == 2


def test_trains_are_told_only_as_there_or_not():
    looks = [calls.occupied(look(0, 14, 14, 14, p=0.9)), calls.occupied(look(1, 14)), calls.occupied(look(2))]
    (call,) = made(looks)
    assert call.length(5.0) is None and len(call.days) == 2 and call.p == 1


def test_flow_is_a_range_and_open_above_without_a_bound():
    both = flow(6, 27, 220, 300, "containers")
    assert (both.low, both.high) == (1320, 8100) and both.words() == "1,320 to 8,100 containers"
    assert flow(2, None, 1, 2, "t").words().startswith("at least 2 t")
    with pytest.raises(Refusal, match="LOAD_LOW is 3"):
        flow(1, 1, 3, 2, "t")


ROW = {"zone_id": "b", "epoch": "2023-10-03T02:00:00Z"}


def test_looks_of_visibility_and_of_tallies():
    seen = sightings.looks(
        [{**ROW, "usable": True}, {**ROW, "usable": False, "visible_fraction": 0.9}, {**ROW, "visible_fraction": 0.4}],
        "ship",
    )
    assert [one.usable for one in seen["b"]] == [True, False, False]
    tally = {**ROW, "class": "ship", "unit": "objects", "detected": 0.0, "estimate": 0.0, "low": 0.0}
    rows = [
        tally,
        {**tally, "detected": 2.0, "estimate": 2.0, "low": 1.0},
        {**tally, "detected": 1.0, "estimate": 1.0},
        {**tally, "detected": None, "estimate": None, "low": None},
        {**tally, "class": "container"},
        {**tally, "unit": "m2"},
    ]
    seen = sightings.looks(rows, "ship", with_counts=True)["b"]
    assert [(one.usable, len(one.seen)) for one in seen] == [(True, 0), (True, 1), (False, 0), (False, 0)]
    with pytest.raises(Refusal, match="neither usable nor visible_fraction"):
        sightings.looks([ROW], "ship")


def test_sightings_find_their_looks_and_rejected_ones_are_left_out():
    zones = sightings.looks([{**ROW, "usable": True}], "ship")
    sighting = {**ROW, "class": "ship", "length_m": 90.0, "detector": "ships", "status": "detected", "p": 0.7}
    rows = [
        sighting,
        {**sighting, "status": "rejected"},
        {**sighting, "status": "accepted"},
        {**sighting, "detector": None, "length_m": 0},
        {**sighting, "epoch": "2023-11-03"},
        {**sighting, "zone_id": None},
        {**sighting, "class": "container"},
    ]
    added = sightings.add(zones, {"a": rows}, "ship")
    assert (added.number, added.unreviewed, added.elsewhere, added.lone) == (4, 2, 1, 1)
    first, lone = calls.gathered(zones["b"])
    assert [one.p for one in first.seen] == [0.7, 1.0, 1.0] and np.isnan(first.seen[2].length_m) and not lone.usable
    with pytest.raises(Refusal, match="no acquisition time"):
        sightings.add(zones, {"a": [{**sighting, "epoch": "soon"}]}, "ship")


def test_a_ship_must_not_come_in_by_two_layers():
    zones = sightings.looks([{**ROW, "usable": True}], "ship")
    with pytest.raises(Refusal, match="by hand and detected both hold objects of zone b"):
        sightings.add(zones, {"by hand": [{**ROW, "length_m": 90}], "detected": [{**ROW, "length_m": 91}]}, "ship")


def test_a_sighting_written_as_a_day_is_of_the_only_look_of_that_day():
    zones = sightings.looks([{**ROW, "usable": True}, {**ROW, "epoch": "2023-10-04", "usable": True}], "ship")
    rows = [{**ROW, "epoch": "2023-10-03"}, {**ROW, "epoch": "2023-10-04T05:00:00Z"}]
    assert sightings.add(zones, {"a": rows}, "ship").lone == 0
    assert [len(look.seen) for look in zones["b"]] == [1, 1]
    twice = sightings.looks([{**ROW, "usable": True}, {**ROW, "epoch": "2023-10-03T05:00:00Z", "usable": True}], "ship")
    assert sightings.add(twice, {"a": rows[:1]}, "ship").lone == 1


def test_boats_are_left_out_where_asked_and_unknown_lengths_stay():
    zones = sightings.looks([{**ROW, "usable": True}], "ship")
    added = sightings.add(zones, {"a": [{**ROW, "length_m": x} for x in (11, 30, 0)]}, "ship", 25.0)
    assert (added.short, added.number) == (1, 2)


def test_words_of_text_files():
    (one,), (two,) = (sightings.looks([{**ROW, "usable": word}], "ship")["b"] for word in ("false", "True"))
    assert not one.usable and two.usable
    for row, said in (({"usable": "maybe"}, "neither true nor false"), ({"visible_fraction": "most"}, "is no number")):
        with pytest.raises(Refusal, match=said):
            sightings.looks([{**ROW, **row}], "ship")
    with pytest.raises(Refusal, match="length_m 'long' is no number"):
        sightings.add({}, {"a": [{**ROW, "length_m": "long"}]}, "ship")


def test_listed_ships_are_consistent_by_length_and_date_only():
    (call,) = made([look(0), look(3, 119), look(6)])
    listed = sightings.ships(
        [
            {"name": "Angara", "length_m": 120, "from": "2023-10", "to": None},
            {"name": "Small", "length_m": 70},
            {"name": "Gone", "length_m": 120, "from": "2023-08-01", "to": "2023-09-20"},
        ]
    )
    assert calls_told.consistent(call, listed, Error.of([Seen(119.0)], 5.0)) == ["Angara"]
    for bad, said in (({"name": "x", "length_m": None}, "lacks"), ({"name": "x", "length_m": 9, "from": "2023-10-02", "to": "2023-09-01"}, "before it comes")):  # fmt: skip
        with pytest.raises(Refusal, match=said):
            sightings.ships([bad])


def test_sentences_say_at_least_at_most_and_what_was_missed():
    looks = [look(0), look(3, 119), look(6), look(10)]
    zone = ZoneCalls.of("berth", looks, Error.of([Seen(119.0)], 5.0), 2.0)
    (row,) = calls_told.call_rows(zone, "ship", [])
    assert row["note"].startswith("119 m long (111 to 127). Arrived between 2023-10-01")
    summary = calls_told.summary_row(zone, "ship", flow(1, zone.at_most, 200, 300, "containers"))
    assert summary["at_least"] == 1 and summary["at_most"] > 1 and summary["missed_5d"] == 0
    assert "at least 1 call of ships in 4 usable looks" in summary["note"] and "200 to" in summary["note"]
    empty = calls_told.summary_row(ZoneCalls.of("b", [look(0), look(7)], Error.of([], 5.0), 2.0), "ship", None)
    assert "no calls of ships shown" in empty["note"] and empty["at_most"] > 0 and "At most" in empty["note"]
    one = calls_told.summary_row(ZoneCalls.of("b", [look(0)], Error.of([], 5.0), 2.0), "ship", None)
    assert one["at_most"] is None and "nothing can be said of what was missed" in one["note"]
