"""Puts worker processes together: which parts run under which name, and on what."""

from __future__ import annotations

import os
import socket

from bridge.events.reading import Rules
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.odoo.leads import OdooLeads
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE
from bridge.queue.reader import QueueReader
from bridge.queue.writer import DeadLetterSender, QueueWriter
from bridge.settings import Settings
from bridge.workers.crm import CrmWorker
from bridge.workers.health import HealthServer
from bridge.workers.loop import QueueWorker
from bridge.workers.runner import Part, run_parts
from bridge.workers.schedule import Schedule

QUEUES = {"contact": CONTACT_QUEUE, "campaign": CAMPAIGN_QUEUE}
NAMES = (*QUEUES, "crm")


def run_workers(settings: Settings, name: str, concurrency: int = 1) -> int:
    """Run `contact`, `campaign`, `crm` or `all`; the process's exit code.

    Each handles up to `concurrency` batches at once. Every process also runs the schedule: a
    lease makes one of them do it.
    """
    store = Store.from_settings(settings)
    names = NAMES if name == "all" else (name,)
    parts = {one: worker_part(settings, store, one, concurrency) for one in names}
    parts["schedule"] = schedule_part(settings, store)
    if settings.worker_health_port is not None:
        parts["health"] = HealthServer(settings.worker_health_port).run
    return run_parts(parts)


def worker_part(settings: Settings, store: Store, name: str, concurrency: int) -> Part:
    """The part that runs as `contact`, `campaign` or `crm`."""
    if name == "crm":
        client = OdooClient.from_settings(settings)
        return CrmWorker(
            store, OdooLeads(client), client.ping, holder(), max_attempts=settings.max_attempts
        ).run
    reader = QueueReader(settings, QUEUES[name])
    rules = Rules.from_settings(settings)
    dead_letters = DeadLetterSender(settings)
    worker = QueueWorker(
        reader, dead_letters, store, rules,
        max_attempts=settings.max_attempts, concurrency=concurrency,
    )  # fmt: skip
    return worker.run


def schedule_part(settings: Settings, store: Store) -> Part:
    """The part that feeds the inbox and drains the dead letters."""
    names = (*QUEUES.values(), DEAD_LETTER_QUEUE)
    writers = {queue: QueueWriter(settings, queue) for queue in names}
    dead_letters = QueueReader(settings, DEAD_LETTER_QUEUE)
    interval = settings.sync_interval
    return Schedule(store, writers, dead_letters, holder=holder(), interval=interval).run


def holder() -> str:
    """Who holds a lease: this process, by machine and number."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}"
