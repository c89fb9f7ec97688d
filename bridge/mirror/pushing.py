"""Push again, at a person's wish, what Odoo has not taken."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.orm import Session

from bridge.errors import PermanentError
from bridge.mirror.database_clock import database_now
from bridge.mirror.delivery import ERROR, PENDING, SUCCESS, Outbox
from bridge.mirror.digests import id_digest
from bridge.mirror.tables import CampaignContact, Contact


def push_again(session: Session, manychat_id: str | None = None) -> int:
    """Make every row that is pending or in error due now, the parked ones too, with all its tries.

    Of one contact, or of all; how many there are. Raises PermanentError (`not_found`) for a
    contact that the mirror does not know.
    """
    wanted = _unfinished(session, manychat_id)
    count = session.execute(select(func.count()).select_from(Outbox).where(*wanted)).scalar_one()
    failed = select(Outbox.contact_id).where(*wanted, Outbox.status == ERROR)
    # contacts first, as whoever records an answer does
    _show_pending(session, Contact.odoo_sync_status, Contact.id, failed)
    _show_pending(session, CampaignContact.sync_status, CampaignContact.contact_id, failed)
    session.execute(
        update(Outbox)
        .where(*wanted)
        .values(status=PENDING, parked=False, attempts=0, next_attempt_at=database_now(session))
        .execution_options(synchronize_session=False)
    )
    return count


def _unfinished(session: Session, manychat_id: str | None) -> list[ColumnElement[bool]]:
    # by inequality, no index would help
    wanted: list[ColumnElement[bool]] = [Outbox.status.in_([PENDING, ERROR])]
    if manychat_id is None:
        return wanted
    digest = id_digest(manychat_id)
    id = session.execute(select(Contact.id).where(Contact.manychat_digest == digest)).scalar()
    if id is None:
        raise PermanentError("not_found")
    return [*wanted, Outbox.contact_id == id]


def _show_pending(session: Session, status: Any, owner: Any, failed: Select[int]) -> None:
    session.execute(
        update(status.class_)
        .where(status != SUCCESS, owner.in_(failed))
        .values({status.key: PENDING})
        .execution_options(synchronize_session=False)
    )
