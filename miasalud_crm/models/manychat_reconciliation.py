from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..sync.clock import naive, parse_iso

# Of a company's comparisons, how many stay.
KEEP = 60
CLASSES = (
    "missing_in_odoo",
    "missing_in_mirror",
    "older_in_odoo",
    "older_in_mirror",
    "edited_by_person",
    "duplicate",
)


class ManychatReconciliation(models.Model):
    """What the bridge found when it compared its mirror with the leads here."""

    _name = "manychat.reconciliation"
    _description = "ManyChat Comparison"
    _order = "finished_at desc, id desc"
    _rec_name = "finished_at"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    started_at = fields.Datetime("Started On", required=True, readonly=True)
    finished_at = fields.Datetime("Finished On", required=True, readonly=True)
    checked = fields.Integer("Contacts Compared", readonly=True)
    missing_in_odoo = fields.Integer(
        "Missing Here", readonly=True, help="Contacts of the bridge that have no lead here."
    )
    missing_in_mirror = fields.Integer(
        "Missing in the Bridge", readonly=True, help="Leads whose contact the bridge does not know."
    )
    older_in_odoo = fields.Integer(
        "Older Here", readonly=True, help="The bridge knows something newer than the lead."
    )
    older_in_mirror = fields.Integer(
        "Older in the Bridge", readonly=True, help="The lead knows something newer than the bridge."
    )
    edited_by_person = fields.Integer(
        "Edited by a Person",
        readonly=True,
        help="Somebody changed the lead here, and the bridge has not heard of it.",
    )
    duplicate = fields.Integer(
        "Duplicates", readonly=True, help="Leads that say the same ManyChat contact as another."
    )
    left = fields.Integer(
        "Left to a Person", readonly=True, help="Differences that mending did not take away."
    )
    fixed = fields.Boolean("Mended", readonly=True, help="It was mended on the way.")
    total = fields.Integer("Differences", compute="_compute_total", store=True)

    @api.depends(*CLASSES)
    def _compute_total(self):
        for row in self:
            row.total = sum(row[name] for name in CLASSES)

    @api.model
    def manychat_reconciled(self, report):
        """Keep what a comparison by the bridge found, for the settings to show.

        :param dict report: ``{started_at, finished_at, checked, fixed, left}`` and a number by
            the name of each class; times as ISO 8601 UTC text.
        :return: ``True``
        :raise AccessError: the caller is not the bridge.
        :raise ValidationError: a report that cannot be read.
        """
        company = self.env["crm.lead"]._manychat_check_bridge()
        vals = self._from_report(report if isinstance(report, dict) else {})
        own = self.sudo()
        if not own.search_count(
            [("company_id", "=", company.id), ("started_at", "=", vals["started_at"])]
        ):
            own.create({**vals, "company_id": company.id})
            own.search([("company_id", "=", company.id)], offset=KEEP).unlink()
        return True

    def _from_report(self, report):
        try:
            times = {
                name: naive(parse_iso(report.get(name))) for name in ("started_at", "finished_at")
            }
        except (TypeError, ValueError):
            raise ValidationError(self.env._("An ISO 8601 time is due.")) from None
        counts = {name: report.get(name, 0) for name in (*CLASSES, "checked", "left")}
        if not all(type(count) is int and 0 <= count < 2**31 for count in counts.values()):
            raise ValidationError(self.env._("The numbers of a comparison cannot be read."))
        return {**times, **counts, "fixed": bool(report.get("fixed"))}
