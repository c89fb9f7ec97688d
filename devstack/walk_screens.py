"""The screens of `python -m devstack walk`: where they are, who sees them, what to do there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Page

ADDON_ACTION = "action-miasalud_crm."
EVERYONE = ("salesperson", "manager", "admin")
MANAGERS = ("manager", "admin")
ADMIN = ("admin",)
LEAD = "Carmen Flores"


@dataclass(frozen=True)
class Screen:
    """A picture's name, the address below `/odoo/`, the roles, and how to get there from it."""

    name: str
    place: str
    roles: tuple[str, ...]
    reach: Callable[[Page], object]


def _sees(selector: str) -> Callable[[Page], object]:
    return lambda page: page.wait_for_selector(selector)


def _view(kind: str, selector: str) -> Callable[[Page], object]:
    def reach(page: Page) -> None:
        page.click(f".o_switch_view.o_{kind}")
        page.wait_for_selector(selector)

    return reach


def _manychat_page(page: Page) -> None:
    page.click(f".o_kanban_record:has-text('{LEAD}')")
    page.click(".nav-link[name=manychat]")
    page.wait_for_selector("[name=manychat_change_ids] .o_data_row")


def _chatter(page: Page) -> None:
    _manychat_page(page)
    page.wait_for_selector(".o-mail-Message")
    page.locator(".o-mail-Message").first.scroll_into_view_if_needed()


def _test_a_state(page: Page) -> None:
    page.click("button[name=action_test_state]")
    page.fill(".modal [name=state] input", "comienza cotizacion")
    page.keyboard.press("Tab")
    page.wait_for_selector(".modal [name=stage_id]:has-text('otiza'), .modal [name=stage_id] a")


def _map_dialog(page: Page) -> None:
    page.click(".o_data_row button[name=action_map] >> nth=0")
    page.wait_for_selector(".modal .o_form_view")


def _map(page: Page) -> None:
    """Use *Map to*, so that a state less waits from here on."""
    _map_dialog(page)
    page.click(".modal [name=stage_id] input")
    page.click(".o-autocomplete--dropdown-item >> nth=1")
    page.click(".modal button[name=action_apply]")
    page.wait_for_selector(".o_notification")
    page.wait_for_selector(".modal", state="detached")


def _stat_button(page: Page) -> None:
    page.wait_for_selector("button[name=action_manychat_leads]")


def _stat_list(page: Page) -> None:
    page.click("button[name=action_manychat_leads]")
    page.wait_for_selector(".o_data_row")


def _take_over(page: Page) -> None:
    page.click(".o_data_row >> nth=0")
    page.wait_for_selector("button[name=action_open_duplicates]")


def _duplicates(page: Page) -> None:
    _take_over(page)
    page.click("button[name=action_open_duplicates]")
    page.wait_for_selector(".o_group_header")


def _cockpit(page: Page) -> None:
    page.wait_for_selector("[name=manychat_bridge_url]")
    page.locator("[name=manychat_cockpit], [name=manychat_bridge_url]").first.evaluate(
        "element => element.scrollIntoView({block: 'start'})"
    )


def _cockpit_below(page: Page) -> None:
    _cockpit(page)
    page.locator(".o_setting_container, .settings").last.evaluate(
        "element => element.scrollBy(0, 700)"
    )


def _addon(action: str) -> str:
    return f"{ADDON_ACTION}{action}"


ROW, GRAPH, PIVOT = ".o_data_row", ".o_graph_renderer canvas", ".o_pivot table"
PIPELINE, FUNNEL = _addon("crm_lead_action_manychat"), _addon("manychat_funnel_report_action")
STAGES, EVENTS = _addon("crm_lead_action_manychat_stages"), _addon("manychat_event_action")
UNMAPPED, MAPPING = (
    _addon("manychat_unmapped_state_action"),
    _addon("manychat_stage_mapping_action"),
)
TAKE_OVER = _addon("manychat_take_over_action")
PARTNER, CAMPAIGN = "action-base.action_partner_form", "action-utm.utm_campaign_action"
SETTINGS = "action-crm.crm_config_settings_action"
SCREENS = (
    Screen("kanban", PIPELINE, EVERYONE, _sees(".o_kanban_record")),
    Screen("list", PIPELINE, EVERYONE, _view("list", ROW)),
    Screen("form", PIPELINE, EVERYONE, _manychat_page),
    Screen("funnel-graph", FUNNEL, EVERYONE, _sees(GRAPH)),
    Screen("funnel-pivot", FUNNEL, EVERYONE, _view("pivot", PIVOT)),
    Screen("stages-graph", STAGES, EVERYONE, _sees(GRAPH)),
    Screen("stages-pivot", STAGES, EVERYONE, _view("pivot", PIVOT)),
    Screen("partner", "contacts-walk", EVERYONE, _stat_button),
    Screen("partner-leads", "contacts-walk", EVERYONE, _stat_list),
    Screen("campaign", "campaign-walk", EVERYONE, _stat_button),
    Screen("campaign-leads", "campaign-walk", EVERYONE, _stat_list),
    Screen("mapping", MAPPING, MANAGERS, _sees(ROW)),
    Screen("test-a-state", MAPPING, MANAGERS, _test_a_state),
    Screen("unmapped", UNMAPPED, MANAGERS, _sees(ROW)),
    Screen("unmapped-dialog", UNMAPPED, MANAGERS, _map_dialog),
    Screen("unmapped-mapped", UNMAPPED, ("manager",), _map),
    Screen("aliases", _addon("manychat_alias_action"), MANAGERS, _sees(ROW)),
    Screen("unknown-advisors", _addon("manychat_unknown_advisor_action"), MANAGERS, _sees(ROW)),
    Screen("history", _addon("manychat_stage_history_action"), MANAGERS, _sees(ROW)),
    Screen("events", EVENTS, MANAGERS, _sees(ROW)),
    Screen("events-graph", EVENTS, MANAGERS, _view("graph", GRAPH)),
    Screen("merged", _addon("manychat_merged_contact_action"), MANAGERS, _sees(ROW)),
    Screen("settings", SETTINGS, ADMIN, _cockpit),
    Screen("settings-below", SETTINGS, ADMIN, _cockpit_below),
    Screen("take-over", TAKE_OVER, ADMIN, _take_over),
    Screen("duplicates", TAKE_OVER, ADMIN, _duplicates),
)
