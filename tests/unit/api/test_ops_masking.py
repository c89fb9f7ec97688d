"""What of a dead letter's body is shown: enough to mend it, nothing of a person."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.api.ops.masking import KNOWN, PLAIN, masked, shape
from bridge.events.spellings import SPELLINGS

PERSONAL = (
    "first_name", "last_name", "phone", "email", "gender", "summary", "street", "district",
    "city", "province", "country", "category", "commercial", "medical", "advisor",
)  # fmt: skip


def test_names_phones_mails_and_summaries_become_their_shape() -> None:
    body = {
        "manychat_id": "MC-7", "nombre_lead": "Rosa", "whatsapp": "+51 987 654", "email": "r@x.pe",
        "summary": "Dolor de espalda", "apellido_lead": "{{last_name}}", "ultimo_estado": "Nuevo",
        "otro": ["Ana", 1], "state": {"stage": "Nuevo", "summary": "Fiebre"}, "phone": 987654,
        "Rosa Quispe": None,
    }  # fmt: skip
    assert json.loads(masked(json.dumps(body))) == {
        "manychat_id": "MC-7", "nombre_lead": "Xxxx", "whatsapp": "+99 999 999", "email": "x@x.xx",
        "summary": "Xxxxx xx xxxxxxx", "apellido_lead": "{{last_name}}", "ultimo_estado": "Nuevo",
        "xxxx": ["Xxx", "9"], "state": {"stage": "Nuevo", "summary": "Xxxxxx"}, "phone": "999999",
        "Xxxx Xxxxxx": None,
    }  # fmt: skip


def test_broken_json_keeps_its_form_and_known_names_only() -> None:
    text = '{"nombre_lead": "Rosa "la" Quispe", "Rosa": 1, "whatsapp": +51987'
    assert masked(text) == '{"nombre_lead": "Xxxx "xx" Xxxxxx", "Xxxx": 9, "whatsapp": +99999'


def test_a_cut_body_is_masked_inside_too() -> None:
    body = json.dumps({"cut": '{"nombre_lead": "Rosa', "length": 40_000, "sha256": "ab12"})
    told = json.loads(masked(body))
    assert told == {"cut": '{"nombre_lead": "Xxxx', "length": 40_000, "sha256": "ab12"}


@pytest.mark.parametrize("key", PERSONAL)
def test_no_field_of_a_person_is_plain(key: str) -> None:
    plain = {"state"} if key == "province" else set()
    assert set(SPELLINGS[key]) & PLAIN <= plain
    assert "state" not in PLAIN


def test_a_long_text_is_cut_even_where_it_is_plain() -> None:
    assert shape("a" * 61) == "x" * 60 + "… (61 characters)"
    assert json.loads(masked(json.dumps({"stage": "Hola " * 20})))["stage"].startswith("Xxxx ")


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1, max_size=60))
def test_of_no_word_is_more_shown_than_its_shape(word: str) -> None:
    assert set(json.loads(masked(json.dumps({"summary": word})))["summary"]) <= set("xX9")
    assert set(masked(f'{{"summary": {word}').removeprefix('{"summary": ')) <= set("xX9")


def test_deep_nesting_does_not_break_it() -> None:
    assert masked("[" * 50_000).startswith("[[")
    assert "manychat_id" in KNOWN
