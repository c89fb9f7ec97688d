"""How the demo shows its events: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table

from devstack.demo_events import Followed

HEADINGS = ("event", "contact", "says", "accepted", "mirrored", "in Odoo", "")


class View:
    """Shows the events while they travel."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False) if console.is_terminal else None
        self._printed: set[int] = set()

    def show(self, events: Sequence[Followed]) -> None:
        """Redraw the table, or print the lines of events that just arrived."""
        if self._live:
            self._live.update(_table(events), refresh=True)
            return
        for number, event in enumerate(events, 1):
            if event.posted and event.done and number not in self._printed:
                self._printed.add(number)
                self._console.print(
                    line(number, event), markup=False, highlight=False, soft_wrap=True
                )

    def __enter__(self) -> Self:
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.stop()


def line(number: int, event: Followed) -> str:
    """One event and the time that each hop took, in one line of text."""
    way = f"accepted {time_text(event.accepted_ms)} → mirrored {time_text(event.mirrored_ms)}"
    if event.refused:
        way = f"refused {time_text(event.accepted_ms)}, kept as a dead letter"
    elif event.odoo_ms is not None:
        way += f" → in Odoo {time_text(event.odoo_ms)}"
    return f"{number:>2}  {event.step.shows:<31} {event.manychat_id:<10} {way}  {note(event)}"


def note(event: Followed) -> str:
    """What Odoo made of the event, and what the webhook warned of."""
    return ", ".join(text for text in (event.outcome, event.answer) if text)


def time_text(milliseconds: float | None) -> str:
    """`85 ms`, `2.4 s`, or dots for what is still on its way."""
    if milliseconds is None:
        return "…"
    return f"{milliseconds:.0f} ms" if milliseconds < 1000 else f"{milliseconds / 1000:.1f} s"


def _table(events: Sequence[Followed]) -> Table:
    table = Table(*HEADINGS, box=None, pad_edge=False)
    for event in events:
        if not event.posted:
            continue
        if event.refused:
            times = (f"{time_text(event.accepted_ms)} (422)", "dead letter", "")
        else:
            times = tuple(  # type: ignore[assignment]
                time_text(value) for value in (event.accepted_ms, event.mirrored_ms, event.odoo_ms)
            )
        table.add_row(event.step.shows, event.manychat_id, event.said, *times, note(event))
    return table
