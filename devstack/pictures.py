"""`python -m devstack pictures`: the addon's icon, its page's and the Spanish guide's pictures."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from devstack import progress
from devstack.browser import chromium
from devstack.odoo_server import OdooServer
from devstack.odoo_sources import choose
from devstack.places import ADDON, CHECKOUT
from devstack.stack import Stack
from devstack.walk_data import speak

FOLDER = ADDON / "static" / "description"
GUIDE = CHECKOUT / "docs" / "images" / "es"
ACTION = "/odoo/action-miasalud_crm."
ICON_SIZE = 256
WIDTH, HEIGHT = 1360, 760
SECONDS = 120


def take_pictures(series: str | None) -> int:
    """Draw the icon and photograph an Odoo that has the demo data; 0 when all is there."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        _draw_icon(browser)
        with Stack(choose(series), name="pictures") as stack:
            with progress.step("starting Odoo with the demo data"):
                stack.odoo.start()
                stack.odoo.load_demo()
            for language, folder in (("en_US", FOLDER), ("es_PE", GUIDE)):
                folder.mkdir(parents=True, exist_ok=True)
                speak(stack.odoo, language)
                _photograph(_log_in(browser, stack.odoo), stack.odoo.url, folder)
        browser.close()
    return 0


def _draw_icon(browser: Browser) -> None:
    page = browser.new_page(viewport={"width": ICON_SIZE, "height": ICON_SIZE})
    drawing = (FOLDER / "icon.svg").read_text(encoding="utf-8")
    page.set_content(f"<style>body {{ margin: 0 }}</style>{drawing}")
    page.screenshot(path=FOLDER / "icon.png", omit_background=True)
    page.close()


def _log_in(browser: Browser, odoo: OdooServer) -> Page:
    """Log in as the manager, who sees every screen."""
    page = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}).new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{odoo.url}/web/login?db={odoo.db}")
    page.fill("input[name=login]", odoo.people.manager.login)
    page.fill("input[name=password]", odoo.people.manager.password)
    page.click("button[type=submit]")
    page.wait_for_selector(".o_main_navbar")
    return page


def _photograph(page: Page, url: str, folder: Path) -> None:
    _open(page, url, "crm_lead_action_manychat", ".o_kanban_record")
    _shoot(page, folder / "pipeline.png")
    page.click(".o_kanban_record:has-text('Amparo Lazo')")
    page.click(".nav-link[name=manychat]")
    page.wait_for_selector("[name=manychat_change_ids] .o_data_row")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT + 340})
    _shoot(page, folder / "lead.png")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
    _open(page, url, "manychat_stage_mapping_action", ".o_data_row")
    _shoot(page, folder / "mapping.png")
    _open(page, url, "manychat_unmapped_state_action", ".o_data_row")
    page.click(".o_data_row button[name=action_map] >> nth=0")
    page.wait_for_selector(".modal .o_form_view")
    _shoot(page, folder / "unmapped.png")
    _open(page, url, "manychat_funnel_report_action", ".o_graph_renderer canvas")
    _shoot(page, folder / "analysis.png")


def _open(page: Page, url: str, action: str, selector: str) -> None:
    page.goto(f"{url}{ACTION}{action}")
    page.wait_for_selector(selector)


def _shoot(page: Page, path: Path) -> Path:
    # a graph draws itself in steps that no style sheet stops
    page.wait_for_function("() => document.getAnimations().length === 0")
    page.mouse.move(0, HEIGHT)
    page.screenshot(path=path, animations="disabled")
    progress.say(f"{path.name}: {path.stat().st_size // 1024} KB")
    return path
