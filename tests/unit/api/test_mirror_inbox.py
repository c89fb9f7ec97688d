"""The inbox that the API really uses, on a SQLite mirror."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from bridge.api.mirror_inbox import MirrorInbox
from bridge.errors import BridgeError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror.engine import make_engine
from bridge.mirror.schema import upgrade
from bridge.settings import Settings

NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)
LETTER = Envelope(
    id="e1", type=EventType.CONTACT, received_at=NOW, occurred_at=None, payload={"a": "ñ"}
)


def settings_for(path: Path) -> Settings:
    return Settings(_env_file=None, api_key="k", database_url=f"sqlite:///{path}")


def test_what_is_kept_is_committed(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "mirror.db")
    engine = make_engine(settings)
    upgrade(engine)
    inbox = MirrorInbox(settings)
    inbox.ping()
    inbox.keep("manychat-contact-queue", LETTER, NOW)
    inbox.close()
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT COUNT(*) FROM Inbox")).scalar_one()
    engine.dispose()
    assert rows == 1


def test_a_mirror_that_cannot_be_reached_says_so_in_the_bridges_own_words(tmp_path: Path) -> None:
    inbox = MirrorInbox(settings_for(tmp_path / "no-such-folder" / "mirror.db"))
    with pytest.raises(BridgeError):
        inbox.ping()
    with pytest.raises(BridgeError):
        inbox.keep("manychat-contact-queue", LETTER, NOW)
    inbox.close()
