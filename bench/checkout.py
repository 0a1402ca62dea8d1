"""The checkout as the package ``rason``, whatever its folder is called; for benches that run as plain scripts."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def load_rason():
    """Make ``import rason`` work."""
    if "rason" in sys.modules:
        return
    sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]  # there our processing/ would hide QGIS's
    spec = importlib.util.spec_from_file_location("rason", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    sys.modules["rason"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["rason"])
