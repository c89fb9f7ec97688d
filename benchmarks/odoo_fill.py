"""Fills a database with leads as the batch method leaves them: copies of one, made by SQL."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg import sql

from benchmarks.mirror_fill import with_own_ids
from devstack.postgres import Postgres

# What copy `n` of a row `t` has of its own; every other column is copied.
LEAD = {
    "manychat_id": "'filled-' || n",
    "email_from": "'filled-' || n || '@clinic.example'",
    "email_normalized": "'filled-' || n || '@clinic.example'",
    "phone": "'+519' || lpad(n::text, 8, '0')",
    "phone_sanitized": "'+519' || lpad(n::text, 8, '0')",
}
EVENT_ID = "md5(t.event_id || 'filled-' || n)::uuid::text"
# table, where its rows of one lead are, own values; `{x}` is the id of a row x's copy
TABLES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("crm_lead", "t.id = {lead}", LEAD),
    ("manychat_stage_history", "t.lead_id = {lead}", {"event_id": EVENT_ID}),
    (
        "manychat_event",
        "t.lead_id = {lead}",
        {"event_id": EVENT_ID, "manychat_id": "'filled-' || n"},
    ),
    ("mail_message", "t.model = 'crm.lead' AND t.res_id = {lead}", {}),
    (
        "mail_tracking_value",
        "t.mail_message_id IN (SELECT id FROM mail_message WHERE model = 'crm.lead'"
        " AND res_id = {lead})",
        {},
    ),
)
LINKS = {
    "manychat_stage_history": ("lead_id", "crm_lead"),
    "manychat_event": ("lead_id", "crm_lead"),
    "mail_message": ("res_id", "crm_lead"),
    "mail_tracking_value": ("mail_message_id", "mail_message"),
}


def fill(
    postgres: Postgres, database: str, manychat_id: str, copies: int, ids: Sequence[str] = ()
) -> None:
    """Copy the lead of `manychat_id` with its history, events and chatter, `copies` times.

    `ids` are the event ids of that contact, where the copies' clocks shall name their own.
    """
    find = sql.SQL("SELECT id FROM crm_lead WHERE manychat_id = %s")
    [(lead,)] = postgres.execute(find, [manychat_id], database)
    bases: dict[str, int] = {}
    for table, where, own in TABLES:
        [(bases[table],)] = _run(postgres, database, f"SELECT max(id) FROM {table}")
        values = {"id": _copied(table, "t.id", bases, copies), **own}
        if table in LINKS:
            column, target = LINKS[table]
            values[column] = _copied(target, f"t.{column}", bases, copies)
        values |= _own_clocks(ids)
        columns = _columns(postgres, database, table)
        chosen = ", ".join(values.get(name, f't."{name}"') for name in columns)
        names = ", ".join(f'"{name}"' for name in columns)
        _run(
            postgres,
            database,
            f"INSERT INTO {table} ({names}) SELECT {chosen} FROM {table} t,"
            f" generate_series(1, {copies}) n WHERE {where.format(lead=lead)}",
        )
        _run(postgres, database, f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
    _run(postgres, database, "VACUUM ANALYZE")


def _own_clocks(ids: Sequence[str]) -> dict[str, str]:
    own = with_own_ids("t.manychat_values::text", "'filled-' || n", ids)
    return {
        "clock": with_own_ids("t.clock", "'filled-' || n", ids),
        "manychat_values": f"({own})::jsonb",
    }


def _copied(table: str, row_id: str, bases: dict[str, int], copies: int) -> str:
    """The id of copy `n` of a row: far apart enough that no two meet."""
    return f"{bases[table]} + ({row_id} % 1000) * {copies} + n"


def _columns(postgres: Postgres, database: str, table: str) -> list[str]:
    rows = postgres.execute(
        sql.SQL(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'"
        ),
        [table],
        database,
    )
    return [name for (name,) in rows]


def _run(postgres: Postgres, database: str, text: str) -> list[tuple[int, ...]]:
    return postgres.execute(sql.SQL(text), database=database)
