"""`db adopt` as a command: a plan, the deed, and what it refuses."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner

from bridge import cli
from bridge.mirror.adopt.plan import state_of
from bridge.mirror.store import Store
from bridge.settings import load_settings
from devstack.predecessor import build

run = CliRunner().invoke


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without `.env`, the required variable, and a mirror file that does not exist."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", "key")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'mirror.db'}")
    return tmp_path


@pytest.fixture
def predecessors(environment: Path) -> Path:
    """A mirror file with the predecessor's tables."""
    engine = create_engine(f"sqlite:///{environment / 'mirror.db'}")
    build(engine, 30, keys=True)
    engine.dispose()
    return environment


def test_adopt_shows_its_plan_and_writes_only_when_told_to(predecessors: Path) -> None:
    before = (predecessors / "mirror.db").read_bytes()
    planned = run(cli.app, ["db", "adopt"])
    assert planned.exit_code == 0
    assert "Contact: new column manychat_digest" in planned.stdout
    assert "Nothing was written" in planned.stdout
    with Store.from_settings(load_settings()).transaction() as session:
        assert state_of(session) == "predecessor"
    assert len(before) == (predecessors / "mirror.db").stat().st_size
    done = run(cli.app, ["db", "adopt", "--yes", "--push", "--zone", "UTC"])
    assert "outbox rows" in done.stdout
    assert "already" in run(cli.app, ["db", "adopt", "--yes"]).stdout
    assert "empty" not in run(cli.app, ["db", "upgrade"]).stdout


def test_adopt_refuses_a_zone_that_does_not_exist(
    predecessors: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bridge", "db", "adopt", "--zone", "Mars/Olympus"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert "--zone" in capsys.readouterr().err


def test_upgrade_leaves_the_predecessors_tables_to_adopt(
    predecessors: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bridge", "db", "upgrade"])
    with pytest.raises(SystemExit):
        cli.main()
    assert capsys.readouterr().err.startswith("adopt_first")


def test_an_empty_database_has_nothing_to_adopt(environment: Path) -> None:
    assert "db upgrade" in run(cli.app, ["db", "adopt", "--yes"]).stdout
