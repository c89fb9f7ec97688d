"""The mirror's rows as people list, read and edit them; `edits.py` has what flows to Odoo.

What a caller did wrong is a PermanentError: `not_found`, `conflict`, `bad_reference`,
`bad_filter`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, delete, func, or_, select, update
from sqlalchemy.orm import Session

from bridge.errors import PermanentError
from bridge.mirror.base import Base
from bridge.mirror.dead_letters import begins, is_replayed
from bridge.mirror.delivery import DeadLetter
from bridge.mirror.digests import id_digest, name_digest
from bridge.mirror.tables import Advisor, Campaign, CampaignContact, Channel, Contact

Row = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """A table that people may look into, what it does not show, and filters of its own."""

    model: type[Base]
    hidden: frozenset[str] = frozenset({"made_for"})
    filters: Mapping[str, Callable[[Any], ColumnElement[bool]]] = field(default_factory=dict)

    @property
    def table(self) -> Table:
        return cast(Table, self.model.__table__)

    @property
    def shown(self) -> tuple[str, ...]:
        return tuple(name for name in map(str, self.table.c.keys()) if name not in self.hidden)


KINDS: Mapping[str, Kind] = {
    "contacts": Kind(
        Contact, frozenset({"manychat_digest", "odoo_dates", "odoo_answers", "odoo_told"})
    ),
    "campaigns": Kind(Campaign),
    "channels": Kind(Channel),
    "advisors": Kind(Advisor),
    "campaign-contacts": Kind(CampaignContact),
    "dead-letters": Kind(
        DeadLetter, frozenset({"payload"}), {"reason": begins, "replayed": is_replayed}
    ),
}


@dataclass(frozen=True)
class Asked:
    """One page of a list; `filters` maps a column, `manychat_id`, or a filter of the kind's own
    to the values that fit.
    """

    page: int = 1
    size: int = 50
    sort: str = "id"
    filters: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def listing(session: Session, name: str, asked: Asked) -> tuple[list[Row], int]:
    """The page's rows, and how many there are on all pages."""
    kind = KINDS[name]
    found = [_fits(kind, key, values) for key, values in asked.filters.items()]
    column = _sorted_by(kind, asked.sort.removeprefix("-"))
    total = session.execute(select(func.count()).select_from(kind.table).where(*found)).scalar_one()
    down = asked.sort.startswith("-")
    rows = session.execute(
        _shown(kind)
        .where(*found)
        .order_by(column.desc() if down else column, kind.table.c.id)
        .limit(asked.size)
        .offset((asked.page - 1) * asked.size)
    )
    return [dict(row._mapping) for row in rows], total


def read(session: Session, name: str, id: int) -> Row:
    """One row. Raises PermanentError (`not_found`)."""
    kind = KINDS[name]
    row = session.execute(_shown(kind).where(kind.table.c.id == id)).first()
    if row is None:
        raise PermanentError("not_found")
    return dict(row._mapping)


def create(session: Session, name: str, values: Mapping[str, Any], now: datetime) -> Row:
    """A new row. Raises PermanentError (`conflict`, `bad_reference`)."""
    kind = KINDS[name]
    _check(session, name, values, None)
    made = dict(values) | ({"created_at": now, "updated_at": now} if name == "advisors" else {})
    row = kind.model(**made)
    session.add(row)
    session.flush()
    return read(session, name, row.id)  # type: ignore[attr-defined]  # every kind has one


def change(session: Session, name: str, id: int, values: Mapping[str, Any], now: datetime) -> Row:
    """The row with these values. Raises PermanentError as `read` and `create` do."""
    kind = KINDS[name]
    read(session, name, id)
    _check(session, name, values, id)
    made = dict(values) | ({"updated_at": now} if name == "advisors" else {})
    if made:
        session.execute(update(kind.table).where(kind.table.c.id == id).values(**made))
    return read(session, name, id)


def remove(session: Session, name: str, id: int) -> None:
    """Delete a row that nothing points to. Raises PermanentError (`not_found`, `conflict`)."""
    kind = KINDS[name]
    read(session, name, id)
    users = [table.name for table in _pointing_at(session, kind.table, id)]
    if users:
        raise PermanentError("conflict", f"still used by {', '.join(sorted(set(users)))}")
    session.execute(delete(kind.table).where(kind.table.c.id == id))


def check_reference(session: Session, name: str, key: str, id: int | None) -> None:
    """Raise PermanentError (`bad_reference`) unless `id` is None or a row of that kind."""
    table = KINDS[name].table
    if (
        id is not None
        and session.execute(select(table.c.id).where(table.c.id == id)).first() is None
    ):
        raise PermanentError("bad_reference", f"{key}: there is no such row in {name}")


def _sorted_by(kind: Kind, name: str) -> Any:
    if name not in kind.shown:
        raise PermanentError("bad_filter", f"sort: there are {', '.join(kind.shown)}")
    return kind.table.c[name]


def _shown(kind: Kind) -> Any:
    return select(*(kind.table.c[name] for name in kind.shown))


def _fits(kind: Kind, key: str, values: Sequence[Any]) -> ColumnElement[bool]:
    if key in kind.filters:
        return or_(*(kind.filters[key](value) for value in values))
    if key != "manychat_id":
        return kind.table.c[key].in_(values)
    digests = [id_digest(value) for value in values]
    if kind.model is Contact:
        return Contact.manychat_digest.in_(digests)
    owners = select(Contact.id).where(Contact.manychat_digest.in_(digests))
    return kind.table.c.contact_id.in_(owners)


def _check(session: Session, name: str, values: Mapping[str, Any], id: int | None) -> None:
    """What a name or an e-mail stands for must stay one row; references must lead somewhere."""
    if "channel_id" in values:
        check_reference(session, "channels", "channel_id", values["channel_id"])
    if name == "channels" and "name" in values:
        wanted = name_digest(values["name"])
        rows = session.execute(select(Channel.id, Channel.name))
        _refuse("name", [other for other, text in rows if name_digest(text) == wanted], id)
    if name == "advisors" and values.get("email"):
        same = func.lower(Advisor.email) == values["email"].lower()
        _refuse("email", session.execute(select(Advisor.id).where(same)).scalars().all(), id)


def _refuse(key: str, found: Sequence[int], id: int | None) -> None:
    others = [other for other in found if other != id]
    if others:
        raise PermanentError("conflict", f"{key}: row {others[0]} has it already")


def _pointing_at(session: Session, target: Table, id: int) -> list[Table]:
    """The tables that hold a row pointing at this one."""
    return [
        table
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table is target
        and session.execute(select(1).select_from(table).where(key.parent == id).limit(1)).first()
    ]
