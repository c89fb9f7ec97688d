"""Every route with thousands of odd requests, made by schemathesis from the OpenAPI document."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror import dead_letters
from bridge.mirror.store import Store
from bridge.settings import load_settings
from devstack import progress
from devstack.odoo_sources import choose
from devstack.places import CHECKOUT
from devstack.processes import Process
from devstack.stack import Stack

LETTERS = 100
CONFIG = CHECKOUT / "devstack" / "schemathesis.toml"


def run_fuzz(examples: int, seed: int, series: str | None) -> int:
    """Fuzz the bridge on a real queue, a SQLite mirror and an Odoo; 0 if nothing was found."""
    with Stack(choose(series), name="fuzz") as stack:
        stack.odoo.start()
        return fuzz(stack, examples=examples, seed=seed)


def fuzz(stack: Stack, *, examples: int, seed: int, words: tuple[str, ...] = ()) -> int:
    """Start the API of `stack` and fuzz it; `words` are further arguments for schemathesis."""
    stack.bridge.migrate()
    bury(stack.bridge.env["DATABASE_URL"])
    stack.bridge.start_api()
    progress.say(f"fuzzing {stack.bridge.api_url}, {examples} examples an operation, seed {seed}")
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        f"--config-file={CONFIG}",
        "run",
        f"{stack.bridge.api_url}/openapi.json",
        f"--header=X-API-KEY: {stack.bridge.api_key}",
        f"--max-examples={examples}",
        f"--seed={seed}",
        *words,
    ]
    run = Process("schemathesis", command, log=stack.logs / "schemathesis.log", cwd=stack.folder)
    code = run.run_in_sight()
    stack.bridge.check()
    return code


def bury(database_url: str) -> None:
    """Dead letters to look at and to replay: no request makes one in the mirror by itself."""
    now = datetime(2025, 10, 20, tzinfo=UTC)
    letters = [
        Envelope(
            id=str(UUID(int=number)), type=EventType.CONTACT, received_at=now, occurred_at=None,
            payload={"manychat_id": f"MC-{number}"},
        ).with_reason("permanent: invented", "api")
        for number in range(LETTERS)
    ]  # fmt: skip
    store = Store.from_settings(load_settings(api_key="unused", database_url=database_url))
    with store.transaction() as session:
        dead_letters.record(session, letters, now)
    store.close()
