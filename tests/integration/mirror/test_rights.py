"""What a login may do with the mirror, asked of a PostgreSQL that refuses."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url, text

from bridge.errors import AwayError
from bridge.mirror.rights import exercise
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from devstack.stack import Stack
from tests.integration.mirror.conftest import engine_of

GRANTS = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO mirror_clerk"


def test_a_login_that_may_write_all_but_one_table_is_told_which(parts: Stack) -> None:
    url = parts.postgres.createdb("mirror-rights")
    owner = Store(engine_of(url))
    upgrade(owner.engine)
    with owner.engine.begin() as connection:
        for statement in ("DROP ROLE IF EXISTS mirror_clerk", "CREATE ROLE mirror_clerk LOGIN "
                          "PASSWORD 'clerk'", GRANTS):  # fmt: skip
            connection.execute(text(statement))
    who = make_url(url).set(username="mirror_clerk", password="clerk")
    clerk = Store(engine_of(who.render_as_string(hide_password=False)))
    assert exercise(clerk) > 15
    with owner.engine.begin() as connection:
        connection.execute(text('REVOKE UPDATE ON "Outbox" FROM mirror_clerk'))
    with pytest.raises(AwayError) as raised:
        exercise(clerk)
    assert (raised.value.code, raised.value.detail) == (
        "mirror_no_write", "UPDATE Outbox: mirror_refused",
    )  # fmt: skip
    clerk.close()
    with owner.engine.begin() as connection:
        connection.execute(text("DROP OWNED BY mirror_clerk"))
        connection.execute(text("DROP ROLE mirror_clerk"))
    owner.close()
