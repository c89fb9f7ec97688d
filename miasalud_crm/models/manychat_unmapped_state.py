from difflib import get_close_matches

from odoo import fields, models

from ..sync.text import fold

NEAREST = 3


class ManychatUnmappedState(models.Model):
    """Every state that no rule fitted, folded, with the leads that wait in it or passed it."""

    _name = "manychat.unmapped.state"
    _description = "ManyChat State without Rule"
    _auto = False
    _order = "waiting_count desc, last_seen desc, id"
    _rec_name = "state"
    _depends = {
        "manychat.stage.history": ["lead_id", "state", "state_folded", "unmapped", "occurred_at"],
        "crm.lead": [
            "manychat_company_id",
            "manychat_state",
            "manychat_state_date",
            "manychat_state_folded",
            "manychat_unmapped",
        ],
    }

    state = fields.Char("ManyChat State", readonly=True)
    folded = fields.Char("As Compared", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    lead_count = fields.Integer("Leads", readonly=True, help="Leads that have been in this state.")
    waiting_count = fields.Integer(
        "Waiting", readonly=True, help="Leads whose last ManyChat state is this one."
    )
    first_seen = fields.Datetime(readonly=True)
    last_seen = fields.Datetime(readonly=True)
    example_lead_ids = fields.Many2many(
        "crm.lead", string="Examples", compute="_compute_example_lead_ids"
    )
    nearest = fields.Char("Nearest Known", compute="_compute_nearest")
    rule_id = fields.Many2one(
        "manychat.stage.mapping",
        "Rule since",
        compute="_compute_rule_id",
        help="A rule made since fits this state; its leads wait to be folded again.",
    )

    @property
    def _table_query(self):
        # An initial state has no history row: it counts while no other state is known.
        return """
            SELECT min(seen.id) AS id, seen.company_id, seen.folded,
                   mode() WITHIN GROUP (ORDER BY seen.state) AS state,
                   count(DISTINCT seen.lead_id) AS lead_count,
                   count(DISTINCT seen.lead_id) FILTER (WHERE seen.waiting) AS waiting_count,
                   min(seen.occurred_at) AS first_seen, max(seen.occurred_at) AS last_seen
              FROM (
                SELECT h.id * 2 AS id, h.lead_id, l.manychat_company_id AS company_id, h.state,
                       COALESCE(h.state_folded, '') AS folded, h.occurred_at,
                       l.manychat_state_folded = h.state_folded AS waiting
                  FROM manychat_stage_history h JOIN crm_lead l ON l.id = h.lead_id
                 WHERE h.unmapped
                 UNION ALL
                SELECT l.id * 2 + 1, l.id, l.manychat_company_id, l.manychat_state,
                       COALESCE(l.manychat_state_folded, ''), l.manychat_state_date, TRUE
                  FROM crm_lead l
                 WHERE l.manychat_unmapped AND NOT EXISTS (
                       SELECT FROM manychat_stage_history h
                        WHERE h.lead_id = l.id AND h.kind = 'manychat')
              ) seen
             GROUP BY seen.company_id, seen.folded"""

    def _compute_example_lead_ids(self):
        Lead = self.env["crm.lead"].with_context(active_test=False)
        for unmapped in self:
            unmapped.example_lead_ids = Lead.search(
                unmapped._lead_domain(), order="manychat_state_date desc", limit=NEAREST
            )

    def _compute_nearest(self):
        # A few dozen rules, each of them a candidate.
        rules = self.env["manychat.stage.mapping"].search([])  # pylint: disable=no-search-all
        names = {fold(rule.manychat_state): rule.manychat_state for rule in rules}
        for unmapped in self:
            near = get_close_matches(unmapped.folded, names, n=NEAREST, cutoff=0.5)
            unmapped.nearest = " · ".join(names[folded] for folded in near)

    def _compute_rule_id(self):
        Rule = self.env["manychat.stage.mapping"]
        for unmapped in self:
            rules = Rule._rule_table(unmapped.company_id.id).rules
            fitting = [rule.id for rule in rules if rule.fits(unmapped.folded)]
            unmapped.rule_id = Rule.browse(fitting[:1] if unmapped.folded else [])

    def _lead_domain(self):
        """Return the domain of the leads that are or were in this state without a rule."""
        rows = self.env["manychat.stage.history"]._search(
            [("unmapped", "=", True), ("state_folded", "=", self.folded)]
        )
        return [
            ("manychat_company_id", "=", self.company_id.id),
            "|",
            ("manychat_history_ids", "in", rows),
            "&",
            ("manychat_unmapped", "=", True),
            ("manychat_state_folded", "=", self.folded),
        ]

    def action_map(self):
        """Ask for the stage of this state."""
        return self._ask("stage")

    def action_same(self):
        """Ask which known state this one is the same as."""
        return self._ask("same")

    def action_ignore(self):
        """Make a rule that leaves the leads of this state where they are."""
        for unmapped in self:
            unmapped._make_rule({"action": "ignore"})
        return self.action_fold_again()

    def action_fold_all_again(self):
        """Fold the leads of every state that a rule made since fits."""
        return self.search([("folded", "!=", "")]).filtered("rule_id").action_fold_again()

    def action_fold_again(self):
        """Fold the leads of these states under today's rules, and say how many."""
        self.env["manychat.stage.mapping"].check_access("write")
        Refold = self.env["manychat.refold"].sudo()
        done, left = Refold._queue_states(self) if self else (0, 0)
        return Refold._said(self.env._("Leads folded again: %s.", done), left)

    def action_open_leads(self):
        self.ensure_one()
        leads = self.env["crm.lead"].with_context(active_test=False).search(self._lead_domain())
        return leads._manychat_open_leads(self.state, [("id", "in", leads.ids)])

    def _make_rule(self, vals):
        """Make the exact rule of this state; with several companies it is for this one alone."""
        several = self.env["res.company"].sudo().search_count([], limit=2) > 1
        return self.env["manychat.stage.mapping"].create(
            {
                "manychat_state": self.state,
                "company_id": self.company_id.id if several else False,
                **vals,
            }
        )

    def _ask(self, answer):
        self.ensure_one()
        vals = {"unmapped_id": self.id, "answer": answer}
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Map “%s”", self.state),
            "res_model": "manychat.map.state",
            "res_id": self.env["manychat.map.state"].create(vals).id,
            "view_mode": "form",
            "target": "new",
        }
