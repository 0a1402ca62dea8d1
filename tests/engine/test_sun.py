"""Where the sun stands, against published positions."""

from datetime import datetime, timezone

import pytest

from rason.engine.sun import sun_position


@pytest.mark.parametrize(
    "utc, longitude, latitude, azimuth, elevation",
    [
        # Reda and Andreas, Solar Position Algorithm, NREL/TP-560-34302 (2003), worked example: zenith 50.1116, azimuth 194.3402
        (datetime(2003, 10, 17, 19, 30, 30, tzinfo=timezone.utc), -105.1786, 39.742476, 194.3402, 39.8884),
        (datetime(2023, 6, 21, 12, 2, tzinfo=timezone.utc), 0.0, 45.0, 180.0, 68.44),  # noon at the solstice
        (
            datetime(2023, 12, 22, 11, 58, tzinfo=timezone.utc),
            0.0,
            -45.0,
            0.0,
            68.44,
        ),  # the same in the south: sun in the north
    ],
)
def test_published_positions(utc, longitude, latitude, azimuth, elevation):
    found = sun_position(utc, longitude, latitude)
    assert (found[0] - azimuth + 180) % 360 - 180 == pytest.approx(0.0, abs=1.0)
    assert found[1] == pytest.approx(elevation, abs=0.5)
