"""Each cleaning rule, for whatever value it may meet."""

from __future__ import annotations

import codecs
import json
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat

from bridge.api.bodies import decode, parse
from bridge.errors import UnusableEvent
from bridge.events.cleaning.channels import ALIASES, KNOWN, clean_channel
from bridge.events.cleaning.dates import clean_time, event_time
from bridge.events.cleaning.emails import clean_email
from bridge.events.cleaning.phones import clean_phone
from bridge.events.cleaning.text import clean_id, clean_name, clean_summary, clean_text
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event

LIMA = ZoneInfo("America/Lima")
NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)
WORDS = st.text(st.characters(categories=["L"], max_codepoint=0x17F), min_size=2, max_size=12)
FIELDS = st.text(st.characters(categories=["Ll", "Nd"], max_codepoint=0x7A), max_size=12)
BLANKS = st.text(st.sampled_from(" \t\n\u00a0"), max_size=3)
MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2025, 10, 31))  # noqa: DTZ001  (as written)
NOTHING = st.sampled_from(["", "-", "--", "—", "?", "????", "null", "none", "undefined", "n/a"])
BOOLEANS = st.sampled_from(["true", "false", "verdadero", "falso"])
REGIONS = st.sampled_from(["PE", "MX", "CO", "CL", "AR", "EC", "ES", "US"])
NUMBERS = REGIONS.map(
    lambda region: phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.MOBILE)
)
WRITTEN = (
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f",
)  # fmt: skip


def cased(text: str, upper: bool) -> str:
    return text.upper() if upper else text.title()


@given(BLANKS, NOTHING | BOOLEANS, BLANKS, st.booleans())
def test_words_that_mean_nothing_are_absent_in_any_case(
    before: str, word: str, after: str, upper: bool
) -> None:
    raw = before + cased(word, upper) + after
    assert clean_text(raw).value is None
    assert clean_name(raw).value is None
    assert clean_id(raw).value is None


@given(st.booleans())
def test_a_boolean_is_no_value_of_any_kind(raw: bool) -> None:
    for clean in (clean_text, clean_name, clean_summary, clean_id, clean_channel, clean_email):
        assert clean(raw) == (None, "boolean")
    assert clean_phone(raw, "PE").value is None
    assert clean_time(raw, LIMA, NOW).value is None


@given(WORDS, FIELDS, WORDS)
def test_a_variable_is_taken_out_of_free_text_and_makes_any_other_value_absent(
    before: str, field: str, after: str
) -> None:
    assume(clean_text(f"{before} {after}").code is None)
    raw = f"{before} {{{{{field}}}}} {after}"
    assert clean_name(raw) == (clean_text(f"{before} {after}").value, "placeholder")
    assert clean_summary(raw).value == clean_text(f"{before} {after}").value
    for clean in (clean_text, clean_id, clean_channel, clean_email):
        assert clean(raw) == (None, "placeholder")
    assert clean_phone(raw, "PE") == (None, "placeholder")


@given(st.integers(-(10**30), 10**30))
def test_an_integer_id_becomes_its_digits(number: int) -> None:
    assert clean_id(number) == (str(number), None)
    assert clean_id(str(number)) == (str(number), None)


@given(st.floats(allow_nan=True, allow_infinity=True))
@example(85.0)
def test_a_float_is_never_an_id(number: float) -> None:
    assert clean_id(number) == (None, "bad_id")


@given(NUMBERS, st.booleans(), st.sampled_from([" ", "-", ".", "("]))
def test_a_valid_phone_is_e164_however_it_is_written(
    number: Any, plus: bool, separator: str
) -> None:
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    written = phonenumbers.format_number(number, PhoneNumberFormat.INTERNATIONAL)
    written = written.replace(" ", ") " if separator == "(" else separator)
    assert clean_phone(written, "PE").value == e164
    assert clean_phone(e164 if plus else e164[1:], "PE").value == e164
    region = phonenumbers.region_code_for_number(number)
    national = phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL)
    assert clean_phone(national, region).value == e164


@given(st.text(st.sampled_from("0"), min_size=1, max_size=15))
def test_zeros_are_no_phone(zeros: str) -> None:
    assert clean_phone(zeros, "PE") == (None, "no_value")


@given(st.from_regex(r"[a-z][a-z0-9]{0,20}", fullmatch=True), st.booleans(), BLANKS)
def test_a_plain_address_is_kept_and_a_dummy_one_is_absent_in_any_case(
    name: str, upper: bool, blank: str
) -> None:
    address = f"{name}@clinic.example"
    raw = blank + cased(address, upper) + blank
    kept = clean_email(raw).value
    assert kept is not None
    assert kept.lower() == address
    assert kept.endswith("@clinic.example")
    assert clean_email(raw, {address}) == (None, "dummy_email")


@given(MOMENTS, st.sampled_from(WRITTEN))
def test_a_time_without_a_zone_is_limas_in_every_form(moment: datetime, form: str) -> None:
    moment = moment if form.endswith("%f") else moment.replace(microsecond=0)
    expected = moment.replace(tzinfo=LIMA).astimezone(UTC)
    assert clean_time(moment.strftime(form), LIMA, NOW) == (expected, None)


@given(MOMENTS)
def test_epoch_seconds_and_a_written_zone_need_no_default(moment: datetime) -> None:
    known = moment.replace(microsecond=0, tzinfo=UTC)
    assert clean_time(int(known.timestamp()), LIMA, NOW) == (known, None)
    assert clean_time(known.isoformat(), LIMA, NOW) == (known, None)


@given(st.timedeltas(timedelta(0), timedelta(days=3650)))
def test_nothing_happens_later_than_it_arrives_and_five_minutes_are_told(ahead: timedelta) -> None:
    at, code = event_time((NOW + ahead).isoformat(), LIMA, NOW)
    assert at == NOW
    assert code == ("future" if ahead >= timedelta(minutes=5) else None)


@given(st.integers(0, 59), st.integers(0, 23))
def test_a_time_without_seconds_is_the_end_of_its_minute_or_the_arrival(
    minute: int, hour: int
) -> None:
    start = datetime(2025, 11, 1, hour, minute, tzinfo=UTC)
    at, _ = event_time(start.strftime("%Y-%m-%dT%H:%MZ"), LIMA, NOW)
    assert at is not None
    assert at == min(NOW, at)
    assert start <= at < start + timedelta(minutes=1) or at == NOW


@given(st.sampled_from(sorted({*KNOWN, *" ".join(ALIASES.values()).split()})), st.booleans())
def test_a_known_channel_is_found_whatever_its_case_accents_and_blanks(
    alias: str, upper: bool
) -> None:
    known = clean_channel(alias).value
    assert known in KNOWN
    accented = unicodedata.normalize("NFC", cased(alias, upper).replace("a", "a\u0301"))
    assert clean_channel(f" {accented}. ").value == known


@given(
    st.integers(10**9, 10**30).map(str) | st.sampled_from(["{{cuf_7}}", "@somebody", "http://x.io"])
)
def test_junk_is_no_channel(junk: str) -> None:
    assert clean_channel(junk).value is None


@given(
    st.sampled_from([None, "", " ", "-", "????", "null", "{{cuf_9}}", True]),
    st.sampled_from(["nombre_lead", "whatsapp", "email_lead", "canal_entrada", "ultimo_estado"]),
)
def test_absent_is_not_clear(nothing: Any, field: str) -> None:
    envelope = Envelope(id="e1", type=EventType.CONTACT, received_at=NOW, occurred_at=None,
                        payload={"manychat_id": "MC1", field: nothing})  # fmt: skip
    assert read_event(envelope, Rules()).values == {}


@given(st.text(st.characters(codec="cp1252", exclude_characters='"\\'), max_size=40))
@example("Íñigo\nMuñoz\t")
def test_raw_line_breaks_and_other_charsets_are_read_as_they_were_meant(text: str) -> None:
    body = f'{{"summary": "{text}"}}'
    raw = any(character < " " for character in text)
    for encoded in (
        body.encode(),
        codecs.BOM_UTF8 + body.encode(),
        body.encode("utf-16"),
        body.encode("utf-16-le"),
    ):
        decoded, _ = decode(encoded, "application/json")
        value, notes = parse(decoded)
        assert value == {"summary": text}
        assert [note.code for note in notes] == (["control_characters"] if raw else [])
    cp1252, _ = decode(body.encode("cp1252"), "application/json; charset=windows-1252")
    assert parse(cp1252)[0] == {"summary": text} or _is_utf8(body.encode("cp1252"))


def _is_utf8(data: bytes) -> bool:
    """Such bytes mean something else by UTF-8, which goes first."""
    try:
        data.decode()
    except ValueError:
        return False
    return True


@given(st.dictionaries(WORDS, st.integers() | WORDS, max_size=4), st.integers(1, 9))
def test_json_that_is_cut_off_is_refused(body: dict[str, Any], missing: int) -> None:
    with pytest.raises(UnusableEvent, match="bad_json"):
        parse(json.dumps(body)[:-missing])
