"""An administrator updates the addon, and takes it off again: in real processes, on each Odoo."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from devstack import commands, odoo_sources
from devstack.odoo_config import environment, write_config
from devstack.odoo_sources import OdooSource
from devstack.odoo_template import OdooTemplate
from devstack.ports import free_port
from devstack.stack import Stack

MARK = "upgrade-test:"
NOISE = re.compile(r"^\S+ \S+ \d+ (?:WARNING|ERROR|CRITICAL) .*$", re.MULTILINE)

# What a manager did to the shipped table, and leads of both kinds.
WORK = """
def ref(name):
    return env.ref("miasalud_crm." + name)
ref("mapping_medical_started").write(
    {"stage_id": ref("stage_quotation_started").id, "sequence": 1, "date_field": False})
ref("mapping_waiting").active = False
ref("mapping_subscribed_1").unlink()
ref("stage_waiting").name = "Espera"
ref("team_manychat").name = "Recepción"
env["manychat.stage.mapping"].create({"manychat_state": "Propio", "action": "ignore"})
env["ir.config_parameter"].set_param("miasalud_crm.bridge_key", "key-1")
moment = "2025-10-20T22:41:00.000000Z"
said = {"first_name": "Ana", "phone": "+51911111111", "state": "Comienza Cotización"}
[result] = env["crm.lead"].manychat_sync([{
    "event_id": "e1", "type": "contact", "manychat_id": "mc-1", "revision": 0,
    "occurred_at": moment, "received_at": moment, "values": said}])
assert result["status"] == "created", result
lead = env["crm.lead"].create({"name": "A mano", "type": "opportunity", "phone": "+51922222222"})
lost = lead.copy({"name": "Perdida", "team_id": ref("team_manychat").id})
lost.action_set_lost()
env.cr.commit()
answer = {}
"""

RULES = """
rules = env["manychat.stage.mapping"].with_context(active_test=False).search([], order="id")
stages = env["crm.stage"].search([], order="id")
answer = {
    "rules": [[r.id, r.manychat_state, r.sequence, r.stage_id.id, r.action, r.date_field, r.active]
              for r in rules],
    "stages": [[s.id, s.name, s.sequence, s.is_won] for s in stages],
    "teams": env["crm.team"].search([], order="id").mapped("name"),
    "key": env["ir.config_parameter"].get_param("miasalud_crm.bridge_key"),
}
"""

LEADS = """
leads = env["crm.lead"].with_context(active_test=False).search([], order="id")
answer = {"leads": [
    [l.id, l.name, l.contact_name, l.phone, l.active, l.probability, l.type, l.company_id.id,
     l.stage_id.name, l.stage_id.is_won, l.team_id.name, l.create_date.isoformat(),
     len(l.message_ids)] for l in leads]}
"""

UNINSTALL = """
env.ref("base.module_miasalud_crm").button_immediate_uninstall()
answer = {}
"""

LEFT = """
env.cr.execute("SELECT table_name, column_name FROM information_schema.columns"
               " WHERE table_name LIKE 'manychat%' OR column_name LIKE 'manychat%'")
answer = {
    "columns": env.cr.fetchall(),
    "names": env["ir.model.data"].search([("module", "=", "miasalud_crm")]).mapped("name"),
    "parameters": env["ir.config_parameter"].search_count([("key", "=like", "miasalud_crm%")]),
    "models": env["ir.model"].search_count([("model", "=like", "manychat%")]),
    "won": None,
}
lead = env["crm.lead"].search([("name", "=", "A mano")])
lead.action_set_won()
answer["won"] = lead.probability
env.cr.rollback()
"""


@dataclass
class Database:
    """One Odoo database with the addon, driven by commands."""

    source: OdooSource
    config: Path

    def run(self, *words: str, stdin: str | None = None) -> str:
        """Run `odoo` with these words; returns its output, the log included."""
        command: commands.Words = [self.source.python, "-m", "odoo", *words]
        return commands.run(
            [*command, "-c", self.config, "--no-http"],
            what=f"odoo {self.source.series} {words[0].strip('-')}",
            cwd=self.config.parent,
            env=environment(self.source),
            stdin=stdin,
        )

    def ask(self, script: str) -> dict[str, Any]:
        """Run a script of `odoo shell` that sets `answer`."""
        # The shell reads a script as if typed: a block would need a blank line behind it.
        typed = f"exec({script!r})\nimport json\nprint({MARK!r} + json.dumps(answer))\n"
        output = self.run("shell", "--shell-interface=python", stdin=typed)
        lines = [line for line in output.splitlines() if MARK in line]
        assert lines, output[-3000:]
        answer: dict[str, Any] = json.loads(lines[-1].split(MARK)[1])
        return answer


@pytest.fixture(scope="module", params=odoo_sources.SERIES)
def database(request: pytest.FixtureRequest, parts: Stack) -> Iterator[Database]:
    """A new database of each series."""
    source = odoo_sources.choose(request.param)
    name = f"upgrade-{source.series}"
    folder = parts.folder / name
    OdooTemplate(source, parts.postgres).copy_to(name, folder)
    config = write_config(
        folder / "odoo.conf", source, parts.postgres, name, data=folder, port=free_port()
    )
    made = Database(source, config)
    made.ask(WORK)
    yield made
    config.unlink()


def test_two_updates_say_nothing_and_leave_the_managers_work_and_the_leads(
    database: Database,
) -> None:
    before = {**database.ask(RULES), **database.ask(LEADS)}
    assert [rule[1] for rule in before["rules"]].count("Nuevo Lead") == 0
    for _time in range(2):
        said = NOISE.findall(database.run("-u", "miasalud_crm", "--stop-after-init"))
        # What the configuration file of this very test gets told is no word about the addon.
        assert [line for line in said if " odoo.tools.config:" not in line] == []
    assert {**database.ask(RULES), **database.ask(LEADS)} == before


def test_uninstalling_leaves_leads_whole_and_nothing_of_ours(database: Database) -> None:
    before = database.ask(LEADS)
    assert [lead[1] for lead in before["leads"]] == ["Ana", "A mano", "Perdida"]
    database.ask(UNINSTALL)
    assert database.ask(LEADS) == before
    assert database.ask(LEFT) == {
        "columns": [], "names": [], "parameters": 0, "models": 0, "won": 100.0,
    }  # fmt: skip
