"""The commands: `python -m bridge …`."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bridge.commands import dead_letters, delivery, erasing, reconciling, transfer, write_back
from bridge.errors import BridgeError
from bridge.log import configure
from bridge.settings import Settings, load_settings

app = typer.Typer(
    help="MiaSalud CRM: the road from ManyChat's webhooks to leads in Odoo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # a pretty traceback shows local values
    add_completion=False,
)
db_app = typer.Typer(help="The mirror database.", no_args_is_help=True)
app.add_typer(db_app, name="db")
app.add_typer(dead_letters.app, name="dead-letter")
app.command()(delivery.trace)
app.command()(delivery.pause)
app.command()(delivery.resume)
app.command("reprocess")(delivery.reprocess_since)
app.command("write-back")(write_back.show)
app.command()(erasing.erase)
app.command()(reconciling.reconcile)
app.command("import")(transfer.import_files)
app.command()(transfer.export)

# Each command imports what it needs: `doctor` must start where the mirror's driver is missing.
# ruff: noqa: PLC0415


class WorkerName(StrEnum):
    """What `worker` can run."""

    CONTACT = "contact"
    CAMPAIGN = "campaign"
    CRM = "crm"
    FEEDBACK = "feedback"
    ALL = "all"


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "0.0.0.0",  # noqa: S104
    port: Annotated[int | None, typer.Option(help="Port; PORT if not given.")] = None,
) -> None:
    """Run the API (webhooks) in this process."""
    import uvicorn

    from bridge.api.lingering import BoundedProtocol

    settings = _settings()
    uvicorn.run(
        "bridge.asgi:app",
        http=BoundedProtocol,
        host=host,
        port=port or settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=20,
    )


@app.command()
def worker(
    name: Annotated[WorkerName, typer.Argument(help="Which worker to run.")] = WorkerName.ALL,
    concurrency: Annotated[
        int, typer.Option(min=1, max=16, help="Batches that a worker handles at once.")
    ] = 1,
) -> None:
    """Run a worker, or all of them as threads of this process, until SIGTERM or Ctrl-C."""
    from bridge.workers.process import run_process

    raise typer.Exit(run_process(str(name), concurrency))


@db_app.command("upgrade")
def db_upgrade() -> None:
    """Bring the mirror's tables to this release's schema."""
    from bridge.mirror.adopt.plan import check_is_not_the_predecessors
    from bridge.mirror.schema import current_revision, upgrade
    from bridge.mirror.store import Store

    store = Store.from_settings(_settings())
    with store.transaction() as session:
        check_is_not_the_predecessors(session)
    before = current_revision(store.engine)
    upgrade(store.engine)
    typer.echo(f"mirror: {before or 'empty'} -> {current_revision(store.engine)}")


@db_app.command("adopt")
def db_adopt(
    yes: Annotated[
        bool, typer.Option("--yes", "--apply", help="Do it; else the plan is all.")
    ] = False,
    push: Annotated[
        bool, typer.Option("--push", help="Also send to Odoo what was adopted (with --yes).")
    ] = False,
    zone: Annotated[
        str | None, typer.Option("--zone", help="Zone of dates without one; TIMEZONE if not given.")
    ] = None,
) -> None:
    """Take over the predecessor's database where it stands; killed, it goes on when run again."""
    from bridge.mirror.adopt.command import adopt

    adopt(_settings(), typer.echo, yes=yes, push=push, zone=zone)


@app.command()
def sync(
    manychat_id: Annotated[
        str | None, typer.Argument(help="Only this contact's events; all if not given.")
    ] = None,
) -> None:
    """Send to Odoo again, as soon as the crm worker runs, what is pending or in error."""
    from bridge.mirror.pushing import push_again
    from bridge.mirror.store import Store

    with Store.from_settings(_settings()).transaction() as session:
        due = push_again(session, manychat_id)
    typer.echo(f"{due} events are due")


@app.command()
def schemas(
    folder: Annotated[
        Path | None, typer.Argument(help="Where to write a file a kind; stdout if not given.")
    ] = None,
) -> None:
    """Export the JSON Schemas of the webhooks' bodies."""
    from bridge.api.flow_help import TYPES
    from bridge.events.payloads import json_schema

    made = {kind.value: json_schema(type) for kind, type in TYPES.items()}
    if folder is None:
        typer.echo(json.dumps(made, ensure_ascii=False, indent=2))
        return
    folder.mkdir(parents=True, exist_ok=True)
    for kind, schema in made.items():
        text = json.dumps(schema, ensure_ascii=False, indent=2)
        (folder / f"{kind}.json").write_text(text + "\n", encoding="utf-8")
        typer.echo(f"{folder / kind}.json")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array, for machines.")] = False,
) -> None:
    """Check every part and say what to do; exits 1 when something is wrong."""
    from bridge.doctor import examine

    configure("ERROR", "console")
    checks = []
    for check in examine():
        checks.append(check)
        if not as_json:
            typer.echo(check.line)
    if as_json:
        typer.echo(json.dumps([check.as_dict() for check in checks], ensure_ascii=False, indent=2))
    raise typer.Exit(0 if all(check.ok for check in checks) else 1)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def demo(context: typer.Context) -> None:
    """Run the whole road with real parts on this machine (from a checkout: `make demo`)."""
    if find_spec("devstack") is None:
        typer.echo(
            "demo: devstack is not there. It is part of the checkout, not of the installed "
            "bridge: run `make demo` (or `python -m bridge demo`) in the checkout's folder.",
            err=True,
        )
        raise typer.Exit(2)
    raise typer.Exit(import_module("devstack.demo").main(context.args))


def main() -> None:
    """Run a command; what goes wrong on purpose is one line and exit code 1."""
    try:
        app()
    except BridgeError as error:
        typer.echo(f"{error.code}: {error.detail}" if error.detail else error.code, err=True)
        sys.exit(1)


def _settings() -> Settings:
    settings = load_settings()
    configure(settings.log_level, settings.log_format)
    return settings
