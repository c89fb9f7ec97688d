"""A database as the predecessor left it, with every defect that `db adopt` mends; invented people.

Its tables are the models' without the columns that are new here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

Row = dict[str, Any]
FUNNEL = (
    "commercial_assignment_date", "commercial_process_start_date", "medical_assignment_date",
    "medical_process_start_date", "medical_process_end_date", "quotation_start_date",
    "sale_order_date", "successful_sale_date", "conversation_closed_date",
)  # fmt: skip
STATES = (
    "Recién Suscrito (Sin Asignar)", "Recién suscrito Pendiente de AC",
    "Comienza Atención Comercial", "DERIVADO ASESORIA MEDICA", "Comienza Cotización",
    "Orden de venta Confirmada", "Venta exitosa", "Se fue a otra clínica",
)  # fmt: skip
FIRST = ("Ana", "Eva", "Luz", "Íñigo", "José", "Mía", "Noé", "Sol")
LAST = ("Arce", "Bravo", "Cano", "Díaz", "Ñahui", "Paz", "Quispe", "Ríos")
CHANNELS = (
    "WhatsApp", "Facebook", "Instagram", "{{cuf_8123456}}", "1", "whatsapp ", "Boca a boca", "77",
)  # fmt: skip
BEGAN = datetime(2025, 3, 3, 8, 0)  # noqa: DTZ001  (naive, as the predecessor wrote)


def schema(keys: bool) -> MetaData:
    """The tables; with foreign keys only where nothing enforces them (SQLite, by default)."""
    made = MetaData()

    def to(target: str) -> Sequence[Any]:
        return [ForeignKey(target)] if keys else []

    def texts(*names: str) -> list[Column[Any]]:
        return [Column(name, String(255)) for name in names]

    def dates(*names: str) -> list[Column[Any]]:
        return [Column(name, DateTime) for name in names]

    def table(name: str, *columns: Column[Any]) -> None:
        Table(name, made, Column("id", Integer, primary_key=True), *columns)

    table("Channel", Column("name", String(100)), *texts("description"))
    table("Campaign", *texts("name"), *dates("date_start", "date_end"), Column("budget", Float),
          *texts("status"), Column("channel_id", Integer, *to("Channel.id")))  # fmt: skip
    table("Advisor", *texts("name", "email", "phone", "role", "status", "genre"),
          Column("odoo_id", Integer), Column("is_active", Boolean),
          *dates("created_at", "updated_at"))  # fmt: skip
    table("Contact", Column("manychat_id", String(255), unique=True, nullable=False),
          Column("first_name", String(255), nullable=False),
          *texts("last_name", "email", "gender", "phone"),
          *dates("subscription_date", "entry_date"), *texts("initial_state"),
          Column("channel_id", Integer, *to("Channel.id")))  # fmt: skip
    table("Contact_State", Column("contact_id", Integer, *to("Contact.id"), index=True),
          *texts("state", "category"), *dates("created_at"))  # fmt: skip
    table("Campaign_Contact", Column("campaign_id", Integer, *to("Campaign.id")),
          Column("contact_id", Integer, *to("Contact.id")),
          Column("commercial_advisor_id", Integer, *to("Advisor.id")),
          Column("medical_advisor_id", Integer, *to("Advisor.id")),
          *dates("registration_date", *FUNNEL), *texts("last_state", "lead_state"),
          Column("summary", Text), Column("sync_status", String(50)))  # fmt: skip
    table("Address", *texts("street", "district", "city", "state", "country"),
          Column("contact_id", Integer, *to("Contact.id")))  # fmt: skip
    return made


def build(engine: Engine, contacts: int, keys: bool = False) -> dict[str, int]:
    """Make the tables and fill them, the same for the same number; rows by table."""
    made = schema(keys)
    made.create_all(engine)
    counts = {}
    for name, rows in _tables(contacts, random.Random(contacts)):  # noqa: S311  (invented people)
        counts[name] = len(rows)
        with engine.begin() as connection:
            connection.execute(made.tables[name].insert(), rows)
    return counts


def _tables(contacts: int, rng: random.Random) -> Iterator[tuple[str, list[Row]]]:
    yield "Channel", [{"id": n, "name": name, "description": None}
                      for n, name in enumerate(CHANNELS, 1)]  # fmt: skip
    yield "Campaign", [
        {"id": n, "name": f"Campaña {n}" if n % 7 else None, "date_start": BEGAN, "date_end": None,
         "budget": 1000.5 * n, "status": "Activa", "channel_id": n if n < 10 else None}
        for n in range(1, 21)
    ]  # fmt: skip
    yield "Advisor", [
        {"id": n, "name": f"Asesora {n}", "email": f"asesora{n}@example.com", "phone": None,
         "role": "Asesora Médica" if n % 3 == 0 else "Comercial", "status": "Activo",
         "genre": "F", "odoo_id": 100 + n, "is_active": None if n == 5 else True,
         "created_at": BEGAN, "updated_at": BEGAN}
        for n in range(1, 13)
    ]  # fmt: skip
    people = [_contact(n, rng) for n in range(1, contacts + 1)]
    yield "Contact", people
    yield "Contact_State", list(_numbered(_states(people, rng)))
    yield "Campaign_Contact", list(_numbered(_campaigns(people, rng)))
    yield "Address", list(_numbered(_addresses(people)))


def _numbered(rows: Iterator[Row]) -> Iterator[Row]:
    for number, row in enumerate(rows, 1):
        yield {"id": number, **row}


def manychat_id(number: int) -> str:
    """Unique as bytes, yet every 50th is the one before with blanks, every 997th no id at all."""
    if number % 997 == 0:
        return "{{user_id}}" + " " * (number // 997)
    if number % 50 == 0:
        return f" {40_000_000 + number - 1} "
    return str(40_000_000 + number)


def _contact(number: int, rng: random.Random) -> Row:
    since = BEGAN + timedelta(minutes=7 * number, seconds=number % 60)
    return {
        "id": number,
        "manychat_id": manychat_id(number),
        "first_name": FIRST[number % len(FIRST)],
        "last_name": None if number % 50 == 49 else LAST[number % len(LAST)],
        "email": f"persona{number}@example.com" if number % 3 else None,
        "gender": rng.choice([None, "F", "M"]),
        "phone": f"+5198{number:07d}",
        "subscription_date": since,
        "entry_date": since + timedelta(minutes=1) if number % 4 else None,
        "initial_state": "Nuevo",
        "channel_id": 99 if number % 333 == 0 else number % 9 or None,
    }


def _states(people: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    for person in people:
        moment = person["subscription_date"]
        for place in range(rng.randint(0, 5)):
            moment += timedelta(hours=rng.choice([0, 1, 30]))
            yield {"contact_id": person["id"], "state": STATES[place % len(STATES)],
                   "category": rng.choice([None, "A", "B"]), "created_at": moment}  # fmt: skip
        if person["id"] % 101 == 0:
            yield _state(10_000_000 + person["id"], "Nuevo", moment)  # nobody's
            yield _state(person["id"], None, moment)
            yield _state(person["id"], "Retornó en AC", None)


def _state(contact: int, state: str | None, moment: datetime | None) -> Row:
    return {"contact_id": contact, "state": state, "category": None, "created_at": moment}


def _campaigns(people: Sequence[Row], rng: random.Random) -> Iterator[Row]:
    for person in people:
        for turn in range(rng.choice([0, 1, 1, 1, 2])):
            yield _campaign(person, rng.randint(1, 20), turn)
        if person["id"] % 71 == 0:
            yield _campaign(person, 3, 0)
            yield _campaign(person, 3, 1)  # twice in one campaign
            yield _campaign(person, 85, 2)  # nobody knows that campaign
            yield _campaign(person | {"id": 20_000_000 + person["id"]}, 3, 0)
        if person["id"] % 83 == 0:
            yield _campaign(person, None, 3)


def _campaign(person: Mapping[str, Any], campaign: int | None, turn: int) -> Row:
    number = person["id"]
    since = person["subscription_date"] + timedelta(days=turn)
    dates: Row = dict.fromkeys(FUNNEL)
    if number % 13 == 0:
        dates["quotation_start_date"] = since + timedelta(hours=5)
    return {
        "campaign_id": campaign,
        "contact_id": number,
        "commercial_advisor_id": 700 if number % 17 == 0 else number % 12 + 1,
        "medical_advisor_id": 3 if number % 5 == 0 else None,
        "registration_date": since if number % 6 else None,
        **dates,
        "last_state": STATES[number % len(STATES)] if number % 2 else None,
        "lead_state": "Nuevo" if number % 3 else None,
        "summary": f"Pregunta por el control número {number}" if number % 4 else None,
        "sync_status": ("pending", "success", "error", "new")[number % 4],
    }


def _addresses(people: Sequence[Row]) -> Iterator[Row]:
    for person in people:
        for copy in range(2 if person["id"] % 40 == 0 else person["id"] % 3 == 0):
            yield {"street": f"Calle {copy + 1}", "district": "Miraflores", "city": "Lima",
                   "state": None, "country": "Perú", "contact_id": person["id"]}  # fmt: skip
        if person["id"] % 211 == 0:
            yield {"street": "Calle de nadie", "district": None, "city": None, "state": None,
                   "country": None, "contact_id": 30_000_000 + person["id"]}  # fmt: skip
