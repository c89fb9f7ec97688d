"""`python -m benchmarks`: what `make bench`, `make bench-…` and `make scale` call."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace

from benchmarks import imports, reconciling, scale
from benchmarks.odoo import Sizes, bench_odoo
from benchmarks.whole_road import LONG, QUICK, SECTIONS, bench_road
from devstack.errors import StackError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one benchmark; 0 if it was measured, 1 with a message if not."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    return 0


def _odoo(options: argparse.Namespace) -> None:
    sizes = Sizes(
        rounds=options.rounds, calls=options.calls, naive=options.naive, leads=options.leads
    )
    bench_odoo(options.series, sizes, options.only or None)


def _import(options: argparse.Namespace) -> None:
    imports.run(options.rows)


def _reconcile(options: argparse.Namespace) -> None:
    reconciling.bench(options.series, options.contacts, options.each)


def _road(options: argparse.Namespace) -> None:
    unknown = set(options.sections) - SECTIONS.keys()
    if unknown:
        raise StackError(f"no such section: {', '.join(unknown)} (there are {', '.join(SECTIONS)})")
    amounts = LONG if options.long else QUICK
    if options.rounds:
        amounts = replace(amounts, rounds=options.rounds)
    bench_road(options.series, options.sections or list(SECTIONS), amounts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    odoo = commands.add_parser("odoo", help="the batch method against other ways into Odoo")
    odoo.add_argument("--series", default=os.environ.get("ODOO_SERIES") or None)
    odoo.set_defaults(run=_odoo)
    odoo.add_argument("--rounds", type=int, default=5, help="interleaved runs of each way")
    odoo.add_argument("--calls", type=int, default=5, help="calls of 100 events in a run")
    odoo.add_argument("--naive", type=int, default=50, help="events in a naive run")
    odoo.add_argument("--leads", type=int, default=100_000, help="leads in the big database")
    odoo.add_argument(
        "--only", action="append", choices=("ways", "size", "callers"), help="only this part"
    )
    road = commands.add_parser("road", help="the whole road, in sections")
    road.set_defaults(run=_road)
    road.add_argument("sections", nargs="*", metavar="section", help=", ".join(SECTIONS))
    road.add_argument("--series", default=os.environ.get("ODOO_SERIES") or None)
    road.add_argument("--long", action="store_true", help="an hour instead of ten minutes")
    road.add_argument("--rounds", type=int, help="interleaved runs of each way")
    files = commands.add_parser("import", help="a big export: killed at a third, and resumed")
    files.add_argument("--rows", type=int, default=imports.ROWS)
    files.set_defaults(run=_import)
    larger = commands.add_parser("scale", help="a model of busier days: what is full first")
    larger.set_defaults(run=lambda _options: scale.run())
    both = commands.add_parser("reconcile", help="planted differences, found and mended")
    both.add_argument("--series", default=os.environ.get("ODOO_SERIES") or None)
    both.add_argument("--contacts", type=int, default=reconciling.CONTACTS)
    both.add_argument("--each", type=int, default=reconciling.EACH, help="of each class")
    both.set_defaults(run=_reconcile)
    return parser


if __name__ == "__main__":
    sys.exit(main())
