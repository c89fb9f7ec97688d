"""Mirror and Odoo compared and mended, with an Odoo that says what a test wants it to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from bridge.errors import AwayError
from bridge.events.clock import clock_text, iso
from bridge.events.event import EventType
from bridge.mirror import erasing_odoo, erasures, filling, reconciliations
from bridge.mirror.base import Base
from bridge.mirror.contacts import is_persons
from bridge.mirror.delivery import Ledger, Outbox
from bridge.mirror.reconciliations import Kind
from bridge.mirror.standing import standing_of
from bridge.mirror.tables import (
    CampaignContact,
    Contact,
    ContactAssignment,
    ContactClock,
    ContactState,
)
from bridge.odoo.standing import Lead, Standing, State, Twin
from bridge.reconcile.mending import Mender
from bridge.reconcile.running import report_of, run
from bridge.reconcile.walking import ODOO, Position, Walk
from tests.integration.mirror.conftest import NOW, Mirror
from tests.integration.mirror.test_outbox import answer, claim, event_id, record

PERSON = clock_text(NOW + timedelta(days=1), NOW + timedelta(days=1), "person:2", 0)
LATER = clock_text(NOW + timedelta(hours=5), NOW + timedelta(hours=5), event_id("late"), 0)


@dataclass
class FakeOdoo:
    """Leads by ManyChat id; `then` is called after each look at them."""

    leads: dict[str, Lead] = field(default_factory=dict)
    twins: tuple[Twin, ...] = ()
    unread: frozenset[str] = frozenset()
    history: list[State] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    asked: list[datetime | None] = field(default_factory=list)
    then: Callable[[], object] = lambda: None
    erased: dict[str, str] = field(default_factory=dict)

    def standing(self, manychat_ids: Sequence[str], _cursor: str | None) -> Standing:
        known = {id: self.leads[id] for id in manychat_ids if id in self.leads}
        twins = tuple(twin for twin in self.twins if twin.manychat_id in manychat_ids)
        found = Standing(known, self.unread, twins, erased=self.erased)
        self.then()
        return found

    def lead_ids(self, after: int, limit: int, since: datetime | None) -> list[tuple[int, str]]:
        self.asked.append(since)
        rows = sorted((lead.lead_id, id) for id, lead in self.leads.items())
        return [row for row in rows if row[0] > after][:limit]

    def states(self, manychat_ids: Sequence[str]) -> list[State]:
        return [one for one in self.history if one.manychat_id in manychat_ids]

    def let_go(self, lead_ids: Sequence[int]) -> int:
        self.gone += lead_ids
        self.twins = tuple(twin for twin in self.twins if twin.lead_id not in lead_ids)
        return len(lead_ids)


def deliver(mirror: Mirror, name: str, manychat_id: str = "MC-1", **fields: Any) -> None:
    body = {"manychat_id": manychat_id, "datetime_actual": NOW.isoformat(), **fields}
    kind = EventType.ASSIGNMENT if "campaign_id" in fields else EventType.CONTACT
    mirror.deliver(mirror.envelope(kind, body, event_id(name)))


def send(mirror: Mirror) -> None:
    """Odoo takes whatever waits, and makes lead 7 of it."""
    rows = claim(mirror, now=NOW + timedelta(days=1))
    record(mirror, rows, *(answer(row) for row in rows))


def in_step(mirror: Mirror, odoo: FakeOdoo, *manychat_ids: str) -> None:
    """Let Odoo have of these contacts what the mirror has."""
    with mirror.store.reading() as session:
        for id, here in standing_of(session, manychat_ids).items():
            odoo.leads[id] = Lead(
                id, here.lead_id or 7, stage=here.stage, dates=here.dates, state=here.state,
                values=here.values,
            )  # fmt: skip


def forget(mirror: Mirror, *tables: type[Base]) -> None:
    with mirror.store.transaction() as session:
        for table in tables:
            session.execute(delete(table))


@pytest.fixture
def odoo(mirror: Mirror) -> FakeOdoo:
    """An Odoo that has what the mirror has: one contact in a campaign, with an advisor."""
    deliver(mirror, "a", nombre_lead="Eva", whatsapp="+51911111111", ultimo_estado="Nuevo")
    deliver(mirror, "b", campaign_id="Otoño", comercial_id="x@clinic.example", summary="Hola")
    send(mirror)
    odoo = FakeOdoo()
    in_step(mirror, odoo, "MC-1")
    return odoo


def reconcile(mirror: Mirror, odoo: FakeOdoo, fix: bool = False, **walk: Any) -> dict[str, int]:
    mender = Mender(mirror.store, odoo, "PE") if fix else None
    result, _ = run(mirror.store, Walk(mirror.store, odoo, **walk), mender)
    return dict(result.counts)


def contact(mirror: Mirror, manychat_id: str = "MC-1") -> dict[str, Any]:
    rows = mirror.rows('SELECT * FROM "Contact"')
    return next(row for row in rows if row["manychat_id"] == manychat_id)


def change(odoo: FakeOdoo, **fields: Any) -> None:
    odoo.leads["MC-1"] = replace(odoo.leads["MC-1"], **fields)


def type_in(odoo: FakeOdoo, key: str, value: Any, clock: str = PERSON) -> None:
    change(odoo, values={**odoo.leads["MC-1"].values, key: (value, clock)})


def test_what_is_alike_is_no_difference(mirror: Mirror, odoo: FakeOdoo) -> None:
    assert reconcile(mirror, odoo) == {}


def test_what_is_on_its_way_is_no_difference(mirror: Mirror, odoo: FakeOdoo) -> None:
    type_in(odoo, "phone", "922 222 222")
    odoo.unread = frozenset({"MC-1"})
    assert reconcile(mirror, odoo) == {}
    odoo.unread = frozenset()
    deliver(mirror, "c", whatsapp="+51933333333")
    assert reconcile(mirror, odoo) == {}


def test_a_contact_that_moves_while_it_is_looked_at_is_no_difference(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    change(odoo, stage="Venta exitosa")
    odoo.then = lambda: deliver(mirror, f"during {len(mirror.outbox())}", genero="F")
    result, _ = run(mirror.store, Walk(mirror.store, odoo))
    assert (result.counts, result.moving > 0) == ({}, True)


def test_a_missing_lead_is_sent_again_with_all_its_events(mirror: Mirror, odoo: FakeOdoo) -> None:
    del odoo.leads["MC-1"]
    before = mirror.picture()
    assert reconcile(mirror, odoo, fix=True) == {Kind.MISSING_IN_ODOO: 1}
    rows = [(row["revision"], row["body"]["revision"], row["status"]) for row in mirror.outbox()]
    assert rows == [(1, 1, "pending")] * 2
    send(mirror)
    after = mirror.picture()
    for name in ("contacts", "campaigns", "addresses"):
        assert after[name] == before[name]
    in_step(mirror, odoo, "MC-1")
    assert reconcile(mirror, odoo) == {}


def test_only_the_event_that_odoo_lacks_is_sent_again(mirror: Mirror, odoo: FakeOdoo) -> None:
    values = dict(odoo.leads["MC-1"].values)
    del values["summary"]
    change(odoo, values=values)
    assert reconcile(mirror, odoo, fix=True) == {Kind.OLDER_IN_ODOO: 1}
    pending = [row["event_id"] for row in mirror.outbox() if row["status"] == "pending"]
    assert pending == [event_id("b")]


def test_events_that_were_forgotten_are_put_together_from_their_facts(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    bodies = {row["event_id"]: row["body"]["values"] for row in mirror.outbox()}
    before = mirror.picture()
    forget(mirror, Outbox, Ledger)
    del odoo.leads["MC-1"]
    reconcile(mirror, odoo, fix=True)
    assert {row["event_id"]: row["body"]["values"] for row in mirror.outbox()} == bodies
    send(mirror)
    after = mirror.picture()
    assert after["contacts"] == before["contacts"]
    assert after["campaigns"] == before["campaigns"]


def test_what_a_person_typed_is_taken_with_its_clock(mirror: Mirror, odoo: FakeOdoo) -> None:
    type_in(odoo, "phone", "922 222 222")
    outbox = mirror.outbox()
    assert reconcile(mirror, odoo, fix=True) == {Kind.EDITED: 1}
    assert contact(mirror)["phone"] == "+51922222222"
    assert mirror.outbox() == outbox
    assert reconcile(mirror, odoo) == {}
    deliver(mirror, "older", whatsapp="+51933333333")
    assert contact(mirror)["phone"] == "+51922222222"


@pytest.mark.parametrize("whole", [False, True], ids=["older", "missing"])
def test_what_a_person_typed_goes_back_to_an_odoo_that_lost_it(
    mirror: Mirror, odoo: FakeOdoo, whole: bool
) -> None:
    restored = odoo.leads["MC-1"]
    type_in(odoo, "phone", "922 222 222")
    type_in(odoo, "salesperson", {"odoo_id": 4, "email": "luz@clinic.example", "name": "Luz"})
    reconcile(mirror, odoo, fix=True)
    odoo.leads = {} if whole else {"MC-1": restored}
    kind = Kind.MISSING_IN_ODOO if whole else Kind.OLDER_IN_ODOO
    assert reconcile(mirror, odoo, fix=True) == {kind: 1}
    said: dict[str, Any] = {}
    for row in mirror.outbox():
        if row["status"] == "pending":
            said |= row["body"]["values"]
    assert (said["phone"], said["commercial"]["email"]) == ("+51922222222", "luz@clinic.example")
    send(mirror)
    assert contact(mirror)["phone"] == "+51922222222"
    in_step(mirror, odoo, "MC-1")
    assert reconcile(mirror, odoo) == {}
    with mirror.store.reading() as session:
        clock = standing_of(session, ["MC-1"])["MC-1"].values["phone"][1]
    assert not is_persons(clock)


def test_where_the_lead_stands_is_taken(mirror: Mirror, odoo: FakeOdoo) -> None:
    change(odoo, stage="Venta exitosa", moved=PERSON, active=False)
    assert reconcile(mirror, odoo, fix=True) == {Kind.EDITED: 1}
    row = contact(mirror)
    assert (row["odoo_stage"], row["odoo_told"], bool(row["odoo_active"])) == (
        "Venta exitosa", 1, False,
    )  # fmt: skip
    [assigned] = mirror.rows('SELECT lead_state FROM "Campaign_Contact"')
    assert assigned["lead_state"] == "Venta exitosa"


def test_a_partner_that_is_gone_in_odoo_is_forgotten(mirror: Mirror, odoo: FakeOdoo) -> None:
    """In the contacts mode its next event makes another one."""
    with mirror.store.transaction() as session:
        session.execute(update(Contact).values(odoo_contact_id=9))
    assert reconcile(mirror, odoo, fix=True) == {Kind.OLDER_IN_MIRROR: 1}
    assert contact(mirror)["odoo_contact_id"] is None
    assert reconcile(mirror, odoo) == {}


def ask_for_partners(mirror: Mirror) -> None:
    """Let Odoo have made no partner for the contacts from before."""
    with mirror.store.transaction() as session:
        assert filling.fill_some(session, NOW) == 1
    send(mirror)


def test_a_contact_without_the_partner_that_it_should_have_sends_its_newest_event_again(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    wanted = {"every_contact": True}
    ask_for_partners(mirror)
    assert reconcile(mirror, odoo, fix=True, **wanted) == {Kind.MISSING_IN_ODOO: 1}
    [row] = claim(mirror, now=NOW + timedelta(days=1))
    assert (row.event_id, row.revision) == (event_id("a"), 1)
    assert reconcile(mirror, odoo, **wanted) == {}  # it is on its way
    record(mirror, [row], answer(row) | {"partner_id": 9})
    in_step(mirror, odoo, "MC-1")
    change(odoo, partner_id=9)
    assert reconcile(mirror, odoo, **wanted) == {}


def test_a_contact_from_before_its_mode_is_on_its_way_until_it_was_asked_for(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    assert reconcile(mirror, odoo, every_contact=True) == {}
    ask_for_partners(mirror)
    assert reconcile(mirror, odoo, every_contact=True) == {Kind.MISSING_IN_ODOO: 1}


def test_a_partner_that_is_gone_where_every_contact_has_one_is_asked_for_at_once(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    with mirror.store.transaction() as session:
        session.execute(update(Contact).values(odoo_contact_id=9))
    assert reconcile(mirror, odoo, fix=True, every_contact=True) == {Kind.MISSING_IN_ODOO: 1}
    [row] = claim(mirror, now=NOW + timedelta(days=1))
    assert row.revision == 1


def test_a_partner_of_whom_the_mirror_did_not_hear_is_taken(mirror: Mirror, odoo: FakeOdoo) -> None:
    ask_for_partners(mirror)
    change(odoo, partner_id=9)
    found = reconcile(mirror, odoo, fix=True, every_contact=True)
    assert found == {Kind.OLDER_IN_MIRROR: 1}
    assert contact(mirror)["odoo_contact_id"] == 9


def test_an_advisor_that_a_person_chose_is_taken(mirror: Mirror, odoo: FakeOdoo) -> None:
    type_in(odoo, "salesperson", {"odoo_id": 4, "email": "luz@clinic.example", "name": "Luz"})
    assert reconcile(mirror, odoo, fix=True) == {Kind.EDITED: 1}
    [row] = mirror.rows('SELECT commercial_advisor_ref FROM "Campaign_Contact"')
    assert row["commercial_advisor_ref"] == "luz@clinic.example"
    assert reconcile(mirror, odoo) == {}


def test_states_that_a_restored_mirror_lacks_are_taken(mirror: Mirror, odoo: FakeOdoo) -> None:
    change(odoo, state=("Comienza Cotización", LATER))
    odoo.history = [State("MC-1", "Comienza Cotización", "B", LATER)]
    assert reconcile(mirror, odoo, fix=True) == {Kind.OLDER_IN_MIRROR: 1}
    assert mirror.picture()["states"][-1]["state"] == "Comienza Cotización"
    assert reconcile(mirror, odoo) == {}
    # the event itself, replayed later, finds its own place
    body = {"manychat_id": "MC-1", "ultimo_estado": "Comienza Cotización"}
    mirror.deliver(mirror.envelope(EventType.CONTACT, body, event_id("late"), at=300))


def test_a_contact_that_the_mirror_lacks_is_made_of_its_lead(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    before = mirror.picture()
    state, clock = odoo.leads["MC-1"].state or ("", "")
    odoo.history = [State("MC-1", state, None, clock)]
    values = dict(odoo.leads["MC-1"].values)
    values["campaign"] = ({"id": 1, "name": "Otoño"}, values["campaign"][1])
    values["commercial"] = ({"email": "x@clinic.example"}, values["commercial"][1])
    change(odoo, values=values)
    forget(mirror, ContactClock, ContactState, ContactAssignment, CampaignContact, Outbox, Ledger,
           Contact)  # fmt: skip
    assert reconcile(mirror, odoo, fix=True) == {Kind.MISSING_IN_MIRROR: 1}
    after = mirror.picture()
    assert after["contacts"] == before["contacts"]
    assert after["clocks"] == before["clocks"]
    for name in ("campaign", "commercial_advisor_ref", "summary", "last_state"):
        assert after["campaigns"][0][name] == before["campaigns"][0][name]
    assert reconcile(mirror, odoo) == {}


def test_an_erased_person_is_erased_again_and_never_brought_back(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    with mirror.store.transaction() as session:
        erasures.erase(session, "MC-1", NOW)
    assert reconcile(mirror, odoo) == {}  # Odoo has still to do it
    with mirror.store.transaction() as session:
        [owed] = erasing_odoo.due(session, NOW + timedelta(days=3), 1)
        erasing_odoo.record_done(session, owed, NOW)
    assert reconcile(mirror, odoo, fix=True) == {Kind.MISSING_IN_MIRROR: 1}
    assert mirror.rows('SELECT * FROM "Contact"') == []
    [stone] = mirror.rows('SELECT * FROM "Erasure"')
    assert stone["next_attempt_at"] is not None


def test_an_erased_person_who_is_back_in_a_restored_mirror_is_erased_again(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    odoo.leads = {}
    odoo.erased = {"MC-1": iso(NOW + timedelta(hours=9))}
    assert reconcile(mirror, odoo, fix=True) == {Kind.MISSING_IN_ODOO: 1}
    assert mirror.rows('SELECT * FROM "Contact"') == []
    assert reconcile(mirror, odoo) == {}


def test_who_wrote_again_after_being_erased_is_no_erased_person(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    odoo.leads = {}
    odoo.erased = {"MC-1": iso(NOW - timedelta(hours=9))}
    assert reconcile(mirror, odoo, fix=True) == {Kind.MISSING_IN_ODOO: 1}
    assert {row["status"] for row in mirror.outbox()} == {"pending"}


def test_a_twin_is_let_go_and_another_companys_is_left(mirror: Mirror, odoo: FakeOdoo) -> None:
    odoo.twins = (Twin("MC-1", 8, False), Twin("MC-1", 9, True))
    result, tally = run(
        mirror.store, Walk(mirror.store, odoo), Mender(mirror.store, odoo, "PE")
    )  # fmt: skip
    assert (odoo.gone, dict(result.counts), result.left) == ([8], {Kind.DUPLICATE: 2}, 1)
    assert tally.left == 1


def test_a_contact_that_moved_since_is_left_for_the_next_time(
    mirror: Mirror, odoo: FakeOdoo
) -> None:
    type_in(odoo, "phone", "922 222 222")
    found, _ = Walk(mirror.store, odoo).page(Position())
    deliver(mirror, "c", genero="F")
    left = Mender(mirror.store, odoo, "PE").mend(found)
    assert [one.what for one in left] == ["phone"]
    assert contact(mirror)["phone"] == "+51911111111"


def test_since_looks_at_what_was_heard_of(mirror: Mirror, odoo: FakeOdoo) -> None:
    type_in(odoo, "phone", "922 222 222")
    assert reconcile(mirror, odoo, since=NOW - timedelta(hours=1)) == {Kind.EDITED: 1}
    assert set(odoo.asked) == {NOW - timedelta(hours=1)}
    odoo.leads = {}
    assert reconcile(mirror, odoo, since=NOW + timedelta(hours=1)) == {}


def test_an_odoo_that_is_away_ends_it(mirror: Mirror, odoo: FakeOdoo) -> None:
    def away() -> None:
        raise AwayError("odoo_unreachable")

    odoo.then = away
    with pytest.raises(AwayError):
        reconcile(mirror, odoo)


def test_the_result_is_kept_and_told(mirror: Mirror, odoo: FakeOdoo) -> None:
    odoo.twins = (Twin("MC-1", 8, False),)
    reconcile(mirror, odoo)
    with mirror.store.transaction() as session:
        last, untold = reconciliations.last(session), reconciliations.untold(session)
        assert last == untold
        assert last is not None
        assert report_of(last)["duplicate"] == 1
        assert (last.as_dict()["differences"], last.left, last.open["duplicate"]) == (1, 1, 1)
        reconciliations.mark_told(session, last.id)
        assert reconciliations.untold(session) is None


def test_old_results_are_forgotten(mirror: Mirror) -> None:
    for _ in range(reconciliations.KEEP + 3):
        with mirror.store.transaction() as session:
            reconciliations.note_begun(session, ODOO, NOW)
    assert len(mirror.rows('SELECT id FROM "Reconciliation"')) == reconciliations.KEEP
