"""The compose file, checked without an engine: its schema, and our own rules."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import make_url

from bridge.queue.connect import worker_client
from bridge.queue.names import CONTACT_QUEUE
from bridge.settings import Settings
from tests.unit.about_the_code.sources import ROOT, SECRET_NAME, read, run

COMPOSE = "docker-compose.yml"
OURS = {"api", "workers", "mirror-init"}
ONCE = {"odoo-init", "sqlserver-init", "mirror-init"}

# Variables of the settings that a development container does without, and why.
NOT_PASSED = {
    "AZURE_STORAGE_ACCOUNT_URL": "Azurite is reached by connection string",
    "USE_KEY_VAULT": "a vault belongs to Azure",
    "KEY_VAULT_NAME": "a vault belongs to Azure",
    "ODOO_HOME": "a path of the host, for make demo and make test",
    "MANYCHAT_API_TOKEN": "development never writes to the real ManyChat",
    "MANYCHAT_API_URL": "of no use without the token",
    "APPLICATIONINSIGHTS_CONNECTION_STRING": "development reports to nobody",
    "WORKER_HEALTH_PORT": "the workers' alone",
}
VARIABLE = re.compile(r"(?<!\$)\$\{?([A-Z][A-Z0-9_]*)((?::?[-?+])[^}]*)?\}?")

Compose = dict[str, Any]


def schema_errors(path: Path) -> str:
    checked = run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", str(path))
    return "" if checked.ok else checked.output


def compose() -> Compose:
    loaded: Compose = yaml.safe_load(read(COMPOSE).text)
    return loaded


def new_secrets() -> dict[str, str]:
    lines: list[str] = runpy.run_path(str(ROOT / "docker/new_secrets.py"))["lines"]()
    return dict(tuple(line.split("=", 1)) for line in lines)


def substituted(text: str | None, given: dict[str, str]) -> str | None:
    """A value as compose would give it, without any .env but `given`."""
    if text is None:
        return None
    return VARIABLE.sub(lambda m: given.get(m[1]) or m[2].removeprefix(":-"), str(text))


def careless_services(file: Compose) -> list[str]:
    """Services without health check or restart, waiting for nobody, or open to the network."""
    wrong = []
    services = file["services"]
    for name, service in services.items():
        if name in ONCE:
            if service.get("restart") != "no":
                wrong.append(f"{name}: runs once, but would be restarted")
        else:
            if not service.get("healthcheck", {}).get("test"):
                wrong.append(f"{name}: no health check")
            if service.get("restart") != "unless-stopped":
                wrong.append(f"{name}: is not restarted")
        for port in service.get("ports", []):
            if not str(port).startswith("127.0.0.1:"):
                wrong.append(f"{name}: port {port} is open to the network")
        wrong += _waiting(name, service, services)
        wrong += _volumes(name, service, file.get("volumes", {}))
    return wrong


def _waiting(name: str, service: Compose, services: Compose) -> list[str]:
    wrong = []
    for other, how in service.get("depends_on", {}).items():
        wanted = "service_completed_successfully" if other in ONCE else "service_healthy"
        if other not in services or how.get("condition") != wanted:
            wrong.append(f"{name}: waits for {other} in a way that cannot be")
    return wrong


def _volumes(name: str, service: Compose, named: Compose) -> list[str]:
    wrong = []
    for volume in service.get("volumes", []):
        source = volume.split(":")[0]
        exists = (ROOT / source).exists() if source.startswith(".") else source in named
        if not exists:
            wrong.append(f"{name}: there is no {source}")
    return wrong


def open_secrets(file: Compose) -> list[str]:
    """Secrets that are written down, or that have a default: they must stop compose when unset."""
    wrong = []
    for name, service in file["services"].items():
        for variable, value in service.get("environment", {}).items():
            if not SECRET_NAME.search(variable) or value is None:
                continue  # a name without a value is passed on
            used = VARIABLE.findall(str(value))
            if not used or not all(rest.startswith(":?") for _, rest in used):
                wrong.append(f"{name}: {variable}")
    return wrong


def bridge_variables(file: Compose) -> dict[str, set[str]]:
    return {name: set(file["services"][name]["environment"]) for name in OURS}


def test_the_compose_file_follows_the_specification() -> None:
    assert schema_errors(ROOT / COMPOSE) == ""


def test_every_service_is_watched_restarted_and_on_loopback() -> None:
    assert careless_services(compose()) == []


def test_the_parts_of_the_road_are_there() -> None:
    services = compose()["services"]
    images = {name: str(service.get("image", "")) for name, service in services.items()}
    assert images["odoo"] == "odoo:18"
    assert images["postgres"].startswith("postgres:")
    assert "/azurite:" in images["azurite"]
    assert "/mssql/server:2022" in images["sqlserver"]
    assert set(images) >= {"api", "workers"}
    for name in OURS:
        assert (ROOT / services[name]["build"]["dockerfile"]).is_file()


def test_a_missing_secret_stops_compose() -> None:
    assert open_secrets(compose()) == []


def test_every_secret_that_compose_asks_for_is_made_by_new_secrets() -> None:
    asked = {name for name, rest in VARIABLE.findall(read(COMPOSE).text) if rest.startswith(":?")}
    made, other = new_secrets(), new_secrets()
    assert asked <= set(made)
    assert all(re.fullmatch(r"[A-Za-z0-9-]{32,}", value) for value in made.values())
    assert all(made[name] != other[name] for name in made)


def test_a_bridge_container_gets_every_setting_and_nothing_else() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    assert set(NOT_PASSED) <= settings
    for name, given in bridge_variables(compose()).items():
        assert given <= settings, name
        assert settings - given <= set(NOT_PASSED), name


def test_what_a_bridge_container_gets_can_be_used() -> None:
    given = new_secrets()
    for name in OURS:
        environment = compose()["services"][name]["environment"]
        values = {key.lower(): substituted(text, given) for key, text in environment.items()}
        settings = Settings(_env_file=None, **{k: v for k, v in values.items() if v is not None})

        url = make_url(settings.database_url.get_secret_value())
        assert (url.get_backend_name(), url.host, url.database) == (
            "mssql", "sqlserver", "miasalud",
        )  # fmt: skip
        assert url.password == given["MSSQL_SA_PASSWORD"]
        assert url.query["driver"] == "ODBC Driver 18 for SQL Server"
        client = worker_client(settings, CONTACT_QUEUE)
        assert client.url == f"http://azurite:10001/miasalud/{CONTACT_QUEUE}"


def _without(*path: str) -> Callable[[Compose], None]:
    def change(file: Compose) -> None:
        for key in path[:-1]:
            file = file[key]
        del file[path[-1]]

    return change


def _with(value: Any, *path: str) -> Callable[[Compose], None]:
    def change(file: Compose) -> None:
        for key in path[:-1]:
            file = file[key]
        file[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _with("loud", "services", "api", "volume"),
        _with(["azurite"], "services", "api", "healthcheck"),
        _with("sometimes", "services", "api", "depends_on", "azurite", "condition"),
    ],
)
def test_a_compose_file_against_the_specification_is_refused(
    change: Callable[[Compose], None], tmp_path: Path
) -> None:
    file = compose()
    change(file)
    path = tmp_path / "docker-compose.yml"
    path.write_text(yaml.safe_dump(file))
    assert schema_errors(path)


@pytest.mark.parametrize(
    "change",
    [
        _without("services", "azurite", "healthcheck"),
        _without("services", "api", "restart"),
        _with("always", "services", "mirror-init", "restart"),
        _with(["8000:8000"], "services", "api", "ports"),
        _with({"nobody": {"condition": "service_healthy"}}, "services", "api", "depends_on"),
        _without("volumes", "odoo-data"),
    ],
)
def test_a_careless_service_is_seen(change: Callable[[Compose], None]) -> None:
    file = compose()
    change(file)
    assert careless_services(file)


@pytest.mark.parametrize("value", ["swordfish", "${API_KEY:-swordfish}", "${API_KEY}"])
def test_a_written_down_secret_is_seen(value: str) -> None:
    file = compose()
    file["services"]["api"]["environment"] = {"API_KEY": value}
    assert open_secrets(file) == ["api: API_KEY"]
