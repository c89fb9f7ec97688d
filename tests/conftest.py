"""The running parts that integration and end-to-end tests share, started once a session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from devstack.azurite import Azurite
from devstack.odoo_server import OdooServer
from devstack.odoo_sources import choose
from devstack.stack import Stack
from tests.secrecy import leaks


@pytest.fixture(scope="session")
def parts() -> Iterator[Stack]:
    """A stack without Odoo: PostgreSQL and Azurite on demand."""
    with Stack(name="parts") as stack:
        yield stack


@pytest.fixture(scope="session")
def azurite(parts: Stack) -> Azurite:
    """A queue service, running: `.connection_string`, `.stop()`, `.start()`."""
    return parts.azurite


@pytest.fixture(scope="session")
def postgres_url(parts: Stack) -> str:
    """The URL of an empty PostgreSQL database."""
    return parts.postgres.createdb("mirror-test")


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The whole road on the first Odoo to be had, of the series ODOO_SERIES if that is set."""
    with Stack(choose(os.environ.get("ODOO_SERIES") or None), name="e2e") as stack:
        yield stack
        assert leaks(stack.bridge.env["DATABASE_URL"], stack.logs) == []


@pytest.fixture(scope="session")
def odoo(stack: Stack) -> OdooServer:
    """That Odoo, running."""
    stack.odoo.start()
    return stack.odoo
