"""E-mail addresses."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from bridge.events.cleaning.text import Cleaned, clean_text

_LABEL = r"[^\W_](?:[\w-]{0,61}[^\W_])?"
_ADDRESS = re.compile(
    rf"(?!\.)(?!.*\.\.)[\w.!#$%&'*+/=?^`|~-]{{1,64}}(?<!\.)@(?:{_LABEL}\.)+(?!\d+$){_LABEL}"
)
_LONGEST = 254


def clean_email(value: Any, dummies: Collection[str] = ()) -> Cleaned[str]:
    """The address, its domain in lower case.

    `dummies` are addresses in lower case that stand for "none". Codes: those of `clean_text`,
    `dummy_email`, `bad_email`.
    """
    text, code = clean_text(value)
    if text is None:
        return Cleaned(None, code)
    local, _, domain = text.lstrip(" <").rstrip(" >,;.").rpartition("@")
    address = f"{local}@{domain.lower()}"
    if address.lower() in dummies:
        return Cleaned(None, "dummy_email")
    if len(address) > _LONGEST or not _ADDRESS.fullmatch(address):
        return Cleaned(None, "bad_email")
    return Cleaned(address)
