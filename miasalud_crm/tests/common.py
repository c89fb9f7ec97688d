from datetime import UTC, datetime, timedelta

from odoo.tests import TransactionCase, new_test_user, tagged

START = datetime(2025, 10, 20, 22, 0, tzinfo=UTC)


def at(minute):
    """Return a test's time text, ``minute`` minutes after its start."""
    return (START + timedelta(minutes=minute)).isoformat(timespec="microseconds")[:26] + "Z"


def event(event_id, minute=0, manychat_id="mc-1", received=None, **values):
    """Return one event as the bridge sends it; ``_revision`` and ``_type`` may be in values."""
    return {
        "event_id": event_id,
        "revision": values.pop("_revision", 0),
        "type": values.pop("_type", "contact"),
        "manychat_id": manychat_id,
        "occurred_at": at(minute),
        "received_at": at(minute if received is None else received),
        "values": values,
    }


@tagged("post_install", "-at_install")
class ManychatCase(TransactionCase):
    """Syncs as a portal user who has the bridge's group and nothing else."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.bridge = new_test_user(
            cls.env, "test-bridge", groups="base.group_portal,miasalud_crm.group_bridge"
        )
        cls.seller = new_test_user(
            cls.env,
            "test-seller",
            groups="sales_team.group_sale_salesman",
            email="seller@clinic.example",
        )
        cls.mapper = new_test_user(cls.env, "test-mapper", groups="miasalud_crm.group_manager")
        cls.team = cls.env.ref("miasalud_crm.team_manychat")
        cls.Rule = cls.env["manychat.stage.mapping"]

    def sync(self, *events):
        """Return the results of one call by the bridge's user."""
        results = self.env["crm.lead"].with_user(self.bridge).manychat_sync(list(events))
        self.env.flush_all()
        self.env.cr.flush()
        self.env.invalidate_all()
        return results

    def sync_one(self, *args, **kwargs):
        return self.sync(event(*args, **kwargs))[0]

    def lead(self, manychat_id="mc-1"):
        """Return the one lead of a contact, archived or not, as the database has it."""
        self.env.invalidate_all()
        lead = (
            self.env["crm.lead"]
            .with_context(active_test=False)
            .search([("manychat_id", "=", manychat_id)])
        )
        self.assertEqual(len(lead), 1)
        return lead

    def stage(self, key):
        return self.env.ref(f"miasalud_crm.stage_{key}")

    def shown(self, lead):
        """Return the history as a person sees it, oldest first."""
        return [(row.state, row.stage_id.name) for row in lead.manychat_change_ids[::-1]]

    def set_param(self, name, value):
        self.env["ir.config_parameter"].set_param(f"miasalud_crm.{name}", value)
