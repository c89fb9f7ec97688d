"""`python -m devstack adopt`: the predecessor's database at full size, adopted and killed.

On SQLite and PostgreSQL: dry run, a run that is killed at its first contacts, a run to the end, a
run after it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from sqlalchemy import create_engine, make_url

from devstack import predecessor
from devstack.errors import StackError
from devstack.places import CHECKOUT
from devstack.stack import Stack


def adopt_at_size(contacts: int) -> int:
    """Print every run's output and time; 0 when each ended as it must."""
    with Stack(name="adopt") as stack:
        for name, url in _databases(stack):
            print(f"\n# {name}, {contacts} contacts", flush=True)
            _rehearse(url, contacts)
    return 0


def _databases(stack: Stack) -> Iterator[tuple[str, str]]:
    file = stack.folder / "predecessor.db"
    for path in stack.folder.glob("predecessor.db*"):
        path.unlink()
    yield "SQLite", f"sqlite:///{file}"
    yield "PostgreSQL", stack.postgres.createdb("adopt")
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield make_url(given).get_backend_name(), given


def _rehearse(url: str, contacts: int) -> None:
    url = url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    counts = predecessor.build(engine, contacts, keys=engine.dialect.name == "sqlite")
    engine.dispose()
    print(counts, flush=True)
    _told("dry run", _run(url))
    _killed(url)
    _told("run to the end", _run(url, "--yes"))
    _told("run again", _run(url, "--yes"))
    _told("push", _run(url, "--yes", "--push"))


def _run(url: str, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bridge", "db", "adopt", *options],
        cwd=CHECKOUT,
        env=os.environ | {"DATABASE_URL": url, "API_KEY": "unused", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _told(name: str, child: subprocess.Popen[str]) -> None:
    began = time.monotonic()
    output, _ = child.communicate()
    lines = [line for line in output.splitlines() if ": new " not in line]
    print(f"## {name}: {time.monotonic() - began:.1f} s, exit {child.returncode}")
    print("\n".join(line for line in lines if not line.endswith(" contacts")), flush=True)
    if child.returncode:
        raise StackError(f"{name} failed")


def _killed(url: str) -> None:
    """SIGKILL when the second batch of contacts is done."""
    child = _run(url, "--yes")
    batches = 0
    for line in child.stdout or ():
        batches += line.endswith(" contacts\n")
        if batches == 2:
            child.send_signal(signal.SIGKILL)
            break
    code = child.wait()
    if child.stdout:
        child.stdout.close()
    print(f"## killed after {batches} batches of contacts: exit {code}", flush=True)
    if code != -signal.SIGKILL:
        raise StackError("it ended before it was killed")
