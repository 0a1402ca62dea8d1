"""Run a script inside a real QGIS window with Rason enabled and a fresh profile, and read what it found out."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SETTINGS = """[PythonPlugins]
rason=true
processing=true
[qgis]
checkVersion=false
showTips=false
"""


def run_in_qgis(
    script: Path, *arguments: str, plugin: Path = ROOT, screen: str = "1600x1000", timeout_s: float = 180
) -> dict:
    """Start QGIS, run the script in it, and return the JSON that the script wrote to the file named by RASON_ANSWER.

    arguments: what the script finds in RASON_ARGUMENTS, as JSON. screen: width and height of the virtual display.
    Raises RuntimeError with QGIS's last words when there is no answer.
    """
    with tempfile.TemporaryDirectory() as folder:
        profile, plugins, answer = (Path(folder) / name for name in ("profile", "plugins", "answer.json"))
        plugins.mkdir()
        (plugins / "rason").symlink_to(plugin, target_is_directory=True)
        settings = profile / "profiles" / "default" / "QGIS" / "QGIS3.ini"
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS, "utf8")
        runtime = Path(folder) / "run"
        runtime.mkdir(mode=0o700)
        environment = dict(
            os.environ,
            QGIS_CUSTOM_CONFIG_PATH=str(profile),
            QGIS_PLUGINPATH=str(plugins),
            XDG_RUNTIME_DIR=str(runtime),
            RASON_ANSWER=str(answer),
            RASON_ARGUMENTS=json.dumps(arguments),
            PYTHONPYCACHEPREFIX=str(Path(folder) / "pyc"),
            LANGUAGE="en",
            LC_ALL="C.UTF-8",
        )
        # QGIS takes its own Python's home from the first python3 it finds, which must not be a version manager's
        environment["PATH"] = f"/usr/bin:{environment['PATH']}"
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # a plugin is compiled once, not at each start
        environment.pop("QT_QPA_PLATFORM", None)  # the desktop crashes on "offscreen" (3.22); it needs a screen
        command = [
            "xvfb-run",
            "-a",
            "-s",
            f"-screen 0 {screen}x24",
            "qgis",
            "--nologo",
            "--noversioncheck",
            "--code",
            script,
        ]
        with subprocess.Popen(
            [*map(str, command)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # so that the display goes with it
        ) as running:
            try:
                said, _ = running.communicate(timeout=timeout_s)
            except subprocess.TimeoutExpired:
                os.killpg(running.pid, signal.SIGKILL)
                said = "It waited for an answer to a window, such as that of an error while loading the plugin."
        if not answer.is_file():
            raise RuntimeError(f"QGIS ended with {running.returncode} and no answer:\n{said[-4000:]}")
        return json.loads(answer.read_text("utf8"))
