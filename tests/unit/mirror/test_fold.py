"""The folds give the same for any order of what they are given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from bridge.events.clock import iso
from bridge.mirror.fold import (
    NOBODY,
    Fact,
    Who,
    Written,
    clocks_of_campaign,
    fold_assignments,
    newest,
)

START = datetime(2025, 10, 20, tzinfo=UTC)


def fact(minute: int, **said: object) -> Fact:
    at = START + timedelta(minutes=minute)
    return Fact(f"{iso(at)}|{iso(at)}|event-{minute}|000000", at, **said)  # type: ignore[arg-type]


WHO = st.sampled_from([None, NOBODY, Who("ana", 1), Who("luz", None)])
SAID = st.fixed_dictionaries(
    {
        "campaign_id": st.sampled_from([None, 1, 2, 3]),
        "commercial": WHO,
        "medical": WHO,
        "summary": st.sampled_from([None, "", "uno", "dos"]),
        "written": st.sampled_from([{}, {"sale_order_date": None}, {"sale_order_date": START}]),
        "state": st.sampled_from([None, "a", "b"]),
    }
)


@given(st.lists(SAID, max_size=8), st.randoms(use_true_random=False))
def test_assignments_do_not_depend_on_the_order_of_facts(
    said: list[dict[str, object]], random: object
) -> None:
    facts = [fact(minute, **fields) for minute, fields in enumerate(said)]
    shuffled = list(facts)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    dates = {"sale_order_date": START + timedelta(minutes=3)}
    assert fold_assignments(shuffled, dates, "x") == fold_assignments(facts, dates, "x")


WRITES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.integers(0, 50)),
    unique_by=lambda write: write[2],
)


@given(WRITES, st.integers(0, 20))
def test_the_newest_writer_wins_however_writes_are_cut_into_batches(
    writes: list[tuple[str, int, int]], cut: int
) -> None:
    made = [(key, Written(value, f"{clock:03d}")) for key, value, clock in writes]
    whole = newest(made, {})
    first = newest(made[:cut], {})
    then = newest(made[cut:], {key: write.clock for key, write in first.items()})
    assert first | then == whole


def test_a_fact_belongs_to_the_campaign_in_force_at_its_time() -> None:
    facts = [
        fact(0, campaign_id=1, commercial=Who("ana", 1)),
        fact(5, state="a"),
        fact(10, campaign_id=2),
        fact(15, state="b", summary="dos"),
    ]
    one, two = fold_assignments(facts, {}, "Stage")
    assert (one.last_state, one.commercial, one.lead_state) == ("a", Who("ana", 1), None)
    assert (two.last_state, two.summary, two.lead_state) == ("b", "dos", "Stage")


def test_what_precedes_the_first_campaign_belongs_to_it() -> None:
    facts = [fact(0, state="a", summary="uno"), fact(5, campaign_id=1)]
    dates = {"commercial_assignment_date": START}
    [one] = fold_assignments(facts, dates, None)
    assert (one.campaign_id, one.last_state, one.summary) == (1, "a", "uno")
    assert one.dates == dates
    assert one.registration_date == START + timedelta(minutes=5)


def test_states_alone_make_no_assignment_and_advisors_alone_make_one() -> None:
    assert fold_assignments([fact(0, state="a", summary="uno")], {}, None) == []
    [one] = fold_assignments([fact(0, medical=Who("luz", None))], {}, None)
    assert (one.campaign_id, one.medical) == (None, Who("luz", None))


def test_a_cleared_advisor_is_nobody_until_named_again() -> None:
    facts = [fact(0, campaign_id=1, medical=Who("luz", None)), fact(1, medical=NOBODY)]
    assert fold_assignments(facts, {}, None)[0].medical == NOBODY
    assert fold_assignments([*facts, fact(2, medical=Who("ana", 1))], {}, None)[0].medical == Who(
        "ana", 1
    )


def test_a_date_that_a_person_wrote_stands_before_odoos_and_a_cleared_one_shows_nothing() -> None:
    at, other = START + timedelta(days=1), START + timedelta(days=2)
    odoo = {"sale_order_date": at, "quotation_start_date": at}
    facts = [
        fact(0, campaign_id=1),
        fact(5, written={"sale_order_date": other, "registration_date": other}),
        fact(6, written={"quotation_start_date": None}),
    ]
    [folded] = fold_assignments(facts, odoo, None)
    assert folded.dates == {"sale_order_date": other}
    assert folded.registration_date == other


def test_an_empty_summary_clears() -> None:
    [folded] = fold_assignments([fact(0, campaign_id=1, summary="a"), fact(1, summary="")], {}, "x")
    assert folded.summary is None


def test_the_clocks_of_a_campaign_are_those_of_the_facts_that_fold_into_it() -> None:
    facts = [fact(0, summary="a"), fact(1, campaign_id=1), fact(2, campaign_id=2), fact(3),
             fact(4, campaign_id=1), fact(5, summary="b")]  # fmt: skip
    assert clocks_of_campaign(facts, 1) == [facts[n].clock for n in (0, 1, 4, 5)]
    assert clocks_of_campaign(facts, 2) == [facts[n].clock for n in (2, 3)]
    assert clocks_of_campaign(facts[:1], None) == [facts[0].clock]
