"""In which class a difference is: clocks decide, and what is meant to differ is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.mirror.reconciliations import Kind
from bridge.mirror.standing import Mirrored
from bridge.odoo.standing import Lead, Twin
from bridge.reconcile.comparing import compare, twin_of


def clock(day: int, who: str = "e") -> str:
    moment = f"2025-10-{day:02d}T10:00:00.000000Z"
    return f"{moment}|{moment}|{who}{day}|000000"


def person(day: int) -> str:
    return clock(day, "person:")


VALUES = {"first_name": ("Ana", clock(3)), "phone": ("+51987654321", clock(3))}
HERE = Mirrored(
    1, "MC-1", lead_id=7, stage="Nuevo", dates={"sale_order_date": "2025-10-03T10:00:00.123456Z"},
    active=True, partner_id=9, state=("Nuevo", clock(3)), values=VALUES,
)  # fmt: skip
THERE = Lead(
    "MC-1", 7, stage="Nuevo", dates={"sale_order_date": "2025-10-03T10:00:00.000000Z"},
    active=True, partner_id=9, state=("Nuevo", clock(3)), values=VALUES,
)  # fmt: skip


def found(
    here: Mirrored | None = HERE,
    there: Lead | None = THERE,
    keeps_edited: bool = True,
    every_contact: bool = False,
) -> list[tuple[Kind, str]]:
    differences = compare(here, there, keeps_edited, every_contact=every_contact)
    return [(one.kind, one.what) for one in differences]


def with_value(side: Any, key: str, value: Any, when: str) -> Any:
    return replace(side, values={**side.values, key: (value, when)})


def test_what_is_alike_differs_nowhere() -> None:
    assert found() == []


def test_equal_clocks_are_believed_whatever_the_values_look_like() -> None:
    assert found(there=with_value(THERE, "phone", "987 654 321", clock(3))) == []


def test_a_lead_that_is_gone_without_a_word_is_missing() -> None:
    assert found(there=None) == [(Kind.MISSING_IN_ODOO, "lead")]
    assert found(replace(HERE, lead_id=None), None) == [(Kind.MISSING_IN_ODOO, "lead")]


def test_a_lead_that_a_person_deleted_is_not() -> None:
    assert found(replace(HERE, lead_id=None, told=1), None) == []


def test_a_contact_that_the_mirror_lacks_is_missing_there() -> None:
    assert found(here=None) == [(Kind.MISSING_IN_MIRROR, "lead")]


@pytest.mark.parametrize("key", ["phone", "gender", "address.city", "campaign", "summary"])
def test_the_newer_clock_says_who_is_older(key: str) -> None:
    assert found(with_value(HERE, key, "x", clock(4))) == [(Kind.OLDER_IN_ODOO, key)]
    assert found(there=with_value(THERE, key, "x", clock(4))) == [(Kind.OLDER_IN_MIRROR, key)]


@pytest.mark.parametrize("role", ["commercial", "medical"])
def test_an_advisor_who_was_known_later_is_the_one_that_the_event_named(role: str) -> None:
    there = with_value(THERE, role, "asesora.uno", clock(3))
    known = {"odoo_id": 2, "name": "Marta"}
    assert found(with_value(HERE, role, known, clock(3) + "~"), there) == []
    assert found(with_value(HERE, role, known, clock(4) + "~"), there) == [
        (Kind.OLDER_IN_ODOO, role)
    ]


def test_what_a_person_typed_later_is_edited() -> None:
    assert found(there=with_value(THERE, "phone", "x", person(4))) == [(Kind.EDITED, "phone")]
    salesperson = with_value(THERE, "salesperson", {"odoo_id": 2}, person(4))
    assert found(there=salesperson) == [(Kind.EDITED, "commercial")]


def test_edits_of_which_the_mirror_is_never_told_are_no_difference() -> None:
    for key in ("address.city", "channel", "campaign", "title"):
        assert found(there=with_value(THERE, key, "x", person(4))) == []


def test_what_a_person_typed_stands_against_newer_events_where_it_is_kept() -> None:
    newer = with_value(HERE, "phone", "+51911111111", clock(5))
    typed = with_value(THERE, "phone", "x", person(4))
    assert found(newer, typed) == []
    assert found(newer, typed, keeps_edited=False) == [(Kind.OLDER_IN_ODOO, "phone")]
    emptied = with_value(THERE, "phone", None, person(4))
    assert found(newer, emptied) == [(Kind.OLDER_IN_ODOO, "phone")]


def test_a_last_name_is_kept_with_the_name_that_was_typed_whole() -> None:
    newer = with_value(HERE, "last_name", "Sol", clock(5))
    typed = with_value(THERE, "first_name", "Ana Luz", person(4))
    assert found(with_value(newer, "first_name", "Ana", clock(5)), typed) == []


def test_a_guess_is_compared_with_a_guess() -> None:
    guess = replace(HERE, values={**VALUES, "channel": ("WhatsApp", f"0|{clock(3)}")})
    assert found(guess, with_value(THERE, "guessed.channel", "WhatsApp", clock(3))) == []
    assert found(guess) == [(Kind.OLDER_IN_ODOO, "channel")]
    written = with_value(THERE, "channel", "TikTok", clock(2))
    assert found(guess, written) == [(Kind.OLDER_IN_MIRROR, "channel")]


def test_a_lead_of_several_contacts_holds_the_newest_of_them_all() -> None:
    shared = replace(THERE, shared=True, state=("Venta exitosa", clock(9)))
    assert found(there=with_value(shared, "phone", "x", clock(8))) == []
    assert found(with_value(HERE, "phone", "x", clock(4)), shared) == [
        (Kind.OLDER_IN_ODOO, "phone")
    ]


def test_the_newer_state_says_who_is_older() -> None:
    assert found(replace(HERE, state=("Venta", clock(5)))) == [(Kind.OLDER_IN_ODOO, "state")]
    newer = replace(THERE, state=("Venta", clock(5)))
    assert found(there=newer) == [(Kind.OLDER_IN_MIRROR, "state")]


def test_a_state_from_before_the_bridge_is_odoos_own() -> None:
    old = replace(THERE, state=("Nuevo", clock(5, "take-over:")))
    assert found(there=old) == []


def test_where_a_lead_stands_is_what_odoo_says() -> None:
    other = replace(THERE, lead_id=8, stage="Venta", active=False, partner_id=10, dates={})
    assert found(there=other) == [
        (Kind.OLDER_IN_MIRROR, what) for what in ("lead", "stage", "dates", "active", "partner")
    ]


def test_a_partner_of_whom_the_mirror_does_not_know_counts_where_every_contact_has_one() -> None:
    unknown = replace(HERE, partner_id=None)
    assert found(unknown) == []
    assert found(unknown, every_contact=True) == [(Kind.OLDER_IN_MIRROR, "partner")]


def test_a_partner_that_is_gone_is_forgotten_or_where_every_contact_has_one_missing() -> None:
    gone = replace(THERE, partner_id=None)
    assert found(there=gone) == [(Kind.OLDER_IN_MIRROR, "partner")]
    assert found(there=gone, every_contact=True) == [(Kind.MISSING_IN_ODOO, "partner")]


def test_a_contact_without_a_partner_lacks_one_unless_a_person_wanted_it_so() -> None:
    alone, without = replace(HERE, partner_id=None), replace(THERE, partner_id=None)
    assert found(alone, without) == []
    assert found(alone, without, every_contact=True) == [(Kind.MISSING_IN_ODOO, "partner")]
    told = replace(alone, partner_told=True)
    assert found(told, without, every_contact=True) == []


def test_a_move_by_a_person_is_an_edit() -> None:
    moved = replace(THERE, stage="Venta", active=False, moved=person(4))
    assert found(there=moved) == [(Kind.EDITED, "stage"), (Kind.EDITED, "active")]
    before = replace(THERE, stage="Venta", moved=person(2))
    assert found(there=before) == [(Kind.OLDER_IN_MIRROR, "stage")]


def test_what_the_mirror_was_not_told_is_not_compared() -> None:
    unknown = replace(HERE, active=None, partner_id=None)
    assert found(unknown, replace(THERE, active=False, partner_id=10)) == []


def test_what_is_sent_again_brings_the_stage_with_its_answer() -> None:
    behind = replace(THERE, stage="Older", state=("Older", clock(2)))
    assert found(there=behind) == [(Kind.OLDER_IN_ODOO, "state")]


def test_a_twin_is_a_duplicate_by_its_own_lead() -> None:
    one = twin_of(Twin("MC-1", 8, foreign=True))
    assert (one.kind, one.manychat_id, one.lead_id, one.foreign) == (
        Kind.DUPLICATE, "MC-1", 8, True,
    )  # fmt: skip
