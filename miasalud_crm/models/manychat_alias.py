from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..sync.text import name_key

# The field that each kind of alias leads to.
TARGETS = {"advisor": "user_id", "source": "source_id", "campaign": "campaign_id"}


class ManychatAlias(models.Model):
    """What ManyChat calls an advisor, a channel or a campaign, and which record it means."""

    _name = "manychat.alias"
    _description = "ManyChat Alias"
    _order = "kind, value, id"
    _rec_name = "value"

    kind = fields.Selection(
        [("advisor", "Advisor"), ("source", "Channel"), ("campaign", "Campaign")],
        required=True,
        default="advisor",
    )
    value = fields.Char(
        "ManyChat Value",
        required=True,
        help="Name, e-mail or number that ManyChat sends; compared without case, accents and"
        " punctuation.",
    )
    folded = fields.Char("As Compared", compute="_compute_folded", store=True, index=True)
    user_id = fields.Many2one("res.users", ondelete="cascade", domain=[("share", "=", False)])
    source_id = fields.Many2one("utm.source", "Channel", ondelete="cascade")
    campaign_id = fields.Many2one("utm.campaign", ondelete="cascade")
    company_id = fields.Many2one(
        "res.company",
        required=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
    )

    def init(self):
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS manychat_alias_value_uniq
                   ON manychat_alias (kind, folded, company_id)"""
        )
        return result

    @api.depends("value")
    def _compute_folded(self):
        for alias in self:
            alias.folded = name_key(alias.value)

    @api.constrains("kind", "user_id", "source_id", "campaign_id")
    def _check_target(self):
        if any(not alias[TARGETS[alias.kind]] for alias in self):
            raise ValidationError(self.env._("An alias needs the record that it stands for."))

    @api.constrains("user_id")
    def _check_user_id(self):
        if any(alias.user_id.share for alias in self):
            raise ValidationError(self.env._("An advisor is an internal user."))

    @api.constrains("kind", "value", "company_id")
    def _check_unique(self):
        for alias in self:
            # By SQL: a search would flush first, and the index would speak instead of this.
            self.env.cr.execute(
                """SELECT FROM manychat_alias
                    WHERE kind = %s AND folded = %s AND company_id = %s AND id != %s""",
                (alias.kind, alias.folded, alias.company_id.id, alias.id),
            )
            if self.env.cr.rowcount:
                raise ValidationError(self.env._("“%s” has an alias already.", alias.value))

    def _by_value(self, company, values):
        """Return ``(kind, folded) -> record`` of the company's aliases for these values."""
        folded = list({name_key(value) for value in values})
        if not folded:
            return {}
        aliases = self.search([("company_id", "=", company.id), ("folded", "in", folded)])
        return {(a.kind, a.folded): a[TARGETS[a.kind]] for a in aliases if a._is_usable()}

    def _is_usable(self):
        """A user who left, or who cannot work in the company, is no advisor any more."""
        user = self.user_id
        return self.kind != "advisor" or (user.active and self.company_id in user.company_ids)

    def action_resolve(self):
        """Give the leads that wait for these advisors to them, and say how many."""
        self.check_access("write")
        Refold = self.env["manychat.refold"].sudo()
        advisors = self.filtered(lambda alias: alias.kind == "advisor")
        done, left = Refold._queue_advisors(advisors) if advisors else (0, 0)
        return Refold._said(self.env._("Leads resolved: %s.", done), left)
