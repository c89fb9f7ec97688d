"""The bodies to paste: read whole when ManyChat fills them, harmless when it does not."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import UnusableEvent
from bridge.events.event import EventType
from bridge.events.payloads import PAYLOADS
from bridge.events.reading import Rules, accept, read_event
from bridge.events.templates import TEMPLATES

NOW = datetime(2025, 11, 1, 12, 0, tzinfo=UTC)
SAMPLES = {"whatsapp_phone": "987654321", "email": "ana@example.com", "user_id": "MC1",
           "cuf_entry_date": "2025-10-20"}  # fmt: skip


def filled(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: filled(value) for key, value in node.items()}
    if str(node).startswith("{{"):
        return SAMPLES.get(node.strip("{}"), "Algo")
    return node


def test_every_webhook_has_a_template() -> None:
    assert set(TEMPLATES) == set(PAYLOADS)


def test_the_readme_shows_the_same_bodies() -> None:
    readme = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```json\n(.*?)```", readme, re.DOTALL)
    shown = [body for body in map(json.loads, blocks) if body["manychat_id"] == "{{user_id}}"]
    assert len(shown) == 4
    assert [body for body in shown if body not in TEMPLATES.values()] == []


@pytest.mark.parametrize("type", sorted(TEMPLATES))
def test_a_filled_template_is_read_whole(type: EventType) -> None:
    body = filled(json.loads(json.dumps(TEMPLATES[type])))
    event = read_event(accept(type, body, None, NOW, Rules()), Rules())
    assert event.scrubs == ()
    said = len(body) - 1 - ("tipo_asignacion" in body) + (len(body["state"]) - 1
                                                        if isinstance(body.get("state"), dict)
                                                        else 0)  # fmt: skip
    values = event.values
    assert len(values.get("address", values)) == said  # type: ignore[arg-type]


@pytest.mark.parametrize("type", sorted(TEMPLATES.keys() - {EventType.ADDRESS}))
def test_a_variable_that_was_left_as_it_is_changes_nothing(type: EventType) -> None:
    body = dict(TEMPLATES[type]) | {"manychat_id": "MC1"}
    event = read_event(accept(type, body, None, NOW, Rules()), Rules())
    assert set(event.values) <= {"channel", "initial_state", "state", "campaign"}
    assert {scrub.code for scrub in event.scrubs} == {"placeholder"}


def test_the_contacts_own_id_must_be_filled() -> None:
    with pytest.raises(UnusableEvent):
        accept(EventType.CONTACT, dict(TEMPLATES[EventType.CONTACT]), None, NOW, Rules())
