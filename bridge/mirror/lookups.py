"""What ManyChat's names and ids stand for in the mirror, read once a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Row, func, or_, select
from sqlalchemy.orm import Session

from bridge.events.cleaning.text import fold
from bridge.mirror.chunks import in_parts, insert_rows
from bridge.mirror.digests import name_digest
from bridge.mirror.fold import Who
from bridge.mirror.tables import Advisor, Campaign, Channel

UNCONFIRMED = "unconfirmed"
_LARGEST_ID = 2**31 - 1
_MOST_REFS = 500
"""Each is asked for in three ways."""


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
        self._advisors = _read_advisors(session, refs)
        self._channels = _read_channels(session, _texts(v.get("channel") for v in said))
        self._campaigns = _read_campaigns(session, _texts(v.get("campaign") for v in said))

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


def _read_advisors(session: Session, refs: set[str]) -> dict[str, Person]:
    if not refs:
        return {}
    ids, emails = _numbers(refs), [ref.lower() for ref in refs if "@" in ref]
    columns = (Advisor.id, Advisor.odoo_id, Advisor.email, Advisor.name, Advisor.role)
    rows = session.execute(
        select(*columns)
        .where(
            or_(
                Advisor.id.in_(ids), Advisor.odoo_id.in_(ids), func.lower(Advisor.email).in_(emails)
            )
        )
        .order_by(Advisor.id.desc())
    ).all()
    people = [Person(*row[:4], is_medical="medic" in fold(row.role or "")) for row in rows]
    by_email = {person.email.lower(): person for person in people if person.email}
    by_odoo_id = {str(person.odoo_id): person for person in people if person.odoo_id is not None}
    return by_email | by_odoo_id | {str(person.id): person for person in people}


def _read_channels(session: Session, wanted: set[str]) -> dict[str, tuple[int, str]]:
    if not wanted:
        return {}
    known = _all_channels(session)
    missing = {
        digest: name
        for name in sorted(wanted)
        if not name.isdigit() and (digest := name_digest(name)) not in known
    }
    if missing:
        made = [{"name": name, "made_for": digest} for digest, name in missing.items()]
        insert_rows(session, Channel, made)
        known = _all_channels(session)
    by_id = {str(id): (id, name) for id, name in known.values()}
    found = {name: by_id.get(name) if name.isdigit() else known[name_digest(name)]
             for name in wanted}  # fmt: skip
    return {name: channel for name, channel in found.items() if channel}


def _all_channels(session: Session) -> dict[bytes, tuple[int, str]]:
    """By folded name, the oldest where several fold alike; there are only a few."""
    rows = session.execute(select(Channel.id, Channel.name).order_by(Channel.id.desc()))
    return {name_digest(name): (id, name) for id, name in rows}


def _read_campaigns(session: Session, wanted: set[str]) -> dict[str, tuple[int, str]]:
    if not wanted:
        return {}
    known = known_campaigns(session, wanted)
    missing = {name_digest(name): name for name in sorted(wanted) if name not in known}
    if missing:
        made = [{"name": name, "status": UNCONFIRMED, "made_for": digest}
                for digest, name in missing.items()]  # fmt: skip
        insert_rows(session, Campaign, made)
        known = known_campaigns(session, wanted)
    return known


def known_campaigns(session: Session, refs: set[str]) -> dict[str, tuple[int, str]]:
    """By what ManyChat wrote: the one made for it, else the one of that id, else of that name.

    The id of an unconfirmed one is nobody's choice (it depends on who came first), so digits
    never mean it.
    """
    rows = [row for part in in_parts(refs, _MOST_REFS) for row in _campaigns_of(session, part)]
    made = {bytes(row.made_for): (row.id, row.name) for row in rows if row.made_for}
    by_id = {str(row.id): (row.id, row.name) for row in rows if row.status != UNCONFIRMED}
    named = {row.name: (row.id, row.name) for row in rows}
    found = {ref: made.get(name_digest(ref)) or by_id.get(ref) or named.get(ref) for ref in refs}
    return {ref: campaign for ref, campaign in found.items() if campaign}


def _campaigns_of(session: Session, refs: Sequence[str]) -> Sequence[Row[*tuple[Any, ...]]]:
    """Whatever may be meant by one of `refs`, the newest first: the oldest of several wins."""
    meant = or_(
        Campaign.made_for.in_([name_digest(ref) for ref in refs]),
        Campaign.id.in_(_numbers(refs)),
        Campaign.name.in_(refs),
    )
    columns = select(Campaign.id, Campaign.name, Campaign.status, Campaign.made_for)
    return session.execute(columns.where(meant).order_by(Campaign.id.desc())).all()
