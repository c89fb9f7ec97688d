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

    def call(self, model: str, method: str, *args: Any) -> Any:
        self.calls.append((model, method, *args))
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


def test_an_empty_batch_is_a_call_too() -> None:
    assert OdooLeads(FakeClient([])).sync([]) == []


def test_the_addon_says_what_it_is() -> None:
    client = FakeClient({"version": "1.0.0"})
    assert OdooLeads(client).health() == {"version": "1.0.0"}
    assert client.calls == [("crm.lead", "manychat_health")]


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
