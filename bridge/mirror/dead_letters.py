"""Dead letters in the mirror: kept once per event and hop, looked at by people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from bridge.errors import PermanentError, UnusableEvent
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.log import get_logger
from bridge.mirror.chunks import insert_rows, rows_by, update_rows
from bridge.mirror.delivery import DeadLetter
from bridge.mirror.items import dumps
from bridge.mirror.tombstones import letters_without_erased

FROM_ODOO = "feedback"
"""The hop of changes that people made in Odoo: they are no events, and cannot be sent as any."""
_log = get_logger(__name__)
_HOPELESS = {"no_manychat_id", "no_address"}
_CUT_KEYS = {"cut", "length", "sha256"}
_SHOWN = select(
    DeadLetter.id, DeadLetter.event_id, DeadLetter.hop, DeadLetter.type, DeadLetter.revision,
    DeadLetter.reason, DeadLetter.received_at, DeadLetter.dead_at, DeadLetter.replayed_at,
)  # fmt: skip


@dataclass(frozen=True)
class Letter:
    """A dead letter without its payload."""

    id: int
    event_id: str
    hop: str
    type: str
    revision: int
    reason: str | None
    received_at: datetime
    dead_at: datetime
    replayed_at: datetime | None


@dataclass(frozen=True)
class Wanted:
    """Which letters a person means: everything that is given has to fit.

    `reason` is how it begins, with its class or without. `after` is the id behind which to look,
    `limit` how many to take.
    """

    event_id: str | None = None
    hop: str | None = None
    type: str | None = None
    reason: str | None = None
    after: int = 0
    limit: int = 100

    def behind(self, id: int) -> Wanted:
        """The same letters, of those behind this one."""
        return replace(self, after=id)


def record(session: Session, envelopes: Sequence[Envelope], now: datetime) -> None:
    """Keep dead letters drained from the queue; a replay that failed brings its letter up to date.

    An equal or lower revision is the letter that is here already, delivered once more. What came
    before its person was erased is dropped.
    """
    alive = letters_without_erased(session, envelopes)
    ordered = sorted(alive, key=lambda envelope: envelope.revision)
    rows = {(row["event_id"], row["hop"]): row for row in (_row(e, now) for e in ordered)}
    columns = select(DeadLetter.id, DeadLetter.event_id, DeadLetter.hop, DeadLetter.revision)
    ids = {event_id for event_id, _ in rows}
    known = {(row.event_id, row.hop): row
             for row in rows_by(session, columns, DeadLetter.event_id, ids)}  # fmt: skip
    new = [row for key, row in rows.items() if key not in known]
    insert_rows(session, DeadLetter, new)
    again = [row | {"id": known[key].id} for key, row in rows.items()
             if key in known and row["revision"] > known[key].revision]  # fmt: skip
    update_rows(session, DeadLetter, again)


def listing(
    session: Session, limit: int = 100, wanted: Wanted | None = None, *, waiting: bool = False
) -> list[Letter]:
    """Dead letters, the newest first; only those that were not replayed yet if `waiting`."""
    fits = _fitting(wanted) if wanted else []
    fits += [is_replayed(False)] if waiting else []
    rows = session.execute(_SHOWN.where(*fits).order_by(DeadLetter.id.desc()).limit(limit))
    return [Letter(*row) for row in rows]


def begins(reason: str) -> ColumnElement[bool]:
    """The letters whose reason begins so, with its class or without."""
    starts = [prefix + reason for prefix in ("", "permanent: ", "transient: ")]
    return or_(*(DeadLetter.reason.startswith(start, autoescape=True) for start in starts))


def is_replayed(replayed: bool) -> ColumnElement[bool]:
    """The letters that were replayed and did not come back, or those that were not."""
    return DeadLetter.replayed_at.is_not(None) if replayed else DeadLetter.replayed_at.is_(None)


def _fitting(wanted: Wanted) -> list[ColumnElement[bool]]:
    fits = [getattr(DeadLetter, name) == value for name in ("event_id", "hop", "type")
            if (value := getattr(wanted, name)) is not None]  # fmt: skip
    return fits if wanted.reason is None else [*fits, begins(wanted.reason)]


def letter_of(session: Session, id: int) -> Letter:
    """One dead letter. Raises PermanentError (`not_found`)."""
    row = session.execute(_SHOWN.where(DeadLetter.id == id)).first()
    if row is None:
        raise PermanentError("not_found", f"no dead letter {id}")
    return Letter(*row)


def letters_of(session: Session, which: str) -> list[Letter]:
    """The letter of that number, or those of that event, one a hop.

    Raises PermanentError (`not_found`).
    """
    if which.isdecimal():
        return [letter_of(session, int(which))]
    found = listing(session, wanted=Wanted(event_id=which))
    if not found:
        raise PermanentError("not_found", f"no dead letter of an event {which}")
    return found


def count(session: Session) -> int:
    """How many dead letters there are."""
    return session.execute(select(func.count()).select_from(DeadLetter)).scalar_one()


def payload_of(session: Session, id: int) -> str:
    """The raw body as it was kept. Raises PermanentError (`not_found`)."""
    text = session.execute(select(DeadLetter.payload).where(DeadLetter.id == id)).scalar()
    if text is None:
        raise PermanentError("not_found")
    return text


def replay_of(session: Session, id: int) -> Envelope:
    """The envelope to send again: one revision up, so that a press more is no event more.

    Raises PermanentError: `not_found`, `conflict` for a body that is not there whole or that
    no worker can use.
    """
    letter = session.get(DeadLetter, id)
    if letter is None:
        raise PermanentError("not_found")
    return _again(letter)


def replay_or_why(session: Session, id: int) -> Envelope | PermanentError:
    """What `replay_of` returns or raises."""
    try:
        return replay_of(session, id)
    except PermanentError as error:
        return error


def replays(
    session: Session, wanted: Wanted
) -> tuple[list[tuple[int, Envelope | PermanentError]], int]:
    """What `replay_of` says of each letter that waits for a replay and is wanted, in id order;
    and how many more there are behind the last one."""
    fits = [is_replayed(False), *_fitting(wanted)]
    page = select(DeadLetter).where(*fits, DeadLetter.id > wanted.after)
    found = session.scalars(page.order_by(DeadLetter.id).limit(wanted.limit)).all()
    last = found[-1].id if found else wanted.after
    behind = select(func.count()).select_from(DeadLetter).where(*fits, DeadLetter.id > last)
    return [(letter.id, _tried(letter)) for letter in found], session.execute(behind).scalar_one()


def _tried(letter: DeadLetter) -> Envelope | PermanentError:
    try:
        return _again(letter)
    except PermanentError as error:
        return error


def _again(letter: DeadLetter) -> Envelope:
    if letter.hop == FROM_ODOO:
        raise PermanentError("conflict", "a change in Odoo: compare both sides, reconcile --fix")
    envelope = Envelope(
        id=letter.event_id,
        type=EventType(letter.type),
        received_at=letter.received_at,
        occurred_at=None,
        payload=_whole_body(letter.payload),
        revision=letter.revision + 1,
    )
    if why := _unusable(envelope):
        raise PermanentError("conflict", f"{why} still: post it mended")
    return envelope


def _unusable(envelope: Envelope) -> str | None:
    """The code of what no worker can use whatever its settings; None where one might."""
    try:
        read_event(envelope, Rules())
    except UnusableEvent as error:
        return error.code if error.code in _HOPELESS else None
    except Exception:  # noqa: BLE001  (a fault of ours, which the road gives up again, or no more)
        _log.warning("letter_not_judged", event_id=envelope.id, exc_info=True)
    return None


def mark_replayed(session: Session, ids: Sequence[int], now: datetime) -> None:
    """Note that these letters are on the road again."""
    update_rows(session, DeadLetter, [{"id": id, "replayed_at": now} for id in ids])


def purge(
    session: Session, ids: Sequence[int], before: datetime | None, *, replayed: bool, really: bool
) -> int:
    """Delete the letters that fit all that is given, or only count them; how many they are."""
    fits: list[ColumnElement[bool]] = []
    if ids:
        fits.append(DeadLetter.id.in_(ids))
    if before is not None:
        fits.append(DeadLetter.dead_at < before)
    if replayed:
        fits.append(is_replayed(True))
    if not fits:
        raise PermanentError("bad_value", "nothing says which letters are meant")
    found = session.execute(select(func.count()).select_from(DeadLetter).where(*fits)).scalar_one()
    if really:
        session.execute(delete(DeadLetter).where(*fits))
    return found


def _whole_body(text: str) -> dict[str, Any]:
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise PermanentError("conflict", "the body is no JSON object: post it mended")
    if body.keys() == _CUT_KEYS:
        raise PermanentError("conflict", "only a part of the body was kept: post it anew")
    return body


def _row(envelope: Envelope, now: datetime) -> dict[str, Any]:
    payload = envelope.payload
    return {
        "event_id": envelope.id[:64],
        "hop": (envelope.origin or "unknown")[:64],
        "type": str(envelope.type),
        "revision": envelope.revision,
        "attempts": envelope.attempts,
        "reason": envelope.reason,
        "payload": payload if isinstance(payload, str) else dumps(payload),
        "received_at": envelope.received_at,
        "dead_at": now,
        "replayed_at": None,
    }
