"""A made-up export with the defects that real ones have, and what it says once they are mended."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

START = datetime(2024, 3, 1, 14, 0, tzinfo=UTC)
LIMA = timedelta(hours=-5)
HEADER = (
    "ID de ManyChat", "Nombre", "Apellido", "Teléfono", "Correo electrónico", "Canal de entrada",
    "Fecha último estado", "Estado inicial", "Último estado", "Campaña", "Distrito", "Etiquetas",
)  # fmt: skip
STATES = ("Nuevo Lead", "Asignado a campaña", "Comienza Cotización", "Quiere saber precios")
CHANNELS = {"wsp": "WhatsApp", "TICKTOCK": "TikTok", "fb": "Facebook", "{{cuf_88}}": None}
ROWS_OF_A_CONTACT = 5
"""States that a contact went through, one a row; the last one comes twice."""


@dataclass
class Truth:
    """What the mirror must hold of one contact in the end."""

    first_name: str
    phone: str | None
    email: str | None
    channel: str | None
    district: str | None
    campaign: str
    states: list[tuple[str, datetime]] = field(default_factory=list)


@dataclass
class Export:
    """The oracle of a written file: its rows, those without a usable id, and each contact."""

    rows: int
    refused: int
    contacts: dict[str, Truth]


def write_export(path: Path, rows: int) -> Export:
    """Write about `rows` rows, the newest state of a contact first, then the older ones."""
    contacts: dict[str, Truth] = {}
    written = refused = 0
    with path.open("w", encoding="cp1252", newline="") as file:
        out = csv.writer(file, delimiter=";")
        out.writerow(HEADER)
        number = 0
        while written < rows:
            number += 1
            id = f"9{number:011d}"
            contacts[id], lines = _contact(number, id)
            out.writerows(lines)
            written += len(lines)
            if number % 40 == 0:
                out.writerow(("", "Sin id", *[""] * 10))
                out.writerow([""] * len(HEADER))
                written, refused = written + 1, refused + 1
    return Export(written, refused, contacts)


def _contact(number: int, id: str) -> tuple[Truth, list[tuple[Any, ...]]]:
    phone, phone_as = _phone(number)
    email, email_as = _email(number)
    channel_as = tuple(CHANNELS)[number % 4]
    channel = CHANNELS[channel_as] or ("WhatsApp" if phone else None)
    district, district_as = ("Ñuñoa", " Ñuñoa ") if number % 3 else (None, "-")
    truth = Truth(f"Zoé {number}", phone, email, channel, district, f"Campaña {number % 7}")
    lines = []
    for step in range(ROWS_OF_A_CONTACT - 1):
        at = START + timedelta(days=number % 300, hours=step, minutes=number % 60)
        truth.states.append((STATES[(number + step) % 4], at))
        newest = step == ROWS_OF_A_CONTACT - 2
        lines.append(
            (
                id, truth.first_name if newest else f"Vieja {step}", "????", phone_as, email_as,
                channel_as, _date(at + LIMA, number + step), "nuevo",
                STATES[(number + step) % 4], truth.campaign, district_as, "x, y; z",
            )
        )  # fmt: skip
    lines.reverse()
    return truth, [lines[0], *lines]


def _phone(number: int) -> tuple[str | None, str]:
    written = f"9{number:08d}"
    forms: tuple[tuple[str | None, str], ...] = (
        (f"+51{written}", written), (f"+51{written}", f"+51 {written[:3]} {written[3:]}"),
        (None, "0"), (None, "{{phone}}"), (f"+51{written}", f"51{written}"),
    )  # fmt: skip
    return forms[number % 5]


def _email(number: int) -> tuple[str | None, str]:
    forms: tuple[tuple[str | None, str], ...] = (
        (f"c{number}@mail.example", f"c{number}@MAIL.example"),
        (None, "noespecificado@email.com"), (None, "null"),
    )  # fmt: skip
    return forms[number % 3]


def _date(local: datetime, number: int) -> str:
    """One of the ways in which such files write a time; each to the second."""
    forms = (
        "%Y-%m-%d %H:%M:%S", "%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S-05:00", "%d-%m-%Y %I:%M:%S %p"
    )  # fmt: skip
    return local.strftime(forms[number % 4])
