"""The commands: what they start, and how they fail."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jsonschema import ValidationError
from jsonschema.validators import validator_for
from typer.testing import CliRunner

from bridge import cli
from bridge.errors import PermanentError
from bridge.workers import process

run = CliRunner().invoke


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without `.env`, the required variable, and a mirror file that does not exist."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("API_KEY", "key")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'mirror.db'}")
    monkeypatch.setenv("PORT", "8123")
    return tmp_path


def test_every_command_of_the_ground_floor_is_there() -> None:
    shown = run(cli.app, ["--help"]).stdout
    for command in ("serve", "worker", "db", "doctor", "demo", "dead-letter"):
        assert command in shown


def test_serve_runs_the_app_on_the_configured_port(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: dict[str, Any] = {}
    monkeypatch.setattr("uvicorn.run", lambda app, **options: started.update(options, app=app))
    assert run(cli.app, ["serve", "--host", "127.0.0.1"]).exit_code == 0
    assert (started["app"], started["port"]) == ("bridge.asgi:app", 8123)
    assert started["access_log"] is False  # it would log query strings


@pytest.mark.parametrize("name", ["contact", "campaign", "crm", "all"])
def test_worker_runs_what_is_named_and_passes_its_exit_code(
    environment: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        process, "run_workers", lambda _settings, name, _many: asked.append(name) or len(asked)
    )
    assert run(cli.app, ["worker", name]).exit_code == 1
    assert asked == [name]


def test_worker_means_all_when_nothing_is_named(
    environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(
        process, "run_workers", lambda _settings, name, _many: asked.append(name) or 0
    )
    assert run(cli.app, ["worker"]).exit_code == 0
    assert asked == ["all"]


def test_an_unknown_worker_is_refused() -> None:
    assert run(cli.app, ["worker", "nobody"]).exit_code == 2


def test_db_upgrade_makes_the_tables_and_may_be_repeated(environment: Path) -> None:
    first = run(cli.app, ["db", "upgrade"])
    assert first.exit_code == 0
    assert "mirror: empty -> " in first.stdout
    assert (environment / "mirror.db").exists()
    assert "empty" not in run(cli.app, ["db", "upgrade"]).stdout


def test_dead_letters_of_a_new_mirror_are_none(environment: Path) -> None:
    run(cli.app, ["db", "upgrade"])
    listed = run(cli.app, ["dead-letter", "list"])
    assert (listed.exit_code, listed.stdout) == (0, "")


KINDS = {"contact", "campaign-assignment", "stage-change", "address", "lead"}


def test_the_schemas_are_printed_or_written_a_file_a_kind(tmp_path: Path) -> None:
    printed = json.loads(run(cli.app, ["schemas"]).stdout)
    assert printed.keys() == KINDS
    written = run(cli.app, ["schemas", str(tmp_path / "new")])
    assert written.exit_code == 0
    files = {path.stem: json.loads(path.read_text("utf-8")) for path in tmp_path.glob("new/*.json")}
    assert files == printed


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_schema_is_one_and_takes_its_own_example(kind: str) -> None:
    schema = json.loads(run(cli.app, ["schemas"]).stdout)[kind]
    validator = validator_for(schema)
    validator.check_schema(schema)
    assert "$defs" not in schema
    validator(schema).validate(schema["example"])
    with pytest.raises(ValidationError):
        validator(schema).validate({"manychat_id": 1.5})


def test_sync_says_how_many_events_are_due_and_whom_it_does_not_know(environment: Path) -> None:
    run(cli.app, ["db", "upgrade"])
    asked = run(cli.app, ["sync"])
    assert (asked.exit_code, asked.stdout) == (0, "0 events are due\n")
    unknown = run(cli.app, ["sync", "MC-9"])
    assert unknown.exit_code == 1
    assert isinstance(unknown.exception, PermanentError)


def test_demo_without_its_package_says_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "find_spec", lambda _name: None)
    done = run(cli.app, ["demo"])
    assert done.exit_code == 2
    assert "make demo" in done.output


def test_demo_hands_its_arguments_on(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(cli, "find_spec", lambda name: ModuleSpec(name, None))
    module = SimpleNamespace(main=lambda arguments: seen.append(arguments) or 0)
    monkeypatch.setattr(cli, "import_module", lambda _name: module)
    assert run(cli.app, ["demo", "--once"]).exit_code == 0
    assert seen == [["--once"]]


@pytest.mark.parametrize(
    "command",
    [
        ["bridge", "worker", "contact"],
        ["bridge", "db", "upgrade"],
        ["bridge.workers.contact_processor"],
        ["bridge.workers.campaign_processor"],
        ["bridge.workers.crm_processor"],
    ],
)
def test_wrong_settings_end_a_process_with_one_line_and_exit_code_1(
    command: list[str], tmp_path: Path
) -> None:
    root = Path(__file__).parents[3]
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-m", *command],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "MAX_ATTEMPTS": "many-secret"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "API_KEY: is required" in done.stderr
    assert "MAX_ATTEMPTS" in done.stderr
    assert "secret" not in done.stderr
    assert "Traceback" not in done.stderr
