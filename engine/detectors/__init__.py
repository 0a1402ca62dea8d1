"""Detectors: one file a kind of object. A new detector is its file and an entry in ``engine/classes.py``."""

from __future__ import annotations

from importlib import import_module

from ..classes import entry
from .base import Detector


def detector(class_name: str, sensor: str = "optical") -> Detector:
    """The detector of a class in scenes of a sensor, "optical" or "sar"."""
    module, name = entry(class_name, sensor).detector.split(".")
    return getattr(import_module(f".{module}", __package__), name)()
