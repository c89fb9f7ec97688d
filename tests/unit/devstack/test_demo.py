"""What the demo shows of an event, and what it finds wrong with a lead."""

from __future__ import annotations

import io
import json
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from devstack.conversation import EXPECTED, ROSA, STEPS, ExpectedLead
from devstack.demo_check import Lead, differences
from devstack.demo_env import hint, write_env
from devstack.demo_events import Followed
from devstack.demo_view import View, line, time_text
from devstack.places import CHECKOUT


def lead(expected: ExpectedLead) -> Lead:
    fields = {name: getattr(expected, name) for name in vars(expected)}
    return Lead(id=1, **fields)


def test_leads_as_expected_have_no_differences() -> None:
    assert differences(EXPECTED, {one.manychat_id: [lead(one)] for one in EXPECTED}) == []


def test_a_missing_a_doubled_and_a_wrong_lead_are_named() -> None:
    rosa, teofilo, milagros = EXPECTED
    wrong = replace(lead(milagros), stage="Nuevo", states=())
    found = differences(EXPECTED, {ROSA: [lead(rosa)] * 2, milagros.manychat_id: [wrong]})
    assert f"{ROSA}: 2 leads instead of 1" in found
    assert f"{teofilo.manychat_id}: 0 leads instead of 1" in found
    assert any("stage is 'Nuevo'" in text for text in found)
    assert any("states is ()" in text for text in found)


def test_the_conversation_shows_what_the_road_must_stand() -> None:
    shown = " ".join(step.shows for step in STEPS)
    for case in (
        "new contact",
        "duplicate",
        "out of order",
        "before its contact",
        "{{cuf_",
        "unmapped",
    ):
        assert case in shown
    assert [step.status for step in STEPS].count(422) == 1
    assert {step.body.get("manychat_id") for step in STEPS if step.status == 202} == {
        one.manychat_id for one in EXPECTED
    }


@pytest.mark.parametrize(
    ("milliseconds", "text"), [(None, "…"), (84.6, "85 ms"), (999.0, "999 ms"), (2400.0, "2.4 s")]
)
def test_times_are_short(milliseconds: float | None, text: str) -> None:
    assert time_text(milliseconds) == text


def test_the_keys_are_left_for_a_shell_and_for_nobody_else(tmp_path: Path) -> None:
    env = {
        "API_KEY": "k",
        "AZURE_STORAGE_CONNECTION_STRING": "A=1;B='x y'",
        "BRIDGE_URL": "http://h",
    }
    path = tmp_path / "env"
    path.write_text("old")
    path.chmod(0o644)
    write_env(path, env)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = "import json, os; print(json.dumps(dict(os.environ)))"
    script = f"{hint(path)}; exec {sys.executable} -c '{told}'"
    seen = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True)  # noqa: S603
    assert env.items() <= json.loads(seen.stdout).items()


def test_the_hint_is_for_the_checkouts_folder() -> None:
    assert hint(CHECKOUT / ".devstack" / "demo" / "env") == "set -a; . .devstack/demo/env; set +a"


def test_a_line_tells_the_time_of_each_hop() -> None:
    event = Followed(
        STEPS[0], "id", outcome="created", accepted_ms=10, mirrored_ms=80, odoo_ms=1500
    )
    told = line(1, event)
    assert "accepted 10 ms → mirrored 80 ms → in Odoo 1.5 s" in told
    assert told.endswith("created")


def test_a_refused_body_is_shown_as_a_dead_letter() -> None:
    assert "kept as a dead letter" in line(16, Followed(STEPS[-1], "id", accepted_ms=5))


def test_without_a_terminal_each_event_is_printed_once_when_it_arrived() -> None:
    output = io.StringIO()
    events = [Followed(step) for step in STEPS[:2]]
    with View(Console(file=output, width=200)) as view:
        events[0].accepted_ms = 5
        view.show(events)
        assert output.getvalue() == ""
        events[0].mirrored_ms, events[0].odoo_ms = 50, 100
        view.show(events)
        view.show(events)
    assert len(output.getvalue().splitlines()) == 1
