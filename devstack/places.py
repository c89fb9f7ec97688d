"""The only folders that the stack writes to: an ignored one in the checkout, the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
WORK = CHECKOUT / ".devstack"
ADDON = CHECKOUT / "miasalud_crm"


def cache_dir() -> Path:
    """Downloads and what is made from them; shared by every checkout of the user."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "miasalud-crm"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def beside(path: Path, ending: str) -> Path:
    """`odoo-18.0` and `.part` give `odoo-18.0.part` in the same folder."""
    return path.with_name(path.name + ending)
