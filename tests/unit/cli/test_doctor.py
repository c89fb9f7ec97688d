"""The doctor names each part, what is wrong with it, and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
from typer.testing import CliRunner

from bridge import doctor
from bridge.cli import app
from bridge.errors import AwayError, BridgeError, SettingsError
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import Settings, load_settings

ODOO = "http://odoo.test"
RPC = f"{ODOO}/jsonrpc"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(
        _env_file=None,
        api_key="key",
        database_url=f"sqlite:///{tmp_path / 'mirror.db'}",
        azure_storage_connection_string="DefaultEndpointsProtocol=http;AccountName=a;"
        "AccountKey=a2V5;QueueEndpoint=http://127.0.0.1:9/a;",
        odoo_url=ODOO,
        odoo_db="crm",
        odoo_username="bridge",
        odoo_password="s3cret",
        port=18999,
    )


@pytest.fixture
def net() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        yield mock


class HealthyReader:
    def __init__(self, _settings: Settings, name: str) -> None:
        self.name = name

    def depth(self) -> int:
        return 3


def checks(settings: Settings) -> dict[str, doctor.Check]:
    return {check.part: check for check in doctor.examine(lambda: settings)}


def answer(value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "result": value}


def test_wrong_settings_are_named_and_every_other_part_still_gets_its_line() -> None:
    def load() -> Settings:
        raise SettingsError("API_KEY: is required")

    found = list(doctor.examine(load))
    assert [check.part for check in found] == list(doctor.PARTS)
    assert not any(check.ok for check in found)
    assert "API_KEY: is required" in found[0].line


def test_every_stopped_part_says_what_to_do(
    settings: Settings, net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_settings: Settings) -> str:
        raise AwayError("queue_unreachable")

    monkeypatch.setattr(doctor, "_queues", away)  # a real dead port takes seconds
    found = checks(settings)

    assert found["settings"].ok
    advice = {part: check.advice for part, check in found.items() if not check.ok}
    assert set(advice) == set(doctor.PARTS) - {"settings"}
    assert "storage account" in advice["queue storage"]
    assert "db upgrade" in advice["mirror"]
    assert "no tables" in found["mirror"].says
    assert "start Odoo" in advice["odoo"]
    assert "start Odoo" in advice["odoo login"]
    assert "bridge serve" in advice["api"]
    assert not net.calls or all("s3cret" not in check.line for check in found.values())


def test_all_green_when_all_is_up(
    settings: Settings, net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "QueueReader", HealthyReader)
    monkeypatch.setattr(doctor, "_mirror", lambda _settings: "sqlite answers")
    health = {"version": "1.0.0", "series": "18.0", "mappings": 15}
    for value in ({"server_version": "18.0"}, 7, health, []):
        net.post(RPC, json=answer(value))
    for path in ("health", "ready"):
        net.get(f"http://127.0.0.1:18999/{path}", json={"status": "ok"})

    found = checks(settings)

    assert all(check.ok for check in found.values()), found
    assert "manychat-contact-queue 3" in found["queue storage"].says
    assert "Odoo 18.0" in found["odoo"].says
    assert "miasalud_crm 1.0.0, 15 stage mappings" in found["odoo addon"].says


def test_a_schema_of_another_release_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.from_settings(settings)
    upgrade(store.engine)
    assert doctor._checked("mirror", lambda: doctor._mirror(settings)).ok
    monkeypatch.setattr(doctor, "head_revision", lambda: "9999")
    check = doctor._checked("mirror", lambda: doctor._mirror(settings))
    assert check.says.startswith("schema_outdated")
    assert "9999" in check.says
    store.close()


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("odoo_login_refused", "ODOO_PASSWORD"),
        ("odoo_no_database", "ODOO_DB"),
        ("odoo_addon_missing", "install the addon"),
        ("odoo_no_rights", "group"),
        ("odoo_bad_url", "ODOO_URL"),
        ("queue_refused", "role"),
        ("schema_missing", "db upgrade"),
        ("never_heard_of", "Odoo's log"),
    ],
)
def test_each_failure_has_an_advice(code: str, word: str) -> None:
    def ask() -> str:
        raise BridgeError(code)

    check = doctor._checked("odoo addon", ask)
    assert not check.ok
    assert word in check.advice


def test_an_api_that_is_alive_but_not_ready_is_told_apart(
    settings: Settings, net: responses.RequestsMock
) -> None:
    net.get("http://127.0.0.1:18999/health", json={})
    net.get("http://127.0.0.1:18999/ready", status=503)
    check = doctor._checked("api", lambda: doctor._api(settings))
    assert check.says == "api_not_ready (http://127.0.0.1:18999, health 200, ready 503)"


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(*found: doctor.Check) -> None:
        monkeypatch.setattr(doctor, "examine", lambda: iter(found))

    return use


def test_the_command_exits_1_when_a_part_is_bad(examined: Callable[..., None]) -> None:
    examined(
        doctor.Check("settings", True, "fine"), doctor.Check("odoo", False, "away", "start it")
    )
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "OK   settings       fine",
        "BAD  odoo           away -> start it",
    ]


def test_the_command_exits_0_when_all_is_well(examined: Callable[..., None]) -> None:
    examined(doctor.Check("settings", True, "fine"))
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_json_is_one_array_and_nothing_else(examined: Callable[..., None]) -> None:
    examined(doctor.Check("odoo", False, "away", "start it"))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout) == [
        {"part": "odoo", "ok": False, "says": "away", "advice": "start it"}
    ]
