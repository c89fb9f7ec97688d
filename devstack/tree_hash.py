"""One hash for what a folder holds, so that what was made from it is made again when it changes."""

from __future__ import annotations

import hashlib
from pathlib import Path

SKIPPED = {"__pycache__", "tests"}


def tree_hash(folder: Path) -> str:
    """Hex digest over relative names and contents; tests and byte code do not count."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.is_file() and not SKIPPED & set(relative.parts):
            content = hashlib.sha256(path.read_bytes()).digest()
            digest.update(relative.as_posix().encode() + b"\0" + content)
    return digest.hexdigest()
