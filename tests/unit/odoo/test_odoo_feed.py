"""Reading the change feed: what the addon says is checked before anybody believes it."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import TransientError
from bridge.odoo.feed import Change, OdooFeed

CLOCK = "2025-10-20T22:00:00.000000Z|2025-10-20T22:00:00.000000Z|person:7|000001"
GOOD = {
    "manychat_id": "MC-1", "lead_id": 5, "kind": "stage", "clock": CLOCK, "changed_at": "x",
    "values": {"stage": "Ganado"}, "stage": "Ganado", "dates": {"sale_order_date": "d"},
    "active": True,
}  # fmt: skip


class Odoo:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: tuple[Any, ...] = ()

    def call(self, model: str, method: str, *args: Any, **_kwargs: Any) -> Any:
        self.asked = (model, method, *args)
        return self.answer


def test_a_page_is_read_behind_the_cursor() -> None:
    odoo = Odoo({"changes": [GOOD], "cursor": "db:8", "more": True, "gap": False})
    page = OdooFeed(odoo).read("db:7", 200)
    assert odoo.asked == ("crm.lead", "manychat_changes", "db:7", 200)
    assert (page.cursor, page.more, page.gap) == ("db:8", True, False)
    assert page.changes == (
        Change("MC-1", 5, "stage", CLOCK, {"stage": "Ganado"}, "Ganado", {"sale_order_date": "d"},
               True),
    )  # fmt: skip


def test_the_first_page_is_asked_for_without_a_cursor() -> None:
    odoo = Odoo({"changes": [], "cursor": "db:0"})
    assert OdooFeed(odoo).read(None, 1).changes == ()
    assert odoo.asked[2:] == (False, 1)


def test_a_lead_that_is_gone_has_no_dates() -> None:
    gone = GOOD | {"kind": "deleted", "stage": None, "dates": None, "active": None}
    [change] = OdooFeed(Odoo({"changes": [gone], "cursor": "db:1"})).read(None, 1).changes
    assert (change.stage, change.dates, change.active) == (None, None, None)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"changes": {}, "cursor": "a:1"},
        {"changes": [], "cursor": 7},
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused(answer: Any) -> None:
    with pytest.raises(TransientError) as caught:
        OdooFeed(Odoo(answer)).read(None, 1)
    assert caught.value.code == "odoo_bad_answer"


@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        *(
            GOOD | one
            for one in (
                {"kind": "sold"}, {"manychat_id": None}, {"clock": None}, {"clock": "now"},
                {"clock": "a|b|c|d"}, {"clock": CLOCK + "0" * 160}, {"values": ["x"]},
                {"dates": "soon"},
            )
        ),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_read_is_told_beside_the_others(wrong: Any) -> None:
    page = OdooFeed(Odoo({"changes": [wrong, GOOD], "cursor": "a:2"})).read(None, 2)
    assert [one.raw for one in page.unreadable] == [wrong]
    assert len(page.changes) == 1
    assert "Eva" not in repr(page.unreadable)


def test_how_writing_back_is_set_up_and_what_an_entry_does_come_along() -> None:
    setup, entry = {"mode": "on"}, {"add": ["hot"]}
    told = {"changes": [GOOD | {"entry": entry}], "cursor": "a:1", "write_back": setup}
    page = OdooFeed(Odoo(told)).read(None, 1)
    assert (page.write_back, page.changes[0].entry) == (setup, entry)
    other = OdooFeed(Odoo({"changes": [GOOD | {"entry": "x"}], "cursor": "a:1"})).read(None, 1)
    assert (other.write_back, other.changes[0].entry) == (None, None)


def test_what_a_person_typed_stays_out_of_a_changes_text() -> None:
    change = Change("MC-1", 5, "values", CLOCK, {"phone": "+51911111111"})
    assert "+51911111111" not in repr(change)
