"""Who may import whom (docs/ARCHITECTURE.md); imports inside functions count too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
# sys.stdlib_module_names came with Python 3.10; these are the ones the engine may lean on in 3.9 too.
STANDARD = getattr(sys, "stdlib_module_names", frozenset())
ENGINE = STANDARD | {"numpy", "scipy", "shapely", "pyproj", "osgeo"}
LATE = {"scipy", "shapely", "pyproj", "osgeo", "onnxruntime", "dask"}  # inside functions only: heavy, or not everywhere
MAY = {
    "engine": {"engine"},
    "layers": {"layers", "engine"},
    "processing": {"processing", "layers", "engine"},
    "ui": {"ui", "processing", "layers", "engine"},
}


def imports(path):
    """(node, full dotted name, inside a function) of every import of a file."""
    package = ("rason", *path.relative_to(ROOT).parent.parts)
    tree = ast.parse(path.read_text("utf8"))
    inside = {n for f in ast.walk(tree) if isinstance(f, (ast.FunctionDef, ast.AsyncFunctionDef)) for n in ast.walk(f)}
    typing_only = {
        n
        for i in ast.walk(tree)
        if isinstance(i, ast.If) and getattr(i.test, "id", "") == "TYPE_CHECKING"
        for n in ast.walk(i)
    }
    for node in ast.walk(tree):
        late = node in inside or node in typing_only
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name, late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else ()
            base += (node.module,) if node.module else ()
            yield from ((node.lineno, ".".join((*base, alias.name)), late) for alias in node.names)


def allowed(room, name, late):
    top, _, rest = name.partition(".")
    if top == "rason":
        return rest.partition(".")[0] in MAY[room]
    if room == "engine":
        return (top in ENGINE or top in LATE) and (late or top not in LATE)
    return top not in {"PyQt5", "PyQt6"}


@pytest.mark.parametrize("room", MAY)
def test_rooms_import_only_what_they_may(room):
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, name, late in imports(path)
        if not allowed(room, name, late)
    ]
    assert not wrong, "\n".join(wrong)


def test_the_package_imports_nothing_by_itself():
    tree = ast.parse((ROOT / "__init__.py").read_text("utf8"))
    assert not [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]


def test_the_rule_catches_what_it_should():
    assert not allowed("engine", "qgis.core", False)
    assert not allowed("engine", "rason.layers.schema", True)
    assert not allowed("engine", "scipy.stats", False)
    assert allowed("engine", "scipy.stats", True)
    assert not allowed("layers", "rason.processing.bridge", False)
    assert not allowed("ui", "PyQt5.QtGui", True)


def test_the_engine_loads_without_qgis_qt_or_heavy_libraries(tmp_path):
    (tmp_path / "rason").symlink_to(ROOT)
    modules = sorted(
        ".".join(("rason", *path.relative_to(ROOT).with_suffix("").parts))
        for path in (ROOT / "engine").rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )
    code = (
        f"import importlib, sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "heavy = {'qgis', 'PyQt5', 'PyQt6', 'scipy', 'shapely', 'pyproj', 'osgeo'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
