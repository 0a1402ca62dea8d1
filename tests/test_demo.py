"""What ``make demo`` prints."""

import importlib.util
import sys


def test_every_class_that_a_tally_may_hold_has_a_word(root, monkeypatch):
    from rason.engine.tanks import TANK_CAR
    from rason.layers.schema import CLASSES

    monkeypatch.setattr(sys, "path", [*sys.path, str(root / "bench")])
    spec = importlib.util.spec_from_file_location("demo_of_bench", root / "bench" / "demo.py")
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    assert {*CLASSES, TANK_CAR} <= set(demo.CLASSES)
