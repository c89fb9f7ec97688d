"""Bodies that are not quite UTF-8 JSON are read, with a warning."""

from __future__ import annotations

import codecs
from typing import Any

import pytest

CONTACT = "/api/v1/manychat/webhook/contact"
TEXT = '{"manychat_id": "MC1", "nombre_lead": "Íñigo"}'


@pytest.mark.parametrize(
    ("raw", "content_type", "warning"),
    [
        (TEXT.encode(), "application/json", ""),
        (TEXT.encode(), "application/json; charset=iso-8859-1", ""),
        (TEXT.encode(), "text/plain", ""),
        (TEXT.encode(), None, ""),
        (codecs.BOM_UTF8 + TEXT.encode(), "application/json", "body: bom"),
        (TEXT.encode("cp1252"), "application/json", "body: charset"),
        (TEXT.encode("latin-1"), "application/json; charset=latin1", "body: charset"),
        (TEXT.encode("latin-1"), "application/json; charset=no-such", "body: charset"),
        (TEXT.encode("latin-1"), "application/json; charset=base64", "body: charset"),
        (TEXT.encode("mac_roman"), "application/json; charset=mac_roman", "body: charset"),
        (TEXT.encode("utf-16"), "application/json", "body: charset"),
        (TEXT.encode("utf-16-le"), "application/json", "body: charset"),
        (TEXT.encode("utf-32-be"), "application/json", "body: charset"),
    ],
)
async def test_the_name_arrives_whatever_the_charset(
    api: Any, raw: bytes, content_type: str | None, warning: str
) -> None:
    headers = {"content_type": content_type} if content_type else {}
    answer = await api.post(CONTACT, raw, **headers)
    assert (answer.status, answer.json["warnings"]) == (202, warning)
    assert api.sender.kept[0][1].payload["nombre_lead"] == "Íñigo"


async def test_a_byte_that_no_charset_knows_is_still_read(api: Any) -> None:
    answer = await api.post(CONTACT, b'{"manychat_id": "MC1", "nombre_lead": "Ana\x81\xff"}')
    assert (answer.status, answer.json["warnings"]) == (202, "body: charset")


async def test_raw_line_breaks_inside_strings_are_read_with_a_warning(api: Any) -> None:
    answer = await api.post(CONTACT, b'{"manychat_id": "MC1", "summary": "uno\ndos\ttres"}')
    assert (answer.status, answer.json["warnings"]) == (202, "body: control_characters")
    assert api.sender.kept[0][1].payload["summary"] == "uno\ndos\ttres"


async def test_half_a_surrogate_pair_does_not_stop_the_event(api: Any) -> None:
    answer = await api.post(CONTACT, rb'{"manychat_id": "MC1", "nombre_lead": "Ana \ud83d"}')
    assert answer.status == 202
    assert api.sender.kept[0][1].payload["nombre_lead"] == "Ana ?"
