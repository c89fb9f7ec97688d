"""Contacts and their history as CSV that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, TextIO

from bridge.events.clock import iso
from bridge.mirror import listing
from bridge.mirror.person import held_of
from bridge.mirror.store import Store

PAGE = 1000
Pages = Callable[[Any, int, int], list[Sequence[Any]]]
_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
_NUMBER = re.compile(r"[+-]?[\d\s().]*\d", re.ASCII)


def safe(value: Any) -> str:
    """A cell's text: what a spreadsheet would take for a formula gets an apostrophe in front.

    Numbers and phones (`+51 999 …`) stay as they are.
    """
    if value is None:
        return ""
    text = iso(value) if isinstance(value, datetime) else str(value)
    if text.startswith(_STARTS) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def export_contacts(store: Store, file: TextIO) -> int:
    """Write one row a contact; how many."""
    return _write(file, listing.CONTACT_COLUMNS, _all(store, listing.contacts))


def export_history(store: Store, file: TextIO) -> int:
    """Write one row a state of a contact, as it came; how many."""
    return _write(file, listing.HISTORY_COLUMNS, _all(store, listing.history))


def export_person(store: Store, file: TextIO, manychat_id: str) -> int:
    """Write all that the mirror holds of one contact as JSON, rows by table; how many rows."""
    with store.reading() as session:
        held = held_of(session, manychat_id)
    json.dump(held, file, ensure_ascii=False, indent=2)
    file.write("\n")
    return sum(map(len, held.values()))


def _all(store: Store, pages: Pages) -> Iterator[Sequence[Any]]:
    """Every row, page by page: the first value is the id by which it goes on."""
    last = 0
    while True:
        with store.reading() as session:
            page = pages(session, last, PAGE)
        if not page:
            return
        yield from page
        last = page[-1][0]


def _write(file: TextIO, header: Sequence[str], rows: Iterator[Sequence[Any]]) -> int:
    writer = csv.writer(file)
    writer.writerow(header)
    count = 0
    for row in rows:
        writer.writerow([safe(value) for value in row[1:]])
        count += 1
    return count
