"""Odoo 18.0 from its public repository."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from devstack import commands, progress
from devstack.errors import CommandFailed, PartMissing
from devstack.locks import exclusive
from devstack.places import beside

REPOSITORY = "https://github.com/odoo/odoo.git"
BRANCH = "18.0"


def clone(target: Path) -> None:
    """Clone the tip of 18.0 into `target`; raises PartMissing where GitHub cannot be reached."""
    if shutil.which("git") is None:
        raise PartMissing("git is not installed, so Odoo 18.0 cannot be cloned.")
    with exclusive(beside(target, ".lock")):
        if target.exists():
            return
        _check_reachable()
        staged = beside(target, ".part")
        shutil.rmtree(staged, ignore_errors=True)
        command: commands.Words = [
            "git",
            "clone",
            "--quiet",
            "--depth=1",
            f"--branch={BRANCH}",
            REPOSITORY,
            staged,
        ]
        try:
            with progress.step("cloning Odoo 18.0"):
                commands.run(command, what="git clone odoo", env=_no_prompt())
        except CommandFailed as error:
            raise PartMissing(f"Odoo 18.0 could not be cloned: {error}") from error
        beside(target, ".origin").write_text(f"the public repository, branch {BRANCH}")
        staged.rename(target)


def _check_reachable() -> None:
    command: commands.Words = ["git", "ls-remote", "--heads", REPOSITORY, BRANCH]
    try:
        commands.run(command, what="git ls-remote odoo", env=_no_prompt(), seconds=20)
    except CommandFailed:
        raise PartMissing(
            "The public Odoo repository on GitHub cannot be reached from here."
        ) from None


def _no_prompt() -> dict[str, str]:
    return {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
