from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..const import FUNNEL_DATES, SYNC_KEY, SYNC_TOKEN
from ..sync.text import fold

# Only the sync may write these; a person changes them by what the bridge sends.
SYNC_FIELDS = (
    "manychat_id",
    "manychat_company_id",
    "manychat_state",
    "manychat_state_date",
    "manychat_state_folded",
    "manychat_initial_state",
    "manychat_unmapped",
    "manychat_subscribed_at",
    "manychat_entry_date",
    "manychat_synced_at",
    "manychat_summary",
    "manychat_gender",
    "manychat_commercial_id",
    "manychat_commercial_ref",
    "manychat_medical_ref",
    "manychat_values",
    "manychat_history_ids",
    "manychat_change_ids",
    *(name for name, _label in FUNNEL_DATES),
)
# Of the sync's as well, and a person's.
SHARED_FIELDS = ("manychat_medical_id",)


class CrmLead(models.Model):
    _inherit = "crm.lead"  # pylint: disable=consider-merging-classes-inherited

    manychat_id = fields.Char(
        "ManyChat ID",
        copy=False,
        readonly=True,
        help="Identifier of the contact in ManyChat. Unique in a company.",
    )
    manychat_company_id = fields.Many2one(
        "res.company",
        "ManyChat Company",
        copy=False,
        readonly=True,
        help="Company whose ManyChat account the contact belongs to; it never moves.",
    )
    manychat_state = fields.Char(
        "ManyChat State",
        copy=False,
        readonly=True,
        index="btree_not_null",
        help="Last state that ManyChat reported, in its own words.",
    )
    manychat_state_date = fields.Datetime("ManyChat State Since", copy=False, readonly=True)
    manychat_state_folded = fields.Char(
        "ManyChat State as Compared",
        compute="_compute_manychat_state_folded",
        store=True,
        copy=False,
        index="btree_not_null",
    )
    manychat_initial_state = fields.Char("ManyChat Initial State", copy=False, readonly=True)
    manychat_unmapped = fields.Boolean(
        "Unmapped State",
        copy=False,
        readonly=True,
        help="No rule of the stage mapping fits the ManyChat state.",
    )
    manychat_subscribed_at = fields.Datetime("Subscribed On", copy=False, readonly=True)
    manychat_entry_date = fields.Datetime("Entered On", copy=False, readonly=True)
    manychat_synced_at = fields.Datetime("Last ManyChat Event", copy=False, readonly=True)
    manychat_summary = fields.Text("Conversation Summary", copy=False, readonly=True)
    manychat_gender = fields.Char("Gender", copy=False, readonly=True)
    manychat_commercial_id = fields.Many2one(
        "res.users",
        "Commercial Advisor",
        copy=False,
        readonly=True,
        ondelete="set null",
    )
    manychat_commercial_ref = fields.Char(
        "Unknown Commercial Advisor",
        copy=False,
        readonly=True,
        help="Commercial advisor named by ManyChat whom no user here matches.",
    )
    manychat_medical_id = fields.Many2one(
        "res.users",
        "Medical Advisor",
        copy=False,
        domain=[("share", "=", False)],
        ondelete="set null",
    )
    manychat_medical_ref = fields.Char(
        "Unknown Medical Advisor",
        copy=False,
        readonly=True,
        help="Medical advisor named by ManyChat whom no user here matches.",
    )
    commercial_assignment_date = fields.Datetime("Commercial Assignment", copy=False, readonly=True)
    commercial_process_start_date = fields.Datetime(
        "Commercial Attention Started", copy=False, readonly=True
    )
    medical_assignment_date = fields.Datetime("Medical Assignment", copy=False, readonly=True)
    medical_process_start_date = fields.Datetime(
        "Medical Advice Started", copy=False, readonly=True
    )
    medical_process_end_date = fields.Datetime("Medical Advice Finished", copy=False, readonly=True)
    quotation_start_date = fields.Datetime("Quotation Started", copy=False, readonly=True)
    sale_order_date = fields.Datetime("Order Confirmed", copy=False, readonly=True)
    successful_sale_date = fields.Datetime("Successful Sale", copy=False, readonly=True)
    conversation_closed_date = fields.Datetime("Conversation Closed", copy=False, readonly=True)
    manychat_values = fields.Json(
        "ManyChat Values",
        copy=False,
        readonly=True,
        groups="base.group_system",
        help="Newest writer of each value: key, value and clock.",
    )
    manychat_history_ids = fields.One2many(
        "manychat.stage.history", "lead_id", "ManyChat History", copy=False, readonly=True
    )
    manychat_change_ids = fields.One2many(
        "manychat.stage.history",
        "lead_id",
        "ManyChat Changes",
        copy=False,
        readonly=True,
        domain=[("changed", "=", True)],
    )

    def init(self):
        """Two leads of a company never share a ManyChat id, archived ones included."""
        result = super().init()
        self.env.cr.execute(
            """CREATE UNIQUE INDEX IF NOT EXISTS crm_lead_manychat_id_company_uniq
                   ON crm_lead (manychat_id, manychat_company_id)
                WHERE manychat_id IS NOT NULL"""
        )
        return result

    @api.depends("manychat_state")
    def _compute_manychat_state_folded(self):
        for lead in self:
            lead.manychat_state_folded = fold(lead.manychat_state)

    @api.model
    def _read_group_stage_ids(self, stages, domain):
        """In the ManyChat pipeline, show the team's own stages and those that hold leads."""
        if not self.env.context.get("manychat_pipeline"):
            return super()._read_group_stage_ids(stages, domain)
        team = self.env["res.config.settings"]._manychat_settings().team
        owner = stages._manychat_team_field()
        return stages.search(["|", ("id", "in", stages.ids), (owner, "in", team.ids)])

    def _manychat_is_sync(self):
        """Return whether the sync itself is writing (no RPC context can hold the token)."""
        return self.env.context.get(SYNC_KEY) is SYNC_TOKEN

    @api.model_create_multi
    def create(self, vals_list):
        if not self.env.su:
            return self._manychat_refuse_filled(super().create(vals_list))
        return super().create([self._manychat_identity(vals) for vals in vals_list])

    def write(self, vals):
        if self.env.su:
            return super().write(self._manychat_identity(vals))
        if forbidden := sorted(set(SYNC_FIELDS) & vals.keys()):
            raise self._manychat_refusal(forbidden)
        return super().write(vals)

    @api.model
    def message_new(self, msg_dict, custom_values=None):
        """Mail may run with all rights, and who edits an alias sets its default values."""
        values = {k: v for k, v in (custom_values or {}).items() if k not in SYNC_FIELDS}
        return super().message_new(msg_dict, custom_values=values)

    def _manychat_refuse_filled(self, leads):
        """Refuse values that came from defaults too, which ``create`` never saw."""
        names = [name for name in SYNC_FIELDS if any(leads.sudo().mapped(name))]
        if names:
            raise self._manychat_refusal(sorted(names))
        return leads

    def _manychat_refusal(self, names):
        return AccessError(
            self.env._("Only the ManyChat bridge writes these fields: %s", ", ".join(names))
        )

    def _manychat_identity(self, vals):
        """Return ``vals`` where a blank ManyChat id is none, and an id has its company."""
        if "manychat_id" not in vals:
            return vals
        vals = dict(vals, manychat_id=(vals["manychat_id"] or "").strip() or False)
        if vals["manychat_id"] and not self.manychat_company_id:
            vals.setdefault("manychat_company_id", self.env.company.id)
        return vals
