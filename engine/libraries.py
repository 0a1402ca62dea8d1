"""Libraries that some platforms' QGIS lacks, and how to get them."""

from __future__ import annotations

import importlib.util
import sys

from .errors import MissingLibrary

_ONNXRUNTIME = (
    "onnxruntime is missing, which runs ONNX models. Get it with the QPIP plugin (Plugins > Manage and Install Plugins), or {}, "
    "then start QGIS again (docs/howto_onnx.md)."
)


def require(*names: str) -> None:
    """Raise MissingLibrary, naming the missing libraries and this platform's way to install them."""
    missing = [name for name in names if importlib.util.find_spec(name) is None]
    if not missing:
        return
    if missing == ["onnxruntime"]:  # in no QGIS and few distributions
        raise MissingLibrary(_ONNXRUNTIME.format(_pip_cure()))
    if sys.platform.startswith("linux"):
        cure = "sudo apt install " + " ".join(f"python3-{name}" for name in missing)
    elif sys.platform == "win32":
        cure = "in the OSGeo4W shell: python -m pip install " + " ".join(missing)
    else:
        cure = "with QGIS's own Python: python3 -m pip install " + " ".join(missing)
    raise MissingLibrary(
        "Python libraries missing: {names}. Install them ({cure}) and start QGIS again.", names=", ".join(missing), cure=cure
    )


def _pip_cure() -> str:
    """This platform's way to install onnxruntime with pip."""
    if sys.platform.startswith("linux"):
        return "in a terminal: python3 -m pip install --user --break-system-packages onnxruntime"
    if sys.platform == "win32":
        return "in the OSGeo4W shell: python -m pip install onnxruntime"
    return "in a terminal: /Applications/QGIS.app/Contents/MacOS/bin/python3 -m pip install onnxruntime"
