"""Stands for the Functions host: leases as it does, calls what is registered, deletes after it.

What it does follows the public behaviour of the host's queue listener: a lease of ten minutes, a
delete by the receipt of the first lease after success, a void receipt or a missing message ignored,
nothing at all after an exception (its own release is by a receipt that is void by then).
"""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.functions import FunctionApp
from azure.functions.meta import Datum
from azure.functions.queue import QueueMessageInConverter

from bridge.queue.connect import worker_client
from bridge.settings import Settings
from tests.unit.about_the_code.sources import ROOT

HOST_SECONDS = 600


def function_app() -> FunctionApp:
    """The app as the host would load it."""
    app: FunctionApp = runpy.run_path(str(ROOT / "azure_function/function_app.py"))["app"]
    return app


class Host:
    """Calls the functions of an app for messages of a real queue."""

    def __init__(self, settings: Settings, app: FunctionApp) -> None:
        self._settings = settings
        self.calls: dict[str, Callable[[Any], None]] = {}
        self.failures: list[Exception] = []
        for function in app.get_functions():
            trigger = function.get_trigger()
            if trigger is not None and trigger.type == "queueTrigger":
                self.calls[trigger.get_dict_repr()["queueName"]] = function.get_user_function()

    def drain(self, queue_name: str) -> int:
        """Call the queue's function for what can be seen now; how many messages there were."""
        client = worker_client(self._settings, queue_name)
        seen = 0
        for page in client.receive_messages(
            messages_per_page=32, visibility_timeout=HOST_SECONDS
        ).by_page():
            for raw in page:
                seen += 1
                self._one(client, queue_name, raw)
        return seen

    def _one(self, client: Any, queue_name: str, raw: Any) -> None:
        told = {
            "Id": raw.id, "DequeueCount": raw.dequeue_count, "PopReceipt": raw.pop_receipt,
            "InsertionTime": raw.inserted_on.isoformat(),
            "ExpirationTime": raw.expires_on.isoformat(),
            "NextVisibleTime": raw.next_visible_on.isoformat(),
        }  # fmt: skip
        message = QueueMessageInConverter.decode(
            Datum(raw.content, "string"),
            trigger_metadata={key: Datum(json.dumps(value), "json") for key, value in told.items()},
        )
        try:
            self.calls[queue_name](message)
        except Exception as error:  # noqa: BLE001  (as the host: counted, the message stays)
            self.failures.append(error)
            return
        try:
            client.delete_message(raw.id, raw.pop_receipt)
        except ResourceNotFoundError:
            return
        except HttpResponseError as error:
            if error.error_code != "PopReceiptMismatch":
                raise
