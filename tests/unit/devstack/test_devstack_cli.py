"""The commands say what is wrong in one message, and never pull a folder from under a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack import cli, stack
from devstack.errors import PartMissing
from devstack.stack import Stack


def test_a_missing_part_is_a_message_and_exit_code_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> None:
        raise PartMissing("Node is missing: install it.")

    monkeypatch.setattr(cli.odoo_sources, "every", missing)
    assert cli.main(["fetch"]) == 1
    assert capsys.readouterr().err.strip() == "Node is missing: install it."


def test_an_interrupted_command_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli.odoo_sources, "every", interrupted)
    assert cli.main(["fetch"]) == 130


def test_an_unknown_suite_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["test", "everything"]) == 1
    assert "no such suite: everything" in capsys.readouterr().err


def test_cleaning_leaves_a_folder_in_use_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / ".devstack"
    for module in (cli, stack):
        monkeypatch.setattr(module, "WORK", work)
    with Stack(name="demo"):
        assert cli.main(["clean"]) == 1
        assert work.exists()
    assert cli.main(["clean"]) == 0
    assert not work.exists()
