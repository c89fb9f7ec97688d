"""One place in the bridge commits: ARCHITECTURE's law 2 rests on it."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.unit.about_the_code.sources import Source, calls, python

COMMITTERS = {
    "bridge/mirror/store.py": "the one committer",
    "bridge/mirror/migrations/env.py": "Alembic's own transaction around a migration",
}
FORBIDDEN = {"begin", "commit", "rollback"}


def committing(sources: Iterable[Source]) -> list[str]:
    wrong = []
    for source in sources:
        if source.path in COMMITTERS:
            continue
        for call in calls(source):
            if isinstance(call.func, ast.Attribute) and call.func.attr in FORBIDDEN:
                wrong.append(source.at(call, f"calls .{call.func.attr}()"))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Constant) and node.value == "AUTOCOMMIT":
                wrong.append(source.at(node, "commits by itself"))
    return wrong


def test_only_the_store_commits() -> None:
    assert committing(python("bridge")) == []


def test_the_committers_exist_and_commit() -> None:
    sources = {source.path: source for source in python("bridge")}
    for path in COMMITTERS:
        copy = Source(f"elsewhere/{path}", sources[path].text)
        names = [getattr(call.func, "attr", "") for call in calls(copy)]
        assert FORBIDDEN & set(names) or "begin_transaction" in names, path


@pytest.mark.parametrize(
    "text",
    [
        "def f(session):\n    session.commit()",
        "with engine.begin() as connection:\n    pass",
        "def f(session):\n    session.rollback()",
        'engine = engine.execution_options(isolation_level="AUTOCOMMIT")',
    ],
)
def test_a_second_committer_is_seen(text: str) -> None:
    assert len(committing([Source("bridge/mirror/outbox.py", text)])) == 1
