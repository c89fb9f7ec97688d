"""No log call carries a field off the allow list, and no event name carries a value."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator

import pytest

from bridge.log import ALLOWED_FIELDS
from tests.unit.about_the_code.sources import Source, calls, python, read

LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "msg", "log"}
LOGGERS = {"log", "_log", "logger", "_logger"}
BINDERS = {"log_context", "bound_contextvars", "bind_contextvars", "bind", "new"}
ABOUT_THE_ERROR = {"exc_info"}  # log.py makes type, code and place of it

# path → mappings that may be spread into a log call: their keys are allowed fields
SPREADS = {
    "bridge/log.py": {"ids": "log_context itself"},
    "bridge/workers/pushing.py": {"statuses": "the addon's statuses, each allowed"},
}


def log_calls(source: Source) -> Iterator[tuple[ast.Call, bool]]:
    """Every call that gives fields to a log; with it, whether it also names an event."""
    for call in calls(source):
        name = _name(call.func)
        owner = _name(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if name in LEVELS and owner in LOGGERS:
            yield call, True
        elif name in BINDERS and (owner in LOGGERS or name not in {"bind", "new"}):
            yield call, False


def off_the_list(sources: Iterable[Source]) -> list[str]:
    wrong = []
    for source in sources:
        for call, names_event in log_calls(source):
            if names_event and not _is_plain_event(call):
                wrong.append(source.at(call, "the event is not one fixed snake_case word"))
            for keyword in call.keywords:
                if keyword.arg is None:
                    spread = ast.unparse(keyword.value)
                    if spread not in SPREADS.get(source.path, {}):
                        wrong.append(source.at(call, f"spreads {spread}"))
                elif keyword.arg not in ALLOWED_FIELDS | ABOUT_THE_ERROR:
                    wrong.append(source.at(call, f"logs {keyword.arg}"))
    return wrong


def other_loggers(sources: Iterable[Source]) -> list[str]:
    """The standard library's loggers take any text: only log.py may hold one."""
    return [
        source.at(node, "knows logging")
        for source in sources
        if source.path != "bridge/log.py"
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Import) and any(a.name == "logging" for a in node.names))
        or (isinstance(node, ast.ImportFrom) and node.module == "logging")
    ]


def _is_plain_event(call: ast.Call) -> bool:
    if len(call.args) != 1 or not isinstance(call.args[0], ast.Constant):
        return False
    return bool(re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", str(call.args[0].value)))


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def test_log_calls_use_allowed_fields_only() -> None:
    assert off_the_list(python("bridge")) == []


def test_nobody_goes_past_the_log_module() -> None:
    assert other_loggers(python("bridge")) == []


def test_log_calls_are_found_at_all() -> None:
    found = [call for source in python("bridge") for call, _ in log_calls(source)]
    assert len(found) > 20


def test_no_exception_outlives_its_reason() -> None:
    for path, spreads in SPREADS.items():
        assert all(f"**{one}" in ast.unparse(read(path).tree) for one in spreads), path


def test_the_allow_list_names_no_personal_data() -> None:
    personal = {
        "first_name", "last_name", "name", "phone", "email", "address", "street", "summary",
        "gender", "payload", "body", "values", "value", "message", "text", "state", "category",
    }  # fmt: skip
    assert ALLOWED_FIELDS & personal == set()


@pytest.mark.parametrize(
    "text",
    [
        'log.info("event_accepted", phone=event.phone)',
        'self._log.warning("event_refused", body=body)',
        '_log.info(f"accepted {name}")',
        'log.info("accepted %s", name)',
        "log.info(message)",
        'log.info("event_accepted", **event.values)',
        'log_context(first_name="x")',
        'structlog.contextvars.bind_contextvars(email="x")',
        'log = log.bind(summary="x")',
    ],
)
def test_a_careless_log_call_is_seen(text: str) -> None:
    assert len(off_the_list([Source("bridge/api/bad.py", text)])) == 1


def test_a_standard_logger_is_seen() -> None:
    assert other_loggers([Source("bridge/api/bad.py", "from logging import getLogger")])
    assert other_loggers([Source("bridge/api/bad.py", "import logging")])
