"""Imports run one way down the road, and each library stays in its adapter's room."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

import pytest

from tests.unit.about_the_code.sources import Source, python

BASE = {
    "bridge", "bridge.settings", "bridge.errors", "bridge.log", "bridge.metrics", "bridge.tracing",
    "bridge.vault",
}  # fmt: skip
ROAD = BASE | {"bridge.events"}
HOPS = ROAD | {"bridge.queue", "bridge.mirror", "bridge.odoo"}

# room → the other rooms that it may import
MAY_IMPORT: dict[str, set[str]] = {
    "bridge": set(),
    "bridge.errors": set(),
    "bridge.metrics": set(),
    "bridge.settings": {"bridge.errors"},
    "bridge.log": {"bridge.errors"},
    "bridge.vault": {"bridge.settings", "bridge.errors", "bridge.log"},
    "bridge.tracing": {"bridge.log", "bridge.settings"},
    "bridge.events": BASE,
    "bridge.queue": ROAD,
    "bridge.mirror": ROAD,
    "bridge.odoo": ROAD,
    "bridge.manychat": ROAD,
    "bridge.reconcile": ROAD | {"bridge.mirror", "bridge.odoo"},
    "bridge.workers": HOPS | {"bridge.manychat", "bridge.reconcile"},
    "bridge.api": HOPS,
    "bridge.asgi": {"bridge.api"},
    "bridge.doctor": HOPS,
    "bridge.transfer": ROAD | {"bridge.mirror"},
    "bridge.commands": HOPS | {"bridge.workers", "bridge.transfer", "bridge.reconcile"},
    "bridge.cli": HOPS | {"bridge.workers", "bridge.api", "bridge.doctor", "bridge.commands"},
    "bridge.__main__": {"bridge.cli"},
}

# library → the rooms that may know it
LIBRARY_ROOMS: dict[str, set[str]] = {
    "aiohttp": {"bridge.queue"},
    "azure": {"bridge.queue", "bridge.settings", "bridge.tracing"},
    "opentelemetry": {"bridge.tracing"},
    "alembic": {"bridge.mirror"},
    "pyodbc": {"bridge.mirror"},
    "sqlalchemy": {"bridge.mirror"},
    "requests": {"bridge.odoo", "bridge.manychat", "bridge.doctor"},
    "fastapi": {"bridge.api"},
    "fastapi_problem": {"bridge.api"},
    "rfc9457": {"bridge.api"},
    "starlette": {"bridge.api"},
    "jinja2": {"bridge.api"},
    "uvicorn": {"bridge.api", "bridge.cli"},
    "uvicorn_worker": {"bridge.api"},
    "openpyxl": {"bridge.transfer"},
    "typer": {"bridge.cli", "bridge.commands"},
    "structlog": {"bridge.log"},
    "prometheus_client": {"bridge.metrics"},
    "pydantic_settings": {"bridge.settings"},
    "phonenumbers": {"bridge.events", "bridge.settings"},
}
KNOWS_A_LIBRARY_TOO = {
    (f"bridge/workers/{name}.py", "sqlalchemy"): "names the session's type; makes none"
    for name in (
        "crm",
        "erasing",
        "feedback",
        "filling",
        "handle",
        "loop",
        "pushing",
        "reconciling",
        "schedule",
        "throttle",
        "write_back",
    )
}

# package → the packages that it must not know
STRANGERS: dict[str, set[str]] = {
    "bridge": {"benchmarks", "devstack", "miasalud_crm", "odoo", "tests"},
    "miasalud_crm": {"benchmarks", "bridge", "devstack", "tests"},
    "devstack": {"benchmarks", "miasalud_crm", "odoo", "tests"},
    "benchmarks": {"miasalud_crm", "odoo", "tests"},
}


def imported(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every dotted name that a module imports, relative ones resolved."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = source.package.split(".")
            base = start[: len(start) - node.level + 1] if node.level else []
            prefix = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node, f"{prefix}.{alias.name}") for alias in node.names)


def room_of(dotted: str) -> str:
    """`bridge.queue.reader.Message` lies in `bridge.queue`, `bridge.__version__` in `bridge`."""
    room = ".".join(dotted.split(".")[:2])
    return room if room in MAY_IMPORT else "bridge"


def against_the_road(sources: Iterable[Source]) -> list[str]:
    wrong = []
    for source in sources:
        room = ".".join(source.module.split(".")[:2])
        if room not in MAY_IMPORT:
            wrong.append(source.at(1, f"the room {room} is not in the table"))
            continue
        for node, name in imported(source):
            if not name.startswith("bridge."):
                continue
            other = room_of(name)
            if other != room and other not in MAY_IMPORT[room]:
                wrong.append(source.at(node, f"{room} imports {other}"))
    return wrong


def libraries_astray(sources: Iterable[Source]) -> list[str]:
    wrong = []
    for source in sources:
        for node, name in imported(source):
            library = name.split(".")[0]
            rooms = LIBRARY_ROOMS.get(library)
            known = rooms is None or room_of(source.module) in rooms
            if not known and (source.path, library) not in KNOWS_A_LIBRARY_TOO:
                wrong.append(source.at(node, f"knows {library}"))
    return wrong


def strangers(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(node, f"imports {name}")
        for source in sources
        for node, name in imported(source)
        if name.split(".")[0] in STRANGERS[source.path.split("/")[0]]
    ]


def environment_readers(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(node, "reads the environment")
        for source in sources
        if source.path != "bridge/settings.py"
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "getenv"})
    ]


def odoo_in_the_rules(sources: Iterable[Source]) -> list[str]:
    return [
        source.at(node, f"imports {name}")
        for source in sources
        if source.path.startswith("miasalud_crm/sync/") or source.path == "miasalud_crm/const.py"
        for node, name in imported(source)
        if name.split(".")[0] in {"odoo", "psycopg2"}
    ]


def test_imports_run_one_way_down_the_road() -> None:
    assert against_the_road(python("bridge")) == []


def test_a_library_is_known_only_in_its_room() -> None:
    assert libraries_astray(python("bridge")) == []


def test_bridge_addon_and_devstack_do_not_know_each_other() -> None:
    assert strangers(python("benchmarks", "bridge", "miasalud_crm", "devstack")) == []


def test_only_the_settings_read_the_environment() -> None:
    assert environment_readers(python("bridge")) == []


def test_the_addons_rules_know_no_odoo() -> None:
    assert odoo_in_the_rules(python("miasalud_crm")) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("bridge/queue/bad.py", "from bridge.mirror import store"),
        ("bridge/workers/bad.py", "import bridge.api.app"),
        ("bridge/api/bad.py", "from ..workers.loop import QueueWorker"),
        ("bridge/events/bad.py", "from bridge.queue.names import CONTACT_QUEUE"),
        ("bridge/errors.py", "from bridge import log"),
        ("bridge/odoo/bad.py", "def late():\n    from bridge.mirror.outbox import claim"),
        ("bridge/utils/bad.py", ""),
    ],
)
def test_an_import_up_the_road_is_seen(path: str, text: str) -> None:
    assert len(against_the_road([Source(path, text)])) == 1


def test_an_import_down_the_road_is_allowed() -> None:
    text = "from bridge import __version__, log\nfrom .retry import decide\nimport bridge.queue"
    assert against_the_road([Source("bridge/workers/good.py", text)]) == []


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (libraries_astray, "bridge/workers/bad.py", "from sqlalchemy import select"),
        (libraries_astray, "bridge/mirror/bad.py", "import azure.storage.queue"),
        (strangers, "bridge/cli.py", "from devstack import demo"),
        (strangers, "bridge/queue/bad.py", "import odoo.tools"),
        (strangers, "miasalud_crm/models/bad.py", "from bridge.events import clock"),
        (environment_readers, "bridge/queue/bad.py", "import os\nx = os.environ['API_KEY']"),
        (environment_readers, "bridge/log.py", "from os import getenv"),
        (odoo_in_the_rules, "miasalud_crm/sync/bad.py", "from odoo import fields"),
    ],
)
def test_a_stranger_is_seen(rule: object, path: str, text: str) -> None:
    assert callable(rule)
    assert len(rule([Source(path, text)])) == 1


def test_no_exception_outlives_its_reason() -> None:
    for path, library in KNOWS_A_LIBRARY_TOO:
        [source] = [one for one in python("bridge") if one.path == path]
        assert any(name.split(".")[0] == library for _, name in imported(source)), path
