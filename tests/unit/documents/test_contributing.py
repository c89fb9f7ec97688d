"""CONTRIBUTING's worked example is applied to this very checkout, and its tests pass there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.about_the_code.sources import ROOT, tracked

EXAMPLE = "docs/examples/new-event-kind.diff"
# what shows that the new kind is read, documented, accepted, kept and known to both sides
PROOFS = (
    "tests/unit/events/test_templates.py",
    "tests/unit/api/test_webhooks.py::test_each_webhook_and_alias_keeps_its_kind_in_its_queue",
    "tests/unit/api/test_webhooks.py::test_verify_lists_every_webhook_with_its_aliases",
    "tests/unit/about_the_code/test_bridge_and_addon_agree.py",
    "tests/integration/mirror/test_apply.py::test_a_note_changes_the_summary_and_no_state[sqlite]",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what git tracks here, as it is now."""
    for path in tracked():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / path, target)
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(  # noqa: S603  (our own words)
        words, cwd=folder, env=inherited, capture_output=True, text=True, check=False
    )


def proofs(folder: Path) -> subprocess.CompletedProcess[str]:
    return run(folder, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *PROOFS)


def test_the_worked_example_applies_and_its_tests_pass(checkout: Path) -> None:
    applied = run(checkout, "git", "apply", EXAMPLE)
    assert applied.returncode == 0, applied.stderr
    proved = proofs(checkout)
    assert proved.returncode == 0, proved.stdout[-3000:]


def test_the_proofs_need_the_example(checkout: Path) -> None:
    tests = run(checkout, "git", "apply", "--include=tests/*", EXAMPLE)
    assert tests.returncode == 0, tests.stderr
    assert proofs(checkout).returncode != 0


def test_contributing_names_every_file_of_the_example() -> None:
    told = (ROOT / "CONTRIBUTING.md").read_text()
    changed = {
        line.removeprefix("+++ b/")
        for line in (ROOT / EXAMPLE).read_text().splitlines()
        if line.startswith("+++ b/")
    }
    assert {path for path in changed if path not in told} <= {"tests/unit/api/test_app.py"}
