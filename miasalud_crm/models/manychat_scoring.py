from datetime import timedelta
from itertools import groupby

from odoo import fields, models

SLICE = 500


class ManychatScoring(models.Model):
    """What lead scoring has yet to count, as Odoo's own method found it when a lead moved."""

    _name = "manychat.scoring"
    _description = "ManyChat Sale or Loss to Score"
    _order = "id"

    frequencies = fields.Json(required=True, help="Team, field, value: won and lost.")
    company_id = fields.Many2one(
        "res.company", required=True, ondelete="cascade", default=lambda self: self.env.company
    )
    step = fields.Integer(required=True, help="1 counts up, -1 takes back.")

    def _keep(self, frequencies, step):
        """Keep ``{team id or 0: {field: {value: {"won", "lost"}}}}`` to be counted soon."""
        if any(field for team in frequencies.values() for field in team.values()):
            self.create({"frequencies": frequencies, "step": step})
            # A minute's sales together cost little more than one.
            soon = fields.Datetime.now() + timedelta(minutes=1)
            self.env.ref("miasalud_crm.cron_score")._trigger(soon)

    def _cron_score(self):
        """Count one slice, and be called again while more is left.

        The rows go in the transaction that counts them, so each counts once.
        """
        self.env.cr.execute(
            "SELECT id FROM manychat_scoring ORDER BY id LIMIT %s FOR UPDATE", (SLICE,)
        )
        rows = self.browse(row[0] for row in self.env.cr.fetchall())
        # Odoo's own groupby would lose the order, and Odoo's counters never go below 0.1.
        for step, alike in groupby(rows, lambda row: row.step):  # pylint: disable=bad-builtin-groupby
            self._count(_summed(row.frequencies for row in alike), step)
        rows.unlink()
        if self.search_count([], limit=1):
            self.env.ref("miasalud_crm.cron_score")._trigger()

    def _count(self, frequencies, step):
        """Add to Odoo's table with Odoo's own method."""
        existing = {}
        for row in self.env["crm.lead.scoring.frequency"].search(
            [("team_id", "in", [team_id or False for team_id in frequencies])]
        ):
            of_team = existing.setdefault(row.team_id.id or 0, {})
            of_team.setdefault(row.variable, {})[row.value] = {
                "frequency_id": row.id,
                "won": row.won_count,
                "lost": row.lost_count,
            }
        self.env["crm.lead"]._pls_update_frequency_table(
            frequencies, step, existing_frequencies_by_team=existing
        )


def _summed(found):
    """Return the sum of frequencies, their teams as numbers again."""
    total = {}
    for frequencies in found:
        for team_id, by_field in frequencies.items():
            for field, by_value in by_field.items():
                sums = total.setdefault(int(team_id), {}).setdefault(field, {})
                for value, counts in by_value.items():
                    so_far = sums.setdefault(value, {"won": 0, "lost": 0})
                    so_far["won"] += counts["won"]
                    so_far["lost"] += counts["lost"]
    return total
