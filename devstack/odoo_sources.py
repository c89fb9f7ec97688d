"""Which Odoo is taken: ODOO_HOME, a copy in the cache, the public repository, Debian's package."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from devstack import progress
from devstack.errors import PartMissing
from devstack.odoo_clone import clone
from devstack.odoo_debian import unpack
from devstack.odoo_venv import python_for
from devstack.places import beside, cache_dir

SERIES = ("18.0", "19.0")
FETCHERS: dict[str, Callable[[Path], None]] = {"18.0": clone, "19.0": unpack}
INNER = (
    "usr/lib/python3/dist-packages",
    "lib/python3*/site-packages",
    "lib/python3*/dist-packages",
)


@dataclass(frozen=True)
class OdooSource:
    """One Odoo: `path` is the folder that holds the `odoo` package; `name` fits a file name."""

    name: str
    series: str
    path: Path
    origin: str

    @cached_property
    def python(self) -> Path:
        """The interpreter of this series' own environment, made on first use."""
        return python_for(self.series)

    @property
    def addons(self) -> list[Path]:
        """Where its addons lie."""
        return [
            folder
            for folder in (self.path / "addons", self.path / "odoo/addons")
            if folder.is_dir()
        ]

    def __str__(self) -> str:
        return f"Odoo {self.series} ({self.origin}: {self.path})"


def choose(series: str | None = None) -> OdooSource:
    """The first Odoo that can be had, of `series` if one is asked for, and say which.

    Raises PartMissing telling what was tried and what to set.
    """
    reasons: list[str] = []
    home = from_home()  # one that is set and wrong must be mended, not passed over
    for find in _finders(home, series):
        try:
            source = find()
        except PartMissing as missing:
            reasons.append(str(missing))
            continue
        if source:
            progress.say(f"Odoo taken: {source}")
            return source
    wanted = f"Odoo {series}" if series else "Odoo"
    raise PartMissing(
        f"No {wanted} to be had. Set ODOO_HOME to a source tree or install of Odoo 18.0 or 19.0.\n"
        + "\n".join(f"- {reason}" for reason in reasons)
    )


def every() -> list[OdooSource]:
    """One Odoo of each series that can be had here; says which, and why another is not."""
    found = []
    for series in SERIES:
        try:
            found.append(choose(series))
        except PartMissing as missing:
            progress.say(f"Odoo {series} is not at hand:\n{missing}")
    if not found:
        raise PartMissing("No Odoo of any series could be had; the lines above say why.")
    return found


def from_home() -> OdooSource | None:
    """What ODOO_HOME names; raises PartMissing when that is no Odoo."""
    home = os.environ.get("ODOO_HOME", "").strip()
    if not home:
        return None
    tree = find_tree(Path(home).expanduser())
    if tree is None:
        raise PartMissing(f"ODOO_HOME={home} holds no Odoo: no odoo/release.py in it.")
    series = series_of(tree)
    return OdooSource(f"home-{series}", series, tree, "ODOO_HOME")


def from_cache(series: str) -> OdooSource | None:
    """The copy in the user's cache, if there is one."""
    tree = find_tree(cache_dir() / f"odoo-{series}")
    if tree is None:
        return None
    label = beside(cache_dir() / f"odoo-{series}", ".origin")
    origin = f" of {label.read_text()}" if label.exists() else ""
    return OdooSource(f"cache-{series}", series, tree, f"cached copy{origin}")


def fetched(series: str) -> OdooSource | None:
    """Fetch `series` into the cache; raises PartMissing when that cannot be done here."""
    FETCHERS[series](cache_dir() / f"odoo-{series}")
    return from_cache(series)


def find_tree(home: Path) -> Path | None:
    """The folder in `home` that holds the `odoo` package: a source tree, an install, or itself."""
    candidates = [home, home.parent, *(match for inner in INNER for match in home.glob(inner))]
    for candidate in candidates:
        if (candidate / "odoo" / "release.py").is_file():
            return candidate.resolve()
    return None


def series_of(tree: Path) -> str:
    """`18.0` for a tree whose release.py says so."""
    text = (tree / "odoo" / "release.py").read_text()
    found = re.search(r"^version_info = \((\d+), *(\d+)", text, re.MULTILINE)
    if found is None:
        raise PartMissing(f"{tree}/odoo/release.py names no series of Odoo that is known here.")
    return f"{found[1]}.{found[2]}"


def _finders(
    home: OdooSource | None, series: str | None
) -> Iterator[Callable[[], OdooSource | None]]:
    wanted = [series] if series else SERIES
    yield lambda: home if home and series in {None, home.series} else None
    for name in wanted:
        yield lambda name=name: from_cache(name)  # type: ignore[misc]
    for name in wanted:
        if name in FETCHERS:
            yield lambda name=name: fetched(name)  # type: ignore[misc]
