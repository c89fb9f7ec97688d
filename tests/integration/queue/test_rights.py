"""The doctor's question to a real account: what may be done, without anybody noticing."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from bridge.errors import AwayError
from bridge.queue.reader import QueueReader
from bridge.queue.rights import account_url, exercise
from bridge.settings import Settings, load_settings


def settings_with(connection_string: str) -> Settings:
    return load_settings(
        _env_file=None, api_key="key", azure_storage_connection_string=connection_string
    )


def test_a_queue_is_tried_and_left_empty(azurite: Any) -> None:
    settings, name = settings_with(azurite.connection_string), f"test-{uuid4().hex[:20]}"
    exercise(settings, name)  # it does not even exist
    exercise(settings, name)
    reader = QueueReader(settings, name)
    assert (reader.depth(), reader.receive()) == (0, [])
    assert account_url(settings).startswith("http://127.0.0.1:")


def test_a_wrong_key_is_told(azurite: Any) -> None:
    parts = dict(one.split("=", 1) for one in azurite.connection_string.strip(";").split(";"))
    wrong = parts | {"AccountKey": "d3Jvbmc="}
    settings = settings_with(";".join(f"{name}={value}" for name, value in wrong.items()))
    with pytest.raises(AwayError) as raised:
        exercise(settings, f"test-{uuid4().hex[:20]}")
    assert raised.value.code == "queue_refused"
