"""The rate limit holds over lanes and over processes, by the database's clock."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import responses
from sqlalchemy import delete, select

from bridge.api.odoo_turns import OdooTurns
from bridge.api.parts import open_parts
from bridge.errors import AwayError, BusyError, TransientError
from bridge.mirror.delivery import Pace
from bridge.mirror.pace import take_turn
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.settings import Settings, load_settings
from bridge.workers.throttle import Throttle

ROOT = Path(__file__).parents[3]
NOW = datetime(2025, 10, 20, 22, tzinfo=UTC)
CALLS, PER_SECOND = 12, 40.0

CALLER = f"""
import sys, time
from bridge.errors import TransientError
from bridge.mirror.store import Store
from bridge.settings import load_settings
from bridge.workers.throttle import Throttle

settings = load_settings(_env_file=None, api_key="key", database_url=sys.argv[1])
throttle = Throttle(Store.from_settings(settings), {PER_SECOND})
sys.stdin.readline()
done = 0
while done < {CALLS}:
    try:
        throttle.wait()
    except TransientError:
        continue  # the very first turn was taken by two
    print(time.time(), flush=True)
    done += 1
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    url = f"sqlite:///{tmp_path / 'mirror.db'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("parts").postgres.createdb("rate-limit")
    made = load_settings(_env_file=None, api_key="key", database_url=url)
    upgrade(Store.from_settings(made).engine)
    return made


def test_turns_are_apart_whoever_takes_them(settings: Settings) -> None:
    store = Store.from_settings(settings)
    waits = []
    for seconds in (0, 0, 0.1, 5, 5):
        with store.transaction() as session:
            now = NOW + timedelta(seconds=seconds)
            waits.append(round(take_turn(session, "odoo-calls", 4, now), 3))
    assert waits == [0, 0.25, 0.4, 0, 0.25]


def test_two_processes_together_stay_below_the_limit(settings: Settings) -> None:
    url = settings.database_url.get_secret_value()
    callers = [
        subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", CALLER, url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        )
        for _ in range(2)
    ]  # fmt: skip
    started = datetime.now(UTC).timestamp()
    for caller in callers:
        assert caller.stdin is not None
        caller.stdin.write("go\n")
        caller.stdin.flush()
    texts = [caller.communicate(timeout=60)[0] for caller in callers]
    moments = sorted(float(line) for text in texts for line in text.split())
    space = 1 / PER_SECOND
    with Store.from_settings(settings).reading() as session:
        next_turn = session.execute(select(Pace.next_at)).scalar_one().timestamp()
    assert len(moments) == 2 * CALLS
    assert next_turn >= started + 2 * CALLS * space  # no turn was given twice
    assert moments[-1] >= next_turn - space  # and the last one was waited for


def test_a_turn_that_is_too_far_away_is_not_taken(settings: Settings) -> None:
    store, waited = Store.from_settings(settings), list[float]()
    turns = OdooTurns(store, 0.5, sleep=waited.append)  # two seconds apart
    turns.wait()
    with pytest.raises(BusyError) as refused:
        turns.wait()
    assert refused.value.code == "odoo_turns_taken"
    with store.transaction() as session:
        next_at = session.execute(select(Pace.next_at)).scalar_one()
        later = next_at - timedelta(seconds=0.4)
        assert round(take_turn(session, "odoo-calls", 0.5, later, most=1.0), 3) == 0.4
    assert waited == []


@responses.activate
def test_the_apis_calls_to_odoo_take_turns_among_the_workers(settings: Settings) -> None:
    responses.post("http://odoo.test/jsonrpc", json={"result": 7})
    limits = {"odoo_url": "http://odoo.test", "odoo_max_calls_per_second": 0.1}
    odoo = open_parts(settings.model_copy(update=limits)).odoo
    assert odoo is not None
    Throttle(Store.from_settings(settings), 0.1).wait()  # a worker's call, just now
    with pytest.raises(BusyError):
        odoo.health()
    assert len(responses.calls) == 0
    with Store.from_settings(settings).transaction() as session:
        session.execute(delete(Pace))
    with pytest.raises(BusyError):
        odoo.health()  # the login has the first turn, and the call itself none
    assert len(responses.calls) == 1


def test_without_a_limit_the_mirror_is_not_asked(settings: Settings) -> None:
    store = Store.from_settings(settings)
    store.engine.dispose()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "transaction", lambda: pytest.fail("asked"))
        Throttle(store, None).wait()
        OdooTurns(store, None).wait()


@responses.activate
def test_every_request_to_odoo_takes_a_turn_and_none_is_sent_without(settings: Settings) -> None:
    responses.post("http://odoo.test/jsonrpc", json={"result": 7})
    turns: list[float] = []
    store = Store.from_settings(settings)
    throttle = Throttle(store, 2.0, clock=lambda _session: NOW, sleep=turns.append)
    client = OdooClient("http://odoo.test", "db", "user", "key", before_call=throttle.wait)
    client.call("crm.lead", "manychat_health")  # logs in first
    client.call("crm.lead", "manychat_health")
    assert turns == [0.5, 1.0]

    def away() -> None:
        raise AwayError("mirror_away")

    stopped = OdooClient("http://odoo.test", "db", "user", "key", before_call=away)
    with pytest.raises((AwayError, TransientError)):
        stopped.call("crm.lead", "manychat_health")
    assert len(responses.calls) == 3
