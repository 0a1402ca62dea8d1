"""Make the checkout importable as ``rason``, whatever its folder is called."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# `python -m pytest` puts the current folder on sys.path; there our processing/ would hide QGIS's.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]

if "rason" not in sys.modules:
    spec = importlib.util.spec_from_file_location("rason", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    sys.modules["rason"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["rason"])

SHARED = Path(os.environ.get("RASON_SHARED", ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def root():
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def imagery():
    """The folder of real test imagery; a missing one fails under CI and skips elsewhere."""
    folder = SHARED / "imagery"
    if not folder.is_dir():
        if os.environ.get("CI"):
            pytest.fail(f"test imagery is missing: {folder}")
        pytest.skip(f"test imagery is missing: {folder}")
    return folder


@pytest.fixture(scope="module")  # not "session": a test that loads the plugin needs the id free
def provider(qgis_processing):
    """The Rason provider, registered."""
    from qgis.core import QgsApplication

    from rason.processing.provider import RasonProvider

    provider = RasonProvider()
    QgsApplication.processingRegistry().addProvider(provider)
    yield provider
    QgsApplication.processingRegistry().removeProvider(provider)
