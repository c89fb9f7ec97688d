"""One line of the benchmark's table: what was measured, and what it should be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Line:
    """A figure in its unit; `at_least` or `at_most` is its target; `runs` are what it is of."""

    section: str
    what: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    runs: tuple[float, ...] = field(default=())
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target was met; None without one."""
        if self.at_least is not None:
            return self.value >= self.at_least
        return None if self.at_most is None else self.value <= self.at_most


def table(lines: Sequence[Line]) -> str:
    """The lines below each other, with a heading a section."""
    shown = []
    section = ""
    for line in lines:
        if line.section != section:
            section = line.section
            shown.append(f"\n{section:<58}{'median':>11}  {'unit':<11}{'runs':<17}target")
        span = f"{number(min(line.runs))}–{number(max(line.runs))}" if line.runs else ""
        shown.append(
            f"  {line.what:<56}{number(line.value):>11}  {line.unit:<11}{span:<17}{_target(line)}"
        )
        if line.note:
            shown.append(f"    {line.note}")
    return "\n".join(shown)


def number(value: float) -> str:
    """Three digits that count, and no more."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def _target(line: Line) -> str:
    if line.met is None:
        return ""
    due = f"≥ {line.at_least:g}" if line.at_least is not None else f"≤ {line.at_most:g}"
    return f"{due} {'met' if line.met else 'MISSED'}"
