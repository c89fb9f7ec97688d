"""How a list is asked for: pages, order, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from bridge.api.problems import BadValue
from bridge.api.record_rows import ROWS
from bridge.events.cleaning.emails import clean_email
from bridge.events.cleaning.phones import clean_phone

PAGING = frozenset({"page", "size", "sort"})
_LARGEST = 2**31 - 1

_SCHEMAS: Mapping[type, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer", "minimum": 0, "maximum": _LARGEST},
    bool: {"type": "boolean"},
}

FILTERS: Mapping[str, Mapping[str, type]] = {
    "contacts": {
        "manychat_id": str, "phone": str, "email": str, "first_name": str, "last_name": str,
        "channel_id": int, "initial_state": str, "odoo_sync_status": str, "odoo_stage": str,
        "odoo_lead_id": int,
    },
    "campaigns": {"name": str, "status": str, "channel_id": int},
    "channels": {"name": str},
    "advisors": {
        "name": str, "email": str, "phone": str, "role": str, "status": str, "is_active": bool,
        "odoo_id": int,
    },
    "campaign-contacts": {
        "manychat_id": str, "contact_id": int, "campaign_id": int, "commercial_advisor_id": int,
        "medical_advisor_id": int, "last_state": str, "lead_state": str, "sync_status": str,
    },
    "dead-letters": {"event_id": str, "hop": str, "type": str, "reason": str, "replayed": bool},
}  # fmt: skip


_TOLD: Mapping[str, str] = {
    "reason": "Its start, such as `bad_json`; the class (`permanent: `) may be left out.",
    "replayed": "False: those that still wait for a replay.",
    "event_id": "As the 422 of a webhook told it.",
}


def filters_of(request: Request, name: str, region: str) -> dict[str, Sequence[Any]]:
    """The values that fit, by filter. Raises BadValue for a filter or value of no meaning."""
    known = FILTERS[name]
    unknown = sorted(set(request.query_params) - known.keys() - PAGING)
    if unknown:
        raise BadValue(f"no such filter: {', '.join(unknown)}; there are {', '.join(known)}")
    given = {key: text for key, text in request.query_params.items() if key in known}
    return {key: _values(key, known[key], text, region) for key, text in given.items()}


def parameters(name: str) -> list[dict[str, Any]]:
    """The filters, for the OpenAPI document."""
    return [
        {"name": key, "in": "query", "required": False, "schema": _SCHEMAS[type]}
        | ({"description": _TOLD[key]} if key in _TOLD else {})
        for key, type in FILTERS[name].items()
    ]


def orders(name: str) -> list[str]:
    """What a list can be sorted by: its columns, up or down."""
    columns = list(ROWS[name].model_fields)
    return columns + [f"-{column}" for column in columns]


def spellings_of_phone(text: str, region: str) -> list[str]:
    """What was asked for, and how a record would have kept it."""
    # a plus that was not escaped arrives as a blank
    written = text.strip()
    plausible = {written, f"+{written.lstrip('+')}", clean_phone(written, region).value}
    return sorted(filter(None, plausible))


def spellings_of_email(text: str) -> list[str]:
    """What was asked for, and how a record would have kept it."""
    return sorted(filter(None, {text, clean_email(text).value}))


def _values(key: str, type: type, text: str, region: str) -> Sequence[Any]:
    if type is int:
        if not text.isascii() or not text.isdigit() or int(text) > _LARGEST:
            raise BadValue(f"{key}: a whole number is due")
        return [int(text)]
    if type is bool:
        if text.lower() not in {"true", "false", "1", "0"}:
            raise BadValue(f"{key}: true or false is due")
        return [text.lower() in {"true", "1"}]
    if key == "phone":
        return spellings_of_phone(text, region)
    if key == "email":
        return spellings_of_email(text)
    return [text.replace("\x00", "")]
