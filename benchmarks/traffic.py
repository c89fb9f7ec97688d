"""Invented traffic: new contacts, and moves of known ones over the stages."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

Event = dict[str, Any]

CALL = 100
NEW_OF_A_HUNDRED = 40
WON_OF_A_HUNDRED_MOVES = 5
FIRST_STATE = "Recién Suscrito (Sin Asignar)"
WON_STATE = "Venta exitosa"
STATES = (
    "Recién suscrito Pendiente de AC",
    "Retornó en AC",
    "Comienza Atención Comercial",
    "Retornó a Asesoría especializada",
    "Derivado Asesoría Médica",
    "Comienza Asesoría Médica",
    "Terminó Asesoría Médica",
    "No terminó Asesoría especializada Derivado a Comercial",
    "Comienza Cotización",
    "Orden de venta Confirmada",
)
NAMES = ("Ana", "Luis", "Rosa", "Iván", "Elsa", "Hugo", "Nora", "Raúl")
CHANNELS = ("WhatsApp", "Instagram", "Facebook", "TikTok")
START = datetime(2025, 10, 20, 12, 0, tzinfo=UTC)


@dataclass
class Traffic:
    """The events of one run; every contact's id starts with `name`.

    `seed` are the leads that have to be there before, `events` what is measured.
    """

    name: str
    count: int
    advisor: int
    seed: list[Event] = field(init=False)
    events: list[Event] = field(init=False)

    def __post_init__(self) -> None:
        self._random = random.Random(self.name)  # noqa: S311  (the same traffic each time)
        self._number = 0
        moves = self.count * (100 - NEW_OF_A_HUNDRED) // 100
        known = [f"{self.name}-k{number}" for number in range(max(1, moves // 2))]
        self.seed = [self._new(contact) for contact in known]
        self.events = list(self._mixed(known))

    def calls(self) -> Iterator[list[Event]]:
        """The events, as many at once as a call takes."""
        return in_calls(self.events)

    def _mixed(self, known: list[str]) -> Iterator[Event]:
        for number in range(self.count):
            # 40 of each 100, evenly spread
            if number * NEW_OF_A_HUNDRED % 100 < NEW_OF_A_HUNDRED:
                yield self._new(f"{self.name}-n{number}")
            else:
                yield self._move(known[number % len(known)])

    def _new(self, contact: str) -> Event:
        number = self._random.randrange(10**8)
        moment = self._moment()
        return self._event(
            contact,
            "contact",
            {
                "first_name": self._random.choice(NAMES),
                "last_name": f"Prueba {number}",
                "phone": f"+519{number:08}",
                "email": f"{contact}@clinic.example",
                "channel": self._random.choice(CHANNELS),
                "state": FIRST_STATE,
                "subscribed_at": moment,
                "entry_date": moment,
                "commercial": {"odoo_id": self.advisor},
            },
        )

    def _move(self, contact: str) -> Event:
        won = self._random.randrange(100) < WON_OF_A_HUNDRED_MOVES
        state = WON_STATE if won else self._random.choice(STATES)
        return self._event(contact, "stage", {"state": state})

    def _event(self, contact: str, kind: str, values: dict[str, Any]) -> Event:
        moment = self._moment()
        return {
            "event_id": f"{self.name}-e{self._number}",
            "revision": 0,
            "type": kind,
            "manychat_id": contact,
            "occurred_at": moment,
            "received_at": moment,
            "values": values,
        }

    def _moment(self) -> str:
        self._number += 1
        moment = START + timedelta(seconds=self._number)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def in_calls(events: list[Event]) -> Iterator[list[Event]]:
    """Slices of a call's size."""
    for start in range(0, len(events), CALL):
        yield events[start : start + CALL]
