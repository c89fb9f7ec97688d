"""Differences planted by SQL, a number of each class, in a mirror and an Odoo that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from psycopg import sql

from devstack.postgres import Postgres

CLASSES = (
    "missing_in_odoo",
    "missing_in_mirror",
    "older_in_odoo",
    "older_in_mirror",
    "edited_by_person",
    "duplicate",
)
PERSON_CLOCK = "2030-01-01T00:00:00.000000Z|2030-01-01T00:00:00.000000Z|person:2|000000"
_OWNED = ("Contact_Clock", "Contact_State", "Contact_Assignment", "Campaign_Contact", "Address",
          "Outbox", "Ledger")  # fmt: skip


class Planter:
    """Plants in the mirror `mirror` and the Odoo database `odoo` of one PostgreSQL."""

    def __init__(self, postgres: Postgres, mirror: str, odoo: str) -> None:
        self._postgres = postgres
        self._mirror = mirror
        self._odoo = odoo

    def plant(self, contacts: Sequence[str], each: int) -> dict[str, set[str]]:
        """Plant `each` of every class among `contacts`, one a contact; which got which."""
        planted: dict[str, set[str]] = {}
        for number, name in enumerate(CLASSES):
            some = list(contacts[number * each : (number + 1) * each])
            getattr(self, f"_plant_{name}")(some)
            planted[name] = set(some)
        return planted

    def _plant_missing_in_odoo(self, ids: Sequence[str]) -> None:
        """As if leads were gone without a word: a restored backup, a delete by SQL."""
        self._in_odoo("DELETE FROM crm_lead WHERE manychat_id = ANY(%s)", ids)

    def _plant_missing_in_mirror(self, ids: Sequence[str]) -> None:
        self._forget(ids, "TRUE")
        self._in_mirror('DELETE FROM "Contact" WHERE manychat_id = ANY(%s)', ids)

    def _plant_older_in_odoo(self, ids: Sequence[str]) -> None:
        """The newest state never came; of one half Odoo still has the event in its ledger."""
        newest = """SELECT DISTINCT ON (lead_id) h.id FROM manychat_stage_history h
            JOIN crm_lead l ON l.id = h.lead_id
            WHERE l.manychat_id = ANY(%s) AND h.kind = 'manychat' ORDER BY lead_id, h.clock DESC"""
        self._in_odoo(
            f"""DELETE FROM manychat_event WHERE event_id IN
                (SELECT event_id FROM manychat_stage_history WHERE id IN ({newest}))""",
            ids[: len(ids) // 2],
        )
        self._in_odoo(f"DELETE FROM manychat_stage_history WHERE id IN ({newest})", ids)
        self._in_odoo(
            "UPDATE crm_lead SET manychat_values = (manychat_values::jsonb - 'phone')"
            " WHERE manychat_id = ANY(%s)",
            ids,
        )

    def _plant_older_in_mirror(self, ids: Sequence[str]) -> None:
        """As a restored mirror: its newest event is gone, and what that brought."""
        newest = 'clock = (SELECT max(s.clock) FROM "Contact_State" s WHERE s.contact_id = c.id)'
        self._forget(ids, newest, ("Outbox", "Ledger", "Contact_State"))
        self._in_mirror(
            """UPDATE "Contact" SET odoo_stage = 'Nuevo Lead' WHERE manychat_id = ANY(%s)""", ids
        )

    def _plant_edited_by_person(self, ids: Sequence[str]) -> None:
        """A phone that was typed, a move that was made: changes that never reached the feed."""
        half = len(ids) // 2
        self._in_odoo(
            "UPDATE crm_lead SET phone = '+51900000001', manychat_values = jsonb_set("
            " manychat_values::jsonb, '{phone}', jsonb_build_object("
            f" 'value', '+51900000001', 'clock', '{PERSON_CLOCK}'))"
            " WHERE manychat_id = ANY(%s)",
            ids[:half],
        )
        self._in_odoo(
            f"""WITH moved AS (
                  UPDATE crm_lead SET stage_id = (SELECT res_id FROM ir_model_data
                     WHERE module = 'miasalud_crm' AND name = 'stage_medical_finished')
                   WHERE manychat_id = ANY(%s) RETURNING id, stage_id)
                INSERT INTO manychat_stage_history (lead_id, kind, clock, occurred_at, received_at,
                    stage_id, user_id, changed)
                SELECT id, 'person', '{PERSON_CLOCK}', '2030-01-01', '2030-01-01', stage_id, 2, TRUE
                  FROM moved""",
            ids[half:],
        )

    def _plant_duplicate(self, ids: Sequence[str]) -> None:
        """A second lead whose company nobody set, so that no index kept it out."""
        columns = [row[0] for row in self._postgres.execute(
            sql.SQL("SELECT column_name FROM information_schema.columns"
                    " WHERE table_name = 'crm_lead' AND is_generated = 'NEVER'"),
            database=self._odoo,
        ) if row[0] not in {"id", "manychat_company_id"}]  # fmt: skip
        names = ", ".join(f'"{name}"' for name in columns)
        self._in_odoo(
            f"INSERT INTO crm_lead ({names}) SELECT {names} FROM crm_lead"
            " WHERE manychat_id = ANY(%s)",
            ids,
        )

    def _forget(self, ids: Sequence[str], which: str, tables: Sequence[str] = _OWNED) -> None:
        for table in tables:
            self._in_mirror(
                f'DELETE FROM "{table}" t USING "Contact" c'
                f" WHERE c.id = t.contact_id AND c.manychat_id = ANY(%s) AND ({which})",
                ids,
            )

    def _in_odoo(self, statement: str, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        return _run(self._postgres, self._odoo, statement, ids)

    def _in_mirror(self, statement: str, ids: Sequence[str]) -> list[tuple[Any, ...]]:
        return _run(self._postgres, self._mirror, statement, ids)


def _run(
    postgres: Postgres, database: str, statement: str, ids: Sequence[str]
) -> list[tuple[Any, ...]]:
    composed: LiteralString = statement
    return postgres.execute(sql.SQL(composed), [list(ids)], database)
