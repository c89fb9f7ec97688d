"""How the account is found, and what is said when it is not."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from bridge.errors import SettingsError
from bridge.events.event import EventType
from bridge.queue.connect import worker_client
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, queue_for
from bridge.settings import Settings, load_settings


def settings(**changes: Any) -> Settings:
    return load_settings(
        _env_file=None,
        api_key="key",
        azure_storage_connection_string=changes.get("connection_string"),
        azure_storage_account_url=changes.get("account_url"),
    )


def test_without_an_account_both_variables_are_named() -> None:
    with pytest.raises(SettingsError, match=r"AZURE_STORAGE_CONNECTION_STRING.*ACCOUNT_URL"):
        worker_client(settings(), "q-1")


def test_a_malformed_connection_string_is_named_and_not_shown() -> None:
    with pytest.raises(SettingsError) as caught:
        worker_client(settings(connection_string="AccountKey=topsecret"), "q-1")
    assert "AZURE_STORAGE_CONNECTION_STRING" in str(caught.value)
    assert "topsecret" not in str(caught.value)


def test_an_account_url_alone_means_managed_identity() -> None:
    client = worker_client(settings(account_url="https://acc.queue.core.windows.net"), "q-1")
    assert type(client.credential).__name__ == "DefaultAzureCredential"
    assert client.url == "https://acc.queue.core.windows.net/q-1"


def test_identity_is_not_loaded_unless_it_is_used() -> None:
    code = "import sys, bridge.queue.sender; print('azure.identity' in sys.modules)"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_every_type_has_a_queue() -> None:
    queues = {type: queue_for(type) for type in EventType}
    assert queues[EventType.CONTACT] == queues[EventType.ADDRESS] == CONTACT_QUEUE
    assert {queues[type] for type in ("assignment", "stage", "lead", "update")} == {CAMPAIGN_QUEUE}
