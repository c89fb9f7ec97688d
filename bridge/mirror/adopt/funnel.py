"""Funnel dates from a history without Odoo: the states that the addon ships with.

Only `db adopt` reads this table; for every later event the addon's mapping decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bridge.events.cleaning.text import fold

DATE_OF_STATE = {
    "Recién suscrito Pendiente de AC": "commercial_assignment_date",
    "Asignado a campaña": "commercial_assignment_date",
    "Comienza Atención Comercial": "commercial_process_start_date",
    "Derivado Asesoría Médica": "medical_assignment_date",
    "Asignado a médico": "medical_assignment_date",
    "Comienza Asesoría Médica": "medical_process_start_date",
    "Terminó Asesoría Médica": "medical_process_end_date",
    "Comienza Cotización": "quotation_start_date",
    "Orden de venta Confirmada": "sale_order_date",
    "Venta exitosa": "successful_sale_date",
    "Conversación cerrada": "conversation_closed_date",
}
_FOLDED = {fold(state): name for state, name in DATE_OF_STATE.items()}


def funnel_dates(states: Iterable[tuple[datetime, str]]) -> dict[str, datetime]:
    """The earliest time of each date's state among (time, state)."""
    found: dict[str, datetime] = {}
    for moment, state in states:
        name = _FOLDED.get(fold(state))
        if name and (name not in found or moment < found[name]):
            found[name] = moment
    return found
