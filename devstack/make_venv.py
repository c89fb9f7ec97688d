"""Make `.venv` from requirements-dev.txt; runs on the system's Python, with nothing installed yet.

`python3 devstack/make_venv.py [PYTHON …]` tries the given interpreters, then the usual names.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
REQUIREMENTS = CHECKOUT / "requirements-dev.txt"
VENV = CHECKOUT / ".venv"
STAMP = VENV / ".installed"
NAMES = ("python3.11", "python3.12", "python3")
ASK = "import sys; print(sys.version_info[:2] in {(3, 11), (3, 12)} and sys.executable or '')"


def main(given: Sequence[str]) -> int:
    """Make or renew the environment if its requirements changed; 0 when it is there."""
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    python = find_python([*given, *NAMES])
    if python is None:
        print(
            "Python 3.11 or 3.12 is missing: install it, or `make venv PYTHON=/path/to/python3.11`."
        )
        return 1
    if not (VENV / "bin" / "python").exists() and not create(python):
        print(f"{python} cannot make environments: install its venv module (Debian: python3-venv).")
        return 1
    print(f"installing requirements-dev.txt into {VENV.name}, some minutes …", flush=True)
    pip: list[str | Path] = [VENV / "bin" / "python", "-m", "pip", "install"]
    # errors only: what an index or an older pip warns of is nothing that a newcomer can mend
    pip += ["--require-hashes", "-qq", "--disable-pip-version-check"]
    if subprocess.run([*pip, "-r", REQUIREMENTS], check=False).returncode:
        print("pip failed: is a package index configured for it (pip config list)?")
        return 1
    STAMP.write_text(wanted)
    return 0


def find_python(names: Sequence[str]) -> str | None:
    """The first interpreter among `names` that is a 3.11 or 3.12."""
    for name in names:
        path = shutil.which(name)
        if path is None:
            continue
        answer = subprocess.run([path, "-c", ASK], capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout.strip():
            return answer.stdout.strip()
    return None


def create(python: str) -> bool:
    """Make the environment; on Debian without the venv module, install that first as root."""
    if _venv(python):
        return True
    apt = shutil.which("apt-get")
    if apt is None or os.geteuid() != 0:
        return False
    subprocess.run([apt, "-q", "update"], check=False)
    subprocess.run([apt, "-q", "install", "-y", "python3-venv"], check=False)
    return _venv(python)


def _venv(python: str) -> bool:
    shutil.rmtree(VENV, ignore_errors=True)
    return subprocess.run([python, "-m", "venv", VENV], check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
