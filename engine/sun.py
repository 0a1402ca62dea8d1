"""Where the sun stands."""

from __future__ import annotations

from datetime import datetime, timezone

import numpy as np


def sun_position(utc: datetime, longitude_deg: float, latitude_deg: float) -> tuple[float, float]:
    """Azimuth (clockwise from north) and elevation of the sun in degrees, good to about half a degree.

    Source: Spencer's Fourier series of declination and equation of time (1971), as used by NOAA. utc: an aware datetime.
    """
    utc = utc.astimezone(timezone.utc)
    hours = utc.hour + utc.minute / 60 + utc.second / 3600
    year = 2 * np.pi / 365 * (utc.timetuple().tm_yday - 1 + (hours - 12) / 24)
    minutes = 229.18 * (
        0.000075
        + 0.001868 * np.cos(year)
        - 0.032077 * np.sin(year)
        - 0.014615 * np.cos(2 * year)
        - 0.040849 * np.sin(2 * year)
    )
    declination = (
        0.006918
        - 0.399912 * np.cos(year)
        + 0.070257 * np.sin(year)
        - 0.006758 * np.cos(2 * year)
        + 0.000907 * np.sin(2 * year)
        - 0.002697 * np.cos(3 * year)
        + 0.00148 * np.sin(3 * year)
    )
    hour_angle = np.radians((hours * 60 + minutes + 4 * longitude_deg) / 4 - 180)
    latitude = np.radians(latitude_deg)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    return float(np.degrees(np.arctan2(east, north)) % 360), float(np.degrees(np.arcsin(up)))
