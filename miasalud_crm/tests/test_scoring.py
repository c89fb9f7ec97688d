from unittest.mock import patch

from ..models import manychat_scoring
from .common import ManychatCase, event

SCORED = ("probability", "automated_probability", "active", "lost_reason_id")


class TestScoring(ManychatCase):
    """Lead scoring ends as if a person had moved the leads."""

    def setUp(self):
        super().setUp()
        params = self.env["ir.config_parameter"]
        params.set_param("crm.pls_start_date", "2000-01-01")
        params.set_param("crm.pls_fields", "phone_state,email_state,source_id")
        self.scoring = self.env["manychat.scoring"]
        self.reason = self.env["crm.lost.reason"].create({"name": "Precio"})
        self.Rule.create(
            {"manychat_state": "Perdido", "action": "lost", "lost_reason_id": self.reason.id}
        )
        reopening = self.env.ref("miasalud_crm.mapping_quotation_started")
        reopening.reopen_policy = "reopen"
        self.general = self.env["crm.stage"].search([("name", "=", "New")], limit=1)
        self.start()

    def start(self):
        """Begin with some sales and losses, so that a probability can be computed."""
        self.env["crm.lead"].with_context(active_test=False).search([]).unlink()
        self.scoring.search([]).unlink()
        vals = {"team_id": self.team.id, "stage_id": self.general.id, "phone": "+51911111111"}
        leads = self.env["crm.lead"].create([{"name": f"old {n}", **vals} for n in range(6)])
        leads[:3].write({"stage_id": self.stage("sale_won").id})
        leads[3:].action_set_lost()
        self.env["crm.lead"]._rebuild_pls_frequency_table()

    def counters(self):
        self.env.flush_all()
        rows = self.env["crm.lead.scoring.frequency"].search([])
        return sorted(
            (row.team_id.id, row.variable, row.value, row.won_count, row.lost_count) for row in rows
        )

    def count(self):
        self.scoring._cron_score()

    def create_by_hand(self, name):
        return self.env["crm.lead"].create(
            {
                "name": name,
                "contact_name": name,
                "phone": "+51911111111",
                "type": "opportunity",
                "team_id": self.team.id,
                "user_id": False,
                "stage_id": self.stage("subscribed").id,
            }
        )

    def scored(self, leads):
        """Return what scoring and closing made of the leads, after Odoo's own nightly look."""
        self.env.flush_all()
        self.env["crm.lead"]._update_automated_probabilities()
        self.env.invalidate_all()
        return [
            (*(lead[name] for name in SCORED), lead.stage_id.name, bool(lead.date_closed))
            for lead in leads
        ]

    def walk_by_hand(self):
        """Move four leads by hand: won, lost, lost and reopened, won and reopened."""
        leads = [self.create_by_hand(f"Ana {n}") for n in range(4)]
        won, lost, restored, unsold = leads
        quotation, sale = self.stage("quotation_started").id, self.stage("sale_won").id
        for lead in leads:
            lead.stage_id = self.stage("commercial_started").id
        won.stage_id = unsold.stage_id = sale
        lost.action_set_lost(lost_reason_id=self.reason.id)
        restored.action_set_lost(lost_reason_id=self.reason.id)
        getattr(restored, "action_restore", restored.action_unarchive)()
        restored.stage_id = unsold.stage_id = quotation
        return self.env["crm.lead"].concat(*leads)

    def walk_by_sync(self):
        ids = [f"mc-{n}" for n in range(4)]
        won, lost, restored, unsold = ids

        def tell(minute, **states):
            self.sync(*(event(f"{c}-{minute}", minute, c, state=s) for c, s in states.items()))
            self.count()

        phone = {"phone": "+51911111111", "state": "Nuevo"}
        self.sync(*(event(f"{c}-1", 1, c, first_name=f"Ana {c[-1]}", **phone) for c in ids))
        tell(2, **dict.fromkeys(ids, "Comienza Atención Comercial"))
        tell(3, **{won: "Venta exitosa", unsold: "Venta exitosa"})
        tell(4, **{lost: "Perdido", restored: "Perdido"})
        tell(5, **{restored: "Comienza Cotización", unsold: "Comienza Cotización"})
        return self.env["crm.lead"].concat(*map(self.lead, ids))

    def test_counters_and_leads_end_as_if_a_person_had_moved_the_leads(self):
        leads = self.walk_by_hand()
        by_hand, scored = self.counters(), self.scored(leads)
        self.start()
        leads = self.walk_by_sync()
        self.assertEqual(self.counters(), by_hand)
        self.assertEqual(self.scored(leads), scored)

    def test_batch_leaves_the_counters_alone_until_the_cron_counts(self):
        self.sync_one("e1", 1, state="Nuevo")
        before = self.counters()
        triggers = self.env["ir.cron.trigger"].search_count([])
        self.sync_one("e2", 2, state="Venta exitosa")
        self.assertEqual(self.counters(), before)
        self.assertTrue(self.scoring.search([]))
        self.assertGreater(self.env["ir.cron.trigger"].search_count([]), triggers)
        self.count()
        self.assertNotEqual(self.counters(), before)

    def test_what_was_counted_is_not_counted_again(self):
        self.sync_one("e1", 1, state="Venta exitosa")
        self.count()
        counted = self.counters()
        self.count()
        self.assertFalse(self.scoring.search([]))
        self.assertEqual(self.counters(), counted)

    def test_sales_of_several_batches_all_count_though_the_cron_comes_late(self):
        for n in range(3):
            self.sync_one(f"n{n}", 1, f"mc-{n}", state="Nuevo", phone="+51911111111")
        for n in range(3):
            self.sync_one(f"w{n}", 2, f"mc-{n}", state="Venta exitosa")
        sold = {"variable": "stage_id", "value": str(self.stage("sale_won").id)}
        domain = [("team_id", "=", self.team.id), *((k, "=", v) for k, v in sold.items())]
        Frequency = self.env["crm.lead.scoring.frequency"]
        before = Frequency.search(domain).won_count
        self.count()
        self.assertEqual(Frequency.search(domain).won_count, before + 3)

    def test_slice_leaves_the_rest_to_the_next_call(self):
        self.sync_one("e1", 1, "mc-1", state="Venta exitosa")
        self.sync_one("e2", 1, "mc-2", state="Venta exitosa")
        waiting = len(self.scoring.search([]))
        with patch.object(manychat_scoring, "SLICE", 1):
            self.count()
        self.assertEqual(len(self.scoring.search([])), waiting - 1)
        self.count()
        self.assertFalse(self.scoring.search([]))

    def test_rebuilt_table_does_not_count_what_still_waits_twice(self):
        self.sync_one("e1", 1, state="Venta exitosa")
        self.env["crm.lead"]._rebuild_pls_frequency_table()
        rebuilt = self.counters()
        self.count()
        self.assertEqual(self.counters(), rebuilt)

    def test_person_who_sells_counts_at_once(self):
        self.sync_one("e1", 1, state="Nuevo")
        before = self.counters()
        self.lead().stage_id = self.stage("sale_won")
        self.assertNotEqual(self.counters(), before)
        self.assertFalse(self.scoring.search([]))
