"""One comparison from beginning to end: walked, mended if wanted, added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from bridge.events.clock import iso
from bridge.mirror import reconciliations
from bridge.mirror.database_clock import database_now
from bridge.mirror.reconciliations import Kind, Result
from bridge.mirror.store import Store
from bridge.reconcile.comparing import Difference
from bridge.reconcile.mending import Mender
from bridge.reconcile.walking import MIRROR, Found, Position, Walk

Told = Callable[[Difference, bool | None], object]
"""Is given each difference, and whether it was mended (None: that was not wanted)."""


_EXAMPLES = 3


@dataclass
class Tally:
    """What was found, by class and by what differs, with a few contacts as examples."""

    contacts: Counter[str] = field(default_factory=Counter)
    whats: Counter[tuple[str, str]] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)
    mended: Counter[str] = field(default_factory=Counter)

    @property
    def left(self) -> int:
        return self.contacts.total() - self.mended.total()

    def add(self, differences: Collection[Difference], left: Collection[Difference]) -> None:
        """Count a page's differences: a contact once in each class, a duplicate by its lead."""
        for one in differences:
            self.whats[one.kind, one.what] += 1
        marks = {_mark(one) for one in differences}
        unmended = {_mark(one) for one in left}
        for kind, name in sorted(marks):
            self.contacts[kind] += 1
            self.mended[kind] += (kind, name) not in unmended
            if len(some := self.examples.setdefault(kind, [])) < _EXAMPLES:
                some.append(name.partition(" ")[0])


def run(
    store: Store,
    walk: Walk,
    mender: Mender | None = None,
    *,
    each: Told = lambda _one, _mended: None,
    progress: Callable[[int], object] = lambda _checked: None,
) -> tuple[Result, Tally]:
    """Compare everything that `walk` walks, and keep the result.

    With a `mender` what differs is mended page by page. Raises what mirror and Odoo raise when
    they are away; what was mended by then stays so.
    """
    tally, seen = Tally(), set[str]()
    with store.transaction() as session:
        result = reconciliations.note_begun(
            session, MIRROR, database_now(session), fixed=mender is not None
        )
    for found, position in walk.pages():
        fresh = _unseen(found, seen)
        left = mender.mend(fresh) if mender else list(fresh.differences)
        for one in fresh.differences:
            each(one, None if mender is None else one not in left)
        tally.add(fresh.differences, left)
        result = added(result, fresh, position, tally)
        progress(found.checked)
    with store.transaction() as session:
        result = replace(result, finished_at=database_now(session))
        reconciliations.save(session, result)
    return result, tally


def added(result: Result, found: Found, position: Position, tally: Tally) -> Result:
    """The result with one page more; `tally` is what was found since it began."""
    return replace(
        result, side=position.side, after=position.after, checked=result.checked + found.checked,
        moving=result.moving + found.moving, counts=dict(tally.contacts), mended=dict(tally.mended),
    )  # fmt: skip


def report_of(result: Result) -> dict[str, Any]:
    """A result as the addon takes it."""
    return {
        "started_at": iso(result.started_at),
        "finished_at": iso(result.finished_at or result.started_at),
        "checked": result.checked,
        "fixed": result.fixed,
        "left": result.left if result.fixed else 0,
        **{str(kind): count for kind, count in result.counts.items()},
    }


def _unseen(found: Found, seen: set[str]) -> Found:
    """Without contacts that were told of before: with `since`, both sides may name one."""
    fresh = tuple(one for one in found.differences if one.manychat_id not in seen)
    seen.update(one.manychat_id for one in fresh)
    return replace(found, differences=fresh)


def _mark(one: Difference) -> tuple[str, str]:
    lead = f" {one.lead_id}" if one.kind is Kind.DUPLICATE else ""
    return str(one.kind), one.manychat_id + lead
