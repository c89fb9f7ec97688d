"""The API as a process of its own, on a real queue service and a SQLite mirror."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devstack.bridge_processes import Bridge
from devstack.stack import Stack
from tests.secrecy import leaks


@pytest.fixture(scope="session")
def bridge() -> Iterator[Bridge]:
    """The API, running, without workers."""
    with Stack(name="api") as stack:
        stack.bridge.migrate()
        stack.bridge.start_api()
        yield stack.bridge
        assert leaks(stack.bridge.env["DATABASE_URL"], stack.logs) == []
