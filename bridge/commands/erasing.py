"""`python -m bridge erase MANYCHAT_ID`: everything that any part holds of a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bridge.commands.opening import open_settings
from bridge.mirror import erasures
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.odoo.leads import OdooLeads
from bridge.workers.erasing import Eraser


def erase(
    manychat_id: Annotated[str, typer.Argument(help="The contact's ManyChat id.")],
) -> None:
    """Erase a person from the mirror now, and from Odoo now or as soon as it answers."""
    settings = open_settings()
    store = Store.from_settings(settings)
    with store.transaction() as session:
        counts = erasures.erase(session, manychat_id, datetime.now(UTC))
    for table, number in counts.items():
        typer.echo(f"{table}: {number}")
    typer.echo("mirror: erased" if counts else "mirror: there was nothing")
    Eraser(store, OdooLeads(OdooClient.from_settings(settings))).step()
    with store.reading() as session:
        owed = erasures.waiting(session)
    typer.echo("Odoo: erased" if not owed else f"Odoo: {owed} erasures are kept for it")
