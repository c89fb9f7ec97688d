"""The benchmark's table tells a missed target, and its traffic is read without a scrub."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from xml.etree import ElementTree

from benchmarks.chart import bars
from benchmarks.lines import Line, number, percentile, table
from benchmarks.measuring import cpu_seconds, resident
from benchmarks.traffic import Traffic
from benchmarks.webhooks import as_post
from bridge.events.event import EventType
from bridge.events.reading import Rules, accept, read_event

KINDS = {"contact": EventType.CONTACT, "stage-change": EventType.STAGE}


def test_a_target_is_met_missed_or_absent() -> None:
    assert Line("s", "w", 10.0, "×", at_least=10.0).met is True
    assert Line("s", "w", 9.9, "×", at_least=10.0).met is False
    assert Line("s", "w", 1.2, "×", at_most=1.15).met is False
    assert Line("s", "w", 1.2, "×").met is None


def test_the_table_shows_each_line_below_its_section() -> None:
    lines = [
        Line("first", "rate", 1234.5, "events/s", runs=(1000.0, 1300.0)),
        Line("first", "share", 0.5, "×", at_least=0.7, note="why"),
        Line("second", "delay", 3.14159, "ms", at_most=5.0),
    ]
    shown = table(lines).splitlines()
    assert [line.split()[0] for line in shown if line and not line.startswith(" ")] == [
        "first", "second",
    ]  # fmt: skip
    assert any("1234" in line and "1000–1300" in line for line in shown)
    assert any("≥ 0.7 MISSED" in line for line in shown)
    assert any("3.14" in line and "≤ 5 met" in line for line in shown)
    assert "    why" in shown


def test_numbers_keep_three_digits_that_count() -> None:
    assert [number(value) for value in (1234.5, 12.345, 0.12345)] == ["1234", "12.3", "0.123"]


def test_a_percentile_is_one_of_the_values() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert percentile(values, 0.5) == 51.0
    assert percentile(values, 0.99) == 100.0
    assert percentile([7.0], 0.99) == 7.0


def test_the_chart_is_a_picture_with_a_bar_a_row() -> None:
    picture = ElementTree.fromstring(bars("rates", [("slow <1>", 7.0), ("fast", 900.0)]))  # noqa: S314
    texts = [element.text for element in picture.iter() if element.text and element.text.strip()]
    assert {"slow <1>", "fast", "7", "900"} <= set(texts)
    widths = [float(e.get("width", "")) for e in picture.iter() if e.get("fill") == "#4c78a8"]
    assert 0 < widths[0] < widths[1]


def test_every_event_of_the_traffic_is_read_as_it_was_meant() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    traffic = Traffic("t", 100, 7)
    for event in [*traffic.seed, *traffic.events]:
        kind, body = as_post(event)
        read = read_event(accept(KINDS[kind], body, None, now, Rules()), Rules())
        assert read.manychat_id == event["manychat_id"]
        assert read.values["state"] == event["values"]["state"]
        assert read.scrubs == ()


def test_memory_and_time_count_the_children_too() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert resident(os.getpid()) > resident(child.pid) > 0
        assert cpu_seconds([os.getpid()]) >= cpu_seconds([child.pid])
    finally:
        child.communicate(b"\n", timeout=30)
