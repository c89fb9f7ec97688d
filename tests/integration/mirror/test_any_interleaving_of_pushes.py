"""Pushes to Odoo between deliveries, crashes and replays, in any interleaving: one end.

The oracle knows two things: who the newest writer is, and which revision of an event counts.
"""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from bridge.errors import TransientError
from bridge.events.clock import clock_text
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import claims, outbox
from bridge.mirror.apply import apply_events
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from tests.integration.mirror.conftest import NOW, Mirror, engine_of

CONTACTS = ("MC-1", "MC-2", "MC-3")
NAMES = st.sampled_from(["Ana", "Eva", "Luz"])
STATES = st.sampled_from(["Nuevo", "Comienza Cotización", "Venta exitosa"])
BODIES = st.fixed_dictionaries({}, optional={"nombre_lead": NAMES, "ultimo_estado": STATES})
LATER = NOW + timedelta(days=30)


@dataclass
class Said:
    """What the oracle knows of one event: every revision that was committed."""

    contact: str
    occurred: Any
    received: Any
    bodies: dict[int, dict[str, str]] = field(default_factory=dict)

    @property
    def revision(self) -> int:
        return max(self.bodies)

    def clock(self, id: str) -> str:
        return clock_text(self.occurred, self.received, id, self.revision)

    @property
    def name(self) -> str | None:
        """A mended event that says no name keeps the one it said before."""
        given = [self.bodies[r]["nombre_lead"] for r in sorted(self.bodies)
                 if "nombre_lead" in self.bodies[r]]  # fmt: skip
        return given[-1] if given else None

    @property
    def state(self) -> str | None:
        return self.bodies[self.revision].get("ultimo_estado")


class AnyPushes(RuleBasedStateMachine):
    """One mirror, one Odoo that knows the highest revision it was sent of each event."""

    template: Path
    sent = Bundle("sent")

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="interleaving-"))
        shutil.copy(self.template, self.folder / "mirror.db")
        self.mirror = Mirror(Store(engine_of(f"sqlite:///{self.folder / 'mirror.db'}")))
        self.oracle: dict[str, Said] = {}
        self.odoo: dict[str, int] = {}
        self.count = 0

    def teardown(self) -> None:
        if hasattr(self, "mirror"):
            self.push_all()
            self.mirror.store.close()
            shutil.rmtree(self.folder)

    @rule(target=sent, contact=st.sampled_from(CONTACTS), minute=st.integers(0, 9), body=BODIES)
    def post(self, contact: str, minute: int, body: dict[str, str]) -> Envelope:
        self.count += 1
        occurred = NOW - timedelta(minutes=minute)
        payload = {"manychat_id": contact, "datetime_actual": occurred.isoformat(), **body}
        return Envelope(
            id=f"event-{self.count}", type=EventType.CONTACT, occurred_at=None, payload=payload,
            received_at=NOW + timedelta(minutes=self.count),
        )  # fmt: skip

    @rule(batch=st.lists(sent, min_size=1, max_size=5))
    def deliver(self, batch: list[Envelope]) -> None:
        """Once or again: the messages stay where they may be taken from."""
        self.apply(batch)
        for envelope in sorted(batch, key=lambda one: one.revision):
            self.note(envelope)

    @rule(batch=st.lists(sent, min_size=1, max_size=5))
    def crash_before_the_commit(self, batch: list[Envelope]) -> None:
        with pytest.raises(TransientError):
            self.apply(batch, crash=True)

    @rule(target=sent, envelope=consumes(sent), body=BODIES)
    def replay(self, envelope: Envelope, body: dict[str, str]) -> Any:
        """A rule was mended: the same event says something else, one revision up."""
        assert isinstance(envelope.payload, dict)
        kept = {key: envelope.payload[key] for key in ("manychat_id", "datetime_actual")}
        mended = Envelope(**{**vars(envelope), "payload": kept | body,
                             "revision": envelope.revision + 1})  # fmt: skip
        return multiple(envelope, mended)

    @rule(
        limit=st.integers(1, 4), answer=st.sampled_from(["updated", "rejected", "lost", "failed"])
    )
    def push(self, limit: int, answer: str) -> None:
        rows = self.claim(limit)
        for row in rows if answer in {"updated", "lost"} else []:
            self.odoo[row.event_id] = max(row.revision, self.odoo.get(row.event_id, 0))
        if answer == "lost" or not rows:
            return  # applied there, and nobody here knows
        self.record(rows, answer)

    @invariant()
    def the_mirror_is_what_the_oracle_says(self) -> None:
        if not hasattr(self, "mirror"):
            return
        picture = self.mirror.picture()
        assert {row["event_id"]: row["revision"] for row in picture["ledger"]} == {
            id: said.revision for id, said in self.oracle.items()
        }
        assert [(row["event_id"], row["state"]) for row in picture["states"]] == [
            (id, said.state)
            for id, said in sorted(self.oracle.items(), key=lambda pair: pair[1].clock(pair[0]))
            if said.state
        ]
        names = {row["manychat_id"]: row["first_name"] for row in picture["contacts"]}
        assert names == {contact: self.newest_name(contact) for contact in self.known()}
        self.check_statuses(picture)

    def check_statuses(self, picture: dict[str, Any]) -> None:
        """A contact's status is the worst of its unfinished rows; nothing done is unknown there."""
        worst: dict[str, str] = dict.fromkeys(self.known(), "success")
        for row in picture["outbox"]:
            said = self.oracle[row["event_id"]]
            assert row["revision"] == said.revision
            if row["status"] == "success":
                assert self.odoo[row["event_id"]] == said.revision
            elif row["status"] == "error" or worst[said.contact] == "success":
                worst[said.contact] = row["status"]
        statuses = {row["manychat_id"]: row["odoo_sync_status"] for row in picture["contacts"]}
        assert statuses == worst

    def push_all(self) -> None:
        """In the end Odoo has the last revision of every event, and everybody knows."""
        while rows := self.claim(100):
            for row in rows:
                self.odoo[row.event_id] = max(row.revision, self.odoo.get(row.event_id, 0))
            self.record(rows, "updated")
        assert self.odoo == {id: said.revision for id, said in self.oracle.items()}
        self.the_mirror_is_what_the_oracle_says()

    def apply(self, batch: list[Envelope], crash: bool = False) -> None:
        with self.mirror.store.transaction() as session:
            apply_events(session, [(read_event(one, Rules()), one) for one in batch], NOW)
            if crash:
                raise TransientError("crashed")

    def note(self, envelope: Envelope) -> None:
        assert isinstance(envelope.payload, dict)
        event = read_event(envelope, Rules())
        said = self.oracle.setdefault(
            envelope.id, Said(event.manychat_id, event.occurred_at, event.received_at)
        )
        if not said.bodies or envelope.revision > said.revision:
            said.bodies[envelope.revision] = envelope.payload

    def claim(self, limit: int) -> list[claims.OutboxRow]:
        with self.mirror.store.transaction() as session:
            rows = claims.claim(session, "lane", limit, LATER, 60)
            claims.release(session, "lane")
        return rows

    def record(self, rows: list[claims.OutboxRow], answer: str) -> None:
        with self.mirror.store.transaction() as session:
            if answer == "failed":
                outbox.record_failure(session, rows, "odoo_error", NOW, max_attempts=99)
                return
            plain = {"status": answer, "unmapped": False, "retryable": False, "lead_id": 7,
                     "stage": "x", "dates": {}, "message": None}  # fmt: skip
            answers = [plain | {"event_id": row.event_id} for row in rows]
            outbox.record_results(session, rows, answers, NOW, max_attempts=99)

    def known(self) -> set[str]:
        return {said.contact for said in self.oracle.values()}

    def newest_name(self, contact: str) -> str | None:
        writers = [(said.clock(id), said.name) for id, said in self.oracle.items()
                   if said.contact == contact and said.name]  # fmt: skip
        return max(writers)[1] if writers else None


@pytest.fixture(scope="module", autouse=True)
def _template(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("interleaving") / "template.db"
    engine = engine_of(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()
    AnyPushes.template = path


TestAnyPushes = AnyPushes.TestCase
TestAnyPushes.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
)
