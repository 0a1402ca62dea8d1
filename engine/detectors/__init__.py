"""Detectors: one file a kind of object. A new detector is one file and one line in ``DETECTORS``."""

from __future__ import annotations

from importlib import import_module

from .base import Detector

# class counted -> (module, class)
DETECTORS = {
    "freight_car": ("freight_cars", "FreightCars"),
    "container": ("containers", "Containers"),
    "ship": ("ships", "Ships"),
}


def detector(class_name: str) -> Detector:
    """The detector of a class."""
    module, name = DETECTORS[class_name]
    return getattr(import_module(f".{module}", __package__), name)()
