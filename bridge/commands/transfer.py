"""Commands about files: `import` exports of ManyChat or the predecessor, `export` the mirror."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from bridge.commands.opening import open_settings
from bridge.errors import PermanentError
from bridge.events.reading import Rules
from bridge.mirror.store import Store
from bridge.transfer.exporting import export_contacts, export_history, export_person
from bridge.transfer.importing import FileImport, Report

_MOST = 12


class What(StrEnum):
    """What `export` can write."""

    CONTACTS = "contacts"
    HISTORY = "history"
    PERSON = "person"


def import_files(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE…", exists=True, dir_okay=False, readable=True)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count, show, write nothing.")] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(help='"Header=field" where the guess is wrong; "Header=" leaves it out.'),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            help="When rows without a date were true (UTC); the file's own time if not given."
        ),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="From the first row, if done before.")
    ] = False,
) -> None:
    """Bring contacts and their history from CSV or XLSX files into the mirror, and on to Odoo.

    Killed or failed, it goes on where it was when it is run again. The same row is one event, in
    whatever file and however often it comes.
    """
    settings = open_settings()
    rules, store = Rules.from_settings(settings), Store.from_settings(settings)
    given = dict(_pair(text) for text in column or ())
    for path in paths:
        moment = as_of and as_of.replace(tzinfo=UTC)
        found = FileImport(path, rules, given=given, as_of=moment)
        _show_columns(found)
        if dry_run:
            report = found.examine()
        else:
            with typer.progressbar(length=len(found), label=path.name, file=sys.stderr) as bar:
                report = found.run(store, again=again, progress=bar.update)
        _show(report, dry_run)


def export(
    what: Annotated[
        What, typer.Argument(help="One row a contact, or one a state; or one person, as JSON.")
    ],
    path: Annotated[Path | None, typer.Argument(help="A file; stdout if not given.")] = None,
    manychat_id: Annotated[str | None, typer.Option(help="Of the person.")] = None,
) -> None:
    """Write contacts or their history as CSV (UTF-8, times in UTC, formulas made harmless).

    `person` writes all that the mirror holds of one contact, whatever the table, as JSON.
    """
    if (what is What.PERSON) != (manychat_id is not None):
        raise PermanentError("bad_value", "--manychat-id goes with `export person`, and only there")
    store = Store.from_settings(open_settings())
    writers: dict[What, Callable[[Store, TextIO], int]] = {
        What.CONTACTS: export_contacts,
        What.HISTORY: export_history,
        What.PERSON: partial(export_person, manychat_id=manychat_id or ""),
    }
    # a CSV with its mark, or Excel takes it for the machine's old encoding
    encoding = "utf-8" if what is What.PERSON else "utf-8-sig"
    target: AbstractContextManager[TextIO] = (
        path.open("w", encoding=encoding, newline="") if path else nullcontext(sys.stdout)
    )
    with target as file:
        count = writers[what](store, file)
    typer.echo(f"{count} rows", err=True)


def _pair(text: str) -> tuple[str, str]:
    header, equals, field = text.rpartition("=")
    if not equals:
        raise PermanentError("bad_column", 'write it as "Header=field"')
    return header, field.strip()


def _show_columns(found: FileImport) -> None:
    typer.echo(f"{found.path.name}:")
    for number, header in enumerate(found.headers):
        typer.echo(f"  {header or '(no name)'} -> {found.guessed.get(number, '(not read)')}")


def _show(report: Report, dry_run: bool) -> None:
    if report.skipped:
        typer.echo(f"  {report.skipped} rows were done before")
    typer.echo(
        f"  {report.rows} rows, {report.contacts} contacts, events: {_counts(report.events)}"
    )
    if not dry_run:
        typer.echo(f"  {report.new} new events, {report.known} known")
    for name, counter in (("mended", report.mended), ("refused", report.refused)):
        if counter:
            typer.echo(f"  {name}: {_counts(counter)}")
    if report.examples:
        rows = ", ".join(f"{number} ({reason})" for number, reason in report.examples)
        typer.echo(f"  refused rows: {rows}")
    for event in report.samples if dry_run else ():
        values = ", ".join(f"{key}={value}" for key, value in event.values.items())
        typer.echo(f"  e.g. {event.manychat_id} at {event.occurred_at:%Y-%m-%d %H:%M}: {values}")


def _counts(counter: Counter[Any]) -> str:
    most = counter.most_common(_MOST)
    rest = len(counter) - len(most)
    text = ", ".join(f"{name} {count}" for name, count in most) or "none"
    return text + (f" and {rest} more" if rest else "")
