from odoo.exceptions import AccessError
from odoo.tests import new_test_user
from odoo.tools import mute_logger

from ..models.crm_lead import SHARED_FIELDS, SYNC_FIELDS
from .common import ManychatCase, at

# What only a system administrator sees.
SYSTEM = {"manychat.take.over"}
NASTY = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


class TestCraftedWrites(ManychatCase):
    """What somebody with a salesperson's or manager's rights tries by RPC."""

    def setUp(self):
        super().setUp()
        self.sync_one("e1", 1, first_name="Ana", state="Nuevo")
        self.lead().write({"user_id": self.seller.id, "partner_id": self.partner().id})

    def partner(self):
        return self.env["res.partner"].create({"name": "Ana", "email": "ana@mail.example"})

    def assert_denied(self, call):
        with self.assertRaises(AccessError), self.env.cr.savepoint():
            call()
            self.env.flush_all()

    def made_with_id(self):
        return self.env["crm.lead"].search_count([("manychat_id", "=", "mc-9")])

    def test_history_is_not_written_through_the_lead(self):
        row = self.lead().manychat_history_ids
        for user in (self.seller, self.mapper):
            mine = self.lead().with_user(user)
            for name in ("manychat_history_ids", "manychat_change_ids"):
                for command in (
                    (0, 0, {"clock": "x", "kind": "manychat", "state": "x"}),
                    (1, row.id, {"state": "x"}),
                    (2, row.id),
                    (3, row.id),
                    (4, row.id),
                    (5,),
                    (6, 0, []),
                ):
                    self.assert_denied(lambda m=mine, n=name, c=command: m.write({n: [c]}))
        self.assertEqual(row.state, "Nuevo")

    def test_lead_is_not_written_through_a_record_that_lists_it(self):
        partner = self.lead().partner_id.with_user(self.mapper)
        crafted = {"manychat_state": "x"}
        self.assert_denied(
            lambda: partner.write({"opportunity_ids": [(1, self.lead().id, crafted)]})
        )
        new = {"name": "x", "manychat_id": "mc-9"}
        self.assert_denied(lambda: partner.write({"opportunity_ids": [(0, 0, new)]}))
        self.assertEqual(self.lead().manychat_state, "Nuevo")

    @mute_logger("odoo.models", "odoo.orm.models")
    def test_import_makes_no_contact(self):
        leads = self.env["crm.lead"].with_user(self.mapper)
        result = leads.load(["name", "manychat_id"], [["x", "mc-9"]])
        self.assertFalse(result["ids"])
        self.assertIn("manychat_id", str(result["messages"]))
        self.assertFalse(self.made_with_id())

    def test_import_changes_no_contact(self):
        lead = self.lead()
        result = lead.with_user(self.mapper).load(
            [".id", "manychat_state"], [[str(lead.id), "crafted"]]
        )
        self.assertFalse(result["ids"])
        self.assertEqual(self.lead().manychat_state, "Nuevo")

    def test_copy_takes_no_crafted_value(self):
        self.assert_denied(lambda: self.lead().with_user(self.mapper).copy({"manychat_id": "mc-9"}))

    def test_name_and_context_give_no_value(self):
        leads = self.env["crm.lead"].with_user(self.seller)
        for name in ("manychat_id", "manychat_state", "quotation_start_date"):
            value = "2025-01-01 00:00:00" if name.endswith("date") else "mc-9"
            crafted = leads.with_context(**{f"default_{name}": value})
            self.assert_denied(lambda crafted=crafted: crafted.name_create("x"))

    def test_mail_alias_gives_no_value(self):
        message = {"subject": "Hello", "from": "ana@mail.example", "email_from": "a@mail.example"}
        crafted = {"manychat_id": "mc-9", "team_id": self.team.id}
        made = self.env["crm.lead"].message_new(message, custom_values=crafted)
        self.assertEqual((made.manychat_id, made.team_id), (False, self.team))

    def test_nobody_but_the_sync_makes_or_sends_on_merged_contacts(self):
        merged = self.env["manychat.merged.contact"]
        vals = {"manychat_id": "x", "company_id": self.env.company.id, "lead_id": self.lead().id}
        row = merged.create(vals)
        for user in (self.seller, self.mapper, self.env.ref("base.user_admin")):
            self.assert_denied(lambda user=user: merged.with_user(user).create(vals))
            self.assert_denied(lambda user=user: row.with_user(user).write({"manychat_id": "y"}))

    def test_every_sync_field_is_guarded(self):
        ours = {
            name
            for name, field in self.env["crm.lead"]._fields.items()
            if field._module == "miasalud_crm" and (field.store or field.inverse)
        }
        self.assertEqual(ours - {*SYNC_FIELDS, *SHARED_FIELDS}, set())


class TestRightsOfEveryModel(ManychatCase):
    """Rules that hold for each model of ours, those to come included."""

    def models(self):
        names = [name for name in self.env.registry if name.startswith("manychat.")]
        self.assertGreater(len(names), 8)
        return [self.env[name] for name in sorted(names)]

    def test_bridge_and_internal_user_may_do_nothing_with_any_of_them(self):
        internal = new_test_user(self.env, "internal", groups="base.group_user")
        for user in (self.bridge, internal):
            for model in self.models():
                for operation in ("read", "write", "create", "unlink"):
                    allowed = model.with_user(user).has_access(operation)
                    self.assertFalse(allowed, f"{user.login} {operation} {model._name}")

    def test_salesperson_reads_rules_and_history_and_writes_nothing_that_stays(self):
        readable = set()
        for model in self.models():
            mine = model.with_user(self.seller)
            if mine.has_access("read"):
                readable.add(model._name)
            for operation in ("write", "create", "unlink"):
                allowed = not model._transient and mine.has_access(operation)
                self.assertFalse(allowed, f"{operation} {model._name}")
        kept = {name for name in readable if not self.env[name]._transient}
        shown = {"manychat.stage.mapping", "manychat.stage.history", "manychat.funnel.report"}
        self.assertEqual(kept, shown)

    def test_every_model_that_stays_has_a_rule_about_companies(self):
        for model in self.models():
            if model._transient or model._abstract:
                continue
            rules = self.env["ir.rule"].search([("model_id.model", "=", model._name)])
            companies = rules.filtered(
                lambda r: not r.groups and "company_ids" in (r.domain_force or "")
            )
            self.assertTrue(companies, model._name)

    def test_nothing_of_another_company_is_seen(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        self.bridge.write({"company_ids": [(6, 0, other.ids)], "company_id": other.id})
        self.sync_one("e1", 1, "mc-1", state="Nunca visto", commercial={"name": "Dra. Nadie"})
        self.sync_one("e2", 2, "mc-2", state="Nuevo")
        leads = self.env["crm.lead"].search([("manychat_company_id", "=", other.id)])
        self.env["manychat.merged.contact"].create(
            {"manychat_id": "mc-3", "company_id": other.id, "lead_id": leads[0].id}
        )
        self.env["manychat.refold"].create({"lead_id": leads[0].id, "kind": "rules"})
        self.env["manychat.tombstone"].create(
            {"digest": "0" * 64, "erased_until": at(1), "company_id": other.id}
        )
        self.env["manychat.alias"].create(
            {"value": "Dra.", "user_id": self.seller.id, "company_id": other.id}
        )
        referred = self.env["ir.model.fields"]._get("crm.lead", "referred")
        self.env["manychat.take.over"].create({"company_id": other.id, "id_field_id": referred.id})
        self.env["manychat.scoring"].create(
            {"frequencies": {"0": {}}, "step": 1, "company_id": other.id}
        )
        partner = self.env["res.partner"].create({"name": "Ana", "company_id": other.id})
        self.env["manychat.partner"].create(
            {"manychat_id": "mc-1", "company_id": other.id, "partner_id": partner.id}
        )
        moment = self.env.cr.now()
        self.env["manychat.reconciliation"].create(
            {"company_id": other.id, "started_at": moment, "finished_at": moment}
        )
        self.env["manychat.partner.claim"].with_company(other)._claim([("phone", "+51911111111")])
        self.Rule.create({"manychat_state": "x", "action": "ignore", "company_id": other.id})
        leads[0].phone = "+51911111111"
        self.env["crm.lead"].with_user(self.bridge).manychat_changes()
        unmapped = self.env["manychat.unmapped.state"].search([("company_id", "=", other.id)])
        self.assertTrue(unmapped)
        for model in self.models():
            if model._transient or model._abstract or model._name == "manychat.stage.mapping":
                continue
            self.assertTrue(model.search([]), model._name)
            manager = self.env.ref("base.user_admin") if model._name in SYSTEM else self.mapper
            self.assertFalse(model.with_user(manager).search([]), model._name)
        theirs = self.Rule.with_user(self.mapper).search([("company_id", "=", other.id)])
        self.assertFalse(theirs)
        mine = unmapped.with_user(self.mapper)
        for call in (mine.action_fold_again, mine.action_ignore, mine.action_map):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                call()
                self.env.flush_all()

    def test_public_methods_of_ours_are_closed_to_the_bridge_and_internal_users(self):
        internal = new_test_user(self.env, "internal", groups="base.group_user")
        for user in (self.bridge, internal, self.seller):
            for model, method in (
                ("manychat.stage.mapping", "action_fold_waiting"),
                ("manychat.unmapped.state", "action_fold_again"),
                ("manychat.unmapped.state", "action_fold_all_again"),
                ("manychat.alias", "action_resolve"),
            ):
                with self.assertRaises(AccessError), self.env.cr.savepoint():
                    getattr(self.env[model].with_user(user), method)()


class TestEscaping(ManychatCase):
    def test_what_manychat_says_is_text_in_chatter_and_activities(self):
        self.sync_one("e1", 1, first_name=NASTY, state="Nuevo", channel=NASTY, summary=NASTY)
        self.sync_one("e2", 2, state=NASTY, campaign={"name": NASTY}, medical={"name": NASTY})
        self.lead().user_id = self.seller
        self.lead().with_user(self.seller).action_set_lost()
        self.Rule.create(
            {
                "manychat_state": "img",
                "match": "starts",
                "stage_id": self.stage("quotation_started").id,
            }
        )
        moment = "2100-01-01T00:00:00Z"
        back = {"event_id": "e3", "type": "contact", "manychat_id": "mc-1", "revision": 0}
        times = {"occurred_at": moment, "received_at": moment}
        self.sync({**back, **times, "values": {"state": f"{NASTY} 2"}})
        lead = self.lead()
        bodies = lead.message_ids.mapped("body")
        self.assertTrue(any("&lt;img" in body for body in bodies))
        activities = lead.activity_ids
        self.assertTrue(activities)
        for shown in (*bodies, *(a.note or "" for a in activities)):
            self.assertNotIn("<img", shown)
            self.assertNotIn("<script", shown)

    def test_what_a_merge_says_in_the_chatter_is_text(self):
        self.sync_one("e1", 1, "mc-1", first_name=NASTY, state="Comienza Cotización")
        self.sync_one("e2", 2, "mc-2", first_name=NASTY, state="Nuevo", summary=NASTY)
        leads = self.lead("mc-1") | self.lead("mc-2")
        survivor = leads.with_user(self.mapper).merge_opportunity()
        bodies = "".join(survivor.message_ids.mapped("body"))
        self.assertIn("&lt;img", bodies)
        self.assertNotIn("<img src=x", bodies)
        self.assertNotIn("<script", bodies)
