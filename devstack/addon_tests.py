"""The addon's own tests, on one Odoo, in a database where the addon was just installed."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from devstack.odoo_config import environment, write_config
from devstack.odoo_sources import OdooSource
from devstack.odoo_template import OdooTemplate
from devstack.places import ADDON, CHECKOUT
from devstack.ports import free_port
from devstack.postgres import Postgres
from devstack.processes import Process

# the checkout's own pytest settings need plugins that Odoo's environment does not have
PYTEST_INI = "[pytest]\naddopts = -ra -p no:cacheprovider\nfilterwarnings = ignore\n"


def run_addon_tests(
    source: OdooSource, postgres: Postgres, folder: Path, report: Path, extra: Sequence[str] = ()
) -> int:
    """Run them with pytest-odoo, output to the terminal; returns pytest's exit code.

    `report` is the JUnit file to write; `extra` are pytest arguments (default: the whole addon).
    """
    database = f"addon-tests-{source.name}"
    OdooTemplate(source, postgres).copy_to(database, folder)
    config = write_config(
        folder / f"{database}.conf", source, postgres, database, data=folder, port=free_port()
    )
    ini = folder / "pytest.ini"
    ini.write_text(PYTEST_INI)
    command = [str(source.python), "-m", "pytest", "-c", str(ini), f"--rootdir={CHECKOUT}"]
    command += ["--odoo-http", f"--junitxml={report}", *wanted(extra)]
    tests = Process(
        f"the addon's tests on Odoo {source.series}",
        command,
        log=Path(os.devnull),
        env={**environment(source), "ODOO_RC": str(config)},
        cwd=CHECKOUT,
        stop_signal=signal.SIGINT,  # pytest then takes its fixtures down
        grace=60.0,
    )
    return tests.run_in_sight()


def wanted(extra: Sequence[str]) -> list[str]:
    """pytest's arguments: the whole addon, unless a path in it is among them."""
    paths = [word for word in extra if word.startswith(f"{ADDON.name}/")]
    return [*extra] if paths else [*extra, str(ADDON)]
