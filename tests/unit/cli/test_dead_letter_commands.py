"""`dead-letter list|show|replay|purge`: what they do, and what they refuse."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.commands import dead_letters as commands
from bridge.errors import AwayError, PermanentError
from bridge.events.envelope import Envelope
from bridge.events.event import EventType
from bridge.mirror import dead_letters
from bridge.mirror.store import Store

run = CliRunner().invoke
RECEIVED = datetime(2025, 10, 20, 22, tzinfo=UTC)


class FakeQueues:
    """Takes what is sent; `fail_at` is the number of the send that fails."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, int]] = []
        self.fail_at: int | None = None

    def writer(self, _settings: Any, queue: str) -> FakeQueues:
        self.queue = queue
        return self

    def send(self, envelope: Envelope) -> None:
        if self.fail_at == len(self.sent):
            raise AwayError("queue_unreachable")
        self.sent.append((self.queue, envelope.id, envelope.revision))


@pytest.fixture
def queues(monkeypatch: pytest.MonkeyPatch) -> FakeQueues:
    fake = FakeQueues()
    monkeypatch.setattr(commands, "QueueWriter", fake.writer)
    return fake


def keep(store: Store, *ids: str, hop: str = "api", days: int = 0, **changes: Any) -> None:
    letters = [
        Envelope(
            **{
                "id": id,
                "type": EventType.STAGE,
                "received_at": RECEIVED,
                "occurred_at": None,
                "payload": {"manychat_id": "MC-1", "nombre_lead": "Begoña"},
                **changes,
            }
        ).with_reason("permanent: no_manychat_id", hop)
        for id in ids
    ]
    with store.transaction() as session:
        dead_letters.record(session, letters, datetime.now(UTC) - timedelta(days=days))


def waiting(store: Store) -> list[str]:
    with store.reading() as session:
        found, _ = dead_letters.replays(session, dead_letters.Wanted())
        return [letter.event_id for letter in dead_letters.listing(session)
                if letter.id in {id for id, _ in found}][::-1]  # fmt: skip


def test_a_list_tells_the_reason_and_none_of_the_values(mirror: Store) -> None:
    keep(mirror, "event-1")
    number, day, time, *rest = run(app, ["dead-letter", "list"]).stdout.split()
    assert (number, rest) == ("1", ["event-1", "stage", "api", "permanent:", "no_manychat_id"])
    given_up = datetime.fromisoformat(f"{day} {time}")
    assert timedelta(0) <= datetime.now(UTC) - given_up < timedelta(minutes=5)


def listed(*words: str) -> list[str]:
    """The first words of each line: its number."""
    return [line.split()[0] for line in run(app, ["dead-letter", "list", *words]).stdout.split("\n")
            if line]  # fmt: skip


def test_a_list_tells_what_waits_and_marks_what_was_replayed(
    mirror: Store, queues: FakeQueues
) -> None:
    keep(mirror, "event-1", "event-2")
    keep(mirror, "event-3", hop="inbox")
    run(app, ["dead-letter", "replay", "1"])
    assert listed() == ["3", "2"]
    assert listed("--hop", "inbox") == ["3"]
    assert listed("--reason", "no_manychat_id", "--all") == ["3", "2", "1"]
    assert listed("--reason", "bad_json") == []
    lines = run(app, ["dead-letter", "list", "--all"]).stdout.splitlines()
    assert ["(replayed 20" in line for line in lines] == [False, False, True]


def test_a_letter_is_shown_by_the_event_that_a_422_told(mirror: Store) -> None:
    keep(mirror, "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b")
    shown = run(app, ["dead-letter", "show", "01975a3e-9c40-7c1e-8f0a-5b0f6f1f2a3b"])
    assert '"nombre_lead": "Begoña"' in shown.stdout
    missing = run(app, ["dead-letter", "show", "01975a3e"])
    assert isinstance(missing.exception, PermanentError)


def test_one_letter_is_shown_with_its_body(mirror: Store) -> None:
    keep(mirror, "event-1")
    shown = run(app, ["dead-letter", "show", "1"])
    assert shown.exit_code == 0
    assert '"nombre_lead": "Begoña"' in shown.stdout
    assert isinstance(run(app, ["dead-letter", "show", "2"]).exception, PermanentError)


def test_a_replay_sends_the_letter_one_revision_up_and_the_same_one_twice(
    mirror: Store, queues: FakeQueues
) -> None:
    keep(mirror, "event-1")
    for _ in range(2):
        assert run(app, ["dead-letter", "replay", "1"]).stdout == "1 replayed, 0 not\n"
    assert queues.sent == [("manychat-campaign-queue", "event-1", 1)] * 2
    assert waiting(mirror) == []


def test_all_are_replayed_page_after_page_and_each_once(
    mirror: Store, queues: FakeQueues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "_PAGE", 2)
    keep(mirror, *(f"event-{number}" for number in range(5)))
    assert run(app, ["dead-letter", "replay", "--all"]).stdout == "5 replayed, 0 not\n"
    assert [id for _, id, _ in queues.sent] == [f"event-{number}" for number in range(5)]
    assert run(app, ["dead-letter", "replay", "--all"]).stdout == "0 replayed, 0 not\n"


def test_only_the_hop_that_is_meant_is_replayed(mirror: Store, queues: FakeQueues) -> None:
    keep(mirror, "event-1", hop="api")
    keep(mirror, "event-2", hop="manychat-contact-queue")
    run(app, ["dead-letter", "replay", "--hop", "manychat-contact-queue"])
    assert [id for _, id, _ in queues.sent] == ["event-2"]
    run(app, ["dead-letter", "replay", "--reason", "transient"])
    assert len(queues.sent) == 1


def test_a_cut_body_is_not_replayed_and_the_command_says_so(
    mirror: Store, queues: FakeQueues
) -> None:
    keep(mirror, "event-1", payload={"cut": "{", "length": 40000, "sha256": "0"})
    keep(mirror, "event-2")
    done = run(app, ["dead-letter", "replay", "--all"])
    assert done.exit_code == 1
    assert "1: not replayed, only a part of the body was kept" in done.output
    assert [id for _, id, _ in queues.sent] == ["event-2"]


@pytest.mark.parametrize(
    ("type", "payload", "code"),
    [
        (EventType.STAGE, {"stage_manychat": "x"}, "no_manychat_id"),
        (EventType.ADDRESS, {"manychat_id": "MC-1"}, "no_address"),
    ],
)
def test_a_body_that_no_worker_can_use_is_not_replayed(
    mirror: Store, queues: FakeQueues, type: EventType, payload: dict[str, Any], code: str
) -> None:
    keep(mirror, "event-1", type=type, payload=payload)
    done = run(app, ["dead-letter", "replay", "1"])
    assert done.exit_code == 1
    assert f"1: not replayed, {code} still: post it mended" in done.output
    assert queues.sent == []
    assert waiting(mirror) == ["event-1"]


def test_a_body_that_our_own_fault_hit_may_be_replayed(
    mirror: Store,
    queues: FakeQueues,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fault(*_given: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(dead_letters, "read_event", fault)
    keep(mirror, "event-1")
    assert run(app, ["dead-letter", "replay", "1"]).stdout == "1 replayed, 0 not\n"
    assert "letter_not_judged" in caplog.text


def test_what_the_queue_did_not_take_still_waits_for_a_replay(
    mirror: Store, queues: FakeQueues
) -> None:
    keep(mirror, "event-1", "event-2")
    queues.fail_at = 1
    assert isinstance(run(app, ["dead-letter", "replay", "--all"]).exception, AwayError)
    assert "event-2" in waiting(mirror)


@pytest.mark.parametrize("words", [["replay"], ["replay", "1", "--all"], ["purge"]])
def test_a_command_without_a_choice_does_nothing(
    mirror: Store, queues: FakeQueues, words: list[str]
) -> None:
    keep(mirror, "event-1")
    assert run(app, ["dead-letter", *words]).exit_code == 2
    assert queues.sent == []
    assert waiting(mirror) == ["event-1"]


def test_a_purge_counts_first_and_deletes_when_told_to(mirror: Store) -> None:
    keep(mirror, "old", days=40)
    keep(mirror, "new")
    words = ["dead-letter", "purge", "--older-than", "30"]
    assert run(app, words).stdout == "1 would be purged: run it with --yes\n"
    assert waiting(mirror) == ["old", "new"]
    assert run(app, [*words, "--yes"]).stdout == "1 purged\n"
    assert waiting(mirror) == ["new"]


def test_a_purge_of_replayed_letters_keeps_the_others(mirror: Store, queues: FakeQueues) -> None:
    keep(mirror, "event-1", "event-2")
    run(app, ["dead-letter", "replay", "1"])
    assert run(app, ["dead-letter", "purge", "--replayed", "--yes"]).stdout == "1 purged\n"
    assert waiting(mirror) == ["event-2"]
