"""What ManyChat is to know of its contacts, told within its limits: one contact after another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from threading import Event as Flag
from typing import Protocol

from sqlalchemy.orm import Session

from bridge.errors import (
    AwayError,
    BridgeError,
    BusyError,
    PermanentError,
    TransientError,
    reason_of,
)
from bridge.log import get_logger
from bridge.manychat.client import MOST_FIELDS
from bridge.manychat.errors import LONGEST_HOLD
from bridge.mirror import lease, pace, pauses, write_back, write_back_setup
from bridge.mirror.database_clock import database_now
from bridge.mirror.hops import Hop
from bridge.mirror.store import Store
from bridge.mirror.write_back import FIELD, FLOW, STARTED, Due
from bridge.workers.bell import Bell
from bridge.workers.probes import ask_mirror
from bridge.workers.retry import backoff
from bridge.workers.turns import work_in_turn
from bridge.workers.waiting import Rng, system_rng, wait_until_back

log = get_logger(__name__)

HOP = LEASE = str(Hop.WRITE_BACK)
PAGE = "manychat-page"
"""The hold under which nothing is asked of ManyChat, over all processes."""
IDLE_SECONDS = 0.5
LEASE_SECONDS = 120.0
FIRST_HOLD = 60.0
_HOLD_GROWTH = 4.0
FLOW_LIMIT = timedelta(minutes=5)
FLOW_UNKNOWN = "flow_start_unknown"


class Client(Protocol):
    """What the worker needs of ManyChat."""

    def set_fields(self, manychat_id: str, values: Mapping[str, str]) -> None: ...
    def add_tag(self, manychat_id: str, name: str) -> None: ...
    def remove_tag(self, manychat_id: str, name: str) -> None: ...
    def start_flow(self, manychat_id: str, flow: str) -> None: ...
    def ping(self) -> None: ...


class _PageHeld(BusyError):
    """ManyChat wants to be left alone; the hold is kept already."""


class WriteBackWorker:
    """Sends what waits, at least once a value; a flow is started at most once a move.

    One process does it at a time (a lease), so that values of a contact stay in order.
    """

    def __init__(
        self,
        store: Store,
        client: Client,
        holder: str,
        *,
        max_attempts: int = 5,
        bell: Bell | None = None,
        clock: Callable[[Session], datetime] = database_now,
        rng: Rng = system_rng,
    ) -> None:
        self._store = store
        self._client = client
        self._holder = holder
        self._max_attempts = max_attempts
        self._bell = bell or Bell()
        self._clock = clock
        self._rng = rng
        self._holds = 0

    def run(self, stop: Flag) -> None:
        """Work until `stop` is set, then let another process have the lease."""
        work_in_turn(stop, self._round, self._store, LEASE, self._holder)

    def step(self) -> bool:
        """Send what waits for one contact; whether there was anything.

        Raises AwayError or TransientError when mirror or ManyChat is away; no try is counted.
        """
        with self._store.reading() as session:
            if not write_back.is_due(session, self._clock(session)):
                return False
        rows = self._begin()
        try:
            self._tell(rows)
        except _PageHeld:
            return False
        return bool(rows)

    def _round(self, stop: Flag) -> None:
        try:
            worked = self.step()
        except BridgeError as error:
            wait_until_back(stop, error, self._ask_both, self._rng)
        else:
            if not worked:
                self._bell.wait(IDLE_SECONDS)

    def _begin(self) -> list[Due]:
        """What may be sent now; nothing while stopped, held, or another process's turn."""
        with self._store.transaction() as session:
            now = self._clock(session)
            held = pace.held_until(session, PAGE)
            if pauses.is_paused(session, HOP) or (held is not None and held > now):
                return []
            if not write_back_setup.current(session).really:
                return []
            if not lease.acquire(session, LEASE, self._holder, now, LEASE_SECONDS):
                return []
            return write_back.due(session, now)

    def _tell(self, rows: Sequence[Due]) -> None:
        """Fields first: a flow reads them, and waits for them where they must be tried again.

        What failed once goes alone from then on.
        """
        fresh = [row for row in rows if row.kind == FIELD and not row.attempts]
        for start in range(0, len(fresh), MOST_FIELDS):
            self._send(fresh[start : start + MOST_FIELDS])
        for row in rows:
            if row.kind == FLOW:
                self._start(row)
            elif row not in fresh:
                self._send([row])

    def _send(self, rows: Sequence[Due]) -> None:
        """Send fields together, or one tag; what is refused together is sent one by one."""
        try:
            self._call(rows)
        except PermanentError as error:
            if len(rows) > 1:
                for row in rows:
                    self._send([row])
            else:
                self._park(rows[0], reason_of(error))
        except BusyError as error:
            self._hold(error)
        except TransientError as error:
            self._failed(rows, error)
        else:
            self._holds = 0
            with self._store.transaction() as session:
                write_back.sent(session, rows, self._clock(session))
            log.info("written_back", manychat_id=rows[0].manychat_id, kind=rows[0].kind,
                     count=len(rows))  # fmt: skip

    def _call(self, rows: Sequence[Due]) -> None:
        first = rows[0]
        if first.kind == FIELD:
            self._client.set_fields(first.manychat_id, {row.name: row.value for row in rows})
        elif first.value == write_back.ON:
            self._client.add_tag(first.manychat_id, first.name)
        else:
            self._client.remove_tag(first.manychat_id, first.name)

    def _start(self, row: Due) -> None:
        """Start a flow; whatever leaves open whether it runs is left to a person."""
        if row.status == STARTED:  # whoever was at it died over it
            self._park(row, FLOW_UNKNOWN)
            return
        with self._store.transaction() as session:
            if not write_back.starting(session, row, self._clock(session) + FLOW_LIMIT):
                return
        try:
            self._client.start_flow(row.manychat_id, row.name)
        except PermanentError as error:
            self._park(row, reason_of(error))
        except BusyError as error:
            self._later([row], error, attempt=False)
            self._hold(error)
        except AwayError as error:
            self._later([row], error, attempt=False)
            raise
        except TransientError as error:
            self._park(row, f"{FLOW_UNKNOWN}: {error.code}")
        else:
            self._holds = 0
            with self._store.transaction() as session:
                write_back.sent(session, [row], self._clock(session))
            log.info("flow_started", manychat_id=row.manychat_id)

    def _failed(self, rows: Sequence[Due], error: TransientError) -> None:
        """A call failed by itself: once more later; but not if ManyChat as a whole is away."""
        log.warning("write_back_failed", reason=reason_of(error), count=len(rows))
        try:
            self._client.ping()
        except BusyError as busy:
            self._hold(busy)
        for row in rows:
            if row.attempts + 1 >= self._max_attempts:
                self._park(row, reason_of(error))
            else:
                self._later([row], error, attempt=True)

    def _later(self, rows: Sequence[Due], error: BridgeError, *, attempt: bool) -> None:
        with self._store.transaction() as session:
            wait = backoff(rows[0].attempts, self._rng) if attempt else 0.0
            at = self._clock(session) + timedelta(seconds=wait)
            write_back.later(session, rows, reason_of(error), at, attempt=attempt)

    def _park(self, row: Due, reason: str) -> None:
        log.warning("write_back_parked", manychat_id=row.manychat_id, kind=row.kind, reason=reason)
        with self._store.transaction() as session:
            write_back.park(session, row, reason)

    def _hold(self, error: BusyError) -> None:
        """Stop for the whole page, for as long as was told, else longer each time."""
        grown = min(FIRST_HOLD * _HOLD_GROWTH**self._holds, LONGEST_HOLD)
        seconds = grown if error.retry_after is None else max(error.retry_after, 1.0)
        self._holds = min(self._holds + 1, 10)
        log.error("manychat_page_held", seconds=seconds, code=error.code)
        with self._store.transaction() as session:
            pace.hold(session, PAGE, self._clock(session) + timedelta(seconds=seconds))
        raise _PageHeld(error.code, error.detail, seconds) from None

    def _ask_both(self) -> None:
        ask_mirror(self._store)
        try:
            self._client.ping()
        except BusyError as error:
            try:
                self._hold(error)
            except _PageHeld:
                return  # it is there; the hold keeps us from asking on
