"""Every error class of the bridge has one fate, and both boundaries know what to do with it."""

from __future__ import annotations

import ast
import importlib
import pkgutil
from collections.abc import Iterable

import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

import bridge
from bridge.api import problems
from bridge.errors import (
    AwayError,
    BridgeError,
    PermanentError,
    SettingsError,
    TransientError,
    reason_of,
)
from bridge.workers.retry import decide
from tests.unit.about_the_code.sources import Source, python
from tests.unit.api.conftest import Api, FakeInbox, FakeSender

# SettingsError ends a process at its start (bridge.workers.process, bridge.cli): no event meets it.
ACTIONS: dict[type[BridgeError], str] = {
    PermanentError: "dead_letter",
    TransientError: "delay",
    AwayError: "stop",
}
FATES = (*ACTIONS, SettingsError)

SECRET = "Rosa Huamán 987654321"


def error_classes() -> list[type[BridgeError]]:
    """Every subclass, from every module of the bridge."""
    for module in pkgutil.walk_packages(bridge.__path__, "bridge."):
        if not module.name.endswith(("__main__", ".asgi", "migrations.env")):
            importlib.import_module(module.name)
    found, waiting = [], [BridgeError]
    while waiting:
        children = waiting.pop().__subclasses__()
        found += children
        waiting += children
    return sorted(
        {one for one in found if one.__module__.startswith("bridge.")}, key=lambda one: one.__name__
    )


def without_one_fate(classes: Iterable[type[BridgeError]]) -> list[str]:
    return [
        one.__qualname__ for one in classes if sum(issubclass(one, fate) for fate in FATES) != 1
    ]


def made(one: type[BridgeError]) -> BridgeError:
    return one(SECRET) if issubclass(one, SettingsError) else one("some_code", SECRET)


def foreign_errors(sources: Iterable[Source]) -> list[str]:
    """Exceptions of our own outside the taxonomy, and plain BridgeErrors, which have no fate."""
    wrong = []
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                bases = {_name(base) for base in node.bases}
                if bases & {"Exception", "BaseException"} and node.name != "BridgeError":
                    wrong.append(source.at(node, f"{node.name} is outside the taxonomy"))
                if "BridgeError" in bases and source.path != "bridge/errors.py":
                    wrong.append(source.at(node, f"{node.name} has no fate"))
            if isinstance(node, ast.Raise):
                raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if raised is not None and _name(raised) in {"BridgeError", "Exception"}:
                    wrong.append(source.at(node, f"raises a plain {_name(raised)}"))
    return wrong


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_every_error_has_exactly_one_fate() -> None:
    classes = error_classes()
    assert {"LeaseLost", "UnusableEvent", "BusyError"} <= {one.__name__ for one in classes}
    assert without_one_fate(classes) == []


@pytest.mark.parametrize("one", error_classes(), ids=lambda one: one.__name__)
def test_a_worker_decides_about_every_error_by_its_class(one: type[BridgeError]) -> None:
    expected = [action for fate, action in ACTIONS.items() if issubclass(one, fate)]
    if issubclass(one, SettingsError):
        assert expected == []
        return
    assert [decide(made(one), 0, 5, lambda: 0.5).action] == expected


@pytest.mark.parametrize("one", error_classes(), ids=lambda one: one.__name__)
def test_an_errors_reason_names_its_class_and_code(one: type[BridgeError]) -> None:
    kind = "permanent" if issubclass(one, PermanentError) else "transient"
    assert reason_of(made(one)).startswith(f"{kind}: {made(one).code}")


@pytest.mark.parametrize("one", [*error_classes(), ValueError], ids=lambda one: one.__name__)
async def test_the_api_answers_every_error_with_a_silent_problem(one: type[Exception]) -> None:
    app = FastAPI()
    problems.install(app)

    @app.get("/fails")
    async def fails() -> None:
        raise made(one) if issubclass(one, BridgeError) else one(SECRET)

    with capture_logs() as logged:
        answer = await Api(app, FakeSender(), FakeInbox()).get("/fails")

    assert [entry["event"] for entry in logged] == ["request_failed"]
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.status >= 500
    assert answer.json["type"] == "internal-error"
    assert "Rosa" not in answer.content.decode()


def test_no_error_stands_outside_the_taxonomy() -> None:
    assert foreign_errors(python("bridge")) == []


@pytest.mark.parametrize(
    "text",
    [
        "class QueueFull(Exception):\n    pass",
        "class QueueFull(BridgeError):\n    pass",
        "def f():\n    raise BridgeError('queue_full')",
        "def f():\n    raise Exception",
    ],
)
def test_an_error_without_a_fate_is_seen(text: str) -> None:
    assert len(foreign_errors([Source("bridge/queue/bad.py", text)])) == 1


def test_an_error_with_two_fates_is_seen() -> None:
    class Both(AwayError, TransientError):
        """Never decided the same way twice."""

    assert without_one_fate([Both]) == [Both.__qualname__]
    assert without_one_fate([AwayError]) == []
