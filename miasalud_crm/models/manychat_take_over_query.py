from odoo import models
from odoo.tools import SQL

from ..const import MAX_ID

COUNTS = {
    "free": "free_count",
    "known": "known_count",
    "blank": "blank_count",
    "duplicate": "duplicate_count",
}


class ManychatTakeOver(models.Model):
    """What the leads' old field says, asked by SQL: it may be the field of many leads."""

    _inherit = "manychat.take.over"  # pylint: disable=consider-merging-classes-inherited

    def _kinds(self):
        """Return a query of ``id, value, kind`` for every lead that is looked at.

        ``kind`` is ``known`` (it has a ManyChat id), ``blank``, ``duplicate`` (another lead has
        the same value, as its id or in the old field) or ``free``.
        """
        return SQL(
            """SELECT said.id, said.value,
                      CASE WHEN said.manychat_id IS NOT NULL THEN 'known'
                           WHEN said.value IS NULL THEN 'blank'
                           WHEN said.value IN (SELECT value FROM shared) THEN 'duplicate'
                           ELSE 'free' END AS kind
                 FROM said"""
        )

    def _with_kinds(self, query):
        """Return ``query`` with ``kinds``, ``said`` and ``shared`` to read from."""
        self.env["crm.lead"].flush_model()
        self.env["manychat.merged.contact"].flush_model()
        return SQL(
            """WITH read AS (
                 SELECT id, manychat_id, btrim(%(column)s::text) AS value FROM crm_lead
                  WHERE company_id = %(company)s OR company_id IS NULL),
               said AS (
                 SELECT id, manychat_id,
                        CASE WHEN value ~ %(junk)s OR length(value) > %(longest)s THEN NULL
                             ELSE value END AS value
                   FROM read),
               shared AS (
                 SELECT value FROM said WHERE value IS NOT NULL
                  GROUP BY value HAVING count(*) > 1
                  UNION
                 SELECT manychat_id FROM crm_lead
                  WHERE manychat_company_id = %(company)s AND manychat_id IS NOT NULL
                  UNION
                 SELECT manychat_id FROM manychat_merged_contact
                  WHERE company_id = %(company)s),
               kinds AS (%(kinds)s)
               %(query)s""",
            column=SQL.identifier(self.id_field_id.name),
            company=self.company_id.id,
            # blank, a lone zero, dashes or question marks, or a variable that was never filled
            junk=r"^0?$|^[-?]+$|\{\{",
            longest=MAX_ID,
            kinds=self._kinds(),
            query=query,
        )

    def _rows(self, query):
        self.env.cr.execute(self._with_kinds(query))
        return self.env.cr.fetchall()

    def _counts(self):
        found = dict(self._rows(SQL("SELECT kind, count(*) FROM kinds GROUP BY kind")))
        return {name: found.get(kind, 0) for kind, name in COUNTS.items()}

    def _next_leads(self, limit):
        """Return ``(lead id, value, kind)`` of the next leads that want something done."""
        return self._rows(
            SQL(
                """SELECT id, value, kind FROM kinds
                    WHERE id > %s AND kind IN ('free', 'duplicate') ORDER BY id LIMIT %s""",
                self.last_lead_id,
                limit,
            )
        )

    def _leads_of(self, value):
        """Return the ids of every lead of one ManyChat id, however it is known."""
        return [row[0] for row in self._rows(self._sharing(SQL("= %s", value)))]

    def _duplicate_ids(self):
        wanted = SQL("IN (SELECT value FROM kinds WHERE kind = 'duplicate')")
        return [row[0] for row in self._rows(self._sharing(wanted))]

    def _sharing(self, wanted):
        return SQL(
            """SELECT id FROM said WHERE value %(wanted)s
                UNION
               SELECT id FROM crm_lead
                WHERE manychat_company_id = %(company)s AND manychat_id %(wanted)s
                UNION
               SELECT lead_id FROM manychat_merged_contact
                WHERE company_id = %(company)s AND manychat_id %(wanted)s
                ORDER BY id""",
            wanted=wanted,
            company=self.company_id.id,
        )
