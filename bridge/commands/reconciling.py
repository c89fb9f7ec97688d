"""The command that compares mirror and Odoo, as a table and as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from bridge.commands.opening import open_settings
from bridge.errors import BridgeError
from bridge.mirror import reconciliations, standing
from bridge.mirror.reconciliations import Kind, Result
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.odoo.standing import OdooStanding
from bridge.reconcile.comparing import Difference
from bridge.reconcile.mending import Mender
from bridge.reconcile.running import Tally, Told, report_of, run
from bridge.reconcile.walking import Walk
from bridge.transfer.exporting import safe

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]
_COLUMNS = ("class", "manychat_id", "lead_id", "what", "mirror", "odoo", "mirror_clock",
            "odoo_clock", "outcome")  # fmt: skip
_WORDS = {
    Kind.MISSING_IN_ODOO: "missing in Odoo",
    Kind.MISSING_IN_MIRROR: "missing in the mirror",
    Kind.OLDER_IN_ODOO: "older in Odoo",
    Kind.OLDER_IN_MIRROR: "older in the mirror",
    Kind.EDITED: "edited by a person",
    Kind.DUPLICATE: "duplicate lead",
}


def reconcile(
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what differs; see docs/reconcile.md.")
    ] = False,
    since: Annotated[
        datetime | None,
        typer.Option(formats=_FORMATS, help="Only what was heard of from then on, in UTC."),
    ] = None,
    path: Annotated[
        Path | None, typer.Option("--csv", help="Also write every difference into this file.")
    ] = None,
) -> None:
    """Compare mirror and Odoo; exits 1 where something differs that was not mended."""
    settings = open_settings()
    store = Store.from_settings(settings)
    leads = OdooStanding(OdooClient.from_settings(settings))
    from_then = since and since.replace(tzinfo=UTC)
    walk = Walk(store, leads, from_then, every_contact=settings.every_contact)
    mender = Mender(store, leads, settings.default_phone_region) if fix else None
    with _file(path) as each, _bar(store) as progress:
        result, tally = run(store, walk, mender, each=each, progress=progress)
    _tell(store, leads, result)
    _show(result, tally)
    raise typer.Exit(1 if tally.left else 0)


def _tell(store: Store, leads: OdooStanding, result: Result) -> None:
    """Let people see the result in Odoo; what fails here the schedule tells later."""
    try:
        leads.tell(report_of(result))
        with store.transaction() as session:
            reconciliations.mark_told(session, result.id)
    except BridgeError as error:
        typer.echo(f"Odoo was not told: {error.code}", err=True)


@contextmanager
def _file(path: Path | None) -> Iterator[Told]:
    """What writes each difference into the file, as text that no spreadsheet runs."""
    if path is None:
        yield lambda _one, _mended: None
        return
    # with its mark, or Excel takes it for the machine's old encoding
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        yield lambda one, mended: writer.writerow([safe(cell) for cell in _cells(one, mended)])


def _cells(one: Difference, mended: bool | None) -> list[Any]:
    outcome = "" if mended is None else "mended" if mended else "left to a person"
    return [one.kind, one.manychat_id, one.lead_id, one.what, one.mirror[0], one.odoo[0],
            one.mirror[1], one.odoo[1], outcome]  # fmt: skip


@contextmanager
def _bar(store: Store) -> Iterator[Callable[[int], object]]:
    """A bar over the mirror's contacts, on stderr, where somebody looks."""
    with store.reading() as session:
        total = standing.count(session)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("comparing", total=total)
        yield lambda checked: bar.advance(task, checked)


def _show(result: Result, tally: Tally) -> None:
    table = Table("difference", "contacts", "what differs", "for example")
    if result.fixed:
        table.add_column("mended", justify="right")
    table.columns[1].justify = "right"
    for kind in Kind:
        if not tally.contacts[kind]:
            continue
        whats = [f"{what} {count}" for (of, what), count in tally.whats.most_common() if of == kind]
        row = [_WORDS[kind], str(tally.contacts[kind]), ", ".join(whats[:6]),
               ", ".join(tally.examples[kind])]  # fmt: skip
        table.add_row(*row, *([str(tally.mended[kind])] if result.fixed else []))
    console = Console(highlight=False)
    if tally.contacts:
        console.print(table)
    console.print(_summary(result, tally))


def _summary(result: Result, tally: Tally) -> str:
    words = [f"{result.checked} contacts compared", f"{tally.contacts.total()} differences"]
    if result.moving:
        words.append(f"{result.moving} left out: something of theirs is on its way")
    if result.fixed:
        words.append(f"{tally.left} left to a person")
        if any(tally.mended[kind] for kind in (Kind.MISSING_IN_ODOO, Kind.OLDER_IN_ODOO)):
            words.append("what goes out is in Odoo when the crm worker has sent it")
    return "; ".join(words)
