"""Stay up until somebody wants it to end."""

from __future__ import annotations

import select
import sys
from contextlib import suppress

from devstack import progress


def stay_up() -> None:
    """Return at Ctrl-C, at SIGTERM, or when the terminal is closed."""
    print("\nEverything stays up until Ctrl-C.", flush=True)
    terminal = select.poll()
    if sys.stdin.isatty():
        terminal.register(sys.stdin, 0)  # a hang-up is always reported
    with suppress(KeyboardInterrupt):
        terminal.poll()
    progress.say("stopping everything")
