"""Event ids: given at reception, or derived so that the same post gets the same id."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from bridge.events.spellings import EVENT_ID_SPELLINGS

_NAMESPACE = UUID("6f0a8e0c-7f4c-5b5e-9a55-3d1f1c9e4b61")


def new_event_id(now: datetime) -> str:
    """A UUIDv7: ids of later milliseconds sort after earlier ones."""
    milliseconds = int(now.timestamp() * 1000)
    bits = (milliseconds & (1 << 48) - 1) << 80
    bits |= 0x7 << 76 | secrets.randbits(12) << 64
    bits |= 0b10 << 62 | secrets.randbits(62)
    return str(UUID(int=bits))


def event_id_for(type: str, manychat_id: str, given_id: str, payload: Mapping[str, Any]) -> str:
    """UUIDv5 over kind, contact, given id and canonical body.

    The given id itself is no part of the body, so that it may come as a header or as a field.
    """
    body = {key: value for key, value in payload.items() if key not in EVENT_ID_SPELLINGS}
    parts = [str(type), manychat_id, given_id, body]
    name = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return str(uuid5(_NAMESPACE, name))
