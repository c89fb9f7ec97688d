"""The FastAPI application; building it reads no environment and touches no network."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from bridge import __version__, log, tracing, vault
from bridge.api import (
    campaign_updates,
    contact_history,
    contact_lookup,
    dead_letters,
    docs,
    flow_help,
    health,
    odoo_contacts,
    odoo_leads,
    odoo_pushes,
    problems,
    records,
    reports,
    webhooks,
)
from bridge.api.cutting import CutOff
from bridge.api.ops import actions as ops
from bridge.api.parts import Parts, parts_of, settings_of
from bridge.api.slashes import EitherSlash
from bridge.errors import SettingsError
from bridge.settings import Settings

PREFIX = "/api/v1"

_log = log.get_logger(__name__)


def create_app(settings: Settings | None = None, parts: Parts | None = None) -> FastAPI:
    """The API; what is not given is read and opened when the app starts or first needs it."""
    app = FastAPI(
        title="MiaSalud CRM bridge",
        version=__version__,
        description="Takes ManyChat's webhooks and keeps them until the CRM has them.",
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings, app.state.parts = settings, parts
    app.add_middleware(CutOff)
    problems.install(app)
    app.include_router(health.router)
    app.include_router(health.router, prefix=PREFIX)
    app.include_router(health.metrics_router)
    app.include_router(health.metrics_router, prefix=PREFIX)
    app.include_router(webhooks.router, prefix=PREFIX)
    app.include_router(flow_help.router, prefix=PREFIX)
    app.include_router(contact_lookup.router, prefix=PREFIX)
    app.include_router(contact_lookup.old_router)
    app.include_router(contact_lookup.old_router, prefix=PREFIX)
    app.include_router(campaign_updates.router, prefix=PREFIX)
    for resource in records.RESOURCES:
        app.include_router(records.router_of(resource), prefix=PREFIX)
    app.include_router(reports.router, prefix=PREFIX)
    app.include_router(dead_letters.router, prefix=PREFIX)
    app.include_router(contact_history.router, prefix=PREFIX)
    app.include_router(odoo_contacts.router, prefix=PREFIX)
    app.include_router(odoo_leads.router, prefix=PREFIX)
    app.include_router(odoo_pushes.router, prefix=PREFIX)
    app.include_router(ops.router)
    app.include_router(ops.router, prefix=PREFIX)
    app.include_router(docs.router)
    EitherSlash(app.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    try:
        settings = settings_of(app)
    except SettingsError as error:
        _log.error("settings_wrong", reason=error.detail)
        raise
    log.configure(settings.log_level, settings.log_format)
    tracing.configure(settings, "miasalud-api")
    parts = parts_of(app)
    keys = asyncio.create_task(_renew_keys(app)) if settings.use_key_vault else None
    _log.info("api_started", version=__version__)
    try:
        yield
    finally:
        if keys is not None:
            keys.cancel()
        await parts.close()
        tracing.close()
        _log.info("api_stopped")


async def _renew_keys(app: FastAPI) -> None:
    """Take the keys that the vault holds, now and then; while it is away the old ones stand."""
    reader = vault.VaultReader(settings_of(app))
    while True:
        await asyncio.sleep(vault.KEYS_SECONDS)
        fresh = await asyncio.to_thread(reader.settings)
        if fresh is not None:
            app.state.settings = vault.with_keys_of(settings_of(app), fresh)
