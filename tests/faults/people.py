"""Salespeople at work in Odoo: each presses "save" again until Odoo says that it was done."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random

import requests

from devstack.errors import NotReady
from devstack.odoo_server import OdooServer
from devstack.people import Login
from tests.faults.readings import Refused, User
from tests.faults.story import Act
from tests.faults.values import MOVES

AGAIN = 0.3
TRIES = 400
GAP = 0.2
BULK = 6
"""So many leads are changed at once, now and then: a transaction that ends late."""
FORBIDDEN = ("AccessError", "AccessDenied", "MissingError", "ValueError")
"""What pressing "save" again does not mend. A ValidationError it may: of two who make one person
the salesperson of a lead at once, Odoo tells one that nobody can follow a record twice."""


@dataclass
class Deed:
    """What became of an act: its attempts' spans; each may have been done, the last one was."""

    act: Act
    attempts: list[tuple[datetime, datetime]] = field(default_factory=list)


class People:
    """Two of them, in threads of their own, from `start` to `stop`; a crowd on demand.

    Each has contacts of their own, since the salesperson may not see the manager's leads.
    """

    def __init__(self, odoo: OdooServer, contacts: Sequence[str], seed: int) -> None:
        self.deeds: list[Deed] = []
        self._odoo, self._seed = odoo, seed
        people = odoo.people
        self._work = [
            (people.salesperson, contacts[::2], [people.salesperson]),
            (people.manager, contacts[1::2], [people.salesperson, people.manager]),
        ]
        self._names = iter(range(10**6))
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []

    def start(self) -> None:
        self._spawn(copies=1, acts=None)

    def crowd(self, copies: int, acts: int) -> None:
        """Let `copies` of each, all at once, do `acts` things without a pause."""
        for thread in self._spawn(copies, acts):
            thread.join(240)

    def stop(self) -> None:
        """Let everyone finish what they are at. Raises what a person could not get past."""
        self._stop.set()
        for thread in self._threads:
            thread.join(240)
        if self._errors:
            raise self._errors[0]
        if any(thread.is_alive() for thread in self._threads):
            raise NotReady("somebody in Odoo could not finish their work")

    def _spawn(self, copies: int, acts: int | None) -> list[threading.Thread]:
        new = [
            threading.Thread(target=self._person, args=(*work, acts, copy), daemon=True)
            for work in self._work
            for copy in range(copies)
            if work[1]
        ]
        self._threads += new
        for thread in new:
            thread.start()
        return new

    def _person(
        self,
        login: Login,
        mine: Sequence[str],
        advisors: Sequence[Login],
        acts: int | None,
        copy: int,
    ) -> None:
        random = Random(f"{self._seed}-{login.login}-{copy}-{acts}")  # noqa: S311  (told again)
        worker = _Worker(User(self._odoo, login), self._stop)
        try:
            while not self._stop.is_set() and acts != 0:
                leads = worker.leads_of(random.sample(mine, min(len(mine), 2 * BULK)))
                many = min(len(leads), BULK if random.random() < 0.15 else 1)
                if many:
                    chosen = random.sample(sorted(leads), many)
                    deed = Deed(self._act(random, chosen, advisors))
                    self.deeds.append(deed)
                    worker.do(deed, [leads[contact] for contact in chosen])
                if acts is None or not leads:
                    self._stop.wait(random.uniform(0, 2 * GAP))
                else:
                    acts -= 1
        except BaseException as error:  # noqa: BLE001  (told to whoever waits)
            self._errors.append(error)

    def _act(self, random: Random, contacts: Sequence[str], advisors: Sequence[Login]) -> Act:
        with self._lock:
            number = next(self._names)
        chance = random.random()
        advisor = random.choice(advisors).login
        # both in one write: the archive's row would show the new stage until the next fold
        archives = random.random() < 0.15
        return Act(
            mark=f"Persona {self._seed} {number}",
            contacts=tuple(contacts),
            phone=f"+5191{self._seed % 100:02d}{number % 10**5:05d}" if chance < 0.3 else None,
            stage=random.choice(MOVES) if random.random() < 0.6 and not archives else None,
            active=random.choice((False, True)) if archives else None,
            commercial=advisor if 0.3 < chance < 0.5 else None,
            medical=advisor if 0.4 < chance < 0.6 else None,
        )


class _Worker:
    """One person's hands: looks leads up and writes to them, again and again if need be."""

    def __init__(self, user: User, stop: threading.Event) -> None:
        self._user, self._stop = user, stop
        self._ids: dict[str, dict[str, int]] = {}

    def leads_of(self, contacts: Sequence[str]) -> dict[str, int]:
        """Lead ids by contact, of those that have one; none while Odoo is away."""
        domain = [["manychat_id", "in", list(contacts)], ["active", "in", [True, False]]]
        try:
            rows = self._user.call("crm.lead", "search_read", domain, ["manychat_id"])
        except (requests.RequestException, Refused):
            self._stop.wait(AGAIN)
            return {}
        return {row["manychat_id"]: row["id"] for row in rows}

    def do(self, deed: Deed, leads: Sequence[int]) -> None:
        """Write until Odoo answers that it was written; `stop` does not end that."""
        for _ in range(TRIES):
            sent, done = datetime.now(UTC), False
            try:
                done = self._user.call("crm.lead", "write", list(leads), self._vals(deed.act))
            except Refused as error:
                if error.name.rpartition(".")[2] in FORBIDDEN:
                    raise
            except requests.RequestException:
                pass  # it may have been written, or not
            deed.attempts.append((sent, datetime.now(UTC)))
            if done:
                return
            threading.Event().wait(AGAIN)
        raise NotReady(f"{deed.act.mark} could not be written")

    def _vals(self, act: Act) -> dict[str, object]:
        vals: dict[str, object] = {"name": act.mark, "contact_name": act.mark}
        if act.phone:
            vals["phone"] = act.phone
        if act.active is not None:
            vals["active"] = act.active
        for name, value, model, key in (
            ("stage_id", act.stage, "crm.stage", "name"),
            ("user_id", act.commercial, "res.users", "login"),
            ("manychat_medical_id", act.medical, "res.users", "login"),
        ):
            if value:
                vals[name] = self._id_of(model, key, value)
        return vals

    def _id_of(self, model: str, key: str, value: str) -> int:
        known = self._ids.setdefault(model, {})
        if value not in known:
            [known[value]] = self._user.call(model, "search", [[key, "=", value]])
        return known[value]
