"""A database with the addon installed, made once for each Odoo and each state of the addon."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from psycopg import sql

from devstack import commands, progress
from devstack.locks import exclusive
from devstack.odoo_config import environment, write_config
from devstack.odoo_shell import run_in_odoo
from devstack.odoo_sources import OdooSource
from devstack.places import ADDON, WORK
from devstack.ports import free_port
from devstack.postgres import Postgres
from devstack.tree_hash import tree_hash

LANGUAGE = "es_PE"
# a new database asks the outside world for enrichment, texts, digests and updates
NEUTRALIZE = """
UPDATE ir_cron SET active = false WHERE id NOT IN (
    SELECT res_id FROM ir_model_data
    WHERE model = 'ir.cron' AND (module = 'miasalud_crm' OR name = 'autovacuum_job'));
INSERT INTO ir_config_parameter (key, value) VALUES
    ('iap.endpoint', 'http://127.0.0.1:9'), ('publisher_warranty_url', 'http://127.0.0.1:9'),
    ('crm.iap.lead.enrich.setting', 'manual')
    ON CONFLICT (key) DO UPDATE SET value = excluded.value;
"""


class OdooTemplate:
    """Gives databases of `source` with the addon as it is now."""

    def __init__(self, source: OdooSource, postgres: Postgres, addon: Path = ADDON) -> None:
        self._source = source
        self._postgres = postgres
        self._addon = addon
        self._home = WORK / "templates" / f"{source.name}-{self._key()}"

    def copy_to(self, database: str, data: Path) -> None:
        """Make `database` anew, with its files below the Odoo data folder `data`."""
        with exclusive(WORK / "templates" / f"{self._source.name}.lock"):
            if not self._home.exists():
                self._build()
            template = f"template-{self._home.name}"
            if not self._postgres.has(template):
                self._restore(template)
            self._postgres.createdb(database, template)
            self._copy_files(database, data)

    def _key(self) -> str:
        source = self._source
        release = (source.path / "odoo" / "release.py").read_bytes()
        parts = [str(source.path).encode(), release, tree_hash(self._addon).encode()]
        parts += [NEUTRALIZE.encode(), LANGUAGE.encode()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]

    def _build(self) -> None:
        for older in self._home.parent.glob(f"{self._source.name}-*"):
            shutil.rmtree(older)
        staged = self._home.with_name(f"part-{self._home.name}")
        shutil.rmtree(staged, ignore_errors=True)
        staged.mkdir(parents=True)
        database = staged.name
        with progress.step(f"installing the addon in a new database of Odoo {self._source.series}"):
            self._postgres.createdb(database)
            self._install(database, staged)
            self._postgres.execute(sql.SQL(NEUTRALIZE), database=database)
            self._postgres.dump(database, staged / "database.dump")
        self._postgres.dropdb(database)
        (staged / "filestore" / database).mkdir(parents=True, exist_ok=True)
        (staged / "filestore" / database).rename(staged / "files")
        staged.rename(self._home)

    def _install(self, database: str, folder: Path) -> None:
        source = self._source
        config = write_config(
            folder / "odoo.conf", source, self._postgres, database, data=folder, port=free_port()
        )
        command: commands.Words = [
            source.python,
            "-m",
            "odoo",
            "-c",
            config,
            "-i",
            self._addon.name,
        ]
        commands.run(
            [*command, "--stop-after-init", "--no-http"],
            what=f"odoo {source.series} install {self._addon.name}",
            cwd=folder,
            env=environment(source),
        )
        # --load-language would make the language before the table that its code must not clash with
        run_in_odoo(source, config, "load_language", code=LANGUAGE)
        config.unlink()

    def _restore(self, template: str) -> None:
        older = sql.SQL("SELECT datname FROM pg_database WHERE starts_with(datname, %s)")
        for (name,) in self._postgres.execute(older, [f"template-{self._source.name}-"]):
            self._postgres.dropdb(name)
        staged = f"part-{template}"
        self._postgres.restore(self._home / "database.dump", staged)
        self._postgres.rename(staged, template)

    def _copy_files(self, database: str, data: Path) -> None:
        target = data / "filestore" / database
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(self._home / "files", target)
