"""The JSON-RPC adapter: what it sends, and which class each failure gets."""

from __future__ import annotations

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import responses

from bridge.errors import AwayError, BridgeError, BusyError, TransientError
from bridge.odoo.client import OdooClient

URL = "http://odoo.test:8069"
RPC = f"{URL}/jsonrpc"


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


@pytest.fixture
def client() -> OdooClient:
    return OdooClient(URL + "/", "crm", "bridge", "s3cret-key")


def result(value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": value}


def fault(name: str, message: str = "SECRET-REMOTE-TEXT") -> dict[str, Any]:
    data = {"name": name, "message": message, "debug": "Traceback SECRET"}
    return {"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": "x", "data": data}}


def calls(net: responses.RequestsMock) -> list[tuple[str, list[Any]]]:
    sent = [json.loads(call.request.body)["params"] for call in net.calls]
    return [(params["method"], params["args"]) for params in sent]


def test_one_login_serves_many_calls(net: responses.RequestsMock, client: OdooClient) -> None:
    for answer in (7, ["a"], ["b"]):
        net.post(RPC, json=result(answer))

    assert client.call("crm.lead", "manychat_sync", [{"event_id": "e"}]) == ["a"]
    assert client.call("crm.lead", "search", [], limit=2) == ["b"]

    event = {"event_id": "e"}
    assert calls(net) == [
        ("authenticate", ["crm", "bridge", "s3cret-key", {}]),
        ("execute_kw", ["crm", 7, "s3cret-key", "crm.lead", "manychat_sync", [[event]], {}]),
        ("execute_kw", ["crm", 7, "s3cret-key", "crm.lead", "search", [[]], {"limit": 2}]),
    ]  # fmt: skip


def test_a_method_that_returns_nothing_gives_none(
    net: responses.RequestsMock, client: OdooClient
) -> None:
    net.post(RPC, json=result(7))
    net.post(RPC, json={"jsonrpc": "2.0", "id": 1})
    assert client.call("crm.lead", "noop") is None


def test_a_refused_uid_is_worth_one_more_login(
    net: responses.RequestsMock, client: OdooClient
) -> None:
    for answer in (result(7), fault("odoo.exceptions.AccessDenied"), result(8), result("done")):
        net.post(RPC, json=answer)
    assert client.call("crm.lead", "x") == "done"
    assert [method for method, _ in calls(net)] == [
        "authenticate", "execute_kw", "authenticate", "execute_kw"
    ]  # fmt: skip


def test_a_login_that_stays_refused_is_away(
    net: responses.RequestsMock, client: OdooClient
) -> None:
    net.post(RPC, json=result(False))
    with pytest.raises(AwayError, match="odoo_login_refused"):
        client.call("crm.lead", "x")


@pytest.mark.parametrize(
    ("answer", "cls", "code"),
    [
        ({"body": requests.ConnectTimeout("x")}, AwayError, "odoo_unreachable"),
        ({"body": requests.ConnectionError("SECRET-REMOTE-TEXT")}, AwayError, "odoo_unreachable"),
        ({"body": requests.ReadTimeout("x")}, TransientError, "odoo_timeout"),
        ({"body": requests.exceptions.ChunkedEncodingError()}, TransientError, "odoo_no_answer"),
        ({"status": 429}, BusyError, "odoo_busy"),
        ({"status": 503, "headers": {"Retry-After": "9"}}, BusyError, "odoo_busy"),
        ({"status": 502}, AwayError, "odoo_http_502"),
        ({"status": 504}, AwayError, "odoo_http_504"),
        ({"status": 404}, AwayError, "odoo_http_404"),
        ({"status": 500}, TransientError, "odoo_http_500"),
        ({"body": "<html>"}, TransientError, "odoo_bad_answer"),
        ({"json": [1]}, TransientError, "odoo_bad_answer"),
        ({"json": fault("odoo.exceptions.AccessError")}, AwayError, "odoo_no_rights"),
        ({"json": fault("psycopg2.OperationalError")}, AwayError, "odoo_no_database"),
        (
            {"json": fault("builtins.AttributeError", "The method 'crm.lead.x' does not exist")},
            AwayError,
            "odoo_addon_missing",
        ),
        (
            {"json": fault("odoo.exceptions.UserError", "Object crm.lead doesn't exist")},
            AwayError,
            "odoo_addon_missing",
        ),
        ({"json": fault("builtins.AttributeError")}, TransientError, "odoo_attribute_error"),
        (
            {"json": fault("odoo.exceptions.ValidationError")},
            TransientError,
            "odoo_validation_error",
        ),
        (
            {"json": fault("psycopg2.errors.SerializationFailure")},
            TransientError,
            "odoo_serialization_failure",
        ),
        ({"json": {"error": "what"}}, TransientError, "odoo_unknown_error"),
    ],
)
def test_each_failure_has_its_class_and_no_remote_text(
    net: responses.RequestsMock,
    client: OdooClient,
    answer: dict[str, Any],
    cls: type[BridgeError],
    code: str,
) -> None:
    net.post(RPC, json=result(7))
    net.post(RPC, **answer)
    with pytest.raises(BridgeError) as caught:
        client.call("crm.lead", "x", "Begoña")
    assert type(caught.value) is cls
    assert caught.value.code == code
    shown = "".join(traceback.format_exception(caught.value))
    assert "SECRET-REMOTE" not in shown
    assert "s3cret-key" not in shown


def test_the_pause_that_odoo_asks_for_is_kept(
    net: responses.RequestsMock, client: OdooClient
) -> None:
    net.post(RPC, status=503, headers={"Retry-After": "9"})
    with pytest.raises(BusyError) as caught:
        client.version()
    assert caught.value.retry_after == 9


@pytest.mark.parametrize("answer", [{"status": 500}, {"body": requests.ReadTimeout("x")}])
def test_a_probe_that_fails_always_means_away(
    net: responses.RequestsMock, client: OdooClient, answer: dict[str, Any]
) -> None:
    net.post(RPC, **answer)
    with pytest.raises(AwayError):
        client.ping()


def test_a_probe_logs_in_afresh(net: responses.RequestsMock, client: OdooClient) -> None:
    for answer in (7, 8, "done"):
        net.post(RPC, json=result(answer))
    client.ping()
    client.ping()
    assert client.call("crm.lead", "x") == "done"
    assert calls(net)[2][1][1] == 8


@pytest.mark.parametrize("url", ["", "odoo:8069", "http://"])
def test_a_url_that_is_none_is_away(url: str) -> None:
    with pytest.raises(AwayError, match="odoo_bad_url"):
        OdooClient(url, "crm", "bridge", "x").version()


def test_calls_wait_long_and_probes_do_not(net: responses.RequestsMock, client: OdooClient) -> None:
    net.post(RPC, json=result(7))
    net.post(RPC, json=result("done"))
    client.call("crm.lead", "x")
    timeouts = [call.request.req_kwargs["timeout"] for call in net.calls]  # type: ignore[attr-defined]
    assert timeouts == [(3, 10), (5, 75)]
