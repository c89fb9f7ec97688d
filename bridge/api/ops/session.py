"""The page's session: a signed cookie that names nobody, ends by itself, and dies with its key.

Nothing is kept on this side, so any process can read it. The key itself never leaves the login.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from hmac import compare_digest
from hmac import new as hmac

COOKIE = "ops_session"
IDLE_SECONDS = 30 * 60
LONGEST_SECONDS = 8 * 3600


@dataclass(frozen=True)
class Session:
    """Who has logged in with one of the keys; times are whole seconds since 1970."""

    secret: bytes = field(repr=False)
    started: int
    until: int
    nonce: str

    @property
    def cookie(self) -> str:
        """What the browser keeps."""
        text = f"{self.started}.{self.until}.{self.nonce}"
        return f"{text}.{_signed(self.secret, text)}"

    @property
    def form_token(self) -> str:
        """What every form of this session carries; another site cannot know it."""
        return _signed(self.secret, f"form.{self.started}.{self.nonce}")

    def renewed(self, now: float) -> Session:
        """The same session, idle from now on; it never outlives its longest time."""
        until = min(int(now) + IDLE_SECONDS, self.started + LONGEST_SECONDS)
        return Session(self.secret, self.started, until, self.nonce)


def begun(key: str, now: float) -> Session:
    """The session of someone who knows `key`."""
    started = int(now)
    return Session(_secret_of(key), started, started + IDLE_SECONDS, secrets.token_hex(16))


def find(cookie: str | None, keys: Iterable[str], now: float) -> Session | None:
    """The session in a cookie; None for one that is forged, over, or of a key that is gone."""
    parts = (cookie or "").split(".")
    if len(parts) != 4 or not all(part.isascii() and part.isalnum() for part in parts):
        return None
    started, until, nonce, _ = parts
    if not (started.isdigit() and until.isdigit()) or len(started + until) > 40:
        return None
    found = None
    for key in keys:  # no early exit: how long it takes tells nothing of the keys
        session = Session(_secret_of(key), int(started), int(until), nonce)
        if compare_digest(session.cookie, cookie or ""):
            found = session
    if found is None or not found.started <= now < found.until:
        return None
    return found


def _secret_of(key: str) -> bytes:
    return sha256(b"ops session\0" + key.encode()).digest()


def _signed(secret: bytes, text: str) -> str:
    return hmac(secret, text.encode(), "sha256").hexdigest()
