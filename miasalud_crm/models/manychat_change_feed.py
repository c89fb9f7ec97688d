import hashlib

from odoo import fields, models
from odoo.exceptions import ValidationError


class ManychatChangeFeed(models.Model):
    """How far a company's feed is: the last number given, and the last one that was deleted.

    A sequence would not do: it also counts what is rolled back or commits later.
    """

    _name = "manychat.change.feed"
    _description = "ManyChat Change Feed"
    _log_access = False
    _rec_name = "company_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    last = fields.Integer(readonly=True)
    forgotten = fields.Integer(readonly=True)

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_change_feed_company_uniq
                   ON manychat_change_feed (company_id)"""
        )
        return result

    def _lock(self, company):
        """Return the company's last number; until the commit nobody else gives one."""
        self.env.cr.execute(
            """INSERT INTO manychat_change_feed (company_id, last, forgotten)
               VALUES (%s, 0, 0) ON CONFLICT DO NOTHING""",
            (company.id,),
        )
        self.env.cr.execute(
            "SELECT last FROM manychat_change_feed WHERE company_id = %s FOR UPDATE", (company.id,)
        )
        return self.env.cr.fetchone()[0]

    def _advance(self, company, number):
        self.env.cr.execute(
            "UPDATE manychat_change_feed SET last = %s WHERE company_id = %s", (number, company.id)
        )

    def _forget(self, company, number):
        self.env.cr.execute(
            "UPDATE manychat_change_feed SET forgotten = %s WHERE company_id = %s",
            (number, company.id),
        )

    def _seek(self, company, cursor):
        """Return ``(number, gap)`` of a reader's cursor.

        A cursor of another database, or ahead of this one (it was restored), starts at the
        beginning. ``gap``: rows that the reader never saw are deleted already.

        :raise ValidationError: ``cursor`` is no cursor.
        """
        if not cursor:
            return 0, False
        name, _, number = cursor.partition(":") if isinstance(cursor, str) else ("", "", "")
        if not number.isascii() or not number.isdecimal():
            raise ValidationError(self.env._("This is no cursor of the change feed."))
        self.env.cr.execute(
            "SELECT last, forgotten FROM manychat_change_feed WHERE company_id = %s", (company.id,)
        )
        last, forgotten = self.env.cr.fetchone() or (0, 0)
        if name != self._database() or int(number) > last:
            return 0, True
        return int(number), int(number) < forgotten

    def _cursor(self, number):
        return f"{self._database()}:{number}"

    def _database(self):
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid") or ""
        return hashlib.sha256(uuid.encode()).hexdigest()[:8]
