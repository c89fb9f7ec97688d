"""The OpenAPI document is whole, and what it lists is closed to whoever has no right key."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bridge.api.app import create_app

DOCUMENT = create_app().openapi()
SCHEMAS = DOCUMENT["components"]["schemas"]
ROUTES = [
    (method.upper(), path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
]
OPEN = {"/health", "/ready", "/api/v1/health", "/api/v1/ready"}
FLOW = re.compile(r"/(manychat|crm)/webhook/|/manychat/contacts/|/verificar-contacto$")
IDS = [f"{method} {path}" for method, path, _ in ROUTES]
every_route = pytest.mark.parametrize(("method", "path", "operation"), ROUTES, ids=IDS)


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    return SCHEMAS[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def shows(media: dict[str, Any]) -> bool:
    """Whether the content has an example: its own, its model's, or those of a page's rows."""
    schema = resolved(media.get("schema", {}))
    if "items" in schema.get("properties", {}):
        schema = resolved(schema["properties"]["items"]["items"])
    if schema.get("type") == "array":
        schema = resolved(schema["items"])
    return "example" in media or "examples" in media or "example" in schema


@every_route
def test_every_route_has_a_tag_a_summary_and_a_description(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    assert operation["tags"]
    assert operation["summary"]
    assert operation["description"]


def test_no_two_operations_have_the_same_summary() -> None:
    at_two_addresses = {f"/api/v1{path}" for _, path, _ in ROUTES}
    summaries = [told["summary"] for _, path, told in ROUTES if path not in at_two_addresses]
    assert len(summaries) == len(ROUTES) - len({path for _, path, _ in ROUTES} & at_two_addresses)
    assert [text for text in summaries if summaries.count(text) > 1] == []


@every_route
def test_every_body_and_answer_has_an_example(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    contents = [operation.get("requestBody", {}).get("content", {})]
    contents += [answer.get("content", {}) for answer in operation["responses"].values()]
    without = [kind for content in contents for kind, media in content.items() if not shows(media)]
    assert without == []


@every_route
def test_every_route_says_which_keys_open_it_and_what_a_wrong_one_is_told(
    method: str, path: str, operation: dict[str, Any]
) -> None:
    keys = {name for scheme in operation.get("security", []) for name in scheme}
    if path in OPEN:
        assert keys == set()
        return
    flow = bool(FLOW.search(path))
    assert keys == ({"ApiKey", "WebhookKey"} if flow else {"ApiKey"})
    problem = "application/problem+json"
    assert problem in operation["responses"]["401"]["content"]
    assert flow or problem in operation["responses"]["403"]["content"]


@pytest.mark.parametrize(
    ("key", "refusal"), [(None, 401), ("", 401), ("wrong", 401), ("flow-key", 403)]
)
async def test_whoever_has_no_right_key_gets_nothing_from_any_route(
    api: Any, key: str | None, refusal: int
) -> None:
    told = {}
    for method, path, _ in ROUTES:
        if path in OPEN or (key == "flow-key" and FLOW.search(path)):
            continue
        filled = path.replace("{kind}", "contact").replace("{", "").replace("}", "")
        filled = re.sub(r"/id(?=/|$)", "/1", filled)
        answer = await api.call(method, filled, b"{}", key=key)
        told[f"{method} {path}"] = answer.status
    assert len(told) > 30
    assert {route: status for route, status in told.items() if status != refusal} == {}
    assert api.sender.kept == api.inbox.kept == []
