"""Odoo 19 from Debian's package, unpacked beside the system and never installed into it."""

from __future__ import annotations

import shutil
from pathlib import Path

from devstack import commands, progress
from devstack.apt import PrivateApt
from devstack.errors import CommandFailed, PartMissing
from devstack.locks import exclusive
from devstack.node import npm_package
from devstack.places import beside

# the package links into these; the last two have another layout in newer suites
PACKAGES = (
    "odoo-19",
    "fonts-roboto-unhinted",
    "fonts-montserrat",
    "fonts-ocr-b",
    "libjs-jquery",
    "libjs-underscore",
    "libjs-jquery-form",
    "fonts-font-awesome/bookworm",
    "fonts-inconsolata/bookworm",
)
SUITES = ("sid", "bookworm")
SELFIE = ("@mediapipe/selfie_segmentation", "0.1.1675465747")
SELFIE_FILE = "selfie_segmentation.js"
MAIL_LIBRARY = "usr/lib/python3/dist-packages/odoo/addons/mail/static/lib/selfie_segmentation"


def unpack(target: Path) -> None:
    """Fetch and unpack Odoo 19 into `target`.

    What was downloaded before a failure is kept and used by the next try. Raises PartMissing
    where apt, or a mirror of Debian, is not to be had.
    """
    with exclusive(beside(target, ".lock")):
        if target.exists():
            return
        downloads = beside(target, ".debs")
        staged = beside(target, ".part")
        shutil.rmtree(staged, ignore_errors=True)
        try:
            with progress.step("fetching Odoo 19 from Debian's packages (130 MB)"):
                archives = PrivateApt(beside(target, ".apt"), SUITES).download(PACKAGES, downloads)
            with progress.step("unpacking Odoo 19"):
                _extract(archives, staged)
        except CommandFailed as error:
            raise PartMissing(f"Debian's odoo-19 could not be fetched: {error}") from error
        _complete(staged)
        beside(target, ".origin").write_text(f"Debian's {archive_name(archives)}")
        staged.rename(target)
        for leftover in (downloads, beside(target, ".apt")):
            shutil.rmtree(leftover)


def archive_name(archives: list[Path]) -> str:
    """`odoo-19 19.0.0+dfsg-1`, from the name of the package's file."""
    [name] = [archive.name for archive in archives if archive.name.startswith(f"{PACKAGES[0]}_")]
    return " ".join(name.split("_")[:2])


def _extract(archives: list[Path], target: Path) -> None:
    target.mkdir()
    for archive in archives:
        commands.run(["dpkg-deb", "-x", archive, target], what=f"unpack {archive.name[:20]}")


def _complete(tree: Path) -> None:
    library = tree / MAIL_LIBRARY
    library.mkdir(parents=True, exist_ok=True)
    shutil.copy(npm_package(*SELFIE) / SELFIE_FILE, library / SELFIE_FILE)
