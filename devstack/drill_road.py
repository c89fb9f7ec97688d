"""The road of a disaster drill: traffic with a known end, and how both sides stand against it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, LiteralString

import requests
from psycopg import sql

from devstack.bridge_processes import Bridge
from devstack.errors import NotReady, StackError
from devstack.stack import Stack

MIRROR = "drill-mirror"
STATES = (
    "Recién Suscrito (Sin Asignar)",
    "Comienza Atención Comercial",
    "Comienza Asesoría Médica",
    "Comienza Cotización",
)
SETTLE_SECONDS = 300
SENDERS = 4
_SUMMARY = re.compile(r"(\d+) contacts compared; (\d+) differences")


@dataclass
class Person:
    """What a contact said last, and what a salesperson typed: how both sides must end."""

    phone: str
    step: int = 0

    @property
    def state(self) -> str:
        return STATES[self.step]


@dataclass(frozen=True)
class Compared:
    """What `reconcile` printed."""

    checked: int
    differences: int
    table: str = field(repr=False)


class DrillRoad:
    """Bridge and Odoo of a stack over a mirror in its PostgreSQL."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.odoo = stack.odoo
        self.people: dict[str, Person] = {}
        self._base = datetime.now(UTC) - timedelta(days=10)
        self._minutes = 0
        settings = {
            "DATABASE_URL": stack.postgres.createdb(MIRROR),
            "AZURE_STORAGE_CONNECTION_STRING": stack.azurite.connection_string,
            "ODOO_URL": self.odoo.url,
            "ODOO_DB": self.odoo.db,
            "ODOO_USERNAME": self.odoo.bridge_login,
            "ODOO_PASSWORD": self.odoo.bridge_key,
            "SYNC_INTERVAL": "1",
            "RECONCILE_HOURS": "0",
        }
        self.bridge = Bridge(stack.folder / "drill", stack.logs, settings)

    def arrive(self, count: int) -> list[str]:
        """So many new contacts write; the ids of their events."""
        bodies = []
        for number in range(len(self.people) + 1, len(self.people) + count + 1):
            person = Person(f"+51987{number:06}")
            self.people[f"drill-{number}"] = person
            bodies.append(("contact", self._body(f"drill-{number}") | {
                "nombre_lead": f"Persona {number}", "whatsapp": person.phone,
                "ultimo_estado": person.state}))  # fmt: skip
        return self._post(bodies)

    def move(self, names: Sequence[str]) -> list[str]:
        """These contacts go one state on; the ids of their events."""
        for name in names:
            self.people[name].step += 1
        return self.say_again(names)

    def say_again(self, names: Sequence[str]) -> list[str]:
        """These contacts' last state, posted (once more); the ids of the events."""
        return self._post([
            ("stage-change", self._body(name) | {"stage_manychat": self.people[name].state})
            for name in names
        ])  # fmt: skip

    def type_phones(self, names: Sequence[str]) -> None:
        """A salesperson types another phone into these leads; waits until the mirror has heard."""
        found = self.leads()
        for name in names:
            self.people[name].phone = phone = self.people[name].phone.replace("+51987", "+51955")
            self._odoo("crm.lead", "write", [found[name][0]], {"phone": phone})
        self.wait(lambda: all(
            phone == self.people[name].phone
            for name, (_, phone, *_) in self.contacts().items() if name in names
        ), "the change feed")  # fmt: skip

    def settle(self, event_ids: Sequence[str] = ()) -> None:
        """Wait until these events are in the mirror and nothing waits for Odoo."""
        known = 'SELECT count(*) FROM "Ledger" WHERE event_id = ANY(%s)'
        waiting = 'SELECT count(*) FROM "Outbox" WHERE next_attempt_at IS NOT NULL'
        owed = 'SELECT count(*) FROM "Erasure" WHERE next_attempt_at IS NOT NULL'
        self.wait(lambda: (
            self.mirror(known, list(event_ids))[0][0] == len(set(event_ids))
            and not self.mirror(waiting)[0][0] and not self.mirror(owed)[0][0]
        ), "the workers")  # fmt: skip

    def wait(self, done: Callable[[], bool], what: str) -> None:
        """Poll until it is done. Raises NotReady with the logs when time is up."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not done():
            self.bridge.check()
            if time.monotonic() > deadline:
                raise NotReady(f"waiting for {what}\n{self.bridge.log_tails()}")
            time.sleep(1)

    def reconcile(self, *words: str) -> Compared:
        """The command as the person on call types it."""
        run = self.command("reconcile", *words)
        found = _SUMMARY.search(run.stdout)
        if found is None:
            raise StackError(f"reconcile failed\n{run.stdout}{run.stderr}")
        return Compared(int(found[1]), int(found[2]), run.stdout.strip())

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python -m bridge WORDS` beside the running bridge."""
        env = {**self.bridge.environment(), "LOG_LEVEL": "WARNING", "COLUMNS": "120"}
        return subprocess.run(
            [sys.executable, "-m", "bridge", *words],
            cwd=self.stack.folder, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def accepted(self) -> set[str]:
        """The ids of every event that the API's log says it accepted."""
        lines = (self.stack.logs / "api.log").read_text(errors="replace").splitlines()
        entries = [json.loads(line) for line in lines if '"event_accepted"' in line]
        return {entry["event_id"] for entry in entries}

    def wrong(self) -> list[str]:
        """What is not as the traffic left it, on either side."""
        here, there = self.contacts(), self.leads()
        found = []
        for name, person in self.people.items():
            wanted = (person.phone, person.state)
            for side, rows in (("mirror", here), ("Odoo", there)):
                has = rows.get(name)
                if has is None or has[1:3] != wanted:
                    found.append(f"{side}: {name} has {has and has[1:3]} instead of {wanted}")
        for side, rows in (("mirror", here), ("Odoo", there)):
            found += [f"{side}: {name} should not be there" for name in rows.keys() - self.people]
        return found

    def contacts(self) -> dict[str, tuple[int, str, str]]:
        """Id, phone and last state of the mirror's contacts, by ManyChat id."""
        rows = self.mirror(
            'SELECT c.manychat_id, c.id, c.phone, (SELECT s.state FROM "Contact_State" s'
            ' WHERE s.contact_id = c.id ORDER BY s.clock COLLATE "C" DESC LIMIT 1) FROM "Contact" c'
        )
        return {name: (id, phone, state) for name, id, phone, state in rows}

    def leads(self) -> dict[str, tuple[int, str, str]]:
        """The same of Odoo's leads."""
        query = "SELECT manychat_id, id, phone, manychat_state FROM crm_lead WHERE manychat_id > ''"
        rows = self.stack.postgres.execute(sql.SQL(query), database=self.odoo.db)
        return {
            name: (id, (phone or "").replace(" ", ""), state) for name, id, phone, state in rows
        }

    def mirror(self, statement: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the mirror."""
        return self.stack.postgres.execute(sql.SQL(statement), values, MIRROR)

    def _body(self, name: str) -> dict[str, Any]:
        self._minutes += 1
        when = self._base + timedelta(minutes=self._minutes)
        return {"manychat_id": name, "datetime_actual": when.isoformat()}

    def _post(self, posts: Sequence[tuple[str, dict[str, Any]]]) -> list[str]:
        def post(given: tuple[str, dict[str, Any]]) -> str:
            kind, body = given
            answer = requests.post(
                f"{self.bridge.api_url}/api/v1/manychat/webhook/{kind}", json=body, timeout=20,
                headers={"X-API-KEY": self.bridge.webhook_api_key},
            )  # fmt: skip
            if answer.status_code != 202:
                raise StackError(f"{kind}: {answer.status_code} {answer.text}")
            return str(answer.json()["event_id"])

        with ThreadPoolExecutor(SENDERS) as pool:
            return list(pool.map(post, posts))

    def _odoo(self, model: str, method: str, *arguments: Any) -> Any:
        db, password = self.odoo.db, self.odoo.admin_password
        return self._call("object", "execute_kw", db, self._uid, password, model, method, arguments)

    @cached_property
    def _uid(self) -> int:
        odoo = self.odoo
        who = (odoo.db, odoo.admin_login, odoo.admin_password)
        return int(self._call("common", "authenticate", *who, {}))

    def _call(self, service: str, method: str, *arguments: Any) -> Any:
        params = {"service": service, "method": method, "args": arguments}
        body = {"jsonrpc": "2.0", "method": "call", "params": params}
        answer = requests.post(f"{self.odoo.url}/jsonrpc", json=body, timeout=60).json()
        if "error" in answer:
            raise StackError(answer["error"]["data"]["message"])
        return answer["result"]
