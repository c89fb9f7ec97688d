"""`python -m devstack drill`: each store is lost and restored; both sides must agree again.

What docs/runbook.md tells to do after a loss, done on a real stack with invented contacts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from devstack import odoo_sources, progress
from devstack.drill_road import MIRROR, DrillRoad
from devstack.errors import StackError
from devstack.stack import Stack


@dataclass
class Drill:
    """One drill; `contacts` is how many write before the backups are made."""

    road: DrillRoad
    contacts: int
    rows: list[tuple[str, float, str]] = field(default_factory=list)

    def run(self) -> list[str]:
        """Everything in order; what was otherwise than it must be at an end."""
        self._step("traffic before the backups", self._before)
        self._step("pg_dump of the mirror and of Odoo", self._dump)
        self._step("traffic after them, phones typed in Odoo, persons erased", self._after)
        return [*self._odoo_lost(), *self._mirror_lost(), *self._queue_lost()]

    def _before(self) -> str:
        self.road.settle(self.road.arrive(self.contacts))
        return f"{self.contacts} contacts"

    def _dump(self) -> str:
        self.road.stack.postgres.dump(MIRROR, self._file(MIRROR))
        self.road.stack.postgres.dump(self.road.odoo.db, self._file("odoo"))
        sizes = [self._file(name).stat().st_size / 1e6 for name in (MIRROR, "odoo")]
        return f"{sizes[0]:.1f} and {sizes[1]:.1f} MB"

    def _after(self) -> str:
        road, names = self.road, list(self.road.people)
        some = len(names) // 20
        events = [*road.arrive(some * 4), *road.move(names[: some * 8])]
        road.settle(events)
        road.type_phones(names[:some])
        gone = names[-2:]
        for name in gone:
            road.command("erase", name)
            del road.people[name]
        road.settle()
        self._must("after the traffic", road.wrong())
        return f"{len(events)} events, {some} phones, {len(gone)} erased"

    def _odoo_lost(self) -> list[str]:
        """A: Odoo's database. What comes meanwhile waits in the mirror."""
        road, events = self.road, list[str]()

        def lose() -> str:
            road.odoo.stop()
            road.stack.postgres.dropdb(road.odoo.db)
            events.extend(road.move(self._some(4, 1)))
            return f"{len(events)} events came meanwhile"

        def restore() -> str:
            road.stack.postgres.restore(self._file("odoo"), road.odoo.db)
            road.odoo.start()
            return ""

        self._step("A  Odoo's database is lost", lose)
        self._step("A  restored from the dump, Odoo started", restore)
        self._step("A  the workers send what waited", lambda: self._settled(events))
        return self._mended("A")

    def _mirror_lost(self) -> list[str]:
        """B: the mirror. What comes meanwhile waits in the queue."""
        road, events = self.road, list[str]()

        def lose() -> str:
            road.stack.postgres.dropdb(MIRROR)
            events.extend(road.move(self._some(4, 2)))
            return f"{len(events)} events came meanwhile"

        def restore() -> str:
            road.bridge.stop_workers()
            road.stack.postgres.restore(self._file(MIRROR), MIRROR)
            road.bridge.migrate()
            road.bridge.start_workers()
            return ""

        self._step("B  the mirror is lost", lose)
        self._step("B  restored from the dump, db upgrade, workers started", restore)
        self._step("B  the workers take what waited", lambda: self._settled(events))
        return self._mended("B")

    def _queue_lost(self) -> list[str]:
        """C: the queue, with messages in it: nobody else has these events."""
        road, names = self.road, self._some(4, 3)
        events: list[str] = []

        def lose() -> str:
            road.bridge.stop_workers()
            events.extend(road.move(names))
            road.stack.azurite.lose()
            return f"{len(events)} events were in it"

        def missing() -> str:
            road.bridge.start_workers()
            road.settle(road.arrive(1))
            lost = road.accepted().intersection(events) - self._known(events)
            if lost != set(events):
                raise StackError(f"{len(events)} events were lost, {len(lost)} were found to be")
            return f"{len(lost)} lost: in the API's log, not in the mirror"

        self._step("C  the queue is lost", lose)
        self._step("C  workers started, log and mirror compared", missing)
        self._step("C  what was lost is posted again", lambda: self._settled(road.say_again(names)))
        return self._agreed("C")

    def _mended(self, part: str) -> list[str]:
        road = self.road
        self._step(f"{part}  reconcile", lambda: _told(road.reconcile().table))
        self._step(f"{part}  reconcile --fix, sent", self._fixed)
        return self._agreed(part)

    def _agreed(self, part: str) -> list[str]:
        road, wrong = self.road, list[str]()

        def look() -> str:
            left = road.reconcile()
            wrong.extend([f"{part}: {left.differences} differences stay\n{left.table}"]
                         if left.differences else [])  # fmt: skip
            off = road.wrong()
            wrong.extend(f"{part}: {one}" for one in off)
            return f"{left.differences} differences, {len(off)} contacts not as they were"

        self._step(f"{part}  reconcile, every contact looked at", look)
        return wrong

    def _fixed(self) -> str:
        found = self.road.reconcile("--fix")
        self.road.settle()
        return found.table.splitlines()[-1]

    def _settled(self, events: list[str]) -> str:
        self.road.settle(events)
        return f"{len(events)} events"

    def _known(self, events: list[str]) -> set[str]:
        rows = self.road.mirror(
            'SELECT event_id FROM "Ledger" WHERE event_id = ANY(%s)'
            ' UNION SELECT event_id FROM "Inbox" WHERE event_id = ANY(%s)', events, events,
        )  # fmt: skip
        return {str(event_id) for (event_id,) in rows}

    def _some(self, of: int, number: int) -> list[str]:
        """One of so many parts of the contacts that still have a state to go to."""
        able = [name for name, one in self.road.people.items() if one.step < 2 + (number == 3)]
        return able[number::of][:40]

    def _file(self, name: str) -> Path:
        return self.road.stack.folder / f"{name}.dump"

    def _must(self, when: str, wrong: list[str]) -> None:
        if wrong:
            raise StackError(f"{when}: {len(wrong)} wrong, as {wrong[:3]}")

    def _step(self, name: str, run: Callable[[], str]) -> None:
        began = time.monotonic()
        with progress.step(name):
            told = run()
        self.rows.append((name, time.monotonic() - began, told))


def run_drill(series: str | None, contacts: int) -> int:
    """Run it and print a table; 1 where an end differs, with what."""
    with Stack(odoo_sources.choose(series), name="drill") as stack:
        stack.odoo.start()
        drill = Drill(DrillRoad(stack), contacts)
        drill.road.bridge.start()
        try:
            wrong = drill.run()
        finally:
            drill.road.bridge.stop()
            for name, seconds, told in drill.rows:
                first, *more = told.splitlines() or [""]
                print(f"{name:<62}{seconds:>7.1f} s  {first}")
                print("".join(f"{'':>6}{line}\n" for line in more), end="")
    print("\n".join(wrong) or "both sides agree, and have what was said last", flush=True)
    return 1 if wrong else 0


def _told(table: str) -> str:
    """The summary first, then the table."""
    *lines, summary = table.splitlines()
    return "\n".join([summary, *lines])
