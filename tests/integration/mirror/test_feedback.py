"""What people change in Odoo, in the mirror: in the order of events, once, and never back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert

from bridge.events.clock import clock_text
from bridge.events.event import EventType
from bridge.mirror import claims, edits, feedback, feeds, outbox
from bridge.mirror.tables import Advisor
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.test_outbox import answer, claim, event_id, record

DATE = "2025-10-20T15:00:00.000000Z"


@dataclass(frozen=True)
class Told:
    """A change as the feed's reader gives it."""

    kind: str = "values"
    values: dict[str, Any] = field(default_factory=dict)
    minute: int = 10
    manychat_id: str = "MC-1"
    lead_id: int | None = 7
    stage: str | None = "Comienza Cotización"
    dates: dict[str, str] | None = field(default_factory=dict)
    active: bool | None = True
    partner_id: int | None = None
    partner_active: bool | None = None

    @property
    def clock(self) -> str:
        return clock_text(at(self.minute), at(self.minute), "person:2", 0)


def at(minute: int) -> datetime:
    return NOW + timedelta(minutes=minute)


def deliver(mirror: Mirror, name: str, minute: int = 0, **fields: Any) -> None:
    body = {"manychat_id": "MC-1", "datetime_actual": at(minute).isoformat(), **fields}
    kind = EventType.ASSIGNMENT if "campaign_id" in fields else EventType.CONTACT
    mirror.deliver(mirror.envelope(kind, body, event_id(name), at=minute))


def apply(mirror: Mirror, *changes: Told) -> bool:
    with mirror.store.transaction() as session:
        answers = feedback.answers_of(session, changes)
        return feedback.apply_changes(session, changes, answers, "PE")


def contact(mirror: Mirror, manychat_id: str = "MC-1") -> dict[str, Any]:
    rows = mirror.rows('SELECT * FROM "Contact"')
    return next(row for row in rows if row["manychat_id"] == manychat_id)


def assignment(mirror: Mirror) -> dict[str, Any]:
    [row] = mirror.rows('SELECT * FROM "Campaign_Contact"')
    return row


def test_what_a_person_typed_is_the_newest_writer(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva", apellido_lead="Sol", whatsapp="+51911111111")
    typed = {"first_name": "Eva Luna", "last_name": False, "phone": "922 222 222", "title": "x"}
    apply(mirror, Told(values=typed))
    row = contact(mirror)
    assert (row["first_name"], row["last_name"]) == ("Eva Luna", None)
    assert row["phone"] == "+51922222222"


def test_an_older_event_does_not_undo_it_and_a_newer_one_does(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva")
    apply(mirror, Told(values={"first_name": "Luna", "email": "luna@mail.example"}))
    deliver(mirror, "b", minute=5, nombre_lead="Old", email_lead="old@mail.example")
    assert contact(mirror)["first_name"] == "Luna"
    deliver(mirror, "c", minute=20, nombre_lead="New")
    assert (contact(mirror)["first_name"], contact(mirror)["email"]) == ("New", "luna@mail.example")


def test_a_change_that_comes_after_a_newer_event_is_too_late(mirror: Mirror) -> None:
    deliver(mirror, "a", minute=20, nombre_lead="New")
    apply(mirror, Told(values={"first_name": "Luna"}))
    assert contact(mirror)["first_name"] == "New"


def test_nothing_of_it_goes_back_to_odoo_or_into_the_ledger(mirror: Mirror) -> None:
    deliver(mirror, "a", nombre_lead="Eva", campaign_id="Otoño")
    before = mirror.rows('SELECT id, status, body FROM "Outbox"'), ledger(mirror)
    for minute in range(1, 200):
        kind = ("values", "advisors", "stage", "lost", "restored", "merged")[minute % 6]
        values = {"first_name": f"N{minute}", "commercial": {"odoo_id": minute}}
        apply(mirror, Told(kind, values, minute))
    assert (mirror.rows('SELECT id, status, body FROM "Outbox"'), ledger(mirror)) == before


def ledger(mirror: Mirror) -> list[dict[str, Any]]:
    return mirror.rows('SELECT event_id, revision FROM "Ledger"')


def test_stage_and_dates_reach_contact_and_campaign(mirror: Mirror) -> None:
    deliver(mirror, "a", campaign_id="Otoño")
    apply(mirror, Told("stage", {"stage": "Ganado"}, stage="Ganado",
                       dates={"sale_order_date": DATE, "other": DATE}))  # fmt: skip
    row = contact(mirror)
    assert (row["odoo_lead_id"], row["odoo_stage"], bool(row["odoo_active"])) == (7, "Ganado", True)
    assert row["odoo_dates"] == f'{{"sale_order_date":"{DATE}"}}'
    assert assignment(mirror)["lead_state"] == "Ganado"
    assert str(assignment(mirror)["sale_order_date"]).startswith("2025-10-20 15:00")


def test_a_lead_that_was_archived_or_lost_is_no_longer_active(mirror: Mirror) -> None:
    deliver(mirror, "a")
    apply(mirror, Told("lost", active=False))
    assert contact(mirror)["odoo_active"] in (False, 0)


def test_advisors_are_found_by_odoo_id_then_by_mail_else_kept_as_text(mirror: Mirror) -> None:
    deliver(mirror, "a", campaign_id="Otoño")
    with mirror.store.engine.begin() as connection:
        connection.execute(
            insert(Advisor),
            [
                {"id": 21, "name": "x", "odoo_id": 4, "email": "a@clinic.example"},
                {"id": 22, "name": "y", "odoo_id": None, "email": "B@clinic.example"},
            ],
        )
    named = {"commercial": {"odoo_id": 4, "email": "z@clinic.example"},
             "medical": {"odoo_id": 22, "email": "b@clinic.example"}}  # fmt: skip
    apply(mirror, Told("advisors", named))
    row = assignment(mirror)
    assert (row["commercial_advisor_id"], row["medical_advisor_id"]) == (21, 22)
    apply(mirror, Told("advisors", {"medical": {"odoo_id": 9, "name": "Dra. Paz"}}, 11))
    row = assignment(mirror)
    assert (row["medical_advisor_id"], row["medical_advisor_ref"]) == (None, "Dra. Paz")
    apply(mirror, Told("advisors", {"commercial": False}, 12))
    row = assignment(mirror)
    assert (row["commercial_advisor_id"], row["commercial_advisor_ref"]) == (None, None)


def test_a_change_that_is_read_again_changes_nothing(mirror: Mirror) -> None:
    deliver(mirror, "a", campaign_id="Otoño")
    told = (Told("advisors", {"commercial": {"odoo_id": 4}}), Told(values={"first_name": "Luna"}))
    apply(mirror, *told)
    before = mirror.picture()
    apply(mirror, *told)
    assert mirror.picture() == before


def test_a_merged_contact_goes_to_the_survivors_lead_and_follows_it(mirror: Mirror) -> None:
    deliver(mirror, "a", manychat_id="MC-1")
    deliver(mirror, "b", manychat_id="MC-2")
    apply(mirror, Told("merged", {"into": "MC-1"}, manychat_id="MC-2", lead_id=7, stage="Nuevo"))
    apply(mirror, Told("stage", minute=11, stage="Nuevo"))
    assert (contact(mirror, "MC-2")["odoo_lead_id"], contact(mirror)["odoo_lead_id"]) == (7, 7)
    apply(mirror, Told("stage", minute=12, stage="Ganado"))
    assert contact(mirror, "MC-2")["odoo_stage"] == "Ganado"


def test_a_deleted_lead_is_forgotten_unless_the_contact_has_another(mirror: Mirror) -> None:
    gone = Told("deleted", lead_id=7, stage=None, dates=None, active=None)
    deliver(mirror, "a")
    apply(mirror, Told("stage", lead_id=8))
    apply(mirror, gone)
    assert contact(mirror)["odoo_lead_id"] == 8
    apply(mirror, replace(gone, lead_id=8))
    row = contact(mirror)
    assert (row["odoo_lead_id"], row["odoo_stage"], row["odoo_active"]) == (None, None, None)


def partner(mirror: Mirror, manychat_id: str = "MC-1") -> tuple[Any, Any]:
    row = contact(mirror, manychat_id)
    return row["odoo_contact_id"], row["odoo_contact_active"]


def test_a_contacts_partner_stands_as_it_was_read_with_every_change(mirror: Mirror) -> None:
    deliver(mirror, "a", manychat_id="MC-1")
    deliver(mirror, "b", manychat_id="MC-2")
    apply(mirror, Told("stage", partner_id=31, partner_active=True))
    assert partner(mirror) in ((31, True), (31, 1))
    apply(mirror, Told("partner", {"active": False}, 11, partner_id=31, partner_active=False))
    assert partner(mirror) in ((31, False), (31, 0))
    assert partner(mirror, "MC-2") == (None, None)


def test_merged_partners_are_one_for_both_contacts(mirror: Mirror) -> None:
    deliver(mirror, "a", manychat_id="MC-1")
    deliver(mirror, "b", manychat_id="MC-2")
    apply(mirror, Told("values", partner_id=31, partner_active=True),
          Told("partner", {"partner_id": 31}, 11, "MC-2", 8, partner_id=31,
               partner_active=True))  # fmt: skip
    assert (partner(mirror)[0], partner(mirror, "MC-2")[0]) == (31, 31)


def test_a_deleted_partner_is_forgotten_and_not_asked_for_again(mirror: Mirror) -> None:
    deliver(mirror, "a")
    apply(mirror, Told("partner", {"partner_id": 31}, partner_id=31, partner_active=True))
    apply(mirror, Told("partner", {"partner_id": False}, 11))
    assert partner(mirror) in ((None, False), (None, 0))


def test_a_change_of_a_contact_without_a_partner_says_nothing_of_one(mirror: Mirror) -> None:
    deliver(mirror, "a")
    apply(mirror, Told("stage"))
    assert partner(mirror) == (None, None)


def test_an_answer_that_a_change_of_the_partner_crossed_is_asked_for_again(
    mirror: Mirror,
) -> None:
    deliver(mirror, "a")
    rows = claim(mirror)
    apply(mirror, Told("partner", {"partner_id": 32}, partner_id=32, partner_active=True))
    record(mirror, rows, answer(rows[0], partner_id=31))
    assert partner(mirror)[0] == 32
    assert contact(mirror)["odoo_sync_status"] == "pending"


def test_an_answer_names_the_partner_and_one_without_says_nothing_of_it(mirror: Mirror) -> None:
    deliver(mirror, "a")
    [row] = claim(mirror)
    record(mirror, [row], answer(row, partner_id=31))
    assert partner(mirror) == (31, None)
    deliver(mirror, "b", minute=1, nombre_lead="Eva")
    [row] = claim(mirror)
    record(mirror, [row], answer(row))
    assert partner(mirror) == (31, None)


def test_a_contact_that_the_mirror_does_not_know_is_not_made(mirror: Mirror) -> None:
    assert apply(mirror, Told(values={"first_name": "Luna"}, manychat_id="MC-9"))
    assert mirror.rows('SELECT id FROM "Contact"') == []


def test_a_text_longer_than_its_column_is_cut(mirror: Mirror) -> None:
    deliver(mirror, "a")
    apply(mirror, Told(values={"first_name": "ñ" * 300, "phone": "9" * 80}))
    assert (len(contact(mirror)["first_name"]), len(contact(mirror)["phone"])) == (255, 50)


def test_a_page_that_an_answer_of_the_sync_crossed_is_read_again(mirror: Mirror) -> None:
    deliver(mirror, "a")
    change = Told("stage", stage="Old")
    with mirror.store.transaction() as session:
        answers = feedback.answers_of(session, [change])
    rows = claim(mirror)
    record(mirror, rows, answer(rows[0], stage="Newer"))
    with mirror.store.transaction() as session:
        assert not feedback.apply_changes(session, [change], answers, "PE")
    assert contact(mirror)["odoo_stage"] == "Newer"


def test_an_answer_that_a_change_crossed_is_asked_for_again(mirror: Mirror) -> None:
    deliver(mirror, "a")
    rows = claim(mirror)
    apply(mirror, Told("stage", stage="Newer"))
    record(mirror, rows, answer(rows[0], stage="Old"))
    assert contact(mirror)["odoo_stage"] == "Newer"
    assert contact(mirror)["odoo_sync_status"] == "pending"
    [again] = claim(mirror)
    record(mirror, [again], answer(again, stage="Newest", status="unchanged"))
    assert contact(mirror)["odoo_stage"] == "Newest"
    assert contact(mirror)["odoo_sync_status"] == "success"


def test_an_event_that_changed_the_lead_leaves_unsaid_whether_it_is_archived(
    mirror: Mirror,
) -> None:
    deliver(mirror, "a")
    apply(mirror, Told("archived", active=False))
    for status, left in (("unchanged", (False, 0)), ("updated", (None,))):
        deliver(mirror, status)
        rows = claim(mirror)
        record(mirror, rows, *(answer(row, status=status) for row in rows))
        assert contact(mirror)["odoo_active"] in left


def test_the_cursor_moves_only_from_where_it_was_read(mirror: Mirror) -> None:
    for before, after, moved in ((None, "d:1", True), ("d:1", "d:2", True), ("d:1", "d:3", False)):
        with mirror.store.transaction() as session:
            assert feeds.advance(session, feedback.FEED, before, after, NOW) is moved
    with mirror.store.transaction() as session:
        assert feeds.position(session, feedback.FEED) == "d:2"


def test_a_campaign_that_is_taken_away_takes_the_persons_advisor_with_it(mirror: Mirror) -> None:
    deliver(mirror, "a", campaign_id="Otoño")
    apply(mirror, Told("advisors", {"commercial": {"odoo_id": 4, "name": "Ana"}}))
    with mirror.store.transaction() as session:
        edits.remove_campaign_contact(session, assignment(mirror)["id"])
    assert mirror.rows('SELECT id FROM "Campaign_Contact"') == []
    assert mirror.rows('SELECT id FROM "Contact_Assignment"') == []


def test_rows_of_a_failed_call_are_counted_whatever_the_feed_told(mirror: Mirror) -> None:
    deliver(mirror, "a")
    rows = claim(mirror)
    apply(mirror, Told("stage"))
    with mirror.store.transaction() as session:
        outbox.record_failure(session, rows, "x", NOW)
        claims.release(session, "one")
    assert mirror.outbox()[0]["attempts"] == 1
