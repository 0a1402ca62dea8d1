"""Modules that are loaded when first used: QGIS starts with the algorithms' parameters alone, without numpy or the engine."""

from __future__ import annotations

from importlib import import_module
from typing import Any

ROOT = __package__.rpartition(".")[0]


class Lazy:
    """Stands for a module; the first look at one of its names loads it."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)


def engine(name: str) -> Lazy:
    """A module of the engine: ``counting = lazy.engine("counting")``."""
    return Lazy(f"{ROOT}.engine.{name}")


np = Lazy("numpy")
