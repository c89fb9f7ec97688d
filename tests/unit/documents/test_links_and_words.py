"""Links lead to headings that exist, and the Spanish guide's words are the screens'."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from tests.unit.about_the_code.sources import ROOT, Source, read, texts, tracked

GUIDE = "README.es.md"
CATALOGUE = "miasalud_crm/i18n/es.po"
# What is written in italics there and is no word of the addon.
ODOO = {"CRM", "Ventas", "Configuración", "Ajustes", "Contactos"}
MANYCHAT = {"Acciones", "Solicitud externa (External Request)", "Response mapping"}


def anchors(text: str) -> set[str]:
    """The anchors that GitHub makes of a document's headings."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def dead_anchors(sources: Iterable[Source]) -> list[str]:
    """Links into a document of the checkout whose heading is gone."""
    wrong = []
    for source in sources:
        for path, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", source.text):
            folder = ROOT / PurePosixPath(source.path).parent
            target = (folder / path) if path else ROOT / source.path
            text = source.text if not path else target.read_text()
            if anchor not in anchors(text):
                wrong.append(f"{source.path}: {path}#{anchor}")
    return wrong


def foreign_words(text: str, known: set[str]) -> list[str]:
    """Words in italics that no screen shows; a sentence in italics is none."""
    plain = re.sub(r"`[^`]*`|\*\*[^*]+\*\*|```.*?```", "", text, flags=re.DOTALL)
    shown = [
        part
        for words in re.findall(r"\*([^*\n]+[^*\n.])\*", plain)
        for part in re.split(" [›/] ", words)
    ]
    return [one for one in shown if not any(k.startswith(one) for k in known)]


def test_every_link_leads_to_a_heading() -> None:
    documents = texts(path for path in tracked() if path.endswith(".md"))
    assert dead_anchors(documents) == []


def test_a_link_to_a_heading_that_is_gone_is_seen() -> None:
    assert dead_anchors([Source("x.md", "# A\n[a](#a) [b](#b) [c](README.md#nothing)")]) == [
        "x.md: #b",
        "x.md: README.md#nothing",
    ]


def test_the_guides_words_are_the_screens() -> None:
    known = {*re.findall(r'^msgstr "(.+)"$', read(CATALOGUE).text, re.MULTILINE), *ODOO, *MANYCHAT}
    assert foreign_words(read(GUIDE).text, known) == []


def test_a_word_that_no_screen_shows_is_seen() -> None:
    assert foreign_words("Pulse *CRM › Nada* y **esto**.", {"CRM"}) == ["Nada"]
