"""What mirror and Odoo must hold at the end: a pure function of what happened.

It takes the events in clock order, one after the other, and does what the contract says in the
plainest way. It shares no code with the bridge or the addon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.faults.story import Hand, Happened
from tests.faults.values import NEW, ODOO_USERS

PLAIN = ("first_name", "last_name", "phone", "email", "gender", "initial_state", "summary")
TIMES = ("subscribed_at", "entry_date")
WHATSAPP = "WhatsApp"
HistoryRow = tuple[str | None, str | None, datetime, str, bool]
"""Event id, state (neither of a person's), whole second, stage afterwards, whether it is shown."""


@dataclass
class Wanted:
    """One contact: its newest values, its lead's picture, its history and its campaigns.

    `lead_values` is where the lead's values differ from the mirror's: what a person typed stands
    there against newer events, too. `in_force` is the campaign of the newest advisors.
    `states`: (event id, text) in clock order. `campaigns`: by name (None: in no campaign), the
    columns of Campaign_Contact; a date there is (whole second, campaigns it may stand in).
    """

    values: dict[str, Any] = field(default_factory=dict)
    lead_values: dict[str, Any] = field(default_factory=dict)
    salesperson: str | None = None
    active: bool = True
    in_force: str | None = None
    stage: str = NEW
    state: str | None = None
    state_date: datetime | None = None
    unmapped: bool = False
    dates: dict[str, datetime] = field(default_factory=dict)
    states: list[tuple[str, str]] = field(default_factory=list)
    history: list[HistoryRow] = field(default_factory=list)
    campaigns: dict[str | None, dict[str, Any]] = field(default_factory=dict)
    date_campaigns: dict[str, set[str | None]] = field(default_factory=dict)


def expected(events: Iterable[Happened]) -> dict[str, Wanted]:
    """What is to be of each contact that something happened to."""
    of_contact: dict[str, list[Happened]] = {}
    for event in sorted(events, key=lambda one: one.clock):
        of_contact.setdefault(event.contact, []).append(event)
    return {contact: _contact(mine) for contact, mine in of_contact.items()}


def whole(moment: datetime) -> datetime:
    """Odoo keeps whole seconds."""
    return moment.replace(microsecond=0)


def _contact(events: Sequence[Happened]) -> Wanted:
    wanted = Wanted(_newest(events))
    _keep_typed(wanted, events)
    _walk(wanted, events)
    _assign(wanted, events)
    return wanted


def _newest(events: Sequence[Happened]) -> dict[str, Any]:
    """Later writers overwrite; a guess only fills what nobody wrote."""
    newest: dict[str, Any] = {}
    for event in events:
        for key, value in event.said.values.items():
            newest[key] = min(value, event.received) if key in TIMES else value
        if event.said.campaign:
            newest["campaign"] = event.said.campaign
    if "channel" not in newest and any(event.said.guesses_whatsapp for event in events):
        newest["channel"] = WHATSAPP
    return newest


def _keep_typed(wanted: Wanted, events: Sequence[Happened]) -> None:
    """In Odoo a person's words stand; its commercial advisor is ManyChat's, beside the person's
    salesperson."""
    typed: dict[str, Any] = {}
    for event in events:
        if event.said.hand:
            typed |= event.said.values
            wanted.salesperson = event.said.hand.salesperson or wanted.salesperson
    of_manychat = _newest([event for event in events if not event.said.hand])
    wanted.lead_values = wanted.values | typed | {"commercial": of_manychat.get("commercial")}


def _walk(wanted: Wanted, events: Sequence[Happened]) -> None:
    """State and stage: only a state that differs from the one before it can move."""
    initials = [event for event in events if event.said.initial]
    initial = initials[-1].said.initial if initials else None
    ground = initial.stage if initial and initial.stage else NEW
    stage, before, won = None, None, False
    for event in events:
        state, second = event.said.state, whole(event.occurred)
        if event.said.hand:
            moved = _by_hand(wanted, event.said.hand, second, stage or ground)
            stage, won = (moved, False) if moved else (stage, won)
        if state is None:
            continue
        if state.date:
            wanted.dates.setdefault(state.date, second)
        shown = before != state.name
        if shown:
            before = state.name
            wanted.state, wanted.state_date = event.said.state_text, second
            wanted.unmapped = not state.mapped
            # what ships leaves a lead that was won as it is
            if state.stage and (not won or state.won):
                stage, won = state.stage, state.won
                # a sale is never lost
                wanted.active = wanted.active or won
        text = event.said.state_text
        wanted.states.append((event.event_id, text))
        wanted.history.append((event.event_id, text, second, stage or ground, shown))
    wanted.stage = stage or ground
    if before is None and initial:
        wanted.state, wanted.state_date = initial.name, whole(initials[-1].occurred)
        wanted.unmapped = not initial.mapped


def _by_hand(wanted: Wanted, hand: Hand, second: datetime, stood: str) -> str | None:
    """What a person's rows of the history are; the stage into which they moved the lead."""
    if hand.active is not None:
        wanted.active = hand.active
        wanted.history.append((None, None, second, stood, True))
    if hand.stage:
        wanted.history.append((None, None, second, hand.stage, hand.stage != stood))
    return hand.stage


def _assign(wanted: Wanted, events: Sequence[Happened]) -> None:
    """Each event belongs to the campaign in force at its time, the first ones to the first."""
    told = [event for event in events if _tells(event)]
    names = [event.said.campaign for event in told if event.said.campaign]
    advised = any({"commercial", "medical"} & event.said.values.keys() for event in told)
    if not names and not advised:
        return
    current = names[0] if names else None
    belongs: list[tuple[Happened, str | None]] = []
    for event in told:
        current = event.said.campaign or current
        belongs.append((event, current))
    for campaign in dict.fromkeys(name for _, name in belongs):
        mine = [event for event, name in belongs if name == campaign]
        wanted.campaigns[campaign] = _campaign(mine) | {"lead_state": None}
    wanted.campaigns[current]["lead_state"] = wanted.stage
    wanted.in_force = current
    for name, second in wanted.dates.items():
        wanted.date_campaigns[name] = _in_force(belongs, second)


def _tells(event: Happened) -> bool:
    said = event.said
    keys = {"commercial", "medical", "summary"} & said.values.keys()
    return bool(keys or said.campaign or said.state or said.registered)


def _campaign(events: Sequence[Happened]) -> dict[str, Any]:
    newest: dict[str, Any] = {}
    for event in events:
        newest |= event.said.values
        if event.said.state:
            newest["last_state"] = event.said.state_text
    registered = [
        min(event.said.registered, event.received) if event.said.registered else event.occurred
        for event in events
        if event.said.registered or event.said.campaign
    ]
    return {
        "commercial": newest.get("commercial"),
        "medical": newest.get("medical"),
        "summary": newest.get("summary"),
        "last_state": newest.get("last_state"),
        "registration_date": min(registered, default=None),
    }


def _in_force(belongs: Sequence[tuple[Happened, str | None]], second: datetime) -> set[str | None]:
    """Where a funnel date belongs; Odoo's whole seconds cannot tell within one second."""
    return {campaign for event, campaign in belongs if whole(event.occurred) == second}


def lead_name(contact: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Title and person's name of a lead ("" for none)."""
    person = " ".join(filter(None, (values.get("first_name"), values.get("last_name"))))
    return person or f"ManyChat {contact}", person


def advisor(reference: str | None) -> tuple[str, str]:
    """The user of Odoo that a reference names, or else the text that is kept: one of them."""
    user = ODOO_USERS.get(reference or "", "")
    return user, "" if user else reference or ""
