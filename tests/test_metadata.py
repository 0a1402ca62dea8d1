"""metadata.txt holds what the plugin repository asks for, and the version is the same everywhere."""

import configparser
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MANDATORY = ("name", "description", "version", "qgisMinimumVersion", "author", "email", "about", "tracker", "repository")


@pytest.fixture(scope="module")
def metadata():
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "metadata.txt", "utf8")
    return parser["general"]


@pytest.mark.parametrize("key", MANDATORY)
def test_mandatory_key(metadata, key):
    assert metadata[key].strip()


def test_what_qgis_and_the_repository_check(metadata):
    assert metadata["hasProcessingProvider"] == "yes"  # else qgis_process does not see the plugin
    assert metadata["qgisMinimumVersion"] == "3.22"
    assert metadata["license"] == "GPL-2.0-or-later"
    assert "plugin" not in metadata["name"].lower()
    assert "/" not in metadata["author"]
    assert re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", metadata["email"])
    for key in ("tracker", "repository", "homepage"):
        assert metadata[key].startswith("https://")


def test_about_names_external_dependencies_and_the_network(metadata):
    for word in ("scipy", "shapely", "no network"):
        assert word in metadata["about"]


def test_icon_and_licence_are_there(metadata):
    assert (ROOT / metadata["icon"]).is_file()
    licence = (ROOT / "LICENSE").read_text("utf8")
    assert "GNU GENERAL PUBLIC LICENSE" in licence and "Version 2, June 1991" in licence


def test_version_is_the_same_everywhere(metadata):
    version = metadata["version"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert metadata["changelog"].lstrip().startswith(version)
    assert re.search(rf"^## \[?{re.escape(version)}\b", (ROOT / "CHANGELOG.md").read_text("utf8"), re.M)
    assert re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text("utf8"), re.M).group(1) == version
