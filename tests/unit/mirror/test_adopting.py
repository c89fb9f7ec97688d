"""One adopted contact as facts, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.mirror.adopt.funnel import funnel_dates
from bridge.mirror.adopt.names import junk_channels
from bridge.mirror.adopt.old import Zone
from bridge.mirror.adopt.person import Person, turn

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2025, 6, 1, tzinfo=UTC)


def state(id: int, text: str, hours: float = 0) -> dict[str, object]:
    return {"id": id, "contact_id": 1, "state": text, "created_at": START + timedelta(hours=hours)}


def campaign(
    id: int, campaign_id: int | None, hours: float = 0, **values: object
) -> dict[str, object]:
    began = START + timedelta(hours=hours)
    return {"id": id, "contact_id": 1, "campaign_id": campaign_id, "registration_date": began,
            **values}  # fmt: skip


def test_the_earliest_time_of_a_state_counts_however_it_is_written() -> None:
    told = [(NOW, "Venta exitosa"), (START, "VENTA  EXITOSA!"), (START, "Otra cosa")]
    assert funnel_dates(told) == {"successful_sale_date": START}


def test_states_of_one_time_keep_the_order_of_their_ids() -> None:
    person = Person({"id": 1}, [state(n, f"Estado {n}") for n in range(1, 30)])
    clocks = [str(row["clock"]) for row in turn(person, frozenset(), NOW).states]
    assert clocks == sorted(clocks)


def test_a_last_state_that_the_history_does_not_tell_is_told_in_its_campaign() -> None:
    rows = [campaign(1, 5, 0, last_state="Comienza Cotización"),
            campaign(2, 6, 48, last_state="Nuevo")]  # fmt: skip
    person = Person({"id": 1}, [state(1, "Retornó en AC", 1), state(2, "Nuevo", 50)], rows)
    turned = turn(person, frozenset(), NOW)
    [made] = turned.new_states
    assert (made["state"], made["occurred_at"]) == (
        "Comienza Cotización", START + timedelta(hours=1),
    )  # fmt: skip
    second = turned.facts[1]["clock"]
    assert turned.states[0]["clock"] < made["clock"] < second


def test_rows_of_one_campaign_become_one_and_the_newer_speaks() -> None:
    rows = [campaign(1, 5, 0, summary="primera"), campaign(2, 5, 1, summary="segunda")]
    turned = turn(Person({"id": 1}, [], rows), frozenset(), NOW)
    assert turned.folded == {1: "duplicate"}
    assert [fact["summary"] for fact in turned.facts] == ["primera", "segunda"]


def test_a_row_without_a_campaign_stands_alone_or_joins_the_campaign() -> None:
    alone = turn(Person({"id": 1}, [], [campaign(1, None, summary="x")]), frozenset(), NOW)
    assert alone.folded == {}
    joined = turn(Person({"id": 1}, [], [campaign(1, None), campaign(2, 5)]), frozenset(), NOW)
    assert joined.folded == {1: "without_campaign"}


def test_nothing_is_believed_to_come_from_the_future() -> None:
    rows = [campaign(1, 5, 24 * 365)]
    turned = turn(Person({"id": 1, "first_name": "Eva"}, [state(1, "Nuevo", 9000)], rows),
                  frozenset(), NOW)  # fmt: skip
    moments = [turned.facts[0]["occurred_at"], turned.states[0]["occurred_at"], turned.seen]
    assert moments == [NOW, NOW, NOW]


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2025-03-01 07:00:00.000000", START),
        (datetime(2025, 3, 1, 7), START),  # noqa: DTZ001  (as the drivers give it)
        (datetime(2025, 3, 1, 12, tzinfo=UTC), START),
        (date(2025, 3, 1), START - timedelta(hours=7)),
        ("2025-03-01T12:00:00Z", START),
        ("pronto", None),
        (None, None),
    ],
)
def test_a_date_is_read_in_the_zone_that_it_lacks(raw: object, moment: datetime | None) -> None:
    assert Zone(ZoneInfo("America/Lima")).moment("Contact.entry_date", raw) == moment


def test_a_date_that_had_a_zone_before_is_utc() -> None:
    zone = Zone(ZoneInfo("America/Lima"), ["Contact.entry_date"])
    naive = datetime(2025, 3, 1, 12)  # noqa: DTZ001  (as the drivers give it)
    assert zone.moment("Contact.entry_date", naive) == START


def test_junk_channels_are_told_with_what_was_meant() -> None:
    names = ["WhatsApp", "{{cuf_1}}", "1", "9", "2", None, "whatsApp!", "Boca a boca"]
    rows = [{"id": n, "name": name} for n, name in enumerate(names, 1)]
    assert junk_channels(rows) == {
        2: ("junk_channel", None),
        3: ("junk_channel", 1),
        4: ("junk_channel", None),
        5: ("junk_channel", None),  # the channel of that id is junk itself
        6: ("junk_channel", None),
        7: ("same_channel", 1),
    }
