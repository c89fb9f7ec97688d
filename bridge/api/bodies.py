"""Raw bodies: read with a limit, decoded and parsed with more patience than JSON asks for."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterable
from dataclasses import dataclass
from email.message import Message
from hashlib import sha256
from typing import Any, NoReturn

from starlette.requests import ClientDisconnect

from bridge.errors import UnusableEvent
from bridge.events.event import Scrub

BODY_LIMIT = 32 * 1024
DRAIN_LIMIT = 1024 * 1024
"""Bytes that are still counted and hashed of an oversized body before reading stops."""
BODY_SECONDS = 5.0
"""Half of what ManyChat waits for an answer."""
_DEEPEST = 32


@dataclass(frozen=True)
class Body:
    """At most 32 KiB of a body; `length` and `sha256` are those of everything that was read."""

    data: bytes
    length: int
    sha256: str
    complete: bool

    @property
    def oversized(self) -> bool:
        return self.length > BODY_LIMIT


async def read_body(stream: AsyncIterable[bytes], seconds: float = BODY_SECONDS) -> Body:
    """Read until the end, the drain limit, `seconds`, or the caller's going away."""
    kept, digest, length, complete = bytearray(), sha256(), 0, True
    try:
        async with asyncio.timeout(seconds):
            async for chunk in stream:
                digest.update(chunk)
                length += len(chunk)
                kept += chunk[: max(0, BODY_LIMIT - len(kept))]
                if length > DRAIN_LIMIT:
                    break
    except (TimeoutError, ClientDisconnect):
        complete = False
    return Body(bytes(kept), length, digest.hexdigest(), complete)


def decode(data: bytes, content_type: str | None) -> tuple[str, list[Scrub]]:
    """The text of a body, whatever its charset; what is not plain UTF-8 is noted."""
    detected = json.detect_encoding(data)
    for encoding in (detected, _declared(content_type), "cp1252"):
        try:
            text = data.decode(encoding)
        except (LookupError, ValueError):
            continue
        return text, _encoding_notes(encoding)
    return data.decode("latin-1"), _encoding_notes("latin-1")


def parse(text: str) -> tuple[Any, list[Scrub]]:
    """The JSON value; raw control characters inside strings are read and noted.

    Raises UnusableEvent (`bad_json`) with the position, for what no JSON reader should accept
    (NaN, numbers beyond a double, more than 32 levels) too.
    """
    try:
        try:
            value, notes = _loads(text, strict=True), []
        except json.JSONDecodeError:
            value, notes = _loads(text, strict=False), [Scrub("body", "control_characters")]
    except json.JSONDecodeError as error:
        # the cause would carry the body
        raise UnusableEvent("bad_json", f"at character {error.pos}") from None
    except (ValueError, RecursionError):
        raise UnusableEvent("bad_json", "a number or a nesting out of range") from None
    if _depth(value) > _DEEPEST:
        raise UnusableEvent("bad_json", f"more than {_DEEPEST} levels")
    return value, notes


def _loads(text: str, *, strict: bool) -> Any:
    return json.loads(text, strict=strict, parse_float=_finite, parse_constant=_no_constant)


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("beyond a double")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        nested = [item for item in level if isinstance(item, dict | list)]
        level = [
            child
            for item in nested
            for child in (item.values() if isinstance(item, dict) else item)
        ]
        depth += bool(nested)
    return depth


def _declared(content_type: str | None) -> str:
    message = Message()
    message["Content-Type"] = content_type or ""
    return str(message.get_param("charset", "utf-8"))


def _encoding_notes(encoding: str) -> list[Scrub]:
    if encoding == "utf-8":
        return []
    return [Scrub("body", "bom" if encoding == "utf-8-sig" else "charset")]
