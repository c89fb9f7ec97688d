"""Secrets read again while the process runs, so that a rotation needs no restart."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from pydantic import SecretStr

from bridge.errors import SettingsError
from bridge.log import get_logger
from bridge.settings import Settings, load_settings

log = get_logger(__name__)

KEYS_SECONDS = 300.0
"""How often the API reads its keys again."""
LEAST_SECONDS = 30.0
"""A refused login asks the vault at most so often."""
KEYS = ("api_key", "webhook_api_key")


class VaultReader:
    """Asks the vault again, now and then; without a vault it never has anything new."""

    def __init__(
        self,
        settings: Settings,
        read: Callable[[], Settings] = load_settings,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._wanted = settings.use_key_vault
        self._read = read
        self._monotonic = monotonic
        self._asked_at: float | None = None
        self._lock = Lock()

    def secret(self, field: str) -> str | None:
        """The field as it is now; None where it cannot be read, or was asked just before."""
        with self._lock:
            now = self._monotonic()
            if not self._wanted or (
                self._asked_at is not None and now - self._asked_at < LEAST_SECONDS
            ):
                return None
            self._asked_at = now
        fresh = self.settings()
        value = getattr(fresh, field) if fresh else None
        return value.get_secret_value() if isinstance(value, SecretStr) else None

    def settings(self) -> Settings | None:
        """The settings as they are now; None, and a line in the log, where they cannot be read."""
        try:
            return self._read()
        except SettingsError as error:
            log.warning("vault_unread", reason=error.detail)
            return None


def with_keys_of(settings: Settings, fresh: Settings) -> Settings:
    """`settings` with the API's keys of `fresh`; nothing else changes while a process runs."""
    return settings.model_copy(update={name: getattr(fresh, name) for name in KEYS})
