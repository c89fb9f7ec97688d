"""Times as ManyChat, its flows and spreadsheets write them, to aware UTC datetimes."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any, NamedTuple

from bridge.events.cleaning.text import Cleaned, clean_text

FUTURE_WARNING = timedelta(minutes=5)
_TICK = timedelta(microseconds=1)
_MINUTE = timedelta(minutes=1) - _TICK
_DAY = timedelta(days=1) - _TICK
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[ap]\.?\s?m\.?)?"
    r"\s*(?P<zone>z|(?:utc|gmt)?(?P<offset>[+-]\d{1,2}(?::?\d{2})?)|utc|gmt)?"
)
_TIME = rf"(?:(?:\s*,\s*|\s+-\s+|\s+|t)(?:(?:at|a las)\s+)?{_CLOCK})?"
_BASIC_TIME = (
    r"(?:t(?P<hour>\d{2})(?P<minute>\d{2})(?:(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?P<half>)(?P<zone>z|(?P<offset>[+-]\d{2}(?::?\d{2})?))?)?"
)
_WEEKDAY = r"(?:[a-z]{3,9}\.?,?\s+)?"
_NAME = r"(?P<name>[a-z]{3,10})\.?"
_FORMATS = tuple(
    re.compile(pattern, re.ASCII)
    for pattern in (
        r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME,
        r"(?P<day>\d{1,2})[-/.](?P<month>\d{1,2})[-/.](?P<year>\d{4})" + _TIME,
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})[\s-]+(?:de\s+)?{_NAME},?[\s-]+(?:del?\s+)?(?P<year>\d{{4}})"
        + _TIME,
        rf"{_WEEKDAY}{_NAME}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?\s+(?P<year>\d{{4}})" + _TIME,
        r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})" + _BASIC_TIME,
    )
)
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan ene january enero", "feb february febrero", "mar march marzo",
            "apr abr april abril", "may mayo", "jun june junio", "jul july julio",
            "aug ago august agosto", "sep set sept september septiembre setiembre",
            "oct october octubre", "nov november noviembre", "dec dic december diciembre",
        ),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_EPOCH_SECONDS = re.compile(r"\d{9,10}(?:\.\d+)?", re.ASCII)
_EPOCH_MILLISECONDS = re.compile(r"\d{12,13}", re.ASCII)


class When(NamedTuple):
    """A time as precise as it was written: it lies in `start` … `start + span`, UTC."""

    start: datetime
    span: timedelta


def read_time(value: Any, zone: tzinfo) -> Cleaned[When]:
    """`zone` holds for times without one. Codes: those of `clean_text`, `bad_date`."""
    if isinstance(value, float):
        value = repr(value)  # epoch seconds with a fraction
    text, code = clean_text(value)
    if text is None:
        return Cleaned(None, code)
    try:
        when = _epoch(text) or _written(_unaccented(text), zone)
    except (ValueError, OverflowError):
        when = None
    if when is None or not _EARLIEST <= when.start < _LATEST:
        return Cleaned(None, "bad_date")
    return Cleaned(when)


def clean_time(value: Any, zone: tzinfo, received_at: datetime) -> Cleaned[datetime]:
    """A fact's time as written; never later than the arrival (`future` from 5 minutes on)."""
    when, code = read_time(value, zone)
    if when is None:
        return Cleaned(None, code)
    return Cleaned(min(when.start, received_at), _future(when, received_at))


def event_time(value: Any, zone: tzinfo, received_at: datetime) -> Cleaned[datetime]:
    """When the event happened: the end of the written minute (or day), at most the arrival.

    Codes: those of `clean_time`.
    """
    when, code = read_time(value, zone)
    if when is None:
        return Cleaned(None, code)
    return Cleaned(min(when.start + when.span, received_at), _future(when, received_at))


def _future(when: When, received_at: datetime) -> str | None:
    return "future" if when.start - received_at >= FUTURE_WARNING else None


def _epoch(text: str) -> When | None:
    if _EPOCH_SECONDS.fullmatch(text):
        return When(datetime.fromtimestamp(float(text), UTC), timedelta(0))
    if _EPOCH_MILLISECONDS.fullmatch(text):
        return When(datetime.fromtimestamp(int(text) / 1000, UTC), timedelta(0))
    return None


def _written(text: str, zone: tzinfo) -> When | None:
    match = next((m for m in (form.fullmatch(text) for form in _FORMATS) if m), None)
    if match is None:
        return None
    parts = match.groupdict()
    local = datetime(
        int(parts["year"]),
        int(parts["month"]) if "month" in parts else _MONTHS.get(parts["name"], 0),
        int(parts["day"]),
        _hour(int(parts["hour"] or 0), (parts["half"] or "")[:1]),
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
        int((parts["fraction"] or "")[:6].ljust(6, "0")),
        tzinfo=_zone(parts["zone"], parts["offset"]) or zone,
    )
    span = timedelta(0) if parts["second"] else _MINUTE if parts["minute"] else _DAY
    return When(local.astimezone(UTC), span)


def _hour(hour: int, half: str) -> int:
    if not half:
        return hour
    if hour > 12 and half == "a":
        raise ValueError("no such hour in the morning")
    return hour if hour > 12 else hour % 12 + (12 if half == "p" else 0)


def _zone(zone: str | None, offset: str | None) -> tzinfo | None:
    if not zone:
        return None
    digits = (offset or "+0")[1:].replace(":", "")
    hours, minutes = (int(digits[:-2]), int(digits[-2:])) if len(digits) > 2 else (int(digits), 0)
    shift = timedelta(hours=hours, minutes=minutes)
    return timezone(-shift if offset and offset[0] == "-" else shift)


def _unaccented(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in parts if not unicodedata.combining(character))
