"""The checkout as text and as syntax trees, for the tests about the code."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SECRET_NAME = re.compile(r"PASSWORD|TOKEN|SECRET|(?:^|_)KEY$|CONNECTION_STRING|DATABASE_URL")


@dataclass(frozen=True)
class Source:
    """One file: `path` is relative to the checkout, in POSIX form."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    @property
    def module(self) -> str:
        """`bridge/queue/__init__.py` is `bridge.queue`."""
        parts = self.path.removesuffix(".py").split("/")
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        """What a relative import starts from."""
        return self.module if self.path.endswith("__init__.py") else self.module.rpartition(".")[0]

    def at(self, node: ast.AST | int, what: str) -> str:
        """`path:line: what`, as a violation is told."""
        line = node if isinstance(node, int) else getattr(node, "lineno", 1)
        return f"{self.path}:{line}: {what}"


@cache
def tracked() -> list[str]:
    """Every file that is, or would be, in the repository."""
    listed = run(
        "git", "-C", str(ROOT), *["ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    )
    assert listed.ok, listed.output
    return sorted(p for p in set(listed.output.split("\0")) if p and (ROOT / p).is_file())


def texts(paths: Iterable[str] | None = None) -> Iterator[Source]:
    """The tracked files that are text."""
    found = (_source(path) for path in (tracked() if paths is None else paths))
    return (source for source in found if source)


@cache  # a syntax tree is made once for all tests
def _source(path: str) -> Source | None:
    content = (ROOT / path).read_bytes()
    return None if b"\0" in content else Source(path, content.decode("utf-8"))


def python(*folders: str) -> list[Source]:
    """Every Python module of these folders; never an empty list."""
    found = list(texts(p for p in tracked() if p.endswith(".py") and p.split("/")[0] in folders))
    assert {source.path.split("/")[0] for source in found} == set(folders)
    return found


def read(path: str) -> Source:
    """One file of the checkout."""
    return Source(path, (ROOT / path).read_text(encoding="utf-8"))


def calls(source: Source) -> Iterator[ast.Call]:
    """Every call in a module."""
    return (node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


@dataclass(frozen=True)
class Ran:
    """What became of a command; `output` is everything it printed."""

    ok: bool
    output: str


def run(name: str, *words: str) -> Ran:
    """Run a command of the environment that runs the tests, or of the system."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    assert found, f"{name} is missing: it comes with requirements-dev.txt"
    answer = subprocess.run(  # noqa: S603  (our own words)
        [found, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return Ran(answer.returncode == 0, answer.stdout)
