"""`python -m devstack walk`: every screen of the addon as each role sees it, in two languages."""

from __future__ import annotations

import shutil
from html import escape
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, sync_playwright

from devstack import progress
from devstack.browser import chromium
from devstack.odoo_server import OdooServer
from devstack.odoo_sources import choose
from devstack.people import Login
from devstack.places import CHECKOUT
from devstack.stack import Stack
from devstack.walk_data import prepare, speak
from devstack.walk_screens import SCREENS, Screen

LANGUAGES = ("es_PE", "en_US")
# The manager is the last one: of the two states without a rule each of its walks maps one.
ROLES = ("salesperson", "admin", "manager")
WIDTH, HEIGHT = 1280, 800
SECONDS = 90
STILL_MS = 300
STANDS_STILL = """() => {
    const drawn = [...document.querySelectorAll("canvas")].map((c) => c.toDataURL()).join();
    const still = window.drawnBefore === drawn;
    window.drawnBefore = drawn;
    return still;
}"""
SHEET_COLUMNS = 2


def walk_through(series: str | None) -> int:
    """Write pictures and contact sheets to `artifacts/walk-<series>`.

    Returns 1 where a screen did not come or showed an error; the others are there all the same.
    """
    source = choose(series)
    folder = CHECKOUT / "artifacts" / f"walk-{source.series}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    failed = []
    with sync_playwright() as playwright, Stack(source, name="walk") as stack:
        browser = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        with progress.step("starting Odoo with the demo data"):
            stack.odoo.start()
            stack.odoo.load_demo()
            prepare(stack.odoo)
        for language in LANGUAGES:
            speak(stack.odoo, language)
            for role in ROLES:
                name = f"{language[:2]}-{role}"
                page = _log_in(browser, stack.odoo, getattr(stack.odoo.people, role))
                taken = [
                    _take(page, stack.odoo.url, screen, folder / f"{name}-{screen.name}.png")
                    for screen in SCREENS
                    if role in screen.roles
                ]
                page.context.close()
                failed += [path.name for path, came in taken if not came]
                _sheet(browser, [path for path, _came in taken], folder / f"sheet-{name}.png")
        browser.close()
    progress.say(f"pictures in {folder.relative_to(CHECKOUT)}; failed: {', '.join(failed) or '-'}")
    return 1 if failed else 0


def _log_in(browser: Browser, odoo: OdooServer, person: Login) -> Page:
    page = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT}).new_page()
    page.set_default_timeout(SECONDS * 1000)
    page.goto(f"{odoo.url}/web/login?db={odoo.db}")
    page.fill("input[name=login]", person.login)
    page.fill("input[name=password]", person.password)
    page.click("button[type=submit]")
    page.wait_for_selector(".o_main_navbar")
    return page


def _take(page: Page, url: str, screen: Screen, path: Path) -> tuple[Path, bool]:
    """Go to a screen and photograph what is there, which on an error is the error."""
    came = True
    try:
        page.goto(f"{url}/odoo/{screen.place}")
        screen.reach(page)
        page.wait_for_function("() => document.getAnimations().length === 0")
        # a graph draws itself in steps that nothing announces: it is done once it stays alike
        page.wait_for_function(STANDS_STILL, polling=STILL_MS)
        came = not page.locator(".o_error_dialog").count()
    except Error as error:
        progress.say(f"{path.name}: {str(error).splitlines()[0]}")
        came = False
    page.mouse.move(0, HEIGHT)
    page.screenshot(path=path, animations="disabled")
    progress.say(path.name)
    return path, came


def _sheet(browser: Browser, paths: list[Path], sheet: Path) -> None:
    """Several pictures with their names on one."""
    page = browser.new_page(viewport={"width": WIDTH * SHEET_COLUMNS, "height": HEIGHT})
    figures = "".join(
        f"<figure><figcaption>{escape(path.stem)}</figcaption><img src='{path.as_uri()}'></figure>"
        for path in paths
    )
    html = sheet.with_suffix(".html")
    html.write_text(
        "<meta charset='utf-8'><style>body{margin:0;display:grid;gap:8px;"
        f"grid-template-columns:repeat({SHEET_COLUMNS},1fr);font:22px sans-serif}}"
        f"figure{{margin:0}}img{{width:100%}}</style>{figures}",
        encoding="utf-8",
    )
    page.goto(html.as_uri())
    page.screenshot(path=sheet, full_page=True)
    page.close()
    html.unlink()
