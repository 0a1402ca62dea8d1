"""``make bench``: every benchmark that needs nothing but this checkout; results go to bench/results/."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
BENCHES = ("speed", "merging", "coverage", "verdicts")


def main():
    """Run them one after another; stop at the first that fails."""
    for name in BENCHES:
        print(f"--- {name}", flush=True)
        code = subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False).returncode
        if code:
            sys.exit(code)


if __name__ == "__main__":
    main()
