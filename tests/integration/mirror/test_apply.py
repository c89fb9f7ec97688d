"""Events into the mirror: once each, in any order, early ones too."""

from __future__ import annotations

import uuid
from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import delete, insert

from bridge.errors import TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror.base import Base
from bridge.mirror.tables import Advisor, Contact
from tests.integration.mirror.conftest import Mirror

CONTACT, ASSIGNMENT, STAGE = EventType.CONTACT, EventType.ASSIGNMENT, EventType.STAGE


def event_id(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def body(minute: int, **fields: Any) -> dict[str, Any]:
    return {"manychat_id": "MC-1", "datetime_actual": f"2025-10-20T10:{minute:02d}:00Z", **fields}


def add_doctor(mirror: Mirror) -> int:
    with mirror.store.transaction() as session:
        row = {"name": "Dra. Luna", "role": "Asesora Médica", "email": "luna@example.com"}
        session.execute(insert(Advisor), [row])
    [found] = mirror.rows('SELECT id FROM "Advisor"')
    return int(found["id"])


def test_an_update_writes_dates_and_clears_in_any_order(mirror: Mirror) -> None:
    said = [
        (ASSIGNMENT, body(1, campaign_id="Otoño", medico_id="101", summary="Llama")),
        (CONTACT, body(2, nombre_lead="Eva", email_lead="eva@example.com", canal_entrada="IG")),
        (EventType.UPDATE, body(5, medical_advisor_id=None, summary=None, email=None,
                                channel_id=None, sale_order_date="2025-10-20T09:00:00Z")),
    ]  # fmt: skip
    events = [mirror.envelope(type, payload, event_id(f"update-{n}"))
              for n, (type, payload) in enumerate(said)]  # fmt: skip
    for order in permutations(events):
        empty(mirror)
        for envelope in order:
            mirror.deliver(envelope)
        picture = mirror.picture()
        [contact], [assigned] = picture["contacts"], picture["campaigns"]
        assert (contact["first_name"], contact["email"], contact["channel"]) == ("Eva", None, None)
        assert (assigned["medical_advisor_ref"], assigned["summary"]) == (None, None)
        [row] = mirror.rows('SELECT sale_order_date FROM "Campaign_Contact"')
        assert str(row["sale_order_date"]).startswith("2025-10-20 09:00:00")
    bodies = {row["event_id"]: row["body"]["values"] for row in mirror.outbox()}
    assert bodies[events[2].id] == {
        "email": False, "channel": False, "medical": False, "summary": False,
    }  # fmt: skip


def conversation(mirror: Mirror, doctor: int) -> list[Envelope]:
    """Two campaigns, a repeated state, a doctor's stage change, a cleared advisor, a mended one."""
    said = [
        (CONTACT, body(0, nombre_lead="Eva", whatsapp="987654321", estado_inicial="Nuevo"), 0),
        (ASSIGNMENT, body(5, campaign_id="Otoño", comercial_id="ana@example.com",
                          ultimo_estado="Asignado a campaña"), 0),
        (STAGE, body(10, stage_manychat="Comienza Asesoría Médica", advisor_id=doctor), 0),
        (ASSIGNMENT, body(20, campaign_id="Invierno", comercial_id=None,
                          tipo_asignacion="comercial", summary="Vuelve"), 0),
        (STAGE, body(30, stage_manychat="Comienza Asesoría Médica", summary="Otra vez"), 0),
    ]  # fmt: skip
    made = [mirror.envelope(type, payload, event_id(f"said-{n}"), revision=revision)
            for n, (type, payload, revision) in enumerate(said)]  # fmt: skip
    mended = mirror.envelope(
        CONTACT, body(0, nombre_lead="Evangelina", canal_entrada="IG"), made[0].id, revision=1
    )
    return [*made, mended]


def empty(mirror: Mirror) -> None:
    with mirror.store.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table is not Advisor.__table__:
                session.execute(delete(table))


def test_any_arrival_order_ends_the_same_in_every_table(mirror: Mirror) -> None:
    doctor = add_doctor(mirror)
    events = conversation(mirror, doctor)
    first, mended = events[0], events[-1]
    ends = []
    for order in permutations(events[:-1]):
        empty(mirror)
        place = order.index(first)
        # the mended event follows its first form, as a replay does
        for envelope in [*order[: place + 1], mended, *order[place + 1 :]]:
            mirror.deliver(envelope)
        ends.append(mirror.picture())
    assert [end for end in ends if end != ends[0]] == []

    [contact] = ends[0]["contacts"]
    assert (contact["first_name"], contact["channel"]) == ("Evangelina", "Instagram")
    assert (contact["phone"], contact["initial_state"]) == ("+51987654321", "Nuevo")
    winter, autumn = ends[0]["campaigns"]
    assert autumn["commercial_advisor_ref"] == "ana@example.com"
    assert autumn["medical_advisor_id"] == doctor
    assert autumn["last_state"] == "Comienza Asesoría Médica"
    assert (winter["commercial_advisor_ref"], winter["medical_advisor_id"]) == (None, None)
    assert (winter["summary"], winter["status"]) == ("Otra vez", "unconfirmed")


def test_one_batch_ends_as_single_deliveries_do(mirror: Mirror) -> None:
    doctor = add_doctor(mirror)
    events = conversation(mirror, doctor)
    for envelope in events:
        mirror.deliver(envelope)
    one_by_one = mirror.picture()
    empty(mirror)
    mirror.deliver(*reversed(events[:-1]))
    mirror.deliver(events[-1])
    assert mirror.picture() == one_by_one


def test_an_equal_or_lower_revision_changes_nothing(mirror: Mirror) -> None:
    first = mirror.envelope(CONTACT, body(0, nombre_lead="Sol"), event_id("twice"), revision=1)
    mirror.deliver(first)
    before = mirror.picture()
    lower = mirror.envelope(CONTACT, body(9, nombre_lead="Luna"), first.id, revision=0)
    mirror.deliver(first, lower)
    assert mirror.picture() == before


def test_an_assignment_before_its_contact_makes_a_stub_that_the_contact_fills(
    mirror: Mirror,
) -> None:
    mirror.deliver(mirror.envelope(ASSIGNMENT, body(5, campaign_id="Otoño"), event_id("early")))
    [stub] = mirror.picture()["contacts"]
    assert (stub["manychat_id"], stub["first_name"]) == ("MC-1", None)
    mirror.deliver(mirror.envelope(CONTACT, body(0, nombre_lead="Eva"), event_id("late")))
    [filled] = mirror.picture()["contacts"]
    assert filled["first_name"] == "Eva"


def test_an_older_event_never_overwrites_a_newer_one(mirror: Mirror) -> None:
    mirror.deliver(mirror.envelope(CONTACT, body(9, nombre_lead="Nueva"), event_id("new")))
    mirror.deliver(mirror.envelope(CONTACT, body(1, nombre_lead="Vieja"), event_id("old")))
    [contact] = mirror.picture()["contacts"]
    assert contact["first_name"] == "Nueva"


def test_a_guessed_channel_never_stands_against_a_written_one(mirror: Mirror) -> None:
    said = mirror.envelope(CONTACT, body(1, canal_entrada="TickTock"), event_id("said"))
    guess = mirror.envelope(CONTACT, body(9, whatsapp="987654321"), event_id("guess"))
    for order in ((said, guess), (guess, said)):
        empty(mirror)
        for envelope in order:
            mirror.deliver(envelope)
        [contact] = mirror.picture()["contacts"]
        assert contact["channel"] == "TikTok"
    bodies = {row["event_id"]: row["body"] for row in mirror.outbox()}
    assert bodies[guess.id]["guessed"] == ["channel"]


def test_ids_that_differ_in_case_or_blanks_are_different_contacts(mirror: Mirror) -> None:
    for number, contact in enumerate(("mc-a", "MC-A")):
        payload = {"manychat_id": contact, "nombre_lead": f"N{number}"}
        mirror.deliver(mirror.envelope(CONTACT, payload, event_id(contact)))
    names = {row["manychat_id"]: row["first_name"] for row in mirror.picture()["contacts"]}
    assert names == {"mc-a": "N0", "MC-A": "N1"}


def test_junk_channels_are_never_made(mirror: Mirror) -> None:
    for number, junk in enumerate(("{{cuf_123}}", "4711")):
        payload = body(number, canal_entrada=junk, nombre_lead="Eva")
        mirror.deliver(mirror.envelope(CONTACT, payload, event_id(junk)))
    assert mirror.rows('SELECT name FROM "Channel"') == []
    assert all("channel" not in row["body"]["values"] for row in mirror.outbox())


@pytest.mark.parametrize("reference", ["id", "odoo_id", "email"])
def test_a_known_advisor_is_found_by_id_odoo_id_and_email(mirror: Mirror, reference: str) -> None:
    with mirror.store.transaction() as session:
        row = {"name": "Ana", "email": "Ana@example.com", "odoo_id": 70_001}
        session.execute(insert(Advisor), [row])
    [known] = mirror.rows('SELECT id, odoo_id, email FROM "Advisor"')
    value = str(known[reference]).lower()
    mirror.deliver(
        mirror.envelope(ASSIGNMENT, body(1, campaign_id="A", comercial_id=value), event_id("a"))
    )
    [assigned] = mirror.picture()["campaigns"]
    assert assigned["commercial_advisor_id"] == known["id"]
    [row] = mirror.outbox()
    assert row["body"]["values"]["commercial"] == {
        "id": known["id"], "odoo_id": 70_001, "email": "Ana@example.com", "name": "Ana",
    }  # fmt: skip


def test_an_unknown_advisor_is_kept_as_text(mirror: Mirror) -> None:
    mirror.deliver(mirror.envelope(ASSIGNMENT, body(1, medico_id="101"), event_id("unknown")))
    [assigned] = mirror.picture()["campaigns"]
    assert (assigned["campaign"], assigned["medical_advisor_ref"]) == (None, "101")
    [row] = mirror.outbox()
    assert row["body"]["values"]["medical"] == {
        "id": None, "odoo_id": None, "email": None, "name": "101",
    }  # fmt: skip


def test_a_campaign_is_found_again_by_the_name_it_was_made_for(mirror: Mirror) -> None:
    for number, name in enumerate(("85", "85", "Campaña Ñandú", "campaña ñandu")):
        payload = body(number, campaign_id=name)
        mirror.deliver(mirror.envelope(ASSIGNMENT, payload, event_id(f"campaign-{number}")))
    names = [row["name"] for row in mirror.rows('SELECT name FROM "Campaign" ORDER BY name')]
    assert names == ["85", "Campaña Ñandú"]


def test_an_address_keeps_the_newest_of_each_part(mirror: Mirror) -> None:
    said = [body(1, city="Lima", distrito="Lince"), body(5, city="Cusco"), body(3, city="Ica")]
    for number, payload in enumerate(said):
        mirror.deliver(mirror.envelope(EventType.ADDRESS, payload, event_id(f"address-{number}")))
    [address] = mirror.picture()["addresses"]
    assert (address["city"], address["district"], address["street"]) == ("Cusco", "Lince", None)
    assert mirror.outbox()[0]["body"]["values"] == {"address": {"city": "Lima",
                                                                "district": "Lince"}}  # fmt: skip


def test_the_predecessors_lead_event_fills_contact_advisors_and_state(mirror: Mirror) -> None:
    payload = {"manychat_id": "MC-1", "first_name": "Ana", "channel": "IG",
               "entry_date": "2025-10-01", "medical_advisor_id": 101,
               "state": {"stage": "Comienza Cotización", "summary": "Pidió precio.",
                         "date": "2025-10-20T10:15:00Z"}}  # fmt: skip
    mirror.deliver(mirror.envelope(EventType.LEAD, payload, event_id("lead")))
    picture = mirror.picture()
    [contact], [state], [assigned] = (picture[k] for k in ("contacts", "states", "campaigns"))
    assert (contact["first_name"], contact["channel"]) == ("Ana", "Instagram")
    assert state["state"] == assigned["last_state"] == "Comienza Cotización"
    assert (assigned["medical_advisor_ref"], assigned["summary"]) == ("101", "Pidió precio.")
    [row] = mirror.outbox()
    assert row["body"]["type"] == "lead"
    assert row["body"]["occurred_at"] == "2025-10-20T10:15:00.000000Z"


def test_nothing_is_kept_when_the_transaction_fails(mirror: Mirror) -> None:
    with pytest.raises(RuntimeError), mirror.store.transaction() as session:
        session.execute(insert(Advisor), [{"name": "Ana"}])
        raise RuntimeError("the worker dies here")
    assert mirror.rows('SELECT id FROM "Advisor"') == []


def test_two_writers_of_one_new_contact_are_a_race_to_be_tried_again(mirror: Mirror) -> None:
    stub = {"manychat_id": "MC-R", "manychat_digest": b"r" * 32, "odoo_sync_status": "pending"}
    with pytest.raises(TransientError) as raised, mirror.store.transaction() as session:
        session.execute(insert(Contact), [stub])
        session.execute(insert(Contact), [stub])
    assert raised.value.code == "mirror_conflict"
