"""The only reader of the environment: every variable of the contract, typed and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import limits
import phonenumbers
from azure.core.exceptions import AzureError
from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    AzureKeyVaultSettingsSource,
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bridge.errors import SettingsError

Upper = BeforeValidator(lambda value: value.strip().upper() if isinstance(value, str) else value)
Lower = BeforeValidator(lambda value: value.strip().lower() if isinstance(value, str) else value)
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """One field per environment variable: `api_key` is `API_KEY`, and so on.

    Precedence: arguments, environment, Key Vault (with `USE_KEY_VAULT`), `.env` file, default.
    An empty variable counts as unset; variables that nobody knows are ignored.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    api_key: SecretStr
    webhook_api_key: SecretStr | None = None
    rate_limit: str = ""
    docs_public: bool = True
    metrics_public: bool = False

    azure_storage_connection_string: SecretStr | None = None
    azure_storage_account_url: str | None = None
    database_url: SecretStr = SecretStr("sqlite:///miasalud.db")

    odoo_url: str = ""
    odoo_db: str = ""
    odoo_username: str = ""
    odoo_password: SecretStr = SecretStr("")

    use_key_vault: bool = False
    key_vault_name: str | None = None

    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], Upper] = "INFO"
    log_format: Annotated[Literal["json", "console"], Lower] = "json"
    port: Port = 8000
    worker_health_port: Port | None = None

    sync_interval: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    sync_mode: Annotated[Literal["opportunities", "contacts"], Lower] = "opportunities"
    odoo_max_calls_per_second: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    max_attempts: int = Field(default=5, ge=1)
    reconcile_hours: float = Field(default=24.0, ge=0, le=8760, allow_inf_nan=False)
    retention_days: int = Field(default=180, ge=1, le=36500)

    timezone: str = "America/Lima"
    default_phone_region: Annotated[str, Upper] = "PE"
    dummy_emails: str = "noespecificado@email.com"

    manychat_api_token: SecretStr | None = None
    manychat_api_url: str = "https://api.manychat.com"
    applicationinsights_connection_string: SecretStr | None = None
    odoo_home: Path | None = None

    @property
    def api_keys(self) -> tuple[str, ...]:
        """The keys that open everything; never empty."""
        return _parts(self.api_key)

    @property
    def webhook_api_keys(self) -> tuple[str, ...]:
        """The keys that open only the webhooks and the one-contact look-up."""
        return _parts(self.webhook_api_key)

    @property
    def every_contact(self) -> bool:
        """Whether every contact is to have a partner in Odoo."""
        return self.sync_mode == "contacts"

    @property
    def zone(self) -> ZoneInfo:
        """The zone of times that ManyChat writes without one."""
        return ZoneInfo(self.timezone)

    @field_validator("api_key")
    @classmethod
    def _holds_a_key(cls, value: SecretStr) -> SecretStr:
        if not _parts(value):
            raise ValueError("must hold at least one key")
        return value

    @field_validator("rate_limit")
    @classmethod
    def _is_a_rate(cls, value: str) -> str:
        try:
            value = value.strip()
            if value:
                limits.parse(value)
        except ValueError:
            raise ValueError("must be a rate such as 600/minute") from None
        return value

    @field_validator("timezone")
    @classmethod
    def _is_a_zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (LookupError, ValueError, OSError):
            raise ValueError("must be an IANA time zone such as America/Lima") from None
        return value

    @field_validator("default_phone_region")
    @classmethod
    def _is_a_region(cls, value: str) -> str:
        if value not in phonenumbers.SUPPORTED_REGIONS:
            raise ValueError("must be a two-letter country code such as PE")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  (the base class's)
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        given = {**dotenv_settings(), **env_settings(), **init_settings()}
        vault = _key_vault(settings_cls, given)
        return (init_settings, env_settings, *vault, dotenv_settings)


def load_settings(**overrides: Any) -> Settings:
    """Read the environment; `overrides` are field values that win over it.

    Raises SettingsError naming each wrong variable and why, never what it held.
    """
    try:
        return Settings(**overrides)
    except ValidationError as error:
        # the cause would print what the variables hold
        raise SettingsError(_reasons(error)) from None
    except (AzureError, ValueError) as error:  # a foreign server's challenge is a ValueError
        raise SettingsError(
            f"KEY_VAULT_NAME: the vault cannot be read ({type(error).__name__})"
        ) from None


def _key_vault(
    settings_cls: type[BaseSettings], given: dict[str, Any]
) -> list[PydanticBaseSettingsSource]:
    """The vault's source when it is wanted; its secrets are named `api-key`, `database-url`, …"""
    try:
        wanted = TypeAdapter(bool).validate_python(given.get("use_key_vault", False))
    except ValidationError:
        return []  # the model's own check names the variable
    if not wanted:
        return []
    name = given.get("key_vault_name")
    if not name:
        raise SettingsError("KEY_VAULT_NAME: is required when USE_KEY_VAULT is true")
    from azure.identity import DefaultAzureCredential  # noqa: PLC0415  (slow; only with a vault)

    url = name if str(name).startswith("https://") else f"https://{name}.vault.azure.net"
    return [
        AzureKeyVaultSettingsSource(
            settings_cls, url, DefaultAzureCredential(), dash_to_underscore=True
        )
    ]


def _parts(value: SecretStr | None) -> tuple[str, ...]:
    text = value.get_secret_value() if value else ""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _reasons(error: ValidationError) -> str:
    lines = []
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        variable = str(item["loc"][0]).upper() if item["loc"] else "environment"
        reason = "is required" if item["type"] == "missing" else item["msg"]
        lines.append(f"{variable}: {reason.removeprefix('Value error, ')}")
    return "; ".join(lines)
