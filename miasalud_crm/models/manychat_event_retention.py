from datetime import timedelta

from odoo import fields, models

RETENTION_PARAM = "miasalud_crm.retention_days"
# As many rows as one transaction deletes; the cron triggers itself for the others.
SLICE = 2000


class ManychatEvent(models.Model):
    _inherit = "manychat.event"  # pylint: disable=consider-merging-classes-inherited

    def init(self):
        result = super().init()
        # The ledger only grows at its end, so a few block ranges find a day and cost no insert.
        self.env.cr.execute(
            """CREATE INDEX IF NOT EXISTS manychat_event_create_date_brin
                   ON manychat_event USING brin (create_date)"""
        )
        return result

    def _cron_forget(self):
        """Delete a slice of the events that came before the days to keep.

        Nothing that comes again later changes anything: values and history keep their clocks.
        A mended event stays, because its first revision would replace its row in the history;
        a rejected one stays until it went through.
        """
        days = self.env["ir.config_parameter"].sudo().get_param(RETENTION_PARAM) or ""
        if not days.isdecimal() or not int(days):
            return
        old = self.search(
            [
                ("received_at", "<", fields.Datetime.now() - timedelta(days=int(days))),
                ("status", "!=", "rejected"),
                ("revision", "=", 0),
            ],
            order="id",
            limit=SLICE,
        )
        if len(old) == SLICE:
            self.env.ref("miasalud_crm.cron_forget")._trigger()
        old.unlink()
