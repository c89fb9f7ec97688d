"""What Odoo says of itself, of the addon, and of the bridge's user."""

from __future__ import annotations

from bridge import __version__
from bridge.doctor.check import Finding
from bridge.odoo.client import OdooClient
from bridge.odoo.leads import OdooLeads

WANTED_ADDON = "1.0.0"
"""The addon's version that speaks this bridge's batch method; major and minor have to agree."""

# What the bridge's user must not do by itself: the addon's methods do it for it.
_NOT_DIRECTLY = (
    ("crm.lead", "write"),
    ("crm.lead", "unlink"),
    ("res.partner", "unlink"),
    ("res.users", "write"),
    ("manychat.stage.mapping", "write"),
)


def version(client: OdooClient) -> str:
    """Odoo answers."""
    return f"Odoo {client.version().get('server_version')} answers"


def login(client: OdooClient, username: str) -> str:
    """The credentials open the database."""
    client.ping()
    return f"{username} may log in to {client.db}"


def addon(client: OdooClient) -> str:
    """The addon is there, of this release, has rules, and can be called.

    Raises Finding (`addon_other_version`, `no_mappings`).
    """
    leads = OdooLeads(client)
    health = leads.health()
    leads.sync([])
    version, mappings = str(health.get("version")), health.get("mappings")
    if _release(version) != _release(WANTED_ADDON):
        raise Finding("addon_other_version", f"it is {version}, bridge {__version__} wants "
                      f"{_release(WANTED_ADDON)}.x")  # fmt: skip
    if not mappings:
        raise Finding("no_mappings", "no stage mapping is in force")
    return f"miasalud_crm {version}, {mappings} stage mappings; manychat_sync can be called"


def rights(client: OdooClient) -> str:
    """The user can do nothing but what the addon's methods do. Raises Finding."""
    wide = [f"{operation} {model}" for model, operation in _NOT_DIRECTLY
            if _may(client, model, operation)]  # fmt: skip
    if wide:
        raise Finding("rights_too_wide", f"it may {', '.join(wide)} directly")
    return "the bridge's user can write nothing past the addon"


def _may(client: OdooClient, model: str, operation: str) -> bool:
    return bool(client.call(model, "has_access", [], operation))


def _release(version: str) -> str:
    return ".".join(version.split(".")[:2])
