"""Digests by which texts that others give are compared."""

from __future__ import annotations

import hashlib

from bridge.events.cleaning.text import fold


def id_digest(manychat_id: str) -> bytes:
    """SHA-256 of an id's UTF-8: equal only where every byte is."""
    return hashlib.sha256(manychat_id.encode("utf-8", "replace")).digest()


def name_digest(name: str) -> bytes:
    """SHA-256 of a folded name: equal where case, accents and punctuation alone differ."""
    return hashlib.sha256((fold(name) or name).encode("utf-8", "replace")).digest()
