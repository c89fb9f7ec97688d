"""The doctor names each part, what is wrong with it, and what to do."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import responses
from sqlalchemy import event
from typer.testing import CliRunner

from bridge import doctor
from bridge.cli import app
from bridge.doctor import examining, hops
from bridge.doctor import odoo as doctor_odoo
from bridge.doctor.api import api
from bridge.doctor.check import CURES, Check, checked
from bridge.errors import AwayError, BridgeError, SettingsError, TransientError
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.settings import Settings, load_settings
from tests.unit.about_the_code.sources import python

ODOO = "http://odoo.test"
RPC = f"{ODOO}/jsonrpc"
API = "http://127.0.0.1:18999"
HEALTH = {"version": "1.0.0", "series": "18.0", "mappings": 15}
WELL = {"queue": {"status": "ok"}, "mirror": {"status": "ok"}, "odoo": {"status": "ok"}}


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

    def waiting_seconds(self) -> float:
        return 2.0


def checks(settings: Settings) -> dict[str, Check]:
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

    monkeypatch.setattr(examining, "queues", away)  # a real dead port takes seconds
    monkeypatch.setattr(examining, "may_use_queues", away)
    found = checks(settings)

    asked = {part: check for part, check in found.items() if check.code != "not_asked"}
    advice = {part: check.advice for part, check in asked.items() if not check.ok}
    # each that is away is told once, not again by what depends on it
    assert set(advice) == {"names", "queue storage", "mirror", "odoo", "api"}
    assert set(asked) - set(advice) == {"settings", "driver", "certificates", "clocks"}
    assert "storage account" in advice["queue storage"]
    assert "db upgrade" in advice["mirror"]
    assert "no tables" in found["mirror"].says
    assert found["mirror rights"].line == ("--   mirror rights  not asked -> mend mirror first")
    assert "DNS" in advice["names"]
    assert "start Odoo" in advice["odoo"]
    assert found["odoo rights"].advice == "mend odoo first"
    assert found["hop crm"].advice == "mend mirror first"
    assert "bridge serve" in advice["api"]
    assert all("s3cret" not in check.line for check in found.values())


def test_all_green_when_all_is_up(
    settings: Settings, net: responses.RequestsMock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.from_settings(settings)
    upgrade(store.engine)
    store.close()
    monkeypatch.setattr(examining, "QueueReader", HealthyReader)
    monkeypatch.setattr(hops, "QueueReader", HealthyReader)
    monkeypatch.setattr(examining.queue_rights, "exercise", lambda _settings, _name: None)
    monkeypatch.setattr(examining, "hosts", lambda _settings: ["localhost"])
    for value in ({"server_version": "18.0"}, 7, HEALTH, [], *[False] * 5):
        net.post(RPC, json=answer(value))
    for path in ("health", "ready"):
        net.get(f"{API}/{path}", json={"status": "ok"})
    net.get(f"{API}/api/v1/reports/health", json={"parts": WELL})

    found = checks(settings)

    assert all(check.ok for check in found.values()), found
    assert "manychat-contact-queue 3" in found["queue storage"].says
    assert "Odoo 18.0" in found["odoo"].says
    assert "miasalud_crm 1.0.0, 15 stage mappings" in found["odoo addon"].says
    assert re.search(r"all \d\d tables", found["mirror rights"].says)


def test_a_schema_of_another_release_is_told(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.from_settings(settings)
    upgrade(store.engine)
    assert checked("mirror", lambda: examining.mirror(settings)).ok
    monkeypatch.setattr(examining, "head_revision", lambda: "9999")
    check = checked("mirror", lambda: examining.mirror(settings))
    assert check.says.startswith("schema_outdated")
    assert "9999" in check.says
    store.close()


def test_a_busy_mirror_is_not_taken_for_missing_rights(settings: Settings) -> None:
    store = Store.from_settings(settings)
    upgrade(store.engine)

    @event.listens_for(store.engine, "before_cursor_execute")
    def refuse(*call: Any) -> None:
        if call[2].startswith("UPDATE"):
            raise TransientError("mirror_busy", "sqlite")

    check = checked("mirror rights", lambda: str(examining.mirror_rights.exercise(store)))
    assert (check.code, "again" in check.advice) == ("mirror_busy", True)
    store.close()


@pytest.mark.parametrize("verb", ["INSERT", "UPDATE", "DELETE"])
def test_a_login_that_may_not_write_one_table_is_told(settings: Settings, verb: str) -> None:
    store = Store.from_settings(settings)
    upgrade(store.engine)

    @event.listens_for(store.engine, "before_cursor_execute")
    def refuse(*call: Any) -> None:
        if re.match(rf'{verb}\b.*"?Ledger\b', call[2], re.DOTALL):
            raise AwayError("mirror_refused")

    check = checked("mirror rights", lambda: str(examining.mirror_rights.exercise(store)))
    assert check.says == f"mirror_no_write ({verb} Ledger: mirror_refused)"
    assert "db_datawriter" in check.advice
    store.close()


def test_looking_at_the_rights_changes_nothing(settings: Settings) -> None:
    store = Store.from_settings(settings)
    upgrade(store.engine)
    written: list[str] = []

    @event.listens_for(store.engine, "commit")
    def note(_connection: Any) -> None:
        written.append("committed")

    assert examining.mirror_rights.exercise(store) > 15
    assert written == []
    store.close()


@pytest.mark.parametrize(
    ("driver", "code"),
    [
        ("ODBC Driver 18 for SQL Server", ""),
        ("ODBC Driver 17 for SQL Server", "driver_missing"),
        ("/opt/none/libmsodbcsql.so", "driver_missing"),
        ("/bin/sh", ""),
        ("", "driver_missing"),
    ],
)
def test_a_driver_that_is_not_installed_is_named(
    monkeypatch: pytest.MonkeyPatch, driver: str, code: str
) -> None:
    there = SimpleNamespace(drivers=lambda: ["ODBC Driver 18 for SQL Server"])
    monkeypatch.setitem(sys.modules, "pyodbc", there)
    wanted = on_sql_server(driver)
    check = checked("driver", lambda: examining.mirror_rights.driver_of(wanted))
    assert check.code == code
    assert driver in check.says
    assert "secret" not in check.line
    assert examining.hosts(wanted) == ["db.test"]


def test_without_the_odbc_manager_no_driver_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyodbc", None)
    wanted = on_sql_server("ODBC Driver 18 for SQL Server")
    check = checked("driver", lambda: examining.mirror_rights.driver_of(wanted))
    assert (check.code, "unixodbc" in check.says) == ("driver_missing", True)


def on_sql_server(driver: str) -> Settings:
    url = f"mssql+pyodbc://sa:secret@db.test/m?driver={driver}"
    return load_settings(_env_file=None, api_key="k", database_url=url)


def test_every_code_that_the_doctor_raises_has_a_cure() -> None:
    texts = [s.text for s in python("bridge") if s.path.startswith("bridge/doctor/")]
    texts += [s.text for s in python("bridge") if s.path.endswith("/rights.py")]
    raised = set(re.findall(r'raise (?:Finding|AwayError)\(\s*"(\w+)"', "".join(texts)))
    assert len(raised) > 10
    assert raised <= CURES.keys()


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

    check = checked("odoo addon", ask)
    assert not check.ok
    assert word in check.advice


@pytest.fixture
def client(settings: Settings, net: responses.RequestsMock) -> OdooClient:
    net.post(RPC, json=answer(7))
    return OdooClient.from_settings(settings)


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"version": "0.9.4"}, "addon_other_version"),
        ({"version": "1.1.0"}, "addon_other_version"),
        ({"version": None}, "addon_other_version"),
        ({"mappings": 0}, "no_mappings"),
        ({"version": "1.0.7"}, ""),
    ],
)
def test_an_addon_of_another_release_or_without_rules_is_told(
    client: OdooClient, net: responses.RequestsMock, told: dict[str, Any], code: str
) -> None:
    net.post(RPC, json=answer(HEALTH | told))
    net.post(RPC, json=answer([]))
    assert checked("odoo addon", lambda: doctor_odoo.addon(client)).code == code


def test_the_wanted_addon_is_the_one_of_this_checkout() -> None:
    manifest = (Path(__file__).parents[3] / "miasalud_crm/__manifest__.py").read_text()
    assert f'"version": "{doctor_odoo.WANTED_ADDON}"' in manifest


def test_rights_that_are_too_wide_are_named(
    client: OdooClient, net: responses.RequestsMock
) -> None:
    for may in (True, False, False, False, True):
        net.post(RPC, json=answer(may))
    check = checked("odoo rights", lambda: doctor_odoo.rights(client))
    assert check.code == "rights_too_wide"
    assert "write crm.lead, write manychat.stage.mapping" in check.says
    assert "portal user" in check.advice


def test_rights_that_are_too_narrow_are_named(
    client: OdooClient, net: responses.RequestsMock
) -> None:
    error = {"data": {"name": "odoo.exceptions.AccessError", "message": "no"}}
    net.post(RPC, json={"jsonrpc": "2.0", "id": 1, "error": error})
    check = checked("odoo addon", lambda: doctor_odoo.addon(client))
    assert check.code == "odoo_no_rights"
    assert "group" in check.advice


def test_an_api_that_is_alive_but_not_ready_is_told_apart(
    settings: Settings, net: responses.RequestsMock
) -> None:
    net.get(f"{API}/health", json={})
    net.get(f"{API}/ready", status=503)
    check = checked("api", lambda: api(settings))
    assert check.says == f"api_not_ready ({API}, health 200, ready 503)"


@pytest.mark.parametrize(
    ("part", "code", "word"),
    [("queue", "api_only_inbox", "inbox"), ("mirror", "api_part_away", "the API's settings")],
)
def test_an_api_that_is_ready_without_one_of_its_parts_is_not_well(
    settings: Settings, net: responses.RequestsMock, part: str, code: str, word: str
) -> None:
    for path in ("health", "ready"):
        net.get(f"{API}/{path}", json={})
    parts = WELL | {part: {"status": "away", "code": f"{part}_gone"}}
    net.get(f"{API}/api/v1/reports/health", json={"parts": parts}, status=503)
    check = checked("api", lambda: api(settings))
    assert check.code == code
    assert f"{part}_gone" in check.says
    assert word in check.advice
    assert net.calls[-1].request.headers["X-API-KEY"] == "key"


@pytest.mark.parametrize("status", [401, 403])
def test_an_api_that_knows_another_key_says_so(
    settings: Settings, net: responses.RequestsMock, status: int
) -> None:
    for path in ("health", "ready"):
        net.get(f"{API}/{path}", json={})
    net.get(f"{API}/api/v1/reports/health", json={"parts": 0}, status=status)
    check = checked("api", lambda: api(settings))
    assert check.code == "api_key_refused"
    assert "rotated" in check.advice


def test_an_api_that_reports_nonsense_is_not_well(
    settings: Settings, net: responses.RequestsMock
) -> None:
    for path in ("health", "ready", "api/v1/reports/health"):
        net.get(f"{API}/{path}", body="<html>")
    assert checked("api", lambda: api(settings)).code == "api_not_ready"


@pytest.fixture
def examined(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def use(*found: Check) -> None:
        monkeypatch.setattr(doctor, "examine", lambda: iter(found))

    return use


def test_the_command_exits_1_when_a_part_is_bad(examined: Callable[..., None]) -> None:
    examined(Check("settings", True, "fine"), Check("odoo", False, "away", "start it"))
    done = CliRunner().invoke(app, ["doctor"])
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "OK   settings       fine",
        "BAD  odoo           away -> start it",
    ]


def test_the_command_exits_0_when_all_is_well(examined: Callable[..., None]) -> None:
    examined(Check("settings", True, "fine"))
    assert CliRunner().invoke(app, ["doctor"]).exit_code == 0


def test_json_is_one_array_and_nothing_else(examined: Callable[..., None]) -> None:
    examined(Check("odoo", False, "away", "start it", "odoo_unreachable"))
    done = CliRunner().invoke(app, ["doctor", "--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout) == [
        {"part": "odoo", "ok": False, "says": "away", "advice": "start it",
         "code": "odoo_unreachable"}
    ]  # fmt: skip
