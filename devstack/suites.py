"""The test suites: what each runs, and one table at the end of what ran and how long it took."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from devstack import odoo_sources, progress
from devstack.addon_tests import run_addon_tests
from devstack.errors import StackError
from devstack.places import CHECKOUT, WORK
from devstack.processes import Process
from devstack.stack import Stack

REPORTS = WORK / "reports"
NAMES = ("unit", "integration", "odoo", "e2e", "faults")
LINES_OF_A_FAILURE = 12


@dataclass(frozen=True)
class Result:
    """What one run of a suite came to; `tests` counts the skipped and the failed ones too.

    `failures` tells each failed test: its name, then the end of what pytest said of it.
    """

    suite: str
    tests: int
    failed: int
    skipped: int
    seconds: float
    failures: Sequence[str] = field(default=())

    @property
    def passed(self) -> int:
        return self.tests - self.failed - self.skipped


def run_suites(names: Sequence[str], series: str | None, extra: Sequence[str]) -> int:
    """Run the named suites one after the other; 0 only if each ran tests and none failed."""
    results: list[Result] = []
    for name in names:
        results += _odoo_suite(series, extra) if name == "odoo" else [_suite(name, extra)]
    print_summary(results)
    return 1 if any(result.failed for result in results) else 0


def print_summary(results: Sequence[Result]) -> None:
    """A line a suite, what failed, and last the plain totals.

    Each failure is told again here because of a long run often only the end is kept.
    """
    print(f"\n{'suite':<24}{'tests':>7}{'failed':>8}{'skipped':>9}{'seconds':>9}")
    for result in results:
        print(
            f"{result.suite:<24}{result.tests:>7}{result.failed:>8}{result.skipped:>9}"
            f"{result.seconds:>9.1f}"
        )
    for result in results:
        for failure in result.failures:
            print(f"\nFAILED in {result.suite}: {failure}")
    passed = sum(result.passed for result in results)
    failed = sum(result.failed for result in results)
    print(f"\n{passed} passed, {failed} failed", flush=True)


def _suite(name: str, extra: Sequence[str]) -> Result:
    progress.say(f"running the {name} tests")
    report = _report(name)
    wanted = [] if any(word.startswith(f"tests/{name}/") for word in extra) else [f"tests/{name}"]
    command = [sys.executable, "-m", "pytest", *wanted, f"--junitxml={report}", *extra]
    began = time.monotonic()
    tests = Process(
        f"{name} tests",
        command,
        log=Path(os.devnull),
        cwd=CHECKOUT,
        stop_signal=signal.SIGINT,
        grace=60.0,
    )
    return read_report(name, report, tests.run_in_sight(), time.monotonic() - began)


def _odoo_suite(series: str | None, extra: Sequence[str]) -> list[Result]:
    sources = [odoo_sources.choose(series)] if series else odoo_sources.every()
    results = []
    with Stack(name="test") as stack:
        for source in sources:
            progress.say(f"running the addon's tests on {source}")
            name = f"odoo {source.series}"
            report = _report(name)
            began = time.monotonic()
            try:
                code = run_addon_tests(
                    source, stack.postgres, stack.folder / "addon-tests", report, extra
                )
            except StackError as error:
                print(error, file=sys.stderr)
                code = 1
            results.append(read_report(name, report, code, time.monotonic() - began))
    return results


def read_report(suite: str, report: Path, code: int, seconds: float) -> Result:
    """Counts of a JUnit file; a run without tests, or one that broke off, counts as a failure."""
    tests = failed = skipped = 0
    failures: list[str] = []
    if report.exists():
        root = ElementTree.parse(report).getroot()  # noqa: S314  (our own file)
        failures = [_failure(case) for case in root.iter("testcase") if _broken(case) is not None]
        for element in root.iter("testsuite"):
            tests += int(element.get("tests", 0))
            failed += int(element.get("failures", 0)) + int(element.get("errors", 0))
            skipped += int(element.get("skipped", 0))
    if not failed and (code or not tests):
        progress.say(f"{suite}: {'pytest ended with ' + str(code) if code else 'no test ran'}")
        failed, tests = 1, tests + 1
    return Result(suite, tests, failed, skipped, seconds, failures)


def _broken(case: ElementTree.Element) -> ElementTree.Element | None:
    return next((child for child in case if child.tag in ("failure", "error")), None)


def _failure(case: ElementTree.Element) -> str:
    broken = _broken(case)
    said = ((broken.text if broken is not None else None) or "").rstrip().splitlines()
    name = f"{case.get('classname')}::{case.get('name')}"
    return "\n".join([name, *(f"    {line}" for line in said[-LINES_OF_A_FAILURE:])])


def _report(name: str) -> Path:
    REPORTS.mkdir(parents=True, exist_ok=True)
    report = REPORTS / f"{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    return report
