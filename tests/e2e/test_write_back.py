"""A salesperson moves a lead in the browser: the mirror and ManyChat have it, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from devstack.manychat_server import Contact, ManyChatServer
from devstack.way_back import at_a_browser, writing_back
from tests.e2e.conftest import Road
from tests.e2e.test_way_back import lead_of, stage_named, wait_for

SOON_SECONDS = 60
BEFORE, STAGE = "No terminó Asesoría especializada Derivado a Comercial", "Comienza Cotización"


@pytest.fixture(scope="module")
def manychat(road: Road) -> Iterator[ManyChatServer]:
    with writing_back(road.stack) as server:
        yield server


def contact_of(road: Road, manychat_id: str, state: str = "Nuevo") -> int:
    """A contact in this state whose lead is the salesperson's; the lead's id."""
    road.send(
        ("contact", {"manychat_id": manychat_id, "nombre_lead": "Eva", "ultimo_estado": state}),
        (
            "campaign-assignment",
            {"manychat_id": manychat_id, "comercial_id": road.stack.odoo.salesperson_login},
        ),
    )
    return lead_of(road, manychat_id)


def until(manychat: ManyChatServer, who: str, right: Callable[[Contact], object]) -> Contact:
    """Wait until ManyChat has what is right of the contact."""
    deadline = time.monotonic() + SOON_SECONDS
    while not right(manychat.page.contact(who)) and time.monotonic() < deadline:
        time.sleep(0.1)
    contact = manychat.page.contact(who)
    assert right(contact), contact
    return contact


def test_a_new_leads_stage_and_id_are_told_once(road: Road, manychat: ManyChatServer) -> None:
    lead = contact_of(road, "8001")
    contact = until(manychat, "8001", lambda one: len(one.fields) == 2)
    assert contact.fields == {
        "etapa_crm": "Recién Suscrito (Sin Asignar)",
        "lead_id": str(lead),
    }


def test_a_move_in_the_browser_sets_field_tag_and_flow(
    road: Road, manychat: ManyChatServer
) -> None:
    rules = road.odoo("manychat.stage.mapping", "search", [["stage_id.name", "=", STAGE]])
    told = {"back_tag": "En cotización", "back_untag": "Frío", "back_flow": "content8002"}
    road.odoo("manychat.stage.mapping", "write", rules[:1], told)
    lead = contact_of(road, "8002", BEFORE)
    until(manychat, "8002", lambda one: one.fields)
    manychat.page.contact("8002").tags.add("Frío")
    with at_a_browser(road.stack.odoo) as salesperson:
        salesperson.open(lead)
        salesperson.move(STAGE)
        wait_for(road, "8002", lambda row: row["odoo_stage"] == STAGE)
        contact = until(manychat, "8002", lambda one: one.flows)
    assert contact.fields["etapa_crm"] == STAGE
    assert (contact.tags, contact.flows) == ({"En cotización"}, ["content8002"])


def test_what_manychat_itself_moves_is_told_as_a_field_alone(
    road: Road, manychat: ManyChatServer
) -> None:
    contact_of(road, "8003")
    road.send(("stage-change", {"manychat_id": "8003", "stage_manychat": STAGE}))
    contact = until(manychat, "8003", lambda one: one.fields.get("etapa_crm") == STAGE)
    assert (contact.tags, contact.flows) == (set(), [])


def test_an_outage_of_odoo_and_of_manychat_loses_nothing(
    road: Road, manychat: ManyChatServer
) -> None:
    lead = contact_of(road, "8004")
    manychat.page.mood = "broken"
    road.odoo("crm.lead", "write", [lead], {"stage_id": stage_named(road, STAGE)})
    road.stack.odoo.kill()
    road.stack.odoo.start()
    wait_for(road, "8004", lambda row: row["odoo_stage"] == STAGE)
    manychat.page.mood = "ok"
    contact = until(manychat, "8004", lambda one: one.flows)
    assert (contact.fields["etapa_crm"], contact.flows) == (STAGE, ["content8002"])
