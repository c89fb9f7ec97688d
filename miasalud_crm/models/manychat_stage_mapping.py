from odoo import api, fields, models, tools
from odoo.exceptions import ValidationError

from ..const import FUNNEL_DATES
from ..sync.rules import Rule, RuleTable, StageRank
from ..sync.text import fold


class ManychatStageMapping(models.Model):
    _name = "manychat.stage.mapping"
    _description = "ManyChat State Rule"
    _order = "sequence, id"
    _rec_name = "manychat_state"

    manychat_state = fields.Char(
        "ManyChat State",
        required=True,
        help="Compared without case, accents, punctuation and repeated spaces.",
    )
    match = fields.Selection(
        [("exact", "Is"), ("starts", "Starts with"), ("contains", "Contains")],
        required=True,
        default="exact",
    )
    sequence = fields.Integer(default=100, help="The first rule that fits wins.")
    action = fields.Selection(
        [("stage", "Move to a stage"), ("lost", "Mark as lost"), ("ignore", "Leave where it is")],
        required=True,
        default="stage",
    )
    stage_id = fields.Many2one("crm.stage", ondelete="restrict", index=True)
    lost_reason_id = fields.Many2one("crm.lost.reason", ondelete="set null")
    date_field = fields.Selection(
        list(FUNNEL_DATES),
        "Funnel Date",
        help="Date of the lead that the first event with this state fills.",
    )
    move_policy = fields.Selection(
        [
            ("always", "Always"),
            ("forward", "Only to a later stage"),
            ("respect_manual", "Not after a person's move"),
        ],
        "Move",
        required=True,
        default="always",
        help="A person's move holds until ManyChat moves the lead again by another rule.",
    )
    reopen_policy = fields.Selection(
        [("leave", "Leave it, with a note and an activity"), ("reopen", "Reopen it")],
        "Lost or Won Lead",
        required=True,
        default="leave",
        help="What a lead that is lost or won does when its client comes back with this state.",
    )
    team_id = fields.Many2one(
        "crm.team",
        "Only for Team",
        ondelete="cascade",
        help="Empty: the rule is for the leads of every team.",
    )
    company_id = fields.Many2one(
        "res.company", ondelete="cascade", help="Empty: for every company."
    )
    active = fields.Boolean(default=True)

    @api.constrains("manychat_state")
    def _check_manychat_state(self):
        if any(not fold(rule.manychat_state) for rule in self):
            raise ValidationError(self.env._("A ManyChat state needs a letter or a digit."))

    @api.constrains("action", "stage_id")
    def _check_stage_id(self):
        if any(rule.action == "stage" and not rule.stage_id for rule in self):
            raise ValidationError(self.env._("A rule that moves a lead needs a stage."))

    @api.model_create_multi
    def create(self, vals_list):
        rules = super().create(vals_list)
        self._forget_table()
        return rules

    def write(self, vals):
        result = super().write(vals)
        self._forget_table()
        return result

    def unlink(self):
        result = super().unlink()
        self._forget_table()
        return result

    def action_fold_waiting(self):
        """Fold the leads that wait in a state which a rule fits by now; nothing else moves any."""
        return self.env["manychat.unmapped.state"].action_fold_all_again()

    def _forget_table(self):
        self.env.registry.clear_cache()

    @tools.ormcache("company_id")
    def _rule_table(self, company_id):
        """Return the ``RuleTable`` of a company: the rules in force and every stage's rank."""
        rules = self.sudo().search([("company_id", "in", (company_id, False))])
        # A few dozen stages, read once and cached.
        stages = self.env["crm.stage"].sudo().search([])  # pylint: disable=no-search-all
        return RuleTable(
            tuple(rule._as_rule() for rule in rules),
            tools.frozendict(
                {stage.id: StageRank((stage.sequence, stage.id), stage.is_won) for stage in stages}
            ),
        )

    def _as_rule(self):
        return Rule(
            id=self.id,
            folded=fold(self.manychat_state),
            match=self.match,
            action=self.action,
            stage_id=self.stage_id.id or None,
            lost_reason_id=self.lost_reason_id.id or None,
            date_field=self.date_field or None,
            move_policy=self.move_policy,
            reopen_policy=self.reopen_policy,
            team_id=self.team_id.id or None,
        )
