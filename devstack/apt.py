"""apt's own tools with folders of their own: the system's sources and state stay untouched."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from devstack import commands
from devstack.errors import PartMissing

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CODENAMES = {"bookworm", "trixie", "forky", "sid", "oldstable", "stable", "testing", "unstable"}


class PrivateApt:
    """Downloads packages of `suites` through the mirror that this machine is configured with."""

    def __init__(self, folder: Path, suites: Sequence[str]) -> None:
        self._folder = folder
        self._suites = suites

    def download(self, packages: Sequence[str], target: Path) -> list[Path]:
        """Download each package (`name` or `name/suite`) into `target`, going on where a try ended.

        Raises PartMissing without apt or a Debian mirror, CommandFailed when apt fails.
        """
        if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
            raise PartMissing("Debian's odoo-19 needs apt-get and dpkg-deb, which are not here.")
        target.mkdir(parents=True, exist_ok=True)
        self._lay_out(mirror(commands.run(_LIST_SOURCES, what="apt indextargets")))
        self._run("update", cwd=target)
        self._run("download", *packages, cwd=target)
        return sorted(target.glob("*.deb"))

    def _lay_out(self, uri: str) -> None:
        for name in ("state/lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "status").touch()
        options = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        lines = [f"deb {options}{uri} {suite} main\n" for suite in self._suites]
        (self._folder / "sources.list").write_text("".join(lines))

    def _run(self, verb: str, *words: str, cwd: Path) -> None:
        settings = {
            "Dir::State": self._folder / "state",
            "Dir::State::status": self._folder / "status",
            "Dir::Cache": self._folder / "cache",
            "Dir::Etc::sourcelist": self._folder / "sources.list",
            "Dir::Etc::sourceparts": "-",
            "APT::Sandbox::User": "root",  # the sandbox user cannot enter the cache of root
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
        }
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        commands.run(["apt-get", "-q", *options, verb, *words], what=f"apt-get {verb}", cwd=cwd)


_LIST_SOURCES = [
    "apt-get",
    "indextargets",
    "--format",
    "$(REPO_URI) $(RELEASE)",
    "Created-By: Packages",
]


def mirror(targets: str) -> str:
    """The first Debian mirror among lines of `URI suite`; raises PartMissing if there is none."""
    for line in targets.splitlines():
        uri, _, suite = line.partition(" ")
        if suite.strip() in CODENAMES and not uri.rstrip("/").endswith("-security"):
            return uri
    raise PartMissing("No mirror of Debian is among this machine's apt sources.")
