"""Settings: what the environment says, and how a wrong value is named without being shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ClientAuthenticationError, HttpResponseError
from pydantic import SecretStr, ValidationError
from pydantic_settings.sources.providers import azure

from bridge.errors import SettingsError
from bridge.settings import Settings, load_settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
NAMES = {name.upper() for name in Settings.model_fields}
CONTRACT = {
    "API_KEY", "WEBHOOK_API_KEY", "DOCS_PUBLIC", "METRICS_PUBLIC",
    "AZURE_STORAGE_CONNECTION_STRING", "AZURE_STORAGE_ACCOUNT_URL", "DATABASE_URL", "ODOO_URL",
    "ODOO_DB", "ODOO_USERNAME", "ODOO_PASSWORD", "USE_KEY_VAULT", "KEY_VAULT_NAME", "LOG_LEVEL",
    "LOG_FORMAT", "PORT", "WORKER_HEALTH_PORT", "SYNC_INTERVAL", "SYNC_MODE",
    "ODOO_MAX_CALLS_PER_SECOND", "MAX_ATTEMPTS", "TIMEZONE", "DEFAULT_PHONE_REGION",
    "DUMMY_EMAILS", "MANYCHAT_API_TOKEN", "APPLICATIONINSIGHTS_CONNECTION_STRING", "ODOO_HOME",
}  # fmt: skip
OURS = {
    "MANYCHAT_API_URL": "tests and a rehearsal write back to a server of their own",
    "RATE_LIMIT": "a flow in a loop must not fill the queue for everybody",
    "RECONCILE_HOURS": "how often both sides are compared; the contract names no variable for it",
    "RETENTION_DAYS": "how far back the ledger reaches; the contract names no variable for it",
}


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def example() -> dict[str, str]:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))


def test_the_settings_are_those_of_the_contract() -> None:
    assert CONTRACT | OURS.keys() == NAMES


def test_the_example_lists_every_setting_once_with_a_comment() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    names = [line.split("=")[0] for line in lines if re.match(r"[A-Z_]+=", line)]
    assert sorted(names) == sorted(NAMES)
    for before, line in pairwise(lines):
        if re.match(r"[A-Z_]+=", line):
            assert before.startswith("# "), f"{line} has no comment"


def test_the_values_in_the_example_are_the_defaults(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    assert load_settings(api_key="k") == load_settings(api_key="k", _env_file=None)
    given = {name for name, value in example().items() if value}
    silent = {None, "", SecretStr("")}
    with_default = {
        name.upper()
        for name, field in Settings.model_fields.items()
        if not field.is_required() and field.default not in silent
    }
    assert given == with_default


def test_each_variable_fills_its_field(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "API_KEY": " one , two ,", "WEBHOOK_API_KEY": "flow", "DOCS_PUBLIC": "false",
        "METRICS_PUBLIC": "1", "AZURE_STORAGE_CONNECTION_STRING": "cs",
        "AZURE_STORAGE_ACCOUNT_URL": "https://a.queue.example", "DATABASE_URL": "sqlite://",
        "ODOO_URL": "http://odoo", "ODOO_DB": "db", "ODOO_USERNAME": "bridge",
        "ODOO_PASSWORD": "pw", "LOG_LEVEL": "debug", "LOG_FORMAT": "Console", "PORT": "81",
        "WORKER_HEALTH_PORT": "82", "SYNC_INTERVAL": "0.5", "SYNC_MODE": "contacts",
        "ODOO_MAX_CALLS_PER_SECOND": "2.5", "MAX_ATTEMPTS": "3", "TIMEZONE": "UTC",
        "RETENTION_DAYS": "9",
        "DEFAULT_PHONE_REGION": "mx", "DUMMY_EMAILS": "a@b.co", "MANYCHAT_API_TOKEN": "t",
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "ai", "ODOO_HOME": "odoo",
        "KEY_VAULT_NAME": "unused", "NOBODY_KNOWS_THIS": "x",
    }  # fmt: skip
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.api_keys, settings.webhook_api_keys) == (("one", "two"), ("flow",))
    assert (settings.docs_public, settings.metrics_public) == (False, True)
    assert (settings.log_level, settings.log_format) == ("DEBUG", "console")
    assert (settings.port, settings.worker_health_port, settings.sync_interval) == (81, 82, 0.5)
    assert (settings.default_phone_region, str(settings.zone)) == ("MX", "UTC")
    assert settings.odoo_password.get_secret_value() == "pw"
    assert (settings.odoo_max_calls_per_second, settings.max_attempts) == (2.5, 3)
    assert settings.retention_days == 9


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    monkeypatch.setenv("WEBHOOK_API_KEY", "")
    settings = load_settings(api_key="k")
    assert (settings.port, settings.webhook_api_keys) == (8000, ())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("API_KEY", " , "),
        ("PORT", "secret-80"),
        ("PORT", "70000"),
        ("WORKER_HEALTH_PORT", "0"),
        ("DOCS_PUBLIC", "secret-maybe"),
        ("RATE_LIMIT", "secret/minute"),
        ("RATE_LIMIT", "10"),
        ("USE_KEY_VAULT", "secret-maybe"),
        ("TIMEZONE", "Secret/Nowhere"),
        ("TIMEZONE", "/etc/secret"),
        ("DEFAULT_PHONE_REGION", "SECRET"),
        ("LOG_LEVEL", "secret-loud"),
        ("LOG_FORMAT", "secret-xml"),
        ("SYNC_MODE", "secret-both"),
        ("SYNC_INTERVAL", "-0.5"),
        ("SYNC_INTERVAL", "nan"),
        ("MAX_ATTEMPTS", "0"),
        ("RETENTION_DAYS", "0"),
        ("ODOO_MAX_CALLS_PER_SECOND", "-1"),
    ],
)
def test_a_wrong_value_names_its_variable_and_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("API_KEY", "k")
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert caught.value.detail.startswith(f"{name}: ")
    assert value not in str(caught.value).removeprefix(name)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_missing_key_is_named() -> None:
    with pytest.raises(SettingsError, match="API_KEY: is required"):
        load_settings()


def test_every_wrong_variable_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("MAX_ATTEMPTS", "y")
    with pytest.raises(SettingsError, match=r"API_KEY: .*; PORT: .*; MAX_ATTEMPTS: "):
        load_settings()


def test_secrets_do_not_show_in_the_settings_text() -> None:
    settings = load_settings(
        api_key="s3cret", webhook_api_key="s3cret", odoo_password="s3cret",
        database_url="mssql://u:s3cret@h/d", azure_storage_connection_string="s3cret",
        manychat_api_token="s3cret", applicationinsights_connection_string="s3cret",
    )  # fmt: skip
    assert "s3cret" not in repr(settings) + str(settings) + settings.model_dump_json()


class FakeVault:
    """Stands for the SDK's secret client."""

    secrets: Mapping[str, str] = {}
    failure: Exception | None = None

    def __init__(self, vault_url: str, credential: Any) -> None:
        self.url = vault_url
        assert credential is not None

    def list_properties_of_secrets(self) -> Iterator[Any]:
        assert self.url == "https://people.vault.azure.net"
        if self.failure is not None:
            raise self.failure
        for name in self.secrets:
            yield type("Properties", (), {"name": name, "enabled": True})

    def get_secret(self, name: str) -> Any:
        return type("Secret", (), {"value": self.secrets[name]})


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> type[FakeVault]:
    client = type("Vault", (FakeVault,), {})
    monkeypatch.setattr(azure, "import_azure_key_vault", lambda: None)
    monkeypatch.setattr(azure, "SecretClient", client)
    return client


def test_a_key_vault_gives_what_the_environment_does_not(
    vault: type[FakeVault], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    vault.secrets = {"api-key": "from-vault", "odoo-password": "from-vault", "port": "81"}
    (tmp_path / ".env").write_text(
        "USE_KEY_VAULT=true\nKEY_VAULT_NAME=people\nODOO_PASSWORD=from-file\n"
    )
    monkeypatch.setenv("PORT", "82")
    settings = load_settings()
    assert settings.api_keys == ("from-vault",)
    assert settings.odoo_password.get_secret_value() == "from-vault"
    assert settings.port == 82


def test_a_key_vault_without_a_name_is_refused() -> None:
    with pytest.raises(SettingsError, match="KEY_VAULT_NAME: is required"):
        load_settings(api_key="k", use_key_vault=True)


@pytest.mark.parametrize(
    "failure", [ClientAuthenticationError("tenant-secret"), HttpResponseError("url-secret")]
)
def test_a_vault_that_cannot_be_read_is_named_without_its_words(
    vault: type[FakeVault], failure: Exception
) -> None:
    vault.failure = failure
    with pytest.raises(SettingsError, match="KEY_VAULT_NAME: ") as caught:
        load_settings(use_key_vault=True, key_vault_name="people")
    assert "secret" not in str(caught.value)


def test_without_the_switch_no_vault_is_asked(vault: type[FakeVault]) -> None:
    vault.failure = AssertionError("asked")
    assert load_settings(api_key="k", key_vault_name="people").api_keys == ("k",)


def test_settings_built_without_the_loader_do_not_show_a_wrong_value_either() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(_env_file=None, api_key="k", port="s3cret")
    assert "s3cret" not in str(caught.value)
