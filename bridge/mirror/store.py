"""The only committer: everything that changes the mirror happens inside `transaction()`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, text
from sqlalchemy.orm import Session

from bridge.mirror.engine import READING, make_engine
from bridge.mirror.errors import translating
from bridge.settings import Settings


class Store:
    """One mirror database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._readers = engine.execution_options(**{READING: True})

    @classmethod
    def from_settings(cls, settings: Settings) -> Store:
        return cls(make_engine(settings))

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is committed when the block ends, rolled back when it raises.

        Database errors leave the block as the bridge's own: AwayError, TransientError (the whole
        block may be tried again) or PermanentError.
        """
        with translating(), Session(self.engine) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session to look with, which locks nothing: what it writes is rolled back."""
        with translating(), Session(self._readers) as session:
            yield session

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        """A connection whose every statement is a transaction of its own: for changes of the
        schema that no transaction may hold, or that would hold others up."""
        with translating(), self.engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def ping(self) -> None:
        """Raise AwayError or TransientError unless the database answers."""
        with translating(), self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()
