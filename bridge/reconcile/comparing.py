"""One contact here and there: what differs, and in which class. Pure; clocks before values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.mirror.contacts import (
    ADDRESS_COLUMNS,
    COLUMNS,
    GUESS_PREFIX,
    clock_event_id,
    is_persons,
)
from bridge.mirror.reconciliations import Kind
from bridge.mirror.standing import Mirrored
from bridge.odoo.standing import Lead, Twin, Written

_TAKEN_OVER = "take-over:"
_GUESSED = "guessed."
_NOBODY: Written = (None, "")
KEYS = (*COLUMNS, *(f"address.{part}" for part in ADDRESS_COLUMNS),
        "campaign", "summary", "commercial", "medical")  # fmt: skip
TOLD = frozenset({"first_name", "last_name", "phone", "email", "commercial", "medical"})
"""What the change feed brings of a person's edits; of other keys the mirror is not told."""
KEPT = TOLD - {"commercial"}
"""What a person typed that may stand against newer events, if the addon is set so."""
ADVISORS = frozenset({"commercial", "medical"})
_KNOWN_BY_NOW = "~"
"""The addon's feed puts it behind the clock of an event whose advisor was only known later; the
lead keeps the event's own clock."""


@dataclass(frozen=True)
class Difference:
    """What differs of one contact; `mirror` and `odoo` are what each side holds, clock included
    where it is known."""

    kind: Kind
    manychat_id: str
    what: str
    lead_id: int | None = None
    mirror: Written = field(default=_NOBODY, repr=False)
    odoo: Written = field(default=_NOBODY, repr=False)
    foreign: bool = False


def compare(
    here: Mirrored | None, there: Lead | None, keeps_edited: bool, *, every_contact: bool = False
) -> list[Difference]:
    """How one contact differs; both sides as they stood when nothing was on its way.

    `every_contact`: each is to have a partner. Where the mirror knows something newer, Odoo's
    answer to it brings stage and dates along, so these are not compared then.
    """
    if there is None:
        return [] if here is None or _is_gone(here) else [_missing_there(here)]
    if here is None:
        return [Difference(Kind.MISSING_IN_MIRROR, there.manychat_id, "lead", there.lead_id)]
    found = [*_values(here, there, keeps_edited), *_state(here, there)]
    if not any(one.kind is Kind.OLDER_IN_ODOO for one in found):
        found += [*_place(here, there), *_partner(here, there, every_contact)]
    return found


def twin_of(twin: Twin) -> Difference:
    """A second lead of one contact."""
    return Difference(Kind.DUPLICATE, twin.manychat_id, "lead", twin.lead_id, foreign=twin.foreign)


def _is_gone(here: Mirrored) -> bool:
    """Whether Odoo told that there is no lead any more: a person deleted it."""
    return here.lead_id is None and here.told > 0


def _missing_there(here: Mirrored) -> Difference:
    return Difference(Kind.MISSING_IN_ODOO, here.manychat_id, "lead", here.lead_id)


def _values(here: Mirrored, there: Lead, keeps_edited: bool) -> Iterator[Difference]:
    for key in KEYS:
        ours, theirs = here.values.get(key, _NOBODY), value_there(there.values, key)
        said = ours[1].removesuffix(_KNOWN_BY_NOW) if key in ADVISORS else ours[1]
        kind = _newer(said, theirs[1], there.shared)
        if kind is Kind.OLDER_IN_ODOO and keeps_edited and _is_kept(there.values, key):
            continue
        if kind is Kind.OLDER_IN_MIRROR and is_persons(theirs[1]):
            kind = Kind.EDITED if key in TOLD else None
        if kind:
            yield Difference(kind, here.manychat_id, key, there.lead_id, ours, theirs)


def value_there(values: Mapping[str, Written], key: str) -> Written:
    """The lead's value of a key; the salesperson is the commercial advisor that a person chose."""
    if key == "commercial":
        pair = (values.get(key, _NOBODY), values.get("salesperson", _NOBODY))
        return max(pair, key=lambda written: written[1])
    if key in values:
        return values[key]
    if (guess := values.get(_GUESSED + key)) is not None:
        return guess[0], GUESS_PREFIX + guess[1]
    return _NOBODY


def _newer(ours: str, theirs: str, shared: bool) -> Kind | None:
    """Which side is older; a lead of several contacts holds the newest of them all."""
    if ours > theirs:
        return Kind.OLDER_IN_ODOO
    return Kind.OLDER_IN_MIRROR if theirs > ours and not shared else None


def _is_kept(values: Mapping[str, Written], key: str) -> bool:
    # who types a name types it whole
    value, clock = values.get("first_name" if key == "last_name" else key, _NOBODY)
    return key in KEPT and bool(value) and is_persons(clock)


def _state(here: Mirrored, there: Lead) -> Iterator[Difference]:
    ours, theirs = here.state or _NOBODY, there.state or _NOBODY
    if theirs[1] > ours[1] and clock_event_id(theirs[1]).startswith(_TAKEN_OVER):
        return  # known in Odoo before there was a bridge
    if kind := _newer(ours[1], theirs[1], there.shared):
        yield Difference(kind, here.manychat_id, "state", there.lead_id, ours, theirs)


def _place(here: Mirrored, there: Lead) -> Iterator[Difference]:
    """Where the lead stands: Odoo alone knows, the mirror has what it was told."""
    pairs: list[tuple[str, Any, Any]] = [
        ("lead", here.lead_id, there.lead_id),
        ("stage", here.stage, there.stage),
        ("dates", _seconds(here.dates), _seconds(there.dates)),
    ]
    if here.active is not None:
        pairs.append(("active", here.active, there.active))
    moved = there.moved > (there.state or _NOBODY)[1]
    for what, ours, theirs in pairs:
        if ours != theirs:
            person = moved and what in {"stage", "active"}
            kind = Kind.EDITED if person else Kind.OLDER_IN_MIRROR
            yield Difference(kind, here.manychat_id, what, there.lead_id, (ours, ""), (theirs, ""))


def _partner(here: Mirrored, there: Lead, every_contact: bool) -> Iterator[Difference]:
    """Which partner the contact is; where not every one has to be one, the mirror may not know."""
    ours, theirs = here.partner_id, there.partner_id
    due = every_contact and not (ours is None and here.partner_told)
    if due and theirs is None and here.clocks:
        # its newest event, sent again, makes one
        yield Difference(Kind.MISSING_IN_ODOO, here.manychat_id, "partner", there.lead_id,
                         (ours, max(here.clocks)))  # fmt: skip
    elif ours != theirs and (every_contact or ours is not None):
        yield Difference(Kind.OLDER_IN_MIRROR, here.manychat_id, "partner", there.lead_id,
                         (ours, ""), (theirs, ""))  # fmt: skip


def _seconds(dates: Mapping[str, str]) -> dict[str, str]:
    """Odoo keeps whole seconds."""
    return {name: text[:19] for name, text in dates.items()}
