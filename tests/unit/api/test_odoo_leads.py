"""Leads over HTTP, read live: what is found, what is not, and an Odoo that is away."""

from __future__ import annotations

from threading import Event as Gate
from typing import Any

import pytest

from bridge.api import asking
from bridge.api.odoo_leads import EXAMPLE as LEAD
from bridge.errors import AwayError, TransientError

ROOT = "/api/v1/odoo/leads"


class Odoo:
    """An Odoo with one lead, which keeps what it was asked."""

    def __init__(self) -> None:
        self.rows: list[Any] = [LEAD]
        self.failure: Exception | None = None
        self.gate: Gate | None = None
        self.asked: list[Any] = []

    def listing(self, filters: Any, page: int, size: int) -> tuple[list[Any], int]:
        if self.gate:
            self.gate.wait(30)
        if self.failure:
            raise self.failure
        self.asked.append((filters, page, size))
        return self.rows, 101


@pytest.fixture
def odoo(api: Any) -> Odoo:
    made = Odoo()
    api.app.state.parts.odoo = made
    return made


async def test_a_page_of_leads_is_listed(api: Any, odoo: Odoo) -> None:
    answer = await api.get(f"{ROOT}/?page=2&size=50", key="admin-key")
    assert answer.status == 200
    assert answer.json == {"items": [LEAD], "total": 101, "page": 2, "size": 50, "pages": 3}
    assert odoo.asked == [({}, 2, 50)]


async def test_filters_reach_odoo_in_every_spelling_that_a_record_may_have(
    api: Any, odoo: Odoo
) -> None:
    query = "manychat_id=MC1&phone=999888777&email=Ana@Correo.Example&state=Nuevo&active=false"
    assert (await api.get(f"{ROOT}/?{query}", key="admin-key")).status == 200
    [(filters, _, _)] = odoo.asked
    assert filters == {
        "manychat_id": ["MC1"],
        "phone": ["+51999888777", "+999888777", "999888777"],
        "email": ["Ana@Correo.Example", "Ana@correo.example"],
        "state": ["Nuevo"],
        "active": False,
    }


async def test_a_nul_never_reaches_odoo(api: Any, odoo: Odoo) -> None:
    await api.get(f"{ROOT}/?state=Nue%00vo", key="admin-key")
    assert odoo.asked == [({"state": ["Nuevo"]}, 1, 50)]


@pytest.mark.parametrize("query", ["page=0", "size=201", "active=perhaps", "nombre=Ana"])
async def test_what_has_no_meaning_is_refused(api: Any, odoo: Odoo, query: str) -> None:
    assert (await api.get(f"{ROOT}/?{query}", key="admin-key")).status == 422
    assert odoo.asked == []


async def test_a_contacts_lead_is_found_by_its_manychat_id(api: Any, odoo: Odoo) -> None:
    answer = await api.get(f"{ROOT}/by-manychat-id/MC99999", key="admin-key")
    assert (answer.status, answer.json) == (200, LEAD)
    assert odoo.asked == [({"manychat_id": ["MC99999"]}, 1, 1)]


@pytest.mark.parametrize("manychat_id", ["MC1", "%7B%7Buser_id%7D%7D"])
async def test_a_contact_without_a_lead_is_not_found(
    api: Any, odoo: Odoo, manychat_id: str
) -> None:
    odoo.rows = []
    answer = await api.get(f"{ROOT}/by-manychat-id/{manychat_id}", key="admin-key")
    assert (answer.status, answer.json["type"]) == (404, "not-found")


@pytest.mark.parametrize("path", ["/", "/by-manychat-id/MC1"])
@pytest.mark.parametrize(
    ("failure", "code"),
    [(AwayError("odoo_unreachable"), "odoo_unreachable"),
     (TransientError("odoo_busy"), "odoo_busy")],
)  # fmt: skip
async def test_an_odoo_that_is_away_is_a_503_with_its_code(
    api: Any, odoo: Odoo, path: str, failure: Exception, code: str
) -> None:
    odoo.failure = failure
    answer = await api.get(f"{ROOT}{path}", key="admin-key")
    assert (answer.status, answer.json["type"], answer.json["code"]) == (503, "odoo-away", code)
    assert "retry-after" in answer.headers


async def test_an_odoo_that_hangs_is_not_waited_for(
    api: Any, odoo: Odoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "ODOO_SECONDS", 0.05)
    gate = odoo.gate = Gate()
    answer = await api.get(f"{ROOT}/", key="admin-key")
    gate.set()
    assert (answer.status, answer.json["code"]) == (503, "no_answer_in_time")


async def test_without_an_odoo_the_answer_says_so(api: Any) -> None:
    answer = await api.get(f"{ROOT}/", key="admin-key")
    assert (answer.status, answer.json["code"]) == (503, "odoo_not_configured")


async def test_a_lead_that_is_not_whole_is_not_believed(api: Any, odoo: Odoo) -> None:
    odoo.rows = [{"lead_id": "x", "name": "Ana"}]
    answer = await api.get(f"{ROOT}/", key="admin-key")
    assert (answer.status, answer.json["code"]) == (503, "odoo_bad_answer")
    assert b"Ana" not in answer.content


async def test_the_webhook_key_reads_no_leads(api: Any, odoo: Odoo) -> None:
    assert (await api.get(f"{ROOT}/", key="flow-key")).status == 403
