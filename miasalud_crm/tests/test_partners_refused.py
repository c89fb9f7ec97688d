from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tools import mute_logger

from .common import event
from .test_partners import PartnerCase

LOGGER = "odoo.addons.miasalud_crm.models.crm_lead_sync"
REFUSAL = ValidationError("Error, a partner cannot follow twice the same object.")
BAD = {"address": {"city": "Boom"}}


class TestPartnersRefused(PartnerCase):
    """Somebody's rule refuses a partner: that is an answer to one event, not to its neighbours."""

    @contextmanager
    def refusing(self, method):
        """Let a rule of another addon refuse what ``method`` of a partner says of one city."""
        Partner = type(self.env["res.partner"])
        original = getattr(Partner, method)

        def ruled(partners, values):
            for vals in values if isinstance(values, list) else [values]:
                if vals.get("city") == "Boom":
                    raise REFUSAL
            return original(partners, values)

        with mute_logger(LOGGER), patch.object(Partner, method, ruled):
            yield

    def test_a_partner_that_cannot_be_made_costs_its_own_event_alone(self):
        events = [event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)]
        events[6]["values"].update(BAD)
        with self.refusing("create"):
            results = self.sync(*events)
        self.assertEqual([r["event_id"] for r in results], [f"e{n}" for n in range(9)])
        self.assertEqual([n for n in range(9) if results[n]["status"] != "created"], [6])
        refused = results[6]
        self.assertEqual((refused["status"], refused["retryable"]), ("rejected", True))
        self.assertEqual(refused["message"], "unexpected: ValidationError")
        self.assertEqual((refused["lead_id"], refused["partner_id"]), (None, None))
        self.assertEqual(len({self.partner(f"mc-{n}") for n in range(9) if n != 6}), 8)
        self.assertEqual(
            [r["status"] for r in self.sync(*events)][5:8], ["unchanged", "created", "unchanged"]
        )
        self.assertEqual(self.held("city", manychat_id="mc-6"), ("Boom",))

    def test_a_partner_that_cannot_be_changed_costs_its_own_event_alone(self):
        self.sync(*(event(f"e{n}", 1, f"mc-{n}", state="Nuevo") for n in range(9)))
        events = [event(f"f{n}", 2, f"mc-{n}", address={"city": "Cusco"}) for n in range(9)]
        events[2]["values"].update(BAD)
        with self.refusing("write"):
            results = self.sync(*events)
        self.assertEqual([n for n in range(9) if results[n]["status"] != "updated"], [2])
        self.assertEqual((results[2]["status"], results[2]["retryable"]), ("rejected", True))
        self.assertFalse(self.lead("mc-2").city)
        self.assertEqual(self.held("city", manychat_id="mc-8"), ("Cusco",))

    def test_a_partner_that_is_gone_is_made_anew_by_an_event_that_is_sent_again(self):
        self.sync_one("e1", 1, first_name="Ana")
        gone = self.partner()
        self.env.cr.execute("UPDATE crm_lead SET partner_id = NULL")
        self.env.cr.execute("DELETE FROM res_partner WHERE id = %s", (gone.id,))
        self.env.invalidate_all()
        result = self.sync_one("e1", 1, first_name="Ana", _revision=1)
        self.assertNotEqual(result["partner_id"], gone.id)
        self.assertEqual((result["partner_id"], self.held("name")), (self.partner().id, ("Ana",)))
