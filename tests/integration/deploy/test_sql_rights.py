"""deploy/sql: T-SQL that parses, and the same rights tried on a PostgreSQL.

SQL Server does not run here. Its GRANT and DENY on schema and tables have a twin in PostgreSQL
(DENY of what the schema gave is REVOKE there), so the twin shows that the rights are enough for
what each part does, and no more than that. What has no twin: Entra users, `db_ddladmin`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
import sqlfluff
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, accept, read_event
from bridge.mirror import dead_letters, inbox, lease, pushing
from bridge.mirror.apply import apply_events
from bridge.mirror.base import Base
from bridge.mirror.schema import VERSION_TABLE, upgrade
from bridge.mirror.store import Store
from bridge.settings import load_settings
from devstack.stack import Stack
from tests.unit.about_the_code.sources import read

FILES = ("deploy/sql/roles.sql", "deploy/sql/users.sql", "deploy/sql/migrations.sql")
NO_RIGHT = "42501"
ROLES = ("bridge_api", "bridge_workers", "bridge_analyst")
NOW = datetime(2025, 10, 20, 22, 0, tzinfo=UTC)


def twin(line: str) -> str | None:
    """The PostgreSQL statement of a T-SQL right; None for what has none."""
    match = re.fullmatch(r"(GRANT|DENY) ([A-Z, ]+) ON (\S+) TO (\w+);", line)
    if match is None or match[4] not in ROLES:
        return None
    verb, rights, where, role = match.groups()
    what = (
        "ALL TABLES IN SCHEMA public"
        if where == "SCHEMA::dbo"
        else '"' + where.removeprefix("dbo.").strip("[]") + '"'
    )
    return f"GRANT {rights} ON {what} TO {role}" if verb == "GRANT" else (
        f"REVOKE {rights} ON {what} FROM {role}"
    )  # fmt: skip


@pytest.fixture(scope="module")
def owner(parts: Stack) -> Iterator[Store]:
    """A migrated mirror in which the roles of deploy/sql exist."""
    store = store_of(parts.postgres.createdb("mirror-rights"))
    upgrade(store.engine)
    password = store.engine.url.password
    with store.transaction() as session:
        for role in ROLES:
            session.execute(text(f"DROP ROLE IF EXISTS {role}"))
            session.execute(text(f"CREATE ROLE {role} LOGIN PASSWORD '{password}'"))
            session.execute(text(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"))
        for line in read(FILES[0]).text.splitlines():
            if statement := twin(line):
                session.execute(text(statement))
    yield store
    with store.transaction() as session:
        for role in ROLES:
            session.execute(text(f"DROP OWNED BY {role}"))
            session.execute(text(f"DROP ROLE {role}"))
    store.close()


def store_of(url: str, role: str | None = None) -> Store:
    made = make_url(url).set(username=role) if role else make_url(url)
    shown = made.render_as_string(hide_password=False)
    return Store.from_settings(load_settings(_env_file=None, api_key="k", database_url=shown))


@pytest.fixture
def as_role(owner: Store) -> Iterator[dict[str, Store]]:
    url = owner.engine.url.render_as_string(hide_password=False)
    stores = {role: store_of(url, role) for role in ROLES}
    yield stores
    for store in stores.values():
        store.close()


def an_event(who: str) -> Envelope:
    body = {"manychat_id": who, "nombre_lead": "Ana", "ultimo_estado": "Nuevo"}
    return accept(EventType.CONTACT, body, None, NOW, Rules())


def refused(store: Store, statement: str) -> bool:
    """Whether the database says that this role may not."""
    try:
        with store.engine.begin() as connection:
            connection.execute(text(statement))
    except ProgrammingError as error:
        return bool(getattr(error.orig, "sqlstate", "") == NO_RIGHT)
    return False


@pytest.mark.parametrize("path", FILES)
def test_the_scripts_are_t_sql(path: str) -> None:
    sqlfluff.parse(read(path).text, dialect="tsql")


def test_every_table_that_is_named_exists() -> None:
    named = set(re.findall(r"dbo\.\[?(\w+)\]?", read(FILES[0]).text))
    assert named <= {table.name for table in Base.metadata.sorted_tables} | {VERSION_TABLE}


def test_the_users_are_the_templates_identities_and_each_role_is_given() -> None:
    roles = users = "\n".join(read(path).text for path in FILES)
    made = set(re.findall(r"CREATE ROLE (\w+)", roles))
    given = dict(re.findall(r"ALTER ROLE (bridge_\w+) ADD MEMBER \[([\w-]+)\]", users))
    assert set(given) == made
    templates = read("deploy/main.bicep").text
    name = re.search(r"param name = .*'(\w+)'", read("deploy/prod.bicepparam").text)
    assert name
    for user in set(given.values()) - {f"{name[1]}-analysts"}:
        assert f"name: '${{name}}{user.removeprefix(name[1])}'" in templates
    assert set(re.findall(r"CREATE USER \[([\w-]+)\]", users)) == set(given.values())


def test_the_workers_rights_are_enough_for_their_work(as_role: dict[str, Store]) -> None:
    store, envelope = as_role["bridge_workers"], an_event("MC-rights-1")
    with store.transaction() as session:
        applied = apply_events(session, [(read_event(envelope, Rules()), envelope)], NOW)
        assert applied.new == 1
    with store.transaction() as session:
        assert lease.acquire(session, "schedule", "me", NOW, 10)
        dead_letters.record(session, [envelope.with_reason("permanent: x", "queue")], NOW)
        lease.release(session, "schedule", "me")


def test_the_apis_rights_are_enough_for_its_work(as_role: dict[str, Store]) -> None:
    store, envelope = as_role["bridge_api"], an_event("MC-rights-2")
    with store.transaction() as session:
        inbox.keep(session, "manychat-contact-queue", envelope, NOW)
        pushing.push_again(session, None)
    with store.transaction() as session:
        session.execute(text('DELETE FROM "Inbox"'))


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("bridge_api", 'DELETE FROM "Lease"'),
        ("bridge_api", """UPDATE "Feed" SET cursor = 'x'"""),
        ("bridge_api", 'DELETE FROM "Pace"'),
        ("bridge_api", 'DELETE FROM "bridge_version"'),
        ("bridge_api", 'DROP TABLE "Inbox"'),
        ("bridge_api", 'CREATE TABLE public."Mine" (id int)'),
        ("bridge_workers", 'DELETE FROM "bridge_version"'),
        ("bridge_workers", 'DROP TABLE "Ledger"'),
        ("bridge_workers", 'TRUNCATE "Contact"'),
        ("bridge_analyst", """UPDATE "Contact" SET first_name = 'x'"""),
        ("bridge_analyst", 'DELETE FROM "Contact_State"'),
        ("bridge_analyst", 'SELECT * FROM "Inbox"'),
        ("bridge_analyst", 'SELECT * FROM "Dead_Letter"'),
        ("bridge_analyst", 'SELECT * FROM "Ledger"'),
        ("bridge_analyst", 'SELECT * FROM "Outbox"'),
    ],
)
def test_no_role_may_do_more(as_role: dict[str, Store], role: str, statement: str) -> None:
    assert refused(as_role[role], statement)


def test_an_analyst_reads_people_and_states(as_role: dict[str, Store]) -> None:
    with as_role["bridge_analyst"].reading() as session:
        for table in ("Contact", "Contact_State", "Campaign_Contact", "Advisor"):
            session.execute(text(f'SELECT count(*) FROM "{table}"'))  # noqa: S608
