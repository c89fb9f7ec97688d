"""A queue, a mirror and a clock that remember what was done to them, in order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bridge.errors import BridgeError
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType
from bridge.mirror.apply import Applied
from bridge.queue.names import CONTACT_QUEUE
from bridge.queue.reader import Message

NOW = datetime(2025, 10, 20, 22, 41, tzinfo=UTC)
_numbers = itertools.count(1)


def envelope(id: str | None = None, **changes: Any) -> Envelope:
    number = next(_numbers)
    fields: dict[str, Any] = {
        "id": id or f"event-{number}",
        "type": EventType.CONTACT,
        "received_at": NOW,
        "occurred_at": None,
        "payload": {"manychat_id": f"MC-{number}", "nombre_lead": "Begoña"},
    }
    return Envelope(**{**fields, **changes})


def message(content: Envelope | str, dequeue_count: int = 1) -> Message:
    number = next(_numbers)
    text = content if isinstance(content, str) else content.dumps()
    return Message(f"message-{number}", f"receipt-{number}", dequeue_count, text, NOW)


class Journal(list[tuple[Any, ...]]):
    """What happened, in order: `(verb, …)`."""

    def of(self, verb: str) -> list[tuple[Any, ...]]:
        return [entry[1:] for entry in self if entry[0] == verb]


class FakeReader:
    """Hands out what it was given, once; `fail` maps a verb to what it raises."""

    queue_name = CONTACT_QUEUE

    def __init__(self, journal: Journal, *messages: Message) -> None:
        self.journal = journal
        self.waiting = list(messages)
        self.fail: dict[str, BridgeError] = {}
        self.lost: set[str] = set()

    def receive(self, limit: int = 32, _lease: float = 60.0) -> list[Message]:
        self._note("receive", limit)
        taken, self.waiting = self.waiting[:limit], self.waiting[limit:]
        return taken

    def renew(self, message: Message, seconds: float) -> bool:
        return self._note("renew", message.id, seconds)

    def delay(self, message: Message, seconds: float, envelope: Envelope | None = None) -> bool:
        return self._note("delay", message.id, seconds, envelope)

    def put_back(self, message: Message, seconds: float) -> bool:
        return self._note("put_back", message.id, seconds)

    def delete(self, message: Message) -> bool:
        return self._note("delete", message.id)

    def delete_all(self, messages: Sequence[Message]) -> list[BridgeError | None]:
        return [self._error_of(message) for message in messages]

    def _error_of(self, message: Message) -> BridgeError | None:
        try:
            self.delete(message)
        except BridgeError as error:
            return error
        return None

    def ping(self) -> None:
        self._note("queue_ping")

    def depth(self) -> int:
        return len(self.waiting)

    def waiting_seconds(self) -> float:
        return 75.0 if self.waiting else 0.0

    def _note(self, verb: str, *facts: Any) -> bool:
        self.journal.append((verb, *facts))
        if verb in self.fail:
            raise self.fail[verb]
        return not (facts and facts[0] in self.lost)


class FakeDeadLetters:
    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.error: BridgeError | None = None

    def send(self, envelope: Envelope) -> None:
        if self.error:
            raise self.error
        self.journal.append(("dead_letter", envelope))


class FakeStore:
    """Commits unless told otherwise; `applied` holds the event ids of committed transactions."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.commit_error: Exception | None = None
        self.ping_errors: list[BridgeError] = []
        self.before_commit: Callable[[], None] = lambda: None

    @contextmanager
    def transaction(self) -> Iterator[Journal]:
        session = Journal()
        yield session
        self.before_commit()
        if self.commit_error:
            raise self.commit_error
        self.journal.extend(session)
        self.journal.append(("commit",))

    def ping(self) -> None:
        self.journal.append(("ping",))
        if self.ping_errors:
            raise self.ping_errors.pop(0)


class FakeApply:
    """Stands for the mirror's `apply_events`: raises when a batch holds an event of `bad`."""

    def __init__(self) -> None:
        self.bad: dict[str, Exception] = {}
        self.seen: list[list[str]] = []

    def __call__(
        self, session: Journal, items: Sequence[tuple[Event, Envelope]], _now: datetime
    ) -> Applied:
        ids = [event.event_id for event, _ in items]
        self.seen.append(ids)
        for event_id in ids:
            if event_id in self.bad:
                raise self.bad[event_id]
        session.append(("applied", ids))
        return Applied(len(ids), 0)


class FakeFlag:
    """A stop flag that notes every wait and is set after `rounds` of them."""

    def __init__(self, rounds: int = 100) -> None:
        self.rounds = rounds
        self.waits: list[float] = []
        self.flag = False

    def is_set(self) -> bool:
        return self.flag

    def set(self) -> None:
        self.flag = True

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.append(timeout or 0.0)
        self.flag = self.flag or len(self.waits) >= self.rounds
        return self.flag
