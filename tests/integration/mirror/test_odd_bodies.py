"""Odd bodies and paths on every record route: refused or taken, never a server error."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from bridge.api.record_lists import FILTERS
from bridge.api.records import RESOURCES
from tests.integration.mirror.conftest import Mirror
from tests.integration.mirror.test_records import Records

ODD: tuple[Any, ...] = (
    None, "", " ", "\x00", "a\x00b", "\ud800", "ñ" * 300, "x" * 20_001, 0, -1, 2**31, 2**63, 10**40,
    1.5, 1e300, True, [], {}, [1], {"a": 1}, "null", "{{cuf_1}}", "0", "2025-13-01",
    "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00",
)  # fmt: skip
ODD_QUERIES = ("%00", "%F0%9F%98%80", "%ED%A0%80", "x" * 5000, "'", "%25")


@pytest.fixture
def records(mirror: Mirror) -> Records:
    return Records(mirror)


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.name)
async def test_no_value_of_any_field_is_a_server_error(records: Records, resource: Any) -> None:
    contact = await records.made("/contacts/", manychat_id="MC-1")
    campaign = await records.made("/campaigns/", name="Otoño")
    keys = {"contact_id": contact["id"], "campaign_id": campaign["id"]}
    rows = {
        "contacts": contact, "campaigns": campaign,
        "channels": await records.made("/channels/", name="Boca a boca"),
        "advisors": await records.made("/advisors/", name="Ana"),
        "campaign-contacts": await records.made("/campaign-contacts/", **keys),
    }  # fmt: skip
    base = {"contacts": {"manychat_id": "MC-9"}, "campaign-contacts": keys}.get(
        resource.name, {"name": "x"}
    )
    wrong = []
    for field, value in product(resource.body.model_fields, ODD):
        for method, path, body in (
            ("POST", f"/{resource.name}/", base | {field: value}),
            ("PATCH", f"/{resource.name}/{rows[resource.name]['id']}", {field: value}),
        ):
            answer = await records(method, path, body)
            if answer.status >= 500 or answer.error:
                wrong.append((method, field, value, answer.status, answer.content[:80]))
    assert wrong == []


@pytest.mark.parametrize("resource", RESOURCES, ids=lambda one: one.name)
async def test_no_filter_is_a_server_error(records: Records, resource: Any) -> None:
    names = (*FILTERS[resource.name], "sort", "page", "size", "other")
    for name, query in product(names, ODD_QUERIES):
        answer = await records("GET", f"/{resource.name}/?{name}={query}")
        assert answer.status in {200, 422}, (name, query, answer.content)
