"""Both sides from end to end, page by page: the mirror's contacts first, then Odoo's leads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bridge.mirror import feedback, feeds, filling, standing
from bridge.mirror.standing import Mirrored
from bridge.mirror.store import Store
from bridge.odoo.standing import Lead, Standing, State
from bridge.reconcile.comparing import Difference, compare, twin_of

PAGE = 500
MIRROR, ODOO, END = "mirror", "odoo", "end"


class Leads(Protocol):
    """What a comparison needs of Odoo."""

    def standing(self, manychat_ids: Sequence[str], cursor: str | None) -> Standing: ...
    def lead_ids(self, after: int, limit: int, since: datetime | None) -> list[tuple[int, str]]: ...
    def states(self, manychat_ids: Sequence[str]) -> list[State]: ...
    def let_go(self, lead_ids: Sequence[int]) -> int: ...


@dataclass(frozen=True)
class Position:
    """How far a comparison is: which side it walks, and behind which id it goes on."""

    side: str = MIRROR
    after: int = 0


@dataclass(frozen=True)
class Found:
    """What one page gave. `here` and `there` are both sides of the contacts that differ, `moving`
    counts those that are left out because something of theirs is on its way. `erased` are those
    that one side has erased, and the other (restored from a backup) has again."""

    checked: int = 0
    moving: int = 0
    differences: tuple[Difference, ...] = ()
    here: dict[str, Mirrored] = field(default_factory=dict)
    there: dict[str, Lead] = field(default_factory=dict)
    erased: frozenset[str] = frozenset()


class Walk:
    """One comparison; `since`: only contacts of which something was heard from then on.

    `every_contact`: each is to have a partner in Odoo.
    """

    def __init__(
        self,
        store: Store,
        leads: Leads,
        since: datetime | None = None,
        *,
        every_contact: bool = False,
    ) -> None:
        self._store = store
        self._leads = leads
        self._since = since
        self._every_contact = every_contact

    def pages(self, start: Position | None = None) -> Iterator[tuple[Found, Position]]:
        """Each page's findings, and where the next one begins."""
        position = start or Position()
        while position.side != END:
            found, position = self.page(position)
            yield found, position

    def page(self, position: Position) -> tuple[Found, Position]:
        """One page behind `position`, and where the next one begins.

        Raises what mirror and Odoo raise when they are away.
        """
        if position.side == MIRROR:
            return self._contacts(position.after)
        return self._odoos(position.after)

    def examine(self, manychat_ids: Sequence[str]) -> Found:
        """Compare these contacts.

        The mirror is read before Odoo, and again for those that differ: a contact of which
        anything came or went in between is on its way, and no difference.
        """
        if not manychat_ids:
            return Found()
        with self._store.reading() as session:
            cursor = feeds.position(session, feedback.FEED)
            here = standing.standing_of(session, manychat_ids)
            passed = filling.passed(session) if self._every_contact else None
        there = self._leads.standing(manychat_ids, cursor)
        waiting = {id for id, one in here.items() if one.waits or _is_to_be_filled(one, passed)}
        waiting |= there.unread
        suspects = self._suspects(manychat_ids, here, there, waiting)
        moved, erased = self._looked_at_again(suspects, here)
        kept = {id: found for id, found in suspects.items() if id not in moved}
        erased |= {id for id in kept if id in here and here[id].heard <= there.erased.get(id, "")}
        return Found(
            checked=len(manychat_ids),
            moving=len(waiting | moved),
            differences=tuple(one for found in kept.values() for one in found),
            here={id: here[id] for id in kept if id in here},
            there={id: there.leads[id] for id in kept if id in there.leads},
            erased=frozenset(erased),
        )

    def _contacts(self, after: int) -> tuple[Found, Position]:
        with self._store.reading() as session:
            rows = standing.page(session, after, PAGE, self._since)
        if not rows:
            return Found(), Position(ODOO)
        return self.examine([manychat_id for _, manychat_id in rows]), Position(MIRROR, rows[-1][0])

    def _odoos(self, after: int) -> tuple[Found, Position]:
        """Leads whose contact the mirror lacks; with `since` also the others, which a person
        may have changed."""
        rows = self._leads.lead_ids(after, PAGE, self._since)
        if not rows:
            return Found(), Position(END)
        wanted = sorted({manychat_id for _, manychat_id in rows})
        if self._since is None:
            with self._store.reading() as session:
                wanted = standing.unknown(session, wanted)
        return self.examine(wanted), Position(ODOO, rows[-1][0])

    def _suspects(
        self, ids: Sequence[str], here: dict[str, Mirrored], there: Standing, waiting: set[str]
    ) -> dict[str, list[Difference]]:
        found: dict[str, list[Difference]] = {}
        for id in ids:
            if id in waiting:
                continue
            differences = compare(
                here.get(id), there.leads.get(id), there.keeps_edited,
                every_contact=self._every_contact,
            )  # fmt: skip
            if differences:
                found[id] = differences
        for twin in there.twins:
            if twin.manychat_id not in waiting:
                found.setdefault(twin.manychat_id, []).append(twin_of(twin))
        return found

    def _looked_at_again(
        self, suspects: dict[str, list[Difference]], here: dict[str, Mirrored]
    ) -> tuple[set[str], set[str]]:
        """Those that are not as they were; and those that were erased, which Odoo has done."""
        if not suspects:
            return set(), set()
        with self._store.reading() as session:
            now = standing.standing_of(session, suspects)
            erased = standing.erased_of(session, [id for id in suspects if id not in now])
        moved = {id for id in suspects if now.get(id) != here.get(id)}
        moved |= {id for id, owed in erased.items() if owed}
        return moved, erased.keys() - moved


def _is_to_be_filled(here: Mirrored, passed: int | None) -> bool:
    """Whether the contact is from before every one had a partner, and still to be given its own."""
    if passed is None or here.partner_id is not None or here.partner_told:
        return False
    return here.id > passed and here.answers > 0
