"""`python -m bridge db adopt`: the plan, and with `--yes` the deed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bridge.errors import SettingsError
from bridge.mirror.adopt.plan import EMPTY, OURS, Plan, look
from bridge.mirror.adopt.run import Adopter
from bridge.mirror.store import Store
from bridge.settings import Settings


def adopt(
    settings: Settings,
    say: Callable[[str], None],
    *,
    yes: bool = False,
    push: bool = False,
    zone: str | None = None,
) -> None:
    """Say what would be done; do it if `yes`; `push` also sends what was adopted to Odoo.

    Raises SettingsError for a zone that does not exist, else what `Adopter.run` raises.
    """
    dates_in = _zone(zone) if zone else settings.zone
    store = Store.from_settings(settings)
    adopter = Adopter(store, dates_in, lambda: datetime.now(UTC), say)
    with store.transaction() as session:
        plan = look(session)
    if plan.state == EMPTY:
        say("There is no Contact table: run `python -m bridge db upgrade`.")
        return
    for line in _told(plan, str(dates_in)):
        say(line)
    if not yes:
        say("Nothing was written. Stop whatever writes to this database, then add --yes.")
        return
    if plan.state != OURS:
        for line in adopter.run().lines():
            say(line)
    if push:
        say(f"{adopter.push()} outbox rows: the crm worker takes them to Odoo")


def _told(plan: Plan, zone: str) -> list[str]:
    if plan.state == OURS:
        return ["This database is the bridge's already: nothing to adopt."]
    return plan.lines(zone)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingsError("--zone: there is no such zone") from None
