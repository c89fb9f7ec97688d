import logging

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from psycopg2 import InterfaceError, OperationalError

from ..const import SYNC_KEY, SYNC_TOKEN
from .crm_lead import SYNC_FIELDS

_logger = logging.getLogger(__name__)

# As many leads as one transaction takes over; the cron takes the others.
SLICE = 500


class ManychatTakeOver(models.Model):
    """One take-over of leads whose ManyChat id the predecessor kept in a field of its own."""

    _name = "manychat.take.over"
    _description = "Take Over Existing Leads"
    _order = "id desc"
    _rec_name = "id_field_id"

    state = fields.Selection(
        [
            ("draft", "To Count"),
            ("counted", "Counted"),
            ("running", "Running"),
            ("done", "Done"),
        ],
        required=True,
        readonly=True,
        default="draft",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        ondelete="cascade",
        default=lambda self: self.env.company,
        help="Company of the ManyChat account; leads without a company are looked at too.",
    )
    id_field_id = fields.Many2one(
        "ir.model.fields",
        "Field with the ManyChat ID",
        required=True,
        ondelete="cascade",
        domain="[('id', 'in', id_field_ids)]",
        default=lambda self: self._guess_id_field(),
    )
    state_field_id = fields.Many2one(
        "ir.model.fields",
        "Field with the ManyChat State",
        ondelete="cascade",
        domain=[("model", "=", "crm.lead"), ("ttype", "in", ("char", "selection"))],
        help="The lead stays in its stage; the state begins its history.",
    )
    date_field_id = fields.Many2one(
        "ir.model.fields",
        "In that State since",
        ondelete="cascade",
        domain=[("model", "=", "crm.lead"), ("ttype", "in", ("date", "datetime"))],
        help="Where the history begins; empty: when the lead was made.",
    )
    id_field_ids = fields.Many2many("ir.model.fields", compute="_compute_id_field_ids")
    keep_values = fields.Boolean(
        "Keep What the Leads Say",
        default=True,
        help="Name, phone, e-mail and salesperson count as typed by a person.",
    )
    merge_duplicates = fields.Boolean(
        help="Merge leads of the same ManyChat ID, as Odoo does it. Else they are left alone.",
    )
    free_count = fields.Integer("To Take Over", readonly=True)
    known_count = fields.Integer("Taken Over Already", readonly=True)
    blank_count = fields.Integer("Without an ID", readonly=True)
    duplicate_count = fields.Integer("Duplicates", readonly=True)
    done_count = fields.Integer("Taken Over", readonly=True)
    merged_count = fields.Integer("Merged", readonly=True)
    failed_count = fields.Integer("Failed", readonly=True)
    last_lead_id = fields.Integer(readonly=True, help="Leads up to this one were looked at.")

    def _compute_id_field_ids(self):
        candidates = self._id_fields()
        for take_over in self:
            take_over.id_field_ids = candidates

    def _id_fields(self):
        """Return the stored char and integer fields of leads that may hold somebody's id."""
        return self.env["ir.model.fields"].search(
            [
                ("model", "=", "crm.lead"),
                ("ttype", "in", ("char", "integer")),
                ("store", "=", True),
                ("translate", "in", (False, "")),
                ("company_dependent", "=", False),
                ("name", "not in", [*models.MAGIC_COLUMNS, *SYNC_FIELDS]),
            ],
            order="name",
        )

    def _guess_id_field(self):
        """Return the field that somebody made for the id, by its name; empty if none was."""
        made = self._id_fields().filtered(lambda f: f.state == "manual")
        return made.filtered(lambda f: "manychat" in f.name)[:1]

    @api.constrains("id_field_id")
    def _check_id_field_id(self):
        if self.id_field_id - self._id_fields():
            raise UserError(self.env._("Choose a stored text or number field of leads."))

    def action_count(self):
        """Count what a take-over would do, and change nothing."""
        self._check_system()
        for take_over in self:
            take_over.write({**take_over._counts(), "state": "counted"})

    def action_back(self):
        """Let the fields be chosen anew."""
        self._check_system()
        self.filtered(lambda t: t.state == "counted").state = "draft"

    def action_take_over(self):
        """Take over the first slice of leads now, and have the cron take the others."""
        self.ensure_one()
        self._check_system()
        if self.state != "counted":
            raise UserError(self.env._("Count first: a take-over shows beforehand what it does."))
        self.write({"state": "running", "last_lead_id": 0})
        self._take_slice()

    def action_open_duplicates(self):
        self.ensure_one()
        self._check_system()
        action = self.env["ir.actions.act_window"]._for_xml_id("crm.crm_lead_opportunities")
        title = self.env._("Duplicates")
        return {
            **action,
            "name": title,
            "display_name": title,  # the title that the web client prefers
            "domain": [("id", "in", self._duplicate_ids())],
            "context": {"active_test": False, "create": False, "group_by": self.id_field_id.name},
            "view_mode": "list,form",
            "views": [(False, "list"), (False, "form")],
        }

    def _check_system(self):
        if not self.env.user.has_group("base.group_system"):
            raise AccessError(self.env._("Only a system administrator may take leads over."))

    def _cron_take_over(self):
        """Take one slice of each take-over that is under way."""
        for take_over in self.search([("state", "=", "running")]):
            take_over._take_slice()

    def _take_slice(self):
        """Take the next slice; leads that fail are counted and passed."""
        rows = self._next_leads(SLICE)
        sync = self.env["crm.lead"].sudo().with_company(self.company_id)
        sync = sync.with_context(**{SYNC_KEY: SYNC_TOKEN, "active_test": False})
        self._take(sync, {lead_id: value for lead_id, value, kind in rows if kind == "free"})
        if self.merge_duplicates:
            for value in dict.fromkeys(value for _id, value, kind in rows if kind == "duplicate"):
                self._merge(sync, value)
        self.last_lead_id = rows[-1][0] if rows else self.last_lead_id
        if len(rows) < SLICE:
            self.state = "done"
        else:
            self.env.ref("miasalud_crm.cron_take_over")._trigger()

    def _take(self, sync, values, states=None):
        """Give leads their ManyChat ids (``values``: lead id -> id)."""
        leads = sync.browse(values)
        states = self._states(leads) if states is None else states
        leads._manychat_adopt(values, keep_values=self.keep_values, states=states)
        leads.browse(states)._manychat_fold_adopted()
        self.done_count += len(leads)

    def _merge(self, sync, value):
        """Merge all leads of one ManyChat id, and take the survivor over."""
        leads = sync.browse(self._leads_of(value))
        if len(leads) < 2:
            return
        try:
            with self.env.cr.savepoint():
                states = sorted(self._states(leads).values(), key=lambda state: state[1])
                both = self.env["crm.lead"].with_company(self.company_id).browse(leads.ids)
                survivor = sync.browse(both._merge_opportunity(max_length=None).id)
                self.merged_count += len(leads) - 1
                if not survivor.manychat_id:
                    newest = {survivor.id: states[-1]} if states else {}
                    self._take(sync, {survivor.id: value}, newest)
        except (OperationalError, InterfaceError):
            raise
        except Exception as error:
            _logger.debug("Merging for a take-over failed", exc_info=True)
            _logger.warning("Leads %s were not merged: %s", leads.ids, type(error).__name__)
            self.failed_count += 1

    def _states(self, leads):
        """Return ``lead id -> (state, naive UTC since when)`` of the leads that have a state."""
        if not self.state_field_id:
            return {}
        field = leads._fields[self.state_field_id.name]
        labels = dict(field._description_selection(self.env)) if field.type == "selection" else {}
        since = self.date_field_id.name
        return {
            lead.id: (
                labels.get(lead[field.name], lead[field.name]),
                fields.Datetime.to_datetime(since and lead[since]) or lead.create_date,
            )
            for lead in leads
            if (lead[field.name] or "").strip()
        }
