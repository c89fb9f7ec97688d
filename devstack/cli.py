"""`python -m devstack`: what the Makefile's targets call."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from devstack import odoo_sources
from devstack.errors import StackError
from devstack.locks import try_lock
from devstack.places import WORK
from devstack.spawning import die_with_parent
from devstack.suites import NAMES, run_suites


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 if it went well, 1 with a message if not, 130 when interrupted."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    if "MAKELEVEL" in os.environ:
        die_with_parent()  # a make that is killed takes nobody with it
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except StackError as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopped", file=sys.stderr)
        return 130


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m devstack", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    demo = commands.add_parser("demo", help="the whole road with an invented conversation")
    demo.add_argument("--once", action="store_true", help="check the leads, stop, exit 0 or 1")
    demo.set_defaults(run=_demo)

    test = commands.add_parser("test", help=f"run test suites: {', '.join(NAMES)} (default: all)")
    test.add_argument("suites", nargs="*", metavar="suite", help="which; default: all")
    test.add_argument("--pytest", nargs=argparse.REMAINDER, default=[], help="arguments for pytest")
    test.set_defaults(run=_test)

    fuzz = commands.add_parser("fuzz", help="every route of the API with thousands of odd requests")
    fuzz.add_argument("--examples", type=int, default=100, help="most a route and phase (100)")
    fuzz.add_argument("--seed", type=int, default=20251020, help="the same one: the same requests")
    fuzz.set_defaults(run=_fuzz)

    odoo = commands.add_parser("odoo", help="a development Odoo with the addon, until Ctrl-C")
    odoo.set_defaults(run=_odoo)

    for name, run, size, words in AT_SIZE:
        command = commands.add_parser(name, help=words)
        command.add_argument("--contacts", type=int, default=size)
        command.set_defaults(run=run)

    drill = commands.add_parser("drill", help="each store lost and restored; both sides must agree")
    drill.add_argument("--contacts", type=int, default=300)
    drill.set_defaults(run=_drill)

    pictures = commands.add_parser("pictures", help="the addon's icon and screenshots, made anew")
    pictures.set_defaults(run=_pictures)
    walk = commands.add_parser("walk", help="every screen as each role sees it, in two languages")
    walk.set_defaults(run=_walk)
    for name, act, words in PLAIN:
        commands.add_parser(name, help=words).set_defaults(run=act)
    for command in (demo, drill, fuzz, odoo, pictures, test, walk):
        command.add_argument("--series", default=os.environ.get("ODOO_SERIES") or None)
    return parser


def _demo(options: argparse.Namespace) -> int:
    from devstack.demo import run_demo  # noqa: PLC0415  (the other commands do without the bridge)

    return run_demo(once=options.once, series=options.series)


def _test(options: argparse.Namespace) -> int:
    names = options.suites or NAMES
    unknown = set(names) - set(NAMES)
    if unknown:
        raise StackError(
            f"no such suite: {', '.join(sorted(unknown))} (there are {', '.join(NAMES)})"
        )
    return run_suites(names, options.series, options.pytest)


def _fuzz(options: argparse.Namespace) -> int:
    from devstack.fuzz import run_fuzz  # noqa: PLC0415  (the other commands do without the bridge)

    return run_fuzz(options.examples, options.seed, options.series)


def _odoo(options: argparse.Namespace) -> int:
    from devstack.odoo_console import serve_odoo  # noqa: PLC0415  (only for this command)

    return serve_odoo(options.series)


def _adopt(options: argparse.Namespace) -> int:
    from devstack.adopting import adopt_at_size  # noqa: PLC0415  (only for this command)

    return adopt_at_size(options.contacts)


def _alerts(_options: argparse.Namespace) -> int:
    from devstack.alerts import check_alerts  # noqa: PLC0415  (only for this command)

    return check_alerts()


def _drill(options: argparse.Namespace) -> int:
    from devstack.drill import run_drill  # noqa: PLC0415  (only for this command)

    return run_drill(options.series, options.contacts)


def _pictures(options: argparse.Namespace) -> int:
    from devstack.pictures import take_pictures  # noqa: PLC0415  (only for this command)

    return take_pictures(options.series)


def _walk(options: argparse.Namespace) -> int:
    from devstack.walk import walk_through  # noqa: PLC0415  (only for this command)

    return walk_through(options.series)


def _plans(options: argparse.Namespace) -> int:
    from devstack.plans import show_plans  # noqa: PLC0415  (only for this command)

    return show_plans(options.contacts)


AT_SIZE = (
    ("adopt", _adopt, 40_000, "adopt a predecessor's database, at full size"),
    ("plans", _plans, 100_000, "what the databases do for the mirror's questions"),
)
"""Commands that fill a database with so many contacts."""


def _fetch(_options: argparse.Namespace) -> int:
    for source in odoo_sources.every():
        print(source, source.python)
    return 0


def _clean(_options: argparse.Namespace) -> int:
    for lock in WORK.glob("*/lock"):
        handle = try_lock(lock)
        if handle is None:
            raise StackError(f"A run works in {lock.parent}: stop it first.")
        handle.close()
    shutil.rmtree(WORK, ignore_errors=True)
    return 0


PLAIN = (
    ("alerts", _alerts, "the alert rules, judged by Prometheus's promtool"),
    ("fetch", _fetch, "get every part into the cache"),
    ("clean", _clean, "remove .devstack (the cache stays)"),
)
"""Commands without options."""
