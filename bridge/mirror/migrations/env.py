"""How Alembic runs: on the engine it is given, or as SQL text for a dialect (`--sql`)."""

from __future__ import annotations

from alembic import context

from bridge.mirror import models, tombstones  # noqa: F401  (they fill the metadata)
from bridge.mirror.base import Base
from bridge.mirror.schema import VERSION_TABLE

if context.is_offline_mode():
    context.configure(
        dialect_name=context.config.attributes.get("dialect", "mssql"),
        target_metadata=Base.metadata,
        version_table=VERSION_TABLE,
        literal_binds=True,
    )
    with context.begin_transaction():
        context.run_migrations()
else:
    with context.config.attributes["engine"].connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            version_table=VERSION_TABLE,
            render_as_batch=False,
        )
        with context.begin_transaction():
            context.run_migrations()
