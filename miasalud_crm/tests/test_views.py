from lxml import etree
from odoo.tests import Form

from .common import ManychatCase


class TestViews(ManychatCase):
    def arch(self, xml_id, kind):
        lead = self.env["crm.lead"].with_user(self.seller)
        return lead.get_view(self.env.ref(xml_id).id, kind)["arch"]

    def test_pipeline_card_shows_state_and_channel(self):
        arch = self.arch("crm.crm_case_kanban_view_leads", "kanban")
        self.assertIn("manychat_state", arch)
        self.assertIn("source_id", arch)

    def test_lead_form_has_a_manychat_page_with_the_changes(self):
        arch = self.arch("crm.crm_lead_view_form", "form")
        self.assertIn('name="manychat"', arch)
        self.assertIn("manychat_change_ids", arch)

    def test_list_and_search_know_the_state(self):
        self.assertIn("manychat_state", self.arch("crm.crm_case_tree_view_oppor", "list"))
        search = self.arch("crm.view_crm_case_opportunities_filter", "search")
        for name in ("manychat", "manychat_unmapped", "group_by_manychat_state"):
            self.assertIn(f'name="{name}"', search)

    def test_lists_of_manychats_leads_leave_room_for_names(self):
        own = self.env.ref("miasalud_crm.crm_lead_view_list_manychat")
        columns = etree.fromstring(self.arch(own.xml_id, "list"))
        shown = {field.get("name"): field.get("optional") for field in columns.iter("field")}
        self.assertEqual((shown["phone"], shown["contact_name"]), ("show", "hide"))
        pipeline = self.env.ref("miasalud_crm.crm_lead_action_manychat")
        self.assertEqual(pipeline.views[1], (own.id, "list"))
        self.assertEqual([mode for _id, mode in pipeline.views], ["kanban", "list", "form"])
        leads = self.env["crm.lead"].with_user(self.seller)._manychat_open_leads("Ana", [])
        self.assertEqual(leads["views"][0], (own.id, "list"))
        self.assertEqual([mode for _id, mode in leads["views"]].count("list"), 1)

    def test_salesperson_can_edit_a_lead_from_manychat_in_its_form(self):
        self.sync_one("e1", 1, state="Nuevo", commercial={"odoo_id": self.seller.id})
        with Form(self.lead().with_user(self.seller), "crm.crm_lead_view_form") as form:
            form.name = "Typed"
        self.assertEqual(self.lead().name, "Typed")

    def test_salesperson_can_create_a_lead_in_its_form(self):
        with Form(self.env["crm.lead"].with_user(self.seller), "crm.crm_lead_view_form") as form:
            form.name = "By hand"
        self.assertFalse(form.record.manychat_id)

    def test_manager_makes_a_rule_in_its_form(self):
        with Form(self.Rule.with_user(self.mapper)) as form:
            form.manychat_state = "Pidió precio"
            form.stage_id = self.stage("quotation_started")
        self.assertEqual(form.record.match, "exact")

    def test_manychat_pipeline_shows_the_teams_stages_and_no_others(self):
        self.sync_one("e1", 1, state="Comienza Cotización", commercial={"odoo_id": self.seller.id})
        leads = self.env["crm.lead"].with_user(self.seller).with_context(manychat_pipeline=True)
        stages = leads._read_group_stage_ids(self.stage("quotation_started"), [])
        self.assertEqual(stages[0], self.stage("subscribed"))
        self.assertEqual(len(stages), 12)

    def test_every_button_calls_a_method_that_takes_the_selected_records(self):
        own = self.env["ir.model.data"].search(
            [("module", "=", "miasalud_crm"), ("model", "=", "ir.ui.view")]
        )
        for view in self.env["ir.ui.view"].browse(own.mapped("res_id")):
            tree = etree.fromstring(view.arch.encode())
            for button in tree.iter("button"):
                if button.get("type") == "object":
                    method = getattr(type(self.env[view.model]), button.get("name"))
                    # The web client hands the ids over, which a model method has no place for.
                    kind = getattr(method, "_api", None), getattr(method, "_api_model", None)
                    self.assertEqual(kind, (None, None), (view.name, button.get("name")))
