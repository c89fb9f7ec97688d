"""`db adopt` on a predecessor's database with every defect: nothing is lost, nothing done twice."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from alembic.operations.ops import CreateIndexOp
from sqlalchemy import (
    Connection,
    Engine,
    MetaData,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.orm import Session

from bridge.errors import PermanentError, TransientError
from bridge.events.event import EventType
from bridge.mirror import schema
from bridge.mirror.adopt import contacts, ddl
from bridge.mirror.adopt.plan import check_is_not_the_predecessors, look
from bridge.mirror.adopt.run import Adopter, Report
from bridge.mirror.assignments import refold
from bridge.mirror.store import Store
from devstack import predecessor
from devstack.predecessor import FUNNEL, build
from tests.integration.mirror.conftest import BACKENDS, NOW, Mirror, engine_of

PEOPLE = 300
LIMA = ZoneInfo("America/Lima")
DONE_AT = datetime(2026, 1, 1, tzinfo=UTC)


def drop_all(engine: Engine) -> None:
    everything = MetaData()
    everything.reflect(engine)
    everything.drop_all(engine)


@pytest.fixture(params=BACKENDS)
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database, left empty."""
    backend = request.param
    if backend == "sqlite":
        url = f"sqlite:///{tmp_path / 'old.db'}"
    elif backend == "postgresql":
        url = request.getfixturevalue("parts").postgres.createdb("adopt-test")
    else:
        url = os.environ["TEST_DATABASE_URL"]
    made = engine_of(url)
    drop_all(made)
    yield made
    drop_all(made)
    if backend == "given":
        schema.upgrade(made)
    made.dispose()


def fill(engine: Engine, people: int = PEOPLE) -> dict[str, int]:
    """The predecessor's tables, written as it did: without the bridge's engine."""
    plain = create_engine(make_url(engine.url))
    counts = build(plain, people, keys=engine.dialect.name == "sqlite")
    plain.dispose()
    return counts


def adopter(engine: Engine, store: Store | None = None) -> Adopter:
    return Adopter(store or Store(engine), LIMA, lambda: DONE_AT, lambda _line: None)


def rows(engine: Engine, statement: str, **values: Any) -> list[dict[str, Any]]:
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(text(statement), values).mappings()]


def everything(engine: Engine) -> dict[str, list[str]]:
    """Every row of every table, without the surrogate ids of rows that the bridge added."""
    found = {}
    for name in inspect(engine).get_table_names():
        with engine.connect() as connection:
            read = connection.execute(select(text("*")).select_from(table(name))).mappings()
            there = [dict(row) for row in read]
        if name in {"Quarantine", "Contact_Assignment"}:
            there = [{k: v for k, v in row.items() if k != "id"} for row in there]
        if name == "Contact_State":
            there = [row | {"id": row.get("event_id")} for row in there]
        found[name] = sorted(repr(row) for row in there)
    return found


def test_counts_add_up_and_the_schema_is_the_models(engine: Engine) -> None:
    before = fill(engine, 1000)  # the 997th has no usable id
    report = adopter(engine).run()
    assert report.before == before
    assert report.adds_up
    assert {why for reasons in report.moved.values() for why in reasons} == {
        "orphan", "of_no_manychat_id", "no_manychat_id", "no_state", "older_address",
        "same_manychat_id", "junk_channel", "same_channel", "duplicate", "without_campaign",
    }  # fmt: skip
    moved = sum(number for reasons in report.moved.values() for number in reasons.values())
    assert rows(engine, 'SELECT count(*) AS n FROM "Quarantine" WHERE moved')[0]["n"] == moved
    assert schema.is_current(engine)
    with engine.connect() as connection:
        assert ddl.missing(connection) == []


def test_a_second_run_changes_nothing(engine: Engine) -> None:
    fill(engine, 120)
    adopter(engine).run()
    after = everything(engine)
    with pytest.raises(PermanentError) as raised:
        adopter(engine).run()
    assert raised.value.code == "nothing_to_adopt"
    assert everything(engine) == after


def test_the_plan_writes_nothing_and_counts_what_the_run_moves(engine: Engine) -> None:
    fill(engine)
    before = everything(engine)
    with Store(engine).transaction() as session:
        plan = look(session)
        with pytest.raises(PermanentError) as raised:
            check_is_not_the_predecessors(session)
    assert raised.value.code == "adopt_first"
    assert everything(engine) == before
    report = adopter(engine).run()
    planned = {key: number for key, number in plan.misfits.items() if number}
    told = {(table, why): number for table, reasons in report.moved.items()
            for why, number in reasons.items()}  # fmt: skip
    # what becomes part of another row is known only when the contact is folded
    folding = {"duplicate", "without_campaign"}
    assert {key: n for key, n in told.items() if key[1] not in folding} == planned | {
        # the addresses of people who were there twice
        ("Address", "older_address"): told["Address", "older_address"]
    }
    assert any("Contact: new column manychat_digest" in line for line in plan.lines("x"))


def utc(naive: Any) -> str:
    moment = datetime.fromisoformat(str(naive)).replace(tzinfo=LIMA).astimezone(UTC)
    return str(moment.replace(tzinfo=None, microsecond=0))


def test_dates_become_utc_and_are_told_whole(engine: Engine) -> None:
    fill(engine, 60)
    old = rows(engine, 'SELECT id, subscription_date, entry_date FROM "Contact" ORDER BY id')
    adopter(engine).run()
    for row in rows(engine, 'SELECT id, subscription_date, entry_date FROM "Contact" ORDER BY id'):
        was = old[row["id"] - 1]
        for name in ("subscription_date", "entry_date"):
            if was[name]:
                assert str(row[name])[:19] == utc(was[name])
    [campaign] = rows(engine, 'SELECT date_start, name FROM "Campaign" WHERE id = 7')
    assert (str(campaign["date_start"])[:19], campaign["name"]) == ("2025-03-03 13:00:00", "7")


KEPT = """SELECT cc.*, c.manychat_id FROM "Campaign_Contact" cc
    JOIN "Contact" c ON c.id = cc.contact_id ORDER BY cc.id"""


def test_every_campaign_row_says_what_it_said(engine: Engine) -> None:
    fill(engine)
    old = {row["id"]: row for row in rows(engine, KEPT)}
    adopter(engine).run()
    # rows that no double of the contact or the campaign was folded into
    owners = Counter(row["manychat_id"].strip() for row in old.values())
    alone = [row for row in rows(engine, KEPT) if owners[row["manychat_id"]] == 1]
    assert len(alone) > PEOPLE / 3
    for row in alone:
        assert_says(row, old[row["id"]])


def assert_says(row: dict[str, Any], was: dict[str, Any]) -> None:
    for name in ("last_state", "lead_state", "summary"):
        if was[name]:
            assert row[name] == was[name], name
    for name in ("registration_date", *FUNNEL):
        if was[name]:
            assert str(row[name])[:19] == utc(was[name]), name
    if was["commercial_advisor_id"] == 700:  # nobody the mirror knows
        assert (row["commercial_advisor_id"], row["commercial_advisor_ref"]) == (None, "700")
    else:
        assert row["commercial_advisor_id"] == was["commercial_advisor_id"]
    assert row["medical_advisor_id"] == was["medical_advisor_id"]
    if was["campaign_id"]:
        assert row["campaign_id"] == was["campaign_id"]


def test_an_unknown_campaign_becomes_an_unconfirmed_one(engine: Engine) -> None:
    fill(engine, 150)
    adopter(engine).run()
    [made] = rows(engine, "SELECT id, name FROM \"Campaign\" WHERE status = 'unconfirmed' "
                  "AND id > 20")  # fmt: skip
    assert made["name"] == "85"
    in_it = 'SELECT contact_id FROM "Campaign_Contact" WHERE campaign_id = :id ORDER BY id'
    assert [row["contact_id"] for row in rows(engine, in_it, id=made["id"])] == [71, 142]


def test_contacts_of_junk_channels_go_to_the_channel_that_was_meant(engine: Engine) -> None:
    fill(engine, 400)
    adopter(engine).run()
    names = {row["id"]: row["name"] for row in rows(engine, 'SELECT id, name FROM "Channel"')}
    assert sorted(names.values()) == ["Boca a boca", "Facebook", "Instagram", "WhatsApp"]
    found = {row["id"]: row["channel_id"]
             for row in rows(engine, 'SELECT id, channel_id FROM "Contact"')}  # fmt: skip
    assert found[4] is None  # {{cuf_…}}
    assert names[found[5]] == "WhatsApp"  # "1": the id of another channel
    assert names[found[6]] == "WhatsApp"  # the same name with a blank
    assert found[8] is None  # 77: nobody's id
    assert found[333] is None
    [kept] = rows(engine, "SELECT row FROM \"Quarantine\" WHERE reason = 'unknown_channel' "
                  "AND table_name = 'Contact'")  # fmt: skip
    assert '"channel_id":99' in kept["row"]


def test_empty_funnel_dates_come_from_the_history(engine: Engine) -> None:
    came = fill(engine, 300)["Contact_State"]
    adopter(engine).run()
    told = rows(engine, DERIVED, came=came)  # not those that only a last state told of
    assert len(told) > 50
    for row in told:
        dates = [one["medical_assignment_date"] for one in campaigns_of(engine, row["contact_id"])]
        assert row["at"] in dates


DERIVED = """SELECT s.contact_id, min(s.occurred_at) AS at FROM "Contact_State" s
    WHERE s.state = 'DERIVADO ASESORIA MEDICA' AND s.id <= :came
    AND EXISTS (SELECT 1 FROM "Campaign_Contact" c WHERE c.contact_id = s.contact_id)
    GROUP BY s.contact_id"""


def test_folding_anew_changes_no_row(engine: Engine) -> None:
    fill(engine)
    adopter(engine).run()
    before = everything(engine)
    with Store(engine).transaction() as session:
        refold(session, [row["id"] for row in rows(engine, 'SELECT id FROM "Contact"')])
    assert everything(engine) == before


def campaigns_of(engine: Engine, contact: int) -> list[dict[str, Any]]:
    read = 'SELECT * FROM "Campaign_Contact" WHERE contact_id = :id ORDER BY id'
    return rows(engine, read, id=contact)


SEVERAL = """SELECT id, manychat_id FROM "Contact" WHERE id IN (SELECT contact_id
    FROM "Campaign_Contact" GROUP BY contact_id HAVING count(*) > 1) ORDER BY id"""


def test_the_next_event_of_a_contact_destroys_nothing(engine: Engine) -> None:
    fill(engine)
    adopter(engine).run()
    mirror = Mirror(Store(engine))
    person = rows(engine, SEVERAL)[0]
    before = campaigns_of(engine, person["id"])
    body = {"manychat_id": person["manychat_id"], "datetime_actual": "2025-10-20T10:00:00Z"}
    mirror.deliver(
        mirror.envelope(EventType.STAGE, body | {"stage_manychat": "Venta exitosa"}, "new-1"),
        mirror.envelope(EventType.CONTACT, body | {"nombre_lead": "Otra"}, "new-2"),
        mirror.envelope(EventType.ADDRESS, body | {"city": "Cusco"}, "new-3"),
    )
    after = campaigns_of(engine, person["id"])
    in_force = {"last_state", "sync_status"}
    assert [{k: v for k, v in row.items() if k not in in_force} for row in after] == [
        {k: v for k, v in row.items() if k not in in_force} for row in before
    ]
    assert "Venta exitosa" in [row["last_state"] for row in after]
    assert {row["sync_status"] for row in after} == {"pending"}
    [contact] = rows(engine, 'SELECT first_name FROM "Contact" WHERE id = :id', id=person["id"])
    assert contact["first_name"] == "Otra"


def test_an_event_from_before_the_adoption_wins_over_nothing(engine: Engine) -> None:
    fill(engine, 30)
    adopter(engine).run()
    before = rows(engine, 'SELECT first_name, phone FROM "Contact" WHERE id = 7')
    mirror = Mirror(Store(engine))
    late = {"manychat_id": predecessor.manychat_id(7), "nombre_lead": "Vieja",
            "whatsapp": "+51911111111", "datetime_actual": "2025-01-01T00:00:00Z"}  # fmt: skip
    mirror.deliver(mirror.envelope(EventType.CONTACT, late, "late", at=-60 * 24 * 280))
    assert rows(engine, 'SELECT first_name, phone FROM "Contact" WHERE id = 7') == before


class Killed(Store):
    """A store whose process is killed in its n-th transaction, or just after it."""

    def __init__(self, engine: Engine, at: int, after: bool) -> None:
        super().__init__(engine)
        self.left, self.after = at, after

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        self.left -= 1
        with super().transaction() as session:
            yield session
            if self.left == 0 and not self.after:
                raise TransientError("killed")
        if self.left == 0 and self.after:
            raise TransientError("killed")

    @contextmanager
    def outside(self) -> Iterator[Connection]:
        self.left -= 1
        if self.left == 0 and not self.after:
            raise TransientError("killed")
        with super().outside() as connection:
            yield connection
        if self.left == 0 and self.after:
            raise TransientError("killed")


@pytest.mark.parametrize("after", [False, True])
def test_killed_anywhere_and_run_again_it_ends_the_same(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    monkeypatch.setattr(contacts, "BATCH", 60)
    fill(engine, 110)
    counting = Killed(engine, 0, after)
    whole = adopter(engine, counting).run()
    wanted, transactions = everything(engine), -counting.left
    assert transactions > 15
    step = 11 if engine.dialect.name == "sqlite" else 23
    for at in range(3 if after else 2, transactions, step):
        drop_all(engine)
        fill(engine, 110)
        killed(lambda at=at: adopter(engine, Killed(engine, at, after)).run())
        assert same_counts(adopter(engine).run(), whole)
        assert everything(engine) == wanted, at


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)
def test_an_index_that_a_kill_left_invalid_is_made_anew_and_nobody_waits(engine: Engine) -> None:
    fill(engine, 60)
    with Store(engine).transaction() as session:
        late = ddl.late(ddl.missing(session.connection()))
    ours = [one.index_name for table, one in late
            if table == "Contact_State" and isinstance(one, CreateIndexOp)]  # fmt: skip
    for name in (str(ours[0]), "theirs"):
        with pytest.raises(TransientError), Store(engine).outside() as connection:
            twice = f'CREATE UNIQUE INDEX CONCURRENTLY "{name}" ON "Contact_State" ((1))'
            connection.execute(text(twice))
    said, executed = list[str](), list[str]()
    event.listen(engine, "before_cursor_execute", lambda *given: executed.append(given[2]))
    Adopter(Store(engine), UTC, lambda: NOW, said.append).run()
    assert "indexes are made CONCURRENTLY: nobody waits" in said
    assert f"{ours[0]} was left half-made: dropped, made anew" in said
    valid = "SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = to_regclass('\"{}\"')"
    assert rows(engine, valid.format(ours[0])) == [{"indisvalid": True, "indisunique": False}]
    assert rows(engine, valid.format("theirs")) == [{"indisvalid": False, "indisunique": True}]
    assert rows(engine, "SELECT 1 AS one FROM pg_constraint WHERE NOT convalidated") == []
    began = next(n for n, line in enumerate(executed) if "NOT x.indisvalid" in line)
    made = [line for line in executed[began:]
            if line.lstrip().startswith(("CREATE INDEX", "CREATE UNIQUE INDEX"))]  # fmt: skip
    assert len(made) > 3
    assert [line for line in made if "CONCURRENTLY" not in line] == []


def killed(run: Callable[[], Report]) -> None:
    with pytest.raises(TransientError) as raised:
        run()
    assert raised.value.code == "killed"


def same_counts(one: Report, other: Report) -> bool:
    return (one.before, one.added, one.moved, one.after) == (
        other.before, other.added, other.moved, other.after,
    )  # fmt: skip


@pytest.mark.parametrize("engine", ["postgresql"], indirect=True)  # SQLite's dates have no zone
def test_dates_with_a_zone_are_not_shifted_again(engine: Engine) -> None:
    fill(engine, 20)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL TIME ZONE 'America/Lima'"))
        connection.execute(text('ALTER TABLE "Contact" ALTER subscription_date TYPE timestamptz'))
    adopter(engine).run()
    [row] = rows(engine, 'SELECT subscription_date, entry_date FROM "Contact" WHERE id = 1')
    assert row["entry_date"] - row["subscription_date"] == timedelta(minutes=1)


def test_pushing_puts_each_fact_into_the_outbox_once(engine: Engine) -> None:
    fill(engine, 130)
    adopter(engine).run()
    assert rows(engine, 'SELECT DISTINCT odoo_sync_status AS s FROM "Contact"') == [
        {"s": "success"}
    ]
    made = adopter(engine).push()
    assert made == len(Mirror(Store(engine)).outbox()) > 130
    assert adopter(engine).push() == 0
    [waiting] = rows(engine, 'SELECT count(*) AS n FROM "Contact" c WHERE odoo_sync_status = '
                     "'pending'")  # fmt: skip
    assert waiting["n"] == len(rows(engine, 'SELECT id FROM "Contact"'))
    bodies = [row["body"] for row in Mirror(Store(engine)).outbox()]
    first = next(body for body in bodies if body["manychat_id"] == predecessor.manychat_id(1)
                 and body["type"] == "contact")  # fmt: skip
    assert first["values"] == {
        "first_name": "Eva", "last_name": "Bravo", "email": "persona1@example.com",
        "phone": "+51980000001", "channel": "WhatsApp", "initial_state": "Nuevo",
        "subscribed_at": "2025-03-03T13:07:01.000000Z", "entry_date": "2025-03-03T13:08:01.000000Z",
        **({"gender": first["values"]["gender"]} if "gender" in first["values"] else {}),
    }  # fmt: skip
    assigned = [body["values"] for body in bodies if body["type"] == "assignment"]
    assert {"id": 1, "odoo_id": 101, "email": "asesora1@example.com", "name": "Asesora 1"} in [
        values.get("commercial") for values in assigned
    ]
    assert all(values.get("campaign") or values for values in assigned)


def test_an_empty_or_migrated_database_is_not_adopted(engine: Engine) -> None:
    for state in ("empty", "ours"):
        with Store(engine).transaction() as session:
            assert look(session).state == state
            check_is_not_the_predecessors(session)
        with pytest.raises(PermanentError):
            adopter(engine).run()
        schema.upgrade(engine)
    assert NOW < DONE_AT
