"""`/ops` over a real mirror: what it shows is true, what it does is done, nobody is named."""

from __future__ import annotations

import html
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from bridge.events.event import EventType
from bridge.mirror import claims, outbox, pauses
from bridge.mirror.delivery import Outbox
from bridge.mirror.hops import Hop
from tests.integration.mirror.conftest import Mirror
from tests.integration.mirror.test_dead_letter_routes import BODY, ID, bury
from tests.integration.mirror.test_records import Records
from tests.integration.mirror.test_report_routes import Odoo
from tests.unit.api.ops_calls import Visitor

STATE = "Estado <raro> & nuevo"


@pytest.fixture
def records(mirror: Mirror) -> Records:
    return Records(mirror)


@pytest.fixture
async def visitor(records: Records) -> Visitor:
    made = Visitor(records.api)
    await made.log_in()
    return made


async def text_of(visitor: Visitor, path: str = "") -> str:
    answer = await visitor.get(path)
    assert answer.status == 200, answer.content
    return html.unescape(answer.content.decode())


def deliver(mirror: Mirror, *bodies: tuple[EventType, dict[str, Any]]) -> None:
    """Events that arrived just now."""
    now = datetime.now(UTC)
    ids = (ID[:-2] + f"{number:02}" for number in range(90))
    for (type, body), id in zip(bodies, ids, strict=False):
        mirror.deliver(mirror.envelope(type, body, id), now=now)


def answer_all(mirror: Mirror, **fields: Any) -> None:
    """Odoo's answer to everything that is due."""
    later = datetime.now(UTC) + timedelta(days=1)
    with mirror.store.transaction() as session:
        rows = claims.claim(session, "one", 100, later, 60)
        given = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
                 "stage": "Nuevo", "dates": {}, "message": None} | fields  # fmt: skip
        outbox.record_results(
            session, rows, [given | {"event_id": r.event_id} for r in rows], later
        )


async def test_a_road_in_order_says_so(visitor: Visitor, mirror: Mirror) -> None:
    deliver(mirror, (EventType.CONTACT, {"manychat_id": "MC-1", "nombre_lead": "Rosa"}))
    answer_all(mirror)
    text = await text_of(visitor)
    assert "All is well" in text
    assert all(f"<b>{hop}</b>" in text for hop in Hop)
    assert "1 events: contact 1" in text
    assert "Rosa" not in text


async def test_the_first_page_names_everything_that_waits(
    visitor: Visitor, mirror: Mirror, records: Records
) -> None:
    deliver(mirror, (EventType.STAGE, {"manychat_id": "MC-1", "stage_manychat": STATE}))
    answer_all(mirror, unmapped=True)
    bury(mirror, reason="permanent: bad_json (at character 3)")
    await records.api.post("/api/v1/manychat/webhook/contact", {"manychat_id": "1"})
    with mirror.store.transaction() as session:
        pauses.pause(session, "crm", datetime.now(UTC))
    text = await text_of(visitor)
    for line in ("crm is paused", "1 dead letter was not replayed", "1 state has no stage"):
        assert line in text, line
    assert f"<li>{STATE} <small>1" in text
    assert "<code>bad_json</code>" in text
    assert "<raro>" not in (await visitor.get()).content.decode()
    contact = text[text.index("<b>contact</b>") :]
    assert contact.index(">1<") < contact.index("<b>campaign</b>")
    assert "7.2 s" in contact[: contact.index("<b>campaign</b>")]


async def test_a_hop_that_nobody_reads_is_in_the_banner_unless_a_person_stopped_it(
    visitor: Visitor, mirror: Mirror, records: Records
) -> None:
    records.api.app.state.parts.odoo = odoo = Odoo()
    odoo.health = lambda: {"unmapped": 0, "version": "1.0.0"}  # type: ignore[method-assign]
    records.api.sender.age = 300.0
    await records.api.post("/api/v1/manychat/webhook/contact", {"manychat_id": "1"})
    past = datetime.now(UTC) - timedelta(minutes=7)
    mirror.deliver(mirror.envelope(EventType.CONTACT, {"manychat_id": "MC-1"}, ID), now=past)
    with mirror.store.transaction() as session:
        session.execute(update(Outbox).values(next_attempt_at=past))
    text = await text_of(visitor)
    assert "contact has not been read for 5 min: is its worker running?" in text
    assert "crm has not been read for 7 min" in text
    assert "campaign has not been read" not in text
    assert text.count('<span class="bad">not read</span>') == 2
    with mirror.store.transaction() as session:
        pauses.pause(session, "contact", datetime.now(UTC))
    text = await text_of(visitor)
    assert "contact has not been read" not in text
    assert "contact is paused" in text


async def test_a_trace_of_nobody_tells_what_waits_in_the_queues(
    visitor: Visitor, records: Records
) -> None:
    nothing = await text_of(visitor, "/trace?manychat_id=MC-9")
    assert "No event of MC-9" in nothing
    assert "wait in the queues" not in nothing
    for number in range(2):
        await records.api.post("/api/v1/manychat/webhook/contact", {"manychat_id": str(number)})
    told = await text_of(visitor, "/trace?manychat_id=1")
    assert "2 waiting in the queues; it may be among them" in told
    records.api.sender.away()
    assert "The queues do not answer" in await text_of(visitor, "/trace?manychat_id=1")


async def test_a_state_that_has_a_rule_by_now_is_no_problem(
    visitor: Visitor, mirror: Mirror, records: Records
) -> None:
    deliver(mirror, (EventType.STAGE, {"manychat_id": "MC-1", "stage_manychat": STATE}))
    answer_all(mirror, unmapped=True)
    odoo = records.api.app.state.parts.odoo = Odoo()
    assert "2 states have no stage" in await text_of(visitor)
    odoo.health = lambda: {"unmapped": 0, "version": "1.0.0"}  # type: ignore[method-assign]
    text = await text_of(visitor)
    assert "All is well" in text
    assert STATE not in text


async def test_a_hop_is_paused_and_resumed(visitor: Visitor, mirror: Mirror) -> None:
    for verb, expected in (("pause", {"crm"}), ("resume", set())):
        answer = await visitor.press(f"/hops/crm/{verb}")
        assert (answer.status, answer.headers["location"]) == (303, f"/ops?done={verb}d")
        with mirror.store.reading() as session:
            assert set(pauses.paused(session)) == expected
    assert (await visitor.press("/hops/nobody/pause")).status == 422
    assert "goes on" in await text_of(visitor, "?done=resumed")
    assert "<b>x" not in (await visitor.get("?done=<b>x")).content.decode()


async def test_a_dead_letter_is_masked_until_a_button_is_pressed(
    visitor: Visitor, mirror: Mirror, records: Records, caplog: pytest.LogCaptureFixture
) -> None:
    bury(mirror)
    [row] = (await records("GET", "/dead-letters/")).json["items"]
    path = f"/dead-letters/{row['id']}"
    assert "Eva" not in await text_of(visitor, "/dead-letters")
    shown = await text_of(visitor, path)
    assert '"manychat_id": "MC-1"' in shown
    assert '"nombre_lead": "Xxx"' in shown
    assert "Eva" not in shown
    with caplog.at_level(logging.WARNING):
        answer = await visitor.press(f"{path}/reveal")
    assert "Eva" in html.unescape(answer.content.decode())
    assert answer.headers["cache-control"] == "no-store"
    assert (await visitor.get(f"{path}/reveal")).status == 405


async def test_a_dead_letter_is_sent_again_and_discarded(
    visitor: Visitor, mirror: Mirror, records: Records
) -> None:
    bury(mirror)
    [row] = (await records("GET", "/dead-letters/")).json["items"]
    path = f"/dead-letters/{row['id']}"
    answer = await visitor.press(f"{path}/replay")
    assert (answer.status, answer.headers["location"]) == (303, "/ops/dead-letters?done=replayed")
    [(_, envelope)] = records.api.sender.kept
    assert (envelope.id, envelope.revision, envelope.payload) == (ID, 1, BODY)
    assert "replayed 20" in await text_of(visitor, "/dead-letters")
    assert (await visitor.press(f"{path}/discard")).status == 303
    assert (await visitor.get(path)).status == 404
    assert (await visitor.press(f"{path}/discard")).status == 404


async def test_what_cannot_be_sent_again_says_why(
    visitor: Visitor, mirror: Mirror, records: Records
) -> None:
    bury(mirror, "{broken")
    [row] = (await records("GET", "/dead-letters/")).json["items"]
    answer = await visitor.press(f"/dead-letters/{row['id']}/replay")
    assert answer.status == 409
    assert b"post it mended" in answer.content


async def test_parked_events_are_listed_and_pushed(visitor: Visitor, mirror: Mirror) -> None:
    deliver(
        mirror,
        (EventType.CONTACT, {"manychat_id": "MC-1", "nombre_lead": "Rosa"}),
        (EventType.CONTACT, {"manychat_id": "MC-2"}),
    )
    answer_all(mirror, status="rejected", message="no_team")
    with mirror.store.transaction() as session:
        session.execute(update(Outbox).values(parked=True, next_attempt_at=None))
    text = await text_of(visitor)
    assert "2 parked events wait for a person" in text
    assert "no_team" in text
    text = await text_of(visitor, "/parked")
    assert (text.count("no_team"), "MC-1" in text, "Rosa" in text) == (2, True, False)
    assert (await visitor.press("/parked/push", manychat_id="MC-1")).status == 303
    assert [row["parked"] in {True} for row in mirror.outbox()] == [False, True]
    await visitor.press("/parked/push")
    assert [row["status"] for row in mirror.outbox()] == ["pending", "pending"]
    assert (await visitor.press("/parked/push", manychat_id="nobody")).status == 404


async def test_a_long_list_has_pages(visitor: Visitor, mirror: Mirror) -> None:
    for number in range(26):
        bury(mirror, id=ID[:-2] + f"{number:02}")
    first = await text_of(visitor, "/dead-letters")
    assert first.count(">Open<") == 25
    assert "older" in first
    second = await text_of(visitor, "/dead-letters?number=2")
    assert (second.count(">Open<"), "newer" in second, "older" in second) == (1, True, False)


async def test_one_contact_is_traced_without_being_named(visitor: Visitor, mirror: Mirror) -> None:
    deliver(mirror, (EventType.CONTACT, {"manychat_id": "MC-1", "nombre_lead": "Rosa"}))
    answer_all(mirror)
    text = await text_of(visitor, "/trace?manychat_id=MC-1")
    for part in ("lead 7", "stage Nuevo", "success", "updated", ID[:-2]):
        assert part in text, part
    assert "Rosa" not in text
    assert "No event of MC-9" in await text_of(visitor, "/trace?manychat_id=MC-9")


async def test_the_markup_of_others_stays_text(visitor: Visitor, mirror: Mirror) -> None:
    bury(mirror, {"manychat_id": "<script>1</script>"}, reason="bad: <img src=x>")
    raw = (await visitor.get("/dead-letters")).content.decode()
    assert "<img" not in raw
    raw = (await visitor.get("/trace?manychat_id=%3Cscript%3E")).content.decode()
    assert "<script" not in raw
