"""Secrets from a vault that speaks the real protocol, and their rotation without a restart."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import azure.identity
import pytest
import responses
from azure.core.credentials import AccessToken

from bridge import vault as rotation
from bridge.api.app import create_app
from bridge.api.parts import Parts, settings_of
from bridge.api.security import Scope, scope_of
from bridge.errors import AwayError, SettingsError
from bridge.odoo.client import OdooClient
from bridge.settings import Settings, load_settings
from tests.unit.deploy.vault_server import HOST, TOKEN, Vault, make_certificate, serving

ODOO = "http://odoo.test"


class Identity:
    """Stands for the managed identity; there is none on this machine."""

    asked: list[str] = []

    def get_token(self, *scopes: str, **_options: Any) -> AccessToken:
        self.asked.extend(scopes)
        return AccessToken(TOKEN, int(time.time()) + 3600)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("vault"))


@pytest.fixture
def vault(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    real = socket.getaddrinfo

    def lookup(host: Any, *rest: Any, **options: Any) -> Any:
        return real("127.0.0.1" if host == HOST else host, *rest, **options)

    monkeypatch.setattr(socket, "getaddrinfo", lookup)
    monkeypatch.setattr(azure.identity, "DefaultAzureCredential", Identity)
    monkeypatch.setattr(Identity, "asked", [])
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    with serving(certificate) as vault:
        vault.secrets = {"api-key": "old", "webhook-api-key": "flow", "odoo-password": "first"}
        monkeypatch.setenv("USE_KEY_VAULT", "true")
        monkeypatch.setenv("KEY_VAULT_NAME", vault.url)
        yield vault


def test_secrets_come_over_tls_after_the_challenge(vault: Vault) -> None:
    settings = load_settings(_env_file=None)
    assert (settings.api_keys, settings.webhook_api_keys) == (("old",), ("flow",))
    assert settings.odoo_password.get_secret_value() == "first"
    assert vault.challenged == 1, "the token is asked for once, and where the vault says"
    assert Identity.asked == [f"{vault.resource}/.default"]


def test_a_vault_with_another_certificate_is_not_believed(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    monkeypatch.setenv("AZURE_CORE_RETRY_TOTAL", "0")
    with pytest.raises(SettingsError, match="KEY_VAULT_NAME: the vault cannot be read"):
        load_settings(_env_file=None)
    assert vault.asked == []


def test_a_vault_that_asks_for_a_token_of_somebody_else_gets_none(vault: Vault) -> None:
    vault.resource = "https://vault.example.com"
    with pytest.raises(SettingsError, match=r"KEY_VAULT_NAME: .*\(ValueError\)"):
        load_settings(_env_file=None)
    assert Identity.asked == []


@asynccontextmanager
async def running(settings: Settings, parts: Parts) -> AsyncIterator[Any]:
    app = create_app(settings, parts)
    async with app.router.lifespan_context(app):
        yield app


class Nothing:
    """A queue and an inbox that are never used."""

    async def close(self) -> None:
        """Nothing to close."""


class NoInbox:
    def close(self) -> None:
        """Nothing to close."""


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not holds():
            await asyncio.sleep(0.05)


async def test_a_new_key_opens_a_running_api_and_the_old_one_does_no_more(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "KEYS_SECONDS", 0.05)
    parts = Parts(Nothing(), NoInbox())  # type: ignore[arg-type]
    async with running(load_settings(_env_file=None), parts) as app:
        vault.secrets |= {"api-key": "new,old", "webhook-api-key": "flow-2"}
        await until(lambda: scope_of("new", settings_of(app)) is Scope.FULL)
        assert scope_of("old", settings_of(app)) is Scope.FULL, "both, while callers change over"
        assert scope_of("flow-2", settings_of(app)) is Scope.WEBHOOK

        vault.failing = 403
        asked = len(vault.asked)
        await until(lambda: len(vault.asked) > asked + 2)
        assert scope_of("new", settings_of(app)) is Scope.FULL, "a vault that is away takes none"

        vault.failing = 0
        vault.secrets["api-key"] = "new"
        await until(lambda: scope_of("old", settings_of(app)) is None)


async def test_without_a_vault_nothing_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "KEYS_SECONDS", 0.0)
    settings = load_settings(_env_file=None, api_key="k")
    async with running(settings, Parts(Nothing(), NoInbox())) as app:  # type: ignore[arg-type]
        await asyncio.sleep(0.1)
        assert settings_of(app) is settings


def odoo_knows(password: str) -> Callable[[Any], tuple[int, dict[str, str], str]]:
    def answer(request: Any) -> tuple[int, dict[str, str], str]:
        right = f'"{password}"' in request.body.decode()
        result = "7" if right else "false"
        return 200, {}, f'{{"jsonrpc": "2.0", "id": 1, "result": {result}}}'

    return answer


def test_odoos_new_password_is_taken_at_the_refused_login(vault: Vault) -> None:
    settings = load_settings(
        _env_file=None, odoo_url=ODOO, odoo_db="crm", odoo_username="bridge@example.com"
    )
    client = OdooClient.from_settings(settings)
    with responses.RequestsMock() as net:
        net.add_passthru("https://")
        net.add_callback("POST", f"{ODOO}/jsonrpc", odoo_knows("second"))
        asked = len(vault.asked)
        with pytest.raises(AwayError, match="login_refused"):
            client.ping()  # changed in Odoo, not yet in the vault
        assert len(vault.asked) > asked
        vault.secrets["odoo-password"] = "second"
        asked = len(vault.asked)
        with pytest.raises(AwayError, match="login_refused"):
            client.ping()
        assert len(vault.asked) == asked, "a refused login asks the vault now and then only"

        fresh = OdooClient.from_settings(settings)
        assert fresh.call("res.users", "read") == 7


def test_the_vault_is_asked_again_after_a_while(vault: Vault) -> None:
    clock = [0.0]
    settings = load_settings(_env_file=None)
    reader = rotation.VaultReader(settings, lambda: load_settings(_env_file=None), lambda: clock[0])
    assert reader.secret("odoo_password") == "first"
    vault.secrets["odoo-password"] = "second"
    clock[0] = rotation.LEAST_SECONDS - 1
    assert reader.secret("odoo_password") is None
    clock[0] = rotation.LEAST_SECONDS + 1
    assert reader.secret("odoo_password") == "second"


def test_without_a_vault_a_refused_login_is_refused() -> None:
    settings = load_settings(
        _env_file=None, api_key="k", odoo_url=ODOO, odoo_db="crm", odoo_password="first"
    )
    with responses.RequestsMock() as net:
        net.add_callback("POST", f"{ODOO}/jsonrpc", odoo_knows("second"))
        with pytest.raises(AwayError, match="login_refused"):
            OdooClient.from_settings(settings).ping()
        assert len(net.calls) == 1
