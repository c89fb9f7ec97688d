"""Contacts and history as CSV: whole, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io

import pytest

from bridge.events.event import EventType
from bridge.transfer import exporting
from bridge.transfer.exporting import export_contacts, export_history, safe
from tests.integration.mirror.conftest import Mirror
from tests.integration.mirror.test_outbox import event_id


def deliver(mirror: Mirror, id: str, **fields: str) -> None:
    body = {"manychat_id": id, "datetime_actual": "2025-10-20T10:00:00Z", **fields}
    mirror.deliver(mirror.envelope(EventType.CONTACT, body, event_id(id)))


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("@sum", "'@sum"), ("+cmd|'/c'", "'+cmd|'/c'"),
        ("-x", "'-x"), ("\t=1", "'\t=1"), ("+51911111111", "+51911111111"),
        ("+51 911 111 111", "+51 911 111 111"), ("-5", "-5"), ("Eva", "Eva"), (None, ""), (7, "7"),
    ],
)  # fmt: skip
def test_only_what_would_be_a_formula_is_made_a_text(value: object, cell: str) -> None:
    assert safe(value) == cell


def test_every_contact_is_written_once_whatever_the_page(
    mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "PAGE", 2)
    for number in range(5):
        deliver(mirror, f"MC-{number}", nombre_lead=f"=N{number}", whatsapp="911111111")
    out = io.StringIO()
    assert export_contacts(mirror.store, out) == 5
    rows = rows_of(out.getvalue())
    assert [row["manychat_id"] for row in rows] == [f"MC-{number}" for number in range(5)]
    assert (rows[0]["first_name"], rows[0]["phone"]) == ("'=N0", "+51911111111")
    assert (rows[0]["channel"], rows[0]["sync_status"]) == ("WhatsApp", "pending")


def test_history_has_a_row_a_state_with_its_time(mirror: Mirror) -> None:
    deliver(mirror, "MC-1", ultimo_estado="Nuevo")
    deliver(mirror, "MC-2", ultimo_estado="Comienza Cotización")
    out = io.StringIO()
    assert export_history(mirror.store, out) == 2
    rows = rows_of(out.getvalue())
    assert [(row["manychat_id"], row["state"]) for row in rows] == [
        ("MC-1", "Nuevo"),
        ("MC-2", "Comienza Cotización"),
    ]
    assert rows[0]["occurred_at"] == "2025-10-20T10:00:00.000000Z"
