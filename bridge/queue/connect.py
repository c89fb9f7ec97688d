"""How the storage account is reached: connection string, or account URL with managed identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from urllib.request import getproxies

from azure.storage.queue import LinearRetry, QueueClient, TextBase64EncodePolicy
from azure.storage.queue.aio import QueueClient as AsyncQueueClient

from bridge.errors import SettingsError
from bridge.queue.names import API_VERSION
from bridge.queue.wire import Wire
from bridge.settings import Settings

Client = TypeVar("Client", QueueClient, AsyncQueueClient)

# A webhook must be answered within 3 s, also when the account is a black hole.
_WEBHOOK_TIMEOUTS = {"connection_timeout": 1.0, "read_timeout": 1.5}
_WEBHOOK = {
    **_WEBHOOK_TIMEOUTS,
    "retry_total": 1,
    "initial_backoff": 0,
    "increment_base": 0,
    "random_jitter_range": 0,
}
_WORKER_TIMEOUTS = {"connection_timeout": 3.0, "read_timeout": 10.0}


def worker_client(settings: Settings, queue_name: str) -> QueueClient:
    """A synchronous client with moderate patience: about 10 s on a dead port.

    Raises SettingsError when no account is configured or the connection string is malformed.
    """
    retry = LinearRetry(backoff=1, retry_total=2, random_jitter_range=1)
    options = {**_WORKER_TIMEOUTS, "retry_policy": retry}
    return _client(QueueClient, settings, queue_name, _sync_credential, options)


def webhook_client(settings: Settings, queue_name: str) -> AsyncQueueClient:
    """An asynchronous client that gives up fast. Raises SettingsError as `worker_client`."""
    return _client(AsyncQueueClient, settings, queue_name, _async_credential, dict(_WEBHOOK))


def webhook_wire(settings: Settings, queue_name: str) -> Wire:
    """The fast calls, as impatient as `webhook_client`. Raises SettingsError as it does."""
    # without a proxy to find there, aiohttp would search the environment in two threads a call
    options = {**_WEBHOOK_TIMEOUTS, "use_env_settings": bool(getproxies())}
    return Wire(webhook_client(settings, queue_name), **options)


def _client(
    cls: type[Client],
    settings: Settings,
    queue_name: str,
    credential: Callable[[], Any],
    options: dict[str, Any],
) -> Client:
    # Reading decodes by hand: the SDK's policy fails a whole receive for one bad message.
    options |= {"api_version": API_VERSION, "message_encode_policy": TextBase64EncodePolicy()}
    secret = settings.azure_storage_connection_string
    if secret is not None:
        try:
            return cls.from_connection_string(secret.get_secret_value(), queue_name, **options)
        except ValueError:
            raise SettingsError("AZURE_STORAGE_CONNECTION_STRING: is malformed") from None
    if settings.azure_storage_account_url:
        url = settings.azure_storage_account_url
        return cls(url, queue_name, credential=credential(), **options)
    raise SettingsError(
        "AZURE_STORAGE_CONNECTION_STRING: is required, unless AZURE_STORAGE_ACCOUNT_URL is set"
    )


def _sync_credential() -> Any:
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415  (slow; identity only)

    return DefaultAzureCredential()


def _async_credential() -> Any:
    from azure.identity.aio import DefaultAzureCredential  # noqa: PLC0415  (slow; identity only)

    return DefaultAzureCredential()
