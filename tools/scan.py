"""The security scan of the QGIS plugin repository: bandit's and detect-secrets' mandatory rules, on what is packaged."""

import json
import subprocess  # nosec B404
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ["__init__.py", "plugin.py", "engine", "layers", "processing", "ui"]
# The repository's mandatory rules (July 2026); findings block publication. Skippable ones are reported too and must be empty,
# but for asserts' kin that it lets authors skip: B101, B311 (seeded draws), B608 (no SQL from users).
BANDIT = (
    "B102,B103,B105,B106,B107,B110,B112,B113,B201,B202,B301,B302,B303,B304,B305,B306,B307,B310,B312,B321,B323,B324,B401,B402,"
    "B403,B412,B413,B501,B502,B503,B505,B506,B507,B601,B602,B603,B604,B605,B606,B607,B609,B610,B611,B612,B613,B615,B701"
)


def run(*command):
    """Output of a tool of the virtual environment."""
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)  # nosec


def main():
    """Exit 1 with the findings, if there are any."""
    bandit = run("bandit", "-q", "-r", *ROOMS, "-t", BANDIT, "-f", "json")
    findings = [
        f"{r['filename']}:{r['line_number']} {r['test_id']} {r['issue_text']}" for r in json.loads(bandit.stdout)["results"]
    ]
    secrets = run("detect_secrets", "scan", "--all-files", *ROOMS)
    for file, found in json.loads(secrets.stdout)["results"].items():
        findings += [f"{file}:{item['line_number']} {item['type']}" for item in found]
    sys.stdout.write("".join(f"{finding}\n" for finding in findings))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
