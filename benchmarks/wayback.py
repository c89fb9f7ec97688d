"""How long after a salesperson's click the mirror and ManyChat know of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import requests
from sqlalchemy import create_engine, text

from benchmarks.lines import Line, percentile
from devstack.errors import NotReady
from devstack.manychat_server import ManyChatServer
from devstack.stack import Stack
from devstack.way_back import FIELDS, at_a_browser, writing_back

if TYPE_CHECKING:
    from benchmarks.whole_road import Amounts

WHO = "9001"
BEFORE = "No terminó Asesoría especializada Derivado a Comercial"
STAGES = ("Comienza Cotización", "Orden de venta Confirmada")
"""Side by side in the status bar, the first one beside BEFORE."""
TARGET_MS = 5000.0
LONGEST_SECONDS = 30.0


def measured(stack: Stack, amounts: Amounts) -> list[Line]:
    """Moves by the status bar of one lead, each after the one before has arrived."""
    stack.odoo.start()
    stack.bridge.start()
    section = f"way back: {amounts.moves} moves in a browser"
    with writing_back(stack) as manychat:
        lead = _lead(stack)
        spans = _moved(stack, manychat, lead, amounts.moves)
    stack.bridge.stop()
    lines = []
    for place, name in enumerate(("click → mirror", "click → ManyChat")):
        for share in (0.5, 0.95):
            target = TARGET_MS if share == 0.95 else None
            value = percentile([span[place] for span in spans], share)
            lines.append(Line(section, f"{name}: p{100 * share:.0f}", value, "ms", at_most=target))
    return lines


def _lead(stack: Stack) -> int:
    """The lead of a new contact, the salesperson's own."""
    for kind, body in (
        ("contact", {"nombre_lead": "Eva", "ultimo_estado": BEFORE}),
        ("campaign-assignment", {"comercial_id": stack.odoo.salesperson_login}),
    ):
        requests.post(
            f"{stack.bridge.api_url}/api/v1/manychat/webhook/{kind}",
            json={"manychat_id": WHO, **body},
            headers={"X-API-KEY": stack.bridge.webhook_api_key},
            timeout=10,
        ).raise_for_status()
    _wait(lambda: _synced(stack) == 2)
    return int(_stood(stack)[1])


def _moved(
    stack: Stack, manychat: ManyChatServer, lead: int, moves: int
) -> list[tuple[float, float]]:
    def arrived(stage: str) -> float:
        mirror = _wait(lambda: _stood(stack)[0] == stage)
        _wait(lambda: manychat.page.contact(WHO).fields.get(FIELDS["stage"]) == stage)
        return mirror

    spans = []
    with at_a_browser(stack.odoo) as salesperson:
        for number in range(moves + 1):
            stage = STAGES[number % 2]
            salesperson.open(lead)
            began = time.monotonic()
            salesperson.move(stage)
            mirror = arrived(stage)
            told = next(at for at, _path, body in reversed(manychat.page.calls)
                        if stage in str(body))  # fmt: skip
            if number:  # the first one warms every part
                spans.append((1000 * (mirror - began), 1000 * (told - began)))
    return spans


def _synced(stack: Stack) -> int:
    """How many of the contact's events Odoo has."""
    [row] = _rows(stack, "SELECT COUNT(*) FROM Outbox WHERE status = 'success'")
    return int(row[0])


def _stood(stack: Stack) -> tuple[str | None, int]:
    """The lead's stage and id as the mirror has them."""
    read = "SELECT odoo_stage, odoo_lead_id FROM Contact WHERE manychat_id = :who"
    [(stage, lead)] = _rows(stack, read, who=WHO)
    return stage, lead or 0


def _rows(stack: Stack, statement: str, **values: str) -> list[tuple[Any, ...]]:
    engine = create_engine(stack.bridge.env["DATABASE_URL"])
    try:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement), values)]
    finally:
        engine.dispose()


def _wait(right: Callable[[], bool]) -> float:
    """When it was right, by the monotonic clock. Raises NotReady."""
    deadline = time.monotonic() + LONGEST_SECONDS
    while not right():
        if time.monotonic() > deadline:
            raise NotReady(f"not there after {LONGEST_SECONDS:.0f} s")
        time.sleep(0.02)
    return time.monotonic()
