"""Puts worker processes together: which parts run under which name, and on what."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from bridge.events.reading import Rules
from bridge.log import get_logger
from bridge.manychat.client import PER_SECOND, Budget, ManyChatClient
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.odoo.contacts import OdooContacts
from bridge.odoo.feed import OdooFeed
from bridge.odoo.leads import OdooLeads
from bridge.odoo.standing import OdooStanding
from bridge.queue.names import DEAD_LETTER_QUEUE, QUEUES
from bridge.queue.reader import QueueReader
from bridge.queue.writer import DeadLetterSender, QueueWriter
from bridge.settings import Settings
from bridge.workers.bell import Bell
from bridge.workers.crm import CrmWorker
from bridge.workers.erasing import Eraser
from bridge.workers.feedback import FeedbackWorker
from bridge.workers.filling import Filler
from bridge.workers.health import HealthServer
from bridge.workers.loop import QueueWorker
from bridge.workers.pausing import PauseWatch
from bridge.workers.pulse import Pulses
from bridge.workers.pushing import Pusher
from bridge.workers.reconciling import Reconciler
from bridge.workers.runner import Part, run_parts
from bridge.workers.schedule import Schedule
from bridge.workers.tempo import Tempo
from bridge.workers.throttle import Throttle
from bridge.workers.write_back import WriteBackWorker

log = get_logger(__name__)
NAMES = (*QUEUES, "crm", "feedback")


def run_workers(settings: Settings, name: str, concurrency: int = 1) -> int:
    """Run `contact`, `campaign`, `crm`, `feedback` or `all`; the process's exit code.

    Each handles up to `concurrency` batches at once. Every process also runs the schedule: a
    lease makes one of them do it.
    """
    store = Store.from_settings(settings)
    bell, pulses = Bell(), Pulses()
    parts: dict[str, Part] = {}
    for one in NAMES if name == "all" else (name,):
        if one == "crm":
            parts |= crm_parts(settings, store, concurrency, bell)
        elif one == "feedback":
            parts |= feedback_parts(settings, store)
        else:
            parts[one] = queue_part(settings, store, one, concurrency, bell)
    parts["schedule"] = schedule_part(settings, store)
    if settings.worker_health_port is not None:
        keys = None if settings.metrics_public else settings.api_keys
        server = HealthServer(settings.worker_health_port, metrics_keys=keys, pulses=pulses)
        parts["health"] = server.run
    return run_parts(parts, flag_for=pulses.flag_for)


def queue_part(settings: Settings, store: Store, name: str, concurrency: int, bell: Bell) -> Part:
    """The part that runs as `contact` or `campaign`; it rings `bell` after each commit."""
    worker = QueueWorker(
        QueueReader(settings, QUEUES[name]), DeadLetterSender(settings), store,
        Rules.from_settings(settings), max_attempts=settings.max_attempts,
        horizon=timedelta(days=settings.retention_days),
        concurrency=concurrency, committed=bell.ring, paused=PauseWatch(store, name),
    )  # fmt: skip
    return worker.run


def crm_parts(settings: Settings, store: Store, concurrency: int, bell: Bell) -> dict[str, Part]:
    """The lanes into Odoo, the first one woken by `bell`, the erasures that it owes, the comparison
    that goes on beside them and, where every contact has a partner there, who fills the past."""
    throttle = Throttle(store, settings.odoo_max_calls_per_second)
    client = OdooClient.from_settings(settings, before_call=throttle.wait)
    tempo = Tempo(concurrency)
    leads = OdooLeads(client, partners=settings.every_contact)
    pusher = Pusher(store, leads, client.ping, tempo, max_attempts=settings.max_attempts)
    lanes: dict[str, Part] = {
        f"crm-{lane}": CrmWorker(
            store, pusher, tempo, f"{holder()}-{lane}", lane=lane, bell=None if lane else bell
        ).run
        for lane in range(concurrency)
    }
    beside: dict[str, Part] = {"erasures": Eraser(store, leads).run}
    if settings.reconcile_hours:
        beside["reconcile"] = Reconciler(
            store, OdooStanding(client), holder(), interval=settings.sync_interval,
            every=timedelta(hours=settings.reconcile_hours),
            every_contact=settings.every_contact,
        ).run  # fmt: skip
    if settings.every_contact:
        filler = Filler(store, OdooContacts(client), interval=settings.sync_interval)
        beside["filling"] = filler.run
    return lanes | beside


def feedback_parts(settings: Settings, store: Store) -> dict[str, Part]:
    """What people change in Odoo into the mirror and, with a token, on to ManyChat."""
    throttle = Throttle(store, settings.odoo_max_calls_per_second)
    client = OdooClient.from_settings(settings, before_call=throttle.wait)
    region, told = settings.default_phone_region, Bell()
    parts: dict[str, Part] = {
        "feedback": FeedbackWorker(store, OdooFeed(client), holder(), region=region, told=told).run
    }
    manychat = manychat_client(settings, store)
    if manychat is None:
        log.info("write_back_without_token", setting="MANYCHAT_API_TOKEN")
        return parts
    attempts = settings.max_attempts
    worker = WriteBackWorker(store, manychat, holder(), max_attempts=attempts, bell=told)
    return parts | {"write-back": worker.run}


def manychat_client(settings: Settings, store: Store) -> ManyChatClient | None:
    """ManyChat's API, below its limits together with every other process; None without a token."""
    turns = {one: Throttle(store, rate, name=str(one)) for one, rate in PER_SECOND.items()}

    def take_turn(budget: Budget) -> None:
        turns[budget].wait()

    return ManyChatClient.from_settings(settings, take_turn)


def schedule_part(settings: Settings, store: Store) -> Part:
    """The part that feeds the inbox, drains the dead letters, and forgets what is old."""
    names = (*QUEUES.values(), DEAD_LETTER_QUEUE)
    writers = {queue: QueueWriter(settings, queue) for queue in names}
    dead_letters = QueueReader(settings, DEAD_LETTER_QUEUE)
    schedule = Schedule(
        store, writers, dead_letters, holder=holder(), interval=settings.sync_interval,
        keep_for=timedelta(days=settings.retention_days),
        watched=[QueueReader(settings, queue) for queue in QUEUES.values()],
    )  # fmt: skip
    return schedule.run


def holder() -> str:
    """Who holds a lease: this process, by machine and number."""
    return f"{socket.gethostname()[:40]}-{os.getpid()}"
