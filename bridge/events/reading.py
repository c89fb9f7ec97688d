"""From an envelope's raw body to an event: pure, so that a mended rule heals a replay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

from bridge.errors import UnusableEvent
from bridge.events.cleaning.channels import WHATSAPP, clean_channel
from bridge.events.cleaning.dates import clean_time, event_time
from bridge.events.cleaning.emails import clean_email
from bridge.events.cleaning.phones import clean_phone
from bridge.events.cleaning.text import (
    Cleaned,
    clean_id,
    clean_name,
    clean_summary,
    clean_text,
    fold,
)
from bridge.events.clock import iso
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType, Scrub, Value
from bridge.events.ids import event_id_for, new_event_id
from bridge.events.spellings import ADDRESS_PARTS, READ_BY, WRITTEN_DATES, spelled
from bridge.events.unknown import misspelt_fields
from bridge.settings import Settings

_GIVEN_ID_LIMIT = 32 * 1024  # never cut: two long ids may differ at their ends
_ADVISOR_KINDS = {
    "commercial": frozenset({"comercial", "commercial", "asesorcomercial"}),
    "medical": frozenset({"medico", "medica", "medical", "asesormedico"}),
}


@dataclass(frozen=True)
class Rules:
    """What cleaning depends on besides the body."""

    timezone: tzinfo = field(default_factory=lambda: ZoneInfo("America/Lima"))
    phone_region: str = "PE"
    dummy_emails: frozenset[str] = frozenset({"noespecificado@email.com"})

    @classmethod
    def from_settings(cls, settings: Settings) -> Rules:
        dummies = (address.strip().lower() for address in settings.dummy_emails.split(","))
        return cls(
            timezone=settings.zone,
            phone_region=settings.default_phone_region,
            dummy_emails=frozenset(filter(None, dummies)),
        )


def accept(
    type: EventType,
    body: Any,
    given_id: str | None,
    received_at: datetime,
    rules: Rules,
) -> Envelope:
    """The envelope of a decoded body; `given_id` is the idempotency header's value.

    Raises UnusableEvent: `not_an_object`, `no_manychat_id`, `too_large`.
    """
    if not isinstance(body, dict):
        raise UnusableEvent("not_an_object", f"the body is a JSON {_json_kind(body)}")
    contact = _manychat_id(body)
    given = _given_id(body, given_id)
    return Envelope(
        id=event_id_for(type, contact, given, body) if given else new_event_id(received_at),
        type=type,
        received_at=received_at.astimezone(UTC),
        occurred_at=_Reading(body, received_at, rules).occurred_at(),
        payload=body,
    ).checked()


def read_event(envelope: Envelope, rules: Rules) -> Event:
    """The cleaned event of an envelope.

    Raises UnusableEvent: `bad_body` (a dead letter's text), `unknown_type`, `no_manychat_id`,
    `no_address` (an address of which no part says anything).
    """
    if not isinstance(envelope.payload, dict):
        raise UnusableEvent("bad_body", "the body is not a JSON object")
    if envelope.type not in READ_BY:
        raise UnusableEvent("unknown_type", f"{envelope.type} events are not read here")
    contact = _manychat_id(envelope.payload)
    reading = _Reading(envelope.payload, envelope.received_at, rules)
    occurred_at = reading.occurred_at()
    values = reading.values(envelope.type)
    if envelope.type is not EventType.UPDATE:  # its writer is no flow, and is told by the API
        reading.scrubs += misspelt_fields(envelope.type, envelope.payload)
    guessed = envelope.type in _GUESSING and "phone" in values and "channel" not in values
    if guessed:
        values["channel"] = WHATSAPP
    return Event(
        event_id=envelope.id,
        revision=envelope.revision,
        type=envelope.type,
        manychat_id=contact,
        occurred_at=occurred_at,
        received_at=envelope.received_at,
        values=values,
        scrubs=tuple(reading.scrubs),
        guessed=frozenset({"channel"} if guessed else ()),
    )


class _Reading:
    """One pass over one body; `scrubs` collects what was mended on the way."""

    def __init__(self, body: Mapping[str, Any], received_at: datetime, rules: Rules) -> None:
        self.body, self.received_at, self.rules = body, received_at.astimezone(UTC), rules
        self.scrubs: list[Scrub] = []

    def occurred_at(self) -> datetime:
        for name, raw in spelled(self.body, "occurred_at"):
            moment, code = event_time(raw, self.rules.timezone, self.received_at)
            self._note(name, code)
            if moment is not None:
                return moment
        return self.received_at

    def values(self, type: EventType) -> dict[str, Value]:
        clears = type is EventType.UPDATE
        said = {key: self._value(key, clears) for key in READ_BY[type]}
        values: dict[str, Value] = {key: v for key, v in said.items() if v is not None}
        if type is EventType.ADDRESS:
            return {"address": _address(values)}
        if type is EventType.UPDATE:
            return _with_dates(values)
        if type is EventType.LEAD and "state" not in values and spelled(self.body, "stage_id"):
            # an id of the predecessor's own Odoo: nothing here knows what stage it meant
            self._note("state.stage_id", "no_state")
        return values

    def _value(self, key: str, clears: bool) -> Value | None:
        """The first spelling that says something usable; False where the value is cleared.

        `null` clears if `clears`; elsewhere only an advisor is cleared, and only by its kind.
        """
        found = spelled(self.body, key)
        for name, raw in found:
            value, code = self._clean(key, raw)
            self._note(name, code)
            if value is not None:
                return value
        if clears and any(raw is None for _, raw in found):
            return self._cleared(key, found[0][0])
        cleared = found and all(_is_nobody(raw) for _, raw in found) and self._names(key)
        return False if cleared else None

    def _cleared(self, key: str, name: str) -> Literal[False] | None:
        if key not in _NEVER_CLEARED:
            return False
        self._note(name, "not_cleared")  # the history only grows
        return None

    def _names(self, advisor: str) -> bool:
        """Whether `tipo_asignacion` names this advisor: only then an empty one clears."""
        kinds = (clean_text(raw).value for _, raw in spelled(self.body, "assignment_kind"))
        return any(fold(kind) in _ADVISOR_KINDS.get(advisor, ()) for kind in kinds if kind)

    def _clean(self, key: str, raw: Any) -> Cleaned[str] | Cleaned[datetime]:
        if key in _TIMES:
            return clean_time(raw, self.rules.timezone, self.received_at)
        if key == "phone":
            return clean_phone(raw, self.rules.phone_region)
        if key == "email":
            return clean_email(raw, self.rules.dummy_emails)
        return _CLEANERS.get(key, clean_text)(raw)

    def _note(self, name: str, code: str | None) -> None:
        if code is not None:
            self.scrubs.append(Scrub(name, code))


def clean_reference(value: Any) -> Cleaned[str]:
    """An id, e-mail or name of something else; zero means none."""
    return Cleaned(None) if _is_nobody(value) else clean_id(value)


_GUESSING = frozenset({EventType.CONTACT, EventType.LEAD})
_NEVER_CLEARED = frozenset({"state", "campaign"})
_TIMES = frozenset({"subscribed_at", "entry_date", "registered_at", *WRITTEN_DATES})
_CLEANERS: Mapping[str, Callable[[Any], Cleaned[str]]] = {
    "first_name": clean_name,
    "last_name": clean_name,
    "summary": clean_summary,
    "channel": clean_channel,
    "campaign": clean_reference,
    "commercial": clean_reference,
    "medical": clean_reference,
    "advisor": clean_reference,
}


def _address(values: Mapping[str, Value]) -> dict[str, str]:
    if not values:
        parts = ", ".join(ADDRESS_PARTS.values())
        raise UnusableEvent("no_address", f"at least one is due of {parts}")
    return {ADDRESS_PARTS[key]: str(value) for key, value in values.items()}


def _with_dates(values: Mapping[str, Value]) -> dict[str, Value]:
    """The dates of an assignment become one value; a cleared one is an empty text."""
    dates = {
        key: iso(value) if isinstance(value, datetime) else ""
        for key, value in values.items()
        if key in WRITTEN_DATES
    }
    others = {key: value for key, value in values.items() if key not in WRITTEN_DATES}
    return others | ({"dates": dates} if dates else {})


def _is_nobody(raw: Any) -> bool:
    """`null`, blank text and zero: how ManyChat writes that there is no advisor."""
    if isinstance(raw, str):
        return raw.strip() in {"", "0"}
    return raw is None or (raw == 0 and not isinstance(raw, bool))


def _manychat_id(body: Mapping[str, Any]) -> str:
    wrong = "manychat_id: absent"
    for name, raw in spelled(body, "manychat_id"):
        contact, code = clean_id(raw)
        if contact is not None and code is None:
            return contact
        wrong = f"{name}: {code or 'absent'}"
    raise UnusableEvent("no_manychat_id", wrong)


def _given_id(body: Mapping[str, Any], header: str | None) -> str | None:
    candidates = [header, *(raw for _, raw in spelled(body, "event_id"))]
    given = (clean_id(raw, _GIVEN_ID_LIMIT).value for raw in candidates)
    return next((text for text in given if text), None)


def _json_kind(body: Any) -> str:
    kinds = {list: "array", str: "string", bool: "boolean", type(None): "null"}
    return kinds.get(type(body), "number")
