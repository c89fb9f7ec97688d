"""`erase` as a command: the mirror now, Odoo now or later."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge import cli
from bridge.errors import AwayError
from bridge.odoo.leads import OdooLeads

run = CliRunner().invoke


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "API_KEY": "key", "DATABASE_URL": f"sqlite:///{tmp_path / 'mirror.db'}",
        "ODOO_URL": "http://127.0.0.1:9", "ODOO_DB": "x", "ODOO_USERNAME": "x",
        "ODOO_PASSWORD": "x",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    run(cli.app, ["db", "upgrade"])


@pytest.mark.usefixtures("mirror")
def test_an_erasure_is_kept_while_odoo_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_args: object) -> None:
        raise AwayError("odoo_away")

    monkeypatch.setattr(OdooLeads, "erase", away)
    told = run(cli.app, ["erase", "MC-1"])
    assert told.exit_code == 0
    assert "mirror: there was nothing" in told.stdout
    assert "Odoo: 1 erasures are kept for it" in told.stdout
    monkeypatch.setattr(OdooLeads, "erase", lambda *_args: {"leads": 1})
    assert "Odoo: erased" in run(cli.app, ["erase", "MC-1"]).stdout
