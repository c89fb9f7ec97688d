"""Requirements, licence, hooks, decisions: the papers around the code agree with each other."""

from __future__ import annotations

import ast
import os
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.unit.about_the_code.sources import ROOT, read, run, tracked

PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
DECISION_LINES = 25
LOCKS = ("requirements.txt", "requirements-dev.txt", "requirements-azure-monitor.txt")


def pins(text: str) -> dict[str, set[str]]:
    """Normalised name → versions (several where markers tell them apart)."""
    found: dict[str, set[str]] = {}
    for name, version in PIN.findall(text):
        found.setdefault(_plain(name), set()).add(version)
    return found


def without_hash(text: str) -> list[str]:
    blocks = re.split(r"\n(?=\S)", text)
    return [b.split()[0] for b in blocks if PIN.match(b) and "--hash=sha256:" not in b]


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _wanted(requirements: list[str]) -> set[str]:
    return {_plain(re.match(r"[\w.-]+", line)[0]) for line in requirements}  # type: ignore[index]


def hook_tools(text: str) -> list[str]:
    """What each hook calls; a remote repository of hooks counts as a violation of its own."""
    config = yaml.safe_load(text)
    remote = [repo["repo"] for repo in config["repos"] if repo["repo"] != "local"]
    return remote + [hook["entry"] for repo in config["repos"] for hook in repo.get("hooks", [])]


def test_every_requirement_is_pinned_with_a_hash() -> None:
    for path in LOCKS:
        assert pins(read(path).text), path
        assert without_hash(read(path).text) == [], path


def test_the_requirements_are_those_of_the_project() -> None:
    project = tomllib.loads(read("pyproject.toml").text)["project"]
    needed, development, monitored = (pins(read(path).text) for path in LOCKS)
    extras = project["optional-dependencies"]
    assert _wanted(project["dependencies"]) <= set(needed)
    assert _wanted(extras["dev"]) <= set(development)
    assert _wanted(extras["azure-monitor"]) <= set(monitored)
    for wider in (development, monitored):
        assert {name: wider.get(name) for name in needed} == needed


def test_a_requirement_without_a_hash_is_seen() -> None:
    good = "one==1.0 \\\n    --hash=sha256:00\n    # via two\n"
    assert without_hash(good) == []
    assert without_hash(good + "two==2.0\n") == ["two==2.0"]


def test_the_licence_is_told_alike_everywhere() -> None:
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in read("LICENSE").text
    assert "Version 3, 29 June 2007" in read("LICENSE").text
    manifest = ast.literal_eval(read("miasalud_crm/__manifest__.py").text)
    project = tomllib.loads(read("pyproject.toml").text)["project"]
    assert manifest["license"] == "LGPL-3"
    assert project["license"] == "LGPL-3.0-only"
    assert all(
        'licenses="LGPL-3.0-only"' in read(p).text
        for p in tracked()
        if p.startswith("docker/Dockerfile.")
    )


def test_the_hooks_are_valid_and_need_no_network() -> None:
    checked = run("pre-commit", "validate-config", str(ROOT / ".pre-commit-config.yaml"))
    assert checked.ok, checked.output
    entries = hook_tools(read(".pre-commit-config.yaml").text)
    assert all(entry.startswith(".venv/bin/") for entry in entries)


def test_the_hooks_check_what_make_check_does() -> None:
    recipe = run("make", "--directory", str(ROOT), "--dry-run", "--no-print-directory", "check")
    assert recipe.ok, recipe.output
    entries = hook_tools(read(".pre-commit-config.yaml").text)
    checked = re.findall(r"^\.venv/bin/python -m (.+)$", recipe.output, re.MULTILINE)
    assert {command.split()[0] for command in checked} == {"ruff", "mypy", "pylint"}
    for command in checked:
        kept = command.replace(" --check", "").removesuffix(" .")
        assert any(f"-m {kept}" in entry for entry in entries), command


def test_a_remote_hook_is_seen(tmp_path: Path) -> None:
    text = "repos: [{repo: https://example.com/hooks, rev: v1, hooks: [{id: x, entry: x}]}]"
    assert not all(entry.startswith(".venv/bin/") for entry in hook_tools(text))
    broken = tmp_path / "broken.yaml"
    broken.write_text("repos: [{repo: local}]")
    assert not run("pre-commit", "validate-config", str(broken)).ok


def test_ci_runs_what_people_run() -> None:
    text = read(".ci/run").text
    assert "make check" in text
    assert "make test" in text
    assert os.access(ROOT / ".ci/run", os.X_OK)


def test_the_changelog_opens_with_what_is_not_released() -> None:
    headings = re.findall(r"^## (.+)$", read("CHANGELOG.md").text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"


@pytest.mark.parametrize(
    "path", [p for p in tracked() if re.match(r"docs/decisions/\d{4}-", p)], ids=lambda p: p[15:19]
)
def test_a_decision_is_short_whole_and_listed(path: str) -> None:
    text = read(path).text
    assert text.count("\n") <= DECISION_LINES
    parts = re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE)
    assert parts == ["Context", "Decision", "Consequences"]
    assert text.startswith(f"# {Path(path).name[:4]}: ")
    assert f"({Path(path).name})" in read("docs/decisions/README.md").text
