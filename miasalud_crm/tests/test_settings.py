from odoo.tools import file_open

from .common import ManychatCase


class TestSettings(ManychatCase):
    def settings(self, url="http://127.0.0.1:8000/", **vals):
        return (
            self.env["res.config.settings"]
            .create({"manychat_bridge_url": url, "manychat_bridge_key": "key-1", **vals})
            .with_user(self.env.ref("base.user_admin"))
        )

    def test_settings_are_kept_and_used(self):
        team = self.env["crm.team"].create({"name": "Own"})
        self.settings(
            manychat_team_id=team.id,
            manychat_user_id=self.seller.id,
            manychat_fallback_stage_id=self.stage("waiting").id,
            manychat_unmapped="fallback",
            manychat_edited="newer",
        ).execute()
        self.assertFalse(self.env["res.config.settings"]._manychat_settings().keep_edited)
        self.sync_one("e1", 1, state="Nunca visto")
        lead = self.lead()
        self.assertEqual((lead.team_id, lead.user_id), (team, self.seller))
        self.assertEqual(lead.stage_id, self.stage("waiting"))

    def test_edited_fields_are_kept_unless_the_settings_say_otherwise(self):
        self.settings().execute()
        self.assertTrue(self.env["res.config.settings"]._manychat_settings().keep_edited)

    def test_team_of_another_company_is_not_used(self):
        other = self.env["res.company"].create({"name": "Other Clinic"})
        team = self.env["crm.team"].create({"name": "Theirs", "company_id": other.id})
        self.set_param("team_id", team.id)
        self.sync_one("e1", 1)
        self.assertEqual(self.lead().team_id, self.team)

    def test_neutralized_copy_knows_neither_bridge_nor_secret(self):
        self.settings().execute()
        guarded = [
            field.config_parameter
            for name, field in self.env["res.config.settings"]._fields.items()
            if name.startswith("manychat_")
            and field.groups == "base.group_system"
            and getattr(field, "config_parameter", None)
        ]
        before = self.env["ir.config_parameter"].get_param("miasalud_crm.bridge_key")
        self.assertEqual((before, guarded), ("key-1", ["miasalud_crm.bridge_url"]))
        with file_open("miasalud_crm/data/neutralize.sql") as script:
            self.env.cr.execute(script.read())
        self.env.registry.clear_all_caches()
        for name in (*guarded, "miasalud_crm.bridge_key"):
            self.assertFalse(self.env["ir.config_parameter"].get_param(name), name)
