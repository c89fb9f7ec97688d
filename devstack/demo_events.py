"""Posts the conversation and follows each event: accepted, mirrored, in Odoo."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import requests

from bridge.mirror.reports import trace
from bridge.mirror.store import Store
from devstack.conversation import Step
from devstack.errors import NotReady

LENGTH = timedelta(hours=1)
POLL_SECONDS = 0.15


@dataclass
class Followed:
    """One posted step; the times are milliseconds, None as long as it is not there yet.

    `answer` is what the webhook warned of, `outcome` what Odoo made of the event.
    """

    step: Step
    event_id: str = ""
    answer: str = ""
    outcome: str = ""
    accepted_ms: float | None = None
    mirrored_ms: float | None = None
    odoo_ms: float | None = None

    @property
    def manychat_id(self) -> str:
        return str(self.step.body.get("manychat_id", "–"))

    @property
    def said(self) -> str:
        """The state that the body carries, or nothing."""
        body = self.step.body
        return str(body.get("stage_manychat") or body.get("ultimo_estado") or "").strip()

    @property
    def posted(self) -> bool:
        return self.accepted_ms is not None

    @property
    def refused(self) -> bool:
        return self.step.status != 202

    @property
    def mirrored(self) -> bool:
        return self.refused or self.mirrored_ms is not None

    @property
    def done(self) -> bool:
        return self.refused or self.odoo_ms is not None


class Conversation:
    """The steps on their way; `changed` is called whenever there is something new to show."""

    def __init__(
        self,
        steps: Sequence[Step],
        api_url: str,
        key: str,
        store: Store,
        changed: Callable[[], None],
    ) -> None:
        self.events = [Followed(step) for step in steps]
        self._began = datetime.now(UTC) - LENGTH
        self._url = f"{api_url}/api/v1/manychat/webhook"
        self._session = requests.Session()
        self._session.headers["X-API-KEY"] = key
        self._store = store
        self._changed = changed

    def post_all(self, deadline: float) -> None:
        """Post each step in turn; raises NotReady as `wait` does."""
        for event in self.events:
            if event.step.alone:
                self.wait(lambda event: event.mirrored, deadline)
            self._post(event)
            self.look()

    def wait(self, reached: Callable[[Followed], bool], deadline: float) -> None:
        """Follow the posted events until `reached` holds for each.

        Raises NotReady naming those that have not got there when `time.monotonic()` passes
        `deadline`.
        """
        while late := [event for event in self.events if event.posted and not reached(event)]:
            if time.monotonic() > deadline:
                names = ", ".join(f"{event.step.shows} ({event.event_id})" for event in late)
                raise NotReady(f"Time is up, still on their way: {names}")
            time.sleep(POLL_SECONDS)
            self.look()

    def look(self) -> None:
        """Read from the mirror how far each event is."""
        waiting = {
            event.event_id: event for event in self.events if event.event_id and not event.done
        }
        with self._store.transaction() as session:
            rows = trace(session, list(waiting))
        for row in rows:
            event = waiting[row.event_id]
            event.mirrored_ms = _milliseconds(row.received_at, row.mirrored_at)
            event.odoo_ms = _milliseconds(row.received_at, row.synced_at)
            event.outcome = "unmapped" if row.unmapped else row.outcome or row.reason or ""
        self._changed()

    def _post(self, event: Followed) -> None:
        said = self._began + timedelta(minutes=event.step.minute)
        body = {**event.step.body, "datetime_actual": said.isoformat(timespec="seconds")}
        began = time.perf_counter()
        answer = self._session.post(f"{self._url}/{event.step.kind}", json=body, timeout=10)
        event.accepted_ms = (time.perf_counter() - began) * 1000
        said_back = answer.json()
        event.event_id = said_back.get("event_id", "")
        event.answer = said_back.get("warnings") or said_back.get("code") or ""
        if answer.status_code != event.step.status:
            event.answer = f"answered {answer.status_code} instead of {event.step.status}"


def _milliseconds(start: datetime, end: datetime | None) -> float | None:
    return (end - start).total_seconds() * 1000 if end else None
