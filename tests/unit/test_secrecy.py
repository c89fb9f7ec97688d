"""The check that runs over every suite's logs finds what was planted, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.events.reading import Rules, read_event
from bridge.mirror import dead_letters
from bridge.mirror.apply import apply_events
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.settings import load_settings
from tests.secrecy import leaks, told_of_people

NOW = datetime(2026, 3, 2, tzinfo=UTC)
BODY = {"manychat_id": "MC-1", "nombre_lead": "Begoña", "apellido_lead": "Quispe Lazo",
        "whatsapp": "987654321", "email_lead": "bego@example.com", "summary": "Dolor de espalda",
        "ultimo_estado": "Comienza Cotización"}  # fmt: skip
CLEAN = '{"event": "event_accepted", "manychat_id": "MC-1", "kind": "contact", "hop": "queue"}\n'


@pytest.fixture
def url(tmp_path: Path) -> str:
    """A mirror that has had one person, and a dead letter of another."""
    made = f"sqlite:///{tmp_path / 'mirror.db'}"
    store = Store.from_settings(load_settings(_env_file=None, api_key="x", database_url=made))
    upgrade(store.engine)

    def told(id: str, body: dict[str, str]) -> Envelope:
        return Envelope(id=id, type=EventType.CONTACT, received_at=NOW, occurred_at=None,
                        payload=body)  # fmt: skip

    event = told("a", BODY)
    with store.transaction() as session:
        apply_events(session, [(read_event(event, Rules()), event)], NOW)
        letter = told("b", {"manychat_id": "MC-2", "nombre_lead": "Óscar"})
        dead_letters.record(session, [letter.with_reason("x", "api")], NOW)
    store.close()
    return made


def log(tmp_path: Path, line: str, name: str = "api") -> Path:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / f"{name}.log").write_text(f"{CLEAN}{line}\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    "planted",
    ["Begoña", "Quispe Lazo", "987654321", "+51987654321", "bego@example.com", "Óscar",
     "Dolor de espalda"],
)  # fmt: skip
def test_a_planted_value_is_found_and_not_repeated(tmp_path: Path, url: str, planted: str) -> None:
    found = leaks(url, log(tmp_path, f'{{"event": "x", "reason": "{planted}"}}'))
    assert found == ["api.log:2"]


def test_ids_states_and_codes_are_no_leak(tmp_path: Path, url: str) -> None:
    line = '{"event": "event_mirrored", "manychat_id": "MC-1", "reason": "Comienza Cotización"}'
    assert leaks(url, log(tmp_path, line)) == []


def test_the_logs_of_others_are_not_ours_to_judge(tmp_path: Path, url: str) -> None:
    assert leaks(url, log(tmp_path, "Begoña", "odoo")) == []


def test_an_empty_mirror_has_nobody_to_name(tmp_path: Path) -> None:
    assert leaks(f"sqlite:///{tmp_path / 'none.db'}", log(tmp_path, "Begoña")) == []


@pytest.mark.parametrize("planted", ["Begoña", "bego@example.com", "+51911222333", "987654321"])
@pytest.mark.parametrize(
    "line",
    ['{{"event": "x", "reason": "{}", "level": "info"}}',
     "2026-03-02 10:00:00 [warning  ] it_failed   reason='{}'",
     "2026-03-02T10:00:00.123Z [info     ] it_failed   reason={}"],
)  # fmt: skip
def test_a_person_in_the_log_of_a_test_itself_is_found(line: str, planted: str) -> None:
    told = line.format(planted)
    assert told_of_people(f"printed for Begoña\n{told}\n{CLEAN}") == [told]
