"""What `db adopt` found and would do, as lines that people read; nothing is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import column, inspect, select, table
from sqlalchemy.orm import Session

from bridge.errors import PermanentError
from bridge.mirror.adopt import ddl, misfits, names
from bridge.mirror.adopt.old import DATES, TABLES, Old
from bridge.mirror.quarantine import Adoption
from bridge.mirror.schema import VERSION_TABLE

EMPTY, OURS, PREDECESSOR, BEGUN = "empty", "ours", "predecessor", "begun"


@dataclass(frozen=True)
class Plan:
    """`state`: `empty`, `ours` (migrated, nothing to adopt), `predecessor` or `begun`.

    `schema` lists the changes as (table, text); `misfits` how many rows cannot stay where they
    are, by (table, reason).
    """

    state: str
    rows: Mapping[str, int] = field(default_factory=dict)
    schema: tuple[tuple[str, str], ...] = ()
    misfits: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def lines(self, zone: str) -> list[str]:
        """The plan for a terminal: no personal data, counts only."""
        told = [f"{'rows':<18}{sum(self.rows.values()):>9}"]
        told += [f"  {name:<16}{number:>9}" for name, number in self.rows.items()]
        told.append(f"{'schema changes':<18}{len(self.schema):>9}")
        told += [f"  {name}: {change}" for name, change in self.schema]
        told.append("rows that go to Quarantine (nothing is deleted)")
        found = {key: number for key, number in self.misfits.items() if number}
        told += [f"  {name}: {number} {why}" for (name, why), number in found.items()]
        told += [] if found else ["  none"]
        columns = sum(len(names) for names in DATES.values())
        told.append(f"dates: {columns} columns, naive ones read in {zone}, written in UTC")
        told.append(
            "funnel dates: the empty ones are rebuilt from Contact_State; facts and clocks of "
            "every contact are written, so that later events fold onto what is there"
        )
        return told


def state_of(session: Session) -> str:
    """Whose database it is: see `Plan.state`."""
    there = set(inspect(session.connection()).get_table_names())
    if VERSION_TABLE in there and _versions(session):
        return OURS
    if "Contact" not in there:
        return EMPTY
    return BEGUN if "Adoption" in there and _begun(session) else PREDECESSOR


def look(session: Session) -> Plan:
    """Look at the database; reads only."""
    state = state_of(session)
    if state in (EMPTY, OURS):
        return Plan(state)
    connection, old = session.connection(), Old(session)
    changes = tuple((name, ddl.told(change)) for name, change in ddl.missing(connection))
    uniques = tuple(("Contact", f"drop unique {kind} of manychat_id")
                    for kind, _ in ddl.unique_ids(connection))  # fmt: skip
    rows = {name: old.count(name) for name in TABLES}
    return Plan(state, rows, uniques + changes, _misfits(old))


def _versions(session: Session) -> bool:
    version = table(VERSION_TABLE, column("version_num"))
    return session.execute(select(version.c.version_num)).first() is not None


def _begun(session: Session) -> bool:
    return session.execute(select(Adoption.step)).first() is not None


def _misfits(old: Old) -> dict[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {
        (name, why): len(ids)
        for name, reasons in misfits.find(old).items()
        for why, ids in reasons.items()
    }
    found["Contact", "same_manychat_id"] = sum(map(len, misfits.doubles(old).values()))
    for why, _meant in names.junk_channels(_channels(old)).values():
        found["Channel", why] = found.get(("Channel", why), 0) + 1
    return found


def _channels(old: Old) -> list[dict[str, Any]]:
    return old.rows("Channel") if "Channel" in old.columns else []


def check_is_not_the_predecessors(session: Session) -> None:
    """Raise PermanentError (`adopt_first`) where migrations would meet the predecessor's tables."""
    if state_of(session) in (PREDECESSOR, BEGUN):
        raise PermanentError("adopt_first", "the predecessor's: run: python -m bridge db adopt")
