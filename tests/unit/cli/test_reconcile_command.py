"""`reconcile`: a table for people, a CSV that no spreadsheet runs, an exit code for machines."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.commands import reconciling
from bridge.errors import AwayError
from bridge.mirror.schema import upgrade
from bridge.mirror.store import Store
from bridge.odoo.standing import Lead, Standing, State, Twin
from bridge.settings import load_settings

CLOCK = "2030-01-01T00:00:00.000000Z|2030-01-01T00:00:00.000000Z|e1|000000"


class FakeOdoo:
    """One lead that the mirror lacks, and a second one of the same contact."""

    told: list[Mapping[str, Any]]
    twins = (Twin("MC-1", 8, True),)

    def __init__(self, _client: object = None) -> None:
        type(self).told = []

    def standing(self, manychat_ids: Sequence[str], _cursor: str | None) -> Standing:
        values = {"phone": ("+51987654321", CLOCK), "first_name": ("=cmd()", CLOCK)}
        lead = Lead("MC-1", 7, stage="Nuevo", values=values)
        known = {"MC-1": lead} if "MC-1" in manychat_ids else {}
        return Standing(known, twins=self.twins if known else ())

    def lead_ids(self, after: int, _limit: int, _since: datetime | None) -> list[tuple[int, str]]:
        return [] if after else [(7, "MC-1")]

    def states(self, _manychat_ids: Sequence[str]) -> list[State]:
        return []

    def let_go(self, _lead_ids: Sequence[int]) -> int:
        return 0

    def tell(self, report: Mapping[str, Any]) -> None:
        self.told.append(report)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("API_KEY", "unused")
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path / 'mirror.db'}")
    monkeypatch.setattr(reconciling, "OdooStanding", FakeOdoo)
    store = Store.from_settings(load_settings())
    upgrade(store.engine)
    return store


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("store")
def test_it_says_what_differs_and_exits_1() -> None:
    result = CliRunner().invoke(app, ["reconcile"])
    assert result.exit_code == 1
    assert "missing in the mirror" in result.stdout
    assert "2 differences" in result.stdout
    assert FakeOdoo.told[0]["missing_in_mirror"] == 1


@pytest.mark.usefixtures("store")
def test_it_mends_and_leaves_the_rest_to_a_person(tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    result = CliRunner().invoke(app, ["reconcile", "--fix", "--csv", str(path)])
    assert result.exit_code == 1
    assert "1 left to a person" in result.stdout
    assert [row["outcome"] for row in rows(path)] == ["mended", "left to a person"]


@pytest.mark.usefixtures("store")
def test_what_was_mended_exits_0_and_is_found_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeOdoo, "twins", ())
    path = tmp_path / "found.csv"
    assert CliRunner().invoke(app, ["reconcile", "--fix"]).exit_code == 0
    assert CliRunner().invoke(app, ["reconcile", "--csv", str(path)]).exit_code == 0
    assert rows(path) == []


@pytest.mark.usefixtures("store")
def test_no_spreadsheet_runs_what_the_file_says_and_phones_stay(tmp_path: Path) -> None:
    CliRunner().invoke(app, ["reconcile", "--fix"])
    newer = CLOCK.replace("2030", "2031")

    class Newer(FakeOdoo):
        twins = ()

        def standing(self, manychat_ids: Sequence[str], cursor: str | None) -> Standing:
            values = {"phone": ("+51911111111", newer), "gender": ("=1+1", newer)}
            lead = super().standing(manychat_ids, cursor).leads["MC-1"]
            return Standing({"MC-1": Lead("MC-1", 7, stage="Nuevo", active=True,
                                          values={**lead.values, **values})})  # fmt: skip

    path = tmp_path / "found.csv"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reconciling, "OdooStanding", Newer)
        CliRunner().invoke(app, ["reconcile", "--csv", str(path)])
    found = {row["what"]: row for row in rows(path)}
    assert (found["phone"]["odoo"], found["phone"]["mirror"]) == ("+51911111111", "+51987654321")
    assert found["gender"]["odoo"] == "'=1+1"
    assert found["phone"]["outcome"] == ""


@pytest.mark.usefixtures("store")
def test_a_result_that_odoo_does_not_take_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_self: FakeOdoo, _report: Mapping[str, Any]) -> None:
        raise AwayError("odoo_unreachable")

    monkeypatch.setattr(FakeOdoo, "tell", away)
    result = CliRunner().invoke(app, ["reconcile"])
    assert "Odoo was not told: odoo_unreachable" in result.stderr
    assert "2 differences" in result.stdout


@pytest.mark.usefixtures("store")
def test_since_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[datetime | None] = []
    monkeypatch.setattr(FakeOdoo, "lead_ids", lambda _s, _a, _l, since: asked.append(since) or [])
    CliRunner().invoke(app, ["reconcile", "--since", "2025-10-20"])
    assert asked == [datetime(2025, 10, 20, tzinfo=UTC)]
