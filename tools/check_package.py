"""What the QGIS plugin repository checks of an upload: size, names, mandatory files and metadata."""

import configparser
import os
import re
import sys
import zipfile

NEEDED = ("name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository")
FORBIDDEN = re.compile(r"\.pyc$|__pycache__|/\.git|__MACOSX|\.\.|\\|\.(so|dll|exe|sh|bat)$|/(tests|bench)/")
MOST_BYTES = 25_000_000


def problems(path):
    """Everything that would have the upload refused."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        text = archive.read("rason/metadata.txt").decode("utf8") if "rason/metadata.txt" in names else ""
    size = os.path.getsize(path)
    if size > MOST_BYTES:
        yield f"{size} bytes are more than {MOST_BYTES}"
    yield from (
        f"missing: {name}" for name in ("rason/__init__.py", "rason/LICENSE", "rason/metadata.txt") if name not in names
    )
    yield from (f"must not travel: {name}" for name in names if FORBIDDEN.search(name))
    metadata = configparser.ConfigParser(interpolation=None)
    metadata.read_string(text or "[general]\n")
    values = dict(metadata["general"])
    yield from (f"metadata.txt lacks {key}" for key in NEEDED if not values.get(key.lower()))
    if values.get("hasprocessingprovider") != "yes":
        yield "metadata.txt needs hasProcessingProvider=yes: without it qgis_process does not see the algorithms"


def main():
    """Exit 1 with the problems, or say what was checked."""
    path = sys.argv[1]
    found = list(problems(path))
    for problem in found:
        sys.stdout.write(f"{path}: {problem}\n")
    if not found:
        with zipfile.ZipFile(path) as archive:
            sys.stdout.write(f"{path}: {len(archive.namelist())} files, fit for the plugin repository\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
