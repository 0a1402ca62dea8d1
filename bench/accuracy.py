#!/usr/bin/env python3
"""``make accuracy``: run the accuracy benches on the real sets, then write docs/ACCURACY.md from what is in bench/results/.

  bench/accuracy.py                  all benches on real sets (about ten minutes of two cores), then the page
  bench/accuracy.py --page           the page alone, from the results that are there
  bench/accuracy.py --only real_sets,left_out     these benches, then the page

Real imagery lies in ../shared/imagery. What takes a bigger machine is run by hand: bench/synthetic_trials.py and bench/coverage.py
(both with --workers), bench/detectonnx.py (needs peers), bench/score_alarm.py, bench/verdicts.py.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHES = (  # the longest first
    "accuracy_freight_cars", "real_sets", "accuracy_ships_sar", "accuracy_visibility", "accuracy_containers", "accuracy_ships",
    "accuracy_piles", "accuracy_wagon_types",
)  # fmt: skip
AFTER = ("left_out",)  # rest on the results of the others


def run(name):
    """One bench in a process of its own; what it says goes to build/accuracy/NAME.log."""
    log = HERE.parent / "build" / "accuracy" / f"{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.time()
    with open(log, "w", encoding="utf8") as file:
        bench = subprocess.Popen([sys.executable, str(HERE / f"{name}.py")], stdout=file, stderr=file)
        _, status, used = os.wait4(bench.pid, 0)
    code = bench.returncode = os.waitstatus_to_exitcode(status)
    how = "done" if code == 0 else f"FAILED ({code}), its old results stand; see {log}"
    print(f"{name}: {how}, {time.time() - start:.0f} s, {used.ru_utime + used.ru_stime:.0f} s of a processor", flush=True)
    return code


def page():
    """Fill the page's template; a table that cannot be made is an error, not a gap."""
    from accuracy_tables import PARTS

    text = (HERE / "accuracy.template.md").read_text("utf8")
    for name, make in PARTS.items():
        text = text.replace(f"{{{{{name}}}}}", make())
    if "{{" in text:
        sys.exit(f"accuracy.template.md names a table that does not exist: {text[text.index('{{') :][:40]}")
    (HERE.parent / "docs" / "ACCURACY.md").write_text(text, "utf8")


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--page", action="store_true", help="write the page alone")
    ap.add_argument("--only", default="", help="these benches alone, separated by commas")
    ap.add_argument("--jobs", type=int, default=2, help="benches at a time")
    a = ap.parse_args()
    wanted = [name for name in a.only.split(",") if name] or [*BENCHES, *AFTER]
    failed = 0
    if not a.page:
        first = [name for name in BENCHES if name in wanted and (HERE / f"{name}.py").is_file()]
        with ThreadPoolExecutor(a.jobs) as pool:
            failed = sum(code != 0 for code in pool.map(run, first))
        failed += sum(run(name) != 0 for name in AFTER if name in wanted)
    page()
    print("docs/ACCURACY.md written")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
