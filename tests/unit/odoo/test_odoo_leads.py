"""The batch method: one known result an event, or nothing is believed."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import TransientError
from bridge.odoo.leads import OdooLeads, SyncResult

DATES = {"sale_order_date": "2025-10-20T22:41:00.000000Z"}


class FakeClient:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def call(self, model: str, method: str, *args: Any, **kwargs: Any) -> Any:
        self.calls.append((model, method, *args, *([kwargs] if kwargs else [])))
        return self.answer


def row(id: Any, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": id, "status": "updated", "unmapped": False, "retryable": False,
        "lead_id": 5, "stage": "Venta exitosa", "dates": DATES,
        "message": False, **changes,
    }  # fmt: skip


EVENTS = [{"event_id": "a"}, {"event_id": "b"}]


def test_results_come_back_in_the_order_of_the_events() -> None:
    client = FakeClient([row("b", status="rejected", lead_id=False, stage=False), row("a")])
    first, second = OdooLeads(client).sync(EVENTS)

    assert client.calls == [("crm.lead", "manychat_sync", EVENTS)]
    assert first == SyncResult(
        "a", "updated", lead_id=5, stage="Venta exitosa",
        dates=DATES,
    )  # fmt: skip
    assert (second.status, second.lead_id, second.stage) == ("rejected", None, None)


def test_where_every_contact_has_a_partner_the_call_says_so_and_the_result_names_it() -> None:
    client = FakeClient([row("a", partner_id=31), row("b", partner_id=False)])
    results = OdooLeads(client, partners=True).sync(EVENTS)
    assert client.calls == [("crm.lead", "manychat_sync", EVENTS, {"partners": True})]
    assert [result.partner_id for result in results] == [31, None]


def test_an_empty_batch_is_a_call_too() -> None:
    assert OdooLeads(FakeClient([])).sync([]) == []


def test_the_addon_says_what_it_is() -> None:
    client = FakeClient({"version": "1.0.0"})
    assert OdooLeads(client).health() == {"version": "1.0.0"}
    assert client.calls == [("crm.lead", "manychat_health")]


def test_a_page_of_leads_comes_with_the_total() -> None:
    client = FakeClient({"leads": [{"lead_id": 5}], "total": 7})
    assert OdooLeads(client).listing({"active": True}, 2, 1) == ([{"lead_id": 5}], 7)
    assert client.calls == [("crm.lead", "manychat_leads", {"active": True}, 2, 1)]


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, {"leads": [], "total": None}, {"leads": {}, "total": 1},
     {"leads": ["x"], "total": 1}],
)  # fmt: skip
def test_leads_of_another_shape_are_not_believed(answer: Any) -> None:
    with pytest.raises(TransientError, match="odoo_bad_answer"):
        OdooLeads(FakeClient(answer)).listing({}, 1, 50)


def test_an_event_is_checked_by_a_call_that_stores_nothing() -> None:
    client = FakeClient({"next_stage": "Nuevo"})
    assert OdooLeads(client).check({"event_id": "a"}) == {"next_stage": "Nuevo"}
    assert client.calls == [("crm.lead", "manychat_check", {"event_id": "a"})]


@pytest.mark.parametrize("answer", [None, "x"])
def test_a_check_that_is_no_object_is_not_believed(answer: Any) -> None:
    with pytest.raises(TransientError, match="odoo_bad_answer"):
        OdooLeads(FakeClient(answer)).check({})


@pytest.mark.parametrize("answer", [None, "x"])
def test_a_health_that_is_no_object_is_not_believed(answer: Any) -> None:
    with pytest.raises(TransientError, match="odoo_bad_answer"):
        OdooLeads(FakeClient(answer)).health()


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"event_id": "a"},
        [row("a")],
        [row("a"), row("a")],
        [row("a"), row("c")],
        [row("a"), row("b"), row("b")],
        [row("a"), row("b", status="done")],
        [row("a"), row("b", dates=["x"])],
        [row("a"), "b"],
        [row("a"), row(7)],
    ],
)
def test_an_answer_that_does_not_fit_is_not_believed(answer: Any) -> None:
    with pytest.raises(TransientError, match="odoo_bad_answer"):
        OdooLeads(FakeClient(answer)).sync(EVENTS)
