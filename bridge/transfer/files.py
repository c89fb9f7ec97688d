"""Rows of CSV and XLSX files, one at a time: memory does not grow with the file."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
from datetime import datetime, time
from pathlib import Path
from typing import Any, TextIO
from zipfile import BadZipFile

from openpyxl import load_workbook  # type: ignore[import-untyped]
from openpyxl.utils.exceptions import InvalidFileException  # type: ignore[import-untyped]

from bridge.errors import PermanentError

Row = list[Any]
_ENCODINGS = ("utf-8-sig", "cp1252")
_DELIMITERS = ",;\t|"
_SAMPLE = 64 * 1024
_LONGEST_FIELD = 1024 * 1024
_SPREADSHEET_DIGITS = 10**15
"""A spreadsheet keeps 15 digits of a number; the rest of a longer one is lost."""


def digest(path: Path) -> str:
    """SHA-256 of the file's bytes: the same file by any name."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def rows(path: Path) -> Iterator[Row]:
    """The header and then each row that is not empty.

    Raises PermanentError (`bad_file`) for what is neither CSV nor XLSX.
    """
    found = _workbook(path) if path.suffix.lower() in {".xlsx", ".xlsm"} else _csv(path)
    for row in found:
        if any(value not in (None, "") for value in row):
            yield row


def _csv(path: Path) -> Iterator[Row]:
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding=_encoding(path), newline="") as file:
            delimiter = _delimiter(file)
            file.seek(0)
            yield from csv.reader(file, delimiter=delimiter)
    except (csv.Error, UnicodeError) as error:
        raise PermanentError("bad_file", f"no CSV ({type(error).__name__})") from None


def _encoding(path: Path) -> str:
    for encoding in _ENCODINGS[:-1]:
        try:
            with path.open(encoding=encoding) as file:
                while file.read(_SAMPLE):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    return _ENCODINGS[-1]


def _delimiter(file: TextIO) -> str:
    """The one that stands most often in the header: values may hold any of them."""
    header = file.readline()
    return max(_DELIMITERS, key=header.count)


def _workbook(path: Path) -> Iterator[Row]:
    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, OSError, ValueError, KeyError) as error:
        raise PermanentError("bad_file", f"no XLSX ({type(error).__name__})") from None
    try:
        for row in book.active.iter_rows(values_only=True):
            yield [_cell(value) for value in row]
    finally:
        book.close()


def _cell(value: Any) -> Any:
    """A cell as a webhook would carry it: times as text, whole numbers as integers."""
    if isinstance(value, datetime):
        return str(value.date() if value.time() == time() else value.replace(microsecond=0))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= _SPREADSHEET_DIGITS:
        return float(value)  # which no id may be
    return value
