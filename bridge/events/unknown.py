"""Fields of a body that nobody reads, and which name was probably meant."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from bridge.events.cleaning.text import fold
from bridge.events.event import EventType, Scrub
from bridge.events.spellings import READ_BY, SPELLINGS, spelled

MISSPELT = "misspelt"
_MOST, _LONGEST = 20, 40  # fields looked at · characters of a name that is worth a guess
_LIKENESS = 0.82  # `nombre_led` is one, `campaign_name` and `status` are none
_EVERYWHERE = ("manychat_id", "event_id", "occurred_at")


def unknown_fields(type: EventType, payload: Mapping[str, Any]) -> list[Scrub]:
    """A note for each field that events of this type are not read for, at most 20.

    `unknown_field`, with the nearest name that was probably meant, or `not_read_here`: other
    events carry it.
    """
    return [Scrub(name[:_LONGEST], _told(type, name)) for name in _unread(type, payload)]


def misspelt_fields(type: EventType, payload: Mapping[str, Any]) -> list[Scrub]:
    """The fields of this type that a name in the body nearly spells, and that it does not hold.

    Under their own names: what a stranger calls a field is nothing to count or to log.
    """
    meant = {_nearest(type, name) for name in _unread(type, payload)
             if payload[name] not in (None, "") and name not in _anywhere()}  # fmt: skip
    return [
        Scrub(name, MISSPELT)
        for name in sorted(filter(None, meant))
        if not any(spelled(payload, key) for key in _owners(type, name))
    ]


def _unread(type: EventType, payload: Mapping[str, Any]) -> list[str]:
    return [name for name in payload if name not in _names(type)][:_MOST]


def _told(type: EventType, name: str) -> str:
    if name in _anywhere():
        return "not_read_here"
    nearest = _nearest(type, name)
    return f"unknown_field ({nearest}?)" if nearest else "unknown_field"


@lru_cache(maxsize=2048)
def _nearest(type: EventType, name: str) -> str | None:
    if len(name) > _LONGEST:
        return None
    # an event without a contact's id is refused anyway, and says so
    meant = _names(type).difference(SPELLINGS["manychat_id"])
    folded = {fold(known): known for known in sorted(meant)}
    found = get_close_matches(fold(name), folded, 1, _LIKENESS)
    return folded[found[0]] if found else None


def _keys(type: EventType) -> tuple[str, ...]:
    also = {EventType.ASSIGNMENT: ("assignment_kind",), EventType.LEAD: ("stage_id",)}
    return (*_EVERYWHERE, *READ_BY[type], *also.get(type, ()))


@lru_cache
def _names(type: EventType) -> frozenset[str]:
    """What a body of this type may hold; of `state.stage`, the object."""
    return frozenset(n.partition(".")[0] for key in _keys(type) for n in SPELLINGS[key])


@lru_cache
def _anywhere() -> frozenset[str]:
    return frozenset(name.partition(".")[0] for names in SPELLINGS.values() for name in names)


def _owners(type: EventType, name: str) -> list[str]:
    return [key for key in _keys(type) if name in SPELLINGS[key]]
