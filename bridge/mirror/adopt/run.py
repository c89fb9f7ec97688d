"""The steps of `db adopt`: each its own transaction, each told only once, killed anywhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

from alembic import command
from sqlalchemy import DateTime, event, func, insert, inspect, select, text
from sqlalchemy.orm import Session

from bridge.errors import PermanentError
from bridge.mirror import quarantine
from bridge.mirror.adopt import contacts, ddl, indexes, misfits, names
from bridge.mirror.adopt.old import DATES, TABLES, Old, Zone
from bridge.mirror.adopt.plan import EMPTY, OURS, state_of
from bridge.mirror.adopt.push import push_some
from bridge.mirror.quarantine import Adoption
from bridge.mirror.schema import config
from bridge.mirror.store import Store

_BEFORE, _ADDED, _ZONED = "before:", "added:", "zoned:"
Say = Callable[[str], None]


@dataclass(frozen=True)
class Report:
    """Row counts by table: `before` + `added` = `after` + `moved`, or `adds_up` is False."""

    before: dict[str, int]
    added: dict[str, int]
    moved: dict[str, dict[str, int]]
    after: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def adds_up(self) -> bool:
        return all(
            self.before[table] + self.added.get(table, 0)
            == self.after[table] + sum(self.moved.get(table, {}).values())
            for table in self.before
        )

    def lines(self) -> list[str]:
        """The report for a terminal, one line a table."""
        told = [f"{'table':<18}{'before':>9}{'added':>9}{'moved':>9}{'after':>9}"]
        for table, before in self.before.items():
            moved = self.moved.get(table, {})
            numbers = (before, self.added.get(table, 0), sum(moved.values()), self.after[table])
            why = ", ".join(f"{number} {reason}" for reason, number in sorted(moved.items()))
            told.append(f"{table:<18}" + "".join(f"{n:>9}" for n in numbers) + f"  {why}".rstrip())
        return told


class Adopter:
    """Adopts the database of `store`; naive dates are read in `zone`."""

    def __init__(self, store: Store, zone: tzinfo, now: Callable[[], datetime], say: Say) -> None:
        self._store = store
        self._zone = zone
        self._now = now
        self._say = say
        self._seconds: dict[str, float] = {}

    def run(self) -> Report:
        """Go on from wherever an earlier run stopped; a second run on the result does nothing.

        Raises PermanentError: `nothing_to_adopt`, `adopt_incomplete` when counts do not add up.
        """
        with self._store.transaction() as session:
            nothing = state_of(session) in (EMPTY, OURS)
        if nothing:
            raise PermanentError("nothing_to_adopt", "run: python -m bridge db upgrade")
        with _loose_keys(self._store):
            self._steps()
        report = self._report()
        if not report.adds_up:
            raise PermanentError("adopt_incomplete", "row counts do not add up")
        # last: without a version no worker touches the database, and the next run goes on
        command.stamp(config(self._store.engine), "head")
        return report

    def push(self) -> int:
        """Put what was adopted on its way to Odoo; how many outbox rows that made this time."""
        made = 0
        while True:
            with self._store.transaction() as session:
                contacts_done, rows = push_some(session, self._now())
            if not contacts_done:
                return made
            made += rows

    def _steps(self) -> None:
        self._step("columns", self._columns)
        self._step("channels", self._once(names.mend_channels))
        self._step("rows without a place", self._misfits)
        self._step("duplicates", self._doubles)
        self._step("campaigns", self._once(self._in_zone(names.mend_campaigns)))
        self._step("advisors", self._once(self._in_zone(names.mend_advisors)))
        self._step("contacts", self._contacts)
        self._step("keys and indexes", self._keys)

    def _step(self, name: str, work: Callable[[], Any]) -> None:
        began = time.monotonic()
        work()
        self._seconds[name] = round(time.monotonic() - began, 2)
        self._say(f"{name}: {self._seconds[name]} s")

    def _columns(self) -> None:
        """New tables and columns; what the end must add up to is noted in the same transaction."""
        with self._store.transaction() as session:
            connection = session.connection()
            dialect = connection.dialect.name
            begun = "Adoption" in inspect(connection).get_table_names()
            zoned = [] if begun else _zoned(session)
            ddl.drop_unique_ids(connection)
            ddl.apply(connection, ddl.early(ddl.missing(connection), dialect))
            if begun:
                return
            old = Old(session)
            _count_on(session)
            for table in TABLES:
                self._note(session, _BEFORE + table, old.count(table))
            for column in zoned:
                self._note(session, _ZONED + column, 0)

    def _misfits(self) -> None:
        with self._store.transaction() as session:
            found = misfits.find(Old(session))
        # contacts last: their children are told apart by them
        for table in (*misfits.CHILDREN, "Contact"):
            for why, ids in found[table].items():
                if why != "older_address":
                    self._move(table, why, ids)

    def _doubles(self) -> None:
        with self._store.transaction() as session:
            groups = list(misfits.doubles(Old(session)).items())
        for kept, others in groups:
            with self._store.transaction() as session:
                misfits.merge(session, kept, others, self._now())
        with self._store.transaction() as session:
            older = misfits.find(Old(session))["Address"]["older_address"]
        self._move("Address", "older_address", older)

    def _move(self, table: str, why: str, ids: list[int]) -> None:
        for part in misfits.parts(ids):
            with self._store.transaction() as session:
                misfits.move(session, table, why, part, self._now())

    def _contacts(self) -> None:
        while True:
            with self._store.transaction() as session:
                known = contacts.read_known(session)
                zone, now = self._read_zone(session), self._now()
                campaigns = Old(session).count("Campaign")
                done, added = contacts.adopt_some(session, zone, known, now)
                made = Old(session).count("Campaign") - campaigns
                self._add(session, "Contact_State", added)
                self._add(session, "Campaign", made)
            if not done:
                return
            self._say(f"{done} contacts")

    def _keys(self) -> None:
        """NOT NULL and keys, each table in a transaction of its own; indexes each by itself."""
        with self._store.outside() as connection:
            self._say(f"indexes are made {indexes.way(connection)}")
            for name in indexes.tidy(connection):
                self._say(f"{name} was left half-made: dropped, made anew")
        for table in dict.fromkeys(table for table, _ in self._late(apart=False)):
            wanted = [pair for pair in self._late(apart=False) if pair[0] == table]
            with self._store.transaction() as session:
                ddl.apply(session.connection(), wanted)
        wanted = self._late(apart=True)
        with self._store.outside() as connection:
            indexes.make(connection, wanted)
            indexes.check_references(connection)
        with self._store.transaction() as session:
            _check_keys(session)

    def _late(self, *, apart: bool) -> list[ddl.Change]:
        """What is still missing: what is made outside a transaction, or the rest."""
        with self._store.transaction() as session:
            connection = session.connection()
            dialect = connection.dialect.name
            return [pair for pair in ddl.late(ddl.missing(connection))
                    if indexes.is_apart(pair[1], dialect) is apart]  # fmt: skip

    def _once(self, work: Callable[[Session, datetime], int]) -> Callable[[], None]:
        name = f"done:{getattr(work, '__name__', '')}"

        def run() -> None:
            with self._store.transaction() as session:
                if session.get(Adoption, name) is None:
                    self._note(session, name, work(session, self._now()))

        return run

    def _in_zone(
        self, work: Callable[[Session, Zone, datetime], int]
    ) -> Callable[[Session, datetime], int]:
        def run(session: Session, now: datetime) -> int:
            return work(session, self._read_zone(session), now)

        run.__name__ = work.__name__
        return run

    def _read_zone(self, session: Session) -> Zone:
        steps = session.execute(select(Adoption.step).where(Adoption.step.startswith(_ZONED)))
        return Zone(self._zone, [step.removeprefix(_ZONED) for step in steps.scalars()])

    def _note(self, session: Session, step: str, number: int) -> None:
        row = {"step": step, "counted": number, "done_at": self._now()}
        session.execute(insert(Adoption).values(**row))

    def _add(self, session: Session, table: str, number: int) -> None:
        noted = session.get(Adoption, _ADDED + table)
        if noted is None:
            self._note(session, _ADDED + table, number)
        else:
            noted.counted += number

    def _report(self) -> Report:
        with self._store.transaction() as session:
            noted = {row.step: row.counted for row in session.execute(select(Adoption)).scalars()}
            old = Old(session)
            return Report(
                _named(noted, _BEFORE),
                _named(noted, _ADDED),
                quarantine.moved_by_table(session),
                {table: old.count(table) for table in TABLES},
                dict(self._seconds),
            )


def _named(noted: dict[str, int], prefix: str) -> dict[str, int]:
    found = {step.removeprefix(prefix): number for step, number in noted.items()
             if step.startswith(prefix)}  # fmt: skip
    return {table: found[table] for table in TABLES if table in found}


def _zoned(session: Session) -> list[str]:
    """Date columns that carry a zone: their type changes, and what they say is UTC then."""
    there = inspect(session.connection())
    return [
        f"{table}.{column['name']}"
        for table, names in DATES.items()
        if there.has_table(table)
        for column in there.get_columns(table)
        if column["name"] in names
        and isinstance(column["type"], DateTime)
        and column["type"].timezone
    ]


def _count_on(session: Session) -> None:
    """Rows that were copied into PostgreSQL with their ids leave its counters behind."""
    if session.connection().dialect.name != "postgresql":
        return
    for name in TABLES:
        there = Old(session).table(name)
        counter = func.pg_get_serial_sequence(f'"{name}"', "id")
        highest = select(func.coalesce(func.max(there.c.id), 1)).scalar_subquery()
        session.execute(select(func.setval(counter, highest)))


@contextmanager
def _loose_keys(store: Store) -> Iterator[None]:
    """SQLite writes a table anew by dropping it, which its foreign keys would take for a delete."""
    if store.engine.dialect.name != "sqlite":
        yield
        return

    def loosen(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA foreign_keys = OFF")

    store.engine.dispose()
    event.listen(store.engine, "connect", loosen)
    try:
        yield
    finally:
        event.remove(store.engine, "connect", loosen)
        store.engine.dispose()


def _check_keys(session: Session) -> None:
    if session.connection().dialect.name == "sqlite":
        loose = session.execute(text("PRAGMA foreign_key_check")).first()
        if loose:
            raise PermanentError("adopt_incomplete", f"{loose[0]}: a reference leads nowhere")
