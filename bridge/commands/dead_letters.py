"""`python -m bridge dead-letter …`: look at what was given up, send it again, throw it away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bridge.commands.opening import open_settings, open_store
from bridge.errors import PermanentError
from bridge.events.envelope import Envelope
from bridge.mirror import dead_letters
from bridge.mirror.dead_letters import Letter, Wanted
from bridge.mirror.store import Store
from bridge.queue.names import queue_for
from bridge.queue.writer import QueueWriter
from bridge.settings import Settings

app = typer.Typer(help="Events that were given up.", no_args_is_help=True)

Hop = Annotated[str | None, typer.Option(help="Only those that this hop gave up.")]
Reason = Annotated[
    str | None, typer.Option(help="Only those whose reason begins so; its class may be left out.")
]
_PAGE = 100


@app.command("list")
def list_letters(
    limit: Annotated[int, typer.Option(help="At most so many, newest first.")] = 50,
    every: Annotated[bool, typer.Option("--all", help="Those that were replayed, too.")] = False,
    hop: Hop = None,
    reason: Reason = None,
) -> None:
    """Show what was given up, when (UTC) and why, and waits for a replay: no values."""
    wanted = Wanted(hop=hop, reason=reason)
    with open_store().reading() as session:
        for letter in dead_letters.listing(session, limit, wanted, waiting=not every):
            typer.echo(_line(letter))


@app.command("show")
def show(
    which: Annotated[
        str, typer.Argument(help="The number that `list` shows first, or an event's id.")
    ],
) -> None:
    """Show one with the body as it came: it may hold personal data."""
    with open_store().reading() as session:
        for letter in dead_letters.letters_of(session, which):
            typer.echo(_line(letter))
            received = f"{letter.received_at:%Y-%m-%d %H:%M:%S}Z"
            typer.echo(f"received {received}, revision {letter.revision}")
            typer.echo(_pretty(dead_letters.payload_of(session, letter.id)))


@app.command("replay")
def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers that `list` shows.")] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were not replayed yet.")] = False,
    hop: Hop = None,
    reason: Reason = None,
) -> None:
    """Send them again, one revision up; the same letter sent twice is the same event.

    A letter is marked only after the queue has it: one that is cut off can be run again.
    """
    chosen = every or hop is not None or reason is not None
    if bool(ids) == chosen:
        raise typer.BadParameter("give numbers, or --all, --hop or --reason")
    settings = open_settings()
    store = Store.from_settings(settings)
    sent = 0
    refused: dict[int, str] = {}
    for page in _pages(store, ids or [], Wanted(hop=hop, reason=reason, limit=_PAGE)):
        done = _send(settings, page, refused)
        with store.transaction() as session:
            dead_letters.mark_replayed(session, done, datetime.now(UTC))
        sent += len(done)
    for id, why in refused.items():
        typer.echo(f"{id}: not replayed, {why}", err=True)
    typer.echo(f"{sent} replayed, {len(refused)} not")
    raise typer.Exit(1 if refused else 0)


@app.command("purge")
def purge(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers that `list` shows.")] = None,
    older_than: Annotated[
        int | None, typer.Option(min=0, help="All that were given up so many days ago.")
    ] = None,
    replayed: Annotated[bool, typer.Option(help="All that were replayed.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only count them.")] = False,
) -> None:
    """Throw dead letters away for good."""
    if not ids and older_than is None and not replayed:
        raise typer.BadParameter("give numbers, --older-than or --replayed")
    before = None if older_than is None else datetime.now(UTC) - timedelta(days=older_than)
    with open_store().transaction() as session:
        gone = dead_letters.purge(session, ids or [], before, replayed=replayed, really=yes)
    typer.echo(f"{gone} purged" if yes else f"{gone} would be purged: run it with --yes")


Page = list[tuple[int, Envelope | PermanentError]]


def _pages(store: Store, ids: list[int], wanted: Wanted) -> list[Page]:
    """What is to be replayed, read before anything is sent, so that nothing comes round twice."""
    if ids:
        with store.reading() as session:
            return [[(id, dead_letters.replay_or_why(session, id)) for id in ids]]
    pages: list[Page] = []
    left = 1
    while left:
        with store.reading() as session:
            page, left = dead_letters.replays(session, wanted)
        pages.append(page)
        if page:
            wanted = wanted.behind(page[-1][0])
    return pages


def _send(settings: Settings, page: Page, refused: dict[int, str]) -> list[int]:
    done = []
    writers: dict[str, QueueWriter] = {}
    for id, envelope in page:
        if isinstance(envelope, PermanentError):
            refused[id] = envelope.detail or envelope.code
            continue
        queue = queue_for(envelope.type)
        writers.setdefault(queue, QueueWriter(settings, queue)).send(envelope)
        done.append(id)
    return done


def _line(letter: Letter) -> str:
    given_up = f"{letter.dead_at:%Y-%m-%d %H:%M:%S}Z"
    said = (
        f"{letter.id}  {given_up}  {letter.event_id}  {letter.type}  {letter.hop}  {letter.reason}"
    )
    again = letter.replayed_at
    return f"{said}  (replayed {again:%Y-%m-%d %H:%M:%S}Z)" if again else said


def _pretty(body: str) -> str:
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return body
