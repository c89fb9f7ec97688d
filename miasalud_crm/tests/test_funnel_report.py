from odoo.exceptions import AccessError
from odoo.tests import new_test_user

from .common import ManychatCase, at, event

ASSIGNED, BEGUN, SOLD = (
    "1_commercial_assignment_date",
    "2_commercial_process_start_date",
    "8_successful_sale_date",
)


class TestFunnelReport(ManychatCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = new_test_user(cls.env, "test-other", groups="sales_team.group_sale_salesman")

    def told(self, number, hours, channel="WhatsApp", user=None, **values):
        """Sync a lead that entered at 0 and was assigned and begun ``hours`` after its start."""
        manychat_id = f"mc-{number}"
        commercial = {"commercial": {"odoo_id": (user or self.seller).id}}
        given = {"channel": channel, "entry_date": at(0), **commercial, **values}
        states = ("Asignado a campaña", "Comienza Atención Comercial")
        self.sync(
            event(f"{number}-0", 0, manychat_id, **given),
            *(
                event(f"{number}-{n}", 60 * hour, manychat_id, state=state)
                for n, (hour, state) in enumerate(zip(hours, states, strict=False), start=1)
            ),
        )

    def grouped(self, user, groupby, *aggregates, domain=()):
        self.env.invalidate_all()
        report = self.env["manychat.funnel.report"].with_user(user)
        rows = report._read_group(list(domain), groupby, list(aggregates))
        return [tuple(getattr(v, "name", v) for v in row) for row in rows]

    def test_each_step_counts_every_lead_that_reached_it(self):
        self.told(1, (1, 2))
        self.told(2, (1,))
        self.told(3, (), "Instagram")
        self.assertEqual(
            self.grouped(self.seller, ["step"], "__count"),
            [("0_entry", 3), (ASSIGNED, 2), (BEGUN, 1)],
        )
        by_channel = self.grouped(
            self.seller, ["source_id"], "__count", domain=[("step", "=", "0_entry")]
        )
        self.assertEqual(set(by_channel), {("WhatsApp", 2), ("Instagram", 1)})

    def test_times_between_steps_are_medians_in_every_group_and_total(self):
        self.told(1, (1, 2))
        self.told(2, (2, 6))
        self.told(3, (9, 109))
        hours = "hours_since_before:avg"
        self.assertEqual(
            self.grouped(self.seller, ["step"], hours),
            [("0_entry", False), (ASSIGNED, 2.0), (BEGUN, 4.0)],
        )
        # 1 2 9 and 1 4 100
        self.assertEqual(self.grouped(self.seller, [], hours), [(3.0,)])
        days = self.grouped(self.seller, [], "days_since_entry:avg", domain=[("step", "=", BEGUN)])
        self.assertEqual(days, [(0.25,)])

    def test_median_of_an_even_number_lies_between_the_two_in_the_middle(self):
        self.told(1, (1,))
        self.told(2, (4,))
        domain = [("step", "=", ASSIGNED)]
        found = self.grouped(self.seller, ["step"], "hours_since_before:avg", domain=domain)
        self.assertEqual(found, [(ASSIGNED, 2.5)])

    def test_skipped_step_is_measured_from_the_one_that_was_reached(self):
        self.told(1, (1,))
        self.sync_one("1-9", 60 * 5, state="Venta exitosa")
        rows = self.grouped(self.seller, ["step", "step_before"], "hours_since_before:avg")
        self.assertIn((SOLD, ASSIGNED, 4.0), rows)

    def test_steps_reached_the_wrong_way_round_have_no_time_between_them(self):
        self.told(1, (5, 3))
        rows = self.grouped(self.seller, ["step"], "hours_since_before:avg", "__count")
        self.assertEqual(rows[-1], (BEGUN, False, 1))

    def test_lead_without_entry_date_entered_when_it_was_first_heard_of(self):
        self.sync_one("e1", 60, "mc-1", state="Asignado a campaña")
        self.lead().user_id = self.seller
        rows = self.grouped(self.seller, ["step"], "hours_since_before:avg")
        self.assertEqual(rows, [("0_entry", False), (ASSIGNED, 0.0)])

    def test_salesperson_sees_own_unassigned_and_advised_leads_and_a_manager_all(self):
        self.told(1, ())
        self.told(2, (), user=self.other)
        self.told(3, (), user=self.other, medical={"odoo_id": self.seller.id})
        self.told(4, (), commercial=False)
        self.env["crm.lead"].create({"name": "by hand", "user_id": self.seller.id})
        self.assertEqual(self.grouped(self.seller, [], "__count"), [(3,)])
        self.assertEqual(self.grouped(self.other, [], "__count"), [(3,)])
        self.assertEqual(self.grouped(self.mapper, [], "__count"), [(4,)])

    def test_leads_of_another_company_are_not_seen(self):
        self.told(1, ())
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.lead().write({"company_id": other.id, "team_id": False, "user_id": False})
        self.assertEqual(self.grouped(self.mapper, [], "__count"), [(0,)])

    def test_only_sales_people_read_the_analysis_and_nobody_writes_it(self):
        self.told(1, ())
        internal = new_test_user(self.env, "internal", groups="base.group_user")
        for user in (internal, self.bridge):
            with self.assertRaises(AccessError):
                self.env["manychat.funnel.report"].with_user(user).search([])
        row = self.env["manychat.funnel.report"].with_user(self.mapper).search([], limit=1)
        with self.assertRaises(AccessError):
            row.write({"step": BEGUN})
        self.assertEqual(row.action_open_lead()["res_id"], self.lead().id)

    def test_web_client_can_draw_pivot_and_graph(self):
        self.told(1, (1, 2))
        report = self.env["manychat.funnel.report"].with_user(self.seller)
        for kind in ("graph", "pivot", "list", "search"):
            self.assertTrue(report.get_view(view_type=kind)["arch"])
        read = getattr(report, "formatted_read_group", None)
        fields = ["hours_since_before:avg", "days_since_entry:avg", "__count"]
        if read:
            groups = read([], ["step"], fields)
        else:
            groups = report.read_group([], fields[:2], ["step"], lazy=False)
        key = "hours_since_before:avg" if read else "hours_since_before"
        self.assertEqual([group[key] for group in groups[1:]], [1.0, 1.0])
