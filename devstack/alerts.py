"""`python -m devstack alerts`: the alert rules, judged by Prometheus's own promtool."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from devstack import commands, progress
from devstack.apt import PrivateApt
from devstack.places import CHECKOUT, WORK

RULES = CHECKOUT / "deploy" / "alerts"
SUITE = "bookworm"


def check_alerts() -> int:
    """Check the rules and run their tests; 0 when all is well.

    Raises PartMissing where promtool is not on PATH and cannot be had from Debian.
    """
    promtool = shutil.which("promtool") or str(_promtool())
    tests = sorted(RULES.glob("*_test.yml"))
    rounds: list[list[str | Path]] = [
        ["check", "rules", RULES / "bridge.yml"],
        ["test", "rules", *tests],
    ]
    for words in rounds:
        if subprocess.run([promtool, *words], check=False).returncode:
            return 1
    return 0


def _promtool() -> Path:
    folder = WORK / "prometheus"
    program = folder / "usr" / "bin" / "promtool"
    if not program.exists():
        with progress.step("getting promtool from Debian"):
            apt = PrivateApt(folder / "apt", [SUITE])
            [package] = apt.download(["prometheus"], folder / "deb")
            command = ["dpkg-deb", "-x", str(package), str(folder)]
            commands.run(command, what="dpkg-deb -x")
    return program
