"""A suite counts only when it ran tests; the totals close the output."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack import suites
from devstack.addon_tests import wanted
from devstack.places import ADDON
from devstack.suites import Result, print_summary, read_report, run_suites

JUNIT = '<testsuites><testsuite tests="{}" failures="{}" errors="{}" skipped="{}"/></testsuites>'


def report(tmp_path: Path, *counts: int) -> Path:
    path = tmp_path / "report.xml"
    path.write_text(JUNIT.format(*counts))
    return path


def test_a_report_is_counted(tmp_path: Path) -> None:
    result = read_report("unit", report(tmp_path, 10, 1, 2, 3), 1, 4.0)
    assert (result.tests, result.failed, result.skipped, result.passed) == (10, 3, 3, 4)


@pytest.mark.parametrize("code", [0, 5])
def test_a_run_without_tests_is_a_failure(tmp_path: Path, code: int) -> None:
    assert read_report("unit", report(tmp_path, 0, 0, 0, 0), code, 1.0).failed == 1


def test_a_run_that_broke_off_is_a_failure(tmp_path: Path) -> None:
    assert read_report("unit", tmp_path / "none.xml", 3, 1.0).failed == 1
    assert read_report("unit", report(tmp_path, 10, 0, 0, 0), 2, 1.0).failed == 1


def test_the_last_line_tells_the_totals(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary([Result("unit", 12, 1, 1, 2.0), Result("odoo 18.0", 5, 0, 0, 3.0)])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "15 passed, 1 failed"
    assert any(line.startswith("odoo 18.0") and " 5 " in line for line in lines)


def test_what_failed_is_told_again_before_the_totals(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "report.xml"
    path.write_text(
        '<testsuites><testsuite tests="3" failures="1" errors="1" skipped="0">'
        '<testcase classname="tests.e2e.test_road" name="test_fine"/>'
        '<testcase classname="tests.e2e.test_road" name="test_lost"><failure message="m">'
        "long ago\n" + "between\n" * 11 + "E  assert 1 == 2</failure></testcase>"
        '<testcase classname="tests.e2e.test_road" name="test_unmade"><error message="m"/>'
        "</testcase></testsuite></testsuites>"
    )
    print_summary([read_report("e2e", path, 1, 4.0)])
    told = capsys.readouterr().out
    assert "FAILED in e2e: tests.e2e.test_road::test_lost\n" in told
    assert "    E  assert 1 == 2\n" in told
    assert "FAILED in e2e: tests.e2e.test_road::test_unmade\n" in told
    assert "test_fine" not in told
    assert "long ago" not in told
    assert told.splitlines()[-1] == "1 passed, 2 failed"


def test_every_suite_runs_although_one_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []

    def run(name: str, _extra: object) -> Result:
        ran.append(name)
        return Result(name, 1, int(name == "unit"), 0, 0.1)

    monkeypatch.setattr(suites, "_suite", run)
    monkeypatch.setattr(suites, "_odoo_suite", lambda _series, _extra: [run("odoo", None)])
    assert run_suites(suites.NAMES, None, []) == 1
    assert ran == list(suites.NAMES)
    assert run_suites(["e2e"], None, []) == 0


@pytest.mark.parametrize(
    ("extra", "paths"),
    [
        (["-k", "name"], ["tests/unit"]),
        (["tests/unit/devstack/test_suites.py", "-q"], ["tests/unit/devstack/test_suites.py"]),
    ],
)
def test_a_path_among_the_arguments_stands_for_the_whole_suite(
    monkeypatch: pytest.MonkeyPatch, extra: list[str], paths: list[str]
) -> None:
    commands: list[list[str]] = []

    class NoProcess:
        def __init__(self, _name: str, command: list[str], **_: object) -> None:
            commands.append(command)

        def run_in_sight(self) -> int:
            return 0

    monkeypatch.setattr(suites, "Process", NoProcess)
    monkeypatch.setattr(suites, "read_report", lambda *_: Result("unit", 1, 0, 0, 0.1))
    run_suites(["unit"], None, extra)
    assert [word for word in commands[0] if word.startswith("tests/")] == paths


def test_the_addons_tests_are_all_wanted_unless_a_path_is_given() -> None:
    assert wanted([]) == [str(ADDON)]
    assert wanted(["-k", "name"]) == ["-k", "name", str(ADDON)]
    assert wanted(["miasalud_crm/tests/test_feed.py"]) == ["miasalud_crm/tests/test_feed.py"]
