"""Wakes whoever waits for work of another part of the same process."""

from __future__ import annotations

from threading import Event


class Bell:
    """Rung after a commit, so that Odoo is called at once and not at the next look."""

    def __init__(self) -> None:
        self._event = Event()

    def ring(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Wait until it rings, at most `seconds`; whether it rang since the last wait."""
        rang = self._event.wait(seconds)
        self._event.clear()
        return rang
