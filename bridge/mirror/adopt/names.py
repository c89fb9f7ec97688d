"""Channels, campaigns and advisors: a few rows each, mended in one transaction a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from bridge.events.cleaning.channels import clean_channel
from bridge.mirror import quarantine
from bridge.mirror.adopt.old import Old, Raw, Zone
from bridge.mirror.chunks import update_rows
from bridge.mirror.digests import name_digest
from bridge.mirror.lookups import UNCONFIRMED
from bridge.mirror.tables import Advisor, Campaign


def junk_channels(rows: Sequence[Raw]) -> dict[int, tuple[str, int | None]]:
    """Channels that cannot stay: id -> (why, the channel that takes their contacts, if any).

    A bare number that is another channel's id means that one. Of several names that differ only
    in case, accents and punctuation the oldest stays.
    """
    found: dict[int, tuple[str, int | None]] = {}
    names = {row["id"]: clean_channel(row["name"]).value for row in rows}
    good = {id for id, name in names.items() if name and not name.isdigit()}
    oldest: dict[bytes, int] = {}
    for row in rows:
        id, name = row["id"], names[row["id"]]
        if id not in good:
            meant = int(name) if name else None
            found[id] = ("junk_channel", meant if meant in good else None)
            continue
        first = oldest.setdefault(name_digest(row["name"]), id)
        if first != id:
            found[id] = ("same_channel", first)
    return found


def mend_channels(session: Session, now: datetime) -> int:
    """Move junk channels into the quarantine and their contacts and campaigns to what was meant."""
    old = Old(session)
    rows = {row["id"]: row for row in old.rows("Channel")}
    junk = junk_channels(list(rows.values()))
    for id, (_why, meant) in junk.items():
        for name in ("Contact", "Campaign"):
            there = old.table(name)
            session.execute(update(there).where(there.c.channel_id == id).values(channel_id=meant))
    for id, (why, _meant) in junk.items():
        quarantine.keep(session, "Channel", why, [rows[id]], now)
    channel = old.table("Channel")
    if junk:
        session.execute(delete(channel).where(channel.c.id.in_(list(junk))))
    return len(junk)


def mend_campaigns(session: Session, zone: Zone, now: datetime) -> int:
    """Dates to UTC; a campaign without a name gets its id as one; unknown channels are kept apart.

    Once only: a second shift of the dates would be wrong.
    """
    old = Old(session)
    channels = {row["id"] for row in old.rows("Channel")}
    made = []
    for row in old.rows("Campaign"):
        values = _dates(session, zone, "Campaign", row, now)
        if row["channel_id"] is not None and row["channel_id"] not in channels:
            kept = [{"id": row["id"], "channel_id": row["channel_id"]}]
            quarantine.keep(session, "Campaign", "unknown_channel", kept, now, moved=False)
            values["channel_id"] = None
        if not row["name"]:
            values |= {"name": str(row["id"]), "status": row["status"] or UNCONFIRMED}
        made.append({"id": row["id"], **values})
    update_rows(session, Campaign, made)
    return len(made)


def mend_advisors(session: Session, zone: Zone, now: datetime) -> int:
    """Dates to UTC; an advisor without a name goes by e-mail or id. Once only, as above."""
    old = Old(session)
    made = []
    for row in old.rows("Advisor"):
        values = _dates(session, zone, "Advisor", row, now)
        if not row["name"]:
            values["name"] = row.get("email") or f"#{row['id']}"
        if row.get("is_active") is None:
            values["is_active"] = True
        made.append({"id": row["id"], **values})
    update_rows(session, Advisor, made)
    return len(made)


def _dates(
    session: Session, zone: Zone, table: str, row: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    moments = zone.dates_of(table, dict(row))
    bad = {name: row[name] for name, at in moments.items() if at is None and row[name]}
    if bad:
        kept = [{"id": row["id"], **bad}]
        quarantine.keep(session, table, "bad_date", kept, now, moved=False)
    return dict(moments)
