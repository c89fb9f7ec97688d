"""docs/deploy.md can be typed from top to bottom: nothing is used before it is set."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from tests.e2e.documented import Command, commands_of
from tests.unit.about_the_code.sources import ROOT, read

BASH = shutil.which("bash") or "bash"
DOCUMENT = "docs/deploy.md"


def steps() -> list[Command]:
    return list(commands_of(read(DOCUMENT).text, DOCUMENT))


def unset_uses(told: list[Command]) -> list[str]:
    """Where a variable is used that no line before has exported; a loop's own is known to it."""
    known, wrong = {"app"}, []
    for command in told:
        set_here = re.findall(r"(?:export | )(\w+)=", command.text)
        known |= set(set_here) if command.text.startswith("export ") else set()
        used = re.findall(r"\$\{?([A-Za-z_]+)", command.text)
        wrong += [f"{command.at}: {name}" for name in used if name not in known]
    return wrong


def run(text: str, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  (our own document)
        [BASH, *words, "-c", text],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_variable_is_set_before_it_is_used() -> None:
    assert unset_uses(steps()) == []


def test_a_variable_that_nobody_set_is_seen() -> None:
    assert unset_uses([Command("a.md:1", 'az x "$NAME"'), Command("a.md:2", "export NAME=x")]) == [
        "a.md:1: NAME"
    ]


def test_all_that_the_parameters_read_is_exported() -> None:
    wanted = re.findall(r"readEnvironmentVariable\('(\w+)'", read("deploy/prod.bicepparam").text)
    given = {
        name
        for command in steps()
        if command.text.startswith("export ")
        for name in re.findall(r"(?:export | )(\w+)=", command.text)
    }
    assert set(wanted) <= given


@pytest.mark.parametrize("command", steps(), ids=lambda command: command.at)
def test_each_command_is_bash(command: Command) -> None:
    checked = run(command.text, "-n", PATH="")
    assert checked.returncode == 0, checked.stderr


def test_the_scripts_follow_the_chosen_name() -> None:
    made = [command.text for command in steps() if command.text.startswith("sed ")]
    assert len(made) == 2
    for text in made:
        done = run(text.split(" > ")[0], NAME="clinica", PATH="/usr/bin:/bin")
        users = re.findall(r"\[([\w-]+)\]", done.stdout)
        assert users
        assert all(user.startswith("clinica-") for user in users), users
