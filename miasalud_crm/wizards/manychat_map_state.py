from odoo import api, fields, models
from odoo.exceptions import UserError

COPIED = (
    "action",
    "stage_id",
    "lost_reason_id",
    "date_field",
    "move_policy",
    "reopen_policy",
    "team_id",
)


class ManychatMapState(models.TransientModel):
    """Makes the rule of an unmapped state and folds its waiting leads in one go."""

    _name = "manychat.map.state"
    _description = "Map a ManyChat State"

    unmapped_id = fields.Many2one("manychat.unmapped.state", required=True, readonly=True)
    state = fields.Char(related="unmapped_id.state")
    lead_count = fields.Integer(related="unmapped_id.lead_count")
    answer = fields.Selection(
        [("stage", "Move to a stage"), ("same", "Same as a known state")],
        required=True,
        default="stage",
    )
    stage_id = fields.Many2one("crm.stage", domain="[('id', 'in', usable_stage_ids)]")
    usable_stage_ids = fields.Many2many(
        "crm.stage", string="Usable Stages", compute="_compute_usable_stage_ids"
    )
    date_field = fields.Selection(
        lambda self: self.env["manychat.stage.mapping"]._fields["date_field"].selection,
        "Funnel Date",
    )
    rule_id = fields.Many2one(
        "manychat.stage.mapping",
        "Known State",
        compute="_compute_rule_id",
        store=True,
        readonly=False,
        help="The new rule does what this one does.",
    )

    @api.depends("unmapped_id")
    def _compute_rule_id(self):
        for wizard in self:
            nearest = (wizard.unmapped_id.nearest or "").split(" · ")[0]
            known = nearest and [("manychat_state", "=", nearest)]
            wizard.rule_id = known and self.env["manychat.stage.mapping"].search(known, limit=1)

    @api.depends("unmapped_id")
    def _compute_usable_stage_ids(self):
        for wizard in self:
            of_company = self.env["res.config.settings"].with_company(wizard.unmapped_id.company_id)
            team = of_company._manychat_settings().team
            wizard.usable_stage_ids = self.env["crm.stage"]._manychat_usable(team)

    def action_apply(self):
        self.ensure_one()
        if not self.unmapped_id.exists():
            raise UserError(self.env._("This state is no longer without a rule."))
        self.unmapped_id._make_rule(self._rule_vals())
        return self.unmapped_id.action_fold_again()

    def _rule_vals(self):
        """Return what the new rule does; it goes beside the rules that do the same."""
        if self.answer == "same":
            if not self.rule_id:
                raise UserError(self.env._("Choose the known state."))
            [vals] = self.rule_id.copy_data()
            return {name: vals[name] for name in (*COPIED, "sequence") if name in vals}
        if not self.stage_id:
            raise UserError(self.env._("Choose the stage."))
        beside = self.env["manychat.stage.mapping"].search([("stage_id", "=", self.stage_id.id)])
        sequence = {"sequence": beside[-1].sequence} if beside else {}
        return {"stage_id": self.stage_id.id, "date_field": self.date_field, **sequence}
