"""Text, free text and ids: unrendered variables, words that mean nothing, stray characters."""

from __future__ import annotations

import re
import unicodedata
from typing import Any, Generic, NamedTuple, TypeVar

T = TypeVar("T")

NAME_LIMIT = 255
SUMMARY_LIMIT = 20_000
_INTEGER_LIMIT = 10**40
_NO_VALUE = frozenset({"null", "none", "nil", "undefined", "n/a"})
_BOOLEANS = frozenset({"true", "false", "verdadero", "falso"})
_ONLY_MARKS = re.compile(r"[-–—?¿\s]+")
_VARIABLE = re.compile(r"\{\{[^{}]*\}\}")
_HALF_VARIABLE = re.compile(r"\{\{[^{}\s]*")
_DEEPEST_VARIABLE = 4
_SPREADSHEET_NUMBER = re.compile(r"\d+(?:[.,]\d+)?E\+\d+", re.IGNORECASE)
_JOINER = "\u200d"  # holds composed emoji together


class Cleaned(NamedTuple, Generic[T]):
    """What is left of a raw value (None: counts as absent) and why it was changed, if it was."""

    value: T | None
    code: str | None = None


def raw_text(value: Any) -> Cleaned[str]:
    """A JSON scalar as stripped text without control characters; integers become digits.

    Codes: `boolean`, `not_text` (a float, list or object where text is due).
    """
    if value is None:
        return Cleaned(None)
    if isinstance(value, bool):
        return Cleaned(None, "boolean")
    if isinstance(value, int) and abs(value) < _INTEGER_LIMIT:
        return Cleaned(str(value))
    if not isinstance(value, str):
        return Cleaned(None, "not_text")
    kept = value if value.isprintable() else "".join(map(_character, value))
    return Cleaned(unicodedata.normalize("NFC", kept).strip() or None)


def clean_text(value: Any, limit: int = NAME_LIMIT) -> Cleaned[str]:
    """A one-line value; one that holds a `{{variable}}` counts as absent.

    Codes: those of `raw_text`, `placeholder`, `no_value`, `cut`.
    """
    text, code = raw_text(value)
    if text is None:
        return Cleaned(None, code)
    if "{{" in text:
        return Cleaned(None, "placeholder")
    return _said(" ".join(text.split()), limit)


def clean_name(value: Any) -> Cleaned[str]:
    """One line of free text: a `{{variable}}` in it is taken out. Codes as `clean_text`."""
    text, code = raw_text(value)
    if text is None:
        return Cleaned(None, code)
    rendered, taken = _without_variables(text)
    return _after_taking_out(_said(" ".join(rendered.split()), NAME_LIMIT), taken)


def clean_summary(value: Any) -> Cleaned[str]:
    """Free text of several lines, its line breaks kept. Codes as `clean_text`."""
    text, code = raw_text(value)
    if text is None:
        return Cleaned(None, code)
    rendered, taken = _without_variables(text)
    return _after_taking_out(_said(rendered, SUMMARY_LIMIT), taken)


def clean_id(value: Any, limit: int = NAME_LIMIT) -> Cleaned[str]:
    """An id as text; a number whose digits are lost (float, `1.2E+15`) is refused (`bad_id`)."""
    if isinstance(value, float):
        return Cleaned(None, "bad_id")
    text, code = clean_text(value, limit)
    if text is not None and _SPREADSHEET_NUMBER.fullmatch(text):
        return Cleaned(None, "bad_id")
    return Cleaned(text, code)


def fold(text: str) -> str:
    """For comparing: without case, accents, blanks and punctuation."""
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in parts if character.isalnum())


def cut(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, which is what NVARCHAR(limit) counts."""
    return text.encode("utf-16-le", "replace")[: limit * 2].decode("utf-16-le", "ignore").rstrip()


def _character(character: str) -> str:
    category = unicodedata.category(character)
    if character in "\n\t":
        return character
    if category == "Zs":
        return " "
    if category in {"Zl", "Zp"}:
        return "\n"
    return "" if category in {"Cc", "Cf", "Cs"} and character != _JOINER else character


def _without_variables(text: str) -> tuple[str, bool]:
    if "{{" not in text:
        return text, False
    for _ in range(_DEEPEST_VARIABLE):
        text = _take_out(_VARIABLE, text)
    while "{{" in text:
        text = _take_out(_HALF_VARIABLE, text)
    return text.strip(), True


def _take_out(variable: re.Pattern[str], text: str) -> str:
    *before, last = variable.split(text)
    return "".join(part.rstrip(" \t") for part in before) + last


def _said(text: str, limit: int) -> Cleaned[str]:
    # taking characters out may have brought a letter and its accent together
    text = unicodedata.normalize("NFC", text)
    shortened = cut(text, limit)
    folded = shortened.casefold()
    if not folded:
        return Cleaned(None)
    if folded in _BOOLEANS:
        return Cleaned(None, "boolean")
    if folded in _NO_VALUE or _ONLY_MARKS.fullmatch(folded):
        return Cleaned(None, "no_value")
    return Cleaned(shortened, "cut" if shortened != text else None)


def _after_taking_out(cleaned: Cleaned[str], taken: bool) -> Cleaned[str]:
    return Cleaned(cleaned.value, "placeholder") if taken else cleaned
