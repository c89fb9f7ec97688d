"""A Python environment for each series of Odoo, in the user's cache."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from devstack import commands, progress
from devstack.errors import CommandFailed, PartMissing
from devstack.locks import exclusive
from devstack.places import beside, cache_dir

REQUIREMENTS = Path(__file__).with_name("odoo-requirements.txt")


def python_for(series: str) -> Path:
    """The interpreter of the environment of `series`; made once per list of requirements.

    Raises PartMissing when pip cannot install what Odoo needs.
    """
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = cache_dir() / f"venv-odoo-{series}-py{version}"
    python = home / "bin" / "python"
    stamp = home / f".complete-{wanted}"
    with exclusive(beside(home, ".lock")):
        if not stamp.exists() or not _works(python):
            with progress.step(f"installing the Python packages of Odoo {series}"):
                _make(home, python)
            stamp.touch()
    return python


def _make(home: Path, python: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)
    install: commands.Words = [
        python,
        "-m",
        "pip",
        "install",
        "--prefer-binary",
        "-r",
        REQUIREMENTS,
    ]
    try:
        commands.run([sys.executable, "-m", "virtualenv", "--quiet", home], what="virtualenv odoo")
        commands.run(install, what="pip install odoo requirements")
    except CommandFailed as error:
        raise PartMissing(
            "The Python packages of Odoo cannot be installed: is a package index configured for "
            f"pip?\n{error}"
        ) from error


def _works(python: Path) -> bool:
    # the interpreter below may have been removed by an upgrade of the system
    try:
        answer = subprocess.run([python, "-c", "import lxml, psycopg2"], check=False)
    except OSError:
        return False
    return answer.returncode == 0
