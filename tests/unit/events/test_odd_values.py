"""What ManyChat, its flows and spreadsheets really send: one table of odd values a kind."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.events.cleaning.channels import clean_channel
from bridge.events.cleaning.dates import clean_time, event_time, read_time
from bridge.events.cleaning.emails import clean_email
from bridge.events.cleaning.phones import clean_phone
from bridge.events.cleaning.text import (
    clean_id,
    clean_name,
    clean_summary,
    clean_text,
    cut,
    raw_text,
)

LIMA = ZoneInfo("America/Lima")
NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "value", "code"),
    [
        ("Recién Suscrito", "Recién Suscrito", None),
        ("  Nuevo\t Lead ", "Nuevo Lead", None),
        ("Nuevo\u00a0Lead", "Nuevo Lead", None),
        ("Nuevo\u200bLead\ufeff", "NuevoLead", None),
        ("Nue\x00vo\x07", "Nuevo", None),
        ("Recie\u0301n", "Recién", None),
        ("👩\u200d⚕️ Doctora", "👩\u200d⚕️ Doctora", None),
        (85, "85", None),
        (None, None, None),
        ("", None, None),
        (" \n\t", None, None),
        ("-", None, "no_value"),
        ("--", None, "no_value"),
        ("—", None, "no_value"),
        ("????", None, "no_value"),
        ("?", None, "no_value"),
        ("null", None, "no_value"),
        (" NULL ", None, "no_value"),
        ("None", None, "no_value"),
        ("undefined", None, "no_value"),
        (True, None, "boolean"),
        (False, None, "boolean"),
        ("TRUE", None, "boolean"),
        ("VERDADERO", None, "boolean"),
        ("falso", None, "boolean"),
        ("{{cuf_123}}", None, "placeholder"),
        ("Etapa {{cuf_123}}", None, "placeholder"),
        ("{{cuf_12", None, "placeholder"),
        (1.5, None, "not_text"),
        (["Nuevo"], None, "not_text"),
        ({"state": "Nuevo"}, None, "not_text"),
        (10**60, None, "not_text"),
        ("x" * 300, "x" * 255, "cut"),
        ("😀" * 200, "😀" * 127, "cut"),
    ],
)
def test_text(raw: Any, value: str | None, code: str | None) -> None:
    assert clean_text(raw) == (value, code)


@pytest.mark.parametrize(
    ("raw", "value", "code"),
    [
        ("Ana María", "Ana María", None),
        ("Ana {{last_name}} García", "Ana García", "placeholder"),
        ("{{first_name}}", None, "placeholder"),
        ("{{ first name|fallback }} Ana", "Ana", "placeholder"),
        ("Ana {{first_na", "Ana", "placeholder"),
        ("Ana {{", "Ana", "placeholder"),
        ("{{a{{b}}c}}", None, "placeholder"),
        ("{{{{x}}}}", None, "placeholder"),
        ("{{{x}}}", "{}", "placeholder"),
        ("{{first_name}} -", None, "placeholder"),
        ("Ana e{{x}}\u0301", "Ana é", "placeholder"),
        ("  Ana \n García ", "Ana García", None),
        ("VERDADERO", None, "boolean"),
        (12345, "12345", None),
    ],
)
def test_names(raw: Any, value: str | None, code: str | None) -> None:
    assert clean_name(raw) == (value, code)


@pytest.mark.parametrize(
    ("raw", "value", "code"),
    [
        ("Pide  precio.\n\nVive en Lima.", "Pide  precio.\n\nVive en Lima.", None),
        ("Pide precio de {{cuf_9}} hoy", "Pide precio de hoy", "placeholder"),
        ("uno\r\ndos\u2028tres", "uno\ndos\ntres", None),
        ("????", None, "no_value"),
        ("{{cuf_9}}", None, "placeholder"),
    ],
)
def test_summaries(raw: Any, value: str | None, code: str | None) -> None:
    assert clean_summary(raw) == (value, code)


@pytest.mark.parametrize(
    ("raw", "value", "code"),
    [
        ("MC99999", "MC99999", None),
        (" 123 ", "123", None),
        (9007199254740993, "9007199254740993", None),
        (0, "0", None),
        (1.0, None, "bad_id"),
        (9.007199254740993e15, None, "bad_id"),
        ("9.00719E+15", None, "bad_id"),
        ("9,00719e+15", None, "bad_id"),
        ("12E5", "12E5", None),
        (True, None, "boolean"),
        ("{{user_id}}", None, "placeholder"),
        ("null", None, "no_value"),
        ([1], None, "not_text"),
    ],
)
def test_ids(raw: Any, value: str | None, code: str | None) -> None:
    assert clean_id(raw) == (value, code)


@pytest.mark.parametrize(
    ("raw", "value", "code"),
    [
        ("ana.garcia@example.com", "ana.garcia@example.com", None),
        (" Ana@Example.COM ", "Ana@example.com", None),
        ("<ana@example.com>,", "ana@example.com", None),
        ("ñandu+1@correo.example.pe", "ñandu+1@correo.example.pe", None),
        ("noespecificado@email.com", None, "dummy_email"),
        ("NoEspecificado@Email.com.", None, "dummy_email"),
        ("ana@", None, "bad_email"),
        ("@example.com", None, "bad_email"),
        ("ana@example", None, "bad_email"),
        ("ana@exa mple.com", None, "bad_email"),
        ("ana@@example.com", None, "bad_email"),
        ("ana..g@example.com", None, "bad_email"),
        (".ana@example.com", None, "bad_email"),
        ("ana@-example.com", None, "bad_email"),
        ("ana@192.168.0.1", None, "bad_email"),
        ("no tiene", None, "bad_email"),
        ("a" * 65 + "@example.com", None, "bad_email"),
        ("a@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 63, None, "bad_email"),
        ("a@\u0130stanbul.com", None, "bad_email"),
        ("{{email}}", None, "placeholder"),
        ("", None, None),
        (False, None, "boolean"),
        (5, None, "bad_email"),
    ],
)
def test_emails(raw: Any, value: str | None, code: str | None) -> None:
    assert clean_email(raw, {"noespecificado@email.com"}) == (value, code)


@pytest.mark.parametrize(
    ("raw", "value", "code"),
    [
        ("987654321", "+51987654321", None),
        (987654321, "+51987654321", None),
        (51987654321, "+51987654321", None),
        ("+51 987-654-321", "+51987654321", None),
        ("0051987654321", "+51987654321", None),
        ("(01) 234 5678", "+5112345678", None),
        ("whatsapp:+51987654321", "+51987654321", None),
        ("tel: 987654321", "+51987654321", None),
        ("\u202a+51 987 654 321\u202c", "+51987654321", None),
        ("+34 612 345 678", "+34612345678", None),
        ("34612345678", "+34612345678", None),
        ("+521234567891", "+521234567891", None),
        ("+51 123 456 789", "+51 123 456 789", None),
        ("1234567", "1234567", None),
        ("0", None, "no_value"),
        (0, None, "no_value"),
        ("000000000", None, "no_value"),
        ("12345", None, "bad_phone"),
        ("1234567890123456", None, "bad_phone"),
        ("987 654 32l", None, "bad_phone"),
        ("no tiene", None, "bad_phone"),
        ("+", None, "bad_phone"),
        ("( )", None, "bad_phone"),
        ("+999 123 4567", "+999 123 4567", None),
        ("9" + "." * 30 + "87654321", None, "bad_phone"),
        ("llámame al 987654321", None, "bad_phone"),
        (9.87654321e8, None, "not_text"),
        ("{{wa_id}}", None, "placeholder"),
        ("VERDADERO", None, "boolean"),
        (" ", None, None),
    ],
)
def test_phones(raw: Any, value: str | None, code: str | None) -> None:
    assert clean_phone(raw, "PE") == (value, code)


def test_the_phones_region_is_that_of_the_settings() -> None:
    assert clean_phone("612 345 678", "ES").value == "+34612345678"


@pytest.mark.parametrize(
    ("raw", "value", "code"),
    [
        ("WhatsApp", "WhatsApp", None),
        ("WHATSAPP", "WhatsApp", None),
        ("whats app", "WhatsApp", None),
        ("wa", "WhatsApp", None),
        ("FB", "Facebook", None),
        ("facebook ads", "Facebook Ads", None),
        ("Facebook-Ads", "Facebook Ads", None),
        ("Facebook Messenger", "Messenger", None),
        ("IG", "Instagram", None),
        ("Ínstagram", "Instagram", None),
        ("TickTock", "TikTok", None),
        ("tik tok", "TikTok", None),
        ("Página web", "Website", None),
        ("telegram", "Telegram", None),
        ("Radio  Mar", "Radio Mar", None),
        ("3", "3", None),
        (3, "3", None),
        (0, None, "no_value"),
        ("51987654321", None, "unknown_channel"),
        ("12-34", None, "unknown_channel"),
        ("🙂", None, "unknown_channel"),
        ("https://example.com/x", None, "unknown_channel"),
        ("ana@example.com", None, "unknown_channel"),
        ("x" * 65, None, "unknown_channel"),
        ("cuf}} 8", None, "unknown_channel"),
        ("{{cuf_8}}", None, "placeholder"),
        (True, None, "boolean"),
    ],
)
def test_channels(raw: Any, value: str | None, code: str | None) -> None:
    assert clean_channel(raw) == (value, code)


@pytest.mark.parametrize(
    ("raw", "start"),
    [
        ("2025-10-20T22:41:00Z", "2025-10-20T22:41:00"),
        ("2025-10-20T17:41:00-05:00", "2025-10-20T22:41:00"),
        ("2025-10-20T17:41:00-0500", "2025-10-20T22:41:00"),
        ("2025-10-20T17:41:00.250", "2025-10-20T22:41:00.250000"),
        ("2025-10-20T22:41:00.123456789Z", "2025-10-20T22:41:00.123456"),
        ("2025-10-20 17:41:00", "2025-10-20T22:41:00"),
        ("2025-10-20 22:41:00 UTC", "2025-10-20T22:41:00"),
        ("2025-10-20 17:41:00 GMT-5", "2025-10-20T22:41:00"),
        ("20251020T224100Z", "2025-10-20T22:41:00"),
        ("20 Oct 2025, 05:41pm", "2025-10-20T22:41:00"),
        ("20 oct. 2025, 05:41 p. m.", "2025-10-20T22:41:00"),
        ("20 de octubre de 2025 17:41", "2025-10-20T22:41:00"),
        ("1 Sept 2025, 12:05am", "2025-09-01T05:05:00"),
        ("1 set 2025, 12:05pm", "2025-09-01T17:05:00"),
        ("Mon, 20 Oct 2025 22:41:00 GMT", "2025-10-20T22:41:00"),
        ("Oct 20, 2025 5:41 PM", "2025-10-20T22:41:00"),
        ("31/12/2024 9:05:00", "2024-12-31T14:05:00"),
        ("31-12-2024 9:05", "2024-12-31T14:05:00"),
        ("05/06/2025 10:00", "2025-06-05T15:00:00"),
        ("2025/10/20", "2025-10-20T05:00:00"),
        ("1761000060", "2025-10-20T22:41:00"),
        (1761000060, "2025-10-20T22:41:00"),
        (1761000060.5, "2025-10-20T22:41:00.500000"),
        ("1761000060000", "2025-10-20T22:41:00"),
    ],
)
def test_dates_that_can_be_read(raw: Any, start: str) -> None:
    when, code = read_time(raw, LIMA)
    assert (when.start if when else None, code) == (
        datetime.fromisoformat(start).replace(tzinfo=UTC),
        None,
    )


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("ayer", "bad_date"),
        ("12/31/2024", "bad_date"),
        ("2025-02-30", "bad_date"),
        ("2025-10-20 25:00", "bad_date"),
        ("2025-10-20 17:41am", "bad_date"),
        ("2025-10-2017:41", "bad_date"),
        ("2025-10-20T17:41:00+99:00", "bad_date"),
        ("20 Foo 2025", "bad_date"),
        ("0", "bad_date"),
        (0, "bad_date"),
        ("01/01/1970", "bad_date"),
        ("9999-12-31T23:59:59-12:00", "bad_date"),
        ("99999999999999999999", "bad_date"),
        (1e300, "bad_date"),
        (-1761000060, "bad_date"),
        ("{{current_time}}", "placeholder"),
        ("-", "no_value"),
        (True, "boolean"),
        ([], "not_text"),
        (None, None),
        ("", None),
    ],
)
def test_dates_that_cannot(raw: Any, code: str | None) -> None:
    assert read_time(raw, LIMA) == (None, code)
    assert event_time(raw, LIMA, NOW) == (None, code)
    assert clean_time(raw, LIMA, NOW) == (None, code)


@pytest.mark.parametrize(
    ("raw", "at", "code"),
    [
        # a time without seconds: the end of its minute …
        ("2025-11-01T11:58Z", "2025-11-01T11:58:59.999999", None),
        ("1 Nov 2025, 06:58am", "2025-11-01T11:58:59.999999", None),
        # … or the arrival, if that is earlier
        ("2025-11-01T12:00Z", "2025-11-01T12:00:00", None),
        ("2025-11-01", "2025-11-01T12:00:00", None),
        ("2025-10-31", "2025-11-01T04:59:59.999999", None),
        ("2025-11-01T11:58:00Z", "2025-11-01T11:58:00", None),
        # never later than the arrival; a warning from five minutes on
        ("2025-11-01T12:04:59Z", "2025-11-01T12:00:00", None),
        ("2025-11-01T12:05:00Z", "2025-11-01T12:00:00", "future"),
        ("2025-11-01T12:04Z", "2025-11-01T12:00:00", None),
        ("2025-11-01T12:05Z", "2025-11-01T12:00:00", "future"),
        ("2031-01-01T00:00:00Z", "2025-11-01T12:00:00", "future"),
    ],
)
def test_event_times(raw: Any, at: str, code: str | None) -> None:
    assert event_time(raw, LIMA, NOW) == (datetime.fromisoformat(at).replace(tzinfo=UTC), code)


def test_a_facts_time_stays_as_written_but_never_lies_ahead() -> None:
    assert clean_time("2025-10-31 10:00", LIMA, NOW).value == datetime(2025, 10, 31, 15, tzinfo=UTC)
    assert clean_time("2025-11-02", LIMA, NOW) == (NOW, "future")
    assert clean_time(NOW.timestamp() + 60, LIMA, NOW) == (NOW, None)


def test_the_zone_holds_for_times_without_one_only() -> None:
    madrid = ZoneInfo("Europe/Madrid")
    bare, zoned = (
        read_time("2025-07-01 10:00:00", madrid),
        read_time("2025-07-01T10:00:00Z", madrid),
    )
    assert bare.value is not None
    assert zoned.value is not None
    assert zoned.value.start - bare.value.start == timedelta(hours=2)


def test_cutting_never_splits_a_character() -> None:
    assert cut("ab😀", 3) == "ab"
    assert cut("ab😀", 4) == "ab😀"


def test_a_boolean_is_no_text_even_before_its_words_are_read() -> None:
    assert raw_text(True) == raw_text(False) == (None, "boolean")
