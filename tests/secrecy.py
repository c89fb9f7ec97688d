"""Whether the bridge's processes logged anything of the people that a test run told of.

The people are read from the mirror itself: whatever went through the road, in whichever suite.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, inspect, text

from bridge.events.spellings import SPELLINGS

COLUMNS = {
    "Contact": ("first_name", "last_name", "email", "phone"),
    "Campaign_Contact": ("summary",),
    "Address": ("street",),
}
BODIES = {"Ledger": "payload", "Dead_Letter": "payload"}
KEYS = ("first_name", "last_name", "email", "phone", "summary", "street")
NAMES = {name.rpartition(".")[2] for key in KEYS for name in SPELLINGS[key]}
NOT_OURS = ("odoo", "postgres", "azurite")
_LOGGED = re.compile(r"\{.*\"level\": |\d{4}-\d\d-\d\d[T ][\d:.]+Z? +\[\w+ *\] ")
_PERSON = re.compile(
    r"[\w.+-]+@[\w-]+\.\w|\+\d{9}|987654321"
    r"|Begoña|Ñandú|Quispe|Lazo|García|Rosa|Huamán|Óscar|espalda|Pidió el precio"
)
"""What fixtures say of people: any e-mail, any whole phone, names and summaries in use."""
_TELLING = re.compile(r"[A-ZÀ-Þ]|[^\x00-\x7f]|@| |\d{7}")


def leaks(database_url: str, logs: Path) -> list[str]:
    """`file:line` of every log line of ours that holds something personal; never the value."""
    found = sorted(filter(_is_telling, people(database_url)), key=len, reverse=True)
    if not found:
        return []
    pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, found)) + r")(?!\w)")
    files = [path for path in sorted(logs.glob("*.log")) if not path.stem.startswith(NOT_OURS)]
    return [
        f"{path.name}:{number}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1)
        if pattern.search(line)
    ]


def people(database_url: str) -> set[str]:
    """Every name, phone, e-mail, street and summary that the mirror holds, raw ones too."""
    engine = create_engine(database_url)
    try:
        return set(_in_columns(engine)) | set(_in_bodies(engine))
    finally:
        engine.dispose()


def _in_columns(engine: Engine) -> Iterator[str]:
    for table, columns in COLUMNS.items():
        for row in _rows(engine, table, columns):
            yield from (str(value) for value in row if value)


def _in_bodies(engine: Engine) -> Iterator[str]:
    for table, column in BODIES.items():
        for (body,) in _rows(engine, table, (column,)):
            try:
                yield from _values(json.loads(body))
            except (ValueError, RecursionError):
                continue  # no object: it names nothing as anybody's


def _rows(engine: Engine, table: str, columns: Iterable[str]) -> list[Any]:
    if not inspect(engine).has_table(table):
        return []
    listed = ", ".join(f'"{column}"' for column in columns)
    with engine.connect() as connection:
        return list(connection.execute(text(f'SELECT {listed} FROM "{table}"')))  # noqa: S608


def _values(body: Any) -> Iterator[str]:
    if isinstance(body, Mapping):
        for key, value in body.items():
            if isinstance(value, Mapping):
                yield from _values(value)
            elif key in NAMES and isinstance(value, str | int):
                yield str(value)


def _is_telling(value: str) -> bool:
    """Not what a log says of itself: codes and counts are short, lower-case and plain."""
    return len(value.strip()) >= 4 and "{{" not in value and bool(_TELLING.search(value))


def told_of_people(printed: str) -> list[str]:
    """The log lines among what a test printed that hold a person of the fixtures."""
    return [line for line in printed.splitlines() if _LOGGED.match(line) and _PERSON.search(line)]
