"""What people did in Odoo against its change feed: nothing lost there, and nobody else in it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from tests.faults.people import Deed
from tests.faults.readings import Row
from tests.faults.story import Hand, Happened, Said
from tests.faults.values import ODOO_USERS
from tests.faults.verdict import Verdict

ACTIVE = {"archived": False, "lost": False, "restored": True}


def happened(verdict: Verdict, deeds: Sequence[Deed], changes: Sequence[Row]) -> list[Happened]:
    """Each deed at each contact with the time that Odoo gave it, which must be possible.

    A change that belongs to no deed is the bridge's own work told as somebody's: an echo.
    """
    by_mark = _by_mark(verdict, changes)
    events = []
    for deed in deeds:
        for contact in deed.act.contacts:
            found = by_mark.pop((deed.act.mark, contact), [])
            if len(found) != 1:
                kind = "doubled" if found else "lost"
                verdict.note(
                    kind, f"{deed.act.mark} at {contact}: {len(found)} changes in the feed"
                )
            events += [_event(verdict, deed, contact, *one) for one in found[:1]]
    for (mark, contact), found in by_mark.items():
        for _, kinds in found:
            verdict.note("echoes", f"{contact} ({mark}): {', '.join(kinds)} is nobody's deed")
    return events


def _by_mark(
    verdict: Verdict, changes: Sequence[Row]
) -> dict[tuple[Any, str], list[tuple[str, dict[str, Row]]]]:
    """Writes by the name that they gave and the contact: clock, and changes by kind."""
    writes: dict[tuple[str, str], dict[str, Row]] = defaultdict(dict)
    for row in changes:
        kinds = writes[row["manychat_id"], row["clock"].rpartition("|")[0]]
        if row["kind"] in kinds:
            verdict.note("doubled", f"{row['manychat_id']}: {row['kind']} twice at {row['clock']}")
        kinds[row["kind"]] = row
    by_mark = defaultdict(list)
    for (contact, clock), kinds in writes.items():
        said = kinds["values"]["values"] if "values" in kinds else {}
        by_mark[said.get("first_name"), contact].append((clock, kinds))
    return by_mark


def _event(
    verdict: Verdict, deed: Deed, contact: str, clock: str, kinds: dict[str, Row]
) -> Happened:
    act = deed.act
    moment = datetime.fromisoformat(clock.partition("|")[0])
    if not any(sent <= moment <= heard for sent, heard in deed.attempts):
        verdict.note("state", f"{act.mark} at {contact} was at {moment}: nobody did it then")
    values: dict[str, Any] = {"first_name": act.mark, "last_name": None}
    if act.phone:
        values["phone"] = act.phone
    values |= dict(_advisors(verdict, deed, kinds))
    moved = next((ACTIVE[kind] for kind in kinds if kind in ACTIVE), None)
    if (moved is not None and moved != act.active) or ("stage" in kinds and not act.stage):
        verdict.note("echoes", f"{act.mark} at {contact}: {', '.join(kinds)} is more than was done")
    hand = Hand(
        act.stage if "stage" in kinds else None,
        moved,
        ODOO_USERS[act.commercial] if act.commercial and "commercial" in values else None,
    )
    return Happened(clock.split("|")[2], moment, contact, "person", Said(values, moment, hand=hand))


def _advisors(verdict: Verdict, deed: Deed, kinds: dict[str, Row]) -> Iterator[tuple[str, str]]:
    """Whom the feed tells of; whoever was advisor already is told of no more."""
    told = kinds["advisors"]["values"] if "advisors" in kinds else {}
    for role, user in told.items():
        wanted = getattr(deed.act, role)
        if not user or user["email"] != wanted:
            verdict.note("echoes", f"{deed.act.mark}: {role} {user} was not chosen")
        elif wanted:
            yield role, wanted
