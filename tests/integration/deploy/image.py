"""Carries out a Dockerfile's steps without an engine: overlays of this machine, and chroot.

What the base image would bring is this machine's own system, with the folders of the image, of
the checkout and of the home directories taken away; the Python is the one that runs the tests.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.integration.deploy.dockerfile import Stage, pairs, words
from tests.unit.about_the_code.sources import ROOT, tracked

PYTHON = Path(sys.base_prefix)
CHROOT = shutil.which("chroot", path="/usr/sbin:/usr/bin:/sbin:/bin") or "chroot"
HIDDEN = ("tmp", "app", "opt/venv", "mnt", "addons", *{ROOT.parts[1], "home", "srv"})
# a Python built for other folders looks for its own library there
BASE = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH": "/usr/local/here/lib"}
REGISTRY = re.compile(r"(?i)^(pip_|(https?|no|all)_proxy$|ssl_cert|requests_ca)")

NOT_HERE = {
    "ADD": "Microsoft's key is on a server that only a build with the internet reaches",
    "msodbcsql18": "Microsoft's driver is in Microsoft's repository, not reached; needs Azure SQL",
}
"""Steps that are left out, by their keyword or by a word in them, and why."""


class CannotRun(Exception):
    """A step failed; the text is what it printed."""


@dataclass
class Image:
    """What a stage made: one layer above this machine's own system."""

    layer: Path
    work: Path
    env: dict[str, str] = field(default_factory=lambda: dict(BASE))
    folder: str = "/"
    user: str = "0:0"
    command: list[str] = field(default_factory=list)
    healthcheck: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def path(self, inside: str) -> Path:
        """Where a file or folder of the image is on this machine."""
        found = self.layer / inside.lstrip("/")
        if not found.exists():
            raise CannotRun(f"the image has no {inside}")
        return found

    def argv(self, command: Sequence[str], data: Path) -> list[str]:
        """A command line that runs `command` in the image, as its user, on a read-only root.

        Its /tmp is new and empty; `data` is /data in it. The environment is the caller's to set.
        It needs root on Linux, as a container engine does. One at a time; beside it: `inside`.
        """
        lines = [
            f"mount -o remount,ro {self._root}",
            f"mount -t tmpfs -o mode=1777 tmpfs {self._root}/tmp",  # noqa: S108  (the image's)
            f"mount --bind {data} {self._root}/data",
        ]
        return self._apart([*self._mounts(), *lines], self._entered(command))

    def inside(self, pid: int, command: Sequence[str]) -> list[str]:
        """As `argv`, in the image that the process `pid` runs in already."""
        nsenter = ["nsenter", f"--target={pid}", "--mount"]
        return [*nsenter, "sh", "-euc", self._entered(command)]

    def environment(self, given: Mapping[str, str]) -> dict[str, str]:
        """The image's variables and those given, and nothing of this machine's."""
        return {**self.env, **given}

    def run(self, line: str) -> None:
        """Carry out a RUN line as root, keeping what it writes. Raises CannotRun."""
        registry = {key: value for key, value in os.environ.items() if REGISTRY.match(key)}
        command = f"exec {CHROOT} {self._root} /bin/sh -c " + shlex.quote(
            f"cd {self.folder} && {line}"
        )
        done = subprocess.run(  # noqa: S603  (the Dockerfile's own line)
            self._apart(self._mounts(), command),
            env={**self.env, "HOME": str(Path.home()), **registry},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise CannotRun(f"RUN {line}\n{done.stdout[-3000:]}")

    @property
    def _root(self) -> Path:
        return self.work / "root"

    def _apart(self, mounts: Sequence[str], command: str) -> list[str]:
        return ["unshare", "--mount", "sh", "-euc", "\n".join([*mounts, command])]

    def _entered(self, command: Sequence[str]) -> str:
        return f"exec {CHROOT} --userspec={self.user} {self._root} /bin/sh -c " + shlex.quote(
            f"cd {self.folder} && exec {shlex.join(command)}"
        )

    def _mounts(self) -> list[str]:
        for folder in (self._root, self.work / "scratch"):
            folder.mkdir(parents=True, exist_ok=True)
        above = f"upperdir={self.layer},workdir={self.work / 'scratch'}"
        return [
            f"mount -t overlay overlay -o lowerdir=/,{above} {self._root}",
            f"mkdir -p {self._root}/usr/local/here {self._root}/data",
            f"mount --bind {PYTHON} {self._root}/usr/local/here",
            f"mount --rbind /proc {self._root}/proc",
            f"mount --rbind /dev {self._root}/dev",
        ]


class Builder:
    """Builds stages, each once: what two Dockerfiles share is made only for the first."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: dict[str, Image] = {}

    def build(self, stages: Sequence[Stage], target: str = "") -> Image:
        """The image of `target`, else of the last stage. Raises CannotRun."""
        target = target or stages[-1].name
        [stage] = [one for one in stages if one.name == target]
        key = _key(stage, stages)
        if key not in self._made:
            self._made[key] = self._carry_out(stage, stages)
        return self._made[key]

    def _carry_out(self, stage: Stage, stages: Sequence[Stage]) -> Image:
        image = self._begun(stage, stages)
        for word, rest in stage.steps:
            reasons = [why for what, why in NOT_HERE.items() if what in (word, *rest.split())]
            if reasons:
                image.left_out.append(f"{word}: {reasons[0]}")
            elif word == "RUN":
                image.run(rest)
            elif word == "COPY":
                self._copy(rest, image, stages)
            else:
                _note(word, rest, image)
        return image

    def _begun(self, stage: Stage, stages: Sequence[Stage]) -> Image:
        work = Path(tempfile.mkdtemp(prefix=f"{stage.name}-", dir=self._folder))
        work.chmod(0o755)
        image = Image(work / "layer", work)
        if stage.base in {one.name for one in stages}:
            base = self.build(stages, stage.base)
            _take(base.layer, image.layer)
            image.env = dict(base.env)
        _bare(image.layer)
        return image

    def _copy(self, rest: str, image: Image, stages: Sequence[Stage]) -> None:
        options = [one for one in rest.split() if one.startswith("--")]
        *sources, target = [one for one in rest.split() if not one.startswith("--")]
        inside = Path(image.folder, target).as_posix().lstrip("/")
        for source in sources:
            to = image.layer / inside / (Path(source).name if target.endswith("/") else "")
            to.parent.mkdir(parents=True, exist_ok=True)
            if options:
                base = self.build(stages, options[0].removeprefix("--from="))
                _take(base.path(source), to)
            else:
                _take_from_checkout(source, to)


def _key(stage: Stage, stages: Sequence[Stage]) -> str:
    """All that a stage is made of, the stages below it included."""
    below = {one.name: one for one in stages}
    names = [stage.base, *re.findall(r"--from=(\S+)", " ".join(rest for _, rest in stage.steps))]
    parts = [_key(below[name], stages) if name in below else name for name in names]
    return repr((stage.steps, parts))


def _bare(layer: Path) -> None:
    for name in HIDDEN:
        folder = layer / name
        folder.mkdir(parents=True, exist_ok=True)
        os.setxattr(folder, "trusted.overlay.opaque", b"y")  # hides this machine's own
    (layer / "tmp").chmod(0o1777)
    programs = layer / "usr/local/bin"
    programs.mkdir(parents=True, exist_ok=True)
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for alias in ("python", "python3"):
        # no link: an environment made through one would look for its library beside it
        (programs / alias).write_text(f'#!/bin/sh\nexec /usr/local/here/bin/{name} "$@"\n')
        (programs / alias).chmod(0o755)


def _note(word: str, rest: str, image: Image) -> None:
    if word == "ENV":
        image.env |= {
            key: re.sub(r"\$(\w+)", lambda match: image.env.get(match[1], ""), value)
            for key, value in pairs(rest).items()
        }
    elif word == "WORKDIR":
        image.folder = rest
        (image.layer / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
    elif word == "USER":
        image.user = rest
    elif word == "CMD":
        image.command = words(rest)
    elif word == "HEALTHCHECK":
        image.healthcheck = words(rest)
    elif word not in {"ARG", "LABEL", "EXPOSE", "VOLUME"}:
        raise CannotRun(f"unknown step {word}")


def _take(found: Path, to: Path) -> None:
    """By links: what the next stage changes it writes anew."""
    if found.is_dir():
        shutil.copytree(found, to, symlinks=True, dirs_exist_ok=True, copy_function=os.link)
    else:
        os.link(found, to)


def _take_from_checkout(source: str, to: Path) -> None:
    """As the build's context has it: what is in the repository and .dockerignore lets pass."""
    files = [one for one in tracked() if one == source or one.startswith(f"{source}/")]
    rules = (ROOT / ".dockerignore").read_text().splitlines()
    seen = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    if not files or source not in seen:
        raise CannotRun(f"COPY {source}: not in the build's context")
    for one in files:
        into = to if one == source else to / Path(one).relative_to(source)
        into.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / one, into)
