"""Where Chromium is, for the browser tests and for Odoo's own."""

from __future__ import annotations

import os
import shutil

from devstack import commands, progress
from devstack.errors import CommandFailed, PartMissing

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """The path of the program; installed with apt-get where that is allowed.

    Raises PartMissing telling what to install.
    """
    found = _on_path()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        _install()
        found = _on_path()
    if found is None:
        raise PartMissing(
            "Chromium is missing. Install it (Debian: apt-get install chromium) so that "
            f"one of {', '.join(NAMES)} is on PATH."
        )
    return found


def _on_path() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _install() -> None:
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    try:
        with progress.step("installing Chromium with apt-get"):
            commands.run(["apt-get", "-q", "update"], what="apt-get update", env=env)
            command = ["apt-get", "-q", "install", "-y", "--no-install-recommends", "chromium"]
            commands.run(command, what="apt-get install chromium", env=env)
    except CommandFailed as error:
        progress.say(str(error))
