"""Text as it is compared, and text as it may be stored."""

import unicodedata
from functools import lru_cache


# The same few states and rules are compared over and over.
@lru_cache(maxsize=4096)
def fold(text):
    """Return ``text`` without case, accents, punctuation and repeated spaces.

    >>> fold("  Derivado:  ASESORÍA médica! ")
    'derivado asesoria medica'
    """
    decomposed = unicodedata.normalize("NFKD", (text or "").casefold())
    plain = (c if c.isalnum() else " " for c in decomposed if not unicodedata.combining(c))
    return " ".join("".join(plain).split())


def name_key(text):
    """Return the key under which a name is looked up: folded, or as it is where nothing is left."""
    return fold(text) or text


def storable(text):
    """Return ``text`` stripped, without what PostgreSQL refuses (NUL, lone surrogates)."""
    return text.encode("utf-8", "ignore").decode().replace("\x00", "").strip()
