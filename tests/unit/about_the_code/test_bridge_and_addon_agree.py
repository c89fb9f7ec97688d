"""Bridge and addon never import each other: what both must know alike is compared here."""

from __future__ import annotations

import runpy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.events.clock import clock_text, iso
from bridge.events.event import EventType
from bridge.events.spellings import ADDRESS_PARTS, FUNNEL_DATES, READ_BY, WRITTEN_DATES
from bridge.mirror import tables
from bridge.mirror.adopt.funnel import DATE_OF_STATE
from bridge.odoo.leads import STATUSES
from tests.unit.about_the_code.sources import ROOT, read

# Keys that the mirror resolves or keeps to itself before an event goes to Odoo.
NOT_FOR_ODOO = {"advisor", "registered_at", *WRITTEN_DATES}

MOMENTS = st.datetimes(
    min_value=datetime(1970, 1, 1),  # noqa: DTZ001  (hypothesis adds the zone)
    max_value=datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5))]),
)


def addon(path: str) -> dict[str, Any]:
    """The names of a module of the addon that imports nothing of Odoo."""
    return runpy.run_path(str(ROOT / "miasalud_crm" / path))


@given(MOMENTS, MOMENTS, st.text(min_size=1, max_size=40), st.integers(0, 999_999))
def test_both_make_the_same_clock(
    occurred_at: datetime, received_at: datetime, event_id: str, revision: int
) -> None:
    made = addon("sync/clock.py")["clock_text"](occurred_at, received_at, event_id, revision)
    assert made == clock_text(occurred_at, received_at, event_id, revision)


def test_both_write_times_in_fixed_width() -> None:
    moment = datetime(2025, 10, 20, 17, 41, tzinfo=timezone(timedelta(hours=-5)))
    assert addon("sync/clock.py")["iso"](moment) == iso(moment) == "2025-10-20T22:41:00.000000Z"


def test_the_addon_takes_every_value_that_the_bridge_reads() -> None:
    const = addon("const.py")
    taken = {*const["TEXT_KEYS"], *const["TIME_KEYS"], *const["ADVISOR_KEYS"], "campaign"}
    read_here = {
        key for type, keys in READ_BY.items() if type is not EventType.ADDRESS for key in keys
    }
    assert read_here - NOT_FOR_ODOO <= taken
    assert set(ADDRESS_PARTS.values()) == set(const["ADDRESS_PARTS"])


def test_both_know_the_same_funnel_dates() -> None:
    names = [name for name, _label in addon("const.py")["FUNNEL_DATES"]]
    columns = tables.CampaignContact.__table__.columns.keys()
    assert names == list(FUNNEL_DATES)
    assert set(names) <= set(columns)


def test_adopting_dates_the_states_that_the_addon_ships_with() -> None:
    shipped = {
        name: state.date_field
        for state in addon("const.py")["SHIPPED_STATES"]
        for name in (state.name, *state.also)
        if state.date_field
    }
    assert shipped == DATE_OF_STATE


def test_the_bridge_knows_every_status_of_the_addon() -> None:
    text = read("miasalud_crm/sync/contact.py").text
    assert all(f'"{status}"' in text for status in STATUSES)
