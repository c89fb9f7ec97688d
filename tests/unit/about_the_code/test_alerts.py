"""Alert rules and dashboard measure what the bridge measures: every name, label and bucket."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from prometheus_client import Counter, Gauge, Histogram

from bridge import metrics
from tests.unit.about_the_code.sources import python, read

RULES = "deploy/alerts/bridge.yml"
DASHBOARD = "deploy/grafana/dashboard.json"
SLO = "docs/slo.md"
USED = re.compile(r"\b(bridge_[a-z_]+)(?:\{([^}]*)\})?")
GROUPED = re.compile(r"\bby \(([^)]*)\)")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
ANNOTATED = re.compile(r"\{\{ \$labels\.(\w+) \}\}")


def measured() -> dict[str, set[str]]:
    """Every series that `/metrics` can show, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in vars(metrics).values():
        if not isinstance(metric, Counter | Gauge | Histogram):
            continue
        name, labels = metric.describe()[0].name, set(metric._labelnames)
        if isinstance(metric, Counter):
            found[f"{name}_total"] = labels
        elif isinstance(metric, Gauge):
            found[name] = labels
        else:
            found |= {f"{name}_sum": labels, f"{name}_count": labels}
            found[f"{name}_bucket"] = labels | {"le"}
    return found


def buckets() -> dict[str, set[str]]:
    """The upper bounds of each histogram, as they are written."""
    return {
        f"{metric.describe()[0].name}_bucket": {str(float(bound)) for bound in metric._upper_bounds}
        for metric in vars(metrics).values()
        if isinstance(metric, Histogram) and hasattr(metric, "_upper_bounds")
    }


def rules() -> list[dict[str, Any]]:
    loaded = yaml.safe_load(read(RULES).text)
    return [rule for group in loaded["groups"] for rule in group["rules"]]


def expressions() -> Iterator[tuple[str, str]]:
    """Where it stands, and the PromQL."""
    for rule in rules():
        yield rule.get("alert") or rule["record"], rule["expr"]
    for panel in json.loads(read(DASHBOARD).text)["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"]


def unknown(expression: str) -> list[str]:
    """Names, labels, values and buckets that nothing shows."""
    known, wrong = measured(), []
    text = "".join(source.text for source in python("bridge"))
    names = [name for name, _ in USED.findall(expression)]
    for name, matchers in USED.findall(expression):
        if name not in known:
            wrong.append(name)
            continue
        for label, how, value in MATCHER.findall(matchers):
            if label not in known[name]:
                wrong.append(f"{name}: {label}")
            elif label == "le":
                wrong += [] if value in buckets()[name] else [f"{name}: le {value}"]
            elif how == "=" and f'"{value}"' not in text:
                wrong.append(f"{name}: {label} is never {value}")
    for listed in GROUPED.findall(expression):
        labels = {label.strip() for label in listed.split(",")}
        shown = set().union(*(known.get(name, set()) for name in names))
        wrong += [f"by {label}" for label in labels - shown]
    return wrong


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_what_is_asked_for_is_measured(where: str, expression: str) -> None:
    assert unknown(expression) == []
    assert USED.search(expression) or re.search(r"\bbridge:", expression)


def test_the_names_are_those_that_the_page_shows() -> None:
    page = metrics.render()[0].decode()
    for name in measured():
        family = re.sub(r"_(?:total|sum|count|bucket)$", "", name)
        assert re.search(rf"^# TYPE {family}(?:_total)? ", page, re.MULTILINE), name


def test_a_recorded_series_that_is_asked_for_is_recorded() -> None:
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    asked = {name for _, text in expressions() for name in re.findall(r"\bbridge:[\w:]+", text)}
    assert asked == recorded


def test_every_alert_says_how_bad_it_is_what_it_means_and_what_to_do() -> None:
    documented = read(SLO).text
    for rule in rules():
        if "alert" in rule:
            assert rule["labels"]["severity"] in {"page", "ticket"}, rule["alert"]
            assert set(rule["annotations"]) == {"summary", "action", "runbook_url"}, rule["alert"]
            answered = f"docs/runbook.md#{rule['alert'].lower()}"
            assert rule["annotations"]["runbook_url"] == answered
            assert f"`{rule['alert']}`" in documented, rule["alert"]
            grouped = {
                label for text in GROUPED.findall(rule["expr"]) for label in text.split(", ")
            }
            named = set(ANNOTATED.findall(" ".join(rule["annotations"].values())))
            assert named <= grouped, rule["alert"]


def test_the_page_of_objectives_names_no_alert_that_is_not_there() -> None:
    there = {rule.get("alert") for rule in rules()}
    assert set(re.findall(r"`(Bridge\w+)`", read(SLO).text)) <= there


def test_no_two_panels_lie_on_each_other() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in json.loads(read(DASHBOARD).text)["panels"]:
        place = panel["gridPos"]
        mine = {
            (place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])
        }
        assert not cells & mine, panel["title"]
        assert place["x"] + place["w"] <= 24
        cells |= mine


@pytest.mark.parametrize(
    "expression",
    [
        "max(bridge_nothing)",
        "sum by (colour) (rate(bridge_webhooks_total[5m]))",
        'bridge_webhooks_total{kind="contact",outcome="lost_for_ever"}',
        'bridge_outbox_parked{hop="odoo"}',
        'bridge_webhook_to_odoo_seconds_bucket{le="61.0"}',
        "rate(bridge_webhooks[5m])",
    ],
)
def test_a_rule_that_would_never_fire_is_seen(expression: str) -> None:
    assert len(unknown(expression)) == 1
