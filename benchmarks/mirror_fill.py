"""Fills a mirror with contacts as the bridge leaves them: copies of one, made by SQL."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from devstack.postgres import Postgres

CHILDREN = (
    "Contact_Clock",
    "Contact_State",
    "Contact_Assignment",
    "Campaign_Contact",
    "Ledger",
    "Outbox",
)
# what a copy has of its own; every other column is copied
OWN = {
    "id": None,
    "contact_id": "made.id",
    "event_id": "md5(t.event_id || made.manychat_id)::uuid::text",
}


def fill_mirror(
    postgres: Postgres, database: str, manychat_id: str, contacts: int, ids: Sequence[str] = ()
) -> None:
    """Copy one contact with all that belongs to it until there are `contacts` of them.

    A copy's clocks name its own events where the one's are given as `ids`, as in Odoo's copies.
    """
    [(there,)] = _run(postgres, database, 'SELECT count(*) FROM "Contact"')
    made = {
        "id": None,
        "manychat_id": "'filled-' || n",
        "manychat_digest": "sha256(('filled-' || n)::bytea)",
        "phone": "'+519' || lpad(n::text, 8, '0')",
        "email": "'filled-' || n || '@clinic.example'",
    }
    names, chosen = _columns(postgres, database, "Contact", made)
    _run(
        postgres,
        database,
        f'INSERT INTO "Contact" ({names}) SELECT {chosen} FROM "Contact" t,'
        f" generate_series({there} + 1, {contacts}) n WHERE t.manychat_id = '{manychat_id}'",
    )
    own = OWN | {"clock": with_own_ids("t.clock", "made.manychat_id", ids)}
    for table in CHILDREN:
        names, chosen = _columns(postgres, database, table, own)
        _run(
            postgres,
            database,
            f'INSERT INTO "{table}" ({names}) SELECT {chosen} FROM "{table}" t'
            f' JOIN "Contact" one ON one.id = t.contact_id, "Contact" made'
            f" WHERE one.manychat_id = '{manychat_id}' AND made.manychat_id LIKE 'filled-%'"
            f" AND substr(made.manychat_id, 8)::int > {there}",
        )
    _run(postgres, database, "VACUUM ANALYZE")


def with_own_ids(column: str, owner: str, ids: Sequence[str]) -> str:
    """A text column with each of these event ids replaced by the one that a copy's has."""
    for id in ids:
        column = f"replace({column}, '{id}', md5('{id}' || {owner})::uuid::text)"
    return column


def _columns(
    postgres: Postgres, database: str, table: str, own: dict[str, str | None]
) -> tuple[str, str]:
    """Names and chosen values of every column; one whose own value is None is left to default."""
    rows = postgres.execute(
        sql.SQL("SELECT column_name FROM information_schema.columns WHERE table_name = %s"),
        [table],
        database,
    )
    kept = [name for (name,) in rows if own.get(name, "") is not None]
    names = ", ".join(f'"{name}"' for name in kept)
    return names, ", ".join(own.get(name) or f't."{name}"' for name in kept)


def _run(postgres: Postgres, database: str, text: str) -> list[tuple[int, ...]]:
    return postgres.execute(sql.SQL(text), database=database)
