"""No question that is asked all day reads a whole big table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from bridge.mirror.schema import upgrade
from devstack.plans import HOT, WHOLE, explained
from devstack.plans_fill import fill
from tests.integration.mirror.conftest import engine_of

PEOPLE = 1500
ONCE_A_BATCH = 24
"""Statements of 32 events of every kind: new, known and mended ones, and new names."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder: Path = tmp_path_factory.mktemp("plans")
    url = f"sqlite:///{folder / 'plans.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("parts").postgres.createdb("plans-test")
    made = engine_of(url)
    upgrade(made)
    fill(made, PEOPLE)
    yield made
    made.dispose()


@pytest.mark.parametrize("title", HOT)
def test_no_hot_question_reads_a_whole_big_table(engine: Engine, title: str) -> None:
    plans = explained(engine, HOT[title], small=True)
    assert plans
    assert [(plan.statement, plan.scans) for plan in plans if plan.scans] == []


def test_a_batch_of_32_is_a_handful_of_statements_a_table(engine: Engine) -> None:
    plans = explained(engine, HOT["batch of 32 events"])
    assert len(plans) <= ONCE_A_BATCH
    assert max(plan.statement.count("INSERT INTO") for plan in plans) == 1


def test_reading_a_whole_table_is_seen(engine: Engine) -> None:
    [*_, plan] = explained(
        engine,
        lambda session: session.execute(
            text("""SELECT id FROM "Contact" WHERE first_name = 'Eva'""")
        ),
    )
    assert plan.scans == ("Contact",)
    assert any(plan.scans for plan in explained(engine, WHOLE["statistics"]))
