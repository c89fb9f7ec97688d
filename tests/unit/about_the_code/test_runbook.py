"""The runbook answers every alert, and no alert that is gone."""

from __future__ import annotations

import re

import yaml

from tests.unit.about_the_code.sources import read

RULES = "deploy/alerts/bridge.yml"


def test_every_alert_has_its_heading() -> None:
    groups = yaml.safe_load(read(RULES).text)["groups"]
    alerts = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    headings = re.findall(r"^### (Bridge\w+)$", read("docs/runbook.md").text, re.MULTILINE)
    assert alerts
    assert sorted(headings) == sorted(alerts)
