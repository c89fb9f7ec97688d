"""The schema's migrations: where a database stands, and bringing it up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from bridge.mirror.errors import translating

MIGRATIONS = Path(__file__).parent / "migrations"
VERSION_TABLE = "bridge_version"
"""A database that is adopted may have an `alembic_version` of its own."""


def config(engine: Engine | None = None) -> Config:
    """Alembic's configuration; its commands run on `engine`."""
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    made.attributes["engine"] = engine
    return made


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the tables up to `revision`. Raises AwayError when the database does not answer."""
    with translating():
        command.upgrade(config(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the tables back to `revision` (`base`: none). Data of dropped columns is lost."""
    with translating():
        command.downgrade(config(engine), revision)


def current_revision(engine: Engine) -> str | None:
    """Where the database stands; None where it was never upgraded."""
    with translating(), engine.connect() as connection:
        return MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE}
        ).get_current_revision()


def head_revision() -> str | None:
    """Where this release wants it."""
    return ScriptDirectory.from_config(config()).get_current_head()


def is_current(engine: Engine) -> bool:
    return current_revision(engine) == head_revision()
