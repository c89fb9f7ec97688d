"""Odoo's configuration file: loopback only, one database, nothing that calls out."""

from __future__ import annotations

import os
import secrets
from configparser import ConfigParser
from pathlib import Path

from devstack.odoo_sources import OdooSource
from devstack.places import CHECKOUT
from devstack.ports import LOOPBACK, free_port
from devstack.postgres import ROLE, Postgres


def write_config(
    path: Path,
    source: OdooSource,
    postgres: Postgres,
    database: str,
    *,
    data: Path,
    port: int,
    workers: int = 0,
) -> Path:
    """Write the file (readable by us alone: it holds the database's password) and return it."""
    addons = [*source.addons, CHECKOUT]
    options = {
        "addons_path": ",".join(str(folder) for folder in addons),
        "data_dir": str(data),
        "db_host": LOOPBACK,
        "db_port": str(postgres.port),
        "db_user": ROLE,
        "db_password": postgres.password,
        "db_name": database,
        "dbfilter": f"^{database}$",
        "list_db": "False",
        "admin_passwd": secrets.token_urlsafe(16),
        "http_interface": LOOPBACK,
        "http_port": str(port),
        "proxy_mode": "False",
        "workers": str(workers),
        **({"gevent_port": str(free_port())} if workers else {}),
        "max_cron_threads": "1",
        "without_demo": "all",
    }
    parser = ConfigParser(interpolation=None)
    parser["options"] = options
    data.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w") as file:
        parser.write(file)
    return path


def environment(source: OdooSource) -> dict[str, str]:
    """What Odoo's process needs on top of ours to find its own package and nothing of ours."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PG", "ODOO", "VIRTUAL_ENV"))
    }
    return {**inherited, "PYTHONPATH": str(source.path), "TZ": "UTC", "PYTHONUNBUFFERED": "1"}
