from datetime import UTC, datetime
from itertools import permutations
from unittest.mock import patch

from .common import ManychatCase, event

# Without the probability: Odoo's scoring depends on which leads it computes together.
LEAD_FIELDS = (
    "name",
    "contact_name",
    "phone",
    "email_from",
    "active",
    "manychat_state",
    "manychat_state_date",
    "manychat_initial_state",
    "manychat_unmapped",
    "manychat_summary",
    "manychat_commercial_ref",
    "commercial_assignment_date",
    "quotation_start_date",
    "sale_order_date",
)


def conversation(contact):
    """Return contact, assignment, state, its mended form, a repeated and an unmapped state."""

    def of(name, minute, **values):
        return event(f"{contact}-{name}", minute, contact, **values)

    return [
        of(
            "contact",
            1,
            first_name="Ana",
            last_name="Pérez",
            phone="+51911111111",
            initial_state="Nuevo",
            state="Nuevo Lead",
            channel="Facebook",
        ),
        of(
            "assignment",
            5,
            commercial={"name": "700"},
            campaign={"id": 85, "name": "Otoño"},
            state="Asignado a campaña",
            summary="Pide cita",
            phone="+51922222222",
        ),
        of("state", 9, state="Orden de venta Confirmada", email="a@mail.example"),
        of("state", 7, state="Comienza Cotización", email="b@mail.example", _revision=1),
        of("repeated", 8, state="comienza cotizacion"),
        of("unmapped", 12, state="Nunca visto", email=False),
    ]


class TestOrder(ManychatCase):
    maxDiff = None

    def picture(self, contact):
        lead = self.lead(contact)
        seen = {name: lead[name] for name in LEAD_FIELDS}
        seen.update(
            stage=lead.stage_id.name,
            lost_reason=lead.lost_reason_id.name,
            source=lead.source_id.name,
            campaign=lead.campaign_id.title,
            values={
                key: (entry["value"], entry["clock"].replace(contact, "mc"))
                for key, entry in (lead.manychat_values or {}).items()
            },
            shown=[
                (row.clock.replace(contact, "mc"), row.state, row.stage_id.name, row.category)
                for row in lead.manychat_change_ids
            ],
        )
        return seen

    def assert_all_alike(self, contacts):
        expected = self.picture(contacts[0])
        for contact in contacts[1:]:
            self.assertEqual(self.picture(contact), expected)
        return expected

    def test_every_arrival_order_of_a_conversation_ends_the_same(self):
        orders = list(permutations(range(len(conversation("mc")))))
        contacts = [f"mc-{number:03d}" for number in range(len(orders))]
        for step in range(len(orders[0])):
            events = [
                conversation(contact)[order[step]]
                for contact, order in zip(contacts, orders, strict=True)
            ]
            for start in range(0, len(events), 400):
                self.sync(*events[start : start + 400])
        expected = self.assert_all_alike(contacts)
        self.assertEqual(expected["stage"], "Comienza Cotización")
        self.assertEqual(expected["manychat_state"], "Nunca visto")
        self.assertEqual(expected["email_from"], False)
        self.assertEqual(
            [row[1] for row in expected["shown"]],
            ["Nunca visto", "Comienza Cotización", "Asignado a campaña", "Nuevo Lead"],
        )

    def test_one_call_in_any_order_ends_like_one_call_an_event(self):
        contacts = ["mc-single"]
        for sent in conversation("mc-single"):
            self.sync(sent)
        for number, order in enumerate(permutations(range(6))):
            if number % 24 == 0:
                contacts.append(f"mc-{number}")
                sent = conversation(contacts[-1])
                self.sync(*(sent[position] for position in order))
        self.assert_all_alike(contacts)

    def test_every_arrival_order_of_a_lost_and_found_conversation_ends_the_same(self):
        reason = self.env["crm.lost.reason"].create({"name": "No answer"})
        self.Rule.create(
            {"manychat_state": "No responde", "action": "lost", "lost_reason_id": reason.id}
        )
        said = ["Nuevo", "No responde", "Comienza Cotización", "Venta exitosa", "No responde"]
        for count, (active, stage) in {
            3: (False, "Comienza Cotización"),
            4: (True, "Venta exitosa"),
            5: (True, "Venta exitosa"),
        }.items():
            contacts = []
            for order in permutations(range(count)):
                contacts.append(f"mc-{count}-{len(contacts)}")
                for position in order:
                    name = f"{contacts[-1]}-{position}"
                    state = said[position]
                    self.sync_one(name, position, contacts[-1], state=state, first_name="Eva")
            expected = self.assert_all_alike(contacts)
            self.assertEqual((expected["active"], expected["stage"]), (active, stage))

    def test_every_arrival_order_around_a_persons_move_ends_the_same(self):
        def sent(contact):
            return [
                event(f"{contact}-a", 1, contact, state="Nuevo"),
                event(f"{contact}-b", 3, contact, state="Comienza Cotización"),
                event(f"{contact}-c", 8, contact, state="comienza cotizacion", first_name="Eva"),
                event(f"{contact}-d", 9, contact, state="Nunca visto"),
            ]

        when = datetime(2025, 10, 20, 22, 5, tzinfo=UTC)
        contacts = []
        for order in permutations("abMcd"):
            # Nobody moves a lead that is not there, or before what was heard of already.
            if order[0] == "M" or order.index("M") > min(order.index("c"), order.index("d")):
                continue
            contacts.append(f"mc-{len(contacts)}")
            events = dict(zip("abcd", sent(contacts[-1]), strict=True))
            for step in order:
                if step == "M":
                    with patch("odoo.addons.miasalud_crm.models.crm_lead_person.now", lambda: when):
                        self.lead(contacts[-1]).stage_id = self.stage("returned_commercial")
                else:
                    self.sync(events[step])
        expected = self.assert_all_alike(contacts)
        self.assertEqual(expected["stage"], "Retornó en AC")
        self.assertEqual(
            [row[1] for row in expected["shown"]],
            ["Nunca visto", False, "Comienza Cotización", "Nuevo"],
        )
