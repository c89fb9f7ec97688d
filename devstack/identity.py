"""PostgreSQL refuses to run as root: whom to run it as instead, wherever its files lie."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

from devstack.errors import PartMissing
from devstack.spawning import Identity

NOBODY = "nobody"


def unprivileged(*folders: Path) -> Identity:
    """Ourselves, or as root `nobody`, able to reach every one of `folders`.

    Below a folder such as /root (mode 700) `nobody` gets the one capability that opens it.
    Raises PartMissing where neither is possible.
    """
    if os.geteuid() != 0:
        return Identity()
    if all(open_to_others(folder) for folder in folders):
        return Identity(user=NOBODY)
    return Identity(prefix=_with_capability())


def open_to_others(folder: Path) -> bool:
    """Whether any user can enter `folder`: each folder on the way must let others pass."""
    path = folder.resolve()
    return all(step.stat().st_mode & 0o001 for step in (path, *path.parents))


def hand_over(path: Path, identity: Identity) -> None:
    """Make `path` the property of whom `identity` stands for."""
    if os.geteuid() == 0 and identity != Identity():
        entry = pwd.getpwnam(NOBODY)
        os.chown(path, entry.pw_uid, entry.pw_gid)


def _with_capability() -> tuple[str, ...]:
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise PartMissing(
            "PostgreSQL cannot run as root, and user 'nobody' cannot enter this checkout or the "
            "Python environment. Install util-linux (setpriv), or put the checkout where every "
            "user may enter, or run as another user than root."
        )
    entry = pwd.getpwnam(NOBODY)
    return (
        setpriv,
        f"--reuid={entry.pw_uid}",
        f"--regid={entry.pw_gid}",
        "--clear-groups",
        "--securebits=+no_setuid_fixup",  # else access() forgets the capability, and initdb asks it
        "--inh-caps=+dac_override",
        "--ambient-caps=+dac_override",
        "--pdeathsig=INT",  # PostgreSQL's fast shutdown; the change of user clears an earlier one
        "--",
    )
