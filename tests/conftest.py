"""The running parts that integration and end-to-end tests share, started once a session."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator

import pytest
from hypothesis import settings

from devstack.azurite import Azurite
from devstack.odoo_server import OdooServer
from devstack.odoo_sources import choose
from devstack.stack import Stack
from tests.secrecy import leaks, told_of_people

# A busy machine is no counterexample; and what chance finds belongs to whoever looks for it
# (--hypothesis-profile=explore), not to whoever changed something else.
settings.register_profile("explore", deadline=None)
settings.register_profile("bridge", deadline=None, derandomize=True)
settings.load_profile("bridge")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test whose code logged something of a person, wherever it ran."""
    report = yield
    printed = (text for title, text in report.sections if title.endswith(str(report.when)))
    told = told_of_people("\n".join(printed))
    if report.passed and told:
        report.outcome = "failed"
        report.longrepr = "personal data in the log:\n" + "\n".join(told)
    return report


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
