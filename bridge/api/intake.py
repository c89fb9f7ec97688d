"""What happens to a webhook's body: read it, make an envelope, keep it, say so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from time import perf_counter
from typing import Any, NoReturn, cast

from bridge import tracing
from bridge.api.bodies import Body, decode, parse
from bridge.api.parts import Parts
from bridge.api.problems import BodyTooLarge, Unavailable, UnusableBody
from bridge.errors import UnusableEvent, reason_of
from bridge.events.envelope import Envelope
from bridge.events.event import Event, EventType, Scrub
from bridge.events.ids import new_event_id
from bridge.events.reading import Rules, accept, read_event
from bridge.events.unknown import MISSPELT, unknown_fields
from bridge.log import get_logger, log_context
from bridge.metrics import ACCEPT_SECONDS, SCRUBS, WEBHOOKS
from bridge.queue.names import DEAD_LETTER_QUEUE, queue_for

ORIGIN = "api"
QUEUE_SECONDS, INBOX_SECONDS = 1.8, 1.0
"""Together under the 3 s within which a webhook is answered, whatever is away."""

_log = get_logger(__name__)


@dataclass(frozen=True)
class Accepted:
    """What the caller is told of a kept event."""

    event_id: str
    manychat_id: str
    queue: str
    scrubs: tuple[Scrub, ...]


@dataclass
class _Post:
    """One post on its way through; `payload` is the best that is known of the body so far."""

    type: EventType
    body: Body
    received_at: datetime
    payload: dict[str, Any] | str


class Intake:
    """Takes webhook bodies; `now` tells the aware time."""

    def __init__(self, parts: Parts, rules: Rules, now: Callable[[], datetime]) -> None:
        self._parts, self._rules, self._now = parts, rules, now

    async def take(
        self, type: EventType, body: Body, content_type: str | None, given_id: str | None
    ) -> Accepted:
        """Keep the event.

        Raises UnusableBody or BodyTooLarge once the body was kept as a dead letter, Unavailable
        when nothing could be kept.
        """
        started = perf_counter()
        text, notes = decode(body.data, content_type)
        # a text column of PostgreSQL takes no NUL, and a dead letter must reach its table
        post = _Post(type, body, self._now(), text.replace("\x00", "\ufffd"))
        try:
            envelope, event, scrubs = self._read(post, text, notes, given_id)
        except UnusableEvent as error:
            await self._refuse(post, error)
        accepted = Accepted(event.event_id, event.manychat_id, queue_for(type), scrubs)
        with (
            log_context(event_id=envelope.id, kind=type.value),
            tracing.receiving(envelope.id, type.value) as parent,
        ):
            hop = await self.keep(accepted.queue, replace(envelope, traceparent=parent))
            _log.info("event_accepted", hop=hop, scrubs=[scrub.text for scrub in accepted.scrubs])
        WEBHOOKS.labels(type.value, f"accepted_{hop}").inc()
        for scrub in accepted.scrubs:
            SCRUBS.labels(scrub.field, scrub.code).inc()
        ACCEPT_SECONDS.labels(type.value).observe(perf_counter() - started)
        return accepted

    def preview(
        self, type: EventType, body: Body, content_type: str | None
    ) -> tuple[Event, tuple[Scrub, ...]]:
        """What `take` would make of this body, keeping nothing, and every field that is not read.

        Raises UnusableEvent.
        """
        text, notes = decode(body.data, content_type)
        post = _Post(type, body, self._now(), text)
        envelope, event, scrubs = self._read(post, text, notes, None)
        unread = unknown_fields(type, cast(dict[str, Any], envelope.payload))
        return event, (*(scrub for scrub in scrubs if scrub.code != MISSPELT), *unread)

    def _read(
        self, post: _Post, text: str, notes: list[Scrub], given_id: str | None
    ) -> tuple[Envelope, Event, tuple[Scrub, ...]]:
        if post.body.oversized:
            raise UnusableEvent("too_large", f"{post.body.length} bytes")
        if not post.body.complete:
            raise UnusableEvent("incomplete_body", f"{post.body.length} bytes")
        value, more_notes = parse(text)
        if isinstance(value, dict):
            post.payload = value
        try:
            envelope = accept(post.type, value, given_id, post.received_at, self._rules)
            event = read_event(envelope, self._rules)
        except UnusableEvent:
            raise
        except Exception as error:  # noqa: BLE001  (a fault of ours: the body is kept for a replay)
            _log.exception("reading_failed", kind=post.type.value)
            raise UnusableEvent("reading_failed", error.__class__.__name__) from None
        return envelope, event, (*notes, *more_notes, *event.scrubs)

    async def _refuse(self, post: _Post, error: UnusableEvent) -> NoReturn:
        letter = _dead_letter(post, error)
        with log_context(event_id=letter.id, kind=post.type.value):
            hop = await self.keep(DEAD_LETTER_QUEUE, letter)
            _log.warning("event_refused", hop=hop, code=error.code)
        WEBHOOKS.labels(post.type.value, error.code).inc()
        problem = BodyTooLarge if error.code == "too_large" else UnusableBody
        raise problem(str(error), code=error.code, event_id=letter.id)

    async def keep(self, queue_name: str, envelope: Envelope) -> str:
        """Into the queue or, failing it, the inbox; says which. Raises Unavailable."""
        began = tracing.now()
        try:
            async with asyncio.timeout(QUEUE_SECONDS):
                await self._parts.sender.send(queue_name, envelope)
            tracing.passed("queue", envelope.id, began, "sent", envelope.traceparent)
            return "queue"
        except Exception:  # noqa: BLE001  (whatever fails there, the inbox may still keep it)
            _log.warning("queue_away", queue=queue_name, exc_info=True)
        try:
            async with asyncio.timeout(INBOX_SECONDS):
                await self._parts.in_thread(
                    self._parts.inbox.keep, queue_name, envelope, self._now()
                )
            tracing.passed("inbox", envelope.id, began, "kept", envelope.traceparent)
            return "inbox"
        except Exception:  # noqa: BLE001  (the last place: the caller must hear it)
            _log.error("inbox_away", queue=queue_name, exc_info=True)
        WEBHOOKS.labels(envelope.type.value, "unavailable").inc()
        raise Unavailable(event_id=envelope.id)


def _dead_letter(post: _Post, error: UnusableEvent) -> Envelope:
    letter = Envelope(
        id=new_event_id(post.received_at),
        type=post.type,
        received_at=post.received_at,
        occurred_at=None,
        payload=post.payload,
    )
    if post.body.oversized or not _fits(letter):
        letter = letter.cut(post.body.length, post.body.sha256)
    return letter.with_reason(reason_of(error), ORIGIN)


def _fits(letter: Envelope) -> bool:
    try:
        letter.checked()
    except UnusableEvent:
        return False
    return True
