"""What the road does with a wrong key, a body that cannot be read, and an Odoo that is away."""

from __future__ import annotations

import time

from tests.e2e.conftest import Road


def test_a_wrong_key_is_refused_and_nothing_is_kept(road: Road) -> None:
    answer = road.post("contact", {"manychat_id": "MC-NOKEY"}, key="wrong")
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert road.contact("MC-NOKEY") is None


def test_a_junk_body_is_answered_422_and_kept_with_its_reason(road: Road) -> None:
    marker = f"junk-{time.time_ns()}"
    answer = road.post("contact", '{"manychat_id": "MC-JUNK", "nombre_lead": "' + marker)
    assert answer.status_code == 422

    deadline = time.monotonic() + 60
    letters = []
    while not letters and time.monotonic() < deadline:
        letters = road.sql(
            "SELECT reason, payload FROM Dead_Letter WHERE payload LIKE :marker",
            marker=f"%{marker}%",
        )
        time.sleep(0.2)
    [letter] = letters
    assert "bad_json" in letter["reason"]


def test_nothing_is_lost_while_odoo_is_stopped(road: Road) -> None:
    road.stack.odoo.stop()
    try:
        answer = road.post("contact", {"manychat_id": "MC-AWAY", "nombre_lead": "Elsa"})
        assert answer.status_code == 202
        deadline = time.monotonic() + 30
        while road.contact("MC-AWAY") is None and time.monotonic() < deadline:
            time.sleep(0.1)
        waiting = road.contact("MC-AWAY")
        assert waiting is not None
        assert waiting["odoo_sync_status"] == "pending"
    finally:
        road.stack.odoo.start()
    road.settle([answer.json()["event_id"]])
    [lead] = road.leads("MC-AWAY")
    assert lead["contact_name"] == "Elsa"
    contact = road.contact("MC-AWAY")
    assert contact is not None
    assert contact["odoo_sync_status"] == "success"
