"""What a result was made from: enough to make it again and to notice that an input has changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

_CHUNK = 1 << 22


def version() -> str:
    """The version in metadata.txt, or of the installed package where the engine was installed alone."""
    metadata = Path(__file__).parent.parent / "metadata.txt"
    if metadata.is_file():
        for line in metadata.read_text("utf8").splitlines():
            if line.startswith("version="):
                return line.partition("=")[2].strip()
    from importlib.metadata import version as installed

    return installed("rason")


def fingerprint(
    files: Iterable[str], progress: Callable[[float], None] = lambda fraction: None
) -> list[tuple[str, int, str]]:
    """(name, bytes, SHA-256) of each file, also behind /vsi… paths.

    Side files (.aux.xml, .ovr) are left out: QGIS rewrites them. progress is called for every piece read.
    """
    from osgeo import gdal

    bearing = [path for path in files if not path.endswith((".aux.xml", ".ovr", ".msk"))]
    total = sum(stat.size for path in bearing if (stat := gdal.VSIStatL(path)) is not None) or 1
    out, done = [], 0
    for path in bearing:
        handle = gdal.VSIFOpenL(path, "rb")
        if handle is None:
            continue
        digest, size = hashlib.sha256(), 0
        while chunk := gdal.VSIFReadL(1, _CHUNK, handle):
            digest.update(chunk)
            size += len(chunk)
            progress(min(1.0, (done + size) / total))
        done += size
        gdal.VSIFCloseL(handle)
        out.append((Path(path).name, size, digest.hexdigest()))
    return out


def _said(value: Any) -> str:
    """A parameter as a user would write it: what a dialog wraps into a definition is unwrapped."""
    for inner in (getattr(value, "sink", None), getattr(value, "source", None), value):
        if inner is not None and hasattr(inner, "staticValue"):
            return f"{inner.staticValue()}{' (selected features)' if getattr(value, 'selectedFeaturesOnly', False) else ''}"
    return str(value)


def record(
    algorithm: str,
    parameters: Mapping[str, Any],
    inputs: Iterable[tuple[str, int, str]],
    result: Mapping[str, str] | None = None,
) -> str:
    """JSON that is stored with every output: algorithm, version, parameters and inputs.

    result: what all rows have in common, so that a table without rows says it too (``result_of`` reads it).
    """
    return json.dumps(
        {
            "algorithm": algorithm,
            "version": version(),
            "parameters": {key: _said(value) for key, value in parameters.items() if value is not None},
            "inputs": [{"name": name, "bytes": size, "sha256": digest} for name, size, digest in inputs],
            **({"result": dict(result)} if result else {}),
        },
        ensure_ascii=False,
        indent=1,
    )


def result_of(records: Iterable[str]) -> dict[str, str]:
    """What the last of some records says of its result; nothing where none of them is ours."""
    for text in reversed(list(records)):
        try:
            found = json.loads(text)["result"]
            return {str(key): str(value) for key, value in found.items()}
        except (ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}
