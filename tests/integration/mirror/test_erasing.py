"""Erasing a person: nothing of them is left, nothing old brings them back, and others stay."""

from __future__ import annotations

import io
import json
import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from bridge.errors import PermanentError, TransientError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror import claims, dead_letters, erasing_odoo, erasures, inbox, quarantine
from bridge.mirror.apply import apply_events
from bridge.mirror.base import Base
from bridge.mirror.digests import id_digest
from bridge.mirror.models import owned_tables
from bridge.mirror.reconciliations import Reconciliation
from bridge.mirror.tables import Contact
from bridge.mirror.write_back_setup import WriteBackSetup
from bridge.transfer.exporting import export_person
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.conftest import _read as read
from tests.integration.mirror.test_records import Records, records

__all__ = ["records"]

WORDS = ("Zoila", "Quilluya", "zoila@", "955555555", "Sufre", "Calle Falsa", "MC-7")
LATER = NOW + timedelta(hours=1)


def id_of(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def said(manychat_id: str = "MC-7", name: str = "Zoila") -> list[tuple[EventType, dict[str, Any]]]:
    return [
        (EventType.CONTACT, {"manychat_id": manychat_id, "nombre_lead": name, "whatsapp":
                             "+51955555555", "apellido_lead": "Quilluya",
                             "email_lead": "zoila@mail.example", "ultimo_estado": "Nuevo"}),
        (EventType.ASSIGNMENT, {"manychat_id": manychat_id, "campaign_id": "Otoño",
                                "comercial_id": "7", "summary": "Sufre de asma"}),
        (EventType.ADDRESS, {"manychat_id": manychat_id, "street": "Calle Falsa"}),
    ]  # fmt: skip


def envelopes(mirror: Mirror, manychat_id: str = "MC-7", name: str = "Zoila") -> list[Envelope]:
    return [mirror.envelope(type, body, id_of(f"{manychat_id}-{n}"))
            for n, (type, body) in enumerate(said(manychat_id, name))]  # fmt: skip


def live(mirror: Mirror) -> list[Envelope]:
    """The person in every table that may hold them."""
    events = envelopes(mirror)
    mirror.deliver(*events)
    cut = {"cut": '{"subscriber_id": "MC-7", "nombre_lead": "Zoila', "length": 9, "sha256": "x"}
    bodies: list[Any] = [said()[0][1], "{'manychat_id': 'MC-7' 'nombre': Zoila", cut]
    letters = [Envelope(id=id_of(f"letter-{n}"), type=EventType.CONTACT, received_at=NOW,
                        occurred_at=None, payload=body, reason="bad", origin="api")
               for n, body in enumerate(bodies)]  # fmt: skip
    waiting = mirror.envelope(EventType.CONTACT, said()[0][1], id_of("waiting"))
    with mirror.store.transaction() as session:
        dead_letters.record(session, letters, NOW)
        inbox.keep(session, "manychat-contact-queue", waiting, NOW)
        row = {"id": 1, "first_name": "Zoila"}
        owners = {1: id_digest("MC-7")}
        quarantine.keep(session, "Contact", "same_manychat_id", [row], NOW, owners=owners)
    return events


def tables_that_name(mirror: Mirror, *words: str) -> list[str]:
    """The tables that hold one of the words in any column."""
    found = []
    for table in Base.metadata.sorted_tables:
        with mirror.store.reading() as session:
            rows = [tuple(row) for row in session.execute(select(*table.c))]
        if any(word in str(row) for row in rows for word in words):
            found.append(table.name)
    return found


def erase(mirror: Mirror, manychat_id: str = "MC-7") -> dict[str, int]:
    with mirror.store.transaction() as session:
        return erasures.erase(session, manychat_id, NOW)


def odoo_erases(mirror: Mirror) -> None:
    with mirror.store.transaction() as session:
        for owed in erasing_odoo.due(session, LATER, 10):
            erasing_odoo.record_done(session, owed, LATER)


def test_no_table_names_the_person_afterwards(mirror: Mirror) -> None:
    live(mirror)
    assert len(tables_that_name(mirror, *WORDS)) >= 8
    counts = erase(mirror)
    assert counts == {
        "Contact": 1, "Ledger": 3, "Outbox": 3, "Contact_State": 1, "Contact_Assignment": 1,
        "Contact_Clock": counts["Contact_Clock"], "Address": 1, "Campaign_Contact": 1,
        "Inbox": 1, "Dead_Letter": 3, "Quarantine": 1,
    }  # fmt: skip
    assert tables_that_name(mirror, *WORDS) == ["Erasure"]  # the id, until Odoo has done it
    odoo_erases(mirror)
    assert tables_that_name(mirror, *WORDS) == []


def test_whoever_asks_what_is_known_of_them_gets_all_that_erasing_would_take(
    mirror: Mirror,
) -> None:
    live(mirror)
    mirror.deliver(*envelopes(mirror, "MC-8", "Otra"))
    out = io.StringIO()
    count = export_person(mirror.store, out, manychat_id="MC-7")
    held = json.loads(out.getvalue())
    assert set(tables_that_name(mirror, *WORDS)) <= set(held)
    assert count == sum(map(len, held.values()))
    assert "Otra" not in out.getvalue()
    assert held["Contact"][0]["first_name"] == "Zoila"
    assert {row["reason"] for row in held["Dead_Letter"]} == {"bad"}


def test_others_stay_whole(mirror: Mirror) -> None:
    live(mirror)
    other = envelopes(mirror, "MC-77", "Rosa")
    mirror.deliver(*other)
    with mirror.store.transaction() as session:
        inbox.keep(session, "manychat-contact-queue", other[0], NOW)
        dead_letters.record(session, [other[1].with_reason("bad", "api")], NOW)
    before = mirror.rows('SELECT count(*) AS n FROM "Ledger"')[0]["n"]
    erase(mirror)
    assert set(tables_that_name(mirror, "Rosa")) == {"Contact", "Inbox", "Ledger", "Outbox"}
    assert mirror.rows('SELECT count(*) AS n FROM "Ledger"')[0]["n"] == before - 3
    assert len(mirror.rows('SELECT id FROM "Dead_Letter"')) == 1


def test_what_came_before_is_dropped_and_leaves_no_stub(mirror: Mirror) -> None:
    events = live(mirror)
    erase(mirror)
    late = mirror.envelope(EventType.ADDRESS, said()[2][1], id_of("queued"), at=-5)
    with mirror.store.transaction() as session:
        pairs = [(read(e), e) for e in [*events, late]]
        applied = apply_events(session, pairs, LATER)
        dead_letters.record(session, [late.with_reason("bad", "queue")], LATER)
    assert (applied.new, applied.known, applied.erased) == (0, 0, 4)
    assert mirror.rows('SELECT id FROM "Contact"') == []
    assert mirror.rows('SELECT id FROM "Dead_Letter"') == []


def test_a_client_who_comes_back_starts_anew_and_old_events_do_not_join(mirror: Mirror) -> None:
    events = live(mirror)
    erase(mirror)
    back = mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-7", "nombre_lead": "Zoe"},
                           id_of("back"), at=1)  # fmt: skip
    mirror.deliver(back, *events, now=LATER)
    mirror.deliver(*events, now=LATER)
    [contact] = mirror.rows('SELECT first_name, last_name, phone FROM "Contact"')
    assert contact == {"first_name": "Zoe", "last_name": None, "phone": None}
    assert [row["event_id"] for row in mirror.outbox()] == [back.id]


def test_a_contact_without_a_ledger_is_no_stub(mirror: Mirror) -> None:
    """Retention forgets events; the person who came back is there all the same."""
    events = live(mirror)
    erase(mirror)
    body = {"manychat_id": "MC-7", "nombre_lead": "Zoe"}
    mirror.deliver(mirror.envelope(EventType.CONTACT, body, id_of("back"), at=1))
    with mirror.store.transaction() as session:
        session.execute(text('DELETE FROM "Ledger"'))
        session.execute(text('DELETE FROM "Outbox"'))
    mirror.deliver(*events, now=LATER)
    assert [row["first_name"] for row in mirror.rows('SELECT first_name FROM "Contact"')] == ["Zoe"]


def test_nobody_comes_back_into_odoo_before_odoo_has_erased(mirror: Mirror) -> None:
    live(mirror)
    erase(mirror)
    body = {"manychat_id": "MC-7", "nombre_lead": "Zoe"}
    mirror.deliver(mirror.envelope(EventType.CONTACT, body, id_of("back"), at=1))
    with mirror.store.transaction() as session:
        assert claims.claim(session, "one", 10, LATER, 60) == []
        claims.release(session, "one")
    odoo_erases(mirror)
    with mirror.store.transaction() as session:
        assert [row.event_id for row in claims.claim(session, "one", 10, LATER, 60)] == [
            id_of("back")
        ]


def test_odoo_is_asked_when_no_earlier_claim_still_carries_events_to_it(mirror: Mirror) -> None:
    live(mirror)
    with mirror.store.transaction() as session:
        assert claims.claim(session, "one", 10, NOW, 60)
    erase(mirror)
    with mirror.store.transaction() as session:
        assert erasing_odoo.due(session, NOW + timedelta(seconds=59), 10) == []
        assert len(erasing_odoo.due(session, NOW + timedelta(seconds=60), 10)) == 1


def test_an_erasure_that_fails_is_owed_still_and_one_that_is_renewed_too(mirror: Mirror) -> None:
    erase(mirror)
    with mirror.store.transaction() as session:
        [owed] = erasing_odoo.due(session, NOW, 10)
        for _ in range(30):
            erasing_odoo.record_failure(session, [owed], "odoo_away", NOW)
        assert erasing_odoo.due(session, NOW, 10) == []
        [again] = erasing_odoo.due(session, NOW + timedelta(hours=1), 10)
        assert again.attempts == 1
        erasures.erase(session, "MC-7", LATER)
        erasing_odoo.record_done(session, owed, LATER)  # the answer to the earlier one
        assert [one.erased_at for one in erasing_odoo.due(session, LATER, 10)] == [LATER]
        assert erasures.waiting(session) == 1


def test_an_id_that_no_event_could_carry_is_refused(mirror: Mirror) -> None:
    with pytest.raises(PermanentError):
        erase(mirror, "{{user_id}}")


def test_an_event_that_is_being_applied_is_erased_too(mirror: Mirror) -> None:
    """The erasure waits for whoever makes the contact just now; it never passes them by."""
    [event, *_] = envelopes(mirror)
    outcome: list[Any] = []

    def erase_until_done() -> None:
        for _ in range(5):
            try:
                outcome.append(erase(mirror))
            except TransientError as raced:
                outcome.append(raced.code)
            else:
                return

    thread = threading.Thread(target=erase_until_done)
    with mirror.store.transaction() as session:
        apply_events(session, [(read(event), event)], NOW)
        thread.start()
        thread.join(0.5)
        assert outcome == []
    thread.join(30)
    assert outcome[-1]["Ledger"] == 1
    assert mirror.rows('SELECT id FROM "Contact"') == []


KNOWN_WITHOUT_OWNER = {
    "Adoption": "numbers of a takeover", "Advisor": "staff", "Campaign": "no person",
    "Channel": "no person", "Contact": "erased by its id", "Dead_Letter": "searched by its body",
    "Erasure": "the tombstone", "Feed": "a cursor", "Inbox": "searched by its body",
    "Lease": "machines", "Pace": "a clock", "Pause": "hops", "Quarantine": "erased by digest",
    Reconciliation.__tablename__: "numbers of a comparison", WriteBackSetup.__tablename__: "fields",
}  # fmt: skip


def test_every_table_is_erased_from_or_known_to_hold_no_person() -> None:
    owned = {table.name for table in owned_tables()}
    assert owned.isdisjoint(KNOWN_WITHOUT_OWNER)
    assert {table.name for table in Base.metadata.sorted_tables} == owned | set(KNOWN_WITHOUT_OWNER)
    assert all("contact_id" in table.c for table in owned_tables())


async def test_the_route_erases_where_deleting_is_refused(records: Records) -> None:
    live(records.mirror)
    [contact] = records.mirror.rows('SELECT id FROM "Contact"')
    assert (await records("DELETE", f"/contacts/{contact['id']}")).status == 409
    assert (await records("DELETE", f"/contacts/{contact['id']}?erase=true")).status == 204
    assert (await records("GET", f"/contacts/{contact['id']}")).status == 404
    assert (await records("DELETE", f"/contacts/{contact['id']}?erase=true")).status == 404
    assert tables_that_name(records.mirror, *WORDS) == ["Erasure"]


def test_the_tombstone_holds_a_digest(mirror: Mirror) -> None:
    erase(mirror, " MC-7 ")
    odoo_erases(mirror)
    with mirror.store.reading() as session:
        assert session.execute(select(Contact.id)).first() is None
    [stone] = mirror.rows('SELECT manychat_digest, manychat_id, reason FROM "Erasure"')
    assert bytes(stone["manychat_digest"]) == id_digest("MC-7")
    assert json.dumps([stone["manychat_id"], stone["reason"]]) == "[null, null]"
