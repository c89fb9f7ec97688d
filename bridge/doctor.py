"""Checks every part the bridge depends on and says, in one line each, what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import requests

from bridge.errors import BridgeError, SettingsError
from bridge.mirror.schema import current_revision, head_revision
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.odoo.leads import OdooLeads
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE
from bridge.queue.reader import QueueReader
from bridge.settings import Settings, load_settings

PARTS = ("settings", "queue storage", "mirror", "odoo", "odoo login", "odoo addon", "api")

_ADVICE = {
    "queue_unreachable": "start the storage account (or Azurite), check AZURE_STORAGE_* and the "
    "firewall",
    "queue_no_answer": "the account is there but slow: look at it, then try again",
    "queue_refused": "check the account key, or give the identity the role "
    "'Storage Queue Data Contributor'",
    "queue_no_credentials": "sign in, or give this machine a managed identity",
    "schema_missing": "run: python -m bridge db upgrade",
    "schema_outdated": "run: python -m bridge db upgrade",
    "odoo_bad_url": "set ODOO_URL to something like http://odoo:8069",
    "odoo_unreachable": "start Odoo, or check ODOO_URL",
    "odoo_login_refused": "check ODOO_DB, ODOO_USERNAME and ODOO_PASSWORD (an API key works)",
    "odoo_no_database": "check ODOO_DB and the PostgreSQL behind Odoo",
    "odoo_no_rights": "put ODOO_USERNAME into the group ManyChat / Bridge",
    "odoo_addon_missing": "install the addon miasalud_crm in that database",
    "bad_settings": "set it in the environment or in .env; .env.example lists every variable",
    "api_unreachable": "run: python -m bridge serve",
    "api_not_ready": "its log says which part is away; queue or mirror must answer",
}
_FALLBACKS = {
    "mirror": "check DATABASE_URL and that the database is up",
    "odoo": "ODOO_URL must be an Odoo 18 or 19, without a page in front of it",
    "odoo login": "check ODOO_DB, ODOO_USERNAME and ODOO_PASSWORD",
    "odoo addon": "look at Odoo's log, then upgrade the addon miasalud_crm",
    "queue storage": "check AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_ACCOUNT_URL",
}


@dataclass(frozen=True)
class Check:
    """What one part said: `ok`, a sentence, and what to do when it is not."""

    part: str
    ok: bool
    says: str
    advice: str = ""

    @property
    def line(self) -> str:
        """One line for a terminal."""
        text = f"{'OK ' if self.ok else 'BAD'}  {self.part:<13}  {self.says}"
        return f"{text} -> {self.advice}" if self.advice else text

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def examine(load: Callable[[], Settings] = load_settings) -> Iterator[Check]:
    """One check a part, in the order of PARTS, each as soon as it is known."""
    try:
        settings = load()
    except SettingsError as error:
        yield Check("settings", False, error.detail, _ADVICE["bad_settings"])
        for part in PARTS[1:]:
            yield Check(part, False, "not asked", "mend the settings first")
        return
    yield Check("settings", True, "every variable can be read")
    client = OdooClient.from_settings(settings)
    yield _checked("queue storage", lambda: _queues(settings))
    yield _checked("mirror", lambda: _mirror(settings))
    yield _checked("odoo", lambda: f"Odoo {client.version().get('server_version')} answers")
    yield _checked("odoo login", lambda: _login(client, settings))
    yield _checked("odoo addon", lambda: _addon(client))
    yield _checked("api", lambda: _api(settings))


def _checked(part: str, ask: Callable[[], str]) -> Check:
    try:
        return Check(part, True, ask())
    except BridgeError as error:
        says = f"{error.code} ({error.detail})" if error.detail else error.code
        advice = _ADVICE.get(error.code) or _FALLBACKS.get(part) or "look at its log"
        return Check(part, False, says, advice)


def _queues(settings: Settings) -> str:
    names = (CONTACT_QUEUE, CAMPAIGN_QUEUE, DEAD_LETTER_QUEUE)
    depths = [f"{name} {QueueReader(settings, name).depth()}" for name in names]
    return f"answers; waiting: {', '.join(depths)}"


def _mirror(settings: Settings) -> str:
    store = Store.from_settings(settings)
    store.ping()
    current, head = current_revision(store.engine), head_revision()
    if current is None:
        raise BridgeError("schema_missing", "the database answers but holds no tables of ours")
    if current != head:
        raise BridgeError("schema_outdated", f"it is at {current}, this release wants {head}")
    return f"{store.engine.dialect.name} answers; schema {current}"


def _login(client: OdooClient, settings: Settings) -> str:
    client.ping()
    return f"{settings.odoo_username} may log in to {client.db}"


def _addon(client: OdooClient) -> str:
    leads = OdooLeads(client)
    health = leads.health()
    leads.sync([])
    version, mappings = health.get("version"), health.get("mappings")
    return f"miasalud_crm {version}, {mappings} stage mappings; manychat_sync can be called"


def _api(settings: Settings) -> str:
    url = f"http://127.0.0.1:{settings.port}"
    try:
        alive = requests.get(f"{url}/health", timeout=3).status_code
        ready = requests.get(f"{url}/ready", timeout=5).status_code
    except requests.RequestException as error:
        raise BridgeError("api_unreachable", f"{url}, {type(error).__name__}") from None
    if (alive, ready) != (200, 200):
        raise BridgeError("api_not_ready", f"{url}, health {alive}, ready {ready}")
    return f"{url} is alive and ready"
