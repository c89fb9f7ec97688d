"""`trace`, `pause`, `resume`, `reprocess`: what the person on call sees and does."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from bridge.cli import app
from bridge.commands import delivery
from bridge.errors import AwayError
from bridge.events import reading
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import claims, dead_letters, inbox, outbox, pauses
from bridge.mirror.apply import apply_events
from bridge.mirror.resending import resend
from bridge.mirror.store import Store

run = CliRunner().invoke
RECEIVED = datetime(2025, 10, 20, 22, tzinfo=UTC)


def event(id: str, contact: str = "MC-1", **fields: Any) -> Envelope:
    return Envelope(
        id=id, type=EventType.CONTACT, received_at=RECEIVED, occurred_at=None,
        payload={"manychat_id": contact, **fields},
    )  # fmt: skip


def deliver(store: Store, *envelopes: Envelope) -> None:
    pairs = [(read_event(envelope, Rules()), envelope) for envelope in envelopes]
    with store.transaction() as session:
        apply_events(session, pairs, RECEIVED + timedelta(seconds=2))


def sync(store: Store, **answer: Any) -> None:
    now = RECEIVED + timedelta(seconds=3)
    with store.transaction() as session:
        rows = claims.claim(session, "test", 100, now, 60)
        plain = {"status": "updated", "unmapped": False, "retryable": False, "lead_id": 7,
                 "stage": "x", "dates": {}, "message": None}  # fmt: skip
        answers = [{**plain, **answer, "event_id": row.event_id} for row in rows]
        outbox.record_results(session, rows, answers, now)
        claims.release(session, "test")


def outbox_rows(store: Store) -> dict[str, Any]:
    with store.reading() as session:
        rows = session.execute(text("SELECT event_id, revision, status, body FROM Outbox"))
        return {row.event_id: row for row in rows}


def test_a_trace_tells_every_hop_of_a_contacts_events(mirror: Store) -> None:
    deliver(mirror, event("done"))
    sync(mirror)
    deliver(mirror, event("refused"))
    sync(mirror, status="rejected", message="no team")
    deliver(mirror, event("waiting"), event("other", "MC-2"))
    with mirror.transaction() as session:
        inbox.keep(session, "manychat-contact-queue", event("inboxed"), RECEIVED)
        letter = event("dead").with_reason("permanent: x", "api")
        dead_letters.record(session, [letter], RECEIVED)
    lines = run(app, ["trace", "MC-1"]).stdout.splitlines()
    by_event = {line.split()[2]: line for line in lines}
    assert set(by_event) == {"done", "refused", "waiting", "inboxed", "dead"}
    assert by_event["done"].endswith("mirror  +2.0s  odoo +3.0s  updated")
    assert "error  attempts 1" in by_event["refused"]
    assert by_event["refused"].endswith("(no team)")
    assert by_event["waiting"].endswith("mirror  +2.0s  pending")
    assert by_event["inboxed"].endswith("inbox")
    assert "given up by api" in by_event["dead"]


@pytest.mark.parametrize(
    ("depth", "told"),
    [(2, "4 waiting in the queues; it may be among them"), (0, "nothing waits"),
     (None, "do not tell what waits there (queue_unreachable)")],
)  # fmt: skip
def test_a_trace_of_an_unknown_contact_tells_what_waits_in_the_queues(
    mirror: Store, monkeypatch: pytest.MonkeyPatch, depth: int | None, told: str
) -> None:
    class Reader:
        def __init__(self, _settings: Any, _name: str) -> None: ...

        def depth(self) -> int:
            if depth is None:
                raise AwayError("queue_unreachable")
            return depth

    monkeypatch.setattr(delivery, "QueueReader", Reader)
    done = run(app, ["trace", "MC-9"])
    assert done.exit_code == 1
    assert "no event of MC-9" in done.output
    assert told in done.output


def test_a_hop_is_paused_and_resumed(mirror: Store) -> None:
    assert run(app, ["pause", "crm"]).exit_code == 0
    assert run(app, ["pause", "contact"]).exit_code == 0
    with mirror.reading() as session:
        assert set(pauses.paused(session)) == {"crm", "contact"}
    assert run(app, ["resume", "crm"]).stdout == "crm goes on; paused: contact\n"
    assert run(app, ["pause", "nothing"]).exit_code == 2


class MendedRules:
    """A rule is mended: the name `Bego?a` is read as `Begoña` from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plain = reading.read_event

        def mended(envelope: Envelope, rules: Rules) -> Any:
            payload = json.loads(json.dumps(envelope.payload).replace("Bego?a", "Bego\\u00f1a"))
            changed = Envelope(**{**vars(envelope), "payload": payload})
            return plain(changed, rules)

        monkeypatch.setattr("bridge.workers.reprocessing.read_event", mended)


def test_only_what_a_mended_rule_changes_goes_to_odoo_again(
    mirror: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(mirror, event("a", nombre_lead="Bego?a"), event("b", "MC-2", nombre_lead="Ana"))
    sync(mirror)
    words = ["reprocess", "--since", "2025-10-20"]
    assert run(app, words).stdout == "2 read again, 0 changed, 0 unreadable\n"
    MendedRules(monkeypatch)
    assert run(app, [*words, "--dry-run"]).stdout == "2 read again, 1 would change, 0 unreadable\n"
    assert {row.status for row in outbox_rows(mirror).values()} == {"success"}

    assert run(app, words).stdout == "2 read again, 1 changed, 0 unreadable\n"
    rows = outbox_rows(mirror)
    assert (rows["a"].revision, rows["a"].status) == (1, "pending")
    assert json.loads(rows["a"].body)["values"]["first_name"] == "Begoña"
    assert (rows["b"].revision, rows["b"].status) == (0, "success")
    with mirror.reading() as session:
        names = session.execute(text("SELECT first_name FROM Contact ORDER BY manychat_id"))
        assert list(names.scalars()) == ["Begoña", "Ana"]
    assert run(app, words).stdout == "2 read again, 0 changed, 0 unreadable\n"


def test_an_event_put_together_from_its_facts_is_left_as_it_is(
    mirror: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(mirror, event("a", nombre_lead="Bego?a"))
    with mirror.transaction() as session:
        session.execute(text("DELETE FROM Outbox"))
        session.execute(text("DELETE FROM Ledger"))
    with mirror.transaction() as session:
        assert resend(session, {"MC-1": None}, RECEIVED) == {"MC-1"}
    sync(mirror)
    MendedRules(monkeypatch)
    done = run(app, ["reprocess", "--since", "2025-10-20"])
    assert done.stdout == (
        "0 read again, 0 changed, 0 unreadable,"
        " 1 left as they are: their bodies are not kept any more\n"
    )
    assert outbox_rows(mirror)["a"].status == "success"


def test_events_from_before_are_left_alone(mirror: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(mirror, event("a", nombre_lead="Bego?a"))
    MendedRules(monkeypatch)
    done = run(app, ["reprocess", "--since", "2025-10-21"])
    assert done.stdout == "0 read again, 0 changed, 0 unreadable\n"
