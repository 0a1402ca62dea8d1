"""Make the checkout importable as ``rason``, whatever its folder is called."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
# `python -m pytest` puts the current folder on sys.path; there our processing/ would hide QGIS's.
sys.path[:] = [p for p in sys.path if Path(p or ".").resolve() != ROOT]

if "rason" not in sys.modules:
    spec = importlib.util.spec_from_file_location("rason", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    sys.modules["rason"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["rason"])

# A loaded machine is no fault of the code; the same examples every time.
settings.register_profile("rason", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rason")

QGIS_PROCESS = os.environ.get("QGIS_PROCESS") or next(
    path
    for path in ("/usr/bin/qgis_process.bin", "/usr/bin/qgis_process", shutil.which("qgis_process") or "")
    if os.path.exists(path)
)
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


class Process:
    """qgis_process with an empty profile in which Rason is enabled. compiled: folder of what Python compiles, shared by all."""

    def __init__(self, folder, compiled):
        self.env = {
            **{key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"},
            "PYTHONPYCACHEPREFIX": str(compiled),  # a plugin is compiled once, not at each start
            "QT_QPA_PLATFORM": "offscreen",
            "QGIS_CUSTOM_CONFIG_PATH": str(folder / "profile"),
            "QGIS_PLUGINPATH": str(folder / "plugins"),
            "XDG_RUNTIME_DIR": str(folder),
            "TZ": "Asia/Seoul",  # an analyst's clock: nothing may depend on it
        }
        settings = folder / "profile" / "profiles" / "default" / "QGIS"
        settings.mkdir(parents=True)
        (settings / "QGIS3.ini").write_text("[PythonPlugins]\nrason=true\n")
        (folder / "plugins").mkdir()
        (folder / "plugins" / "rason").symlink_to(ROOT)

    def __call__(self, algorithm, timeout=120, **parameters):
        """Run; lists are repeated keys. Returns code, results (dict), log (stdout and stderr as text)."""
        arguments = [
            f"--{key.replace('__', ':')}={value}"
            for key, values in parameters.items()
            for value in (values if isinstance(values, list) else [values])
        ]
        done = subprocess.run(
            [QGIS_PROCESS, "--json", "run", algorithm, *arguments],
            env=self.env, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip
        try:
            answer = json.loads(done.stdout)
        except ValueError:
            answer = {}
        log = "\n".join(text for texts in (answer.get("log") or {}).values() for text in texts)
        return Outcome(done.returncode, answer.get("results", {}), f"{log}\n{done.stdout}\n{done.stderr}")


class Outcome:
    """What a run of qgis_process gave."""

    def __init__(self, code, results, log):
        self.code, self.results, self.log = code, results, log

    def refused(self):
        """The one line of a refusal; fails where the run succeeded or printed a traceback."""
        assert self.code != 0, self.log
        assert "Traceback" not in self.log, self.log
        assert "Unexpected error" not in self.log, self.log
        return self.log


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Folder of the byte code of all processes that the tests start."""
    return tmp_path_factory.mktemp("pyc")


@pytest.fixture(scope="session")
def process(tmp_path_factory, compiled):
    """qgis_process in a profile of its own."""
    return Process(tmp_path_factory.mktemp("qgis"), compiled)


@pytest.fixture(scope="session")
def rows():
    """Reads a table of a GeoPackage as a list of dicts (geometry as shapely)."""
    from osgeo import ogr
    from shapely import wkb

    def read(path, table=None):
        source = ogr.Open(str(path))
        assert source is not None, path
        layer = source.GetLayerByName(table) if table else source.GetLayer(0)
        out = []
        for feature in layer:
            geometry = feature.GetGeometryRef()
            out.append({**feature.items(), "geometry": geometry and wkb.loads(bytes(geometry.ExportToWkb()))})
        return out

    return read
