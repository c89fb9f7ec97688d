"""The queue message: the raw body with what is needed to deliver it, as compact JSON."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from bridge.errors import TransientError, UnusableEvent
from bridge.events.clock import iso, parse_iso
from bridge.events.event import EventType
from bridge.tracing import is_traceparent

VERSION = 1
MAX_ENVELOPE_BYTES = 45 * 1024
"""Bytes of UTF-8 JSON, before base64: the queue takes 48 KiB."""
REASON_RESERVE_BYTES = 3 * 1024
"""Part of the above that only a dead letter's reason, origin and attempts may use."""

_REASON_BYTES = REASON_RESERVE_BYTES - 512
_CUT_SIZES = (32768, 16384, 8192, 4096)


class NewerEnvelope(TransientError):
    """Written by a newer release: a worker of that release will read it."""


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """One event on its way; `payload` is a text only when the body was no JSON object.

    `occurred_at` is what reception made of the event time; the worker reads the payload anew.
    `begun` counts the times that a worker began it alone and was not heard of again.
    `traceparent` is W3C's, where tracing is on.
    """

    id: str
    type: EventType
    received_at: datetime
    occurred_at: datetime | None
    payload: dict[str, Any] | str
    revision: int = 0
    attempts: int = 0
    begun: int = 0
    reason: str | None = None
    origin: str | None = None
    traceparent: str | None = None
    v: int = VERSION

    def dumps(self) -> str:
        """Compact JSON, not ASCII-escaped, without lone surrogates (no queue can carry them)."""
        return self._text

    @cached_property
    def _text(self) -> str:
        fields: dict[str, Any] = {
            "v": self.v,
            "id": self.id,
            "type": str(self.type),
            "received_at": iso(self.received_at),
            "occurred_at": iso(self.occurred_at) if self.occurred_at else None,
            "revision": self.revision,
            "payload": self.payload,
        }
        optional = {
            "attempts": self.attempts,
            "begun": self.begun,
            "reason": self.reason,
            "origin": self.origin,
            "traceparent": self.traceparent,
        }
        fields |= {key: value for key, value in optional.items() if value}
        return _dump(fields)

    @classmethod
    def loads(cls, text: str) -> Envelope:
        """Raises UnusableEvent (`bad_envelope`), or NewerEnvelope for a later version."""
        try:
            fields = json.loads(text)
            version = fields["v"]
            if isinstance(version, int) and version > VERSION:
                raise NewerEnvelope("newer_envelope", f"version {version}")
            return cls(**_checked_fields(fields))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            # the cause would hold the message's text
            raise UnusableEvent("bad_envelope", type(error).__name__) from None

    def checked(self) -> Envelope:
        """Itself; raises UnusableEvent (`too_large`) when it does not fit.

        Without a reason the reserve stays free, so that it can always become a dead letter.
        """
        limit = MAX_ENVELOPE_BYTES - (0 if self.reason else REASON_RESERVE_BYTES)
        size = len(self.dumps().encode())
        if size > limit:
            raise UnusableEvent("too_large", f"{size} bytes, at most {limit}")
        return self

    def cut(self, length: int | None = None, sha256: str | None = None) -> Envelope:
        """The dead-letter form of what does not fit: its beginning, `length` in bytes, `sha256`.

        Pass `length` and `sha256` of the whole body when the payload is only its first part.
        """
        text = self.payload if isinstance(self.payload, str) else _dump(self.payload)
        raw = text.encode("utf-8", "replace")
        facts = {
            "length": len(raw) if length is None else length,
            "sha256": sha256 or hashlib.sha256(raw).hexdigest(),
        }
        for size in _CUT_SIZES:
            made = replace(self, payload={"cut": text[:size], **facts})
            if len(replace(made, reason=None).dumps().encode()) <= (
                MAX_ENVELOPE_BYTES - REASON_RESERVE_BYTES
            ):
                break
        return made

    def with_reason(self, reason: str, origin: str) -> Envelope:
        """A dead letter's copy; a reason longer than the reserve is shortened."""
        return replace(self, reason=_shortened(reason, _REASON_BYTES), origin=origin[:64])

    def with_attempt(self) -> Envelope:
        return replace(self, attempts=self.attempts + 1)

    def with_begun(self) -> Envelope:
        return replace(self, begun=self.begun + 1)


def _dump(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()


def _shortened(text: str, limit: int) -> str:
    while len(_dump(text).encode()) > limit:
        text = text[: len(text) * 3 // 4]
    return text


def _checked_fields(fields: dict[str, Any]) -> dict[str, Any]:
    occurred = fields.get("occurred_at")
    made = {
        "v": fields["v"],
        "id": fields["id"],
        "type": EventType(fields["type"]),
        "received_at": parse_iso(fields["received_at"]),
        "occurred_at": parse_iso(occurred) if occurred is not None else None,
        "payload": fields["payload"],
        "revision": fields.get("revision", 0),
        "attempts": fields.get("attempts", 0),
        "begun": fields.get("begun", 0),
        "reason": fields.get("reason"),
        "origin": fields.get("origin"),
    }
    trace = fields.get("traceparent")
    # what only an observer reads is never a reason to refuse an event
    made["traceparent"] = trace if is_traceparent(trace) else None
    numbers = (made["v"], made["revision"], made["attempts"], made["begun"])
    texts = (made["reason"], made["origin"])
    if not (
        all(type(number) is int and number >= 0 for number in numbers)
        and all(text is None or isinstance(text, str) for text in texts)
        and isinstance(made["id"], str)
        and made["id"]
        and isinstance(made["payload"], dict | str)
    ):
        raise ValueError("a field has the wrong type")
    return made
