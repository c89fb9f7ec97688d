"""What the documents tell people to type works as written, on a running road."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack.places import CHECKOUT
from tests.e2e.conftest import Road
from tests.e2e.documented import Command, commands, commands_of
from tests.unit.about_the_code.sources import tracked

ELSEWHERE = {
    "make demo": "it brings up a second road; run by hand before each release: make demo ONCE=1",
    "az ": "no Azure account here",
    "sqlcmd ": "no SQL Server here: tests/unit/deploy parses the scripts",
    "cd out && func ": "no Functions tools here: tests/integration/deploy calls the functions",
    "export ": "names and addresses on Azure: tests/unit/documents checks that none is missing",
    "for app in ": "no Azure account here",
    "sed ": "what it makes is for sqlcmd: tests/unit/documents runs it",
    'curl "$API_URL': "an address of Azure",
    'curl -H "X-API-KEY: $API_KEY" "$API_URL': "an address of Azure",
    'curl -H "X-API-KEY: $WEBHOOK_API_KEY" "$API_URL': "an address of Azure",
    "ODOO_USERNAME=": "the clinic's own Odoo",
    "make test": "this test is part of it",
    "docker ": "no engine here: tests/integration/deploy carries the Dockerfiles' steps out",
    "cp .env.example .env": "the road's settings come from its own environment",
}
"""How a command begins that is not run here, and why."""
KNOWN = "987654321"  # the contact that the documents ask for
BASH = shutil.which("bash") or "bash"
COMMANDS = list(commands(CHECKOUT))


def reason(command: Command) -> str | None:
    return next((why for start, why in ELSEWHERE.items() if command.text.startswith(start)), None)


HERE = [command for command in COMMANDS if reason(command) is None]


@dataclass(frozen=True)
class Desk:
    """A checkout like a reader's, where `python` and the settings are the road's."""

    folder: Path
    environment: dict[str, str]

    def type(self, command: Command) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  (our own documents)
            [BASH, "-euo", "pipefail", "-c", command.text],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            check=False,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def desk(road: Road, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("reader") / "checkout"
    for name in tracked():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / name, target)
    (folder / ".venv").symlink_to(CHECKOUT / ".venv")
    environment = road.stack.bridge.environment() | {"BRIDGE_URL": road.stack.bridge.api_url}
    (folder / ".curlrc").write_text("fail\n")  # curl calls a refusal a success
    environment["CURL_HOME"] = str(folder)
    environment["PATH"] = f"{folder / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    road.send(("contact", {"manychat_id": KNOWN, "nombre_lead": "Rosa"}))
    return Desk(folder, environment)


@pytest.mark.parametrize("command", HERE, ids=lambda command: command.at)
def test_it_works_as_written(desk: Desk, command: Command) -> None:
    done = desk.type(command)
    assert done.returncode == 0, f"{command.text}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"


def test_what_is_not_run_here_is_still_told_somewhere() -> None:
    texts = [command.text for command in COMMANDS]
    assert [start for start in ELSEWHERE if not any(t.startswith(start) for t in texts)] == []


def test_continued_lines_are_one_command_and_other_blocks_are_none() -> None:
    text = (
        "```mermaid\nmake x\n```\n\n  ```bash\n  # why\n  curl \\\n    -X POST\n  make y\n  ```\n"
    )
    found = [(command.at, command.text) for command in commands_of(text, "a.md")]
    assert found == [("a.md:7", "curl -X POST"), ("a.md:9", "make y")]
