"""A body as it may be shown: what a person said becomes its shape, what a flow sets stays.

`Rosa Quispe` is shown as `Xxxx Xxxxxx`, `+51 987` as `+99 999`: enough to see why a value could
not be read. `{{first_name}}` is no person's and stays.
"""

from __future__ import annotations

import json
import re
from typing import Any

from bridge.events.spellings import FUNNEL_DATES, SPELLINGS

_PLAIN_KEYS = (
    "manychat_id", "event_id", "occurred_at", "channel", "subscribed_at", "entry_date",
    "registered_at", "initial_state", "stage_id", "campaign", "assignment_kind", *FUNNEL_DATES,
)  # fmt: skip
_STATES = {"stage_manychat", "ultimo_estado", "last_state", "stage"}
PLAIN = _STATES | {name.rpartition(".")[2] for key in _PLAIN_KEYS for name in SPELLINGS[key]}
"""Fields shown as they are: ids, times, and what a flow chooses from a list."""
_NAMES_OF_FIELDS = [name for names in SPELLINGS.values() for name in names]
KNOWN = {part for name in _NAMES_OF_FIELDS for part in name.split(".")}
_OURS = {"cut", "length", "sha256"}

_LONGEST = 60
_TOKENS = re.compile(r"\{\{[\w .-]{1,60}\}\}|.", re.DOTALL)
_NAMES = re.compile(r'"([A-Za-z_]{1,40})"(?=\s*:)')


def masked(body: str) -> str:
    """The body without anything personal, indented where it is JSON."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return _masked_text(body)
    return json.dumps(_masked(value), ensure_ascii=False, indent=2)


def _masked(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name if name in KNOWN | _OURS else shape(name):
                _masked(inner, name) for name, inner in value.items()}  # fmt: skip
    if isinstance(value, list):
        return [_masked(inner, key) for inner in value]
    if value is None or isinstance(value, bool) or key in {"length", "sha256"}:
        return value
    if key == "cut":
        return _masked_text(str(value))
    if key in PLAIN and len(str(value)) <= _LONGEST:
        return value
    return shape(str(value))


def shape(text: str) -> str:
    """Letters as x, digits as 9; the rest as it is, and no more than a line of it."""
    short = "".join(_shaped(token) for token in _TOKENS.findall(text[:_LONGEST]))
    return short if len(text) <= _LONGEST else f"{short}… ({len(text)} characters)"


def _shaped(token: str) -> str:
    if len(token) > 1:
        return token
    if token.isdigit():
        return "9"
    return ("X" if token.isupper() else "x") if token.isalnum() else token


def _masked_text(text: str) -> str:
    """What is no JSON keeps the names of known fields, and its quotes and brackets."""
    found, end = [], 0
    for match in _NAMES.finditer(text):
        if match[1] in KNOWN:
            found += ["".join(map(_shaped, _TOKENS.findall(text[end : match.start()]))), match[0]]
            end = match.end()
    found.append("".join(map(_shaped, _TOKENS.findall(text[end:]))))
    return "".join(found)
