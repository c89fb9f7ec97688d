"""One contact's events through all hops, for the person who asks where they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from bridge.events.envelope import Envelope
from bridge.mirror.delivery import DeadLetter, Inbox, Ledger, Outbox
from bridge.mirror.digests import id_digest
from bridge.mirror.tables import Contact

_LOOKED_THROUGH = 5000


@dataclass(frozen=True)
class Traced:
    """Where one event is.

    `hop` is `inbox`, `mirror` or `dead letter`; `status` is the outbox row's (`pending`,
    `success`, `error`, `parked`) for what is in the mirror. Times are None where it has not come.
    """

    event_id: str
    revision: int
    type: str
    hop: str
    received_at: datetime
    mirrored_at: datetime | None = None
    synced_at: datetime | None = None
    status: str = ""
    outcome: str | None = None
    attempts: int = 0
    next_attempt_at: datetime | None = None
    reason: str | None = None


def trace_contact(session: Session, manychat_id: str) -> list[Traced]:
    """All that is known of a contact's events, in the order in which they were received."""
    found = [
        *_mirrored(session, manychat_id),
        *_in_the_inbox(session, manychat_id),
        *_given_up(session, manychat_id),
    ]
    return sorted(found, key=lambda one: (one.received_at, one.event_id, one.hop))


def _mirrored(session: Session, manychat_id: str) -> Iterator[Traced]:
    rows = session.execute(
        select(
            Ledger.event_id, Ledger.revision, Ledger.type, Ledger.received_at, Ledger.mirrored_at,
            Outbox.synced_at, Outbox.status, Outbox.parked, Outbox.outcome, Outbox.attempts,
            Outbox.next_attempt_at, Outbox.reason,
        )
        .join(Contact, Contact.id == Ledger.contact_id)
        .join(Outbox, Outbox.event_id == Ledger.event_id, isouter=True)
        .where(Contact.manychat_digest == id_digest(manychat_id))
    )  # fmt: skip
    for row in rows:
        yield Traced(
            row.event_id, row.revision, row.type, "mirror", row.received_at, row.mirrored_at,
            row.synced_at, "parked" if row.parked else row.status or "", row.outcome,
            row.attempts or 0, row.next_attempt_at, row.reason,
        )  # fmt: skip


def _in_the_inbox(session: Session, manychat_id: str) -> Iterator[Traced]:
    like = Inbox.envelope.contains(manychat_id, autoescape=True)
    texts = select(Inbox.envelope).where(like).order_by(Inbox.id.desc()).limit(_LOOKED_THROUGH)
    for text in session.execute(texts).scalars():
        envelope = Envelope.loads(text)
        if _names(envelope.payload, manychat_id):
            yield Traced(envelope.id, envelope.revision, str(envelope.type), "inbox",
                         envelope.received_at)  # fmt: skip


def _given_up(session: Session, manychat_id: str) -> Iterator[Traced]:
    like = DeadLetter.payload.contains(manychat_id, autoescape=True)
    letters = select(DeadLetter).where(like).order_by(DeadLetter.id.desc()).limit(_LOOKED_THROUGH)
    for letter in session.execute(letters).scalars():
        status = "replayed" if letter.replayed_at else f"given up by {letter.hop}"
        yield Traced(letter.event_id, letter.revision, letter.type, "dead letter",
                     letter.received_at, status=status, attempts=letter.attempts,
                     reason=letter.reason)  # fmt: skip


def _names(payload: object, manychat_id: str) -> bool:
    return isinstance(payload, dict) and manychat_id in map(str, payload.values())
