"""Commands about the road: trace a contact, stop a hop, read events again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from bridge.commands.opening import open_settings, open_store
from bridge.errors import BridgeError
from bridge.events.reading import Rules
from bridge.mirror import pauses
from bridge.mirror.database_clock import database_now
from bridge.mirror.hops import Hop
from bridge.mirror.store import Store
from bridge.mirror.tracing import Traced, trace_contact
from bridge.queue.names import QUEUES
from bridge.queue.reader import QueueReader
from bridge.settings import Settings
from bridge.workers.reprocessing import reprocess

_FORMATS = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]


def trace(
    manychat_id: Annotated[str, typer.Argument(help="ManyChat's id of the contact.")],
) -> None:
    """Show one contact's events through all hops; times are UTC, waits in seconds."""
    settings = open_settings()
    with Store.from_settings(settings).reading() as session:
        found = trace_contact(session, manychat_id)
        now = database_now(session)
    if not found:
        told = f"no event of {manychat_id} in inbox, mirror or dead letters"
        typer.echo(f"{told}; {_in_the_queues(settings)}", err=True)
        raise typer.Exit(1)
    for one in found:
        typer.echo(_line(one, now))


def pause(hop: Annotated[Hop, typer.Argument(help="What takes nothing new from now on.")]) -> None:
    """Stop a hop, everywhere, until it is resumed; what it was doing it ends."""
    with open_store().transaction() as session:
        pauses.pause(session, str(hop), database_now(session))
    typer.echo(f"{hop} pauses within a second; resume it with: python -m bridge resume {hop}")


def resume(hop: Annotated[Hop, typer.Argument(help="What goes on.")]) -> None:
    """Let a paused hop go on."""
    with open_store().transaction() as session:
        pauses.resume(session, str(hop))
        still = pauses.paused(session)
    typer.echo(f"{hop} goes on" + (f"; paused: {', '.join(sorted(still))}" if still else ""))


def reprocess_since(
    since: Annotated[
        datetime, typer.Option(formats=_FORMATS, help="Events received from then on, in UTC.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
) -> None:
    """Read the ledger's events again, after a cleaning rule was mended.

    Only events that say something else now are applied, one revision up, and reach Odoo.
    """
    settings = open_settings()
    rules = Rules.from_settings(settings)
    moment = since.replace(tzinfo=UTC)
    done = reprocess(Store.from_settings(settings), rules, moment, really=not dry_run)
    verb = "would change" if dry_run else "changed"
    told = f"{done.read} read again, {done.changed} {verb}, {done.unreadable} unreadable"
    if done.bodiless:
        told += f", {done.bodiless} left as they are: their bodies are not kept any more"
    typer.echo(told)


def _in_the_queues(settings: Settings) -> str:
    """What a queue holds cannot be searched, only counted."""
    try:
        count = sum(QueueReader(settings, queue).depth() for queue in QUEUES.values())
    except BridgeError as error:
        return f"the queues do not tell what waits there ({error.code})"
    if not count:
        return "and nothing waits in the queues"
    return f"{count} waiting in the queues; it may be among them"


def _line(one: Traced, now: datetime) -> str:
    words = [f"{one.received_at:%Y-%m-%d %H:%M:%S}Z", one.event_id, f"r{one.revision}",
             f"{one.type:<10}", one.hop]  # fmt: skip
    if one.mirrored_at:
        words.append(f"+{(one.mirrored_at - one.received_at).total_seconds():.1f}s")
    if one.synced_at:
        words.append(f"odoo +{(one.synced_at - one.received_at).total_seconds():.1f}s")
    words.append(one.outcome if one.synced_at and one.outcome else one.status)
    if one.attempts:
        words.append(f"attempts {one.attempts}")
    if one.next_attempt_at and one.attempts:
        words.append(f"next in {max(0.0, (one.next_attempt_at - now).total_seconds()):.0f}s")
    if one.reason:
        words.append(f"({one.reason})")
    return "  ".join(word for word in words if word)
