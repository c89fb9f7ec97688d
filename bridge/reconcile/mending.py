"""What mends a page's differences: the outbox again, the way of the change feed, the addon."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from bridge.mirror import erasures
from bridge.mirror.contacts import clock_event_id, is_persons
from bridge.mirror.database_clock import database_now
from bridge.mirror.reconciliations import Kind
from bridge.mirror.resending import resend
from bridge.mirror.store import Store
from bridge.mirror.taking import Taken, take
from bridge.odoo.standing import State
from bridge.reconcile.comparing import KEYS, Difference, value_there
from bridge.reconcile.walking import Found, Leads

MOST_LEADS = 500
_OUT = frozenset({Kind.MISSING_IN_ODOO, Kind.OLDER_IN_ODOO})
_BACK = frozenset({Kind.MISSING_IN_MIRROR, Kind.OLDER_IN_MIRROR, Kind.EDITED})


class Mender:
    """Mends page by page. `region`: the country of phones without a code."""

    def __init__(self, store: Store, leads: Leads, region: str) -> None:
        self._store = store
        self._leads = leads
        self._region = region

    def mend(self, found: Found) -> list[Difference]:
        """Do what there is to do about these differences; those that are left to a person.

        What goes out is in Odoo when the crm worker has sent it. Raises what mirror and Odoo
        raise when they are away.
        """
        again = self._erase_again(found.erased)
        rest = [one for one in found.differences if one.manychat_id not in again]
        back = {*again, *self._take_back(found, rest)}
        out = {*again, *self._send_again(rest)}
        gone = self._let_go(rest)
        done = {Kind.DUPLICATE: gone, **dict.fromkeys(_OUT, out), **dict.fromkeys(_BACK, back)}
        return [one for one in found.differences if _mark(one) not in done[one.kind]]

    def _send_again(self, differences: Iterable[Difference]) -> Collection[str | int | None]:
        wanted: dict[str, set[str] | None] = {}
        for one in differences:
            if one.kind is Kind.MISSING_IN_ODOO and one.what == "lead":
                wanted[one.manychat_id] = None
            elif one.kind in _OUT:
                ids = wanted.setdefault(one.manychat_id, set())
                if ids is not None:
                    clock = one.mirror[1]
                    ids.add(clock if is_persons(clock) else clock_event_id(clock))
        if not wanted:
            return frozenset()
        with self._store.transaction() as session:
            return resend(session, wanted, database_now(session))

    def _take_back(
        self, found: Found, differences: Sequence[Difference]
    ) -> Collection[str | int | None]:
        wanted = sorted({one.manychat_id for one in differences if one.kind in _BACK})
        if not wanted:
            return frozenset()
        asked = _with_states(differences, wanted)
        states = self._leads.states(asked) if asked else []
        taken = [self._taken(found, id, states) for id in wanted]
        with self._store.transaction() as session:
            now = database_now(session)
            return take(session, taken, self._region, now)

    def _taken(self, found: Found, id: str, states: Sequence[State]) -> Taken:
        lead, seen = found.there[id], found.here.get(id)
        keys = {one.what for one in found.differences if one.manychat_id == id}
        wanted = [key for key in KEYS if seen is None or key in keys]
        pairs = ((key, value_there(lead.values, key)) for key in wanted)
        return Taken(
            id, lead.lead_id, lead.stage, lead.dates, lead.active, lead.partner_id, seen,
            {key: pair for key, pair in pairs if pair[1]},
            [(one.state, one.category, one.clock) for one in states if one.manychat_id == id],
        )  # fmt: skip

    def _erase_again(self, manychat_ids: Iterable[str]) -> frozenset[str]:
        """Persons who were erased are back on one side (from a backup): erased once more."""
        for manychat_id in (ids := sorted(manychat_ids)):
            with self._store.transaction() as session:
                erasures.erase(session, manychat_id, database_now(session))
        return frozenset(ids)

    def _let_go(self, differences: Iterable[Difference]) -> Collection[str | int | None]:
        ids = [one.lead_id for one in differences
               if one.kind is Kind.DUPLICATE and one.lead_id and not one.foreign]  # fmt: skip
        some = ids[:MOST_LEADS]
        return frozenset(some) if some and self._leads.let_go(some) == len(some) else frozenset()


def _mark(one: Difference) -> str | int | None:
    """By what a mended difference is known: a duplicate by its lead, any other by its contact."""
    return one.lead_id if one.kind is Kind.DUPLICATE else one.manychat_id


def _with_states(differences: Iterable[Difference], ids: Sequence[str]) -> list[str]:
    """Those of these contacts whose states are wanted: missing ones, and where a state is newer."""
    needed = {one.manychat_id for one in differences
              if one.kind is Kind.MISSING_IN_MIRROR or one.what == "state"}  # fmt: skip
    return [id for id in ids if id in needed]
