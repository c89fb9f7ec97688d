import os

from .common import ManychatCase, event

CONTACTS = 250
# ECHO_ROUNDS=40 makes it 10,000 changes a mode, and takes minutes more.
ROUNDS = int(os.environ.get("ECHO_ROUNDS") or 20)
STATES = ("Nuevo", "Comienza Cotización", "Venta exitosa", "Perdido", "Comienza Asesoría Médica")


class TestEcho(ManychatCase):
    """10,000 changes by the bridge in its two modes, each a real one: none is a person's."""

    def setUp(self):
        super().setUp()
        self.env["manychat.change"].sudo().search([]).unlink()
        self.Rule.create({"manychat_state": "Perdido", "action": "lost"})
        self.advisors = [{"email": "seller@clinic.example"}, {"name": "Unknown"}, False]

    def changed(self, turn, number):
        """Return one event that says something else than the contact's last one did."""
        values = {
            "first_name": f"Ana {turn}",
            "phone": f"+519{turn:02d}{number:06d}",
            "email": f"ana{turn}.{number}@mail.example" if turn % 4 else False,
            "state": STATES[turn % len(STATES)],
            "commercial": self.advisors[turn % 3],
            "medical": self.advisors[(turn + 1) % 3],
            "campaign": {"name": f"Campaign {turn % 7}"},
            "address": {"city": f"City {turn}"},
        }
        return event(f"e-{turn}-{number}", turn + 1, f"echo-{number}", **values)

    def assert_no_echo(self, **mode):
        leads = self.env["crm.lead"].with_user(self.bridge)
        changed = 0
        for turn in range(ROUNDS):
            results = leads.manychat_sync(
                [self.changed(turn, number) for number in range(CONTACTS)], **mode
            )
            self.env.flush_all()
            self.env.invalidate_all()
            changed += sum(r["status"] in ("created", "updated") for r in results)
        self.assertEqual(changed, CONTACTS * ROUNDS)
        self.assertEqual(leads.manychat_changes()["changes"], [])
        self.assertEqual(self.env["manychat.change"].sudo().search_count([]), 0)

    def test_leads_alone(self):
        self.assert_no_echo()
        self.assertFalse(self.env["manychat.partner"].search_count([]))

    def test_leads_with_their_partners(self):
        self.assert_no_echo(partners=True)
        rows = self.env["manychat.partner"].search([])
        self.assertEqual(len(rows.partner_id), CONTACTS)
        self.assertEqual(set(rows.partner_id.mapped("name")), {f"Ana {ROUNDS - 1}"})
        self.assertEqual(set(rows.partner_id.mapped("city")), {f"City {ROUNDS - 1}"})
