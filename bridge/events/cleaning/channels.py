"""Channels: the known ones, what people call them, and what is no channel at all."""

from __future__ import annotations

import re
from typing import Any

from bridge.events.cleaning.text import Cleaned, clean_text, fold

WHATSAPP = "WhatsApp"
KNOWN = (
    WHATSAPP, "Facebook", "Instagram", "Messenger", "TikTok", "Telegram", "Website",
    "Facebook Ads",
)  # fmt: skip
ALIASES = {
    WHATSAPP: "wa wsp wpp wsap whats whatsap watsap watsapp whatssapp whatsappbusiness",
    "Facebook": "fb face facebok fbpage",
    "Instagram": "ig insta instagran instagramdm",
    "Messenger": "fbmessenger facebookmessenger msgr mesenger",
    "TikTok": "ticktock ticktok tictok tiktoc tt",
    "Telegram": "tg telegran",
    "Website": "web sitio sitioweb paginaweb pagina site landing webchat",
    "Facebook Ads": "fbads facebookad adsfacebook metaads anunciofacebook anunciosfacebook",
}
_BY_FOLDED = {fold(name): name for name in KNOWN} | {
    alias: name for name, aliases in ALIASES.items() for alias in aliases.split()
}
_LONGEST_NAME = 64
_ID = re.compile(r"\d{1,9}", re.ASCII)
_NO_NAME = re.compile(r"[{}<>@\\]|://|www\.", re.IGNORECASE)


def clean_channel(value: Any) -> Cleaned[str]:
    """A known channel's name, another plausible name, or the digits of a channel's id.

    Codes: those of `clean_text`, `unknown_channel` (junk, which must never become a channel).
    """
    text, code = clean_text(value)
    if text is None:
        return Cleaned(None, code)
    known = _BY_FOLDED.get(fold(text))
    if known is not None:
        return Cleaned(known)
    if _ID.fullmatch(text):
        return Cleaned(text) if text.strip("0") else Cleaned(None, "no_value")
    lettered = any(character.isalpha() for character in text)
    if not lettered or len(text) > _LONGEST_NAME or _NO_NAME.search(text):
        return Cleaned(None, "unknown_channel")
    return Cleaned(text)
