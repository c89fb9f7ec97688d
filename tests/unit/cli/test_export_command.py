"""`export` as a command: which export takes a person's id, and which must not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge import cli

run = CliRunner().invoke


@pytest.fixture(autouse=True)
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", "key")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'mirror.db'}")
    run(cli.app, ["db", "upgrade"])


def test_a_person_of_whom_nothing_is_known_is_an_empty_document() -> None:
    told = run(cli.app, ["export", "person", "--manychat-id", "MC-1", "person.json"])
    assert told.exit_code == 0
    assert json.loads(Path("person.json").read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize("words", [["person"], ["contacts", "--manychat-id", "MC-1"]])
def test_an_id_goes_with_a_person_and_with_nothing_else(words: list[str]) -> None:
    told = run(cli.app, ["export", *words])
    assert told.exit_code != 0
    assert "--manychat-id" in told.output + str(told.exception)
