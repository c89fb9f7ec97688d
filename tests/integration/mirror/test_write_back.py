"""What ManyChat is to know of a contact, noted with the change that it follows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from bridge.mirror import edits, erasures, telling, write_back, write_back_setup
from bridge.mirror.tables import Advisor
from bridge.mirror.watching import look
from bridge.mirror.write_back_setup import Setup
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.test_feedback import Told, apply, contact, deliver
from tests.integration.mirror.test_outbox import answer, claim, record

FIELDS = {"stage": "etapa", "commercial": "asesor", "medical": "medico", "lead_id": "lead"}
ENTRY = {"fields": {"temp": "alta"}, "add": ["hot"], "remove": ["cold"], "flows": ["f1"]}


@dataclass(frozen=True)
class Moved(Told):
    entry: dict[str, Any] | None = None


def set_up(mirror: Mirror, mode: str = "on", **fields: str) -> bool:
    with mirror.store.transaction() as session:
        return write_back_setup.keep(session, Setup(mode, fields or FIELDS))


def told(mirror: Mirror, *changes: Moved) -> int:
    """Apply changes as the worker does, and note what they tell."""
    apply(mirror, *changes)
    with mirror.store.transaction() as session:
        return telling.note_changes(session, changes, NOW)


def wishes(mirror: Mirror) -> dict[str, tuple[str, str]]:
    rows = mirror.rows('SELECT kind, name, value, status FROM "Write_Back" ORDER BY id')
    return {f"{row['kind']} {row['name']}": (row["value"], row["status"]) for row in rows}


def test_a_persons_move_tells_stage_lead_and_what_the_entry_does(mirror: Mirror) -> None:
    set_up(mirror)
    deliver(mirror, "a")
    told(mirror, Moved("stage", stage="Ganado", entry=ENTRY))
    assert wishes(mirror) == {
        "field etapa": ("Ganado", "pending"), "field lead": ("7", "pending"),
        "field temp": ("alta", "pending"), "tag cold": ("", "pending"),
        "tag hot": ("1", "pending"), "flow f1": (Moved().clock, "pending"),
    }  # fmt: skip


def test_while_it_is_off_nothing_is_noted(mirror: Mirror) -> None:
    deliver(mirror, "a")
    assert told(mirror, Moved("stage", entry=ENTRY)) == 0
    set_up(mirror, "off")
    assert told(mirror, Moved("stage", entry=ENTRY)) == 0
    assert wishes(mirror) == {}


def test_a_rehearsal_only_records(mirror: Mirror) -> None:
    set_up(mirror, "record", stage="etapa")
    deliver(mirror, "a")
    told(mirror, Moved("stage", stage="Ganado"))
    assert wishes(mirror) == {"field etapa": ("Ganado", "recorded")}
    with mirror.store.transaction() as session:
        assert not write_back.is_due(session, NOW + timedelta(days=1))


def test_what_odoo_answers_tells_where_the_lead_is_and_sets_off_nothing(mirror: Mirror) -> None:
    set_up(mirror)
    deliver(mirror, "a")
    rows = claim(mirror)
    record(mirror, rows, *(answer(row, stage="Nuevo") for row in rows))
    with mirror.store.transaction() as session:
        telling.note_answers(session, {row.contact_id for row in rows}, NOW)
        assert telling.note_answers(session, {row.contact_id for row in rows}, NOW) == 0
    assert wishes(mirror) == {"field etapa": ("Nuevo", "pending"), "field lead": ("7", "pending")}


def test_advisors_are_those_of_the_campaign_in_force(mirror: Mirror) -> None:
    set_up(mirror, commercial="asesor", medical="medico")
    with mirror.store.engine.begin() as connection:
        connection.execute(insert(Advisor), [{"id": 21, "name": "Ana Sol", "odoo_id": 4}])
    deliver(mirror, "a", campaign_id="Otoño", medico_id="Dra. Paz", tipo_asignacion="medico")
    deliver(mirror, "b", minute=5, campaign_id="Invierno")
    told(mirror, Moved("advisors", {"commercial": {"odoo_id": 4}}))
    assert wishes(mirror) == {"field asesor": ("Ana Sol", "pending")}
    told(mirror, Moved("advisors", {"commercial": False}, minute=11))
    assert wishes(mirror) == {"field asesor": ("", "pending")}


def test_contacts_that_share_a_lead_are_both_told_where_it_is(mirror: Mirror) -> None:
    set_up(mirror, stage="etapa")
    deliver(mirror, "a", manychat_id="MC-1")
    deliver(mirror, "b", manychat_id="MC-2")
    apply(mirror, Told("merged", manychat_id="MC-2"))
    told(mirror, Moved("stage", stage="Ganado", minute=12, entry={"flows": ["f1"]}))
    rows = mirror.rows('SELECT contact_id, kind FROM "Write_Back" ORDER BY kind, contact_id')
    ids = [contact(mirror, name)["id"] for name in ("MC-1", "MC-2")]
    assert [(row["contact_id"], row["kind"]) for row in rows] == [
        (ids[0], "field"), (ids[1], "field"), (ids[0], "flow"),
    ]  # fmt: skip


def test_names_that_differ_in_case_alone_are_two(mirror: Mirror) -> None:
    set_up(mirror, stage="etapa", lead_id="Etapa")
    deliver(mirror, "a")
    told(mirror, Moved("stage", stage="Ganado"))
    assert set(wishes(mirror)) == {"field etapa", "field Etapa"}


def test_the_setup_is_written_only_when_it_changes(mirror: Mirror) -> None:
    assert set_up(mirror)
    assert not set_up(mirror)
    assert set_up(mirror, "record")


def test_what_waits_and_what_was_refused_is_seen(mirror: Mirror) -> None:
    set_up(mirror, stage="etapa", lead_id="lead")
    deliver(mirror, "a")
    told(mirror, Moved("stage", stage="Ganado"))
    with mirror.store.transaction() as session:
        [first, _] = write_back.due(session, NOW)
        write_back.park(session, first, "permanent: manychat_refused")
        found, counts = look(session, NOW), write_back.counts(session)
    assert (found.untold, found.untellable) == (1, 1)
    assert counts == {("error", "permanent: manychat_refused"): 1, ("pending", None): 1}


def test_an_erased_or_removed_contact_leaves_nothing(mirror: Mirror) -> None:
    set_up(mirror)
    for name in ("MC-1", "MC-2"):
        deliver(mirror, name, manychat_id=name)
        told(mirror, Moved("stage", manychat_id=name, lead_id=None, stage="Ganado"))
    second = contact(mirror, "MC-2")["id"]
    with mirror.store.transaction() as session:
        assert erasures.erase(session, "MC-1", NOW)["Write_Back"] == 1
        edits.remove_contact(session, second)
    assert wishes(mirror) == {}
