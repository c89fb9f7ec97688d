"""How fast a flow's question about one contact is answered, in a mirror of 100,000."""

from __future__ import annotations

import random
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.lines import Line, percentile
from benchmarks.road import SENDERS
from benchmarks.webhooks import Load, get_all
from bridge.mirror.store import Store
from bridge.settings import load_settings
from devstack import progress
from devstack.bridge_processes import Bridge
from devstack.places import CHECKOUT
from devstack.plans_fill import fill
from devstack.ports import LOOPBACK
from devstack.processes import Process
from devstack.stack import Stack

if TYPE_CHECKING:
    from benchmarks.whole_road import Amounts

SECTION = "lookup: one contact of {:,}"
TARGET_MS = 50.0
_UNKNOWN = 0.05
_PATHS = ("/api/v1/manychat/contacts/{}", "/api/v1/verificar-contacto?manychat_id={}")


def measured(stack: Stack, amounts: Amounts) -> list[Line]:
    """SQLite and PostgreSQL; one question at a time, and as many at once as webhooks come.

    Beside them `/health`, which asks nothing: what the machine and HTTP take by themselves.
    """
    lines: list[Line] = []
    folder = stack.folder / "lookup"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "mirror.db"
    file.unlink(missing_ok=True)
    databases = {
        "SQLite": f"sqlite:///{file}",
        "PostgreSQL": stack.postgres.createdb("lookup"),
    }
    for name, url in databases.items():
        lines += _on(stack, name, url, amounts)
    return lines


def _on(stack: Stack, name: str, url: str, amounts: Amounts) -> list[Line]:
    contacts = max(amounts.contacts)
    settings = {
        "AZURE_STORAGE_CONNECTION_STRING": stack.azurite.connection_string,
        "DATABASE_URL": url,
    }
    bridge = Bridge(stack.folder / f"lookup-{name}", stack.logs, settings)
    bridge.migrate()
    with progress.step(f"lookup: {contacts:,} contacts in {name}"):
        store = Store.from_settings(load_settings(_env_file=None, api_key="x", database_url=url))
        fill(store.engine, contacts)
        store.close()
    api = _start(bridge)
    loads: dict[tuple[str, int], list[Load]] = {}
    try:
        for number in range(amounts.rounds):
            for senders in (1, SENDERS):
                for what, paths in _questions(number, contacts, amounts.posts).items():
                    urls = [bridge.api_url + path for path in paths]
                    key = bridge.webhook_api_key
                    get_all(urls[:50], key, senders)  # opens the connections
                    load = get_all(urls[50:], key, senders)
                    loads.setdefault((what, senders), []).append(load)
    finally:
        api.stop()
    return _lines(SECTION.format(contacts), name, loads)


def _start(bridge: Bridge) -> Process:
    """One process, as in production."""
    config = str(CHECKOUT / "gunicorn.conf.py")
    words = ("gunicorn", "bridge.asgi:app", "--config", config, "--workers", "1")
    api = bridge.process("API", *words, "--bind", f"{LOOPBACK}:{bridge.port}")
    api.start()
    api.wait_until(bridge.accepts, seconds=60)
    return api


def _questions(seed: int, contacts: int, count: int) -> dict[str, list[str]]:
    """Any contact is asked for as often as any other; one in twenty is not there."""
    chance = random.Random(seed)  # noqa: S311  (which contacts are asked for)
    ids = [
        f"{'NO' if chance.random() < _UNKNOWN else 'MC'}-{chance.randint(1, contacts)}"
        for _ in range(count + 50)
    ]
    return {
        "look-up": [_PATHS[number % 2].format(id) for number, id in enumerate(ids)],
        "/health": ["/health" for _ in ids],
    }


def _lines(section: str, name: str, loads: dict[tuple[str, int], list[Load]]) -> list[Line]:
    lines = []
    for (what, senders), runs in loads.items():
        for share in (0.5, 0.99):
            each = tuple(1000 * percentile(load.each, share) for load in runs)
            most = TARGET_MS if what == "look-up" and share > 0.5 else None
            told = f"{name}, {what}: p{100 * share:.0f} with {senders} at once"
            lines.append(Line(section, told, median(each), "ms", at_most=most, runs=each))
        rates = tuple(load.rate for load in runs)
        told = f"{name}, {what}: with {senders} at once"
        lines.append(Line(section, told, median(rates), "answers/s", runs=rates))
    return lines
