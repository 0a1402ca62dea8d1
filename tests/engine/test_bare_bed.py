"""An empty stretch that the user marked."""

import numpy as np
import pytest
from shapely.geometry import LineString

from rason.engine.detectors.bare_bed import EMPTY, MOST, SAME, BareBed, place_on
from rason.engine.detectors.wagon_evidence import Lanes
from rason.engine.errors import Refusal

TRACKS = [LineString([(0, 0), (100, 0)]), LineString([(0, 5), (100, 5)])]


def test_a_stretch_is_placed_on_the_track_it_lies_on():
    assert place_on(LineString([(60, 4.5), (20, 5.2)]), TRACKS) == (1, 20.0, 60.0)


@pytest.mark.parametrize(
    ("stretch", "words"),
    [
        (LineString([(20, 20), (60, 20)]), "none of the tracks .* up to 15 m away"),
        (LineString([(20, 0), (60, 30)]), "none of the tracks"),
        (LineString([(20, 0), (24, 0)]), "4 m long"),
        (LineString([(20, 0), (20, 0)]), "0 m long"),
        (LineString([(20, 0), (np.nan, 0)]), "EMPTY_STRETCH"),
    ],
)
def test_a_stretch_that_is_no_stretch_of_track_is_refused(stretch, words):
    with pytest.raises(Refusal, match=words):
        place_on(stretch, TRACKS)


def lanes(values):
    signal = np.repeat(np.asarray(values, np.float32)[:, None, None], 7, axis=1) * np.ones(3, np.float32)
    return Lanes(signal, np.ones(signal.shape[:2]), np.zeros((len(signal), 2)), 0.5, True, 0.5)


def test_what_looks_like_the_marked_bed_is_less_likely_a_wagon_and_the_rest_is_not():
    rng = np.random.default_rng(0)
    bed = BareBed.of([lanes(0.5 + 0.02 * rng.normal(size=60))], [np.full(60, -3.0)])
    seen = lanes(np.concatenate([np.full(40, 0.5), np.full(40, 0.9)]))
    told = bed.corrected(seen, np.full(80, 3.0))
    assert (told[:37] == 3.0 - SAME).all()
    assert (told[43:] == 3.0).all()


def test_a_bed_that_reads_as_wagons_corrects_the_scene_but_not_without_bound():
    bed = BareBed.of([lanes(np.full(60, 0.5))], [np.full(60, 1.0)])
    assert bed.excess == 1.0 - EMPTY
    assert BareBed.of([lanes(np.full(60, 0.5))], [np.full(60, 6.0)]).excess == MOST
