"""What the addon answers to a comparison, read strictly: nonsense is no difference."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.errors import TransientError
from bridge.odoo.standing import OdooStanding, State

LEAD = {
    "manychat_id": "MC-1", "lead_id": 7, "stage": "Nuevo", "dates": {}, "active": True,
    "partner_id": None, "shared": False, "state": ["Nuevo", "c1"], "person": None,
    "values": {"phone": ["+51", "c2"], "email": [False, "c3"]},
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "leads": [LEAD],
    "unread": ["MC-2"],
    "keeps_edited": False,
    "erased": {"MC-3": "2025-10-20T10:00:00.000000Z"},
    "twins": [{"manychat_id": "MC-1", "lead_id": 8, "foreign": True}],
}


class FakeClient:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Any, ...]] = []

    def call(self, model: str, method: str, *args: Any, **_kwargs: Any) -> Any:
        self.calls.append((model, method, *args))
        return self.answer


def test_an_answer_is_read() -> None:
    standing = OdooStanding(FakeClient(ANSWER)).standing(["MC-1"], None)
    lead = standing.leads["MC-1"]
    assert (lead.lead_id, lead.state, lead.moved) == (7, ("Nuevo", "c1"), "")
    assert lead.values == {"phone": ("+51", "c2"), "email": (None, "c3")}
    assert (standing.unread, standing.keeps_edited) == ({"MC-2"}, False)
    assert standing.twins[0].foreign
    assert standing.erased == ANSWER["erased"]


@pytest.mark.parametrize(
    "answer",
    [None, [], {}, ANSWER | {"leads": [{}]}, ANSWER | {"twins": [{"lead_id": "x"}]},
     ANSWER | {"leads": [LEAD | {"values": {"phone": ["only"]}}]}, ANSWER | {"erased": []}],
)  # fmt: skip
def test_a_bad_answer_is_none(answer: Any) -> None:
    with pytest.raises(TransientError, match="odoo_bad_answer"):
        OdooStanding(FakeClient(answer)).standing(["MC-1"], None)


def test_lead_ids_and_states_are_read() -> None:
    client = FakeClient([[7, "MC-1"]])
    since = datetime(2025, 10, 20, tzinfo=UTC)
    assert OdooStanding(client).lead_ids(3, 10, since) == [(7, "MC-1")]
    assert client.calls[0][2:] == (3, 10, "2025-10-20T00:00:00.000000Z")
    rows = [{"manychat_id": "MC-1", "state": "Nuevo", "category": False, "clock": "c"}]
    assert OdooStanding(FakeClient(rows)).states(["MC-1"]) == [State("MC-1", "Nuevo", None, "c")]


@pytest.mark.parametrize("answer", [None, [[1]], ["x"], [{"state": "x"}]])
def test_bad_lists_are_no_answer(answer: Any) -> None:
    standing = OdooStanding(FakeClient(answer))
    with pytest.raises(TransientError):
        standing.lead_ids(0, 10, None)
    with pytest.raises(TransientError):
        standing.states(["MC-1"])


def test_what_was_let_go_is_counted() -> None:
    assert OdooStanding(FakeClient(2)).let_go([1, 2]) == 2
    assert OdooStanding(FakeClient(None)).let_go([1]) == 0
