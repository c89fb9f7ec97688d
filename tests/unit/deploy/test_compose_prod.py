"""The compose file for production: its schema, its secrets, and the commands it runs."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from bridge.settings import Settings
from bridge.workers.parts import NAMES
from bridge.workers.runner import GRACE_SECONDS
from tests.unit.about_the_code.sources import ROOT, SECRET_NAME, read
from tests.unit.about_the_code.test_compose import VARIABLE, schema_errors

COMPOSE = "docker/docker-compose.prod.yml"
REQUIRED = {
    "API_KEY", "WEBHOOK_API_KEY", "AZURE_STORAGE_CONNECTION_STRING", "DATABASE_URL",
    "ODOO_URL", "ODOO_DB", "ODOO_USERNAME", "ODOO_PASSWORD",
}  # fmt: skip
GUNICORNS = {"WEB_CONCURRENCY"}
# Variables of the settings that a container on one's own machine does without, and why.
NOT_PASSED = {
    "AZURE_STORAGE_ACCOUNT_URL": "there is no managed identity outside Azure",
    "USE_KEY_VAULT": "there is no managed identity outside Azure",
    "KEY_VAULT_NAME": "there is no managed identity outside Azure",
    "ODOO_HOME": "a path of the host, for make demo and make test",
    "WORKER_HEALTH_PORT": "the workers' alone",
}

Compose = dict[str, Any]


def compose() -> Compose:
    loaded: Compose = yaml.safe_load(read(COMPOSE).text)
    return loaded


def lax_variables(file: Compose) -> list[str]:
    """Required variables and secrets that compose would start without."""
    wrong = []
    for name, service in file["services"].items():
        given = service["environment"]
        for variable in REQUIRED:
            used = VARIABLE.findall(str(given.get(variable)))
            if not used or not all(rest.startswith(":?") and len(rest) > 3 for _, rest in used):
                wrong.append(f"{name}: {variable}")
        wrong += [
            f"{name}: {variable}"
            for variable, value in given.items()
            if SECRET_NAME.search(variable) and value is not None and variable not in REQUIRED
        ]
    return wrong


def test_it_follows_the_specification() -> None:
    assert schema_errors(ROOT / COMPOSE) == ""


def test_nothing_starts_without_what_it_needs() -> None:
    assert lax_variables(compose()) == []


def test_each_container_gets_every_setting_and_nothing_else() -> None:
    settings = {name.upper() for name in Settings.model_fields}
    for name, service in compose()["services"].items():
        given = set(service["environment"]) - GUNICORNS
        assert given <= settings, name
        assert settings - given <= set(NOT_PASSED), name


def test_each_hop_has_a_container_that_runs_its_command() -> None:
    services = compose()["services"]
    assert set(services) == {"migrate", "api", *NAMES}
    for name in NAMES:
        assert services[name]["command"] == ["python", "-m", "bridge", "worker", name]
    assert services["migrate"]["command"] == ["python", "-m", "bridge", "db", "upgrade"]
    for service in services.values():
        assert (ROOT / "docker" / service["build"]["context"]).resolve() == ROOT
        assert (ROOT / service["build"]["dockerfile"]).is_file()


def test_each_container_is_confined_watched_and_given_time_to_end() -> None:
    for name, service in compose()["services"].items():
        assert service["read_only"] is True, name
        assert (service["cap_drop"], service["tmpfs"]) == (["ALL"], ["/tmp"]), name  # noqa: S108
        if name == "migrate":
            assert service["restart"] == "no"
            continue
        assert service["restart"] == "unless-stopped"
        assert service["healthcheck"]["test"][:3] == ["CMD", "python", "/app/probe.py"]
        assert int(service["stop_grace_period"].removesuffix("s")) > GRACE_SECONDS
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("value", ["swordfish", "${API_KEY:-swordfish}", "${API_KEY}", None])
def test_a_variable_that_may_be_missing_is_seen(value: str | None) -> None:
    file = compose()
    file["services"]["api"]["environment"] = {
        **file["services"]["api"]["environment"],
        "API_KEY": value,
    }
    assert lax_variables(file) == ["api: API_KEY"]
