"""`make bench-import`: an export of 25,000 rows, killed at a third and resumed; rate and memory."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine, text

from benchmarks.export_file import Export, write_export
from devstack.errors import StackError
from devstack.places import CHECKOUT

ROWS = 25_000
_POLL_SECONDS = 0.1
_COUNTS = {
    "contacts": 'SELECT count(*) FROM "Contact"',
    "states": 'SELECT count(*) FROM "Contact_State"',
    "phones": 'SELECT count(phone) FROM "Contact"',
    "emails": 'SELECT count(email) FROM "Contact"',
    "districts": 'SELECT count(district) FROM "Address"',
    "names": "SELECT count(*) FROM \"Contact\" WHERE first_name LIKE 'Zoé %'",
    "doubles": 'SELECT count(*) - count(DISTINCT event_id) FROM "Ledger"',
    "not_waiting": """SELECT count(*) FROM "Ledger" l LEFT JOIN "Outbox" o
        ON o.event_id = l.event_id WHERE o.id IS NULL""",
}


@dataclass
class Place:
    """A mirror of its own, and the file that is imported into it."""

    folder: Path
    file: Path
    oracle: Export

    @property
    def url(self) -> str:
        return f"sqlite:///{self.folder / 'mirror.db'}"

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        env = {**os.environ, "API_KEY": "unused", "DATABASE_URL": self.url,
               "PYTHONPATH": str(CHECKOUT)}  # fmt: skip
        command = [sys.executable, "-m", "bridge", *words]
        return subprocess.Popen(command, cwd=self.folder, env=env)  # noqa: S603

    def number(self, statement: str) -> int:
        engine = create_engine(self.url)
        try:
            with engine.connect() as connection:
                return int(connection.execute(text(statement)).scalar() or 0)
        finally:
            engine.dispose()


def run(rows: int = ROWS) -> None:
    """Import, kill, resume and compare. Raises StackError if the end is not the oracle's."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        place = Place(folder, folder / "export.csv", write_export(folder / "export.csv", rows))
        place.start("db", "upgrade").wait(timeout=120)
        killed_at, first = _killed(place)
        started = time.monotonic()
        code = place.start("import", str(place.file)).wait(timeout=1800)
        second = time.monotonic() - started
        memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        wrong = _differences(place)
    left = place.oracle.rows - killed_at
    print(f"{place.oracle.rows} rows, {len(place.oracle.contacts)} contacts")
    print(f"killed after {first:.1f} s at row {killed_at}")
    print(f"resumed: {left} rows in {second:.1f} s, {left / second:.0f} rows/s, {memory:.0f} MB")
    if code or wrong:
        raise StackError(f"exit code {code}; " + ", ".join(wrong))
    print("end: as the oracle says")


def _killed(place: Place) -> tuple[int, float]:
    """Start the import and kill it once a third is in; the row it had noted, and after how long."""
    done = "SELECT cursor FROM \"Feed\" WHERE name LIKE 'file:%'"
    started = time.monotonic()
    process = place.start("import", str(place.file))
    while process.poll() is None and place.number(done) < place.oracle.rows / 3:
        time.sleep(_POLL_SECONDS)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    return place.number(done), time.monotonic() - started


def _differences(place: Place) -> list[str]:
    truths = place.oracle.contacts.values()
    wanted = {
        "contacts": len(truths),
        "states": sum(len(truth.states) for truth in truths),
        "phones": sum(truth.phone is not None for truth in truths),
        "emails": sum(truth.email is not None for truth in truths),
        "districts": sum(truth.district is not None for truth in truths),
        "names": len(truths),
        "doubles": 0,
        "not_waiting": 0,
    }
    found = {name: place.number(statement) for name, statement in _COUNTS.items()}
    return [f"{name} {found[name]} for {wanted[name]}" for name in wanted
            if found[name] != wanted[name]]  # fmt: skip
