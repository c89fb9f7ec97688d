"""The oracle says what the contract says, on stories small enough to be told by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise, permutations
from typing import Any

from tests.faults.generator import Generator
from tests.faults.oracle import Wanted, advisor, expected, lead_name
from tests.faults.story import Hand, Happened, Said
from tests.faults.values import NEW, STATES

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = NOON + timedelta(hours=3)
MINUTE = timedelta(seconds=59, microseconds=999_999)


def at(minute: float) -> datetime:
    return NOON + timedelta(minutes=minute)


def event(minute: float | None, number: int = 0, state: str = "", **more: Any) -> Happened:
    """What happened `minute` minutes after noon (None: at its arrival), heard of at 15:00."""
    start = None if minute is None else at(minute)
    found = {"state": STATES[state], "state_text": state} if state else {}
    return Happened(f"e{number}", LATER, "MC-1", "contact", Said(start=start, **found, **more))


def told(*events: Happened) -> Wanted:
    """What is wanted of MC-1, whatever the order in which it is told."""
    [first, *others] = [expected(order)["MC-1"] for order in permutations(events)]
    assert all(other == first for other in others)
    return first


def test_each_value_is_its_newest_writers() -> None:
    wanted = told(
        event(1, 1, values={"first_name": "Ana", "phone": "1"}),
        event(3, 3, values={"first_name": "Eva"}),
        event(2, 2, values={"first_name": "Ada", "phone": "2"}),
    )
    assert wanted.values == {"first_name": "Eva", "phone": "2"}


def test_a_guessed_channel_only_fills_a_gap() -> None:
    guess = event(5, 1, guesses_whatsapp=True)
    assert told(guess).values["channel"] == "WhatsApp"
    assert told(guess, event(1, 2, values={"channel": "TikTok"})).values["channel"] == "TikTok"


def test_a_minute_counts_to_its_end_and_nothing_comes_from_the_future() -> None:
    assert event(1).occurred == at(1)
    assert event(1, span=MINUTE).occurred == at(1) + MINUTE
    assert event(999).occurred == event(None).occurred == LATER


def test_only_a_state_that_differs_moves_and_is_shown() -> None:
    wanted = told(
        event(1, 1, "Comienza Cotización"),
        event(2, 2, "Comienza Cotización"),
        event(3, 3, "Esperando resultados"),
    )
    assert (wanted.stage, wanted.state) == ("Comienza Cotización", "Esperando resultados")
    assert wanted.unmapped
    assert [row[4] for row in wanted.history] == [True, False, True]
    assert [row[0] for row in wanted.history] == ["e1", "e2", "e3"]
    assert wanted.dates == {"quotation_start_date": at(1)}


def test_what_was_won_stays_won_while_the_state_goes_on() -> None:
    wanted = told(event(1, 1, "Venta exitosa"), event(2, 2, "Comienza Cotización"))
    assert (wanted.stage, wanted.state) == ("Venta exitosa", "Comienza Cotización")


def test_an_initial_state_never_competes() -> None:
    said = {"initial": STATES["Retornó en AC"], "values": {"initial_state": "Retornó en AC"}}
    alone = told(event(9, 1, **said))
    assert (alone.stage, alone.state, alone.state_date) == ("Retornó en AC", "Retornó en AC", at(9))
    assert alone.history == []
    beaten = told(event(9, 1, **said), event(1, 2, "Comienza Cotización"))
    assert (beaten.stage, beaten.state) == ("Comienza Cotización", "Comienza Cotización")
    kept = told(event(9, 1, **said), event(1, 2, "Esperando resultados"))
    assert (kept.stage, kept.state) == ("Retornó en AC", "Esperando resultados")


def test_a_contact_without_any_state_stands_in_the_first_stage() -> None:
    assert told(event(1)).stage == NEW


def test_a_state_belongs_to_the_campaign_in_force_and_the_first_ones_to_the_first() -> None:
    wanted = told(
        event(1, 1, "Asignado a campaña"),
        event(2, 2, campaign="A", values={"commercial": "Nadie"}),
        event(3, 3, "Comienza Cotización"),
        event(4, 4, campaign="B"),
        event(5, 5, "Venta exitosa", values={"commercial": None}),
    )
    first, second = wanted.campaigns["A"], wanted.campaigns["B"]
    assert (first["last_state"], first["lead_state"]) == ("Comienza Cotización", None)
    assert (second["last_state"], second["lead_state"]) == ("Venta exitosa", "Venta exitosa")
    assert (first["commercial"], second["commercial"]) == ("Nadie", None)
    assert (first["registration_date"], second["registration_date"]) == (at(2), at(4))
    assert wanted.date_campaigns == {
        "commercial_assignment_date": {"A"},
        "quotation_start_date": {"A"},
        "successful_sale_date": {"B"},
    }


def test_without_a_campaign_only_advisors_make_a_row() -> None:
    assert told(event(1, 1, "Venta exitosa")).campaigns == {}
    advised = told(event(1, 1, "Nuevo"), event(2, 2, values={"medical": "Nadie"}))
    assert advised.campaigns[None]["medical"] == "Nadie"
    assert advised.campaigns[None]["last_state"] == "Nuevo"


def test_a_lead_is_called_by_its_person_or_its_id() -> None:
    assert lead_name("7", {"first_name": "Ana", "last_name": "Ríos"}) == ("Ana Ríos", "Ana Ríos")
    assert lead_name("7", {"first_name": None}) == ("ManyChat 7", "")


def test_an_advisor_is_a_user_of_odoo_or_a_text() -> None:
    assert advisor("ventas@demo.example") == ("Lucía Ventas", "")
    assert advisor("Nadie") == ("", "Nadie")
    assert advisor(None) == ("", "")


def test_a_seed_tells_the_same_story_again() -> None:
    one, same, other = (Generator(seed, 600, 60, NOON).posts() for seed in (1, 1, 2))
    assert one == same != other


def test_a_story_holds_what_it_promises() -> None:
    posts = Generator(3, 2000, 200, NOON, killers=2).posts()
    assert len(posts) == 2000
    assert sum(post.copy_of is not None for post in posts) == 100
    assert sum(bool(post.poison) for post in posts) == 40
    assert sum(post.kills and post.copy_of is None for post in posts) == 2
    assert len({post.contact for post in posts if post.said}) >= 190
    for post in posts:
        assert (post.said is None) == bool(post.poison)
        if post.copy_of is not None:
            first = posts[post.copy_of]
            assert (first.body, first.key, first.number < post.number) == (
                post.body,
                post.key,
                True,
            )


def test_some_assignments_come_before_their_contact_and_much_comes_late() -> None:
    posts = [post for post in Generator(4, 3000, 300, NOON).posts() if post.good]
    seen: set[str] = set()
    early = 0
    for post in posts:
        early += post.kind == "assignment" and post.contact not in seen
        seen |= {post.contact} if post.kind == "contact" else set()
    assert early >= len(posts) * 0.03
    of_contact: dict[str, list[datetime]] = {}
    for post in posts:
        if post.said and post.said.start:
            of_contact.setdefault(post.contact, []).append(post.said.start)
    pairs = [pair for times in of_contact.values() for pair in pairwise(times)]
    assert sum(a > b for a, b in pairs) > len(pairs) * 0.2


def by_hand(minute: float, number: int, hand: Hand | None = None, **values: Any) -> Happened:
    """What a person in Odoo did then."""
    said = Said(values, at(minute), hand=hand or Hand())
    return Happened(f"person:{number}", LATER, "MC-1", "person", said)


def test_what_a_person_typed_stands_in_odoo_and_the_newest_word_in_the_mirror() -> None:
    wanted = told(
        event(1, 1, values={"first_name": "Eva", "last_name": "Sol", "phone": "1"}),
        by_hand(2, 2, first_name="Eva Luna", last_name=None, medical="jefa@demo.example"),
        event(3, 3, values={"first_name": "Ana", "phone": "2", "medical": None}),
    )
    assert wanted.values == {
        "first_name": "Ana", "last_name": None, "phone": "2", "medical": None
    }  # fmt: skip
    assert wanted.lead_values == {
        "first_name": "Eva Luna", "last_name": None, "phone": "2",
        "medical": "jefa@demo.example", "commercial": None,
    }  # fmt: skip


def test_a_persons_salesperson_leaves_manychats_commercial_advisor_alone() -> None:
    wanted = told(
        event(1, 1, values={"commercial": "ventas@demo.example"}),
        by_hand(2, 2, Hand(salesperson="Marta Jefa"), commercial="jefa@demo.example"),
    )
    assert wanted.values["commercial"] == "jefa@demo.example"
    assert wanted.lead_values["commercial"] == "ventas@demo.example"
    assert wanted.salesperson == "Marta Jefa"


def test_a_persons_move_takes_its_turn_by_its_time() -> None:
    move = by_hand(2, 2, Hand(stage="Comienza Cotización"))
    wanted = told(event(1, 1, "Nuevo"), move)
    assert wanted.stage == "Comienza Cotización"
    assert wanted.history[-1] == (None, None, at(2), "Comienza Cotización", True)
    assert told(event(3, 3, "Retornó en AC"), move).stage == "Retornó en AC"
    won = told(event(1, 1, "Venta exitosa"), move, event(3, 3, "Retornó en AC"))
    assert won.stage == "Retornó en AC"


def test_an_archived_lead_stays_there_until_it_is_taken_out_or_won() -> None:
    away = by_hand(2, 2, Hand(active=False))
    assert told(away, event(3, 3, "Retornó en AC")).active is False
    assert told(away, by_hand(3, 3, Hand(active=True))).active is True
    assert told(away, event(3, 3, "Venta exitosa")).active is True
