"""The plugin without a window: as qgis_process loads it."""

import os
import subprocess
import sys
from pathlib import Path

from qgis.core import QgsApplication

ROOT = Path(__file__).resolve().parent.parent

TIMED = """
import sys, time
from qgis.core import QgsApplication
application = QgsApplication([], False)
application.initQgis()
sys.path.insert(0, sys.argv[1])
before = set(sys.modules)  # from QGIS 3.40 on, qgis.core itself brings shapely where it is installed
start = time.process_time()
import rason
plugin = rason.classFactory(None)
plugin.initProcessing()
seconds = time.process_time() - start
unwanted = ("numpy", "scipy", "shapely", "pyproj", "osgeo.gdal", "rason.ui", "rason.engine.scene", "processing")
heavy = [name for name in unwanted if name in set(sys.modules) - before]
assert len(QgsApplication.processingRegistry().providerById("rason").algorithms()) >= 5
plugin.unload()
assert QgsApplication.processingRegistry().providerById("rason") is None
print("answer", seconds, *heavy)
import os
sys.stdout.flush()
os._exit(0)
"""


def test_registers_and_unregisters_its_provider(qgis_processing):
    from rason import classFactory

    registry = QgsApplication.processingRegistry()
    plugin = classFactory(None)
    for _ in range(2):
        plugin.initProcessing()
        assert {a.id() for a in registry.providerById("rason").algorithms()} >= {"rason:tallyscene", "rason:compareepochs"}
        plugin.unload()
        assert registry.providerById("rason") is None
    plugin.unload()  # a second time does no harm


def test_loads_in_150_ms_without_heavy_libraries(tmp_path):
    (tmp_path / "rason").symlink_to(ROOT, target_is_directory=True)
    environment = {
        **os.environ,
        "QT_QPA_PLATFORM": "offscreen",
        "QGIS_CUSTOM_CONFIG_PATH": str(tmp_path / "profile"),
        "PYTHONPYCACHEPREFIX": str(tmp_path / "pyc"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-c", TIMED, str(tmp_path)]
    for _ in ("compile", "measure"):
        said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60).stdout
    _, seconds, *heavy = next(line for line in said.splitlines() if line.startswith("answer")).split()
    assert heavy == [], "take engine modules and numpy through processing/lazy.py, or inside functions"
    assert float(seconds) < 0.15  # of processor time
