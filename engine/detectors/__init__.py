"""Detectors: one file a kind of object. A new detector is its file and an entry in ``engine/classes.py``."""

from __future__ import annotations

from importlib import import_module

from ..classes import CLASSES
from .base import Detector


def detector(class_name: str) -> Detector:
    """The detector of a class."""
    module, name = CLASSES[class_name].detector.split(".")
    return getattr(import_module(f".{module}", __package__), name)()
