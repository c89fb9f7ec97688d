"""What every command begins with: settings, logs, the mirror."""

from __future__ import annotations

from bridge.log import configure
from bridge.mirror.store import Store
from bridge.settings import Settings, load_settings


def open_settings() -> Settings:
    """The environment's settings; logs go where they say."""
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    return settings


def open_store() -> Store:
    """The mirror that the settings name; connects to nothing yet."""
    return Store.from_settings(open_settings())
