"""Run one function of `odoo_setup` inside Odoo, and bring its answer back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from devstack import commands, odoo_setup
from devstack.errors import CommandFailed
from devstack.odoo_config import environment
from devstack.odoo_sources import OdooSource

SCRIPT = Path(odoo_setup.__file__)


def run_in_odoo(source: OdooSource, config: Path, call: str, **arguments: Any) -> dict[str, Any]:
    """Call `call(env, **arguments)` of odoo_setup in the database of `config`.

    Returns what the function answered ({} if nothing). Raises CommandFailed with Odoo's output
    when it raised.
    """
    # the shell prints an exception and still exits with 0: only the last line tells success
    done = f"{odoo_setup.MARK}done"
    script = (
        f"import json\nexec(compile(open({str(SCRIPT)!r}).read(), 'odoo_setup', 'exec'))\n"
        f"{call}(env, **json.loads({json.dumps(arguments)!r}))\nprint({done!r})\n"
    )
    output = pipe(source, config, script, what=call)
    if done not in output:
        raise CommandFailed(f"{call} failed in Odoo {source.series}:\n{output[-3000:]}")
    answers = [line for line in output.splitlines() if odoo_setup.MARK in line and done not in line]
    return dict(json.loads(answers[-1].split(odoo_setup.MARK)[1])) if answers else {}


def pipe(source: OdooSource, config: Path, script: str, *, what: str, **variables: str) -> str:
    """Pipe a script into `odoo shell`, with more `variables` in its environment.

    Returns what was printed. Raises CommandFailed where Odoo exits with another code than 0.
    """
    shell = ["-m", "odoo", "shell", "-c"]
    return commands.run(
        [source.python, *shell, config, "--no-http", "--shell-interface=python"],
        what=f"odoo {source.series} {what}",
        cwd=config.parent,
        env=environment(source) | variables,
        stdin=script,
    )
