"""The command about what ManyChat is told: what waits, what was refused, and once more."""

from __future__ import annotations

from typing import Annotated

import typer

from bridge.commands.opening import open_store
from bridge.mirror import pace, write_back, write_back_setup
from bridge.mirror.database_clock import database_now
from bridge.workers.write_back import PAGE


def show(
    retry: Annotated[
        bool, typer.Option("--retry", help="Send once more what was given up; flows, too.")
    ] = False,
    go_on: Annotated[
        bool, typer.Option("--go-on", help="End the hold that ManyChat asked for.")
    ] = False,
) -> None:
    """Show how many values ManyChat has, waits for, or refused and why; no value is shown."""
    with open_store().transaction() as session:
        now = database_now(session)
        again = write_back.retry_parked(session, now) if retry else 0
        if go_on:
            pace.let_go(session, PAGE, now)
        setup, counts = write_back_setup.current(session), write_back.counts(session)
        held = pace.held_until(session, PAGE)
    if retry:
        typer.echo(f"{again} values are due again")
    typer.echo(f"Odoo's settings say: {setup.mode}")
    if held and held > now:
        typer.echo(f"nothing is sent before {held:%Y-%m-%d %H:%M:%S}Z: ManyChat asked for it")
    for (status, reason), count in counts.items():
        typer.echo(f"{count:>8}  {status}" + (f"  ({reason})" if reason else ""))
