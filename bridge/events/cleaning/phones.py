"""Phone numbers: E.164 where the library knows the number, as written where it is plausible."""

from __future__ import annotations

import re
from typing import Any

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberFormat

from bridge.events.cleaning.text import Cleaned, clean_text

_PREFIX = re.compile(r"(?:whatsapp|tel)\s*:\s*", re.IGNORECASE)
_LOOKS_DIALLED = re.compile(r"\+?[\d\s().\-/]+", re.ASCII)
_FEWEST_DIGITS, _MOST_DIGITS = 7, 15
_WITH_COUNTRY = 11
_LONGEST = 32


def clean_phone(value: Any, region: str) -> Cleaned[str]:
    """`region` (ISO 3166) is the country of numbers without a code.

    Codes: those of `clean_text`, `no_value` (zero), `bad_phone`.
    """
    text, code = clean_text(value)
    if text is None:
        return Cleaned(None, code)
    written = _PREFIX.sub("", text, count=1) if _PREFIX.match(text) else text
    digits = re.sub(r"\D", "", written)
    if digits and not digits.strip("0"):
        return Cleaned(None, "no_value")
    if not _LOOKS_DIALLED.fullmatch(written) or len(written) > _LONGEST:
        return Cleaned(None, "bad_phone")
    known = _known(written, digits, region)
    if known is not None:
        return Cleaned(phonenumbers.format_number(known, PhoneNumberFormat.E164))
    if _FEWEST_DIGITS <= len(digits) <= _MOST_DIGITS:
        return Cleaned(written)
    return Cleaned(None, "bad_phone")


def _known(written: str, digits: str, region: str) -> PhoneNumber | None:
    """The valid number, also where only the plus of an international one is missing."""
    candidates = [written]
    if len(digits) >= _WITH_COUNTRY and not written.startswith(("+", "0")):
        candidates.append(f"+{digits}")
    for candidate in candidates:
        try:
            number = phonenumbers.parse(candidate, region)
        except NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            return number
    return None
