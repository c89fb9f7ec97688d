"""`make bench-reconcile`: differences planted among many contacts, found and mended."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from psycopg import sql

from benchmarks.mirror_fill import fill_mirror
from benchmarks.odoo_fill import fill
from benchmarks.planting import CLASSES, Planter
from benchmarks.road import Road
from benchmarks.webhooks import Post
from devstack import odoo_sources, progress
from devstack.errors import NotReady, StackError
from devstack.odoo_server import OdooServer
from devstack.places import CHECKOUT
from devstack.stack import Stack

CONTACTS, EACH = 100_000, 500
ONE = "reconcile-model"
FILLED = "filled-"
"""How the ids of the copies begin."""
_DRAIN_SECONDS = 900


@dataclass
class Run:
    """One `reconcile`: what it found by class (contacts), how long and how big it was."""

    code: int
    seconds: float
    megabytes: float
    found: dict[str, set[str]] = field(default_factory=dict)

    @property
    def line(self) -> str:
        counts = ", ".join(f"{name} {len(ids)}" for name, ids in sorted(self.found.items()))
        return f"{counts or 'no difference'}; {self.seconds:.1f} s, {self.megabytes:.0f} MB"

    def of(self, prefix: str) -> Run:
        """What was found of contacts whose ids begin so."""
        own = {name: {id for id in ids if id.startswith(prefix)}
               for name, ids in self.found.items()}  # fmt: skip
        return replace(self, found={name: ids for name, ids in own.items() if ids})


def bench(series: str | None, contacts: int = CONTACTS, each: int = EACH) -> None:
    """Fill, plant, find, mend, look again. Raises StackError if anything was missed or made up."""
    with Stack(odoo_sources.choose(series), name="bench-reconcile") as stack:
        wrong = measured(stack, contacts, each)
    if wrong:
        raise StackError("; ".join(wrong))
    print("found: what was planted, and nothing else; after --fix: nothing")


def measured(stack: Stack, contacts: int, each: int, odoo: OdooServer | None = None) -> list[str]:
    """What went otherwise than it should, over all steps.

    In an `odoo` that serves others too, what is found of their contacts does not count.
    """
    own = odoo is None
    odoo = odoo or stack.another_odoo("reconcile")
    odoo.start()
    road = Road(stack, odoo, "reconcile")
    try:
        road.start()
        filled = _filled(stack, road, contacts)
        return list(_steps(stack, road, filled, each, "" if own else FILLED))
    finally:
        road.stop()
        if own:
            odoo.stop()


def _steps(stack: Stack, road: Road, filled: list[str], each: int, prefix: str) -> Iterator[str]:
    def expect(step: str, run: Run, planted: dict[str, set[str]]) -> Iterator[str]:
        return _expect(step, run.of(prefix), planted)

    yield from expect("before", _reconcile(road), {})
    planter = Planter(stack.postgres, road.database, road.odoo.db)
    with progress.step(f"planting {each} of each of {len(CLASSES)} classes"):
        planted = planter.plant(filled, each)
    yield from expect("planted", _reconcile(road), planted)
    yield from expect("mended", _reconcile(road, "--fix"), planted)
    _wait_until_sent(road)
    yield from expect("afterwards", _reconcile(road), {})


def _expect(step: str, run: Run, planted: dict[str, set[str]]) -> Iterator[str]:
    progress.say(f"{step}: {run.line}")
    for name in sorted({*planted, *run.found}):
        wanted, found = planted.get(name, set()), run.found.get(name, set())
        if wanted != found:
            yield (f"{step}: {name}: missed {len(wanted - found)} {sorted(wanted - found)[:3]}, "
                   f"made up {len(found - wanted)} {sorted(found - wanted)[:3]}")  # fmt: skip


def _filled(stack: Stack, road: Road, contacts: int) -> list[str]:
    """One contact through the whole road, and its copies on both sides."""
    road.drain(_model())
    road.freeze()
    rows = road.rows(
        'SELECT event_id FROM "Ledger" l JOIN "Contact" c ON c.id = l.contact_id'
        " WHERE manychat_id = %s", ONE,
    )  # fmt: skip
    ids = [str(id) for (id,) in rows]
    with progress.step(f"filling in {contacts} contacts"):
        fill(stack.postgres, road.odoo.db, ONE, contacts, ids)
        fill_mirror(stack.postgres, road.database, ONE, contacts, ids)
        _agree(stack, road)
    road.thaw()
    return [f"{FILLED}{number}" for number in range(2, contacts + 1)]


def _agree(stack: Stack, road: Road) -> None:
    """The first copy of Odoo's has no twin in the mirror; leads are where the mirror says."""
    delete = sql.SQL("DELETE FROM crm_lead WHERE manychat_id = 'filled-1'")
    stack.postgres.execute(delete, database=road.odoo.db)
    find = sql.SQL("SELECT id FROM crm_lead WHERE manychat_id = 'filled-2'")
    [(second,)] = stack.postgres.execute(find, database=road.odoo.db)
    road.rows(
        'UPDATE "Contact" SET odoo_lead_id = %s + substr(manychat_id, 8)::int'
        " WHERE manychat_id LIKE 'filled-%%'", second - 2,
    )  # fmt: skip


def _model() -> list[Post]:
    """What a contact says in a conversation: every kind of value, two states, a campaign."""
    now = datetime.now(UTC) - timedelta(minutes=10)
    body = {"manychat_id": ONE}
    return [
        ("contact", body | {
            "datetime_actual": now.isoformat(), "nombre_lead": "Ana", "apellido_lead": "Ruiz",
            "whatsapp": "+51987654321", "email_lead": "ana@clinic.example",
            "canal_entrada": "Instagram", "ultimo_estado": "Recién Suscrito (Sin Asignar)",
            "genero": "F"}),
        ("campaign-assignment", body | {
            "datetime_actual": (now + timedelta(minutes=1)).isoformat(),
            "campaign_id": "Otoño", "comercial_id": "advisor@clinic.example",
            "summary": "Pidió precio"}),
        ("address", body | {"district": "Surco", "city": "Lima"}),
        ("stage-change", body | {
            "datetime_actual": (now + timedelta(minutes=5)).isoformat(),
            "stage_manychat": "Comienza Cotización"}),
    ]  # fmt: skip


def _reconcile(road: Road, *words: str) -> Run:
    """The command as a person types it, in a process of its own; what its CSV says."""
    file = Path(road.bridge.env["PORT"] + "-differences.csv")
    path = CHECKOUT / ".devstack" / file
    command = [sys.executable, "-m", "bridge", "reconcile", "--csv", str(path), *words]
    env = {**os.environ, **road.bridge.env, "LOG_LEVEL": "WARNING", "PYTHONPATH": str(CHECKOUT)}
    began = time.monotonic()
    process = subprocess.Popen(command, cwd=path.parent, env=env)  # noqa: S603
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    found: dict[str, set[str]] = {}
    with path.open(encoding="utf-8-sig", newline="") as rows:
        for row in csv.DictReader(rows):
            found.setdefault(row["class"], set()).add(row["manychat_id"])
    path.unlink()
    return Run(process.returncode, seconds, usage.ru_maxrss / 1024, found)


def _wait_until_sent(road: Road) -> None:
    deadline = time.monotonic() + _DRAIN_SECONDS
    with progress.step("the crm worker sends what was pushed again"):
        while road.rows('SELECT 1 FROM "Outbox" WHERE next_attempt_at IS NOT NULL LIMIT 1'):
            if time.monotonic() > deadline:
                raise NotReady("the outbox is not empty")
            time.sleep(0.5)
