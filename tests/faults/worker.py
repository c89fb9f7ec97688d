"""A worker that can be killed by what it reads, and whose leases run out soon.

`python -m tests.faults.worker contact|campaign|crm|feedback`: the real worker, with changes that
make its bad days fit into a test: an event that holds the killer's mark ends the process after
it was applied and before the commit; the queue leases messages for `LEASE` seconds at most; a
call to Odoo waits `ANSWER` seconds at most; who reads Odoo's changes and who tells ManyChat gives
way to another after `LEASE` seconds; a change that was applied ends the process before the commit
if the file `DEATH_WARRANT` lies where it works, and takes that away.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from azure.storage.queue import QueueClient

import bridge.mirror.apply as mirror
import bridge.mirror.feedback as feedback_writes
from bridge.queue import reader
from bridge.workers import feedback, write_back
from tests.faults.story import KILLER

LEASE = 3
ANSWER = 20.0
DEATH_WARRANT = "feedback-dies-before-its-commit"
KILLED = 86
"""The exit code of a worker that an event killed."""


def _killable(apply: Callable[..., Any]) -> Callable[..., Any]:
    def apply_events(session: Any, items: Any, now: Any) -> Any:
        applied = apply(session, items, now)
        if any(KILLER in json.dumps(envelope.payload) for _, envelope in items):
            session.flush()
            os._exit(KILLED)
        return applied

    return apply_events


def _mortal(apply: Callable[..., Any]) -> Callable[..., Any]:
    def apply_changes(session: Any, *args: Any) -> Any:
        applied = apply(session, *args)
        if applied and Path(DEATH_WARRANT).exists():
            Path(DEATH_WARRANT).unlink(missing_ok=True)
            session.flush()
            os._exit(KILLED)
        return applied

    return apply_changes


def _with_short_leases(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: QueueClient, *args: Any, **kwargs: Any) -> Any:
        content = args[2] if len(args) > 2 else kwargs.get("content")
        seconds = kwargs.get("visibility_timeout")
        # what puts a message off counts an attempt in its content; a lease leaves it alone
        if content is None and seconds is not None and seconds > LEASE:
            kwargs["visibility_timeout"] = LEASE
        return method(self, *args, **kwargs)

    return call


def _with_less_patience(method: Callable[..., Any]) -> Callable[..., Any]:
    def request(self: requests.Session, *args: Any, **kwargs: Any) -> Any:
        if isinstance(kwargs.get("timeout"), tuple):
            connect, answer = kwargs["timeout"]
            kwargs["timeout"] = (connect, min(answer, ANSWER))
        return method(self, *args, **kwargs)

    return request


def main() -> None:
    """Run the named worker until SIGTERM."""
    mirror.apply_events = _killable(mirror.apply_events)
    reader.LEASE_SECONDS = float(LEASE)
    for name in ("receive_messages", "update_message"):
        setattr(QueueClient, name, _with_short_leases(getattr(QueueClient, name)))
    requests.Session.request = _with_less_patience(requests.Session.request)  # type: ignore[method-assign]

    feedback_writes.apply_changes = _mortal(feedback_writes.apply_changes)
    feedback.LEASE_SECONDS = float(LEASE)
    write_back.LEASE_SECONDS = 2.0 * LEASE

    # what it imports takes the functions by name
    from bridge.workers.process import run_process  # noqa: PLC0415

    sys.exit(run_process(sys.argv[1]))


if __name__ == "__main__":
    main()
