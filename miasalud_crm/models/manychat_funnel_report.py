from odoo import fields, models
from odoo.tools import SQL

from ..const import FUNNEL_DATES

# Numbered, because groups are ordered by their keys.
STEPS = [
    (f"{number}_{name}", label)
    for number, (name, label) in enumerate([("entry", "Entered"), *FUNNEL_DATES])
]
MEDIANS = frozenset({"hours_since_before", "days_since_entry"})
LEAD_COLUMNS = (
    "source_id",
    "campaign_id",
    "user_id",
    "manychat_commercial_id",
    "manychat_medical_id",
    "team_id",
    "stage_id",
    "company_id",
    "active",
)


class ManychatFunnelReport(models.Model):
    """Every step of the funnel that a lead reached: one row for each funnel date that is set."""

    _name = "manychat.funnel.report"
    _description = "ManyChat Analysis"
    _auto = False
    _order = "reached_at desc, id desc"
    _rec_name = "lead_id"
    _depends = {
        "crm.lead": [
            "create_date",
            "manychat_id",
            "manychat_entry_date",
            "manychat_subscribed_at",
            *LEAD_COLUMNS,
            *(name for name, _label in FUNNEL_DATES),
        ]
    }

    lead_id = fields.Many2one("crm.lead", readonly=True)
    step = fields.Selection(STEPS, "Funnel Step", readonly=True)
    step_before = fields.Selection(STEPS, readonly=True)
    reached_at = fields.Datetime("Reached On", readonly=True)
    entered_at = fields.Datetime("Entered On", readonly=True)
    hours_since_before = fields.Float(
        "Median Hours since the Step Before",
        readonly=True,
        aggregator="avg",
        help="Empty where the lead had reached this step before that one.",
    )
    days_since_entry = fields.Float("Median Days since Entry", readonly=True, aggregator="avg")
    source_id = fields.Many2one("utm.source", "Channel", readonly=True)
    campaign_id = fields.Many2one("utm.campaign", readonly=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    manychat_commercial_id = fields.Many2one("res.users", "Commercial Advisor", readonly=True)
    manychat_medical_id = fields.Many2one("res.users", "Medical Advisor", readonly=True)
    team_id = fields.Many2one("crm.team", "Sales Team", readonly=True)
    stage_id = fields.Many2one("crm.stage", "Stage Today", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    active = fields.Boolean(readonly=True)

    @property
    def _table_query(self):
        dates = [SQL.identifier("l", name) for name, _label in FUNNEL_DATES]
        first = SQL("LEAST(l.create_date, %s)", SQL(", ").join(dates))
        entry = SQL("COALESCE(l.manychat_entry_date, l.manychat_subscribed_at, %s)", first)
        moments = zip(STEPS, [entry, *dates], strict=True)
        return SQL(
            """
            SELECT told.*,
                   CASE WHEN told.reached_at >= told.before_at
                        THEN EXTRACT(EPOCH FROM told.reached_at - told.before_at) / 3600
                    END AS hours_since_before,
                   CASE WHEN told.step_before IS NOT NULL AND told.reached_at >= told.entered_at
                        THEN EXTRACT(EPOCH FROM told.reached_at - told.entered_at) / 86400
                    END AS days_since_entry
              FROM (
                SELECT l.id * 16 + step.number AS id, l.id AS lead_id, %(columns)s,
                       step.key AS step, step.reached_at,
                       LAG(step.key) OVER steps AS step_before,
                       LAG(step.reached_at) OVER steps AS before_at,
                       FIRST_VALUE(step.reached_at) OVER steps AS entered_at
                  FROM crm_lead l
                 CROSS JOIN LATERAL (VALUES %(steps)s) AS step (number, key, reached_at)
                 WHERE l.manychat_id IS NOT NULL AND step.reached_at IS NOT NULL
                WINDOW steps AS (PARTITION BY l.id ORDER BY step.number)
              ) told""",
            columns=SQL(", ").join(SQL.identifier("l", name) for name in LEAD_COLUMNS),
            steps=SQL(", ").join(
                SQL("(%s, %s, %s)", number, key, moment)
                for number, ((key, _label), moment) in enumerate(moments)
            ),
        )

    def _read_group_select(self, aggregate_spec, query):
        """Answer with the median where Odoo, which has none, asks for the average."""
        name, _colon, function = aggregate_spec.partition(":")
        if name in MEDIANS and function == "avg":
            column = self._field_to_sql(self._table, name, query)
            return SQL("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY %s)", column)
        return super()._read_group_select(aggregate_spec, query)

    def action_open_lead(self):
        self.ensure_one()
        return self.lead_id.get_formview_action()
