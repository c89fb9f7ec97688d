"""A salesperson logs in and sees the lead where ManyChat says it stands."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from devstack.browser import chromium
from devstack.places import CHECKOUT
from tests.e2e.conftest import Road

ARTIFACTS = CHECKOUT / "artifacts"
PEOPLE = (
    ("MC-P1", "Carmen", "Flores", "WhatsApp", "Nuevo Lead"),
    ("MC-P2", "Jorge", "Salas", "Instagram", "Asignado a campaña"),
    ("MC-P3", "Nadia", "Vega", "TikTok", "Retornó en AC"),
    ("MC-P4", "Óscar", "Ríos", "Messenger", "Comienza Atención Comercial"),
)
SCROLL_TO_LEFT_EDGE = "group => group.scrollIntoView({inline: 'start'})"


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(),
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser.new_page(viewport={"width": 1600, "height": 620}, locale="es-PE")
        browser.close()


HOSTILE = '<img src=x onerror="window.ranMarkup=1"><script>window.ranMarkup=2</script>'


def log_in(page: Page, road: Road) -> None:
    """Log in through Odoo's own form as the salesperson."""
    odoo = road.stack.odoo
    page.goto(f"{odoo.url}/web/login?db={odoo.db}")
    page.fill("input[name=login]", odoo.salesperson_login)
    page.fill("input[name=password]", odoo.salesperson_password)
    page.click("button[type=submit]")
    page.wait_for_selector(".o_main_navbar", timeout=120_000)


def test_the_salesperson_sees_name_channel_state_and_stage(road: Road, page: Page) -> None:
    for manychat_id, first, last, channel, state in PEOPLE:
        contact = {
            "manychat_id": manychat_id,
            "nombre_lead": first,
            "apellido_lead": last,
            "canal_entrada": channel,
            "ultimo_estado": state,
        }
        # the pipeline opens on the salesperson's own leads
        assignment = {"manychat_id": manychat_id, "comercial_id": road.stack.odoo.salesperson_login}
        road.send(("contact", contact), ("campaign-assignment", assignment))
    ARTIFACTS.mkdir(exist_ok=True)
    log_in(page, road)
    page.click(".o_navbar_apps_menu button")
    page.click("[data-menu-xmlid='crm.crm_menu_root']")
    page.wait_for_selector(".o_kanban_renderer", timeout=120_000)
    for _, first, last, channel, state in PEOPLE:
        card = page.locator(".o_kanban_record", has_text=f"{first} {last}").first
        expect(card).to_contain_text(channel)
        expect(card).to_contain_text(state)
    # Odoo's own stages, which are empty here, stand before those of the team
    page.locator(".o_kanban_group", has_text=PEOPLE[0][1]).evaluate(SCROLL_TO_LEFT_EDGE)
    page.screenshot(path=ARTIFACTS / "pipeline.png", animations="disabled")

    page.locator(".o_kanban_record", has_text="Óscar Ríos").first.click()
    page.wait_for_selector(".o_form_view")
    page.get_by_role("tab", name="ManyChat").click()
    expect(page.locator(".o_form_view")).to_contain_text("Comienza Atención Comercial")
    page.screenshot(path=ARTIFACTS / "lead.png", animations="disabled")


def test_markup_from_manychat_is_shown_as_text_and_never_runs(road: Road, page: Page) -> None:
    login = road.stack.odoo.salesperson_login
    contact = {"manychat_id": "MC-X1", "nombre_lead": f"Zoe {HOSTILE}", "canal_entrada": "WhatsApp"}
    mine = {"manychat_id": "MC-X1", "comercial_id": login, "summary": HOSTILE}
    state = {"manychat_id": "MC-X1", "stage_manychat": f"Estado {HOSTILE}"}
    road.send(("contact", contact), ("campaign-assignment", mine), ("stage-change", state))
    log_in(page, road)
    page.goto(f"{road.stack.odoo.url}/odoo/action-miasalud_crm.crm_lead_action_manychat")
    card = page.locator(".o_kanban_record", has_text="Zoe").first
    expect(card).to_contain_text(HOSTILE)
    expect(card).to_contain_text(f"Estado {HOSTILE}")
    card.click()
    page.get_by_role("tab", name="ManyChat").click()
    expect(page.locator(".o_form_view [name=manychat_state]")).to_contain_text(HOSTILE)
    expect(page.locator(".o_form_view [name=manychat_summary]").last).to_contain_text(HOSTILE)
    expect(page.locator("[name=manychat_change_ids]")).to_contain_text(HOSTILE)
    expect(page.locator(".o-mail-Message").first).to_be_visible()
    assert page.evaluate("window.ranMarkup") is None
