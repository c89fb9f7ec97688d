"""Structured logs that cannot carry personal data: a field off the allow list is dropped.

Event names are fixed snake_case words; what varies goes into fields: ids, kinds, counts, codes.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import structlog
from structlog.stdlib import BoundLogger, ProcessorFormatter

from bridge.errors import BridgeError

ALLOWED_FIELDS = frozenset(
    {
        # what structlog and this module add
        "event", "level", "logger", "timestamp", "error_type", "error_code", "error_at",
        # ids
        "event_id", "manychat_id", "revision", "contact_id", "lead_id", "message_id", "outbox_id",
        "inbox_id", "holder", "lease", "worker", "request_id",
        # kinds
        "type", "kind", "queue", "hop", "origin", "part", "model", "method", "action", "status",
        "outcome", "key_scope", "path", "http_status", "version", "series", "database", "table",
        "signal", "mode", "field", "setting",
        # counts, sizes and times
        "count", "total", "attempts", "max_attempts", "dequeue_count", "depth", "size", "limit",
        "length", "seconds", "delay", "retry_after", "duration_ms", "lag_seconds", "port", "new",
        "done", "failed", "created", "updated", "stale", "unchanged", "rejected", "unmapped",
        "pending", "parked", "dead_letters", "released", "split",
        # codes
        "code", "reason", "scrubs", "warnings",
    }
)  # fmt: skip
_TEXT_LIMIT = 300
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access", "gunicorn.error", "gunicorn.access")
_OURS = "bridge"


def configure(level: str = "INFO", format: str = "json") -> None:
    """Send the bridge's logs from `level` on, and the libraries' warnings, to stderr.

    `format` is `json` (one object a line) or `console`. May be called again.
    """
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = _BridgeHandler()
    handler.setFormatter(_formatter(format))
    root = logging.getLogger()
    root.handlers = [h for h in root.handlers if not isinstance(h, _BridgeHandler)] + [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_OURS).setLevel(level)
    for name in _UVICORN:  # their own handlers would print paths and tracebacks
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [], True
        logger.setLevel(logging.WARNING)


def get_logger(name: str) -> BoundLogger:
    """The logger of a module; pass `__name__`."""
    return structlog.stdlib.get_logger(name)


def log_context(**ids: Any) -> AbstractContextManager[Mapping[str, Any]]:
    """Bind allowed fields to every log call inside the `with` block, also in awaited code."""
    return cast(
        AbstractContextManager[Mapping[str, Any]], structlog.contextvars.bound_contextvars(**ids)
    )


def keep_allowed(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Drop every field off the allow list, and whatever is not a number or a short text."""
    kept = {key: _plain(value) for key, value in fields.items() if key in ALLOWED_FIELDS}
    private = {key: value for key, value in fields.items() if key in {"_record", "_from_structlog"}}
    return {**kept, **private}


def name_error(
    _logger: Any, _method: str, fields: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Put an exception's type, code and place in the bridge in the stead of its traceback."""
    info = fields.pop("exc_info", None)
    error = sys.exc_info()[1] if info is True else info[1] if isinstance(info, tuple) else info
    if isinstance(error, BaseException):
        fields["error_type"] = type(error).__name__
        fields["error_at"] = _place(error)
        if isinstance(error, BridgeError):
            fields["error_code"] = error.code
    return fields


class _BridgeHandler(logging.Handler):
    """Writes to whatever stderr is at the moment; its type marks what `configure` replaces."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except (ValueError, OSError):  # stderr is closed: there is nobody to tell
            return


def _shared() -> list[Any]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        name_error,
        keep_allowed,
    ]


def _formatter(format: str) -> ProcessorFormatter:
    renderer = (
        structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
        if format == "console"
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *_shared()],
        processors=[ProcessorFormatter.remove_processors_meta, renderer],
    )


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in list(value)[:20]]
    if isinstance(value, str):
        return str(value)[:_TEXT_LIMIT]
    return type(value).__name__


def _place(error: BaseException) -> str | None:
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if f"/{_OURS}/" in frame.filename and "site-packages" not in frame.filename
    ]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else None
