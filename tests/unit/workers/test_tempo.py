"""Batch size and lanes follow Odoo's answers."""

from __future__ import annotations

from bridge.workers.tempo import FIRST, GOOD_SECONDS, LARGEST, SMALLEST, Tempo

QUICK, SLOW = GOOD_SECONDS / 4, GOOD_SECONDS * 3


def test_full_batches_that_are_answered_quickly_grow_to_the_largest() -> None:
    tempo = Tempo(1)
    sizes = []
    for _ in range(3):
        tempo.answered(tempo.size, QUICK)
        sizes.append(tempo.size)
    assert sizes == [200, LARGEST, LARGEST]
    assert tempo.lanes == 1


def test_a_batch_that_was_not_full_says_nothing_about_a_bigger_one() -> None:
    tempo = Tempo(1)
    tempo.answered(3, QUICK)
    assert tempo.size == FIRST


def test_an_answer_that_is_neither_quick_nor_slow_changes_nothing() -> None:
    tempo = Tempo(2)
    tempo.answered(tempo.size, GOOD_SECONDS * 1.5)
    assert (tempo.size, tempo.lanes) == (FIRST, 1)


def test_slow_answers_and_failures_halve_the_batch_down_to_the_smallest() -> None:
    tempo = Tempo(1)
    tempo.answered(tempo.size, SLOW)
    assert tempo.size == FIRST // 2
    for _ in range(9):
        tempo.failed()
    assert tempo.size == SMALLEST
    tempo.answered(SMALLEST, QUICK)
    assert tempo.size == SMALLEST * 2


def test_lanes_open_under_a_backlog_and_close_when_there_is_less_or_it_gets_slow() -> None:
    tempo = Tempo(3)
    for _ in range(6):
        tempo.answered(tempo.size, QUICK)
    assert tempo.lanes == 3
    tempo.answered(1, QUICK)
    assert tempo.lanes == 2
    tempo.failed()
    assert tempo.lanes == 1
