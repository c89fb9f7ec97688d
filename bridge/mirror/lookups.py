"""What ManyChat's names and ids stand for in the mirror, read once a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Literal, cast

from sqlalchemy import (
    Row,
    Select,
    Table,
    func,
    insert,
    literal_column,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from bridge.events.cleaning.text import fold
from bridge.mirror.chunks import in_parts
from bridge.mirror.digests import name_digest
from bridge.mirror.fold import Who
from bridge.mirror.tables import Advisor, Campaign, Channel

UNCONFIRMED = "unconfirmed"
_LARGEST_ID = 2**31 - 1
_MOST_REFS = 300
"""Each is asked for in three ways, advisors and campaigns in one statement."""


@dataclass(frozen=True)
class Person:
    """An advisor as `manychat_sync` takes it."""

    id: int | None
    odoo_id: int | None
    email: str | None
    name: str | None
    is_medical: bool = False

    def as_value(self) -> dict[str, Any]:
        return {"id": self.id, "odoo_id": self.odoo_id, "email": self.email, "name": self.name}


class Lookups:
    """Channels, campaigns and advisors that a batch of events refers to.

    Unknown campaigns and named channels are made; unknown advisors are kept as text.
    """

    def __init__(self, session: Session, said: Sequence[Mapping[str, Any]]) -> None:
        refs = {ref for v in said for key in ("commercial", "medical", "advisor")
                if isinstance(ref := v.get(key), str)}  # fmt: skip
        channels = _texts(v.get("channel") for v in said)
        campaigns = _texts(v.get("campaign") for v in said)
        rows = _read(session, refs, campaigns, with_channels=bool(channels))
        self._advisors = _people([row for row in rows if row.kind == _ADVISOR])
        self._channels = _with_missing_channels(session, channels, rows)
        self._campaigns = _with_missing_campaigns(session, campaigns, rows)

    def person(self, ref: str) -> Person:
        """The advisor by mirror id, Odoo id or e-mail; an unknown one by the text given."""
        known = self._advisors.get(ref.lower())
        return known or Person(None, None, ref if "@" in ref else None, ref)

    def who(self, ref: str) -> Who:
        return Who(ref, self.person(ref).id)

    def advisors(self, said: Mapping[str, Any]) -> dict[str, str | Literal[False]]:
        """The commercial and medical references that an event's values name; False clears.

        A stage change's `advisor` is the commercial one unless the advisor's role says medical.
        """
        found = {key: said[key] for key in ("commercial", "medical") if key in said}
        if isinstance(ref := said.get("advisor"), str):
            found.setdefault("medical" if self.person(ref).is_medical else "commercial", ref)
        return found

    def channel(self, name: str) -> tuple[int, str] | None:
        """Id and name; None for digits that are no channel's id."""
        return self._channels.get(name)

    def campaign(self, ref: str) -> tuple[int, str]:
        """Id and name."""
        return self._campaigns[ref]


def _texts(values: Iterable[Any]) -> set[str]:
    return {value for value in values if isinstance(value, str)}


def _numbers(texts: Iterable[str]) -> list[int]:
    """The texts that may be ids."""
    return [int(t) for t in texts if t.isascii() and t.isdigit() and int(t) <= _LARGEST_ID]


def _read(
    session: Session, refs: set[str], campaigns: set[str], *, with_channels: bool
) -> list[Row[*tuple[Any, ...]]]:
    """Whatever may be meant, the newest first: the oldest of several wins.

    Of channels all, there are only a few.
    """
    found: list[Row[*tuple[Any, ...]]] = []
    parts = zip_longest(in_parts(refs, _MOST_REFS), in_parts(campaigns, _MOST_REFS), fillvalue=())
    for some_refs, some_campaigns in list(parts) or [((), ())]:
        selects = [_advisors_of(some_refs)] if some_refs else []
        selects += [_campaigns_of(some_campaigns)] if some_campaigns else []
        selects += [_CHANNELS] if with_channels else []
        if selects:
            found += session.execute(union_all(*selects) if selects[1:] else selects[0])
    return sorted(found, key=lambda row: row.id, reverse=True)


def _select(
    kind: int, model: type[Advisor | Campaign | Channel], *names: str
) -> Select[*tuple[Any, ...]]:
    """One table's rows, with NULL for the columns that are not among its `names`."""
    own = model.__table__.c
    return select(
        literal_column(str(kind)).label("kind"),
        *((own[name] if name in names else null()).label(name) for name in _NAMES),
    )


_ADVISOR, _CAMPAIGN, _CHANNEL = range(3)
_NAMES = ("id", "name", "odoo_id", "email", "role", "status", "made_for")
_ADVISORS = _select(_ADVISOR, Advisor, "id", "name", "odoo_id", "email", "role")
_CAMPAIGNS = _select(_CAMPAIGN, Campaign, "id", "name", "status", "made_for")
_CHANNELS = _select(_CHANNEL, Channel, "id", "name", "made_for")


def _advisors_of(refs: Sequence[str]) -> Select[*tuple[Any, ...]]:
    ids, emails = _numbers(refs), [ref.lower() for ref in refs if "@" in ref]
    return _ADVISORS.where(
        or_(Advisor.id.in_(ids), Advisor.odoo_id.in_(ids), func.lower(Advisor.email).in_(emails))
    )


def _campaigns_of(refs: Sequence[str]) -> Select[*tuple[Any, ...]]:
    return _CAMPAIGNS.where(
        or_(
            Campaign.made_for.in_([name_digest(ref) for ref in refs]),
            Campaign.id.in_(_numbers(refs)),
            Campaign.name.in_(refs),
        )
    )


def _people(rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[str, Person]:
    people = [Person(row.id, row.odoo_id, row.email, row.name, "medic" in fold(row.role or ""))
              for row in rows]  # fmt: skip
    by_email = {person.email.lower(): person for person in people if person.email}
    by_odoo_id = {str(person.odoo_id): person for person in people if person.odoo_id is not None}
    return by_email | by_odoo_id | {str(person.id): person for person in people}


def _with_missing_channels(
    session: Session, wanted: set[str], rows: Sequence[Row[*tuple[Any, ...]]]
) -> dict[str, tuple[int, str]]:
    """The wanted ones by what was written; of several that fold alike the oldest."""
    known = {name_digest(row.name): (row.id, row.name) for row in rows if row.kind == _CHANNEL}
    missing = {
        digest: name
        for name in sorted(wanted)
        if not name.isdigit() and (digest := name_digest(name)) not in known
    }
    known |= _made(session, Channel, [{"name": name, "made_for": digest}
                                      for digest, name in missing.items()])  # fmt: skip
    by_id = {str(id): (id, name) for id, name in known.values()}
    found = {name: by_id.get(name) if name.isdigit() else known[name_digest(name)]
             for name in wanted}  # fmt: skip
    return {name: channel for name, channel in found.items() if channel}


def _with_missing_campaigns(
    session: Session, wanted: set[str], rows: Sequence[Row[*tuple[Any, ...]]]
) -> dict[str, tuple[int, str]]:
    known = _meant(wanted, [row for row in rows if row.kind == _CAMPAIGN])
    missing = {name_digest(name): name for name in sorted(wanted) if name not in known}
    made = _made(session, Campaign, [{"name": name, "status": UNCONFIRMED, "made_for": digest}
                                     for digest, name in missing.items()])  # fmt: skip
    return {ref: known.get(ref) or made[name_digest(ref)] for ref in wanted}


def _made(
    session: Session, model: type[Campaign | Channel], rows: Sequence[Mapping[str, Any]]
) -> dict[bytes, tuple[int, str]]:
    """Insert; id and name by what each was made for."""
    if not rows:
        return {}
    table = cast(Table, model.__table__)
    statement = insert(table).returning(table.c.made_for, table.c.id, table.c.name)
    return {bytes(row[0]): (row[1], row[2]) for row in session.execute(statement, rows)}


def known_campaigns(session: Session, refs: set[str]) -> dict[str, tuple[int, str]]:
    """The campaigns that ManyChat's references mean, those that are known."""
    return _meant(refs, _read(session, set(), refs, with_channels=False))


def _meant(refs: set[str], rows: Sequence[Row[*tuple[Any, ...]]]) -> dict[str, tuple[int, str]]:
    """By what ManyChat wrote: the one made for it, else the one of that id, else of that name.

    The id of an unconfirmed one is nobody's choice (it depends on who came first), so digits
    never mean it.
    """
    made = {bytes(row.made_for): (row.id, row.name) for row in rows if row.made_for}
    by_id = {str(row.id): (row.id, row.name) for row in rows if row.status != UNCONFIRMED}
    named = {row.name: (row.id, row.name) for row in rows}
    found = {ref: made.get(name_digest(ref)) or by_id.get(ref) or named.get(ref) for ref in refs}
    return {ref: campaign for ref, campaign in found.items() if campaign}
