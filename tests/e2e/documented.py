"""The commands that the documents tell people to type: the lines of their bash blocks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DOCUMENTS = ("README.md", "README.es.md", "CONTRIBUTING.md", "docs/*.md")
BLOCK = re.compile(r"^ *```(\w*)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Command:
    """`text` as a person pastes it, continued lines joined; `at` is document and line."""

    at: str
    text: str


def commands(checkout: Path) -> Iterator[Command]:
    """Every command of every document, in the order in which a reader meets them."""
    for pattern in DOCUMENTS:
        for path in sorted(checkout.glob(pattern)):
            yield from commands_of(path.read_text(), path.relative_to(checkout).as_posix())


def commands_of(text: str, name: str) -> Iterator[Command]:
    """Those of one document, called `name`."""
    for block in BLOCK.finditer(text):
        if block[1] == "bash":
            first = text.count("\n", 0, block.start()) + 2
            for offset, line in _joined(block[2]):
                yield Command(f"{name}:{first + offset}", line)


def _joined(block: str) -> Iterator[tuple[int, str]]:
    begun, start = "", 0
    for offset, line in enumerate(block.splitlines()):
        start = start if begun else offset
        begun += line.strip()
        if begun.endswith("\\"):
            begun = begun[:-1]
        elif begun:
            if not begun.startswith("#"):
                yield start, begun
            begun = ""
