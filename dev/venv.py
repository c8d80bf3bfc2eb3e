"""Create the project's virtual environment from a hash-locked requirements file.

Runs on the machine's own Python, before anything is installed, so it uses the standard
library only.  Usage: ``python3 dev/venv.py VENV LOCK``.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

MINIMUM = (3, 11)


def main(venv: Path, lock: Path) -> int:
    """Make ``venv`` hold exactly what ``lock`` names; return a process exit status."""
    if sys.version_info < MINIMUM:
        print(
            f"Python {MINIMUM[0]}.{MINIMUM[1]} or newer is needed, this is {sys.version.split()[0]}"
            ": install it and put it first on PATH as python3.",
            file=sys.stderr,
        )
        return 1
    started = time.monotonic()
    root = Path(__file__).resolve().parent.parent
    if not (venv / "bin" / "python").exists() and not _create(venv):
        return 1
    print(f"installing {lock} into {venv} ...", flush=True)
    pip = [
        str(venv / "bin" / "python"),
        "-m",
        "pip",
        "--disable-pip-version-check",
        "install",
        "-q",
    ]
    for arguments in (["--require-hashes", "-r", str(lock)], ["--no-deps", "-e", str(root)]):
        if subprocess.run([*pip, *arguments], check=False).returncode:
            print(
                "pip could not install the locked packages: see its message above;"
                " the package index must be reachable.",
                file=sys.stderr,
            )
            return 1
    print(f"environment ready in {time.monotonic() - started:.0f} s", flush=True)
    return 0


def _create(venv: Path) -> bool:
    command = [sys.executable, "-m", "venv", str(venv)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode == 0:
        return True
    shutil.rmtree(venv, ignore_errors=True)
    print(
        "python3 cannot make a virtual environment: install the package python3-venv"
        f" (apt-get install python3-venv) and try again.\n{done.stdout}{done.stderr}",
        file=sys.stderr,
    )
    return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
