"""The customer's own examples, read from the document that holds them."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

DOCUMENT = Path(os.environ.get("SEED_DOCUMENT") or Path(__file__).with_name("seed_examples.md"))
_BLOCK = re.compile(r"\*\*(POST|PUT)\*\* `([^`]+)`\s*```json\n(.*?)```", re.DOTALL)


class Block(NamedTuple):
    """One example: `raw` is the JSON text as it is written."""

    method: str
    path: str
    raw: str

    @property
    def body(self) -> dict[str, Any]:
        return dict(json.loads(self.raw))

    @property
    def name(self) -> str:
        """What the path ends with: `contact`, `campaigns`, …"""
        return self.path.strip("/").rpartition("/")[2]


def blocks() -> list[Block]:
    """Every example, in the document's order."""
    return [Block(*match) for match in _BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))]
