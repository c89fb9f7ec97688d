"""The cheap question that tells "away" from "this batch is bad"."""

from __future__ import annotations

from bridge.errors import AwayError, BridgeError
from bridge.mirror.schema import is_current
from bridge.mirror.store import Store

SCHEMA_MISSING = "schema_missing"


def ask_mirror(store: Store, error: Exception | None = None) -> None:
    """Raise AwayError unless the mirror could take the batch that failed with `error`.

    A database that answers but lacks our tables is away, too: no event is to blame for it.
    """
    try:
        store.ping()
        if isinstance(error, BridgeError) and error.code == SCHEMA_MISSING:
            _require_schema(store)
    except AwayError:
        raise
    except BridgeError as away:
        raise AwayError(away.code, away.detail) from None


def _require_schema(store: Store) -> None:
    if not is_current(store.engine):
        raise AwayError(SCHEMA_MISSING, "run: python -m bridge db upgrade")
