"""A Dockerfile as its stages and steps."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field


@dataclass
class Stage:
    """One FROM and what follows; `base` is an image or the name of an earlier stage."""

    name: str
    base: str
    steps: list[tuple[str, str]] = field(default_factory=list)


def parse(text: str, given: dict[str, str]) -> list[Stage]:
    """The stages, with `given` for the ARGs before the first FROM, else their defaults."""
    stages: list[Stage] = []
    arguments: dict[str, str] = {}
    for word, rest in _lines(text):
        if word == "FROM":
            base, *name = re.split(r"\s+AS\s+", rest)
            base = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], base)
            stages.append(Stage(name[0] if name else str(len(stages)), base))
        elif not stages:
            name_, _, default = rest.partition("=")
            arguments[name_] = given.get(name_, default)
        else:
            stages[-1].steps.append((word, rest))
    return stages


def pairs(rest: str) -> dict[str, str]:
    """`NAME=value …` of ENV and LABEL."""
    return dict(word.split("=", 1) for word in shlex.split(rest))


def words(rest: str) -> list[str]:
    """The exec form of CMD and HEALTHCHECK."""
    found: list[str] = json.loads(rest[rest.index("[") :])
    return found


def _lines(text: str) -> list[tuple[str, str]]:
    kept = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    joined = re.sub(r"\\\n\s*", "", kept)
    steps = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(word.upper(), rest.strip()) for word, rest in steps]
