"""Contacts in Odoo over HTTP: read and written live, each refusal in its own words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.api.odoo_contact_bodies import EXAMPLE as CONTACT
from bridge.errors import AwayError, PermanentError, TransientError

ROOT = "/api/v1/odoo/contacts"
BODY = {"name": "Ana García", "phone": "999 888 777"}


class Odoo:
    """An Odoo with one contact, which keeps what it was asked."""

    def __init__(self) -> None:
        row = {key: value for key, value in CONTACT.items() if key not in {"id", "manychat_id"}}
        self.rows: list[Any] = [row | {"partner_id": CONTACT["id"]}]
        self.failure: Exception | None = None
        self.asked: list[Any] = []

    def listing(self, *asked: Any) -> tuple[list[Any], int]:
        self._hear("listing", *asked)
        return self.rows, 101

    def create(self, values: Any) -> Any:
        self._hear("create", values)
        return self.rows[0]

    def write(self, id: int, values: Any) -> Any:
        self._hear("write", id, values)
        return self.rows[0]

    def remove(self, id: int, hard: bool) -> None:
        self._hear("remove", id, hard)

    def _hear(self, *asked: Any) -> None:
        if self.failure:
            raise self.failure
        self.asked.append(asked)


async def call(api: Any, method: str, path: str, body: Any = None, key: str = "admin-key") -> Any:
    content = b"" if body is None else json.dumps(body).encode()
    return await api.call(method.upper(), f"{ROOT}{path}", content, key=key)


@pytest.fixture
def odoo(api: Any) -> Odoo:
    made = Odoo()
    api.app.state.parts.contacts = made
    return made


async def test_a_page_is_listed_in_the_order_that_was_asked_for(api: Any, odoo: Odoo) -> None:
    answer = await api.get(f"{ROOT}/?page=2&size=50&sort=-name", key="admin-key")
    assert answer.status == 200
    assert answer.json == {"items": [CONTACT], "total": 101, "page": 2, "size": 50, "pages": 3}
    assert odoo.asked == [("listing", {"active": True}, 2, 50, "-name")]


async def test_filters_reach_odoo_in_every_spelling(api: Any, odoo: Odoo) -> None:
    query = "manychat_id=MC1&phone=999888777&email=A@B.Example&search=Ga%00rc&active=false"
    assert (await api.get(f"{ROOT}/?{query}", key="admin-key")).status == 200
    assert odoo.asked[0][1] == {
        "manychat_id": ["MC1"],
        "phone": ["+51999888777", "+999888777", "999888777"],
        "email": ["A@B.Example", "A@b.example"],
        "search": "Garc",
        "active": False,
    }


@pytest.mark.parametrize("query", ["page=0", "size=201", "sort=phone", "nombre=Ana", "active=x"])
async def test_what_has_no_meaning_is_refused(api: Any, odoo: Odoo, query: str) -> None:
    assert (await api.get(f"{ROOT}/?{query}", key="admin-key")).status == 422
    assert odoo.asked == []


@pytest.mark.parametrize(
    ("path", "filters"),
    [("/231", {"partner_id": 231}), ("/by-manychat-id/MC99999", {"manychat_id": ["MC99999"]})],
)
async def test_one_contact_is_found_or_not(
    api: Any, odoo: Odoo, path: str, filters: dict[str, Any]
) -> None:
    answer = await api.get(f"{ROOT}{path}", key="admin-key")
    assert (answer.status, answer.json) == (200, CONTACT)
    assert odoo.asked == [("listing", filters, 1, 1)]
    odoo.rows = []
    assert (await api.get(f"{ROOT}{path}", key="admin-key")).status == 404


async def test_an_id_that_was_not_rendered_is_nobodys(api: Any, odoo: Odoo) -> None:
    answer = await api.get(f"{ROOT}/by-manychat-id/%7B%7Buser_id%7D%7D", key="admin-key")
    assert (answer.status, odoo.asked) == (404, [])


async def test_a_contact_is_made_with_cleaned_values(api: Any, odoo: Odoo) -> None:
    body = BODY | {"manychat_id": 99999, "email": "A@B.Example", "city": " Cusco "}
    answer = await api.post(f"{ROOT}/", body, key="admin-key")
    assert (answer.status, answer.json) == (201, CONTACT)
    made = {"name": "Ana García", "phone": "+51999888777", "manychat_id": "99999",
            "email": "A@b.example", "city": "Cusco"}  # fmt: skip
    assert odoo.asked == [("create", made)]


async def test_the_predecessors_and_odoos_spellings_are_read(api: Any, odoo: Odoo) -> None:
    body = {"nombre_lead": "Ana", "apellido_lead": "Paz", "whatsapp": "999888777",
            "email_lead": "a@b.example", "x_manychat_id": "MC1", "street2": "Wanchaq",
            "mobile": "988777666", "phone": ""}  # fmt: skip
    assert (await api.post(f"{ROOT}/", body, key="admin-key")).status == 201
    made = {"name": "Ana Paz", "phone": "+51999888777", "email": "a@b.example",
            "manychat_id": "MC1", "district": "Wanchaq"}  # fmt: skip
    assert odoo.asked == [("create", made)]


async def test_a_change_says_what_is_given_and_clears_by_null(api: Any, odoo: Odoo) -> None:
    body = {"phone": None, "city": "", "country": "PE"}
    answer = await call(api, "put", "/231", body)
    assert (answer.status, answer.json) == (200, CONTACT)
    assert odoo.asked == [("write", 231, {"phone": False, "city": False, "country": "PE"})]


@pytest.mark.parametrize(
    ("method", "body"),
    [("post", {}), ("post", {"name": " "}), ("post", {"name": None, "phone": "1"}),
     ("post", BODY | {"phone": "none"}), ("post", BODY | {"email": "nobody"}),
     ("post", BODY | {"manychat_id": "1.2E+15"}), ("post", BODY | {"vat": "1"}),
     ("post", BODY | {"active": False}), ("post", [1]),
     ("put", {"name": None}), ("put", {"name": "x" * 256}), ("put", {"phone": True})],
)  # fmt: skip
async def test_a_body_that_cannot_be_used_is_refused_and_not_repeated(
    api: Any, odoo: Odoo, method: str, body: Any
) -> None:
    answer = await call(api, method, "/231" if method == "put" else "/", body)
    assert (answer.status, odoo.asked) == (422, [])
    assert b"1.2E" not in answer.content
    assert b"nobody" not in answer.content


@pytest.mark.parametrize(("query", "hard"), [("", False), ("?hard=true", True)])
async def test_a_contact_is_archived_or_deleted(
    api: Any, odoo: Odoo, query: str, hard: bool
) -> None:
    answer = await call(api, "delete", f"/231{query}")
    assert (answer.status, answer.content) == (204, b"")
    assert odoo.asked == [("remove", 231, hard)]


CALLS = [
    ("get", "/", None), ("get", "/231", None), ("get", "/by-manychat-id/MC1", None),
    ("post", "/", BODY), ("put", "/231", BODY), ("delete", "/231", None),
]  # fmt: skip


@pytest.mark.parametrize("asked", CALLS)
@pytest.mark.parametrize(
    "expected",
    [(AwayError("odoo_unreachable"), 503, ("odoo-away", "odoo_unreachable")),
     (TransientError("odoo_timeout"), 503, ("odoo-away", "odoo_timeout")),
     (PermanentError("not_found"), 404, ("not-found", None)),
     (PermanentError("conflict", "a reason"), 409, ("conflict", "conflict")),
     (PermanentError("unknown_country", "a"), 422, ("bad-value", "unknown_country"))],
)  # fmt: skip
async def test_each_failure_has_its_problem(
    api: Any, odoo: Odoo, asked: Any, expected: Any
) -> None:
    odoo.failure, status, problem = expected
    answer = await call(api, *asked)
    assert (answer.status, (answer.json["type"], answer.json.get("code"))) == (status, problem)


@pytest.mark.parametrize(("method", "path", "body"), CALLS)
async def test_the_webhook_key_opens_none_of_it(
    api: Any, odoo: Odoo, method: str, path: str, body: Any
) -> None:
    assert (await call(api, method, path, body, "flow-key")).status == 403
    assert odoo.asked == []


async def test_without_an_odoo_the_answer_says_so(api: Any) -> None:
    answer = await api.get(f"{ROOT}/", key="admin-key")
    assert (answer.status, answer.json["code"]) == (503, "odoo_not_configured")


async def test_a_contact_that_is_not_whole_is_not_believed(api: Any, odoo: Odoo) -> None:
    odoo.rows = [{"partner_id": "x", "name": "Ana"}]
    answer = await api.get(f"{ROOT}/", key="admin-key")
    assert (answer.status, answer.json["code"]) == (503, "odoo_bad_answer")
    assert b"Ana" not in answer.content
