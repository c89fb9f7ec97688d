"""Functions and modules stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from tests.unit.about_the_code.sources import Source, python

FUNCTION_LINES = 40
MODULE_LINES = 300


def is_counted(path: str) -> bool:
    """A migration is written once and read as a list; the addon's tests are tests."""
    return not path.startswith(("bridge/mirror/migrations/versions/", "miasalud_crm/tests/"))


def too_long(sources: Iterable[Source]) -> list[str]:
    wrong = []
    for source in sources:
        if not is_counted(source.path):
            continue
        lines = source.text.count("\n")
        if lines > MODULE_LINES:
            wrong.append(source.at(1, f"{lines} lines"))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > FUNCTION_LINES:
                    wrong.append(source.at(node, f"{node.name} has {length} lines"))
    return wrong


def room_names(sources: Iterable[Source]) -> list[str]:
    """A room is named by what it does, never by what nobody could place."""
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}
    return [
        source.at(1, "a name that says nothing")
        for source in sources
        if vague & set(source.path.removesuffix(".py").split("/"))
        and not source.path.startswith("miasalud_crm/tests/")  # Odoo's own habit: tests/common.py
    ]


def test_functions_and_modules_are_short() -> None:
    assert too_long(python("benchmarks", "bridge", "devstack", "docker", "miasalud_crm")) == []


def test_no_module_is_named_after_nothing() -> None:
    assert room_names(python("benchmarks", "bridge", "devstack", "miasalud_crm")) == []


def test_a_long_function_and_a_long_module_are_seen() -> None:
    body = "    x = 1\n" * FUNCTION_LINES
    assert len(too_long([Source("bridge/bad.py", f"def f():\n{body}")])) == 1
    assert len(too_long([Source("bridge/bad.py", f"async def f():\n{body}")])) == 1
    assert len(too_long([Source("bridge/bad.py", "x = 1\n" * (MODULE_LINES + 1))])) == 1
    assert too_long([Source("bridge/good.py", f"def f():\n{body[10:]}")]) == []


def test_a_vague_name_is_seen() -> None:
    assert room_names([Source("bridge/utils/text.py", "")])
    assert room_names([Source("bridge/helpers.py", "")])
