"""The past of a mirror whose contacts are to have partners: in slices, once, without a stampede."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from bridge.errors import TransientError
from bridge.events.event import EventType
from bridge.mirror import feeds, filling
from bridge.mirror.tables import Campaign
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.test_outbox import answer, claim, event_id, record


def synced(mirror: Mirror, *numbers: int) -> None:
    """Contacts that Odoo took while leads alone were synced."""
    for number in numbers:
        body = {"manychat_id": f"MC-{number}", "nombre_lead": "Eva"}
        mirror.deliver(mirror.envelope(EventType.CONTACT, body, event_id(f"old-{number}")))
    rows = claim(mirror)
    record(mirror, rows, *(answer(row) for row in rows))


def fill(mirror: Mirror) -> int:
    with mirror.store.transaction() as session:
        return filling.fill_some(session, NOW)


def waiting(mirror: Mirror) -> list[dict[str, Any]]:
    return [row["body"] for row in mirror.outbox() if row["status"] == "pending"]


def statuses(mirror: Mirror) -> list[str]:
    return [r["odoo_sync_status"]
            for r in mirror.rows('SELECT odoo_sync_status FROM "Contact" ORDER BY id')]  # fmt: skip


def test_each_contact_without_a_partner_is_pushed_once(mirror: Mirror) -> None:
    synced(mirror, 1, 2)
    assert fill(mirror) == 2
    bodies = waiting(mirror)
    assert [body["manychat_id"] for body in bodies] == ["MC-1", "MC-2"]
    assert [(body["values"], body["type"]) for body in bodies] == [({}, "update")] * 2
    assert statuses(mirror) == ["pending", "pending"]
    assert fill(mirror) == 0
    rows = claim(mirror)
    record(mirror, rows, *(answer(row, partner_id=30 + row.contact_id) for row in rows))
    assert statuses(mirror) == ["success", "success"]
    found = mirror.rows('SELECT id, odoo_contact_id FROM "Contact"')
    assert all(row["odoo_contact_id"] == 30 + row["id"] for row in found)


def test_it_goes_on_where_it_was_slice_by_slice(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "SLICE", 2)
    synced(mirror, 1, 2, 3)
    assert [fill(mirror), fill(mirror), fill(mirror)] == [2, 1, 0]
    assert len(waiting(mirror)) == 3


def test_a_slice_that_fails_is_done_again_whole(mirror: Mirror) -> None:
    synced(mirror, 1)
    with pytest.raises(RuntimeError), mirror.store.transaction() as session:
        filling.fill_some(session, NOW)
        raise RuntimeError
    assert waiting(mirror) == []
    assert fill(mirror) == 1


def test_who_has_a_partner_or_lost_it_to_a_person_is_left_alone(mirror: Mirror) -> None:
    synced(mirror, 1, 2, 3)
    with mirror.store.engine.begin() as connection:
        contact = filling.Contact.__table__
        for id, values in (
            ("MC-1", {"odoo_contact_id": 31}), ("MC-2", {"odoo_contact_active": False}),
        ):  # fmt: skip
            connection.execute(contact.update().where(contact.c.manychat_id == id).values(values))
    assert fill(mirror) == 1
    assert [body["manychat_id"] for body in waiting(mirror)] == ["MC-3"]


def test_a_contact_that_odoo_never_answered_for_waits_for_its_own_event(mirror: Mirror) -> None:
    mirror.deliver(mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-1"}, event_id("new")))
    assert fill(mirror) == 0


def test_while_much_waits_nothing_is_added(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "CROWDED", 1)
    synced(mirror, 1, 2)
    assert fill(mirror) == 2
    synced(mirror, 3)
    assert waiting(mirror) == []
    mirror.deliver(mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-4"}, event_id("new")))
    assert fill(mirror) == 0


def test_another_look_finds_the_forgotten_and_asks_nobody_twice(mirror: Mirror) -> None:
    synced(mirror, 1)
    fill(mirror)
    rows = claim(mirror)
    record(mirror, rows, *(answer(row) for row in rows))  # an addon that makes no partners
    with mirror.store.transaction() as session:
        filling.begin_again(session, NOW)
    assert fill(mirror) == 1
    assert waiting(mirror) == []


def test_of_two_that_fill_one_slice_one_is_told(mirror: Mirror) -> None:
    synced(mirror, 1)
    fill(mirror)
    with mirror.store.transaction() as session, pytest.raises(TransientError, match="moved"):
        filling._pass(session, filling.PARTNERS, "0", 7, NOW)


def test_campaigns_are_passed_in_order(mirror: Mirror) -> None:
    with mirror.store.engine.begin() as connection:
        names = ("Otoño", "Invierno")
        connection.execute(insert(Campaign), [{"name": name} for name in names])
    with mirror.store.transaction() as session:
        campaigns = filling.new_campaigns(session)
        assert [campaign["name"] for campaign in campaigns] == ["Otoño", "Invierno"]
        filling.pass_campaigns(session, campaigns[0]["id"], NOW)
    with mirror.store.transaction() as session:
        [left] = filling.new_campaigns(session)
        assert left["name"] == "Invierno"
        filling.pass_campaigns(session, left["id"], NOW)
        filling.pass_campaigns(session, campaigns[0]["id"], NOW)
        assert feeds.position(session, filling.CAMPAIGNS) == str(left["id"])
        assert filling.new_campaigns(session) == []
