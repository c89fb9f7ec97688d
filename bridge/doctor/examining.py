"""The doctor's round: which part is asked what, in which order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from urllib.parse import urlsplit

from bridge.doctor import hops, network, odoo
from bridge.doctor.api import api
from bridge.doctor.check import CURES, Check, Finding, checked, not_asked
from bridge.errors import BridgeError, SettingsError
from bridge.mirror import rights as mirror_rights
from bridge.mirror.database_clock import database_now
from bridge.mirror.hops import Hop
from bridge.mirror.schema import current_revision, head_revision
from bridge.mirror.store import Store
from bridge.odoo.client import OdooClient
from bridge.queue import rights as queue_rights
from bridge.queue.names import CAMPAIGN_QUEUE, CONTACT_QUEUE, DEAD_LETTER_QUEUE
from bridge.queue.reader import QueueReader
from bridge.settings import Settings, load_settings

PARTS = (
    "settings", "driver", "names", "certificates", "queue storage", "queue rights", "mirror",
    "mirror rights", "clocks", "odoo", "odoo login", "odoo addon", "odoo rights", "hop contact",
    "hop campaign", "hop crm", "other hops", "api",
)  # fmt: skip
# part → those without which its answer would only say theirs again
_NEEDS = {
    "queue rights": ("queue storage",),
    "mirror rights": ("mirror",),
    "odoo login": ("odoo",),
    "odoo addon": ("odoo", "odoo login"),
    "odoo rights": ("odoo", "odoo login"),
    "hop contact": ("mirror", "queue storage"),
    "hop campaign": ("mirror", "queue storage"),
    "hop crm": ("mirror", "odoo", "odoo login", "odoo addon"),
    "other hops": ("mirror",),
}
QUEUES = (CONTACT_QUEUE, CAMPAIGN_QUEUE, DEAD_LETTER_QUEUE)


def examine(load: Callable[[], Settings] = load_settings) -> Iterator[Check]:
    """One check a part, in the order of PARTS, each as soon as it is known."""
    try:
        settings = load()
    except SettingsError as error:
        yield Check("settings", False, error.detail, CURES["bad_settings"], error.code)
        for part in PARTS[1:]:
            yield not_asked(part, "the settings")
        return
    yield Check("settings", True, "every variable can be read")
    client = OdooClient.from_settings(settings)
    asked: dict[str, Callable[[], str]] = {
        "driver": lambda: f"{mirror_rights.driver_of(settings)} is installed",
        "names": lambda: network.names(hosts(settings)),
        "certificates": lambda: network.certificates(urls(settings)),
        "queue storage": lambda: queues(settings),
        "queue rights": lambda: may_use_queues(settings),
        "mirror": lambda: mirror(settings),
        "mirror rights": lambda: may_use_mirror(settings),
        "clocks": lambda: network.clocks(urls(settings), database_clock(settings)),
        "odoo": lambda: odoo.version(client),
        "odoo login": lambda: odoo.login(client, settings.odoo_username),
        "odoo addon": lambda: odoo.addon(client),
        "odoo rights": lambda: odoo.rights(client),
        "hop contact": lambda: hops.queue_hop(settings, Hop.CONTACT),
        "hop campaign": lambda: hops.queue_hop(settings, Hop.CAMPAIGN),
        "hop crm": lambda: hops.crm_hop(settings),
        "other hops": lambda: hops.other_hops(settings),
        "api": lambda: api(settings),
    }
    bad: set[str] = set()
    for part in PARTS[1:]:
        first = next((need for need in _NEEDS.get(part, ()) if need in bad), None)
        check = not_asked(part, first) if first else checked(part, asked[part])
        if not check.ok:
            bad.add(part)
        yield check


def urls(settings: Settings) -> list[str]:
    """Where HTTP goes: the storage account and Odoo, as far as they are configured."""
    found = []
    with suppress(BridgeError):  # the queue's own line says it
        found.append(queue_rights.account_url(settings))
    return found + ([settings.odoo_url] if settings.odoo_url else [])


def hosts(settings: Settings) -> list[str]:
    """Every name that has to be known here."""
    found = [urlsplit(url).hostname for url in urls(settings)]
    return [host for host in dict.fromkeys([*found, mirror_rights.host_of(settings)]) if host]


def queues(settings: Settings) -> str:
    """The account answers."""
    depths = [f"{name} {QueueReader(settings, name).depth()}" for name in QUEUES]
    return f"answers; waiting: {', '.join(depths)}"


def may_use_queues(settings: Settings) -> str:
    """Everything that the road does to a queue is allowed."""
    for name in QUEUES:
        queue_rights.exercise(settings, name)
    return "may send to, look into and delete from each queue"


def mirror(settings: Settings) -> str:
    """The database answers, with this release's tables."""
    store = Store.from_settings(settings)
    try:
        store.ping()
        current, head = current_revision(store.engine), head_revision()
    finally:
        store.close()
    if current is None:
        raise Finding("schema_missing", "the database answers but holds no tables of ours")
    if current != head:
        raise Finding("schema_outdated", f"it is at {current}, this release wants {head}")
    return f"{store.engine.dialect.name} answers; schema {current}"


def may_use_mirror(settings: Settings) -> str:
    """The login may read and write every table; making tables is not needed for that."""
    store = Store.from_settings(settings)
    try:
        count = mirror_rights.exercise(store)
    finally:
        store.close()
    return f"may read and write all {count} tables (changing them is for db upgrade only)"


def database_clock(settings: Settings) -> Callable[[], datetime] | None:
    """Asks the database's clock; None where it is ours, or the database is away."""
    if mirror_rights.host_of(settings) is None:
        return None
    store = Store.from_settings(settings)
    try:
        store.ping()
    except BridgeError:
        return None

    def now() -> datetime:
        with store.reading() as session:
            return database_now(session)

    return now
