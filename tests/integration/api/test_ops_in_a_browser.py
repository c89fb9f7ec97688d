"""The person on call opens `/ops` in a browser: at a desk, and on a phone at night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.ids import new_event_id
from bridge.events.reading import Rules, read_event
from bridge.mirror import claims, dead_letters, outbox
from bridge.mirror.apply import apply_events
from bridge.mirror.engine import make_engine
from bridge.mirror.store import Store
from bridge.settings import load_settings
from devstack.bridge_processes import Bridge
from devstack.browser import chromium
from devstack.places import CHECKOUT

ARTIFACTS = CHECKOUT / "artifacts"
DESK = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
SIDEWAYS = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def letter(bridge: Bridge) -> int:
    """A mirror with something of everything; the id of its dead letter."""
    settings = load_settings(api_key="x", database_url=bridge.env["DATABASE_URL"])
    store = Store(make_engine(settings))
    now = datetime.now(UTC)
    bodies = [
        {"manychat_id": "MC-OPS-1", "nombre_lead": "Amparo", "ultimo_estado": "Nuevo Lead"},
        {"manychat_id": "MC-OPS-2", "nombre_lead": "Bruno", "ultimo_estado": "Espera análisis"},
    ]
    events = [
        Envelope(id=new_event_id(now), type=EventType.CONTACT, received_at=now, occurred_at=None,
                 payload=body) for body in bodies
    ]  # fmt: skip
    with store.transaction() as session:
        apply_events(session, [(read_event(e, Rules()), e) for e in events], now)
    with store.transaction() as session:
        rows = claims.claim(session, "browser", 10, now, 60)
        told = [
            {"event_id": row.event_id, "status": status, "unmapped": status == "updated",
             "retryable": False, "lead_id": 4, "stage": "Nuevo", "dates": {}, "message": message}
            for row, (status, message) in zip(
                rows, [("rejected", "no_team"), ("updated", None)], strict=True
            )
        ]  # fmt: skip
        outbox.record_results(session, rows, told, now)
        body = {"manychat_id": "MC-OPS-3", "nombre_lead": "Carla", "whatsapp": "+51 987 654 321",
                "summary": "Dolor de espalda"}  # fmt: skip
        dead = Envelope(id=new_event_id(now), type=EventType.CONTACT, received_at=now,
                        occurred_at=None, payload=body)  # fmt: skip
        reason = "permanent: too_old (received 200 days ago)"
        dead_letters.record(session, [dead.with_reason(reason, "manychat-contact-queue")], now)
        [found] = dead_letters.listing(session, 1)
    store.close()
    return found.id


def visit(browser: Browser, bridge: Bridge, size: dict[str, int], **more: object) -> Page:
    """A page that has logged in through the form."""
    context: BrowserContext = browser.new_context(viewport=size, **more)  # type: ignore[arg-type]
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda said: refused.append(said.text) if said.type == "error" else None)
    page.goto(f"{bridge.api_url}/ops")
    page.fill("#key", bridge.api_key)
    page.click("button")
    page.wait_for_selector(".status")
    assert refused == []  # the policy refused nothing of ours
    return page


def shoot(page: Page, name: str) -> None:
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"ops-{name}.png", full_page=True)


def test_at_a_desk_everything_is_seen_and_a_hop_is_stopped(
    browser: Browser, bridge: Bridge, letter: int
) -> None:
    page = visit(browser, bridge, DESK)
    shoot(page, "overview")
    page.click("tr:has-text('mirror to Odoo') button")
    expect(page.locator(".done")).to_have_text("The hop stops within a second.")
    expect(page.locator(".status")).to_contain_text("crm is paused")
    shoot(page, "paused")
    page.click("text=Resume")
    expect(page.locator(".done")).to_have_text("The hop goes on.")
    cookie = page.context.cookies()[0]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert bridge.api_key not in page.content() + cookie["value"] + page.url


def test_a_person_is_named_only_after_a_button(
    browser: Browser, bridge: Bridge, letter: int
) -> None:
    page = visit(browser, bridge, DESK)
    page.click("text=Look at them")
    page.click("text=Open")
    expect(page.locator("pre")).to_contain_text("+99 999 999 999")
    expect(page.locator("pre")).not_to_contain_text("Carla")
    shoot(page, "letter")
    page.click("text=Discard")  # nothing happens: its box is not ticked
    expect(page.locator("h1")).to_have_text(f"Dead letter {letter}")
    page.click("text=Show the person's data")
    expect(page.locator("pre")).to_contain_text("Carla")


def test_on_a_phone_nothing_is_cut_off_and_buttons_can_be_hit(
    browser: Browser, bridge: Bridge, letter: int
) -> None:
    page = visit(browser, bridge, PHONE, is_mobile=True, has_touch=True, device_scale_factor=2)
    for path in ("", "/dead-letters", f"/dead-letters/{letter}", "/parked",
                 "/trace?manychat_id=MC-OPS-1"):  # fmt: skip
        page.goto(f"{bridge.api_url}/ops{path}")
        assert page.evaluate(SIDEWAYS) <= 0, path
        shoot(page, f"phone{path.partition('?')[0].replace('/', '-')}")
        for button in page.locator("main button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 40


def test_another_site_can_neither_frame_nor_post(
    browser: Browser, bridge: Bridge, letter: int
) -> None:
    page = visit(browser, bridge, DESK)
    page.route(
        "http://elsewhere.test/",
        lambda route: route.fulfill(
            content_type="text/html",
            body=f"<iframe src='{bridge.api_url}/ops'></iframe><form method=post "
            f"action='{bridge.api_url}/ops/hops/crm/pause'><button>win</button></form>",
        ),
    )
    page.goto("http://elsewhere.test/")
    page.wait_for_load_state("load")
    assert [frame.url.partition(":")[0] for frame in page.frames[1:]] == ["chrome-error"]
    page.click("text=win")
    expect(page.locator("body")).to_contain_text("The session is over")
    page.goto(f"{bridge.api_url}/ops")
    expect(page.locator("tr:has-text('mirror to Odoo')")).to_contain_text("not paused")
