"""What names, ids and revisions stand for, whatever came first."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import insert

from bridge.events.event import EventType
from bridge.mirror.tables import Campaign
from tests.integration.mirror.conftest import Mirror

CONTACT, ASSIGNMENT = EventType.CONTACT, EventType.ASSIGNMENT


def said(mirror: Mirror, type: EventType, minute: int, **fields: Any) -> None:
    mirror.deliver(envelope(mirror, type, minute, f"minute-{minute}", **fields))


def envelope(
    mirror: Mirror, type: EventType, minute: int, name: str, revision: int = 0, **fields: Any
) -> Any:
    body = {"manychat_id": "MC-1", "datetime_actual": f"2025-10-20T10:{minute:02d}:00Z", **fields}
    id = str(uuid.uuid5(uuid.NAMESPACE_DNS, name))
    return mirror.envelope(type, body, id, revision=revision)


def contact(mirror: Mirror) -> dict[str, Any]:
    [found] = mirror.picture()["contacts"]
    return dict(found)


def test_digits_that_are_no_channel_leave_the_channel_as_it_is(mirror: Mirror) -> None:
    said(mirror, CONTACT, 0, canal_entrada="IG")
    said(mirror, CONTACT, 5, canal_entrada="4711")
    assert contact(mirror)["channel"] == "Instagram"


def test_digits_never_mean_a_campaign_that_other_digits_made(mirror: Mirror) -> None:
    said(mirror, ASSIGNMENT, 0, campaign_id="85")
    [made] = mirror.rows('SELECT id FROM "Campaign"')
    said(mirror, ASSIGNMENT, 5, campaign_id=str(made["id"]))
    names = {row["name"] for row in mirror.rows('SELECT name FROM "Campaign"')}
    assert names == {"85", str(made["id"])}


def test_digits_mean_the_campaign_that_a_person_made(mirror: Mirror) -> None:
    with mirror.store.transaction() as session:
        session.execute(insert(Campaign), [{"name": "Invierno", "status": "Activa"}])
    [known] = mirror.rows('SELECT id FROM "Campaign"')
    said(mirror, ASSIGNMENT, 0, campaign_id=known["id"])
    [assigned] = mirror.picture()["campaigns"]
    assert (assigned["campaign"], assigned["status"]) == ("Invierno", "Activa")


def test_two_revisions_in_one_batch_end_as_one_after_the_other(mirror: Mirror) -> None:
    first = envelope(mirror, CONTACT, 0, "a", email_lead="eva@example.com", nombre_lead="Eva")
    mended = envelope(mirror, CONTACT, 0, "a", revision=1, nombre_lead="Evangelina")
    mirror.deliver(mended, first)
    found = contact(mirror)
    assert (found["first_name"], found["email"]) == ("Evangelina", "eva@example.com")
    [row] = mirror.outbox()
    assert row["revision"] == 1
    assert row["body"]["values"]["email"] == "eva@example.com"


def test_a_guess_stays_a_guess_when_its_event_is_mended(mirror: Mirror) -> None:
    mirror.deliver(envelope(mirror, CONTACT, 9, "a", whatsapp="987654321"))
    mirror.deliver(envelope(mirror, CONTACT, 9, "a", revision=1, nombre_lead="Eva"))
    assert contact(mirror)["channel"] == "WhatsApp"
    said(mirror, CONTACT, 1, canal_entrada="IG")
    assert contact(mirror)["channel"] == "Instagram"
