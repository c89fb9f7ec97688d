"""The whole error taxonomy: the class of an error decides what happens next.

`code` and `detail` are safe to log and to store: they never hold values of an event.
"""

from __future__ import annotations


class BridgeError(Exception):
    """Base of everything the bridge raises on purpose; `code` is stable snake_case."""

    def __init__(self, code: str, detail: str = "") -> None:
        self.code = code
        self.detail = detail
        super().__init__(f"{code}: {detail}" if detail else code)


class PermanentError(BridgeError):
    """Trying again cannot help: the event becomes a dead letter."""


class UnusableEvent(PermanentError):
    """An event that can never be read."""


class TransientError(BridgeError):
    """Trying again later may help: delayed, and an attempt is counted."""


class BusyError(TransientError):
    """The other side asks for a pause of `retry_after` seconds (None: it did not say)."""

    def __init__(self, code: str, detail: str = "", retry_after: float | None = None) -> None:
        super().__init__(code, detail)
        self.retry_after = retry_after


class AwayError(BridgeError):
    """A dependency is away: consumption stops, no attempt is burnt."""


class SettingsError(BridgeError):
    """The environment is wrong; `detail` names the variable and the reason, never the value."""

    def __init__(self, detail: str, code: str = "bad_settings") -> None:
        super().__init__(code, detail)


def reason_of(error: Exception) -> str:
    """`class: code (detail)`, as dead letters carry it; never a value of the event."""
    if not isinstance(error, BridgeError):
        return f"transient: unexpected ({type(error).__name__})"
    kind = "permanent" if isinstance(error, PermanentError) else "transient"
    detail = f" ({error.detail})" if error.detail else ""
    return f"{kind}: {error.code}{detail}"
