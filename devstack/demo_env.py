"""What the demo leaves for whoever wants to use it: its keys and addresses, in an ignored file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from pathlib import Path

from devstack.places import CHECKOUT


def write_env(path: Path, env: Mapping[str, str]) -> None:
    """The variables as a shell reads them; for nobody else's eyes, since they hold keys."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{name}={shlex.quote(value)}\n" for name, value in env.items())


def hint(path: Path) -> str:
    """What to type in the checkout's folder."""
    shown = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path
    return f"set -a; . {shown}; set +a"
