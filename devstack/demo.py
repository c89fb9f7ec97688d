"""`make demo`: the whole road on this machine, with an invented conversation travelling on it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bridge.mirror.dead_letters import listing
from bridge.mirror.store import Store
from bridge.settings import load_settings
from devstack import cli, progress
from devstack.conversation import EXPECTED, ROSA, STEPS
from devstack.demo_check import Lead, differences, read_leads
from devstack.demo_env import hint, write_env
from devstack.demo_events import Conversation, Followed
from devstack.demo_view import View
from devstack.errors import NotReady
from devstack.odoo_console import logins
from devstack.odoo_sources import choose
from devstack.stack import Stack
from devstack.staying import stay_up

TRAVEL_SECONDS = 90.0


def main(arguments: Sequence[str] = ()) -> int:
    """`python -m bridge demo [--once]`."""
    return cli.main(["demo", *arguments])


def run_demo(*, once: bool, series: str | None) -> int:
    """Start everything, post, show, check; with `once` stop then, else stay until Ctrl-C.

    Returns 0 when every lead is as it must be, 1 with the differences printed otherwise.
    """
    console = Console()
    with Stack(choose(series), name="demo") as stack:
        _start(stack)
        env = stack.folder / "env"
        write_env(env, stack.bridge.env | {"BRIDGE_URL": stack.bridge.api_url})
        store = _store(stack)
        events = _converse(stack, store, console)
        leads = read_leads(stack.odoo)
        wrong = [*_unfinished(events, store), *differences(EXPECTED, leads)]
        if once:
            _print(console, _addresses(stack, env))
        _print(console, _outcome(events, leads, wrong))
        if not once:
            _print(console, _addresses(stack, env))
            stay_up()
        store.close()
        env.unlink(missing_ok=True)  # its keys open nothing any more
    return 1 if wrong else 0


def _start(stack: Stack) -> None:
    with progress.step("starting PostgreSQL and Azurite"):
        _ = stack.postgres, stack.azurite
    with progress.step("starting Odoo with the addon"):
        stack.odoo.start()
    with progress.step("starting the bridge: mirror, workers, API"):
        stack.bridge.start()


def _store(stack: Stack) -> Store:
    env = stack.bridge.env
    return Store.from_settings(
        load_settings(_env_file=None, api_key=env["API_KEY"], database_url=env["DATABASE_URL"])
    )


def _converse(stack: Stack, store: Store, console: Console) -> list[Followed]:
    bridge = stack.bridge
    deadline = time.monotonic() + TRAVEL_SECONDS

    def changed() -> None:
        view.show(conversation.events)
        bridge.check()

    with View(console) as view:
        conversation = Conversation(STEPS, bridge.api_url, bridge.webhook_api_key, store, changed)
        try:
            conversation.post_all(deadline)
            conversation.wait(lambda event: event.done, deadline)
        except NotReady as error:
            raise NotReady(f"{error}\n{bridge.log_tails()}") from error
    return conversation.events


def _unfinished(events: Sequence[Followed], store: Store) -> list[str]:
    with store.transaction() as session:
        kept = {letter.event_id for letter in listing(session, limit=50)}
    refused = {event.event_id for event in events if event.refused}
    wrong = [
        f"event {event_id} is not among the dead letters" for event_id in sorted(refused - kept)
    ]
    wrong += [f"event {event_id} became a dead letter" for event_id in sorted(kept - refused)]
    return wrong + [event.answer for event in events if event.answer.startswith("answered ")]


def _outcome(
    events: Sequence[Followed], leads: dict[str, list[Lead]], wrong: Sequence[str]
) -> list[str]:
    lines = ["", "Every event and its lead:"]
    for number, event in enumerate(events, 1):
        owners = leads.get(event.manychat_id, [])
        end = ", ".join(lead.text for lead in owners) or f"dead letter {event.event_id}"
        what = f"{event.step.shows:<31} {event.manychat_id:<10} {event.said:<28}"
        lines.append(f"{number:>2}  {what} {event.outcome:<10} ⇒ {end}")
    if wrong:
        return [*lines, "", "NOT as it must be:", *(f"  - {text}" for text in wrong)]
    return [*lines, "", f"{len(events)} events, {len(leads)} leads: all as they must be."]


def _addresses(stack: Stack, env: Path) -> list[str]:
    bridge = stack.bridge
    body = f'{{"manychat_id": "{ROSA}", "stage_manychat": "Conversación cerrada"}}'
    return [
        "",
        *logins(stack.odoo),
        f"API docs   {bridge.api_url}/docs",
        f"Logs       {stack.logs}",
        "Try it, in another terminal and in this folder; the first line sets keys and addresses:",
        f"  {hint(env)}",
        "  curl -X POST $BRIDGE_URL/api/v1/manychat/webhook/stage-change \\",
        "    -H \"X-API-KEY: $WEBHOOK_API_KEY\" -H 'Content-Type: application/json' \\",
        f"    -d '{body}'",
        "  .venv/bin/python -m bridge doctor",
    ]


def _print(console: Console, lines: Sequence[str]) -> None:
    console.print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
